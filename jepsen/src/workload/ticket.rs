//! Tickets after their sale: bought, offered to others, taken back, accepted, and scanned at the gates with codes that are good and codes
//! that were given away; every one by several people at once, through any node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use futures::future::BoxFuture;
use reqwest::Method;
use serde_json::{Value, json};

use super::buyer::{Buyer, Outcome, Read, Shared, Write};
use super::sale::read;
use super::seat::{self, Habits};
use super::setup::{self, Person};
use super::{ValueOf, Work};
use crate::check::{Verdict, tickets};
use crate::client::Reply;
use crate::draw::Draw;
use crate::history::Kind;
use crate::recorder::Details;
use crate::run::Plan;

/// Most seats of the house.
const SEATS_MAX: u64 = 900;
/// Everybody is busy with the newest tickets only, so that they get into each other's way.
const HOT: usize = 4;
/// How long the lists of people's tickets may take to follow.
const SETTLE: Duration = Duration::from_secs(90);

/// The house, the people, and the tickets that are about.
pub struct Tickets {
    event: String,
    coordinator: String,
    people: Vec<Person>,
    about: Mutex<Vec<Known>>,
}

/// A ticket, as far as clients know it.
#[derive(Clone)]
struct Known {
    id: String,
    /// Codes that were seen, with their epochs.
    codes: Vec<(u64, String)>,
}

impl Tickets {
    /// Puts a house on sale whose doors are open now.
    ///
    /// # Errors
    /// When it cannot be done.
    pub async fn open(shared: &Shared, plan: &Plan) -> anyhow::Result<Self> {
        let (cluster, http) = (&shared.cluster, &shared.http);
        let coordinator = cluster.token("coordinator", None)?;
        let seats = ((plan.time.as_secs_f64() * plan.rate / 4.0) as u64).clamp(50, SEATS_MAX);
        let venue = setup::venue(cluster, http, &coordinator, "Open Doors", seats).await?;
        let mut body = setup::event_body("Open Doors", &venue, 0);
        body["starts_at"] = now().into();
        let event = setup::id(&setup::insist(cluster, http, Some(&coordinator), "/event", "event of tickets", &body).await?)?;
        let mut people = Vec::new();
        for number in 0..plan.clients.min(8) {
            people.push(setup::person(cluster, http, &format!("guest-{number}")).await?);
        }
        Ok(Self { event, coordinator, people, about: Mutex::default() })
    }

    async fn go(self: Arc<Self>, shared: Arc<Shared>, number: u64, habits: Habits) {
        let mut buyer = Buyer::new(&shared, Draw::of(habits.seed, "client", number), habits.copies);
        let mut turn = 0;
        while !habits.stop.load(Relaxed) {
            turn += 1;
            let (name, me) = (format!("{number}-{turn}"), buyer.draw.below(self.people.len() as u64));
            match self.pick(&mut buyer.draw) {
                Some(ticket) if !buyer.draw.percent(8) => self.handle(&mut buyer, me, &ticket, &name).await,
                _ => drop(self.buy(&mut buyer, me, &name).await),
            }
            habits.rest(&mut buyer.draw).await;
        }
    }

    /// One of the newest tickets.
    fn pick(&self, draw: &mut Draw) -> Option<Known> {
        let about = self.about.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = &about[about.len().saturating_sub(HOT)..];
        (!newest.is_empty()).then(|| draw.one(newest).clone())
    }

    async fn buy(&self, buyer: &mut Buyer, me: u64, name: &str) -> Option<()> {
        let path = format!("/event/{}/hold", self.event);
        let best = json!({"best": {"quantity": 1, "split": true}});
        let held = ask(buyer, self.write("hold", me, name, json!({}), Method::POST, path.clone(), best)).await?;
        let (hold, body) = (held["id"].as_str()?, json!({"payment_method": "pm_test_ok"}));
        let path = format!("{path}/{hold}/pay");
        let order = ask(buyer, self.write("confirm", me, name, json!({"hold": hold}), Method::POST, path, body)).await?;
        let ticket = order["tickets"][0].as_str()?.to_owned();
        // Nobody else knows it yet: this is how it begins.
        let path = format!("/user/ticket/{ticket}");
        let shown = read(&buyer.shared, &path, Some(&self.people[me as usize].token)).await.ok()?.body;
        let epoch = shown["epoch"].as_u64()?;
        let asked = json!({"ticket": ticket, "buyer": me, "epoch": epoch});
        let recorder = buyer.shared.recorder.clone();
        recorder.note(buyer.process, Kind::Invoke, "issued", asked, Details::default());
        recorder.note(buyer.process, Kind::Ok, "issued", json!({}), Details::default());
        let codes = shown["code"].as_str().map(|code| (epoch, code.to_owned())).into_iter().collect();
        self.about.lock().unwrap_or_else(PoisonError::into_inner).push(Known { id: ticket, codes });
        Some(())
    }

    async fn handle(&self, buyer: &mut Buyer, me: u64, ticket: &Known, name: &str) {
        let (id, count) = (ticket.id.as_str(), self.people.len() as u64);
        let path = format!("/user/ticket/{id}/transfer");
        match buyer.draw.below(100) {
            0..35 => self.look(buyer, me, id).await,
            35..55 => {
                let to = (me + 1 + buyer.draw.below(count - 1)) % count;
                let (asked, body) = (json!({"ticket": id, "by": me, "to": to}), json!({"to": format!("guest-{to}@example.com")}));
                let _ = ask(buyer, self.write("offer", me, name, asked, Method::POST, path, body)).await;
            }
            55..65 => {
                let asked = json!({"ticket": id, "by": me});
                let _ = ask(buyer, self.write("withdraw", me, name, asked, Method::DELETE, path, Value::Null)).await;
            }
            65..94 => {
                let (asked, path) = (json!({"ticket": id, "by": me}), format!("/user/transfer/{id}/accept"));
                let _ = ask(buyer, self.write("accept", me, name, asked, Method::POST, path, json!({}))).await;
            }
            _ if !ticket.codes.is_empty() => {
                let (epoch, code) = buyer.draw.one(&ticket.codes).clone();
                let gate = format!("Gate {}", buyer.draw.below(3));
                let body = json!({"code": code, "gate": gate, "nonce": name, "event": self.event});
                let asked = json!({"ticket": id, "epoch": epoch});
                let _ = ask(buyer, self.write("scan", me, name, asked, Method::POST, "/scan".into(), body)).await;
            }
            _ => {}
        }
    }

    /// Looks at a ticket, linearizably, and keeps its code if there is one.
    async fn look(&self, buyer: &mut Buyer, me: u64, ticket: &str) {
        let path = format!("/user/ticket/{ticket}");
        let asked = json!({"ticket": ticket, "by": me});
        let absent = Some(json!({"mine": false}));
        let look = Read { f: "read", asked, path: &path, token: Some(&self.people[me as usize].token), absent };
        let Some(reply) = buyer.read(look, seen).await else { return };
        let (Some(epoch), Some(code)) = (reply.body["epoch"].as_u64(), reply.body["code"].as_str()) else { return };
        let mut about = self.about.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = about.iter_mut().find(|known| known.id == ticket && known.codes.iter().all(|(seen, _)| *seen != epoch)) {
            known.codes.push((epoch, code.to_owned()));
        }
    }

    #[allow(clippy::too_many_arguments)] // One line a write at each caller, which is what matters.
    fn write(&self, f: &'static str, me: u64, name: &str, asked: Value, method: Method, path: String, body: Value) -> Write {
        let person = &self.people[me as usize].token;
        let token = if f == "scan" { self.coordinator.clone() } else { person.clone() };
        Write { f, asked, method, path, key: format!("{f}-{name}"), body, token, if_match: None }
    }

    /// What everybody has, and which seats are sold, once the lists have followed.
    async fn owned(&self, shared: &Shared) -> anyhow::Result<Value> {
        let since = Instant::now();
        loop {
            let mut lines = Vec::new();
            let mut is_whole = true;
            for (person, who) in self.people.iter().enumerate() {
                let mut path = format!("/user/ticket?limit=100&event={}", self.event);
                loop {
                    let page = read(shared, &path, Some(&who.token)).await?.body;
                    is_whole &= page["complete"] != false;
                    for ticket in page["data"].as_array().into_iter().flatten() {
                        is_whole &= ticket["pending"] != true;
                        if !["transferred", "void"].contains(&ticket["state"].as_str().unwrap_or_default()) {
                            lines.push(json!([person, ticket["id"], ticket["seat"]["index"]]));
                        }
                    }
                    let Some(next) = page["next_cursor"].as_str() else { break };
                    path = format!("/user/ticket?limit=100&event={}&cursor={next}", self.event);
                }
            }
            let map = read(shared, &format!("/event/{}/seat?consistency=linearizable", self.event), None).await?;
            let states = seat::states(&map.body).context("the map has states")?;
            let sold: Vec<u64> = (0..).zip(states).filter(|(_, state)| *state == 2).map(|(seat, _)| seat).collect();
            let seen = json!({"tickets": lines, "sold": sold});
            if (is_whole && tickets::wrong(&seen, &BTreeSet::new()).is_empty()) || since.elapsed() > SETTLE {
                return Ok(seen);
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

impl Work for Tickets {
    fn event(&self) -> &str {
        &self.event
    }

    fn client(self: Arc<Self>, shared: Arc<Shared>, number: u64, habits: Habits) -> BoxFuture<'static, ()> {
        Box::pin(self.go(shared, number, habits))
    }

    fn value(&self) -> ValueOf {
        value
    }

    fn end<'a>(&'a self, shared: &'a Arc<Shared>) -> BoxFuture<'a, anyhow::Result<Verdict>> {
        Box::pin(async move {
            let mut buyer = Buyer::new(shared, Draw::new(0), 1);
            let known: BTreeMap<String, Known> = {
                let about = self.about.lock().unwrap_or_else(PoisonError::into_inner);
                about.iter().map(|known| (known.id.clone(), known.clone())).collect()
            };
            for ticket in known.keys() {
                for me in 0..self.people.len() as u64 {
                    self.look(&mut buyer, me, ticket).await;
                }
            }
            let process = shared.next_process();
            shared.recorder.note(process, Kind::Invoke, "owned", json!({}), Details::default());
            let owned = self.owned(shared).await?;
            shared.recorder.note(process, Kind::Ok, "owned", owned, Details::default());
            Ok(Verdict::default())
        })
    }
}

async fn ask(buyer: &mut Buyer, write: Write) -> Option<Value> {
    match buyer.write(write.clone(), |reply| value(&write, reply)).await {
        Outcome::Reply(reply) => (reply.status < 300).then_some(reply.body),
        Outcome::Nothing | Outcome::Open => None,
    }
}

/// What the history says of an answer.
fn value(write: &Write, reply: &Reply) -> Result<Value, (String, Value)> {
    match (write.f, reply.status) {
        ("offer", 201) | ("withdraw", 204) | ("accept", 200) => Ok(json!({"epoch": reply.body["epoch"]})),
        ("scan", 200) => Ok(json!({"at": reply.body["at"]})),
        ("scan", 409) => Err(match reply.body["reason"].as_str() {
            Some(reason @ ("transferred" | "already_used" | "no_reentry")) => (reason.to_owned(), Value::Null),
            reason => (format!("unexpected refusal of a code that was good once: {reason:?}"), Value::Null),
        }),
        _ => seat::value(write, reply),
    }
}

/// What a look at a ticket says: a ticket that was given away is still shown to whoever had it, without a code.
fn seen(reply: &Reply) -> Option<Value> {
    let state = reply.body["state"].as_str()?;
    Some(match state {
        "transferred" => json!({"mine": false}),
        _ => json!({"mine": true, "epoch": reply.body["epoch"], "offered": state == "offered", "used": state == "checked_in"}),
    })
}

/// This moment, as a time in UTC.
fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, second) = (now / 86_400, now % 86_400);
    // Days since 1970 to a date: H. Hinnant, "chrono-compatible low-level date algorithms".
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    #[test]
    fn now_is_a_time() {
        let now = super::now();
        assert!(now.len() == 20 && now.starts_with("20") && now.ends_with('Z'), "{now}");
    }
}
