//! From a hold to tickets: pin, authorize, confirm; and what becomes of it when the provider says no.
//!
//! `PayBegin` pins the seats: from then on no time frees them. `Confirm` sells them in one entry. `PayFail` gives the buyer
//! another try while there are attempts and time left. Messages about an attempt carry no request id: they are recognised by
//! order and attempt, and a repeat is answered as the first was, marked as replayed.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::lifecycle::not_found;
use super::records::Hold;
use super::work::Work;
use crate::command::{Actor, Delivery};
use crate::ids::{AttemptId, HoldId, OrderId, UserId};
use crate::orders::{ATTEMPTS_MAX, Attempt, Move, Order, Place, Ticket};
use crate::outcome::{AttemptState, HoldState, OrderState, Rejection, SaleState, SeatOutcome, SeatState};
use crate::time::Timestamp;

/// What a message about an attempt did: an outcome, and whether it had been done before.
pub(crate) type Told = Result<(SeatOutcome, bool), Rejection>;

impl Work<'_> {
    /// Pins a hold and opens a payment attempt; a total of zero is confirmed at once.
    pub(crate) fn pay_begin(
        &mut self,
        id: HoldId,
        user: UserId,
        order: OrderId,
        attempt: AttemptId,
        method: &str,
    ) -> Result<SeatOutcome, Rejection> {
        let hold = self.active_hold(id, Actor::User(user))?.clone();
        let order = match hold.order {
            Some(order) => self.reopen(order, attempt)?,
            None if self.sale.orders.contains(&order) => return Err(wrong("an order with this id exists")),
            None => order,
        };
        if hold.items.total() == 0 {
            return self.sell(&hold, order, None);
        }
        if hold.order.is_none() {
            self.add_order(new_order(&hold, order));
        }
        self.move_items(hold.items.as_slice(), SeatState::Held, SeatState::Pinned, id.0);
        self.change_hold(id, |hold| {
            hold.state = HoldState::Paying;
            hold.order = Some(order);
        });
        let begun_at = self.at;
        self.change_order(order, |order| {
            order.attempts.push(Attempt {
                id: attempt,
                state: AttemptState::Created,
                begun_at,
                method: method.into(),
                code: Arc::default(),
            });
        });
        self.change_attempt(order, |_| ());
        match self.sale.hold(id) {
            Some(info) => Ok(SeatOutcome::Paying(info)),
            None => Err(not_found("hold")),
        }
    }

    /// Sells what an authorized attempt pays for.
    pub(crate) fn confirm(&mut self, order: OrderId, attempt: AttemptId, authorized: u64) -> Told {
        let (known, step) = self.attempt(order, attempt, AttemptState::Authorized)?;
        if authorized != known.total {
            return Err(Rejection::AmountMismatch { expected: known.total });
        }
        match step {
            Move::Repeat => Ok((SeatOutcome::Confirmed(known.confirmation(self.sale.terms.currency)), true)),
            Move::Refused => Err(wrong("the attempt failed before: the authorization must be given back at the provider")),
            Move::Moves if self.sale.head.state == SaleState::Cancelled => {
                Err(wrong("the sale is cancelled: the authorization must be given back at the provider"))
            }
            Move::Moves => {
                let hold = self.sale.hold_of(known).filter(|hold| hold.state == HoldState::Paying).cloned();
                let hold = hold.ok_or_else(|| wrong("the order's hold is not being paid"))?;
                self.sell(&hold, order, Some(AttemptState::Authorized)).map(|outcome| (outcome, false))
            }
        }
    }

    /// Notes a definite refusal and lets the buyer try again, or ends the hold when attempts or time are used up.
    pub(crate) fn pay_fail(&mut self, order: OrderId, attempt: AttemptId, code: &str) -> Told {
        let (known, step) = self.attempt(order, attempt, AttemptState::Failed)?;
        if step == Move::Refused {
            return Err(wrong("the attempt was authorized: a failure cannot undo that"));
        }
        let hold = self.sale.hold_of(known).cloned().ok_or_else(|| not_found("hold"))?;
        let (hold_id, tries) = (hold.id, known.attempts.len());
        if step == Move::Repeat {
            return self.hold_outcome(hold_id).map(|outcome| (outcome, true));
        }
        self.change_attempt(order, |attempt| {
            attempt.state = AttemptState::Failed;
            attempt.code = code.into();
        });
        let ttl = self.sale.terms.hold_ttl;
        let limit = hold.hard_limit(ttl);
        if self.sale.head.state == SaleState::Cancelled {
            self.end_hold(hold_id, HoldState::Revoked);
        } else if self.at >= limit {
            self.end_hold(hold_id, HoldState::Expired);
        } else if tries >= ATTEMPTS_MAX {
            self.end_hold(hold_id, HoldState::Released);
        } else {
            self.move_items(hold.items.as_slice(), SeatState::Pinned, SeatState::Held, hold_id.0);
            let until = self.at.plus(ttl).min(limit).max(hold.expires_at);
            self.change_hold(hold_id, |hold| {
                hold.state = HoldState::Active;
                hold.expires_at = until;
            });
        }
        self.hold_outcome(hold_id).map(|outcome| (outcome, false))
    }

    /// Notes that the provider's answer was lost. After any answer that came, this means nothing.
    pub(crate) fn pay_unknown(&mut self, order: OrderId, attempt: AttemptId) -> Told {
        let (_, step) = self.attempt(order, attempt, AttemptState::Unknown)?;
        if step == Move::Moves {
            self.change_attempt(order, |attempt| attempt.state = AttemptState::Unknown);
        }
        Ok((SeatOutcome::Done, step != Move::Moves))
    }

    /// Notes that the money is ours.
    pub(crate) fn captured(&mut self, order: OrderId, attempt: AttemptId) -> Told {
        match self.attempt(order, attempt, AttemptState::Captured)?.1 {
            Move::Repeat => Ok((SeatOutcome::Done, true)),
            Move::Refused => Err(wrong("the attempt was never authorized")),
            Move::Moves => {
                self.change_attempt(order, |attempt| attempt.state = AttemptState::Captured);
                Ok((SeatOutcome::Done, false))
            }
        }
    }

    /// An order, and what a message that its attempt reached `state` means. Only the last attempt can move: the others failed.
    fn attempt(&self, order: OrderId, attempt: AttemptId, state: AttemptState) -> Result<(&Order, Move), Rejection> {
        let order = self.sale.orders.get(&order).ok_or_else(|| not_found("order"))?;
        let place = order.attempt(attempt).ok_or_else(|| not_found("attempt"))?;
        Ok((order, order.attempts[place].step(state)))
    }

    /// Checks that the hold's order can take one more attempt.
    fn reopen(&self, id: OrderId, attempt: AttemptId) -> Result<OrderId, Rejection> {
        let order = self.sale.orders.get(&id).ok_or_else(|| not_found("order"))?;
        if order.state != OrderState::AwaitingPayment || order.attempts.len() >= ATTEMPTS_MAX {
            return Err(wrong("the order takes no further attempt"));
        }
        if order.attempt(attempt).is_some() {
            return Err(wrong("an attempt with this id exists"));
        }
        Ok(id)
    }

    /// The one entry that sells: seats Sold, tickets issued, receipt given, limit counted, outbox written.
    /// The order exists if there was an attempt; without one, nothing was to be paid.
    fn sell(&mut self, hold: &Hold, id: OrderId, attempt: Option<AttemptState>) -> Result<SeatOutcome, Rejection> {
        let tickets = self.issue(hold, id);
        let count = hold.items.count();
        self.count_user(hold.user, |has| {
            has.held = has.held.saturating_sub(count);
            has.owned = has.owned.saturating_add(count);
        });
        let at = self.at;
        self.change_hold(hold.id, |hold| {
            hold.state = HoldState::Converted;
            hold.ended_at = at;
            hold.order = Some(id);
        });
        let receipt = self.next_receipt();
        let confirm = |order: &mut Order| {
            order.state = OrderState::Confirmed;
            order.receipt = receipt;
            order.revision = 1;
            order.confirmed_at = at;
            order.tickets = tickets.into();
        };
        match attempt {
            None => {
                let mut order = new_order(hold, id);
                confirm(&mut order);
                self.add_order(order);
            }
            Some(state) => {
                self.change_order(id, confirm);
                self.change_attempt(id, |attempt| attempt.state = state);
            }
        }
        let order = self.sale.orders.get(&id).ok_or_else(|| not_found("order"))?;
        let mut records = Vec::with_capacity(order.tickets.len() + 1);
        records.push(self.sale.order_delivery(order));
        for (ordinal, ticket) in order.tickets.iter().enumerate() {
            records.push(Delivery::Ticket(self.sale.ticket_record(order, ordinal as u16, ticket)));
        }
        let confirmation = order.confirmation(self.sale.terms.currency);
        self.say_tickets(&records);
        self.deliver(hold.user, records);
        Ok(SeatOutcome::Confirmed(confirmation))
    }

    /// Moves a hold's seats and places to Sold; answers their tickets in order.
    fn issue(&mut self, hold: &Hold, order: OrderId) -> Vec<Ticket> {
        let from = if hold.state == HoldState::Paying { SeatState::Pinned } else { SeatState::Held };
        let house = self.sale.house.clone();
        let mut tickets = Vec::with_capacity(hold.items.count() as usize);
        let mut sold = Vec::new();
        for item in hold.items.as_slice() {
            let level = match item.place {
                Place::Seat(seat) => {
                    let ticket = crate::ids::TicketId::of_order(order, tickets.len() as u16);
                    self.set_seat(seat, super::records::Cell::new(SeatState::Sold, ticket.0));
                    sold.push(seat);
                    house.level(seat)
                }
                Place::Area(area) => {
                    self.move_places(area, from, SeatState::Sold, item.count);
                    house.area_level(area)
                }
            };
            let ticket = Ticket { place: item.place, level, price: item.price, epoch: 1, void: false };
            tickets.extend((0..item.count).map(|_| ticket));
        }
        self.say_seats(sold, SeatState::Sold);
        tickets
    }
}

fn new_order(hold: &Hold, id: OrderId) -> Order {
    Order {
        id,
        hold: hold.id,
        user: hold.user,
        total: hold.items.total(),
        refunded: 0,
        state: OrderState::AwaitingPayment,
        receipt: 0,
        revision: 0,
        confirmed_at: Timestamp(0),
        attempts: Vec::new(),
        tickets: Arc::default(),
    }
}

pub(crate) fn wrong(detail: &str) -> Rejection {
    Rejection::WrongState { detail: detail.into() }
}
