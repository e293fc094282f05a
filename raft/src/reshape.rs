//! Brings a group's members towards the wanted ones, one step at a time, on the group's leader. Every step looks at what is there first, so
//! that whoever comes after a crash or a change of leaders just goes on: learners are added, caught up, made voters by joint consensus, and
//! what is not wanted any more is dropped last. A voter goes only when a majority of those that stay is there and has everything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use boxoffice_cluster_config::ids::NodeId;
use openraft::async_runtime::WatchReceiver;
use openraft::impls::EmptyNode;
use openraft::{ChangeMembers, Precondition};
use tokio::time::timeout;

use crate::core::GroupCore;
use crate::env::Lane;
use crate::group::Group;
use crate::peers::{CallError, refusal};
use crate::proto::{self, refused::Reason, reply, request};
use crate::types::{Config, LogId, Raft};

/// A node that answered within this time is there.
const ALIVE: Duration = Duration::from_secs(3);
/// A follower that lacks at most so many entries has caught up: it will have the rest in a moment.
const BEHIND_MAX: u64 = 1_000;
/// How long one change may take to be committed. It may still be, later: the next step looks.
const CHANGE_MAX: Duration = Duration::from_secs(5);
/// How long a leader elsewhere may take for a step.
const STEP_MAX: Duration = Duration::from_secs(8);

/// Who should be in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Who votes. Not empty.
    pub voters: BTreeSet<NodeId>,
    /// Who has a replica: the voters, and those that only follow.
    pub members: BTreeSet<NodeId>,
}

/// What a step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The group is as it should be.
    Done {
        /// Members that do not answer, or lack entries.
        behind: BTreeSet<NodeId>,
    },
    /// Something was done, and there may be more to do.
    Stepped(String),
    /// Nothing can be done at the moment.
    Waiting(String),
}

/// Why there was no step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReshapeError {
    /// Nobody leads the group, or its leader did not answer.
    #[error("the group has no leader that answers")]
    NoLeader,
    /// The leader tried, and failed. It may still come true.
    #[error("{0}")]
    Failed(String),
}

impl Group {
    /// Asks the group's leader for one step towards `shape`.
    ///
    /// # Errors
    /// As `ReshapeError` says; asking again is always safe.
    pub async fn reshape(&self, shape: &Shape) -> Result<Step, ReshapeError> {
        let core = &self.core;
        let leader = core.leadership();
        if leader.is_leader {
            return step(core, shape).await.map_err(ReshapeError::Failed);
        }
        let ids = |nodes: &BTreeSet<NodeId>| nodes.iter().map(|node| node.0).collect();
        let body = request::Body::Reshape(proto::Reshape { voters: ids(&shape.voters), members: ids(&shape.members) });
        match ask(core, leader.leader, body).await? {
            reply::Body::Reshaped(reshaped) => Ok(match reshaped.result() {
                proto::reshaped::Result::Done => Step::Done { behind: reshaped.behind.into_iter().map(NodeId).collect() },
                proto::reshaped::Result::Stepped => Step::Stepped(reshaped.detail),
                proto::reshaped::Result::Waiting => Step::Waiting(reshaped.detail),
            }),
            _ => Err(ReshapeError::NoLeader),
        }
    }

    /// Has the group's leader, wherever it is, hand over to this node. With `stays` it is left alone for a while when leaders are spread.
    ///
    /// # Errors
    /// As `ReshapeError` says.
    pub async fn hand_over(&self, to: NodeId, stays: bool) -> Result<(), ReshapeError> {
        let core = &self.core;
        let leader = core.leadership();
        if leader.is_leader {
            return self.hand_over_here(to, stays).await.map_err(ReshapeError::Failed);
        }
        if leader.leader == Some(to) {
            return Ok(());
        }
        ask(core, leader.leader, request::Body::HandOver(proto::HandOver { to: to.0, stays })).await.map(drop)
    }

    async fn hand_over_here(&self, to: NodeId, stays: bool) -> Result<(), String> {
        if !self.core.voters().contains(&to.0) {
            return Err(format!("{to} does not vote in {}", self.core.id));
        }
        self.core.by_hand(stays);
        let done = self.transfer_leader(to).await;
        self.core.by_hand(false);
        done.map_err(|error| error.to_string())
    }

    /// Who should lead when leaders are spread evenly.
    #[must_use]
    pub fn preferred_leader(&self) -> Option<NodeId> {
        self.core.preferred_leader().map(NodeId)
    }
}

async fn ask(core: &Arc<GroupCore>, leader: Option<NodeId>, body: request::Body) -> Result<reply::Body, ReshapeError> {
    let leader = leader.filter(|leader| *leader != core.node).ok_or(ReshapeError::NoLeader)?;
    match core.peers.call(leader.0, core.id.0, Lane::Data, body, STEP_MAX).await {
        Ok(body) => Ok(body),
        Err(CallError::Refused(Reason::Failed, detail)) => Err(ReshapeError::Failed(detail)),
        Err(CallError::Refused(..) | CallError::NotSent(_) | CallError::Lost(_)) => Err(ReshapeError::NoLeader),
    }
}

/// Answers a peer that asks this leader for a step.
pub async fn answer(core: &Arc<GroupCore>, asked: proto::Reshape) -> Result<reply::Body, proto::Refused> {
    must_lead(core)?;
    let ids = |nodes: Vec<u64>| nodes.into_iter().map(NodeId).collect();
    let shape = Shape { voters: ids(asked.voters), members: ids(asked.members) };
    let step = step(core, &shape).await.map_err(|error| refusal(Reason::Failed, &error))?;
    let (result, detail, behind) = match step {
        Step::Done { behind } => (proto::reshaped::Result::Done, String::new(), behind),
        Step::Stepped(detail) => (proto::reshaped::Result::Stepped, detail, BTreeSet::new()),
        Step::Waiting(detail) => (proto::reshaped::Result::Waiting, detail, BTreeSet::new()),
    };
    let behind = behind.into_iter().map(|node| node.0).collect();
    Ok(reply::Body::Reshaped(proto::Reshaped { result: result.into(), detail, behind }))
}

/// Answers a peer that asks this leader to hand over.
pub async fn answer_hand_over(core: &Arc<GroupCore>, asked: proto::HandOver) -> Result<reply::Body, proto::Refused> {
    must_lead(core)?;
    let group = Group { core: core.clone() };
    group.hand_over_here(NodeId(asked.to), asked.stays).await.map_err(|error| refusal(Reason::Failed, &error))?;
    Ok(reply::Body::HandedOver(proto::HandedOver {}))
}

fn must_lead(core: &GroupCore) -> Result<(), proto::Refused> {
    if core.leadership().is_leader { Ok(()) } else { Err(refusal(Reason::NotLeader, "this node does not lead the group")) }
}

/// A group as its leader sees it.
struct View {
    at: Option<LogId>,
    is_committed: bool,
    is_joint: bool,
    voters: BTreeSet<u64>,
    nodes: BTreeSet<u64>,
    /// How many entries each member lacks.
    lags: BTreeMap<u64, u64>,
}

impl View {
    fn of(core: &GroupCore, raft: &Raft) -> Self {
        let receiver = raft.metrics();
        let metrics = receiver.borrow_watched();
        let (stored, last) = (&metrics.membership_config, metrics.last_log_index.unwrap_or(0));
        let nodes: BTreeSet<u64> = stored.nodes().map(|(node, _)| *node).collect();
        let matched = |node: u64| {
            let matched = metrics.replication.as_ref().and_then(|all| all.get(&node)).and_then(Option::as_ref);
            matched.map_or(0, |matched| matched.index)
        };
        let lag = |node: u64| if node == core.node.0 { 0 } else { last.saturating_sub(matched(node)) };
        Self {
            at: *stored.log_id(),
            is_committed: stored.log_id() == metrics.committed_membership_config.log_id(),
            is_joint: stored.get_joint_config().len() > 1,
            voters: stored.voter_ids().collect(),
            lags: nodes.iter().map(|node| (*node, lag(*node))).collect(),
            nodes,
        }
    }
}

async fn step(core: &Arc<GroupCore>, shape: &Shape) -> Result<Step, String> {
    if shape.voters.is_empty() || !shape.voters.is_subset(&shape.members) {
        return Err("somebody has to vote, and voters are members".to_owned());
    }
    let raft = core.raft().ok_or("the group does not run here at the moment")?;
    let view = View::of(core, &raft);
    if !view.is_committed {
        return Ok(Step::Waiting("a change of the members is being written".to_owned()));
    }
    if view.is_joint {
        change(&raft, &view, ChangeMembers::AddVoterIds(BTreeSet::new())).await?;
        return Ok(Step::Stepped("finished a change that was broken off".to_owned()));
    }
    let wanted: BTreeSet<u64> = shape.members.iter().map(|node| node.0).collect();
    if let Some(missing) = wanted.difference(&view.nodes).next().copied() {
        change(&raft, &view, ChangeMembers::AddNodes(BTreeMap::from([(missing, EmptyNode::new())]))).await?;
        return Ok(Step::Stepped(format!("n{missing} gets a replica")));
    }
    let voters: BTreeSet<u64> = shape.voters.iter().map(|node| node.0).collect();
    if voters != view.voters {
        return change_voters(core, &raft, &view, voters).await;
    }
    let surplus: BTreeSet<u64> = view.nodes.difference(&wanted).copied().collect();
    if !surplus.is_empty() {
        let names = names(&surplus);
        change(&raft, &view, ChangeMembers::RemoveNodes(surplus)).await?;
        return Ok(Step::Stepped(format!("{names} has no replica any more")));
    }
    let behind = view.nodes.iter().filter(|node| why_not(core, &view, **node).is_some());
    Ok(Step::Done { behind: behind.map(|node| NodeId(*node)).collect() })
}

async fn change_voters(core: &Arc<GroupCore>, raft: &Raft, view: &View, wanted: BTreeSet<u64>) -> Result<Step, String> {
    if let Some(why) = wanted.difference(&view.voters).find_map(|node| why_not(core, view, *node)) {
        return Ok(Step::Waiting(why));
    }
    let absent: Vec<String> = wanted.iter().filter_map(|node| why_not(core, view, *node)).collect();
    if absent.len() * 2 >= wanted.len() {
        return Ok(Step::Waiting(format!("a majority of the new voters would be missing: {}", absent.join(", "))));
    }
    let me = core.node.0;
    let mut voters = wanted.clone();
    if !wanted.contains(&me) {
        let heir = view.voters.intersection(&wanted).copied().filter(|node| why_not(core, view, *node).is_none());
        let heirs: Vec<u64> = heir.collect();
        if let Some(heir) = heirs.get(core.id.0 as usize % heirs.len().max(1)).copied() {
            let group = Group { core: core.clone() };
            group.transfer_leader(NodeId(heir)).await.map_err(|error| format!("n{heir} did not take over: {error}"))?;
            return Ok(Step::Stepped(format!("n{heir} leads instead of n{me}")));
        }
        // Nobody else votes yet: first they do, then one of them leads.
        voters.insert(me);
    }
    let names = names(&voters);
    change(raft, view, ChangeMembers::ReplaceAllVoters(voters)).await?;
    Ok(Step::Stepped(format!("{names} vote")))
}

/// What keeps a member from being counted on.
fn why_not(core: &GroupCore, view: &View, node: u64) -> Option<String> {
    if !core.peers.is_alive(node, ALIVE) {
        return Some(format!("n{node} does not answer"));
    }
    let lag = view.lags.get(&node).copied().unwrap_or(u64::MAX);
    (lag > BEHIND_MAX).then(|| format!("n{node} lacks {lag} entries"))
}

/// Has a change written, if the members are still those that were looked at. Who does not vote any more stays as a learner.
async fn change(raft: &Raft, view: &View, change: ChangeMembers<u64, EmptyNode>) -> Result<(), String> {
    let condition = Precondition::<Config>::LastMembershipLogId { last_membership_log_id: view.at };
    match timeout(CHANGE_MAX, raft.change_membership_if(change, true, [condition])).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the change was not committed in time".to_owned()),
    }
}

fn names(nodes: &BTreeSet<u64>) -> String {
    let mut text = String::new();
    for node in nodes {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a string does not fail.
        let _ = write!(text, "{comma}n{node}");
    }
    text
}
