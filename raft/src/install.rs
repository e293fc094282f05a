//! Snapshots between nodes: a follower reads the leader's file piece by piece; a node that lost its own asks any peer.

use std::sync::Arc;
use std::time::Duration;

use crate::blocking::blocking;
use crate::core::GroupCore;
use crate::env::Lane;
use crate::handler::running;
use crate::log::EntryId;
use crate::peers::{CallError, refusal};
use crate::proto::{self, refused::Reason, reply, request};
use crate::snapshot::store::Snapshot;
use crate::types::RaftVote;

/// How long one piece may take.
const CHUNK_MAX: Duration = Duration::from_secs(5);

type Answer = Result<reply::Body, proto::Refused>;

/// A leader offers a snapshot: fetch it, keep it, install it.
pub async fn receive(core: &Arc<GroupCore>, from: u64, offered: proto::InstallSnapshot) -> Answer {
    let raft = running(core)?;
    let offer = offered.offer.unwrap_or_default();
    let vote: RaftVote = offered.vote.unwrap_or_default().into();
    let snapshot = fetch(core, from, &offer).await.map_err(|error| refusal(Reason::NotReady, &error.to_string()))?;
    let meta = snapshot.meta().map_err(|error| refusal(Reason::Other, &error.to_string()))?;
    let index = snapshot.last.index;
    let installed =
        raft.install_full_snapshot(vote, openraft::alias::SnapshotOf::<crate::types::Config, Snapshot> { meta, snapshot }).await;
    let installed = installed.map_err(|error| refusal(Reason::NotReady, &error.to_string()))?;
    tracing::info!(group = %core.id, from, index, "a snapshot from the leader was installed");
    Ok(reply::Body::Installed(proto::Installed { vote: Some((&installed.vote).into()) }))
}

/// Brings an offered snapshot into the store, durably. A fetch that broke off goes on where it stopped.
async fn fetch(core: &Arc<GroupCore>, from: u64, offer: &proto::SnapshotOffer) -> std::io::Result<Snapshot> {
    let last: EntryId = offer.last.unwrap_or_default().into();
    if let Some(snapshot) = core.snapshots.find(last) {
        return Ok(snapshot);
    }
    let Ok(mut slot) = core.arriving.try_lock() else {
        return Err(std::io::Error::other("another snapshot is being received"));
    };
    let mut arriving = match slot.take() {
        Some(arriving) if arriving.is_of(offer) => arriving,
        other => {
            if let Some(other) = other {
                core.snapshots.discard(other);
            }
            core.snapshots.arrive(offer)?
        }
    };
    while !arriving.is_complete() {
        let read = proto::ReadSnapshot { last: offer.last, offset: arriving.received(), bytes_max: core.tuning.chunk_bytes as u32 };
        let answer = core.peers.call(from, core.id.0, Lane::Snapshot, request::Body::ReadSnapshot(read), CHUNK_MAX).await;
        let added = match answer {
            Ok(reply::Body::Chunk(chunk)) => arriving.add(&chunk.data),
            Ok(_) => Err(std::io::Error::other("the peer gave an answer of the wrong kind")),
            Err(error) => Err(std::io::Error::other(error)),
        };
        if let Err(error) = added {
            *slot = Some(arriving);
            return Err(error);
        }
    }
    let store = core.snapshots.clone();
    blocking(core.surroundings.inline, move || store.take_over(arriving)).await
}

/// Gives a piece of one of our snapshots.
pub async fn read_chunk(core: &Arc<GroupCore>, read: proto::ReadSnapshot) -> Answer {
    let last: EntryId = read.last.unwrap_or_default().into();
    let Some(snapshot) = core.snapshots.find(last) else {
        return Err(refusal(Reason::NotFound, "this snapshot is not kept any more"));
    };
    let bytes_max = (read.bytes_max as usize).min(core.tuning.chunk_bytes);
    let chunk = blocking(core.surroundings.inline, move || snapshot.chunk(read.offset, bytes_max)).await;
    let chunk = chunk.map_err(|error| refusal(Reason::Other, &error.to_string()))?;
    Ok(reply::Body::Chunk(proto::SnapshotChunk { data: chunk.into() }))
}

/// Tells of our newest snapshot, or has one made when it is too old for the caller.
pub async fn latest(core: &Arc<GroupCore>, latest: &proto::LatestSnapshot) -> Answer {
    match core.snapshots.newest() {
        Some(snapshot) if snapshot.last.index >= latest.index_min => Ok(reply::Body::Offer(snapshot.offer())),
        _ => {
            let raft = running(core)?;
            raft.trigger().snapshot().await.map_err(|error| refusal(Reason::NotReady, &error.to_string()))?;
            Err(refusal(Reason::NotFound, "no snapshot is new enough yet"))
        }
    }
}

/// This node needs a snapshot that reaches `index_min` to start at all: ask every peer until one has it.
pub async fn fetch_from_any(core: &Arc<GroupCore>, index_min: u64) {
    loop {
        for peer in core.peers.others() {
            let body = request::Body::LatestSnapshot(proto::LatestSnapshot { index_min });
            let fetched = match core.peers.call(peer, core.id.0, Lane::Snapshot, body, CHUNK_MAX).await {
                Ok(reply::Body::Offer(offer)) => fetch(core, peer, &offer).await,
                Ok(_) => Err(std::io::Error::other("the peer gave an answer of the wrong kind")),
                Err(error @ (CallError::NotSent(_) | CallError::Lost(_) | CallError::Refused(..))) => Err(std::io::Error::other(error)),
            };
            match fetched {
                Ok(snapshot) => {
                    tracing::warn!(group = %core.id, from = peer, index = snapshot.last.index, "a lost snapshot was replaced by a peer's");
                    return;
                }
                Err(error) => tracing::info!(group = %core.id, from = peer, %error, "no snapshot from this peer"),
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
