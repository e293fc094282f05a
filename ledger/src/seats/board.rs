//! Which seats of an event are free, as bits by row, with what is needed to skip rows that cannot serve a party.
//! Derived from the seats' states: not part of snapshots, and checked against them by the invariants.

use alloc::vec;
use alloc::vec::Vec;

use super::house::{House, RowSpan};
use crate::plan::SeatIndex;

/// Party sizes that have a row index of their own; larger parties use the last and look at the row.
const FITS: usize = 8;

/// Free seats as bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Board {
    /// A set bit is a free seat, of whatever kind. Laid out as in [`House`].
    free: Vec<u64>,
    /// Longest run of free ordinary seats of each row.
    longest: Vec<u32>,
    /// `fits[k]` has a bit for each row, by rank, whose longest run is over `k`.
    fits: [Vec<u64>; FITS],
}

impl Board {
    /// A board on which no seat is free.
    pub(crate) fn taken(house: &House) -> Self {
        let ranks = house.rows.len().div_ceil(64);
        Self { free: vec![0; house.ordinary.len()], longest: vec![0; house.rows.len()], fits: core::array::from_fn(|_| vec![0; ranks]) }
    }

    /// The board on which these seats are free.
    pub(crate) fn of(house: &House, is_free: impl Fn(SeatIndex) -> bool) -> Self {
        let mut board = Self::taken(house);
        for (number, row) in house.rows.iter().enumerate() {
            for place in 0..row.len {
                if is_free(SeatIndex(row.first + place)) {
                    board.free[(row.word + place / 64) as usize] |= 1 << (place % 64);
                }
            }
            board.measure(house, number);
        }
        board
    }

    /// Marks one seat.
    pub(crate) fn set(&mut self, house: &House, seat: SeatIndex, free: bool) {
        let number = house.row(seat);
        let row = &house.rows[number];
        let place = seat.0 - row.first;
        let word = &mut self.free[(row.word + place / 64) as usize];
        let bit = 1_u64 << (place % 64);
        *word = if free { *word | bit } else { *word & !bit };
        if row.words > 1 {
            return self.measure(house, number);
        }
        // The run that the seat is in, or was in: only if it is, or was, the longest does anything change.
        let ordinary = house.ordinary[row.word as usize];
        if ordinary & bit == 0 {
            return;
        }
        let run = *word & ordinary | bit;
        let length = (run >> place).trailing_ones() + (run << (63 - place)).leading_ones() - 1;
        if free {
            self.note_longest(house, number, self.longest[number].max(length));
        } else if length == self.longest[number] {
            self.measure(house, number);
        }
    }

    /// Whether the seat at this place of the row is free.
    pub(crate) fn is_free(&self, row: &RowSpan, place: u32) -> bool {
        self.free[(row.word + place / 64) as usize] >> (place % 64) & 1 == 1
    }

    /// The row's words of free seats.
    pub(crate) fn words(&self, row: &RowSpan) -> &[u64] {
        &self.free[row.word as usize..(row.word + row.words) as usize]
    }

    /// Longest run of free ordinary seats in a row.
    pub(crate) fn longest(&self, row: usize) -> u32 {
        self.longest[row]
    }

    /// Rows with a run of at least `size` free ordinary seats, best ranks first.
    pub(crate) fn rows_for<'a>(&'a self, house: &'a House, size: u32) -> impl Iterator<Item = usize> + 'a {
        let index = (size.max(1) as usize).min(FITS) - 1;
        ones(&self.fits[index]).map(|rank| house.by_rank[rank] as usize).filter(move |&row| self.longest[row] >= size)
    }

    fn measure(&mut self, house: &House, number: usize) {
        let row = &house.rows[number];
        let mut longest = 0;
        runs_of(row, |word| self.free[word] & house.ordinary[word], |begin, end| longest = longest.max(end - begin));
        self.note_longest(house, number, longest);
    }

    fn note_longest(&mut self, house: &House, number: usize, longest: u32) {
        let before = core::mem::replace(&mut self.longest[number], longest);
        let rank = house.rank_of[number] as usize;
        let (low, high) = (before.min(longest) as usize, before.max(longest) as usize);
        for index in low.min(FITS)..high.min(FITS) {
            self.fits[index][rank / 64] ^= 1 << (rank % 64);
        }
    }
}

/// Calls `found(begin, end)` for each run of set bits among the row's bits; `bits` gives a word by its number in the house.
pub(crate) fn runs_of(row: &RowSpan, bits: impl Fn(usize) -> u64, mut found: impl FnMut(u32, u32)) {
    let mut open: Option<u32> = None;
    for number in 0..row.words {
        let base = number * 64;
        let mut word = bits((row.word + number) as usize);
        let mut at = 0;
        loop {
            if open.is_none() {
                if word == 0 {
                    break;
                }
                let skip = word.trailing_zeros();
                word >>= skip;
                at += skip;
                open = Some(base + at);
            }
            let ones = word.trailing_ones();
            at += ones;
            if at >= 64 {
                break; // The run may go on in the next word.
            }
            word = word.checked_shr(ones).unwrap_or(0);
            if let Some(begin) = open.take() {
                found(begin, base + at);
            }
        }
    }
    if let Some(begin) = open {
        found(begin, row.words * 64);
    }
}

/// Numbers of the set bits, ascending.
fn ones(words: &[u64]) -> impl Iterator<Item = usize> + '_ {
    words.iter().enumerate().flat_map(|(number, &word)| {
        let mut rest = word;
        core::iter::from_fn(move || {
            let bit = rest.checked_ilog2().map(|_| rest.trailing_zeros())?;
            rest &= rest - 1;
            Some(number * 64 + bit as usize)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Level, LevelIndex, Plan, Point, Row, Seat, SeatKind, Section};
    use alloc::string::ToString;

    /// Rows of awkward lengths around the word size, with every kind of seat in each longer one.
    fn house() -> House {
        let seat = |row: u32, place: u32| Seat {
            name: place.to_string(),
            level: LevelIndex(0),
            at: Point { x: place as i32, y: row as i32 },
            kind: match place % 29 {
                11 => SeatKind::Accessible,
                12 => SeatKind::Companion,
                13 => SeatKind::Restricted,
                _ => SeatKind::Standard,
            },
        };
        let row = |length: u32| Row { name: length.to_string(), seats: (0..length).map(|place| seat(length, place)).collect() };
        let lengths = [0, 1, 2, 7, 8, 63, 64, 65, 128, 130];
        let section = Section { name: "S".to_string(), rows: lengths.into_iter().map(row).collect() };
        let level = Level { name: "L".to_string(), color: 0 };
        House::new(&Plan { levels: vec![level], sections: vec![section], ..Plan::default() }).unwrap()
    }

    /// Flips seats at random and compares with a board made from scratch, and with the runs counted seat by seat.
    #[test]
    fn a_board_kept_up_to_date_is_the_board_made_anew() {
        let house = house();
        let mut free = vec![false; house.seat_count() as usize];
        let mut board = Board::taken(&house);
        let mut seed = 11_u64;
        for step in 0..4000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let seat = (seed >> 33) as usize % free.len();
            free[seat] = (seed >> 20).is_multiple_of(4) == (step >= 2000);
            board.set(&house, SeatIndex(seat as u32), free[seat]);
            if step % 16 != 0 {
                continue;
            }
            assert_eq!(board, Board::of(&house, |seat| free[seat.0 as usize]), "step {step}");
            for (number, row) in house.rows.iter().enumerate() {
                let (mut longest, mut run) = (0, 0);
                for place in 0..row.len {
                    let ordinary = ![11, 12].contains(&(place % 29));
                    run = if free[(row.first + place) as usize] && ordinary { run + 1 } else { 0 };
                    longest = longest.max(run);
                    assert_eq!(board.is_free(row, place), free[(row.first + place) as usize]);
                }
                assert_eq!(board.longest(number), longest, "row {number}, step {step}");
            }
            for size in [1, 2, 3, 8, 9, 30] {
                let mut expected: Vec<usize> = (0..house.rows.len()).filter(|&row| board.longest(row) >= size).collect();
                expected.sort_by_key(|&row| house.rank_of[row]);
                assert!(board.rows_for(&house, size).eq(expected), "size {size}, step {step}");
            }
        }
    }
}
