//! The seats of an event, and layouts.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use boxoffice_ledger::ids::{EventId, PlanHash};
use boxoffice_ledger::outcome::SaleState;
use boxoffice_ledger::plan::{SeatIndex, SectionIndex};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Outcome, cacheable, linked, tagged};
use crate::backend::{Context, Freshness, Read, Revision, SeatMap, SectionCount};
use crate::call::{self, Call};
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{self, ListOut, MoneyOut, Named, SeatOut, Text};
use crate::layout::Layout;
use crate::sheets::{self, Drawn, Kind};

/// The seats of an event. `states` has two bits a seat in layout order, lowest bits of each byte first, in Base64: 0 available,
/// 1 held, 2 sold, 3 not for sale.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SeatMapOut")]
pub struct MapOut<'a> {
    #[schemars(extend("const" = "seat_map"))]
    object: &'static str,
    event: Text<EventId>,
    layout: Text<PlanHash>,
    #[schemars(with = "Named<SaleState>")]
    sale: &'static str,
    seats: u32,
    states: String,
    counts: Vec<CountOut<'a>>,
    prices: Vec<LevelOut<'a>>,
    /// Seats as objects, when the query asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<ListOut<SeatOut<'a>>>,
}

#[derive(Serialize, JsonSchema)]
struct CountOut<'a> {
    section: &'a str,
    available: u32,
    held: u32,
    sold: u32,
    capacity: u32,
}

#[derive(Serialize, JsonSchema)]
struct LevelOut<'a> {
    level: usize,
    name: &'a str,
    #[schemars(pattern(r"^#[0-9a-f]{6}$"))]
    color: String,
    price: MoneyOut,
    /// Raised by each change of a price that moves.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
}

/// `GET /event/{id}/seat`
pub async fn map(edge: Arc<Edge>, call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    if let Some(text) = call.asked("as_of") {
        return past(&edge, &call, event, text).await;
    }
    if call.query.iter().any(|(name, _)| !["consistency", "min_index"].contains(&name.as_str())) {
        return list(&edge, &call, event).await;
    }
    let draw = async || {
        let found = edge.backend.seat_map(Context { freshness: Freshness::Local, ..call.context() }, event).await?;
        let layout = edge.offers.layout_of(found.value.layout, &found.value.plan);
        let body = serde_json::to_vec(&out(&found.value, &layout, None)).unwrap_or_default();
        Ok(Drawn { body, version: None, public: true })
    };
    sheets::answer(&edge, &call, event, Kind::Map, draw).await
}

/// The map as it was. Who asks for it asks for no other freshness.
async fn past(edge: &Edge, call: &Call, event: EventId, text: &str) -> Outcome {
    let wrong = |detail| HttpProblem::field("?as_of", "invalid", detail);
    let revision = Revision::parse(text).ok_or_else(|| wrong("a Boxoffice-Revision of the event: <group>:<index>, such as 3:81263"))?;
    if call.freshness.is_some() {
        return Err(wrong("says which state is meant: leave out consistency and min_index"));
    }
    let found = edge.backend.seat_map_as_of(call.context(), event, revision).await?;
    listed_map(edge, call, &found)
}

/// A map with seats as objects.
async fn list(edge: &Edge, call: &Call, event: EventId) -> Outcome {
    let found = edge.backend.seat_map(call.fresh(Freshness::Local), event).await?;
    listed_map(edge, call, &found)
}

fn listed_map(edge: &Edge, call: &Call, found: &Read<SeatMap>) -> Outcome {
    let map = &found.value;
    let layout = edge.offers.layout_of(map.layout, &map.plan);
    let list = listed(call, map, &layout)?;
    let next = list.next_cursor().map(str::to_owned);
    let mut response = json::read(found, &out(map, &layout, Some(list)));
    linked(call, &mut response, next.as_deref());
    if call.freshness.is_none() {
        cacheable(&mut response);
    }
    Ok(tagged(call, response, &format!("\"{}\"", found.revision)))
}

fn out<'a>(map: &'a SeatMap, layout: &Layout, list: Option<ListOut<SeatOut<'a>>>) -> MapOut<'a> {
    MapOut {
        object: "seat_map",
        event: Text(map.event),
        layout: Text(map.layout),
        sale: json::sale_state(map.state),
        seats: layout.seat_count(),
        states: BASE64.encode(&map.states),
        counts: counts(map),
        prices: prices(map),
        list,
    }
}

fn counts(map: &SeatMap) -> Vec<CountOut<'_>> {
    fn line(count: &SectionCount) -> CountOut<'_> {
        CountOut { section: &count.name, available: count.available, held: count.held, sold: count.sold, capacity: count.capacity }
    }
    map.counts.iter().map(line).collect()
}

fn prices(map: &SeatMap) -> Vec<LevelOut<'_>> {
    let line = |(level, &amount): (usize, &u64)| {
        let (name, color) = map.plan.levels.get(level).map_or(("", 0), |level| (level.name.as_str(), level.color & 0x00ff_ffff));
        let version = map.price_versions.get(level).copied();
        LevelOut { level, name, color: format!("#{color:06x}"), price: json::money(amount, map.currency), version }
    };
    map.prices.iter().enumerate().map(line).collect()
}

/// Which seats are wanted as objects.
struct Wanted<'a> {
    section: Option<SectionIndex>,
    state: Option<&'a str>,
    max_price: Option<u64>,
    after: u32,
    limit: usize,
}

fn wanted<'a>(call: &'a Call, layout: &Layout) -> Result<Wanted<'a>, HttpProblem> {
    let (limit, cursor) = call.page()?;
    let section = match call.asked("section") {
        None => None,
        Some(name) => {
            let found = layout.section_by_name(name);
            Some(found.ok_or_else(|| HttpProblem::field("?section", "no_such_section", "this event has no such section"))?)
        }
    };
    let state = call.asked("state");
    if state.is_some_and(|state| !json::STATE_NAMES.contains(&state)) {
        return Err(HttpProblem::field("?state", "invalid", format!("one of {}", json::STATE_NAMES.join(", "))));
    }
    let max_price = match call.asked("max_price").map(call::number) {
        None => None,
        Some(Some(price)) => Some(price),
        Some(None) => return Err(HttpProblem::field("?max_price", "invalid", "an amount in minor units")),
    };
    let after = match cursor {
        None => 0,
        Some(text) => {
            let number = text.strip_prefix("seat-").and_then(|number| number.parse().ok());
            number.ok_or_else(|| HttpProblem::field("?cursor", "invalid", "cursor is the next_cursor of the page before"))?
        }
    };
    Ok(Wanted { section, state, max_price, after, limit })
}

fn listed<'a>(call: &Call, map: &SeatMap, layout: &'a Layout) -> Result<ListOut<SeatOut<'a>>, HttpProblem> {
    let wanted = wanted(call, layout)?;
    let all = wanted.section.map_or(0..layout.seat_count(), |section| layout.section_seats(section));
    let mut data = Vec::with_capacity(wanted.limit);
    for index in (all.start.max(wanted.after)..all.end).map(SeatIndex) {
        let Some(place) = layout.place(index) else { continue };
        let state = json::STATE_NAMES[usize::from(state_at(&map.states, index))];
        let price = map.prices.get(usize::from(place.seat.level.0)).copied();
        let fits =
            wanted.state.is_none_or(|asked| asked == state) && wanted.max_price.is_none_or(|most| price.is_some_and(|price| price <= most));
        if !fits {
            continue;
        }
        if data.len() == wanted.limit {
            return Ok(json::list(data, Some(format!("seat-{}", index.0))));
        }
        data.push(SeatOut::on_map(index, place, state, price.map(|amount| json::money(amount, map.currency))));
    }
    Ok(json::list(data, None))
}

/// Two bits of a seat.
fn state_at(states: &[u8], seat: SeatIndex) -> u8 {
    states.get(seat.0 as usize / 4).map_or(3, |byte| byte >> (seat.0 % 4 * 2) & 3)
}

/// `GET /layout/{hash}`
pub async fn layout(edge: Arc<Edge>, call: Call) -> Outcome {
    let hash = PlanHash::parse(call.param("hash")).map_err(|_| HttpProblem::not_found("layout"))?;
    let layout = edge.offers.layout(&*edge.backend, call.context(), hash).await?;
    let mut response = Response::new(Body::from(json::layout_bytes(hash, layout.plan())));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    Ok(tagged(&call, response, &format!("\"{hash}\"")))
}
