//! What the parts of one group on this node share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use boxoffice_cluster_config::ids::{GroupId, NodeId};
use openraft::ServerState;
use openraft::async_runtime::WatchReceiver;
use parking_lot::{Mutex, RwLock};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::log::{GroupLog, Log};
use crate::meter::Meter;
use crate::options::Tuning;
use crate::peers::PeerClient;
use crate::progress::Progress;
use crate::queue::Queue;
use crate::read::ReadRounds;
use crate::sm::Surroundings;
use crate::snapshot::store::{Arriving, Store};
use crate::time::ClusterTime;
use crate::types::Raft;

/// How long a leader that somebody chose is left alone.
const STAY: Duration = Duration::from_secs(600);

/// Who leads a group, as this node knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leadership {
    /// The term this node is in.
    pub term: u64,
    /// The leader of that term, when known.
    pub leader: Option<NodeId>,
    /// Whether it is this node.
    pub is_leader: bool,
}

/// One group on this node. Outlives the openraft core inside, which may be reopened.
pub struct GroupCore {
    pub id: GroupId,
    pub node: NodeId,
    pub tuning: Tuning,
    /// Who begins the group when there is none yet; nobody on a node that joined later.
    pub founders: Vec<u64>,
    pub log: Log,
    pub group_log: GroupLog,
    pub progress: Arc<Progress>,
    pub snapshots: Arc<Store>,
    pub surroundings: Surroundings,
    pub peers: Arc<PeerClient>,
    pub time: Arc<ClusterTime>,
    pub queue: Arc<Queue>,
    pub reads: ReadRounds,
    /// Where work for this group runs.
    pub runtime: Handle,
    /// The snapshot that is being received; kept between attempts, so that they go on where the last one broke off.
    pub arriving: tokio::sync::Mutex<Option<Arriving>>,
    raft: RwLock<Option<Raft>>,
    leadership: watch::Sender<Leadership>,
    led_since: Mutex<Instant>,
    heard: Mutex<Option<Instant>>,
    cut_off: Mutex<BTreeMap<u64, Instant>>,
    /// The hand-over that is under way was asked for.
    by_hand: AtomicBool,
    /// Until then, whoever leads here leads on.
    stays_until: Mutex<Option<Instant>>,
    /// Entries after this one are kept in the log for whoever ships them.
    shipped: AtomicU64,
    reopened: AtomicU64,
    leader_changes: AtomicU64,
    /// Batches that this node put through the log as leader: how many, of how many commands, and how long until they were committed
    /// and applied here.
    pub batches: Meter,
    pub batched: AtomicU64,
}

/// What a group is made of.
pub struct Parts {
    pub id: GroupId,
    pub node: NodeId,
    pub tuning: Tuning,
    pub founders: Vec<u64>,
    pub surroundings: Surroundings,
    pub peers: Arc<PeerClient>,
    pub time: Arc<ClusterTime>,
    pub runtime: Handle,
}

impl GroupCore {
    pub fn new(parts: Parts) -> Self {
        let Parts { id, node, tuning, founders, surroundings, peers, time, runtime } = parts;
        let queue = Arc::new(Queue::new(tuning.waiting_max, tuning.batch_bytes_max, tuning.in_flight_batches));
        Self {
            id,
            node,
            founders,
            log: surroundings.log.clone(),
            group_log: surroundings.log.group(id.0),
            progress: surroundings.progress.clone(),
            snapshots: surroundings.snapshots.clone(),
            surroundings,
            peers,
            time,
            queue,
            reads: ReadRounds::default(),
            runtime,
            arriving: tokio::sync::Mutex::new(None),
            raft: RwLock::new(None),
            leadership: watch::Sender::new(Leadership::default()),
            led_since: Mutex::new(Instant::now()),
            heard: Mutex::new(None),
            cut_off: Mutex::new(BTreeMap::new()),
            by_hand: AtomicBool::new(false),
            stays_until: Mutex::new(None),
            reopened: AtomicU64::new(0),
            leader_changes: AtomicU64::new(0),
            shipped: AtomicU64::new(u64::MAX),
            batches: Meter::default(),
            batched: AtomicU64::new(0),
            tuning,
        }
    }

    /// Which life of the group this is.
    pub fn incarnation(&self) -> u64 {
        self.surroundings.life.incarnation()
    }

    /// Entries after this one are not purged while there is room on the disk; `u64::MAX` = nobody needs any.
    pub fn keep_after(&self, index: u64) {
        self.shipped.store(index, Relaxed);
    }

    /// See [`GroupCore::keep_after`].
    pub fn kept_after(&self) -> u64 {
        self.shipped.load(Relaxed)
    }

    /// The running core, if there is one.
    pub fn raft(&self) -> Option<Raft> {
        self.raft.read().clone()
    }

    /// Puts a core to work, or takes it away.
    pub fn set_raft(&self, raft: Option<Raft>) {
        *self.raft.write() = raft;
    }

    /// Counts a reopening after the core died.
    pub fn count_reopening(&self) -> u64 {
        self.reopened.fetch_add(1, Relaxed) + 1
    }

    /// How often the core died and was reopened.
    pub fn reopenings(&self) -> u64 {
        self.reopened.load(Relaxed)
    }

    /// How often another leader appeared.
    pub fn leader_changes(&self) -> u64 {
        self.leader_changes.load(Relaxed)
    }

    /// Who leads, now.
    pub fn leadership(&self) -> Leadership {
        *self.leadership.borrow()
    }

    /// Who leads, from now on.
    pub fn watch_leadership(&self) -> watch::Receiver<Leadership> {
        self.leadership.subscribe()
    }

    /// How long the present leadership lasts.
    pub fn calm_for(&self) -> Duration {
        self.led_since.lock().elapsed()
    }

    /// Takes over what the core says of its role.
    pub fn note_role(&self, raft: &Raft) {
        let receiver = raft.server_metrics();
        let metrics = receiver.borrow_watched();
        let is_leader = metrics.state == ServerState::Leader;
        let leader = metrics.current_leader.map(NodeId);
        let term = metrics.vote.leader_id.term;
        drop(metrics);
        self.set_leadership(Leadership { term, leader, is_leader });
    }

    /// The leader was heard of just now.
    pub fn note_contact(&self) {
        *self.heard.lock() = Some(Instant::now());
    }

    /// How long ago the leader was last heard of, or, on the leader, a quorum last answered. `None` if never since the start.
    pub fn contact_age(&self) -> Option<Duration> {
        let acked = self.leadership().is_leader.then(|| self.raft()).flatten().and_then(|raft| {
            let receiver = raft.metrics();
            let metrics = receiver.borrow_watched();
            metrics.last_quorum_acked.map(|acked| openraft::Instant::elapsed(&*acked))
        });
        acked.or_else(|| self.heard.lock().map(|heard| heard.elapsed()))
    }

    /// Nobody leads as far as this node knows.
    pub fn forget_leader(&self) {
        let term = self.leadership().term;
        self.set_leadership(Leadership { term, leader: None, is_leader: false });
    }

    fn set_leadership(&self, new: Leadership) {
        let changed = self.leadership.send_if_modified(|old| {
            let changed = *old != new;
            if new.leader.is_some() && (old.leader, old.term) != (new.leader, new.term) {
                self.leader_changes.fetch_add(1, Relaxed);
            }
            *old = new;
            changed
        });
        if changed {
            *self.led_since.lock() = Instant::now();
            self.queue.change_route();
        }
    }

    /// Keeps entries from a follower until then, so that the log can be purged and a snapshot sent instead.
    pub fn cut_off(&self, follower: u64, until: Instant) {
        self.cut_off.lock().insert(follower, until);
    }

    /// Whether a follower gets no entries at the moment.
    pub fn is_cut_off(&self, follower: u64) -> bool {
        let mut cut_off = self.cut_off.lock();
        if cut_off.is_empty() {
            return false;
        }
        match cut_off.get(&follower) {
            Some(until) if *until > Instant::now() => true,
            Some(_) => {
                cut_off.remove(&follower);
                false
            }
            None => false,
        }
    }

    /// Whether the hand-over that is under way was asked for.
    pub fn by_hand(&self, asked: bool) {
        self.by_hand.store(asked, Relaxed);
    }

    /// See [`Self::by_hand`].
    pub fn is_by_hand(&self) -> bool {
        self.by_hand.load(Relaxed)
    }

    /// Leadership was given to this node on purpose: it is not spread for a while.
    pub fn stay_put(&self) {
        *self.stays_until.lock() = Some(Instant::now() + STAY);
    }

    /// Whether leadership was given to this node on purpose lately.
    pub fn stays_put(&self) -> bool {
        self.stays_until.lock().is_some_and(|until| until > Instant::now())
    }

    /// Who votes, by the membership that this node has in its log; the founders before there is one.
    pub fn voters(&self) -> Vec<u64> {
        let in_log = |raft: Raft| -> BTreeSet<u64> {
            let metrics = raft.server_metrics();
            metrics.borrow_watched().membership_config.voter_ids().collect()
        };
        let voters = self.raft().map(in_log).unwrap_or_default();
        if voters.is_empty() { self.founders.clone() } else { voters.into_iter().collect() }
    }

    /// The voter that should lead this group when all are healthy: leaders are spread evenly. `None` while nobody votes.
    pub fn preferred_leader(&self) -> Option<u64> {
        let voters = self.voters();
        voters.get(self.id.0 as usize % voters.len().max(1)).copied()
    }
}
