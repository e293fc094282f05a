//! Live seat maps: the node publishes changes as it applies them; sockets and streams of this node see them.
//!
//! ```text
//! apply -> publish -> queue of a watched event -- every 100 ms --> one JSON text -> sockets, streams: as fast as each reads
//!                     (nobody watches: one atomic load)            ring of deltas, current map
//! ```
//! With many readers the tick stretches ([`A_READER`] each), so that sending leaves the processors time for bookings; a first change
//! after a rest is sent at once.
//!
//! A watched event has a [`Feed`]: its map at a revision, taken whole from the backend once and carried forward by what is
//! published. Snapshots come from the feed, so that they and the deltas that follow fit together without a gap.

mod feed;
mod map;
mod socket;
mod stream;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use boxoffice_cluster_config::request_tag::RequestTag;
use boxoffice_ledger::change::Change;
use boxoffice_ledger::ids::EventId;
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::backend::{Answer, Backend, Context, Failure, Freshness};
use crate::marks::Marks;
use feed::{Feed, Item, Subscription};

pub use socket::live;
pub use stream::stream;

/// Groups whose progress is tracked; a cluster has a few dozen.
const GROUPS_MAX: usize = 256;
/// How often changes are sent, at most.
const TICK: Duration = Duration::from_millis(100);
/// What a reader adds to the least time between two deltas of an event: 10,000 readers get one every 400 ms.
const A_READER: Duration = Duration::from_micros(40);
/// Ticks without anyone watching after which an event's feed is dropped.
const IDLE_TICKS: u32 = 100;
/// Events of groups without a replica here are looked at every so many ticks.
const POLL_TICKS: u32 = 10;
/// How long loading a map may take.
const LOAD_DEADLINE: Duration = Duration::from_secs(3);

/// Where the node's changes meet the sockets.
pub struct Hub {
    backend: OnceLock<Arc<dyn Backend>>,
    /// How many feeds there are: all that the apply path looks at while nobody watches.
    watched: AtomicUsize,
    feeds: RwLock<HashMap<EventId, Arc<Feed>>>,
    /// The last index published, by group; 0 = none yet (no replica here, or a snapshot was just installed).
    applied: Vec<AtomicU64>,
    /// What changed, for pages that are kept.
    marks: Marks,
    ticking: AtomicBool,
    draining: watch::Sender<bool>,
}

impl Hub {
    /// A hub without a backend yet, so that the node's machines can be given one before the backend exists.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            backend: OnceLock::new(),
            watched: AtomicUsize::new(0),
            feeds: RwLock::default(),
            applied: (0..GROUPS_MAX).map(|_| AtomicU64::new(0)).collect(),
            marks: Marks::default(),
            ticking: AtomicBool::new(false),
            draining: watch::Sender::new(false),
        })
    }

    /// Gives the hub the backend that it takes whole maps from. The first one stays.
    pub fn bind(&self, backend: Arc<dyn Backend>) {
        let _ = self.backend.set(backend);
    }

    /// What one applied entry of a group did: all its changes in one call, in order of index, on the apply path of every
    /// replica, once the entry's effects can be read. Entries without changes need not be published. Never
    /// waits for anything but a short lock; while nobody watches an
    /// event it costs two atomic operations.
    pub fn publish(&self, group: u32, index: u64, changes: &[Change]) {
        if self.watched.load(Ordering::SeqCst) > 0 {
            let feeds = self.feeds.read();
            for change in changes {
                if let Some(feed) = Item::event_of(change).and_then(|event| feeds.get(&event))
                    && let Some(item) = Item::of(change)
                {
                    feed.push(index, item);
                }
            }
        }
        self.marks.note(changes);
        // After the changes: what is queued up to this index is whole entries.
        if let Some(applied) = self.applied.get(group as usize) {
            applied.store(index, Ordering::SeqCst);
        }
    }

    /// A group's state was replaced by a snapshot: its maps are taken anew and the difference is sent.
    pub fn reset(&self, group: u32) {
        if let Some(applied) = self.applied.get(group as usize) {
            applied.store(0, Ordering::SeqCst);
        }
        self.marks.everything();
        for feed in self.feeds.read().values() {
            feed.reset(group);
        }
    }

    /// How often the pages of events were looked at here since the last call.
    pub fn take_views(&self) -> Vec<(EventId, u32)> {
        self.marks.take_views()
    }

    /// What changed, for pages that are kept.
    pub(crate) fn marks(&self) -> &Marks {
        &self.marks
    }

    /// The last published index of a group; 0 when nothing is known of it here.
    #[must_use]
    pub fn published(&self, group: u32) -> u64 {
        self.applied.get(group as usize).map_or(0, |at| at.load(Ordering::SeqCst))
    }

    /// Tells everyone who is connected to go elsewhere.
    pub fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// Tells when the node goes away.
    pub(crate) fn drained(&self) -> Drained {
        Drained(self.draining.subscribe())
    }

    /// Watches an event from a revision on (`None`: from a snapshot).
    async fn subscribe(self: &Arc<Self>, event: EventId, since: Option<u64>) -> Answer<Subscription> {
        let feed = self.feed(event);
        self.start();
        feed.loaded(|| self.load(event)).await?;
        Ok(feed.subscribe(since).await)
    }

    fn feed(&self, event: EventId) -> Arc<Feed> {
        if let Some(feed) = self.feeds.read().get(&event) {
            return Arc::clone(feed);
        }
        let mut feeds = self.feeds.write();
        let feed = feeds.entry(event).or_insert_with(|| {
            self.watched.fetch_add(1, Ordering::SeqCst);
            Arc::new(Feed::new(event))
        });
        Arc::clone(feed)
    }

    async fn load(&self, event: EventId) -> Answer<feed::Loaded> {
        let backend = self.backend.get().ok_or(Failure::Overloaded(1_000))?;
        let cx = Context { deadline: Instant::now() + LOAD_DEADLINE, freshness: Freshness::Local, from: None, request: RequestTag::NONE };
        let read = backend.seat_map(cx, event).await?;
        Ok((read.revision, read.value))
    }

    fn start(self: &Arc<Self>) {
        if !self.ticking.swap(true, Ordering::SeqCst) {
            tokio::spawn(tick(Arc::downgrade(self)));
        }
    }

    /// One round over all feeds: sends what changed, takes maps anew where that is needed, drops feeds nobody watches.
    fn round(self: &Arc<Self>, number: u32) {
        let feeds: Vec<Arc<Feed>> = self.feeds.read().values().cloned().collect();
        let readers: usize = feeds.iter().map(|feed| feed.readers()).sum();
        let apart = A_READER.saturating_mul(u32::try_from(readers).unwrap_or(u32::MAX));
        let mut idle = Vec::new();
        for feed in feeds {
            let applied = feed.group().map_or(0, |group| self.published(group));
            let stale = feed.advance(applied, apart) || (applied == 0 && number.is_multiple_of(POLL_TICKS));
            if stale && feed.begin_refresh() {
                let hub = Arc::clone(self);
                let feed = Arc::clone(&feed);
                tokio::spawn(async move { feed.end_refresh(hub.load(feed.event).await) });
            }
            if feed.idle_ticks() >= IDLE_TICKS {
                idle.push(feed.event);
            }
        }
        for event in idle {
            let mut feeds = self.feeds.write();
            // Whoever is about to subscribe holds the feed already.
            if feeds.get(&event).is_some_and(|feed| Arc::strong_count(feed) == 1) {
                feeds.remove(&event);
                self.watched.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
}

/// Tells when the node goes away.
pub(crate) struct Drained(watch::Receiver<bool>);

impl Drained {
    /// Ends when the node goes away.
    pub(crate) async fn wait(&mut self) {
        // An error means that the hub is gone, and the node with it.
        let _ = self.0.wait_for(|drained| *drained).await;
    }
}

async fn tick(hub: Weak<Hub>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    for number in 0_u32.. {
        interval.tick().await;
        match hub.upgrade() {
            Some(hub) => hub.round(number),
            None => return,
        }
    }
}

#[cfg(test)]
mod tests;
