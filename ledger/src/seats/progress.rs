//! How far the refunds of a cancelled event have come.

use super::event::EventSale;
use crate::orders::Order;
use crate::outcome::RefundState;

/// Orders of an event by what became of their refunds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefundProgress {
    /// All that were sold.
    pub orders: u64,
    /// Nothing is left to do.
    pub done: u64,
    /// Tickets are still to be made void, or the provider has not answered.
    pub pending: u64,
    /// The provider refused a refund for good: staff must act.
    pub failed: u64,
}

impl EventSale {
    /// How far it has come with giving every order back. Walks all orders.
    #[must_use]
    pub fn refund_progress(&self) -> RefundProgress {
        let mut progress = RefundProgress::default();
        for (_, order) in self.orders.sorted().into_iter().filter(|(_, order)| order.is_confirmed()) {
            progress.orders += 1;
            let has = |state| order.refunds.iter().any(|refund| refund.state == state);
            let pending = order.admits() || has(RefundState::Requested);
            let failed = has(RefundState::Failed) && owed(order) > 0;
            match (pending, failed) {
                (true, _) => progress.pending += 1,
                (false, true) => progress.failed += 1,
                (false, false) => progress.done += 1,
            }
        }
        progress
    }
}

/// What failed refunds left unpaid, and staff did not give back as a free amount since, in minor units.
fn owed(order: &Order) -> u64 {
    let mut owed = 0_u64;
    for refund in &order.refunds {
        match refund.state {
            RefundState::Failed => owed = owed.saturating_add(refund.amount),
            _ if refund.tickets.is_empty() => owed = owed.saturating_sub(refund.amount),
            _ => (),
        }
    }
    owed
}
