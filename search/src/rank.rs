//! The order of hits: words really found, then text x popularity x soonness; equal ones by id. Keeps no more than a page.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tantivy::SegmentReader;
use tantivy::columnar::Column;

use crate::document::{Availability, EventDoc, popularity_step};
use crate::matches::Matches;
use crate::schema::{ID_HIGH, ID_LOW};
use crate::worth::{EXACT, EXACT_SHIFT, Worth};
use crate::{Cursor, Hit};

const SECOND_US: u64 = 1_000_000;
const MINUTE_S: u64 = 60;
const DAY_S: f64 = 86_400.0;
/// After so many days an event counts half as soon.
const SOON_DAYS: f64 = 30.0;
/// How much of its relevance an event keeps once it has begun, and once it is sold out.
const BEGUN: f64 = 0.3;
const SOLD_OUT: f64 = 0.7;
/// What each binary digit of the popularity adds.
const POPULARITY_STEP: f64 = std::f64::consts::LN_2 / 4.0;
/// Relevance has this many steps per tenth; its largest value fits 32 bits, and the words found stand above it.
const RELEVANCE_STEPS: f32 = 1e5;
const RELEVANCE_BITS: u32 = 32;

/// Larger is better: the score, then the smaller id.
type Key = (u64, Reverse<u128>);

/// What the weight of an event's text is multiplied with.
pub(crate) type Factor = f32;

/// What of an event the ranking needs, in one number, so that looking at a hit costs one read: the second it starts, the step of
/// its popularity, how much is free.
pub(crate) fn packed(event: &EventDoc) -> u64 {
    let (starts_at_s, popularity) = (event.starts_at_us / SECOND_US, u64::from(popularity_step(event.popularity)));
    starts_at_s << 16 | popularity << 8 | event.availability as u64
}

/// Tells how good hits are in one minute: what does not depend on the query is worked out once for all queries of that minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ranking {
    minute: u64,
}

impl Ranking {
    pub fn at(now_us: u64) -> Self {
        Self { minute: now_us / SECOND_US / MINUTE_S }
    }

    /// What popularity, soonness and availability make of an event.
    pub fn factor(self, packed: u64) -> Factor {
        let (starts_at_s, popularity, availability) = (packed >> 16, packed >> 8 & 0xFF, packed & 0xFF);
        let popularity = 1.0 + popularity as f64 * POPULARITY_STEP;
        let soonness = match starts_at_s.checked_sub(self.minute * MINUTE_S) {
            Some(ahead) => 1.0 + 1.0 / (1.0 + ahead as f64 / (DAY_S * SOON_DAYS)),
            None => BEGUN,
        };
        let availability = if availability == Availability::SoldOut as u64 { SOLD_OUT } else { 1.0 };
        (popularity * soonness * availability) as Factor
    }
}

/// How good a hit is.
pub(crate) fn score(text: Worth, factor: Factor) -> u64 {
    let relevance = f32::from(text & (EXACT - 1)) * factor * RELEVANCE_STEPS;
    u64::from(text >> EXACT_SHIFT) << RELEVANCE_BITS | u64::from(relevance as u32)
}

/// Collects the best hits after a cursor, segment by segment.
pub(crate) struct Best {
    limit: usize,
    after: Option<Key>,
    best: BinaryHeap<Reverse<Key>>,
}

impl Best {
    /// At most `limit`, and only hits after this one.
    pub fn new(limit: usize, after: Option<Cursor>) -> Self {
        Best { limit, after: after.map(|cursor| (cursor.score, Reverse(cursor.id))), best: BinaryHeap::new() }
    }

    /// Looks at the hits of a segment.
    pub fn take(&mut self, matches: &Matches, factors: &[Factor], segment: &SegmentReader) -> tantivy::Result<()> {
        let columns = segment.fast_fields();
        let (id_high, id_low) = (columns.u64(ID_HIGH)?, columns.u64(ID_LOW)?);
        let mut least = self.least();
        for (&doc, &worth) in matches.docs.iter().zip(&matches.worths) {
            let score = score(worth, factors[doc as usize]);
            // Most hits of a common word end here, without a look at their ids.
            if score < least {
                continue;
            }
            let number = |column: &Column<u64>| column.first(doc).unwrap_or(0);
            self.offer((score, Reverse(u128::from(number(&id_high)) << 64 | u128::from(number(&id_low)))));
            least = self.least();
        }
        Ok(())
    }

    /// The score that a hit needs at least.
    fn least(&self) -> u64 {
        if self.best.len() < self.limit { 0 } else { self.best.peek().map_or(0, |worst| worst.0.0) }
    }

    fn offer(&mut self, key: Key) {
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

    /// The best hits, best first.
    pub fn hits(self) -> Vec<Hit> {
        self.best.into_sorted_vec().into_iter().map(|Reverse((score, Reverse(id)))| Hit { id, score }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worth::{DATE, ONE_TYPO, TWO_TYPOS, TYPED};

    const NOW: u64 = 1_800_000_000_000_000;
    const DAY: u64 = 86_400_000_000;

    fn of(text: Worth, popularity: u64, starts_at_us: u64, availability: Availability) -> u64 {
        score(text, Ranking::at(NOW).factor(packed(&EventDoc { popularity, starts_at_us, availability, ..EventDoc::default() })))
    }

    #[test]
    fn sooner_fuller_and_better_known_events_win() {
        let [.., place, _, name] = TYPED;
        let plain = of(name, 0, NOW + 10 * DAY, Availability::Available);
        assert!(of(name, 0, NOW + 5 * DAY, Availability::Available) > plain);
        assert!(of(name, 1_000, NOW + 10 * DAY, Availability::Available) > plain);
        assert!(of(name, 0, NOW + 10 * DAY, Availability::SoldOut) < plain);
        assert!(of(name, 0, NOW - SECOND_US, Availability::Available) < plain);
        assert!(of(place, 0, NOW + 10 * DAY, Availability::Available) < plain);
    }

    #[test]
    fn no_popularity_makes_up_for_a_typing_error() {
        let best = |text| of(text, u64::MAX, NOW, Availability::Available);
        let name = TYPED[TYPED.len() - 1];
        assert!(best(name + ONE_TYPO[0]) < of(2 * TYPED[1], 0, NOW - DAY, Availability::SoldOut));
        let most = best(12 * name + 11 * crate::worth::PAIR[0]);
        assert!(most < 13 << RELEVANCE_BITS && most & u64::from(u32::MAX) < u64::from(u32::MAX));
        assert!(of(0, 0, 0, Availability::SoldOut) < of(TWO_TYPOS[0], 0, 0, Availability::SoldOut));
        assert!(of(DATE[0], 0, u64::MAX, Availability::Available) > 0);
    }
}
