//! Promo codes and allocations of an event, for its coordinator.

use std::sync::Arc;

use axum::http::StatusCode;
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::promos::{ALLOCATION_BYTES_MAX, BPS_MAX, Discount, PromoAction, PromoTerms, normal};
use boxoffice_ledger::seats::{BLOCK_SEATS_MAX, PRICE_MAX};

use super::hold::{resolve_areas, resolve_seats};
use super::{Outcome, linked};
use crate::backend::{AllocationInput, Freshness};
use crate::call::Call;
use crate::check::Check;
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{self, AllocationBody, AllocationOut, PromoBody, PromoOut, PromoPatchBody, TotalBody};
use crate::layout::Offer;

/// `POST /event/{id}/promo`
pub async fn create(edge: Arc<Edge>, call: Call) -> Outcome {
    let (caller, request) = (call.user()?, call.write()?);
    let event: EventId = call.id("id", "event")?;
    let body: PromoBody = json::parse(&call.body)?;
    let (code, terms) = terms(&body)?;
    let offer = edge.offers.of_event(&*edge.backend, call.context(), event).await?;
    let mut check = Check::default();
    let amounts =
        [("/amount", &body.amount), ("/budget", &body.budget)].map(|(pointer, amount)| currency(&mut check, &offer, pointer, amount));
    check.done()?;
    let currency = amounts.contains(&true).then_some(offer.currency);
    let action = PromoAction::Create { code, terms, currency };
    let done = edge.backend.put_promo(call.context(), caller, request, event, action).await?;
    let mut response = json::written(StatusCode::CREATED, &done, &PromoOut::new(&done.value));
    json::put_location(&mut response, &format!("/event/{event}/promo/{}", done.value.code));
    Ok(response)
}

fn terms(body: &PromoBody) -> Result<(String, PromoTerms), HttpProblem> {
    let mut check = Check::default();
    let code = normal(&body.code).unwrap_or_else(|| {
        check.wrong("/code", "invalid", "3 to 40 letters, digits, - and _");
        String::new()
    });
    let discount = match (body.percent_bps, &body.amount) {
        (Some(_), Some(_)) => {
            check.wrong("/amount", "conflict", "either percent_bps or amount");
            Discount::None
        }
        (Some(bps), None) => {
            check.range("/percent_bps", bps.into(), 1, BPS_MAX.into());
            Discount::Percent(bps)
        }
        (None, Some(amount)) => {
            check.range("/amount", amount.amount, 1, PRICE_MAX);
            Discount::Fixed(amount.amount)
        }
        (None, None) => {
            if body.allocation.is_none() {
                check.wrong("/percent_bps", "missing", "percent_bps, amount or allocation: what the code gives");
            }
            Discount::None
        }
    };
    for (pointer, most) in [("/uses_max", body.uses_max), ("/per_user_max", body.per_user_max)] {
        check.range(pointer, most.unwrap_or(1).into(), 1, u32::MAX.into());
    }
    if let Some(budget) = &body.budget {
        check.range("/budget", budget.amount, 1, u64::MAX);
    }
    let terms = PromoTerms {
        discount,
        allocation: body.allocation.as_deref().map(|name| check.line("/allocation", name, ALLOCATION_BYTES_MAX)),
        uses_max: body.uses_max,
        per_user_max: body.per_user_max,
        budget: body.budget.as_ref().map(|budget| budget.amount),
        from: body.from.as_deref().map(|text| check.moment("/from", text)),
        until: body.until.as_deref().map(|text| check.moment("/until", text)),
    };
    check.done()?;
    Ok((code, terms))
}

/// Whether there is an amount; its currency must be the event's.
fn currency(check: &mut Check, offer: &Offer, pointer: &str, amount: &Option<TotalBody>) -> bool {
    let given = amount.as_ref().and_then(|amount| amount.currency.as_deref());
    if given.is_some_and(|given| given != offer.currency.code()) {
        check.wrong(format!("{pointer}/currency"), "mixed_currency", format!("this event is sold in {}", offer.currency.code()));
    }
    amount.is_some()
}

/// `GET /event/{id}/promo`
pub async fn list(edge: Arc<Edge>, call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let (limit, cursor) = call.page()?;
    let found = edge.backend.promos(call.fresh(Freshness::Linearizable), call.user()?, event, limit, cursor).await?;
    let list = json::list(found.value.items.iter().map(PromoOut::new).collect(), found.value.next.clone());
    let mut response = json::read(&found, &list);
    linked(&call, &mut response, list.next_cursor());
    Ok(response)
}

/// `GET /event/{id}/promo/{code}`
pub async fn show(edge: Arc<Edge>, call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let found = edge.backend.promo(call.fresh(Freshness::Linearizable), call.user()?, event, &code(&call)?).await?;
    Ok(json::read(&found, &PromoOut::new(&found.value)))
}

/// `PATCH /event/{id}/promo/{code}`: switches it off or on.
pub async fn change(edge: Arc<Edge>, call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let active = json::parse::<PromoPatchBody>(&call.body)?.active;
    let code = code(&call)?;
    let action = PromoAction::Switch { code, active };
    let done = edge.backend.put_promo(call.context(), call.user()?, call.write()?, event, action).await?;
    Ok(json::written(StatusCode::OK, &done, &PromoOut::new(&done.value)))
}

fn code(call: &Call) -> Result<String, HttpProblem> {
    normal(call.param("promo")).ok_or_else(|| HttpProblem::not_found("code"))
}

/// `POST /event/{id}/allocation`: sets seats and places aside, or puts them back on sale.
pub async fn allocate(edge: Arc<Edge>, call: Call) -> Outcome {
    let (caller, request) = (call.user()?, call.write()?);
    let event: EventId = call.id("id", "event")?;
    let body: AllocationBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let put_back = match body.action.as_str() {
        "add" => false,
        "remove" => true,
        _ => {
            check.wrong("/action", "invalid", "add or remove");
            false
        }
    };
    let name = check.line("/name", &body.name, ALLOCATION_BYTES_MAX);
    let (seats, areas) = (body.seats.as_deref().unwrap_or_default(), body.areas.as_deref().unwrap_or_default());
    if (seats.is_empty() && areas.is_empty()) || seats.len() > BLOCK_SEATS_MAX {
        check.wrong("/seats", "out_of_range", format!("from 1 to {BLOCK_SEATS_MAX} seats, or areas"));
    }
    for (at, _) in areas.iter().enumerate().filter(|(_, area)| area.quantity == 0) {
        check.wrong(format!("/areas/{at}/quantity"), "out_of_range", "at least 1");
    }
    check.done()?;
    let offer = edge.offers.of_event(&*edge.backend, call.context(), event).await?;
    let mut check = Check::default();
    let seats = resolve_seats(&mut check, &offer.layout, seats);
    let areas = resolve_areas(&mut check, &offer.layout, areas);
    check.done()?;
    let input = AllocationInput { name, put_back, seats, areas };
    let done = edge.backend.allocate(call.context(), caller, request, event, input).await;
    let done = done.map_err(|failure| crate::error::from_failure(failure, Some(&offer)))?;
    Ok(json::written(StatusCode::OK, &done, &AllocationOut::new(&done.value, &offer)))
}

/// `GET /event/{id}/allocation`
pub async fn allocations(edge: Arc<Edge>, call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let found = edge.backend.allocations(call.fresh(Freshness::Linearizable), call.user()?, event).await?;
    let offer = edge.offers.of_event(&*edge.backend, call.context(), event).await?;
    let data = found.value.iter().map(|allocation| AllocationOut::new(allocation, &offer)).collect();
    Ok(json::read(&found, &json::list(data, None)))
}
