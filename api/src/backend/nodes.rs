//! The nodes of the cluster as they go through the backend: who they are, who comes and goes, who leads.

use async_trait::async_trait;
use boxoffice_ledger::ids::Request;
use boxoffice_ledger::members::MemberState;
use boxoffice_ledger::time::{Millis, Timestamp};

use super::{Answer, Caller, Context, Read, Written};

/// A node, and what this node knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// Its number.
    pub node: u64,
    /// Where other nodes reach it, `host:port`.
    pub peer: String,
    /// Where clients reach it.
    pub http: String,
    /// Where it stands.
    pub state: MemberState,
    /// Since when.
    pub since: Timestamp,
    /// Until when its invitation is good, if it has not come yet.
    pub expires_at: Option<Timestamp>,
    /// Whether this node heard of it lately.
    pub reachable: bool,
    /// How many groups it leads, in how many it votes, and which it only follows.
    pub leads: u32,
    /// See `leads`.
    pub votes: u32,
    /// See `leads`.
    pub learns: u32,
    /// What is being waited for, as far as this node sees to it.
    pub note: Option<String>,
}

/// What lets a node join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// Its number.
    pub node: u64,
    /// Its token, which works once.
    pub token: String,
    /// Until when.
    pub expires_at: Timestamp,
}

/// What a node needs to know that joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The cluster's name.
    pub cluster: String,
    /// The node's number.
    pub node: u64,
    /// How many groups of each kind there are: events, users.
    pub groups: (u32, u32),
    /// The revision of the list of nodes.
    pub revision: u64,
    /// The nodes, itself included: number and address for other nodes.
    pub members: Vec<(u64, String)>,
    /// Numbers that are not used again.
    pub removed: Vec<u64>,
}

/// Nodes that come and go.
#[async_trait]
pub trait NodeDesk: Send + Sync + 'static {
    /// All of them, removed ones too.
    async fn members(&self, cx: Context) -> Answer<Read<Vec<MemberView>>>;
    /// Gives a number and a token to a node that is to come.
    async fn invite_member(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        peer: String,
        http: String,
        ttl: Millis,
    ) -> Answer<Written<Invited>>;
    /// A node has come with its token. Whoever says another number than the token's has not used it up.
    async fn join_cluster(&self, cx: Context, request: Request, node: u64, token: &str) -> Answer<Written<Joined>>;
    /// Lets a node decide nothing any more, or take part again.
    async fn drain_member(&self, cx: Context, caller: Caller, request: Request, node: u64, drain: bool) -> Answer<Written<MemberView>>;
    /// Takes a node out for good. Refused when a group would lose its quorum.
    async fn remove_member(&self, cx: Context, caller: Caller, request: Request, node: u64) -> Answer<Written<MemberView>>;
    /// Has a node lead a group.
    async fn move_leader(&self, cx: Context, caller: Caller, group: u32, node: u64) -> Answer<()>;
    /// Spreads leaders evenly, now; the groups whose leader moved, and to whom.
    async fn rebalance(&self, cx: Context, caller: Caller) -> Answer<Vec<(u32, u64)>>;
}
