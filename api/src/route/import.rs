//! Bringing many events in at once.

use std::sync::Arc;

use axum::http::StatusCode;
use boxoffice_ledger::money::Currency;

use super::Outcome;
use super::event::{CATEGORY_BYTES_MAX, CITY_BYTES_MAX, DESCRIPTION_BYTES_MAX, NAME_BYTES_MAX, PER_USER_MAX, PERFORMERS_MAX, PRICE_MAX};
use crate::backend::{ImportItem, ImportOutcome, ImportPlace, Problem};
use crate::call::Call;
use crate::check::Check;
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{self, ImportBody, ImportEventBody, ImportOut, ImportVenueBody};

/// Most events of one request.
pub const EVENTS_MAX: usize = 500;
/// Largest body, in bytes.
pub const IMPORT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 300;
/// Most people that a venue without numbered seats holds.
const CAPACITY_MAX: u64 = 1_000_000;

/// `POST /event/import`
pub async fn import(edge: Arc<Edge>, call: Call) -> Outcome {
    let caller = call.user()?;
    let body: ImportBody = json::parse(&call.body)?;
    if body.events.is_empty() || body.events.len() > EVENTS_MAX {
        return Err(HttpProblem::field("/events", "out_of_range", format!("from 1 to {EVENTS_MAX} events")));
    }
    let keys: Vec<String> = body.events.iter().map(|event| event.key.trim().to_owned()).collect();
    let (mut items, mut wrong) = (Vec::new(), Vec::new());
    for (number, event) in body.events.into_iter().enumerate() {
        let repeated = keys[..number].contains(&keys[number]);
        match item(event, repeated) {
            Ok(item) => items.push(item),
            Err(problems) => wrong.push((number, problems)),
        }
    }
    let mut done = edge.backend.import_events(call.context(), caller, items).await?;
    // In the order in which they came: each is put where it stood.
    for (number, problems) in wrong {
        done.value.outcomes.insert(number, ImportOutcome::Refused(problems));
    }
    let report = &done.value;
    Ok(json::written(StatusCode::OK, &done, &ImportOut::new(&keys, &report.outcomes, report.venues, report.performers)))
}

/// An event of the body, checked. Pointers begin at the event.
fn item(body: ImportEventBody, repeated: bool) -> Result<ImportItem, Vec<Problem>> {
    let mut check = Check::default();
    if repeated {
        check.wrong("/key", "duplicate", "the same key stands in this request before");
    }
    let currency = Currency::parse(&body.currency);
    if currency.is_none() {
        check.wrong("/currency", "invalid", "an ISO 4217 code such as EUR");
    }
    check.range("/price", body.price, 0, PRICE_MAX);
    check.range("/per_user_limit", u64::from(body.per_user_limit.unwrap_or(0)), 0, PER_USER_MAX.into());
    let performers = body.performers.unwrap_or_default();
    if performers.len() > PERFORMERS_MAX {
        check.wrong("/performers", "too_many", format!("at most {PERFORMERS_MAX}"));
    }
    let mut named = Vec::new();
    for (at, performer) in performers.iter().take(PERFORMERS_MAX).enumerate() {
        let name = check.line(&format!("/performers/{at}/name"), &performer.name, NAME_BYTES_MAX);
        let genre = performer.genre.as_deref().unwrap_or_default();
        named.push((name, check.optional_line(&format!("/performers/{at}/genre"), genre, CITY_BYTES_MAX)));
    }
    let (key, name) = (check.line("/key", &body.key, KEY_BYTES_MAX), check.line("/name", &body.name, NAME_BYTES_MAX));
    let description = check.lines("/description", body.description.as_deref().unwrap_or_default(), DESCRIPTION_BYTES_MAX);
    let category = check.optional_line("/category", body.category.as_deref().unwrap_or_default(), CATEGORY_BYTES_MAX);
    let (place, starts_at) = (place(&mut check, &body.venue), check.moment("/starts_at", &body.starts_at));
    check.found()?;
    Ok(ImportItem {
        key,
        name,
        description,
        category,
        place,
        performers: named,
        starts_at,
        // A missing one is among the problems.
        currency: currency.ok_or_else(Vec::new)?,
        price: body.price,
        per_user_limit: body.per_user_limit.unwrap_or(0),
    })
}

fn place(check: &mut Check, venue: &ImportVenueBody) -> ImportPlace {
    let country = venue.country.clone().unwrap_or_default();
    if !(country.is_empty() || (country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()))) {
        check.wrong("/venue/country", "invalid", "an ISO 3166 alpha-2 code, two capital letters");
    }
    if jiff::tz::TimeZone::get(&venue.time_zone).is_err() {
        check.wrong("/venue/time_zone", "unknown_time_zone", "use an IANA name such as America/New_York");
    }
    check.range("/venue/capacity", venue.capacity.into(), 1, CAPACITY_MAX);
    ImportPlace {
        name: check.line("/venue/name", &venue.name, NAME_BYTES_MAX),
        city: check.optional_line("/venue/city", &venue.city, CITY_BYTES_MAX),
        country,
        time_zone: venue.time_zone.clone(),
        capacity: venue.capacity,
    }
}
