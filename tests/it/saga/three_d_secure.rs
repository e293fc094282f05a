//! Buyers who have to do something at their bank.

use boxoffice_tests::http::new_key;
use serde_json::json;

use super::{PRICE, Shop};

async fn at_the_bank(shop: &Shop, seat: u32) -> (String, String, String) {
    let (hold, key) = (shop.hold(seat).await, new_key());
    let waits = shop.try_pay(&hold, "pm_test_3ds", &key).await.expect("an answer").expect(202);
    let url = waits["next_action"]["url"].as_str().expect("where to go").to_owned();
    let seen = shop.see_hold("the next action", &hold, |hold| hold["payment"] == "requires_action").await;
    assert_eq!(seen["next_action"]["url"], url);
    (hold, key, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_accepts_gets_the_tickets() {
    let shop = Shop::open().await;
    let (hold, key, url) = at_the_bank(&shop, 1).await;
    shop.cluster.provider().act(&url, true).await;
    let hold_seen = shop.see_hold("the sale", &hold, |hold| hold["state"] == "converted").await;
    let order = hold_seen["order"].as_str().expect("an order");
    shop.captured(order).await;
    assert_eq!(shop.at_provider(order).await["captured"], PRICE);
    let again = shop.try_pay(&hold, "pm_test_3ds", &key).await.expect("an answer").expect(200);
    assert_eq!(again["state"], "confirmed", "a retry of the payment is told how it ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declines_keeps_the_seats_and_may_try_again() {
    let shop = Shop::open().await;
    let (hold, _, url) = at_the_bank(&shop, 2).await;
    shop.cluster.provider().act(&url, false).await;
    shop.see_hold("the decline", &hold, |hold| hold["state"] == "active" && hold["payment"] == "failed").await;
    let order = shop.try_pay(&hold, "pm_test_ok", &new_key()).await.expect("an answer").expect(200);
    assert_eq!(order["state"], json!("confirmed"));
}
