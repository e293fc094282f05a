//! The node dies after every step of a cart; started again, it ends what it had begun.

use boxoffice_tests::http::new_key;
use serde_json::json;

use super::{PRICES, Shop, orders};

/// Pays with a node that dies at `point`, and expects both events sold, paid once.
async fn a_payment_survives(point: &str, method: &str) {
    let shop = Shop::open().await;
    let (cart, _) = shop.cart(3).await;
    let key = new_key();
    shop.arm(point).await;
    let _ = shop.try_pay(&cart, method, &key).await;
    shop.recover(point).await;
    // The buyer tries again with the same key, and looks until it is sold.
    let again = shop.try_pay(&cart, method, &key).await.expect("an answer");
    assert!(matches!(again.status, 200 | 202), "{}", again.text);
    shop.is_paid(&cart).await;
    assert_eq!(shop.at_provider(&cart).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_payment_is_begun() {
    a_payment_survives("cart.after_pay", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_one_hold_is_pinned() {
    a_payment_survives("cart.after_pin", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_all_holds_are_pinned() {
    a_payment_survives("cart.after_items", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_pins_are_written_down() {
    a_payment_survives("cart.after_tell", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_provider_authorized() {
    a_payment_survives("cart.after_authorize", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_authorization_is_written_down() {
    a_payment_survives("cart.after_tell:2", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_one_order_is_confirmed() {
    a_payment_survives("cart.after_sale", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_all_orders_are_confirmed() {
    a_payment_survives("cart.after_items:2", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_sales_are_written_down() {
    a_payment_survives("cart.after_tell:3", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_provider_captured() {
    a_payment_survives("cart.after_capture", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_capture_is_written_down() {
    a_payment_survives("cart.after_tell:4", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_one_group_knows_of_the_capture() {
    a_payment_survives("cart.after_settle", "pm_test_ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_answer_is_written_down() {
    a_payment_survives("cart.after_tell:2", "pm_test_lost_answer").await;
}

/// A card that is declined, and a crash on the way back: the buyer keeps the seats, and nothing is reserved.
async fn a_decline_survives(point: &str) {
    let shop = Shop::open().await;
    let (cart, held) = shop.cart(4).await;
    let key = new_key();
    shop.arm(point).await;
    assert!(shop.try_pay(&cart, "pm_test_declined", &key).await.is_none());
    shop.recover(point).await;
    let open = shop.see_cart(&cart, "open").await;
    assert!(open["decline_code"].is_string(), "{open}");
    for one in &held {
        shop.see_hold(one, "active").await;
    }
    let _ = shop.pay_with(&cart, "pm_test_declined", &key).await.problem(402, "payment_declined");
    shop.compare(&cart, 0, 0).await;
    let _ = shop.pay(&cart, "pm_test_ok").await.expect(200);
    shop.is_paid(&cart).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_decline() {
    a_decline_survives("cart.after_authorize").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_decline_is_written_down() {
    a_decline_survives("cart.after_tell:2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_one_hold_is_given_back() {
    a_decline_survives("cart.after_free").await;
}

/// A cart that is thrown away at the bank, and a crash on the way: cancelled at the provider, the holds the buyer's again.
async fn a_release_survives(point: &str) {
    let shop = Shop::open().await;
    let (cart, held) = shop.cart(5).await;
    shop.go_to_the_bank(&cart).await;
    shop.arm(point).await;
    let _ = shop.buyer.send(shop.buyer.request("DELETE", &cart)).await;
    shop.recover(point).await;
    shop.see_cart(&cart, "released").await;
    for one in &held {
        shop.see_hold(one, "active").await;
    }
    assert_eq!(shop.at_provider(&cart).await[0]["status"], "canceled");
    shop.compare(&cart, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_cart_is_thrown_away() {
    a_release_survives("cart.after_release").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_provider_cancelled() {
    a_release_survives("cart.after_cancel").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_cancellation_is_written_down() {
    a_release_survives("cart.after_tell").await;
}

/// Both events are cancelled while the buyer is at the bank; the node dies after the reservation was given back.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_reservation_is_given_back() {
    let shop = Shop::open().await;
    let (cart, held) = shop.cart(6).await;
    let url = shop.go_to_the_bank(&cart).await;
    for event in &shop.events {
        let _ = shop.coordinator.post(&format!("/event/{event}/cancel"), &json!({})).await.expect(200);
    }
    shop.arm("cart.after_void").await;
    shop.cluster.provider().act(&url, true).await;
    shop.recover("cart.after_void").await;
    shop.see_cart(&cart, "released").await;
    for one in &held {
        shop.see_hold(one, "revoked").await;
    }
    shop.compare(&cart, 0, 0).await;
}

/// A cart is made, and the answer is lost: the same key gets the same cart.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_cart_is_made() {
    let shop = Shop::open().await;
    let held = shop.hold_both(7).await;
    let (key, body) = (new_key(), super::items(&held));
    shop.arm("cart.after_open").await;
    assert!(shop.buyer.post_to_dying("/cart", &key, &body).await.is_none());
    shop.recover("cart.after_open").await;
    let cart = shop.buyer.post_with("/cart", &key, &body).await;
    assert_eq!(cart.header("idempotent-replayed"), Some("true"));
    let cart = cart.expect(201);
    let path = format!("/cart/{}", cart["id"].as_str().expect("an id"));
    let paid = shop.pay(&path, "pm_test_ok").await.expect(200);
    assert_eq!((orders(&paid).len(), &paid["total"]["amount"]), (2, &json!(PRICES[0] + PRICES[1])));
    shop.is_paid(&path).await;
    let again = shop.buyer.post_with("/cart", &key, &body).await.expect(201);
    assert_eq!(again["id"], cart["id"], "its holds are sold, and the answer is the first one");
}
