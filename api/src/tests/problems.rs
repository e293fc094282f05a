//! Everything that the backend can say goes out as the right problem, whole and definite or unknown.

use boxoffice_ledger::money::Currency;
use boxoffice_ledger::outcome::{HoldState, Rejection, SaleState, SeatState};
use boxoffice_ledger::plan::{AreaIndex, SeatIndex};
use boxoffice_ledger::promos::PromoReason;
use boxoffice_ledger::tickets::ScanReason;
use boxoffice_ledger::time::Timestamp;
use serde_json::json;

use super::fake::event_id;
use super::harness::Edge;
use crate::backend::{Failure, Problem, Revision};

const AT: Revision = Revision { incarnation: 0, group: 3, index: 41 };

/// A value of every variant, so that a new one does not compile until it has a row below.
fn row(rejection: Rejection) -> (Rejection, u16, &'static str) {
    let (status, code) = match &rejection {
        Rejection::Malformed { .. } => (422, "validation_failed"),
        Rejection::RequestReused => (422, "idempotency_key_reused"),
        Rejection::RequestsFull => (503, "overloaded"),
        Rejection::NotFound { .. } => (404, "not_found"),
        Rejection::VersionMismatch { .. } => (412, "version_mismatch"),
        Rejection::Frozen { .. } => (409, "field_frozen"),
        Rejection::EmailTaken => (409, "email_taken"),
        Rejection::SaleNotOn { .. } => (409, "sale_not_on"),
        Rejection::SaleMove { .. } => (409, "sale_move_refused"),
        Rejection::HoldEnded { state: HoldState::Expired } => (410, "hold_expired"),
        Rejection::HoldEnded { .. } => (410, "hold_ended"),
        Rejection::AttemptLive => (409, "payment_in_progress"),
        Rejection::SeatsUnavailable { .. } => (409, "seat_unavailable"),
        Rejection::NothingFits => (409, "nothing_fits"),
        Rejection::Orphans { .. } => (409, "orphan_seats"),
        Rejection::LimitReached { .. } => (409, "limit_reached"),
        Rejection::PriceChanged { .. } => (409, "price_changed"),
        Rejection::TooSoon { retry_at: Some(_) } => (429, "too_soon"),
        Rejection::TooSoon { retry_at: None } => (409, "too_often"),
        Rejection::AmountMismatch { .. } => (409, "amount_mismatch"),
        Rejection::TicketRefused { .. } => (409, "ticket_refused"),
        Rejection::PromoRefused { .. } => (422, "promo_refused"),
        Rejection::WrongState { .. } => (409, "wrong_state"),
    };
    (rejection, status, code)
}

fn rejections() -> Vec<Rejection> {
    let euro = Currency::parse("EUR").unwrap();
    let opens_at = Some(Timestamp(1_790_000_000_000_000));
    vec![
        Rejection::Malformed { pointer: "/seats".into(), detail: "x".into() },
        Rejection::RequestReused,
        Rejection::RequestsFull,
        Rejection::NotFound { what: "hold".into() },
        Rejection::VersionMismatch { current: 9 },
        Rejection::Frozen { pointer: "/venue".into(), detail: "x".into() },
        Rejection::EmailTaken,
        Rejection::SaleNotOn { state: SaleState::Published, opens_at },
        Rejection::SaleMove { state: SaleState::Cancelled },
        Rejection::HoldEnded { state: HoldState::Expired },
        Rejection::HoldEnded { state: HoldState::Converted },
        Rejection::AttemptLive,
        Rejection::SeatsUnavailable { conflicts: vec![(SeatIndex(1), SeatState::Sold)], areas: vec![], alternatives: vec![] },
        Rejection::NothingFits,
        Rejection::Orphans { seats: vec![SeatIndex(2)] },
        Rejection::LimitReached { limit: 6, have: 5 },
        Rejection::PriceChanged { total: 5, currency: euro },
        Rejection::TooSoon { retry_at: opens_at },
        Rejection::TooSoon { retry_at: None },
        Rejection::AmountMismatch { expected: 5 },
        Rejection::TicketRefused { reason: ScanReason::Void, used: None },
        Rejection::PromoRefused { reason: PromoReason::Expired },
        Rejection::PromoRefused { reason: PromoReason::NotForTheseSeats },
        Rejection::WrongState { detail: "x".into() },
    ]
}

async fn hold_with(failure: Failure) -> super::harness::Reply {
    let edge = Edge::new();
    let path = format!("/event/{}/hold", event_id());
    // The layout is known from an earlier hold, so that only the hold itself fails.
    edge.user("POST", &path, r#"{"seats":[19]}"#).await;
    edge.fake.fail(Some(failure));
    edge.user("POST", &path, r#"{"seats":[0]}"#).await
}

#[tokio::test]
async fn every_rejection_has_its_status_and_code() {
    for (rejection, status, code) in rejections().into_iter().map(row) {
        let reply = hold_with(Failure::Rejected(rejection.clone(), AT)).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (status, code), "{rejection:?}: {}", reply.text);
        assert_eq!(reply.header("content-type"), "application/problem+json");
        assert_eq!(reply.json["type"], format!("/problem/{code}"));
        assert_eq!(reply.json["instance"], format!("/event/{}/hold", event_id()));
        assert_eq!((&reply.json["revision"], reply.header("boxoffice-revision")), (&json!("3:41"), "3:41"));
        assert_eq!(reply.json["request_id"], reply.header("x-request-id"));
        assert_eq!(reply.json["status"], status);
        if status == 503 || status == 429 {
            assert!(reply.header("retry-after").parse::<u64>().unwrap() >= 1, "{code}");
        }
    }
}

#[tokio::test]
async fn every_failure_has_its_status_and_code() {
    let problem = Problem { pointer: "/name".into(), code: "too_long", detail: "x".into() };
    for (failure, status, code) in [
        (Failure::NotFound("event"), 404, "not_found"),
        (Failure::Forbidden("not yours"), 403, "forbidden"),
        (Failure::BadCredentials, 401, "bad_credentials"),
        (Failure::Invalid(vec![problem]), 422, "validation_failed"),
        (Failure::NoQuorum(1_500), 503, "no_quorum"),
        (Failure::Overloaded(20), 503, "overloaded"),
        (Failure::Gone, 410, "revision_gone"),
        (Failure::ChangesGone(vec![]), 410, "changes_gone"),
        (Failure::Unknown, 504, "outcome_unknown"),
    ] {
        let reply = hold_with(failure.clone()).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (status, code), "{failure:?}");
        assert_eq!(reply.json["retryable"], status >= 503, "{failure:?}");
        assert_eq!(!reply.header("retry-after").is_empty(), status >= 503, "{failure:?}");
    }
    assert_eq!(hold_with(Failure::NoQuorum(1_500)).await.header("retry-after"), "2");
}

#[tokio::test]
async fn a_taken_seat_is_named_with_what_is_free_instead() {
    let edge = Edge::new();
    let path = format!("/event/{}/hold", event_id());
    edge.user("POST", &path, r#"{"seats":[3]}"#).await;
    edge.fake.move_seats(&[4], SeatState::Killed);
    let lost = edge.user("POST", &path, r#"{"seats":["A-1-4",4,5]}"#).await;
    assert_eq!((lost.status.as_u16(), lost.code()), (409, "seat_unavailable"));
    assert_eq!(lost.json["title"], "One or more seats are already taken");
    let conflicts = json!([
        {"index": 3, "seat": "A-1-4", "section": "A", "row": "1", "name": "4", "state": "held"},
        {"index": 4, "seat": "A-1-5", "section": "A", "row": "1", "name": "5", "state": "blocked"},
    ]);
    assert_eq!(lost.json["conflicts"], conflicts);
    let alternative = &lost.json["alternatives"][0];
    assert_eq!(alternative["seats"][0]["seat"], "A-2-2");
    assert_eq!(alternative["total"], json!({"amount": 12_500 + 9_900, "currency": "EUR"}));
    assert_eq!(lost.json["revision"], "3:102");
}

#[tokio::test]
async fn areas_orphans_prices_and_limits_are_explained() {
    let areas = vec![(AreaIndex(0), 2)];
    let lost = hold_with(Failure::Rejected(Rejection::SeatsUnavailable { conflicts: vec![], areas, alternatives: vec![] }, AT)).await;
    assert_eq!(lost.json["areas"], json!([{"index": 0, "area": "Floor", "available": 2}]));
    let lonely = hold_with(Failure::Rejected(Rejection::Orphans { seats: vec![SeatIndex(2)] }, AT)).await;
    assert_eq!(lonely.json["seats"][0]["seat"], "A-1-3");
    let dear = Rejection::PriceChanged { total: 700, currency: Currency::parse("EUR").unwrap() };
    assert_eq!(hold_with(Failure::Rejected(dear, AT)).await.json["total"], json!({"amount": 700, "currency": "EUR"}));
    let opens_at = Some(Timestamp(1_790_000_000_000_000));
    let early = hold_with(Failure::Rejected(Rejection::SaleNotOn { state: SaleState::Published, opens_at }, AT)).await;
    assert_eq!((&early.json["state"], &early.json["opens_at"]), (&json!("published"), &json!("2026-09-21T14:13:20Z")));
    let full = hold_with(Failure::Rejected(Rejection::LimitReached { limit: 6, have: 5 }, AT)).await;
    assert_eq!((&full.json["limit"], &full.json["have"]), (&json!(6), &json!(5)));
}

#[tokio::test]
async fn a_declined_card_keeps_the_hold() {
    let edge = Edge::new();
    let path = format!("/event/{}/hold", event_id());
    let hold = edge.user("POST", &path, r#"{"seats":[0]}"#).await.json["id"].as_str().unwrap().to_owned();
    let paid = edge.user("POST", &format!("{path}/{hold}/pay"), r#"{"payment_method":"declined"}"#).await;
    assert_eq!((paid.status.as_u16(), paid.code()), (402, "payment_declined"));
    assert_eq!((&paid.json["decline_code"], &paid.json["hold"]["id"]), (&json!("card_declined"), &json!(hold)));
}

#[tokio::test]
async fn a_plan_with_double_seats_is_refused_with_the_list_and_the_fix() {
    let edge = Edge::new();
    let seat = |number: &str| json!({"seat_number": number, "seat_guid": number, "position": {"x": 1, "y": 1}, "category": "A"});
    let row = json!({"row_number": "1", "position": {"x": 0, "y": 0}, "seats": [seat("1"), seat("1")]});
    let plan = json!({
        "name": "Hall", "categories": [{"name": "A", "color": "#ff0000"}], "size": {"width": 10, "height": 10},
        "zones": [{"name": "Z", "position": {"x": 0, "y": 0}, "rows": [row], "areas": []}],
    });
    let path = format!("/venue/{}/plan", super::fake::venue_id());
    let refused = edge.staff("POST", &path, &plan.to_string()).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (422, "validation_failed"), "{}", refused.text);
    assert!(refused.json["errors"].as_array().unwrap().iter().any(|one| one["code"] == "duplicate_seat"), "{}", refused.text);
    assert_eq!(refused.json["fix"], "?fix=renumber");
    let fixed = edge.staff("POST", &format!("{path}?fix=renumber"), &plan.to_string()).await;
    assert_eq!(fixed.status.as_u16(), 201, "{}", fixed.text);
    assert!(fixed.json["warnings_total"].as_u64().unwrap() > 0);
    for (body, status) in [("[1,", 400), ("{}", 422), (r#"{"zones":[]}"#, 422)] {
        assert_eq!(edge.staff("POST", &path, body).await.status.as_u16(), status, "{body}");
    }
    assert_eq!(edge.staff("POST", &format!("{path}?fix=magic"), &plan.to_string()).await.json["errors"][0]["pointer"], "?fix");
}
