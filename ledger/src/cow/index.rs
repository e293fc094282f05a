//! `CowIndex`: from hashes to numbers of places, in chunks that grow by linear hashing (W. Litwin, "Linear hashing: a new tool for file
//! and table addressing", 1980), one chunk at a time, so that no insert is slow. What lies at the places is its owner's business.

use alloc::sync::Arc;
use alloc::vec::Vec;

use hashbrown::HashTable;

use super::fold;

/// Average entries of a chunk. The fullest, those that will be split last, hold twice as many: as many as a table of 512 takes.
const CHUNK_TARGET: usize = 200;

/// Room of a chunk that was split.
const CHUNK_CAPACITY: usize = 2 * CHUNK_TARGET + CHUNK_TARGET / 10;

/// An odd number of well-mixed bits.
const MIX: u64 = 0xe703_7ed1_a0b4_28db;

/// Half of a hash, and a place. Of two keys with the same half the owner tells which is meant: this keeps an entry at 8 bytes.
#[derive(Clone, Copy, Debug)]
struct Slot {
    half: u32,
    place: u32,
}

impl Slot {
    /// The hash within a chunk, whose slots have the low bits of their halves in common.
    fn inner(half: u32) -> u64 {
        fold(u64::from(half) ^ MIX, MIX)
    }
}

/// A copy-on-write multimap from 64-bit hashes, whose upper half must be well mixed, to places. `clone` costs one reference count a chunk.
#[derive(Clone, Debug)]
pub(crate) struct CowIndex {
    /// Never empty. Chunk `i < split` and its sibling `i + base` are told apart by one more bit than the others.
    chunks: Vec<Arc<HashTable<Slot>>>,
    /// The largest power of two not above the number of chunks.
    base: usize,
    len: usize,
}

impl Default for CowIndex {
    fn default() -> Self {
        Self { chunks: alloc::vec![Arc::new(HashTable::new())], base: 1, len: 0 }
    }
}

impl CowIndex {
    /// How many places are in it.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The chunks that it has.
    pub(crate) fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// The place under this hash of which `is_it` says that it is the one.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let half = upper(hash);
        self.chunks[self.chunk_of(half)].find(Slot::inner(half), |slot| slot.half == half && is_it(slot.place)).map(|slot| slot.place)
    }

    /// Notes a place that is not in it.
    pub(crate) fn insert(&mut self, hash: u64, place: u32) {
        self.grow_if_full();
        let half = upper(hash);
        let chunk = self.chunk_of(half);
        Arc::make_mut(&mut self.chunks[chunk]).insert_unique(Slot::inner(half), Slot { half, place }, |slot| Slot::inner(slot.half));
        self.len += 1;
    }

    /// Takes a place out; answers whether it was in.
    pub(crate) fn remove(&mut self, hash: u64, place: u32) -> bool {
        let half = upper(hash);
        let chunk = self.chunk_of(half);
        let found = Arc::make_mut(&mut self.chunks[chunk]).find_entry(Slot::inner(half), |slot| slot.half == half && slot.place == place);
        let Ok(entry) = found else { return false };
        entry.remove();
        self.len -= 1;
        true
    }

    /// What lay at `from` lies at `to` now.
    pub(crate) fn relocate(&mut self, hash: u64, from: u32, to: u32) {
        let half = upper(hash);
        let chunk = self.chunk_of(half);
        let found = Arc::make_mut(&mut self.chunks[chunk]).find_mut(Slot::inner(half), |slot| slot.half == half && slot.place == from);
        if let Some(slot) = found {
            slot.place = to;
        }
    }

    fn chunk_of(&self, half: u32) -> usize {
        let wide = half as usize & (2 * self.base - 1);
        if wide < self.chunks.len() { wide } else { wide - self.base }
    }

    /// Keeps the average chunk at its target by splitting the next one in turn.
    #[inline]
    fn grow_if_full(&mut self) {
        if self.len >= self.chunks.len() * CHUNK_TARGET {
            self.grow();
        }
    }

    #[inline(never)]
    fn grow(&mut self) {
        if self.chunks.len() == 2 * self.base {
            self.base *= 2;
        }
        let victim = self.chunks.len() - self.base;
        let mut high = HashTable::with_capacity(CHUNK_CAPACITY);
        for slot in Arc::make_mut(&mut self.chunks[victim]).extract_if(|slot| slot.half as usize & self.base != 0) {
            high.insert_unique(Slot::inner(slot.half), slot, |slot| Slot::inner(slot.half));
        }
        self.chunks.push(Arc::new(high));
    }
}

fn upper(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::super::CowKey;
    use super::*;

    #[test]
    fn chunks_stay_small_as_it_grows() {
        let mut index = CowIndex::default();
        for place in 0..100_000_u32 {
            index.insert(place.hash64(), place);
        }
        let largest = index.chunks.iter().map(|chunk| chunk.len()).max().unwrap();
        assert!(largest <= 3 * CHUNK_TARGET, "{largest}");
        assert_eq!((index.chunk_count(), index.len()), (100_000_usize.div_ceil(CHUNK_TARGET), 100_000));
        assert!((0..100_000).all(|place| index.find(place.hash64(), |found| found == place) == Some(place)));
        assert_eq!(index.find(100_000_u32.hash64(), |_| true), None);
    }

    #[test]
    fn places_with_the_same_hash_are_told_apart_by_their_owner() {
        let mut index = CowIndex::default();
        (0..1000).for_each(|place| index.insert(7 << 40, place));
        index.relocate(7 << 40, 3, 5000);
        assert!(index.remove(7 << 40, 4) && !index.remove(7 << 40, 4) && !index.remove(8 << 40, 5));
        let found = |place: u32| index.find(7 << 40, |found| found == place).is_some();
        assert_eq!((found(2), found(3), found(4), found(5000), index.len()), (true, false, false, true, 999));
    }

    #[test]
    fn a_write_copies_only_the_chunk_it_touches() {
        let mut index = CowIndex::default();
        (0..10_000_u32).for_each(|place| index.insert(place.hash64(), place));
        let frozen = index.clone();
        index.relocate(5_u32.hash64(), 5, 77_777);
        let shared = index.chunks.iter().zip(&frozen.chunks).filter(|(left, right)| Arc::ptr_eq(left, right)).count();
        assert_eq!(shared, frozen.chunk_count() - 1);
        assert_eq!(frozen.find(5_u32.hash64(), |place| place == 5), Some(5));
    }
}
