//! openraft's network over calls to peers. Entries, heartbeats and snapshots take different lanes.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use openraft::OptionalSend;
use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{Backoff, RPCOption, RaftNetworkFactory, RaftNetworkV2};
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse};
use openraft::raft::{TransferLeaderError, TransferLeaderRequest, TransferLeaderResponse};

use crate::codec;
use crate::core::GroupCore;
use crate::env::Lane;
use crate::peers::CallError;
use crate::proto::{self, appended, reply, request};
use crate::snapshot::store::Snapshot;
use crate::types::{Config, RaftVote};

type RpcError = RPCError<Config>;
type RaftSnapshot = openraft::alias::SnapshotOf<Config, Snapshot>;

/// How long entries may take to be acknowledged before they are sent again.
const APPEND_MAX: Duration = Duration::from_secs(2);

/// Makes the connections of one group.
pub struct Network {
    core: Arc<GroupCore>,
}

impl Network {
    pub fn new(core: Arc<GroupCore>) -> Self {
        Self { core }
    }

    fn to(&self, target: u64, lane: Lane) -> Connection {
        Connection { core: self.core.clone(), target, lane }
    }
}

impl RaftNetworkFactory<Config> for Network {
    type Network = Connection;

    async fn new_client(&mut self, target: u64, _node: &openraft::impls::EmptyNode) -> Connection {
        self.to(target, Lane::Data)
    }

    async fn new_heartbeat_client(&mut self, target: u64, _node: &openraft::impls::EmptyNode) -> Connection {
        self.to(target, Lane::Heartbeat)
    }

    async fn new_snapshot_client(&mut self, target: u64, _node: &openraft::impls::EmptyNode) -> Connection {
        self.to(target, Lane::Snapshot)
    }
}

/// One group's way to one peer.
pub struct Connection {
    core: Arc<GroupCore>,
    target: u64,
    lane: Lane,
}

fn unreachable_peer(error: &CallError) -> RpcError {
    RPCError::Unreachable(Unreachable::from_string(error))
}

fn wrong_answer() -> RpcError {
    RPCError::Unreachable(Unreachable::from_string("the peer gave an answer of the wrong kind"))
}

impl Connection {
    async fn call(&self, lane: Lane, body: request::Body, patience: Duration) -> Result<reply::Body, RpcError> {
        self.core.peers.call(self.target, self.core.id.0, lane, body, patience).await.map_err(|error| unreachable_peer(&error))
    }

    async fn ask_vote(&self, ask: VoteRequest<Config>, option: RPCOption, before: bool) -> Result<VoteResponse<Config>, RpcError> {
        let ask = proto::AskVote {
            vote: Some((&ask.vote).into()),
            last: ask.last_log_id.as_ref().map(Into::into),
            leadership_transfer: ask.leadership_transfer,
        };
        let body = if before { request::Body::PreVote(ask) } else { request::Body::Vote(ask) };
        match self.call(Lane::Heartbeat, body, option.hard_ttl()).await? {
            reply::Body::Voted(voted) => {
                let vote: RaftVote = voted.vote.unwrap_or_default().into();
                Ok(VoteResponse::new(vote, voted.last.map(Into::into), voted.granted))
            }
            _ => Err(wrong_answer()),
        }
    }
}

impl RaftNetworkV2<Config> for Connection {
    type SnapshotData = Snapshot;

    async fn append_entries(
        &mut self,
        append: AppendEntriesRequest<Config>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<Config>, RpcError> {
        if self.lane == Lane::Data && self.core.is_cut_off(self.target) {
            return Err(RPCError::Unreachable(Unreachable::from_string("cut off for a while: it lags too far")));
        }
        let patience = if self.lane == Lane::Heartbeat { option.hard_ttl() } else { option.hard_ttl().max(APPEND_MAX) };
        let body = request::Body::Append(proto::Append {
            vote: Some((&append.vote).into()),
            previous: append.prev_log_id.as_ref().map(Into::into),
            entries: append.entries.into_iter().map(codec::to_peer).collect(),
            committed: append.leader_commit.as_ref().map(Into::into),
        });
        let reply::Body::Appended(appended) = self.call(self.lane, body, patience).await? else { return Err(wrong_answer()) };
        Ok(match appended.result() {
            appended::Result::Success => AppendEntriesResponse::Success,
            appended::Result::Partial => AppendEntriesResponse::PartialSuccess(appended.matched.map(Into::into)),
            appended::Result::Conflict => AppendEntriesResponse::Conflict,
            appended::Result::HigherVote => AppendEntriesResponse::HigherVote(appended.higher.unwrap_or_default().into()),
        })
    }

    async fn vote(&mut self, ask: VoteRequest<Config>, option: RPCOption) -> Result<VoteResponse<Config>, RpcError> {
        self.ask_vote(ask, option, false).await
    }

    async fn pre_vote(&mut self, ask: VoteRequest<Config>, option: RPCOption) -> Result<VoteResponse<Config>, RpcError> {
        self.ask_vote(ask, option, true).await
    }

    async fn full_snapshot(
        &mut self,
        vote: RaftVote,
        snapshot: RaftSnapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<Config>, StreamingError<Config>> {
        let offer = snapshot.snapshot.offer();
        let _lent = self.core.snapshots.lend(&snapshot.snapshot);
        let body = request::Body::Install(proto::InstallSnapshot { vote: Some((&vote).into()), offer: Some(offer) });
        let call = self.call(Lane::Snapshot, body, option.hard_ttl());
        let answer = tokio::select! {
            biased;
            closed = cancel => return Err(StreamingError::Closed(closed)),
            answer = call => answer,
        };
        match answer {
            Ok(reply::Body::Installed(installed)) => Ok(SnapshotResponse::new(installed.vote.unwrap_or_default().into())),
            Ok(_) => Err(wrong_answer().into()),
            Err(error) => Err(error.into()),
        }
    }

    async fn transfer_leader(
        &mut self,
        transfer: TransferLeaderRequest<Config>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<Config>, RpcError> {
        let body = request::Body::Transfer(proto::TransferLeader {
            from: Some(transfer.from_leader().into()),
            to: *transfer.to_node_id(),
            last: transfer.last_log_id().map(Into::into),
            by_hand: self.core.is_by_hand(),
        });
        let reply::Body::Transferred(answer) = self.call(Lane::Heartbeat, body, option.hard_ttl()).await? else {
            return Err(wrong_answer());
        };
        if answer.accepted {
            return Ok(Ok(()));
        }
        Ok(Err(match (answer.vote_expected, answer.vote_actual) {
            (Some(expected), Some(actual)) => TransferLeaderError::VoteChanged { expected: expected.into(), actual: actual.into() },
            _ => TransferLeaderError::LogNotFlushed {
                expected: answer.log_expected.map(Into::into),
                actual: answer.log_actual.map(Into::into),
            },
        }))
    }

    fn backoff(&self) -> Option<Backoff> {
        let steps = [20, 50, 100].into_iter().chain(std::iter::repeat(200));
        Some(Backoff::new(steps.map(Duration::from_millis)))
    }
}
