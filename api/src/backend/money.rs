//! Values about payments, refunds and carts that go through the [`Backend`](super::Backend) trait.

use boxoffice_ledger::ids::{AttemptId, OrderId, RefundId, TicketId};
use boxoffice_ledger::money::Money;
use boxoffice_ledger::orders::DisputeState;
use boxoffice_ledger::outcome::{AttemptState, HoldInfo, RefundState};
use boxoffice_ledger::time::Timestamp;

use super::SaleView;

/// How the payment of a hold or an order stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Its last attempt.
    pub state: AttemptState,
    /// Where the buyer has to go (3-D Secure), while that is so.
    pub next_action: Option<String>,
    /// The provider's code, once the attempt failed.
    pub code: Option<String>,
}

/// A payment attempt as staff see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptView {
    /// Its id, by which the provider knows it too.
    pub attempt: AttemptId,
    /// Where it stands.
    pub state: AttemptState,
    /// When the seats were pinned for it.
    pub begun_at: Timestamp,
    /// When they were sold or no longer pinned; `None` = not yet.
    pub decided_at: Option<Timestamp>,
    /// The provider's code, once it failed.
    pub code: Option<String>,
}

/// A hold and how its payment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldView {
    /// The hold.
    pub hold: HoldInfo,
    /// Its last payment attempt, once there was one.
    pub payment: Option<Progress>,
}

/// What is asked to be given back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefundWish {
    /// Which tickets; none and no amount = all that are left of the order.
    pub tickets: Vec<TicketId>,
    /// How much, in minor units (staff).
    pub amount: Option<u64>,
    /// Why.
    pub reason: String,
    /// Whether the seats go off sale instead of back on sale (staff).
    pub block: bool,
    /// Whether only staff may ask.
    pub staff: bool,
}

/// A refund as buyers and staff see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundView {
    /// Its id.
    pub refund: RefundId,
    /// The order.
    pub order: OrderId,
    /// How much.
    pub amount: Money,
    /// The tickets that became void with it.
    pub tickets: Vec<TicketId>,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub state: RefundState,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// The provider's code, once it failed.
    pub code: Option<String>,
}

/// A dispute as staff see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeView {
    /// The provider's id.
    pub id: String,
    /// Where it stands.
    pub state: DisputeState,
    /// What it is about.
    pub amount: Money,
    /// When we learned of it.
    pub opened_at: Timestamp,
}

/// How an event's sale stands for its coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleStatus {
    /// What everybody may know.
    pub sale: SaleView,
    /// How far the refunds of a cancelled event have come; `None` while it is not cancelled.
    pub refunds: Option<RefundCounts>,
}

/// Orders of a cancelled event by what became of their refunds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundCounts {
    /// All.
    pub orders: u64,
    /// Nothing is left to do.
    pub done: u64,
    /// Under way.
    pub pending: u64,
    /// The provider refused for good: staff must act.
    pub failed: u64,
}
