//! Buyers who have to do something at their bank.

use boxoffice_tests::cluster::Options;
use boxoffice_tests::http::new_key;
use serde_json::json;

use super::{PRICE, Shop};

/// How long a buyer who never comes back may take, in seconds: longer than a machine stalls, for what they are told is looked at.
const BANK_TIME_S: u64 = 8;

async fn at_the_bank(shop: &Shop, seat: u32) -> (String, String, String) {
    let (hold, key) = (shop.hold(seat).await, new_key());
    let waits = shop.pay(&hold, "pm_test_3ds", &key).await.expect(202);
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
    let again = shop.pay(&hold, "pm_test_3ds", &key).await.expect(200);
    assert_eq!(again["state"], "confirmed", "a retry of the payment is told how it ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declines_keeps_the_seats_and_may_try_again() {
    let shop = Shop::open().await;
    let (hold, _, url) = at_the_bank(&shop, 2).await;
    shop.cluster.provider().act(&url, false).await;
    shop.see_hold("the decline", &hold, |hold| hold["state"] == "active" && hold["payment"] == "failed").await;
    let order = shop.pay(&hold, "pm_test_ok", &new_key()).await.expect(200);
    assert_eq!(order["state"], json!("confirmed"));
}

/// The buyer never comes back: the attempt is cancelled at the provider, nothing is reserved or taken, and the seats are theirs to
/// pay for again or to give up.
#[tokio::test(flavor = "multi_thread")]
async fn who_never_comes_back_pays_nothing_and_blocks_nothing() {
    let shop = Shop::open_with(Options { nodes: 1, bank_time_s: Some(BANK_TIME_S), ..Options::default() }).await;
    let (hold, key, url) = at_the_bank(&shop, 3).await;
    let held = shop.see_hold("the end of the attempt", &hold, |hold| hold["state"] == "active" && hold["payment"] == "failed").await;
    assert_eq!(held["decline_code"], "timed_out", "{held}");
    let order = held["order"].as_str().expect("an order").to_owned();
    let there = shop.at_provider(&order).await;
    assert_eq!((&there["status"], &there["reserved"], &there["captured"]), (&json!("canceled"), &json!(0), &json!(0)));
    // Too late: the bank's page takes nothing any more, and the same request is told how it ended.
    shop.cluster.provider().act(&url, true).await;
    assert_eq!(shop.at_provider(&order).await["captured"], 0);
    let _ = shop.pay(&hold, "pm_test_3ds", &key).await.problem(402, "payment_declined");
    let seen = shop.order("the attempt", &order, |order| order["attempts"][0]["pinned_ms"].is_u64()).await;
    assert!(seen["attempts"][0]["pinned_ms"].as_u64() >= Some(1000 * BANK_TIME_S), "{seen}");
    let given_up = shop.buyer.delete(&format!("/event/{}/hold/{hold}", shop.event)).await;
    assert!(matches!(given_up.status, 200 | 204), "{}", given_up.text);
    assert_eq!(shop.seat(3).await, 0, "the seat is free");
}
