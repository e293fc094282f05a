//! Both books, order by order: ours from the orders, the provider's from its ledger. They must agree to the cent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::bail;
use boxoffice_ledger::command::Role;
use futures::StreamExt;
use serde_json::{Value, json};

use super::state::Tried;
use super::{Plan, SEATS};
use crate::cluster::Cluster;
use crate::http::Client;
use crate::shop;

/// Holds looked at at once.
const AT_ONCE: usize = 32;

/// Most complaints of one kind that are listed.
const LISTED_MAX: usize = 20;

/// Orders and amounts. Amounts in cents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Money {
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
    /// Tickets that admit; as many seats are sold.
    pub tickets: u64,
}

impl Money {
    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "paid": self.paid, "confirmed": self.confirmed, "failed": self.failed, "cancelled": self.cancelled, "voided": self.voided,
            "captured": self.captured, "expected": self.expected, "refunded": self.refunded, "tickets": self.tickets,
        })
    }
}

/// What the provider has of an order.
#[derive(Debug, Default, PartialEq, Eq)]
struct There {
    reserved: u64,
    captured: u64,
    refunded: u64,
}

/// Waits until no hold is being paid, no capture and no refund is under way; gives the orders as staff see them, and what did not
/// settle.
///
/// # Errors
/// When there is nothing to settle.
pub(super) async fn settle(cluster: &Cluster, plan: &Plan, tried: Vec<Tried>) -> anyhow::Result<(BTreeMap<String, Value>, Vec<String>)> {
    if tried.is_empty() {
        bail!("nobody tried to pay");
    }
    let (http, staff) = (Client::at(&cluster.url(1)), cluster.client(1, Role::Admin));
    let (since, mut open, mut orders) = (Instant::now(), tried, BTreeMap::new());
    loop {
        let looks = open.into_iter().map(|one| {
            let buyer = http.with_token(&cluster.token_of(&one.user, Role::Customer));
            let staff = staff.clone();
            async move { (look(&buyer, &staff, &one).await, one) }
        });
        let seen: Vec<_> = futures::stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
        open = Vec::new();
        for (found, one) in seen {
            match found {
                Some(Some((id, order))) => drop(orders.insert(id, order)),
                Some(None) => {}
                None => open.push(one),
            }
        }
        if open.is_empty() || since.elapsed() > plan.settle {
            let waiting = open.iter().map(|one| format!("the hold {} of {} did not settle", one.hold, one.event));
            return Ok((orders, waiting.collect()));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// What became of a hold: `None` while that is open, else its order, if it has one.
async fn look(buyer: &Client, staff: &Client, one: &Tried) -> Option<Option<(String, Value)>> {
    let hold = buyer.try_get(&format!("/event/{}/hold/{}", one.event, one.hold)).await.ok().filter(|reply| reply.status == 200)?.body;
    let Some(order) = hold["order"].as_str() else { return Some(None) };
    if hold["state"] == "paying" {
        return None;
    }
    let reply = staff.try_get(&format!("/order/{order}")).await.ok().filter(|reply| reply.status == 200)?.body;
    let is_open = reply["payment"] == "authorized"
        || reply["refunds"].as_array().is_some_and(|all| all.iter().any(|one| one["state"] == "requested"));
    (!is_open).then(|| Some((order.to_owned(), reply)))
}

/// Compares our orders with the provider's lines, and the seats sold with the tickets.
pub(super) async fn compare(
    cluster: &Cluster,
    events: &[String],
    orders: &BTreeMap<String, Value>,
    lines: &[Value],
    wrong: &mut Vec<String>,
) -> Money {
    let mut there: BTreeMap<&str, There> = BTreeMap::new();
    for line in lines {
        let books = there.entry(line["order"].as_str().unwrap_or_default()).or_default();
        let amount = |name: &str| line[name].as_u64().unwrap_or_default();
        books.reserved += amount("reserved");
        books.captured += amount("captured");
        books.refunded += amount("refunded");
    }
    let (mut money, mut complaints) = (Money::default(), Vec::new());
    for (id, order) in orders {
        let books = there.remove(id.as_str()).unwrap_or_default();
        money.tickets += judge(&mut money, id, order, &books, &mut complaints);
    }
    // What no order of ours explains must be nothing.
    complaints.extend(
        there.iter().filter(|(_, books)| **books != There::default()).map(|(id, books)| format!("{id}: {books:?} without an order")),
    );
    let sold = sold(cluster, events).await;
    if sold != money.tickets {
        complaints.push(format!("{sold} seats are sold, {} tickets are valid", money.tickets));
    }
    if money.captured != money.expected {
        complaints.push(format!("the provider captured {}, our orders say {}", money.captured, money.expected));
    }
    if complaints.len() > LISTED_MAX {
        let more = complaints.len() - LISTED_MAX;
        complaints.truncate(LISTED_MAX);
        complaints.push(format!("and {more} more"));
    }
    wrong.extend(complaints);
    money
}

async fn sold(cluster: &Cluster, events: &[String]) -> u64 {
    let client = cluster.client(1, Role::Customer);
    let mut sold = 0;
    for event in events.iter().collect::<BTreeSet<_>>() {
        let states = shop::seat_states(&client, event, SEATS).await;
        sold += states.iter().filter(|&&state| state == 2).count() as u64;
    }
    sold
}

/// Counts an order and compares it with the provider's books; gives the number of its tickets that are valid.
fn judge(money: &mut Money, id: &str, order: &Value, there: &There, wrong: &mut Vec<String>) -> u64 {
    let amount = |name: &str| order[name]["amount"].as_u64().unwrap_or_default();
    let (total, refunded) = (amount("total"), amount("refunded"));
    let (state, payment) = (order["state"].as_str().unwrap_or_default(), order["payment"].as_str().unwrap_or_default());
    money.paid += 1;
    money.captured += there.captured;
    money.refunded += there.refunded;
    let counts = match (state, payment) {
        ("confirmed" | "part_refunded" | "refunded", "captured") => {
            money.confirmed += 1;
            (total, refunded)
        }
        ("refunded", "voided") => {
            money.voided += 1;
            (0, 0)
        }
        ("cancelled", "capture_failed") => {
            money.cancelled += 1;
            (0, 0)
        }
        ("failed" | "awaiting_payment", "failed") => {
            // Money that was taken for nothing has gone back.
            money.failed += 1;
            (there.refunded, there.refunded)
        }
        _ => {
            wrong.push(format!("{id} is {state} and its payment {payment}"));
            return 0;
        }
    };
    money.expected += counts.0;
    if (there.reserved, there.captured, there.refunded) != (0, counts.0, counts.1) {
        wrong.push(format!("{id} ({state}, {payment}): total {total}, refunded {refunded}, but the provider has {there:?}"));
    }
    let void =
        order["refunds"].as_array().into_iter().flatten().map(|refund| refund["tickets"].as_array().map_or(0, Vec::len)).sum::<usize>();
    let all = order["tickets"].as_array().map_or(0, Vec::len);
    if all == 0 && matches!(state, "confirmed" | "part_refunded") {
        wrong.push(format!("{id} is paid and has no tickets"));
    }
    if matches!(state, "cancelled" | "failed" | "awaiting_payment") { 0 } else { (all - void) as u64 }
}
