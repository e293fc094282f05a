//! Answers about holds, orders, tickets and seats.

use boxoffice_ledger::command::OrderRecord;
use boxoffice_ledger::ids::{EventId, HoldId, OrderId, TicketId, UserId};
use boxoffice_ledger::outcome::{HoldInfo, HoldState, OrderState};
use boxoffice_ledger::plan::{SeatIndex, SeatKind};
use boxoffice_ledger::tickets::{TicketOffer, TicketRecord, TicketState};
use schemars::JsonSchema;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::{
    AttemptOut, DisputeOut, EventOut, MoneyOut, Named, PaymentOut, PublicSeatState, RefundOut, Rfc3339, Text, hold_state, money,
    order_state,
};
use crate::backend::{OrderView, Payment, Progress, Revision, TicketView};
use crate::layout::{Offer, Place};

/// A seat by index and, where the layout is known, by label.
#[derive(Serialize, JsonSchema)]
pub struct SeatOut<'a> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    seat: Option<Label<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["accessible", "companion", "restricted"]))]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Named<PublicSeatState>>")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<MoneyOut>,
}

/// `SECTION-ROW-SEAT`, written without building it first.
struct Label<'a>(&'a str, &'a str, &'a str);

impl Serialize for Label<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}-{}-{}", self.0, self.1, self.2))
    }
}

impl<'a> SeatOut<'a> {
    /// The names of a seat.
    #[must_use]
    pub fn named(index: SeatIndex, place: Option<Place<'a>>) -> Self {
        let mut seat =
            Self { index: index.0, seat: None, section: None, row: None, name: None, level: None, kind: None, state: None, price: None };
        if let Some(place) = place {
            seat.seat = Some(Label(&place.section.name, &place.row.name, &place.seat.name));
            seat.section = Some(&place.section.name);
            seat.row = Some(&place.row.name);
            seat.name = Some(&place.seat.name);
        }
        seat
    }

    /// A ticket's seat.
    #[must_use]
    pub fn of_ticket(ticket: &'a TicketRecord) -> Option<Self> {
        let mut seat = Self::named(ticket.seat?, None);
        seat.seat = Some(Label(&ticket.section, &ticket.row, &ticket.seat_name));
        seat.section = Some(&ticket.section);
        seat.row = Some(&ticket.row);
        seat.name = Some(&ticket.seat_name);
        Some(seat)
    }

    /// A seat of the map with its state and price.
    #[must_use]
    pub fn on_map(index: SeatIndex, place: Place<'a>, state: &'static str, price: Option<MoneyOut>) -> Self {
        let mut seat = Self::named(index, Some(place));
        seat.level = Some(place.seat.level.0);
        seat.kind = match place.seat.kind {
            SeatKind::Standard => None,
            SeatKind::Accessible => Some("accessible"),
            SeatKind::Companion => Some("companion"),
            SeatKind::Restricted => Some("restricted"),
        };
        seat.state = Some(state);
        seat.price = price;
        seat
    }
}

/// An area.
#[derive(Serialize, JsonSchema)]
pub struct AreaOut<'a> {
    index: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u32>,
}

impl<'a> AreaOut<'a> {
    /// A ticket's area.
    #[must_use]
    pub fn of_ticket(ticket: &'a TicketRecord) -> Option<Self> {
        ticket.area.map(|area| Self { index: area.0, area: Some(&ticket.section), quantity: None })
    }
}

/// A hold.
#[derive(Serialize, JsonSchema)]
pub struct HoldOut<'a> {
    #[schemars(extend("const" = "hold"))]
    object: &'static str,
    id: Text<HoldId>,
    user: Text<UserId>,
    #[schemars(with = "Named<HoldState>")]
    state: &'static str,
    seats: Vec<SeatOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    areas: Vec<AreaOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    promo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<MoneyOut>,
    total: MoneyOut,
    expires_at: Rfc3339,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Text<OrderId>>,
    #[serde(flatten)]
    payment: Option<PaymentOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Text<EventId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Text<Revision>>,
}

impl<'a> HoldOut<'a> {
    /// A hold with its seats' names.
    #[must_use]
    pub fn new(hold: &HoldInfo, offer: Option<&'a Offer>, event: Option<EventId>) -> Self {
        let layout = offer.map(|offer| &*offer.layout);
        let areas = hold.areas.iter().map(|&(area, quantity)| AreaOut {
            index: area.0,
            area: layout.and_then(|layout| layout.plan().areas.get(usize::from(area.0))).map(|area| area.name.as_str()),
            quantity: Some(quantity),
        });
        Self {
            object: "hold",
            id: Text(hold.hold),
            user: Text(hold.user),
            state: hold_state(hold.state),
            seats: hold.seats.iter().map(|&seat| SeatOut::named(seat, layout.and_then(|layout| layout.place(seat)))).collect(),
            areas: areas.collect(),
            promo: hold.promo.clone(),
            discount: hold.promo.as_ref().map(|_| money(hold.discount, hold.currency)),
            total: money(hold.total, hold.currency),
            expires_at: Rfc3339(hold.expires_at),
            order: hold.order.map(Text),
            payment: None,
            event: event.map(Text),
            revision: None,
        }
    }

    /// With how its payment stands.
    #[must_use]
    pub fn paying(mut self, payment: Option<&Progress>) -> Self {
        self.payment = payment.map(PaymentOut::new);
        self
    }

    /// With the revision that wrote it.
    #[must_use]
    pub fn at(mut self, revision: Revision) -> Self {
        self.revision = Some(Text(revision));
        self
    }
}

/// An order.
#[derive(Serialize, JsonSchema)]
pub struct OrderOut {
    #[schemars(extend("const" = "order"))]
    object: &'static str,
    id: Text<OrderId>,
    event: Text<EventId>,
    hold: Text<HoldId>,
    #[schemars(with = "Named<OrderState>")]
    state: &'static str,
    #[serde(flatten)]
    payment: Option<PaymentOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    promo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<MoneyOut>,
    total: MoneyOut,
    refunded: MoneyOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<u64>,
    #[schemars(with = "Vec<Text<TicketId>>")]
    tickets: Tickets,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refunds: Vec<RefundOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    disputes: Vec<DisputeOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<AttemptOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Text<Revision>>,
}

enum Tickets {
    Listed(Vec<TicketId>),
    OfOrder(OrderId, u32),
}

impl Serialize for Tickets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Listed(tickets) => {
                let mut list = serializer.serialize_seq(Some(tickets.len()))?;
                tickets.iter().try_for_each(|&ticket| list.serialize_element(&Text(ticket)))?;
                list.end()
            }
            Self::OfOrder(order, count) => {
                let mut list = serializer.serialize_seq(Some(*count as usize))?;
                let count = u16::try_from(*count).unwrap_or(u16::MAX);
                (0..count).try_for_each(|ordinal| list.serialize_element(&Text(TicketId::of_order(*order, ordinal))))?;
                list.end()
            }
        }
    }
}

impl OrderOut {
    /// An order as its buyer sees it.
    #[must_use]
    pub fn new(order: &OrderView) -> Self {
        Self {
            object: "order",
            id: Text(order.order),
            event: Text(order.event),
            hold: Text(order.hold),
            state: order_state(order.state),
            payment: order.payment.as_ref().map(PaymentOut::new),
            promo: order.promo.as_ref().map(|(code, _)| code.clone()),
            discount: order.promo.as_ref().map(|&(_, discount)| money(discount, order.currency)),
            total: money(order.total, order.currency),
            refunded: money(order.refunded, order.currency),
            receipt: order.receipt,
            tickets: Tickets::Listed(order.tickets.clone()),
            refunds: order.refunds.iter().map(RefundOut::new).collect(),
            disputes: order.disputes.iter().map(DisputeOut::new).collect(),
            attempts: order.attempts.iter().map(AttemptOut::new).collect(),
            revision: None,
        }
    }

    /// What a paid hold became; `None` while the payment is pending.
    #[must_use]
    pub fn paid(payment: &Payment, event: EventId, revision: Revision) -> Option<Self> {
        let Payment::Confirmed(paid) = payment else { return None };
        Some(Self {
            object: "order",
            id: Text(paid.order),
            event: Text(event),
            hold: Text(paid.hold),
            state: "confirmed",
            payment: None,
            promo: None,
            discount: None,
            total: money(paid.total, paid.currency),
            refunded: money(0, paid.currency),
            receipt: Some(paid.receipt),
            tickets: Tickets::OfOrder(paid.order, paid.tickets),
            refunds: Vec::new(),
            disputes: Vec::new(),
            attempts: Vec::new(),
            revision: Some(Text(revision)),
        })
    }
}

/// An order in its buyer's list.
#[derive(Serialize, JsonSchema)]
pub struct OrderRecordOut {
    #[schemars(extend("const" = "order"))]
    object: &'static str,
    id: Text<OrderId>,
    event: Text<EventId>,
    #[schemars(with = "Named<OrderState>")]
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<MoneyOut>,
    total: MoneyOut,
    refunded: MoneyOut,
    receipt: u64,
    ticket_count: u32,
    confirmed_at: Rfc3339,
}

impl OrderRecordOut {
    /// A record of the buyer's group.
    #[must_use]
    pub fn new(order: &OrderRecord) -> Self {
        let state = match (order.state, order.refunded) {
            (OrderState::AwaitingPayment, 0) => "confirmed", // A record of an older build.
            (OrderState::AwaitingPayment, refunded) if refunded >= order.total => "refunded",
            (OrderState::AwaitingPayment, _) => "part_refunded",
            (state, _) => order_state(state),
        };
        Self {
            object: "order",
            id: Text(order.id),
            event: Text(order.event),
            state,
            discount: (order.discount > 0).then(|| money(order.discount, order.currency)),
            total: money(order.total, order.currency),
            refunded: money(order.refunded, order.currency),
            receipt: order.receipt,
            ticket_count: order.tickets,
            confirmed_at: Rfc3339(order.confirmed_at),
        }
    }
}

/// A ticket.
#[derive(Serialize, JsonSchema)]
pub struct TicketOut<'a> {
    #[schemars(extend("const" = "ticket"))]
    object: &'static str,
    id: Text<TicketId>,
    #[schemars(with = "Named<TicketState>")]
    state: &'static str,
    pending: bool,
    event: EventRef<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_summary: Option<EventSummary<'a>>,
    order: Text<OrderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seat: Option<SeatOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<AreaOut<'a>>,
    level: u16,
    price: MoneyOut,
    epoch: u32,
    issued_at: Rfc3339,
    #[serde(skip_serializing_if = "Option::is_none")]
    offer: Option<OfferOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
}

/// To whom a ticket is offered.
#[derive(Serialize, JsonSchema)]
struct OfferOut<'a> {
    to: &'a str,
    expires_at: Rfc3339,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum EventRef<'a> {
    Id(Text<EventId>),
    Whole(Box<EventOut<'a>>),
}

/// Enough of an event to show a ticket by.
#[derive(Serialize, JsonSchema)]
struct EventSummary<'a> {
    name: &'a str,
    starts_at: Rfc3339,
    time_zone: &'a str,
    venue: &'a str,
    city: &'a str,
}

impl<'a> TicketOut<'a> {
    /// A ticket; its event is given whole when asked for and known.
    #[must_use]
    pub fn new(view: &'a TicketView, expand_event: bool) -> Self {
        let ticket: &TicketRecord = &view.ticket;
        let summary = view.event.as_ref().map(|found| EventSummary {
            name: &found.event.name,
            starts_at: Rfc3339(found.event.starts_at),
            time_zone: &found.venue.time_zone,
            venue: &found.venue.name,
            city: &found.venue.city,
        });
        let event = match &view.event {
            Some(found) if expand_event => EventRef::Whole(Box::new(EventOut::new(found, super::Expand::default()))),
            _ => EventRef::Id(Text(ticket.event)),
        };
        let offer = ticket.offer.as_ref().filter(|_| view.state == TicketState::Offered);
        Self {
            object: "ticket",
            id: Text(ticket.id),
            state: super::ticket_state(view.state),
            pending: view.pending,
            event,
            event_summary: summary,
            order: Text(ticket.order),
            seat: SeatOut::of_ticket(ticket),
            area: AreaOut::of_ticket(ticket),
            level: ticket.level.0,
            price: money(ticket.price, ticket.currency),
            epoch: ticket.epoch,
            issued_at: Rfc3339(ticket.issued_at),
            offer: offer.map(|offer: &TicketOffer| OfferOut { to: &offer.to, expires_at: Rfc3339(offer.until) }),
            code: view.code.as_deref(),
        }
    }
}
