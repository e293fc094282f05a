//! Filters by numbers, and by texts of several words: what lists of events alone cannot say.

use tantivy::SegmentReader;
use tantivy::columnar::Column;

use crate::facets::{Facet, text_of};
use crate::matches::Matches;
use crate::schema::{AVAILABILITY, FROM_PRICE, ON_SALE, STARTS_AT};
use crate::tables::Tables;
use crate::{QUERY_WORDS_MAX, Query, text};

/// The words of a filter.
pub(crate) fn words(wanted: &str) -> Vec<String> {
    let mut words = text::words(wanted).unwrap_or_default();
    words.truncate(QUERY_WORDS_MAX);
    words
}

/// Whether nothing can fit: a filter has no words, or time ends before it begins.
pub(crate) fn is_void(query: &Query) -> bool {
    query.to_us == Some(0) || [&query.city, &query.category].into_iter().flatten().any(|wanted| words(wanted).is_empty())
}

/// Keeps the events that fit the query's filters. Those by single words and ids have been looked at.
pub(crate) fn narrow(matches: &mut Matches, segment: &SegmentReader, tables: &Tables, query: &Query) -> tantivy::Result<()> {
    let columns = segment.fast_fields();
    let ranges = [
        (STARTS_AT, query.from_us, query.to_us.map(|to| to.saturating_sub(1))),
        (FROM_PRICE, query.min_price, query.max_price),
        (AVAILABILITY, query.available_only.then_some(1), None),
        (ON_SALE, query.on_sale_only.then_some(1), None),
    ];
    for (name, from, to) in ranges {
        if from.is_none() && to.is_none() {
            continue;
        }
        let fit = from.unwrap_or(0)..=to.unwrap_or(u64::MAX);
        let column: Column<u64> = columns.u64(name)?;
        matches.retain(|doc| column.first(doc).is_some_and(|number| fit.contains(&number)));
    }
    for (facet, wanted) in [(Facet::City, &query.city), (Facet::Category, &query.category)] {
        let Some(words) = wanted.as_ref().map(|wanted| words(wanted)).filter(|words| words.len() > 1) else { continue };
        in_a_row(matches, segment, tables, facet, &words)?;
    }
    Ok(())
}

/// Keeps events whose text has the words next to each other. Each text is looked at once.
fn in_a_row(matches: &mut Matches, segment: &SegmentReader, tables: &Tables, facet: Facet, words: &[String]) -> tantivy::Result<()> {
    let Some(column) = segment.fast_fields().str(facet.column())? else {
        matches.retain(|_| false);
        return Ok(());
    };
    let values = tables.values(facet, segment)?;
    let mut fits: Vec<Option<bool>> = vec![None; column.num_terms() + 1];
    // What has no text does not fit.
    fits[0] = Some(false);
    for &doc in &matches.docs {
        let value = values[doc as usize] as usize;
        if fits[value].is_none() {
            let own = text::words(&text_of(&column, value as u64 - 1)?).unwrap_or_default();
            fits[value] = Some(own.windows(words.len()).any(|row| row == words));
        }
    }
    matches.retain(|doc| fits[values[doc as usize] as usize] == Some(true));
    Ok(())
}
