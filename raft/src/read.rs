//! Linearizable read points. One round per group is under way at a time; it serves every read that waited before it began, and none that
//! came later.

use std::sync::Arc;
use std::time::Duration;

use boxoffice_cluster_config::request_tag::RequestTag;
use openraft::raft::linearizable_read::LinearizerOption;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::core::GroupCore;
use crate::env::Lane;
use crate::error::ReadError;
use crate::proto::{self, reply, request};

/// How long a round may take.
const ROUND_MAX: Duration = Duration::from_millis(1000);
/// How long a round waits for a leader to appear.
const LEADER_WAIT: Duration = Duration::from_millis(100);

/// Most requests that are named to the leader in one round.
pub const READERS_NAMED_MAX: usize = 64;

type Point = Result<u64, ReadError>;

/// The reads of one group.
#[derive(Default)]
pub struct ReadRounds(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    readers: Vec<Reader>,
    running: bool,
}

struct Reader {
    request: RequestTag,
    point: oneshot::Sender<Point>,
}

/// An index that, once applied here, shows everything that was acknowledged before this call.
pub async fn read_point(core: &Arc<GroupCore>, request: RequestTag) -> Point {
    let (sender, point) = oneshot::channel();
    let start = {
        let mut waiting = core.reads.0.lock();
        waiting.readers.push(Reader { request, point: sender });
        !std::mem::replace(&mut waiting.running, true)
    };
    if start {
        core.runtime.spawn(rounds(core.clone()));
    }
    point.await.unwrap_or(Err(ReadError::ShuttingDown))
}

async fn rounds(core: Arc<GroupCore>) {
    loop {
        let readers = {
            let mut waiting = core.reads.0.lock();
            if waiting.readers.is_empty() {
                waiting.running = false;
                return;
            }
            std::mem::take(&mut waiting.readers)
        };
        let point = round(&core, &readers).await;
        for reader in readers {
            // The reader may have given up.
            let _ = reader.point.send(point);
        }
    }
}

async fn round(core: &Arc<GroupCore>, readers: &[Reader]) -> Point {
    if core.progress.halted().is_some() {
        return Err(ReadError::Halted);
    }
    let mut leadership = core.watch_leadership();
    if leadership.borrow_and_update().leader.is_none() {
        // No leader is no answer; it may come a little later.
        let _ = timeout(LEADER_WAIT, leadership.changed()).await;
    }
    let known = core.leadership();
    match known.leader {
        _ if known.is_leader => confirm_leadership(core).await,
        Some(leader) if leader != core.node => ask_leader(core, leader.0, readers).await,
        _ => Err(ReadError::NoLeader),
    }
}

/// A quorum confirms, after this call, that this node still leads.
async fn confirm_leadership(core: &Arc<GroupCore>) -> Point {
    let raft = core.raft().ok_or(ReadError::NoLeader)?;
    if crate::planted::has("read-without-quorum") {
        return Ok(core.progress.applied());
    }
    let option = LinearizerOption::new(Some(Duration::ZERO), true).with_wait_timeout(ROUND_MAX);
    match timeout(ROUND_MAX, raft.get_read_log_id(option)).await {
        Ok(Ok((point, _))) => Ok(point.index()),
        Ok(Err(_)) | Err(_) => Err(ReadError::NoLeader),
    }
}

async fn ask_leader(core: &Arc<GroupCore>, leader: u64, readers: &[Reader]) -> Point {
    let named = readers.iter().map(|reader| reader.request).filter(|request| !request.is_none());
    let requests = named.take(READERS_NAMED_MAX).flat_map(|request| request.halves()).collect();
    let body = request::Body::ReadIndex(proto::ReadIndex { requests });
    match core.peers.call(leader, core.id.0, Lane::Data, body, ROUND_MAX).await {
        Ok(reply::Body::ReadPoint(point)) => Ok(point.index),
        Ok(_) | Err(_) => Err(ReadError::NoLeader),
    }
}

/// Waits until this node has applied `index`.
pub async fn reach(core: &GroupCore, index: u64, deadline: Instant) -> Result<(), ReadError> {
    let Some(reached) = core.progress.reach(index) else { return Ok(()) };
    if core.progress.halted().is_some() {
        return Err(ReadError::Halted);
    }
    match tokio::time::timeout_at(deadline, reached).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(ReadError::Halted),
        Err(_) => Err(ReadError::Deadline),
    }
}
