//! The change journal: what applied entries did, for those who follow, in files of this node that can be rebuilt.
//!
//! ```text
//! apply -- Vec<Change>, moved, never waits --> queue --> one thread: encode, append, drop the oldest --> readers (pread)
//! ```
//! Every replica applies the same entries, so every node has the same rows under the same ids. A row that was lost with the process
//! comes again: the group replays its log from the last snapshot, and before a snapshot is written the journal is made durable
//! up to it (a [mark](Journal::mark)). What is restored from a snapshot without such a mark begins a new journal, and what was
//! before is gone: readers are told so, never given less.

mod segment;
mod shelf;
mod writer;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::change::{Change, ChangeId};
use boxoffice_ledger::codec::change::{JournalRow, is_public};
use boxoffice_ledger::time::Timestamp;
use parking_lot::Mutex;
use tokio::sync::watch;

use shelf::Shelf;
pub use shelf::{Gone, WHOLE};

/// Entries that may wait for the thread; what comes on top is lost to this node's journal, and readers are told.
const WAITING_MAX: usize = 64 * 1024;

enum Item {
    Entry { group: GroupId, index: u64, at: Timestamp, changes: Vec<Change>, gap: bool },
    Mark { group: GroupId, digest: u128, done: SyncSender<()> },
    Flush { group: GroupId, done: SyncSender<()> },
    Restored { group: GroupId, digest: u128 },
    Begins { group: GroupId, after: u64 },
}

impl Item {
    fn group(&self) -> GroupId {
        match self {
            Self::Entry { group, .. }
            | Self::Mark { group, .. }
            | Self::Flush { group, .. }
            | Self::Restored { group, .. }
            | Self::Begins { group, .. } => *group,
        }
    }
}

struct Lane {
    shelf: Arc<Mutex<Shelf>>,
    /// Entries were lost on the way: the next one begins a new journal.
    gap: AtomicBool,
}

/// See the module.
pub struct Journal {
    queue: SyncSender<Item>,
    lanes: BTreeMap<GroupId, Lane>,
    news: watch::Receiver<u64>,
}

/// Rows that were read.
#[derive(Debug, Default)]
pub struct Batch {
    /// In order. Of the first one, only what comes after the place that was asked for.
    pub rows: Vec<JournalRow>,
    /// Whether there was nothing after them.
    pub is_end: bool,
}

impl Journal {
    /// Opens the journals of these groups, each of at most about `keep_bytes`, and starts the thread that writes them.
    ///
    /// # Errors
    /// When the directory cannot be used, or the thread cannot be started.
    pub fn open(dir: &Path, groups: impl Iterator<Item = GroupId>, keep_bytes: u64) -> io::Result<Self> {
        let mut lanes = BTreeMap::new();
        let mut shelves = BTreeMap::new();
        for group in groups {
            let shelf = Arc::new(Mutex::new(Shelf::open(&dir.join(format!("g{}", group.0)), keep_bytes)?));
            shelves.insert(group, Arc::clone(&shelf));
            lanes.insert(group, Lane { shelf, gap: AtomicBool::new(false) });
        }
        let (queue, items) = sync_channel(WAITING_MAX);
        let (bell, news) = watch::channel(0);
        std::thread::Builder::new().name("journal".into()).spawn(move || writer::run(&items, &shelves, &bell))?;
        Ok(Self { queue, lanes, news })
    }

    /// Takes what an applied entry did. On the apply path: moves the list, leaves an empty one, and never waits.
    pub fn entry(&self, group: GroupId, index: u64, at: Timestamp, changes: &mut Vec<Change>) {
        let Some(lane) = self.lanes.get(&group) else { return };
        if !changes.iter().any(is_public) {
            return;
        }
        let room = Vec::with_capacity(changes.len());
        let changes = std::mem::replace(changes, room);
        let gap = lane.gap.load(Ordering::Relaxed) && lane.gap.swap(false, Ordering::Relaxed);
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Item::Entry { group, index, at, changes, gap }) {
            lane.gap.store(true, Ordering::Relaxed);
        }
    }

    /// Makes everything durable that was taken for a group so far, and notes that the state with this digest is covered. Called
    /// before that state is written as a snapshot, on a thread that may wait.
    pub fn mark(&self, group: GroupId, digest: u128) {
        let (done, marked) = sync_channel(1);
        if self.queue.send(Item::Mark { group, digest, done }).is_ok() {
            let _ = marked.recv();
        }
    }

    /// Has everything written that was taken for a group so far. False when some of it was lost on the way. Blocks.
    pub fn flush(&self, group: GroupId) -> bool {
        let (done, written) = sync_channel(1);
        let is_written = self.queue.send(Item::Flush { group, done }).is_ok() && written.recv().is_ok();
        is_written && self.lanes.get(&group).is_some_and(|lane| !lane.gap.load(Ordering::Relaxed))
    }

    /// A group's state was replaced by one with this digest. Unless a mark covers it, its journal begins anew.
    pub fn restored(&self, group: GroupId, digest: u128) {
        let _ = self.queue.send(Item::Restored { group, digest });
    }

    /// The first entry after a restore is the one after this index: whoever has seen everything up to there missed nothing.
    pub fn begins(&self, group: GroupId, after: u64) {
        let _ = self.queue.send(Item::Begins { group, after });
    }

    /// Reads what comes after a place, up to about `bytes_max` of rows. `applied` is an index that the group had applied before the
    /// call. Blocks on files.
    ///
    /// # Errors
    /// [`Gone`] when some of it is not here any more.
    pub fn read(&self, after: ChangeId, applied: u64, bytes_max: usize) -> Result<Batch, Gone> {
        let lane = self.lanes.get(&GroupId(after.group)).ok_or(Gone { oldest: None })?;
        shelf::read(&lane.shelf, after, applied, bytes_max)
    }

    /// The place before the oldest change that is here; `None` when nothing is, and it is not known since when.
    pub fn oldest(&self, group: GroupId) -> Option<ChangeId> {
        let from = self.lanes.get(&group)?.shelf.lock().from()?;
        Some(ChangeId { group: group.0, index: from, number: if from == 0 { 0 } else { WHOLE } })
    }

    /// The place after the newest change that is here, given an index that the group had applied before.
    pub fn newest(&self, group: GroupId, applied: u64) -> ChangeId {
        let tip = self.lanes.get(&group).and_then(|lane| {
            let shelf = lane.shelf.lock();
            shelf.from().map(|_| shelf.tip())
        });
        ChangeId { group: group.0, index: tip.unwrap_or(applied), number: WHOLE }
    }

    /// Tells when there is something new, in any group.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.clone()
    }
}

#[cfg(test)]
mod tests;
