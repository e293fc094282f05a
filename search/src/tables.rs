//! Plain arrays over the events of one segment: what is read for each hit of a common word. Made when first asked for, and kept as
//! long as searches see the segment.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tantivy::columnar::Column;
use tantivy::{Searcher, SegmentReader};

use crate::facets::{FACETS, Facet};
use crate::rank::{Factor, Ranking};
use crate::schema::RANK;

/// Moments for which the factors are kept: the present, the minute before, and those of searches that are paged through.
const MOMENTS: usize = 4;

/// See the module.
#[derive(Default)]
pub(crate) struct Tables {
    /// What the text counts is multiplied with, by moment.
    factors: Mutex<Vec<(Ranking, Arc<[Factor]>)>>,
    /// Which value of a facet each event has: 1 for the segment's least number, 0 for none.
    values: [OnceLock<Vec<u32>>; FACETS],
}

impl Tables {
    /// Those of a view's segments, in their order. Segments that the view before had keep theirs.
    pub fn of(searcher: &Searcher, before: Option<(&Searcher, &[Arc<Tables>])>) -> Vec<Arc<Tables>> {
        let known = |segment: &SegmentReader| {
            let (searcher, tables) = before?;
            let at = searcher.segment_readers().iter().position(|known| known.segment_id() == segment.segment_id())?;
            tables.get(at).cloned()
        };
        searcher.segment_readers().iter().map(|segment| known(segment).unwrap_or_default()).collect()
    }

    /// The factors of all events at a moment.
    pub fn factors(&self, ranking: Ranking, segment: &SegmentReader) -> tantivy::Result<Arc<[Factor]>> {
        let known = |factors: &[(Ranking, Arc<[Factor]>)]| {
            factors.iter().find(|(moment, _)| *moment == ranking).map(|(_, factors)| Arc::clone(factors))
        };
        if let Some(factors) = known(&self.factors.lock()) {
            return Ok(factors);
        }
        let packed: Column<u64> = segment.fast_fields().u64(RANK)?;
        let made: Arc<[Factor]> = (0..segment.max_doc()).map(|doc| ranking.factor(packed.first(doc).unwrap_or(0))).collect();
        let mut factors = self.factors.lock();
        if known(&factors).is_none() {
            factors.truncate(MOMENTS - 1);
            factors.insert(0, (ranking, Arc::clone(&made)));
        }
        Ok(made)
    }

    /// The values of a facet: see [`Facet::numbers`].
    pub fn values(&self, facet: Facet, segment: &SegmentReader) -> tantivy::Result<&[u32]> {
        let cell = &self.values[facet as usize];
        if let Some(values) = cell.get() {
            return Ok(values);
        }
        let column = facet.numbers(segment)?;
        let least = column.as_ref().map_or(0, |column| column.min_value());
        let value = |doc| column.as_ref().and_then(|column| column.first(doc)).map_or(0, |value| (value - least) as u32 + 1);
        let made = (0..segment.max_doc()).map(value).collect();
        Ok(cell.get_or_init(|| made))
    }
}
