//! Rows of the change journal: what one applied entry did, as far as it is anybody else's business.

use alloc::vec::Vec;

use super::wire::numbered_change::{self as parts, Change as Wire};
use super::{CodecError, common, envelope, price, wire};
use crate::change::{Change, EventChange};
use crate::codec::seats::{read_refund_state, refund_state};
use crate::ids::{EventId, HoldId, OrderId, RefundId, TicketId, UserId};
use crate::plan::{AreaIndex, SeatIndex};
use crate::time::Timestamp;
use prost::Message as _;

use states::{event_change, read_event_change, read_ticket_change, ticket_change};

/// Apart, so that what they make stays within this file.
mod states {
    use super::super::{CodecError, common, wire};
    use crate::change::{EventChange, TicketChange};

    common::states!(ticket_change, read_ticket_change, TicketChange:
        Issued, Offered, Withdrawn, Transferred, Void, CheckedIn, CheckedOut);
    common::states!(event_change, read_event_change, EventChange:
        Created, Published, Updated, Postponed, Cancelled, Provisioned, Figures);
}

/// A row of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// Index of the log entry.
    pub index: u64,
    /// Its stamp.
    pub at: Timestamp,
    /// Its changes with their ordinals in the entry, ascending. Those that only the system itself needs are left out.
    pub changes: Vec<(u32, Change)>,
    /// On a mark: the digest of a state all of whose changes stand in the rows before.
    pub digest: Option<u128>,
}

/// Whether a change goes into the journal.
#[must_use]
pub fn is_public(change: &Change) -> bool {
    match change {
        Change::Attempt { .. } | Change::Outbox { .. } | Change::Account { .. } | Change::Cart { .. } => false,
        Change::CatalogVenue { .. } | Change::CatalogPerformer { .. } => false,
        Change::CatalogEvent { what, .. } => !matches!(what, EventChange::Provisioned | EventChange::Figures),
        _ => true,
    }
}

/// Encodes a row.
#[must_use]
pub fn encode_row(row: &JournalRow) -> Vec<u8> {
    let changes = row.changes.iter().filter_map(|(number, change)| encode(*number, change)).collect();
    wire::JournalRow { index: row.index, at_us: row.at.0, changes, digest: row.digest.map(common::id) }.encode_to_vec()
}

/// Decodes a row.
///
/// # Errors
/// When the bytes are not a row that this build knows.
pub fn decode_row(bytes: &[u8]) -> Result<JournalRow, CodecError> {
    let row: wire::JournalRow = envelope::exact(bytes)?;
    Ok(JournalRow {
        index: row.index,
        at: Timestamp(row.at_us),
        changes: row.changes.into_iter().map(decode).collect::<Result<_, _>>()?,
        digest: row.digest.map(|digest| common::read_id(Some(digest))).transpose()?,
    })
}

fn encode(number: u32, change: &Change) -> Option<wire::NumberedChange> {
    let mut sale_from = 0;
    let (event, user, change) = match change {
        Change::Seats { event, seats, from, state } => {
            let seats = seats.iter().map(|seat| seat.0).collect();
            (event, None, Wire::Seats(parts::Seats { seats, state: common::seat_state(*state), from: common::seat_state(*from) }))
        }
        Change::Area { event, area, available, held, sold, before } => {
            let [available_before, held_before, sold_before] = *before;
            let (area, available, held, sold) = (area.0.into(), *available, *held, *sold);
            (event, None, Wire::Area(parts::Area { area, available, held, sold, available_before, held_before, sold_before }))
        }
        Change::Hold { event, hold, user, state } => {
            (event, Some(user), Wire::Hold(parts::Hold { hold: Some(common::id(hold.0)), state: common::hold_state(*state) }))
        }
        Change::Order { event, order, user, state } => {
            (event, Some(user), Wire::Order(parts::Order { order: Some(common::id(order.0)), state: common::order_state(*state) }))
        }
        Change::Refund { event, order, refund, state } => {
            let (order, refund) = (Some(common::id(order.0)), Some(common::id(refund.0)));
            (event, None, Wire::Refund(parts::Refund { order, refund, state: refund_state(*state) }))
        }
        Change::Ticket { event, ticket, user, what } => {
            (event, Some(user), Wire::Ticket(parts::Ticket { ticket: Some(common::id(ticket.0)), what: ticket_change(*what) }))
        }
        Change::Sale { event, from, state } => {
            sale_from = common::sale_state(*from);
            (event, None, Wire::Sale(common::sale_state(*state)))
        }
        Change::Price { event, level, change } => (event, None, Wire::Price(price::change(*level, change))),
        Change::CatalogEvent { event, what } => (event, None, Wire::Catalog(event_change(*what))),
        _ => return None,
    };
    let (event, user) = (Some(common::id(event.0)), user.map(|user| common::id(user.0)));
    Some(wire::NumberedChange { number, event, user, change: Some(change), sale_from })
}

fn decode(message: wire::NumberedChange) -> Result<(u32, Change), CodecError> {
    let event = EventId(common::read_id(message.event)?);
    let user = || common::read_id(message.user).map(UserId);
    let change = match message.change.ok_or_else(|| CodecError::unknown("a kind of change"))? {
        Wire::Seats(seats) => Change::Seats {
            event,
            seats: seats.seats.into_iter().map(SeatIndex).collect(),
            from: common::read_seat_state(seats.from)?,
            state: common::read_seat_state(seats.state)?,
        },
        Wire::Area(area) => Change::Area {
            event,
            area: AreaIndex(common::read_u16(area.area)?),
            available: area.available,
            held: area.held,
            sold: area.sold,
            before: [area.available_before, area.held_before, area.sold_before],
        },
        Wire::Hold(hold) => {
            Change::Hold { event, hold: HoldId(common::read_id(hold.hold)?), user: user()?, state: common::read_hold_state(hold.state)? }
        }
        Wire::Order(order) => Change::Order {
            event,
            order: OrderId(common::read_id(order.order)?),
            user: user()?,
            state: common::read_order_state(order.state)?,
        },
        Wire::Refund(refund) => Change::Refund {
            event,
            order: OrderId(common::read_id(refund.order)?),
            refund: RefundId(common::read_id(refund.refund)?),
            state: read_refund_state(refund.state)?,
        },
        Wire::Ticket(ticket) => Change::Ticket {
            event,
            ticket: TicketId(common::read_id(ticket.ticket)?),
            user: user()?,
            what: read_ticket_change(ticket.what)?,
        },
        Wire::Sale(state) => {
            Change::Sale { event, from: common::read_sale_state(message.sale_from)?, state: common::read_sale_state(state)? }
        }
        Wire::Price(change) => {
            let (level, change) = price::read_change(change)?;
            Change::Price { event, level, change: change.into() }
        }
        Wire::Catalog(what) => Change::CatalogEvent { event, what: read_event_change(what)? },
    };
    Ok((message.number, change))
}

#[cfg(test)]
mod tests {
    use super::super::golden;
    use super::*;
    use crate::change::TicketChange;
    use crate::outcome::{HoldState, OrderState, RefundState, SaleState, SeatState};
    use alloc::vec;

    fn row() -> JournalRow {
        let (event, user) = (EventId(1 << 100), UserId(7));
        let changes = vec![
            Change::Seats { event, seats: vec![SeatIndex(0), SeatIndex(700)], from: SeatState::Pinned, state: SeatState::Sold },
            Change::Area { event, area: AreaIndex(2), available: 5, held: 1, sold: 3, before: [6, 0, 3] },
            Change::Hold { event, hold: HoldId(5), user, state: HoldState::Converted },
            Change::Order { event, order: OrderId(6 << 16), user, state: OrderState::Confirmed },
            Change::Refund { event, order: OrderId(6 << 16), refund: RefundId(8), state: RefundState::Done },
            Change::Ticket { event, ticket: TicketId(9), user, what: TicketChange::Transferred },
            Change::Sale { event, from: SaleState::OnSale, state: SaleState::Paused },
            Change::CatalogEvent { event, what: EventChange::Postponed },
        ];
        assert!(changes.iter().all(is_public));
        JournalRow { index: 81_263, at: Timestamp(5), changes: (0_u32..).step_by(2).zip(changes).collect(), digest: None }
    }

    #[test]
    fn rows_are_the_same_for_ever() {
        let mark = JournalRow { changes: vec![], digest: Some(1 << 77), ..row() };
        for (name, row) in [("journal-row", row()), ("journal-mark", mark)] {
            let bytes = golden::check(name, &encode_row(&row));
            assert_eq!(decode_row(&bytes), Ok(row));
        }
    }

    #[test]
    fn changes_of_prices_are_the_same_for_ever() {
        use crate::plan::LevelIndex;
        use crate::pricing::{Inputs, Policy, PriceCause, PriceChange, Tier};
        let inputs = Inputs { capacity: 9, sold: 5, sold_before: 4, since: Timestamp(7), held: 2, smooth_before: 1500 };
        let policy = Policy::Tiers(vec![Tier { places: 4, price: 80 }, Tier { places: 0, price: 90 }]);
        let causes = [
            PriceCause::Demand(inputs),
            PriceCause::TierExhausted { tier: 1, taken: 4 },
            PriceCause::TierReopened { tier: 0, taken: 3 },
            PriceCause::Policy { policy, taken: 4, reason: "slow".into() },
        ];
        let changes = (1_u32..).zip(causes).map(|(number, cause)| {
            let change = PriceChange { version: number, at: Timestamp(900), from: 80, to: 90, cause };
            (number, Change::Price { event: EventId(1 << 100), level: LevelIndex(2), change: change.into() })
        });
        let row = JournalRow { changes: changes.collect(), ..row() };
        assert!(row.changes.iter().all(|(_, change)| is_public(change)));
        let bytes = golden::check("journal-row-prices", &encode_row(&row));
        assert_eq!(decode_row(&bytes), Ok(row));
    }

    #[test]
    fn what_is_no_row_is_refused() {
        let good = encode_row(&row());
        for cut in 1..good.len() {
            // A message can be cut between its fields and is one still: then it says less.
            assert_ne!(decode_row(&good[..cut]), Ok(row()));
        }
        assert!(matches!(decode_row(&[good, vec![0xf8, 7, 1]].concat()), Err(CodecError::Unknown(_))));
    }
}
