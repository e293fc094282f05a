//! What a node tells of its groups to operators and tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;

use boxoffice_cluster_config::ids::{GroupId, NodeId};
use openraft::ServerState;
use openraft::async_runtime::WatchReceiver;

use crate::core::GroupCore;
use crate::log::LogStats;
use crate::meter::Durations;
pub use crate::refusals::RefusalCounts;

/// What this node is in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It decides.
    Leader,
    /// It follows and votes.
    Follower,
    /// It asks for votes.
    Candidate,
    /// It follows without a vote, or is no member yet.
    Learner,
    /// The group does not run here: it is being reopened, or has halted.
    Stopped,
}

/// One group on one node. Indexes are 0 before the first entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupStatus {
    /// The group.
    pub group: GroupId,
    /// What this node is in it.
    pub role: Role,
    /// Who leads, as this node knows it.
    pub leader: Option<NodeId>,
    /// The term of that.
    pub term: u64,
    /// Who votes, as far as this node's log says.
    pub voters: Vec<NodeId>,
    /// Who follows without a vote.
    pub learners: Vec<NodeId>,
    /// Whether the voters are being changed: two sets decide together.
    pub is_joint: bool,
    /// Last entry in the log of this node.
    pub last_index: u64,
    /// Last entry known to be committed.
    pub committed_index: u64,
    /// Last entry applied to the machine.
    pub applied_index: u64,
    /// Last entry of the newest snapshot.
    pub snapshot_index: u64,
    /// Last entry that is gone from the log.
    pub purged_index: u64,
    /// On the leader: how many entries each follower lacks.
    pub follower_lag: BTreeMap<NodeId, u64>,
    /// Commands that wait for a batch.
    pub waiting: usize,
    /// How often the core died and was reopened.
    pub reopened: u64,
    /// How often another leader appeared, as this node saw it.
    pub leader_changes: u64,
    /// How long the batches took that this node put through the log as leader.
    pub batches: Durations,
    /// Commands in those batches.
    pub batched: u64,
    /// How long it took to apply entries to the machine.
    pub applies: Durations,
    /// Why the group has halted on this node, if it has.
    pub halted: Option<String>,
}

/// A node and its groups.
#[derive(Clone, Debug)]
pub struct NodeStatus {
    /// The node.
    pub node: NodeId,
    /// Its groups, by number.
    pub groups: Vec<GroupStatus>,
    /// The shared log.
    pub log: LogStats,
    /// Whether its disk has room.
    pub writable: bool,
    /// Why the cluster does not take this node any more, if so: it was removed, or its data directory is an old copy or was lost.
    pub expelled: Option<String>,
    /// Peers that answered lately.
    pub reachable: Vec<NodeId>,
    /// Who was refused at the port of the nodes.
    pub refused: RefusalCounts,
    /// How far this node's clock is ahead of the cluster's time, in microseconds; negative when it is behind.
    pub clock_offset_us: i64,
}

/// A group as it is now.
pub fn of_group(core: &GroupCore) -> GroupStatus {
    let state = core.group_log.state();
    let leadership = core.leadership();
    let mut status = GroupStatus {
        group: core.id,
        role: Role::Stopped,
        leader: leadership.leader,
        term: leadership.term,
        voters: Vec::new(),
        learners: Vec::new(),
        is_joint: false,
        last_index: state.last.map_or(0, |last| last.index),
        committed_index: 0,
        applied_index: core.progress.applied(),
        snapshot_index: core.snapshots.newest().map_or(0, |snapshot| snapshot.last.index),
        purged_index: state.purged.map_or(0, |purged| purged.index),
        follower_lag: BTreeMap::new(),
        waiting: core.queue.len(),
        reopened: core.reopenings(),
        leader_changes: core.leader_changes(),
        batches: core.batches.read(),
        batched: core.batched.load(Relaxed),
        applies: core.progress.applies.read(),
        halted: core.progress.halted().map(str::to_owned),
    };
    let Some(raft) = core.raft() else { return status };
    let receiver = raft.metrics();
    let metrics = receiver.borrow_watched();
    status.role = match metrics.state {
        ServerState::Leader => Role::Leader,
        ServerState::Follower => Role::Follower,
        ServerState::Candidate => Role::Candidate,
        ServerState::Learner => Role::Learner,
        ServerState::Shutdown => Role::Stopped,
    };
    let membership = metrics.membership_config.membership();
    status.voters = membership.voter_ids().collect::<BTreeSet<_>>().into_iter().map(NodeId).collect();
    status.learners = membership.learner_ids().map(NodeId).collect();
    status.is_joint = membership.get_joint_config().len() > 1;
    status.committed_index = metrics.local_committed.map_or(0, |id| id.index);
    for (node, matched) in metrics.replication.iter().flatten().filter(|(node, _)| **node != core.node.0) {
        let matched = matched.as_ref().map_or(0, |id| id.index);
        status.follower_lag.insert(NodeId(*node), status.last_index.saturating_sub(matched));
    }
    status
}
