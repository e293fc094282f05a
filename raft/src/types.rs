//! The one type configuration of openraft, shared by every group, and how its types map to ours.

use std::fmt;

use bytes::Bytes;
use openraft::impls::leader_id_adv::LeaderId;
use openraft::impls::{BoxedErrorSource, EmptyNode, Entry, InlineBatch};
use openraft::raft::ClientWriteResult;
use openraft::raft::responder::Responder;
use openraft::{EntryPayload, OptionalSend, RaftTypeConfig, alias};
use openraft_rt::deterministic_rng::DeterministicRng;

use crate::log::{EntryId, Vote};
use crate::proto;
use crate::runtime::Aligned;

/// Chooses openraft's types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Config;

/// An encoded batch of commands, kind byte included: the bytes of a log entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch(pub Bytes);

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "batch of {} bytes", self.0.len())
    }
}

/// What applying one entry gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Replies {
    /// The time of the batch.
    pub at_us: u64,
    /// One reply per command.
    pub replies: Vec<Bytes>,
}

/// Tells the proposer of a batch what became of it, without a task that waits for it.
pub struct Tell<T>(Box<dyn FnOnce(T) + Send>);

impl<T> Tell<T> {
    /// Calls `told` once, or drops it when openraft never answers.
    pub fn new(told: impl FnOnce(T) + Send + 'static) -> Self {
        Self(Box::new(told))
    }
}

impl<T: OptionalSend + 'static> Responder<Config, T> for Tell<T> {
    fn on_complete(self, result: T) {
        (self.0)(result);
    }
}

impl RaftTypeConfig for Config {
    type D = Batch;
    type R = Replies;
    type NodeId = u64;
    type Node = EmptyNode;
    type Term = u64;
    type LeaderId = LeaderId<u64, u64>;
    type Vote = openraft::impls::Vote<Self::LeaderId>;
    type Payload = EntryPayload<Batch, u64, EmptyNode>;
    type Entry = Entry<LeaderId<u64, u64>, Self::Payload>;
    type AsyncRuntime = DeterministicRng<Aligned>;
    type Responder<T>
        = Tell<T>
    where
        T: OptionalSend + 'static;
    type Batch<T>
        = InlineBatch<T>
    where
        T: OptionalSend + 'static;
    type ErrorSource = BoxedErrorSource;
}

pub type LogId = alias::LogIdOf<Config>;
pub type RaftVote = alias::VoteOf<Config>;
pub type RaftEntry = alias::EntryOf<Config>;
pub type Membership = openraft::Membership<u64, EmptyNode>;
pub type StoredMembership = alias::StoredMembershipOf<Config>;
pub type SnapshotMeta = alias::SnapshotMetaOf<Config>;
pub type WriteResult = ClientWriteResult<Config>;
pub type Raft = openraft::Raft<Config, crate::sm::Adapter>;

/// Our name of an openraft log id.
pub fn entry_id(id: &LogId) -> EntryId {
    EntryId { term: id.leader_id.term, node: id.leader_id.node_id, index: id.index }
}

/// openraft's name of our log id.
pub fn log_id(id: EntryId) -> LogId {
    LogId { leader_id: LeaderId { term: id.term, node_id: id.node }, index: id.index }
}

/// Our form of an openraft vote.
pub fn vote(vote: &RaftVote) -> Vote {
    Vote { term: vote.leader_id.term, node: vote.leader_id.node_id, committed: vote.committed }
}

/// openraft's form of our vote.
pub fn raft_vote(vote: Vote) -> RaftVote {
    RaftVote { leader_id: LeaderId { term: vote.term, node_id: vote.node }, committed: vote.committed }
}

impl From<EntryId> for proto::LogId {
    fn from(id: EntryId) -> Self {
        Self { term: id.term, node: id.node, index: id.index }
    }
}

impl From<proto::LogId> for EntryId {
    fn from(id: proto::LogId) -> Self {
        Self { term: id.term, node: id.node, index: id.index }
    }
}

impl From<&LogId> for proto::LogId {
    fn from(id: &LogId) -> Self {
        entry_id(id).into()
    }
}

impl From<proto::LogId> for LogId {
    fn from(id: proto::LogId) -> Self {
        log_id(id.into())
    }
}

impl From<&RaftVote> for proto::Vote {
    fn from(vote: &RaftVote) -> Self {
        Self { term: vote.leader_id.term, node: vote.leader_id.node_id, committed: vote.committed }
    }
}

impl From<proto::Vote> for RaftVote {
    fn from(vote: proto::Vote) -> Self {
        raft_vote(Vote { term: vote.term, node: vote.node, committed: vote.committed })
    }
}
