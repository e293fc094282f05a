//! When holds run out: a queue that is cheap because deadlines mostly come in order.
//! Derived from the holds; not part of snapshots. An entry counts only while its hold still has that very deadline.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use crate::ids::{EventId, HoldId};
use crate::time::Timestamp;

/// Most lanes; what fits in none of them is kept sorted instead.
const LANES_MAX: usize = 8;

/// Below this many entries no sweep is worth while.
const SWEEP_MIN: usize = 1024;

/// A hold's deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    pub(crate) at: Timestamp,
    pub(crate) hold: HoldId,
    pub(crate) event: EventId,
}

/// Deadlines in lanes, each ascending in time. With one TTL there is one lane; another TTL or a capped extension that comes
/// in between opens one more.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    lanes: Vec<VecDeque<Due>>,
    rest: BTreeSet<Due>,
    /// How many entries of the lanes count, and how many there are.
    live: usize,
    entries: usize,
}

impl Deadlines {
    /// Notes a deadline.
    pub(crate) fn push(&mut self, due: Due) {
        // The lane with the latest end that is not after it: lanes stay as few as possible.
        let end = |lane: usize| self.lanes[lane].back().map(|last| last.at);
        let fitting = (0..self.lanes.len()).filter(|&lane| end(lane).is_none_or(|end| end <= due.at));
        match fitting.max_by_key(|&lane| end(lane)) {
            Some(lane) => self.lanes[lane].push_back(due),
            None if self.lanes.len() < LANES_MAX => self.lanes.push(VecDeque::from([due])),
            None => {
                self.rest.insert(due);
                return;
            }
        }
        self.live += 1;
        self.entries += 1;
    }

    /// Says that an entry counts no more. `is_live` tells which of the others do.
    pub(crate) fn cancel(&mut self, due: Due, is_live: impl Fn(&Due) -> bool) {
        if !self.rest.remove(&due) {
            self.live = self.live.saturating_sub(1);
        }
        // A deadline that went and came back may be in front of two lanes.
        for lane in self.lanes.iter_mut().filter(|lane| lane.front() == Some(&due)) {
            while lane.front().is_some_and(|front| *front == due || !is_live(front)) {
                lane.pop_front();
                self.entries -= 1;
            }
        }
        if self.entries > SWEEP_MIN && self.entries > 2 * self.live {
            for lane in &mut self.lanes {
                lane.retain(|due| is_live(due));
            }
            self.lanes.retain(|lane| !lane.is_empty());
            self.entries = self.lanes.iter().map(VecDeque::len).sum();
            self.live = self.entries;
        }
    }

    /// The earliest deadline. Every front is live, because `cancel` and `take` see to it.
    pub(crate) fn first(&self) -> Option<Timestamp> {
        self.lanes.iter().filter_map(VecDeque::front).chain(self.rest.first()).map(|due| due.at).min()
    }

    /// Takes out every live entry up to `now`, in order of time and hold.
    pub(crate) fn take(&mut self, now: Timestamp, is_live: impl Fn(&Due) -> bool) -> Vec<Due> {
        let mut due = Vec::new();
        for lane in &mut self.lanes {
            while let Some(front) = lane.front() {
                let live = is_live(front);
                if live && front.at > now {
                    break;
                }
                if live {
                    due.push(*front);
                }
                lane.pop_front();
                self.entries -= 1;
            }
        }
        due.sort_unstable();
        due.dedup();
        self.live = self.live.saturating_sub(due.len());
        while self.rest.first().is_some_and(|first| first.at <= now) {
            due.extend(self.rest.pop_first());
        }
        due.sort_unstable();
        due.dedup();
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;

    fn due(at: u64, hold: u128) -> Due {
        Due { at: Timestamp(at), hold: HoldId(hold), event: EventId(1) }
    }

    /// Runs random deadlines against a sorted set.
    #[test]
    fn deadlines_come_out_in_order_whatever_order_they_went_in() {
        let mut seed = 7_u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let mut deadlines = Deadlines::default();
        let mut model: BTreeMap<HoldId, Due> = BTreeMap::new();
        let mut cancelled = Vec::new();
        let mut now = 0;
        for number in 0..20_000_u128 {
            match random(5) {
                0 | 1 => {
                    let entry = due(now + [480, 300, 120, random(900)][random(4) as usize], number);
                    model.insert(entry.hold, entry);
                    deadlines.push(entry);
                }
                2 => {
                    if let Some(entry) = model.values().nth(random(model.len() as u64 + 1) as usize).copied() {
                        model.remove(&entry.hold);
                        deadlines.cancel(entry, |due| model.get(&due.hold) == Some(due));
                        cancelled.push(entry);
                    }
                }
                3 => {
                    cancelled.retain(|entry: &Due| entry.at.0 > now && !model.contains_key(&entry.hold));
                    if let Some(&entry) = cancelled.get(random(cancelled.len() as u64 + 1) as usize) {
                        model.insert(entry.hold, entry);
                        deadlines.push(entry);
                    }
                }
                _ => {
                    now += random(20);
                    let taken = deadlines.take(Timestamp(now), |due| model.get(&due.hold) == Some(due));
                    let mut expected: Vec<Due> = model.values().filter(|due| due.at.0 <= now).copied().collect();
                    expected.sort_unstable();
                    assert_eq!(taken, expected);
                    model.retain(|_, due| due.at.0 > now);
                }
            }
            assert_eq!(deadlines.first(), model.values().map(|due| due.at).min());
        }
    }

    #[test]
    fn a_deadline_that_comes_back_is_gone_when_it_is_cancelled_again() {
        let (first, again, last) = (due(10, 1), due(20, 2), due(30, 3));
        let mut deadlines = Deadlines::default();
        for entry in [first, again, last] {
            deadlines.push(entry);
        }
        deadlines.cancel(again, |due| *due != again);
        // It finds no room behind the last one, so another lane has it now; the first lane still has it too.
        deadlines.push(again);
        assert_eq!(deadlines.take(Timestamp(10), |_| true), [first]);
        deadlines.cancel(again, |due| *due != again);
        assert_eq!(deadlines.first(), Some(last.at));
        assert_eq!(deadlines.take(Timestamp(30), |due| *due != again), [last]);
        assert_eq!((deadlines.first(), deadlines.live, deadlines.entries), (None, 0, 0));
    }

    #[test]
    fn cancelled_entries_do_not_pile_up() {
        let mut deadlines = Deadlines::default();
        deadlines.push(due(1, 0));
        for number in 1..100_000_u64 {
            deadlines.push(due(1 + number, u128::from(number)));
            deadlines.cancel(due(1 + number, u128::from(number)), |due| due.hold.0 == 0);
        }
        assert!(deadlines.entries <= SWEEP_MIN + 1, "{} entries", deadlines.entries);
        assert_eq!(deadlines.first(), Some(Timestamp(1)));
    }
}
