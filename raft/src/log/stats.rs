//! Counters of the log, and how long its syncs take.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::meter::Meter;

/// Written by the writer, read by anybody.
#[derive(Default)]
pub(super) struct Stats {
    pub frames: AtomicU64,
    pub entries: AtomicU64,
    pub entry_bytes: AtomicU64,
    pub frame_bytes: AtomicU64,
    pub zero_bytes: AtomicU64,
    pub moved_entries: AtomicU64,
    /// Syncs of frames.
    pub fsync: Meter,
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Relaxed);
}
