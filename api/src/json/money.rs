//! Answers about payments and refunds.

use boxoffice_ledger::command::{RefundPolicy, RefundWho};
use boxoffice_ledger::ids::{AttemptId, EventId, OrderId, RefundId, TicketId};
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::orders::DisputeState;
use boxoffice_ledger::outcome::{AttemptState, RefundState, SaleState};
use schemars::JsonSchema;
use serde::Serialize;

use super::{MoneyOut, Named, Rfc3339, Text, attempt_state, money, sale_state};
use crate::backend::{AttemptView, DisputeView, Progress, RefundView, SaleStatus};

/// How a payment stands, with what the buyer has to do next: fields of the hold or order that it belongs to.
#[derive(Serialize, JsonSchema)]
pub struct PaymentOut {
    #[schemars(with = "Named<AttemptState>")]
    payment: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_action: Option<NextAction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct NextAction {
    url: String,
}

impl PaymentOut {
    /// A payment's progress.
    #[must_use]
    pub fn new(progress: &Progress) -> Self {
        Self {
            payment: attempt_state(progress.state),
            next_action: progress.next_action.clone().map(|url| NextAction { url }),
            decline_code: progress.code.clone(),
        }
    }
}

/// A payment attempt as staff see it.
#[derive(Serialize, JsonSchema)]
pub struct AttemptOut {
    #[schemars(extend("const" = "payment_attempt"))]
    object: &'static str,
    id: Text<AttemptId>,
    #[schemars(with = "Named<AttemptState>")]
    state: &'static str,
    begun_at: Rfc3339,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<String>,
}

impl AttemptOut {
    /// An attempt.
    #[must_use]
    pub fn new(attempt: &AttemptView) -> Self {
        Self {
            object: "payment_attempt",
            id: Text(attempt.attempt),
            state: attempt_state(attempt.state),
            begun_at: Rfc3339(attempt.begun_at),
            decided_at: attempt.decided_at.map(Rfc3339),
            pinned_ms: attempt.decided_at.map(|at| at.as_millis().saturating_sub(attempt.begun_at.as_millis())),
            decline_code: attempt.code.clone(),
        }
    }
}

/// A refund.
#[derive(Serialize, JsonSchema)]
pub struct RefundOut {
    #[schemars(extend("const" = "refund"))]
    object: &'static str,
    id: Text<RefundId>,
    order: Text<OrderId>,
    #[schemars(with = "Named<RefundState>")]
    state: &'static str,
    amount: MoneyOut,
    tickets: Vec<Text<TicketId>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    requested_at: Rfc3339,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_code: Option<String>,
}

impl RefundOut {
    /// A refund.
    #[must_use]
    pub fn new(refund: &RefundView) -> Self {
        Self {
            object: "refund",
            id: Text(refund.refund),
            order: Text(refund.order),
            state: refund_state(refund.state),
            amount: money(refund.amount.amount, refund.amount.currency),
            tickets: refund.tickets.iter().copied().map(Text).collect(),
            reason: refund.reason.clone(),
            requested_at: Rfc3339(refund.requested_at),
            failure_code: refund.code.clone(),
        }
    }
}

/// A dispute.
#[derive(Serialize, JsonSchema)]
pub struct DisputeOut {
    #[schemars(extend("const" = "dispute"))]
    object: &'static str,
    id: String,
    #[schemars(with = "Named<DisputeState>")]
    state: &'static str,
    amount: MoneyOut,
    opened_at: Rfc3339,
}

impl DisputeOut {
    /// A dispute.
    #[must_use]
    pub fn new(dispute: &DisputeView) -> Self {
        let state = dispute_state(dispute.state);
        let amount = money(dispute.amount.amount, dispute.amount.currency);
        Self { object: "dispute", id: dispute.id.clone(), state, amount, opened_at: Rfc3339(dispute.opened_at) }
    }
}

/// Name of a dispute's state.
pub(super) fn dispute_state(state: DisputeState) -> &'static str {
    match state {
        DisputeState::Open => "open",
        DisputeState::Won => "won",
        DisputeState::Lost => "lost",
    }
}

/// Name of a refund's state.
pub(super) fn refund_state(state: RefundState) -> &'static str {
    match state {
        RefundState::Requested => "requested",
        RefundState::Done => "done",
        RefundState::Failed => "failed",
    }
}

/// Name of who may give tickets back.
pub(super) fn refund_who(who: RefundWho) -> &'static str {
    match who {
        RefundWho::Staff => "staff",
        RefundWho::Buyer => "buyer",
        RefundWho::Nobody => "nobody",
    }
}

/// An event's refund policy.
#[derive(Serialize, JsonSchema)]
pub struct PolicyOut {
    #[schemars(with = "Named<RefundWho>")]
    who: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Rfc3339>,
    keep_bps: u32,
    keep_fixed: MoneyOut,
}

impl PolicyOut {
    /// A policy.
    #[must_use]
    pub fn new(policy: &RefundPolicy, currency: Currency) -> Self {
        let keep_fixed = money(policy.keep_fixed, currency);
        Self { who: refund_who(policy.who), until: policy.until.map(Rfc3339), keep_bps: policy.keep_bps, keep_fixed }
    }
}

/// How a sale stands for its coordinator.
#[derive(Serialize, JsonSchema)]
pub struct SaleStatusOut {
    #[schemars(extend("const" = "sale"))]
    object: &'static str,
    event: Text<EventId>,
    #[schemars(with = "Named<SaleState>")]
    state: &'static str,
    available: u32,
    held: u32,
    sold: u32,
    capacity: u32,
    /// How far the refunds of a cancelled event have come.
    #[serde(skip_serializing_if = "Option::is_none")]
    refunds: Option<RefundCountsOut>,
}

#[derive(Serialize, JsonSchema)]
struct RefundCountsOut {
    orders: u64,
    done: u64,
    pending: u64,
    failed: u64,
}

impl SaleStatusOut {
    /// The sale of an event.
    #[must_use]
    pub fn new(event: EventId, status: &SaleStatus) -> Self {
        let sale = &status.sale;
        let refunds = status.refunds.map(|counts| RefundCountsOut {
            orders: counts.orders,
            done: counts.done,
            pending: counts.pending,
            failed: counts.failed,
        });
        Self {
            object: "sale",
            event: Text(event),
            state: sale_state(sale.state),
            available: sale.available,
            held: sale.held,
            sold: sale.sold,
            capacity: sale.capacity,
            refunds,
        }
    }
}
