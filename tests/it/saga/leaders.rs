//! The leader dies after every step and stays away: another one ends what it had begun. One cluster of three for all of them: each
//! crash makes another node the leader.

use boxoffice_tests::cluster::Options;
use boxoffice_tests::http::new_key;
use boxoffice_tests::shop;
use serde_json::json;

use super::{PATIENCE, PRICE, Shop};

/// Crash points of a purchase, and how it is paid.
const PURCHASE: [(&str, &str); 7] = [
    ("saga.after_pay_begin", "pm_test_ok"),
    ("saga.after_authorize", "pm_test_ok"),
    ("saga.after_settle", "pm_test_ok"),
    ("saga.after_capture", "pm_test_ok"),
    ("saga.after_tell", "pm_test_ok"),
    ("saga.after_unknown", "pm_test_lost_answer"),
    ("saga.after_look", "pm_test_lost_answer"),
];

/// Crash points of a refund.
const REFUND: [&str; 2] = ["saga.after_refund_begin", "saga.after_refund_sent"];

impl Shop {
    /// The node that leads the event's group, armed; buyers and staff are at that node.
    async fn arm_leader(&mut self, point: &str) -> u64 {
        let leader = self.cluster.leader(self.cluster.group_of_event(&self.event)).await.expect("a leader");
        self.move_to(leader);
        self.cluster.arm(leader, point).expect("the point is written down");
        leader
    }

    fn move_to(&mut self, node: u64) {
        let url = self.cluster.url(node);
        (self.buyer, self.coordinator) = (self.buyer.moved_to(&url), self.coordinator.moved_to(&url));
    }

    /// Waits until the armed leader has died, and goes to another node, which is on its own with the third; gives the dead one. When
    /// leadership moves first, for leaders are spread evenly after a while, the point moves along.
    async fn leave(&mut self, leader: u64, point: &str) -> u64 {
        let (cluster, group) = (&self.cluster, self.cluster.group_of_event(&self.event));
        let mut armed = leader;
        let dead = shop::eventually(&format!("the crash at {point}"), PATIENCE, async || {
            if cluster.has_died(armed) {
                return Some(armed);
            }
            let leader = cluster.leader(group).await.expect("a leader");
            if leader != armed && cluster.disarm(armed) {
                armed = leader;
                cluster.arm(leader, point).expect("the point is written down");
            }
            None
        })
        .await;
        self.move_to(dead % 3 + 1);
        dead
    }

    /// Brings the dead node back, for the next crash.
    fn bring_back(&self, node: u64) {
        assert!(self.cluster.pid(node).is_none(), "it stayed away until the outcome was right");
        self.cluster.spawn(node).expect("the node starts");
        self.cluster.wait_ready().expect("the node is ready");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_leader_ends_what_the_dead_one_began() {
    let mut shop = Shop::open_with(Options { can_be_armed: true, ..Options::default() }).await;
    for (seat, (point, method)) in (0..).zip(PURCHASE) {
        let (hold, key) = (shop.hold(seat).await, new_key());
        let leader = shop.arm_leader(point).await;
        let _ = shop.try_pay(&hold, method, &key).await;
        let leader = shop.leave(leader, point).await;
        let held = shop.see_hold(point, &hold, |hold| hold["state"] == "converted").await;
        let order = held["order"].as_str().expect("an order").to_owned();
        let sold = shop.captured(&order).await;
        assert_eq!((&sold["state"], sold["tickets"].as_array().map(Vec::len)), (&json!("confirmed"), Some(1)), "{point}");
        let there = shop.at_provider(&order).await;
        assert_eq!((&there["captured"], &there["refunded"]), (&json!(PRICE), &json!(0)), "{point}");
        assert_eq!(shop.seat(seat).await, 2, "{point}");
        shop.bring_back(leader);
    }
    for (seat, point) in (10..).zip(REFUND) {
        let order = shop.buy(seat, "pm_test_ok").await;
        shop.captured(&order).await;
        let leader = shop.arm_leader(point).await;
        let _ = shop.buyer.post_to_dying(&format!("/order/{order}/refund"), &new_key(), &json!({"reason": "ill"})).await;
        let leader = shop.leave(leader, point).await;
        let done = shop.order(point, &order, |order| order["refunds"][0]["state"] == "done").await;
        assert_eq!((&done["state"], done["refunds"].as_array().map(Vec::len)), (&json!("refunded"), Some(1)), "{point}");
        let there = shop.at_provider(&order).await;
        assert_eq!((&there["captured"], &there["refunded"]), (&json!(PRICE), &json!(PRICE * 9 / 10)), "{point}");
        shop.bring_back(leader);
    }
    a_cancelled_event(&mut shop).await;
}

/// The event is cancelled while a buyer is at the bank and others have paid, and the leader dies after it told the provider.
async fn a_cancelled_event(shop: &mut Shop) {
    let hold = shop.hold(15).await;
    let _ = shop.pay(&hold, "pm_test_3ds", &new_key()).await.expect(202);
    let point = "saga.after_cancel";
    let leader = shop.arm_leader(point).await;
    let _ = shop.coordinator.post_to_dying(&format!("/event/{}/cancel", shop.event), &new_key(), &json!({})).await;
    let leader = shop.leave(leader, point).await;
    let held = shop.see_hold(point, &hold, |hold| hold["state"] == "revoked").await;
    let there = shop.at_provider(held["order"].as_str().expect("an order")).await;
    assert_eq!((&there["status"], &there["captured"]), (&json!("canceled"), &json!(0)));
    let path = format!("/event/{}/sale", shop.event);
    // All that were sold: those that were given back before are among them.
    let sold = PURCHASE.len() + REFUND.len();
    let refunds = shop::eventually("all refunds", PATIENCE, async || {
        let sale = shop.coordinator.try_get(&path).await.ok()?.body;
        (sale["refunds"]["done"] == sold).then(|| sale["refunds"].clone())
    })
    .await;
    assert_eq!(refunds, json!({"orders": sold, "done": sold, "pending": 0, "failed": 0}));
    shop.bring_back(leader);
}
