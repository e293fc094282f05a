//! Clients: they hold, extend, release and buy hot seats through any node, read maps, and ask again with the same key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use boxoffice_api::backend::{Answer, Backend, Caller, Context, Failure, Freshness, Payment, Revision};
use boxoffice_cluster_config::request_tag::RequestTag;
use boxoffice_ledger::command::{Choice, Role};
use boxoffice_ledger::ids::{EventId, Request, RequestId, Slot, UserId};
use boxoffice_ledger::outcome::Rejection;
use boxoffice_ledger::plan::SeatIndex;
use tokio::time::sleep;

use super::clock::BEGIN_US;
use super::history::{Done, History, Op, Wish};
use super::rng::Rng;
use super::world::World;

/// Times a client asks again before it leaves a write open.
const TRIES: u32 = 6;
/// Seats of one hold, at most.
const SEATS_MAX: u64 = 3;
/// Holds that a client has at a time, at most.
const HOLDS_MAX: usize = 3;

/// One of them.
pub struct Client {
    world: Arc<World>,
    history: Arc<History>,
    rng: Rng,
    caller: Caller,
    events: Vec<EventId>,
    acknowledged: Vec<(Wish, Done)>,
    stop: Arc<AtomicBool>,
}

/// A call's frame.
#[must_use]
pub fn context(rng: &Rng, freshness: Freshness) -> Context {
    Context { deadline: Instant::now() + Duration::from_millis(rng.range(800, 5000)), freshness, from: None, request: RequestTag::NONE }
}

/// A key that nobody has used.
#[must_use]
pub fn fresh_request(rng: &Rng) -> Request {
    Request { id: RequestId(u128::from(rng.next()) << 64 | u128::from(rng.next())), fingerprint: 1 }
}

impl Client {
    /// Client number `number`.
    #[must_use]
    pub fn new(world: Arc<World>, history: Arc<History>, events: Vec<EventId>, number: u64, stop: Arc<AtomicBool>) -> Self {
        let rng = Rng::new(world.options.seed, &format!("client {number}"));
        let slot = Slot::new((rng.next() & 0xfff) as u16);
        let user = UserId::new(BEGIN_US / 1000, slot, u128::from(rng.next()));
        Self { world, history, rng, caller: Caller { user, role: Role::Customer }, events, acknowledged: Vec::new(), stop }
    }

    /// Goes on until it is told to stop.
    pub async fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(self.rng.range(1, self.world.options.think_ms))).await;
            match self.rng.below(100) {
                0..40 => self.hold().await,
                40..60 => self.finish().await,
                60..85 => self.read().await,
                _ => self.repeat().await,
            }
        }
    }

    fn event(&self) -> Option<EventId> {
        self.rng.pick(&self.events)
    }

    async fn hold(&mut self) {
        let Some(event) = self.event() else { return };
        if self.history.open_holds(self.caller.user).len() >= HOLDS_MAX {
            return self.finish().await;
        }
        let seats = u64::from(self.world.options.seats);
        let hot = if self.rng.per_mille(600) { seats.min(5) } else { seats };
        let mut chosen: Vec<_> = (0..self.rng.range(1, SEATS_MAX)).map(|_| SeatIndex(self.rng.below(hot) as u32)).collect();
        chosen.sort_unstable();
        chosen.dedup();
        self.write(Op::Hold(event, chosen)).await;
    }

    /// Does something with one of the holds.
    async fn finish(&mut self) {
        let open = self.history.open_holds(self.caller.user);
        let Some(held) = open.get(self.rng.below(open.len() as u64) as usize) else { return };
        let (event, hold) = (held.event, held.info.hold);
        let op = match self.rng.below(10) {
            0..4 => Op::Release(event, hold),
            4 => Op::Extend(event, hold),
            _ => Op::Pay(event, hold),
        };
        self.write(op).await;
    }

    async fn write(&mut self, op: Op) {
        let wish = Wish { user: self.caller.user, request: fresh_request(&self.rng), op, invoked_us: self.world.trace.now_us() };
        self.history.asked(&wish);
        if let Some(done) = settle(&self.world, &self.history, &self.rng, &wish, TRIES).await {
            self.acknowledged.push((wish, done));
        }
    }

    /// Reads a map that must show everything that was acknowledged before.
    async fn read(&mut self) {
        let Some((event, node)) = self.event().zip(self.rng.pick(&self.world.up())) else { return };
        let (asked_us, group) = (self.world.trace.now_us(), self.world.event_group(event).0);
        let known = self.history.acknowledged(group);
        let cx = context(&self.rng, Freshness::Linearizable);
        let read = self.world.ask(node, |backend| async move { backend.seat_map(cx, event).await }).await;
        let Some(Ok(read)) = read else { return };
        self.world.trace.note(&[11, node, read.revision.index]);
        if read.revision.index < known {
            let detail = format!("node {node} shows {}, entry {known} was acknowledged before", read.revision);
            self.world.trace.wrong("stale_read", detail);
        }
        self.history.read(event, &read.value.states, asked_us);
    }

    /// Asks again for what was acknowledged, with the same key: once more the same answer, and nothing else for another request.
    async fn repeat(&mut self) {
        let place = self.rng.below(self.acknowledged.len() as u64) as usize;
        let Some((mut wish, first)) = self.acknowledged.get(place).cloned() else { return };
        let is_other = self.rng.per_mille(200);
        wish.request.fingerprint += u64::from(is_other);
        let Some(node) = self.rng.pick(&self.world.up()) else { return };
        let second = attempt(&self.world, &self.rng, &wish, node).await;
        let wrong = |what: String| self.world.trace.wrong("key_two_outcomes", format!("{wish:?} got {first:?}, then {what}"));
        match second {
            Some(Ok((done, _))) if is_other || !agrees(&first, &done) => wrong(format!("{done:?}")),
            Some(Err(failure)) if !is_other && matches!(failure.clone().first(), Failure::Rejected(..)) => wrong(format!("{failure:?}")),
            _ => {}
        }
    }
}

/// Whether two answers to one request say the same.
fn agrees(first: &Done, second: &Done) -> bool {
    match (first, second) {
        (Done::Hold(one), Done::Hold(other)) => one.hold == other.hold && one.seats == other.seats,
        (Done::Paid(one), Done::Paid(other)) => one == other,
        (Done::Pending, _) => true,
        _ => false,
    }
}

/// Asks once. `None`: no answer came.
async fn attempt(world: &World, rng: &Rng, wish: &Wish, node: u64) -> Option<Answer<(Done, Revision)>> {
    let (cx, wish) = (context(rng, Freshness::Local), wish.clone());
    let answer = world.ask(node, |backend| async move { perform(backend.as_ref(), cx, wish).await }).await;
    // The answer gets lost on its way.
    answer.filter(|_| !rng.per_mille(20))
}

async fn perform(backend: &dyn Backend, cx: Context, wish: Wish) -> Answer<(Done, Revision)> {
    let (caller, request) = (Caller { user: wish.user, role: Role::Customer }, wish.request);
    let written = match wish.op {
        Op::Hold(event, seats) => backend.hold(cx, caller, request, event, Choice::Chosen { seats, areas: Vec::new() }, None, None).await?,
        Op::Extend(event, hold) => backend.extend_hold(cx, caller, request, event, hold).await?,
        Op::Release(event, hold) => backend.release_hold(cx, caller, request, event, hold).await?,
        Op::Pay(event, hold) => {
            let written = backend.pay(cx, caller, request, event, hold, "card".to_owned()).await?;
            let done = match written.value {
                Payment::Confirmed(confirmation) => Done::Paid(confirmation),
                Payment::Pending(_) => Done::Pending,
            };
            return Ok((done, written.revision));
        }
    };
    Ok((Done::Hold(written.value), written.revision))
}

/// Asks until there is an answer, at most so many times; what stays open is left to the history.
pub async fn settle(world: &World, history: &History, rng: &Rng, wish: &Wish, tries: u32) -> Option<Done> {
    let mut is_unknown = false;
    for _ in 0..tries {
        let answer = match rng.pick(&world.up()) {
            Some(node) => attempt(world, rng, wish, node).await,
            None => Some(Err(Failure::NoQuorum(0))),
        };
        match answer {
            Some(Ok((done, revision))) => {
                world.trace.note(&[7, revision.index]);
                history.answered(wish, &done, revision.group, revision.index);
                return Some(done);
            }
            None | Some(Err(Failure::Unknown)) => is_unknown = true,
            Some(Err(failure)) => {
                let first = failure.first();
                if let Failure::Rejected(Rejection::RequestReused, _) = first {
                    world.trace.wrong("key_two_outcomes", format!("{wish:?} is refused as another request with its key"));
                }
                let is_final =
                    matches!(first, Failure::Rejected(..) | Failure::Declined { .. } | Failure::Invalid(_) | Failure::NotFound(_));
                if is_final || (!is_unknown && rng.per_mille(300)) {
                    break;
                }
            }
        }
        sleep(Duration::from_millis(rng.range(5, 400))).await;
    }
    if is_unknown {
        // What was on its way may still arrive.
        history.leave_open(wish.clone());
    }
    None
}
