//! Answers about payments and refunds.

use boxoffice_ledger::command::{RefundPolicy, RefundWho};
use boxoffice_ledger::ids::{OrderId, RefundId, TicketId};
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::orders::DisputeState;
use boxoffice_ledger::outcome::RefundState;
use serde::Serialize;
use serde_json::{Value, json};

use super::{MoneyOut, Rfc3339, Text, attempt_state, money, sale_state};
use crate::backend::{DisputeView, Progress, RefundView, SaleStatus};

/// How a payment stands, with what the buyer has to do next: fields of the hold or order that it belongs to.
#[derive(Serialize)]
pub struct PaymentOut {
    payment: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_action: Option<NextAction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<String>,
}

#[derive(Serialize)]
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

/// A refund.
#[derive(Serialize)]
pub struct RefundOut {
    object: &'static str,
    id: Text<RefundId>,
    order: Text<OrderId>,
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
#[derive(Serialize)]
pub struct DisputeOut {
    object: &'static str,
    id: String,
    state: &'static str,
    amount: MoneyOut,
    opened_at: Rfc3339,
}

impl DisputeOut {
    /// A dispute.
    #[must_use]
    pub fn new(dispute: &DisputeView) -> Self {
        let state = match dispute.state {
            DisputeState::Open => "open",
            DisputeState::Won => "won",
            DisputeState::Lost => "lost",
        };
        let amount = money(dispute.amount.amount, dispute.amount.currency);
        Self { object: "dispute", id: dispute.id.clone(), state, amount, opened_at: Rfc3339(dispute.opened_at) }
    }
}

/// Name of a refund's state.
fn refund_state(state: RefundState) -> &'static str {
    match state {
        RefundState::Requested => "requested",
        RefundState::Done => "done",
        RefundState::Failed => "failed",
    }
}

/// Name of who may give tickets back.
fn refund_who(who: RefundWho) -> &'static str {
    match who {
        RefundWho::Staff => "staff",
        RefundWho::Buyer => "buyer",
        RefundWho::Nobody => "nobody",
    }
}

/// An event's refund policy.
#[derive(Serialize)]
pub struct PolicyOut {
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
#[must_use]
pub fn sale_status(event: &str, status: &SaleStatus) -> Value {
    let sale = &status.sale;
    let mut out = json!({
        "object": "sale", "event": event, "state": sale_state(sale.state), "available": sale.available, "held": sale.held,
        "sold": sale.sold, "capacity": sale.capacity,
    });
    if let Some(refunds) = status.refunds {
        let (orders, done, pending, failed) = (refunds.orders, refunds.done, refunds.pending, refunds.failed);
        out["refunds"] = json!({"orders": orders, "done": done, "pending": pending, "failed": failed});
    }
    out
}
