//! Seat maps that are watched while seats are sold: half of the clients book, the others watch, over sockets and streams, and go from
//! node to node with what they have. In the end every node is asked for the rest from where each watcher was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::Work;
use super::buyer::{Buyer, Shared};
use super::frames::{Frames, Known, Took};
use super::sale::read;
use super::seat::{Habits, Hall, states};
use crate::check::Verdict;
use crate::client::{Answer, Request};
use crate::draw::Draw;
use crate::history::Kind;
use crate::recorder::Details;
use crate::run::Plan;

/// Seats of an event.
const SEATS: u64 = 24;
/// How long a watcher stays at a node, at most.
const STAY: Duration = Duration::from_secs(6);
/// How long a map may take to follow once all is well.
const SETTLE: Duration = Duration::from_secs(30);
/// So many revisions that were seen are compared with what the ledger says that they were.
const COMPARED: usize = 60;

/// The hall, and where each watcher was.
pub struct Maps {
    hall: Arc<Hall>,
    cursors: Mutex<BTreeMap<(u64, usize), Known>>,
}

impl Maps {
    /// Puts everything on sale.
    ///
    /// # Errors
    /// When it cannot be done.
    pub async fn open(shared: &Shared, plan: &Plan) -> anyhow::Result<Self> {
        let hall = Arc::new(Hall::open(shared, SEATS, plan.clients.min(8), plan.time).await?);
        Ok(Self { hall, cursors: Mutex::default() })
    }

    async fn go(self: Arc<Self>, shared: Arc<Shared>, number: u64, habits: Habits) {
        let mut buyer = Buyer::new(&shared, Draw::of(habits.seed, "client", number), habits.copies);
        let (since, mut turn) = (Instant::now(), 0);
        while !habits.stop.load(Relaxed) {
            turn += 1;
            let event = self.hall.on_sale(since.elapsed());
            if number.is_multiple_of(2) {
                let person = &self.hall.people[number as usize % self.hall.people.len()];
                self.hall.book(&mut buyer, person, event, format!("{number}-{turn}")).await;
                habits.rest(&mut buyer.draw).await;
            } else {
                self.watch(&mut buyer, event, number, &habits).await;
            }
        }
    }

    /// Watches an event at one node for a while, from where this watcher was.
    async fn watch(&self, buyer: &mut Buyer, event: usize, number: u64, habits: &Habits) {
        let (shared, mut map) = (buyer.shared.clone(), self.cursor(number, event));
        let node = *buyer.draw.one(&shared.cluster.nodes());
        let until = tokio::time::Instant::now() + STAY / 4 + Duration::from_millis(buyer.draw.below(STAY.as_millis() as u64));
        let by_socket = buyer.draw.percent(50);
        let opened = Frames::open(&shared.cluster.url(node), &self.hall.events[event], map.rev, by_socket).await;
        let Ok(mut frames) = opened else { return tokio::time::sleep(Duration::from_millis(100)).await };
        while !habits.stop.load(Relaxed) {
            let patience = until.min(tokio::time::Instant::now() + Duration::from_millis(300));
            let Ok(next) = tokio::time::timeout_at(patience, frames.next()).await else {
                if tokio::time::Instant::now() >= until {
                    break;
                }
                continue;
            };
            let Ok(message) = next else { break };
            let before = map.rev;
            let took = map.take(&message);
            note(&shared, buyer.process, "frame", event, node, &message, before, &took, &map);
            if !matches!(took, Ok(Took::Up)) {
                if matches!(took, Ok(Took::Gap | Took::Resync)) {
                    map = Known::default();
                }
                break;
            }
        }
        self.cursors.lock().unwrap_or_else(PoisonError::into_inner).insert((number, event), map);
    }

    fn cursor(&self, number: u64, event: usize) -> Known {
        self.cursors.lock().unwrap_or_else(PoisonError::into_inner).get(&(number, event)).cloned().unwrap_or_default()
    }

    /// Watches from where somebody was until the map is the ledger's; notes what it was in the end, and what the ledger says.
    async fn catch_up(&self, shared: &Shared, node: u64, (number, event): (u64, usize)) -> anyhow::Result<()> {
        let (process, since) = (shared.next_process(), Instant::now());
        let mut map = self.cursor(number, event);
        let path = format!("/event/{}/seat?consistency=linearizable", self.hall.events[event]);
        let mut frames: Option<Frames> = None;
        loop {
            let known = states(&read(shared, &path, None).await?.body).context("the map has states")?;
            if known == map.states || since.elapsed() > SETTLE {
                let value = json!({"event": event, "node": node, "rev": map.rev, "states": map.states, "ledger": known});
                shared.recorder.note(process, Kind::Invoke, "caught", json!({"event": event, "node": node}), Details::default());
                shared.recorder.note(process, Kind::Ok, "caught", value, Details { node: Some(node), ..Details::default() });
                return Ok(());
            }
            let open = match frames.take() {
                Some(open) => Some(open),
                None => Frames::open(&shared.cluster.url(node), &self.hall.events[event], map.rev, number.is_multiple_of(2)).await.ok(),
            };
            let Some(mut open) = open else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            if let Ok(Ok(message)) = tokio::time::timeout(Duration::from_millis(500), open.next()).await {
                let before = map.rev;
                let took = map.take(&message);
                note(shared, process, "frame", event, node, &message, before, &took, &map);
                if !matches!(took, Ok(Took::Up)) {
                    continue;
                }
            }
            frames = Some(open);
        }
    }

    /// Asks the ledger what the map was at revisions that watchers have seen.
    async fn look_back(&self, shared: &Shared) {
        let mut seen: BTreeSet<(u64, u64)> = BTreeSet::new();
        for record in shared.recorder.records().iter().filter(|record| record.f == "frame" && record.kind == Kind::Ok) {
            seen.extend(record.value["event"].as_u64().zip(record.value["rev"].as_u64()));
        }
        let process = shared.next_process();
        let step = (seen.len() / COMPARED).max(1);
        for (event, rev) in seen.into_iter().step_by(step) {
            let id = &self.hall.events[event as usize];
            let Some(position) = super::setup::position_of(&shared.cluster, id).await else { continue };
            let path = format!("/event/{id}/seat?as_of={}:{rev}", position.group);
            for node in shared.cluster.nodes() {
                let base = shared.cluster.url(node);
                let Answer::Definite(reply) = shared.http.send(&Request { base: &base, path: &path, ..Request::default() }).await else {
                    continue;
                };
                // A node that began anew from a snapshot does not remember.
                let Some(known) = states(&reply.body).filter(|_| reply.status == 200) else { continue };
                let value = json!({"event": event, "rev": rev, "states": known});
                shared.recorder.note(process, Kind::Invoke, "as_of", json!({"event": event, "rev": rev}), Details::default());
                shared.recorder.note(process, Kind::Ok, "as_of", value, Details { node: Some(node), ..Details::default() });
                break;
            }
        }
    }
}

/// Notes a message and what it did.
#[allow(clippy::too_many_arguments)] // Everything that the checker needs to know of a message.
fn note(
    shared: &Shared,
    process: u64,
    f: &str,
    event: usize,
    node: u64,
    message: &Value,
    before: u64,
    took: &anyhow::Result<Took>,
    map: &Known,
) {
    let details = |error: Option<String>| Details { node: Some(node), error, position: None };
    shared.recorder.note(process, Kind::Invoke, f, json!({"event": event, "from": before}), details(None));
    let kind = &message["type"];
    match took {
        Ok(Took::Up) => {
            let value = json!({"event": event, "kind": kind, "prev": before, "rev": map.rev, "states": map.states});
            shared.recorder.note(process, Kind::Ok, f, value, details(None));
        }
        Ok(other) => {
            let value = json!({"event": event, "kind": kind, "prev": message["prev"], "rev": message["rev"]});
            shared.recorder.note(process, Kind::Fail, f, value, details(Some(format!("{other:?}").to_lowercase())));
        }
        Err(error) => {
            shared.recorder.note(process, Kind::Fail, f, message.clone(), details(Some(format!("unexpected message: {error}"))));
        }
    }
}

impl Work for Maps {
    fn event(&self) -> &str {
        self.hall.event()
    }

    fn client(self: Arc<Self>, shared: Arc<Shared>, number: u64, habits: Habits) -> BoxFuture<'static, ()> {
        Box::pin(self.go(shared, number, habits))
    }

    fn end<'a>(&'a self, shared: &'a Arc<Shared>) -> BoxFuture<'a, anyhow::Result<Verdict>> {
        Box::pin(async move {
            let known: Vec<(u64, usize)> = self.cursors.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect();
            let nodes = shared.cluster.nodes();
            for (turn, cursor) in known.into_iter().enumerate() {
                self.catch_up(shared, nodes[turn % nodes.len()], cursor).await?;
            }
            // Who comes anew, at every node, sees the same.
            for event in 0..self.hall.events.len() {
                for node in &nodes {
                    self.catch_up(shared, *node, (u64::MAX, event)).await?;
                }
            }
            self.look_back(shared).await;
            self.hall.end(shared).await
        })
    }
}
