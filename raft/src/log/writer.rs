//! The writer: takes what all groups have queued, writes it as one frame, syncs once, then tells everybody.
//!
//! Invariants. At most one frame is not synced at any time: the next is written only after the sync of the one before, which is what lets
//! recovery tell a torn tail from damage. Purges, truncations and committed indexes alone cause no frame; they are held back (merged, so
//! there is at most one of each for a group) until something else is written or `LogOptions::held` has passed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::durable::{Durable, DurableGroups};
use super::format::{self, ALIGN, FrameBuilder, FrameKind};
use super::memory::{Cell, Slot};
use super::segments::Segment;
use super::shared::{LoopGuard, Op, OpKind, Shared};
use super::stats::add;
use super::types::{Done, EntryId, LogError};
use crate::crash_point;

/// The only one who writes frames.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    /// What the frames synced so far say.
    pub(super) groups: DurableGroups,
    pub(super) active: Active,
    /// The segment that comes after the active one, when that is about to be sealed.
    pub(super) next: Option<Segment>,
    /// Number of the next frame.
    sequence: u64,
    /// Taken from the queue, not yet durable.
    batch: VecDeque<Op>,
    held: BTreeMap<u32, Held>,
    pub(super) builder: FrameBuilder,
    /// Whether old entries may have to be moved, see `relocate`.
    pub(super) relocation: bool,
    stopped: bool,
    _running: LoopGuard,
}

/// The segment that is written to.
pub(super) struct Active {
    pub number: u64,
    pub segment: Segment,
    /// Where the next frame goes.
    pub offset: u64,
    /// Frames in it; without any it needs a checkpoint first.
    pub frames: u64,
    /// Nothing more goes into it.
    pub sealed: bool,
}

/// Changes of a group that wait for company; they took effect in this order.
struct Held {
    cell: Arc<Cell>,
    /// Before the truncation, which may cut it.
    committed_before: Option<EntryId>,
    truncate: Option<u64>,
    purge: Option<EntryId>,
    committed: Option<EntryId>,
}

/// What a step did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Something; there may be more.
    Worked,
    /// There was nothing to do, except that something is held back if so.
    Idle { held: bool },
    /// There is no room on the disk; try again later.
    Blocked,
    /// The log is closed or has failed, and everybody was told.
    Stopped,
}

impl Writer {
    /// A writer that goes on where `active` ends.
    pub fn new(shared: Arc<Shared>, groups: DurableGroups, active: Active, sequence: u64) -> Self {
        let (batch, held, builder, running) = (VecDeque::new(), BTreeMap::new(), FrameBuilder::default(), shared.loop_guard());
        Self { shared, groups, active, next: None, sequence, batch, held, builder, relocation: true, stopped: false, _running: running }
    }

    /// Runs until the log is closed.
    pub async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut flush = false;
        loop {
            let step = self.step(flush);
            flush = false;
            match step {
                Step::Worked => tokio::task::yield_now().await,
                Step::Idle { held: false } => shared.work.notified().await,
                Step::Idle { held: true } => flush = tokio::time::timeout(shared.options.held, shared.work.notified()).await.is_err(),
                Step::Blocked => tokio::time::sleep(shared.options.space_check).await,
                Step::Stopped => break,
            }
        }
    }

    /// Does at most one frame of work. `flush` also writes what is held back.
    pub fn step(&mut self, flush: bool) -> Step {
        if self.stopped {
            return Step::Stopped;
        }
        let closing = self.shared.shut().is_some();
        self.hold();
        while self.batch.is_empty() {
            self.batch = self.shared.take(self.frame_bytes());
            if self.batch.is_empty() {
                break;
            }
            self.hold();
        }
        if self.batch.is_empty() && (self.held.is_empty() || !(flush || closing)) {
            return self.idle(closing);
        }
        match self.write() {
            Ok(()) => self.commit(),
            Err(error) => return self.refused(error, closing),
        }
        // Also here, since a busy log is never idle.
        match self.relocate() {
            Ok(_) => Step::Worked,
            Err(error) => self.refused(error, closing),
        }
    }

    /// Most bytes taken for one frame.
    pub(super) fn frame_bytes(&self) -> usize {
        self.shared.options.frame_bytes.min(self.shared.entry_bytes_max())
    }

    fn idle(&mut self, closing: bool) -> Step {
        match self.relocate() {
            Ok(true) => return Step::Worked,
            Ok(false) => {}
            Err(error) => return self.refused(error, closing),
        }
        if closing {
            if let Err(error) = self.mark() {
                return self.refused(error, closing);
            }
            self.stopped = true;
            return Step::Stopped;
        }
        Step::Idle { held: !self.held.is_empty() }
    }

    /// A write did not take place: wait for room, or give up for good.
    fn refused(&mut self, error: LogError, closing: bool) -> Step {
        if error.is_full() && !closing {
            self.shared.set_full(true);
            self.shared.keep.notify_one();
            return Step::Blocked;
        }
        self.stopped = true;
        let cause = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        let failed = LogError::Failed { reason: format!("{error}{cause}") };
        let queued = self.shared.shut_with(failed.clone(), true);
        if !error.is_full() {
            (self.shared.options.on_fatal)(&failed);
        }
        for done in self.batch.drain(..).chain(queued).filter_map(Op::into_done) {
            done(Err(failed.clone()));
        }
        Step::Stopped
    }

    /// Merges the batch into what is held back, if all of it can wait.
    fn hold(&mut self) {
        if !self.batch.iter().all(Op::can_wait) {
            return;
        }
        for Op { cell, kind } in self.batch.drain(..) {
            let new = || Held { cell: Arc::clone(&cell), committed_before: None, truncate: None, purge: None, committed: None };
            let held = self.held.entry(cell.group).or_insert_with(new);
            match kind {
                OpKind::Truncate { from } => {
                    held.truncate = Some(held.truncate.map_or(from, |before| before.min(from)));
                    held.committed_before = held.committed.take().or(held.committed_before);
                }
                OpKind::Purge { upto } => held.purge = Some(upto),
                OpKind::Committed { id } => held.committed = Some(id),
                _ => unreachable!("only operations that can wait are held back"),
            }
        }
    }

    /// Writes what is held back and the batch as one frame.
    fn write(&mut self) -> Result<(), LogError> {
        // A batch goes after what is held back, so both become one list of operations; on failure it is tried again as it is.
        let held = std::mem::take(&mut self.held);
        let mut ops: VecDeque<Op> = held.into_values().flat_map(Held::into_ops).collect();
        ops.append(&mut self.batch);
        self.batch = ops;
        let body = self.batch.iter().map(op_bytes).sum();
        if body == 0 {
            return Ok(());
        }
        self.ensure_room(format::frame_bytes(body))?;
        self.builder.start(self.active.number);
        for op in &self.batch {
            encode(&mut self.builder, op);
        }
        self.put(FrameKind::Records)
    }

    /// Makes sure that a frame of so many bytes can be written to the active segment, and a seal after it.
    pub(super) fn ensure_room(&mut self, bytes: u64) -> Result<(), LogError> {
        self.checkpoint()?;
        while self.active.sealed || self.active.offset + bytes + ALIGN > self.active.segment.bytes {
            self.next_segment(bytes)?;
            self.checkpoint()?;
        }
        Ok(())
    }

    /// Makes a new segment the active one. When that fails for want of room it may be called again.
    fn next_segment(&mut self, bytes: u64) -> Result<(), LogError> {
        let (number, options) = (self.active.number + 1, &self.shared.options);
        if self.next.is_none() {
            let bytes_min = self.checkpoint_bytes() + bytes + ALIGN;
            let segment = self.shared.segments.start(number, bytes_min, options.short_segment_bytes)?;
            if segment.bytes != options.segment_bytes {
                add(&self.shared.stats.zero_bytes, segment.bytes);
            }
            self.next = Some(segment);
        }
        self.shared.segments.sync_names()?;
        crash_point!("log.new_segment");
        if !self.active.sealed {
            self.builder.start(self.active.number);
            self.put(FrameKind::Seal)?;
            self.active.sealed = true;
        }
        crash_point!("log.sealed");
        if let Some(segment) = self.next.take() {
            self.active = Active { number, segment, offset: 0, frames: 0, sealed: false };
        }
        self.shared.keep.notify_one();
        Ok(())
    }

    /// Starts the active segment with the state of all groups, unless that was done.
    fn checkpoint(&mut self) -> Result<(), LogError> {
        if self.active.frames > 0 {
            return Ok(());
        }
        self.builder.start(self.active.number);
        for (group, durable) in &self.groups {
            self.builder.checkpoint(*group, &durable.checkpoint());
        }
        self.put(FrameKind::Checkpoint)
    }

    fn checkpoint_bytes(&self) -> u64 {
        format::frame_bytes(self.groups.len() * format::CHECKPOINT_RECORD)
    }

    /// Writes an empty frame when it fits: the frame before it can no longer be taken for a torn tail when it is damaged.
    pub(super) fn mark(&mut self) -> Result<(), LogError> {
        if self.active.frames > 0 && !self.active.sealed && self.active.offset + 2 * ALIGN <= self.active.segment.bytes {
            self.builder.start(self.active.number);
            self.put(FrameKind::Records)?;
        }
        Ok(())
    }

    /// Writes and syncs the frame that was built.
    pub(super) fn put(&mut self, kind: FrameKind) -> Result<(), LogError> {
        let (active, stats) = (&mut self.active, &self.shared.stats);
        let frame = self.builder.finish(self.sequence, kind);
        let path = || self.shared.segments.path(active.number);
        crash_point!("log.before_write");
        active.segment.file.write_at(active.offset, frame).map_err(|error| LogError::io("write", &path(), error))?;
        crash_point!("log.after_write");
        let start = tokio::time::Instant::now();
        active.segment.file.sync_data().map_err(|error| LogError::io("sync", &path(), not_full(error)))?;
        stats.fsync.count(start.elapsed());
        crash_point!("log.after_sync");
        add(&stats.frames, 1);
        add(&stats.frame_bytes, frame.len() as u64);
        active.offset += frame.len() as u64;
        active.frames += 1;
        self.sequence += 1;
        Ok(())
    }

    /// Takes note of the batch, which is durable now, and tells those who wait.
    fn commit(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        let mut offset = self.active.offset - self.last_frame_bytes(&batch) + format::HEADER as u64;
        let mut dones: Vec<Done> = Vec::with_capacity(batch.len());
        let mut freed = false;
        for op in batch {
            let bytes = op_bytes(&op) as u64;
            freed |= self.note(&op, offset);
            offset += bytes;
            dones.extend(op.into_done());
        }
        dones.into_iter().for_each(|done| done(Ok(())));
        if freed || self.active.frames == 2 {
            self.reclaim();
        }
    }

    fn last_frame_bytes(&self, batch: &VecDeque<Op>) -> u64 {
        match batch.iter().map(op_bytes).sum() {
            0 => 0,
            body => format::frame_bytes(body),
        }
    }

    /// Takes note of one operation whose record starts at `offset` in the active segment; true when it may have freed a segment.
    fn note(&mut self, op: &Op, offset: u64) -> bool {
        let segment = self.active.number;
        let cell = &op.cell;
        if let OpKind::Barrier { .. } = op.kind {
            return false;
        }
        if let OpKind::Drop = op.kind {
            self.groups.remove(&cell.group);
            return true;
        }
        let durable: &mut Durable = self.groups.entry(cell.group).or_default();
        match &op.kind {
            OpKind::Entries { entries, serial, .. } => {
                let (first, count) = (entries[0].id, entries.len() as u64);
                let bytes: usize = entries.iter().map(|entry| entry.payload.len()).sum();
                durable.append(segment, first, count, bytes as u64);
                add(&self.shared.stats.entries, count);
                add(&self.shared.stats.entry_bytes, bytes as u64);
                let mut at = offset + format::ENTRIES_HEADER as u64;
                let places = entries.iter().map(|entry| {
                    let place = Slot::located(segment, at, entry.payload.len());
                    at += (format::ENTRY_HEADER + entry.payload.len()) as u64;
                    place
                });
                let mut memory = cell.memory.lock();
                memory.place(*serial, first.index, places);
                memory.trim(self.shared.options.memory_bytes);
            }
            OpKind::Vote { vote, life, .. } => {
                durable.vote = Some(*vote);
                cell.memory.lock().set_vote(*life, *vote);
            }
            OpKind::Truncate { from } => durable.truncate(*from),
            OpKind::Purge { upto } => durable.purge(*upto),
            OpKind::Committed { id } => durable.committed = Some(*id),
            OpKind::Barrier { .. } | OpKind::Drop => {}
        }
        matches!(op.kind, OpKind::Truncate { .. } | OpKind::Purge { .. })
    }
}

impl Held {
    fn into_ops(self) -> Vec<Op> {
        let truncate = self.truncate.map(|from| OpKind::Truncate { from });
        let purge = self.purge.map(|upto| OpKind::Purge { upto });
        let [before, committed] = [self.committed_before, self.committed].map(|id| id.map(|id| OpKind::Committed { id }));
        let kinds = [before, truncate, purge, committed];
        kinds.into_iter().flatten().map(|kind| Op { cell: Arc::clone(&self.cell), kind }).collect()
    }
}

/// Bytes of the operation's record.
fn op_bytes(op: &Op) -> usize {
    match &op.kind {
        OpKind::Entries { entries, .. } => format::entries_bytes(entries),
        OpKind::Vote { .. } => format::VOTE_RECORD,
        OpKind::Barrier { .. } => 0,
        OpKind::Truncate { .. } => format::TRUNCATE_RECORD,
        OpKind::Purge { .. } | OpKind::Committed { .. } => format::ID_RECORD,
        OpKind::Drop => format::DROP_RECORD,
    }
}

fn encode(builder: &mut FrameBuilder, op: &Op) {
    let group = op.cell.group;
    match &op.kind {
        OpKind::Entries { entries, .. } => builder.entries(group, entries, false),
        OpKind::Vote { vote, .. } => builder.vote(group, *vote),
        OpKind::Barrier { .. } => {}
        OpKind::Truncate { from } => builder.truncate(group, *from),
        OpKind::Purge { upto } => builder.purge(group, *upto),
        OpKind::Committed { id } => builder.committed(group, *id),
        OpKind::Drop => builder.drop_group(group),
    }
}

/// A failed sync is never tried again, not even for want of room: the kernel may have dropped the bytes.
fn not_full(error: std::io::Error) -> std::io::Error {
    if crate::disk::is_full(&error) { std::io::Error::other(error) } else { error }
}
