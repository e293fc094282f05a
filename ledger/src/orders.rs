//! Orders, payment attempts and tickets: their records and which moves are legal. What a move does to seats is in `seats`.
//!
//! ```text
//! order    AwaitingPayment -> Confirmed -> PartRefunded -> Refunded
//!                          -> Failed       (all of them) -> Cancelled, when the reserved money cannot be taken
//! attempt  Created -> [Unknown ->] [RequiresAction ->] Authorized -> Captured
//!          live states -> [Cancelling ->] Failed       Authorized -> Voided | CaptureFailed
//! refund   Requested -> Done | Failed
//! ```
//! `Authorized` is said in the entry that confirms the order, and is the decision to capture. `Cancelling` is the decision to
//! cancel, written down before the provider is told: an attempt that is being cancelled can never be confirmed.
//! Attempts only move along these arrows, so a late or repeated word from the provider changes nothing: `failed` cannot
//! overwrite an authorization, and an authorization cannot revive what failed.

mod refund;

use alloc::sync::Arc;
use alloc::vec::Vec;

pub use refund::{DISPUTES_MAX, Dispute, DisputeState, OpenRefund, REFUNDS_MAX, Refund};

use crate::ids::{AttemptId, CartId, EventId, HoldId, OrderId, TicketId, UserId};
use crate::money::Currency;
use crate::outcome::{AttemptState, Confirmation, OrderState};
use crate::plan::{AreaIndex, LevelIndex, SeatIndex};
use crate::promos::Applied;
use crate::time::{Millis, Timestamp};

/// Most payment attempts of one order.
pub const ATTEMPTS_MAX: usize = 3;

/// An attempt that is not authorized after this long is cancelled; sooner when its hold cannot live that long.
pub const ATTEMPT_TIME: Millis = Millis::from_mins(10);

/// But every attempt has this long.
pub const ATTEMPT_TIME_MIN: Millis = Millis::from_mins(1);

/// A seat, or a place in an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A numbered seat.
    Seat(SeatIndex),
    /// Somewhere in this area.
    Area(AreaIndex),
}

/// An admission that was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Where it admits to.
    pub place: Place,
    /// Its price level.
    pub level: LevelIndex,
    /// What was paid for it, in minor units: its price, less its share of a discount.
    pub price: u64,
    /// Raised by each change, from 1.
    pub epoch: u32,
    /// Whether it admits no more. Final.
    pub void: bool,
}

/// One attempt to pay an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its id, the idempotency key at the provider.
    pub id: AttemptId,
    /// Where it stands.
    pub state: AttemptState,
    /// When it was recorded.
    pub begun_at: Timestamp,
    /// The provider's token of the payment method.
    pub method: Arc<str>,
    /// The provider's code, once it failed; else empty.
    pub code: Arc<str>,
    /// The provider's own id of it; empty until an answer named it.
    pub reference: Arc<str>,
    /// When it is given up unless it was authorized; zero = never.
    pub deadline: Timestamp,
    /// Where the buyer has to go, while it requires an action.
    pub action: Option<Arc<str>>,
    /// When it was authorized or failed, which ends the time that its seats are pinned for it; zero = not yet, or not known.
    pub decided_at: Timestamp,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// The hold it pays for.
    pub hold: HoldId,
    /// Who pays.
    pub user: UserId,
    /// The quote locked at the hold, in minor units: what its tickets cost together, less what its code took off.
    pub total: u64,
    /// What its promo code did.
    pub promo: Option<Arc<Applied>>,
    /// What was or is to be given back, in minor units; refunds that failed are not in.
    pub refunded: u64,
    /// Where it stands.
    pub state: OrderState,
    /// Dense receipt number within the event, from 1; 0 until it is confirmed.
    pub receipt: u64,
    /// Raised by each change that the buyer's group is told of, from 1 at confirmation.
    pub revision: u32,
    /// When it was confirmed; zero until then.
    pub confirmed_at: Timestamp,
    /// Attempts, oldest first; at most [`ATTEMPTS_MAX`], and only the last may be live.
    pub attempts: Vec<Attempt>,
    /// Tickets by ordinal; empty until it is confirmed.
    pub tickets: Arc<[Ticket]>,
    /// The cart that pays it; `None` = it is paid by itself.
    pub cart: Option<CartId>,
    /// What was or is given back, oldest first; at most [`REFUNDS_MAX`].
    pub refunds: Vec<Refund>,
    /// Disputes about its payment, oldest first; at most [`DISPUTES_MAX`].
    pub disputes: Vec<Dispute>,
}

/// What a message about an attempt does to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// It moves.
    Moves,
    /// It was there already, or further on the same way: nothing to do.
    Repeat,
    /// It went another way: refused.
    Refused,
}

impl Attempt {
    /// An attempt of which nothing else is known.
    #[must_use]
    pub fn new(id: AttemptId, state: AttemptState, begun_at: Timestamp) -> Self {
        let none: Arc<str> = Arc::default();
        let (deadline, decided_at) = (Timestamp(0), Timestamp(0));
        Self { id, state, begun_at, method: none.clone(), code: none.clone(), reference: none, deadline, action: None, decided_at }
    }

    /// Whether the provider may still decide either way.
    #[must_use]
    pub fn is_live(&self) -> bool {
        use AttemptState::{Cancelling, Created, RequiresAction, Unknown};
        matches!(self.state, Created | Unknown | RequiresAction | Cancelling)
    }

    /// When it is given up, if it may come to that.
    #[must_use]
    pub fn gives_up_at(&self) -> Option<Timestamp> {
        (self.is_live() && self.state != AttemptState::Cancelling && self.deadline.0 != 0).then_some(self.deadline)
    }

    /// Whether the payment worker still has something to do for it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_live() || self.state == AttemptState::Authorized
    }

    /// What a message that it reached `state` means now.
    #[must_use]
    pub fn step(&self, state: AttemptState) -> Move {
        use AttemptState::*;
        let from = self.state;
        let moves = match state {
            Created => false,
            Unknown => from == Created,
            RequiresAction => matches!(from, Created | Unknown),
            Cancelling => matches!(from, Created | Unknown | RequiresAction),
            Authorized => matches!(from, Created | Unknown | RequiresAction),
            Failed => self.is_live(),
            Captured | Voided | CaptureFailed => from == Authorized,
        };
        let repeat = from == state
            || match state {
                Created | Unknown | RequiresAction => true,
                Cancelling => from == Failed,
                Authorized => from == Captured,
                Failed | Captured | Voided | CaptureFailed => false,
            };
        match (moves, repeat) {
            (true, _) => Move::Moves,
            (false, true) => Move::Repeat,
            (false, false) => Move::Refused,
        }
    }
}

impl Order {
    /// Where the attempt is in `attempts`.
    #[must_use]
    pub fn attempt(&self, id: AttemptId) -> Option<usize> {
        self.attempts.iter().position(|attempt| attempt.id == id)
    }

    /// Whether tickets were issued.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        matches!(self.state, OrderState::Confirmed | OrderState::PartRefunded | OrderState::Refunded)
    }

    /// The id of its ticket with this ordinal, and the ticket.
    pub fn tickets(&self) -> impl Iterator<Item = (TicketId, &Ticket)> {
        self.tickets.iter().enumerate().map(|(ordinal, ticket)| (TicketId::of_order(self.id, ordinal as u16), ticket))
    }

    /// What was said when it was confirmed, and is said again to a repeat.
    #[must_use]
    pub fn confirmation(&self, currency: Currency) -> Confirmation {
        Confirmation {
            order: self.id,
            hold: self.hold,
            receipt: self.receipt,
            tickets: self.tickets.len() as u32,
            total: self.total,
            currency,
        }
    }
}

/// The order that a ticket belongs to, and its ordinal there.
#[must_use]
pub fn order_of(ticket: TicketId) -> (OrderId, u16) {
    (OrderId(ticket.0 & !0xffff), (ticket.0 & 0xffff) as u16)
}

/// A payment attempt for which something is still to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAttempt {
    /// The event.
    pub event: EventId,
    /// The order.
    pub order: OrderId,
    /// Who pays.
    pub user: UserId,
    /// What is to be authorized or captured, in minor units.
    pub total: u64,
    /// Its currency.
    pub currency: Currency,
    /// The attempt.
    pub attempt: Attempt,
    /// Whether it must be cancelled at the provider: the attempt was given up, its event is cancelled, or its order undone.
    pub must_cancel: bool,
}

#[cfg(test)]
mod tests;
