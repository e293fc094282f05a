//! Moving an event's sale, and taking seats off or putting them back on sale.

use std::sync::Arc;

use axum::http::StatusCode;
use boxoffice_ledger::command::{BlockAction, SaleAction};
use boxoffice_ledger::ids::EventId;

use super::Outcome;
use super::hold::resolve_seats;
use crate::call::Call;
use crate::check::Check;
use crate::edge::Edge;
use crate::json::{self, BlockBody, BlockOut, SaleMovedOut};

/// Most seats that one request may block.
pub const SEATS_MAX: usize = 10_000;
/// Longest reason, in bytes.
pub const REASON_BYTES_MAX: usize = 255;

/// `POST /event/{id}/open`
pub async fn open(edge: Arc<Edge>, call: Call) -> Outcome {
    act(edge, call, SaleAction::Open).await
}

/// `POST /event/{id}/pause`
pub async fn pause(edge: Arc<Edge>, call: Call) -> Outcome {
    act(edge, call, SaleAction::Pause).await
}

/// `POST /event/{id}/resume`
pub async fn resume(edge: Arc<Edge>, call: Call) -> Outcome {
    act(edge, call, SaleAction::Resume).await
}

/// `POST /event/{id}/close`
pub async fn close(edge: Arc<Edge>, call: Call) -> Outcome {
    act(edge, call, SaleAction::Close).await
}

/// `POST /event/{id}/cancel`
pub async fn cancel(edge: Arc<Edge>, call: Call) -> Outcome {
    act(edge, call, SaleAction::Cancel).await
}

async fn act(edge: Arc<Edge>, call: Call, action: SaleAction) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let done = edge.backend.move_sale(call.context(), call.user()?, call.write()?, event, action).await?;
    Ok(json::written(StatusCode::OK, &done, &SaleMovedOut::new(event, done.value, done.revision)))
}

/// `POST /event/{id}/block`
pub async fn block(edge: Arc<Edge>, call: Call) -> Outcome {
    let (caller, request) = (call.user()?, call.write()?);
    let event: EventId = call.id("id", "event")?;
    let body: BlockBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let action = match body.action.as_str() {
        "block" => BlockAction::Block,
        "unblock" => BlockAction::Unblock,
        "kill" => BlockAction::Kill,
        _ => {
            check.wrong("/action", "invalid", "block, unblock or kill");
            BlockAction::Block
        }
    };
    let reason = check.line("/reason", &body.reason, REASON_BYTES_MAX);
    if body.seats.is_empty() || body.seats.len() > SEATS_MAX {
        check.wrong("/seats", "out_of_range", format!("from 1 to {SEATS_MAX} seats"));
    }
    check.done()?;
    let offer = edge.offers.of_event(&*edge.backend, call.context(), event).await?;
    let mut check = Check::default();
    let seats = resolve_seats(&mut check, &offer.layout, &body.seats);
    check.done()?;
    let done = edge.backend.block_seats(call.context(), caller, request, event, seats, action, reason).await?;
    let answer = BlockOut::new(event, body.action, body.seats.len(), &done.value, done.revision);
    Ok(json::written(StatusCode::OK, &done, &answer))
}
