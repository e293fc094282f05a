//! Whole purchases, with money: many people buy seats of one house with cards that pay, are declined, ask for a bank, or lose answers. In
//! the end the provider's books, the orders, the tickets and the seats are laid side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::future::BoxFuture;
use reqwest::Method;
use serde_json::{Value, json};

use super::buyer::{Buyer, Outcome, Shared, Write};
use super::seat::{Habits, value};
use super::setup::{self, Person};
use super::{ValueOf, Work};
use crate::check::{Anomaly, Verdict};
use crate::client::{self, Answer, Reply, Request};
use crate::draw::Draw;
use crate::run::Plan;

/// What a seat costs, in cents.
const PRICE: u64 = 2_500;
/// How long payments may take to settle after everything is well.
const SETTLE: Duration = Duration::from_secs(120);

impl Work for Shop {
    fn event(&self) -> &str {
        &self.event
    }

    fn client(self: Arc<Self>, shared: Arc<Shared>, number: u64, habits: Habits) -> BoxFuture<'static, ()> {
        Box::pin(self.shop(shared, number, habits))
    }

    fn value(&self) -> ValueOf {
        paid_value
    }

    fn end<'a>(&'a self, shared: &'a Arc<Shared>) -> BoxFuture<'a, anyhow::Result<Verdict>> {
        Box::pin(self.balance(shared))
    }
}

/// The house and the people.
pub struct Shop {
    event: String,
    seats: u64,
    people: Vec<Person>,
    coordinator: String,
}

impl Shop {
    /// Puts a house on sale that is large enough for the run.
    ///
    /// # Errors
    /// When it cannot be done.
    pub async fn open(shared: &Shared, plan: &Plan) -> anyhow::Result<Self> {
        let coordinator = shared.cluster.token("coordinator", None)?;
        let seats = ((plan.time.as_secs_f64() * plan.rate) as u64).clamp(50, 900);
        let event = setup::event(&shared.cluster, &shared.http, &coordinator, "The Whole House", seats, PRICE).await?;
        let mut people = Vec::new();
        for number in 0..plan.clients {
            people.push(setup::person(&shared.cluster, &shared.http, &format!("buyer-{number}")).await?);
        }
        Ok(Self { event, seats, people, coordinator })
    }

    /// One client, until it is told to stop.
    async fn shop(self: Arc<Self>, shared: Arc<Shared>, number: u64, habits: Habits) {
        let mut buyer = Buyer::new(&shared, Draw::of(habits.seed, "client", number), habits.copies);
        let person = &self.people[number as usize];
        let mut turn = 0;
        while !habits.stop.load(Relaxed) {
            turn += 1;
            self.buy(&mut buyer, person, format!("{number}-{turn}")).await;
            habits.rest(&mut buyer.draw).await;
        }
    }

    async fn buy(&self, buyer: &mut Buyer, person: &Person, name: String) {
        let event = &self.event;
        let quantity = 1 + buyer.draw.below(2);
        let write = |f: &'static str, asked: Value, method: Method, path: String, body: Value| Write {
            f,
            asked,
            method,
            path,
            key: format!("{f}-{name}"),
            body,
            token: person.token.clone(),
            if_match: None,
        };
        let best = json!({"best": {"quantity": quantity, "split": true}});
        let hold = write("hold", json!({"quantity": quantity}), Method::POST, format!("/event/{event}/hold"), best);
        let Some(held) = ask(buyer, hold).await else { return };
        let id = held["id"].as_str().unwrap_or_default();
        let path = format!("/event/{event}/hold/{id}");
        let asked = json!({"hold": id});
        if buyer.draw.percent(10) {
            let _ = ask(buyer, write("release", asked, Method::DELETE, path, Value::Null)).await;
            return;
        }
        let cards = ["pm_test_declined", "pm_test_insufficient_funds", "pm_test_slow", "pm_test_lost_answer"];
        let card = cards.get(buyer.draw.below(16) as usize).copied().unwrap_or("pm_test_ok");
        let pay = write("confirm", asked.clone(), Method::POST, format!("{path}/pay"), json!({"payment_method": card}));
        let Some(order) = ask(buyer, pay).await else { return };
        if order["object"] == "order" && buyer.draw.percent(10) {
            let path = format!("/order/{}/refund", order["id"].as_str().unwrap_or_default());
            let _ = ask(buyer, write("void", asked, Method::POST, path, json!({"reason": "changed plans"}))).await;
        }
    }

    /// Waits until nothing is under way any more, and compares all books.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn balance(&self, shared: &Shared) -> anyhow::Result<Verdict> {
        let since = Instant::now();
        loop {
            let books = self.books(shared).await?;
            let verdict = self.compare(&books);
            if verdict.is_good() || since.elapsed() > SETTLE {
                return Ok(verdict);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn books(&self, shared: &Shared) -> anyhow::Result<Books> {
        let (base, key) = shared.cluster.provider();
        let http = client::builder().build()?;
        let text = http.get(format!("{base}/sandbox/ledger")).bearer_auth(key).send().await?.text().await?;
        let intents = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>().context("read the provider's books")?;
        let mut tickets = BTreeMap::new();
        for person in &self.people {
            let mut path = "/user/ticket?limit=100".to_owned();
            loop {
                let page = read(shared, &path, Some(&person.token)).await?;
                for ticket in page.body["data"].as_array().into_iter().flatten().filter(|ticket| ticket["event"] == self.event.as_str()) {
                    let id = ticket["id"].as_str().unwrap_or_default().to_owned();
                    tickets.insert(id, (ticket["seat"]["index"].as_u64(), ticket["state"] == "issued"));
                }
                let Some(next) = page.body["next_cursor"].as_str() else { break };
                path = format!("/user/ticket?limit=100&cursor={next}");
            }
        }
        let map = read(shared, &format!("/event/{}/seat?consistency=linearizable", self.event), None).await?;
        let states = super::seat::states(&map.body).context("the map has states")?;
        let sale = read(shared, &format!("/event/{}/sale", self.event), Some(&self.coordinator)).await?;
        Ok(Books { intents, tickets, states, sale: sale.body })
    }

    fn compare(&self, books: &Books) -> Verdict {
        let mut verdict = Verdict::default();
        let mut wrong = |name: &str, detail: String| verdict.anomalies.push(Anomaly::new(name, detail, Vec::new()));
        let sum = |field: &str| books.intents.iter().filter_map(|intent| intent[field].as_u64()).sum::<u64>();
        let (captured, refunded) = (sum("captured"), sum("refunded") + sum("refund_pending"));
        let good: Vec<u64> = books.tickets.values().filter(|(_, issued)| *issued).filter_map(|(seat, _)| *seat).collect();
        let sold: BTreeSet<u64> = (0_u64..).zip(&books.states).filter(|(_, state)| **state == 2).map(|(seat, _)| seat).collect();
        let of_tickets: BTreeSet<u64> = good.iter().copied().collect();
        if of_tickets.len() != good.len() {
            wrong("double_sale", format!("{} good tickets for {} seats", good.len(), of_tickets.len()));
        }
        for seat in sold.symmetric_difference(&of_tickets).take(5) {
            let (is_sold, has_ticket) = (sold.contains(seat), of_tickets.contains(seat));
            wrong("tickets_are_not_the_seats", format!("seat {seat}: sold {is_sold}, a good ticket {has_ticket}"));
        }
        let worth = good.len() as u64 * PRICE;
        if captured.saturating_sub(refunded) != worth {
            wrong("money_is_not_the_tickets", format!("captured {captured}, given back {refunded}, good tickets are worth {worth}"));
        }
        if books.states.len() as u64 != self.seats {
            wrong("seats_are_missing", format!("{} of {}", books.states.len(), self.seats));
        }
        for (name, count) in [("seats sold", sold.len()), ("good tickets", good.len()), ("intents at the provider", books.intents.len())] {
            verdict.counts.insert(name.into(), count as u64);
        }
        verdict.counts.insert("cents captured".into(), captured);
        verdict.counts.insert("cents given back".into(), refunded);
        let stuck = books.sale["refunds"]["refused"].as_u64().unwrap_or(0);
        verdict.counts.insert("refunds that the provider refused".into(), stuck);
        verdict
    }
}

/// What is laid side by side.
struct Books {
    intents: Vec<Value>,
    /// Seat, and whether it is good, by id.
    tickets: BTreeMap<String, (Option<u64>, bool)>,
    states: Vec<u64>,
    sale: Value,
}

/// Reads at one node after the other until one answers.
///
/// # Errors
/// When the answer is not a success, or none comes in time.
pub async fn read(shared: &Shared, path: &str, token: Option<&str>) -> anyhow::Result<Reply> {
    let since = Instant::now();
    loop {
        for node in shared.cluster.nodes() {
            let base = shared.cluster.url(node);
            let request = Request { base: &base, path, token, ..Request::default() };
            match shared.http.send(&request).await {
                Answer::Definite(reply) if reply.status == 200 => return Ok(reply),
                Answer::Definite(reply) => anyhow::bail!("GET {path}: {} {}", reply.status, reply.body),
                Answer::Again(_) | Answer::Unknown(_) => {}
            }
        }
        anyhow::ensure!(since.elapsed() < SETTLE, "GET {path}: no node answers");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn ask(buyer: &mut Buyer, write: Write) -> Option<Value> {
    let of = write.clone();
    match buyer.write(write, move |reply| paid_value(&of, reply)).await {
        Outcome::Reply(reply) => (reply.status < 300).then_some(reply.body),
        Outcome::Nothing | Outcome::Open => None,
    }
}

/// What the history says of an answer, as for free seats; and a payment can be declined, or still be under way.
///
/// # Errors
/// Why it failed, and what is known of that.
pub fn paid_value(write: &Write, reply: &Reply) -> Result<Value, (String, Value)> {
    match (write.f, reply.status) {
        ("confirm", 202) => Ok(json!({"state": "paying"})),
        (_, 402) => Err((reply.code().to_owned(), Value::Null)),
        _ => value(write, reply),
    }
}
