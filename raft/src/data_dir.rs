//! The data directory of a node that does not run, or a copy of one, for those who look into it: whose it is, the entries of its log,
//! and what a group's machine has to be given to be where the log says it was. Nothing is written.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use boxoffice_cluster_config::ids::{ClusterId, GroupId, NodeId};
use bytes::Bytes;

use crate::disk::{Disk, ReadOnlyDisk};
use crate::entries::{Content, EntriesError, LogEntry, READ_BYTES_MAX, decode};
use crate::identity;
use crate::log::{LogError, LogView};
use crate::node::log_dir;
use crate::snapshot::store::{self, Snapshot};

/// Entries read at once during a replay.
const ENTRIES_AT_ONCE: usize = 4096;

/// A node's files.
pub struct DataDir {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    cluster: ClusterId,
    node: NodeId,
    log: LogView,
}

/// How far a replay goes. What is not known to be committed is never replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// To the last entry that is known to be committed.
    Committed,
    /// To this entry.
    Index(u64),
    /// To the last entry applied at this time or before, in microseconds since the Unix epoch.
    Time(u64),
}

/// Why a data directory cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Nobody's.
    #[error("{} is not a node's data directory", .0.display())]
    NotOne(PathBuf),
    /// A file cannot be read.
    #[error("{action}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The log cannot be read; while its node runs, it is in use.
    #[error("read the log")]
    Log(#[from] LogError),
    /// An entry cannot be read.
    #[error("read an entry of the log")]
    Entry(#[from] EntriesError),
    /// What was asked for is gone.
    #[error("group {group} cannot be replayed to there: its log begins after entry {purged}, and no snapshot lies between")]
    Gone {
        /// The group.
        group: u32,
        /// The last entry that is gone.
        purged: u64,
    },
}

impl DataDir {
    /// Opens the directory of a node that does not run.
    ///
    /// # Errors
    /// As [`DataDirError`] says.
    pub fn open(dir: &Path) -> Result<Self, DataDirError> {
        Self::open_on(Arc::new(ReadOnlyDisk), dir)
    }

    /// As `open`, on another disk.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_on(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, DataDirError> {
        if !disk.exists(&log_dir(dir)) {
            return Err(DataDirError::NotOne(dir.to_owned()));
        }
        let (cluster, node) = identity::owner(disk.as_ref(), dir).map_err(io_error("read whose the data directory is"))?;
        let log = LogView::open(Arc::clone(&disk), &log_dir(dir))?;
        Ok(Self { disk, dir: dir.to_owned(), cluster, node, log })
    }

    /// Whose cluster's.
    #[must_use]
    pub fn cluster(&self) -> &ClusterId {
        &self.cluster
    }

    /// Whose.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The groups that its log knows, ascending.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupId> {
        self.log.groups().map(GroupId).collect()
    }

    /// The first entry that is left of a group, and the last that is known to be committed.
    #[must_use]
    pub fn range(&self, group: GroupId) -> (u64, u64) {
        let state = self.log.state(group.0);
        (state.purged.map_or(0, |purged| purged.index + 1), state.committed.map_or(0, |committed| committed.index))
    }

    /// Committed entries from `from` (or the first that is left) on, at most `count`.
    ///
    /// # Errors
    /// As [`DataDirError`] says.
    pub fn entries(&self, group: GroupId, from: u64, count: usize) -> Result<Vec<LogEntry>, DataDirError> {
        let (first, committed) = self.range(group);
        let from = from.max(first);
        let left = usize::try_from((committed + 1).saturating_sub(from)).unwrap_or(usize::MAX);
        let found = self.log.read(group.0, from, count.min(left), READ_BYTES_MAX)?;
        Ok(found.into_iter().map(decode).collect::<Result<_, _>>()?)
    }

    /// Begins to replay a group.
    ///
    /// # Errors
    /// `Gone` when neither the log nor a snapshot reaches back so far, and as [`DataDirError`] says.
    pub fn replay(&self, group: GroupId, until: Until) -> Result<Replay<'_>, DataDirError> {
        let (first, committed) = self.range(group);
        let snapshots = self.dir.join("snapshots");
        let found = store::look(&self.disk, &snapshots, &self.cluster, group).map_err(io_error("read the snapshots"))?;
        let (end, until_us) = match until {
            Until::Committed => (committed, u64::MAX),
            Until::Index(index) => (committed.min(index), u64::MAX),
            Until::Time(at_us) => (committed, at_us),
        };
        let early_enough = |snapshot: &Snapshot| match until {
            // A snapshot can be newer than what the log remembers as committed: what is in it is committed.
            Until::Committed => true,
            Until::Index(index) => snapshot.last.index <= index,
            Until::Time(at_us) => snapshot.head.at_us <= at_us,
        };
        let snapshot = found.into_iter().rev().find(early_enough);
        let next = snapshot.as_ref().map_or(0, |snapshot| snapshot.last.index + 1);
        if next < first {
            return Err(DataDirError::Gone { group: group.0, purged: first - 1 });
        }
        let at_us = snapshot.as_ref().map_or(0, |snapshot| snapshot.head.at_us);
        Ok(Replay { dir: self, group, snapshot, next, end, until_us, at_us, read: Vec::new().into_iter() })
    }
}

/// A snapshot to begin with, and the batches after it.
pub struct Replay<'a> {
    dir: &'a DataDir,
    group: GroupId,
    snapshot: Option<Snapshot>,
    /// The next entry to be read.
    next: u64,
    /// The last entry to be read.
    end: u64,
    until_us: u64,
    at_us: u64,
    read: std::vec::IntoIter<LogEntry>,
}

/// What one entry asks of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its place.
    pub index: u64,
    /// The time at which it is applied, in microseconds since the Unix epoch.
    pub at_us: u64,
    /// The commands; none in an entry of the groups' own.
    pub commands: Vec<Bytes>,
}

impl Replay<'_> {
    /// The entry that the snapshot ends with, and the time of that; zeros without a snapshot.
    #[must_use]
    pub fn begins(&self) -> (u64, u64) {
        self.snapshot.as_ref().map_or((0, 0), |snapshot| (snapshot.last.index, snapshot.head.at_us))
    }

    /// The frames of the snapshot to begin with, if there is one; each may be an error, which is then the last.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn frames(&self) -> Result<Option<impl Iterator<Item = io::Result<Vec<u8>>>>, DataDirError> {
        let reader = self.snapshot.as_ref().map(|snapshot| snapshot.read()).transpose();
        reader.map_err(io_error("read a snapshot"))
    }

    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// As [`DataDirError`] says.
    pub fn step(&mut self) -> Result<Option<Step>, DataDirError> {
        let entry = match self.read.next() {
            Some(entry) => entry,
            None => {
                let left = usize::try_from((self.end + 1).saturating_sub(self.next)).unwrap_or(usize::MAX);
                self.read = self.dir.entries(self.group, self.next, left.min(ENTRIES_AT_ONCE))?.into_iter();
                let Some(entry) = self.read.next() else { return Ok(None) };
                entry
            }
        };
        let Content::Batch { at_us, commands } = entry.content else {
            self.next = entry.index + 1;
            return Ok(Some(Step { index: entry.index, at_us: self.at_us, commands: Vec::new() }));
        };
        // As `sm` applies them.
        let at_us = at_us.max(self.at_us + 1);
        if at_us > self.until_us {
            self.end = entry.index - 1;
            self.read = Vec::new().into_iter();
            return Ok(None);
        }
        (self.next, self.at_us) = (entry.index + 1, at_us);
        Ok(Some(Step { index: entry.index, at_us, commands }))
    }
}

fn io_error(action: &'static str) -> impl FnOnce(io::Error) -> DataDirError {
    move |source| DataDirError::Io { action, source }
}
