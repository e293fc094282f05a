//! Wall clocks that are wrong: by an offset, by a drift, and by jumps.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use boxoffice_raft::env::WallClock;
use tokio::time::Instant;

/// 2027-01-01, in microseconds since the Unix epoch: when every run begins.
pub const BEGIN_US: u64 = 1_798_761_600_000_000;

/// The clock of one node. Survives its crashes.
pub struct Clock {
    origin: Instant,
    /// Microseconds ahead of the truth.
    ahead_us: AtomicI64,
    /// Microseconds gained in a second.
    drift_us: AtomicI64,
}

impl Clock {
    /// A right clock.
    #[must_use]
    pub fn new(origin: Instant) -> Self {
        Self { origin, ahead_us: AtomicI64::new(0), drift_us: AtomicI64::new(0) }
    }

    /// Sets it: so much ahead of the truth, gaining so much in a second, both in microseconds.
    pub fn set(&self, ahead_us: i64, drift_us: i64) {
        self.ahead_us.store(ahead_us, Relaxed);
        self.drift_us.store(drift_us, Relaxed);
    }
}

impl WallClock for Clock {
    fn now_us(&self) -> u64 {
        let elapsed = i64::try_from(self.origin.elapsed().as_micros()).unwrap_or(i64::MAX);
        let shown = BEGIN_US as i64 + elapsed + elapsed / 1_000_000 * self.drift_us.load(Relaxed) + self.ahead_us.load(Relaxed);
        shown.max(0) as u64
    }
}
