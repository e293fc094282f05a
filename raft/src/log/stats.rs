//! Counters of the log, and how long its syncs take.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Steps of the scale of durations: four to each doubling, up to about 70 minutes.
const STEPS: usize = 128;

/// Written by the writer, read by anybody.
pub(super) struct Stats {
    pub fsyncs: AtomicU64,
    pub frames: AtomicU64,
    pub entries: AtomicU64,
    pub entry_bytes: AtomicU64,
    pub frame_bytes: AtomicU64,
    pub zero_bytes: AtomicU64,
    pub moved_entries: AtomicU64,
    fsync_us_max: AtomicU64,
    fsync_us: [AtomicU64; STEPS],
}

impl Default for Stats {
    fn default() -> Self {
        let zero = AtomicU64::default;
        Self {
            fsyncs: zero(),
            frames: zero(),
            entries: zero(),
            entry_bytes: zero(),
            frame_bytes: zero(),
            zero_bytes: zero(),
            moved_entries: zero(),
            fsync_us_max: zero(),
            fsync_us: std::array::from_fn(|_| zero()),
        }
    }
}

impl Stats {
    /// Counts one sync.
    pub fn synced(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        add(&self.fsyncs, 1);
        self.fsync_us_max.fetch_max(micros, Relaxed);
        self.fsync_us[step(micros)].fetch_add(1, Relaxed);
    }

    /// Median, 99th percentile and maximum of a sync in microseconds, to the next step of the scale.
    pub fn fsync_us(&self) -> (u64, u64, u64) {
        let counts: Vec<u64> = self.fsync_us.iter().map(|count| count.load(Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let max = self.fsync_us_max.load(Relaxed);
        let percentile = |percent: u64| {
            let mut left = (total * percent).div_ceil(100);
            for (step, count) in counts.iter().enumerate() {
                if left <= *count {
                    return upper(step).min(max);
                }
                left -= count;
            }
            max
        };
        (percentile(50), percentile(99), max)
    }
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Relaxed);
}

fn step(micros: u64) -> usize {
    if micros < 4 {
        return micros as usize;
    }
    let doubling = micros.ilog2();
    let quarter = (micros >> (doubling - 2)) & 3;
    ((u64::from(doubling - 1) * 4 + quarter) as usize).min(STEPS - 1)
}

/// Largest duration of a step, microseconds.
fn upper(step: usize) -> u64 {
    if step < 4 {
        return step as u64;
    }
    let (doubling, quarter) = (step as u32 / 4 + 1, step as u64 % 4);
    ((quarter + 5) << (doubling - 2)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_has_no_holes() {
        for micros in (0..5000).chain([1 << 20, 3 << 30]) {
            let at = step(micros);
            assert!(upper(at) >= micros, "{micros}");
            assert!(at == 0 || upper(at - 1) < micros, "{micros}");
            assert!(upper(at) as f64 <= micros as f64 * 1.25 + 1.0, "{micros}");
        }
    }

    #[test]
    fn percentiles() {
        let stats = Stats::default();
        assert_eq!(stats.fsync_us(), (0, 0, 0));
        (1..=100).for_each(|micros| stats.synced(Duration::from_micros(micros)));
        let (p50, p99, max) = stats.fsync_us();
        assert!((50..=63).contains(&p50), "{p50}");
        assert!((99..=100).contains(&p99), "{p99}");
        assert_eq!(max, 100);
    }
}
