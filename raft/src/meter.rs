//! How long things take: counts on a scale of durations, written and read without a lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Steps of the scale: four to each doubling, up to about 70 minutes.
const STEPS: usize = 128;

/// Counts durations.
pub struct Meter {
    sum_us: AtomicU64,
    steps: [AtomicU64; STEPS],
}

/// What a meter has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// The sum of all, in microseconds.
    pub sum_us: u64,
    /// The longest of each step of the scale, in microseconds, and how many fell into it; only steps that have any, ascending.
    pub steps: Vec<(u64, u64)>,
}

impl Default for Meter {
    fn default() -> Self {
        Self { sum_us: AtomicU64::default(), steps: std::array::from_fn(|_| AtomicU64::default()) }
    }
}

impl Meter {
    /// Counts one.
    pub fn count(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sum_us.fetch_add(micros, Relaxed);
        self.steps[step(micros)].fetch_add(1, Relaxed);
    }

    /// What was counted so far.
    pub fn read(&self) -> Durations {
        let steps = self.steps.iter().enumerate().map(|(at, count)| (upper(at), count.load(Relaxed)));
        Durations { sum_us: self.sum_us.load(Relaxed), steps: steps.filter(|(_, count)| *count > 0).collect() }
    }
}

impl Durations {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.steps.iter().map(|(_, count)| count).sum()
    }

    /// So many percent took at most this long, in microseconds, to the next step of the scale; 0 when there were none.
    #[must_use]
    pub fn percentile_us(&self, percent: u64) -> u64 {
        let mut left = (self.count() * percent).div_ceil(100);
        for (upper, count) in &self.steps {
            if left <= *count {
                return *upper;
            }
            left -= count;
        }
        0
    }

    /// The counts of both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut steps = std::collections::BTreeMap::new();
        for (upper, count) in self.steps.iter().chain(&other.steps) {
            *steps.entry(*upper).or_insert(0) += count;
        }
        Self { sum_us: self.sum_us + other.sum_us, steps: steps.into_iter().collect() }
    }
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
    fn what_is_counted_can_be_read_and_added() {
        let meter = Meter::default();
        assert_eq!(meter.read(), Durations::default());
        (1..=100).for_each(|micros| meter.count(Duration::from_micros(micros)));
        let read = meter.read();
        assert_eq!((read.count(), read.sum_us), (100, 5050));
        assert!(read.steps.is_sorted() && read.steps.last().is_some_and(|last| last.0 >= 100), "{read:?}");
        assert!((50..=63).contains(&read.percentile_us(50)) && (99..=127).contains(&read.percentile_us(99)), "{read:?}");
        assert_eq!(Durations::default().percentile_us(99), 0);
        let both = read.and(&read);
        assert_eq!((both.count(), both.sum_us, both.steps.len()), (200, 10_100, read.steps.len()));
    }
}
