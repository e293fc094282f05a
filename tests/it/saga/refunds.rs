//! What is given back, by whom, and what the provider does about it.

use boxoffice_ledger::command::Role;
use boxoffice_tests::shop;
use serde_json::json;

use super::{PRICE, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_goes_back_by_the_policy_and_staff_give_what_they_like() {
    let shop = Shop::open().await;
    let held = shop::hold(&shop.buyer, &shop.event, &[1, 2]).await.expect(201);
    let order = shop::pay(&shop.buyer, &shop.event, &shop::id(&held)).await.expect(200);
    let (order, ticket) = (shop::id(&order), order["tickets"][0].as_str().expect("a ticket").to_owned());
    shop.captured(&order).await;
    let refund = shop.buyer.post(&format!("/user/ticket/{ticket}/refund"), &json!({})).await.expect(201);
    assert_eq!((&refund["amount"]["amount"], &refund["tickets"]), (&json!(PRICE * 9 / 10), &json!([ticket])));
    let path = format!("/order/{order}/refund");
    let _ = shop.buyer.post(&path, &json!({"amount": 100})).await.problem(404, "not_found");
    let stranger = shop.cluster.client(1, Role::Customer);
    let _ = stranger.post(&path, &json!({})).await.problem(404, "not_found");
    let _ = shop.coordinator.post(&path, &json!({"amount": 2 * PRICE})).await.problem(409, "wrong_state");
    let _ = shop.coordinator.post(&path, &json!({"amount": 300, "reason": "goodwill"})).await.expect(201);
    let done = |order: &serde_json::Value| {
        order["refunds"].as_array().is_some_and(|all| all.len() == 2 && all.iter().all(|one| one["state"] == "done"))
    };
    let seen = shop.order("both refunds", &order, done).await;
    assert_eq!((&seen["state"], &seen["refunded"]["amount"]), (&json!("part_refunded"), &json!(PRICE * 9 / 10 + 300)));
    assert_eq!(shop.at_provider(&order).await["refunded"], PRICE * 9 / 10 + 300);
    let _ = shop.buyer.post(&format!("/user/ticket/{ticket}/refund"), &json!({})).await.problem(409, "wrong_state");
    assert_eq!((shop.seat(1).await, shop.seat(2).await), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_that_cannot_be_captured_cancels_the_order() {
    let shop = Shop::open().await;
    let order = shop.buy(3, "pm_test_capture_fails").await;
    let seen = shop.order("the cancellation", &order, |order| order["state"] == "cancelled").await;
    assert_eq!(seen["payment"], "capture_failed");
    assert_eq!(shop.at_provider(&order).await["captured"], 0);
    assert_eq!(shop.seat(3).await, 0, "the seat is on sale again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_is_shown_to_staff() {
    let shop = Shop::open().await;
    let order = shop.buy(4, "pm_test_dispute").await;
    let seen = shop.order("the dispute", &order, |order| order["disputes"][0]["state"] == "open").await;
    assert_eq!(seen["disputes"][0]["amount"]["amount"], PRICE);
    let own = shop.buyer.get(&format!("/order/{order}")).await.expect(200);
    assert!(own.get("disputes").is_none(), "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn free_tickets_never_touch_the_provider() {
    let shop = Shop::open().await;
    let event = shop::put_on_sale(&shop.coordinator, &shop::Terms::free(5)).await;
    let order = shop::id(&shop::buy(&shop.buyer, &event, 0).await);
    let refund = shop.coordinator.post(&format!("/order/{order}/cancel"), &json!({"reason": "rain"})).await.expect(201);
    assert_eq!(refund["state"], "done");
    let lines = shop.cluster.provider().ledger().await;
    assert!(lines.iter().all(|line| line["order"] != order), "{lines:?}");
}
