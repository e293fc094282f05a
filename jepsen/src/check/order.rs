//! Linearizable per seat, in the order of the log: every answer to a write says at which entry it was decided, so the history is replayed
//! in that order against the rules of a seat. O(n log n) but for what happened in the same entry. Reads say as of which entry they are
//! at least, so they are left to the search.

use super::seats::{Rows, Touch};
use super::{Anomaly, Verdict};
use crate::seat::{Act, Seat, SeatModel};
use crate::wgl::Model;

/// Replays each seat's operations in the order of their positions.
#[must_use]
pub fn check(rows: &Rows) -> Verdict {
    let mut verdict = Verdict::default();
    for (seat, touches) in rows {
        let writes = || touches.iter().filter(|touch| !matches!(touch.act, Act::Read(_)));
        let mut placed: Vec<&Touch> = writes().filter(|touch| touch.position.is_some() && touch.to.is_some()).collect();
        placed.sort_by_key(|touch| touch.position.map(|position| position.index));
        verdict.count("operations on seats replayed in the order of the log", placed.len());
        // What may have happened anywhere: no position, or no end.
        let loose: Vec<&Touch> = writes().filter(|touch| touch.position.is_none() || touch.to.is_none()).collect();
        if let Err(stuck) = replay(&placed, &loose) {
            let at = placed[stuck];
            let before = last_changes(&placed[..stuck]);
            let ops = before.iter().map(|touch| touch.op).chain([at.op]).collect();
            let position = at.position.map_or(0, |position| position.index);
            verdict.anomalies.push(Anomaly::new(name(at), format!("seat {seat}: {:?} at index {position} does not follow", at.act), ops));
        }
    }
    verdict
}

fn name(touch: &Touch) -> &'static str {
    match touch.act {
        Act::Hold(_) => "double_sale",
        Act::Confirm(_) => "confirm_without_hold",
        Act::HoldRefused => "refused_though_free",
        Act::ConfirmRefused(_) | Act::ReleaseRefused(_) => "lost_hold",
        Act::Release(_) | Act::Expire(_) | Act::Void(_) | Act::Read(_) => "wrong_end_of_a_hold",
    }
}

/// The last things before that changed the seat.
fn last_changes<'a>(placed: &[&'a Touch]) -> Vec<&'a Touch> {
    let changes =
        placed.iter().rev().filter(|touch| !matches!(touch.act, Act::HoldRefused | Act::ConfirmRefused(_) | Act::ReleaseRefused(_)));
    let mut last: Vec<&Touch> = changes.take(3).copied().collect();
    last.reverse();
    last
}

/// # Errors
/// The place of the first operation that no order allows.
fn replay(placed: &[&Touch], loose: &[&Touch]) -> Result<(), usize> {
    let mut worlds = vec![World { seat: SeatModel.start(), used: Vec::new() }];
    let mut at = 0;
    while at < placed.len() {
        let index = placed[at].position.map(|position| position.index);
        let together: Vec<&Touch> =
            placed[at..].iter().take_while(|touch| touch.position.map(|position| position.index) == index).copied().collect();
        let mut next = Vec::new();
        for world in worlds {
            world.orders(&together, loose, &mut next);
        }
        if next.is_empty() {
            return Err(at);
        }
        worlds = next;
        World::dedup(&mut worlds);
        at += together.len();
    }
    Ok(())
}

/// What may have come of the operations so far.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct World {
    seat: Seat,
    /// Places in `loose` that have happened.
    used: Vec<usize>,
}

impl World {
    /// Every order of what was decided in one entry.
    fn orders(self, together: &[&Touch], loose: &[&Touch], into: &mut Vec<Self>) {
        if together.is_empty() {
            into.push(self);
            return;
        }
        for place in 0..together.len() {
            let rest: Vec<&Touch> = together.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, touch)| *touch).collect();
            for next in self.then(together[place], loose) {
                next.orders(&rest, loose, into);
                if into.len() > 64 {
                    Self::dedup(into);
                }
            }
        }
    }

    /// What comes of one operation, perhaps after something that may have happened before it: at most two such things.
    fn then(&self, touch: &Touch, loose: &[&Touch]) -> Vec<Self> {
        let mut found = Vec::new();
        let mut before = vec![self.clone()];
        for _ in 0..3 {
            found.extend(before.iter().filter_map(|world| Some(Self { seat: SeatModel.step(&world.seat, &touch.act)?, ..world.clone() })));
            before = before.iter().flat_map(|world| world.loosened(touch, loose)).collect();
        }
        Self::dedup(&mut found);
        found
    }

    fn loosened(&self, touch: &Touch, loose: &[&Touch]) -> Vec<Self> {
        let latest = touch.to.unwrap_or(u64::MAX);
        let can = loose.iter().enumerate().filter(|(place, other)| other.from <= latest && !self.used.contains(place));
        can.filter_map(|(place, other)| {
            let seat = SeatModel.step(&self.seat, &other.act).filter(|seat| *seat != self.seat)?;
            let mut used = self.used.clone();
            used.push(place);
            used.sort_unstable();
            Some(Self { seat, used })
        })
        .collect()
    }

    fn dedup(worlds: &mut Vec<Self>) {
        worlds.sort_unstable();
        worlds.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Position;

    fn touch(act: Act, index: u64) -> Touch {
        Touch { act, from: index * 10, to: Some(index * 10 + 5), position: Some(Position { group: 1, index }), op: index }
    }

    fn names(touches: &[Touch]) -> Vec<String> {
        check(&Rows::from([(0, touches.to_vec())])).anomalies.into_iter().map(|anomaly| anomaly.name).collect()
    }

    #[test]
    fn a_life_of_a_seat_is_good() {
        let acts = [Act::Hold(1), Act::HoldRefused, Act::Confirm(1), Act::ReleaseRefused(1), Act::Void(1), Act::Hold(2), Act::Release(2)];
        let life: Vec<Touch> = (1..).zip(acts).map(|(index, act)| touch(act, index)).collect();
        assert_eq!(names(&life), Vec::<String>::new());
    }

    #[test]
    fn what_was_decided_in_one_entry_may_be_in_any_order() {
        assert_eq!(names(&[touch(Act::Hold(1), 3), touch(Act::HoldRefused, 3), touch(Act::Release(1), 3)]), Vec::<String>::new());
        assert_eq!(names(&[touch(Act::Hold(1), 3), touch(Act::Hold(2), 3)]), ["double_sale"]);
    }

    #[test]
    fn a_seat_that_is_sold_twice_is_found() {
        assert_eq!(names(&[touch(Act::Hold(1), 1), touch(Act::Confirm(1), 2), touch(Act::Hold(2), 3)]), ["double_sale"]);
    }

    #[test]
    fn a_lost_hold_and_a_resurrected_one_are_found() {
        assert_eq!(names(&[touch(Act::Hold(1), 1), touch(Act::ConfirmRefused(1), 2)]), ["lost_hold"]);
        assert_eq!(names(&[touch(Act::Hold(1), 1), touch(Act::Release(1), 2), touch(Act::Confirm(1), 3)]), ["confirm_without_hold"]);
    }

    #[test]
    fn a_refusal_of_a_free_seat_is_found() {
        assert_eq!(names(&[touch(Act::Hold(1), 1), touch(Act::Release(1), 2), touch(Act::HoldRefused, 3)]), ["refused_though_free"]);
    }

    #[test]
    fn what_may_have_happened_explains_what_follows_and_only_once() {
        let open = Touch { to: None, position: None, ..touch(Act::Release(1), 2) };
        let mut life = vec![touch(Act::Hold(1), 1), open.clone(), touch(Act::Hold(2), 3)];
        assert_eq!(names(&life), Vec::<String>::new());
        life.push(touch(Act::Hold(3), 4));
        assert_eq!(names(&life), ["double_sale"]);
        // It was asked for only after the other hold was there.
        let late = Touch { from: 1_000, ..open };
        assert_eq!(names(&[touch(Act::Hold(1), 1), late, touch(Act::Hold(2), 3)]), ["double_sale"]);
    }
}
