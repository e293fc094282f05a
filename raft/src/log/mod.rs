//! The durable log of a node: one segmented file log for all its Raft groups.
//!
//! It keeps entries, votes, and how far each group is purged and committed. It knows nothing of consensus.

mod types;

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use crate::disk::Disk;
pub use types::{Done, Entry, EntryId, GroupState, LogError, LogOptions, LogStats, OnFatal, Vote};

/// Where the loops of the log run: threads in production, tasks of one thread in a simulation.
pub trait Spawn {
    /// Runs a loop of the log until it ends by itself. It blocks in disk calls and uses `tokio::time`.
    fn spawn(&self, name: &'static str, work: Pin<Box<dyn Future<Output = ()> + Send>>) -> std::io::Result<()>;
}

/// The log of a node. A cheap handle; the log is closed when the last handle (of groups too) is dropped.
#[derive(Clone)]
pub struct Log {}

/// One group of the log. A cheap handle. All writes of a group take effect in the order of the calls.
#[derive(Clone)]
pub struct GroupLog {
    group: u32,
}

impl Log {
    /// Opens or creates the log and reads all of it; its loops run on threads of their own.
    ///
    /// # Errors
    /// `Damaged` when acknowledged bytes are missing or changed, `InUse`, or `Io`.
    pub fn open(_disk: Arc<dyn Disk>, _options: LogOptions) -> Result<Self, LogError> {
        Err(LogError::Closed)
    }

    /// As `open`, with the loops run by `spawn`.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_with(_disk: Arc<dyn Disk>, _options: LogOptions, _spawn: &dyn Spawn) -> Result<Self, LogError> {
        Err(LogError::Closed)
    }

    /// The handle of a group, which need not exist yet.
    #[must_use]
    pub fn group(&self, group: u32) -> GroupLog {
        GroupLog { group }
    }

    /// Groups that have a vote, entries or a purge mark, sorted.
    #[must_use]
    pub fn groups(&self) -> Vec<u32> {
        Vec::new()
    }

    /// Counters and sizes.
    #[must_use]
    pub fn stats(&self) -> LogStats {
        LogStats::default()
    }

    /// False while the disk is too full or the queue too long: refuse proposals before consensus sees them. Heals by itself.
    #[must_use]
    pub fn writable(&self) -> bool {
        false
    }

    /// Groups whose entries keep the oldest segments alive beyond `LogOptions::reclaim_bytes`: make them snapshot and purge. Sorted.
    #[must_use]
    pub fn pinning_groups(&self) -> Vec<u32> {
        Vec::new()
    }

    /// Writes what is queued and stops the loops; blocks until that is done. Later calls on any handle are refused with `Closed`.
    ///
    /// # Errors
    /// `Failed` when the log had stopped before.
    pub fn close(self) -> Result<(), LogError> {
        Ok(())
    }

    /// As `close`, for callers that run on the thread that also runs the loops.
    ///
    /// # Errors
    /// As `close`.
    pub async fn shutdown(&self) -> Result<(), LogError> {
        Ok(())
    }
}

impl GroupLog {
    /// The number of this group.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.group
    }

    /// What is known of the group. Entries, purge mark and committed index as of the last call, the vote as of the last durable one.
    #[must_use]
    pub fn state(&self) -> GroupState {
        GroupState::default()
    }

    /// Adds entries after the last one; an empty group takes any first index. Readable at once; `done` is called when these and all
    /// earlier writes of the group are durable. Without entries it is a barrier.
    ///
    /// `done` gets `Gap`, `TooLarge` or `Closed` when nothing was written, `Failed` when that is unknown. A full disk is no error: the
    /// write waits for room.
    pub fn append(&self, _entries: Vec<Entry>, done: Done) {
        done(Err(LogError::Closed));
    }

    /// Saves the vote, in order with the appends; `state` shows it once it is durable.
    pub fn save_vote(&self, _vote: Vote, done: Done) {
        done(Err(LogError::Closed));
    }

    /// Removes all entries after the index (all that are left with `None`). Durable together with the next append or vote.
    pub fn truncate_after(&self, _last: Option<u64>) {}

    /// Forgets all entries up to this one, which may lie beyond the last. Call it only when a snapshot that covers them is durable.
    pub fn purge(&self, _upto: EntryId) {}

    /// Remembers how far the group is known to be committed. Written with the next append, or a little later on its own.
    pub fn save_committed(&self, _id: EntryId) {}

    /// Entries from `range.start` (or the first one after the purge mark) on, without holes, below `range.end`, as many as fit into
    /// `bytes_max` of payload but at least one if there is one. Recent ones come from memory, others from the disk, checksums checked.
    ///
    /// # Errors
    /// `Damaged` when the disk gives other bytes than were written, `Io` when it gives none.
    pub fn read(&self, _range: Range<u64>, _bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        Ok(Vec::new())
    }

    /// Forgets the group: entries, vote and all. In order with other calls; a later append starts afresh.
    pub fn drop_group(&self) {}
}
