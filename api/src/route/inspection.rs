//! What operators look at when something may be wrong with a node: invariants and log entries.

use std::sync::Arc;

use axum::http::StatusCode;

use super::Outcome;
use crate::call::{self, Call};
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{self, GroupCheckOut, LogOut};

/// Most entries in a page.
pub const ENTRIES_MAX: usize = 1_000;
/// Entries in a page unless said otherwise.
const ENTRIES: usize = 100;

fn group(call: &Call) -> Result<u32, HttpProblem> {
    call::number(call.param("group")).ok_or_else(|| HttpProblem::not_found("group"))
}

/// `GET /check/{group}`
pub async fn check(edge: Arc<Edge>, call: Call) -> Outcome {
    let found = edge.backend.check_group(call.context(), group(&call)?).await?;
    Ok(json::answer(StatusCode::OK, &GroupCheckOut::new(&found)))
}

/// `GET /log/{group}`
pub async fn log(edge: Arc<Edge>, call: Call) -> Outcome {
    let asked = |name: &str, place: &'static str| {
        let number = |text: &str| call::number::<u64>(text).ok_or_else(|| HttpProblem::field(place, "invalid", "a number"));
        call.asked(name).map(number).transpose()
    };
    let from = asked("from", "?from")?.unwrap_or(0);
    let limit = match asked("limit", "?limit")? {
        None => ENTRIES,
        Some(limit) if (1..=ENTRIES_MAX as u64).contains(&limit) => limit as usize,
        Some(_) => return Err(HttpProblem::field("?limit", "out_of_range", format!("limit is a number from 1 to {ENTRIES_MAX}"))),
    };
    let page = edge.backend.log_page(call.context(), group(&call)?, from, limit).await?;
    Ok(json::answer(StatusCode::OK, &LogOut::new(&page)))
}
