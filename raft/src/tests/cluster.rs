//! A cluster in one process: nodes on runtimes of their own, joined by calls that can be cut.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use boxoffice_cluster_config::ids::{ClusterId, GroupId, NodeId};
use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message;
use tempfile::TempDir;
use tokio::time::Instant;

use super::counter::Counter;
use crate::env::{Env, Lane, PeerError, PeerReply, PeerRequest, PeerService, Peers};
use crate::error::{ProposeError, StartError};
use crate::group::{Committed, Group};
use crate::machine::Machines;
use crate::node::RaftNode;
use crate::options::{Listen, RaftOptions, Tuning};
use crate::proto;

/// How long a test waits for something that must happen.
pub const SOON: Duration = Duration::from_secs(20);

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
    /// Calls of these kinds and targets are lost before they are sent.
    lose: Option<fn(&proto::Request) -> bool>,
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

    /// Loses the calls that match, after they were sent.
    pub fn lose(&self, matching: fn(&proto::Request) -> bool) {
        self.0.lock().lose = Some(matching);
    }

    pub fn heal(&self) {
        let mut state = self.0.lock();
        state.cut.clear();
        state.deaf.clear();
        state.lose = None;
    }
}

#[async_trait]
impl Peers for Wires {
    async fn call(&self, _lane: Lane, request: PeerRequest) -> Result<PeerReply, PeerError> {
        let way = (request.from().0, request.to().0);
        let (service, lost) = {
            let state = self.0.lock();
            if state.cut.contains(&way) {
                return Err(PeerError::NotSent("cut".to_owned()));
            }
            (state.services.get(&way.1).cloned(), state.lose.is_some_and(|lose| lose(&request.0)))
        };
        let Some(service) = service else { return Err(PeerError::NotSent("nobody there".to_owned())) };
        if lost {
            return Err(PeerError::Lost("lost".to_owned()));
        }
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

/// Three nodes with counters.
pub struct Cluster {
    pub dir: TempDir,
    pub wires: Wires,
    pub nodes: BTreeMap<u64, RaftNode>,
    pub groups: Vec<GroupId>,
    pub tuning: Tuning,
}

/// Short intervals, so that elections take a fraction of a second.
pub fn quick() -> Tuning {
    Tuning {
        heartbeat_ms: 40,
        election_min_ms: 150,
        election_max_ms: 300,
        spread_after: Duration::ZERO,
        log_segment_bytes: 1 << 20,
        ..Tuning::default()
    }
}

pub fn cluster_id() -> ClusterId {
    ClusterId("test".to_owned())
}

pub fn counters() -> Machines {
    Arc::new(|_| Box::new(Counter::default()))
}

impl Cluster {
    pub fn new(groups: u32, tuning: Tuning) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let groups = (0..groups).map(GroupId).collect();
        let mut cluster = Self { dir, wires: Wires::default(), nodes: BTreeMap::new(), groups, tuning };
        for node in 1..=3 {
            cluster.start(node);
        }
        cluster
    }

    pub fn data_dir(&self, node: u64) -> PathBuf {
        self.dir.path().join(format!("n{node}"))
    }

    pub fn options(&self, node: u64) -> RaftOptions {
        RaftOptions {
            cluster: cluster_id(),
            node: NodeId(node),
            data_dir: self.data_dir(node),
            members: (1..=3).map(|member| (NodeId(member), format!("n{member}:1"))).collect(),
            listen: Listen::Nowhere,
            groups: self.groups.clone(),
            incarnation: 4,
            tuning: self.tuning.clone(),
        }
    }

    pub fn try_start(&mut self, node: u64) -> Result<(), StartError> {
        let env = Env { peers: Some(Arc::new(self.wires.clone())), ..Env::real() };
        let started = RaftNode::start(self.options(node), env, counters())?;
        self.wires.plug(node, started.peer_service());
        self.nodes.insert(node, started);
        Ok(())
    }

    pub fn start(&mut self, node: u64) {
        // The log of a node that was just dropped may still be held for a moment.
        let begun = std::time::Instant::now();
        loop {
            match self.try_start(node) {
                Ok(()) => return,
                Err(error) if begun.elapsed() > SOON => panic!("node {node} does not start: {error:?}"),
                Err(StartError::Log(crate::log::LogError::InUse { .. })) => std::thread::yield_now(),
                Err(error) => panic!("node {node} does not start: {error:?}"),
            }
        }
    }

    /// Drops a node as it is: nothing is handed over or flushed.
    pub fn kill(&mut self, node: u64) {
        self.wires.unplug(node);
        self.nodes.remove(&node);
    }

    pub fn group(&self, node: u64, group: u32) -> Group {
        self.nodes[&node].group(GroupId(group)).expect("every node has every group")
    }

    /// The node that leads and whose leadership a majority of the others accepts.
    pub async fn leader(&self, group: u32) -> u64 {
        let find = || {
            let views: Vec<_> = self.nodes.keys().map(|node| self.group(*node, group).leadership().borrow().to_owned()).collect();
            self.nodes.keys().copied().find(|node| {
                let own = self.group(*node, group).leadership().borrow().to_owned();
                own.is_leader && views.iter().filter(|view| view.term == own.term && view.leader == Some(NodeId(*node))).count() >= 2
            })
        };
        eventually("a leader", || find().is_some()).await;
        find().expect("just seen")
    }

    pub async fn add(&self, node: u64, group: u32, number: u64) -> Result<Committed, ProposeError> {
        self.group(node, group).propose(Bytes::from(format!("+{number}")), Instant::now() + SOON).await
    }

    /// Waits until all living nodes have applied the same, and checks that they agree on every digest that they remember.
    pub async fn converge(&self, group: u32) -> u64 {
        let applied = || self.nodes.keys().map(|node| self.group(*node, group).applied()).collect::<BTreeSet<_>>();
        eventually("all nodes to apply the same", || applied().len() == 1).await;
        let index = applied().pop_first().expect("there are nodes");
        let mut seen: BTreeMap<u64, u128> = BTreeMap::new();
        for node in self.nodes.keys() {
            for (index, digest) in self.group(*node, group).digests() {
                let first = *seen.entry(index).or_insert(digest);
                assert_eq!(first, digest, "node {node} differs at index {index}");
            }
        }
        index
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
