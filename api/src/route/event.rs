//! Listing, searching, showing, creating and changing events.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use axum::http::{StatusCode, header};
use boxoffice_ledger::command::{EventStatus, RefundPolicy, RefundWho, SaleTerms};
use boxoffice_ledger::ids::{EventId, MediaHash, PerformerId, VenueId};
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::plan::Plan;
use boxoffice_ledger::time::{Millis, Timestamp};

use super::price::policies;
use super::{Outcome, tagged};
use crate::backend::{Context, EventPatch, EventView, Freshness, NewEvent};
use crate::calendar;
use crate::call::Call;
use crate::check::Check;
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{self, EventBody, EventOut, EventPatchBody, Expand, PolicyBody, PostponeBody, PricesBody};
use crate::sheets::{self, Drawn, Kind};

/// Longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 200;
/// Longest description, in bytes.
pub const DESCRIPTION_BYTES_MAX: usize = 8_000;
/// Longest category, in bytes.
pub const CATEGORY_BYTES_MAX: usize = 64;
/// Most performers of an event.
pub const PERFORMERS_MAX: usize = 32;
/// Most images of an event.
pub const IMAGES_MAX: usize = 8;
/// Longest search, in characters.
pub const SEARCH_CHARS_MAX: usize = 256;
/// Longest name of a city or category to filter by, in bytes.
pub const CITY_BYTES_MAX: usize = 120;
/// Highest price, in minor units: far above any ticket, far below any overflow of a total.
pub const PRICE_MAX: u64 = 100_000_000_000;
/// Shortest life of a hold, in seconds.
pub const HOLD_TTL_S_MIN: u64 = 120;
/// Longest life of a hold, in seconds.
pub const HOLD_TTL_S_MAX: u64 = 1800;
/// Largest limit of tickets per user that can be set.
pub const PER_USER_MAX: u32 = 100_000;
/// Largest number of lapsed holds that can be allowed.
pub const LAPSES_MAX: u32 = 100_000;
/// How many holds a user may let lapse in a day before waiting, if the event does not say.
const LAPSES: u32 = 12;
/// Earliest end of refunds, in hours before the start: a leap year.
pub const HOURS_BEFORE_MAX: u64 = 8784;
/// How long a hold lives if the event does not say, in seconds.
const HOLD_TTL_S: u64 = 480;

/// `GET /event/{id}`, `GET /event/{id}.jsonld`, `GET /event/{id}.ics`
pub async fn show(edge: Arc<Edge>, call: Call) -> Outcome {
    let (kind, id) = wanted(&call)?;
    let event: EventId = id.parse().map_err(|_| HttpProblem::not_found("event"))?;
    let draw = async || {
        let found = edge.backend.event(Context { freshness: Freshness::Local, ..call.context() }, call.caller, event).await?;
        let view = &found.value;
        let body = match kind {
            Kind::Calendar => calendar::entry(view).into_bytes(),
            Kind::LinkedData => json::linked_data(view),
            Kind::Event(expand) => serde_json::to_vec(&EventOut::new(view, expand)).unwrap_or_default(),
            Kind::Map => Vec::new(),
        };
        Ok(Drawn { body, version: Some(view.event.version), public: view.event.status != EventStatus::Draft })
    };
    sheets::answer(&edge, &call, event, kind, draw).await
}

/// Which representation is asked for, by the path's ending or by Accept, and the rest of the path.
fn wanted(call: &Call) -> Result<(Kind, &str), HttpProblem> {
    let (expand, id) = (call.expand()?, call.param("id"));
    if let Some(id) = id.strip_suffix(".ics") {
        return Ok((Kind::Calendar, id));
    }
    if let Some(id) = id.strip_suffix(".jsonld") {
        return Ok((Kind::LinkedData, id));
    }
    let accept = call.parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = accept.split([',', ';']).next().unwrap_or_default().trim();
    let kind = match first {
        "application/ld+json" => Kind::LinkedData,
        "text/calendar" => Kind::Calendar,
        _ => Kind::Event(expand),
    };
    Ok((kind, id))
}

/// The ETag of an event that was just written: its version, which is what If-Match looks at.
fn tag(view: &EventView) -> String {
    format!("\"{}\"", view.event.version)
}

/// `POST /event`
pub async fn create(edge: Arc<Edge>, call: Call) -> Outcome {
    let (caller, request) = (call.user()?, call.write()?);
    let body: EventBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let venue = check.id::<VenueId>("/venue", &body.venue);
    let performers = performers(&mut check, body.performers.as_deref().unwrap_or_default());
    let starts_at = check.moment("/starts_at", &body.starts_at);
    let currency = Currency::parse(&body.currency);
    if currency.is_none() {
        check.wrong("/currency", "invalid", "an ISO 4217 code such as EUR");
    }
    let mut event = NewEvent {
        name: check.line("/name", &body.name, NAME_BYTES_MAX),
        description: check.lines("/description", body.description.as_deref().unwrap_or_default(), DESCRIPTION_BYTES_MAX),
        category: check.optional_line("/category", body.category.as_deref().unwrap_or_default(), CATEGORY_BYTES_MAX),
        venue: venue.unwrap_or(VenueId(0)),
        performers,
        starts_at,
        terms: terms(&mut check, &body, currency, starts_at),
        status: if body.draft == Some(true) { EventStatus::Draft } else { EventStatus::Published },
        images: images(&mut check, body.images.as_deref().unwrap_or_default()),
    };
    check.done()?;
    let found = edge.backend.venue(call.fresh(Freshness::Linearizable), event.venue).await;
    let venue = found.map_err(|failure| match failure {
        crate::backend::Failure::NotFound(_) => HttpProblem::field("/venue", "no_such_venue", "there is no such venue"),
        other => other.into(),
    })?;
    let Some(plan) = venue.value.plan else {
        return Err(HttpProblem::field("/venue", "no_plan", "this venue has no seating plan yet: POST /venue/{id}/plan first"));
    };
    let layout = edge.offers.layout(&*edge.backend, call.context(), plan).await?;
    event.terms.prices = prices(&body.prices, layout.plan())?;
    event.terms.pricing = policies(body.pricing.as_deref(), &event.terms.prices)?;
    let done = edge.backend.create_event(call.context(), caller, request, event).await?;
    let view = &done.value.view;
    let ready = done.value.ready || view.event.status == EventStatus::Draft;
    let status = if ready { StatusCode::CREATED } else { StatusCode::ACCEPTED };
    let mut response = json::written(status, &done, &EventOut::new(view, Expand::default()).at(done.revision));
    json::put_location(&mut response, &format!("/event/{}", view.event.id));
    Ok(tagged(&call, response, &tag(view)))
}

fn terms(check: &mut Check, body: &EventBody, currency: Option<Currency>, starts_at: Timestamp) -> SaleTerms {
    let hold_ttl_s = body.hold_ttl_s.unwrap_or(HOLD_TTL_S);
    check.range("/hold_ttl_s", hold_ttl_s, HOLD_TTL_S_MIN, HOLD_TTL_S_MAX);
    check.range("/per_user_limit", u64::from(body.per_user_limit.unwrap_or(0)), 0, PER_USER_MAX.into());
    check.range("/lapses_max", u64::from(body.lapses_max.unwrap_or(0)), 0, LAPSES_MAX.into());
    SaleTerms {
        currency: currency.or_else(|| Currency::parse("XXX")).expect("XXX is three capital letters"),
        prices: Vec::new(),
        per_user_limit: body.per_user_limit.unwrap_or(0),
        lapses_max: body.lapses_max.unwrap_or(LAPSES),
        hold_ttl: Millis::from_secs(hold_ttl_s),
        orphan_rule: body.orphan_rule.unwrap_or(false),
        opens_at: body.on_sale_at.as_deref().map(|text| check.moment("/on_sale_at", text)),
        refunds: body.refunds.as_ref().map_or_else(RefundPolicy::default, |policy| refunds(check, policy, starts_at)),
        entry: body.entry.as_ref().map(|entry| entry.terms(check)).unwrap_or_default(),
        pricing: Vec::new(),
    }
}

/// Hours are counted from the start that is given now: a promise does not move when the event does.
fn refunds(check: &mut Check, body: &PolicyBody, starts_at: Timestamp) -> RefundPolicy {
    let who = match body.who.as_str() {
        "staff" => RefundWho::Staff,
        "buyer" => RefundWho::Buyer,
        "nobody" => RefundWho::Nobody,
        _ => {
            check.wrong("/refunds/who", "invalid", "staff, buyer or nobody");
            RefundWho::Staff
        }
    };
    if body.until.is_some() && body.until_hours_before.is_some() {
        check.wrong("/refunds/until", "conflict", "either until or until_hours_before");
    }
    let hours = body.until_hours_before.unwrap_or(0);
    check.range("/refunds/until_hours_before", hours, 0, HOURS_BEFORE_MAX);
    check.range("/refunds/keep_bps", u64::from(body.keep_bps.unwrap_or(0)), 0, 10_000);
    check.range("/refunds/keep_fixed", body.keep_fixed.unwrap_or(0), 0, PRICE_MAX);
    let before = body.until_hours_before.map(|_| Timestamp(starts_at.0.saturating_sub(hours.min(HOURS_BEFORE_MAX) * 3_600_000_000)));
    let until = body.until.as_deref().map(|text| check.moment("/refunds/until", text)).or(before);
    RefundPolicy { who, until, keep_bps: body.keep_bps.unwrap_or(0), keep_fixed: body.keep_fixed.unwrap_or(0) }
}

fn prices(body: &PricesBody, plan: &Plan) -> Result<Vec<u64>, HttpProblem> {
    let mut check = Check::default();
    let prices = match body {
        PricesBody::ByIndex(prices) => {
            if prices.len() != plan.levels.len() {
                check.wrong("/prices", "wrong_length", format!("one price for each of the plan's {} levels", plan.levels.len()));
            }
            prices.clone()
        }
        PricesBody::ByName(prices) => {
            for name in prices.keys().filter(|name| !plan.levels.iter().any(|level| level.name == **name)) {
                check.wrong(
                    format!("/prices/{}", name.replace('~', "~0").replace('/', "~1")),
                    "no_such_level",
                    "the plan has no such level",
                );
            }
            let price = |level: &boxoffice_ledger::plan::Level| prices.get(&level.name).copied();
            for level in plan.levels.iter().filter(|level| price(level).is_none()) {
                check.wrong("/prices", "missing", format!("a price for the level {:?}", level.name));
            }
            plan.levels.iter().map(|level| price(level).unwrap_or(0)).collect()
        }
    };
    if prices.iter().any(|&price| price > PRICE_MAX) {
        check.wrong("/prices", "out_of_range", format!("at most {PRICE_MAX} minor units"));
    }
    check.done()?;
    Ok(prices)
}

fn performers(check: &mut Check, texts: &[String]) -> Vec<PerformerId> {
    distinct(check, "/performers", texts, PERFORMERS_MAX)
}

fn images(check: &mut Check, texts: &[String]) -> Vec<MediaHash> {
    distinct(check, "/images", texts, IMAGES_MAX)
}

/// A list of ids, each once.
fn distinct<T: FromStr<Err: Display> + PartialEq>(check: &mut Check, pointer: &str, texts: &[String], most: usize) -> Vec<T> {
    if texts.len() > most {
        check.wrong(pointer, "too_many", format!("at most {most}"));
    }
    let mut found: Vec<T> = Vec::with_capacity(texts.len().min(most));
    for (at, text) in texts.iter().take(most).enumerate() {
        match check.id(&format!("{pointer}/{at}"), text) {
            Some(id) if found.contains(&id) => check.wrong(format!("{pointer}/{at}"), "duplicate", "the same one twice"),
            Some(id) => found.push(id),
            None => {}
        }
    }
    found
}

/// `PATCH /event/{id}`
pub async fn change(edge: Arc<Edge>, call: Call) -> Outcome {
    let (caller, request) = (call.user()?, call.write()?);
    let event: EventId = call.id("id", "event")?;
    let version = call.if_match()?;
    let body: EventPatchBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let mut patch = EventPatch {
        name: body.name.as_deref().map(|text| check.line("/name", text, NAME_BYTES_MAX)),
        description: body.description.as_deref().map(|text| check.lines("/description", text, DESCRIPTION_BYTES_MAX)),
        category: body.category.as_deref().map(|text| check.optional_line("/category", text, CATEGORY_BYTES_MAX)),
        starts_at: body.starts_at.as_deref().map(|text| -> Timestamp { check.moment("/starts_at", text) }),
        performers: body.performers.as_deref().map(|texts| performers(&mut check, texts)),
        pricing: None,
        images: body.images.as_deref().map(|texts| images(&mut check, texts)),
    };
    check.done()?;
    if body.pricing.is_some() {
        let known = edge.backend.event(call.fresh(Freshness::Linearizable), Some(caller), event).await?;
        patch.pricing = Some(policies(body.pricing.as_deref(), &known.value.event.terms.prices)?);
    }
    let done = edge.backend.update_event(call.context(), caller, request, event, version, patch).await?;
    let response = json::written(StatusCode::OK, &done, &EventOut::new(&done.value, Expand::default()).at(done.revision));
    Ok(tagged(&call, response, &tag(&done.value)))
}

/// `POST /event/{id}/postpone`
pub async fn postpone(edge: Arc<Edge>, call: Call) -> Outcome {
    let (caller, request) = (call.user()?, call.write()?);
    let event: EventId = call.id("id", "event")?;
    let body: PostponeBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let starts_at = check.moment("/starts_at", &body.starts_at);
    check.done()?;
    let done = edge.backend.postpone_event(call.context(), caller, request, event, starts_at).await?;
    let response = json::written(StatusCode::OK, &done, &EventOut::new(&done.value, Expand::default()).at(done.revision));
    Ok(tagged(&call, response, &tag(&done.value)))
}

/// `POST /event/{id}/publish`
pub async fn publish(edge: Arc<Edge>, call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let done = edge.backend.publish_event(call.context(), call.user()?, call.write()?, event).await?;
    let response = json::written(StatusCode::OK, &done, &EventOut::new(&done.value, Expand::default()).at(done.revision));
    Ok(tagged(&call, response, &tag(&done.value)))
}
