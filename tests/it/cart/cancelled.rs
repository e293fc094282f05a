//! An event is cancelled while its part of a cart is being paid: that part is never taken, the others are sold.

use serde_json::json;

use super::{PRICES, Shop, orders};

#[tokio::test(flavor = "multi_thread")]
async fn one_event_is_cancelled_between_pin_and_confirm() {
    let shop = Shop::open().await;
    let (cart, [_, dropped]) = shop.cart(1).await;
    let url = shop.go_to_the_bank(&cart).await;
    let _ = shop.coordinator.post(&format!("/event/{}/cancel", shop.events[1]), &json!({})).await.expect(200);
    shop.cluster.provider().act(&url, true).await;
    let paid = shop.see_cart(&cart, "confirmed").await;
    assert_eq!((&paid["items"][0]["state"], &paid["items"][1]["state"]), (&json!("sold"), &json!("dropped")));
    shop.see_hold(&dropped, "revoked").await;
    let orders = orders(&paid);
    assert_eq!(orders.len(), 1);
    shop.captured(&orders[0]).await;
    shop.compare(&cart, PRICES[0], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_events_are_cancelled_and_nothing_is_taken() {
    let shop = Shop::open().await;
    let (cart, held) = shop.cart(2).await;
    let url = shop.go_to_the_bank(&cart).await;
    for event in &shop.events {
        let _ = shop.coordinator.post(&format!("/event/{event}/cancel"), &json!({})).await.expect(200);
    }
    shop.cluster.provider().act(&url, true).await;
    let over = shop.see_cart(&cart, "released").await;
    assert_eq!(over["payment"], "voided");
    for one in &held {
        shop.see_hold(one, "revoked").await;
    }
    shop.compare(&cart, 0, 0).await;
}

/// Cancelled once it is sold, before the money is taken: all is captured, and the part is refunded as every order of the event.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_cancelled_before_the_capture() {
    let shop = Shop::open().await;
    let (cart, _) = shop.cart(3).await;
    shop.arm("cart.after_capture").await;
    let _ = shop.try_pay(&cart, "pm_test_ok", "a-key").await;
    shop.recover("cart.after_capture").await;
    let _ = shop.coordinator.post(&format!("/event/{}/cancel", shop.events[1]), &json!({})).await.expect(200);
    shop.see_cart(&cart, "confirmed").await;
    shop.compare(&cart, PRICES[0] + PRICES[1], PRICES[1]).await;
}
