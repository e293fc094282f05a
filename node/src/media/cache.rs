//! Files that were served lately, so that many readers of one share one copy. Bounded in bytes and in files.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;

use super::store::Name;

/// Bytes that are kept.
const BYTES_MAX: usize = 48 * 1024 * 1024;
/// Files that are kept: few enough to look through.
const FILES_MAX: usize = 256;

/// See the module.
#[derive(Default)]
pub struct Cache {
    /// The one put in first leaves first.
    files: Mutex<VecDeque<(Name, Bytes)>>,
}

impl Cache {
    /// A file, if it is here.
    pub fn get(&self, name: Name) -> Option<Bytes> {
        self.files.lock().iter().find(|(known, _)| *known == name).map(|(_, bytes)| bytes.clone())
    }

    /// Keeps a file in place of older ones.
    pub fn put(&self, name: Name, bytes: Bytes) {
        let mut files = self.files.lock();
        files.retain(|(known, _)| *known != name);
        files.push_back((name, bytes));
        while files.len() > FILES_MAX || files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > BYTES_MAX {
            files.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use boxoffice_ledger::ids::MediaHash;

    use super::*;

    #[test]
    fn it_stays_within_its_bounds() {
        let cache = Cache::default();
        let name = |number: u8| Name { hash: MediaHash([number; 32]), width: None };
        for number in 0..10 {
            cache.put(name(number), vec![number; BYTES_MAX / 5].into());
        }
        assert!(cache.get(name(4)).is_none() && cache.get(name(5)).is_some() && cache.get(name(9)).is_some());
        for width in 0..1000 {
            cache.put(Name { width: Some(width), ..name(1) }, Bytes::from_static(b"x"));
        }
        assert!(cache.get(name(9)).is_none());
    }
}
