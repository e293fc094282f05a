//! Answers about events, venues, performers, accounts and layouts.

use boxoffice_ledger::command::{Performer, Venue};
use boxoffice_ledger::ids::{EventId, PerformerId, PlanHash, VenueId};
use boxoffice_ledger::plan::{Plan, SeatKind};
use serde::Serialize;
use serde_json::{Value, json};

use super::{EntryOut, MoneyOut, PolicyOut, Rfc3339, Text, event_status, money, sale_state};
use crate::backend::{EventView, Revision, SaleView};

/// Which references are given whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expand {
    /// `venue`.
    pub venue: bool,
    /// `performers`.
    pub performers: bool,
    /// `event`.
    pub event: bool,
}

/// An event.
#[derive(Serialize)]
pub struct EventOut<'a> {
    object: &'static str,
    id: Text<EventId>,
    name: &'a str,
    description: &'a str,
    category: &'a str,
    status: &'static str,
    starts_at: Rfc3339,
    time_zone: &'a str,
    venue: Ref<VenueId, VenueOut<'a>>,
    performers: Vec<Ref<PerformerId, PerformerOut<'a>>>,
    layout: Text<PlanHash>,
    prices: Vec<PriceOut>,
    per_user_limit: u32,
    hold_ttl_s: u64,
    orphan_rule: bool,
    refunds: PolicyOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_sale_at: Option<Rfc3339>,
    entry: EntryOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    sale: Option<SaleOut>,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Text<Revision>>,
}

#[derive(Serialize)]
#[serde(untagged, bound = "I: std::fmt::Display, O: Serialize")]
enum Ref<I, O> {
    Id(Text<I>),
    Whole(O),
}

#[derive(Serialize)]
struct PriceOut {
    level: usize,
    #[serde(flatten)]
    price: MoneyOut,
}

#[derive(Serialize)]
struct SaleOut {
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
            status: event_status(event.status),
            starts_at: Rfc3339(event.starts_at),
            time_zone: &view.venue.time_zone,
            venue: if expand.venue { Ref::Whole(VenueOut::new(&view.venue)) } else { Ref::Id(Text(event.venue)) },
            performers,
            layout: Text(event.plan),
            prices: event
                .terms
                .prices
                .iter()
                .enumerate()
                .map(|(level, &amount)| PriceOut { level, price: money(amount, currency) })
                .collect(),
            per_user_limit: event.terms.per_user_limit,
            hold_ttl_s: event.terms.hold_ttl.0 / 1000,
            orphan_rule: event.terms.orphan_rule,
            refunds: PolicyOut::new(&event.terms.refunds, currency),
            on_sale_at: event.terms.opens_at.map(Rfc3339),
            entry: EntryOut::new(&event.terms.entry, event.starts_at),
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

/// A venue.
#[derive(Serialize)]
pub struct VenueOut<'a> {
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
#[derive(Serialize)]
pub struct PerformerOut<'a> {
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
