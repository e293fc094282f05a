//! Money back: refunds with their tickets, what becomes of them, orders of cancelled events, captures that fail, disputes.
//!
//! A refund voids its tickets, frees their seats and reserves its amount in one entry; the provider is told afterwards, with the
//! refund's id as its key. Refunds belong to an order and its payment, never to a seat: what is sold again is another order's.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::lifecycle::{may_act, not_found};
use super::pay::{Told, wrong};
use super::records::Cell;
use super::work::Work;
use crate::change::{Change, TicketChange};
use crate::command::{Actor, Delivery, RefundWho};
use crate::ids::{AttemptId, OrderId, RefundId, TicketId, UserId};
use crate::orders::{DISPUTES_MAX, Dispute, DisputeState, Move, Order, Place, REFUNDS_MAX, Refund, order_of};
use crate::outcome::{AttemptState, OrderState, RefundState, Rejection, SaleState, SeatOutcome, SeatState};

/// What is asked for. The tickets are of the order, each once.
pub(crate) struct Wish<'a> {
    pub(crate) order: OrderId,
    pub(crate) refund: RefundId,
    /// None and no amount: all that are left.
    pub(crate) tickets: &'a [TicketId],
    pub(crate) amount: Option<u64>,
    pub(crate) actor: Actor,
    pub(crate) reason: &'a str,
    pub(crate) block: bool,
}

/// The id of the refund that the cancellation of an event gives an order. No ticket has this ordinal.
pub(crate) const fn refund_of_cancellation(order: OrderId) -> RefundId {
    RefundId(order.0 | 0xffff)
}

impl Work<'_> {
    /// Opens a refund. All or nothing.
    pub(crate) fn refund(&mut self, wish: &Wish<'_>) -> Result<SeatOutcome, Rejection> {
        let named = !wish.tickets.is_empty();
        let missing = || not_found(if named { "ticket" } else { "order" });
        let order = self.sale.orders.get(&wish.order).filter(|order| may_act(wish.actor, order.user)).ok_or_else(missing)?;
        let ordinals = ordinals(order, wish)?;
        self.may_void(order, &ordinals, wish.actor)?;
        let amount = self.amount(order, &ordinals, wish)?;
        if order.refund(wish.refund).is_some() {
            return Err(wrong("a refund with this id exists"));
        }
        if order.refunds.len() >= REFUNDS_MAX && wish.actor != Actor::System {
            return Err(wrong("the order takes no further refund"));
        }
        let refund = Refund {
            id: wish.refund,
            amount,
            tickets: ordinals,
            reason: wish.reason.into(),
            state: if amount == 0 { RefundState::Done } else { RefundState::Requested },
            requested_at: self.at,
            by: wish.actor,
            code: Arc::default(),
        };
        let (state, ordinals) = (refund.state, refund.tickets.clone());
        self.void(wish.order, &ordinals, wish.block, |order| {
            order.refunded = order.refunded.saturating_add(amount);
            order.refunds.push(refund);
            order.state = order.state_by_refunds();
        });
        self.say_refund(wish.order, wish.refund, state);
        Ok(SeatOutcome::Voided { order: wish.order, refund: amount, currency: self.sale.terms.currency })
    }

    /// What this wish gives back, if the event's policy allows it.
    fn amount(&self, order: &Order, ordinals: &[u16], wish: &Wish<'_>) -> Result<u64, Rejection> {
        let policy = &self.sale.terms.refunds;
        let prices = ordinals.iter().filter_map(|&ordinal| order.tickets.get(usize::from(ordinal))).map(|ticket| ticket.price);
        let value = prices.fold(0_u64, u64::saturating_add);
        match (wish.actor, policy.who) {
            (Actor::User(_), RefundWho::Staff | RefundWho::Nobody) => {
                return Err(wrong("the event's policy lets no buyer give tickets back"));
            }
            (Actor::User(_), _) if wish.amount.is_some() => return Err(wrong("only staff may name an amount")),
            (Actor::User(_), _) if policy.until.is_some_and(|until| until <= self.at) => {
                return Err(wrong("the time in which the event's policy lets buyers give tickets back is over"));
            }
            (Actor::Staff(_), RefundWho::Nobody) => return Err(wrong("the event's policy allows no refunds")),
            _ => (),
        }
        match (wish.amount, wish.actor) {
            (Some(amount), _) if amount > order.left() => Err(wrong("that is more than is left of what was paid")),
            (Some(amount), _) if !ordinals.is_empty() && amount > value => Err(wrong("that is more than the tickets cost")),
            (Some(amount), _) => Ok(amount),
            (None, Actor::User(_)) => Ok(policy.refund(value, ordinals.len() as u64).min(order.left())),
            (None, _) => Ok(value.min(order.left())),
        }
    }

    /// Makes tickets of a confirmed order void, frees their seats, changes the order and tells its buyer.
    fn void(&mut self, id: OrderId, ordinals: &[u16], block: bool, change: impl FnOnce(&mut Order)) {
        let Some(order) = self.sale.orders.get(&id) else { return };
        let (user, event) = (order.user, self.sale.id);
        let places: Vec<Place> =
            ordinals.iter().filter_map(|&ordinal| order.tickets.get(usize::from(ordinal))).map(|one| one.place).collect();
        let allocation = order.promo.as_ref().and_then(|applied| applied.allocation);
        let mut seats = Vec::new();
        for place in places {
            match place {
                Place::Seat(seat) => seats.push(seat),
                Place::Area(area) if block => self.move_places(area, SeatState::Sold, SeatState::Blocked, 1),
                Place::Area(area) => self.free_places(area, SeatState::Sold, 1, allocation),
            }
        }
        if block {
            self.set_seats(seats, Cell::new(SeatState::Blocked, 0));
        } else {
            self.free_seats(seats);
        }
        let count = ordinals.len() as u32;
        if count > 0 {
            self.count_user(user, |has| has.owned = has.owned.saturating_sub(count));
        }
        self.change_order(id, |order| {
            let mut changed = order.tickets.to_vec();
            for &ordinal in ordinals {
                if let Some(ticket) = changed.get_mut(usize::from(ordinal)) {
                    ticket.void = true;
                    ticket.epoch = ticket.epoch.saturating_add(1);
                }
            }
            order.tickets = changed.into();
            order.revision = order.revision.saturating_add(1);
            change(order);
        });
        for &ordinal in ordinals {
            self.sale.dead.insert(TicketId::of_order(id, ordinal));
        }
        self.drop_offers(id, ordinals);
        let Some(order) = self.sale.orders.get(&id) else { return };
        self.agenda.note_refunds(event, order);
        if !order.admits() {
            self.agenda.backlog.remove(&(event, id));
        }
        let mut records = Vec::with_capacity(ordinals.len() + 1);
        records.push(self.sale.order_delivery(order));
        for &ordinal in ordinals {
            let record = self.sale.ticket_record(order, ordinal, &order.tickets[usize::from(ordinal)]);
            records.push(Delivery::Ticket(record));
        }
        self.say_tickets(&records);
        self.deliver_each(records);
    }

    /// Refunds the next orders of a cancelled event, whole.
    pub(crate) fn refund_next(&mut self, limit: u32) -> Result<SeatOutcome, Rejection> {
        if self.sale.head.state != SaleState::Cancelled {
            return Err(wrong("the event is not cancelled"));
        }
        let event = self.sale.id;
        let from = (event, OrderId(0));
        let backlog = self.agenda.backlog.range(from..).take_while(|next| next.0 == event);
        let next: Vec<OrderId> = backlog.take(limit as usize).map(|next| next.1).collect();
        for order in next {
            let (refund, reason) = (refund_of_cancellation(order), "the event is cancelled");
            self.refund(&Wish { order, refund, tickets: &[], amount: None, actor: Actor::System, reason, block: false })?;
        }
        Ok(SeatOutcome::Done)
    }

    /// Notes that the buyer has the money.
    pub(crate) fn refund_done(&mut self, order: OrderId, refund: RefundId) -> Told {
        self.end_refund(order, refund, RefundState::Done, "")
    }

    /// Notes that the provider refused: the amount can be given back in another way.
    pub(crate) fn refund_failed(&mut self, order: OrderId, refund: RefundId, code: &str) -> Told {
        self.end_refund(order, refund, RefundState::Failed, code)
    }

    fn end_refund(&mut self, id: OrderId, refund: RefundId, state: RefundState, code: &str) -> Told {
        let order = self.sale.orders.get(&id).ok_or_else(|| not_found("order"))?;
        let known = order.refund(refund).ok_or_else(|| not_found("refund"))?;
        if known.state != RefundState::Requested {
            return if known.state == state { Ok((SeatOutcome::Done, true)) } else { Err(wrong("the refund is over")) };
        }
        let captured = order.attempts.last().is_some_and(|last| last.state == AttemptState::Captured);
        if !captured {
            return Err(wrong("the money was not captured"));
        }
        let change = |order: &mut Order| {
            let amount = close(order, refund, state, code);
            if state == RefundState::Failed {
                order.refunded = order.refunded.saturating_sub(amount);
                order.state = order.state_by_refunds();
            }
        };
        if state == RefundState::Failed {
            self.void(id, &[], false, change);
        } else {
            self.change_order(id, change);
            self.note_refunds(id);
        }
        self.say_refund(id, refund, state);
        Ok((SeatOutcome::Done, false))
    }

    /// Notes that the reservation of an undone order was given back: its refunds are done, for nothing was taken.
    pub(crate) fn voided(&mut self, order: OrderId, attempt: AttemptId) -> Told {
        let (known, step) = self.attempt(order, attempt, AttemptState::Voided)?;
        match step {
            Move::Repeat => return Ok((SeatOutcome::Done, true)),
            Move::Refused => return Err(wrong("the attempt is not authorized, or was captured")),
            Move::Moves if !known.is_undone() => return Err(wrong("the order stands: its money is to be captured")),
            Move::Moves => (),
        }
        self.change_attempt(order, |attempt| attempt.state = AttemptState::Voided);
        self.close_refunds(order, RefundState::Done, "");
        Ok((SeatOutcome::Done, false))
    }

    /// Notes that the reserved money cannot be had: tickets are void, seats on sale again.
    pub(crate) fn capture_failed(&mut self, order: OrderId, attempt: AttemptId, code: &str) -> Told {
        let (known, step) = self.attempt(order, attempt, AttemptState::CaptureFailed)?;
        match step {
            Move::Repeat => return Ok((SeatOutcome::Done, true)),
            Move::Refused => return Err(wrong("the attempt is not authorized, or was captured")),
            Move::Moves if known.is_undone() => return self.voided(order, attempt),
            Move::Moves => (),
        }
        let standing = known.tickets.iter().zip(0_u16..).filter(|(ticket, _)| !ticket.void).map(|(_, ordinal)| ordinal);
        let standing: Vec<u16> = standing.collect();
        self.change_attempt(order, |attempt| {
            attempt.state = AttemptState::CaptureFailed;
            attempt.code = code.into();
        });
        self.close_refunds(order, RefundState::Failed, "not_captured");
        self.uncount_sale(order);
        self.void(order, &standing, false, |order| {
            order.refunded = 0;
            order.state = OrderState::Cancelled;
        });
        Ok((SeatOutcome::Done, false))
    }

    /// Ends all open refunds of an order in the same way.
    fn close_refunds(&mut self, id: OrderId, state: RefundState, code: &str) {
        let Some(order) = self.sale.orders.get(&id) else { return };
        let open = order.refunds.iter().filter(|refund| refund.state == RefundState::Requested);
        let open: Vec<RefundId> = open.map(|refund| refund.id).collect();
        self.change_order(id, |order| {
            for &refund in &open {
                close(order, refund, state, code);
            }
        });
        self.note_refunds(id);
        open.into_iter().for_each(|refund| self.say_refund(id, refund, state));
    }

    /// Notes a dispute, or where it stands now.
    pub(crate) fn dispute(&mut self, order: OrderId, dispute: &str, state: DisputeState, amount: u64) -> Told {
        let known = self.sale.orders.get(&order).ok_or_else(|| not_found("order"))?;
        let place = known.disputes.iter().position(|one| &*one.id == dispute);
        match place {
            Some(place) if known.disputes[place].state >= state => return Ok((SeatOutcome::Done, true)),
            None if known.disputes.len() >= DISPUTES_MAX => return Err(wrong("the order takes no further dispute")),
            _ => (),
        }
        let opened_at = self.at;
        self.change_order(order, |order| match place.and_then(|place| order.disputes.get_mut(place)) {
            Some(known) => known.state = state,
            None => order.disputes.push(Dispute { id: dispute.into(), state, amount, opened_at }),
        });
        Ok((SeatOutcome::Done, false))
    }

    fn note_refunds(&mut self, order: OrderId) {
        if let Some(order) = self.sale.orders.get(&order) {
            self.agenda.note_refunds(self.sale.id, order);
        }
    }

    fn say_refund(&mut self, order: OrderId, refund: RefundId, state: RefundState) {
        self.changes.push(Change::Refund { event: self.sale.id, order, refund, state });
    }

    /// Says what happened to a ticket.
    pub(crate) fn say_ticket(&mut self, ticket: TicketId, user: UserId, what: TicketChange) {
        self.changes.push(Change::Ticket { event: self.sale.id, ticket, user, what });
    }

    /// Says which tickets were issued or voided.
    pub(crate) fn say_tickets(&mut self, records: &[Delivery]) {
        let event = self.sale.id;
        self.changes.extend(records.iter().filter_map(|record| match record {
            Delivery::Ticket(ticket) => {
                let what = if ticket.void { TicketChange::Void } else { TicketChange::Issued };
                Some(Change::Ticket { event, ticket: ticket.id, user: ticket.user, what })
            }
            Delivery::Order(_) => None,
        }));
    }
}

/// Moves a refund to its end; answers its amount.
fn close(order: &mut Order, refund: RefundId, state: RefundState, code: &str) -> u64 {
    let Some(known) = order.refunds.iter_mut().find(|known| known.id == refund) else { return 0 };
    known.state = state;
    known.code = code.into();
    known.amount
}

/// The tickets that a wish makes void, ascending.
fn ordinals(order: &Order, wish: &Wish<'_>) -> Result<Vec<u16>, Rejection> {
    let mut ordinals: Vec<u16> = match (wish.tickets, wish.amount) {
        ([], Some(_)) => Vec::new(),
        ([], None) => order.tickets.iter().zip(0_u16..).filter(|(ticket, _)| !ticket.void).map(|(_, ordinal)| ordinal).collect(),
        (named, _) => named.iter().map(|&ticket| order_of(ticket).1).collect(),
    };
    ordinals.sort_unstable();
    for &ordinal in &ordinals {
        let ticket = order.tickets.get(usize::from(ordinal)).ok_or_else(|| not_found("ticket"))?;
        if ticket.void {
            return Err(wrong("a ticket is void already"));
        }
    }
    if !order.is_confirmed() || (ordinals.is_empty() && wish.amount.is_none()) {
        return Err(wrong("the order has no tickets to give back"));
    }
    Ok(ordinals)
}
