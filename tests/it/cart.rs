//! Holds of several events are paid together, all or none: whatever the card, the bank, the events and the nodes do meanwhile, and
//! the provider's books and ours agree to the cent.

mod books;
mod cancelled;
mod cluster;
mod crashes;
mod paying;

use std::time::Duration;

use boxoffice_ledger::command::Role;
use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::http::{Client, Reply, new_key};
use boxoffice_tests::shop::{self, Terms};
use serde_json::{Value, json};

use crate::shared::{Turn, turn};

/// What a ticket of each event costs, in cents.
const PRICES: [u64; 2] = [2_500, 4_000];

/// How long anything that must happen by itself may take: the edge owns an attempt for ten seconds, and machines are busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A cluster, two events in different groups, and the people.
struct Shop {
    cluster: Cluster,
    events: [String; 2],
    coordinator: Client,
    buyer: Client,
    _turn: Turn,
}

/// A hold of one of the events.
struct Held {
    event: String,
    hold: String,
}

impl Shop {
    async fn open() -> Self {
        Self::of(1).await
    }

    async fn of(nodes: u64) -> Self {
        Self::with(Options { nodes, ..Options::default() }).await
    }

    async fn with(options: Options) -> Self {
        let turn = turn();
        let cluster = Cluster::start(options).expect("the cluster starts");
        let (coordinator, buyer) = (cluster.client(1, Role::Coordinator), cluster.client(1, Role::Customer));
        let refunds = json!({"refunds": {"who": "buyer"}});
        let terms = |price| Terms { more: refunds.clone(), ..Terms::free(20).priced(price) };
        let first = shop::put_on_sale(&coordinator, &terms(PRICES[0])).await;
        let mut second = shop::put_on_sale(&coordinator, &terms(PRICES[1])).await;
        while cluster.group_of_event(&second) == cluster.group_of_event(&first) {
            second = shop::put_on_sale(&coordinator, &terms(PRICES[1])).await;
        }
        Self { cluster, events: [first, second], coordinator, buyer, _turn: turn }
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

    /// Holds this seat of both events.
    async fn hold_both(&self, seat: u32) -> [Held; 2] {
        let [first, second] = &self.events;
        [hold(&self.buyer, first, seat).await, hold(&self.buyer, second, seat).await]
    }

    /// A cart with this seat of both events; its path.
    async fn cart(&self, seat: u32) -> (String, [Held; 2]) {
        let held = self.hold_both(seat).await;
        (open_cart(&self.buyer, &held).await, held)
    }

    /// Pays at a node that may die before it can answer: nothing then.
    async fn try_pay(&self, cart: &str, method: &str, key: &str) -> Option<Reply> {
        self.buyer.post_to_dying(&format!("{cart}/pay"), key, &json!({"payment_method": method})).await
    }

    /// Pays, and waits for how it ends or where the buyer has to go.
    async fn pay_with(&self, cart: &str, method: &str, key: &str) -> Reply {
        shop::post_until_done(&self.buyer, &format!("{cart}/pay"), key, &json!({"payment_method": method})).await
    }

    async fn pay(&self, cart: &str, method: &str) -> Reply {
        self.pay_with(cart, method, &new_key()).await
    }

    /// Pays with a card whose bank asks; gives the bank's page.
    async fn go_to_the_bank(&self, cart: &str) -> String {
        let waits = self.pay(cart, "pm_test_3ds").await.expect(202);
        assert_eq!((&waits["state"], &waits["payment"]), (&json!("paying"), &json!("requires_action")));
        waits["next_action"]["url"].as_str().expect("where to go").to_owned()
    }

    async fn throw_away(&self, cart: &str) -> u16 {
        self.buyer.delete(cart).await.status
    }

    /// What lies at a path, as this client sees it, once `is_right` says so.
    async fn see(&self, client: &Client, what: &str, path: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        shop::eventually(what, PATIENCE, async || {
            let reply = client.try_get(path).await.ok()?;
            (reply.status == 200 && is_right(&reply.body)).then_some(reply.body)
        })
        .await
    }

    async fn see_cart(&self, cart: &str, state: &str) -> Value {
        self.see(&self.buyer, &format!("a cart that is {state}"), cart, |cart| cart["state"] == state).await
    }

    async fn see_hold(&self, held: &Held, state: &str) -> Value {
        let path = format!("/event/{}/hold/{}", held.event, held.hold);
        self.see(&self.buyer, &format!("a hold that is {state}"), &path, |hold| hold["state"] == state).await
    }

    async fn captured(&self, order: &str) -> Value {
        self.see(&self.coordinator, "the capture", &format!("/order/{order}"), |order| order["payment"] == "captured").await
    }

    /// The provider's lines about a cart.
    async fn at_provider(&self, cart: &str) -> Vec<Value> {
        let lines = self.cluster.provider().ledger().await;
        lines.into_iter().filter(|line| cart.ends_with(line["order"].as_str().unwrap_or("?"))).collect()
    }

    /// Compares the provider's books about a cart with the orders of ours, once nothing is under way: captured, refunded, reserved.
    async fn compare(&self, cart: &str, captured: u64, refunded: u64) {
        let sum = |lines: &[Value], name: &str| lines.iter().map(|line| line[name].as_u64().expect("an amount")).sum::<u64>();
        let expected = [captured, refunded, 0];
        shop::eventually(&format!("books of {expected:?}"), PATIENCE, async || {
            let lines = self.at_provider(cart).await;
            let holding = lines.iter().filter(|line| line["reserved"] != 0 || line["captured"] != 0).count();
            assert!(holding <= 1, "charged twice: {lines:?}");
            ([sum(&lines, "captured"), sum(&lines, "refunded"), sum(&lines, "reserved")] == expected).then_some(())
        })
        .await;
        // Events hear of a capture after the provider made it.
        shop::eventually(&format!("our own books of {expected:?}"), PATIENCE, async || {
            let seen = self.buyer.get(cart).await.expect(200);
            let (mut sold, mut back) = (0, 0);
            for order in orders(&seen) {
                let order = self.coordinator.get(&format!("/order/{order}")).await.expect(200);
                if order["payment"] == "captured" {
                    sold += order["total"]["amount"].as_u64().expect("an amount");
                    back += order["refunded"]["amount"].as_u64().expect("an amount");
                }
            }
            ((sold, back) == (captured, refunded)).then_some(())
        })
        .await;
    }

    /// Expects a cart that is paid whole, with tickets of both events, and equal books.
    async fn is_paid(&self, cart: &str) -> Value {
        let seen = self.see_cart(cart, "confirmed").await;
        let orders = orders(&seen);
        assert_eq!(orders.len(), 2, "{seen}");
        for (order, price) in orders.iter().zip(PRICES) {
            let sold = self.captured(order).await;
            assert_eq!((&sold["state"], &sold["total"]["amount"]), (&json!("confirmed"), &json!(price)));
            assert_eq!(sold["tickets"].as_array().map(Vec::len), Some(1));
        }
        self.compare(cart, PRICES[0] + PRICES[1], 0).await;
        seen
    }
}

async fn hold(buyer: &Client, event: &str, seat: u32) -> Held {
    let held = shop::id(&shop::hold(buyer, event, &[seat]).await.expect(201));
    Held { event: event.to_owned(), hold: held }
}

/// The body that makes a cart.
fn items(held: &[Held]) -> Value {
    let items: Vec<Value> = held.iter().map(|held| json!({"event": held.event, "hold": held.hold})).collect();
    json!({"items": items})
}

async fn open_cart(buyer: &Client, held: &[Held]) -> String {
    let cart = buyer.post("/cart", &items(held)).await.expect(201);
    assert_eq!((&cart["state"], &cart["total"]["amount"]), (&json!("open"), &json!(PRICES[0] + PRICES[1])));
    format!("/cart/{}", shop::id(&cart))
}

/// The orders that a cart has made, in the order of its holds.
fn orders(cart: &Value) -> Vec<String> {
    let items = cart["items"].as_array().expect("a list");
    items.iter().filter_map(|item| item["order"].as_str().map(ToOwned::to_owned)).collect()
}
