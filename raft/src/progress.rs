//! How far a group has got on this node, as seen by everything outside its apply task: applied index, digests, what is due, and who waits.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::meter::Meter;

/// Written by the apply task and the log, read by everybody.
pub struct Progress {
    applied: AtomicU64,
    /// How long entries took to apply.
    pub applies: Meter,
    /// The latest time of any entry in the log, applied or not.
    newest_at_us: AtomicU64,
    /// When a pulse is due; `u64::MAX` when nothing is.
    deadline_us: AtomicU64,
    entries_since_snapshot: AtomicU64,
    bytes_since_snapshot: AtomicU64,
    snapshot_every_entries: u64,
    snapshot_every_bytes: u64,
    snapshot_wanted: AtomicBool,
    /// Rung when a snapshot falls due; shared by all groups of the node.
    housekeeping: std::sync::Arc<Notify>,
    digests: Mutex<VecDeque<(u64, u128)>>,
    digests_kept: usize,
    waiters: Mutex<BinaryHeap<Waiter>>,
    waiting: AtomicU64,
    halted: OnceLock<String>,
    pulse: OnceLock<Bytes>,
}

struct Waiter {
    index: Reverse<u64>,
    reached: oneshot::Sender<()>,
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}

impl Eq for Waiter {}

impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiter {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.index.cmp(&other.index)
    }
}

/// When a snapshot falls due.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotEvery {
    /// After this many entries.
    pub entries: u64,
    /// After this many bytes.
    pub bytes: u64,
}

impl Progress {
    pub fn new(every: SnapshotEvery, digests_kept: usize, housekeeping: std::sync::Arc<Notify>) -> Self {
        Self {
            applied: AtomicU64::new(0),
            applies: Meter::default(),
            newest_at_us: AtomicU64::new(0),
            deadline_us: AtomicU64::new(u64::MAX),
            entries_since_snapshot: AtomicU64::new(0),
            bytes_since_snapshot: AtomicU64::new(0),
            snapshot_every_entries: every.entries,
            snapshot_every_bytes: every.bytes,
            snapshot_wanted: AtomicBool::new(false),
            housekeeping,
            digests: Mutex::new(VecDeque::with_capacity(digests_kept.min(4096))),
            digests_kept,
            waiters: Mutex::new(BinaryHeap::new()),
            waiting: AtomicU64::new(0),
            halted: OnceLock::new(),
            pulse: OnceLock::new(),
        }
    }

    /// Index of the last entry whose effect the machine shows; 0 before the first.
    pub fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// An entry was applied: `bytes` of commands, the machine's digest and its next deadline afterwards.
    pub fn entry_applied(&self, index: u64, bytes: u64, digest: u128, deadline_us: Option<u64>) {
        self.deadline_us.store(deadline_us.unwrap_or(u64::MAX), Ordering::Relaxed);
        self.remember_digest(index, digest);
        self.applied.store(index, Ordering::SeqCst);
        self.wake_waiters(index);
        let entries = self.entries_since_snapshot.fetch_add(1, Ordering::Relaxed) + 1;
        let bytes = self.bytes_since_snapshot.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let due = entries >= self.snapshot_every_entries || bytes >= self.snapshot_every_bytes;
        if due && !self.snapshot_wanted.swap(true, Ordering::Relaxed) {
            self.housekeeping.notify_one();
        }
    }

    /// The machine was replaced by one at this index (0 when it is new).
    pub fn machine_replaced(&self, index: u64, digest: Option<u128>, deadline_us: Option<u64>) {
        self.deadline_us.store(deadline_us.unwrap_or(u64::MAX), Ordering::Relaxed);
        if let Some(digest) = digest {
            self.remember_digest(index, digest);
        }
        self.applied.store(index, Ordering::SeqCst);
        self.snapshot_taken(index);
        self.wake_waiters(index);
    }

    /// A snapshot up to `index` exists.
    pub fn snapshot_taken(&self, index: u64) {
        self.entries_since_snapshot.store(self.applied().saturating_sub(index), Ordering::Relaxed);
        self.bytes_since_snapshot.store(0, Ordering::Relaxed);
        self.snapshot_wanted.store(false, Ordering::Relaxed);
    }

    /// Whether enough was applied since the last snapshot.
    pub fn snapshot_due(&self) -> bool {
        self.entries_since_snapshot.load(Ordering::Relaxed) >= self.snapshot_every_entries
            || self.bytes_since_snapshot.load(Ordering::Relaxed) >= self.snapshot_every_bytes
    }

    /// Entries applied since the last snapshot.
    pub fn entries_since_snapshot(&self) -> u64 {
        self.entries_since_snapshot.load(Ordering::Relaxed)
    }

    /// An entry of this time is in the log.
    pub fn note_time(&self, at_us: u64) {
        self.newest_at_us.fetch_max(at_us, Ordering::Relaxed);
    }

    /// The time for the next batch of a leader: not before `now_us`, after every time in the log.
    pub fn next_time(&self, now_us: u64) -> u64 {
        let newest = self.newest_at_us.load(Ordering::Relaxed);
        let at_us = now_us.max(newest + 1);
        self.note_time(at_us);
        at_us
    }

    /// When a pulse is due.
    pub fn deadline_us(&self) -> Option<u64> {
        Some(self.deadline_us.load(Ordering::Relaxed)).filter(|due| *due != u64::MAX)
    }

    /// The command that only moves time on. The first machine of the group tells it.
    pub fn set_pulse(&self, pulse: Bytes) {
        let _ = self.pulse.set(pulse);
    }

    /// The command that only moves time on.
    pub fn pulse(&self) -> Option<Bytes> {
        self.pulse.get().cloned()
    }

    /// The machine cannot go on. Only the first reason is kept.
    pub fn halt(&self, reason: String) {
        let _ = self.halted.set(reason);
        self.waiters.lock().clear();
    }

    /// Why the machine cannot go on.
    pub fn halted(&self) -> Option<&str> {
        self.halted.get().map(String::as_str)
    }

    /// The state's digest right after this entry, if it is remembered.
    pub fn digest_at(&self, index: u64) -> Option<u128> {
        let digests = self.digests.lock();
        let place = digests.binary_search_by_key(&index, |(index, _)| *index).ok()?;
        digests.get(place).map(|(_, digest)| *digest)
    }

    /// The remembered digests, oldest first.
    pub fn digests(&self) -> Vec<(u64, u128)> {
        self.digests.lock().iter().copied().collect()
    }

    /// `None` when `index` is applied already, else what resolves once it is. The receiver fails when the group halts.
    pub fn reach(&self, index: u64) -> Option<oneshot::Receiver<()>> {
        if self.applied.load(Ordering::SeqCst) >= index {
            return None;
        }
        let (reached, waiter) = oneshot::channel();
        let mut waiters = self.waiters.lock();
        waiters.push(Waiter { index: Reverse(index), reached });
        self.waiting.store(waiters.len() as u64, Ordering::SeqCst);
        drop(waiters);
        // The entry may have been applied between the first look and the push, without anybody seen waiting.
        self.wake_waiters(self.applied.load(Ordering::SeqCst));
        Some(waiter)
    }

    fn wake_waiters(&self, index: u64) {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut waiters = self.waiters.lock();
        while waiters.peek().is_some_and(|waiter| waiter.index.0 <= index || waiter.reached.is_closed()) {
            if let Some(waiter) = waiters.pop() {
                let _ = waiter.reached.send(());
            }
        }
        self.waiting.store(waiters.len() as u64, Ordering::SeqCst);
    }

    fn remember_digest(&self, index: u64, digest: u128) {
        let mut digests = self.digests.lock();
        // A machine that was rebuilt from an older snapshot replays what is remembered already.
        while digests.back().is_some_and(|(last, _)| *last >= index) {
            digests.pop_back();
        }
        if digests.len() >= self.digests_kept {
            digests.pop_front();
        }
        digests.push_back((index, digest));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn progress() -> Progress {
        Progress::new(SnapshotEvery { entries: 10, bytes: 1000 }, 4, Arc::new(Notify::new()))
    }

    #[test]
    fn waiters_wake_in_order_of_index() {
        let progress = progress();
        let mut late = progress.reach(5).expect("not applied");
        let mut early = progress.reach(2).expect("not applied");
        progress.entry_applied(3, 0, 0, None);
        assert!(early.try_recv().is_ok());
        assert!(late.try_recv().is_err());
        progress.entry_applied(5, 0, 0, None);
        assert!(late.try_recv().is_ok());
        assert!(progress.reach(5).is_none());
    }

    #[test]
    fn digests_are_a_ring_and_a_replay_overwrites_them() {
        let progress = progress();
        for index in 1..=6 {
            progress.entry_applied(index, 0, u128::from(index), None);
        }
        assert_eq!(progress.digests(), [(3, 3), (4, 4), (5, 5), (6, 6)]);
        assert_eq!(progress.digest_at(2), None);
        assert_eq!(progress.digest_at(4), Some(4));
        progress.machine_replaced(4, Some(40), None);
        assert_eq!(progress.digests(), [(3, 3), (4, 40)]);
    }

    #[test]
    fn a_new_leader_goes_on_after_the_last_time_in_the_log() {
        let progress = progress();
        progress.note_time(500);
        assert_eq!(progress.next_time(100), 501);
        assert_eq!(progress.next_time(100), 502);
        assert_eq!(progress.next_time(900), 900);
    }

    #[test]
    fn a_snapshot_falls_due_by_entries_or_bytes() {
        let progress = progress();
        for index in 1..10 {
            progress.entry_applied(index, 1, 0, None);
        }
        assert!(!progress.snapshot_due());
        progress.entry_applied(10, 1, 0, None);
        assert!(progress.snapshot_due());
        progress.snapshot_taken(10);
        assert!(!progress.snapshot_due());
        progress.entry_applied(11, 1000, 0, None);
        assert!(progress.snapshot_due());
    }

    #[test]
    fn a_halt_fails_those_who_wait() {
        let progress = progress();
        let mut waiter = progress.reach(1).expect("not applied");
        progress.halt("broken".to_owned());
        assert!(waiter.try_recv().is_err());
        assert_eq!(progress.halted(), Some("broken"));
    }
}
