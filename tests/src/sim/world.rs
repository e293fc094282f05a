//! The cluster: real nodes on simulated disks, joined by the simulated network; started and crashed.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use boxoffice::sim::{Idle, Node};
use boxoffice_api::backend::Backend;
use boxoffice_cluster_config::file::Config;
use boxoffice_cluster_config::ids::{GroupId, NodeId};
use boxoffice_raft::disk::SimDisk;
use boxoffice_raft::env::Env;
use boxoffice_raft::options::{Listen, RaftOptions, Tuning};
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::clock::Clock;
use super::disk::SlowLoops;
use super::network::Net;
use super::options::Options;
use super::provider::Provider;
use super::rng::Rng;
use super::trace::Trace;

/// Where each node keeps its files on its simulated disk.
pub const DATA_DIR: &str = "/data";
/// How long a node may take to open.
const OPEN_MAX: Duration = Duration::from_secs(60);

/// How a node goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process is gone; what it wrote is in the page cache.
    Kill,
    /// The power is gone: what was not synced is kept, lost or torn, as this number says.
    Power(u64),
}

/// What a node said to be durable when it went down.
pub type Durable = (Option<(u64, u64)>, Option<u64>);

struct Live {
    life: u64,
    node: Node,
    calls: Vec<AbortHandle>,
}

/// See the module.
pub struct World {
    /// What this run is made of.
    pub options: Options,
    /// What happened.
    pub trace: Trace,
    /// Between the nodes.
    pub net: Net,
    /// Each node's disk.
    pub disks: BTreeMap<u64, SimDisk>,
    /// Each node's clock.
    pub clocks: BTreeMap<u64, Arc<Clock>>,
    /// Who takes the money.
    pub provider: Arc<Provider>,
    configs: BTreeMap<u64, Config>,
    idle: Arc<Idle>,
    live: Mutex<BTreeMap<u64, Live>>,
    kept: Mutex<BTreeMap<(u64, GroupId), Durable>>,
    /// Told when the log of a node's life failed: its process ends itself.
    failed: UnboundedSender<(u64, u64)>,
}

impl World {
    /// A cluster that is not started.
    ///
    /// # Errors
    /// When the configuration of a node is not right.
    pub fn new(options: Options, trace: Trace, idle: Arc<Idle>, dir: &Path, failed: UnboundedSender<(u64, u64)>) -> anyhow::Result<Self> {
        let rng = |purpose| Rng::new(options.seed, purpose);
        let nodes = 1..=options.nodes;
        let net = Net::new(rng("network"), trace.clone(), options.loss, options.repeat, options.delay_us);
        let configs = nodes.clone().map(|node| Ok((node, config(&options, node, dir)?))).collect::<anyhow::Result<_>>()?;
        let origin = Instant::now();
        Ok(Self {
            net,
            disks: nodes.clone().map(|node| (node, SimDisk::new())).collect(),
            clocks: nodes.map(|node| (node, Arc::new(Clock::new(origin)))).collect(),
            provider: Arc::new(Provider::new(rng("provider"), options.unanswered, options.declined)),
            configs,
            idle,
            live: Mutex::default(),
            kept: Mutex::default(),
            failed,
            trace,
            options,
        })
    }

    /// All groups.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> + use<> {
        self.configs[&1].groups.all()
    }

    /// The group of an event.
    #[must_use]
    pub fn event_group(&self, event: boxoffice_ledger::ids::EventId) -> GroupId {
        self.configs[&1].groups.of_event_slot(event.slot().number())
    }

    /// The nodes that run.
    #[must_use]
    pub fn up(&self) -> Vec<u64> {
        self.live.lock().keys().copied().collect()
    }

    /// Whether this life of a node goes on.
    #[must_use]
    pub fn is_in_life(&self, node: u64, life: u64) -> bool {
        self.live.lock().get(&node).is_some_and(|live| live.life == life)
    }

    /// Looks at a node that runs.
    pub fn look<T>(&self, node: u64, look: impl FnOnce(&Node) -> T) -> Option<T> {
        self.live.lock().get(&node).map(|live| look(&live.node))
    }

    /// Calls a node as a client does. `None`: the node is not there, or died before it answered.
    pub async fn ask<T, F>(&self, node: u64, call: impl FnOnce(Arc<dyn Backend>) -> F) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let calling = {
            let mut all = self.live.lock();
            let live = all.get_mut(&node)?;
            let calling = tokio::spawn(call(live.node.backend()));
            live.calls.retain(|call| !call.is_finished());
            live.calls.push(calling.abort_handle());
            calling
        };
        calling.await.ok()
    }

    /// Starts a node and checks that it has what it said to be durable before.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(&self, node: u64) -> anyhow::Result<()> {
        let life = self.net.begin_life(node);
        let rng = Rng::new(self.options.seed ^ life << 32, &format!("node {node}"));
        let failed = self.failed.clone();
        let env = Env {
            disk: Arc::new(self.disks[&node].clone()),
            clock: self.clocks[&node].clone(),
            random: Arc::new(rng.clone()),
            peers: Some(self.net.port(node, life)),
            on_log_failure: Some(Arc::new(move |_| {
                // Nobody listens any more once the run is over.
                let _ = failed.send((node, life));
            })),
            inline_blocking: true,
            log_loops: Some(Arc::new(SlowLoops { rng, most_us: self.options.disk_us })),
        };
        let opening = Node::open(&self.configs[&node], self.raft_options(node), env, &self.idle, self.provider.clone());
        let opened = timeout(OPEN_MAX, opening).await.context("it takes too long")??;
        self.compare(node, &opened);
        self.net.plug(node, life, opened.raft().peer_service());
        self.live.lock().insert(node, Live { life, node: opened, calls: Vec::new() });
        self.trace.say(|| format!("node {node} is up, life {life}"));
        Ok(())
    }

    fn raft_options(&self, node: u64) -> RaftOptions {
        let (options, config) = (&self.options, &self.configs[&node]);
        let (heartbeat_ms, election_min_ms, election_max_ms) = options.timers;
        RaftOptions {
            cluster: config.cluster.clone(),
            node: NodeId(node),
            data_dir: DATA_DIR.into(),
            members: config.peers(),
            listen: Listen::Nowhere,
            tls: None,
            groups: config.groups.all().collect(),
            tuning: Tuning {
                heartbeat_ms,
                election_min_ms,
                election_max_ms,
                snapshot_every_entries: options.snapshot_every,
                keep_entries: options.keep_entries,
                lag_entries_max: options.keep_entries * 4,
                log_segment_bytes: options.segment_bytes,
                digests_kept: 512,
                ..Tuning::default()
            },
        }
    }

    /// Kills a node between two steps of its tasks.
    pub fn crash(&self, node: u64, how: Crash) {
        let live = self.live.lock().remove(&node);
        if let Some(live) = &live {
            let mut kept = self.kept.lock();
            for group in live.node.raft().groups() {
                kept.insert((node, group.id()), group.durable());
            }
        }
        self.net.begin_life(node);
        match how {
            Crash::Kill => self.disks[&node].kill(),
            Crash::Power(seed) => self.disks[&node].crash(seed),
        }
        if let Some(mut live) = live {
            live.calls.iter().for_each(AbortHandle::abort);
            live.node.end_workers();
        }
        self.trace.say(|| format!("node {node} is down: {how:?}"));
    }

    fn compare(&self, node: u64, opened: &Node) {
        let kept = self.kept.lock();
        for group in opened.raft().groups() {
            let Some((vote, written)) = kept.get(&(node, group.id())) else { continue };
            let (status, (vote_now, _)) = (group.status(), group.durable());
            if vote_now.map(|vote| vote.0) < vote.map(|vote| vote.0) {
                self.trace.wrong("vote_regressed", format!("node {node} {} had voted {vote:?}, now {vote_now:?}", group.id()));
            }
            if written.is_some_and(|written| status.last_index.max(status.snapshot_index) < written) {
                let last = status.last_index;
                self.trace.wrong("log_regressed", format!("node {node} {} had entry {written:?} durable, now {last}", group.id()));
            }
        }
    }
}

fn config(options: &Options, node: u64, dir: &Path) -> anyhow::Result<Config> {
    let dir = dir.join(format!("n{node}")).display().to_string();
    let mut text = format!(
        "cluster = \"simulated\"\nnode = {node}\ndata_dir = \"{dir}\"\nhttp = \"127.0.0.1:{node}\"\n\
         peer = \"127.0.0.1:{node}\"\nsecret_file = \"none\"\n"
    );
    text += &format!("groups = {{ events = {}, users = {} }}\n", options.event_groups, options.user_groups);
    for member in 1..=options.nodes {
        text += &format!("[[members]]\nnode = {member}\npeer = \"127.0.0.1:{member}\"\nhttp = \"http://127.0.0.1:{member}\"\n");
    }
    Ok(Config::parse(&text)?)
}
