//! A few hot seats, many who want them: hold, confirm, release, cancel, and look.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use base64::Engine as _;
use futures::future::BoxFuture;
use reqwest::Method;
use serde_json::{Value, json};

use super::Work;
use super::buyer::{Buyer, Outcome, Read, Shared, Write};
use super::setup::{self, Person};
use crate::check::Verdict;
use crate::client::Reply;
use crate::draw::Draw;

/// How long a hold lives here: the least that an event can say.
pub const HOLD_TTL_NS: u64 = 120_000_000_000;

/// How long an event is sold before the clients go on to the next one: what is left over there stays as it is.
const EVENT_LASTS: Duration = Duration::from_secs(60);

/// What is sold, and to whom.
pub struct Hall {
    /// The events' ids: one for each minute of the run.
    pub events: Vec<String>,
    /// How many seats each has.
    pub seats: u64,
    coordinator: String,
    /// Who books.
    pub people: Vec<Person>,
}

impl Work for Hall {
    fn event(&self) -> &str {
        &self.events[0]
    }

    fn client(self: Arc<Self>, shared: Arc<Shared>, number: u64, habits: Habits) -> BoxFuture<'static, ()> {
        Box::pin(self.sell(shared, number, habits))
    }

    fn end<'a>(&'a self, shared: &'a Arc<Shared>) -> BoxFuture<'a, anyhow::Result<Verdict>> {
        Box::pin(async move {
            let mut verdict = Verdict::default();
            let mut buyer = Buyer::new(shared, Draw::new(0), 1);
            for event in 0..self.events.len() {
                // One of the nodes may be gone for good.
                let mut tries = 0;
                while tries < LAST_LOOKS && self.look(&mut buyer, event).await.is_none_or(|reply| reply.status != 200) {
                    tries += 1;
                }
                if tries == LAST_LOOKS {
                    verdict.unknown.push("the seats could not be read in the end".into());
                }
            }
            Ok(verdict)
        })
    }
}

/// How often the seats are asked for in the end.
const LAST_LOOKS: u32 = 12;

/// How a client goes about it.
#[derive(Clone)]
pub struct Habits {
    /// Draws what it does.
    pub seed: u64,
    /// How often it sends every write.
    pub copies: u64,
    /// Between two turns, on average.
    pub pause: Duration,
    /// Says when to stop.
    pub stop: Arc<AtomicBool>,
}

impl Habits {
    /// Waits until the next turn.
    pub async fn rest(&self, draw: &mut Draw) {
        let jitter = draw.below(self.pause.as_millis() as u64 + 1);
        tokio::time::sleep(Duration::from_millis(jitter) + self.pause / 2).await;
    }
}

impl Hall {
    /// Puts everything on sale that a run of this length needs, and opens accounts for so many people.
    ///
    /// # Errors
    /// When it cannot be done.
    pub async fn open(shared: &Shared, seats: u64, people: u64, lasts: Duration) -> anyhow::Result<Self> {
        let coordinator = shared.cluster.token("coordinator", None)?;
        let mut events = Vec::new();
        for number in 0..=lasts.as_secs() / EVENT_LASTS.as_secs() {
            let name = format!("Hot Seats {number}");
            events.push(setup::event(&shared.cluster, &shared.http, &coordinator, &name, seats, 0).await?);
        }
        let mut found = Vec::new();
        for number in 0..people {
            found.push(setup::person(&shared.cluster, &shared.http, &format!("person-{number}")).await?);
        }
        Ok(Self { events, seats, coordinator, people: found })
    }

    /// One client, until it is told to stop. About one in four only looks.
    async fn sell(self: Arc<Self>, shared: Arc<Shared>, number: u64, habits: Habits) {
        let mut buyer = Buyer::new(&shared, Draw::of(habits.seed, "client", number), habits.copies);
        let person = &self.people[number as usize % self.people.len()];
        let (mut turn, since) = (0, Instant::now());
        while !habits.stop.load(Relaxed) {
            turn += 1;
            let event = self.on_sale(since.elapsed());
            if number % 4 == 3 {
                let _ = self.look(&mut buyer, event).await;
            } else {
                self.book(&mut buyer, person, event, format!("{number}-{turn}")).await;
            }
            habits.rest(&mut buyer.draw).await;
        }
    }

    /// The place of the event that is sold so long after the beginning.
    #[must_use]
    pub fn on_sale(&self, since: Duration) -> usize {
        (since.as_secs() / EVENT_LASTS.as_secs()) as usize % self.events.len()
    }

    /// Looks at all seats of an event, linearizably.
    pub async fn look(&self, buyer: &mut Buyer, event: usize) -> Option<Reply> {
        let path = format!("/event/{}/seat?consistency=linearizable", self.events[event]);
        let read = Read { f: "read", asked: json!({"event": event}), path: &path, token: None, absent: None };
        buyer.read(read, |reply| Some(json!({"states": states(&reply.body)?}))).await
    }

    /// One turn of somebody who books.
    pub async fn book(&self, buyer: &mut Buyer, person: &Person, event: usize, name: String) {
        let mut seats = vec![buyer.draw.below(self.seats)];
        let other = buyer.draw.below(self.seats);
        if buyer.draw.percent(20) && other != seats[0] {
            seats.push(other);
        }
        let path = format!("/event/{}/hold", self.events[event]);
        let write = |f: &'static str, asked: Value, method: Method, path: String, body: Value| Write {
            f,
            asked,
            method,
            path,
            key: format!("{f}-{name}"),
            body,
            token: if f == "void" { self.coordinator.clone() } else { person.token.clone() },
            if_match: None,
        };
        let asked = json!({"event": event, "seats": seats});
        let Some(held) = ask(buyer, write("hold", asked.clone(), Method::POST, path.clone(), json!({"seats": seats}))).await else {
            return;
        };
        let id = held["id"].as_str().unwrap_or_default();
        let (path, mut asked) = (format!("{path}/{id}"), asked);
        asked["hold"] = id.into();
        match buyer.draw.below(1000) {
            // Left to run out.
            0..3 => {}
            3..600 => {
                let pay = write("confirm", asked.clone(), Method::POST, format!("{path}/pay"), json!({"payment_method": "pm_test_ok"}));
                let Some(order) = ask(buyer, pay).await else { return };
                let path = format!("/order/{}/cancel", order["id"].as_str().unwrap_or_default());
                let _ = ask(buyer, write("void", asked, Method::POST, path, json!({"reason": "the seat is needed again"}))).await;
            }
            _ => {
                let _ = ask(buyer, write("release", asked, Method::DELETE, path, Value::Null)).await;
            }
        }
    }
}

/// Writes; gives what came of it, if it is a success.
async fn ask(buyer: &mut Buyer, write: Write) -> Option<Value> {
    match buyer.write(write.clone(), |reply| value(&write, reply)).await {
        Outcome::Reply(reply) => (reply.status < 300).then_some(reply.body),
        Outcome::Nothing | Outcome::Open => None,
    }
}

/// What the history says of an answer.
///
/// # Errors
/// Why it failed, and what is known of that.
pub fn value(write: &Write, reply: &Reply) -> Result<Value, (String, Value)> {
    let code = reply.code();
    match (write.f, reply.status) {
        ("hold", 201) => Ok(json!({"hold": reply.body["id"]})),
        ("confirm", 200 | 201) => Ok(json!({"order": reply.body["id"]})),
        ("release", 200 | 204) | ("void", 200 | 201) => Ok(json!({})),
        ("hold", 409) if code == "seat_unavailable" => {
            let conflicts = reply.body["conflicts"].as_array().into_iter().flatten();
            let seats: Vec<&Value> = conflicts.filter_map(|conflict| conflict.get("index")).collect();
            Err((code.to_owned(), json!({"conflicts": seats})))
        }
        (_, 409 | 410 | 404 | 422) => Err((code.to_owned(), Value::Null)),
        (f, status) => Err((format!("unexpected answer to {f}: {status} {code}"), Value::Null)),
    }
}

/// The states of all seats on a map: 0 free, 1 held, 2 sold. `None` when it is no map.
#[must_use]
pub fn states(map: &Value) -> Option<Vec<u64>> {
    unpack(map["states"].as_str()?, map["seats"].as_u64()?)
}

/// The states of so many seats, two bits each, in Base64.
#[must_use]
pub fn unpack(packed: &str, seats: u64) -> Option<Vec<u64>> {
    let packed = base64::engine::general_purpose::STANDARD.decode(packed).ok()?;
    let seat = |seat: usize| packed.get(seat / 4).map(|byte| u64::from(byte >> (seat % 4 * 2) & 3));
    (0..seats as usize).map(seat).collect()
}
