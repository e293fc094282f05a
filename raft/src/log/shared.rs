//! What the handles, the writer and the keeper of a log share: the groups in memory, the queue to the writer, the files, the counters.
//!
//! Locks are taken in the order group, queue; none is held during I/O or while a callback runs.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use parking_lot::{Condvar, Mutex, RwLock};
use tokio::sync::Notify;

use super::memory::{Cell, Memory, cell};
use super::segments::Segments;
use super::stats::Stats;
use super::types::{Done, Entry, EntryId, LogError, LogOptions, LogStats, Vote};
use crate::disk::Disk;

/// Bytes counted for each queued operation on top of its payload.
const OP_BYTES: usize = 64;

/// One write of one group on its way to the disk.
pub(super) struct Op {
    pub cell: Arc<Cell>,
    pub kind: OpKind,
}

pub(super) enum OpKind {
    /// Entries of one leader. Only the last part of an append has its callback.
    Entries {
        entries: Vec<Entry>,
        serial: u64,
        done: Option<Done>,
    },
    Vote {
        vote: Vote,
        life: u64,
        done: Done,
    },
    /// Nothing to write, but a callback after all earlier writes.
    Barrier {
        done: Done,
    },
    Truncate {
        from: u64,
    },
    Purge {
        upto: EntryId,
    },
    Committed {
        id: EntryId,
    },
    Drop,
}

impl Op {
    /// Whether the operation may wait for company: nobody is told when it is durable.
    pub fn can_wait(&self) -> bool {
        matches!(self.kind, OpKind::Truncate { .. } | OpKind::Purge { .. } | OpKind::Committed { .. })
    }

    /// The callback, if there is one.
    pub fn into_done(self) -> Option<Done> {
        match self.kind {
            OpKind::Entries { done, .. } => done,
            OpKind::Vote { done, .. } | OpKind::Barrier { done } => Some(done),
            _ => None,
        }
    }

    fn bytes(&self) -> usize {
        match &self.kind {
            OpKind::Entries { entries, .. } => entries.iter().map(|entry| entry.payload.len() + OP_BYTES).sum(),
            _ => OP_BYTES,
        }
    }
}

/// An operation that the log did not take.
pub(super) struct Refused {
    op: Op,
    pub why: LogError,
}

impl Refused {
    /// Calls the callback of the operation. The caller must not hold the group's lock.
    pub fn tell(self) {
        let Self { op, why } = self;
        if let Some(done) = op.into_done() {
            done(Err(why));
        }
    }
}

#[derive(Default)]
struct Queue {
    ops: VecDeque<Op>,
    bytes: usize,
    /// Why no more is taken.
    shut: Option<LogError>,
}

/// See the module.
pub(super) struct Shared {
    pub options: LogOptions,
    pub disk: Arc<dyn Disk>,
    pub segments: Segments,
    pub stats: Stats,
    groups: RwLock<BTreeMap<u32, Arc<Cell>>>,
    queue: Mutex<Queue>,
    /// Payload and overhead in the queue, to be read without its lock.
    queued_bytes: AtomicU64,
    /// Wakes the writer.
    pub work: Notify,
    /// Wakes the keeper.
    pub keep: Notify,
    full: AtomicBool,
    pub pinning: Mutex<Vec<u32>>,
    loops: Mutex<Loops>,
    loops_ended: Condvar,
    all_ended: Notify,
}

#[derive(Default)]
struct Loops {
    running: usize,
    lock: Option<Box<dyn Any + Send + Sync>>,
}

impl Shared {
    /// Takes the lock of the directory and knows nothing of its content yet.
    pub fn new(disk: Arc<dyn Disk>, options: LogOptions) -> Result<Self, LogError> {
        let dir = options.dir.clone();
        disk.create_dir_all(&dir).map_err(|error| LogError::io("create", &dir, error))?;
        let lock = disk.lock(&dir.join("lock")).map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => LogError::InUse { dir: dir.clone() },
            _ => LogError::io("lock", &dir, error),
        })?;
        Ok(Self {
            segments: Segments::new(Arc::clone(&disk), &dir),
            options,
            disk,
            stats: Stats::default(),
            groups: RwLock::default(),
            queue: Mutex::default(),
            queued_bytes: AtomicU64::new(0),
            work: Notify::new(),
            keep: Notify::new(),
            full: AtomicBool::new(false),
            pinning: Mutex::default(),
            loops: Mutex::new(Loops { running: 0, lock: Some(lock) }),
            loops_ended: Condvar::new(),
            all_ended: Notify::new(),
        })
    }

    /// The group's cell, made if it is new.
    pub fn cell(&self, group: u32) -> Arc<Cell> {
        if let Some(cell) = self.groups.read().get(&group) {
            return Arc::clone(cell);
        }
        Arc::clone(self.groups.write().entry(group).or_insert_with(|| cell(group, Memory::default())))
    }

    /// Sets what recovery found.
    pub fn set_groups(&self, groups: BTreeMap<u32, Arc<Cell>>) {
        *self.groups.write() = groups;
    }

    /// Groups that have something.
    pub fn groups(&self) -> Vec<u32> {
        let cells: Vec<Arc<Cell>> = self.groups.read().values().cloned().collect();
        cells.iter().filter(|cell| !cell.memory.lock().is_empty()).map(|cell| cell.group).collect()
    }

    /// Largest payload of an entry.
    pub fn entry_bytes_max(&self) -> usize {
        usize::try_from(self.options.segment_bytes / 4).unwrap_or(usize::MAX)
    }

    /// Queues an operation for the writer; gives it back when the log takes no more.
    pub fn push(&self, op: Op) -> Result<(), Box<Refused>> {
        let mut queue = self.queue.lock();
        if let Some(why) = &queue.shut {
            let why = why.clone();
            return Err(Box::new(Refused { op, why }));
        }
        queue.bytes += op.bytes();
        self.queued_bytes.store(queue.bytes as u64, Relaxed);
        queue.ops.push_back(op);
        drop(queue);
        self.work.notify_one();
        Ok(())
    }

    /// Why the log takes no more, if so.
    pub fn shut(&self) -> Option<LogError> {
        self.queue.lock().shut.clone()
    }

    /// The next operations, in order, up to about `bytes_max`.
    pub fn take(&self, bytes_max: usize) -> VecDeque<Op> {
        let mut queue = self.queue.lock();
        let taken = if queue.bytes <= bytes_max {
            queue.bytes = 0;
            std::mem::take(&mut queue.ops)
        } else {
            let mut taken = VecDeque::new();
            let mut bytes = 0;
            while let Some(op) = queue.ops.front()
                && (taken.is_empty() || bytes + op.bytes() <= bytes_max)
            {
                bytes += op.bytes();
                taken.extend(queue.ops.pop_front());
            }
            queue.bytes -= bytes;
            taken
        };
        self.queued_bytes.store(queue.bytes as u64, Relaxed);
        taken
    }

    /// Takes no more from now on; the first reason stays. Returns what is queued when `drain` is set, else the writer goes on with it.
    pub fn shut_with(&self, why: LogError, drain: bool) -> VecDeque<Op> {
        let mut queue = self.queue.lock();
        if queue.shut.is_none() || drain {
            queue.shut = Some(why);
        }
        let drained = if drain { std::mem::take(&mut queue.ops) } else { VecDeque::new() };
        if drain {
            queue.bytes = 0;
        }
        drop(queue);
        self.work.notify_one();
        self.keep.notify_one();
        drained
    }

    /// Notes whether the disk is too full to go on.
    pub fn set_full(&self, full: bool) {
        if self.full.swap(full, Relaxed) != full {
            tracing::warn!(full, dir = %self.options.dir.display(), "room on the disk of the log");
        }
    }

    /// Whether new proposals are welcome.
    pub fn writable(&self) -> bool {
        !self.full.load(Relaxed) && self.queued_bytes.load(Relaxed) <= self.options.queue_bytes as u64 && self.shut().is_none()
    }

    /// Counters and sizes.
    pub fn stats(&self) -> LogStats {
        let stats = &self.stats;
        let (segments, segment_bytes, spares) = self.segments.totals();
        let fsync = stats.fsync.read();
        LogStats {
            fsyncs: fsync.count(),
            frames: stats.frames.load(Relaxed),
            entries: stats.entries.load(Relaxed),
            entry_bytes: stats.entry_bytes.load(Relaxed),
            frame_bytes: stats.frame_bytes.load(Relaxed),
            zero_bytes: stats.zero_bytes.load(Relaxed),
            queued: self.queue.lock().ops.len() as u64,
            queued_bytes: self.queued_bytes.load(Relaxed),
            segments,
            segment_bytes,
            spares,
            moved_entries: stats.moved_entries.load(Relaxed),
            fsync,
        }
    }

    /// Registers a loop; it has ended when the guard is dropped.
    pub fn loop_guard(self: &Arc<Self>) -> LoopGuard {
        self.loops.lock().running += 1;
        LoopGuard(Arc::clone(self))
    }

    /// Blocks until all loops have ended.
    pub fn wait_ended(&self) {
        let mut loops = self.loops.lock();
        while loops.running > 0 {
            self.loops_ended.wait(&mut loops);
        }
    }

    /// Waits until all loops have ended.
    pub async fn ended(&self) {
        loop {
            let ended = self.all_ended.notified();
            if self.loops.lock().running == 0 {
                return;
            }
            ended.await;
        }
    }
}

/// Held by a running loop.
pub(super) struct LoopGuard(Arc<Shared>);

impl Drop for LoopGuard {
    fn drop(&mut self) {
        let mut loops = self.0.loops.lock();
        loops.running -= 1;
        if loops.running == 0 {
            loops.lock = None;
            self.0.loops_ended.notify_all();
            self.0.all_ended.notify_waiters();
        }
    }
}
