//! Faults: what is done to a running cluster, how it is shown that it was done, and how it is undone.

mod crash;
mod damage;
mod disk;
mod members;
mod network;

use std::time::Duration;

use anyhow::ensure;
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::client;
use crate::cluster::Cluster;
use crate::disk::Disk;
use crate::draw::Draw;
use crate::links::Link;
use crate::recorder::Recorder;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Fault {
    /// kill -9 of a node that is drawn.
    Kill,
    /// kill -9 of the node that leads the event's group.
    KillLeader,
    /// kill -9 of all nodes at once.
    KillAll,
    /// A node stands still (SIGSTOP) and goes on.
    Pause,
    /// The leader stands still and goes on: it does not know that there is another one.
    PauseLeader,
    /// A minority is cut off from the majority.
    Halves,
    /// Each node sees a majority, but not the same one.
    Ring,
    /// Two halves that only one node can reach both of.
    Bridge,
    /// A node can be called and cannot call.
    OneWay,
    /// The leader is cut off from everybody.
    IsolateLeader,
    /// A node is cut off and back, several times a second.
    Flapping,
    /// Everything between nodes is late, by different times.
    SlowLinks,
    /// Connections between nodes break all the time.
    LossyLinks,
    /// A node's clock jumps by up to an hour.
    ClockJump,
    /// A node's clock runs at half or twice the speed.
    ClockDrift,
    /// A node's disk is full.
    DiskFull,
    /// A node's disk stands still for seconds.
    DiskHang,
    /// The power of a node's disk is cut: what was not synced is gone.
    PowerCut,
    /// The power of all disks is cut at once.
    PowerCutAll,
    /// fdatasync of a node's log fails.
    SyncError,
    /// Every sync of a node is late.
    SlowSync,
    /// A byte of a node's log is another one; the node must say so and stay away, or be none the worse.
    FlipLog,
    /// A byte of a node's snapshot is another one.
    FlipSnapshot,
    /// A sector of a node's log is zeros.
    TearLog,
    /// A sector of a node's log holds something older.
    StaleLog,
    /// Bytes in the logs of all nodes are others, at different places: none starts, and together they have everything.
    FlipAllLogs,
    /// A node's data directory is gone; it must not come back under its old number.
    Wipe,
    /// A node's data directory is put back to an older state; it must not come back with it.
    OldData,
    /// The full-text index of a node is gone.
    LoseIndex,
    /// All nodes are restarted, one after the other, in order.
    RollingRestart,
    /// The payment provider is killed and comes back.
    Provider,
    /// The payment provider loses answers and webhooks, is slow, declines.
    ProviderFaults,
    /// A node dies at a named place in the program: before or after a write, a sync, a rename, a step of a payment.
    CrashPoint,
    /// A node is cut off from all clients, and from the payment provider, and from nobody else.
    ClientCut,
    /// A node joins, and then another one is drained and removed.
    GrowAndShrink,
    /// A node is killed, removed, and another one takes its place.
    ReplaceKilled,
    /// A node's directory is gone; it is refused, removed, and another one takes its place.
    ReplaceWiped,
}

/// Where faults come from.
pub struct Nemesis<'a> {
    /// What they are done to.
    pub cluster: &'a Cluster,
    /// Where they are written down.
    pub recorder: &'a Recorder,
    /// Draws victims.
    pub draw: Draw,
    /// The group whose leader is meant by "the leader".
    pub group: u64,
    /// How long a fault lasts.
    pub lasts: Duration,
    /// Nodes that are gone for good.
    pub lost: Vec<u64>,
    /// Disks of the nodes, if they have some of their own.
    pub disks: Vec<Disk>,
}

/// What came of a fault.
#[derive(Clone, Debug)]
pub struct Struck {
    /// The kind.
    pub fault: Fault,
    /// From when to when, in nanoseconds of the run.
    pub from: u64,
    /// When it was undone.
    pub to: u64,
    /// Whether it was seen to be real.
    pub is_real: bool,
    /// What a person should know.
    pub note: String,
}

impl Fault {
    /// Its name, as on the command line.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Why it cannot be done here; `None` when it can.
    #[must_use]
    pub fn unavailable(self, cluster: &Cluster, disks: usize) -> Option<String> {
        let no = |why: &str| Some(why.to_owned());
        match self {
            Self::ClockJump | Self::ClockDrift if !cluster.clocks_can_lie() => no("libfaketime is not installed"),
            Self::DiskFull | Self::DiskHang | Self::PowerCut | Self::PowerCutAll if disks == 0 => {
                no(Disk::unavailable().unwrap_or("nodes have no disks of their own"))
            }
            Self::SyncError | Self::SlowSync if !disk::has_strace() => no("strace is not installed"),
            Self::Bridge if cluster.size() < 5 => no("it needs five nodes"),
            Self::ClientCut if !cluster.network.reaches_everybody() => no("it needs network namespaces (--net namespaces)"),
            Self::SlowLinks if cluster.network.reaches_everybody() => no("it needs the links of the harness (--net links)"),
            Self::CrashPoint if !cluster.can_crash() => no("it needs a test build (cargo build -p boxoffice --features crash-points)"),
            _ => None,
        }
    }

    /// Whether a node is gone for good afterwards.
    #[must_use]
    pub fn loses_a_node(self) -> bool {
        matches!(self, Self::Wipe | Self::OldData | Self::FlipLog | Self::FlipSnapshot | Self::TearLog | Self::StaleLog)
    }

    /// Whether another node has another one's place afterwards.
    #[must_use]
    pub fn changes_members(self) -> bool {
        matches!(self, Self::GrowAndShrink | Self::ReplaceKilled | Self::ReplaceWiped)
    }

    /// Whether everything begins anew from what was saved: places of before are gone for whoever asks for them.
    #[must_use]
    pub fn begins_anew(self) -> bool {
        self == Self::FlipAllLogs
    }

    /// Whether it is done to the links between the nodes.
    fn is_of_links(self) -> bool {
        matches!(self, Self::Halves | Self::Ring | Self::Bridge | Self::OneWay | Self::IsolateLeader | Self::Flapping | Self::ClientCut)
    }
}

impl Nemesis<'_> {
    /// Does a fault, keeps it up, and undoes it.
    ///
    /// # Errors
    /// When it could not be done or undone: the run is void then.
    pub async fn strike(&mut self, fault: Fault) -> anyhow::Result<Struck> {
        let victim = self.victim(fault).await;
        let from = self.recorder.now();
        self.recorder.fault(&format!("start {}", fault.name()), json!({"node": victim}));
        let outcome = self.strike_at(fault, victim).await;
        self.recorder.fault(
            &format!("stop {}", fault.name()),
            json!({"node": victim, "error": outcome.as_ref().err().map(|error| format!("{error:#}"))}),
        );
        let (is_real, note) = outcome?;
        Ok(Struck { fault, from, to: self.recorder.now(), is_real, note })
    }

    /// Whether a fault can be done now: a majority is never lost for good, and there must be room for a node that is to join.
    #[must_use]
    pub fn can(&self, fault: Fault) -> bool {
        let spares = fault.loses_a_node() && (self.lost.len() as u64 + 1) * 2 < self.cluster.size();
        let room = fault.changes_members() && self.cluster.spares_left() > 0 && self.lost.is_empty();
        let whole = fault != Fault::FlipAllLogs || self.lost.is_empty();
        spares || room || (whole && !(fault.loses_a_node() || fault.changes_members()))
    }

    async fn victim(&mut self, fault: Fault) -> u64 {
        let leads = matches!(fault, Fault::KillLeader | Fault::PauseLeader | Fault::IsolateLeader | Fault::PowerCut);
        let leader = if leads { self.cluster.leader(self.group).await } else { None };
        let reached = self.cluster.linked();
        let linked = |node: &u64| !fault.is_of_links() || reached.contains(node);
        let living: Vec<u64> = self.living().into_iter().filter(linked).collect();
        leader.filter(linked).unwrap_or_else(|| *self.draw.one(&living))
    }

    async fn strike_at(&mut self, fault: Fault, victim: u64) -> anyhow::Result<(bool, String)> {
        match fault {
            Fault::Kill | Fault::KillLeader => self.kill(&[victim]).await,
            Fault::KillAll => self.kill(&self.living()).await,
            Fault::Pause | Fault::PauseLeader => self.pause(victim).await,
            Fault::Halves | Fault::Ring | Fault::Bridge | Fault::OneWay | Fault::IsolateLeader | Fault::ClientCut => {
                self.partition(fault, victim).await
            }
            Fault::Flapping => self.flap(victim).await,
            Fault::SlowLinks => self.bend(Link { delay_ms: 20, jitter_ms: 80, ..Link::default() }).await,
            Fault::LossyLinks => self.bend(Link { reset_permille: 20, ..Link::default() }).await,
            Fault::ClockJump | Fault::ClockDrift => self.skew(fault, victim).await,
            Fault::DiskFull => self.fill_disk(victim).await,
            Fault::DiskHang => self.hang_disk(victim).await,
            Fault::PowerCut => self.cut_power(&[victim]).await,
            Fault::PowerCutAll => self.cut_power(&self.living()).await,
            Fault::SyncError | Fault::SlowSync => self.trace(fault, victim).await,
            Fault::FlipLog | Fault::FlipSnapshot | Fault::TearLog | Fault::StaleLog => self.damage(fault, victim).await,
            Fault::FlipAllLogs => self.damage_all().await,
            Fault::Wipe | Fault::OldData => self.lose_data(fault, victim).await,
            Fault::LoseIndex => self.lose_index(victim).await,
            Fault::RollingRestart => self.roll().await,
            Fault::Provider => self.stop_provider().await,
            Fault::ProviderFaults => self.upset_provider().await,
            Fault::CrashPoint => self.crash(victim).await,
            Fault::GrowAndShrink => self.grow_and_shrink(victim).await,
            Fault::ReplaceKilled => self.replace_killed(victim).await,
            Fault::ReplaceWiped => self.replace_wiped(victim).await,
        }
    }

    /// Nodes that are still members.
    fn living(&self) -> Vec<u64> {
        self.cluster.nodes().into_iter().filter(|node| !self.lost.contains(node)).collect()
    }

    async fn rest(&self) {
        tokio::time::sleep(self.lasts).await;
    }

    async fn kill(&self, victims: &[u64]) -> anyhow::Result<(bool, String)> {
        victims.iter().for_each(|node| self.cluster.kill(*node));
        let is_real = victims.iter().all(|node| !self.cluster.is_running(*node));
        self.rest().await;
        victims.iter().try_for_each(|node| self.cluster.spawn(*node))?;
        Ok((is_real, format!("nodes {victims:?}")))
    }

    async fn pause(&self, victim: u64) -> anyhow::Result<(bool, String)> {
        self.cluster.signal(victim, libc::SIGSTOP);
        self.rest().await;
        let stat = self.cluster.pid(victim).and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok());
        self.cluster.signal(victim, libc::SIGCONT);
        let is_real = stat.is_some_and(|stat| stat.contains(") T "));
        Ok((is_real, format!("node {victim}")))
    }

    async fn roll(&self) -> anyhow::Result<(bool, String)> {
        for node in self.living() {
            self.cluster.stop(node).await?;
            self.cluster.spawn(node)?;
            self.wait_for(node).await?;
        }
        Ok((true, "all nodes".into()))
    }

    /// Waits until a node says that it is ready.
    async fn wait_for(&self, node: u64) -> anyhow::Result<()> {
        let since = tokio::time::Instant::now();
        while self.cluster.operators_view(node, "/readyz").await.is_none() {
            ensure!(self.cluster.is_running(node), "node {node} ended after a restart:\n{}", crate::cluster::tail(&self.cluster.log(node)));
            ensure!(since.elapsed() < Duration::from_secs(60), "node {node} is not ready after a restart");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn stop_provider(&self) -> anyhow::Result<(bool, String)> {
        self.cluster.kill_provider();
        self.rest().await;
        self.cluster.start_provider()?;
        Ok((true, "killed and started".into()))
    }

    async fn upset_provider(&mut self) -> anyhow::Result<(bool, String)> {
        let faults = json!({
            "seed": self.draw.below(1 << 32), "lost_answer": 0.1, "lost_request": 0.05, "slow": 0.1, "slow_ms": 1500, "decline": 0.1,
            "processing": 0.05, "capture_fails": 0.05, "duplicate_webhook": 0.2, "late_webhook": 0.2, "lost_webhook": 0.2,
        });
        let is_real = self.tell_provider(&faults).await;
        self.rest().await;
        let undone = self.tell_provider(&json!({})).await;
        ensure!(undone, "the provider's faults could not be switched off");
        Ok((is_real, faults.to_string()))
    }

    async fn tell_provider(&self, faults: &Value) -> bool {
        let (base, key) = self.cluster.provider();
        let http = client::builder().build();
        let Ok(http) = http else { return false };
        let sent = http.post(format!("{base}/sandbox/faults")).bearer_auth(key).json(faults).send().await;
        sent.is_ok_and(|answer| answer.status().is_success())
    }
}
