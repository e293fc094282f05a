//! A cluster that grows and shrinks while a house is being sold, and the verdict: how long booking paused in each step, how long sales
//! took, and whether every acknowledged sale is there exactly once.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use boxoffice::bench::client;
use boxoffice::bench::load::{self, Progress, Tally, Workload};
use boxoffice::bench::verify;
use boxoffice_ledger::command::Role;
use serde_json::{Value, json};

use crate::campaign::GAP_MAX;
use crate::check;
use crate::cluster::Cluster;
use crate::shop::{self, Terms};

/// How long a step may take before the run gives up.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long it is sold before, between and after the steps.
const CALM: Duration = Duration::from_secs(8);
/// Most seats that the house has.
const SEATS_MAX: u32 = 150_000;

/// How to go about it.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    /// Attempts a second.
    pub rate: f64,
    /// Clients.
    pub clients: usize,
    /// Makes keys of one run differ from those of another.
    pub seed: u64,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Phase {
    /// What was done.
    pub name: &'static str,
    /// From when, since the load began.
    pub from: Duration,
    /// Until when.
    pub to: Duration,
    /// The longest time without an acknowledged sale.
    pub pause: Duration,
    /// Sales, and the time that 99 of 100 of them took.
    pub sold: usize,
    /// See `sold`.
    pub p99: Duration,
}

/// How it came out.
#[derive(Debug)]
pub struct Verdict {
    /// Every step.
    pub phases: Vec<Phase>,
    /// Acknowledged sales.
    pub sold: usize,
    /// Requests that were sent again.
    pub retries: u64,
    /// What is wrong; nothing if all is well.
    pub violations: Vec<String>,
}

impl Growth {
    /// Runs on a cluster of three nodes that is ready.
    ///
    /// # Errors
    /// When the cluster cannot be driven to the end, which is a failure too.
    pub fn run(&self, cluster: &mut Cluster) -> anyhow::Result<Verdict> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let seats = ((self.rate * 300.0) as u32).min(SEATS_MAX);
        let event = runtime.block_on(shop::put_on_sale(&cluster.client(1, Role::Coordinator), &Terms::free(seats)));
        let workload = Workload {
            endpoints: (1..=cluster.size()).map(|node| cluster.address(node)).collect(),
            event,
            seats,
            buyers: Arc::new((0..self.clients).map(|_| cluster.someone(Role::Customer)).collect()),
            payment_method: shop::CARD_THAT_PAYS.into(),
            refused_percent: 10,
            rate: Some(self.rate),
            at_most: None,
            threads: 1,
            run: self.seed,
        };
        let progress = Arc::new(Progress::default());
        let (mut phases, tally) = std::thread::scope(|scope| {
            let load = scope.spawn(|| load::run(&workload, &progress));
            let phases = runtime.block_on(steps(cluster, &progress));
            progress.stop();
            let tally = load.join().map_err(|_| anyhow::anyhow!("the load panicked"))??;
            Ok::<_, anyhow::Error>((phases?, tally))
        })?;
        measure(&mut phases, &tally);
        runtime.block_on(judge(cluster, &workload, phases, tally))
    }
}

async fn steps(cluster: &mut Cluster, progress: &Progress) -> anyhow::Result<Vec<Phase>> {
    let mut phases = Vec::new();
    let mut from = progress.elapsed();
    let mut done = |name: &'static str| {
        let to = progress.elapsed();
        phases.push(Phase { name, from, to, pause: Duration::ZERO, sold: 0, p99: Duration::ZERO });
        from = to;
    };
    tokio::time::sleep(CALM).await;
    done("three nodes");
    for name in ["a fourth joins", "a fifth joins"] {
        let node = cluster.add_node()?;
        until(cluster, node, |member| member["state"] == "active" && member["votes"].as_u64() > Some(0)).await?;
        done(name);
    }
    // Every group votes with five before anybody goes.
    let groups = cluster.groups().all().count() as u64;
    until(cluster, 5, |member| member["votes"] == groups).await?;
    tokio::time::sleep(CALM).await;
    done("five nodes");
    cluster.json(&["cluster", "drain", "2", "--yes", "-o", "json"])?;
    cluster.json(&["cluster", "remove", "2", "--yes", "-o", "json"])?;
    cluster.stop(2)?;
    done("one is drained and removed");
    cluster.kill(3);
    cluster.json(&["cluster", "remove", "3", "--yes", "-o", "json"])?;
    done("one is killed and removed");
    tokio::time::sleep(CALM).await;
    done("three nodes again");
    Ok(phases)
}

/// Waits until a node is listed as it should be, by node 1.
async fn until(cluster: &Cluster, node: u64, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
    let since = Instant::now();
    loop {
        let list = cluster.client(1, Role::Operator).get("/cluster/member").await;
        let member = list.body["data"].as_array().and_then(|all| all.iter().find(|member| member["node"] == node)).cloned();
        if member.as_ref().is_some_and(&is_so) {
            return Ok(());
        }
        ensure!(since.elapsed() < PATIENCE, "node {node} stays {member:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Fills in what the acknowledged sales say of each step.
fn measure(phases: &mut [Phase], tally: &Tally) {
    let mut sales: Vec<(Duration, Duration)> = tally.sales.iter().map(|sale| (sale.at, sale.at.saturating_sub(sale.begun))).collect();
    sales.sort_unstable();
    for phase in phases {
        let within = &sales[sales.partition_point(|(at, _)| *at < phase.from)..sales.partition_point(|(at, _)| *at <= phase.to)];
        let mut last = phase.from;
        for (at, _) in within {
            phase.pause = phase.pause.max(*at - last);
            last = *at;
        }
        phase.pause = phase.pause.max(phase.to.saturating_sub(last));
        let mut times: Vec<Duration> = within.iter().map(|(_, took)| *took).collect();
        times.sort_unstable();
        phase.sold = times.len();
        phase.p99 = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
    }
}

async fn judge(cluster: &Cluster, workload: &Workload, phases: Vec<Phase>, tally: Tally) -> anyhow::Result<Verdict> {
    let mut violations = Vec::new();
    let paused = phases.iter().filter(|phase| phase.pause > GAP_MAX);
    violations.extend(paused.map(|phase| format!("{}: booking paused for {:.2} s", phase.name, phase.pause.as_secs_f64())));
    violations.extend(tally.wrong.iter().map(|(what, count)| format!("unexpected answer: {what}, {count} times")));
    if !tally.unknown.is_empty() {
        violations.push(format!("{} outcomes stayed unknown", tally.unknown.len()));
    }
    let left = [1, 4, 5];
    let client = |node: u64| client::Client::new(cluster.address(node), cluster.someone(Role::Operator).token, 1);
    let mut nodes: Vec<client::Client> = left.into_iter().map(client).collect();
    let rows = verify::check(&mut nodes, &workload.event, workload.seats as usize, &tally).await;
    violations.extend(rows.context("read the seat maps")?);
    let tickets = check::sales_are_tickets_on(cluster, &left, &workload.event, &workload.buyers, &tally).await;
    violations.extend(tickets.err().unwrap_or_default());
    violations.extend(check::replicas_of(cluster, left).await.err().unwrap_or_default());
    Ok(Verdict { phases, sold: tally.sales.len(), retries: tally.retries, violations })
}

impl Verdict {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!("{:<28}  {:>8}  {:>13}  {:>6}  {:>8}\n", "step", "took", "longest pause", "sold", "p99");
        for phase in &self.phases {
            let took = (phase.to.saturating_sub(phase.from)).as_secs_f64();
            let (pause, p99) = (phase.pause.as_secs_f64(), phase.p99.as_millis());
            let _ = writeln!(text, "{:<28}  {took:>6.1} s  {pause:>11.2} s  {:>6}  {p99:>5} ms", phase.name, phase.sold);
        }
        let _ = writeln!(text, "{} sales acknowledged, {} requests sent again", self.sold, self.retries);
        for violation in &self.violations {
            let _ = writeln!(text, "VIOLATION  {violation}");
        }
        let _ = writeln!(text, "verdict    {}", if self.is_clean() { "clean" } else { "NOT CLEAN" });
        text
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let phase = |phase: &Phase| {
            json!({
                "name": phase.name,
                "took_ms": phase.to.saturating_sub(phase.from).as_millis() as u64,
                "pause_ms": phase.pause.as_millis() as u64,
                "sold": phase.sold,
                "p99_ms": phase.p99.as_millis() as u64,
            })
        };
        let phases: Vec<Value> = self.phases.iter().map(phase).collect();
        json!({
            "object": "growth_verdict",
            "phases": phases,
            "sold": self.sold,
            "retries": self.retries,
            "violations": self.violations,
            "clean": self.is_clean(),
        })
    }
}
