//! Carts under trouble: the provider misbehaves, nodes and the provider are killed; then all settles by itself, and both books agree.

use std::time::Duration;

use boxoffice_ledger::command::Role;
use boxoffice_tests::http::Client;
use boxoffice_tests::shop;
use serde_json::{Value, json};

use super::{Held, PATIENCE, Shop, items, orders};

/// Buyers at once, and carts of each: together no more than an event has seats.
const BUYERS: u32 = 4;
const CARTS: u32 = 4;

/// Between two kills, and how long who was killed stays away.
const PAUSE: Duration = Duration::from_secs(2);
const AWAY: Duration = Duration::from_secs(1);

/// What buyers pay with, in turn.
const METHODS: [&str; 4] = ["pm_test_ok", "pm_test_3ds", "pm_test_ok", "pm_test_declined"];

impl Shop {
    /// One buyer's carts, at one node after another until each outcome is definite.
    async fn buy_carts(&self, number: u32) -> Vec<(Client, String)> {
        let urls: Vec<String> = (1..=self.cluster.size()).map(|node| self.cluster.url(node)).collect();
        let buyer = self.cluster.client(1, Role::Customer);
        let mut carts = Vec::new();
        for round in 0..CARTS {
            let seat = number * CARTS + round;
            let mut held = Vec::new();
            for event in &self.events {
                let hold = shop::insist(&buyer, &urls, &format!("/event/{event}/hold"), &json!({"seats": [seat]})).await.expect(201);
                held.push(Held { event: event.clone(), hold: shop::id(&hold) });
            }
            let cart = format!("/cart/{}", shop::id(&shop::insist(&buyer, &urls, "/cart", &items(&held)).await.expect(201)));
            let method = METHODS[(number + round) as usize % METHODS.len()];
            let paid = shop::insist(&buyer, &urls, &format!("{cart}/pay"), &json!({"payment_method": method})).await;
            assert!(matches!(paid.status, 200 | 202 | 402), "{}", paid.text);
            carts.push((buyer.clone(), cart));
        }
        carts
    }

    /// Kills every node and the provider, one after another.
    async fn kill_all(&self) {
        for node in 1..=self.cluster.size() {
            tokio::time::sleep(PAUSE).await;
            self.cluster.kill(node);
            tokio::time::sleep(AWAY).await;
            self.cluster.spawn(node).expect("the node starts");
            shop::eventually("the node", PATIENCE, async || self.cluster.is_ready(node).then_some(())).await;
        }
        self.cluster.provider().kill();
        tokio::time::sleep(AWAY).await;
        self.cluster.provider().spawn().expect("the provider starts");
    }

    /// The cart once nothing is under way; who is sent to the bank accepts.
    async fn at_rest(&self, buyer: &Client, cart: &str) -> Value {
        shop::eventually("a cart at rest", 2 * PATIENCE, async || {
            let seen = buyer.try_get(cart).await.ok().filter(|reply| reply.status == 200)?.body;
            if let Some(url) = seen["next_action"]["url"].as_str() {
                let _ = self.cluster.provider().try_act(url, true).await;
            }
            let is_taken = seen["payment"] == "captured" || seen["payment"] == "capture_failed";
            let is_over = matches!(seen["state"].as_str(), Some("open" | "released")) || (seen["state"] == "confirmed" && is_taken);
            is_over.then_some(seen)
        })
        .await
    }

    /// What was taken for the orders of a cart at rest. Their events hear of the capture after the cart did.
    async fn taken_for(&self, cart: &Value) -> u64 {
        let mut taken = 0;
        for order in orders(cart) {
            let order = shop::eventually("an order at rest", PATIENCE, async || {
                let seen = self.coordinator.try_get(&format!("/order/{order}")).await.ok().filter(|reply| reply.status == 200)?.body;
                matches!(seen["payment"].as_str(), Some("captured" | "capture_failed")).then_some(seen)
            })
            .await;
            let is_taken = order["payment"] == "captured";
            taken += if is_taken { order["total"]["amount"].as_u64().expect("an amount") } else { 0 };
        }
        taken
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_agree_after_faults_and_kills() {
    let shop = Shop::of(3).await;
    let rate = 0.08;
    let faults = json!({
        "seed": 11, "lost_answer": rate, "lost_request": rate, "down": rate, "slow": rate, "slow_ms": 2000, "decline": rate,
        "processing": rate, "capture_fails": rate, "duplicate_webhook": rate, "late_webhook": rate, "lost_webhook": rate,
    });
    shop.cluster.provider().set_faults(&faults).await;
    let buyers = futures::future::join_all((0..BUYERS).map(|number| shop.buy_carts(number)));
    let (carts, ()) = tokio::join!(buyers, shop.kill_all());
    shop.cluster.provider().set_faults(&json!({})).await;
    let mut sold = 0;
    for (buyer, cart) in carts.into_iter().flatten() {
        let seen = shop.at_rest(&buyer, &cart).await;
        let taken = shop.taken_for(&seen).await;
        let lines = shop.at_provider(&cart).await;
        let sum = |name: &str| lines.iter().map(|line| line[name].as_u64().expect("an amount")).sum::<u64>();
        assert_eq!((sum("captured"), sum("refunded"), sum("reserved")), (taken, 0, 0), "{seen} {lines:?}");
        assert_eq!(taken > 0, seen["state"] == "confirmed", "{seen}");
        sold += u32::from(taken > 0);
    }
    assert!(sold > 0, "nothing was sold");
}
