//! Best available: which free seats a party is given.
//!
//! In this order, and within each step by the lowest cost (see below), then the lowest seat number:
//! 1. side by side in one row, leaving no single seat behind at either end of the run they are taken from;
//! 2. side by side in one row;
//! 3. for four or more: two halves (the larger may be in front or behind), each side by side, in two neighbouring rows of a
//!    section and at least partly in line with each other, rows being centred on one another;
//! 4. if the party may be split: the largest part that fits by 1 and 2, then the rest likewise. A part that would leave one
//!    person alone is taken only when no other fits.
//!
//! The cost of seats is the sum of their distances from the focal point; an obstructed view costs more than any distance.
//! Accessible and companion seats are not offered unless asked for. If they are, only they are, side by side in one row
//! with at least one accessible seat among them, and with as few accessible seats as will do.

use alloc::vec::Vec;
use core::cmp::Reverse;

use super::board::{Board, runs_of};
use super::house::{House, RowSpan};
use crate::plan::{LevelIndex, SeatIndex, SectionIndex};

/// What may be offered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    /// How many seats, from 1.
    pub(crate) quantity: u32,
    /// Only here.
    pub(crate) section: Option<SectionIndex>,
    /// Which levels are cheap enough, by level; `None` = all.
    pub(crate) levels: Option<&'a [bool]>,
    /// Whether the party may be split.
    pub(crate) split: bool,
    /// Whether to choose among accessible seats and their companions.
    pub(crate) accessible: bool,
}

impl Wish<'_> {
    pub(crate) fn allows(&self, level: LevelIndex) -> bool {
        self.levels.is_none_or(|levels| levels.get(usize::from(level.0)).copied().unwrap_or(false))
    }

    fn looks_in(&self, row: &RowSpan) -> bool {
        self.section.is_none_or(|section| section == row.section) && row.level.is_none_or(|level| self.allows(level))
    }
}

/// Seats side by side: the first one and how many. Ordered from better to worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Block {
    /// Accessible seats in it, when they are asked for.
    spent: u32,
    cost: u64,
    first: u32,
    size: u32,
}

/// Two blocks, one behind the other. Ordered from better to worse, then by their seats' numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Halves {
    cost: u64,
    order: (u32, Reverse<u32>, u32),
    front: Block,
    back: Block,
}

/// The best seats for the wish, ascending; `None` when nothing fits. The board is as before when it returns.
pub(crate) fn best(house: &House, board: &mut Board, wish: &Wish<'_>) -> Option<Vec<SeatIndex>> {
    if let Some(block) = one_block(house, board, wish, wish.quantity) {
        return Some(seats_of(&[block]));
    }
    if !wish.accessible
        && wish.quantity >= 4
        && let Some(halves) = two_rows(house, board, wish)
    {
        return Some(seats_of(&halves));
    }
    if wish.split { in_parts(house, board, wish) } else { None }
}

fn seats_of(blocks: &[Block]) -> Vec<SeatIndex> {
    let mut seats: Vec<SeatIndex> = blocks.iter().flat_map(|block| block.first..block.first + block.size).map(SeatIndex).collect();
    seats.sort_unstable();
    seats
}

/// Steps 1 and 2, or the accessible rule.
fn one_block(house: &House, board: &Board, wish: &Wish<'_>, size: u32) -> Option<Block> {
    if wish.accessible {
        return accessible_block(house, board, wish, size);
    }
    let (mut clean, mut tight): (Option<Block>, Option<Block>) = (None, None);
    for number in board.rows_for(house, size) {
        let row = &house.rows[number];
        // Rows come by their cheapest seat, so from here on nothing can be better.
        if clean.is_some_and(|best| row.cheapest.saturating_mul(u64::from(size)) > best.cost) {
            break;
        }
        if !wish.looks_in(row) {
            continue;
        }
        windows(house, board, wish, row, size, |block, leaves_single| {
            let best = if leaves_single { &mut tight } else { &mut clean };
            keep_better(best, block);
        });
    }
    clean.or(tight)
}

fn keep_better(best: &mut Option<Block>, block: Block) {
    if best.is_none_or(|kept| block < kept) {
        *best = Some(block);
    }
}

/// Every place in the row for `size` people side by side in free ordinary seats of allowed levels, and whether taking it
/// would leave a single seat at an end of its run.
fn windows(house: &House, board: &Board, wish: &Wish<'_>, row: &RowSpan, size: u32, mut found: impl FnMut(Block, bool)) {
    let bits = |word: usize| board.words(row)[word - row.word as usize] & house.ordinary[word];
    let mixed = row.level.is_none() && wish.levels.is_some();
    runs_of(row, bits, |begin, end| {
        if end - begin < size {
            return;
        }
        let refused = |place: u32| mixed && !wish.allows(house.level(SeatIndex(row.first + place)));
        // Places of the window that are too dear, kept up to date as it slides.
        let mut too_dear = (begin..begin + size).filter(|&place| refused(place)).count();
        for start in begin..=end - size {
            if too_dear == 0 {
                let first = row.first + start;
                let leaves_single = start - begin == 1 || end - start - size == 1;
                found(Block { spent: 0, cost: house.cost(first, size), first, size }, leaves_single);
            }
            if start + size < end {
                too_dear += usize::from(refused(start + size));
                too_dear -= usize::from(refused(start));
            }
        }
    });
}

fn accessible_block(house: &House, board: &Board, wish: &Wish<'_>, size: u32) -> Option<Block> {
    let mut best = None;
    for row in house.accessible_rows.iter().map(|&number| &house.rows[number as usize]).filter(|row| wish.looks_in(row)) {
        let pool = |word: usize| board.words(row)[word - row.word as usize] & (house.accessible[word] | house.companion[word]);
        let is_accessible = |place: u32| house.accessible[(row.word + place / 64) as usize] >> (place % 64) & 1 == 1;
        runs_of(row, pool, |begin, end| {
            if end - begin < size {
                return;
            }
            for start in begin..=end - size {
                let first = row.first + start;
                let spent = (start..start + size).filter(|&place| is_accessible(place)).count() as u32;
                if spent > 0 && (first..first + size).all(|seat| wish.allows(house.level(SeatIndex(seat)))) {
                    keep_better(&mut best, Block { spent, cost: house.cost(first, size), first, size });
                }
            }
        });
    }
    best
}

/// Step 3.
fn two_rows(house: &House, board: &Board, wish: &Wish<'_>) -> Option<[Block; 2]> {
    let (large, small) = (wish.quantity.div_ceil(2), wish.quantity / 2);
    let mut best: Option<Halves> = None;
    for number in board.rows_for(house, small) {
        let behind = number + 1;
        let Some(next) = house.rows.get(behind).filter(|next| next.section == house.rows[number].section) else { continue };
        if board.longest(behind) < small || !wish.looks_in(&house.rows[number]) || !wish.looks_in(next) {
            continue;
        }
        let floor = house.rows[number].cheapest.saturating_add(next.cheapest).saturating_mul(u64::from(small));
        if best.as_ref().is_some_and(|kept| floor > kept.cost) {
            continue;
        }
        for (front_size, back_size) in [(large, small), (small, large)] {
            pair(house, board, wish, number, (front_size, back_size), &mut best);
            if large == small {
                break;
            }
        }
    }
    best.map(|halves| [halves.front, halves.back])
}

fn pair(house: &House, board: &Board, wish: &Wish<'_>, front: usize, sizes: (u32, u32), best: &mut Option<Halves>) {
    let (front_row, back_row) = (&house.rows[front], &house.rows[front + 1]);
    if board.longest(front) < sizes.0 || board.longest(front + 1) < sizes.1 {
        return;
    }
    let mut backs = Vec::new();
    windows(house, board, wish, back_row, sizes.1, |block, _| backs.push(block));
    backs.sort_unstable();
    windows(house, board, wish, front_row, sizes.0, |block, _| {
        if let Some(back) = backs.iter().find(|back| in_line(front_row, block, back_row, **back)) {
            let order = (block.first, Reverse(block.size), back.first);
            let candidate = Halves { cost: block.cost + back.cost, order, front: block, back: *back };
            if best.as_ref().is_none_or(|kept| candidate < *kept) {
                *best = Some(candidate);
            }
        }
    });
}

/// Whether some seat of one block is straight behind some seat of the other when the rows are centred on each other.
fn in_line(front_row: &RowSpan, front: Block, back_row: &RowSpan, back: Block) -> bool {
    // In half seats from the row's middle, so that even and odd rows compare.
    let edges = |row: &RowSpan, block: Block| {
        let begin = i64::from(2 * (block.first - row.first)) - i64::from(row.len);
        (begin, begin + i64::from(2 * block.size))
    };
    let (front, back) = (edges(front_row, front), edges(back_row, back));
    front.0 < back.1 && back.0 < front.1
}

/// Step 4. Parts are marked as taken while the rest is looked for, and freed again at the end.
fn in_parts(house: &House, board: &mut Board, wish: &Wish<'_>) -> Option<Vec<SeatIndex>> {
    let mut parts: Vec<Block> = Vec::new();
    let mut rest = wish.quantity;
    while rest > 0 {
        let Some(part) = part_sizes(rest).find_map(|size| one_block(house, board, wish, size)) else { break };
        mark(house, board, part, false);
        rest -= part.size;
        parts.push(part);
    }
    for part in &parts {
        mark(house, board, *part, true);
    }
    (rest == 0).then(|| seats_of(&parts))
}

/// Sizes to try for the next part, in order: the whole rest, then smaller ones that leave nobody alone, then any.
fn part_sizes(rest: u32) -> impl Iterator<Item = u32> {
    let pleasant = (2..=rest).rev().filter(move |&size| rest - size != 1);
    let any = (1..rest).rev().filter(move |&size| size == 1 || rest - size == 1);
    pleasant.chain(any).chain((rest == 1).then_some(1))
}

fn mark(house: &House, board: &mut Board, block: Block, free: bool) {
    for seat in block.first..block.first + block.size {
        board.set(house, SeatIndex(seat), free);
    }
}
