//! Searching for events, and suggestions while somebody types.

use std::sync::Arc;

use boxoffice_ledger::ids::{PerformerId, VenueId};

use super::event::{CITY_BYTES_MAX, PRICE_MAX, SEARCH_CHARS_MAX};
use super::{Outcome, cacheable, linked};
use crate::backend::{Facet, Freshness, SearchQuery};
use crate::call::{Call, number};
use crate::check::{Check, moment_or_day};
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

/// Everything that narrows a search.
fn filters(call: &Call) -> Result<SearchQuery, HttpProblem> {
    let mut check = Check::default();
    let mut query = SearchQuery::default();
    for (name, at) in [("from", &mut query.from), ("to", &mut query.to)] {
        let Some(text) = call.asked(name) else { continue };
        *at = moment_or_day(text);
        if at.is_none() {
            check.wrong(format!("?{name}"), "invalid_time", "an RFC 3339 time with its offset, or a day such as 2026-07-19");
        }
    }
    for (name, wanted) in [("city", &mut query.city), ("category", &mut query.category)] {
        let Some(text) = call.asked(name) else { continue };
        // Spaces around it count, so that the bound is the one that the document tells.
        if text.len() > CITY_BYTES_MAX && text.trim().len() <= CITY_BYTES_MAX {
            check.wrong(format!("?{name}"), "too_long", format!("at most {CITY_BYTES_MAX} bytes"));
        }
        *wanted = Some(check.line(&format!("?{name}"), text, CITY_BYTES_MAX));
    }
    query.venue = call.asked("venue").and_then(|text| check.id::<VenueId>("?venue", text));
    query.performer = call.asked("performer").and_then(|text| check.id::<PerformerId>("?performer", text));
    for (name, price) in [("min_price", &mut query.min_price), ("max_price", &mut query.max_price)] {
        let Some(text) = call.asked(name) else { continue };
        *price = number::<u64>(text).filter(|price| *price <= PRICE_MAX);
        if price.is_none() {
            check.wrong(format!("?{name}"), "out_of_range", format!("minor units, from 0 to {PRICE_MAX}"));
        }
    }
    for (name, wanted) in [("available", &mut query.available), ("on_sale", &mut query.on_sale)] {
        match call.asked(name) {
            None => {}
            Some("true") => *wanted = true,
            Some(_) => check.wrong(format!("?{name}"), "invalid", "true, or leave it out"),
        }
    }
    for name in call.asked("facets").into_iter().flat_map(|names| names.split(',')) {
        match FACETS.into_iter().find(|facet| facet_name(*facet) == name) {
            Some(facet) if query.facets.contains(&facet) => {}
            Some(facet) => query.facets.push(facet),
            None => check.wrong("?facets", "invalid", "a list of category, city, venue, month"),
        }
    }
    check.done()?;
    Ok(query)
}
