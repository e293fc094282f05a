//! Answers about events, venues, performers, accounts and layouts.

use boxoffice_ledger::command::{Performer, Venue};
use boxoffice_ledger::ids::{EventId, HoldId, PerformerId, PlanHash, VenueId};
use boxoffice_ledger::outcome::SaleState;
use boxoffice_ledger::plan::{Plan, SeatKind};
use schemars::{JsonSchema, Schema, json_schema};
use serde::Serialize;
use serde_json::{Value, json};

use super::{EntryOut, ImageOut, LocalTime, MoneyOut, Named, PolicyOut, PublicStatus, Rfc3339, Text, money, public_status, sale_state};
use crate::backend::{EventView, Revision, SaleView};
use crate::import::Problems;

/// Which references are given whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Expand {
    /// `venue`.
    pub venue: bool,
    /// `performers`.
    pub performers: bool,
    /// `event`.
    pub event: bool,
}

/// An event.
#[derive(Serialize, JsonSchema)]
pub struct EventOut<'a> {
    #[schemars(extend("const" = "event"))]
    object: &'static str,
    id: Text<EventId>,
    name: &'a str,
    description: &'a str,
    category: &'a str,
    #[schemars(with = "Named<PublicStatus>")]
    status: &'static str,
    starts_at: Rfc3339,
    time_zone: &'a str,
    /// The start on the clock of its city, with that clock's offset.
    #[schemars(with = "Rfc3339")]
    starts_local: LocalTime,
    /// When it was to begin before it was postponed.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_start: Option<Rfc3339>,
    venue: Ref<VenueId, VenueOut<'a>>,
    performers: Vec<Ref<PerformerId, PerformerOut<'a>>>,
    layout: Text<PlanHash>,
    /// As they are now.
    prices: Vec<PriceOut>,
    /// Whether a price moves: GET /event/{id}/price says how.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    moving_prices: bool,
    per_user_limit: u32,
    lapses_max: u32,
    hold_ttl_s: u64,
    orphan_rule: bool,
    refunds: PolicyOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_sale_at: Option<Rfc3339>,
    entry: EntryOut,
    /// Pictures, the main one first; none = show the poster.
    images: Vec<ImageOut>,
    /// A drawing that stands for the event.
    poster: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sale: Option<SaleOut>,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Text<Revision>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged, bound = "I: std::fmt::Display, O: Serialize")]
#[schemars(bound = "Text<I>: JsonSchema, O: JsonSchema", inline)]
enum Ref<I, O> {
    Id(Text<I>),
    Whole(O),
}

#[derive(Serialize, JsonSchema)]
struct PriceOut {
    level: usize,
    #[serde(flatten)]
    price: MoneyOut,
}

#[derive(Serialize, JsonSchema)]
struct SaleOut {
    #[schemars(with = "Named<SaleState>")]
    state: &'static str,
    available: u32,
    held: u32,
    sold: u32,
    capacity: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_price: Option<MoneyOut>,
}

impl<'a> EventOut<'a> {
    /// An event with what is asked for given whole.
    #[must_use]
    pub fn new(view: &'a EventView, expand: Expand) -> Self {
        let event = &view.event;
        let currency = event.terms.currency;
        let performers = if expand.performers && view.performers.len() == event.performers.len() {
            view.performers.iter().map(|performer| Ref::Whole(PerformerOut::new(performer))).collect()
        } else {
            event.performers.iter().map(|&performer| Ref::Id(Text(performer))).collect()
        };
        let sale = view.sale.as_ref().map(|sale: &SaleView| SaleOut {
            state: sale_state(sale.state),
            available: sale.available,
            held: sale.held,
            sold: sale.sold,
            capacity: sale.capacity,
            from_price: sale.from_price.map(|amount| money(amount, currency)),
        });
        Self {
            object: "event",
            id: Text(event.id),
            name: &event.name,
            description: &event.description,
            category: &event.category,
            status: public_status(event),
            starts_at: Rfc3339(event.starts_at),
            time_zone: &view.venue.time_zone,
            starts_local: LocalTime::new(event.starts_at, &view.venue.time_zone),
            previous_start: event.previous_start.map(Rfc3339),
            venue: if expand.venue { Ref::Whole(VenueOut::new(&view.venue)) } else { Ref::Id(Text(event.venue)) },
            performers,
            layout: Text(event.plan),
            prices: present_prices(view)
                .iter()
                .enumerate()
                .map(|(level, &amount)| PriceOut { level, price: money(amount, currency) })
                .collect(),
            moving_prices: !event.terms.pricing.is_empty() || view.sale.as_ref().is_some_and(|sale| !sale.prices.is_empty()),
            per_user_limit: event.terms.per_user_limit,
            lapses_max: event.terms.lapses_max,
            hold_ttl_s: event.terms.hold_ttl.0 / 1000,
            orphan_rule: event.terms.orphan_rule,
            refunds: PolicyOut::new(&event.terms.refunds, currency),
            on_sale_at: event.terms.opens_at.map(Rfc3339),
            entry: EntryOut::new(&event.terms.entry, event.starts_at),
            images: event.images.iter().map(|&image| ImageOut::new(image, &view.media_base)).collect(),
            poster: format!("/event/{}/poster.svg", event.id),
            sale,
            version: event.version,
            revision: None,
        }
    }

    /// With the revision that wrote it.
    #[must_use]
    pub fn at(mut self, revision: Revision) -> Self {
        self.revision = Some(Text(revision));
        self
    }
}

/// The prices of an event now, as far as this node knows its sale.
pub(super) fn present_prices(view: &EventView) -> &[u64] {
    let moving = view.sale.as_ref().map(|sale| &*sale.prices).filter(|prices| !prices.is_empty());
    moving.unwrap_or(&view.event.terms.prices)
}

/// A venue.
#[derive(Serialize, JsonSchema)]
pub struct VenueOut<'a> {
    #[schemars(extend("const" = "venue"))]
    object: &'static str,
    id: Text<VenueId>,
    name: &'a str,
    city: &'a str,
    country: &'a str,
    time_zone: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    layout: Option<Text<PlanHash>>,
    capacity: u32,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Text<Revision>>,
}

impl<'a> VenueOut<'a> {
    /// A venue.
    #[must_use]
    pub fn new(venue: &'a Venue) -> Self {
        Self {
            object: "venue",
            id: Text(venue.id),
            name: &venue.name,
            city: &venue.city,
            country: &venue.country,
            time_zone: &venue.time_zone,
            layout: venue.plan.map(Text),
            capacity: venue.capacity,
            version: venue.version,
            revision: None,
        }
    }

    /// With the revision that wrote it.
    #[must_use]
    pub fn at(mut self, revision: Revision) -> Self {
        self.revision = Some(Text(revision));
        self
    }
}

/// A performer.
#[derive(Serialize, JsonSchema)]
pub struct PerformerOut<'a> {
    #[schemars(extend("const" = "performer"))]
    object: &'static str,
    id: Text<PerformerId>,
    name: &'a str,
    genre: &'a str,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Text<Revision>>,
}

impl<'a> PerformerOut<'a> {
    /// A performer.
    #[must_use]
    pub fn new(performer: &'a Performer) -> Self {
        Self {
            object: "performer",
            id: Text(performer.id),
            name: &performer.name,
            genre: &performer.genre,
            version: performer.version,
            revision: None,
        }
    }

    /// With the revision that wrote it.
    #[must_use]
    pub fn at(mut self, revision: Revision) -> Self {
        self.revision = Some(Text(revision));
        self
    }
}

/// Where an event's sale went.
#[derive(Serialize, JsonSchema)]
pub struct SaleMovedOut {
    #[schemars(extend("const" = "sale"))]
    object: &'static str,
    event: Text<EventId>,
    #[schemars(with = "Named<SaleState>")]
    state: &'static str,
    revision: Text<Revision>,
}

impl SaleMovedOut {
    /// The sale of an event as it stands since this revision.
    #[must_use]
    pub fn new(event: EventId, state: SaleState, revision: Revision) -> Self {
        Self { object: "sale", event: Text(event), state: sale_state(state), revision: Text(revision) }
    }
}

/// Seats that were taken off sale or put back.
#[derive(Serialize, JsonSchema)]
pub struct BlockOut {
    #[schemars(extend("const" = "block"))]
    object: &'static str,
    event: Text<EventId>,
    #[schemars(extend("enum" = ["block", "unblock", "kill"]))]
    action: String,
    seats: usize,
    revoked_holds: Vec<Text<HoldId>>,
    revision: Text<Revision>,
}

impl BlockOut {
    /// What was done to so many seats, and which holds ended by it.
    #[must_use]
    pub fn new(event: EventId, action: String, seats: usize, revoked: &[HoldId], revision: Revision) -> Self {
        let revoked_holds = revoked.iter().copied().map(Text).collect();
        Self { object: "block", event: Text(event), action, seats, revoked_holds, revision: Text(revision) }
    }
}

/// A venue with what was noticed about its new plan.
#[derive(Serialize, JsonSchema)]
pub struct VenuePlanOut<'a> {
    #[serde(flatten)]
    venue: VenueOut<'a>,
    warnings: Vec<WarningOut<'a>>,
    warnings_total: usize,
}

/// Something noticed in an upload.
#[derive(Serialize, JsonSchema)]
pub struct WarningOut<'a> {
    pointer: &'a str,
    code: &'static str,
    detail: &'a str,
}

impl<'a> VenuePlanOut<'a> {
    /// A venue with the warnings of its upload.
    #[must_use]
    pub fn new(venue: VenueOut<'a>, warnings: &'a Problems) -> Self {
        Self { venue, warnings: WarningOut::list(warnings), warnings_total: warnings.total() }
    }
}

impl<'a> WarningOut<'a> {
    /// The first of what was noticed.
    #[must_use]
    pub fn list(problems: &'a Problems) -> Vec<Self> {
        problems.listed.iter().map(|one| Self { pointer: &one.pointer, code: one.code.as_str(), detail: &one.detail }).collect()
    }
}

/// A whole layout: what a map is drawn from. Seats are arrays `[name, level, x, y, kind]` (kind left out when standard)
/// and get dense indexes in order of appearance.
#[must_use]
pub fn layout_bytes(hash: PlanHash, plan: &Plan) -> Vec<u8> {
    let sections: Vec<Value> = plan
        .sections
        .iter()
        .map(|section| {
            let rows: Vec<Value> = section
                .rows
                .iter()
                .map(|row| {
                    let seats = row.seats.iter().map(|seat| {
                        let (name, level, x, y) = (&seat.name, seat.level.0, seat.at.x, seat.at.y);
                        match seat.kind {
                            SeatKind::Standard => json!([name, level, x, y]),
                            SeatKind::Accessible => json!([name, level, x, y, "accessible"]),
                            SeatKind::Companion => json!([name, level, x, y, "companion"]),
                            SeatKind::Restricted => json!([name, level, x, y, "restricted"]),
                        }
                    });
                    json!({"name": row.name, "seats": seats.collect::<Vec<_>>()})
                })
                .collect();
            json!({"name": section.name, "rows": rows})
        })
        .collect();
    let areas: Vec<Value> = plan
        .areas
        .iter()
        .map(|area| json!({"name": area.name, "capacity": area.capacity, "level": area.level.0, "x": area.at.x, "y": area.at.y}))
        .collect();
    let levels: Vec<Value> =
        plan.levels.iter().map(|level| json!({"name": level.name, "color": format!("#{:06x}", level.color & 0x00ff_ffff)})).collect();
    let layout = json!({
        "object": "layout", "id": hash.to_string(), "name": plan.name, "levels": levels, "focal": [plan.focal.x, plan.focal.y],
        "sections": sections, "areas": areas,
    });
    serde_json::to_vec(&layout).unwrap_or_default()
}

/// The schema of what [`layout_bytes`] writes.
#[must_use]
pub fn layout_schema() -> Schema {
    let number = json_schema!({"type": "integer"});
    let name = json_schema!({"type": "string"});
    let seat = json_schema!({
        "type": "array", "minItems": 4, "maxItems": 5,
        "description": "`[name, level, x, y, kind]`; kind is left out when it is standard.",
        "prefixItems": [name, number, number, number, {"enum": ["accessible", "companion", "restricted"]}],
    });
    let row = json_schema!({
        "type": "object", "required": ["name", "seats"],
        "properties": {"name": name, "seats": {"type": "array", "items": seat}},
    });
    let section = json_schema!({
        "type": "object", "required": ["name", "rows"],
        "properties": {"name": name, "rows": {"type": "array", "items": row}},
    });
    let area = json_schema!({
        "type": "object", "required": ["name", "capacity", "level", "x", "y"],
        "properties": {"name": name, "capacity": number, "level": number, "x": number, "y": number},
    });
    let level = json_schema!({
        "type": "object", "required": ["name", "color"],
        "properties": {"name": name, "color": {"type": "string", "pattern": "^#[0-9a-f]{6}$"}},
    });
    let list = |items: &Schema| json_schema!({"type": "array", "items": items});
    json_schema!({
        "type": "object", "description": "A whole layout. Seats get dense indexes in order of appearance.",
        "required": ["object", "id", "name", "levels", "focal", "sections", "areas"],
        "properties": {
            "object": {"const": "layout"}, "id": {"type": "string", "pattern": "^lay_[0-9a-f]{64}$"}, "name": name,
            "levels": list(&level), "focal": {"type": "array", "items": number, "minItems": 2, "maxItems": 2},
            "sections": list(&section), "areas": list(&area),
        },
    })
}
