//! One replicated group, as its users see it.

use std::sync::Arc;
use std::time::Duration;

use boxoffice_cluster_config::ids::{GroupId, NodeId};
use boxoffice_cluster_config::request_tag::RequestTag;
use bytes::Bytes;
use openraft::async_runtime::WatchReceiver;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use crate::core::GroupCore;
pub use crate::core::Leadership;
use crate::error::{ProposeError, ReadError, SnapshotError, TransferError};
use crate::history::History;
pub use crate::queue::Committed;
use crate::read::{reach, read_point};
use crate::status::{GroupStatus, of_group};

/// Pause between two tries of a read that found no leader.
const READ_RETRY: Duration = Duration::from_millis(20);
/// After this long without a quorum (as leader) or a leader, commands are refused at once instead of waiting for one until their
/// deadline. An ordinary change of leaders takes less.
const LOST_AFTER: Duration = Duration::from_secs(2);
/// How often, and with which pause, it is looked once more before that: after a node was held up, heartbeats and commands wait side by
/// side.
const LOST_LOOKS: usize = 2;
const LOST_PAUSE: Duration = Duration::from_millis(20);
/// How long a hand-over waits for the target to catch up, and then to take over.
const CATCH_UP_MAX: Duration = Duration::from_millis(500);
const TAKE_OVER_MAX: Duration = Duration::from_secs(2);
/// How long a snapshot asked for by hand may take.
const SNAPSHOT_MAX: Duration = Duration::from_secs(60);

/// A group on this node. A cheap handle, usable from any runtime.
#[derive(Clone)]
pub struct Group {
    pub(crate) core: Arc<GroupCore>,
}

impl Group {
    /// Its number.
    #[must_use]
    pub fn id(&self) -> GroupId {
        self.core.id
    }

    /// Which life of the cluster's groups this is; part of every position.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.core.incarnation()
    }

    /// What this node has of the group's past.
    #[must_use]
    pub fn history(&self) -> History {
        History::of(self.core.id, self.core.snapshots.clone(), self.core.group_log.clone())
    }

    /// Keeps entries after this one in the log of this node, until it is told otherwise or the disk is short; `None` = none are needed.
    pub fn keep_entries_after(&self, index: Option<u64>) {
        self.core.keep_after(index.unwrap_or(u64::MAX));
    }

    /// How long ago this node last knew itself to be up to date, in milliseconds: when the leader was last heard of here, or, on the
    /// leader, when a quorum last answered.
    #[must_use]
    pub fn age_ms(&self) -> u64 {
        self.core.contact_age().map_or(u64::MAX, |age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
    }

    /// Has a command executed by the group, wherever its leader is, and returns what the machine replied.
    ///
    /// # Errors
    /// All but `Unknown` are definite: nothing happened.
    pub async fn propose(&self, command: Bytes, deadline: Instant) -> Result<Committed, ProposeError> {
        self.propose_for(RequestTag::NONE, command, deadline).await
    }

    /// As [`Group::propose`], on behalf of a request that is named in the logs of the nodes that see the command.
    ///
    /// # Errors
    /// As [`Group::propose`].
    pub async fn propose_for(&self, request: RequestTag, command: Bytes, deadline: Instant) -> Result<Committed, ProposeError> {
        // The queue closes when the core is gone, a little later; until then it would still send commands to the leader it knows.
        if self.core.progress.halted().is_some() {
            return Err(ProposeError::Halted);
        }
        if self.is_lost() && self.stays_lost().await {
            return Err(ProposeError::NoLeader);
        }
        let (sequence, outcome) = self.core.queue.push(command, deadline, request)?;
        match timeout_at(deadline, outcome).await {
            // The queue answers so too when it finds the deadline passed before this call does.
            Ok(Ok(Err(ProposeError::Overloaded))) => Err(self.why_late()),
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(ProposeError::Unknown),
            Err(_) if !self.core.queue.withdraw(sequence) => Err(ProposeError::Unknown),
            Err(_) => Err(self.why_late()),
        }
    }

    /// Why a command was not sent before its deadline.
    fn why_late(&self) -> ProposeError {
        if self.is_out_of_touch() { ProposeError::NoLeader } else { ProposeError::Overloaded }
    }

    /// Whether the majority has been away for longer than an election takes.
    fn is_lost(&self) -> bool {
        self.core.contact_age().is_some_and(|age| age > LOST_AFTER) && self.core.voters().len() > 1
    }

    /// Whether this node has heard of no quorum of the group for longer than an ordinary election takes.
    #[must_use]
    pub fn has_lost_quorum(&self) -> bool {
        self.is_lost()
    }

    async fn stays_lost(&self) -> bool {
        for _ in 0..LOST_LOOKS {
            sleep(LOST_PAUSE).await;
            if !self.is_lost() {
                return false;
            }
        }
        true
    }

    /// Whether no leader is known, or the known one has not been heard of (as leader: by a quorum) for longer than its lease.
    pub(crate) fn is_out_of_touch(&self) -> bool {
        let lease = Duration::from_millis(self.core.tuning.election_max_ms);
        self.core.leadership().leader.is_none() || self.core.contact_age().is_none_or(|age| age > lease)
    }

    /// Waits until this node shows everything that was acknowledged anywhere before the call, and returns the index that is applied
    /// by then.
    ///
    /// # Errors
    /// `NoLeader` or `Deadline` when that was not reached; nothing has changed.
    pub async fn read_barrier(&self, deadline: Instant) -> Result<u64, ReadError> {
        self.read_barrier_for(RequestTag::NONE, deadline).await
    }

    /// As [`Group::read_barrier`], on behalf of a request that is named in the logs of the node that is asked.
    ///
    /// # Errors
    /// As [`Group::read_barrier`].
    pub async fn read_barrier_for(&self, request: RequestTag, deadline: Instant) -> Result<u64, ReadError> {
        loop {
            match timeout_at(deadline, read_point(&self.core, request)).await {
                Ok(Ok(index)) if crate::planted::has("read-unapplied") => return Ok(index),
                Ok(Ok(index)) => {
                    self.wait_applied(index, deadline).await?;
                    return Ok(self.core.progress.applied().max(index));
                }
                Ok(Err(ReadError::NoLeader)) if Instant::now() + READ_RETRY < deadline => sleep(READ_RETRY).await,
                Ok(Err(error)) => return Err(error),
                Err(_) if self.core.leadership().leader.is_none() => return Err(ReadError::NoLeader),
                Err(_) => return Err(ReadError::Deadline),
            }
        }
    }

    /// Waits until this node has applied the entry `index`.
    ///
    /// # Errors
    /// `Deadline` when it did not in time, `Halted` when it never will.
    pub async fn wait_applied(&self, index: u64, deadline: Instant) -> Result<(), ReadError> {
        reach(&self.core, index, deadline).await
    }

    /// The last entry that the machine of this node shows; 0 before the first.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.core.progress.applied()
    }

    /// Who leads, as this node knows it.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        self.core.leadership().leader
    }

    /// Whether this node leads. It may have lost the office without knowing; only a commit or a read barrier proves it.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.core.leadership().is_leader
    }

    /// Changes of leadership, so that workers of the leader start and stop.
    #[must_use]
    pub fn leadership(&self) -> watch::Receiver<Leadership> {
        self.core.watch_leadership()
    }

    /// Cluster time in microseconds since the Unix epoch, as the next batch of a leader on this node would be stamped at the earliest.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        self.core.time.now_us()
    }

    /// The digest of the state right after this entry, if it is still remembered here.
    #[must_use]
    pub fn digest_at(&self, index: u64) -> Option<u128> {
        self.core.progress.digest_at(index)
    }

    /// The remembered (index, digest) pairs, oldest first.
    #[must_use]
    pub fn digests(&self) -> Vec<(u64, u128)> {
        self.core.progress.digests()
    }

    /// What must survive any crash from now on, as this node's log has told: (term, node) of the vote, and the last entry.
    #[cfg(feature = "sim")]
    #[must_use]
    pub fn durable(&self) -> (Option<(u64, u64)>, Option<u64>) {
        let vote = self.core.group_log.state().vote.map(|vote| (vote.term, vote.node));
        (vote, self.core.group_log.written())
    }

    /// How the group is on this node.
    #[must_use]
    pub fn status(&self) -> GroupStatus {
        of_group(&self.core)
    }

    /// Hands leadership over to a follower that is caught up. Commands wait meanwhile.
    ///
    /// # Errors
    /// `TargetBehind` when it did not catch up: this node leads on. `Deadline` when it was asked and did not take over: an election
    /// follows.
    pub async fn transfer_leader(&self, to: NodeId) -> Result<(), TransferError> {
        let core = &self.core;
        let raft = core.raft().ok_or(TransferError::NotRunning)?;
        if !core.leadership().is_leader {
            return Err(TransferError::NotLeader);
        }
        if to == core.node {
            return Ok(());
        }
        let deadline = Instant::now() + CATCH_UP_MAX;
        core.queue.hold(deadline);
        let metrics = raft.metrics();
        let caught_up = || {
            let metrics = metrics.borrow_watched();
            let matched = metrics.replication.as_ref().and_then(|replication| replication.get(&to.0).cloned().flatten());
            matched.is_some_and(|matched| Some(matched.index) == metrics.last_log_index)
        };
        while !caught_up() {
            if Instant::now() >= deadline {
                core.queue.release();
                return Err(TransferError::TargetBehind);
            }
            sleep(Duration::from_millis(5)).await;
        }
        let mut leadership = core.watch_leadership();
        raft.trigger().transfer_leader(to.0).await.map_err(|_| TransferError::NotRunning)?;
        let taken_over = leadership.wait_for(|now| now.leader == Some(to));
        let result = timeout_at(Instant::now() + TAKE_OVER_MAX, taken_over).await;
        core.queue.release();
        match result {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(TransferError::Deadline),
        }
    }

    /// Takes a snapshot of everything applied now, and returns the index it ends with.
    ///
    /// # Errors
    /// `Deadline` when nothing new was applied since the newest one and none came in time.
    pub async fn snapshot_now(&self) -> Result<u64, SnapshotError> {
        let core = &self.core;
        let wanted = core.progress.applied();
        let deadline = Instant::now() + SNAPSHOT_MAX;
        loop {
            if let Some(newest) = core.snapshots.newest().filter(|newest| newest.last.index >= wanted) {
                return Ok(newest.last.index);
            }
            let raft = core.raft().ok_or(SnapshotError::NotRunning)?;
            raft.trigger().snapshot().await.map_err(|_| SnapshotError::NotRunning)?;
            if Instant::now() >= deadline {
                return Err(SnapshotError::Deadline);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}
