//! The order of hits: words really found, then text x popularity x soonness; equal ones by id. Keeps no more than a page.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use crate::query::EXACT;
use crate::schema::{AVAILABLE, ID_HIGH, ID_LOW, POPULARITY, STARTS_AT};
use crate::{Cursor, Hit};

const DAY_US: f64 = 86_400e6;
/// After so many days an event counts half as soon.
const SOON_DAYS: f64 = 30.0;
/// How much of its relevance an event keeps once it has begun, and once it is sold out.
const BEGUN: f64 = 0.3;
const SOLD_OUT: f64 = 0.7;
/// Relevance has this many steps per unit and this many bits; the words found stand above it.
const RELEVANCE_STEPS: f64 = 1e6;
const RELEVANCE_BITS: u32 = 40;

/// Larger is better: the score, then the smaller id.
type Key = (u64, Reverse<u128>);

/// Collects the best hits after a cursor.
pub(crate) struct Best {
    /// How many at most.
    pub limit: usize,
    /// Only hits after this one.
    pub after: Option<Cursor>,
    /// What soonness is measured from.
    pub now_us: u64,
}

pub(crate) struct SegmentBest {
    limit: usize,
    after: Option<Key>,
    now_us: u64,
    best: BinaryHeap<Reverse<Key>>,
    id_high: Column<u64>,
    id_low: Column<u64>,
    starts_at: Column<u64>,
    available: Column<u64>,
    popularity: Column<u64>,
}

/// How good a hit is. `text` is the index's score: [`EXACT`] for each word really found, plus weights.
fn score(text: Score, popularity: u64, starts_at_us: u64, available: u64, now_us: u64) -> u64 {
    let exact = (text / EXACT).floor();
    let weight = f64::from(text - exact * EXACT);
    let popularity = 1.0 + (popularity as f64).ln_1p() / 4.0;
    let soonness = match starts_at_us.checked_sub(now_us) {
        Some(ahead) => 1.0 + 1.0 / (1.0 + ahead as f64 / DAY_US / SOON_DAYS),
        None => BEGUN,
    };
    let availability = if available == 0 { SOLD_OUT } else { 1.0 };
    let relevance = (weight * popularity * soonness * availability * RELEVANCE_STEPS) as u64;
    ((exact as u64) << RELEVANCE_BITS) | relevance.min((1 << RELEVANCE_BITS) - 1)
}

impl Collector for Best {
    type Fruit = Vec<Hit>;
    type Child = SegmentBest;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentBest> {
        let columns = segment.fast_fields();
        Ok(SegmentBest {
            limit: self.limit,
            after: self.after.map(|cursor| (cursor.score, Reverse(cursor.id))),
            now_us: self.now_us,
            best: BinaryHeap::new(),
            id_high: columns.u64(ID_HIGH)?,
            id_low: columns.u64(ID_LOW)?,
            starts_at: columns.u64(STARTS_AT)?,
            available: columns.u64(AVAILABLE)?,
            popularity: columns.u64(POPULARITY)?,
        })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, segments: Vec<Vec<Key>>) -> tantivy::Result<Vec<Hit>> {
        let mut keys = segments.concat();
        keys.sort_unstable_by(|one, other| other.cmp(one));
        keys.truncate(self.limit);
        Ok(keys.into_iter().map(|(score, Reverse(id))| Hit { id, score }).collect())
    }
}

impl SegmentCollector for SegmentBest {
    type Fruit = Vec<Key>;

    fn collect(&mut self, doc: DocId, text: Score) {
        let number = |column: &Column<u64>| column.first(doc).unwrap_or(0);
        let id = u128::from(number(&self.id_high)) << 64 | u128::from(number(&self.id_low));
        let score = score(text, number(&self.popularity), number(&self.starts_at), number(&self.available), self.now_us);
        let key = (score, Reverse(id));
        if self.after.is_some_and(|after| key >= after) {
            return;
        }
        if self.best.len() < self.limit {
            self.best.push(Reverse(key));
        } else if self.best.peek().is_some_and(|worst| key > worst.0) {
            self.best.pop();
            self.best.push(Reverse(key));
        }
    }

    fn harvest(self) -> Vec<Key> {
        self.best.into_iter().map(|Reverse(key)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_000_000;
    const DAY: u64 = 86_400_000_000;

    #[test]
    fn sooner_fuller_and_better_known_events_win() {
        let plain = score(1_008.0, 0, NOW + 10 * DAY, 5, NOW);
        assert!(score(1_008.0, 0, NOW + 5 * DAY, 5, NOW) > plain);
        assert!(score(1_008.0, 1_000, NOW + 10 * DAY, 5, NOW) > plain);
        assert!(score(1_008.0, 0, NOW + 10 * DAY, 0, NOW) < plain);
        assert!(score(1_008.0, 0, NOW - 1, 5, NOW) < plain);
        assert!(score(1_005.0, 0, NOW + 10 * DAY, 5, NOW) < plain);
    }

    #[test]
    fn no_popularity_makes_up_for_a_typing_error() {
        assert!(score(1_008.0 + 1.0, u64::MAX, NOW, 5, NOW) < score(2_002.0, 0, NOW - DAY, 0, NOW));
        assert!(score(12.0 * 1_008.0, u64::MAX, NOW, u64::MAX, NOW) < 13 << RELEVANCE_BITS);
        assert!(score(0.0, 0, 0, 0, u64::MAX) < score(0.5, 0, 0, 0, u64::MAX));
    }
}
