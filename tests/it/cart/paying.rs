//! What can come of paying a cart: cards, banks, impatience, holds that are gone, refunds and disputes.

use boxoffice_ledger::command::Role;
use boxoffice_tests::cluster::Options;
use boxoffice_tests::http::new_key;
use boxoffice_tests::shop::{self, Terms};
use serde_json::json;

use super::{PATIENCE, PRICES, Shop, hold, items, open_cart, orders};

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_pays_once() {
    let shop = Shop::open().await;
    let (cart, _) = shop.cart(1).await;
    let key = new_key();
    let clicks = (0..3).map(|_| shop.try_pay(&cart, "pm_test_ok", &key));
    let clicks: Vec<_> = futures::future::join_all(clicks).await.into_iter().flatten().collect();
    assert!(clicks.len() == 3 && clicks.iter().all(|reply| matches!(reply.status, 200 | 202)), "{clicks:?}");
    shop.is_paid(&cart).await;
    let other = shop.pay(&cart, "pm_test_ok").await;
    let _ = other.problem(409, "wrong_state");
    let again = shop.pay_with(&cart, "pm_test_ok", &key).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let _ = again.expect(200);
    let _ = shop.pay_with(&cart, "pm_test_declined", &key).await.problem(422, "idempotency_key_reused");
    assert_eq!(shop.at_provider(&cart).await.len(), 1);
}

/// A hold that is over by the time of the payment: nothing is charged, and the other one is the buyer's as before.
#[tokio::test(flavor = "multi_thread")]
async fn one_hold_is_gone_and_nothing_is_charged() {
    let shop = Shop::open().await;
    let (cart, [gone, other]) = shop.cart(2).await;
    assert_eq!(shop.buyer.delete(&format!("/event/{}/hold/{}", gone.event, gone.hold)).await.status, 204);
    let key = new_key();
    for _ in 0..2 {
        let refused = shop.pay_with(&cart, "pm_test_ok", &key).await.problem(409, "cart_refused");
        let items = &refused["cart"]["items"];
        assert_eq!((&items[0]["state"], &items[0]["code"]), (&json!("refused"), &json!("hold_ended")));
        assert_eq!((&items[1]["state"], &refused["cart"]["state"]), (&json!("freed"), &json!("released")));
    }
    assert!(shop.at_provider(&cart).await.is_empty(), "the provider was never asked");
    shop.see_hold(&other, "active").await;
    let _ = shop.pay(&cart, "pm_test_ok").await.problem(409, "wrong_state");
    let dead = shop.buyer.post("/cart", &items(&[gone])).await;
    let _ = dead.problem(410, "hold_ended");
    // The other one can be paid by itself.
    let _ = shop::pay(&shop.buyer, &other.event, &other.hold).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_declined_keeps_the_holds_and_may_try_again() {
    let shop = Shop::open().await;
    let (cart, held) = shop.cart(3).await;
    let declined = shop.pay(&cart, "pm_test_declined").await.problem(402, "payment_declined");
    assert!(declined["decline_code"].is_string(), "{declined}");
    assert_eq!((&declined["cart"]["state"], &declined["cart"]["payment"]), (&json!("open"), &json!("failed")));
    for one in &held {
        shop.see_hold(one, "active").await;
    }
    let paid = shop.pay(&cart, "pm_test_ok").await.expect(200);
    assert_eq!(orders(&paid).len(), 2);
    shop.is_paid(&cart).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_paid_in_one_way_at_a_time() {
    let shop = Shop::open().await;
    let (cart, held) = shop.cart(4).await;
    let url = shop.go_to_the_bank(&cart).await;
    let _ = shop::pay(&shop.buyer, &held[0].event, &held[0].hold).await.problem(409, "payment_in_progress");
    let _ = shop.pay(&cart, "pm_test_ok").await.problem(409, "payment_in_progress");
    let _ = shop.buyer.post("/cart", &items(&held)).await.problem(409, "payment_in_progress");
    shop.cluster.provider().act(&url, true).await;
    shop.is_paid(&cart).await;
    let _ = shop.buyer.delete(&cart).await.problem(409, "wrong_state");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declines_at_the_bank_keeps_the_holds() {
    let shop = Shop::open().await;
    let (cart, held) = shop.cart(5).await;
    let url = shop.go_to_the_bank(&cart).await;
    shop.cluster.provider().act(&url, false).await;
    let open = shop.see_cart(&cart, "open").await;
    assert_eq!(open["payment"], "failed");
    for one in &held {
        shop.see_hold(one, "active").await;
    }
    shop.compare(&cart, 0, 0).await;
    let _ = shop.pay(&cart, "pm_test_ok").await.expect(200);
    shop.is_paid(&cart).await;
}

/// The step at the bank is cancelled at the provider before anything is freed; whoever accepts it afterwards pays nothing.
#[tokio::test(flavor = "multi_thread")]
async fn who_throws_the_cart_away_at_the_bank_pays_nothing() {
    let shop = Shop::open().await;
    let (cart, held) = shop.cart(6).await;
    let url = shop.go_to_the_bank(&cart).await;
    assert!(matches!(shop.throw_away(&cart).await, 202 | 204));
    let over = shop.see_cart(&cart, "released").await;
    assert_eq!(over["payment"], "failed");
    for one in &held {
        shop.see_hold(one, "active").await;
    }
    let late = shop.cluster.provider().act(&url, true).await;
    assert!(late.status >= 400, "{}", late.text);
    shop.compare(&cart, 0, 0).await;
    assert_eq!(shop.at_provider(&cart).await[0]["status"], "canceled");
    assert_eq!(shop.throw_away(&cart).await, 204, "once more changes nothing");
    // The holds can go into another cart.
    let cart = open_cart(&shop.buyer, &held).await;
    let _ = shop.pay(&cart, "pm_test_ok").await.expect(200);
    shop.is_paid(&cart).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_asked_for_again() {
    let shop = Shop::open().await;
    let (cart, _) = shop.cart(7).await;
    let _ = shop.pay(&cart, "pm_test_lost_answer").await.expect(200);
    shop.is_paid(&cart).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_that_cannot_be_captured_cancels_all_orders() {
    let shop = Shop::open().await;
    let (cart, _) = shop.cart(8).await;
    let paid = shop.pay(&cart, "pm_test_capture_fails").await;
    assert!(matches!(paid.status, 200 | 402), "{}", paid.text);
    let over = shop.see_cart(&cart, "released").await;
    for order in orders(&over) {
        let cancelled = |order: &serde_json::Value| order["state"] == "cancelled" && order["payment"] == "capture_failed";
        shop.see(&shop.coordinator, "the cancelled order", &format!("/order/{order}"), cancelled).await;
    }
    shop.compare(&cart, 0, 0).await;
    for event in &shop.events {
        shop::eventually("the seat to be on sale again", PATIENCE, async || {
            (shop::seat_states(&shop.buyer, event, 20).await[8] == 0).then_some(())
        })
        .await;
    }
}

/// Refunds of a cart's orders are parts of its one payment: by the buyer, and by the cancellation of an event.
#[tokio::test(flavor = "multi_thread")]
async fn orders_of_a_cart_are_refunded_one_by_one() {
    let shop = Shop::open().await;
    let (cart, _) = shop.cart(9).await;
    let _ = shop.pay(&cart, "pm_test_dispute").await.expect(200);
    let orders = orders(&shop.is_paid(&cart).await);
    let listed =
        shop.see(&shop.buyer, "both orders", "/user/order", |list| list["data"].as_array().is_some_and(|all| all.len() == 2)).await;
    assert!(listed["data"].as_array().expect("a list").iter().all(|order| order["state"] == "confirmed"), "{listed}");
    let tickets = shop::tickets(&shop.buyer).await;
    assert_eq!((tickets.0.len(), tickets.1), (2, true));
    for order in &orders {
        let path = format!("/order/{order}");
        let seen = shop.see(&shop.coordinator, "the dispute", &path, |order| order["disputes"][0]["state"] == "open").await;
        assert_eq!(seen["disputes"][0]["amount"]["amount"], PRICES[0] + PRICES[1]);
    }
    let refund = shop.buyer.post(&format!("/order/{}/refund", orders[0]), &json!({"reason": "ill"})).await.expect(201);
    assert_eq!(refund["amount"]["amount"], PRICES[0]);
    shop.compare(&cart, PRICES[0] + PRICES[1], PRICES[0]).await;
    let _ = shop.coordinator.post(&format!("/event/{}/cancel", shop.events[1]), &json!({})).await.expect(200);
    shop.compare(&cart, PRICES[0] + PRICES[1], PRICES[0] + PRICES[1]).await;
    for order in &orders {
        let path = format!("/order/{order}");
        let done = |order: &serde_json::Value| order["refunds"][0]["state"] == "done";
        assert_eq!(shop.see(&shop.buyer, "the refund", &path, done).await["state"], "refunded");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn free_carts_never_touch_the_provider() {
    let shop = Shop::open().await;
    let free = [shop::put_on_sale(&shop.coordinator, &Terms::free(5)).await, shop::put_on_sale(&shop.coordinator, &Terms::free(5)).await];
    let held = [hold(&shop.buyer, &free[0], 0).await, hold(&shop.buyer, &free[1], 0).await];
    let cart = format!("/cart/{}", shop::id(&shop.buyer.post("/cart", &items(&held)).await.expect(201)));
    let paid = shop::post_until_done(&shop.buyer, &format!("{cart}/pay"), &new_key(), &json!({})).await.expect(200);
    assert_eq!((&paid["state"], orders(&paid).len()), (&json!("confirmed"), 2));
    assert!(paid.get("payment").is_none() && shop.at_provider(&cart).await.is_empty(), "{paid}");
    // One free ticket beside one that costs something: the provider hears of the price only.
    let held = [hold(&shop.buyer, &free[0], 1).await, hold(&shop.buyer, &shop.events[0], 1).await];
    let cart = format!("/cart/{}", shop::id(&shop.buyer.post("/cart", &items(&held)).await.expect(201)));
    let _ = shop.pay(&cart, "pm_test_ok").await.expect(200);
    shop.compare(&cart, PRICES[0], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_is_of_own_holds_in_one_currency() {
    let shop = Shop::open().await;
    let (cart, held) = shop.cart(10).await;
    let stranger = shop.cluster.client(1, Role::Customer);
    let _ = stranger.post("/cart", &items(&held)).await.problem(404, "not_found");
    let _ = stranger.get(&cart).await.problem(404, "not_found");
    let _ = stranger.post(&format!("{cart}/pay"), &json!({"payment_method": "pm_test_ok"})).await.problem(404, "not_found");
    let terms = Terms { more: json!({"currency": "USD"}), ..Terms::free(5).priced(100) };
    let dollars = shop::put_on_sale(&shop.coordinator, &terms).await;
    let [euros, _] = held;
    let mixed = items(&[euros, hold(&shop.buyer, &dollars, 0).await]);
    let refused = shop.buyer.post("/cart", &mixed).await.problem(422, "validation_failed");
    assert_eq!((&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]), (&json!("/items/1"), &json!("mixed_currency")));
    let own = shop.buyer.get("/user/cart").await.expect(200);
    assert_eq!(own["data"].as_array().map(Vec::len), Some(1));
}

/// The buyer never comes back from the bank: cancelled at the provider, nothing taken, and the holds are the buyer's to pay again.
#[tokio::test(flavor = "multi_thread")]
async fn who_never_comes_back_pays_nothing_and_keeps_the_holds() {
    let shop = Shop::with(Options { nodes: 1, bank_time_s: Some(8), ..Options::default() }).await;
    let (cart, held) = shop.cart(9).await;
    let url = shop.go_to_the_bank(&cart).await;
    shop.see_cart(&cart, "open").await;
    for one in &held {
        shop.see_hold(one, "active").await;
    }
    shop.cluster.provider().act(&url, true).await;
    let there = &shop.at_provider(&cart).await[0];
    assert_eq!((&there["status"], &there["reserved"], &there["captured"]), (&json!("canceled"), &json!(0), &json!(0)));
    let _ = shop.pay(&cart, "pm_test_ok").await.expect(200);
}
