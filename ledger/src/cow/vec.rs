//! `CowVec`: a flat array of small values in chunks, for seat states and the like.

use alloc::sync::Arc;
use alloc::vec::Vec;

/// Elements of a chunk.
const CHUNK: usize = 1024;

/// A copy-on-write array. `clone` costs one reference count a chunk of 1,024 elements.
#[derive(Clone, Debug)]
pub struct CowVec<T> {
    /// All full but the last.
    chunks: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Default for CowVec<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<T: Copy> CowVec<T> {
    /// An empty array.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An array of `len` times the same value.
    #[must_use]
    pub fn filled(value: T, len: usize) -> Self {
        core::iter::repeat_n(value, len).collect()
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

    /// The element at `index`, or `None` past the end.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<T> {
        self.chunks.get(index / CHUNK)?.get(index % CHUNK).copied()
    }

    /// Sets the element at `index`; answers the one it was. Past the end nothing happens.
    pub fn set(&mut self, index: usize, value: T) -> Option<T> {
        let place = Arc::make_mut(self.chunks.get_mut(index / CHUNK)?).get_mut(index % CHUNK)?;
        Some(core::mem::replace(place, value))
    }

    /// Adds an element at the end.
    pub fn push(&mut self, value: T) {
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.push(Arc::new(Vec::with_capacity(CHUNK)));
        }
        if let Some(last) = self.chunks.last_mut() {
            Arc::make_mut(last).push(value);
            self.len += 1;
        }
    }

    /// All elements in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.chunks.iter().flat_map(|chunk| chunk.iter().copied())
    }

    /// The elements from `start` on, as slices of neighbours: for bulk reads.
    pub fn slices(&self) -> impl Iterator<Item = &[T]> {
        self.chunks.iter().map(|chunk| chunk.as_slice())
    }
}

impl<T: Copy> FromIterator<T> for CowVec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut array = Self::new();
        for value in values {
            array.push(value);
        }
        array
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_gets_across_chunks_and_leaves_clones_alone() {
        let mut array = CowVec::filled(0_u8, 2500);
        let frozen = array.clone();
        assert_eq!(array.set(1023, 1), Some(0));
        assert_eq!(array.set(1024, 2), Some(0));
        assert_eq!(array.set(2499, 3), Some(0));
        assert_eq!(array.set(2500, 9), None);
        assert_eq!((array.get(1023), array.get(1024), array.get(2499), array.get(2500)), (Some(1), Some(2), Some(3), None));
        assert_eq!(array.iter().map(u32::from).sum::<u32>(), 6);
        assert_eq!(array.slices().map(<[u8]>::len).sum::<usize>(), 2500);
        assert!(frozen.iter().all(|value| value == 0) && frozen.len() == 2500);
    }

    #[test]
    fn a_push_after_a_clone_does_not_show_in_it() {
        let mut array: CowVec<u32> = (0..5000).collect();
        let frozen = array.clone();
        array.push(5000);
        assert_eq!((array.len(), frozen.len(), frozen.get(5000)), (5001, 5000, None));
        assert!(array.iter().eq(0..5001));
    }
}
