//! What goes into the durable log, what comes out of it, its settings and its errors.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::meter::Durations;

/// Names one entry of a group for ever: two entries with the same id hold the same bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// Term of the leader that made the entry.
    pub term: u64,
    /// Node id of that leader.
    pub node: u64,
    /// Place in the group's log; places are dense.
    pub index: u64,
}

/// One entry of a group's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name and place.
    pub id: EntryId,
    /// Opaque to the log. Kept as given while the entry is recent, so a slice of a larger buffer keeps that buffer alive.
    pub payload: Bytes,
}

/// A group's vote on this node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vote {
    /// Term voted in.
    pub term: u64,
    /// Node voted for.
    pub node: u64,
    /// Whether a quorum is known to have granted it.
    pub committed: bool,
}

/// What the log knows of a group without looking at its entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupState {
    /// The last vote that is durable.
    pub vote: Option<Vote>,
    /// The last entry that was purged.
    pub purged: Option<EntryId>,
    /// The last entry, or `purged` when there is none after it.
    pub last: Option<EntryId>,
    /// The last committed entry that was told, never beyond `last`.
    pub committed: Option<EntryId>,
}

/// Called exactly once, on the log's thread (or at once, on the caller's, when the call is refused): must be quick and must not block.
/// It may call any method of the log.
pub type Done = Box<dyn FnOnce(Result<(), LogError>) + Send>;

/// Called when the log can no longer tell what is on the disk. The default writes the error to the process log and aborts the process.
pub type OnFatal = Arc<dyn Fn(&LogError) + Send + Sync>;

/// Settings of a node's log. Sizes are bytes.
#[derive(Clone)]
pub struct LogOptions {
    /// Directory of the segments; nobody else may write in it.
    pub dir: PathBuf,
    /// Size of a segment, default 64 MiB, at least 4 KiB. An entry may be at most a quarter of it.
    /// Segments of another size are read but not reused.
    pub segment_bytes: u64,
    /// Size of the segments made in a hurry: the very first one, and those needed before a spare is ready. Default 4 MiB.
    pub short_segment_bytes: u64,
    /// What one frame (one write, one fdatasync) holds at most, default 4 MiB; it is cut to a quarter of `segment_bytes`.
    pub frame_bytes: usize,
    /// With more than this many payload bytes queued `writable` is false, default 64 MiB. Appends are still taken: consensus gave its word.
    pub queue_bytes: usize,
    /// Payload bytes of recent entries that each group keeps in memory, default 8 MiB. Entries not yet written are kept in any case.
    pub memory_bytes: usize,
    /// With more bytes than this in live segments, groups that pin the oldest one are named by `pinning_groups`, default 1 GiB.
    pub reclaim_bytes: u64,
    /// With less room than this on the file system `writable` is false, default 256 MiB.
    pub free_bytes_min: u64,
    /// Bytes a second at which spare segments are zeroed, in pieces of 1 MiB, default 200 MB. Zero is taken as one piece a second.
    pub zero_rate: u64,
    /// How long a purge or a committed index may wait for company before it is written on its own, default 200 ms.
    pub held: Duration,
    /// How often free space is looked at, and how long a write that met a full disk waits before it is tried again, default 250 ms.
    pub space_check: Duration,
    /// What to do when a write or fdatasync failed.
    pub on_fatal: OnFatal,
}

impl LogOptions {
    /// The defaults, for a log in `dir`.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            segment_bytes: 64 << 20,
            short_segment_bytes: 4 << 20,
            frame_bytes: 4 << 20,
            queue_bytes: 64 << 20,
            memory_bytes: 8 << 20,
            reclaim_bytes: 1 << 30,
            free_bytes_min: 256 << 20,
            zero_rate: 200_000_000,
            held: Duration::from_millis(200),
            space_check: Duration::from_millis(250),
            on_fatal: Arc::new(|error| {
                tracing::error!(%error, "the durable log failed, aborting: only a restart can tell what is on the disk");
                std::process::abort();
            }),
        }
    }
}

/// Counters since the log was opened, and what it holds now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogStats {
    /// Calls of fdatasync for frames (not those of the background zeroing).
    pub fsyncs: u64,
    /// Frames written.
    pub frames: u64,
    /// Entries made durable.
    pub entries: u64,
    /// Payload bytes of those entries.
    pub entry_bytes: u64,
    /// Bytes written as frames, padding included.
    pub frame_bytes: u64,
    /// Bytes of zeros written to prepare segments.
    pub zero_bytes: u64,
    /// Operations waiting for the writer.
    pub queued: u64,
    /// Payload bytes waiting for the writer.
    pub queued_bytes: u64,
    /// Segments that hold the log.
    pub segments: u64,
    /// Bytes of those segments.
    pub segment_bytes: u64,
    /// Prepared segments.
    pub spares: u64,
    /// Entries moved to the head because an idle group pinned an old segment.
    pub moved_entries: u64,
    /// How long those fdatasyncs took.
    pub fsync: Durations,
}

/// What can go wrong in the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// The operating system refused something. When a write or fdatasync failed it is unknown whether it took effect.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, in the imperative.
        action: &'static str,
        /// File or directory.
        path: PathBuf,
        /// Why it failed.
        source: Arc<io::Error>,
    },
    /// Bytes that were once durable are not what was written. Nothing was changed on the disk.
    #[error(
        "log damaged in segment {segment} at byte {offset}: {detail}; groups with state here: {groups:?}. \
         The node must not go on from a cut log, it may have forgotten a vote: \
         rebuild it from its peers under a new node id (boxoffice cluster rebuild), or put the undamaged file back"
    )]
    Damaged {
        /// Number of the segment; its file is `<number as 16 hex digits>.log`.
        segment: u64,
        /// Where in that file, bytes.
        offset: u64,
        /// Groups known so far, which may be affected.
        groups: Vec<u32>,
        /// What was expected and found.
        detail: String,
    },
    /// Entries must follow the last one without a hole. Nothing was written.
    #[error("group {group} expects entry {expected}, got {found}")]
    Gap {
        /// The group.
        group: u32,
        /// Index that was expected.
        expected: u64,
        /// Index that was given.
        found: u64,
    },
    /// The entry does not fit into a segment. Nothing was written.
    #[error("an entry of {bytes} bytes is larger than the {limit} that the log takes")]
    TooLarge {
        /// Its payload, bytes.
        bytes: usize,
        /// The most that is taken, bytes.
        limit: usize,
    },
    /// Another process (or another handle) has this log open.
    #[error("the log in {} is in use", dir.display())]
    InUse {
        /// Directory of the log.
        dir: PathBuf,
    },
    /// The log stopped after a failed write or fdatasync. It is unknown whether this operation took effect.
    #[error("the log has stopped: {reason}")]
    Failed {
        /// The first error.
        reason: String,
    },
    /// The log was closed before the call. Nothing was written.
    #[error("the log is closed")]
    Closed,
}

impl LogError {
    /// An I/O error with what was tried.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source: Arc::new(source) }
    }

    /// Whether the disk is full, which heals when somebody makes room.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if crate::disk::is_full(source))
    }
}
