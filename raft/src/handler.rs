//! Answers the calls of peers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_cluster_config::request_tag::{LOG_TARGET, RequestTag};
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, VoteRequest};
use openraft::raft::{TransferLeaderError, TransferLeaderRequest};
use tokio::time::{Instant, timeout_at};

use crate::batcher::to_wire;
use crate::blobs::BlobDesk;
use crate::codec;
use crate::core::GroupCore;
use crate::env::{PeerReply, PeerRequest, PeerService};
use crate::error::ProposeError;
use crate::install;
use crate::log::Log;
use crate::peers::{PeerClient, refusal};
use crate::proto::{self, appended, refused::Reason, reply, request};
use crate::queue::{Asked, Collector};
use crate::read::{READERS_NAMED_MAX, read_point};
use crate::reshape;
use crate::time::ClusterTime;
use crate::types::{Config, Raft};

/// The receiving end of this node.
pub struct Handler {
    pub peers: Arc<PeerClient>,
    pub groups: BTreeMap<GroupId, Arc<GroupCore>>,
    pub time: Arc<ClusterTime>,
    pub log: Log,
    pub blobs: BlobDesk,
}

type Answer = Result<reply::Body, proto::Refused>;

#[async_trait]
impl PeerService for Handler {
    async fn answer(&self, request: PeerRequest) -> PeerReply {
        let answer = match self.peers.admit(&request.0) {
            Ok(()) => self.dispatch(request.0).await,
            Err(refused) => Err(refused),
        };
        self.peers.reply(answer.unwrap_or_else(reply::Body::Refused))
    }
}

impl Handler {
    async fn dispatch(&self, request: proto::Request) -> Answer {
        let Some(body) = request.body else { return Err(refusal(Reason::Other, "a call of an unknown kind")) };
        if let request::Body::Ping(ping) = &body {
            // Who was away for long may not know the node that leads it now.
            let book = self.peers.book().now();
            let book = (book.revision > ping.revision).then(|| (&*book).into());
            return Ok(reply::Body::Pong(proto::Pong { wall_us: self.time.wall_us(), writable: self.log.writable(), book }));
        }
        if let Some(answer) = self.blobs.answer(request.from, &body).await {
            return answer;
        }
        let Some(core) = self.groups.get(&GroupId(request.group)) else {
            return Err(refusal(Reason::UnknownGroup, &format!("there is no g{} here", request.group)));
        };
        match body {
            request::Body::Append(append) => self.append(core, append).await,
            request::Body::Vote(ask) => self.vote(core, ask, false).await,
            request::Body::PreVote(ask) => self.vote(core, ask, true).await,
            request::Body::Install(offered) => install::receive(core, request.from, offered).await,
            request::Body::ReadSnapshot(read) => install::read_chunk(core, read).await,
            request::Body::LatestSnapshot(latest) => install::latest(core, &latest).await,
            request::Body::Transfer(transfer) => transfer_leader(core, transfer).await,
            request::Body::Forward(forward) => forwarded(core, request.from, forward).await,
            request::Body::ReadIndex(read) => read_index(core, request.from, &read).await,
            request::Body::Reshape(asked) => reshape::answer(core, asked).await,
            request::Body::HandOver(asked) => reshape::answer_hand_over(core, asked).await,
            request::Body::Ping(_) | request::Body::ReadBlob(_) | request::Body::KeepBlob(_) => {
                Err(refusal(Reason::Other, "this call concerns no group"))
            }
        }
    }

    async fn append(&self, core: &GroupCore, append: proto::Append) -> Answer {
        if !append.entries.is_empty() && !self.log.writable() {
            return Err(refusal(Reason::DiskFull, "the disk is full"));
        }
        let raft = running(core)?;
        let entries: Result<Vec<_>, _> = append.entries.into_iter().map(codec::from_peer).collect();
        let request = AppendEntriesRequest::<Config> {
            vote: append.vote.unwrap_or_default().into(),
            prev_log_id: append.previous.map(Into::into),
            entries: entries.map_err(|error| refusal(Reason::Other, &error.to_string()))?,
            leader_commit: append.committed.map(Into::into),
        };
        let answer = raft.append_entries(request).await.map_err(|error| refusal(Reason::NotReady, &error.to_string()))?;
        if matches!(answer, AppendEntriesResponse::Success | AppendEntriesResponse::PartialSuccess(_)) {
            core.note_contact();
        }
        let (result, matched, higher) = match answer {
            AppendEntriesResponse::Success => (appended::Result::Success, None, None),
            AppendEntriesResponse::PartialSuccess(matched) => (appended::Result::Partial, matched, None),
            AppendEntriesResponse::Conflict => (appended::Result::Conflict, None, None),
            AppendEntriesResponse::HigherVote(vote) => (appended::Result::HigherVote, None, Some(vote)),
        };
        let matched = matched.as_ref().map(Into::into);
        Ok(reply::Body::Appended(proto::Appended { result: result.into(), matched, higher: higher.as_ref().map(Into::into) }))
    }

    async fn vote(&self, core: &GroupCore, ask: proto::AskVote, before: bool) -> Answer {
        if !self.log.writable() {
            return Err(refusal(Reason::DiskFull, "the disk is full"));
        }
        let raft = running(core)?;
        let mut request = VoteRequest::<Config>::new(ask.vote.unwrap_or_default().into(), ask.last.map(Into::into));
        request.leadership_transfer = ask.leadership_transfer;
        let answer = if before { raft.pre_vote(request).await } else { raft.vote(request).await };
        let answer = answer.map_err(|error| refusal(Reason::NotReady, &error.to_string()))?;
        Ok(reply::Body::Voted(proto::Voted {
            vote: Some((&answer.vote).into()),
            granted: answer.vote_granted,
            last: answer.last_log_id.as_ref().map(Into::into),
        }))
    }
}

/// The group's core, or why there is none.
pub fn running(core: &GroupCore) -> Result<Raft, proto::Refused> {
    core.raft().ok_or_else(|| refusal(Reason::NotReady, "the group does not run here at the moment"))
}

async fn transfer_leader(core: &GroupCore, transfer: proto::TransferLeader) -> Answer {
    let raft = running(core)?;
    let from = transfer.from.unwrap_or_default().into();
    let request = TransferLeaderRequest::<Config>::new(from, transfer.to, transfer.last.map(Into::into));
    let answer = raft.handle_transfer_leader(request).await.map_err(|error| refusal(Reason::NotReady, &error.to_string()))?;
    if answer.is_ok() && transfer.by_hand && transfer.to == core.node.0 {
        core.stay_put();
    }
    Ok(reply::Body::Transferred(match answer {
        Ok(()) => proto::TransferAnswer { accepted: true, ..Default::default() },
        Err(TransferLeaderError::VoteChanged { expected, actual }) => {
            proto::TransferAnswer { vote_expected: Some((&expected).into()), vote_actual: Some((&actual).into()), ..Default::default() }
        }
        Err(TransferLeaderError::LogNotFlushed { expected, actual }) => proto::TransferAnswer {
            log_expected: expected.as_ref().map(Into::into),
            log_actual: actual.as_ref().map(Into::into),
            ..Default::default()
        },
    }))
}

/// Runs forwarded commands here, or refuses them: they do not travel further.
async fn forwarded(core: &GroupCore, from: u64, forward: proto::Forward) -> Answer {
    let now = Instant::now();
    let count = forward.commands.len();
    let outcomes = if core.progress.halted().is_some() {
        (0..count).map(|_| Err(ProposeError::Halted)).collect()
    } else if core.leadership().is_leader {
        let (collector, completed) = Collector::new(count);
        let asked = |one: proto::ForwardedCommand| {
            let request = RequestTag::from_halves(one.request_high, one.request_low);
            tracing::debug!(target: LOG_TARGET, group = %core.id, from, request_id = %request, "a command was forwarded here");
            Asked { command: one.command, deadline: now + Duration::from_millis(one.deadline_ms.into()), request }
        };
        let commands: Vec<_> = forward.commands.into_iter().map(asked).collect();
        let deadline = commands.iter().map(|asked| asked.deadline).max().unwrap_or(now);
        core.queue.push_forwarded(commands, &collector);
        // What has no outcome by then is unknown to the callers too.
        let _ = timeout_at(deadline, completed).await;
        collector.take()
    } else {
        (0..count).map(|_| Err(ProposeError::NoLeader)).collect()
    };
    Ok(reply::Body::Forwarded(proto::Forwarded { outcomes: outcomes.into_iter().map(to_wire).collect() }))
}

async fn read_index(core: &Arc<GroupCore>, from: u64, read: &proto::ReadIndex) -> Answer {
    for pair in read.requests.chunks_exact(2).take(READERS_NAMED_MAX) {
        let request = RequestTag::from_halves(pair[0], pair[1]);
        tracing::debug!(target: LOG_TARGET, group = %core.id, from, request_id = %request, "a read asks how far the group is");
    }
    if !core.leadership().is_leader {
        return Err(refusal(Reason::NotLeader, "this node does not lead the group"));
    }
    match read_point(core, RequestTag::NONE).await {
        Ok(index) => Ok(reply::Body::ReadPoint(proto::ReadPoint { index })),
        Err(error) => Err(refusal(Reason::NotLeader, &error.to_string())),
    }
}
