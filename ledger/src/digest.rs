//! The digest of a machine's state: a sum of record hashes, kept up to date record by record, whatever their order.
//!
//! It compares replicas; it does not resist someone who builds collisions. Every step is defined on fixed-width
//! integers, so it is the same on every platform.

use crate::cow::fold;
use crate::machine::Digest;

/// The digest of a growing and shrinking set of records.
///
/// A record that changes is removed with its old hash and added with its new one. Each kind of record has a tag of its
/// own, so that equal fields of different kinds do not cancel out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accumulator(u128);

impl Accumulator {
    /// Counts a record in.
    pub fn add(&mut self, record_hash: u128) {
        self.0 = self.0.wrapping_add(record_hash);
    }

    /// Counts a record out.
    pub fn remove(&mut self, record_hash: u128) {
        self.0 = self.0.wrapping_sub(record_hash);
    }

    /// Counts another set of records in.
    pub fn merge(&mut self, other: Self) {
        self.add(other.0);
    }

    /// The digest of what is in now.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(self.0)
    }
}

const LEFT: u64 = 0x2d35_8dcc_aa6c_78a5;
const RIGHT: u64 = 0x8bb8_4b93_962e_acc9;
const LAST: u64 = 0x4b33_a62e_d433_d4a3;

/// Hashes the fields of one record, in order, to 128 bits.
#[derive(Clone, Copy, Debug)]
pub struct RecordHasher {
    left: u64,
    right: u64,
    count: u64,
}

impl RecordHasher {
    /// Begins a record of the kind that `tag` names. Tags are unique within a machine.
    #[must_use]
    pub fn new(tag: u32) -> Self {
        let tag = u64::from(tag);
        Self { left: fold(tag ^ LEFT, LAST), right: fold(tag ^ RIGHT, LAST), count: 0 }
    }

    /// Takes in an integer.
    #[must_use]
    pub fn u64(mut self, value: u64) -> Self {
        self.count += 1;
        self.left = fold(self.left ^ value, LEFT).wrapping_add(self.count);
        self.right = fold(self.right ^ value.rotate_left(32), RIGHT) ^ self.left;
        self
    }

    /// Takes in an integer.
    #[must_use]
    pub fn u32(self, value: u32) -> Self {
        self.u64(u64::from(value))
    }

    /// Takes in a 128-bit integer, such as an id.
    #[must_use]
    pub fn u128(self, value: u128) -> Self {
        self.u64((value >> 64) as u64).u64(value as u64)
    }

    /// Takes in a number that may be absent; absent differs from every number.
    #[must_use]
    pub fn option(self, value: Option<u64>) -> Self {
        match value {
            None => self.u64(0),
            Some(value) => self.u64(1).u64(value),
        }
    }

    /// Takes in a text or other bytes, and their length.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let mut hasher = self.u64(bytes.len() as u64);
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            hasher = hasher.u64(u64::from_le_bytes(word.try_into().unwrap_or_default()));
        }
        let rest = words.remainder();
        if rest.is_empty() {
            return hasher;
        }
        let mut tail = [0_u8; 8];
        tail[..rest.len()].copy_from_slice(rest);
        hasher.u64(u64::from_le_bytes(tail))
    }

    /// The hash of what came in.
    #[must_use]
    pub fn finish(self) -> u128 {
        let left = fold(self.left ^ self.count, LAST);
        let right = fold(self.right ^ left, LEFT);
        (u128::from(fold(left ^ RIGHT, right | 1)) << 64) | u128::from(right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec;
    use alloc::vec::Vec;

    fn hash(tag: u32, values: &[u64]) -> u128 {
        values.iter().fold(RecordHasher::new(tag), |hasher, &value| hasher.u64(value)).finish()
    }

    #[test]
    fn order_of_records_does_not_matter_and_removal_undoes_addition() {
        let (a, b, c) = (hash(1, &[1]), hash(1, &[2]), hash(2, &[1]));
        let mut one = Accumulator::default();
        let mut two = Accumulator::default();
        [a, b, c, b].into_iter().for_each(|record| one.add(record));
        one.remove(b);
        [c, a, b].into_iter().for_each(|record| two.add(record));
        assert_eq!(one.digest(), two.digest());
        two.remove(a);
        assert_ne!(one.digest(), two.digest());
    }

    #[test]
    fn fields_tags_lengths_and_order_within_a_record_matter() {
        let records: Vec<Vec<u64>> =
            vec![vec![], vec![0], vec![0, 0], vec![1, 2], vec![2, 1], vec![1 << 32, 2], vec![1, 2, 0], vec![u64::MAX], vec![3 << 62]];
        let mut hashes: BTreeSet<u128> = records.iter().flat_map(|record| [hash(1, record), hash(2, record)]).collect();
        for text in ["", "\0", "\0\0", "abcdefgh", "abcdefg", "abcdefghi"] {
            hashes.insert(RecordHasher::new(1).bytes(text.as_bytes()).finish());
        }
        hashes.insert(RecordHasher::new(1).option(None).finish());
        hashes.insert(RecordHasher::new(1).option(Some(0)).finish());
        // bytes("") and option(None) are both one zero word; nothing else may meet.
        assert_eq!(hashes.len(), 18 + 6 + 2 - 3);
    }

    #[test]
    fn every_bit_of_the_input_moves_about_half_of_the_output() {
        for words in [1_usize, 3] {
            for bit in 0..words * 64 {
                let mut values = vec![0x0123_4567_89ab_cdef_u64; words];
                let before = hash(7, &values);
                values[bit / 64] ^= 1 << (bit % 64);
                let moved = (before ^ hash(7, &values)).count_ones();
                assert!((30..=98).contains(&moved), "bit {bit} of {words} words moved {moved}");
            }
        }
    }

    #[test]
    fn small_records_do_not_collide() {
        let hashes: BTreeSet<u128> = (0..300_u64).flat_map(|a| (0..300_u64).map(move |b| hash(1, &[a, b]))).collect();
        assert_eq!(hashes.len(), 90_000);
    }

    #[test]
    fn the_hash_is_the_same_for_ever() {
        let record = RecordHasher::new(3).u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10).u32(7).option(Some(9)).bytes(b"row A");
        assert_eq!(record.finish(), PINNED);
    }

    const PINNED: u128 = 177_042_319_510_222_327_489_819_593_497_824_389_606;
}
