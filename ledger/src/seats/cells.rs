//! A house's seats: the record of each, and beside them what the public sees, packed as maps carry it, so that a map of a large house
//! is copied and not worked out while the ledger is locked. States lie apart from owners: most questions are about states alone, and
//! those of a whole house fit into a processor's cache.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::records::Cell;
use crate::outcome::SeatState;

/// Seats in a byte of what is shown.
const PER_BYTE: usize = 4;

/// Seats of a block: what is copied when one of them changes that a clone shares. Whole bytes of what is shown.
const BLOCK: usize = 1024;

/// See the module. A clone costs one reference count a block.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    /// All full but the last.
    blocks: Vec<Arc<Block>>,
    len: usize,
}

#[derive(Clone, Debug)]
struct Block {
    states: Vec<SeatState>,
    /// Of seats that are not free.
    owners: Vec<[u64; 2]>,
    /// Two bits a seat, from the lowest bits up; follows the states.
    shown: Vec<u8>,
}

impl Block {
    fn free(len: usize) -> Self {
        Self { states: vec![SeatState::Available; len], owners: vec![[0; 2]; len], shown: vec![0; len.div_ceil(PER_BYTE)] }
    }

    fn get(&self, at: usize) -> Option<Cell> {
        match *self.states.get(at)? {
            SeatState::Available => Some(Cell::FREE),
            state => Some(Cell { state, owner: *self.owners.get(at)? }),
        }
    }
}

impl Cells {
    /// So many free seats.
    pub(crate) fn free(len: usize) -> Self {
        let blocks = (0..len).step_by(BLOCK).map(|first| Arc::new(Block::free(BLOCK.min(len - first)))).collect();
        Self { blocks, len }
    }

    /// How many seats there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// A seat's record, or `None` past the last seat.
    pub(crate) fn get(&self, seat: usize) -> Option<Cell> {
        self.blocks.get(seat / BLOCK)?.get(seat % BLOCK)
    }

    /// A seat's state, or `None` past the last seat.
    pub(crate) fn state(&self, seat: usize) -> Option<SeatState> {
        self.blocks.get(seat / BLOCK)?.states.get(seat % BLOCK).copied()
    }

    /// Sets a seat's record; answers the one it was. Past the last seat nothing happens.
    pub(crate) fn set(&mut self, seat: usize, cell: Cell) -> Option<Cell> {
        let (block, at) = (Arc::make_mut(self.blocks.get_mut(seat / BLOCK)?), seat % BLOCK);
        let old = block.get(at)?;
        block.states[at] = cell.state;
        if cell.state != SeatState::Available {
            block.owners[at] = cell.owner;
        }
        block.shown[at / PER_BYTE] ^= (old.state.two_bits() ^ cell.state.two_bits()) << (at % PER_BYTE * 2);
        Some(old)
    }

    /// All records, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Cell> + '_ {
        self.blocks.iter().flat_map(|block| (0..block.states.len()).filter_map(|at| block.get(at)))
    }

    /// What the public sees of all seats, four to a byte.
    pub(crate) fn packed(&self) -> Vec<u8> {
        let mut packed = Vec::with_capacity(self.len.div_ceil(PER_BYTE));
        self.blocks.iter().for_each(|block| packed.extend_from_slice(&block.shown));
        packed
    }

    /// Whether what is shown is what the records say.
    pub(crate) fn is_true(&self) -> bool {
        let mut packed = vec![0_u8; self.len.div_ceil(PER_BYTE)];
        for (seat, cell) in self.iter().enumerate() {
            packed[seat / PER_BYTE] |= cell.state.two_bits() << (seat % PER_BYTE * 2);
        }
        packed == self.packed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    #[test]
    fn a_clone_stays_as_it_was_and_shares_what_did_not_change() {
        let mut cells = Cells::free(2_500);
        cells.set(1_023, Cell::new(SeatState::Held, 7));
        let frozen = cells.clone();
        assert_eq!(cells.set(1_024, Cell::new(SeatState::Sold, 8)), Some(Cell::FREE));
        assert_eq!(cells.set(1_024, Cell::FREE), Some(Cell::new(SeatState::Sold, 8)));
        assert_eq!(cells.set(2_499, Cell::new(SeatState::Blocked, 9)), Some(Cell::FREE));
        let read = |cells: &Cells| [1_023, 1_024, 2_499, 2_500].map(|seat| (cells.get(seat), cells.state(seat)));
        let (held, free) = ((Some(Cell::new(SeatState::Held, 7)), Some(SeatState::Held)), (Some(Cell::FREE), Some(SeatState::Available)));
        let blocked = (Some(Cell::new(SeatState::Blocked, 9)), Some(SeatState::Blocked));
        assert_eq!((read(&cells), read(&frozen)), ([held, free, blocked, (None, None)], [held, free, free, (None, None)]));
        let shared = cells.blocks.iter().zip(&frozen.blocks).map(|(left, right)| Arc::ptr_eq(left, right));
        assert_eq!(shared.collect::<Vec<_>>(), [true, false, false]);
    }
}
