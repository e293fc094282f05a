//! The load: clients that each hold one seat and pay for it, some of them on seats that are taken. Closed loop (a client
//! begins its next attempt when the last one ended) or open loop (attempts begin on a schedule, and latency counts from the
//! scheduled moment, so that a slow server cannot hide behind its own slowness).
//!
//! A request whose answer is lost or not definite is sent again with the same key, to the next node, until it is definite.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::LocalSet;
use tokio::time::{sleep, sleep_until};

use super::connection::{Connection, Lost, text_field};

/// How long one try of a request may take.
const TRY_PATIENCE: Duration = Duration::from_secs(8);
/// How long a client goes on trying to get a definite answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// The wait before a request is sent again.
const BACK_OFF: Duration = Duration::from_millis(25);

/// A buyer.
#[derive(Clone, Debug)]
pub struct Buyer {
    /// The account's id.
    pub user: String,
    /// Its token.
    pub token: String,
}

/// What to do.
#[derive(Clone)]
pub struct Workload {
    /// `host:port` of the nodes; clients are spread over them.
    pub endpoints: Vec<String>,
    /// The event's id.
    pub event: String,
    /// How many seats it has; they are sold in the order of their indexes.
    pub seats: u32,
    /// One client each.
    pub buyers: Arc<Vec<Buyer>>,
    /// The payment method's token; anything for a free event.
    pub payment_method: String,
    /// How many attempts in a hundred go to a seat that is sold.
    pub refused_percent: u64,
    /// Attempts a second over all clients; `None` = closed loop.
    pub rate: Option<f64>,
    /// When to stop if seats are left.
    pub at_most: Option<Duration>,
    /// Operating-system threads that generate load.
    pub threads: usize,
    /// Makes keys of one run differ from those of another.
    pub run: u64,
}

/// How far a run is, readable while it goes on.
#[derive(Debug)]
pub struct Progress {
    began: Instant,
    next_seat: AtomicU64,
    next_arrival: AtomicU64,
    sold: AtomicU64,
    stop: AtomicBool,
}

impl Default for Progress {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        Self { began: Instant::now(), next_seat: zero(), next_arrival: zero(), sold: zero(), stop: AtomicBool::new(false) }
    }
}

impl Progress {
    /// Since the run began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Seats sold so far.
    #[must_use]
    pub fn sold(&self) -> u64 {
        self.sold.load(Ordering::Relaxed)
    }

    /// Lets every client finish what it is doing and stop.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// An acknowledged sale.
#[derive(Clone, Debug)]
pub struct Sale {
    /// Which seat: its index in the layout.
    pub seat: u32,
    /// Which buyer: its place in the workload's list.
    pub buyer: u32,
    /// When its hold was first sent, since the run began.
    pub begun: Duration,
    /// When the sale was acknowledged, since the run began.
    pub at: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Tally {
    /// Latency of holds that succeeded, in microseconds.
    pub hold: Histogram<u64>,
    /// Latency of payments, in microseconds.
    pub pay: Histogram<u64>,
    /// Latency of refusals, in microseconds.
    pub refuse: Histogram<u64>,
    /// From the beginning of an attempt to the ticket, in microseconds.
    pub sale: Histogram<u64>,
    /// Every acknowledged sale.
    pub sales: Vec<Sale>,
    /// Attempts on sold seats that were refused as they must be.
    pub refused: u64,
    /// Requests that were sent again.
    pub retries: u64,
    /// Seats whose outcome stayed unknown.
    pub unknown: Vec<u32>,
    /// Answers that should not have come: what -> how often.
    pub wrong: BTreeMap<String, u64>,
    /// How long the run took.
    pub took: Duration,
}

impl Tally {
    fn new() -> Self {
        let histogram = || Histogram::new_with_max(120_000_000, 3).expect("the bounds are legal");
        Self {
            hold: histogram(),
            pay: histogram(),
            refuse: histogram(),
            sale: histogram(),
            sales: Vec::new(),
            refused: 0,
            retries: 0,
            unknown: Vec::new(),
            wrong: BTreeMap::new(),
            took: Duration::ZERO,
        }
    }

    fn merge(&mut self, other: Self) {
        self.hold += &other.hold;
        self.pay += &other.pay;
        self.refuse += &other.refuse;
        self.sale += &other.sale;
        self.sales.extend(other.sales);
        self.refused += other.refused;
        self.retries += other.retries;
        self.unknown.extend(other.unknown);
        for (what, count) in other.wrong {
            *self.wrong.entry(what).or_default() += count;
        }
        self.took = self.took.max(other.took);
    }
}

/// Runs the load to its end, on threads of its own.
///
/// # Errors
/// When a generator thread could not be started.
pub fn run(workload: &Workload, progress: &Arc<Progress>) -> std::io::Result<Tally> {
    let threads = workload.threads.clamp(1, workload.buyers.len().max(1));
    let mut tally = Tally::new();
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads).map(|part| scope.spawn(move || run_part(workload, progress, part, threads))).collect();
        for part in parts {
            tally.merge(part.join().map_err(|_| std::io::Error::other("a generator thread panicked"))??);
        }
        Ok(tally)
    })
}

/// One thread's share of the clients.
fn run_part(workload: &Workload, progress: &Arc<Progress>, part: usize, parts: usize) -> std::io::Result<Tally> {
    let tally = Rc::new(RefCell::new(Tally::new()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let clients = LocalSet::new();
    for number in (part..workload.buyers.len()).step_by(parts) {
        clients.spawn_local(Client::new(workload.clone(), Arc::clone(progress), Rc::clone(&tally), number).work());
    }
    runtime.block_on(clients);
    drop(runtime);
    let mut tally = Rc::into_inner(tally).expect("every client has ended").into_inner();
    tally.took = progress.began.elapsed();
    Ok(tally)
}

/// What a definite answer was.
struct Definite {
    status: u16,
    /// The `id` of a hold, or the `code` of a problem.
    text: String,
}

struct Client {
    workload: Workload,
    progress: Arc<Progress>,
    tally: Rc<RefCell<Tally>>,
    number: usize,
    connections: Vec<Connection>,
    current: usize,
    /// Headers that do not change.
    fixed: String,
    request: Vec<u8>,
    keys: u64,
    chance: u64,
}

impl Client {
    fn new(workload: Workload, progress: Arc<Progress>, tally: Rc<RefCell<Tally>>, number: usize) -> Self {
        let connections: Vec<_> = workload.endpoints.iter().cloned().map(Connection::new).collect();
        let token = &workload.buyers[number].token;
        Self {
            fixed: format!("Host: boxoffice\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"),
            current: number % connections.len(),
            connections,
            request: Vec::with_capacity(1024),
            keys: 0,
            chance: (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ workload.run,
            workload,
            progress,
            tally,
            number,
        }
    }

    async fn work(mut self) {
        while let Some(begun) = self.next_start().await {
            if self.chance() % 100 < self.workload.refused_percent
                && let Some(taken) = self.some_sold_seat()
            {
                self.try_taken(taken, begun).await;
                continue;
            }
            let seat = self.progress.next_seat.fetch_add(1, Ordering::Relaxed);
            match u32::try_from(seat) {
                Ok(seat) if seat < self.workload.seats => self.buy(seat, begun).await,
                _ => return,
            }
        }
    }

    /// Waits until the next attempt is due; `None` when the run is over.
    async fn next_start(&self) -> Option<Instant> {
        let start = match self.workload.rate {
            None => Instant::now(),
            Some(rate) => {
                let arrival = self.progress.next_arrival.fetch_add(1, Ordering::Relaxed);
                let due = self.progress.began + Duration::from_secs_f64(arrival as f64 / rate);
                sleep_until(due.into()).await;
                due
            }
        };
        let over = self.progress.stop.load(Ordering::Relaxed)
            || self.workload.at_most.is_some_and(|limit| self.progress.began.elapsed() >= limit)
            || self.progress.next_seat.load(Ordering::Relaxed) >= u64::from(self.workload.seats);
        (!over).then_some(start)
    }

    async fn buy(&mut self, seat: u32, begun: Instant) {
        let body = format!("{{\"seats\":[{seat}]}}");
        let path = format!("/event/{}/hold", self.workload.event);
        let Some(held) = self.send(&path, &body, "id").await else {
            self.tally.borrow_mut().unknown.push(seat);
            return;
        };
        if held.status != 201 {
            self.note_wrong("hold", &held);
            return;
        }
        let hold_us = micros(begun.elapsed());
        let paying = Instant::now();
        let path = format!("/event/{}/hold/{}/pay", self.workload.event, held.text);
        let body = format!("{{\"payment_method\":\"{}\"}}", self.workload.payment_method);
        let Some(paid) = self.send(&path, &body, "id").await else {
            self.tally.borrow_mut().unknown.push(seat);
            return;
        };
        if !matches!(paid.status, 200 | 201) {
            self.note_wrong("pay", &paid);
            return;
        }
        self.progress.sold.fetch_add(1, Ordering::Relaxed);
        let mut tally = self.tally.borrow_mut();
        tally.hold.saturating_record(hold_us);
        tally.pay.saturating_record(micros(paying.elapsed()));
        tally.sale.saturating_record(micros(begun.elapsed()));
        tally.sales.push(Sale {
            seat,
            buyer: self.number as u32,
            begun: begun.saturating_duration_since(self.progress.began),
            at: self.progress.began.elapsed(),
        });
    }

    /// An attempt on a sold seat: it must be refused, with the seat's name.
    async fn try_taken(&mut self, seat: u32, begun: Instant) {
        let body = format!("{{\"seats\":[{seat}]}}");
        let path = format!("/event/{}/hold", self.workload.event);
        match self.send(&path, &body, "id").await {
            Some(answer) if answer.status == 409 && answer.text == "seat_unavailable" => {
                let mut tally = self.tally.borrow_mut();
                tally.refused += 1;
                tally.refuse.saturating_record(micros(begun.elapsed()));
            }
            Some(answer) => self.note_wrong("hold of a sold seat", &answer),
            None => {}
        }
    }

    /// Sends one write, again and again with the same key, until its outcome is definite.
    async fn send(&mut self, path: &str, body: &str, field: &str) -> Option<Definite> {
        self.keys += 1;
        let Self { fixed, workload, number, keys, .. } = self;
        self.request.clear();
        let run = workload.run;
        let length = body.len();
        self.request.extend_from_slice(
            format!("POST {path} HTTP/1.1\r\n{fixed}Idempotency-Key: {run:x}-{number}-{keys}\r\nContent-Length: {length}\r\n\r\n{body}")
                .as_bytes(),
        );
        let since = Instant::now();
        loop {
            let moved = match self.connections[self.current].exchange(&self.request, TRY_PATIENCE).await {
                Ok(reply) if !is_retryable(reply.status, reply.body) => {
                    let field = if reply.status < 300 { field } else { "code" };
                    let text = text_field(reply.body, field).unwrap_or_default().to_owned();
                    return Some(Definite { status: reply.status, text });
                }
                Ok(reply) => reply.status == 503,
                Err(Lost::NotSent | Lost::NoAnswer) => true,
            };
            if since.elapsed() > PATIENCE {
                return None;
            }
            if moved {
                self.current = (self.current + 1) % self.connections.len();
            }
            self.tally.borrow_mut().retries += 1;
            sleep(BACK_OFF).await;
        }
    }

    fn some_sold_seat(&mut self) -> Option<u32> {
        let chance = self.chance();
        let tally = self.tally.borrow();
        let place = chance.checked_rem(tally.sales.len() as u64)?;
        Some(tally.sales[place as usize].seat)
    }

    fn note_wrong(&self, what: &str, answer: &Definite) {
        let what = format!("{what}: {} {}", answer.status, answer.text);
        *self.tally.borrow_mut().wrong.entry(what).or_default() += 1;
    }

    /// The next number of a small generator (xorshift); the run is repeatable but for timing.
    fn chance(&mut self) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance >> 16
    }
}

/// Whether an answer is not definite, or definite only for now: the same request with the same key may be sent again.
fn is_retryable(status: u16, body: &[u8]) -> bool {
    match status {
        // 202: the payment is under way; the same request says what became of it.
        202 | 429 | 503 | 504 => true,
        409 => text_field(body, "code") == Some("idempotency_in_flight"),
        _ => false,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
