//! What a node must be told to take part, and the numbers that shape how it does.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use boxoffice_cluster_config::ids::{ClusterId, GroupId, NodeId};
use boxoffice_cluster_config::limits;
use boxoffice_tls::peers::Peers as TlsPeers;

/// Where peers reach this node.
#[derive(Debug)]
pub enum Listen {
    /// On this address.
    Address(SocketAddr),
    /// On a socket that is bound already.
    Bound(TcpListener),
    /// Nowhere: the environment brings another transport.
    Nowhere,
}

/// Who this node is and what it takes part in.
#[derive(Debug)]
pub struct RaftOptions {
    /// The cluster; peers of another one are refused.
    pub cluster: ClusterId,
    /// This node: a key of `members`, or one whose data directory was prepared by `book::prepare`.
    pub node: NodeId,
    /// Holds the identity, the log and the snapshots. Created when missing.
    pub data_dir: PathBuf,
    /// The nodes that founded the cluster, with the `host:port` of their peer service. Who is a node later on, the address book in the
    /// data directory says.
    pub members: BTreeMap<NodeId, String>,
    /// Where peers reach this node.
    pub listen: Listen,
    /// Mutual TLS between nodes; `None` = in the clear, which is for networks that nobody else reaches.
    pub tls: Option<Arc<TlsPeers>>,
    /// The groups, the same on all nodes.
    pub groups: Vec<GroupId>,
    /// The numbers.
    pub tuning: Tuning,
}

/// Intervals, sizes and counts. The defaults fit a few groups per node on small machines.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Between two heartbeats of a leader, in milliseconds.
    pub heartbeat_ms: u64,
    /// Shortest wait without a leader before a follower campaigns, in milliseconds, on top of the lease.
    pub election_min_ms: u64,
    /// Longest such wait, and the length of the lease, in milliseconds.
    pub election_max_ms: u64,
    /// Threads of the runtime that drives consensus.
    pub worker_threads: usize,
    /// A snapshot is taken when this many entries were applied since the last one.
    pub snapshot_every_entries: u64,
    /// A snapshot is taken when this many bytes of commands were applied since the last one.
    pub snapshot_every_bytes: u64,
    /// Entries that stay in the log behind the last one even when a snapshot covers them, so that a follower can catch up without one.
    pub keep_entries: u64,
    /// A follower that answers but lacks more than this many entries is cut off for a while, so that the log can be purged.
    pub lag_entries_max: u64,
    /// Batches of one group that may be on their way to the log at the same time.
    pub in_flight_batches: usize,
    /// Commands in one batch.
    pub batch_commands_max: usize,
    /// Bytes of commands in one batch.
    pub batch_bytes_max: usize,
    /// Commands of one group that may wait; the next one is refused.
    pub waiting_max: usize,
    /// Bytes of entries in one replication call.
    pub replicate_bytes_max: usize,
    /// Bytes in one piece of a streamed snapshot.
    pub chunk_bytes: usize,
    /// Digests kept per group, one for each of the last entries.
    pub digests_kept: usize,
    /// How long everything must have been calm before leaders are spread again. Zero switches spreading off.
    pub spread_after: Duration,
    /// Bytes in one segment of the log.
    pub log_segment_bytes: u64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            heartbeat_ms: 100,
            election_min_ms: 400,
            election_max_ms: 700,
            worker_threads: 2,
            snapshot_every_entries: 20_000,
            snapshot_every_bytes: 128 * 1024 * 1024,
            keep_entries: 10_000,
            lag_entries_max: 40_000,
            in_flight_batches: 2,
            batch_commands_max: limits::BATCH_COMMANDS_MAX,
            batch_bytes_max: limits::BATCH_BYTES_MAX,
            waiting_max: limits::PROPOSALS_WAITING_MAX,
            replicate_bytes_max: 1024 * 1024,
            chunk_bytes: 1024 * 1024,
            digests_kept: 4096,
            spread_after: Duration::from_secs(5),
            log_segment_bytes: 64 * 1024 * 1024,
        }
    }
}
