//! From a hold to tickets: pin, authorize, confirm; and what becomes of it when the provider says no, or nothing in time.
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
use crate::orders::{ATTEMPT_TIME, ATTEMPT_TIME_MIN, ATTEMPTS_MAX, Attempt, Move, Order, Place, Ticket};
use crate::outcome::{AttemptState, HoldState, OrderState, Rejection, SaleState, SeatOutcome, SeatState};
use crate::promos::Shares;
use crate::time::Timestamp;

/// What a message about an attempt did: an outcome, and whether it had been done before.
pub(crate) type Told = Result<(SeatOutcome, bool), Rejection>;

/// How an order is paid at the moment of its sale.
pub(crate) enum Payment<'a> {
    /// Nothing is to be paid.
    Free,
    /// Its last attempt is authorized, under this reference at the provider (empty: the one known before).
    Attempt(&'a str),
    /// A cart's attempt, which covers it with others.
    Cart(Attempt),
}

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
        if hold.total() == 0 {
            return self.sell(&hold, order, Payment::Free);
        }
        if hold.order.is_none() {
            self.add_order(new_order(&hold, order));
        }
        self.move_items(hold.items.as_slice(), SeatState::Held, SeatState::Pinned, id.0);
        self.change_hold(id, |hold| {
            hold.state = HoldState::Paying;
            hold.order = Some(order);
        });
        let limit = hold.hard_limit(self.sale.terms.hold_ttl);
        let deadline = self.at.plus(ATTEMPT_TIME).min(limit).max(self.at.plus(ATTEMPT_TIME_MIN));
        let new = Attempt { method: method.into(), deadline, ..Attempt::new(attempt, AttemptState::Created, self.at) };
        self.change_order(order, |order| order.attempts.push(new));
        self.change_attempt(order, |_| ());
        match self.sale.hold(id) {
            Some(info) => Ok(SeatOutcome::Paying(info)),
            None => Err(not_found("hold")),
        }
    }

    /// Sells what an authorized attempt pays for.
    pub(crate) fn confirm(&mut self, order: OrderId, attempt: AttemptId, authorized: u64, reference: &str) -> Told {
        let (known, step) = self.attempt(order, attempt, AttemptState::Authorized)?;
        if authorized != known.total {
            return Err(Rejection::AmountMismatch { expected: known.total });
        }
        match step {
            Move::Repeat => Ok((SeatOutcome::Confirmed(known.confirmation(self.sale.terms.currency)), true)),
            Move::Refused if known.attempts.last().is_some_and(|last| last.state == AttemptState::Cancelling) => {
                Err(wrong("the attempt is being cancelled: the authorization must be given back at the provider"))
            }
            Move::Refused => Err(wrong("the attempt failed before: the authorization must be given back at the provider")),
            Move::Moves if self.sale.head.state == SaleState::Cancelled => {
                Err(wrong("the sale is cancelled: the authorization must be given back at the provider"))
            }
            Move::Moves => {
                let hold = self.sale.hold_of(known).filter(|hold| hold.state == HoldState::Paying).cloned();
                let hold = hold.ok_or_else(|| wrong("the order's hold is not being paid"))?;
                self.sell(&hold, order, Payment::Attempt(reference)).map(|outcome| (outcome, false))
            }
        }
    }

    /// Notes a definite refusal and lets the buyer try again, or ends the hold when attempts or time are used up.
    pub(crate) fn pay_fail(&mut self, order: OrderId, attempt: AttemptId, code: &str) -> Told {
        let (known, step) = self.attempt(order, attempt, AttemptState::Failed)?;
        if step == Move::Refused {
            return Err(wrong("the attempt was authorized: a failure cannot undo that"));
        }
        let hold_id = self.sale.hold_of(known).ok_or_else(|| not_found("hold"))?.id;
        let tries = known.attempts.len();
        if step == Move::Repeat {
            return self.hold_outcome(hold_id).map(|outcome| (outcome, true));
        }
        self.change_attempt(order, |attempt| {
            attempt.state = AttemptState::Failed;
            attempt.code = code.into();
            attempt.action = None;
        });
        self.unpin(hold_id, tries);
        self.hold_outcome(hold_id).map(|outcome| (outcome, false))
    }

    /// Gives a hold that was not paid after all back to its owner, or ends it when attempts or time are used up.
    pub(crate) fn unpin(&mut self, id: HoldId, tries: usize) {
        let Some(hold) = self.sale.holds.get(&id).cloned() else { return };
        let ttl = self.sale.terms.hold_ttl;
        let limit = hold.hard_limit(ttl);
        if self.sale.head.state == SaleState::Cancelled {
            self.end_hold(id, HoldState::Revoked);
        } else if self.at >= limit {
            self.end_hold(id, HoldState::Expired);
        } else if tries >= ATTEMPTS_MAX {
            self.end_hold(id, HoldState::Released);
        } else {
            self.move_items(hold.items.as_slice(), SeatState::Pinned, SeatState::Held, id.0);
            let until = self.at.plus(ttl).min(limit).max(hold.expires_at);
            self.change_hold(id, |hold| {
                hold.state = HoldState::Active;
                hold.expires_at = until;
            });
        }
    }

    /// Notes that the provider's answer was lost. After any answer that came, this means nothing.
    pub(crate) fn pay_unknown(&mut self, order: OrderId, attempt: AttemptId) -> Told {
        let (_, step) = self.attempt(order, attempt, AttemptState::Unknown)?;
        if step == Move::Moves {
            self.change_attempt(order, |attempt| attempt.state = AttemptState::Unknown);
        }
        Ok((SeatOutcome::Done, step != Move::Moves))
    }

    /// Notes what the provider calls the attempt, and where the buyer has to go. A late word changes nothing.
    pub(crate) fn note(&mut self, order: OrderId, attempt: AttemptId, reference: &str, action: Option<&str>) -> Told {
        let to = if action.is_some() { AttemptState::RequiresAction } else { AttemptState::Unknown };
        let (known, step) = self.attempt(order, attempt, to)?;
        let last = known.attempts.last().filter(|last| last.id == attempt && last.is_live());
        let Some(last) = last else { return Ok((SeatOutcome::Done, true)) };
        let named = last.reference.is_empty() && !reference.is_empty();
        let moves = step == Move::Moves;
        let elsewhere = last.state == AttemptState::RequiresAction && action.is_some() && action != last.action.as_deref();
        if !named && !moves && !elsewhere {
            return Ok((SeatOutcome::Done, true));
        }
        self.change_attempt(order, |attempt| {
            if moves {
                attempt.state = to;
            }
            if attempt.state == AttemptState::RequiresAction && action.is_some() {
                attempt.action = action.map(Into::into);
            }
            if named {
                attempt.reference = reference.into();
            }
        });
        Ok((SeatOutcome::Done, false))
    }

    /// Decides that an attempt is to be cancelled: it can never be confirmed from here on.
    pub(crate) fn give_up(&mut self, order: OrderId, attempt: AttemptId) -> Told {
        match self.attempt(order, attempt, AttemptState::Cancelling)?.1 {
            Move::Repeat => Ok((SeatOutcome::Done, true)),
            Move::Refused => Err(wrong("the attempt was authorized")),
            Move::Moves => {
                self.overdue(order);
                Ok((SeatOutcome::Done, false))
            }
        }
    }

    /// The time of an order's last attempt is over.
    pub(crate) fn overdue(&mut self, order: OrderId) {
        self.change_attempt(order, |attempt| {
            attempt.state = AttemptState::Cancelling;
            attempt.action = None;
        });
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
    pub(crate) fn attempt(&self, order: OrderId, attempt: AttemptId, state: AttemptState) -> Result<(&Order, Move), Rejection> {
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
    pub(crate) fn sell(&mut self, hold: &Hold, id: OrderId, payment: Payment<'_>) -> Result<SeatOutcome, Rejection> {
        let tickets = self.issue(hold, id);
        let count = hold.items.count();
        self.count_sale(hold);
        self.weigh_hold(hold.id, false);
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
        match payment {
            Payment::Free if !self.sale.orders.contains(&id) => {
                let mut order = new_order(hold, id);
                confirm(&mut order);
                self.add_order(order);
            }
            Payment::Free => self.change_order(id, confirm),
            Payment::Attempt(reference) => {
                self.change_order(id, confirm);
                self.change_attempt(id, |attempt| {
                    attempt.state = AttemptState::Authorized;
                    attempt.action = None;
                    if !reference.is_empty() {
                        attempt.reference = reference.into();
                    }
                });
            }
            Payment::Cart(attempt) => {
                self.change_order(id, |order| {
                    confirm(order);
                    order.attempts.push(attempt);
                });
                self.change_attempt(id, |_| ());
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
        let mut shares = Shares::new(hold.discount(), hold.items.total());
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
            let ticket = |price| Ticket { place: item.place, level, price, epoch: 1, void: false };
            tickets.extend((0..item.count).map(|_| ticket(shares.paid(item.price))));
        }
        self.say_seats(sold, from, SeatState::Sold);
        tickets
    }
}

pub(crate) fn new_order(hold: &Hold, id: OrderId) -> Order {
    Order {
        id,
        hold: hold.id,
        user: hold.user,
        total: hold.total(),
        promo: hold.promo.clone(),
        refunded: 0,
        state: OrderState::AwaitingPayment,
        receipt: 0,
        revision: 0,
        confirmed_at: Timestamp(0),
        attempts: Vec::new(),
        tickets: Arc::default(),
        cart: None,
        refunds: Vec::new(),
        disputes: Vec::new(),
    }
}

pub(crate) fn wrong(detail: &str) -> Rejection {
    Rejection::WrongState { detail: detail.into() }
}
