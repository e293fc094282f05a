//! Orders, payment attempts and tickets: their records and which moves are legal. What a move does to seats is in `seats`.
//!
//! ```text
//! order    AwaitingPayment -> Confirmed -> PartRefunded -> Refunded
//!                          -> Failed
//! attempt  Created -> Unknown -> Authorized -> Captured
//!          Created, Unknown   -> Failed
//! ```
//! Attempts only move along these arrows, so a late or repeated word from the provider changes nothing: `failed` cannot
//! overwrite an authorization, and an authorization cannot revive what failed.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::{AttemptId, EventId, HoldId, OrderId, TicketId, UserId};
use crate::money::Currency;
use crate::outcome::{AttemptState, Confirmation, OrderState};
use crate::plan::{AreaIndex, LevelIndex, SeatIndex};
use crate::time::Timestamp;

/// Most payment attempts of one order.
pub const ATTEMPTS_MAX: usize = 3;

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
    /// What was paid for it, in minor units.
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
    /// The quote locked at the hold, in minor units.
    pub total: u64,
    /// What was given back, in minor units.
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
    /// Whether the provider may still decide either way.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.state, AttemptState::Created | AttemptState::Unknown)
    }

    /// Whether the payment worker still has something to do for it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_live() || self.state == AttemptState::Authorized
    }

    /// What a message that it reached `state` means now.
    #[must_use]
    pub fn step(&self, state: AttemptState) -> Move {
        use AttemptState::{Authorized, Captured, Created, Failed, Unknown};
        match (self.state, state) {
            (Created | Unknown, Authorized | Failed) | (Created, Unknown) | (Authorized, Captured) => Move::Moves,
            (Failed, Failed) | (Authorized | Captured, Authorized) | (Captured, Captured) => Move::Repeat,
            (_, Created | Unknown) => Move::Repeat,
            (Failed, Authorized) | (Authorized | Captured, Failed) | (Created | Unknown | Failed, Captured) => Move::Refused,
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const STATES: [AttemptState; 5] =
        [AttemptState::Created, AttemptState::Unknown, AttemptState::Authorized, AttemptState::Captured, AttemptState::Failed];

    fn attempt(state: AttemptState) -> Attempt {
        Attempt { id: AttemptId(1), state, begun_at: Timestamp(0), method: "tok".into(), code: "".into() }
    }

    #[test]
    fn an_attempt_moves_only_along_its_arrows() {
        use AttemptState::{Authorized, Captured, Created, Failed, Unknown};
        let arrows = [
            (Created, Unknown),
            (Created, Authorized),
            (Created, Failed),
            (Unknown, Authorized),
            (Unknown, Failed),
            (Authorized, Captured),
        ];
        let moves: Vec<_> = STATES
            .iter()
            .flat_map(|&from| STATES.iter().map(move |&to| (from, to)))
            .filter(|&(from, to)| attempt(from).step(to) == Move::Moves)
            .collect();
        assert_eq!(moves.len(), arrows.len());
        assert!(arrows.iter().all(|arrow| moves.contains(arrow)), "{moves:?}");
    }

    #[test]
    fn a_late_failure_cannot_undo_money_and_money_cannot_undo_a_failure() {
        assert_eq!(attempt(AttemptState::Captured).step(AttemptState::Failed), Move::Refused);
        assert_eq!(attempt(AttemptState::Authorized).step(AttemptState::Failed), Move::Refused);
        assert_eq!(attempt(AttemptState::Failed).step(AttemptState::Authorized), Move::Refused);
        assert_eq!(attempt(AttemptState::Created).step(AttemptState::Captured), Move::Refused);
    }

    #[test]
    fn every_repeat_is_harmless() {
        for state in STATES {
            assert_eq!(attempt(state).step(state), Move::Repeat, "{state:?}");
        }
    }

    #[test]
    fn a_ticket_names_its_order() {
        let order = OrderId::for_tickets(9, crate::ids::Slot::new(5), u128::MAX);
        assert_eq!(order_of(TicketId::of_order(order, 41)), (order, 41));
    }
}
