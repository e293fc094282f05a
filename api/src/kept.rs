//! A small bounded map for what can be had again.

use std::collections::HashMap;
use std::hash::Hash;

use parking_lot::RwLock;

/// A bounded map in two generations: what was not asked for since the last turn goes first.
pub struct Kept<K, V> {
    inner: RwLock<(HashMap<K, V>, HashMap<K, V>)>,
    most: usize,
}

impl<K: Hash + Eq + Copy, V: Clone> Kept<K, V> {
    /// Keeps at most this many.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { inner: RwLock::new((HashMap::new(), HashMap::new())), most }
    }

    /// What is kept under a key.
    pub fn get(&self, key: &K) -> Option<V> {
        let old = {
            let inner = self.inner.read();
            if let Some(value) = inner.0.get(key) {
                return Some(value.clone());
            }
            inner.1.get(key)?.clone()
        };
        self.put(*key, old.clone());
        Some(old)
    }

    /// Keeps a value.
    pub fn put(&self, key: K, value: V) {
        let mut inner = self.inner.write();
        if inner.0.len() >= self.most / 2 {
            inner.1 = std::mem::take(&mut inner.0);
        }
        inner.0.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_recent() {
        let kept = Kept::new(100);
        for number in 0..1_000 {
            kept.put(number, number);
            assert_eq!(kept.get(&0), Some(0), "asked for all the time");
        }
        assert_eq!(kept.get(&500), None);
        let inner = kept.inner.read();
        assert!(inner.0.len() + inner.1.len() <= 100);
    }
}
