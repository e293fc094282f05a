//! Rules on seats that a buyer picked: no single seats left behind, no accessible seat robbed of its companion; and what to
//! offer instead of seats that are taken.
//!
//! The orphan rule (when the event's terms ask for it): look at every run of free ordinary seats before the choice, a run
//! being bounded by taken seats, accessible and companion seats and the ends of the row. Say it has `n` seats and the choice
//! takes `k` of them. If the choice leaves a seat of the run alone, it is refused, unless `n = k + 1`: then one seat is left
//! whatever the buyer does. (With `n >= k + 2` there is always a choice of `k` at an end of the run that leaves none.)
//!
//! The companion rule (always): a companion seat is sold without an accessible seat beside it only if each free accessible
//! seat beside it keeps another free companion beside it.

use alloc::vec::Vec;

use super::board::{Board, runs_of};
use super::house::{House, RowSpan};
use crate::plan::SeatIndex;

/// Most alternatives that are offered.
pub(crate) const ALTERNATIVES_MAX: usize = 3;

/// How many rows around the request are searched for alternatives.
const ALTERNATIVE_ROWS: usize = 64;

/// Seats that the choice would leave alone, ascending. `chosen` is ascending, all of it free.
pub(crate) fn orphans(house: &House, board: &Board, chosen: &[SeatIndex]) -> Vec<SeatIndex> {
    let mut alone = Vec::new();
    by_row(house, chosen, |row, taken| {
        let bits = |word: usize| board.words(row)[word - row.word as usize] & house.ordinary[word];
        runs_of(row, bits, |begin, end| {
            let from = taken.partition_point(|seat| seat.0 < row.first + begin);
            let to = taken.partition_point(|seat| seat.0 < row.first + end);
            let count = (to - from) as u32;
            if count == 0 || end - begin <= count + 1 {
                return;
            }
            // A gap of one between two chosen seats, or between one and an end of the run.
            let mut edge = begin;
            for place in taken[from..to].iter().map(|seat| seat.0 - row.first).chain([end]) {
                if place - edge == 1 {
                    alone.push(SeatIndex(row.first + edge));
                }
                edge = place + 1;
            }
        });
    });
    alone
}

/// Accessible seats that the choice would leave without a companion, ascending. `chosen` is ascending, all of it free.
pub(crate) fn deserted(house: &House, board: &Board, chosen: &[SeatIndex]) -> Vec<SeatIndex> {
    let mut alone = Vec::new();
    if house.accessible_rows.is_empty() {
        return alone;
    }
    by_row(house, chosen, |row, taken| {
        let kind = |mask: &[u64], place: u32| mask[(row.word + place / 64) as usize] >> (place % 64) & 1 == 1;
        let is_taken = |place: u32| taken.binary_search(&SeatIndex(row.first + place)).is_ok();
        for place in taken.iter().map(|seat| seat.0 - row.first).filter(|&place| kind(&house.companion, place)) {
            let wheelchairs = beside(row, place).filter(|&other| kind(&house.accessible, other));
            if wheelchairs.clone().any(is_taken) {
                continue;
            }
            alone.extend(
                wheelchairs
                    .filter(|&other| board.is_free(row, other))
                    .filter(|&other| {
                        let keeps = |near: u32| kind(&house.companion, near) && board.is_free(row, near) && !is_taken(near);
                        !beside(row, other).any(keeps)
                    })
                    .map(|other| SeatIndex(row.first + other)),
            );
        }
    });
    alone.sort_unstable();
    alone.dedup();
    alone
}

/// Up to three blocks of as many free ordinary seats, none of which leaves a single seat unless its run has no other, from
/// the request's own section: the nearest row first, one block a row, the one most in line with the request.
/// `wanted` is ascending and not empty.
pub(crate) fn alternatives(house: &House, board: &Board, wanted: &[SeatIndex]) -> Vec<Vec<SeatIndex>> {
    let size = wanted.len() as u32;
    let middle = wanted[wanted.len() / 2];
    let home = house.row(middle);
    let span = &house.rows[home];
    // Twice the distance of the request's middle from its row's middle, in seats.
    let aim = i64::from(2 * (middle.0 - span.first)) - i64::from(span.len);
    let rows = &house.sections[usize::from(span.section.0)];
    let (low, high) = (rows.start as usize, rows.end as usize);
    let near = (0..ALTERNATIVE_ROWS).flat_map(|step| {
        let front = home.checked_sub(step).filter(|&row| row >= low);
        let back = home.checked_add(step).filter(|&row| row < high && step > 0);
        front.into_iter().chain(back)
    });
    near.filter(|&row| board.longest(row) >= size)
        .filter_map(|row| nearest_block(house, board, &house.rows[row], size, aim))
        .take(ALTERNATIVES_MAX)
        .map(|first| (first..first + size).map(SeatIndex).collect())
        .collect()
}

fn nearest_block(house: &House, board: &Board, row: &RowSpan, size: u32, aim: i64) -> Option<u32> {
    let bits = |word: usize| board.words(row)[word - row.word as usize] & house.ordinary[word];
    let mut best: Option<(u64, u32)> = None;
    runs_of(row, bits, |begin, end| {
        if end - begin < size {
            return;
        }
        for start in begin..=end - size {
            let leaves_single = start - begin == 1 || end - start - size == 1;
            if leaves_single && end - begin != size + 1 {
                continue;
            }
            let middle = i64::from(2 * (start + size / 2)) - i64::from(row.len);
            let candidate = (middle.abs_diff(aim), row.first + start);
            if best.is_none_or(|kept| candidate < kept) {
                best = Some(candidate);
            }
        }
    });
    best.map(|(_, first)| first)
}

/// Calls `look(row, seats)` with the chosen seats of each row.
fn by_row(house: &House, chosen: &[SeatIndex], mut look: impl FnMut(&RowSpan, &[SeatIndex])) {
    let mut rest = chosen;
    while let Some(&first) = rest.first() {
        let row = &house.rows[house.row(first)];
        let (here, later) = rest.split_at(rest.partition_point(|seat| seat.0 < row.first + row.len));
        look(row, here);
        rest = later;
    }
}

fn beside(row: &RowSpan, place: u32) -> impl Iterator<Item = u32> + Clone {
    let next = Some(place + 1).filter(|&next| next < row.len);
    place.checked_sub(1).into_iter().chain(next)
}
