//! Promo codes and allocations: what a coordinator makes, and what a buyer sees.

use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::{OrderId, Slot};
use serde_json::json;

use super::fake::event_id;
use super::harness::{self, Edge};
use crate::config::{ApiConfig, Rate};

fn path(rest: &str) -> String {
    format!("/event/{}{rest}", event_id())
}

#[tokio::test]
async fn a_coordinator_makes_codes_and_sees_what_they_gave() {
    let edge = Edge::new();
    let body = json!({"code": " summer-10 ", "percent_bps": 1000, "uses_max": 5, "per_user_max": 1, "until": "2026-12-01T00:00:00Z",
        "budget": {"amount": 9000, "currency": "EUR"}, "allocation": "Fans"});
    let made = edge.as_role(Role::Coordinator, "POST", &path("/promo"), &body.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!((&made.json["code"], &made.json["percent_bps"], &made.json["active"]), (&json!("SUMMER-10"), &json!(1000), &json!(true)));
    assert_eq!(made.json["budget"], json!({"amount": 9000, "currency": "EUR"}));
    assert_eq!((&made.json["uses"], &made.json["discount"]["spent"]["amount"]), (&json!({"held": 1, "sold": 2}), &json!(600)));
    assert!(made.header("location").ends_with("/promo/SUMMER-10"));
    let list = edge.as_role(Role::Coordinator, "GET", &path("/promo"), "").await;
    assert_eq!((&list.json["data"][0]["amount"]["amount"], &list.json["next_cursor"]), (&json!(300), &json!("1")));
    assert!(list.header("link").contains("cursor=1"));
    let one = edge.as_role(Role::Coordinator, "GET", &path("/promo/summer"), "").await;
    assert_eq!((one.status.as_u16(), &one.json["object"]), (200, &json!("promo")));
    assert_eq!(edge.as_role(Role::Coordinator, "GET", &path("/promo/winter"), "").await.status, 404);
    assert_eq!(edge.as_role(Role::Coordinator, "GET", &path("/promo/x"), "").await.status, 404);
    let off = edge.as_role(Role::Coordinator, "PATCH", &path("/promo/SUMMER"), r#"{"active":false}"#).await;
    assert_eq!((off.status.as_u16(), &off.json["active"]), (200, &json!(false)));
}

#[tokio::test]
async fn wrong_codes_are_pointed_at() {
    let edge = Edge::new();
    for (body, pointer, code) in [
        (json!({"code": "x", "percent_bps": 1}), "/code", "invalid"),
        (json!({"code": "SUMMER"}), "/percent_bps", "missing"),
        (json!({"code": "SUMMER", "percent_bps": 0}), "/percent_bps", "out_of_range"),
        (json!({"code": "SUMMER", "percent_bps": 10_001}), "/percent_bps", "out_of_range"),
        (json!({"code": "SUMMER", "percent_bps": 1, "amount": 1}), "/amount", "conflict"),
        (json!({"code": "SUMMER", "amount": 0}), "/amount", "out_of_range"),
        (json!({"code": "SUMMER", "amount": {"amount": 5, "currency": "USD"}}), "/amount/currency", "mixed_currency"),
        (json!({"code": "SUMMER", "amount": 5, "budget": {"amount": 5, "currency": "USD"}}), "/budget/currency", "mixed_currency"),
        (json!({"code": "SUMMER", "amount": 5, "uses_max": 0}), "/uses_max", "out_of_range"),
        (json!({"code": "SUMMER", "amount": 5, "from": "tomorrow"}), "/from", "invalid_time"),
        (json!({"code": "SUMMER", "amount": 5, "price": 1}), "/price", "unknown_field"),
    ] {
        let reply = edge.as_role(Role::Coordinator, "POST", &path("/promo"), &body.to_string()).await;
        let error = &reply.json["errors"][0];
        assert_eq!((reply.status.as_u16(), &error["pointer"], &error["code"]), (422, &json!(pointer), &json!(code)), "{body}");
    }
    assert!(edge.fake.writes().is_empty(), "{:?}", edge.fake.writes());
}

#[tokio::test]
async fn seats_and_places_are_set_aside() {
    let edge = Edge::new();
    let body = json!({"name": "Fans", "action": "add", "seats": [3, "A-1-1"], "areas": [{"area": "Floor", "quantity": 5}]});
    let made = edge.as_role(Role::Coordinator, "POST", &path("/allocation"), &body.to_string()).await;
    assert_eq!((made.status.as_u16(), &made.json["seats"][1]["seat"]), (200, &json!("A-1-1")), "{}", made.text);
    assert_eq!((&made.json["seats_available"], &made.json["areas"][0]["available"]), (&json!(2), &json!(5)));
    let back = json!({"name": "Fans", "action": "remove", "seats": [3]});
    assert_eq!(edge.as_role(Role::Coordinator, "POST", &path("/allocation"), &back.to_string()).await.status, 200);
    assert_eq!(edge.fake.writes(), ["allocate false 2 [(AreaIndex(0), 5)]", "allocate true 1 []"]);
    let list = edge.as_role(Role::Coordinator, "GET", &path("/allocation"), "").await;
    assert_eq!(list.json["data"][0]["name"], "Fans");
    for (body, pointer) in [
        (json!({"name": "", "action": "add", "seats": [1]}), "/name"),
        (json!({"name": "x", "action": "take", "seats": [1]}), "/action"),
        (json!({"name": "x", "action": "add"}), "/seats"),
        (json!({"name": "x", "action": "add", "seats": [99]}), "/seats/0"),
        (json!({"name": "x", "action": "add", "areas": [{"area": "Floor", "quantity": 0}]}), "/areas/0/quantity"),
    ] {
        let reply = edge.as_role(Role::Coordinator, "POST", &path("/allocation"), &body.to_string()).await;
        assert_eq!((reply.status.as_u16(), &reply.json["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}");
    }
}

#[tokio::test]
async fn a_buyer_sees_what_the_code_took_off_or_why_it_cannot_be_used() {
    let edge = Edge::new();
    let held = edge.user("POST", &path("/hold"), r#"{"seats":[1],"promo":"summer"}"#).await;
    assert_eq!((held.status.as_u16(), &held.json["promo"]), (201, &json!("SUMMER")), "{}", held.text);
    assert_eq!((&held.json["discount"]["amount"], &held.json["total"]["amount"]), (&json!(300), &json!(12_200)));
    for (code, reason) in [("gone", "used_up"), ("WINTER", "unknown"), ("!", "unknown")] {
        let reply = edge.user("POST", &path("/hold"), &json!({"seats": [2], "promo": code}).to_string()).await;
        assert_eq!((reply.status.as_u16(), reply.code(), &reply.json["reason"]), (422, "promo_refused", &json!(reason)), "{code}");
        assert_eq!(reply.json["errors"][0]["pointer"], "/promo");
    }
    let plain = edge.user("POST", &path("/hold"), r#"{"seats":[2]}"#).await;
    assert!(plain.json.get("promo").is_none() && plain.json.get("discount").is_none());
    let order = OrderId::for_tickets(1_790_000_000_000, Slot::new(9), 1 << 20);
    let order = edge.user("GET", &format!("/order/{order}"), "").await;
    assert_eq!((&order.json["promo"], &order.json["discount"]["amount"]), (&json!("SUMMER"), &json!(300)));
    let orders = edge.user("GET", "/user/order", "").await;
    assert_eq!(orders.json["data"][0]["discount"]["amount"], 300);
}

#[tokio::test]
async fn guessing_codes_is_slow() {
    let config = harness::config();
    let limits = crate::config::RateLimits { promo: Rate { per_minute: 1, burst: 3 }, ..config.limits };
    let edge = Edge::with(ApiConfig { limits, ..config });
    let mut last = 0;
    for number in 0..5 {
        let reply = edge.user("POST", &path("/hold"), &json!({"seats": [2], "promo": format!("GUESS-{number}")}).to_string()).await;
        last = reply.status.as_u16();
        assert_eq!(last, if number < 3 { 422 } else { 429 });
    }
    assert_eq!(last, 429);
    // A right guess is not told from a wrong one any more, and holding without a code goes on.
    assert_eq!(edge.user("POST", &path("/hold"), r#"{"seats":[2],"promo":"SUMMER"}"#).await.status, 429);
    assert_eq!(edge.user("POST", &path("/hold"), r#"{"seats":[2]}"#).await.status, 201);
}
