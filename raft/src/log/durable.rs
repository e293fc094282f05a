//! What is durable of each group, as the writer and recovery follow it record by record.
//!
//! From it come the checkpoints and the answer to which segments still hold live entries.

use std::collections::{BTreeMap, VecDeque};

use super::format::GroupCheckpoint;
use super::runs::Runs;
use super::types::{EntryId, Vote};

/// Live entries of a group that lie in one segment, dense by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub segment: u64,
    pub first: u64,
    pub last: u64,
    /// Payload bytes; an estimate after a part was removed.
    pub bytes: u64,
}

/// One group.
#[derive(Clone, Debug, Default)]
pub(super) struct Durable {
    pub vote: Option<Vote>,
    pub purged: Option<EntryId>,
    pub committed: Option<EntryId>,
    runs: Runs,
    /// By rising index, without holes.
    extents: VecDeque<Extent>,
}

/// All groups by number.
pub(super) type DurableGroups = BTreeMap<u32, Durable>;

impl Extent {
    fn count(&self) -> u64 {
        self.last - self.first + 1
    }

    /// The same entries without those outside of `first..=last`.
    fn cut(mut self, first: u64, last: u64) -> Option<Self> {
        let all = self.count();
        (self.first, self.last) = (self.first.max(first), self.last.min(last));
        if self.first > self.last {
            return None;
        }
        self.bytes = self.bytes / all * self.count();
        Some(self)
    }
}

impl Durable {
    /// The last entry, or the purge mark.
    pub fn last(&self) -> Option<EntryId> {
        self.extents.back().map_or(self.purged, |extent| Some(self.runs.id(extent.last)))
    }

    /// As it goes into a checkpoint.
    pub fn checkpoint(&self) -> GroupCheckpoint {
        let first = self.extents.front().map(|extent| extent.first);
        GroupCheckpoint { vote: self.vote, first, purged: self.purged, last: self.last(), committed: self.committed }
    }

    /// Where the live entries are.
    pub fn extents(&self) -> impl Iterator<Item = &Extent> {
        self.extents.iter()
    }

    /// Entries of one leader, `first` and the `count - 1` after it, follow the last one.
    pub fn append(&mut self, segment: u64, first: EntryId, count: u64, bytes: u64) {
        assert!(self.extents.back().is_none_or(|back| back.last + 1 == first.index), "entries are dense");
        if self.extents.is_empty() {
            self.runs.clear();
        }
        self.runs.push(first);
        let last = first.index + count - 1;
        match self.extents.back_mut() {
            Some(back) if back.segment == segment => {
                back.last = last;
                back.bytes += bytes;
            }
            _ => self.extents.push_back(Extent { segment, first: first.index, last, bytes }),
        }
    }

    /// Entries from `from` on are gone.
    pub fn truncate(&mut self, from: u64) {
        self.keep(0, from.checked_sub(1));
        self.runs.truncate(from);
        if self.committed.is_some_and(|committed| committed.index >= from) {
            self.committed = self.last();
        }
    }

    /// Entries up to `upto` are gone.
    pub fn purge(&mut self, upto: EntryId) {
        if self.purged.is_some_and(|purged| purged.index >= upto.index) {
            return;
        }
        self.purged = Some(upto);
        let first = upto.index.saturating_add(1);
        self.keep(first, Some(u64::MAX));
        self.runs.purge(first);
    }

    /// The entries `first..=last` lie in another segment now.
    pub fn moved(&mut self, segment: u64, first: u64, last: u64) {
        let mut extents = VecDeque::with_capacity(self.extents.len() + 2);
        let mut put = |extent: Extent| match extents.back_mut() {
            Some(Extent { segment, last, bytes, .. }) if *segment == extent.segment => {
                *last = extent.last;
                *bytes += extent.bytes;
            }
            _ => extents.push_back(extent),
        };
        for extent in &self.extents {
            let before = first.checked_sub(1).and_then(|before| extent.cut(0, before));
            let inside = extent.cut(first, last).map(|inside| Extent { segment, ..inside });
            let after = last.checked_add(1).and_then(|after| extent.cut(after, u64::MAX));
            [before, inside, after].into_iter().flatten().for_each(&mut put);
        }
        self.extents = extents;
    }

    fn keep(&mut self, first: u64, last: Option<u64>) {
        let Some(last) = last else { return self.extents.clear() };
        while let Some(front) = self.extents.front_mut()
            && front.first < first
        {
            match front.cut(first, u64::MAX) {
                Some(rest) => *front = rest,
                None => drop(self.extents.pop_front()),
            }
        }
        while let Some(back) = self.extents.back_mut()
            && back.last > last
        {
            match back.cut(0, last) {
                Some(rest) => *back = rest,
                None => drop(self.extents.pop_back()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Durable, EntryId, Extent};

    fn id(term: u64, index: u64) -> EntryId {
        EntryId { term, node: 1, index }
    }

    fn places(group: &Durable) -> Vec<(u64, u64, u64)> {
        group.extents().map(|Extent { segment, first, last, .. }| (*segment, *first, *last)).collect()
    }

    #[test]
    fn follows_entries_over_segments() {
        let mut group = Durable::default();
        group.append(1, id(1, 5), 10, 1000);
        group.append(1, id(2, 15), 5, 500);
        group.append(2, id(2, 20), 10, 1000);
        assert_eq!(places(&group), [(1, 5, 19), (2, 20, 29)]);
        group.purge(id(1, 9));
        group.truncate(25);
        assert_eq!(places(&group), [(1, 10, 19), (2, 20, 24)]);
        assert_eq!(group.last(), Some(id(2, 24)));
        group.moved(3, 10, 14);
        assert_eq!(places(&group), [(3, 10, 14), (1, 15, 19), (2, 20, 24)]);
        group.moved(3, 15, 19);
        assert_eq!(places(&group), [(3, 10, 19), (2, 20, 24)]);
        group.truncate(3);
        assert_eq!((places(&group), group.last()), (vec![], Some(id(1, 9))));
        group.purge(id(7, 100));
        group.append(4, id(7, 101), 1, 1);
        assert_eq!((places(&group), group.last()), (vec![(4, 101, 101)], Some(id(7, 101))));
        group.truncate(0);
        assert_eq!(group.last(), Some(id(7, 100)));
    }
}
