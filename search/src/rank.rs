//! The order of hits: words really found, then text x popularity x soonness; equal ones by id. Keeps no more than a page.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use crate::document::{Availability, EventDoc, popularity_step};
use crate::query::EXACT;
use crate::schema::{ID_HIGH, ID_LOW, RANK};
use crate::{Cursor, Hit};

const SECOND_US: u64 = 1_000_000;
const DAY_S: f64 = 86_400.0;
/// After so many days an event counts half as soon.
const SOON_DAYS: f64 = 30.0;
/// How much of its relevance an event keeps once it has begun, and once it is sold out.
const BEGUN: f64 = 0.3;
const SOLD_OUT: f64 = 0.7;
/// What each binary digit of the popularity adds.
const POPULARITY_STEP: f64 = std::f64::consts::LN_2 / 4.0;
/// Relevance has this many steps per unit and this many bits; the words found stand above it.
const RELEVANCE_STEPS: f64 = 1e6;
const RELEVANCE_BITS: u32 = 40;

/// Larger is better: the score, then the smaller id.
type Key = (u64, Reverse<u128>);

/// What of an event the ranking needs, in one number, so that looking at a hit costs one read: the second it starts, the step of
/// its popularity, how much is free.
pub(crate) fn packed(event: &EventDoc) -> u64 {
    let (starts_at_s, popularity) = (event.starts_at_us / SECOND_US, u64::from(popularity_step(event.popularity)));
    starts_at_s << 16 | popularity << 8 | event.availability as u64
}

/// Tells how good hits are at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Ranking {
    now_s: u64,
}

impl Ranking {
    pub fn at(now_us: u64) -> Self {
        Self { now_s: now_us / SECOND_US }
    }

    /// How good a hit is. `text` is the index's score: [`EXACT`] for each word really found, plus weights.
    pub fn score(self, text: Score, packed: u64) -> u64 {
        let exact = (text / EXACT).floor();
        let weight = f64::from(text - exact * EXACT);
        let (starts_at_s, popularity, availability) = (packed >> 16, packed >> 8 & 0xFF, packed & 0xFF);
        let popularity = 1.0 + popularity as f64 * POPULARITY_STEP;
        let soonness = match starts_at_s.checked_sub(self.now_s) {
            Some(ahead) => 1.0 + 1.0 / (1.0 + ahead as f64 / (DAY_S * SOON_DAYS)),
            None => BEGUN,
        };
        let availability = if availability == Availability::SoldOut as u64 { SOLD_OUT } else { 1.0 };
        let relevance = (weight * popularity * soonness * availability * RELEVANCE_STEPS) as u64;
        ((exact as u64) << RELEVANCE_BITS) | relevance.min((1 << RELEVANCE_BITS) - 1)
    }
}

/// Collects the best hits after a cursor.
pub(crate) struct Best {
    /// How many at most.
    pub limit: usize,
    /// Only hits after this one.
    pub after: Option<Cursor>,
    /// What soonness is measured from.
    pub ranking: Ranking,
}

pub(crate) struct SegmentBest {
    limit: usize,
    after: Option<Key>,
    ranking: Ranking,
    best: BinaryHeap<Reverse<Key>>,
    id_high: Column<u64>,
    id_low: Column<u64>,
    packed: Column<u64>,
}

impl Collector for Best {
    type Fruit = Vec<Hit>;
    type Child = SegmentBest;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentBest> {
        let columns = segment.fast_fields();
        Ok(SegmentBest {
            limit: self.limit,
            after: self.after.map(|cursor| (cursor.score, Reverse(cursor.id))),
            ranking: self.ranking,
            best: BinaryHeap::new(),
            id_high: columns.u64(ID_HIGH)?,
            id_low: columns.u64(ID_LOW)?,
            packed: columns.u64(RANK)?,
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
        let score = self.ranking.score(text, number(&self.packed));
        // Most hits of a common word end here, without a look at their ids.
        let full = self.best.len() >= self.limit;
        if full && self.best.peek().is_some_and(|worst| score < worst.0.0) {
            return;
        }
        let key = (score, Reverse(u128::from(number(&self.id_high)) << 64 | u128::from(number(&self.id_low))));
        if self.after.is_some_and(|after| key >= after) {
            return;
        }
        if !full {
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

    fn score(text: Score, popularity: u64, starts_at_us: u64, availability: Availability) -> u64 {
        Ranking::at(NOW).score(text, packed(&EventDoc { popularity, starts_at_us, availability, ..EventDoc::default() }))
    }

    #[test]
    fn sooner_fuller_and_better_known_events_win() {
        let plain = score(1_008.0, 0, NOW + 10 * DAY, Availability::Available);
        assert!(score(1_008.0, 0, NOW + 5 * DAY, Availability::Available) > plain);
        assert!(score(1_008.0, 1_000, NOW + 10 * DAY, Availability::Available) > plain);
        assert!(score(1_008.0, 0, NOW + 10 * DAY, Availability::SoldOut) < plain);
        assert!(score(1_008.0, 0, NOW - SECOND_US, Availability::Available) < plain);
        assert!(score(1_005.0, 0, NOW + 10 * DAY, Availability::Available) < plain);
    }

    #[test]
    fn no_popularity_makes_up_for_a_typing_error() {
        let best = |text| score(text, u64::MAX, NOW, Availability::Available);
        assert!(best(1_008.0 + 1.0) < score(2_002.0, 0, NOW - DAY, Availability::SoldOut));
        assert!(best(12.0 * 1_008.0) < 13 << RELEVANCE_BITS);
        assert!(score(0.0, 0, 0, Availability::SoldOut) < score(0.5, 0, 0, Availability::SoldOut));
        assert!(score(1.0, 0, u64::MAX, Availability::Available) > 0);
    }
}
