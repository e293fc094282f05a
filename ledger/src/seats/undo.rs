//! What takes seats back: tickets voided after a refund, seats taken off sale, a sale called off.

use alloc::vec::Vec;

use super::lifecycle::{may_act, not_found};
use super::pay::wrong;
use super::records::Cell;
use super::work::Work;
use crate::change::Change;
use crate::command::{Actor, BlockAction, Delivery, SaleAction};
use crate::ids::{HoldId, TicketId};
use crate::orders::{Order, Place, order_of};
use crate::outcome::{HoldState, OrderState, Rejection, SaleState, SeatOutcome, SeatState};
use crate::plan::SeatIndex;

impl Work<'_> {
    /// Moves the sale. Cancelling revokes every hold that is not being paid.
    pub(crate) fn move_sale(&mut self, action: SaleAction) -> Result<SeatOutcome, Rejection> {
        use SaleState::{Cancelled, Closed, OnSale, Paused, Published};
        let state = self.sale.head.state;
        let next = match (action, state) {
            (SaleAction::Open, Published) | (SaleAction::Resume, Paused) => OnSale,
            (SaleAction::Pause, OnSale) => Paused,
            (SaleAction::Close, OnSale | Paused) => Closed,
            (SaleAction::Cancel, Published | OnSale | Paused | Closed) => Cancelled,
            _ => return Err(Rejection::SaleMove { state }),
        };
        self.set_sale(next);
        if next == Cancelled {
            let active: Vec<HoldId> = {
                let holds = self.sale.holds.sorted().into_iter();
                holds.filter(|(_, hold)| hold.state == HoldState::Active).map(|(&id, _)| id).collect()
            };
            for hold in active {
                self.end_hold(hold, HoldState::Revoked);
            }
        }
        Ok(SeatOutcome::Sale(next))
    }

    /// Makes tickets void and frees their seats. All of one order, all or nothing.
    pub(crate) fn void(&mut self, tickets: &[TicketId], actor: Actor, block: bool) -> Result<SeatOutcome, Rejection> {
        let id = tickets.first().map(|&ticket| order_of(ticket).0).ok_or_else(|| not_found("ticket"))?;
        let order = self.sale.orders.get(&id).filter(|order| may_act(actor, order.user)).ok_or_else(|| not_found("ticket"))?;
        let mut ordinals: Vec<usize> = tickets.iter().map(|&ticket| usize::from(order_of(ticket).1)).collect();
        ordinals.sort_unstable();
        let (refund, places) = refundable(order, &ordinals)?;
        self.may_void(order, &ordinals, actor)?;
        let user = order.user;
        let to = if block { SeatState::Blocked } else { SeatState::Available };
        let mut seats = Vec::new();
        for place in places {
            match place {
                Place::Seat(seat) => seats.push(seat),
                Place::Area(area) => self.move_places(area, SeatState::Sold, to, 1),
            }
        }
        self.set_seats(seats, Cell::new(to, 0));
        let count = tickets.len() as u32;
        self.count_user(user, |has| has.owned = has.owned.saturating_sub(count));
        self.change_order(id, |order| {
            let mut changed = order.tickets.to_vec();
            for &ordinal in &ordinals {
                if let Some(ticket) = changed.get_mut(ordinal) {
                    ticket.void = true;
                    ticket.epoch = ticket.epoch.saturating_add(1);
                }
            }
            let all = changed.iter().all(|ticket| ticket.void);
            order.state = if all { OrderState::Refunded } else { OrderState::PartRefunded };
            order.refunded = order.refunded.saturating_add(refund);
            order.revision = order.revision.saturating_add(1);
            order.tickets = changed.into();
        });
        self.drop_offers(id, &ordinals);
        let order = self.sale.orders.get(&id).ok_or_else(|| not_found("order"))?;
        let mut records = Vec::with_capacity(ordinals.len() + 1);
        records.push(self.sale.order_delivery(order));
        for ordinal in ordinals {
            let record = self.sale.ticket_record(order, ordinal as u16, &order.tickets[ordinal]);
            records.push(Delivery::Ticket(record));
        }
        self.say_tickets(&records);
        self.deliver_each(records);
        Ok(SeatOutcome::Voided { order: id, refund, currency: self.sale.terms.currency })
    }

    /// Takes seats off sale or puts them back; revokes holds in the way. All or nothing.
    pub(crate) fn block(&mut self, seats: &[SeatIndex], action: BlockAction) -> Result<SeatOutcome, Rejection> {
        use SeatState::{Available, Blocked, Held, Killed};
        let to = match action {
            BlockAction::Block => Blocked,
            BlockAction::Unblock => Available,
            BlockAction::Kill => Killed,
        };
        let mut seats = seats.to_vec();
        seats.sort_unstable();
        let state = |seat: SeatIndex| self.sale.seat_state(seat).unwrap_or(Killed);
        let fits = |from: SeatState| {
            from == to
                || match action {
                    BlockAction::Block => matches!(from, Available | Held),
                    BlockAction::Unblock => from == Blocked,
                    BlockAction::Kill => matches!(from, Available | Held | Blocked),
                }
        };
        let conflicts: Vec<_> = seats.iter().map(|&seat| (seat, state(seat))).filter(|&(_, from)| !fits(from)).collect();
        if !conflicts.is_empty() {
            return Err(Rejection::SeatsUnavailable { conflicts, areas: Vec::new(), alternatives: Vec::new() });
        }
        let mut revoked: Vec<HoldId> = {
            let held = seats.iter().filter_map(|seat| self.sale.cells.get(seat.0 as usize)).filter(|cell| cell.state == Held);
            held.map(|cell| HoldId(cell.owner())).collect()
        };
        revoked.sort_unstable();
        revoked.dedup();
        for &hold in &revoked {
            self.end_hold(hold, HoldState::Revoked);
        }
        seats.retain(|&seat| self.sale.seat_state(seat) != Some(to));
        self.set_seats(seats, Cell::new(to, 0));
        Ok(SeatOutcome::Blocked { revoked })
    }

    /// Says which tickets were issued or voided.
    pub(crate) fn say_tickets(&mut self, records: &[Delivery]) {
        let event = self.sale.id;
        self.changes.extend(records.iter().filter_map(|record| match record {
            Delivery::Ticket(ticket) => Some(Change::Ticket { event, ticket: ticket.id, user: ticket.user, void: ticket.void }),
            Delivery::Order(_) => None,
        }));
    }
}

/// What voiding these tickets gives back, and the places it frees.
fn refundable(order: &Order, ordinals: &[usize]) -> Result<(u64, Vec<Place>), Rejection> {
    let mut refund = 0_u64;
    let mut places = Vec::with_capacity(ordinals.len());
    for &ordinal in ordinals {
        let ticket = order.tickets.get(ordinal).ok_or_else(|| not_found("ticket"))?;
        if ticket.void {
            return Err(wrong("a ticket is void already"));
        }
        refund = refund.saturating_add(ticket.price);
        places.push(ticket.place);
    }
    Ok((refund, places))
}
