//! Counts of all hits by category, city, venue and month.

use std::collections::BTreeMap;
use std::io;

use tantivy::SegmentReader;
use tantivy::columnar::{Column, StrColumn};

use crate::dates::month_text;
use crate::matches::Matches;
use crate::schema::{CATEGORY_SHOWN, CITY_SHOWN, MONTH, VENUE_ID};
use crate::tables::Tables;

/// Most values of one facet in an answer: those with the most hits.
pub const FACET_VALUES_MAX: usize = 20;
/// Most values of one facet that one segment reports. Counts of values that are rare everywhere may be too low for it.
const SEGMENT_VALUES_MAX: usize = 200;

/// How many facets there are.
pub(crate) const FACETS: usize = 4;

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

impl Facet {
    /// The column that has its values.
    pub(crate) fn column(self) -> &'static str {
        match self {
            Facet::Category => CATEGORY_SHOWN,
            Facet::City => CITY_SHOWN,
            Facet::Venue => VENUE_ID,
            Facet::Month => MONTH,
        }
    }

    /// The values of a segment's events as small numbers: ordinals of texts, or months. None if no event has one.
    pub(crate) fn numbers(self, segment: &SegmentReader) -> tantivy::Result<Option<Column<u64>>> {
        let columns = segment.fast_fields();
        let numbers = match self {
            Facet::Month => Some(columns.u64(MONTH)?),
            _ => columns.str(self.column())?.map(|texts| texts.ords().clone()),
        };
        Ok(numbers.filter(|numbers| numbers.values.num_vals() > 0))
    }
}

/// Counts hits, segment by segment.
pub(crate) struct Counting {
    facets: Vec<Facet>,
    totals: Vec<BTreeMap<String, u64>>,
}

impl Counting {
    /// By these facets.
    pub fn new(facets: &[Facet]) -> Self {
        Counting { facets: facets.to_vec(), totals: vec![BTreeMap::new(); facets.len()] }
    }

    /// Counts the hits of a segment.
    pub fn take(&mut self, matches: &Matches, tables: &Tables, segment: &SegmentReader) -> tantivy::Result<()> {
        for (&facet, total) in self.facets.iter().zip(&mut self.totals) {
            let Some(numbers) = facet.numbers(segment)? else { continue };
            let values = tables.values(facet, segment)?;
            // The first is for events without a value.
            let mut counts = vec![0_u32; (numbers.max_value() - numbers.min_value()) as usize + 2];
            for &doc in &matches.docs {
                counts[values[doc as usize] as usize] += 1;
            }
            let mut found: Vec<(u64, u32)> = (numbers.min_value()..).zip(counts.split_off(1)).filter(|(_, count)| *count > 0).collect();
            found.sort_unstable_by_key(|&(value, count)| (u32::MAX - count, value));
            found.truncate(SEGMENT_VALUES_MAX);
            let texts = segment.fast_fields();
            let texts = if facet == Facet::Month { None } else { texts.str(facet.column())? };
            for (value, count) in found {
                let text = texts.as_ref().map_or_else(|| Ok(month_text(value)), |texts| text_of(texts, value))?;
                *total.entry(text).or_default() += u64::from(count);
            }
        }
        Ok(())
    }

    /// The most frequent values of each.
    pub fn counts(self) -> Vec<FacetCounts> {
        let counts = |(facet, total): (Facet, BTreeMap<String, u64>)| {
            let mut values: Vec<(String, u64)> = total.into_iter().collect();
            values.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
            values.truncate(FACET_VALUES_MAX);
            FacetCounts { facet, values }
        };
        self.facets.into_iter().zip(self.totals).map(counts).collect()
    }
}

/// The text of an ordinal.
pub(crate) fn text_of(column: &StrColumn, ordinal: u64) -> io::Result<String> {
    let mut text = String::new();
    column.ord_to_str(ordinal, &mut text)?;
    Ok(text)
}
