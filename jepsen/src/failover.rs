//! How long nobody can book when the leader is gone, over many times, and whether anything happens when nothing is done at all.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::cluster::{Cluster, Options};
use crate::links::Link;
use crate::load::{Doing, Load, Times, back, gap};
use crate::net::Net;

/// How long the first booking afterwards may take before the measurement gives up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Gaps are looked for until so long after booking goes on.
const AFTER: Duration = Duration::from_secs(2);
/// How long leaders must stay where they are before a quiet run begins.
const SETTLED: Duration = Duration::from_secs(10);
/// How often a quiet run looks.
const LOOK: Duration = Duration::from_secs(5);

/// How the leader is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// kill -9.
    Kill,
    /// All its links are cut; later they are healed.
    Partition,
}

/// A cluster under full load.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The program.
    pub binary: PathBuf,
    /// Where everything is kept.
    pub folder: PathBuf,
    /// How many nodes.
    pub nodes: u64,
    /// How many clients book as fast as they can.
    pub clients: u64,
    /// Draws what they do.
    pub seed: u64,
    /// Lines of the nodes' `[raft]`.
    pub raft: Vec<String>,
}

impl Setting {
    async fn start(&self) -> anyhow::Result<Arc<Cluster>> {
        // The nodes of an earlier run have other ports.
        let folder = self.folder.join("cluster");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        let cluster = Cluster::start(Options {
            binary: self.binary.clone(),
            folder: folder.canonicalize()?,
            nodes: self.nodes,
            spares: 0,
            data: Vec::new(),
            seed: self.seed,
            environment: Vec::new(),
            faketime: None,
            crashes: false,
            net: Net::Links,
            snapshot_entries: Options::SNAPSHOT_ENTRIES,
            raft: self.raft.clone(),
        });
        let cluster = Arc::new(cluster.await.context("start the cluster")?);
        println!("timers: {}", cluster.timers().await?);
        Ok(cluster)
    }

    /// Loses the leader so many times; goes on after the rounds that an earlier run in this folder has done. Gives the summary.
    ///
    /// # Errors
    /// When the cluster cannot be driven on, which is a failure of it, too.
    pub async fn failover(&self, rounds: usize, by: By, pause: Duration) -> anyhow::Result<String> {
        std::fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(format!("{by:?}.jsonl").to_lowercase());
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let mut lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>().context("read earlier rounds")?;
        let mut file = std::fs::File::options().create(true).append(true).open(&path)?;
        let cluster = self.start().await?;
        let mut load = Load::begin(&cluster, self.clients, self.seed).await?;
        let mut watches = Vec::new();
        for doing in [Doing::Book, Doing::Event, Doing::Search, Doing::Map] {
            watches.push(load.watch(doing).await?);
        }
        while lines.len() < rounds {
            tokio::time::sleep(pause).await;
            let line = round(&cluster, load.group(), &watches, by).await.with_context(|| format!("round {}", lines.len() + 1))?;
            println!("{:>4}/{rounds} {line}", lines.len() + 1);
            writeln!(file, "{line}")?;
            lines.push(line);
        }
        println!("{} bookings beside", load.done());
        load.end().await;
        Ok(summary(&lines))
    }

    /// Full load and nothing else; gives how many times another leader appeared.
    ///
    /// # Errors
    /// When the nodes do not tell.
    pub async fn quiet(&self, time: Duration) -> anyhow::Result<u64> {
        std::fs::create_dir_all(&self.folder)?;
        let cluster = self.start().await?;
        let load = Load::begin(&cluster, self.clients, self.seed).await?;
        let (mut before, mut since) = (changes(&cluster).await?, Instant::now());
        // Leaders are spread after a start; that is not what is counted.
        while since.elapsed() < SETTLED {
            tokio::time::sleep(LOOK).await;
            let now = changes(&cluster).await?;
            if now != before {
                (before, since) = (now, Instant::now());
            }
        }
        let (begun, done) = (Instant::now(), load.done());
        let mut now = before;
        while begun.elapsed() < time {
            tokio::time::sleep(LOOK.min(time)).await;
            now = changes(&cluster).await?;
            let (seconds, bookings) = (begun.elapsed().as_secs_f64(), load.done() - done);
            println!(
                "{seconds:>6.0} s  {:>8.0} bookings/s  leader changes {}  terms {}",
                bookings as f64 / seconds,
                now.0 - before.0,
                now.1 - before.1
            );
        }
        load.end().await;
        Ok((now.0 - before.0).max(now.1 - before.1))
    }
}

async fn round(cluster: &Cluster, group: u64, watches: &[Times], by: By) -> anyhow::Result<Value> {
    let leader = leader(cluster, group).await?;
    watches.iter().for_each(|times| times.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear());
    // Everybody is at it again.
    until_back(&watches[0], Instant::now()).await?;
    let from = Instant::now();
    match by {
        By::Kill => cluster.kill(leader),
        By::Partition => cut(cluster, leader, true),
    }
    let took = until_back(&watches[0], from).await?;
    tokio::time::sleep(AFTER).await;
    let to = Instant::now();
    let gaps: Vec<f64> = watches.iter().map(|times| gap(times, from, to).as_secs_f64()).collect();
    let healed = Instant::now();
    match by {
        By::Kill => cluster.spawn(leader)?,
        By::Partition => cut(cluster, leader, false),
    }
    cluster.wait_ready(&cluster.nodes()).await?;
    tokio::time::sleep(AFTER).await;
    let after = gap(&watches[0], healed, Instant::now()).as_secs_f64();
    Ok(json!({
        "leader": leader, "again_s": took.as_secs_f64(), "booking_gap_s": gaps[0], "event_gap_s": gaps[1], "search_gap_s": gaps[2],
        "map_gap_s": gaps[3], "gap_after_return_s": after,
    }))
}

async fn leader(cluster: &Cluster, group: u64) -> anyhow::Result<u64> {
    let since = Instant::now();
    loop {
        if let Some(leader) = cluster.leader(group).await {
            return Ok(leader);
        }
        ensure!(since.elapsed() < PATIENCE, "nobody leads group {group}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn until_back(times: &Times, from: Instant) -> anyhow::Result<Duration> {
    loop {
        if let Some(took) = back(times, from) {
            return Ok(took);
        }
        ensure!(from.elapsed() < PATIENCE, "nobody could book for {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Cuts all links of a node, or heals them.
fn cut(cluster: &Cluster, node: u64, is_cut: bool) {
    for other in (1..=cluster.size()).filter(|other| *other != node) {
        cluster.network.set(node, other, Link { is_cut, ..Link::default() });
        cluster.network.set(other, node, Link { is_cut, ..Link::default() });
    }
}

/// How often another leader appeared on any node, and the sum of the groups' newest terms.
async fn changes(cluster: &Cluster) -> anyhow::Result<(u64, u64)> {
    let client = crate::client::builder().build()?;
    let mut seen = 0;
    let mut terms = std::collections::BTreeMap::new();
    for node in cluster.nodes() {
        let text = client.get(format!("{}/metrics", cluster.url(node))).send().await?.text().await?;
        let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
        for (name, value) in lines {
            let value: f64 = value.parse().unwrap_or(0.0);
            if name.starts_with("boxoffice_group_leader_changes") {
                seen += value as u64;
            } else if name.starts_with("boxoffice_group_term") {
                let newest = terms.entry(name.to_owned()).or_insert(0);
                *newest = (value as u64).max(*newest);
            }
        }
    }
    ensure!(!terms.is_empty(), "no node tells its terms at /metrics");
    Ok((seen, terms.values().sum()))
}

/// Median, 99th percentile and maximum of everything that was measured.
fn summary(lines: &[Value]) -> String {
    let mut text = format!("| {} times | p50 | p99 | max |\n|---|---|---|---|\n", lines.len());
    let rows = [
        ("until a client can book again", "again_s"),
        ("longest while without a booking", "booking_gap_s"),
        ("without an event page", "event_gap_s"),
        ("without a search", "search_gap_s"),
        ("without a map", "map_gap_s"),
        ("without a booking after its return", "gap_after_return_s"),
    ];
    for (name, field) in rows {
        let mut values: Vec<f64> = lines.iter().filter_map(|line| line[field].as_f64()).collect();
        values.sort_by(f64::total_cmp);
        // The value that so many of a hundred do not exceed.
        let at = |percent: usize| values.get((values.len() * percent).div_ceil(100).max(1) - 1).map_or("-".into(), |s| format!("{s:.2} s"));
        text.push_str(&format!("| {name} | {} | {} | {} |\n", at(50), at(99), at(100)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_names_the_value_that_most_do_not_exceed() {
        let lines: Vec<Value> = (1..=200).map(|value| json!({"again_s": f64::from(value)})).collect();
        assert!(summary(&lines).contains("| until a client can book again | 100.00 s | 198.00 s | 200.00 s |"), "{}", summary(&lines));
        assert!(summary(&[]).contains("| - | - | - |"));
    }
}
