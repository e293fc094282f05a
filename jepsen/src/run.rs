//! One run: a cluster, clients, faults, and the verdict.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::check::{self, Verdict};
use crate::client::Http;
use crate::cluster::{Cluster, Options, is_test_build};
use crate::disk::Disk;
use crate::draw::Draw;
use crate::history::{Kind, NEMESIS, Record};
use crate::nemesis::{Fault, Nemesis, Struck};
use crate::net::Net;
use crate::recorder::Recorder;
use crate::workload::buyer::Shared;
use crate::workload::seat::Habits;
use crate::workload::setup::position_of;
use crate::workload::{Work, Workload};

/// Faults begin this long after the clients.
const CALM: Duration = Duration::from_secs(3);
/// Most nodes that join in one run.
const SPARES_MAX: u64 = 40;
/// Size of a node's own disk, in MiB.
const DISK_MIB: u64 = 768;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program.
    pub binary: PathBuf,
    /// Where the run is kept.
    pub store: PathBuf,
    /// What clients do.
    pub workload: Workload,
    /// What is done to the cluster, in turn, in an order that the seed draws.
    pub faults: Vec<Fault>,
    /// How long clients work.
    pub time: Duration,
    /// Draws everything that is drawn.
    pub seed: u64,
    /// How many nodes.
    pub nodes: u64,
    /// How many clients.
    pub clients: u64,
    /// Completed operations a second without faults: a run far below it is void.
    pub rate: f64,
    /// How long a fault lasts.
    pub fault_lasts: Duration,
    /// Pause between two faults.
    pub fault_pause: Duration,
    /// Further environment of the nodes.
    pub environment: Vec<(String, String)>,
    /// The network between them.
    pub net: Net,
}

/// How a run came out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// `true`, `false`, or `unknown`; `void` when the run shows nothing.
    pub valid: String,
    /// Why it shows nothing.
    pub void: Vec<String>,
    /// Faults that were asked for and cannot be done here, with the reason.
    pub skipped: Vec<String>,
    /// What was done.
    pub faults: Vec<Value>,
    /// Completed operations.
    pub operations: u64,
    /// Of those, how many happened.
    pub ok: u64,
    /// How looking went: reads and searches of clients that go to another node when one does not answer.
    #[serde(default)]
    pub looks: Value,
    /// What the checkers say.
    pub verdict: Verdict,
}

/// Runs a plan, judges it, and writes everything into its store.
///
/// # Errors
/// When the cluster cannot be driven to the end.
pub async fn run(plan: &Plan) -> anyhow::Result<Outcome> {
    std::fs::create_dir_all(&plan.store)?;
    let disks = disks(plan)?;
    let cluster = Arc::new(Cluster::start(options(plan, &disks)).await.context("start the cluster")?);
    let recorder = Arc::new(Recorder::default());
    let shared = Arc::new(Shared {
        cluster: cluster.clone(),
        http: Http::new()?,
        recorder: recorder.clone(),
        open: std::sync::Mutex::default(),
        processes: AtomicU64::new(0),
    });
    let work = plan.workload.open(plan, &shared).await.context("prepare the workload")?;
    let missing = |fault: &Fault| fault.unavailable(&cluster, disks.len());
    let skipped = plan.faults.iter().filter_map(|fault| Some(format!("{}: {}", fault.name(), missing(fault)?))).collect();
    let faults: Vec<Fault> = plan.faults.iter().copied().filter(|fault| missing(fault).is_none()).collect();
    let nemesis = Nemesis {
        cluster: &cluster,
        recorder: &recorder,
        draw: Draw::of(plan.seed, "nemesis", 0),
        group: position_of(&cluster, work.event()).await.map_or(1, |position| u64::from(position.group)),
        lasts: plan.fault_lasts,
        lost: Vec::new(),
        disks,
    };
    let stop = Arc::new(AtomicBool::new(false));
    let begun = recorder.now();
    let clients = clients(plan, &work, &shared, &stop);
    let (struck, lost, disks) = strike_on(plan, nemesis, &faults).await?;
    stop.store(true, Relaxed);
    for client in clients {
        client.await.context("a client panicked")?;
    }
    let mut verdict = settle(&shared, work.as_ref(), &lost).await?;
    let records = recorder.records();
    verdict.add(plan.workload.judge(&records));
    let members: Vec<u64> = cluster.nodes().into_iter().filter(|node| !lost.contains(node)).collect();
    verdict.add(check::replicas::check(&cluster, &members).await);
    verdict.add(check::ledger::check(&cluster, &members).await);
    let outcome = outcome(plan, (begun, &records), verdict, &struck, skipped);
    drop(cluster);
    drop(disks);
    crate::store::write(plan, &records, &outcome)?;
    Ok(outcome)
}

/// A disk of its own for each node, if a fault needs them and they can be made.
fn disks(plan: &Plan) -> anyhow::Result<Vec<Disk>> {
    let needs = |fault: &Fault| matches!(fault, Fault::DiskFull | Fault::DiskHang | Fault::PowerCut | Fault::PowerCutAll);
    if !plan.faults.iter().any(needs) || Disk::unavailable().is_some() {
        return Ok(Vec::new());
    }
    (1..=plan.nodes).map(|node| Disk::create(&plan.store, &format!("d{node}"), DISK_MIB)).collect()
}

fn options(plan: &Plan, disks: &[Disk]) -> Options {
    let wants = |wanted: fn(&Fault) -> bool| plan.faults.iter().any(wanted);
    let lies = wants(|fault| matches!(fault, Fault::ClockJump | Fault::ClockDrift));
    let joins = wants(|fault| fault.changes_members());
    Options {
        binary: plan.binary.clone(),
        folder: plan.store.clone(),
        nodes: plan.nodes,
        spares: if joins { (2 + plan.time.as_secs() / 10).min(SPARES_MAX) } else { 0 },
        data: disks.iter().map(Disk::data).collect(),
        seed: plan.seed,
        environment: plan.environment.clone(),
        faketime: if lies { faketime() } else { None },
        crashes: wants(|fault| *fault == Fault::CrashPoint) && is_test_build(&plan.binary),
        net: plan.net,
        // A minute of these loads makes no snapshot at the usual distance.
        snapshot_entries: if wants(|fault| *fault == Fault::FlipSnapshot) { 100 } else { Options::SNAPSHOT_ENTRIES },
        raft: Vec::new(),
    }
}

fn clients(plan: &Plan, work: &Arc<dyn Work>, shared: &Arc<Shared>, stop: &Arc<AtomicBool>) -> Vec<JoinHandle<()>> {
    let pause = Duration::from_secs_f64(plan.clients as f64 / plan.rate.max(0.1) * 1.5);
    let client = |number| {
        let habits = Habits { seed: plan.seed, copies: plan.workload.copies(), pause, stop: stop.clone() };
        tokio::spawn(work.clone().client(shared.clone(), number, habits))
    };
    (0..plan.clients).map(client).collect()
}

/// Heals everything, asks for what is open, and looks a last time.
async fn settle(shared: &Arc<Shared>, work: &dyn Work, lost: &[u64]) -> anyhow::Result<Verdict> {
    let cluster = &shared.cluster;
    cluster.network.heal();
    let members: Vec<u64> = cluster.nodes().into_iter().filter(|node| !lost.contains(node)).collect();
    for node in members.iter().filter(|node| !cluster.is_running(**node)) {
        cluster.spawn(*node)?;
    }
    cluster.wait_ready(&members).await?;
    let left = shared.resolve(work.value()).await;
    let mut verdict = work.end(shared).await?;
    if left > 0 {
        verdict.unknown.push(format!("{left} outcomes stayed open after everything was well again"));
    }
    Ok(verdict)
}

/// Fault after fault until the time is over; gives what was done, which nodes are lost, and the disks.
async fn strike_on(plan: &Plan, mut nemesis: Nemesis<'_>, faults: &[Fault]) -> anyhow::Result<(Vec<Struck>, Vec<u64>, Vec<Disk>)> {
    let end = tokio::time::Instant::now() + plan.time;
    let mut struck = Vec::new();
    tokio::time::sleep(CALM.min(plan.time)).await;
    let mut turn: Vec<Fault> = Vec::new();
    while faults.iter().any(|fault| nemesis.can(*fault)) && tokio::time::Instant::now() + plan.fault_lasts < end {
        if turn.is_empty() {
            turn = faults.to_vec();
            nemesis.draw.shuffle(&mut turn);
        }
        let Some(fault) = turn.pop().filter(|fault| nemesis.can(*fault)) else { continue };
        struck.push(nemesis.strike(fault).await.with_context(|| format!("the fault {}", fault.name()))?);
        tokio::time::sleep(plan.fault_pause).await;
    }
    tokio::time::sleep_until(end).await;
    Ok((struck, nemesis.lost, nemesis.disks))
}

fn outcome(plan: &Plan, (begun, records): (u64, &[Record]), verdict: Verdict, struck: &[Struck], skipped: Vec<String>) -> Outcome {
    let ended = || records.iter().filter(|record| record.process != NEMESIS && record.kind != Kind::Invoke);
    let (operations, ok) = (ended().count() as u64, ended().filter(|record| record.kind == Kind::Ok).count() as u64);
    // Setting up is not part of the load.
    let first = struck.first().map_or(u64::MAX, |struck| struck.from).min(begun + plan.time.as_nanos() as u64);
    let of_load = |record: &&Record| (begun..first).contains(&record.time) && record.kind != Kind::Info;
    let calm = ended().filter(of_load).count() as f64 / ((first - begun) as f64 / 1e9).max(0.001);
    let mut void = Vec::new();
    if calm < plan.rate * 0.3 {
        void.push(format!("{calm:.0} operations a second before the first fault, planned {:.0}", plan.rate));
    }
    void.extend(
        struck
            .iter()
            .filter(|struck| !struck.is_real)
            .map(|struck| format!("{} was not seen to be real: {}", struck.fault.name(), struck.note)),
    );
    if struck.is_empty() && !plan.faults.is_empty() {
        void.push("no fault was done".into());
    }
    let valid = if verdict.anomalies.is_empty() && !void.is_empty() { "void" } else { verdict.word() };
    let faults = struck.iter().map(|struck| {
        let back = crate::store::back_after(records, struck);
        json!({"fault": struck.fault.name(), "from_s": struck.from as f64 / 1e9, "to_s": struck.to as f64 / 1e9, "note": struck.note,
               "without_service_s": back, "looks": check::looks::within(records, struck.from, struck.to).json()})
    });
    let looks = check::looks::within(records, 0, u64::MAX).json();
    Outcome { valid: valid.into(), void, skipped, faults: faults.collect(), operations, ok, looks, verdict }
}

/// The library that lies about the time, where distributions put it.
fn faketime() -> Option<PathBuf> {
    let places = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
        "/usr/lib/faketime/libfaketime.so.1",
    ];
    places.iter().map(Path::new).find(|path| path.exists()).map(Path::to_owned)
}
