//! Orders that a cart pays: pinned, sold and released as the cart's own group says. An event group never guesses what became of
//! a cart; the cart's worker tells it, as often as it takes.

use super::lifecycle::not_found;
use super::pay::{Payment, Told, new_order, wrong};
use super::work::Work;
use crate::command::Actor;
use crate::ids::{AttemptId, CartId, HoldId, OrderId, UserId};
use crate::orders::{Attempt, Order};
use crate::outcome::{AttemptState, HoldState, OrderState, Rejection, SaleState, SeatOutcome, SeatState};

impl Work<'_> {
    /// Pins a hold for a cart.
    pub(crate) fn pin(&mut self, id: HoldId, user: UserId, order: OrderId, cart: CartId) -> Result<SeatOutcome, Rejection> {
        let hold = self.active_hold(id, Actor::User(user))?.clone();
        if self.sale.head.state == SaleState::Cancelled {
            return Err(wrong("the sale is cancelled"));
        }
        let order = match hold.order {
            Some(known) => known,
            None if self.sale.orders.contains(&order) => return Err(wrong("an order with this id exists")),
            None => {
                self.add_order(new_order(&hold, order));
                order
            }
        };
        self.move_items(hold.items.as_slice(), SeatState::Held, SeatState::Pinned, id.0);
        self.change_hold(id, |hold| {
            hold.state = HoldState::Paying;
            hold.order = Some(order);
        });
        self.change_order(order, |order| order.cart = Some(cart));
        self.sale.hold(id).map(SeatOutcome::Paying).ok_or_else(|| not_found("hold"))
    }

    /// Sells what a cart's authorized attempt pays for.
    pub(crate) fn cart_confirm(&mut self, id: OrderId, cart: CartId, attempt: AttemptId, reference: &str) -> Told {
        let order = self.of_cart(id, cart)?;
        if order.state != OrderState::AwaitingPayment {
            return Ok((SeatOutcome::Confirmed(order.confirmation(self.sale.terms.currency)), true));
        }
        if self.sale.head.state == SaleState::Cancelled {
            return Err(wrong("the sale is cancelled: this part of the cart must be given back at the provider"));
        }
        let hold = self.sale.hold_of(order).filter(|hold| hold.state == HoldState::Paying).cloned();
        let hold = hold.ok_or_else(|| wrong("the order's hold is not being paid"))?;
        let payment = match order.total {
            0 => Payment::Free,
            _ => Payment::Cart(Attempt { reference: reference.into(), ..Attempt::new(attempt, AttemptState::Authorized, self.at) }),
        };
        self.sell(&hold, id, payment).map(|outcome| (outcome, false))
    }

    /// Gives a hold that a cart does not pay for back to its owner, or ends it when its time is used up.
    pub(crate) fn cart_release(&mut self, id: OrderId, cart: CartId) -> Told {
        let order = self.sale.orders.get(&id).ok_or_else(|| not_found("order"))?;
        let (hold, tries) = (order.hold, order.attempts.len());
        if order.cart != Some(cart) {
            return self.hold_outcome(hold).map(|outcome| (outcome, true));
        }
        if order.state != OrderState::AwaitingPayment {
            return Err(wrong("the order is confirmed"));
        }
        self.change_order(id, |order| order.cart = None);
        self.unpin(hold, tries);
        self.hold_outcome(hold).map(|outcome| (outcome, false))
    }

    fn of_cart(&self, id: OrderId, cart: CartId) -> Result<&Order, Rejection> {
        let order = self.sale.orders.get(&id).ok_or_else(|| not_found("order"))?;
        if order.cart == Some(cart) { Ok(order) } else { Err(wrong("the order is not paid by this cart")) }
    }
}
