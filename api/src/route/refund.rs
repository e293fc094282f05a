//! Giving orders and tickets back, and how far that has come.

use std::sync::Arc;

use axum::http::StatusCode;
use boxoffice_ledger::ids::{EventId, OrderId, TicketId};
use boxoffice_ledger::orders::order_of;

use super::Outcome;
use crate::backend::{Freshness, RefundWish};
use crate::call::Call;
use crate::check::Check;
use crate::edge::Edge;
use crate::json::{self, CancelBody, RefundBody, RefundOut, SaleStatusOut, TicketRefundBody};

/// Most tickets of one refund.
pub const TICKETS_MAX: usize = 50;
/// Longest reason, in bytes.
pub const REASON_BYTES_MAX: usize = 255;

/// `POST /order/{id}/refund`
pub async fn of_order(edge: Arc<Edge>, call: Call) -> Outcome {
    let order: OrderId = call.id("id", "order")?;
    let body: RefundBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let named = body.tickets.unwrap_or_default();
    if named.len() > TICKETS_MAX {
        check.wrong("/tickets", "too_many", format!("at most {TICKETS_MAX} tickets in one refund"));
    }
    let mut tickets: Vec<TicketId> = Vec::with_capacity(named.len().min(TICKETS_MAX));
    for (at, text) in named.iter().take(TICKETS_MAX).enumerate() {
        match check.id::<TicketId>(&format!("/tickets/{at}"), text) {
            Some(ticket) if order_of(ticket).0 != order => {
                check.wrong(format!("/tickets/{at}"), "wrong_order", "a ticket of another order")
            }
            Some(ticket) if tickets.contains(&ticket) => check.wrong(format!("/tickets/{at}"), "duplicate", "the same ticket twice"),
            Some(ticket) => tickets.push(ticket),
            None => {}
        }
    }
    if body.amount == Some(0) {
        check.wrong("/amount", "out_of_range", "at least 1 minor unit");
    }
    let reason = check.optional_line("/reason", body.reason.as_deref().unwrap_or_default(), REASON_BYTES_MAX);
    check.done()?;
    let block = body.block.unwrap_or_default();
    ask(&edge, &call, order, RefundWish { tickets, amount: body.amount, reason, block, staff: false }).await
}

/// `POST /order/{id}/cancel`
pub async fn cancel_order(edge: Arc<Edge>, call: Call) -> Outcome {
    let order: OrderId = call.id("id", "order")?;
    let body: CancelBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let reason = check.line("/reason", &body.reason, REASON_BYTES_MAX);
    check.done()?;
    ask(&edge, &call, order, RefundWish { reason, block: body.block.unwrap_or_default(), staff: true, ..RefundWish::default() }).await
}

/// `POST /user/ticket/{id}/refund`
pub async fn of_ticket(edge: Arc<Edge>, call: Call) -> Outcome {
    let ticket: TicketId = call.id("id", "ticket")?;
    let body: TicketRefundBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let reason = check.optional_line("/reason", body.reason.as_deref().unwrap_or_default(), REASON_BYTES_MAX);
    check.done()?;
    ask(&edge, &call, order_of(ticket).0, RefundWish { tickets: vec![ticket], reason, ..RefundWish::default() }).await
}

async fn ask(edge: &Edge, call: &Call, order: OrderId, wish: RefundWish) -> Outcome {
    let done = edge.backend.refund(call.context(), call.user()?, call.write()?, order, wish).await?;
    Ok(json::written(StatusCode::CREATED, &done, &RefundOut::new(&done.value)))
}

/// `GET /event/{id}/sale`
pub async fn sale(edge: Arc<Edge>, call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let found = edge.backend.sale_status(call.fresh(Freshness::Local), call.user()?, event).await?;
    Ok(json::read(&found, &SaleStatusOut::new(event, &found.value)))
}
