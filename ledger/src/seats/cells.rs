//! A house's seats: the record of each, and beside them what the public sees, packed as maps carry it, so that a map of a large house
//! is copied and not worked out while the ledger is locked.

use alloc::vec::Vec;

use super::records::Cell;
use crate::cow::CowVec;

/// Seats in a byte of what is shown.
const PER_BYTE: usize = 4;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    records: CowVec<Cell>,
    /// Two bits a seat, from the lowest bits up; follows the records.
    shown: CowVec<u8>,
}

impl Cells {
    /// So many free seats.
    pub(crate) fn free(len: usize) -> Self {
        Self { records: CowVec::filled(Cell::FREE, len), shown: CowVec::filled(0, len.div_ceil(PER_BYTE)) }
    }

    /// How many seats there are.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// A seat's record, or `None` past the last seat.
    pub(crate) fn get(&self, seat: usize) -> Option<Cell> {
        self.records.get(seat)
    }

    /// Sets a seat's record; answers the one it was. Past the last seat nothing happens.
    pub(crate) fn set(&mut self, seat: usize, cell: Cell) -> Option<Cell> {
        let old = self.records.set(seat, cell)?;
        let (was, is) = (old.state.two_bits(), cell.state.two_bits());
        if was != is {
            let (at, shift) = (seat / PER_BYTE, seat % PER_BYTE * 2);
            let byte = self.shown.get(at).unwrap_or_default();
            self.shown.set(at, byte ^ ((was ^ is) << shift));
        }
        Some(old)
    }

    /// All records, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Cell> + '_ {
        self.records.iter()
    }

    /// What the public sees of all seats, four to a byte.
    pub(crate) fn packed(&self) -> Vec<u8> {
        let mut packed = Vec::with_capacity(self.shown.len());
        self.shown.slices().for_each(|slice| packed.extend_from_slice(slice));
        packed
    }

    /// Whether what is shown is what the records say.
    pub(crate) fn is_true(&self) -> bool {
        let mut packed = alloc::vec![0_u8; self.len().div_ceil(PER_BYTE)];
        for (seat, cell) in self.iter().enumerate() {
            packed[seat / PER_BYTE] |= cell.state.two_bits() << (seat % PER_BYTE * 2);
        }
        packed == self.packed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::SeatState;

    #[test]
    fn what_is_shown_follows_the_records() {
        let mut cells = Cells::free(5_001);
        let states = [SeatState::Held, SeatState::Pinned, SeatState::Sold, SeatState::Blocked, SeatState::Available, SeatState::Killed];
        for (turn, state) in states.into_iter().cycle().take(300).enumerate() {
            assert!(cells.set(turn * 977 % 5_001, Cell::new(state, turn as u128)).is_some());
            assert!(cells.is_true(), "after turn {turn}");
        }
        assert_eq!((cells.set(5_001, Cell::FREE), cells.packed().len()), (None, 1_251));
    }
}
