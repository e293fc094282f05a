//! A cluster in one process: nodes on runtimes of their own, joined by calls that can be cut.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use boxoffice_cluster_config::ids::{ClusterId, GroupId, NodeId};
use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::counter::{Counter, State};
use crate::book::{Book, prepare};
use crate::disk::SimDisk;
use crate::env::{Env, Lane, PeerError, PeerReply, PeerRequest, PeerService, Peers};
use crate::error::{ProposeError, StartError};
use crate::group::{Committed, Group};
use crate::machine::Machines;
use crate::node::RaftNode;
use crate::options::{Listen, RaftOptions, Tuning};
use crate::proto;

/// How long a test waits for something that must happen.
pub const SOON: Duration = Duration::from_secs(60);

/// Joins nodes by function calls. Everything is encoded and decoded on the way.
#[derive(Clone, Default)]
pub struct Wires(Arc<Mutex<WireState>>);

#[derive(Default)]
struct WireState {
    services: BTreeMap<u64, Arc<dyn PeerService>>,
    /// Directed: (from, to) does not get through.
    cut: BTreeSet<(u64, u64)>,
    /// Answers get lost on this way, calls do not.
    deaf: BTreeSet<(u64, u64)>,
    /// Calls that match are never sent.
    refuse: Option<fn(&proto::Request) -> bool>,
    /// Calls that ask for a read point.
    read_calls: u64,
}

impl Wires {
    pub fn plug(&self, node: u64, service: Arc<dyn PeerService>) {
        self.0.lock().services.insert(node, service);
    }

    pub fn unplug(&self, node: u64) {
        self.0.lock().services.remove(&node);
    }

    /// Cuts a node off from all others, both ways.
    pub fn isolate(&self, node: u64) {
        let mut state = self.0.lock();
        for other in 1..=9 {
            state.cut.insert((node, other));
            state.cut.insert((other, node));
        }
    }

    /// Calls from `from` reach `to`, answers do not come back.
    pub fn deafen(&self, from: u64, to: u64) {
        self.0.lock().deaf.insert((from, to));
    }

    /// Calls that match are certainly not sent.
    pub fn refuse(&self, matching: fn(&proto::Request) -> bool) {
        self.0.lock().refuse = Some(matching);
    }

    /// Calls so far that asked for a read point.
    pub fn read_calls(&self) -> u64 {
        self.0.lock().read_calls
    }

    pub fn heal(&self) {
        let mut state = self.0.lock();
        state.cut.clear();
        state.deaf.clear();
        state.refuse = None;
    }
}

#[async_trait]
impl Peers for Wires {
    async fn call(&self, _lane: Lane, request: PeerRequest) -> Result<PeerReply, PeerError> {
        let way = (request.from().0, request.to().0);
        let service = {
            let mut state = self.0.lock();
            state.read_calls += u64::from(matches!(request.0.body, Some(proto::request::Body::ReadIndex(_))));
            if state.cut.contains(&way) || state.refuse.is_some_and(|refuse| refuse(&request.0)) {
                return Err(PeerError::NotSent("cut".to_owned()));
            }
            state.services.get(&way.1).cloned()
        };
        let Some(service) = service else { return Err(PeerError::NotSent("nobody there".to_owned())) };
        let decoded = proto::Request::decode(request.0.encode_to_vec().as_slice()).expect("it was just encoded");
        let reply = service.answer(PeerRequest(decoded)).await;
        let (deaf, back) = {
            let state = self.0.lock();
            (state.deaf.contains(&way), state.cut.contains(&(way.1, way.0)))
        };
        if deaf || back {
            return Err(PeerError::Lost("the answer was lost".to_owned()));
        }
        let decoded = proto::Reply::decode(reply.0.encode_to_vec().as_slice()).expect("it was just encoded");
        Ok(PeerReply(decoded))
    }
}

/// Three nodes with counters on simulated disks.
pub struct Cluster {
    pub wires: Wires,
    pub nodes: BTreeMap<u64, RaftNode>,
    pub disks: BTreeMap<u64, SimDisk>,
    pub groups: Vec<GroupId>,
    pub tuning: Tuning,
    views: BTreeMap<(u64, GroupId), Arc<Mutex<State>>>,
}

/// Short intervals, so that elections take a fraction of a second.
pub fn quick() -> Tuning {
    Tuning {
        heartbeat_ms: 50,
        election_min_ms: 200,
        election_max_ms: 400,
        spread_after: Duration::ZERO,
        log_segment_bytes: 1 << 20,
        ..Tuning::default()
    }
}

pub fn cluster_id() -> ClusterId {
    ClusterId("test".to_owned())
}

/// An address book of these nodes.
pub fn book(members: &[u64], removed: &[u64]) -> Book {
    let members: BTreeMap<_, _> = members.iter().map(|node| (NodeId(*node), format!("n{node}:1"))).collect();
    Book { revision: members.len() as u64 + 10 * removed.len() as u64, members, removed: removed.iter().copied().map(NodeId).collect() }
}

/// Where every simulated node keeps its files.
pub const DATA_DIR: &str = "/data";

impl Cluster {
    pub fn new(groups: u32, tuning: Tuning) -> Self {
        let groups = (0..groups).map(GroupId).collect();
        let disks = (1..=3).map(|node| (node, SimDisk::new())).collect();
        let mut cluster = Self { wires: Wires::default(), nodes: BTreeMap::new(), disks, groups, tuning, views: BTreeMap::new() };
        for node in 1..=3 {
            cluster.start(node);
        }
        cluster
    }

    pub fn options(&self, node: u64) -> RaftOptions {
        RaftOptions {
            cluster: cluster_id(),
            node: NodeId(node),
            data_dir: DATA_DIR.into(),
            members: (1..=3).map(|member| (NodeId(member), format!("n{member}:1"))).collect(),
            listen: Listen::Nowhere,
            tls: None,
            groups: self.groups.clone(),
            tuning: self.tuning.clone(),
        }
    }

    /// Makes these the nodes that all running ones know.
    pub fn meet(&self, members: &[u64], removed: &[u64]) {
        self.nodes.values().for_each(|node| node.set_book(book(members, removed)));
    }

    /// Starts a node that joins the others; they know it from now on.
    pub fn join(&mut self, node: u64) {
        let disk = SimDisk::new();
        let members: Vec<u64> = self.nodes.keys().copied().chain([node]).collect();
        prepare(&disk, DATA_DIR.as_ref(), &cluster_id(), &book(&members, &[])).expect("an empty directory");
        self.disks.insert(node, disk);
        self.start(node);
        self.meet(&members, &[]);
    }

    pub fn try_start(&mut self, node: u64) -> Result<(), StartError> {
        let env = Env {
            disk: Arc::new(self.disks[&node].clone()),
            peers: Some(Arc::new(self.wires.clone())),
            on_log_failure: Some(Arc::new(|_| {})),
            ..Env::real()
        };
        for group in &self.groups {
            self.views.entry((node, *group)).or_default();
        }
        let views = self.views.clone();
        let machines: Machines = Arc::new(move |group| Box::new(Counter::shown_in(views[&(node, group)].clone())));
        let started = RaftNode::start(self.options(node), env, machines)?;
        self.wires.plug(node, started.peer_service());
        self.nodes.insert(node, started);
        Ok(())
    }

    pub fn start(&mut self, node: u64) {
        self.try_start(node).unwrap_or_else(|error| panic!("node {node} does not start: {error:?}"));
    }

    /// Kills the process of a node: nothing is handed over or flushed, what it wrote stays.
    pub fn kill(&mut self, node: u64) {
        self.wires.unplug(node);
        self.disks[&node].kill();
        self.nodes.remove(&node);
        self.disks[&node].restart();
    }

    /// Cuts the power of a node: what it did not sync is kept, lost or torn, as the seed says.
    pub fn cut_power(&mut self, node: u64, seed: u64) {
        self.wires.unplug(node);
        self.disks[&node].crash(seed);
        self.nodes.remove(&node);
        self.disks[&node].restart();
    }

    pub fn group(&self, node: u64, group: u32) -> Group {
        self.nodes[&node].group(GroupId(group)).expect("every node has every group")
    }

    /// What the counter of a node shows.
    pub fn state(&self, node: u64, group: u32) -> State {
        self.views[&(node, GroupId(group))].lock().clone()
    }

    /// The node that leads and that a majority takes for the leader.
    pub async fn leader(&self, group: u32) -> u64 {
        let find = || {
            let views: Vec<_> = self.nodes.keys().map(|node| *self.group(*node, group).leadership().borrow()).collect();
            self.nodes.keys().copied().find(|node| {
                let own = *self.group(*node, group).leadership().borrow();
                own.is_leader && views.iter().filter(|view| view.term == own.term && view.leader == Some(NodeId(*node))).count() >= 2
            })
        };
        let found = std::cell::Cell::new(None);
        eventually("a leader", || {
            found.set(find());
            found.get().is_some()
        })
        .await;
        found.get().expect("just seen")
    }

    /// The term of a group, as the node knows it that is furthest.
    pub fn term(&self, group: u32) -> u64 {
        self.nodes.keys().map(|node| self.group(*node, group).leadership().borrow().term).max().unwrap_or(0)
    }

    pub async fn add(&self, node: u64, group: u32, number: u64) -> Result<Committed, ProposeError> {
        add_once(&self.group(node, group), number).await
    }

    /// Waits until all living nodes have applied the same, and checks that they agree on every digest that they remember.
    pub async fn converge(&self, group: u32) -> u64 {
        let applied = || self.nodes.keys().map(|node| self.group(*node, group).applied()).collect::<BTreeSet<_>>();
        eventually("all nodes to apply the same", || applied().len() == 1).await;
        let mut seen: BTreeMap<u64, u128> = BTreeMap::new();
        for node in self.nodes.keys() {
            for (index, digest) in self.group(*node, group).digests() {
                let first = *seen.entry(index).or_insert(digest);
                assert_eq!(first, digest, "node {node} differs at index {index}");
            }
        }
        applied().pop_first().expect("there are nodes")
    }
}

/// Adds a number once, however often it has to be sent.
pub async fn add_once(group: &Group, number: u64) -> Result<Committed, ProposeError> {
    static KEYS: AtomicU64 = AtomicU64::new(1);
    insist(group, format!("+{number} {}", KEYS.fetch_add(1, Ordering::SeqCst))).await
}

/// Sends a command again while there is no leader, or its outcome is unknown: on a machine that stalls there are elections without a
/// fault.
pub async fn insist(group: &Group, command: String) -> Result<Committed, ProposeError> {
    let begun = Instant::now();
    loop {
        match group.propose(Bytes::from(command.clone()), Instant::now() + SOON).await {
            Err(ProposeError::Unknown | ProposeError::NoLeader) if begun.elapsed() < SOON => {}
            outcome => return outcome,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Plays a scene that needs one leader from its beginning to its end; on another cluster when there was an election meanwhile, for
/// machines that stall cause some.
pub async fn undisturbed<T>(groups: u32, scene: impl AsyncFn(&Cluster) -> T) -> T {
    const TRIES: usize = 20;
    for _ in 0..TRIES {
        let cluster = Cluster::new(groups, quick());
        cluster.leader(0).await;
        let term = cluster.term(0);
        let seen = scene(&cluster).await;
        if cluster.term(0) == term {
            return seen;
        }
    }
    panic!("an election in each of {TRIES} tries");
}

/// Adds numbers through a few nodes at once until it is told to stop, and keeps count of what became of them.
pub struct Writers {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<(BTreeSet<u64>, BTreeSet<u64>)>,
    /// Acknowledged so far.
    pub acknowledged: Arc<AtomicU64>,
}

impl Writers {
    /// Two writers on each of these nodes.
    pub fn start(cluster: &Cluster, group: u32, nodes: &[u64]) -> Self {
        let mut writers = Self { stop: Arc::default(), tasks: JoinSet::new(), acknowledged: Arc::default() };
        for (place, node) in nodes.iter().chain(nodes).enumerate() {
            let group = cluster.group(*node, group);
            let (stop, acknowledged) = (writers.stop.clone(), writers.acknowledged.clone());
            let first = (place as u64 + 1) * 1_000_000 + acknowledged.load(Ordering::SeqCst);
            writers.tasks.spawn(async move {
                let (mut kept, mut unknown) = (BTreeSet::new(), BTreeSet::new());
                for number in first.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let deadline = Instant::now() + Duration::from_secs(3);
                    match group.propose(Bytes::from(format!("+{number}")), deadline).await {
                        Ok(_) => {
                            kept.insert(number);
                            acknowledged.fetch_add(1, Ordering::SeqCst);
                        }
                        Err(ProposeError::ShuttingDown) => break,
                        Err(error) if error.is_definite() => tokio::time::sleep(Duration::from_millis(5)).await,
                        Err(_) => drop(unknown.insert(number)),
                    }
                }
                (kept, unknown)
            });
        }
        writers
    }

    /// Waits until this many more numbers were acknowledged.
    pub async fn progress(&self, more: u64) {
        let wanted = self.acknowledged.load(Ordering::SeqCst) + more;
        eventually("writers to get on", || self.acknowledged.load(Ordering::SeqCst) >= wanted).await;
    }

    /// Stops and checks that this state has everything acknowledged, nothing twice, and nothing that was refused.
    pub async fn stop(mut self) -> Written {
        self.stop.store(true, Ordering::SeqCst);
        let mut written = Written::default();
        while let Some(done) = self.tasks.join_next().await {
            let (kept, unknown) = done.expect("writers do not panic");
            written.kept.extend(kept);
            written.unknown.extend(unknown);
        }
        written
    }
}

/// What became of the numbers that writers added.
#[derive(Default)]
pub struct Written {
    pub kept: BTreeSet<u64>,
    pub unknown: BTreeSet<u64>,
}

impl Written {
    pub fn check(&self, state: &State) {
        assert_eq!(state.count, state.numbers.len() as u64, "a number was added twice");
        let lost: Vec<_> = self.kept.difference(&state.numbers).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        let allowed: BTreeSet<_> = self.kept.union(&self.unknown).copied().collect();
        let strange: Vec<_> = state.numbers.difference(&allowed).collect();
        assert!(strange.is_empty(), "executed though refused: {strange:?}");
    }
}

/// Waits for a condition.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < SOON, "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What a reply says.
pub fn sum(committed: &Committed) -> u64 {
    std::str::from_utf8(&committed.reply).unwrap().parse().unwrap()
}
