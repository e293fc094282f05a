//! Money given back, and money that a buyer's bank takes back. Both belong to an order and its payment, never to a seat.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Order;
use crate::command::Actor;
use crate::ids::{AttemptId, EventId, OrderId, RefundId};
use crate::money::Currency;
use crate::outcome::{OrderState, RefundState};
use crate::time::Timestamp;

/// Most refunds of one order.
pub const REFUNDS_MAX: usize = 100;

/// Most disputes of one order.
pub const DISPUTES_MAX: usize = 8;

/// Money that is given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Its id, the idempotency key at the provider.
    pub id: RefundId,
    /// How much, in minor units.
    pub amount: u64,
    /// Ordinals of the tickets that became void with it, ascending.
    pub tickets: Vec<u16>,
    /// Why.
    pub reason: Arc<str>,
    /// Where it stands.
    pub state: RefundState,
    /// When it was opened.
    pub requested_at: Timestamp,
    /// Who asked.
    pub by: Actor,
    /// The provider's code, once it failed; else empty.
    pub code: Arc<str>,
}

/// Where a dispute of a buyer with their bank stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DisputeState {
    /// Not decided.
    Open,
    /// We keep the money.
    Won,
    /// The bank took it back.
    Lost,
}

/// A dispute, as the provider told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The provider's own id of it.
    pub id: Arc<str>,
    /// Where it stands.
    pub state: DisputeState,
    /// What it is about, in minor units.
    pub amount: u64,
    /// When we learned of it.
    pub opened_at: Timestamp,
}

impl Order {
    /// The refund with this id.
    #[must_use]
    pub fn refund(&self, id: RefundId) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.id == id)
    }

    /// What may still be given back, in minor units.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.total.saturating_sub(self.refunded)
    }

    /// What its promo code took off, in minor units.
    #[must_use]
    pub fn discount(&self) -> u64 {
        self.promo.as_ref().map_or(0, |applied| applied.discount)
    }

    /// Whether it has a ticket that admits.
    #[must_use]
    pub fn admits(&self) -> bool {
        self.tickets.iter().any(|ticket| !ticket.void)
    }

    /// Whether nothing of it is left: no ticket admits, and all of the money is to be given back. Then a reservation that was
    /// not captured yet is cancelled instead.
    #[must_use]
    pub fn is_undone(&self) -> bool {
        self.is_confirmed() && !self.admits() && self.refunded == self.total
    }

    /// The state of a confirmed order, by its tickets and refunds.
    pub(crate) fn state_by_refunds(&self) -> OrderState {
        if !self.admits() {
            OrderState::Refunded
        } else if self.refunded > 0 || self.tickets.iter().any(|ticket| ticket.void) {
            OrderState::PartRefunded
        } else {
            OrderState::Confirmed
        }
    }
}

/// A refund for which the provider has still to be asked. Its money was captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRefund {
    /// The event.
    pub event: EventId,
    /// The order.
    pub order: OrderId,
    /// The attempt that took the money.
    pub attempt: AttemptId,
    /// The provider's own id of the attempt; empty = not known.
    pub reference: Arc<str>,
    /// The provider's token of the payment method of the attempt.
    pub method: Arc<str>,
    /// What was captured, in minor units.
    pub total: u64,
    /// Its currency.
    pub currency: Currency,
    /// The refund.
    pub refund: RefundId,
    /// How much is given back, in minor units.
    pub amount: u64,
}
