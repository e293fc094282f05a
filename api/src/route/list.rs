//! Listing events, and how many of them stand at once.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use boxoffice_ledger::ids::{EventId, PerformerId, VenueId};

use super::event::{CITY_BYTES_MAX, PRICE_MAX};
use super::{Outcome, cacheable, linked};
use crate::backend::{EventFilter, EventView, Freshness, Page, Read, Sort};
use crate::call::{Call, number};
use crate::check::{Check, moment_or_day};
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{self, AvailabilityBody, AvailabilityOut, EventOut, Expand};

/// Most events that are asked for at once.
pub const AVAILABILITY_MAX: usize = 1_000;
/// Orders of the list, by name.
pub const SORTS: [(&str, Sort); 3] = [("popular", Sort::Popular), ("start", Sort::Start), ("name", Sort::Name)];

/// `GET /event`
pub async fn list(edge: Arc<Edge>, call: Call) -> Outcome {
    let ((limit, cursor), expand) = (call.page()?, call.expand()?);
    let filter = filter(&call)?;
    // A cursor of one order means nothing in another.
    let name = match filter.sort {
        Sort::Popular => "events by demand",
        Sort::Start => "events by start",
        Sort::Name => "events by name",
    };
    let wrong = || HttpProblem::field("?cursor", "invalid", "cursor is the next_cursor of the page before");
    let place = cursor.map(|cursor| edge.cursors.open(name, cursor).ok_or_else(wrong)).transpose()?;
    let found = edge.backend.list_events(call.fresh(Freshness::Local), &filter, limit, place.as_deref()).await?;
    let next = found.value.next.as_deref().map(|place| edge.cursors.seal(name, place));
    Ok(page(&call, &found, next, expand))
}

/// A page of events.
pub fn page(call: &Call, found: &Read<Page<EventView>>, next: Option<String>, expand: Expand) -> Response<Body> {
    let data = found.value.items.iter().map(|view| EventOut::new(view, expand)).collect();
    let list = json::list(data, next);
    let mut response = json::read(found, &list);
    linked(call, &mut response, list.next_cursor());
    if call.freshness.is_none() {
        cacheable(&mut response);
    }
    response
}

/// Everything that narrows a list, and its order.
pub fn filter(call: &Call) -> Result<EventFilter, HttpProblem> {
    let mut check = Check::default();
    let mut filter = EventFilter::default();
    for (name, at) in [("from", &mut filter.from), ("to", &mut filter.to)] {
        let Some(text) = call.asked(name) else { continue };
        *at = moment_or_day(text);
        if at.is_none() {
            check.wrong(format!("?{name}"), "invalid_time", "an RFC 3339 time with its offset, or a day such as 2026-07-19");
        }
    }
    for (name, wanted) in [("city", &mut filter.city), ("category", &mut filter.category)] {
        let Some(text) = call.asked(name) else { continue };
        // Spaces around it count, so that the bound is the one that the document tells.
        if text.len() > CITY_BYTES_MAX && text.trim().len() <= CITY_BYTES_MAX {
            check.wrong(format!("?{name}"), "too_long", format!("at most {CITY_BYTES_MAX} bytes"));
        }
        *wanted = Some(check.line(&format!("?{name}"), text, CITY_BYTES_MAX));
    }
    filter.venue = call.asked("venue").and_then(|text| check.id::<VenueId>("?venue", text));
    filter.performer = call.asked("performer").and_then(|text| check.id::<PerformerId>("?performer", text));
    for (name, price) in [("min_price", &mut filter.min_price), ("max_price", &mut filter.max_price)] {
        let Some(text) = call.asked(name) else { continue };
        *price = number::<u64>(text).filter(|price| *price <= PRICE_MAX);
        if price.is_none() {
            check.wrong(format!("?{name}"), "out_of_range", format!("minor units, from 0 to {PRICE_MAX}"));
        }
    }
    for (name, wanted) in [("available", &mut filter.available), ("on_sale", &mut filter.on_sale)] {
        match call.asked(name) {
            None => {}
            Some("true") => *wanted = true,
            Some(_) => check.wrong(format!("?{name}"), "invalid", "true, or leave it out"),
        }
    }
    if let Some(name) = call.asked("sort") {
        match SORTS.into_iter().find(|(known, _)| *known == name) {
            Some((_, sort)) => filter.sort = sort,
            None => check.wrong("?sort", "invalid", "popular, start or name"),
        }
    }
    check.done()?;
    Ok(filter)
}

/// `POST /event/availability`
pub async fn availability(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: AvailabilityBody = json::parse(&call.body)?;
    let mut check = Check::default();
    if body.events.is_empty() || body.events.len() > AVAILABILITY_MAX {
        check.wrong("/events", "out_of_range", format!("from 1 to {AVAILABILITY_MAX} events"));
    }
    let ids = body.events.iter().take(AVAILABILITY_MAX).enumerate();
    let events: Vec<EventId> = ids.filter_map(|(at, text)| check.id(&format!("/events/{at}"), text)).collect();
    check.done()?;
    let found = edge.backend.availability(call.fresh(Freshness::Local), &events).await?;
    Ok(json::answer(StatusCode::OK, &json::list(found.iter().map(AvailabilityOut::new).collect(), None)))
}
