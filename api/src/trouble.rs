//! Which requests are worth a line in the log: those that failed on our side or were slow. Bounded, so that an outage does not
//! become a flood of lines on the same disk.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// From here on an answer is called slow.
const SLOW: Duration = Duration::from_secs(2);
/// Most lines in one period.
const LINES_MAX: u32 = 20;
const PERIOD: Duration = Duration::from_secs(1);

/// Counts the lines of the present period.
#[derive(Default)]
pub struct Trouble(Mutex<Period>);

#[derive(Default)]
struct Period {
    began: Option<Instant>,
    lines: u32,
    left_out: u64,
}

impl Trouble {
    /// Whether an answer like this is to be logged; with how many were left out before it.
    pub fn tells(&self, status: u16, took: Duration, now: Instant) -> Option<u64> {
        if status < 500 && took < SLOW {
            return None;
        }
        let mut period = self.0.lock();
        if period.began.is_none_or(|began| now.duration_since(began) >= PERIOD) {
            period.began = Some(now);
            period.lines = 0;
        }
        if period.lines == LINES_MAX {
            period.left_out += 1;
            return None;
        }
        period.lines += 1;
        Some(std::mem::take(&mut period.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_what_is_left_out_is_counted() {
        let (trouble, now, quick) = (Trouble::default(), Instant::now(), Duration::from_millis(3));
        assert_eq!(trouble.tells(409, quick, now), None);
        assert_eq!(trouble.tells(200, SLOW, now), Some(0));
        let told = (0..100).filter(|_| trouble.tells(503, quick, now).is_some()).count();
        assert_eq!(told, LINES_MAX as usize - 1);
        assert_eq!(trouble.tells(504, quick, now + PERIOD), Some(81));
        assert_eq!(trouble.tells(504, quick, now + PERIOD), Some(0));
    }
}
