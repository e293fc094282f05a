//! Is a history linearizable? The search of Wing and Gong ("Testing and verifying concurrent objects", 1993) with the memory of Lowe
//! ("Testing for linearizability", 2017): calls are tried in the order of a linked list, and what was tried before is not tried again.
//!
//! An operation without an end may take effect at any time after it began, or never. It is checked against brute force below.

use std::collections::HashSet;
use std::hash::Hash;

/// A deterministic object.
pub trait Model {
    /// What it is like.
    type State: Clone + Eq + Hash;
    /// What is done to it, with the result that was seen.
    type Act;
    /// Before anything was done.
    fn start(&self) -> Self::State;
    /// What the object is like afterwards; `None` when it could not have given that result.
    fn step(&self, state: &Self::State, act: &Self::Act) -> Option<Self::State>;
}

/// One operation of a history.
#[derive(Clone, Debug)]
pub struct Call<A> {
    /// What was done and seen.
    pub act: A,
    /// When it began.
    pub from: u64,
    /// When it ended; `None` = it may have happened, now or later, or never.
    pub to: Option<u64>,
}

/// Why a history has no legal order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The calls of the longest legal beginning that was found, by their place in the history.
    pub order: Vec<usize>,
    /// The call that had ended by then and fits nowhere.
    pub at: usize,
}

/// Searches a legal order of the calls.
///
/// # Errors
/// When there is none.
pub fn check<M: Model>(model: &M, calls: &[Call<M::Act>]) -> Result<(), Stuck> {
    let mut list = List::new(calls);
    let mut state = model.start();
    let mut done = Bits::new(calls.len());
    let mut tried: HashSet<(Bits, M::State)> = HashSet::new();
    let mut stack: Vec<(usize, M::State)> = Vec::new();
    let mut best: Option<Stuck> = None;
    let mut at = list.first();
    while list.ends_left > 0 {
        let Some(place) = at else { return Err(best.unwrap_or(Stuck { order: Vec::new(), at: 0 })) };
        let Item { call, is_end } = list.items[place];
        if is_end {
            if best.as_ref().is_none_or(|best| best.order.len() < stack.len()) {
                let order = stack.iter().map(|(place, _)| list.items[*place].call).collect();
                best = Some(Stuck { order, at: call });
            }
            let Some((place, before)) = stack.pop() else { return Err(best.unwrap_or(Stuck { order: Vec::new(), at: call })) };
            state = before;
            done.clear(list.items[place].call);
            list.put_back(place);
            at = list.after(place);
            continue;
        }
        let next = model.step(&state, &calls[call].act).filter(|next| {
            done.set(call);
            let is_new = tried.insert((done.clone(), next.clone()));
            if !is_new {
                done.clear(call);
            }
            is_new
        });
        at = match next {
            Some(next) => {
                stack.push((place, std::mem::replace(&mut state, next)));
                list.take(place);
                list.first()
            }
            None => list.after(place),
        };
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Item {
    call: usize,
    is_end: bool,
}

/// Beginnings and ends in the order of time; taken out and put back in constant time.
struct List {
    items: Vec<Item>,
    /// Of each item; the head is the last place.
    next: Vec<usize>,
    before: Vec<usize>,
    /// Where each call ends.
    end_of: Vec<Option<usize>>,
    ends_left: usize,
}

impl List {
    fn new<A>(calls: &[Call<A>]) -> Self {
        let begins = calls.iter().enumerate().map(|(call, of)| (of.from, Item { call, is_end: false }));
        let ends = calls.iter().enumerate().filter_map(|(call, of)| of.to.map(|to| (to, Item { call, is_end: true })));
        let mut items: Vec<(u64, Item)> = begins.chain(ends).collect();
        // What begins in the moment in which something ends may go before it.
        items.sort_by_key(|(time, item)| (*time, item.is_end, item.call));
        let items: Vec<Item> = items.into_iter().map(|(_, item)| item).collect();
        let head = items.len();
        let mut end_of = vec![None; calls.len()];
        for (place, item) in items.iter().enumerate().filter(|(_, item)| item.is_end) {
            end_of[item.call] = Some(place);
        }
        let ends_left = end_of.iter().flatten().count();
        let next = (0..=head).map(|place| if place == head { 0 } else { place + 1 }).collect();
        let before = (0..=head).map(|place| if place == 0 { head } else { place - 1 }).collect();
        Self { items, next, before, end_of, ends_left }
    }

    fn first(&self) -> Option<usize> {
        self.after(self.items.len())
    }

    fn after(&self, place: usize) -> Option<usize> {
        let next = self.next[place];
        (next != self.items.len()).then_some(next)
    }

    fn take(&mut self, begin: usize) {
        self.unlink(begin);
        if let Some(end) = self.end_of[self.items[begin].call] {
            self.unlink(end);
            self.ends_left -= 1;
        }
    }

    /// Undoes the newest `take` that was not undone yet.
    fn put_back(&mut self, begin: usize) {
        if let Some(end) = self.end_of[self.items[begin].call] {
            self.link(end);
            self.ends_left += 1;
        }
        self.link(begin);
    }

    fn unlink(&mut self, place: usize) {
        let (before, next) = (self.before[place], self.next[place]);
        self.next[before] = next;
        self.before[next] = before;
    }

    fn link(&mut self, place: usize) {
        let (before, next) = (self.before[place], self.next[place]);
        self.next[before] = place;
        self.before[next] = place;
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Bits(Vec<u64>);

impl Bits {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn set(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    fn clear(&mut self, at: usize) {
        self.0[at / 64] &= !(1 << (at % 64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Draw;
    use crate::seat::{Act, SeatModel, Shown};

    /// Every order of every choice of the calls that may not have happened.
    fn brute_force(calls: &[Call<Act>]) -> bool {
        fn go(calls: &[Call<Act>], state: &crate::seat::Seat, left: &mut Vec<usize>) -> bool {
            if left.iter().all(|&call| calls[call].to.is_none()) {
                return true;
            }
            let earliest_end = left.iter().filter_map(|&call| calls[call].to).min().unwrap_or(u64::MAX);
            for place in 0..left.len() {
                let call = left[place];
                if calls[call].from > earliest_end {
                    continue;
                }
                let Some(next) = SeatModel.step(state, &calls[call].act) else { continue };
                left.remove(place);
                let found = go(calls, &next, left);
                left.insert(place, call);
                if found {
                    return true;
                }
            }
            false
        }
        go(calls, &SeatModel.start(), &mut (0..calls.len()).collect())
    }

    fn drawn(draw: &mut Draw) -> Vec<Call<Act>> {
        let count = 1 + draw.below(7);
        (0..count)
            .map(|number| {
                let hold = draw.below(3) as u32;
                let act = match draw.below(9) {
                    0..=2 => Act::Hold(hold),
                    3 => Act::HoldRefused,
                    4 => Act::Confirm(hold),
                    5 => Act::Release(hold),
                    6 => Act::Void(hold),
                    7 => Act::ConfirmRefused(hold),
                    _ => Act::Read([Shown::Free, Shown::Held, Shown::Sold][draw.below(3) as usize]),
                };
                let from = number * 3 + draw.below(8);
                Call { act, from, to: (!draw.percent(20)).then(|| from + 1 + draw.below(12)) }
            })
            .collect()
    }

    #[test]
    fn it_agrees_with_brute_force() {
        let mut draw = Draw::new(1);
        let (mut legal, mut total) = (0, 0);
        for _ in 0..100_000 {
            let calls = drawn(&mut draw);
            let wanted = brute_force(&calls);
            assert_eq!(check(&SeatModel, &calls).is_ok(), wanted, "{calls:?}");
            legal += usize::from(wanted);
            total += 1;
        }
        // Both kinds were seen, or nothing was checked.
        assert!(legal > total / 20 && legal < total * 19 / 20, "{legal} of {total}");
    }

    #[test]
    fn it_says_where_a_history_breaks() {
        let call = |act, from, to| Call { act, from, to: Some(to) };
        let calls = [call(Act::Hold(1), 0, 1), call(Act::Confirm(1), 2, 3), call(Act::Hold(2), 4, 5)];
        assert_eq!(check(&SeatModel, &calls), Err(Stuck { order: vec![0, 1], at: 2 }));
    }
}
