//! `CowMap`: a hash map in chunks that grows by linear hashing, one chunk at a time, so that no insert is slow.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::mem;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::CowKey;

/// Average entries of a chunk, unless the type says otherwise; the fullest hold about three times as many.
const CHUNK_TARGET: usize = 64;

/// The chunk number comes from these bits of the hash and upwards: a chunk's own table uses the lowest and the highest.
const CHUNK_SHIFT: u32 = 14;

type Chunk<K, V> = HashTable<(K, V)>;

/// A copy-on-write hash map. `clone` costs one reference count a chunk.
///
/// `TARGET` is the average number of entries of a chunk: more for small entries that are cheap to copy, fewer for large
/// ones or such that hold reference counts.
#[derive(Clone, Debug)]
pub struct CowMap<K, V, const TARGET: usize = CHUNK_TARGET> {
    /// Never empty. Chunk `i < split` and its sibling `i + base` are told apart by one more bit than the others.
    chunks: Vec<Arc<Chunk<K, V>>>,
    /// The largest power of two not above the number of chunks.
    base: usize,
    len: usize,
}

impl<K, V, const TARGET: usize> Default for CowMap<K, V, TARGET> {
    fn default() -> Self {
        Self { chunks: alloc::vec![Arc::new(HashTable::new())], base: 1, len: 0 }
    }
}

impl<K, V> CowMap<K, V> {
    /// An empty map with chunks of the usual size.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<K: CowKey + Eq + Clone, V: Clone, const TARGET: usize> CowMap<K, V, TARGET> {
    /// How many entries it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of a key.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: CowKey + Eq + ?Sized,
    {
        let hash = key.hash64();
        self.chunks[self.place(hash)].find(hash, |(known, _)| known.borrow() == key).map(|(_, value)| value)
    }

    /// Whether the key has a value.
    #[must_use]
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: CowKey + Eq + ?Sized,
    {
        self.get(key).is_some()
    }

    /// The value of a key, to be changed. Copies the chunk if a clone shares it, even if the caller then changes nothing.
    pub fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: CowKey + Eq + ?Sized,
    {
        let hash = key.hash64();
        let place = self.place(hash);
        let chunk = Arc::make_mut(&mut self.chunks[place]);
        chunk.find_mut(hash, |(known, _)| known.borrow() == key).map(|(_, value)| value)
    }

    /// The value of a key, made first if there is none.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let hash = key.hash64();
        self.grow_if_full();
        let place = self.place(hash);
        let chunk = Arc::make_mut(&mut self.chunks[place]);
        match chunk.entry(hash, |(known, _)| *known == key, |(known, _)| known.hash64()) {
            Entry::Occupied(entry) => &mut entry.into_mut().1,
            Entry::Vacant(entry) => {
                self.len += 1;
                &mut entry.insert((key, make())).into_mut().1
            }
        }
    }

    /// Sets the value of a key; answers the one it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let hash = key.hash64();
        self.grow_if_full();
        let place = self.place(hash);
        let chunk = Arc::make_mut(&mut self.chunks[place]);
        match chunk.entry(hash, |(known, _)| *known == key, |(known, _)| known.hash64()) {
            Entry::Occupied(mut entry) => Some(mem::replace(&mut entry.get_mut().1, value)),
            Entry::Vacant(entry) => {
                entry.insert((key, value));
                self.len += 1;
                None
            }
        }
    }

    /// Takes a key out; answers its value. A chunk without the key is not copied.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: CowKey + Eq + ?Sized,
    {
        let hash = key.hash64();
        let place = self.place(hash);
        if Arc::strong_count(&self.chunks[place]) > 1 {
            self.chunks[place].find(hash, |(known, _)| known.borrow() == key)?;
        }
        let chunk = Arc::make_mut(&mut self.chunks[place]);
        let entry = chunk.find_entry(hash, |(known, _)| known.borrow() == key).ok()?;
        self.len -= 1;
        let ((_, value), _) = entry.remove();
        Some(value)
    }

    /// All entries in key order: the only way to see them all. Sorts, so it is for snapshots and checks.
    #[must_use]
    pub fn sorted(&self) -> Vec<(&K, &V)>
    where
        K: Ord,
    {
        let mut entries = Vec::with_capacity(self.len);
        entries.extend(self.chunks.iter().flat_map(|chunk| chunk.iter()).map(|(key, value)| (key, value)));
        entries.sort_unstable_by(|left, right| left.0.cmp(right.0));
        entries
    }

    /// How many chunks it has; a clone costs that many reference counts.
    #[must_use]
    pub fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    fn place(&self, hash: u64) -> usize {
        let bits = (hash >> CHUNK_SHIFT) as usize;
        let wide = bits & (2 * self.base - 1);
        if wide < self.chunks.len() { wide } else { wide - self.base }
    }

    /// Keeps the average chunk at its target by splitting the next one in turn.
    fn grow_if_full(&mut self) {
        if self.len < self.chunks.len() * TARGET {
            return;
        }
        if self.chunks.len() == 2 * self.base {
            self.base *= 2;
        }
        let victim = self.chunks.len() - self.base;
        let old = Arc::unwrap_or_clone(mem::take(&mut self.chunks[victim]));
        let mut low = HashTable::with_capacity(TARGET * 7 / 4);
        let mut high = HashTable::with_capacity(TARGET * 7 / 4);
        for entry in old {
            let hash = entry.0.hash64();
            let moves = ((hash >> CHUNK_SHIFT) as usize) & self.base != 0;
            let target = if moves { &mut high } else { &mut low };
            target.insert_unique(hash, entry, |(key, _)| key.hash64());
        }
        self.chunks[victim] = Arc::new(low);
        self.chunks.push(Arc::new(high));
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
    fn chunks_stay_small_as_it_grows() {
        let mut map = CowMap::new();
        for key in 0..100_000_u64 {
            map.insert(key, 0_u8);
        }
        let largest = map.chunks.iter().map(|chunk| chunk.len()).max().unwrap();
        assert!(largest <= 4 * CHUNK_TARGET, "{largest}");
        assert_eq!(map.chunk_count(), 100_000_usize.div_ceil(CHUNK_TARGET));
        assert!((0..100_000_u64).all(|key| map.contains(&key)));
        assert!(!map.contains(&100_000));
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
        assert_eq!(shared, frozen.chunk_count() - 1);
        assert_eq!((frozen.get(&5), map.get(&5)), (Some(&0), Some(&1)));
    }
}
