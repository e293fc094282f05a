//! What happened, in the words of the contract: the types of changes, and the message that says one. The same bytes on every node:
//! they follow from the change alone.

use boxoffice_ledger::change::{Change, ChangeId, EventChange, TicketChange};
use boxoffice_ledger::ids::{EventId, HoldId, OrderId, RefundId, TicketId, UserId};
use boxoffice_ledger::outcome::{HoldState, OrderState, RefundState, SeatState};
use schemars::JsonSchema;
use serde::Serialize;

use crate::backend::{ChangeView, Revision};
use crate::json::{Named, PriceChangeOut, Rfc3339, Text, hold_state, order_state, sale_state, seat_state};

/// Every type of change.
pub const KINDS: [&str; 34] = [
    "event.created",
    "event.published",
    "event.updated",
    "event.postponed",
    "event.cancelled",
    "sale.moved",
    "price.changed",
    "seat.available",
    "seat.held",
    "seat.sold",
    "seat.blocked",
    "area.changed",
    "hold.active",
    "hold.paying",
    "hold.converted",
    "hold.released",
    "hold.expired",
    "hold.revoked",
    "order.awaiting_payment",
    "order.confirmed",
    "order.part_refunded",
    "order.refunded",
    "order.failed",
    "order.cancelled",
    "refund.requested",
    "refund.done",
    "refund.failed",
    "ticket.issued",
    "ticket.offered",
    "ticket.offer_withdrawn",
    "ticket.transferred",
    "ticket.void",
    "ticket.checked_in",
    "ticket.checked_out",
];

/// Stands for [`KINDS`] in schemas.
pub struct Kind;

/// The type of a change; `None` for what is nobody's business.
#[must_use]
pub fn kind(change: &Change) -> Option<&'static str> {
    Some(match change {
        Change::CatalogEvent { what, .. } => match what {
            EventChange::Created => "event.created",
            EventChange::Published => "event.published",
            EventChange::Updated => "event.updated",
            EventChange::Postponed => "event.postponed",
            EventChange::Cancelled => "event.cancelled",
            EventChange::Provisioned | EventChange::Figures => return None,
        },
        Change::Sale { .. } => "sale.moved",
        Change::Price { .. } => "price.changed",
        Change::Seats { state, .. } => match state {
            SeatState::Available => "seat.available",
            SeatState::Held | SeatState::Pinned => "seat.held",
            SeatState::Sold => "seat.sold",
            SeatState::Blocked | SeatState::Killed => "seat.blocked",
        },
        Change::Area { .. } => "area.changed",
        Change::Hold { state, .. } => hold_kind(*state),
        Change::Order { state, .. } => order_kind(*state),
        Change::Refund { state, .. } => match state {
            RefundState::Requested => "refund.requested",
            RefundState::Done => "refund.done",
            RefundState::Failed => "refund.failed",
        },
        Change::Ticket { what, .. } => match what {
            TicketChange::Issued => "ticket.issued",
            TicketChange::Offered => "ticket.offered",
            TicketChange::Withdrawn => "ticket.offer_withdrawn",
            TicketChange::Transferred => "ticket.transferred",
            TicketChange::Void => "ticket.void",
            TicketChange::CheckedIn => "ticket.checked_in",
            TicketChange::CheckedOut => "ticket.checked_out",
        },
        _ => return None,
    })
}

fn hold_kind(state: HoldState) -> &'static str {
    match state {
        HoldState::Active => "hold.active",
        HoldState::Paying => "hold.paying",
        HoldState::Converted => "hold.converted",
        HoldState::Released => "hold.released",
        HoldState::Expired => "hold.expired",
        HoldState::Revoked => "hold.revoked",
    }
}

fn order_kind(state: OrderState) -> &'static str {
    match state {
        OrderState::AwaitingPayment => "order.awaiting_payment",
        OrderState::Confirmed => "order.confirmed",
        OrderState::PartRefunded => "order.part_refunded",
        OrderState::Refunded => "order.refunded",
        OrderState::Failed => "order.failed",
        OrderState::Cancelled => "order.cancelled",
    }
}

/// The event that a change belongs to.
#[must_use]
pub fn event(change: &Change) -> Option<EventId> {
    match change {
        Change::CatalogEvent { event, .. }
        | Change::Sale { event, .. }
        | Change::Price { event, .. }
        | Change::Seats { event, .. }
        | Change::Area { event, .. }
        | Change::Hold { event, .. }
        | Change::Order { event, .. }
        | Change::Refund { event, .. }
        | Change::Ticket { event, .. } => Some(*event),
        _ => None,
    }
}

/// Whether somebody who asked for these types wants this one.
#[must_use]
pub fn wants(types: &[String], kind: &str) -> bool {
    types.is_empty() || types.iter().any(|wanted| wanted == kind)
}

/// A change as a message.
#[derive(Serialize, JsonSchema)]
pub struct ChangeOut {
    id: Text<ChangeId>,
    #[serde(rename = "type")]
    #[schemars(with = "Named<Kind>")]
    kind: &'static str,
    created_at: Rfc3339,
    event: Option<Text<EventId>>,
    revision: Text<Revision>,
    data: Data,
}

#[derive(Default, Serialize, JsonSchema)]
struct Data {
    #[serde(skip_serializing_if = "Option::is_none")]
    seats: Option<Vec<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<Places>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<Text<HoldId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Text<OrderId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<Text<RefundId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<Text<TicketId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Text<UserId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<PriceChangeOut>,
}

#[derive(Serialize, JsonSchema)]
struct Places {
    index: u16,
    available: u32,
    held: u32,
    sold: u32,
}

impl Data {
    fn new(change: &Change, with_user: bool) -> Self {
        let of = |user: &UserId| with_user.then_some(Text(*user));
        match change {
            Change::Sale { state, .. } => Self { state: Some(sale_state(*state)), ..Self::default() },
            Change::Price { level, change, .. } => Self { price: Some(PriceChangeOut::new(*level, change)), ..Self::default() },
            Change::Seats { seats, state, .. } => {
                let seats = seats.iter().map(|seat| seat.0).collect();
                Self { seats: Some(seats), state: Some(seat_state(*state)), ..Self::default() }
            }
            Change::Area { area, available, held, sold, .. } => {
                let places = Places { index: area.0, available: *available, held: *held, sold: *sold };
                Self { area: Some(places), ..Self::default() }
            }
            Change::Hold { hold, user, state, .. } => {
                Self { hold: Some(Text(*hold)), state: Some(hold_state(*state)), user: of(user), ..Self::default() }
            }
            Change::Order { order, user, state, .. } => {
                Self { order: Some(Text(*order)), state: Some(order_state(*state)), user: of(user), ..Self::default() }
            }
            Change::Refund { order, refund, .. } => Self { order: Some(Text(*order)), refund: Some(Text(*refund)), ..Self::default() },
            Change::Ticket { ticket, user, .. } => Self { ticket: Some(Text(*ticket)), user: of(user), ..Self::default() },
            _ => Self::default(),
        }
    }
}

impl ChangeOut {
    /// The message that says a change; `None` for what is nobody's business.
    #[must_use]
    pub fn new(view: &ChangeView) -> Option<Self> {
        Some(Self {
            id: Text(view.id),
            kind: kind(&view.change)?,
            created_at: Rfc3339(view.at),
            event: event(&view.change).map(Text),
            revision: Text(Revision { incarnation: 0, group: view.id.group, index: view.id.index }),
            data: Data::new(&view.change, view.with_user),
        })
    }
}

/// The bytes of the message that says a change.
#[must_use]
pub fn message(view: &ChangeView) -> Vec<u8> {
    ChangeOut::new(view).and_then(|out| serde_json::to_vec(&out).ok()).unwrap_or_default()
}

/// The bytes of a message that says nothing, so that a webhook can be tried.
#[must_use]
pub fn test_message(id: &str, at: boxoffice_ledger::time::Timestamp) -> Vec<u8> {
    let message = serde_json::json!({"id": id, "type": TEST_KIND, "created_at": Rfc3339(at).to_string(), "event": null, "data": {}});
    message.to_string().into_bytes()
}

/// The bytes of the message that some changes of a group are not there any more to be sent: read its events anew.
#[must_use]
pub fn gap_message(id: &str, after: ChangeId, next: ChangeId, at: boxoffice_ledger::time::Timestamp) -> Vec<u8> {
    let data = serde_json::json!({"group": after.group, "after": after.to_string(), "resumed_after": next.to_string()});
    let message = serde_json::json!({"id": id, "type": GAP_KIND, "created_at": Rfc3339(at).to_string(), "event": null, "data": data});
    message.to_string().into_bytes()
}

/// Type of [`test_message`].
pub const TEST_KIND: &str = "webhook.test";
/// Type of [`gap_message`].
pub const GAP_KIND: &str = "webhook.gap";

#[cfg(test)]
mod tests {
    use super::*;
    use boxoffice_ledger::plan::SeatIndex;
    use boxoffice_ledger::time::Timestamp;

    #[test]
    fn a_message_is_always_the_same_bytes() {
        let change =
            Change::Seats { event: EventId(1), seats: vec![SeatIndex(3), SeatIndex(4)], from: SeatState::Held, state: SeatState::Pinned };
        let id = ChangeId { group: 3, index: 81_263, number: 2 };
        let view = ChangeView { id, at: Timestamp(1_790_000_000_000_001), change, with_user: true };
        assert_eq!(
            String::from_utf8(message(&view)).unwrap(),
            "{\"id\":\"chg_3_81263_2\",\"type\":\"seat.held\",\"created_at\":\"2026-09-21T14:13:20.000001Z\",\
             \"event\":\"evt_00000000000000000000000001\",\"revision\":\"3:81263\",\"data\":{\"seats\":[3,4],\"state\":\"held\"}}"
        );
        let order = Change::Order { event: EventId(1), order: OrderId(5), user: UserId(6), state: OrderState::Confirmed };
        let with = |with_user| {
            serde_json::from_slice::<serde_json::Value>(&message(&ChangeView { change: order.clone(), with_user, ..view.clone() }))
        };
        assert_eq!(with(true).unwrap()["data"]["user"], UserId(6).to_string());
        assert!(with(false).unwrap()["data"].get("user").is_none());
    }

    #[test]
    fn every_type_is_listed_once() {
        let mut kinds = KINDS.to_vec();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), KINDS.len());
        let ticket = |what| Change::Ticket { event: EventId(1), ticket: TicketId(1), user: UserId(1), what };
        for what in [
            TicketChange::Issued,
            TicketChange::Offered,
            TicketChange::Withdrawn,
            TicketChange::Transferred,
            TicketChange::Void,
            TicketChange::CheckedIn,
            TicketChange::CheckedOut,
        ] {
            assert!(KINDS.contains(&kind(&ticket(what)).unwrap()), "{what:?}");
        }
        assert_eq!(kind(&Change::Outbox { target: 1 }), None);
        assert!(wants(&[], "x") && wants(&["x".into()], "x") && !wants(&["y".into()], "x"));
    }
}
