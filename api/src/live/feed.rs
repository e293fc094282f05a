//! One watched event: the queue that apply fills, the map that the ticker carries forward, the ring that resumes read.
//!
//! Nothing is queued for a reader. It knows the revision that it has seen; when it is ready for more it takes the newest delta if
//! that follows on, else one from its revision to the newest, which readers at the same revision share. Who reads slowly gets fewer
//! and larger messages, and costs no memory meanwhile.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use boxoffice_ledger::change::Change;
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::outcome::SaleState;
use boxoffice_ledger::plan::{AreaIndex, SeatIndex};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::map::{Counts, Difference, Map, Repriced};
use crate::backend::{Answer, Revision, SeatMap};
use crate::json;

/// Changes that may wait for the next tick; past that the map is taken anew.
pub const QUEUE_MAX: usize = 100_000;
/// Deltas that a resume can be served from, and seats in all of them.
const RING_DELTAS_MAX: usize = 600;
const RING_SEATS_MAX: usize = 100_000;
/// Deltas to the newest revision that are kept encoded, by the revision that they start from.
const OLDER_MAX: usize = 64;
/// How long a reader who has seen more than this node waits for it to catch up.
const CATCH_UP: Duration = Duration::from_secs(2);
/// Tells a reader to start over.
const RESYNC: &str = "{\"type\":\"resync\"}";

/// A map from the backend, with its revision.
pub type Loaded = (Revision, SeatMap);

/// A change of an event's map.
#[derive(Debug)]
pub enum Item {
    /// Seats moved to a state (two bits).
    Seats(Vec<SeatIndex>, u8),
    /// An area's counts.
    Area(AreaIndex, Counts),
    /// The sale moved.
    Sale(SaleState),
    /// The price of a level changed.
    Price(Repriced),
}

impl Item {
    /// The event whose map a change belongs to, if it belongs to one.
    pub fn event_of(change: &Change) -> Option<EventId> {
        match change {
            Change::Seats { event, .. } | Change::Area { event, .. } | Change::Sale { event, .. } | Change::Price { event, .. } => {
                Some(*event)
            }
            _ => None,
        }
    }

    /// The map's part of a change.
    pub fn of(change: &Change) -> Option<Self> {
        match change {
            Change::Seats { seats, state, .. } => Some(Self::Seats(seats.clone(), state.two_bits())),
            Change::Area { area, available, held, sold, .. } => Some(Self::Area(*area, [*available, *held, *sold])),
            Change::Sale { state, .. } => Some(Self::Sale(*state)),
            Change::Price { level, change, .. } => Some(Self::Price(Repriced {
                level: level.0,
                version: change.version,
                from: change.from,
                to: change.to,
                cause: json::price_cause(&change.cause),
            })),
            _ => None,
        }
    }
}

/// A message; its text is shared by all readers who get the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its revision.
    pub rev: u64,
    /// Its type: "snapshot", "delta" or "resync".
    pub kind: &'static str,
    /// Its JSON.
    pub text: Utf8Bytes,
}

/// The newest message, as readers see it.
#[derive(Clone, Debug, Default)]
struct Newest {
    /// Counts the times that the event's history was replaced by an older one.
    history: u64,
    /// The revision that the message follows on.
    prev: u64,
    /// The revision that it leads to.
    rev: u64,
    /// The delta between the two.
    delta: Utf8Bytes,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<(u64, Item)>,
    /// Something was lost or replaced: the map must be taken anew.
    stale: bool,
}

struct Delta {
    prev: u64,
    rev: u64,
    difference: Difference,
}

#[derive(Default)]
struct State {
    group: Option<u32>,
    history: u64,
    rev: u64,
    /// When `rev` was sent.
    sent: Option<Instant>,
    map: Option<Map>,
    ring: VecDeque<Delta>,
    ring_seats: usize,
    /// The newest revision that a waiting reader has seen elsewhere, and until when it waits: say how far this node is,
    /// even if nothing changed.
    wanted: Option<(u64, Instant)>,
    /// The snapshot at `rev`, once someone asked for it.
    snapshot: Option<Utf8Bytes>,
    /// Deltas to `rev` from earlier revisions, once someone asked for them.
    older: BTreeMap<u64, Utf8Bytes>,
}

impl State {
    /// Whether a reader waits for a revision after this one.
    fn waits_past(&self, rev: u64) -> bool {
        self.wanted.is_some_and(|(wanted, until)| wanted > rev && Instant::now() < until)
    }
}

/// One watched event.
pub struct Feed {
    /// Which.
    pub event: EventId,
    queue: Mutex<Queue>,
    state: Mutex<State>,
    newest: watch::Sender<Newest>,
    loading: tokio::sync::Mutex<()>,
    refreshing: AtomicBool,
    idle: AtomicU32,
}

impl Feed {
    /// A feed that has no map yet.
    pub fn new(event: EventId) -> Self {
        Self {
            event,
            queue: Mutex::default(),
            state: Mutex::default(),
            newest: watch::Sender::default(),
            loading: tokio::sync::Mutex::const_new(()),
            refreshing: AtomicBool::new(false),
            idle: AtomicU32::new(0),
        }
    }

    /// Its group, once it has a map.
    pub fn group(&self) -> Option<u32> {
        self.state.lock().group
    }

    /// Queues a change; on the apply path.
    pub fn push(&self, index: u64, item: Item) {
        let mut queue = self.queue.lock();
        if queue.items.len() < QUEUE_MAX {
            queue.items.push_back((index, item));
        } else {
            queue.items.clear();
            queue.stale = true;
        }
    }

    /// Its group's state was replaced.
    pub fn reset(&self, group: u32) {
        if self.group().is_none_or(|own| own == group) {
            self.queue.lock().stale = true;
        }
    }

    /// Sees to it that there is a map; the first one to come loads it for all.
    pub async fn loaded<F: Future<Output = Answer<Loaded>>>(&self, load: impl FnOnce() -> F) -> Answer<()> {
        if self.group().is_some() {
            return Ok(());
        }
        let _first = self.loading.lock().await;
        if self.group().is_none() {
            let (revision, map) = load().await?;
            let mut state = self.state.lock();
            state.group = Some(revision.group);
            state.rev = revision.index;
            state.map = Some(Map::new(&map));
            self.newest.send_modify(|newest| (newest.prev, newest.rev) = (state.rev, state.rev));
        }
        Ok(())
    }

    /// How many watch.
    pub fn readers(&self) -> usize {
        self.newest.receiver_count()
    }

    /// Carries the map forward to what was applied, and sends the difference, unless the last was sent less than `apart` ago. Gives
    /// whether the map must be taken anew.
    pub fn advance(&self, applied: u64, apart: Duration) -> bool {
        if self.readers() > 0 {
            self.idle.store(0, Ordering::Relaxed);
        } else {
            self.idle.fetch_add(1, Ordering::Relaxed);
        }
        let mut state = self.state.lock();
        if state.map.is_none() || self.refreshing.load(Ordering::SeqCst) {
            return false; // What is queued meanwhile is looked at once the map is there.
        }
        if state.sent.is_some_and(|sent| sent.elapsed() < apart) && !state.waits_past(state.rev) {
            return false;
        }
        let items: Vec<(u64, Item)> = {
            let mut queue = self.queue.lock();
            if queue.stale {
                return true;
            }
            let whole = queue.items.iter().take_while(|(index, _)| *index <= applied).count();
            queue.items.drain(..whole).collect()
        };
        let prev = state.rev;
        let fresh = || items.iter().filter(|(index, _)| *index > prev); // The map had the others when it was taken.
        let last = fresh().next_back().map_or(prev, |(index, _)| *index);
        let waiting = state.waits_past(last);
        let rev = if waiting { last.max(applied) } else { last };
        let mut difference = Difference::default();
        if let Some(map) = &mut state.map {
            fresh().for_each(|(_, item)| map.apply(item, &mut difference));
        }
        self.send(&mut state, rev, difference);
        // Entries that change nothing are not published: only the backend knows how far past them this node is.
        waiting && state.waits_past(state.rev)
    }

    /// Whether the caller should take the map anew: not if someone else is at it.
    pub fn begin_refresh(&self) -> bool {
        let first = !self.refreshing.swap(true, Ordering::SeqCst);
        if first {
            // Before the map is read: a loss or replacement after this asks for another round.
            self.queue.lock().stale = false;
        }
        first
    }

    /// Takes over a map that was taken anew, and sends the difference; asks for another round if it could not be had.
    pub fn end_refresh(&self, loaded: Answer<Loaded>) {
        match loaded {
            Ok((revision, map)) => self.refresh(revision, &map),
            Err(_) => self.queue.lock().stale = true,
        }
        self.refreshing.store(false, Ordering::SeqCst);
    }

    fn refresh(&self, revision: Revision, map: &SeatMap) {
        let mut state = self.state.lock();
        let Some(known) = &mut state.map else { return };
        let difference = known.replace(map);
        if revision.index >= state.rev {
            return self.send(&mut state, revision.index, difference);
        }
        // History was replaced by an older one: whoever watches must start over.
        let (rev, history) = (revision.index, state.history + 1);
        *state = State { group: state.group, history, rev, map: state.map.take(), ..State::default() };
        self.newest.send_replace(Newest { history, prev: rev, rev, delta: Utf8Bytes::default() });
    }

    /// Sends what changed up to `rev`, if anything did or if someone waits for a later revision than the last.
    fn send(&self, state: &mut State, rev: u64, difference: Difference) {
        let prev = state.rev;
        if rev == prev || (difference.is_empty() && !state.waits_past(prev)) {
            return;
        }
        let Some(map) = &state.map else { return };
        let delta: Utf8Bytes = map.delta(prev, rev, &difference).into();
        state.rev = rev;
        state.sent = Some(Instant::now());
        state.snapshot = None;
        state.older.clear();
        state.ring_seats += difference.seats.len();
        state.ring.push_back(Delta { prev, rev, difference });
        while state.ring.len() > RING_DELTAS_MAX || state.ring_seats > RING_SEATS_MAX {
            let Some(oldest) = state.ring.pop_front() else { break };
            state.ring_seats -= oldest.difference.seats.len();
        }
        self.newest.send_replace(Newest { history: state.history, prev, rev, delta });
    }

    /// Ticks since someone watched.
    pub fn idle_ticks(&self) -> u32 {
        self.idle.load(Ordering::Relaxed)
    }

    /// Watches from `since` on, or from a snapshot when that is too old, unknown or not given.
    pub async fn subscribe(self: &Arc<Self>, since: Option<u64>) -> Subscription {
        let deadline = Instant::now() + CATCH_UP;
        let mut newest = self.newest.subscribe();
        loop {
            {
                let mut state = self.state.lock();
                if since.is_none_or(|since| since <= state.rev) || Instant::now() >= deadline {
                    let seen = since.filter(|&since| since <= state.rev);
                    return Subscription { feed: Arc::clone(self), history: state.history, seen, newest };
                }
                let wanted = state.wanted.map_or(0, |(wanted, _)| wanted).max(since.unwrap_or(0));
                state.wanted = Some((wanted, deadline));
                newest.mark_unchanged();
            }
            let _ = timeout_at(deadline, newest.changed()).await;
        }
    }

    /// What a reader lacks who has seen this much of a history: one delta, or the whole map if the ring does not reach back so far.
    fn after(&self, history: u64, seen: Option<u64>) -> Option<Frame> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let (rev, map) = (state.rev, state.map.as_ref()?);
        if state.history != history || seen == Some(rev) {
            return None;
        }
        let Some(seen) = seen.filter(|&seen| seen < rev && state.ring.front().is_some_and(|oldest| oldest.prev <= seen)) else {
            let text = state.snapshot.get_or_insert_with(|| map.snapshot(rev).into()).clone();
            return Some(Frame { rev, kind: "snapshot", text });
        };
        if let Some(text) = state.older.get(&seen) {
            return Some(Frame { rev, kind: "delta", text: text.clone() });
        }
        let mut difference = Difference::default();
        state.ring.iter().filter(|delta| delta.rev > seen).for_each(|delta| difference.extend(&delta.difference));
        let text: Utf8Bytes = map.delta(seen, rev, &difference).into();
        if state.older.len() < OLDER_MAX {
            state.older.insert(seen, text.clone());
        }
        Some(Frame { rev, kind: "delta", text })
    }
}

/// Someone who watches an event.
pub struct Subscription {
    feed: Arc<Feed>,
    history: u64,
    /// The revision that it has; none before its snapshot.
    seen: Option<u64>,
    newest: watch::Receiver<Newest>,
}

impl Subscription {
    /// The next message. Can be given up at any point without losing one.
    pub async fn next(&mut self) -> Frame {
        loop {
            let newest = self.newest.borrow_and_update().clone();
            if newest.history != self.history {
                (self.history, self.seen) = (newest.history, None);
                return Frame { rev: newest.rev, kind: "resync", text: Utf8Bytes::from_static(RESYNC) };
            }
            let frame = match self.seen {
                Some(seen) if seen == newest.prev && seen < newest.rev => {
                    Some(Frame { rev: newest.rev, kind: "delta", text: newest.delta })
                }
                seen => self.feed.after(self.history, seen),
            };
            if let Some(frame) = frame {
                self.seen = Some(frame.rev);
                return frame;
            }
            if self.newest.changed().await.is_err() {
                // The feed holds the sender, and this holds the feed.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Starts over, from `since` on or from a snapshot.
    pub async fn restart(&mut self, since: Option<u64>) {
        *self = self.feed.subscribe(since).await;
    }
}
