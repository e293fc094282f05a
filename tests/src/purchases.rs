//! Purchases under trouble: buyers hold, pay, come back from their bank or do not, try another card, give tickets back, while the
//! provider misbehaves and nodes and the provider are killed. Then everything must settle by itself, our books and the provider's
//! must agree to the cent, and no seat may have been pinned for longer than the reconciler's bound.
//!
//! ```text
//! state     what is done, in a folder: a campaign that was interrupted goes on
//! buyers    what people do       trouble   what kills       books   both books, order by order       pins   how long seats hung
//! ```

mod books;
mod buyers;
mod pins;
mod state;
mod trouble;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use boxoffice_ledger::command::Role;
use serde_json::{Value, json};

use crate::check;
use crate::cluster::Cluster;
use crate::shop::{self, Terms};

pub use books::Money;
pub use pins::Pins;
pub use state::State;

/// What a ticket costs, in cents.
const PRICE: u64 = 1_700;

/// Seats of one event.
const SEATS: u32 = 2_000;

/// Events of a round at least, so that every group has some.
const EVENTS_MIN: u64 = 4;

/// How long a hold lives, in seconds: the shortest that there is.
const HOLD_S: u64 = 120;

/// How long buyers may take at their bank, in seconds: what the campaign's clusters are configured with.
pub const BANK_TIME_S: u64 = 60;

/// What is run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many purchases are begun.
    pub purchases: u64,
    /// How many of them are one round; what is interrupted begins its round anew.
    pub round: u64,
    /// Buyers at once.
    pub buyers: u64,
    /// Rate of every fault of the provider.
    pub fault: f64,
    /// About so often a node or the provider dies; `None` = never.
    pub kill_every: Option<Duration>,
    /// Draws everything that is drawn.
    pub seed: u64,
    /// How long everything may take to settle afterwards.
    pub settle: Duration,
    /// Whether some buyers never come back from their bank: then settling takes at least [`BANK_TIME_S`].
    pub abandon: bool,
    /// The longest time that a seat may be pinned, not counting the time that its buyer has at their bank.
    pub pin_max: Duration,
}

/// What came of it. All that is wrong stands in `violations`.
#[derive(Clone, Debug)]
pub struct Report {
    /// Orders and amounts, both books.
    pub money: Money,
    /// How long seats were pinned.
    pub pins: Pins,
    /// Rounds bought, processes killed.
    pub state: State,
    /// How long it took until nothing was pinned and nothing owed, in milliseconds.
    pub settled_ms: u64,
    /// Groups whose replicas were compared at one index and are the same.
    pub groups: usize,
    /// What is wrong; nothing if all is well.
    pub violations: Vec<String>,
}

impl Report {
    /// For programs. Amounts in cents, times in milliseconds.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "object": "purchases_verdict", "orders": self.money.json(), "pinned_ms": self.pins.json(), "rounds": self.state.rounds,
            "kills": self.state.kills, "buying_ms": self.state.buying_ms, "settled_ms": self.settled_ms, "groups_equal": self.groups,
            "violations": self.violations, "clean": self.violations.is_empty(),
        })
    }
}

/// A number generator that is the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// One round, as its buyers and its killer see it.
struct Round {
    cluster: Arc<Cluster>,
    plan: Plan,
    events: Vec<String>,
    journal: state::Journal,
    begun: AtomicU64,
    is_over: AtomicBool,
    kills: AtomicU64,
}

/// Goes on with a plan on a cluster that takes payments until all is bought and settled, and compares the books.
///
/// # Errors
/// When the cluster cannot be driven to the end. What is wrong with the outcome stands in the report.
pub async fn run(cluster: &Arc<Cluster>, plan: &Plan, mut state: State) -> anyhow::Result<Report> {
    let coordinator = cluster.client(1, Role::Coordinator);
    for number in state.rounds..plan.purchases.div_ceil(plan.round) {
        let since = Instant::now();
        let size = plan.round.min(plan.purchases - number * plan.round);
        let more = json!({"refunds": {"who": "buyer", "keep_bps": 700}});
        let terms = Terms { hold_ttl_s: HOLD_S, more, ..Terms::free(SEATS).priced(PRICE) };
        let mut events = Vec::new();
        for _ in 0..EVENTS_MIN.max((3 * size).div_ceil(u64::from(SEATS))) {
            events.push(shop::put_on_sale(&coordinator, &terms).await);
        }
        state.events.extend(events.iter().cloned());
        state.save()?;
        cluster.provider().set_faults(&faults(plan, number)).await;
        let round = Round {
            cluster: Arc::clone(cluster),
            plan: Plan { purchases: size, seed: plan.seed.wrapping_add(number), ..plan.clone() },
            events,
            journal: state.journal()?,
            begun: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            kills: AtomicU64::new(0),
        };
        state.kills += Arc::new(round).buy_all().await?;
        state.rounds += 1;
        state.buying_ms += u64::try_from(since.elapsed().as_millis())?;
        state.save()?;
        eprintln!("round {} of {size} purchases took {:.1} s", number + 1, since.elapsed().as_secs_f64());
    }
    judge(cluster, plan, state).await
}

async fn judge(cluster: &Arc<Cluster>, plan: &Plan, state: State) -> anyhow::Result<Report> {
    cluster.provider().set_faults(&json!({})).await;
    let since = Instant::now();
    let (orders, mut violations) = books::settle(cluster, plan, state.tried()?).await?;
    let settled_ms = u64::try_from(since.elapsed().as_millis())?;
    let lines = cluster.provider().ledger().await;
    let money = books::compare(cluster, &state.events, &orders, &lines, &mut violations).await;
    let bank_max = plan.pin_max + Duration::from_secs(BANK_TIME_S);
    let pins = Pins::measure(&orders, &lines, plan.pin_max, bank_max, &mut violations);
    let groups = match check::replicas_agree(cluster).await {
        Ok(agreements) => agreements.len(),
        Err(complaints) => {
            violations.extend(complaints);
            0
        }
    };
    Ok(Report { money, pins, state, settled_ms, groups, violations })
}

fn faults(plan: &Plan, round: u64) -> Value {
    let rate = plan.fault;
    json!({
        "seed": plan.seed.wrapping_add(round), "lost_answer": rate, "lost_request": rate, "down": rate, "slow": rate, "slow_ms": 3000,
        "decline": rate, "processing": rate, "capture_fails": rate, "dispute": rate, "refund_pending": rate, "duplicate_webhook": rate,
        "late_webhook": rate, "out_of_order_webhook": rate, "lost_webhook": rate,
    })
}
