//! `CowQueue`: first in, first out, numbered, in chunks. For ageing and for outboxes.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Elements of a chunk.
const CHUNK: u64 = 256;

/// A copy-on-write queue. Each element has a number, dense and never reused; `clone` costs one reference count a chunk.
#[derive(Clone, Debug)]
pub struct CowQueue<T> {
    /// Positions count from 0; chunk `i` begins at position `(first / CHUNK + i) * CHUNK`. Taken elements of the first
    /// chunk stay in it until it goes.
    chunks: VecDeque<Arc<Vec<T>>>,
    first: u64,
    next: u64,
    /// The number of position 0.
    origin: u64,
}

impl<T> Default for CowQueue<T> {
    fn default() -> Self {
        Self { chunks: VecDeque::new(), first: 0, next: 0, origin: 0 }
    }
}

impl<T: Clone> CowQueue<T> {
    /// An empty queue whose first element will have number 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty queue whose first element will have this number.
    #[must_use]
    pub fn starting_at(number: u64) -> Self {
        Self { origin: number, ..Self::default() }
    }

    /// How many elements are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        (self.next - self.first) as usize
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.next == self.first
    }

    /// The number of the oldest element (of the next one to come, if there is none).
    #[must_use]
    pub fn first_number(&self) -> u64 {
        self.origin + self.first
    }

    /// The number that the next element will get.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.origin + self.next
    }

    /// Adds an element at the end; answers its number.
    pub fn push(&mut self, value: T) -> u64 {
        if self.next.is_multiple_of(CHUNK) {
            self.chunks.push_back(Arc::new(Vec::with_capacity(CHUNK as usize)));
        }
        if let Some(last) = self.chunks.back_mut() {
            Arc::make_mut(last).push(value);
        }
        self.next += 1;
        self.origin + self.next - 1
    }

    /// The oldest element.
    #[must_use]
    pub fn front(&self) -> Option<&T> {
        self.get(self.first_number())
    }

    /// The element with this number, if it is still in the queue.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&T> {
        let position = number.checked_sub(self.origin).filter(|&position| position >= self.first)?;
        let chunk = self.chunks.get((position / CHUNK - self.first / CHUNK) as usize)?;
        chunk.get((position % CHUNK) as usize)
    }

    /// Takes the oldest element away. Its memory goes with the last of its chunk.
    pub fn pop(&mut self) -> Option<T> {
        let value = self.front()?.clone();
        self.first += 1;
        if self.first.is_multiple_of(CHUNK) {
            self.chunks.pop_front();
        }
        Some(value)
    }

    /// All elements, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).skip((self.first % CHUNK) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_go_on_where_they_are_told_to() {
        let mut queue = CowQueue::starting_at(1000);
        assert_eq!((queue.push('a'), queue.push('b')), (1000, 1001));
        assert_eq!(queue.pop(), Some('a'));
        assert_eq!((queue.get(999), queue.get(1000), queue.get(1001), queue.get(1002)), (None, None, Some(&'b'), None));
        assert_eq!((queue.first_number(), queue.next_number()), (1001, 1002));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn behaves_as_a_plain_queue(runs in proptest::collection::vec((0_usize..700, 0_usize..700, any::<bool>()), 1..12)) {
            let mut queue = CowQueue::new();
            let mut model = VecDeque::new();
            let mut next = 0_u64;
            let mut frozen = queue.clone();
            let mut frozen_model = model.clone();
            for (pushes, pops, freeze) in runs {
                for _ in 0..pushes {
                    prop_assert_eq!(queue.push(next), next);
                    model.push_back(next);
                    next += 1;
                }
                for _ in 0..pops {
                    prop_assert_eq!(queue.pop(), model.pop_front());
                }
                prop_assert_eq!(queue.front(), model.front());
                prop_assert_eq!(queue.len(), model.len());
                prop_assert!(queue.iter().eq(model.iter()));
                prop_assert_eq!(queue.get(next / 2).copied(), model.iter().find(|&&number| number == next / 2).copied());
                if freeze {
                    frozen = queue.clone();
                    frozen_model = model.clone();
                }
            }
            prop_assert!(frozen.iter().eq(frozen_model.iter()));
        }
    }
}
