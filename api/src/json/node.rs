//! How a node stands, as JSON: what operators and load balancers read.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::backend::{GroupView, NodeView};

/// The process is up.
#[derive(Serialize, JsonSchema)]
pub struct HealthOut {
    #[schemars(extend("const" = "health"))]
    object: &'static str,
    #[schemars(extend("const" = "up"))]
    status: &'static str,
}

impl Default for HealthOut {
    fn default() -> Self {
        Self { object: "health", status: "up" }
    }
}

/// The node should get traffic.
#[derive(Serialize, JsonSchema)]
pub struct ReadyOut {
    #[schemars(extend("const" = "readiness"))]
    object: &'static str,
    #[schemars(extend("const" = true))]
    ready: bool,
}

impl Default for ReadyOut {
    fn default() -> Self {
        Self { object: "readiness", ready: true }
    }
}

/// The digest of a group's state.
#[derive(Serialize, JsonSchema)]
pub struct DigestOut {
    #[schemars(extend("const" = "digest"))]
    object: &'static str,
    group: u32,
    index: u64,
    #[schemars(pattern(r"^[0-9a-f]{32}$"))]
    digest: String,
}

impl DigestOut {
    /// The digest at a log index.
    #[must_use]
    pub fn new(group: u32, index: u64, digest: u128) -> Self {
        Self { object: "digest", group, index, digest: format!("{digest:032x}") }
    }
}

/// How a node stands.
#[derive(Serialize, JsonSchema)]
pub struct NodeOut<'a> {
    #[schemars(extend("const" = "node"))]
    object: &'static str,
    node: u64,
    cluster: &'a str,
    groups: Vec<GroupOut>,
    log_fsyncs: u64,
    log_bytes: u64,
    cpu_us: u64,
    /// Memory of the process that lies in RAM.
    memory_bytes: u64,
    search_index: Option<u64>,
    live_sockets: usize,
    version: &'static str,
    /// Whether its disk has room.
    writable: bool,
    /// Why the cluster does not take this node any more: it was removed, or its data directory is an old copy or was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    expelled: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct GroupOut {
    group: u32,
    #[schemars(extend("enum" = ["catalog", "events", "users"]))]
    kind: &'static str,
    #[schemars(extend("enum" = ["leader", "follower", "learner", "candidate", "stopped"]))]
    role: &'static str,
    leader: Option<u64>,
    term: u64,
    applied: u64,
    last: u64,
}

impl GroupOut {
    fn new(group: &GroupView) -> Self {
        let GroupView { group, kind, role, leader, term, applied, last } = *group;
        Self { group, kind, role, leader, term, applied, last }
    }
}

impl<'a> NodeOut<'a> {
    /// A node with so many live sockets and streams.
    #[must_use]
    pub fn new(node: &'a NodeView, live_sockets: usize) -> Self {
        Self {
            object: "node",
            node: node.node,
            cluster: &node.cluster,
            groups: node.groups.iter().map(GroupOut::new).collect(),
            log_fsyncs: node.log_fsyncs,
            log_bytes: node.log_bytes,
            cpu_us: node.cpu_us,
            memory_bytes: node.memory_bytes,
            search_index: node.search_index,
            live_sockets,
            version: node.version,
            writable: node.writable,
            expelled: node.expelled.as_deref(),
        }
    }
}

/// The keys that sign access tokens: a JWK set (RFC 8037).
#[derive(Serialize, JsonSchema)]
pub struct KeySetOut {
    #[schemars(with = "Vec<super::ticket::JwkOut>")]
    keys: Vec<Value>,
}

impl KeySetOut {
    /// The public halves.
    #[must_use]
    pub fn new(keys: Vec<Value>) -> Self {
        Self { keys }
    }
}
