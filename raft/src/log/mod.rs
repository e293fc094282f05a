//! The durable log of a node: one segmented log for all its Raft groups, in files of its own. It knows nothing of consensus or networks.
//!
//! ```text
//!  GroupLog (many)            Writer (one thread)                      files
//!  append, save_vote    --->  take all that is queued by all groups    <number>.log   live segments, oldest to newest
//!  truncate, purge,  queue    -> one frame -> one write                 spare-*.log   zeroed or recycled, ready for use
//!  save_committed             -> ONE fdatasync -> all callbacks         lock
//!       |                          ^
//!       v reads                    | spare segments, free space
//!  memory: places of all           |
//!  entries, recent entries    Keeper (a second thread)
//! ```
//!
//! **Why one log**: what costs is the fdatasync, so all groups share it. While one runs, the next frame gathers; there is no timer.
//!
//! **Why prepared segments**: overwriting blocks that the file system has already allocated and written makes fdatasync 2.5 to 3 times
//! faster than growing a file. New segments are zeroed in the background; old ones are renamed and used again as they are, since every
//! checksum depends on the segment's number.
//!
//! **What is promised**: when a callback says `Ok`, its write and all earlier ones of the group survive a power cut. A write that was not
//! acknowledged may survive or not. Damaged bytes are refused at the start or at the read; see `recovery.rs` for the one exception.
//! Sectors of 512 bytes are taken to be written whole or not at all, as disks promise.
//!
//! **Old segments**: each segment starts with a checkpoint of all groups, so the older ones can go once no live entry is in them. A group
//! that purges too seldom is named by `pinning_groups`; if that does not help, its few live entries are moved to the head.
//!
//! **A full disk**: `writable` turns false below `free_bytes_min`. What was already accepted goes into the active segment, then into the
//! spare, then into short segments made from the room that was kept free; after that writes wait, and go on by themselves when there is
//! room again. No append is ever refused for it. So at least one segment plus `free_bytes_min` of accepted entries fit after the alarm.
//!
//! **A failed write or fdatasync** calls `LogOptions::on_fatal`, which by default aborts the process: nobody knows what the disk holds.
//!
//! Reading order: `types`, `format`, `memory`, `durable`, `shared`, `writer`, `segments`, `keeper`, `reclaim`, `recovery`, `reader`,
//! `view`, `salvage`.

mod durable;
mod format;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod keeper;
mod memory;
mod reader;
mod reclaim;
mod recovery;
mod runs;
mod salvage;
mod segments;
mod shared;
mod spawn;
mod stats;
mod types;
mod view;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::disk::Disk;
use keeper::Keeper;
use memory::{Cell, Memory};
use recovery::Recovered;
use runs::Runs;
pub use salvage::Salvage;
use shared::{Op, OpKind, Shared};
pub use spawn::{Spawn, Threads};
pub use types::{Done, Entry, EntryId, GroupState, LogError, LogOptions, LogStats, OnFatal, Vote};
pub use view::LogView;
use writer::{Active, Writer};

/// Smallest segment that makes sense.
const SEGMENT_BYTES_MIN: u64 = 4 << 10;

/// The log of a node. A cheap handle; the log is closed when the last handle (of groups too) is dropped.
#[derive(Clone)]
pub struct Log {
    handle: Arc<Handle>,
}

/// One group of the log. A cheap handle. All writes of a group take effect in the order of the calls.
#[derive(Clone)]
pub struct GroupLog {
    handle: Arc<Handle>,
    cell: Arc<Cell>,
}

/// Closes the log when nobody can use it any more.
struct Handle {
    shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.shut_with(LogError::Closed, false);
    }
}

impl Log {
    /// Opens or creates the log and reads all of it; its loops run on threads of their own.
    ///
    /// # Errors
    /// `Damaged` when acknowledged bytes are missing or changed (no segment is touched then), `InUse`, or `Io`.
    pub fn open(disk: Arc<dyn Disk>, options: LogOptions) -> Result<Self, LogError> {
        Self::open_with(disk, options, &Threads)
    }

    /// As `open`, with the loops run by `spawn`.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_with(disk: Arc<dyn Disk>, options: LogOptions, spawn: &dyn Spawn) -> Result<Self, LogError> {
        let (log, writer, keeper) = Self::open_parts(disk, options)?;
        let dir = log.handle.shared.options.dir.clone();
        let started = spawn.spawn("log-writer", Box::pin(writer.run())).and_then(|()| spawn.spawn("log-keeper", Box::pin(keeper.run())));
        started.map_err(|error| LogError::io("start the loops of the log in", &dir, error))?;
        Ok(log)
    }

    /// Opens the log without running its loops.
    fn open_parts(disk: Arc<dyn Disk>, mut options: LogOptions) -> Result<(Self, Writer, Keeper), LogError> {
        options.segment_bytes = options.segment_bytes.clamp(SEGMENT_BYTES_MIN, 2 << 30);
        options.short_segment_bytes = options.short_segment_bytes.clamp(SEGMENT_BYTES_MIN, options.segment_bytes);
        let shared = Arc::new(Shared::new(disk, options)?);
        let writer = match recovery::recover(&shared.segments.scan(shared.options.segment_bytes)?)? {
            Some(recovered) => Self::resume(&shared, recovered)?,
            None => Self::begin(&shared)?,
        };
        let keeper = Keeper::new(Arc::clone(&shared));
        Ok((Self { handle: Arc::new(Handle { shared }) }, writer, keeper))
    }

    /// A new log: one short segment, so that a node starts at once.
    fn begin(shared: &Arc<Shared>) -> Result<Writer, LogError> {
        if let Some(unused) = shared.segments.oldest() {
            shared.segments.discard(unused)?;
        }
        let options = &shared.options;
        let segment = shared.segments.start(1, format::ALIGN * 4, options.short_segment_bytes)?;
        shared.segments.sync_names()?;
        let active = Active { number: 1, segment, offset: 0, frames: 0, sealed: false };
        let mut writer = Writer::new(Arc::clone(shared), BTreeMap::new(), active, 1);
        writer.ensure_room(format::ALIGN)?;
        writer.mark()?;
        Ok(writer)
    }

    /// Goes on where the log ends.
    fn resume(shared: &Arc<Shared>, recovered: Recovered) -> Result<Writer, LogError> {
        let Recovered { groups, tail, sequence, unused } = recovered;
        shared.segments.sync_names()?;
        // The last frame may be in the page cache only, after a kill or even after a failed sync.
        // Nobody may act on it before it is durable.
        let length = usize::try_from(tail.end - tail.last_frame).expect("a frame fits into memory");
        let mut frame = vec![0; length];
        let (file, path) = (&tail.segment.file, shared.segments.path(tail.number));
        file.read_at(tail.last_frame, &mut frame).map_err(|error| LogError::io("read", &path, error))?;
        file.write_at(tail.last_frame, &frame).map_err(|error| LogError::io("write", &path, error))?;
        file.sync_data().map_err(|error| LogError::io("sync", &path, error))?;

        let mut cells = BTreeMap::new();
        for (group, state) in &groups {
            let mut runs = Runs::default();
            let slots = state.entries().inspect(|(id, _)| runs.push(*id)).map(|(_, slot)| slot).collect();
            let known = GroupState { vote: state.vote, purged: state.purged, last: None, committed: state.committed };
            cells.insert(*group, memory::cell(*group, Memory::recovered(&known, state.first, slots, runs)));
        }
        shared.set_groups(cells);
        let active = Active { number: tail.number, segment: tail.segment, offset: tail.end, frames: tail.frames, sealed: tail.sealed };
        let mut writer = Writer::new(Arc::clone(shared), recovery::durable_groups(&groups), active, sequence + 1);
        writer.next = unused;
        // A committed index that was cut must not come back when the log grows again.
        for (group, state) in groups.iter().filter(|(_, state)| state.cut) {
            let from = state.last().map_or(0, |last| last.index + 1);
            let op = Op { cell: shared.cell(*group), kind: OpKind::Truncate { from } };
            shared.push(op).map_err(|refused| refused.why)?;
        }
        writer.mark()?;
        writer.reclaim();
        Ok(writer)
    }

    /// The handle of a group, which need not exist yet.
    #[must_use]
    pub fn group(&self, group: u32) -> GroupLog {
        GroupLog { handle: Arc::clone(&self.handle), cell: self.handle.shared.cell(group) }
    }

    /// Groups that have a vote, entries, a purge mark or a committed index, sorted.
    #[must_use]
    pub fn groups(&self) -> Vec<u32> {
        self.handle.shared.groups()
    }

    /// Counters and sizes.
    #[must_use]
    pub fn stats(&self) -> LogStats {
        self.handle.shared.stats()
    }

    /// False while the disk is too full or the queue too long: refuse proposals before consensus sees them. Heals by itself.
    #[must_use]
    pub fn writable(&self) -> bool {
        self.handle.shared.writable()
    }

    /// Groups whose entries keep the oldest segment alive beyond `LogOptions::reclaim_bytes`: make them snapshot and purge. Sorted.
    #[must_use]
    pub fn pinning_groups(&self) -> Vec<u32> {
        self.handle.shared.pinning.lock().clone()
    }

    /// Writes what is queued and stops the loops; blocks until that is done. Later calls on any handle are refused with `Closed`.
    ///
    /// # Errors
    /// `Failed` when the log had stopped before, or could not write all because the disk is full.
    pub fn close(self) -> Result<(), LogError> {
        self.handle.shared.shut_with(LogError::Closed, false);
        self.handle.shared.wait_ended();
        self.outcome()
    }

    /// As `close`, for callers that run on the thread that also runs the loops.
    ///
    /// # Errors
    /// As `close`.
    pub async fn shutdown(&self) -> Result<(), LogError> {
        self.handle.shared.shut_with(LogError::Closed, false);
        self.handle.shared.ended().await;
        self.outcome()
    }

    fn outcome(&self) -> Result<(), LogError> {
        match self.handle.shared.shut() {
            Some(error @ LogError::Failed { .. }) => Err(error),
            _ => Ok(()),
        }
    }
}

impl GroupLog {
    /// The number of this group.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.cell.group
    }

    /// What is known of the group. Entries, purge mark and committed index as of the last call, the vote as of the last durable one.
    #[must_use]
    pub fn state(&self) -> GroupState {
        self.cell.memory.lock().state()
    }

    /// The last entry that is on the disk.
    #[cfg(feature = "sim")]
    pub(crate) fn written(&self) -> Option<u64> {
        self.cell.memory.lock().written()
    }

    /// Adds entries after the last one; an empty group takes any first index. Readable at once; `done` is called when these and all
    /// earlier writes of the group are durable. Without entries it is a barrier.
    ///
    /// `done` gets `Gap`, `TooLarge` or `Closed` when nothing was written, `Failed` when that is unknown. A full disk is no error: the
    /// write waits for room.
    pub fn append(&self, entries: Vec<Entry>, done: Done) {
        let shared = &self.handle.shared;
        let mut memory = self.cell.memory.lock();
        let checked = self.check(&entries, memory.next()).and_then(|()| shared.shut().map_or(Ok(()), Err));
        if let Err(error) = checked {
            drop(memory);
            return done(Err(error));
        }
        if entries.is_empty() {
            drop(memory);
            return self.push(OpKind::Barrier { done });
        }
        let mut refused = None;
        let mut done = Some(done);
        let mut parts = split(entries, shared.options.frame_bytes.min(shared.entry_bytes_max())).into_iter().peekable();
        while let Some(entries) = parts.next() {
            let serial = memory.append(&entries);
            let done = if parts.peek().is_none() { done.take() } else { None };
            refused = shared.push(self.op(OpKind::Entries { entries, serial, done })).err().or(refused);
        }
        drop(memory);
        if let Some(refused) = refused {
            refused.tell();
        }
    }

    fn check(&self, entries: &[Entry], next: Option<u64>) -> Result<(), LogError> {
        let limit = self.handle.shared.entry_bytes_max();
        if let Some(entry) = entries.iter().find(|entry| entry.payload.len() > limit) {
            return Err(LogError::TooLarge { bytes: entry.payload.len(), limit });
        }
        let Some(first) = next.or(entries.first().map(|entry| entry.id.index)) else { return Ok(()) };
        match (first..).zip(entries).find(|(expected, entry)| entry.id.index != *expected) {
            Some((expected, entry)) => Err(LogError::Gap { group: self.cell.group, expected, found: entry.id.index }),
            None => Ok(()),
        }
    }

    /// Saves the vote, in order with the appends; `state` shows it once it is durable.
    pub fn save_vote(&self, vote: Vote, done: Done) {
        let memory = self.cell.memory.lock();
        let op = self.op(OpKind::Vote { vote, life: memory.life(), done });
        let refused = self.handle.shared.push(op).err();
        drop(memory);
        if let Some(refused) = refused {
            refused.tell();
        }
    }

    /// Removes all entries after the index (all that are left with `None`). Durable together with the next append or vote.
    pub fn truncate_after(&self, last: Option<u64>) {
        let from = last.map_or(0, |last| last.saturating_add(1));
        let mut memory = self.cell.memory.lock();
        if let Some(cut) = memory.truncate(from) {
            self.push(OpKind::Truncate { from: cut.from });
            // Recovery may see the truncation without the entry that is the last one now, when that was moved or purged later.
            if let Some(id) = cut.committed {
                self.push(OpKind::Committed { id });
            }
        }
    }

    /// Forgets all entries up to this one, which may lie beyond the last. Call it only when a snapshot that covers them is durable.
    pub fn purge(&self, upto: EntryId) {
        let mut memory = self.cell.memory.lock();
        if memory.purge(upto) {
            self.push(OpKind::Purge { upto });
        }
    }

    /// Remembers how far the group is known to be committed. Written with the next append, or a little later on its own.
    pub fn save_committed(&self, id: EntryId) {
        let mut memory = self.cell.memory.lock();
        if memory.set_committed(id) {
            self.push(OpKind::Committed { id });
        }
    }

    /// Entries from `range.start` (or the first one after the purge mark) on, without holes, below `range.end`, as many as fit into
    /// `bytes_max` of payload but at least one if there is one. Recent ones come from memory, others from the disk, checksums checked;
    /// a read that starts among the older ones may end where the recent ones begin.
    ///
    /// # Errors
    /// `Damaged` when the disk gives other bytes than were written, `Io` when it gives none.
    pub fn read(&self, range: Range<u64>, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        reader::read(&self.handle.shared, &self.cell, &range, bytes_max)
    }

    /// Forgets the group: entries, vote and all. In order with other calls; a later append starts afresh.
    pub fn drop_group(&self) {
        let mut memory = self.cell.memory.lock();
        memory.clear();
        self.push(OpKind::Drop);
    }

    fn op(&self, kind: OpKind) -> Op {
        Op { cell: Arc::clone(&self.cell), kind }
    }

    /// Queues an operation; when that is refused its callback is called at once, so the group's lock must not be held if there is one.
    fn push(&self, kind: OpKind) {
        if let Err(refused) = self.handle.shared.push(self.op(kind)) {
            refused.tell();
        }
    }
}

/// Cuts entries into parts of one leader each and of about `bytes_max` at most.
fn split(entries: Vec<Entry>, bytes_max: usize) -> Vec<Vec<Entry>> {
    let same = |a: &Entry, b: &Entry| (a.id.term, a.id.node) == (b.id.term, b.id.node);
    if format::entries_bytes(&entries) <= bytes_max && entries.windows(2).all(|pair| same(&pair[0], &pair[1])) {
        return vec![entries];
    }
    let mut parts: Vec<Vec<Entry>> = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        let size = format::ENTRY_HEADER + entry.payload.len();
        match parts.last_mut() {
            Some(part) if bytes + size <= bytes_max && same(&part[0], &entry) => part.push(entry),
            _ => {
                parts.push(vec![entry]);
                bytes = 0;
            }
        }
        bytes += size;
    }
    parts
}
