//! A node: opens the log and all groups, serves its peers, keeps house, and stops in order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use boxoffice_cluster_config::ids::{GroupId, NodeId};
use futures::future::join_all;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use crate::blobs::{BlobDesk, BlobPeers, Blobs};
use crate::book::{AddressBook, Book, is_prepared};
use crate::core::{GroupCore, Parts};
use crate::env::{Env, PeerService};
use crate::error::{ProposeError, StartError};
use crate::group::Group;
use crate::handler::Handler;
use crate::history::snapshot_dir;
use crate::identity::{Seen, claim};
use crate::life::Life;
use crate::log::{Log, LogOptions};
use crate::machine::Machines;
use crate::options::{Listen, RaftOptions};
use crate::peers::PeerClient;
use crate::progress::{Progress, SnapshotEvery};
use crate::refusals::Refusals;
use crate::sm::Surroundings;
use crate::snapshot::store::Store;
use crate::status::{NodeStatus, of_group};
use crate::supervise::{self, Opener};
use crate::time::ClusterTime;
use crate::transport::{Door, GrpcPeers, Security, serve};
use crate::{balance, batcher, housekeeping};

/// How long a stopping node tries to hand its groups over.
const HAND_OVER_MAX: Duration = Duration::from_secs(3);
/// A peer that answered within this time can take a group over.
const ALIVE: Duration = Duration::from_secs(3);

/// A running node.
pub struct RaftNode {
    inner: Arc<Inner>,
    /// The runtime that drives it, unless the caller's does.
    runtime: Mutex<Option<Runtime>>,
}

struct Inner {
    node: NodeId,
    groups: BTreeMap<GroupId, Arc<GroupCore>>,
    peers: Arc<PeerClient>,
    log: Log,
    handler: Arc<Handler>,
    address: Option<SocketAddr>,
    running: Running,
}

#[derive(Default)]
struct Running {
    tasks: Mutex<Vec<AbortHandle>>,
    /// It is about to stop.
    stopping: AtomicBool,
}

impl RaftNode {
    /// Starts a node on threads of its own, so that nothing else the process does can cost it an election. Returns when all groups are
    /// replayed up to what this node knows to be committed; it does not wait for leaders.
    ///
    /// # Errors
    /// As `StartError` says. Nothing runs then.
    pub fn start(options: RaftOptions, env: Env, machines: Machines) -> Result<Self, StartError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(options.tuning.worker_threads.max(1))
            .thread_name(format!("raft-{}", options.node))
            .enable_all()
            .build()
            .map_err(StartError::io("start the threads of consensus"))?;
        let (started, result) = std::sync::mpsc::sync_channel(1);
        runtime.spawn(async move {
            // The starter waits for it below.
            let _ = started.send(Inner::open(options, env, machines).await);
        });
        match result.recv() {
            Ok(Ok(inner)) => Ok(Self { inner, runtime: Mutex::new(Some(runtime)) }),
            Ok(Err(error)) => {
                runtime.shutdown_background();
                Err(error)
            }
            Err(_) => {
                runtime.shutdown_background();
                Err(StartError::Options("the start panicked, see the process log".to_owned()))
            }
        }
    }

    /// Starts a node on the runtime of the caller. For simulations, where everything runs in one thread.
    ///
    /// # Errors
    /// As `start`.
    pub async fn open(options: RaftOptions, env: Env, machines: Machines) -> Result<Self, StartError> {
        Ok(Self { inner: Inner::open(options, env, machines).await?, runtime: Mutex::new(None) })
    }

    /// This node.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.inner.node
    }

    /// A group, if this node takes part in it.
    #[must_use]
    pub fn group(&self, id: GroupId) -> Option<Group> {
        self.inner.groups.get(&id).map(|core| Group { core: core.clone() })
    }

    /// All groups, by number.
    #[must_use]
    pub fn groups(&self) -> Vec<Group> {
        self.inner.groups.values().map(|core| Group { core: core.clone() }).collect()
    }

    /// Where peers reach this node, when it listens.
    #[must_use]
    pub fn peer_address(&self) -> Option<SocketAddr> {
        self.inner.address
    }

    /// Which start of this node this is: how many there were, and the number drawn at this one.
    #[must_use]
    pub fn boot(&self) -> (u64, u64) {
        let boot = self.inner.peers.boot();
        (boot.number, boot.nonce)
    }

    /// The receiving end, for transports that the environment brings.
    #[must_use]
    pub fn peer_service(&self) -> Arc<dyn PeerService> {
        self.inner.handler.clone()
    }

    /// The way to files that other nodes keep.
    #[must_use]
    pub fn blob_peers(&self) -> BlobPeers {
        BlobPeers { peers: self.inner.peers.clone() }
    }

    /// Lets peers ask for files, as long as `blobs` lives.
    pub fn serve_blobs(&self, blobs: Weak<dyn Blobs>) {
        self.inner.handler.blobs.open(blobs);
    }

    /// Who the nodes of the cluster are, as far as this one knows.
    #[must_use]
    pub fn book(&self) -> Arc<Book> {
        self.inner.peers.book().now()
    }

    /// The nodes of the cluster are these from now on, unless this node knows of later ones. Kept on disk, and told to other nodes.
    pub fn set_book(&self, book: Book) {
        self.inner.peers.take_up(book);
    }

    /// How the node and its groups are.
    #[must_use]
    pub fn status(&self) -> NodeStatus {
        let inner = &self.inner;
        NodeStatus {
            node: inner.node,
            groups: inner.groups.values().map(|core| of_group(core)).collect(),
            log: inner.log.stats(),
            writable: inner.log.writable(),
            expelled: inner.peers.expelled().map(str::to_owned),
            reachable: inner.peers.others().filter(|peer| inner.peers.health(*peer, ALIVE).is_some()).map(NodeId).collect(),
            refused: inner.peers.refusals().counts(),
            clock_offset_us: inner.handler.time.own_offset_us(),
        }
    }

    /// Gives the groups that this node leads to others, before it stops: commands wait meanwhile, and go on at the new leaders. From here
    /// on [`RaftNode::is_stopping`].
    pub async fn hand_over(&self) {
        self.inner.running.stopping.store(true, Ordering::Relaxed);
        let inner = self.inner.clone();
        let handing = async move {
            let _ = timeout(HAND_OVER_MAX, inner.hand_over()).await;
        };
        let handle = self.runtime.lock().as_ref().map(|runtime| runtime.handle().clone());
        match handle {
            Some(handle) => drop(handle.spawn(handing).await),
            None => handing.await,
        }
    }

    /// Whether this node is about to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.inner.running.stopping.load(Ordering::Relaxed)
    }

    /// Stops in order: takes no more commands, hands leaders over where that is quick and safe, then closes groups and log.
    pub async fn shutdown(&self) {
        let inner = self.inner.clone();
        let stop = async move { inner.stop().await };
        let runtime = self.runtime.lock().take();
        match runtime {
            // The groups live on their own threads: wait for them from here.
            Some(runtime) => {
                drop(runtime.spawn(stop).await);
                runtime.shutdown_background();
            }
            None => stop.await,
        }
    }
}

impl Drop for RaftNode {
    fn drop(&mut self) {
        for task in self.inner.running.tasks.lock().drain(..) {
            task.abort();
        }
        for core in self.inner.groups.values() {
            core.queue.refuse_all(ProposeError::ShuttingDown, true);
            core.set_raft(None);
        }
        if let Some(runtime) = self.runtime.lock().take() {
            runtime.shutdown_background();
        }
    }
}

impl Inner {
    async fn open(options: RaftOptions, env: Env, machines: Machines) -> Result<Arc<Self>, StartError> {
        check(&options, &env)?;
        let config = supervise::raft_config(&options.tuning, &options.cluster.0).map_err(StartError::Options)?;
        let snapshot_dir = snapshot_dir(&options.data_dir);
        env.disk.create_dir_all(&options.data_dir).map_err(StartError::io("create the data directory"))?;
        let boot = claim(env.disk.as_ref(), &options.data_dir, &options.cluster, options.node, env.random.as_ref())?;
        env.disk.create_dir_all(&snapshot_dir).map_err(StartError::io("create the directory of snapshots"))?;
        let seen = Seen::open(env.disk.clone(), &options.data_dir).map_err(StartError::io("read which peers were seen"))?;
        let log = open_log(&options, &env).await?;
        let book = open_book(&options, &env)?;
        let door = door(&options);
        let transport = env.peers.clone().unwrap_or_else(|| Arc::new(GrpcPeers::new(options.node, door.clone(), Handle::current())));
        let founders = founders(&options);
        let (listener, address) = bind(options.listen).await?;
        let members = book.now().members.len();
        let life = Arc::new(Life::default());
        let peers = PeerClient::new(transport, &options.cluster, options.node, boot, book, seen, door.refusals.clone());
        let peers = Arc::new(peers.of_life(life.clone()));
        peers.meet();
        let time = Arc::new(ClusterTime::new(env.clock.clone(), members));
        let (building, housekeeping) = (Arc::new(Semaphore::new(1)), Arc::new(Notify::new()));
        let mut groups = BTreeMap::new();
        for id in options.groups {
            let every = SnapshotEvery { entries: options.tuning.snapshot_every_entries, bytes: options.tuning.snapshot_every_bytes };
            let snapshots =
                Store::open(env.disk.clone(), &snapshot_dir, &options.cluster, id).map_err(StartError::io("read the snapshots"))?;
            let surroundings = Surroundings {
                cluster: options.cluster.clone(),
                group: id,
                life: life.clone(),
                progress: Arc::new(Progress::new(every, options.tuning.digests_kept, housekeeping.clone())),
                snapshots: Arc::new(snapshots),
                log: log.clone(),
                building: building.clone(),
                inline: env.inline_blocking,
            };
            let parts = Parts {
                id,
                node: options.node,
                tuning: options.tuning.clone(),
                founders: founders.clone(),
                surroundings,
                peers: peers.clone(),
                time: time.clone(),
                runtime: Handle::current(),
            };
            groups.insert(id, Arc::new(GroupCore::new(parts)));
        }
        learn_life(&life, &groups);
        let blobs = BlobDesk::default();
        let handler = Arc::new(Handler { peers: peers.clone(), groups: groups.clone(), time: time.clone(), log: log.clone(), blobs });
        let inner = Arc::new(Self { node: options.node, groups, peers, log, handler, address, running: Running::default() });
        if let Some(listener) = listener {
            let served = serve(listener, door, inner.handler.clone(), std::future::pending());
            inner.spawn(async move {
                if let Err(error) = served.await {
                    tracing::error!(%error, "peers can no longer reach this node");
                }
            });
        }
        inner.spawn(housekeeping::ping(inner.peers.clone(), time.clone()));
        let opener = Opener { machines, random: env.random.clone(), config };
        inner.open_groups(&opener).await?;
        let cores: Vec<_> = inner.groups.values().cloned().collect();
        inner.spawn(housekeeping::heartbeat(cores.clone(), Duration::from_millis(options.tuning.heartbeat_ms)));
        inner.spawn(housekeeping::pulse(cores.clone(), time));
        inner.spawn(housekeeping::snapshots(cores.clone(), inner.log.clone(), building, housekeeping));
        inner.spawn(balance::run(cores, inner.peers.clone(), inner.log.clone(), options.tuning.spread_after));
        Ok(inner)
    }

    /// Opens all groups at once, each in a task of its own.
    async fn open_groups(self: &Arc<Self>, opener: &Opener) -> Result<(), StartError> {
        let mut opening = JoinSet::new();
        for core in self.groups.values().cloned() {
            let opener = opener.clone();
            opening.spawn(async move {
                let opened = supervise::open(&core, &opener).await;
                (core, opened)
            });
        }
        while let Some(opened) = opening.join_next().await {
            let (core, raft) = opened.map_err(|error| StartError::Options(format!("opening a group panicked: {error}")))?;
            let raft = raft.map_err(|error| StartError::Group { group: core.id.0, reason: error.to_string() })?;
            self.spawn(batcher::run(core.clone()));
            self.spawn(supervise::watch(core, opener.clone(), raft));
        }
        Ok(())
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.running.tasks.lock().push(tokio::spawn(task).abort_handle());
    }

    async fn stop(&self) {
        self.running.stopping.store(true, Ordering::Relaxed);
        let _ = timeout(HAND_OVER_MAX, self.hand_over()).await;
        for core in self.groups.values() {
            core.queue.refuse_all(ProposeError::ShuttingDown, true);
        }
        for task in self.running.tasks.lock().drain(..) {
            task.abort();
        }
        join_all(self.groups.values().map(|core| async move {
            if let Some(raft) = core.raft() {
                let _ = timeout(HAND_OVER_MAX, raft.shutdown()).await;
            }
            core.set_raft(None);
            core.forget_leader();
        }))
        .await;
        if let Err(error) = self.log.shutdown().await {
            tracing::error!(%error, "the log could not be closed");
        }
    }

    /// Gives each led group to a living peer, all at once.
    async fn hand_over(&self) {
        join_all(self.groups.values().filter(|core| core.leadership().is_leader).map(|core| {
            let alive: Vec<u64> = core.voters().into_iter().filter(|voter| self.peers.health(*voter, ALIVE).is_some()).collect();
            async move {
                let Some(&to) = alive.get(core.id.0 as usize % alive.len().max(1)) else { return };
                let group = Group { core: core.clone() };
                match group.transfer_leader(NodeId(to)).await {
                    Ok(()) => tracing::info!(group = %core.id, to, "leadership was handed over"),
                    Err(error) => tracing::info!(group = %core.id, to, %error, "leadership was not handed over"),
                }
            }
        }))
        .await;
    }
}

/// Snapshots say which life they belong to; a log without one belongs to the first.
fn learn_life(life: &Life, groups: &BTreeMap<GroupId, Arc<GroupCore>>) {
    let said = groups.values().filter_map(|core| core.snapshots.newest()).map(|snapshot| snapshot.head.incarnation).max();
    let has_log = groups.values().any(|core| core.group_log.state().last.is_some());
    said.or(has_log.then_some(0)).into_iter().for_each(|incarnation| life.begin(incarnation));
}

fn check(options: &RaftOptions, env: &Env) -> Result<(), StartError> {
    let bad = |text: &str| Err(StartError::Options(text.to_owned()));
    if !options.cluster.is_legal() {
        return bad("the cluster id must be 1 to 64 characters of a-z, 0-9 and -");
    }
    if !options.members.contains_key(&options.node) && !is_prepared(env.disk.as_ref(), &options.data_dir) {
        return bad("the node is not among the members, and its data directory was not prepared for joining them");
    }
    if options.groups.is_empty() {
        return bad("there are no groups");
    }
    if options.members.contains_key(&NodeId(0)) {
        return bad("node 0 is nobody");
    }
    Ok(())
}

async fn open_log(options: &RaftOptions, env: &Env) -> Result<Log, StartError> {
    let dir = options.data_dir.join("log");
    env.disk.create_dir_all(&dir).map_err(StartError::io("create the directory of the log"))?;
    let mut settings = LogOptions::new(dir);
    settings.segment_bytes = options.tuning.log_segment_bytes;
    if let Some(on_fatal) = &env.on_log_failure {
        settings.on_fatal = on_fatal.clone();
    }
    if env.inline_blocking {
        let loops: &dyn crate::log::Spawn = match &env.log_loops {
            Some(loops) => loops.as_ref(),
            None => &InPlace,
        };
        return Log::open_with(env.disk.clone(), settings, loops).map_err(StartError::Log);
    }
    let disk = env.disk.clone();
    let opened = tokio::task::spawn_blocking(move || Log::open(disk, settings)).await;
    opened.map_err(|error| StartError::Options(format!("opening the log panicked: {error}")))?.map_err(StartError::Log)
}

/// Runs the loops of the log as tasks of the caller's runtime.
struct InPlace;

impl crate::log::Spawn for InPlace {
    fn spawn(&self, _name: &'static str, work: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) -> std::io::Result<()> {
        tokio::spawn(work);
        Ok(())
    }
}

/// Who may come in.
fn door(options: &RaftOptions) -> Door {
    let security = options.tls.clone().map(|tls| Security::new(tls, &options.cluster));
    Door { security, refusals: Arc::new(Refusals::default()) }
}

/// Who the nodes are.
fn open_book(options: &RaftOptions, env: &Env) -> Result<Arc<AddressBook>, StartError> {
    let book = AddressBook::open(env.disk.clone(), &options.data_dir, &options.cluster, &options.members);
    book.map(Arc::new).map_err(StartError::io("read the addresses of the nodes"))
}

/// Who begins groups; nobody on a node that joined.
fn founders(options: &RaftOptions) -> Vec<u64> {
    if !options.members.contains_key(&options.node) {
        return Vec::new();
    }
    options.members.keys().map(|member| member.0).collect()
}

async fn bind(listen: Listen) -> Result<(Option<TcpListener>, Option<SocketAddr>), StartError> {
    let listener = match listen {
        Listen::Nowhere => return Ok((None, None)),
        Listen::Address(address) => TcpListener::bind(address).await.map_err(StartError::io("listen for peers"))?,
        Listen::Bound(listener) => {
            listener.set_nonblocking(true).map_err(StartError::io("listen for peers"))?;
            TcpListener::from_std(listener).map_err(StartError::io("listen for peers"))?
        }
    };
    let address = listener.local_addr().map_err(StartError::io("listen for peers"))?;
    Ok((Some(listener), Some(address)))
}

/// Where the parts of a data directory are, for tools that look into one.
#[must_use]
pub fn log_dir(data_dir: &Path) -> std::path::PathBuf {
    data_dir.join("log")
}
