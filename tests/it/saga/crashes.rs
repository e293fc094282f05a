//! The node dies after every step; started again, it ends what it had begun.

use boxoffice_tests::http::new_key;
use boxoffice_tests::shop;
use serde_json::json;

use super::{PRICE, Shop};

/// Buys with a node that dies at `point`, and expects a sold seat, paid once.
async fn a_purchase_survives(point: &str, method: &str) {
    let shop = Shop::open().await;
    let (hold, key) = (shop.hold(3).await, new_key());
    shop.arm(point).await;
    let _ = shop.try_pay(&hold, method, &key).await;
    shop.recover(point).await;
    // The buyer tries again with the same key, and looks until it is sold.
    let again = shop.try_pay(&hold, method, &key).await.expect("an answer");
    assert!(matches!(again.status, 200 | 202), "{}", again.text);
    let hold = shop.see_hold("the sale", &hold, |hold| hold["state"] == "converted").await;
    let order = hold["order"].as_str().expect("an order").to_owned();
    let sold = shop.captured(&order).await;
    assert_eq!((&sold["state"], sold["tickets"].as_array().map(Vec::len)), (&json!("confirmed"), Some(1)));
    let there = shop.at_provider(&order).await;
    assert_eq!((&there["captured"], &there["refunded"]), (&json!(PRICE), &json!(0)));
    assert_eq!(shop.seat(3).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_seats_are_pinned() {
    a_purchase_survives("saga.after_pay_begin", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_provider_authorized() {
    a_purchase_survives("saga.after_authorize", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_ledger_confirmed() {
    a_purchase_survives("saga.after_settle", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_provider_captured() {
    a_purchase_survives("saga.after_capture", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_capture_is_written_down() {
    a_purchase_survives("saga.after_tell", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_answer_is_written_down() {
    a_purchase_survives("saga.after_unknown", "pm_test_lost_answer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_reconciler_asked() {
    a_purchase_survives("saga.after_look", "pm_test_lost_answer").await;
}

/// A card that is declined, and a crash before the ledger knows: the buyer keeps the seats, and nothing is reserved.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_decline() {
    let shop = Shop::open().await;
    let (hold, key) = (shop.hold(4).await, new_key());
    shop.arm("saga.after_authorize").await;
    assert!(shop.try_pay(&hold, "pm_test_declined", &key).await.is_none());
    shop.recover("saga.after_authorize").await;
    let held = shop.see_hold("the decline", &hold, |hold| hold["state"] == "active" && hold["payment"] == "failed").await;
    assert!(held["decline_code"].is_string(), "{held}");
    let _ = shop.pay(&hold, "pm_test_declined", &key).await.problem(402, "payment_declined");
    let order = shop.pay(&hold, "pm_test_ok", &new_key()).await.expect(200);
    shop.captured(&shop::id(&order)).await;
}

/// A refund that the ledger opened, and a crash before or after the provider was told.
async fn a_refund_survives(point: &str) {
    let shop = Shop::open().await;
    let order = shop.buy(5, "pm_test_ok").await;
    shop.captured(&order).await;
    shop.arm(point).await;
    let key = new_key();
    let path = format!("/order/{order}/refund");
    let _ = shop.buyer.post_to_dying(&path, &key, &json!({"reason": "ill"})).await;
    shop.recover(point).await;
    let again = shop.buyer.post_with(&path, &key, &json!({"reason": "ill"})).await.expect(201);
    assert_eq!(again["amount"]["amount"], PRICE * 9 / 10);
    let done = shop.order("the refund", &order, |order| order["refunds"][0]["state"] == "done").await;
    assert_eq!((&done["state"], done["refunds"].as_array().map(Vec::len)), (&json!("refunded"), Some(1)));
    let there = shop.at_provider(&order).await;
    assert_eq!((&there["captured"], &there["refunded"]), (&json!(PRICE), &json!(PRICE * 9 / 10)));
    assert_eq!(shop.seat(5).await, 0, "the seat is on sale again");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_refund_is_opened() {
    a_refund_survives("saga.after_refund_begin").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_refund_is_sent() {
    a_refund_survives("saga.after_refund_sent").await;
}

/// A whole refund before the capture: the reservation is cancelled instead, also when the node dies in between.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_reservation_is_given_back() {
    let shop = Shop::open().await;
    let (hold, key) = (shop.hold(6).await, new_key());
    shop.arm("saga.after_settle").await;
    assert!(shop.try_pay(&hold, "pm_test_ok", &key).await.is_none());
    shop.cluster.provider().kill();
    // The capture may have reached the provider before; then the money is refunded instead. Both are right.
    shop::eventually("the crash", super::PATIENCE, async || shop.cluster.has_died(1).then_some(())).await;
    shop.cluster.spawn(1).expect("the node starts");
    shop.cluster.wait_ready().expect("the node is ready");
    let order = shop.pay(&hold, "pm_test_ok", &key).await.expect(200);
    let order = shop::id(&order);
    let _ = shop.coordinator.post(&format!("/order/{order}/cancel"), &json!({"reason": "a mistake"})).await.expect(201);
    shop.arm("saga.after_void").await;
    shop.cluster.provider().spawn().expect("the provider starts");
    let ended = shop::eventually("the reservation's end", super::PATIENCE, async || {
        if shop.cluster.has_died(1) {
            shop.cluster.spawn(1).expect("the node starts");
            shop.cluster.wait_ready().expect("the node is ready");
        }
        let order = shop.coordinator.try_get(&format!("/order/{order}")).await.ok()?.body;
        (order["refunds"][0]["state"] == "done").then_some(order)
    })
    .await;
    assert_eq!(ended["state"], "refunded");
    let there = shop.at_provider(&order).await;
    assert_eq!((&there["reserved"], &there["captured"]), (&json!(0), &there["refunded"]));
}

/// The event is cancelled while a buyer is at the bank, and the node dies after it told the provider.
#[tokio::test(flavor = "multi_thread")]
async fn after_an_attempt_is_cancelled() {
    let shop = Shop::open().await;
    let hold = shop.hold(7).await;
    let waits = shop.pay(&hold, "pm_test_3ds", &new_key()).await.expect(202);
    assert_eq!(waits["payment"], "requires_action");
    shop.arm("saga.after_cancel").await;
    let _ = shop.coordinator.post_to_dying(&format!("/event/{}/cancel", shop.event), &new_key(), &json!({})).await;
    shop.recover("saga.after_cancel").await;
    let held = shop.see_hold("the end of the hold", &hold, |hold| hold["state"] == "revoked").await;
    let there = shop.at_provider(held["order"].as_str().expect("an order")).await;
    assert_eq!((&there["status"], &there["captured"]), (&json!("canceled"), &json!(0)));
}

/// A cancelled event is refunded order by order, whatever happens to the node meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn after_orders_of_a_cancelled_event_are_refunded() {
    let shop = Shop::open().await;
    let mut orders = Vec::new();
    for seat in 8..12 {
        orders.push(shop.buy(seat, "pm_test_ok").await);
    }
    for order in &orders {
        shop.captured(order).await;
    }
    shop.arm("saga.after_refund_next").await;
    let _ = shop.coordinator.post_to_dying(&format!("/event/{}/cancel", shop.event), &new_key(), &json!({})).await;
    shop.recover("saga.after_refund_next").await;
    let path = format!("/event/{}/sale", shop.event);
    let sale = shop::eventually("all refunds", super::PATIENCE, async || {
        let sale = shop.coordinator.try_get(&path).await.ok()?.body;
        (sale["refunds"]["done"] == 4).then_some(sale)
    })
    .await;
    assert_eq!(sale["refunds"], json!({"orders": 4, "done": 4, "pending": 0, "failed": 0}));
    for order in &orders {
        assert_eq!(shop.at_provider(order).await["refunded"], PRICE);
    }
}
