//! Carts: holds of several events that one payment pays. Their records, and what follows from them; how they move is in
//! `accounts/carts`, what that does to holds and orders in `seats/cart.rs`.
//!
//! ```text
//! cart   Open -> Pinning -> Paying -> Selling -> Capturing -> Settling -> Confirmed
//!          ^         `---------'--> Releasing -> Released         `-----> Released (nothing stands)
//!          `---------------------------'
//! item   Waiting -> Pinned -> Sold -> Settled       Waiting -> Refused      Pinned -> Dropped | Freed
//! ```
//! Each move is an entry of the user's group before an event's group or the provider is told what follows from it. The
//! attempt moves as an order's does (see `orders.rs`): `Authorized` is the decision to sell, `Cancelling` the decision never to.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::{AttemptId, CartId, EventId, HoldId, OrderId, Request, RequestId, UserId};
use crate::money::Currency;
use crate::orders::Attempt;
use crate::outcome::AttemptState;
use crate::time::{Millis, Timestamp};

/// Most holds of one cart.
pub const CART_ITEMS_MAX: usize = 10;

/// Most carts that are kept for one user; the oldest that is over makes room.
pub const CARTS_MAX: usize = 20;

/// Most payment attempts of one cart.
pub const CART_ATTEMPTS_MAX: usize = 5;

/// How long a cart can be paid: longer than any hold lives.
pub const CART_LIFE: Millis = Millis::from_mins(120);

/// State of a cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CartState {
    /// It can be paid, or thrown away.
    Open,
    /// Its holds are being pinned.
    Pinning,
    /// All are pinned: the provider is asked for the money.
    Paying,
    /// The money is reserved: orders are being confirmed.
    Selling,
    /// Orders are confirmed: the money for them is being taken, the rest of the reservation given back.
    Capturing,
    /// The orders' groups are being told what became of the money.
    Settling,
    /// It is not paid: holds are being given back to the buyer.
    Releasing,
    /// Paid. Final.
    Confirmed,
    /// Over without anything sold. Final.
    Released,
}

/// State of one hold of a cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemState {
    /// Not pinned, as far as is known.
    Waiting,
    /// Pinned for the cart's last attempt.
    Pinned,
    /// Its group refused to pin it.
    Refused,
    /// Its order is confirmed.
    Sold,
    /// Its event was cancelled before it could be sold: nothing is taken for it.
    Dropped,
    /// The buyer's own again, or its time was over.
    Freed,
    /// Its order's group knows what became of the money.
    Settled,
}

/// One hold of a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartItem {
    /// The event.
    pub event: EventId,
    /// The hold.
    pub hold: HoldId,
    /// Its order; until it is pinned, the one that it gets if it has none yet.
    pub order: OrderId,
    /// The quote locked at the hold, in minor units.
    pub total: u64,
    /// Where it stands.
    pub state: ItemState,
    /// Why it cannot be paid; else empty.
    pub code: Arc<str>,
}

impl CartItem {
    /// Whether its order is confirmed.
    #[must_use]
    pub fn is_sold(&self) -> bool {
        matches!(self.state, ItemState::Sold | ItemState::Settled)
    }
}

/// A cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cart {
    /// Its id; its slot is the user's.
    pub id: CartId,
    /// Whose.
    pub user: UserId,
    /// Where it stands.
    pub state: CartState,
    /// The currency of all its holds.
    pub currency: Currency,
    /// Its holds, 1 to [`CART_ITEMS_MAX`].
    pub items: Vec<CartItem>,
    /// Attempts, oldest first; at most [`CART_ATTEMPTS_MAX`], and only the last may be live.
    pub attempts: Vec<Attempt>,
    /// When it was made.
    pub opened_at: Timestamp,
    /// Until when it can be paid.
    pub expires_at: Timestamp,
    /// Whether it is over once its holds are free.
    pub ends: bool,
}

impl Cart {
    /// What its holds cost together, in minor units.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.items.iter().fold(0, |sum, item| sum.saturating_add(item.total))
    }

    /// What its confirmed orders cost together, in minor units: this much is captured.
    #[must_use]
    pub fn sold_total(&self) -> u64 {
        self.items.iter().filter(|item| item.is_sold()).fold(0, |sum, item| sum.saturating_add(item.total))
    }

    /// Its last attempt.
    #[must_use]
    pub fn last(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// Whether something is still to be done for it, by whoever drives it.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !matches!(self.state, CartState::Open | CartState::Confirmed | CartState::Released)
    }

    /// Whether it can be forgotten at this moment: it is over, or nobody can pay it any more.
    #[must_use]
    pub fn is_over(&self, at: Timestamp) -> bool {
        match self.state {
            CartState::Confirmed | CartState::Released => true,
            CartState::Open => self.expires_at <= at,
            _ => false,
        }
    }

    /// Whether it is paid, as far as is known: orders of it are confirmed, and their money can be had.
    #[must_use]
    pub fn is_paid(&self) -> bool {
        let is_past = matches!(self.state, CartState::Capturing | CartState::Settling | CartState::Confirmed);
        let is_lost = self.last().is_some_and(|last| last.state == AttemptState::CaptureFailed) && !self.stands();
        is_past && !is_lost && self.items.iter().any(CartItem::is_sold)
    }

    /// When its attempt is given up, if it may come to that.
    #[must_use]
    pub fn gives_up_at(&self) -> Option<Timestamp> {
        let waits = matches!(self.state, CartState::Pinning | CartState::Paying);
        self.last().filter(|_| waits).and_then(Attempt::gives_up_at)
    }

    /// Whether something that was sold stays sold: free tickets, and all others once their money is taken.
    #[must_use]
    pub fn stands(&self) -> bool {
        let is_paid = self.last().is_some_and(|last| last.state == AttemptState::Captured);
        self.items.iter().any(|item| item.is_sold() && (is_paid || item.total == 0))
    }
}

/// The name under which an attempt's holds are pinned. To event groups each attempt is a cart of its own, so that a word
/// about an earlier attempt that comes late touches nothing of a later one.
#[must_use]
pub const fn pinned_by(attempt: AttemptId) -> CartId {
    CartId(attempt.0)
}

/// The request that pins the hold with this place in a cart: the same one however often and by whomever it is sent, so that the
/// first answer is the only one.
#[must_use]
pub const fn pin_request(attempt: AttemptId, item: usize, hold: HoldId) -> Request {
    Request { id: RequestId(attempt.0.wrapping_add(1 + item as u128)), fingerprint: hold.0 as u64 }
}
