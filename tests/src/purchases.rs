//! Purchases under trouble: buyers hold, pay, come back from their bank, give tickets back, while the provider misbehaves and nodes
//! and the provider are killed. Then everything must settle by itself, and our books and the provider's must agree to the cent.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use boxoffice_ledger::command::Role;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::http::{Client, Reply, new_key};
use crate::shop::{self, Terms};

/// What a ticket costs, in cents.
const PRICE: u64 = 1_700;

/// Seats of one event.
const SEATS: u32 = 2_000;

/// How long one buyer insists on an answer before they look later.
const INSIST: Duration = Duration::from_secs(20);

/// How long a killed process stays away.
const AWAY: Duration = Duration::from_secs(1);

/// What is run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many purchases are begun.
    pub purchases: u64,
    /// Buyers at once.
    pub buyers: u64,
    /// Rate of every fault of the provider.
    pub fault: f64,
    /// A node or the provider dies this often; `None` = never.
    pub kill_every: Option<Duration>,
    /// Draws everything that is drawn.
    pub seed: u64,
    /// How long everything may take to settle afterwards.
    pub settle: Duration,
    /// Whether some buyers never come back from their bank: then settling takes up to three lives of a hold (six minutes).
    pub abandon: bool,
}

/// What came of it. Amounts in cents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Holds that were tried to be paid.
    pub paid: u64,
    /// Orders that were sold and paid.
    pub confirmed: u64,
    /// Orders without a sale: declined, abandoned.
    pub failed: u64,
    /// Orders whose money could not be captured.
    pub cancelled: u64,
    /// Orders given back before the capture.
    pub voided: u64,
    /// What the provider captured.
    pub captured: u64,
    /// What our orders say that it captured.
    pub expected: u64,
    /// What the provider gave back; ours says the same.
    pub refunded: u64,
    /// Processes killed.
    pub kills: u64,
    /// How long it took until nothing was pinned and nothing owed, in milliseconds.
    pub settled_ms: u64,
}

/// A number generator that is the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A hold that somebody tried to pay.
struct Tried {
    event: String,
    hold: String,
    buyer: Client,
}

struct Market<'a> {
    cluster: &'a Cluster,
    plan: &'a Plan,
    events: Vec<String>,
    begun: AtomicU64,
    is_over: AtomicBool,
    tried: Mutex<Vec<Tried>>,
}

/// Runs a plan on a cluster that takes payments, and compares the books.
///
/// # Errors
/// When something does not settle, or the books differ: the text lists what.
pub async fn run(cluster: &Cluster, plan: &Plan) -> anyhow::Result<Report> {
    let coordinator = cluster.client(1, Role::Coordinator);
    let mut events = Vec::new();
    for _ in 0..(2 * plan.purchases).div_ceil(u64::from(SEATS)) {
        let more = json!({"refunds": {"who": "buyer", "keep_bps": 700}});
        let terms = Terms { hold_ttl_s: 120, more, ..Terms::free(SEATS).priced(PRICE) };
        events.push(shop::put_on_sale(&coordinator, &terms).await);
    }
    cluster.provider().set_faults(&faults(plan)).await;
    let (begun, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let market = Market { cluster, plan, events, begun, is_over, tried: Mutex::new(Vec::new()) };
    let buyers = futures::future::join_all((0..plan.buyers).map(|number| market.buy_on(number)));
    let buying = async {
        buyers.await;
        market.is_over.store(true, Ordering::Relaxed);
    };
    let ((), kills) = tokio::join!(buying, market.kill_on());
    let kills = kills?;
    cluster.provider().set_faults(&json!({})).await;
    let since = Instant::now();
    let orders = market.settle().await?;
    let mut report = market.compare(&orders).await?;
    report.kills = kills;
    report.settled_ms = u64::try_from(since.elapsed().as_millis())?;
    Ok(report)
}

fn faults(plan: &Plan) -> Value {
    let rate = plan.fault;
    json!({
        "seed": plan.seed, "lost_answer": rate, "lost_request": rate, "down": rate, "slow": rate, "slow_ms": 3000, "decline": rate,
        "processing": rate, "capture_fails": rate, "dispute": rate, "refund_pending": rate, "duplicate_webhook": rate,
        "late_webhook": rate, "out_of_order_webhook": rate, "lost_webhook": rate,
    })
}

impl Market<'_> {
    async fn buy_on(&self, number: u64) {
        let mut dice = Dice(self.plan.seed.wrapping_mul(1000).wrapping_add(number));
        while self.begun.fetch_add(1, Ordering::Relaxed) < self.plan.purchases {
            self.buy(&mut dice).await;
        }
    }

    async fn buy(&self, dice: &mut Dice) {
        let event = &self.events[dice.below(self.events.len() as u64) as usize];
        let buyer = self.cluster.client(1, Role::Customer);
        let best = json!({"best": {"quantity": 1 + dice.below(3), "split": true}});
        let Some(held) = self.insist(&buyer, dice, &format!("/event/{event}/hold"), &best).await.filter(|reply| reply.status == 201) else {
            return;
        };
        let hold = shop::id(&held.body);
        self.tried.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(Tried {
            event: event.clone(),
            hold: hold.clone(),
            buyer: buyer.clone(),
        });
        let path = format!("/event/{event}/hold/{hold}/pay");
        let method = match dice.below(10) {
            0 => "pm_test_3ds",
            1 => "pm_test_lost_answer",
            _ => "pm_test_ok",
        };
        let Some(paid) = self.insist(&buyer, dice, &path, &json!({"payment_method": method})).await else { return };
        if let Some(url) = paid.body["next_action"]["url"].as_str() {
            let choice = dice.below(10);
            let since = Instant::now();
            while (choice > 0 || !self.plan.abandon) && since.elapsed() < INSIST {
                match self.cluster.provider().try_act(url, choice > 2).await {
                    Ok(reply) if reply.status < 500 => break,
                    _ => tokio::time::sleep(Duration::from_millis(200)).await,
                }
            }
        }
        if paid.status == 200 && dice.below(10) == 0 {
            let path = format!("/order/{}/refund", shop::id(&paid.body));
            let _ = self.insist(&buyer, dice, &path, &json!({"reason": "changed plans"})).await;
        }
    }

    /// Writes with one key at one node after another until the outcome is definite, or patience ends.
    async fn insist(&self, buyer: &Client, dice: &mut Dice, path: &str, body: &Value) -> Option<Reply> {
        let (key, since) = (new_key(), Instant::now());
        while since.elapsed() < INSIST {
            let node = 1 + dice.below(self.cluster.size());
            match buyer.moved_to(&self.cluster.url(node)).try_post(path, &key, body).await {
                Ok(reply) if !reply.is_retryable() => return Some(reply),
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        None
    }

    /// Kills one process after another until the buyers have gone; gives their number.
    async fn kill_on(&self) -> anyhow::Result<u64> {
        let Some(every) = self.plan.kill_every else { return Ok(0) };
        let (mut dice, mut kills) = (Dice(self.plan.seed ^ 0x6b69_6c6c), 0);
        loop {
            let since = Instant::now();
            while since.elapsed() < every {
                if self.is_over.load(Ordering::Relaxed) {
                    return Ok(kills);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            kills += 1;
            let victim = dice.below(self.cluster.size() + 1);
            if victim == 0 {
                self.cluster.provider().kill();
                tokio::time::sleep(AWAY).await;
                self.cluster.provider().spawn()?;
            } else {
                self.cluster.kill(victim);
                tokio::time::sleep(AWAY).await;
                self.cluster.spawn(victim)?;
                self.cluster.wait_ready()?;
            }
        }
    }

    /// Waits until no hold is being paid, no capture and no refund is under way; gives the orders.
    async fn settle(&self) -> anyhow::Result<BTreeMap<String, Value>> {
        let tried = std::mem::take(&mut *self.tried.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        let since = Instant::now();
        let (mut open, mut orders) = (tried, BTreeMap::new());
        loop {
            let mut waiting = Vec::new();
            for one in open {
                match look(&one).await {
                    Some(Some((id, order))) => drop(orders.insert(id, order)),
                    Some(None) => {}
                    None => waiting.push(one),
                }
            }
            if waiting.is_empty() {
                return Ok(orders);
            }
            ensure!(since.elapsed() < self.plan.settle, "{} purchases did not settle, such as {}", waiting.len(), waiting[0].hold);
            open = waiting;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Compares our orders with the provider's lines.
    async fn compare(&self, orders: &BTreeMap<String, Value>) -> anyhow::Result<Report> {
        let mut lines: BTreeMap<String, Books> = BTreeMap::new();
        for line in self.cluster.provider().ledger().await {
            let order = line["order"].as_str().unwrap_or_default().to_owned();
            let books = lines.entry(order).or_default();
            books.reserved += line["reserved"].as_u64().context("an amount")?;
            books.captured += line["captured"].as_u64().context("an amount")?;
            books.refunded += line["refunded"].as_u64().context("an amount")?;
        }
        let (mut report, mut wrong) = (Report::default(), Vec::new());
        let mut tickets = 0;
        for (id, order) in orders {
            let there = lines.remove(id).unwrap_or_default();
            tickets += judge(&mut report, id, order, &there, &mut wrong);
        }
        // What no order of ours explains must be nothing.
        wrong.extend(
            lines.iter().filter(|(_, books)| **books != Books::default()).map(|(id, books)| format!("{id}: {books:?} without an order")),
        );
        let sold = self.sold().await?;
        if sold != tickets {
            wrong.push(format!("{sold} seats are sold, {tickets} tickets are valid"));
        }
        if !wrong.is_empty() {
            bail!("{} differences:\n{}", wrong.len(), wrong.join("\n"));
        }
        Ok(report)
    }

    async fn sold(&self) -> anyhow::Result<u64> {
        let client = self.cluster.client(1, Role::Customer);
        let mut sold = 0;
        for event in &self.events {
            let states = shop::seat_states(&client, event, SEATS).await;
            sold += states.iter().filter(|&&state| state == 2).count() as u64;
        }
        Ok(sold)
    }
}

/// What the provider has of an order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Books {
    reserved: u64,
    captured: u64,
    refunded: u64,
}

/// What became of a hold: `None` while that is open, else its order, if it has one.
async fn look(one: &Tried) -> Option<Option<(String, Value)>> {
    let hold = one.buyer.try_get(&format!("/event/{}/hold/{}", one.event, one.hold)).await.ok().filter(|reply| reply.status == 200)?.body;
    let Some(order) = hold["order"].as_str() else { return Some(None) };
    if hold["state"] == "paying" {
        return None;
    }
    let reply = one.buyer.try_get(&format!("/order/{order}")).await.ok().filter(|reply| reply.status == 200)?.body;
    let is_open = reply["payment"] == "authorized"
        || reply["refunds"].as_array().is_some_and(|all| all.iter().any(|one| one["state"] == "requested"));
    (!is_open).then(|| Some((order.to_owned(), reply)))
}

/// Counts an order and compares it with the provider's books; gives the number of its tickets that are valid.
fn judge(report: &mut Report, id: &str, order: &Value, there: &Books, wrong: &mut Vec<String>) -> u64 {
    let amount = |name: &str| order[name]["amount"].as_u64().unwrap_or_default();
    let (total, refunded) = (amount("total"), amount("refunded"));
    let (state, payment) = (order["state"].as_str().unwrap_or_default(), order["payment"].as_str().unwrap_or_default());
    report.paid += 1;
    report.captured += there.captured;
    let counts = match (state, payment) {
        ("confirmed" | "part_refunded" | "refunded", "captured") => {
            report.confirmed += 1;
            report.expected += total;
            report.refunded += refunded;
            (total, refunded)
        }
        ("refunded", "voided") => {
            report.voided += 1;
            (0, 0)
        }
        ("cancelled", "capture_failed") => {
            report.cancelled += 1;
            (0, 0)
        }
        ("failed" | "awaiting_payment", "failed") => {
            // Money that was taken for nothing has gone back.
            report.failed += 1;
            report.expected += there.refunded;
            (there.refunded, there.refunded)
        }
        _ => {
            wrong.push(format!("{id} is {state} and its payment {payment}"));
            return 0;
        }
    };
    if (there.reserved, there.captured, there.refunded) != (0, counts.0, counts.1) {
        wrong.push(format!("{id} ({state}, {payment}): total {total}, refunded {refunded}, but the provider has {there:?}"));
    }
    let void =
        order["refunds"].as_array().into_iter().flatten().map(|refund| refund["tickets"].as_array().map_or(0, Vec::len)).sum::<usize>();
    let all = order["tickets"].as_array().map_or(0, Vec::len);
    if state == "cancelled" || state == "failed" { 0 } else { (all - void) as u64 }
}
