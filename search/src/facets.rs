//! Counts of all hits by category, city, venue and month.

use std::collections::BTreeMap;
use std::io;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use crate::dates::month_text;
use crate::schema::{CATEGORY_SHOWN, CITY_SHOWN, MONTH, VENUE_ID};

/// Most values of one facet in an answer: those with the most hits.
pub const FACET_VALUES_MAX: usize = 20;
/// Most values of one facet that one segment reports. Counts of values that are rare everywhere may be too low for it.
const SEGMENT_VALUES_MAX: usize = 200;

/// What hits can be counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    /// The category as it is written.
    Category,
    /// The city as it is written.
    City,
    /// The venue's id, in 32 hexadecimal digits.
    Venue,
    /// The month of the start on the clock of its city, such as "2026-07".
    Month,
}

/// How many hits have each value, the most frequent first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetCounts {
    /// What was counted by.
    pub facet: Facet,
    /// Values with the number of their hits: at most [`FACET_VALUES_MAX`].
    pub values: Vec<(String, u64)>,
}

/// Counts all hits.
pub(crate) struct Facets(pub Vec<Facet>);

/// The counts of one facet in one segment.
pub(crate) enum Counting {
    /// By the ordinals of texts.
    Texts(Option<StrColumn>, Vec<u32>),
    /// By numbers of months.
    Months(Column<u64>, BTreeMap<u64, u64>),
}

type Counts = Vec<(String, u64)>;

impl Collector for Facets {
    type Fruit = Vec<FacetCounts>;
    type Child = SegmentFacets;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentFacets> {
        let columns = segment.fast_fields();
        let texts = |name: &str| -> tantivy::Result<Counting> {
            let column = columns.str(name)?;
            let counts = vec![0; column.as_ref().map_or(0, |column| column.num_terms())];
            Ok(Counting::Texts(column, counts))
        };
        let counting = self.0.iter().map(|facet| match facet {
            Facet::Category => texts(CATEGORY_SHOWN),
            Facet::City => texts(CITY_SHOWN),
            Facet::Venue => texts(VENUE_ID),
            Facet::Month => Ok(Counting::Months(columns.u64(MONTH)?, BTreeMap::new())),
        });
        counting.collect::<tantivy::Result<_>>().map(SegmentFacets)
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<io::Result<Vec<Counts>>>) -> tantivy::Result<Vec<FacetCounts>> {
        let mut totals: Vec<BTreeMap<String, u64>> = vec![BTreeMap::new(); self.0.len()];
        for segment in segments {
            for (total, counts) in totals.iter_mut().zip(segment?) {
                counts.into_iter().for_each(|(value, count)| *total.entry(value).or_default() += count);
            }
        }
        let counts = |(&facet, total): (&Facet, BTreeMap<String, u64>)| {
            let mut values: Vec<(String, u64)> = total.into_iter().collect();
            values.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
            values.truncate(FACET_VALUES_MAX);
            FacetCounts { facet, values }
        };
        Ok(self.0.iter().zip(totals).map(counts).collect())
    }
}

/// All facets of one segment.
pub(crate) struct SegmentFacets(Vec<Counting>);

impl SegmentCollector for SegmentFacets {
    type Fruit = io::Result<Vec<Counts>>;

    fn collect(&mut self, doc: DocId, _: Score) {
        for counting in &mut self.0 {
            match counting {
                Counting::Texts(Some(column), counts) => {
                    for ordinal in column.ords().values_for_doc(doc) {
                        if let Some(count) = usize::try_from(ordinal).ok().and_then(|at| counts.get_mut(at)) {
                            *count += 1;
                        }
                    }
                }
                Counting::Texts(None, _) => {}
                Counting::Months(column, counts) => {
                    for month in column.values_for_doc(doc) {
                        *counts.entry(month).or_default() += 1;
                    }
                }
            }
        }
    }

    fn harvest(self) -> io::Result<Vec<Counts>> {
        self.0.into_iter().map(Counting::harvest).collect()
    }
}

impl Counting {
    fn harvest(self) -> io::Result<Counts> {
        match self {
            Counting::Months(_, counts) => Ok(counts.into_iter().map(|(month, count)| (month_text(month), count)).collect()),
            Counting::Texts(None, _) => Ok(Counts::new()),
            Counting::Texts(Some(column), counts) => {
                let mut found: Vec<(u64, u32)> = (0..).zip(counts).filter(|&(_, count)| count > 0).collect();
                found.sort_unstable_by_key(|&(ordinal, count)| (u32::MAX - count, ordinal));
                found.truncate(SEGMENT_VALUES_MAX);
                found.into_iter().map(|(ordinal, count)| Ok((text_of(&column, ordinal)?, u64::from(count)))).collect()
            }
        }
    }
}

/// The text of an ordinal.
pub(crate) fn text_of(column: &StrColumn, ordinal: u64) -> io::Result<String> {
    let mut text = String::new();
    column.ord_to_str(ordinal, &mut text)?;
    Ok(text)
}
