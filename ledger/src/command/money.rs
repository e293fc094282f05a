//! Commands of an event group about money: payment attempts on their way, refunds, disputes, and orders that a cart pays.
//! Messages about an attempt or a refund carry no request: they are recognised by its id, and a repeat changes nothing.

use alloc::string::String;
use alloc::vec::Vec;

use super::Actor;
use crate::ids::{AttemptId, CartId, EventId, HoldId, OrderId, RefundId, Request, TicketId, UserId};
use crate::orders::DisputeState;
use crate::time::Timestamp;

/// Who may give tickets back. A cancelled event is refunded whatever this says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefundWho {
    /// Staff only.
    #[default]
    Staff,
    /// The buyer too, by the policy's terms.
    Buyer,
    /// Nobody.
    Nobody,
}

/// An event's promise about refunds, fixed when its sale begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefundPolicy {
    /// Who.
    pub who: RefundWho,
    /// The buyer's last moment; `None` = no such limit.
    pub until: Option<Timestamp>,
    /// What is kept of each price when the buyer asks, in basis points (1/100 of a percent), at most 10,000.
    pub keep_bps: u32,
    /// What is kept of each ticket on top of that, in minor units.
    pub keep_fixed: u64,
}

impl RefundPolicy {
    /// What a buyer gets back, in minor units, for `tickets` tickets that cost `value` together. Rounded down.
    #[must_use]
    pub fn refund(&self, value: u64, tickets: u64) -> u64 {
        let share = u128::from(value) * u128::from(self.keep_bps);
        // Kept amounts round up, so that a refund never exceeds the promise.
        let kept = share.div_ceil(10_000) + u128::from(self.keep_fixed) * u128::from(tickets);
        u64::try_from(u128::from(value).saturating_sub(kept)).unwrap_or(0)
    }

    /// What is wrong with it: the field, and what would be right.
    #[must_use]
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        if self.keep_bps > 10_000 {
            return Some(("/terms/refunds/keep_bps", "at most 10,000 basis points"));
        }
        let limit = crate::seats::PRICE_MAX;
        (self.keep_fixed > limit).then_some(("/terms/refunds/keep_fixed", "at most 1,000,000,000,000 minor units"))
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoneyCommand {
    /// The provider knows the attempt, and may wait for the buyer.
    Note {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The attempt.
        attempt: AttemptId,
        /// The provider's own id of it, at most 255 bytes.
        reference: String,
        /// Where the buyer has to go (3-D Secure), at most 2,048 bytes; `None` = nowhere.
        action: Option<String>,
    },
    /// Nobody waits for this attempt any more: it must be cancelled at the provider, and cannot be confirmed from here on.
    GiveUp {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The attempt.
        attempt: AttemptId,
    },
    /// The reservation of an order that was refunded whole before its capture is given back.
    Voided {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The attempt.
        attempt: AttemptId,
    },
    /// The reserved money cannot be had any more: the order is cancelled, its tickets are void, its seats on sale again.
    CaptureFailed {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The attempt.
        attempt: AttemptId,
        /// The provider's code, at most 64 bytes.
        code: String,
    },
    /// Give money back: void these tickets, or all that are left, or none and a free amount (staff).
    Refund {
        /// Idempotency.
        request: Request,
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The new refund's id, the idempotency key at the provider.
        refund: RefundId,
        /// Which tickets; none and no amount = all that are left.
        tickets: Vec<TicketId>,
        /// How much, in minor units; `None` = what the tickets cost, or what the policy says when their owner asks.
        amount: Option<u64>,
        /// Who asks; a checked-in ticket and an amount need staff.
        actor: Actor,
        /// Why, at most 255 bytes.
        reason: String,
        /// Whether the seats go to Blocked instead of back on sale.
        block: bool,
    },
    /// The buyer has the money.
    RefundDone {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The refund.
        refund: RefundId,
    },
    /// The provider refused for good; the tickets stay void, and staff must give the amount back in another way.
    RefundFailed {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The refund.
        refund: RefundId,
        /// The provider's code, at most 64 bytes.
        code: String,
    },
    /// Refund the next orders of a cancelled event.
    RefundNext {
        /// The event.
        event: EventId,
        /// How many orders: 1 to 200.
        limit: u32,
    },
    /// What the provider says of a dispute of the buyer with their bank.
    Dispute {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The provider's own id of the dispute, at most 255 bytes.
        dispute: String,
        /// Where it stands.
        state: DisputeState,
        /// What it is about, in minor units.
        amount: u64,
    },
    /// Pin a hold for a cart. Repeated by the cart's worker, with the same request, until it knows the answer.
    Pin {
        /// Idempotency.
        request: Request,
        /// The event.
        event: EventId,
        /// The hold.
        hold: HoldId,
        /// Whose cart.
        user: UserId,
        /// The order's id if the hold has none yet.
        order: OrderId,
        /// The cart, or rather the attempt to pay it: see [`pinned_by`](crate::carts::pinned_by).
        cart: CartId,
    },
    /// The cart's payment is authorized: sell.
    CartConfirm {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The cart.
        cart: CartId,
        /// The cart's attempt, to which refunds will refer.
        attempt: AttemptId,
        /// The provider's own id of the attempt.
        reference: String,
    },
    /// The cart is not paid: the hold is the buyer's again, or its seats free when its time is over.
    CartRelease {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The cart.
        cart: CartId,
    },
}

impl MoneyCommand {
    /// The event that it is about.
    #[must_use]
    pub fn event(&self) -> EventId {
        match self {
            Self::Note { event, .. }
            | Self::GiveUp { event, .. }
            | Self::Voided { event, .. }
            | Self::CaptureFailed { event, .. }
            | Self::Refund { event, .. }
            | Self::RefundDone { event, .. }
            | Self::RefundFailed { event, .. }
            | Self::RefundNext { event, .. }
            | Self::Dispute { event, .. }
            | Self::Pin { event, .. }
            | Self::CartConfirm { event, .. }
            | Self::CartRelease { event, .. } => *event,
        }
    }

    /// Which write it is, for those that a client asks for.
    #[must_use]
    pub fn request(&self) -> Option<Request> {
        match self {
            Self::Refund { request, .. } | Self::Pin { request, .. } => Some(*request),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_a_share_and_a_fixed_part_of_each_ticket() {
        let policy = |keep_bps, keep_fixed| RefundPolicy { keep_bps, keep_fixed, ..RefundPolicy::default() };
        let cases = [
            (policy(0, 0), 5000, 1, 5000),
            (policy(1000, 0), 5000, 1, 4500),
            (policy(1000, 150), 10_000, 2, 8700),
            (policy(333, 0), 101, 1, 97), // 3.3633 is kept as 4
            (policy(10_000, 0), 5000, 1, 0),
            (policy(0, 6000), 5000, 1, 0),
            (policy(10_000, u64::MAX), u64::MAX, u64::MAX, 0),
        ];
        for (policy, value, tickets, expected) in cases {
            assert_eq!(policy.refund(value, tickets), expected, "{policy:?} of {value}");
        }
    }

    #[test]
    fn a_policy_keeps_no_more_than_all() {
        assert_eq!(RefundPolicy::default().fault(), None);
        let wild = RefundPolicy { keep_bps: 10_001, ..RefundPolicy::default() };
        assert_eq!(wild.fault().map(|fault| fault.0), Some("/terms/refunds/keep_bps"));
        let wild = RefundPolicy { keep_fixed: u64::MAX, ..RefundPolicy::default() };
        assert_eq!(wild.fault().map(|fault| fault.0), Some("/terms/refunds/keep_fixed"));
    }
}
