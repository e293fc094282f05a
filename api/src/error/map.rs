//! What the backend said -> which problem it is. Total over [`Failure`] and [`Rejection`].

use axum::http::header::WWW_AUTHENTICATE;
use boxoffice_ledger::outcome::{HoldState, Rejection};
use boxoffice_ledger::promos::PromoReason;
use boxoffice_ledger::tickets::{LastScan, ScanReason};
use serde_json::{Value, json};

use super::{Code, HttpProblem};
use crate::backend::{Failure, Problem};
use crate::call::BEARER;
use crate::json::{self, Rfc3339};
use crate::layout::Offer;

/// The problem that a failure is. `offer` gives seats their labels and prices, where the event is known.
#[must_use]
pub fn from_failure(failure: Failure, offer: Option<&Offer>) -> HttpProblem {
    match failure {
        Failure::Rejected(rejection, revision) => {
            let mut problem = from_rejection(rejection, offer);
            problem.more.revision = Some(revision);
            problem
        }
        Failure::Replayed(failure) => {
            let mut problem = from_failure(*failure, offer);
            problem.more.replayed = true;
            problem
        }
        Failure::Declined { code, hold } => {
            let detail = format!("The provider declined the payment: {code}.");
            let hold = json::HoldOut::new(&hold, offer, None);
            HttpProblem::new(Code::PaymentDeclined, detail)
                .with("decline_code", code.into())
                .with("hold", serde_json::to_value(&hold).unwrap_or(Value::Null))
        }
        Failure::CartFailed { code, hold: true, cart } => {
            HttpProblem::new(Code::CartRefused, format!("Nothing was charged: {code}.")).with("cart", json::cart_value(&cart))
        }
        Failure::CartFailed { code, cart, .. } => {
            HttpProblem::new(Code::PaymentDeclined, format!("The provider declined the payment: {code}."))
                .with("decline_code", code.into())
                .with("cart", json::cart_value(&cart))
        }
        Failure::NotFound(what) => HttpProblem::not_found(what),
        Failure::Forbidden(why) => HttpProblem::new(Code::Forbidden, why),
        Failure::BadCredentials => bad_credentials(),
        Failure::LoggedOut => crate::call::unauthenticated(),
        Failure::LinkOver => HttpProblem::new(Code::LinkOver, "The link was used, is too old, or is not one of ours."),
        Failure::NotAdmitted(reason) => ticket_refused(reason, None),
        Failure::Invalid(problems) => HttpProblem::invalid(&problems),
        Failure::NoProvider => HttpProblem::new(Code::PaymentsUnavailable, "Nothing happened. Only free tickets can be had here."),
        Failure::Restoring => HttpProblem::new(Code::Restoring, "Nothing happened. Payments are being settled first.").after_ms(5_000),
        Failure::NoQuorum(ms) => HttpProblem::new(Code::NoQuorum, "Nothing happened. Please try again shortly.").after_ms(ms),
        Failure::Overloaded(ms) => HttpProblem::new(Code::Overloaded, "Nothing happened. Please try again shortly.").after_ms(ms),
        Failure::BadSignature(why) => HttpProblem::new(Code::BadSignature, why),
        Failure::Gone => HttpProblem::new(Code::RevisionGone, "The cluster was restored from a backup after this revision."),
        Failure::ChangesGone(oldest) => {
            let oldest: Vec<Value> = oldest.iter().map(|place| place.to_string().into()).collect();
            HttpProblem::new(Code::ChangesGone, "This node does not have all changes after that place.").with("oldest", oldest.into())
        }
        Failure::Unknown => {
            HttpProblem::new(Code::OutcomeUnknown, "The answer did not arrive in time. Repeat with the same Idempotency-Key.").after_ms(500)
        }
    }
}

/// 401 for an e-mail and a password that do not fit; the same whichever is wrong.
#[must_use]
pub fn bad_credentials() -> HttpProblem {
    HttpProblem::new(Code::BadCredentials, "There is no account with this e-mail and password.").header(WWW_AUTHENTICATE, BEARER)
}

fn from_rejection(rejection: Rejection, offer: Option<&Offer>) -> HttpProblem {
    match rejection {
        Rejection::Malformed { pointer, detail } => HttpProblem::invalid(&[Problem { pointer, code: "invalid", detail }]),
        Rejection::RequestReused => {
            HttpProblem::new(Code::IdempotencyKeyReused, "This key came before with another body. Use a new key for a new request.")
        }
        Rejection::RequestsFull => {
            HttpProblem::new(Code::Overloaded, "The table of remembered requests is full of young ones.").after_ms(10_000)
        }
        Rejection::NotFound { what } => HttpProblem::not_found(&what),
        Rejection::VersionMismatch { current } => {
            HttpProblem::new(Code::VersionMismatch, format!("Its version is {current} now.")).with("current", current.into())
        }
        Rejection::Frozen { pointer, detail } => HttpProblem::new(Code::FieldFrozen, detail).with("pointer", pointer.into()),
        Rejection::EmailTaken => HttpProblem::new(Code::EmailTaken, "Log in instead."),
        Rejection::SaleNotOn { state, opens_at } => {
            let problem = HttpProblem::new(Code::SaleNotOn, format!("The sale is {}.", json::sale_state(state)));
            let problem = problem.with("state", json::sale_state(state).into());
            match opens_at {
                Some(at) => problem.with("opens_at", Rfc3339(at).to_string().into()),
                None => problem,
            }
        }
        Rejection::SaleMove { state } => HttpProblem::new(Code::SaleMoveRefused, format!("The sale is {}.", json::sale_state(state)))
            .with("state", json::sale_state(state).into()),
        Rejection::HoldEnded { state } => {
            let code = if state == HoldState::Expired { Code::HoldExpired } else { Code::HoldEnded };
            HttpProblem::new(code, format!("The hold is {}.", json::hold_state(state))).with("state", json::hold_state(state).into())
        }
        Rejection::AttemptLive => HttpProblem::new(Code::PaymentInProgress, "A payment of this order is under way.").after_ms(1_000),
        Rejection::TooSoon { retry_at } => too_soon(retry_at),
        Rejection::AmountMismatch { expected } => {
            HttpProblem::new(Code::AmountMismatch, "The authorized amount is not the order's total.").with("expected", expected.into())
        }
        Rejection::TicketRefused { reason, used } => ticket_refused(reason, used),
        Rejection::PromoRefused { reason } => promo_refused(reason),
        Rejection::WrongState { detail } => HttpProblem::new(Code::WrongState, detail),
        choice => from_choice(choice, offer),
    }
}

/// Refusals of what a buyer chose.
fn from_choice(rejection: Rejection, offer: Option<&Offer>) -> HttpProblem {
    match rejection {
        Rejection::SeatsUnavailable { conflicts, areas, alternatives } => seats_unavailable(&conflicts, &areas, &alternatives, offer),
        Rejection::NothingFits => HttpProblem::new(Code::NothingFits, "No free seats fit the request."),
        Rejection::Orphans { seats } => {
            let seats: Vec<Value> = seats.iter().map(|&seat| json::seat_value(seat, offer)).collect();
            HttpProblem::new(Code::OrphanSeats, format!("{} single seats would be left.", seats.len())).with("seats", seats.into())
        }
        Rejection::LimitReached { limit, have } => {
            HttpProblem::new(Code::LimitReached, format!("You have {have} of {limit} already; the request would go past that."))
                .with("limit", limit.into())
                .with("have", have.into())
        }
        Rejection::PriceChanged { total, currency } => {
            HttpProblem::new(Code::PriceChanged, "The total is higher than expect_total.").with("total", json::money_value(total, currency))
        }
        other => HttpProblem::new(Code::WrongState, format!("{other:?}")),
    }
}

/// 422 for a promo code that cannot be used.
#[must_use]
pub fn promo_refused(reason: PromoReason) -> HttpProblem {
    let detail = match reason {
        PromoReason::Unknown => "This event has no such code now.",
        PromoReason::Expired => "The code has expired.",
        PromoReason::UsedUp => "The code was used as often as it can be.",
        PromoReason::NotForTheseSeats => "The code is for other seats than these.",
    };
    let errors = json!([{"pointer": "/promo", "code": json::promo_reason(reason), "detail": detail}]);
    HttpProblem::new(Code::PromoRefused, detail).with("reason", json::promo_reason(reason).into()).with("errors", errors)
}

fn ticket_refused(reason: ScanReason, used: Option<LastScan>) -> HttpProblem {
    let detail = match reason {
        ScanReason::BadCode => "This is not a ticket of ours, or it was altered.",
        ScanReason::WrongEvent => "This ticket is for another event.",
        ScanReason::UnknownTicket => "No such ticket was issued.",
        ScanReason::Void => "This ticket was refunded or cancelled.",
        ScanReason::Transferred => "This code is an old one: the ticket was given to someone else, or is offered.",
        ScanReason::OutsideDoors => "The doors are not open now.",
        ScanReason::AlreadyUsed => "This ticket was used.",
        ScanReason::NoReentry => "The bearer went out, and nobody comes in again at this event.",
        ScanReason::NotInside => "The bearer is not inside.",
    };
    let problem = HttpProblem::new(Code::TicketRefused, detail).with("reason", json::scan_reason(reason).into());
    match used {
        Some(used) => problem.with("used_at", Rfc3339(used.at).to_string().into()).with("used_gate", used.gate.into()),
        None => problem,
    }
}

fn too_soon(retry_at: Option<boxoffice_ledger::time::Timestamp>) -> HttpProblem {
    match retry_at {
        Some(at) => {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            let wait_ms = at.as_millis().saturating_sub(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
            let at = Rfc3339(at).to_string();
            HttpProblem::new(Code::TooSoon, format!("Not before {at}.")).with("retry_at", at.into()).after_ms(wait_ms.clamp(1, 3_600_000))
        }
        None => HttpProblem::new(Code::TooOften, "It cannot be done once more."),
    }
}

fn seats_unavailable(
    conflicts: &[(boxoffice_ledger::plan::SeatIndex, boxoffice_ledger::outcome::SeatState)],
    areas: &[(boxoffice_ledger::plan::AreaIndex, u32)],
    alternatives: &[Vec<boxoffice_ledger::plan::SeatIndex>],
    offer: Option<&Offer>,
) -> HttpProblem {
    let conflicts: Vec<Value> = conflicts
        .iter()
        .map(|&(seat, state)| {
            let mut value = json::seat_value(seat, offer);
            value["state"] = json::seat_state(state).into();
            value
        })
        .collect();
    let detail = match conflicts.as_slice() {
        [only] => format!("Seat {} is {}.", only["seat"].as_str().unwrap_or("?"), only["state"].as_str().unwrap_or("taken")),
        many => format!("{} seats or areas are taken.", many.len() + areas.len()),
    };
    let areas: Vec<Value> = areas.iter().map(|&(area, free)| json::area_value(area, offer, "available", free)).collect();
    let alternatives: Vec<Value> = alternatives
        .iter()
        .map(|seats| {
            let labels: Vec<Value> = seats.iter().map(|&seat| json::seat_value(seat, offer)).collect();
            let mut value = json!({"seats": labels});
            if let Some(total) = offer.and_then(|offer| offer.total(seats)) {
                value["total"] = total;
            }
            value
        })
        .collect();
    let problem = HttpProblem::new(Code::SeatUnavailable, detail).with("conflicts", conflicts.into());
    let problem = if areas.is_empty() { problem } else { problem.with("areas", areas.into()) };
    problem.with("alternatives", alternatives.into())
}
