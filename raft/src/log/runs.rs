//! Which leader made which entries: terms change rarely, so ids are kept as runs of equal term and node, not per entry.

use std::collections::VecDeque;

use super::types::EntryId;

/// Ids of a range of entries; the owner knows the range.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs {
    /// First entry of each run, by rising index.
    starts: VecDeque<EntryId>,
}

impl Runs {
    /// Adds the id that follows.
    pub fn push(&mut self, id: EntryId) {
        if self.starts.back().is_none_or(|back| (back.term, back.node) != (id.term, id.node)) {
            self.starts.push_back(id);
        }
    }

    /// The id of the entry at `index`, which must be in the owner's range.
    pub fn id(&self, index: u64) -> EntryId {
        let after = self.starts.partition_point(|start| start.index <= index);
        let start = after.checked_sub(1).and_then(|at| self.starts.get(at)).expect("the index is in the range of the runs");
        EntryId { index, ..*start }
    }

    /// Forgets all ids from `from` on.
    pub fn truncate(&mut self, from: u64) {
        while self.starts.back().is_some_and(|back| back.index >= from) {
            self.starts.pop_back();
        }
    }

    /// Forgets runs that end before `first`.
    pub fn purge(&mut self, first: u64) {
        while self.starts.get(1).is_some_and(|second| second.index <= first) {
            self.starts.pop_front();
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.starts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{EntryId, Runs};

    fn id(term: u64, index: u64) -> EntryId {
        EntryId { term, node: 1, index }
    }

    #[test]
    fn finds_ids_after_truncate_and_purge() {
        let mut runs = Runs::default();
        for (term, index) in [(1, 5), (1, 6), (2, 7), (2, 8), (4, 9)] {
            runs.push(id(term, index));
        }
        assert_eq!(runs.id(6), id(1, 6));
        assert_eq!(runs.id(8), id(2, 8));
        runs.truncate(8);
        runs.push(id(5, 8));
        assert_eq!(runs.id(7), id(2, 7));
        assert_eq!(runs.id(8), id(5, 8));
        runs.purge(8);
        assert_eq!(runs.id(8), id(5, 8));
        assert_eq!(runs.starts.len(), 1);
    }
}
