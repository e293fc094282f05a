//! Cluster time: the median of the wall clocks that a quorum reports, carried on by the monotonic clock, slewed and never jumped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::env::WallClock;

/// A report older than this is not believed any more.
const REPORT_AGE_MAX: Duration = Duration::from_secs(5);
/// How long after a start the clocks of all members are waited for; then those of a quorum do.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The time approaches its target by at most one part in this many.
const SLEW_PARTS: i64 = 20;

/// The time for stamps. Microseconds.
pub struct ClusterTime {
    clock: Arc<dyn WallClock>,
    start: Instant,
    members: AtomicUsize,
    state: Mutex<State>,
}

struct State {
    /// Cluster time minus monotonic time.
    offset_us: i64,
    target_us: i64,
    /// Monotonic time of the last slew.
    slewed_us: i64,
    /// Whether a quorum was heard already.
    agreed: bool,
    reports: BTreeMap<u64, Report>,
}

#[derive(Clone, Copy)]
struct Report {
    offset_us: i64,
    heard_us: i64,
}

impl ClusterTime {
    /// Begins with the own clock; `members` counts this node too.
    pub fn new(clock: Arc<dyn WallClock>, members: usize) -> Self {
        let offset_us = clock.now_us() as i64;
        let state = State { offset_us, target_us: offset_us, slewed_us: 0, agreed: false, reports: BTreeMap::new() };
        Self { clock, start: Instant::now(), members: AtomicUsize::new(members), state: Mutex::new(state) }
    }

    /// There are so many members now, this node included.
    pub fn set_members(&self, members: usize) {
        self.members.store(members, Relaxed);
    }

    /// Whether a quorum was heard since the start. Before, the time is that of this node's own clock, which nobody has outvoted: it is
    /// not to be stamped on anything.
    pub fn is_agreed(&self) -> bool {
        self.state.lock().agreed
    }

    /// Cluster time, in microseconds since the Unix epoch.
    pub fn now_us(&self) -> u64 {
        if crate::planted::has("local-clock") {
            return self.clock.now_us();
        }
        let mono_us = self.mono_us();
        let mut state = self.state.lock();
        state.slew(mono_us);
        (mono_us + state.offset_us).max(0) as u64
    }

    /// What this node's own clock says.
    pub fn wall_us(&self) -> u64 {
        self.clock.now_us()
    }

    /// How far this node's own clock is ahead of cluster time, in microseconds; negative when it is behind.
    pub fn own_offset_us(&self) -> i64 {
        self.wall_us() as i64 - self.now_us() as i64
    }

    /// A peer's clock showed `wall_us` in the middle of a call that took `round_trip`.
    pub fn report(&self, node: u64, wall_us: u64, round_trip: Duration) {
        let mono_us = self.mono_us();
        let offset_us = wall_us as i64 + (round_trip / 2).as_micros() as i64 - mono_us;
        let mut state = self.state.lock();
        state.reports.insert(node, Report { offset_us, heard_us: mono_us });
    }

    /// Finds the median anew; called once per round of pings.
    pub fn settle(&self) {
        let mono_us = self.mono_us();
        let own_us = self.clock.now_us() as i64 - mono_us;
        let mut state = self.state.lock();
        state.slew(mono_us);
        let oldest_us = mono_us - REPORT_AGE_MAX.as_micros() as i64;
        state.reports.retain(|_, report| report.heard_us >= oldest_us);
        let mut offsets: Vec<i64> = state.reports.values().map(|report| report.offset_us).collect();
        offsets.push(own_us);
        let (heard, members) = (offsets.len(), self.members.load(Relaxed));
        let quorum = members / 2 + 1;
        if heard < quorum {
            return;
        }
        offsets.sort_unstable();
        // All that are wrong, a minority, may be among those that were heard: rather late than ahead of every right clock. Of all
        // clocks this is the middle one.
        state.target_us = offsets[heard - quorum];
        // Of a quorum alone, the clock that is taken may be one that is wrong, and behind: right after a start the others get a moment.
        if !state.agreed && (heard >= members || mono_us >= PATIENCE.as_micros() as i64) {
            state.agreed = true;
            state.offset_us = state.target_us;
        }
    }

    fn mono_us(&self) -> i64 {
        self.start.elapsed().as_micros() as i64
    }
}

impl State {
    fn slew(&mut self, mono_us: i64) {
        let step = (mono_us - self.slewed_us) / SLEW_PARTS;
        if step > 0 {
            self.offset_us += (self.target_us - self.offset_us).clamp(-step, step);
            self.slewed_us = mono_us;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    struct SetClock(AtomicU64);

    impl WallClock for SetClock {
        fn now_us(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    const DAY_US: u64 = 86_400_000_000;

    #[tokio::test(start_paused = true)]
    async fn one_wrong_clock_in_three_is_outvoted() {
        let own = Arc::new(SetClock(AtomicU64::new(10 * DAY_US)));
        let time = ClusterTime::new(own, 3);
        time.report(2, 5 * DAY_US, Duration::ZERO);
        time.report(3, 5 * DAY_US + 10, Duration::ZERO);
        time.settle();
        assert_eq!(time.now_us(), 5 * DAY_US + 10);
    }

    #[tokio::test(start_paused = true)]
    async fn two_wrong_clocks_in_five_are_outvoted_even_when_only_three_are_heard() {
        let time = ClusterTime::new(Arc::new(SetClock(AtomicU64::new(9 * DAY_US))), 5);
        tokio::time::advance(PATIENCE).await;
        time.report(2, 9 * DAY_US, Duration::ZERO);
        time.settle();
        assert!(!time.is_agreed(), "two of five are no quorum");
        time.report(3, 5 * DAY_US, Duration::ZERO);
        time.settle();
        assert_eq!((time.is_agreed(), time.now_us()), (true, 5 * DAY_US));
    }

    #[tokio::test(start_paused = true)]
    async fn an_own_clock_that_is_behind_does_not_count_because_another_one_was_heard_first() {
        let start = || ClusterTime::new(Arc::new(SetClock(AtomicU64::new(4 * DAY_US))), 3);
        let time = start();
        time.report(2, 5 * DAY_US, Duration::ZERO);
        time.settle();
        assert!(!time.is_agreed(), "which one of two is wrong cannot be known");
        time.report(3, 5 * DAY_US, Duration::ZERO);
        time.settle();
        assert_eq!((time.is_agreed(), time.now_us()), (true, 5 * DAY_US));
        // Where the third one stays away, two must do.
        let time = start();
        tokio::time::advance(PATIENCE).await;
        time.report(2, 5 * DAY_US + PATIENCE.as_micros() as u64, Duration::ZERO);
        time.settle();
        assert_eq!((time.is_agreed(), time.now_us()), (true, 4 * DAY_US));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_quorum_time_goes_on_by_the_monotonic_clock() {
        let own = Arc::new(SetClock(AtomicU64::new(DAY_US)));
        let time = ClusterTime::new(own.clone(), 3);
        time.report(2, DAY_US, Duration::ZERO);
        time.settle();
        own.0.store(9 * DAY_US, Ordering::Relaxed);
        tokio::time::advance(Duration::from_secs(10)).await;
        time.settle();
        assert_eq!(time.now_us(), DAY_US + 10_000_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_of_the_clock_is_slewed() {
        let own = Arc::new(SetClock(AtomicU64::new(DAY_US)));
        let time = ClusterTime::new(own.clone(), 1);
        time.settle();
        own.0.store(DAY_US + 60_000_000, Ordering::Relaxed);
        time.settle();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(time.now_us(), DAY_US + 1_050_000);
        own.0.store(DAY_US - 60_000_000, Ordering::Relaxed);
        time.settle();
        let before = time.now_us();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(time.now_us() - before, 950_000, "time slows down but never runs back");
    }
}
