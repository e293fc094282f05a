//! Searching for events, and suggestions while somebody types.

use std::sync::Arc;

use super::event::SEARCH_CHARS_MAX;
use super::{Outcome, cacheable, linked, list};
use crate::backend::{EventFilter, Facet, Freshness, SearchQuery};
use crate::call::{Call, number};
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{self, SearchOut, SuggestionOut, facet_name};

/// What hits can be counted by.
pub const FACETS: [Facet; 4] = [Facet::Category, Facet::City, Facet::Venue, Facet::Month];
/// Suggestions if the caller does not say.
const SUGGESTIONS: usize = 8;
/// Most suggestions.
pub const SUGGESTIONS_MAX: usize = 20;

/// `GET /event/search/{query}` and `GET /event/search?q=`
pub async fn search(edge: Arc<Edge>, call: Call) -> Outcome {
    let ((limit, cursor), expand) = (call.page()?, call.expand()?);
    let text = text(&call)?;
    let query = SearchQuery { text: text.to_owned(), ..filters(&call)? };
    let found = edge.backend.search_events(call.fresh(Freshness::Local), &query, limit, cursor).await?;
    let mut response = json::read(&found, &SearchOut::new(&found.value, expand));
    linked(&call, &mut response, found.value.next.as_deref());
    cacheable(&mut response);
    Ok(response)
}

/// `GET /event/suggest?q=`
pub async fn suggest(edge: Arc<Edge>, call: Call) -> Outcome {
    let typed = text(&call)?;
    let limit = match call.asked("limit").map(number::<usize>) {
        None => SUGGESTIONS,
        Some(Some(limit @ 1..=SUGGESTIONS_MAX)) => limit,
        Some(_) => return Err(HttpProblem::field("?limit", "out_of_range", format!("limit is a number from 1 to {SUGGESTIONS_MAX}"))),
    };
    let found = edge.backend.suggest(call.fresh(Freshness::Local), typed, limit).await?;
    let list = json::list(found.value.iter().map(SuggestionOut::new).collect(), None);
    let mut response = json::read(&found, &list);
    cacheable(&mut response);
    Ok(response)
}

/// What somebody typed.
fn text(call: &Call) -> Result<&str, HttpProblem> {
    let text = call.asked("q").unwrap_or_else(|| call.param("query")).trim();
    if text.is_empty() || text.chars().count() > SEARCH_CHARS_MAX {
        return Err(HttpProblem::field("?q", "out_of_range", format!("from 1 to {SEARCH_CHARS_MAX} characters")));
    }
    Ok(text)
}

/// Everything that narrows a search: what narrows a list, and facets.
fn filters(call: &Call) -> Result<SearchQuery, HttpProblem> {
    let EventFilter { city, category, venue, from, to, performer, min_price, max_price, available, on_sale, sort: _ } = list::filter(call)?;
    let mut facets = Vec::new();
    for name in call.asked("facets").into_iter().flat_map(|names| names.split(',')) {
        match FACETS.into_iter().find(|facet| facet_name(*facet) == name) {
            Some(facet) if facets.contains(&facet) => {}
            Some(facet) => facets.push(facet),
            None => return Err(HttpProblem::field("?facets", "invalid", "a list of category, city, venue, month")),
        }
    }
    let text = String::new();
    Ok(SearchQuery { text, city, category, venue, performer, from, to, min_price, max_price, available, on_sale, facets })
}
