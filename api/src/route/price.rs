//! Prices that move: how, where they stand, what moved them, and what another policy would do.

use std::sync::Arc;

use axum::http::StatusCode;
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::plan::LevelIndex;
use boxoffice_ledger::pricing::{Policy, REASON_BYTES_MAX, SalePoint, simulate};

use super::{Outcome, cacheable, linked};
use crate::backend::{Freshness, PolicyChange, PricePosition, PricesView};
use crate::call::{Call, number};
use crate::check::Check;
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{
    self, AreaRef, COURSE_MAX, PriceChangeOut, PricePatchBody, PricePolicyBody, PricePreviewBody, PricePreviewOut, PricesOut,
};

/// Most steps of a preview.
const PREVIEW_STEPS_MAX: usize = 10_000;

/// `GET /event/{id}/price`
pub async fn show(edge: Arc<Edge>, call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let found = edge.backend.prices(call.fresh(Freshness::Local), event).await?;
    let mut response = json::read(&found, &PricesOut::new(&found.value));
    if call.freshness.is_none() {
        cacheable(&mut response);
    }
    Ok(response)
}

/// `GET /event/{id}/price/history`
pub async fn history(edge: Arc<Edge>, call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let (limit, cursor) = call.page()?;
    let after = cursor.map(position).transpose()?;
    let level = match call.asked("level").map(number::<u16>) {
        None => None,
        Some(asked) => Some(LevelIndex(asked.ok_or_else(|| HttpProblem::field("?level", "invalid", "the index of a price level"))?)),
    };
    let found = edge.backend.price_history(call.fresh(Freshness::Local), event, level, after, limit).await?;
    let data = found.value.changes.iter().map(|(level, change)| PriceChangeOut::new(*level, change)).collect();
    let list = json::list(data, found.value.next.map(|(level, version)| format!("price-{}-{version}", level.0)));
    let mut response = json::read(&found, &list);
    linked(&call, &mut response, list.next_cursor());
    Ok(response)
}

fn position(text: &str) -> Result<PricePosition, HttpProblem> {
    let parts = text.strip_prefix("price-").and_then(|rest| rest.split_once('-'));
    let found = parts.and_then(|(level, version)| Some((LevelIndex(level.parse().ok()?), version.parse().ok()?)));
    found.ok_or_else(|| HttpProblem::field("?cursor", "invalid", "cursor is the next_cursor of the page before"))
}

/// `PATCH /event/{id}/price`
pub async fn change(edge: Arc<Edge>, call: Call) -> Outcome {
    let (caller, request) = (call.user()?, call.write()?);
    let event: EventId = call.id("id", "event")?;
    let body: PricePatchBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let policy = body.policy.policy(&mut check, "/policy", None);
    let reason = check.line("/reason", &body.reason, REASON_BYTES_MAX);
    check.done()?;
    let known = edge.backend.prices(call.fresh(Freshness::Local), event).await?;
    let level = level(&body.level, &known.value)?;
    let change = PolicyChange { level, policy, reason };
    let done = edge.backend.set_price_policy(call.context(), caller, request, event, change).await?;
    Ok(json::written(StatusCode::OK, &done, &PricesOut::new(&done.value).at(done.revision)))
}

/// `POST /event/{id}/price/preview`
pub async fn preview(edge: Arc<Edge>, call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let body: PricePreviewBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let policy = body.policy.as_ref().map(|policy| policy.policy(&mut check, "/policy", None));
    let course = course(&mut check, &body);
    check.done()?;
    let found = edge.backend.prices(call.fresh(Freshness::Local), event).await?;
    let level = level(&body.level, &found.value)?;
    let (_, view) = found.value.levels.get(usize::from(level.0)).ok_or_else(|| HttpProblem::not_found("price level"))?;
    let policy = policy.unwrap_or_else(|| view.policy.clone());
    let capacity = view.free.saturating_add(view.taken);
    let simulation = simulate(&policy, view.price, capacity, &course, PREVIEW_STEPS_MAX);
    Ok(json::read(&found, &PricePreviewOut::new(level, &policy, &simulation, found.value.currency)))
}

fn course(check: &mut Check, body: &PricePreviewBody) -> Vec<SalePoint> {
    if body.course.is_empty() || body.course.len() > COURSE_MAX {
        check.wrong("/course", "wrong_length", format!("1 to {COURSE_MAX} points"));
    }
    let mut course: Vec<SalePoint> = Vec::new();
    for (place, point) in body.course.iter().take(COURSE_MAX).enumerate() {
        let at = check.moment(&format!("/course/{place}/at"), &point.at);
        if course.last().is_some_and(|last| last.at >= at) {
            check.wrong(format!("/course/{place}/at"), "invalid", "later than the point before");
        }
        course.push(SalePoint { at, sold: point.sold, held: point.held.unwrap_or(0) });
    }
    course
}

/// A level by its index or its name.
fn level(asked: &AreaRef, prices: &PricesView) -> Result<LevelIndex, HttpProblem> {
    let found = match asked {
        AreaRef::Index(index) => prices.levels.get(*index as usize).map(|(_, level)| level.level),
        AreaRef::Name(name) => prices.levels.iter().find(|(known, _)| known == name).map(|(_, level)| level.level),
    };
    found.ok_or_else(|| HttpProblem::field("/level", "no_such_level", "the plan has no such level"))
}

/// The policies that a body lists, by level; the levels past the end of the list are fixed. None at all if all are.
///
/// # Errors
/// 422 with a pointer for what is no policy, or does not fit its level's price.
pub fn policies(bodies: Option<&[PricePolicyBody]>, prices: &[u64]) -> Result<Vec<Policy>, HttpProblem> {
    let bodies = bodies.unwrap_or_default();
    let mut check = Check::default();
    if bodies.len() > prices.len() {
        check.wrong("/pricing", "wrong_length", format!("at most one policy for each of the plan's {} levels", prices.len()));
    }
    let listed = bodies.iter().zip(prices).enumerate();
    let mut policies: Vec<Policy> =
        listed.map(|(level, (body, &price))| body.policy(&mut check, &format!("/pricing/{level}"), Some(price))).collect();
    check.done()?;
    if policies.iter().all(|policy| *policy == Policy::Fixed) {
        return Ok(Vec::new());
    }
    policies.resize(prices.len(), Policy::Fixed);
    Ok(policies)
}
