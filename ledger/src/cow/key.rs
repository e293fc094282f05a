//! Hashes of map keys: fixed and seedless, so that every replica builds the same table on every platform.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;

use crate::ids::{AttemptId, CartId, EventId, HoldId, OrderId, PerformerId, PlanHash, RequestId, TicketId, UserId, VenueId};

/// A key of a [`super::CowMap`].
///
/// The hash has no seed (replicas must agree), so keys should not be of an outsider's free choice: ids are drawn at the
/// edge and request ids are hashes. Crafted e-mails can at worst make one chunk slow.
pub trait CowKey {
    /// 64 well-mixed bits that depend on the value alone.
    fn hash64(&self) -> u64;
}

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xd6e8_feb8_6659_fd93;
const K2: u64 = 0xa076_1d64_78bd_642f;

/// Multiplies to 128 bits and folds the halves together.
pub(crate) const fn fold(left: u64, right: u64) -> u64 {
    let product = (left as u128).wrapping_mul(right as u128);
    (product as u64) ^ ((product >> 64) as u64)
}

const fn mix128(value: u128) -> u64 {
    let low = value as u64;
    let high = (value >> 64) as u64;
    fold(fold(low ^ K0, K1) ^ high, K2)
}

fn mix_bytes(bytes: &[u8]) -> u64 {
    let mut hash = fold(bytes.len() as u64 ^ K0, K1);
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let word: [u8; 8] = word.try_into().unwrap_or_default();
        hash = fold(hash ^ u64::from_le_bytes(word) ^ K2, K1);
    }
    let mut tail = [0_u8; 8];
    tail[..words.remainder().len()].copy_from_slice(words.remainder());
    fold(hash ^ u64::from_le_bytes(tail) ^ K0, K2)
}

impl CowKey for u16 {
    fn hash64(&self) -> u64 {
        u64::from(*self).hash64()
    }
}

impl CowKey for u32 {
    fn hash64(&self) -> u64 {
        u64::from(*self).hash64()
    }
}

impl CowKey for u64 {
    fn hash64(&self) -> u64 {
        fold(fold(*self ^ K0, K1) ^ K0, K2)
    }
}

impl CowKey for u128 {
    fn hash64(&self) -> u64 {
        mix128(*self)
    }
}

impl CowKey for str {
    fn hash64(&self) -> u64 {
        mix_bytes(self.as_bytes())
    }
}

impl CowKey for String {
    fn hash64(&self) -> u64 {
        self.as_str().hash64()
    }
}

impl CowKey for Box<str> {
    fn hash64(&self) -> u64 {
        (**self).hash64()
    }
}

impl CowKey for Arc<str> {
    fn hash64(&self) -> u64 {
        (**self).hash64()
    }
}

impl CowKey for PlanHash {
    fn hash64(&self) -> u64 {
        mix_bytes(&self.0)
    }
}

impl<A: CowKey, B: CowKey> CowKey for (A, B) {
    fn hash64(&self) -> u64 {
        fold(self.0.hash64() ^ K1, self.1.hash64() ^ K2)
    }
}

macro_rules! id_keys {
    ($($name:ty),*) => {
        $(impl CowKey for $name {
            fn hash64(&self) -> u64 {
                mix128(self.0)
            }
        })*
    };
}

id_keys!(AttemptId, CartId, EventId, HoldId, OrderId, PerformerId, RequestId, TicketId, UserId, VenueId);

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn dense_and_sparse_integers_spread_over_low_middle_and_high_bits() {
        for shift in [0_u32, 16, 40, 100] {
            for take in [0_u32, 16, 57] {
                let mut buckets = [0_u32; 128];
                for number in 0..12_800_u128 {
                    buckets[((number << shift).hash64() >> take) as usize & 127] += 1;
                }
                assert!(buckets.iter().all(|&count| (50..=160).contains(&count)), "shift {shift} take {take}: {buckets:?}");
            }
        }
    }

    #[test]
    fn strings_hash_by_every_byte_and_by_length() {
        let texts = ["", "\0", "\0\0", "a", "b", "aaaaaaaa", "aaaaaaab", "baaaaaaa", "aaaaaaaaa", "aaaaaaaa\0"];
        let hashes: BTreeSet<u64> = texts.iter().map(|text| text.hash64()).collect();
        assert_eq!(hashes.len(), texts.len());
        assert_eq!(String::from("a").hash64(), "a".hash64());
    }

    #[test]
    fn the_hash_is_the_same_for_ever() {
        assert_eq!([1_u64.hash64(), 1_u128.hash64(), "a@b".hash64()], PINNED);
    }

    const PINNED: [u64; 3] = [1_098_468_129_918_252_250, 17_887_203_606_598_666_871, 7_013_115_008_396_403_284];
}
