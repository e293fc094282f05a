//! Carts on three nodes: paid through any of them, and carried on by another leader.

use boxoffice_ledger::command::Role;
use boxoffice_tests::shop;
use serde_json::json;

use super::{PATIENCE, Shop, hold, open_cart, orders};

#[tokio::test(flavor = "multi_thread")]
async fn two_events_are_paid_together_from_any_node() {
    let shop = Shop::of(3).await;
    let someone = shop.cluster.client(1, Role::Customer);
    for node in 1..=3 {
        let seat = u32::try_from(node).expect("a small number");
        let here = someone.moved_to(&shop.cluster.url(node));
        let held = [hold(&here, &shop.events[0], seat).await, hold(&here, &shop.events[1], seat).await];
        // Made here, paid at the next node, looked at on the third.
        let cart = open_cart(&here, &held).await;
        let there = someone.moved_to(&shop.cluster.url(node % 3 + 1));
        let paid = shop::pay_with(&there, &cart, "pm_test_ok").await.expect(200);
        assert_eq!((&paid["state"], orders(&paid).len()), (&json!("confirmed"), 2));
        let third = someone.moved_to(&shop.cluster.url((node + 1) % 3 + 1));
        let seen = third.get(&cart).await.expect(200);
        for order in orders(&seen) {
            shop.captured(&order).await;
        }
    }
    let (tickets, _) = shop::eventually("six tickets", PATIENCE, async || {
        let found = shop::tickets(&someone).await;
        (found.0.len() == 6 && found.1).then_some(found)
    })
    .await;
    assert!(tickets.iter().all(|ticket| ticket["state"] == "issued"), "{tickets:?}");
    for event in &shop.events {
        let list = shop.coordinator.get(&format!("/event/{event}/ticket")).await.expect(200);
        assert_eq!(list["data"].as_array().map(Vec::len), Some(3), "{list}");
    }
}

/// The leader of the buyer's group is killed while the buyer is at the bank: another one sells and captures.
#[tokio::test(flavor = "multi_thread")]
async fn another_leader_carries_a_cart_on() {
    let shop = Shop::of(3).await;
    let held = shop.hold_both(1).await;
    let cart = open_cart(&shop.buyer, &held).await;
    let url = shop.go_to_the_bank(&cart).await;
    let held_by = shop.see_hold(&held[0], "paying").await;
    let group = shop.cluster.group_of_user(held_by["user"].as_str().expect("whose it is"));
    let leader = shop.cluster.leader(group).await.expect("a leader");
    shop.cluster.kill(leader);
    shop.cluster.provider().act(&url, true).await;
    let alive = shop.buyer.moved_to(&shop.cluster.url(leader % 3 + 1));
    let sold = |cart: &serde_json::Value| cart["state"] == "confirmed" && cart["payment"] == "captured";
    let paid = shop.see(&alive, "the sale", &cart, sold).await;
    assert_eq!(orders(&paid).len(), 2);
    shop.cluster.spawn(leader).expect("the node starts");
    shop.cluster.wait_ready().expect("the node is ready");
    shop.is_paid(&cart).await;
}
