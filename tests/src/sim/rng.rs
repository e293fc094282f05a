//! Seeded choices.

use std::sync::Arc;

use parking_lot::Mutex;

/// SplitMix64. Clones share their state.
#[derive(Clone, Debug)]
pub struct Rng(Arc<Mutex<u64>>);

impl Rng {
    /// A stream of its own for each `seed` and `purpose`, so that more draws of one purpose leave the others as they are.
    #[must_use]
    pub fn new(seed: u64, purpose: &str) -> Self {
        let mut state = seed;
        for byte in purpose.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        Self(Arc::new(Mutex::new(state)))
    }

    /// Uniform over all values.
    pub fn next(&self) -> u64 {
        let mut state = self.0.lock();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(*state)
    }

    /// Uniform below `bound`; 0 for 0.
    pub fn below(&self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// Uniform from `low` to `high`, both included.
    pub fn range(&self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True in so many of 1000 cases.
    pub fn per_mille(&self, chance: u64) -> bool {
        self.below(1000) < chance
    }

    /// One of several.
    pub fn pick<T: Copy>(&self, all: &[T]) -> Option<T> {
        all.get(usize::try_from(self.below(all.len() as u64)).unwrap_or(0)).copied()
    }
}

fn mix(value: u64) -> u64 {
    let mut mixed = value;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl boxoffice_raft::env::Random for Rng {
    fn next_u64(&self) -> u64 {
        self.next()
    }
}
