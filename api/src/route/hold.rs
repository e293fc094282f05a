//! Holding seats, looking at a hold, lengthening, giving back, paying.

use std::collections::HashSet;
use std::sync::Arc;

use axum::http::StatusCode;
use boxoffice_ledger::command::Choice;
use boxoffice_ledger::ids::{EventId, HoldId};
use boxoffice_ledger::plan::{AreaIndex, SeatIndex, SectionIndex};
use boxoffice_ledger::promos::{self, PromoReason};

use super::Outcome;
use crate::backend::{Freshness, Payment};
use crate::call::Call;
use crate::check::Check;
use crate::edge::Edge;
use crate::error::{HttpProblem, from_failure, promo_refused};
use crate::json::{self, AreaRef, BestBody, HoldBody, HoldOut, OrderOut, PayBody, PlacesBody, SeatRef};
use crate::layout::{Layout, Offer};

/// Longest token of a payment method, in bytes.
pub const METHOD_BYTES_MAX: usize = 255;

/// `POST /event/{id}/hold`
pub async fn create(edge: Arc<Edge>, call: Call) -> Outcome {
    let (caller, request) = (call.user()?, call.write()?);
    let event: EventId = call.id("id", "event")?;
    let body: HoldBody = json::parse(&call.body)?;
    let shape = shape(&body, edge.config.seats_per_hold_max)?;
    let promo = body.promo.as_deref().map(|text| promo(&edge, &call, text)).transpose()?;
    let offer = edge.offers.of_event(&*edge.backend, call.context(), event).await?;
    let (choice, expect_total) = choice(&body, shape, &offer)?;
    let done = edge.backend.hold(call.context(), caller, request, event, choice, expect_total, promo).await;
    let done = done.map_err(|failure| from_failure(failure, Some(&offer)))?;
    let hold = HoldOut::new(&done.value, Some(&offer), Some(event)).at(done.revision);
    let mut response = json::written(StatusCode::CREATED, &done, &hold);
    json::put_location(&mut response, &format!("/event/{event}/hold/{}", done.value.hold));
    Ok(response)
}

/// `GET /event/{id}/hold/{hold}`
pub async fn show(edge: Arc<Edge>, call: Call) -> Outcome {
    let (caller, event, hold) = named(&call)?;
    let read = edge.backend.get_hold(call.fresh(Freshness::Linearizable), caller, event, hold).await?;
    let offer = edge.offers.of_event(&*edge.backend, call.context(), event).await?;
    let out = HoldOut::new(&read.value.hold, Some(&offer), Some(event)).paying(read.value.payment.as_ref());
    Ok(json::read(&read, &out))
}

/// `POST /event/{id}/hold/{hold}/extend`
pub async fn extend(edge: Arc<Edge>, call: Call) -> Outcome {
    let (caller, event, hold) = named(&call)?;
    let done = edge.backend.extend_hold(call.context(), caller, call.write()?, event, hold).await?;
    let offer = edge.offers.of_event(&*edge.backend, call.context(), event).await.ok();
    let hold = HoldOut::new(&done.value, offer.as_deref(), Some(event)).at(done.revision);
    Ok(json::written(StatusCode::OK, &done, &hold))
}

/// `DELETE /event/{id}/hold/{hold}`
pub async fn release(edge: Arc<Edge>, call: Call) -> Outcome {
    let (caller, event, hold) = named(&call)?;
    let done = edge.backend.release_hold(call.context(), caller, call.write()?, event, hold).await?;
    Ok(json::done(&done))
}

/// `POST /event/{id}/hold/{hold}/pay`
pub async fn pay(edge: Arc<Edge>, call: Call) -> Outcome {
    let (caller, event, hold) = named(&call)?;
    let method = json::parse::<PayBody>(&call.body)?.payment_method.unwrap_or_default();
    let mut check = Check::default();
    check.optional_line("/payment_method", &method, METHOD_BYTES_MAX);
    check.done()?;
    let offer = edge.offers.known(event);
    let done = edge.backend.pay(call.context(), caller, call.write()?, event, hold, method).await;
    let done = done.map_err(|failure| from_failure(failure, offer.as_deref()))?;
    match (&done.value, OrderOut::paid(&done.value, event, done.revision)) {
        (_, Some(order)) => Ok(json::written(StatusCode::OK, &done, &order)),
        (Payment::Pending(view), None) => {
            let out = HoldOut::new(&view.hold, offer.as_deref(), Some(event)).paying(view.payment.as_ref()).at(done.revision);
            let mut response = json::written(StatusCode::ACCEPTED, &done, &out);
            json::put_location(&mut response, &format!("/event/{event}/hold/{}", view.hold.hold));
            Ok(response)
        }
        (Payment::Confirmed(_), None) => Err(HttpProblem::new(crate::error::Code::Internal, "A confirmed payment has no order.")),
    }
}

/// A promo code in its normal form. What cannot be one is refused as one that the event does not have.
fn promo(edge: &Edge, call: &Call, text: &str) -> Result<String, HttpProblem> {
    edge.limits.promo(call.user()?.user, call.address)?;
    promos::normal(text).ok_or_else(|| promo_refused(PromoReason::Unknown))
}

fn named(call: &Call) -> Result<(crate::backend::Caller, EventId, HoldId), HttpProblem> {
    Ok((call.user()?, call.id("id", "event")?, call.id("hold", "hold")?))
}

/// What can be said of a choice without knowing the event.
#[derive(Clone, Copy)]
enum Shape<'a> {
    Chosen,
    Best(&'a BestBody),
}

fn shape(body: &HoldBody, most: usize) -> Result<Shape<'_>, HttpProblem> {
    let most = most as u64;
    let mut check = Check::default();
    let seats = body.seats.as_ref().map_or(0, Vec::len) as u64;
    let areas = body.areas.as_deref().unwrap_or_default();
    let places: u64 = areas.iter().map(|area| u64::from(area.quantity)).sum();
    let shape = match &body.best {
        Some(best) => {
            if body.seats.is_some() || body.areas.is_some() {
                check.wrong("/best", "conflict", "either best, or seats and areas");
            }
            check.range("/best/quantity", u64::from(best.quantity), 1, most);
            Shape::Best(best)
        }
        None => {
            if seats + areas.len() as u64 == 0 {
                check.wrong("/seats", "empty", "name at least one seat, an area with a quantity, or best");
            }
            if seats > most {
                check.wrong("/seats", "too_many", format!("at most {most} seats in one hold"));
            } else if seats + places > most {
                check.wrong("/areas", "too_many", format!("at most {most} seats and places in one hold"));
            }
            for (at, _) in areas.iter().enumerate().filter(|(_, area)| area.quantity == 0) {
                check.wrong(format!("/areas/{at}/quantity"), "out_of_range", "at least 1");
            }
            Shape::Chosen
        }
    };
    check.done()?;
    Ok(shape)
}

fn choice(body: &HoldBody, shape: Shape<'_>, offer: &Offer) -> Result<(Choice, Option<u64>), HttpProblem> {
    let mut check = Check::default();
    let layout = &*offer.layout;
    let choice = match shape {
        Shape::Best(best) => Choice::Best {
            quantity: best.quantity,
            section: best.section.as_ref().and_then(|section| resolve_section(&mut check, layout, section)),
            max_price: best.max_price,
            split: best.split,
            accessible: best.accessible,
        },
        Shape::Chosen => Choice::Chosen {
            seats: resolve_seats(&mut check, layout, body.seats.as_deref().unwrap_or_default()),
            areas: resolve_areas(&mut check, layout, body.areas.as_deref().unwrap_or_default()),
        },
    };
    if let Some(currency) = body.expect_total.as_ref().and_then(|total| total.currency.as_deref())
        && currency != offer.currency.code()
    {
        check.wrong("/expect_total/currency", "mixed_currency", format!("this event is sold in {}", offer.currency.code()));
    }
    check.done()?;
    Ok((choice, body.expect_total.as_ref().map(|total| total.amount)))
}

/// Seats by index and label -> indexes, each once.
pub(super) fn resolve_seats(check: &mut Check, layout: &Layout, seats: &[SeatRef]) -> Vec<SeatIndex> {
    let mut seen = HashSet::with_capacity(seats.len());
    let mut found = Vec::with_capacity(seats.len());
    for (at, seat) in seats.iter().enumerate() {
        let index = match seat {
            SeatRef::Index(index) => Some(*index).filter(|index| index.0 < layout.seat_count()),
            SeatRef::Label(label) => layout.seat_by_label(label),
        };
        match index {
            None => check.wrong(format!("/seats/{at}"), "no_such_seat", "this event has no such seat; see GET /layout for its seats"),
            Some(index) if !seen.insert(index) => check.wrong(format!("/seats/{at}"), "duplicate", "the same seat twice"),
            Some(index) => found.push(index),
        }
    }
    found
}

fn resolve_section(check: &mut Check, layout: &Layout, section: &AreaRef) -> Option<SectionIndex> {
    let found = match section {
        AreaRef::Index(index) => u16::try_from(*index).ok().filter(|&at| usize::from(at) < layout.plan().sections.len()).map(SectionIndex),
        AreaRef::Name(name) => layout.section_by_name(name),
    };
    if found.is_none() {
        check.wrong("/best/section", "no_such_section", "this event has no such section");
    }
    found
}

/// Places by area -> areas by index, each once.
pub(super) fn resolve_areas(check: &mut Check, layout: &Layout, areas: &[PlacesBody]) -> Vec<(AreaIndex, u32)> {
    let mut found: Vec<(AreaIndex, u32)> = Vec::new();
    for (at, places) in areas.iter().enumerate() {
        let index = match &places.area {
            AreaRef::Index(index) => u16::try_from(*index).ok().filter(|&at| usize::from(at) < layout.plan().areas.len()).map(AreaIndex),
            AreaRef::Name(name) => layout.area_by_name(name),
        };
        match index {
            None => check.wrong(format!("/areas/{at}/area"), "no_such_area", "this event has no such area"),
            Some(index) if found.iter().any(|&(other, _)| other == index) => {
                check.wrong(format!("/areas/{at}/area"), "duplicate", "the same area twice");
            }
            Some(index) => found.push((index, places.quantity)),
        }
    }
    found
}
