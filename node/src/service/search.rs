//! Searching in this node's own index. Needs no quorum.

use std::time::Instant;

use async_trait::async_trait;
use boxoffice_api::backend::{
    Answer, Availability, Context, Facet, FacetValue, Failure, Found, FoundEvent, Freshness, Read, Revision, Search, SearchQuery,
    Suggestion, SuggestionKind,
};
use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_ledger::command::EventStatus;
use boxoffice_ledger::ids::{EventId, VenueId};
use boxoffice_ledger::time::Timestamp;
use boxoffice_search as search;

use super::events::bad_cursor;
use super::{MIN_REVISION_WAIT, Service};

/// When a search that cannot be answered is worth another try, in milliseconds.
const AGAIN_MS: u64 = 1000;

#[async_trait]
impl Search for Service {
    async fn search_events(&self, cx: Context, query: &SearchQuery, limit: usize, cursor: Option<&str>) -> Answer<Read<Found>> {
        let (revision, age_ms) = self.fresh_index(cx).await?;
        let after = cursor.map(|text| text.parse::<search::Cursor>().map_err(|_| bad_cursor())).transpose()?;
        let (index, query) = (self.search.index.clone(), index_query(query, self.clock()));
        let hits = blocking(move || index.search(&query, limit, after)).await?;
        let items = hits.hits.iter().filter_map(|hit| self.found(EventId(hit.id))).collect();
        let facets = hits.facets.into_iter().map(|counts| self.facet(counts)).collect();
        Ok(Read { value: Found { items, next: hits.next.map(|cursor| cursor.to_string()), facets }, revision, age_ms })
    }

    async fn suggest(&self, cx: Context, typed: &str, limit: usize) -> Answer<Read<Vec<Suggestion>>> {
        let (revision, age_ms) = self.fresh_index(cx).await?;
        let (index, typed, now) = (self.search.index.clone(), typed.to_owned(), self.clock());
        let (found, _) = blocking(move || index.suggest(&typed, limit, now.0)).await?;
        let suggestion = |one: search::Suggestion| Suggestion {
            kind: match one.kind {
                search::Kind::Event => SuggestionKind::Event,
                search::Kind::Performer => SuggestionKind::Performer,
                search::Kind::Venue => SuggestionKind::Venue,
                search::Kind::City => SuggestionKind::City,
            },
            text: one.text,
            events: one.events,
        };
        Ok(Read { value: found.into_iter().map(suggestion).collect(), revision, age_ms })
    }
}

impl Service {
    /// Makes this node's index as fresh as the context asks; gives the catalog index that it reflects at least, and how old that is.
    async fn fresh_index(&self, cx: Context) -> Answer<(Revision, u64)> {
        let (revision, age_ms) = self.fresh(cx, CATALOG).await?;
        let asked = match cx.freshness {
            Freshness::Linearizable => Some(revision.index),
            Freshness::AtLeast(asked) if asked.group == CATALOG.0 => Some(asked.index),
            _ => None,
        };
        if let Some(index) = asked {
            // It may be about nothing that is searched for: then nobody has told the indexer.
            if let Some(bells) = self.feed.bells(CATALOG) {
                bells.indexer.notify_one();
            }
            let deadline = cx.deadline.min(Instant::now() + MIN_REVISION_WAIT);
            if !self.search.wait_for(index, deadline).await {
                return Err(Failure::Overloaded(AGAIN_MS));
            }
        }
        let lag = self.search.lag(revision.index);
        let index = self.search.reflects().unwrap_or(0).min(revision.index);
        Ok((Revision { index, ..revision }, age_ms + u64::try_from(lag.as_millis()).unwrap_or(u64::MAX)))
    }

    /// A hit as it is shown: with what is known of it now, which the index may lag behind a little.
    fn found(&self, id: EventId) -> Option<FoundEvent> {
        let view = self.event_view(id).filter(|view| view.event.status == EventStatus::Published)?;
        let availability =
            view.sale.as_ref().map_or(Availability::SoldOut, |sale| match search::Availability::of(sale.available, sale.capacity) {
                search::Availability::Available => Availability::Available,
                search::Availability::Few => Availability::Few,
                search::Availability::SoldOut => Availability::SoldOut,
            });
        Some(FoundEvent { view, availability })
    }

    fn facet(&self, counts: search::FacetCounts) -> (Facet, Vec<FacetValue>) {
        let facet = match counts.facet {
            search::Facet::Category => Facet::Category,
            search::Facet::City => Facet::City,
            search::Facet::Venue => Facet::Venue,
            search::Facet::Month => Facet::Month,
        };
        let value = |(value, events): (String, u64)| {
            let venue = (facet == Facet::Venue).then(|| u128::from_str_radix(&value, 16).ok().map(VenueId)).flatten();
            let Some(venue) = venue else { return FacetValue { value, name: None, events } };
            let name = self.catalog.read().venue(venue).map(|venue| venue.name.clone());
            FacetValue { value: venue.to_string(), name, events }
        };
        (facet, counts.values.into_iter().map(value).collect())
    }
}

fn index_query(query: &SearchQuery, now: Timestamp) -> search::Query {
    let facet = |facet: &Facet| match facet {
        Facet::Category => search::Facet::Category,
        Facet::City => search::Facet::City,
        Facet::Venue => search::Facet::Venue,
        Facet::Month => search::Facet::Month,
    };
    search::Query {
        text: query.text.clone(),
        from_us: query.from.map(|at| at.0),
        to_us: query.to.map(|at| at.0),
        city: query.city.clone(),
        category: query.category.clone(),
        venue_id: query.venue.map(|id| id.0),
        performer_id: query.performer.map(|id| id.0),
        min_price: query.min_price,
        max_price: query.max_price,
        available_only: query.available,
        on_sale_only: query.on_sale,
        facets: query.facets.iter().map(facet).collect(),
        now_us: now.0,
    }
}

/// Asks the index off the threads that serve.
async fn blocking<T: Send + 'static>(ask: impl FnOnce() -> Result<T, search::SearchError> + Send + 'static) -> Answer<T> {
    let answer = tokio::task::spawn_blocking(ask).await.map_err(|_| Failure::Overloaded(AGAIN_MS))?;
    answer.map_err(|error| {
        tracing::error!(%error, "search failed");
        Failure::Overloaded(AGAIN_MS)
    })
}
