//! Money cannot go wrong: a crash after every step of a payment or a refund ends as it should without a person, buyers come back from
//! their bank, refunds arrive, and the provider's books and ours agree.

mod books;
mod crashes;
mod leaders;
mod refunds;
mod three_d_secure;

use std::time::Duration;

use boxoffice_ledger::command::Role;
use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::http::{Client, Reply};
use boxoffice_tests::shop::{self, Terms};
use serde_json::{Value, json};

use crate::shared::{Turn, turn};

/// What a ticket costs, in cents.
const PRICE: u64 = 2_500;

/// Seats of the event.
const SEATS: u32 = 20;

/// How long anything that must happen by itself may take: the edge owns an attempt for ten seconds, and machines are busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// One node, one provider, one event with tickets at [`PRICE`], and the people.
struct Shop {
    cluster: Cluster,
    event: String,
    coordinator: Client,
    buyer: Client,
    _turn: Turn,
}

impl Shop {
    async fn open() -> Self {
        Self::open_with(Options { nodes: 1, ..Options::default() }).await
    }

    async fn open_with(options: Options) -> Self {
        let turn = turn();
        let cluster = Cluster::start(options).expect("the node starts");
        let (coordinator, buyer) = (cluster.client(1, Role::Coordinator), cluster.client(1, Role::Customer));
        let terms = Terms { more: json!({"refunds": {"who": "buyer", "keep_bps": 1000}}), ..Terms::free(SEATS).priced(PRICE) };
        let event = shop::put_on_sale(&coordinator, &terms).await;
        Self { cluster, event, coordinator, buyer, _turn: turn }
    }

    /// Starts the node anew so that it dies at this point.
    async fn arm(&self, point: &str) {
        self.cluster.kill(1);
        self.cluster.spawn_to_crash(1, Some(point)).expect("the node starts");
        self.cluster.wait_ready().expect("the node is ready");
    }

    /// Waits until the node has died, and starts it whole.
    async fn recover(&self, point: &str) {
        shop::eventually(&format!("the crash at {point}"), PATIENCE, async || self.cluster.has_died(1).then_some(())).await;
        self.cluster.spawn(1).expect("the node starts");
        self.cluster.wait_ready().expect("the node is ready");
    }

    async fn hold(&self, seat: u32) -> String {
        shop::id(&shop::hold(&self.buyer, &self.event, &[seat]).await.expect(201))
    }

    fn pay_path(&self, hold: &str) -> String {
        format!("/event/{}/hold/{hold}/pay", self.event)
    }

    /// Pays at a node that may die before it can answer: nothing then.
    async fn try_pay(&self, hold: &str, method: &str, key: &str) -> Option<Reply> {
        self.buyer.post_to_dying(&self.pay_path(hold), key, &json!({"payment_method": method})).await
    }

    /// Pays, and waits for how it ends or where the buyer has to go.
    async fn pay(&self, hold: &str, method: &str, key: &str) -> Reply {
        shop::post_until_done(&self.buyer, &self.pay_path(hold), key, &json!({"payment_method": method})).await
    }

    /// Holds a seat and pays for it; gives the order's id.
    async fn buy(&self, seat: u32, method: &str) -> String {
        let hold = self.hold(seat).await;
        let paid = self.buyer.post(&self.pay_path(&hold), &json!({"payment_method": method})).await;
        assert!(matches!(paid.status, 200 | 202), "{}", paid.text);
        if paid.status == 200 { shop::id(&paid.body) } else { paid.body["order"].as_str().expect("an order").to_owned() }
    }

    /// The order as staff see it, once `is_right` says so.
    async fn order(&self, what: &str, order: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/order/{order}");
        shop::eventually(what, PATIENCE, async || {
            let reply = self.coordinator.try_get(&path).await.ok()?;
            (reply.status == 200 && is_right(&reply.body)).then_some(reply.body)
        })
        .await
    }

    async fn captured(&self, order: &str) -> Value {
        self.order("the capture", order, |order| order["payment"] == "captured").await
    }

    /// The hold, once `is_right` says so.
    async fn see_hold(&self, what: &str, hold: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/event/{}/hold/{hold}", self.event);
        shop::eventually(what, PATIENCE, async || {
            let reply = self.buyer.try_get(&path).await.ok()?;
            (reply.status == 200 && is_right(&reply.body)).then_some(reply.body)
        })
        .await
    }

    /// The provider's line about an order; panics when there are several that hold or took money.
    async fn at_provider(&self, order: &str) -> Value {
        let lines = self.cluster.provider().ledger().await;
        let of_order: Vec<Value> = lines.into_iter().filter(|line| line["order"] == order).collect();
        let holding = of_order.iter().filter(|line| line["reserved"] != 0 || line["captured"] != 0).count();
        assert!(holding <= 1, "charged twice: {of_order:?}");
        let last = of_order.iter().find(|line| line["captured"] != 0).or(of_order.last()).cloned();
        last.unwrap_or_else(|| panic!("the provider knows nothing of {order}"))
    }

    async fn seat(&self, seat: u32) -> u8 {
        shop::seat_states(&self.buyer, &self.event, SEATS).await[seat as usize]
    }
}
