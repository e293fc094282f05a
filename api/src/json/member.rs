//! The nodes of the cluster as JSON.

use boxoffice_ledger::members::MemberState;
use boxoffice_ledger::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Named, Rfc3339};
use crate::backend::{Invited, Joined, MemberView};

/// How long an invitation is good if the caller does not say, in seconds.
pub const TTL_DEFAULT_S: u64 = 24 * 3600;
/// The longest that it can be, in seconds.
pub const TTL_MAX_S: u64 = 7 * 24 * 3600;
/// The longest address, in bytes.
pub const ADDRESS_BYTES_MAX: usize = boxoffice_ledger::members::ADDRESS_BYTES_MAX;

/// `POST /cluster/member`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct InviteBody {
    #[schemars(length(min = 3, max = ADDRESS_BYTES_MAX))]
    pub peer: String,
    #[schemars(url, length(min = 8, max = ADDRESS_BYTES_MAX))]
    pub http: String,
    #[schemars(range(min = 1, max = TTL_MAX_S))]
    pub ttl_s: Option<u64>,
}

/// `POST /cluster/join`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct JoinBody {
    #[schemars(range(min = 1))]
    pub node: u64,
    pub token: String,
}

/// `POST /cluster/group/{group}/leader`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct LeaderBody {
    #[schemars(range(min = 1))]
    pub node: u64,
}

/// A node's state by name.
#[must_use]
pub fn member_state(state: MemberState) -> &'static str {
    match state {
        MemberState::Invited => "invited",
        MemberState::Joining => "joining",
        MemberState::Active => "active",
        MemberState::Draining => "draining",
        MemberState::Removed => "removed",
    }
}

/// A node of the cluster.
#[derive(Serialize, JsonSchema)]
pub struct MemberOut<'a> {
    #[schemars(extend("const" = "member"))]
    object: &'static str,
    node: u64,
    peer: &'a str,
    http: &'a str,
    #[schemars(with = "Named<MemberState>")]
    state: &'static str,
    since: Rfc3339,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Rfc3339>,
    /// Whether the node that answers heard of it lately.
    reachable: bool,
    /// Groups that it leads.
    leads: u32,
    /// Groups in which it votes.
    votes: u32,
    /// Groups that it follows without a vote.
    learns: u32,
    /// What is being waited for; only the node that leads the catalog knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

impl<'a> MemberOut<'a> {
    /// As this node knows it.
    #[must_use]
    pub fn new(member: &'a MemberView) -> Self {
        Self {
            object: "member",
            node: member.node,
            peer: &member.peer,
            http: &member.http,
            state: member_state(member.state),
            since: Rfc3339(member.since),
            expires_at: member.expires_at.map(Rfc3339),
            reachable: member.reachable,
            leads: member.leads,
            votes: member.votes,
            learns: member.learns,
            note: member.note.as_deref(),
        }
    }
}

/// What lets a node join.
#[derive(Serialize, JsonSchema)]
pub struct InvitationOut<'a> {
    #[schemars(extend("const" = "invitation"))]
    object: &'static str,
    node: u64,
    /// Works once. Shown in this answer only.
    token: &'a str,
    expires_at: Rfc3339,
}

impl<'a> InvitationOut<'a> {
    /// Of a node.
    #[must_use]
    pub fn new(invited: &'a Invited) -> Self {
        let Timestamp(at) = invited.expires_at;
        Self { object: "invitation", node: invited.node, token: &invited.token, expires_at: Rfc3339(Timestamp(at)) }
    }
}

/// What a node needs to know that joins.
#[derive(Serialize, JsonSchema)]
pub struct MembershipOut<'a> {
    #[schemars(extend("const" = "membership"))]
    object: &'static str,
    cluster: &'a str,
    node: u64,
    event_groups: u32,
    user_groups: u32,
    /// Grows with each change of the list of nodes.
    revision: u64,
    members: Vec<AddressOut<'a>>,
    /// Numbers that are not used again.
    removed: &'a [u64],
}

#[derive(Serialize, JsonSchema)]
struct AddressOut<'a> {
    node: u64,
    peer: &'a str,
}

impl<'a> MembershipOut<'a> {
    /// Of a node that has come.
    #[must_use]
    pub fn new(joined: &'a Joined) -> Self {
        Self {
            object: "membership",
            cluster: &joined.cluster,
            node: joined.node,
            event_groups: joined.groups.0,
            user_groups: joined.groups.1,
            revision: joined.revision,
            members: joined.members.iter().map(|(node, peer)| AddressOut { node: *node, peer }).collect(),
            removed: &joined.removed,
        }
    }
}

/// Who leads a group now.
#[derive(Serialize, JsonSchema)]
pub struct LeaderOut {
    #[schemars(extend("const" = "leader"))]
    object: &'static str,
    group: u32,
    node: u64,
}

impl LeaderOut {
    /// Of a group.
    #[must_use]
    pub fn new(group: u32, node: u64) -> Self {
        Self { object: "leader", group, node }
    }
}
