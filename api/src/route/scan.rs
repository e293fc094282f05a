//! Gates: scanning tickets, going on offline, and what the coordinator sees of it.
//!
//! A scan carries its own number instead of an Idempotency-Key: the device draws it once and sends it again with each retry,
//! online or, later, with what it scanned while it was offline.

use std::sync::Arc;

use axum::http::StatusCode;
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::tickets::{Direction, GATE_BYTES_MAX};

use super::{Outcome, linked, tagged};
use crate::backend::{Freshness, OfflineScan, ScanInput};
use crate::call::Call;
use crate::check::Check;
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{self, EventTicketOut, GateOut, NONCE_BYTES_MAX, OfflineBody, ReportOut, SCANS_MAX, ScanBody, ScanOut, UploadedOut};

/// Largest upload, in bytes.
pub const UPLOAD_BYTES_MAX: usize = 512 * 1024;

/// `POST /scan`
pub async fn scan(edge: Arc<Edge>, call: Call) -> Outcome {
    let caller = call.user()?;
    let body: ScanBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let scan = ScanInput {
        gate: check.line("/gate", &body.gate, GATE_BYTES_MAX),
        nonce: check.line("/nonce", &body.nonce, NONCE_BYTES_MAX),
        direction: direction(&mut check, "/direction", body.direction.as_deref()),
        event: body.event.as_deref().and_then(|text| check.id::<EventId>("/event", text)),
        code: body.code,
    };
    check.done()?;
    let done = edge.backend.scan(call.context(), caller, scan).await?;
    Ok(json::written(StatusCode::OK, &done, &ScanOut::new(&done.value)))
}

fn direction(check: &mut Check, pointer: &str, name: Option<&str>) -> Direction {
    json::direction_of(name).unwrap_or_else(|| {
        check.wrong(pointer, "invalid", "in or out");
        Direction::In
    })
}

/// `POST /event/{id}/scan/offline`
pub async fn upload(edge: Arc<Edge>, call: Call) -> Outcome {
    let caller = call.user()?;
    let event: EventId = call.id("id", "event")?;
    let body: OfflineBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let gate = check.line("/gate", &body.gate, GATE_BYTES_MAX);
    if body.scans.is_empty() || body.scans.len() > SCANS_MAX {
        check.wrong("/scans", "out_of_range", format!("from 1 to {SCANS_MAX} scans"));
    }
    let mut scans = Vec::with_capacity(body.scans.len().min(SCANS_MAX));
    for (at, scan) in body.scans.into_iter().take(SCANS_MAX).enumerate() {
        scans.push(OfflineScan {
            nonce: check.line(&format!("/scans/{at}/nonce"), &scan.nonce, NONCE_BYTES_MAX),
            at: check.moment(&format!("/scans/{at}/at"), &scan.at),
            direction: direction(&mut check, &format!("/scans/{at}/direction"), scan.direction.as_deref()),
            code: scan.code,
        });
    }
    check.done()?;
    let done = edge.backend.upload_scans(call.context(), caller, event, gate, scans).await?;
    Ok(json::written(StatusCode::OK, &done, &UploadedOut::new(&done.value)))
}

/// `GET /event/{id}/gate`
pub async fn gate(edge: Arc<Edge>, call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let found = edge.backend.gate(call.fresh(Freshness::Local), call.user()?, event).await?;
    let out = GateOut::new(&found.value, &edge.backend.ticket_keys());
    let bytes = serde_json::to_vec(&out).unwrap_or_default();
    let tag = format!("\"{}\"", &blake3::hash(&bytes).to_hex()[..16]);
    let mut response = json::answer_bytes(StatusCode::OK, bytes.into());
    json::put_read(response.headers_mut(), found.revision, found.age_ms);
    Ok(tagged(&call, response, &tag))
}

/// `GET /event/{id}/scan`
pub async fn report(edge: Arc<Edge>, call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let (limit, cursor) = call.page()?;
    let from = match cursor.map(str::parse) {
        None => 0,
        Some(Ok(from)) => from,
        Some(Err(_)) => return Err(HttpProblem::field("?cursor", "invalid", "cursor is the next_cursor of the page before")),
    };
    let found = edge.backend.scan_report(call.fresh(Freshness::Linearizable), call.user()?, event, limit, from).await?;
    let mut response = json::read(&found, &ReportOut::new(event, &found.value));
    linked(&call, &mut response, found.value.next.map(|next| next.to_string()).as_deref());
    Ok(response)
}

/// `GET /event/{id}/ticket`
pub async fn tickets(edge: Arc<Edge>, call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let (limit, cursor) = call.page()?;
    let state = match call.asked("state").map(json::ticket_state_of) {
        None => None,
        Some(Some(state)) => Some(state),
        Some(None) => return Err(HttpProblem::field("?state", "invalid", "issued, offered, checked_in, checked_out or void")),
    };
    let found = edge.backend.event_tickets(call.fresh(Freshness::Linearizable), call.user()?, event, state, limit, cursor).await?;
    let list = json::list(found.value.items.iter().map(EventTicketOut::new).collect(), found.value.next.clone());
    let mut response = json::read(&found, &list);
    linked(&call, &mut response, list.next_cursor());
    Ok(response)
}
