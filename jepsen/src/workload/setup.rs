//! What a workload needs before it begins: accounts, a venue, an event on sale.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::client::{Answer, Http, Reply, Request};
use crate::cluster::Cluster;
use crate::history::Position;

/// How long setting up may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their id.
    pub id: String,
    /// Speaks for them.
    pub token: String,
}

/// Writes until there is a definite answer, at one node after the other.
///
/// # Errors
/// When it is not a success.
pub async fn insist(cluster: &Cluster, http: &Http, token: Option<&str>, path: &str, key: &str, body: &Value) -> anyhow::Result<Reply> {
    let (since, nodes) = (Instant::now(), cluster.nodes());
    let mut last = String::new();
    let mut turn = 0;
    while since.elapsed() < PATIENCE {
        let base = cluster.url(nodes[turn % nodes.len()]);
        turn += 1;
        let method = reqwest::Method::POST;
        let request = Request { method, base: &base, path, token, key: Some(key), body: Some(body), ..Request::default() };
        match http.send(&request).await {
            Answer::Definite(reply) if (200..300).contains(&reply.status) => return Ok(reply),
            Answer::Definite(reply) => bail!("POST {path}: {} {}", reply.status, reply.body),
            Answer::Again(why) | Answer::Unknown(why) => last = why,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("POST {path}: no definite answer in time; last {last}")
}

/// Opens an account.
///
/// # Errors
/// When it cannot be done.
pub async fn person(cluster: &Cluster, http: &Http, name: &str) -> anyhow::Result<Person> {
    let email = format!("{name}@example.com");
    let account = json!({"email": email, "name": name, "password": "correct horse battery"});
    let id = id(&insist(cluster, http, None, "/user", &format!("open {name}"), &account).await?)?;
    // Good for the whole run, unlike a session's.
    let token = cluster.token("customer", Some(&id))?;
    Ok(Person { id, token })
}

/// An event with one row of so many seats, on sale.
///
/// # Errors
/// When it cannot be made.
pub async fn event(cluster: &Cluster, http: &Http, coordinator: &str, name: &str, seats: u64, price: u64) -> anyhow::Result<String> {
    let venue = venue(cluster, http, coordinator, name, seats).await?;
    let body = event_body(name, &venue, price);
    id(&insist(cluster, http, Some(coordinator), "/event", &format!("event {name}"), &body).await?)
}

/// A house with one row of so many seats; gives its id.
///
/// # Errors
/// When it cannot be made.
pub async fn venue(cluster: &Cluster, http: &Http, coordinator: &str, name: &str, seats: u64) -> anyhow::Result<String> {
    let by = Some(coordinator);
    let venue = json!({"name": format!("{name} Hall"), "city": "Testville", "country": "DE", "time_zone": "Europe/Berlin"});
    let venue = id(&insist(cluster, http, by, "/venue", &format!("venue {name}"), &venue).await?)?;
    insist(cluster, http, by, &format!("/venue/{venue}/plan"), &format!("plan {name}"), &plan(seats)).await?;
    Ok(venue)
}

/// What makes an event of years from now, at this price.
#[must_use]
pub fn event_body(name: &str, venue: &str, price: u64) -> Value {
    json!({
        "name": name, "category": "test", "venue": venue, "starts_at": "2031-05-01T19:30:00Z", "currency": "EUR", "prices": [price],
        "per_user_limit": 0, "lapses_max": 0, "hold_ttl_s": 120,
    })
}

/// As of which entry an event's seats are, at the first node that tells.
pub async fn position_of(cluster: &Cluster, event: &str) -> Option<Position> {
    let http = Http::new().ok()?;
    for node in cluster.nodes() {
        let (base, path) = (cluster.url(node), format!("/event/{event}/seat"));
        let request = Request { base: &base, path: &path, ..Request::default() };
        if let Answer::Definite(Reply { position: Some(position), .. }) = http.send(&request).await {
            return Some(position);
        }
    }
    None
}

/// The id of what was made.
///
/// # Errors
/// When it has none.
pub fn id(reply: &Reply) -> anyhow::Result<String> {
    Ok(reply.body["id"].as_str().context("what is made has an id")?.to_owned())
}

/// A hall of one row, in the pretix layout.
fn plan(seats: u64) -> Value {
    let place = |seat: u64| {
        let (number, id) = ((seat + 1).to_string(), seat.to_string());
        json!({"seat_number": number, "seat_guid": id, "uuid": id, "position": {"x": seat * 20, "y": 0}, "category": "Standard"})
    };
    let places: Vec<Value> = (0..seats).map(place).collect();
    json!({
        "name": "Hall", "size": {"width": 2000, "height": 2000}, "categories": [{"name": "Standard", "color": "#4a6fa5"}],
        "zones": [{"name": "H", "zone_id": "H", "position": {"x": 0, "y": 0}, "areas": [],
                   "rows": [{"row_number": "1", "row_number_position": "both", "position": {"x": 0, "y": 0}, "seats": places}]}]
    })
}
