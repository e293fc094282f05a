//! Everything outside the process, behind small traits, so that a whole cluster can run in one thread under a seed.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use boxoffice_cluster_config::ids::{GroupId, NodeId};

use crate::book::Book;
use crate::disk::{Disk, RealDisk};
use crate::log::{OnFatal, Spawn};
use crate::proto;

/// The outside world of one node.
#[derive(Clone)]
pub struct Env {
    /// Where files are.
    pub disk: Arc<dyn Disk>,
    /// What time people think it is.
    pub clock: Arc<dyn WallClock>,
    /// Where random numbers come from.
    pub random: Arc<dyn Random>,
    /// How peers are called; `None` means gRPC over TCP.
    pub peers: Option<Arc<dyn Peers>>,
    /// What to do when the log failed and nothing more can be promised; `None` means that the process ends, which is right outside
    /// of tests.
    pub on_log_failure: Option<OnFatal>,
    /// Run file work in place instead of on other threads. For simulations in one thread.
    pub inline_blocking: bool,
    /// Where the loops of the log run; `None` = threads of their own, or tasks of the caller's runtime with `inline_blocking`.
    pub log_loops: Option<Arc<dyn Spawn + Send + Sync>>,
}

impl Env {
    /// The real world.
    #[must_use]
    pub fn real() -> Self {
        Self {
            disk: Arc::new(RealDisk),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            peers: None,
            on_log_failure: None,
            inline_blocking: false,
            log_loops: None,
        }
    }
}

/// A clock that people set. May jump.
pub trait WallClock: Send + Sync + 'static {
    /// Microseconds since the Unix epoch.
    fn now_us(&self) -> u64;
}

/// A source of random numbers.
pub trait Random: Send + Sync + 'static {
    /// The next one, uniform over all values.
    fn next_u64(&self) -> u64;
}

/// The wall clock of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl WallClock for SystemClock {
    fn now_us(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }
}

/// Random numbers seeded by the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn next_u64(&self) -> u64 {
        use std::hash::{BuildHasher, Hasher};
        std::collections::hash_map::RandomState::new().build_hasher().finish()
    }
}

/// Which connection to a peer a call takes, so that bulk never delays what keeps a leader alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Entries, forwarded commands, reads.
    Data,
    /// Heartbeats, votes, pings.
    Heartbeat,
    /// Snapshots.
    Snapshot,
}

/// A call to a peer. Opaque: transports only carry it.
#[derive(Clone, Debug)]
pub struct PeerRequest(pub(crate) proto::Request);

/// A peer's answer. Opaque.
#[derive(Clone, Debug)]
pub struct PeerReply(pub(crate) proto::Reply);

impl PeerRequest {
    /// Who sends it.
    #[must_use]
    pub fn from(&self) -> NodeId {
        NodeId(self.0.from)
    }

    /// Whom it is for.
    #[must_use]
    pub fn to(&self) -> NodeId {
        NodeId(self.0.to)
    }

    /// The group it concerns.
    #[must_use]
    pub fn group(&self) -> GroupId {
        GroupId(self.0.group)
    }
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// The peer certainly never got it.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The peer may or may not have got it.
    #[error("lost: {0}")]
    Lost(String),
}

/// Calls peers. An implementation may lose, delay, reorder or repeat; it must not alter.
#[async_trait]
pub trait Peers: Send + Sync + 'static {
    /// Calls the peer that the request names and waits for the answer; the caller gives up on its own.
    ///
    /// # Errors
    /// As `PeerError` says.
    async fn call(&self, lane: Lane, request: PeerRequest) -> Result<PeerReply, PeerError>;

    /// The nodes are these from now on. Nothing to do where calls need no addresses.
    fn meet(&self, _book: &Book) {}
}

/// The receiving end: what a transport hands arriving calls to.
#[async_trait]
pub trait PeerService: Send + Sync + 'static {
    /// Answers a call.
    async fn answer(&self, request: PeerRequest) -> PeerReply;
}
