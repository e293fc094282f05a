//! What people do at a box office, over HTTP: put an event on sale, hold, pay, look at tickets. The one place of the tests
//! that knows bodies and fields.

use std::time::{Duration, Instant};

use boxoffice::bench::{house, verify};
use serde_json::{Value, json};

use crate::http::{Client, PATIENCE, Reply, new_key};

/// The provider token of a card that pays.
pub const CARD_THAT_PAYS: &str = "pm_test_ok";

/// What is put on sale.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The event's name.
    pub name: String,
    /// How many seats.
    pub seats: u32,
    /// Price of each, in cents.
    pub price: u64,
    /// Tickets per user; 0 = any number.
    pub per_user_limit: u32,
    /// How long a hold lives, in seconds.
    pub hold_ttl_s: u64,
    /// Further fields of the event.
    pub more: Value,
}

impl Terms {
    /// A free event with so many seats.
    #[must_use]
    pub fn free(seats: u32) -> Self {
        Self { name: "An Evening of Tests".into(), seats, price: 0, per_user_limit: 0, hold_ttl_s: 480, more: json!({}) }
    }

    /// The same at a price.
    #[must_use]
    pub fn priced(self, price: u64) -> Self {
        Self { price, ..self }
    }
}

/// Creates a venue with a plan; gives its id.
pub async fn build_venue(coordinator: &Client, seats: u32) -> String {
    let venue = json!({"name": "Test Hall", "city": "Testville", "country": "DE", "time_zone": "Europe/Berlin"});
    let venue = coordinator.post("/venue", &venue).await.expect(201);
    let venue = id(&venue);
    let plan = coordinator.post(&format!("/venue/{venue}/plan"), &house::plan(seats)).await;
    assert!(matches!(plan.status, 200 | 201), "{}", plan.text);
    venue
}

/// The body that creates an event.
#[must_use]
pub fn event_body(venue: &str, terms: &Terms) -> Value {
    let mut body = json!({
        "name": terms.name, "description": "Made by a test.", "category": "test", "venue": venue,
        "starts_at": "2031-05-01T19:30:00Z", "currency": "EUR", "prices": [terms.price],
        "per_user_limit": terms.per_user_limit, "lapses_max": 0, "hold_ttl_s": terms.hold_ttl_s,
    });
    for (name, value) in terms.more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

/// Creates venue and event; gives the event's id once it is on sale.
pub async fn put_on_sale(coordinator: &Client, terms: &Terms) -> String {
    let venue = build_venue(coordinator, terms.seats).await;
    let event = post_until_done(coordinator, "/event", &new_key(), &event_body(&venue, terms)).await.expect(201);
    id(&event)
}

/// Asks to hold seats, by index.
pub async fn hold(buyer: &Client, event: &str, seats: &[u32]) -> Reply {
    buyer.post(&format!("/event/{event}/hold"), &json!({"seats": seats})).await
}

/// Asks once to hold seats, whatever the answer is.
///
/// # Errors
/// When no answer came.
pub async fn try_hold(buyer: &Client, event: &str, seats: &[u32]) -> reqwest::Result<Reply> {
    buyer.try_post(&format!("/event/{event}/hold"), &new_key(), &json!({"seats": seats})).await
}

/// Pays a hold with a card that pays, and waits for how it ends.
pub async fn pay(buyer: &Client, event: &str, hold: &str) -> Reply {
    pay_with(buyer, &format!("/event/{event}/hold/{hold}"), CARD_THAT_PAYS).await
}

/// Pays a hold or a cart, and waits for how it ends, or until the buyer has to go to their bank.
pub async fn pay_with(buyer: &Client, path: &str, method: &str) -> Reply {
    post_until_done(buyer, &format!("{path}/pay"), &new_key(), &json!({"payment_method": method})).await
}

/// Writes, and repeats it with the same key while the answer is that it is accepted and under way (202): on a slow machine a node may
/// have to answer before it is through. An answer that sends the buyer to their bank is an end, too.
///
/// # Panics
/// When it stays under way for too long.
pub async fn post_until_done(client: &Client, path: &str, key: &str, body: &Value) -> Reply {
    eventually(&format!("the end of POST {path}"), PATIENCE, async || {
        let reply = client.post_with(path, key, body).await;
        let is_under_way = reply.status == 202 && reply.body["next_action"]["url"].is_null();
        (!is_under_way).then_some(reply)
    })
    .await
}

/// Holds one seat and pays for it; gives the order.
pub async fn buy(buyer: &Client, event: &str, seat: u32) -> Value {
    let held = hold(buyer, event, &[seat]).await.expect(201);
    let paid = pay(buyer, event, &id(&held)).await;
    assert!(matches!(paid.status, 200 | 201), "{}", paid.text);
    paid.body
}

/// Writes with one key, at one node after another, until the outcome is definite.
///
/// # Panics
/// When it stays unknown for too long.
pub async fn insist(client: &Client, urls: &[String], path: &str, body: &Value) -> Reply {
    let key = new_key();
    let since = Instant::now();
    for url in urls.iter().cycle() {
        match client.moved_to(url).try_post(path, &key, body).await {
            Ok(reply) if !reply.is_retryable() => return reply,
            other => {
                assert!(since.elapsed() < PATIENCE, "POST {path} has no definite outcome: {other:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    unreachable!("the list of nodes is not empty")
}

/// An object's id.
///
/// # Panics
/// When it has none.
#[must_use]
pub fn id(object: &Value) -> String {
    object["id"].as_str().unwrap_or_else(|| panic!("no id in {object}")).to_owned()
}

/// The states of an event's seats at a node, with everything that was acknowledged anywhere: 0 free, 1 held, 2 sold, 3 not for sale.
pub async fn seat_states(client: &Client, event: &str, seats: u32) -> Vec<u8> {
    let map = client.get(&format!("/event/{event}/seat?consistency=linearizable")).await.expect(200);
    states_of(&map, seats)
}

/// The states of the seats of a map.
///
/// # Panics
/// When it does not hold them.
#[must_use]
pub fn states_of(map: &Value, seats: u32) -> Vec<u8> {
    verify::states(map, seats as usize).unwrap_or_else(|error| panic!("{error}: {map}"))
}

/// Every ticket that a user is shown, and whether the list says that it is complete; asks again for a while until it does.
pub async fn tickets(buyer: &Client) -> (Vec<Value>, bool) {
    let since = Instant::now();
    loop {
        let listed = tickets_now(buyer).await;
        if listed.1 || since.elapsed() > PATIENCE {
            return listed;
        }
    }
}

/// Page by page.
async fn tickets_now(buyer: &Client) -> (Vec<Value>, bool) {
    let mut found = Vec::new();
    let mut complete = true;
    let mut path = "/user/ticket?limit=100".to_owned();
    loop {
        let page = buyer.get(&path).await.expect(200);
        found.extend(page["data"].as_array().expect("a list").iter().cloned());
        complete &= page["complete"] != false;
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/user/ticket?limit=100&cursor={cursor}"),
            None => return (found, complete),
        }
    }
}

/// A group's line in a node's `/status`.
///
/// # Panics
/// When the node does not know the group.
#[must_use]
pub fn group(status: &Value, group: u32) -> &Value {
    let groups = status["groups"].as_array().unwrap_or_else(|| panic!("no groups in {status}"));
    groups.iter().find(|line| line["group"] == group).unwrap_or_else(|| panic!("no group {group} in {status}"))
}

/// Whether a node's `/status` says that it leads a group.
#[must_use]
pub fn leads(status: &Value, number: u32) -> bool {
    group(status, number)["role"] == "leader"
}

/// The index that a node has applied of a group, by its `/status`.
///
/// # Panics
/// When the status has none.
#[must_use]
pub fn applied(status: &Value, number: u32) -> u64 {
    group(status, number)["applied"].as_u64().expect("an index")
}

/// Checks that something can be done within a time: the quickest of some tries, for the machine may stall in any of them, and what
/// waits for something or is dear is slow in all.
///
/// # Panics
/// When every try takes longer; `what` says what was tried.
pub async fn is_quick(what: &str, within: Duration, mut attempt: impl AsyncFnMut()) {
    const TRIES: usize = 10;
    let mut quickest = Duration::MAX;
    for _ in 0..TRIES {
        let since = Instant::now();
        attempt().await;
        quickest = quickest.min(since.elapsed());
        if quickest < within {
            println!("{what} took {quickest:?}");
            return;
        }
    }
    panic!("{what} took {quickest:?} at best, of {within:?}");
}

/// Asks again and again until there is an answer.
///
/// # Panics
/// When there is none in time; `what` says what was waited for.
pub async fn eventually<T>(what: &str, patience: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(since.elapsed() < patience, "waited {patience:?} for: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
