//! `CowMap`: a hash map whose entries lie in chunks in the order in which they came, beside an index. New entries are neighbours in
//! memory, however their keys are spread: that spares page faults and cache lines when hundreds of thousands come at once.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::mem;

use super::CowKey;
use super::index::CowIndex;

/// Entries of a chunk: what is copied when one of them changes that a clone shares.
const CHUNK: usize = 64;

/// A copy-on-write hash map for less than 2^32 entries. `clone` costs one reference count a chunk of entries or of the index.
#[derive(Clone, Debug)]
pub struct CowMap<K, V> {
    index: CowIndex,
    /// All full but the last.
    chunks: Vec<Arc<Vec<(K, V)>>>,
}

impl<K, V> Default for CowMap<K, V> {
    fn default() -> Self {
        Self { index: CowIndex::default(), chunks: Vec::new() }
    }
}

impl<K: CowKey + Eq + Clone, V: Clone> CowMap<K, V> {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: CowKey + Eq + ?Sized,
    {
        let place = self.find(key.hash64(), key)?;
        self.entry(place).map(|(_, value)| value)
    }

    /// Whether the key has a value.
    #[must_use]
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: CowKey + Eq + ?Sized,
    {
        self.find(key.hash64(), key).is_some()
    }

    /// The value of a key, to be changed. Copies the chunk if a clone shares it, even if the caller then changes nothing.
    pub fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: CowKey + Eq + ?Sized,
    {
        let place = self.find(key.hash64(), key)?;
        self.entry_mut(place).map(|(_, value)| value)
    }

    /// The value of a key, made first if there is none.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let hash = key.hash64();
        let place = self.find(hash, &key).map_or(self.len(), |place| place as usize);
        if place == self.len() {
            return self.push(hash, key, make());
        }
        &mut Arc::make_mut(&mut self.chunks[place / CHUNK])[place % CHUNK].1
    }

    /// Sets the value of a key; answers the one it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let hash = key.hash64();
        if let Some((_, known)) = self.find(hash, &key).and_then(|place| self.entry_mut(place)) {
            return Some(mem::replace(known, value));
        }
        self.push(hash, key, value);
        None
    }

    /// Takes a key out; answers its value. Without the key nothing is copied.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: CowKey + Eq + ?Sized,
    {
        let hash = key.hash64();
        let place = self.find(hash, key)?;
        let last = self.len() as u32 - 1;
        let chunk = Arc::make_mut(self.chunks.last_mut()?);
        let mut entry = chunk.pop()?;
        if chunk.is_empty() {
            self.chunks.pop();
        }
        self.index.remove(hash, place);
        if place != last {
            // The last entry takes the place of the one that goes.
            self.index.relocate(entry.0.hash64(), last, place);
            mem::swap(self.entry_mut(place)?, &mut entry);
        }
        Some(entry.1)
    }

    /// All entries in key order: the only way to see them all. Sorts, so it is for snapshots and checks.
    #[must_use]
    pub fn sorted(&self) -> Vec<(&K, &V)>
    where
        K: Ord,
    {
        let mut entries = Vec::with_capacity(self.len());
        entries.extend(self.chunks.iter().flat_map(|chunk| chunk.iter()).map(|(key, value)| (key, value)));
        entries.sort_unstable_by(|left, right| left.0.cmp(right.0));
        entries
    }

    /// How many chunks it has; a clone costs that many reference counts.
    #[must_use]
    pub fn chunk_count(&self) -> usize {
        self.chunks.len() + self.index.chunk_count()
    }

    #[inline]
    fn find<Q>(&self, hash: u64, key: &Q) -> Option<u32>
    where
        K: Borrow<Q>,
        Q: CowKey + Eq + ?Sized,
    {
        self.index.find(hash, |place| self.entry(place).is_some_and(|(known, _)| known.borrow() == key))
    }

    fn entry(&self, place: u32) -> Option<&(K, V)> {
        self.chunks.get(place as usize / CHUNK)?.get(place as usize % CHUNK)
    }

    fn entry_mut(&mut self, place: u32) -> Option<&mut (K, V)> {
        Arc::make_mut(self.chunks.get_mut(place as usize / CHUNK)?).get_mut(place as usize % CHUNK)
    }

    /// Adds an entry whose key is not in it; answers its value.
    fn push(&mut self, hash: u64, key: K, value: V) -> &mut V {
        let (place, at) = (self.len() / CHUNK, self.len() % CHUNK);
        if at == 0 {
            // Most maps stay small: only the chunks after the first are made at their full size.
            self.chunks.push(Arc::new(if place == 0 { Vec::new() } else { Vec::with_capacity(CHUNK) }));
        }
        self.index.insert(hash, self.len() as u32);
        let chunk = Arc::make_mut(&mut self.chunks[place]);
        chunk.push((key, value));
        &mut chunk[at].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::vec;
    use proptest::prelude::*;

    fn entries(map: &CowMap<u64, u32>) -> Vec<(u64, u32)> {
        map.sorted().into_iter().map(|(key, value)| (*key, *value)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn behaves_as_a_plain_map_and_clones_stay_frozen(
            steps in proptest::collection::vec((0_u8..8, 0_u64..600, any::<u32>()), 1..3000)
        ) {
            let mut map = CowMap::new();
            let mut model = BTreeMap::new();
            let mut frozen: Vec<(CowMap<u64, u32>, BTreeMap<u64, u32>)> = vec![];
            for (kind, key, value) in steps {
                match kind {
                    0..=3 => prop_assert_eq!(map.insert(key, value), model.insert(key, value)),
                    4 => prop_assert_eq!(map.remove(&key), model.remove(&key)),
                    5 => {
                        prop_assert_eq!(map.get_mut(&key).copied(), model.get(&key).copied());
                        if let Some(found) = map.get_mut(&key) {
                            *found = value;
                            model.insert(key, value);
                        }
                    }
                    6 => {
                        let made = *map.get_or_insert_with(key, || value);
                        prop_assert_eq!(made, *model.entry(key).or_insert(value));
                    }
                    _ if frozen.len() < 8 => frozen.push((map.clone(), model.clone())),
                    _ => prop_assert_eq!(map.get(&key), model.get(&key)),
                }
                prop_assert_eq!(map.len(), model.len());
            }
            frozen.push((map, model));
            for (map, model) in frozen {
                prop_assert_eq!(entries(&map), model.into_iter().collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_write_copies_only_the_chunk_it_touches() {
        let mut map = CowMap::new();
        for key in 0..10_000_u64 {
            map.insert(key, 0_u8);
        }
        let frozen = map.clone();
        map.insert(5, 1);
        assert_eq!(map.remove(&99_999), None);
        let shared = map.chunks.iter().zip(&frozen.chunks).filter(|(left, right)| Arc::ptr_eq(left, right)).count();
        assert_eq!(shared, frozen.chunks.len() - 1);
        assert_eq!((frozen.get(&5), map.get(&5)), (Some(&0), Some(&1)));
    }
}
