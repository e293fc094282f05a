//! Which life of the cluster the data of a node belongs to. A restore begins the next one; nodes of different lives do not speak with
//! each other, so that a node with data of before cannot outvote those that were restored.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The life of this node's data, once it has any: said by its snapshots, or by a log without one, which begins with the first life.
#[derive(Debug, Default)]
pub struct Life {
    /// 0 = there is no data that says it; else the incarnation plus one. As it goes over the wire.
    number: AtomicU64,
}

impl Life {
    /// Learns it, unless it is known.
    pub fn begin(&self, incarnation: u64) {
        let _ = self.number.compare_exchange(0, incarnation.saturating_add(1), Relaxed, Relaxed);
    }

    /// The incarnation: part of every position.
    pub fn incarnation(&self) -> u64 {
        self.wire().saturating_sub(1)
    }

    /// As peers are told of it.
    pub fn wire(&self) -> u64 {
        self.number.load(Relaxed)
    }

    /// Whether a peer may be of the same life.
    pub fn meets(&self, wire: u64) -> bool {
        let own = self.wire();
        own == 0 || wire == 0 || own == wire
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_who_know_better_are_refused() {
        let (blank, first, second) = (Life::default(), Life::default(), Life::default());
        first.begin(0);
        second.begin(1_700_000_000);
        second.begin(5);
        assert_eq!([&blank, &first, &second].map(Life::incarnation), [0, 0, 1_700_000_000]);
        assert!(!first.meets(second.wire()) && !second.meets(first.wire()));
        for life in [&blank, &first, &second] {
            assert!(life.meets(blank.wire()) && blank.meets(life.wire()) && life.meets(life.wire()));
        }
    }
}
