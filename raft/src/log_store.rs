//! openraft's log storage over one group of the durable log. The order of writes is the log's: one queue for all groups.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use openraft::storage::{IOFlushed, LogState, RaftLogStorage};
use openraft::{OptionalSend, RaftLogReader};
use tokio::sync::oneshot;

use crate::codec;
use crate::log::{Entry, GroupLog, LogError};
use crate::planted::has;
use crate::progress::Progress;
use crate::types::{Config, LogId, RaftEntry, RaftVote, entry_id, log_id, raft_vote, vote};

/// One group's log as openraft sees it.
#[derive(Clone)]
pub struct LogStore {
    log: GroupLog,
    progress: Arc<Progress>,
    /// Most bytes that one replication call reads.
    read_bytes_max: usize,
}

impl LogStore {
    pub fn new(log: GroupLog, progress: Arc<Progress>, read_bytes_max: usize) -> Self {
        Self { log, progress, read_bytes_max }
    }

    /// Lets new entries be stamped later than every entry that the log holds, applied or not.
    pub fn note_times(&self) -> io::Result<()> {
        let state = self.log.state();
        let Some(last) = state.last else { return Ok(()) };
        let first = state.purged.map_or(0, |purged| purged.index + 1);
        let mut end = last.index + 1;
        while end > first {
            let start = end.saturating_sub(64).max(first);
            let entries = self.read_all(start, end)?;
            if let Some(at_us) = entries.iter().rev().find_map(|entry| codec::time_of(&entry.payload)) {
                self.progress.note_time(at_us);
                return Ok(());
            }
            end = start;
        }
        Ok(())
    }

    fn read_all(&self, start: u64, end: u64) -> io::Result<Vec<Entry>> {
        let mut entries = self.log.read(start..end, usize::MAX).map_err(to_io)?;
        while let Some(last) = entries.last()
            && last.id.index + 1 < end
        {
            let more = self.log.read(last.id.index + 1..end, usize::MAX).map_err(to_io)?;
            if more.is_empty() {
                break;
            }
            entries.extend(more);
        }
        Ok(entries)
    }
}

fn to_io(error: LogError) -> io::Error {
    io::Error::other(error)
}

fn decode(entries: Vec<Entry>) -> io::Result<Vec<RaftEntry>> {
    entries.into_iter().map(|entry| codec::from_log(entry).map_err(io::Error::from)).collect()
}

impl RaftLogReader<Config> for LogStore {
    async fn try_get_log_entries<RB>(&mut self, range: RB) -> Result<Vec<RaftEntry>, io::Error>
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let start = match range.start_bound() {
            Bound::Included(index) => *index,
            Bound::Excluded(index) => index.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let next = self.log.state().last.map_or(0, |last| last.index + 1);
        let end = match range.end_bound() {
            Bound::Included(index) => index.saturating_add(1).min(next),
            Bound::Excluded(index) => (*index).min(next),
            Bound::Unbounded => next,
        };
        if start >= end {
            return Ok(Vec::new());
        }
        decode(self.read_all(start, end)?)
    }

    async fn read_vote(&mut self) -> Result<Option<RaftVote>, io::Error> {
        Ok(self.log.state().vote.map(raft_vote))
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<RaftEntry>, io::Error> {
        decode(self.log.read(start..end, self.read_bytes_max).map_err(to_io)?)
    }
}

impl RaftLogStorage<Config> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Config>, io::Error> {
        let state = self.log.state();
        Ok(LogState { last_purged_log_id: state.purged.map(log_id), last_log_id: state.last.map(log_id) })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, new: &RaftVote) -> Result<(), io::Error> {
        let (done, saved) = oneshot::channel();
        if has("vote-not-saved") {
            return Ok(());
        }
        self.log.save_vote(
            vote(new),
            Box::new(move |result| {
                // openraft may have stopped waiting.
                let _ = done.send(result);
            }),
        );
        if has("vote-after-answer") {
            return Ok(());
        }
        saved.await.map_err(|_| io::Error::other("the log dropped a vote"))?.map_err(to_io)
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), io::Error> {
        if let Some(committed) = committed {
            self.log.save_committed(entry_id(&committed));
        }
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, io::Error> {
        let state = self.log.state();
        Ok(state.committed.min(state.last).map(log_id))
    }

    async fn append<I>(&mut self, entries: I, flushed: IOFlushed<Config>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = RaftEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().map(codec::to_log).collect();
        if let Some(at_us) = entries.iter().rev().find_map(|entry| codec::time_of(&entry.payload)) {
            self.progress.note_time(at_us);
        }
        if has("ack-before-flush") {
            self.log.append(entries, Box::new(|_| {}));
            flushed.io_completed(Ok(()));
            return Ok(());
        }
        self.log.append(entries, Box::new(move |result| flushed.io_completed(result.map_err(to_io))));
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> Result<(), io::Error> {
        self.log.truncate_after(last.map(|id| id.index));
        Ok(())
    }

    async fn purge(&mut self, upto: LogId) -> Result<(), io::Error> {
        self.log.purge(entry_id(&upto));
        Ok(())
    }
}
