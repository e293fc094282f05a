//! `CowSet`: a sorted set in chunks, for lists in order and for what falls due next.

use alloc::sync::Arc;
use alloc::vec::Vec;

/// A chunk that reaches this many elements is split.
const CHUNK: usize = 512;

/// A copy-on-write sorted set of small values. `clone` costs one reference count a chunk of 256 to 512 elements.
#[derive(Clone, Debug)]
pub struct CowSet<K> {
    /// Ascending, none empty.
    chunks: Vec<Arc<Vec<K>>>,
    len: usize,
}

impl<K> Default for CowSet<K> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<K: Ord + Copy> CowSet<K> {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many elements it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the element is in it.
    #[must_use]
    pub fn contains(&self, key: K) -> bool {
        self.chunks.get(self.place(key)).is_some_and(|chunk| chunk.binary_search(&key).is_ok())
    }

    /// The smallest element.
    #[must_use]
    pub fn first(&self) -> Option<K> {
        self.chunks.first().and_then(|chunk| chunk.first()).copied()
    }

    /// Puts an element in; answers whether it is new.
    pub fn insert(&mut self, key: K) -> bool {
        if self.chunks.is_empty() {
            self.chunks.push(Arc::new(Vec::new()));
        }
        let place = self.place(key).min(self.chunks.len() - 1);
        let Err(position) = self.chunks[place].binary_search(&key) else { return false };
        let chunk = Arc::make_mut(&mut self.chunks[place]);
        chunk.insert(position, key);
        self.len += 1;
        if chunk.len() >= CHUNK {
            // Elements mostly arrive in ascending order: a chunk that is full at the end of the set stays full.
            let keep = if place + 1 == self.chunks.len() { CHUNK - 1 } else { CHUNK / 2 };
            let high = Arc::make_mut(&mut self.chunks[place]).split_off(keep);
            self.chunks.insert(place + 1, Arc::new(high));
        }
        true
    }

    /// Takes an element out; answers whether it was in.
    pub fn remove(&mut self, key: K) -> bool {
        let place = self.place(key);
        let Some(position) = self.chunks.get(place).and_then(|chunk| chunk.binary_search(&key).ok()) else { return false };
        let chunk = Arc::make_mut(&mut self.chunks[place]);
        chunk.remove(position);
        if chunk.is_empty() {
            self.chunks.remove(place);
        }
        self.len -= 1;
        true
    }

    /// All elements, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = K> + '_ {
        self.chunks.iter().flat_map(|chunk| chunk.iter().copied())
    }

    /// The elements above `key`, ascending.
    pub fn after(&self, key: K) -> impl Iterator<Item = K> + '_ {
        let place = self.place(key).min(self.chunks.len());
        let rest = self.chunks[place..].iter().flat_map(|chunk| chunk.iter().copied());
        rest.skip_while(move |&other| other <= key)
    }

    /// The elements below `key`, descending.
    pub fn before(&self, key: K) -> impl Iterator<Item = K> + '_ {
        let end = (self.place(key) + 1).min(self.chunks.len());
        let rest = self.chunks[..end].iter().rev().flat_map(|chunk| chunk.iter().rev().copied());
        rest.skip_while(move |&other| other >= key)
    }

    /// The first chunk that does not end below `key`; past the end if all do.
    fn place(&self, key: K) -> usize {
        self.chunks.partition_point(|chunk| chunk.last().is_some_and(|&last| last < key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn behaves_as_a_plain_set(steps in proptest::collection::vec((0_u8..5, 0_u32..4000), 1..4000), ascending: bool) {
            let mut set = CowSet::new();
            let mut model = BTreeSet::new();
            let mut frozen = (set.clone(), model.clone());
            if ascending {
                (1000..3000).for_each(|key| assert_eq!(set.insert(key), model.insert(key)));
            }
            for (step, (kind, key)) in steps.into_iter().enumerate() {
                match kind {
                    0..=2 => prop_assert_eq!(set.insert(key), model.insert(key)),
                    _ => prop_assert_eq!(set.remove(key), model.remove(&key)),
                }
                prop_assert_eq!((set.len(), set.first(), set.contains(key)), (model.len(), model.first().copied(), model.contains(&key)));
                if step % 500 == 0 {
                    prop_assert!(set.after(key).eq(model.range(key + 1..).copied()));
                    prop_assert!(set.before(key).eq(model.range(..key).rev().copied()));
                    frozen = (set.clone(), model.clone());
                }
            }
            prop_assert!(set.iter().eq(model.iter().copied()));
            prop_assert!(frozen.0.iter().eq(frozen.1.iter().copied()));
            prop_assert!(set.chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() < CHUNK));
        }
    }
}
