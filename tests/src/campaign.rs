//! Fault after fault while a house is being sold, then the verdict: how long booking paused, whether every acknowledged sale
//! is there exactly once, and whether all replicas are the same.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use boxoffice::bench::client;
use boxoffice::bench::load::{self, Progress, Tally, Workload};
use boxoffice::bench::verify;
use boxoffice_ledger::command::Role;
use jepsen::disk::Disk;
use serde_json::{Value, json};

use crate::check;
use crate::cluster::Cluster;
use crate::process::Signal;
use crate::shop::{self, Terms};

/// Booking must go on this soon after a fault.
pub const GAP_MAX: Duration = Duration::from_secs(4);
/// What tests allow instead.
pub const GAP_PATIENCE: Duration = Duration::from_secs(60);
/// How long a round may take before the campaign gives up.
const ROUND_PATIENCE: Duration = Duration::from_secs(120);
/// Most seats that a house has.
const SEATS_MAX: u32 = 150_000;

/// What happens in each round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// kill -9 of one node: the leader of the event's group and a node drawn by the seed, in turn.
    KillOne,
    /// kill -9 of every node at once.
    KillAll,
    /// The power of one node's disk is cut, chosen as for `KillOne`.
    CutOne,
    /// The power of all nodes' disks is cut at once.
    CutAll,
}

/// How to go about it.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    /// What happens.
    pub fault: Fault,
    /// How often.
    pub rounds: u32,
    /// Attempts a second.
    pub rate: f64,
    /// Clients.
    pub clients: usize,
    /// Draws victims.
    pub seed: u64,
    /// The longest pause of booking that is not a violation: [`GAP_MAX`] in a campaign that measures. Tests allow more, for they
    /// run on machines that are busy with other things, and check what must hold however slow the machine is.
    pub pause_max: Duration,
}

/// One fault.
#[derive(Clone, Debug)]
pub struct Round {
    /// The nodes that it hit.
    pub victims: Vec<u64>,
    /// When, since the load began.
    pub at: Duration,
    /// Until the victims said again that they are ready.
    pub ready: Duration,
    /// The longest time without an acknowledged sale from the fault to the next one.
    pub gap: Duration,
    /// Sales acknowledged until the next fault.
    pub sold: usize,
}

/// How it came out.
#[derive(Debug)]
pub struct Verdict {
    /// The campaign.
    pub campaign: Campaign,
    /// Every fault.
    pub rounds: Vec<Round>,
    /// Acknowledged sales.
    pub sold: usize,
    /// Requests that were sent again.
    pub retries: u64,
    /// Tickets that were found with their buyers.
    pub tickets: usize,
    /// Groups whose replicas were compared at one index and are the same.
    pub groups: usize,
    /// What is wrong; nothing if all is well.
    pub violations: Vec<String>,
}

impl Campaign {
    /// Runs on a cluster that is ready; `disks` are those of its nodes, for power cuts.
    ///
    /// # Errors
    /// When the cluster cannot be driven to the end, which is a failure too.
    pub fn run(&self, cluster: &Cluster, disks: &mut [Disk]) -> anyhow::Result<Verdict> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // More than are sold on a machine where nodes take half a minute to come back.
        let seconds = f64::from(self.rounds) * 30.0 + 10.0;
        let seats = ((seconds * self.rate) as u32).min(SEATS_MAX);
        let event = runtime.block_on(shop::put_on_sale(&cluster.client(1, Role::Coordinator), &Terms::free(seats)));
        let workload = Workload {
            endpoints: (1..=cluster.size()).map(|node| cluster.address(node)).collect(),
            event: event.clone(),
            seats,
            buyers: Arc::new((0..self.clients).map(|_| cluster.someone(Role::Customer)).collect()),
            payment_method: shop::CARD_THAT_PAYS.into(),
            refused_percent: 20,
            rate: Some(self.rate),
            at_most: None,
            threads: 1,
            run: self.seed,
        };
        let progress = Arc::new(Progress::default());
        let (rounds, tally) = std::thread::scope(|scope| {
            let load = scope.spawn(|| load::run(&workload, &progress));
            let rounds = self.faults(cluster, disks, &event, &progress, &runtime);
            progress.stop();
            let tally = load.join().map_err(|_| anyhow::anyhow!("the load panicked"))??;
            Ok::<_, anyhow::Error>((rounds?, tally))
        })?;
        runtime.block_on(self.judge(cluster, &workload, rounds, tally))
    }

    fn faults(
        &self,
        cluster: &Cluster,
        disks: &mut [Disk],
        event: &str,
        progress: &Progress,
        runtime: &tokio::runtime::Runtime,
    ) -> anyhow::Result<Vec<Round>> {
        let mut chance = self.seed | 1;
        let mut rounds = Vec::new();
        self.wait_for_sales(progress)?;
        for number in 0..self.rounds {
            let victims = match self.fault {
                Fault::KillAll | Fault::CutAll => (1..=cluster.size()).collect(),
                Fault::KillOne | Fault::CutOne if number % 2 == 0 => {
                    vec![runtime.block_on(cluster.leader(cluster.group_of_event(event)))?]
                }
                Fault::KillOne | Fault::CutOne => {
                    chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    vec![(chance >> 33) % cluster.size() + 1]
                }
            };
            let at = progress.elapsed();
            let began = Instant::now();
            self.strike(cluster, disks, &victims)?;
            for &node in &victims {
                cluster.spawn(node)?;
            }
            cluster.wait_ready()?;
            rounds.push(Round { victims, at, ready: began.elapsed(), gap: Duration::ZERO, sold: 0 });
            self.wait_for_sales(progress)?;
        }
        Ok(rounds)
    }

    fn strike(&self, cluster: &Cluster, disks: &mut [Disk], victims: &[u64]) -> anyhow::Result<()> {
        if matches!(self.fault, Fault::CutOne | Fault::CutAll) {
            // Paused, so that the cuts of several disks are one moment.
            for &node in victims {
                cluster.signal(node, Signal::Pause);
            }
            for &node in victims {
                disks[node as usize - 1].cut()?;
            }
        }
        for &node in victims {
            cluster.kill(node);
        }
        if matches!(self.fault, Fault::CutOne | Fault::CutAll) {
            for &node in victims {
                disks[node as usize - 1].reboot()?;
            }
        }
        Ok(())
    }

    /// Waits until booking has gone on for about a second's worth of sales.
    fn wait_for_sales(&self, progress: &Progress) -> anyhow::Result<()> {
        let wanted = progress.sold() + (self.rate * 0.8) as u64;
        let since = Instant::now();
        while progress.sold() < wanted {
            ensure!(since.elapsed() < ROUND_PATIENCE, "booking does not go on: {} sold", progress.sold());
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    async fn judge(&self, cluster: &Cluster, workload: &Workload, mut rounds: Vec<Round>, tally: Tally) -> anyhow::Result<Verdict> {
        cluster.wait_ready()?;
        measure(&mut rounds, &tally);
        let mut violations = Vec::new();
        for (number, round) in rounds.iter().enumerate().filter(|(_, round)| round.gap > self.pause_max) {
            violations.push(format!("round {}: booking paused for {:.2} s", number + 1, round.gap.as_secs_f64()));
        }
        violations.extend(tally.wrong.iter().map(|(what, count)| format!("unexpected answer: {what}, {count} times")));
        if !tally.unknown.is_empty() {
            violations.push(format!("{} outcomes stayed unknown", tally.unknown.len()));
        }
        let mut nodes: Vec<client::Client> = (1..=cluster.size())
            .map(|node| client::Client::new(cluster.address(node), cluster.someone(Role::Operator).token, self.seed))
            .collect();
        let rows = verify::check(&mut nodes, &workload.event, workload.seats as usize, &tally).await;
        violations.extend(rows.context("read the seat maps")?);
        let tickets = match check::sales_are_tickets(cluster, &workload.event, &workload.buyers, &tally).await {
            Ok(tickets) => tickets,
            Err(complaints) => {
                violations.extend(complaints);
                0
            }
        };
        let groups = match check::replicas_agree(cluster).await {
            Ok(agreements) => agreements.len(),
            Err(complaints) => {
                violations.extend(complaints);
                0
            }
        };
        Ok(Verdict { campaign: *self, rounds, sold: tally.sales.len(), retries: tally.retries, tickets, groups, violations })
    }
}

/// Fills in each round's gap and sales from the times of the acknowledged sales.
fn measure(rounds: &mut [Round], tally: &Tally) {
    let mut times: Vec<Duration> = tally.sales.iter().map(|sale| sale.at).collect();
    times.sort_unstable();
    let starts: Vec<Duration> = rounds.iter().map(|round| round.at).collect();
    for (number, round) in rounds.iter_mut().enumerate() {
        let end = starts.get(number + 1).copied().or(times.last().copied()).unwrap_or(round.at);
        let within = &times[times.partition_point(|&at| at < round.at)..times.partition_point(|&at| at <= end)];
        let mut last = round.at;
        for &at in within {
            round.gap = round.gap.max(at - last);
            last = at;
        }
        round.gap = round.gap.max(end.saturating_sub(last));
        round.sold = within.len();
    }
}

impl Verdict {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    fn gaps(&self) -> Vec<Duration> {
        let mut gaps: Vec<Duration> = self.rounds.iter().map(|round| round.gap).collect();
        gaps.sort_unstable();
        gaps
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::from("round  nodes      ready after   longest pause   sold\n");
        for (number, round) in self.rounds.iter().enumerate() {
            let _ = writeln!(
                text,
                "{:>5}  {:<9}  {:>9.2} s   {:>11.2} s   {:>4}",
                number + 1,
                format!("{:?}", round.victims),
                round.ready.as_secs_f64(),
                round.gap.as_secs_f64(),
                round.sold
            );
        }
        let gaps = self.gaps();
        let at = |share: f64| gaps.get((gaps.len() as f64 * share) as usize).or(gaps.last()).map_or(0.0, Duration::as_secs_f64);
        let _ = writeln!(
            text,
            "{:?}, {} rounds, {} attempts/s: longest pause p50 {:.2} s, p90 {:.2} s, max {:.2} s (allowed {} s)\n\
             {} sales acknowledged, {} requests sent again, {} tickets found, {} groups the same on all nodes",
            self.campaign.fault,
            self.rounds.len(),
            self.campaign.rate,
            at(0.5),
            at(0.9),
            at(1.0),
            self.campaign.pause_max.as_secs(),
            self.sold,
            self.retries,
            self.tickets,
            self.groups,
        );
        for violation in &self.violations {
            let _ = writeln!(text, "VIOLATION  {violation}");
        }
        let _ = writeln!(text, "verdict    {}", if self.is_clean() { "clean" } else { "NOT CLEAN" });
        text
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let gaps = self.gaps();
        json!({
            "object": "campaign_verdict",
            "fault": format!("{:?}", self.campaign.fault),
            "seed": self.campaign.seed,
            "rounds": self.rounds.len(),
            "gap_max_ms": gaps.last().map(Duration::as_millis),
            "gap_p50_ms": gaps.get(gaps.len() / 2).map(Duration::as_millis),
            "sold": self.sold,
            "retries": self.retries,
            "tickets": self.tickets,
            "groups_equal": self.groups,
            "violations": self.violations,
            "clean": self.is_clean(),
        })
    }
}
