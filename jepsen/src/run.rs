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
use crate::cluster::{Cluster, Options};
use crate::draw::Draw;
use crate::history::{Kind, NEMESIS, Record};
use crate::nemesis::{Fault, Nemesis, Struck, disk::Disk};
use crate::recorder::Recorder;
use crate::workload::buyer::Shared;
use crate::workload::sale::Shop;
use crate::workload::seat::{HOLD_TTL_NS, Habits, Hall};
use crate::workload::{Workload, seat};

/// Faults begin this long after the clients.
const CALM: Duration = Duration::from_secs(3);
/// Seats of a hot event.
const HOT_SEATS: u64 = 8;
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
    /// What the checkers say.
    pub verdict: Verdict,
}

/// Runs a plan, judges it, and writes everything into its store.
///
/// # Errors
/// When the cluster cannot be driven to the end.
pub async fn run(plan: &Plan) -> anyhow::Result<Outcome> {
    std::fs::create_dir_all(&plan.store)?;
    let needs_disks = |fault: &Fault| matches!(fault, Fault::DiskFull | Fault::DiskHang | Fault::PowerCut | Fault::PowerCutAll);
    let disks = match plan.faults.iter().any(needs_disks) && Disk::can_be() {
        true => {
            (1..=plan.nodes).map(|node| Disk::create(&plan.store, &format!("d{node}"), DISK_MIB)).collect::<anyhow::Result<Vec<_>>>()?
        }
        false => Vec::new(),
    };
    let wants_clock = plan.faults.iter().any(|fault| matches!(fault, Fault::ClockJump | Fault::ClockDrift));
    let options = Options {
        binary: plan.binary.clone(),
        folder: plan.store.clone(),
        nodes: plan.nodes,
        data: disks.iter().map(Disk::data).collect(),
        seed: plan.seed,
        environment: plan.environment.clone(),
        faketime: if wants_clock { faketime() } else { None },
    };
    let cluster = Arc::new(Cluster::start(options).await.context("start the cluster")?);
    let recorder = Arc::new(Recorder::default());
    let shared = Arc::new(Shared {
        cluster: cluster.clone(),
        http: Http::new()?,
        recorder: recorder.clone(),
        open: std::sync::Mutex::default(),
        processes: AtomicU64::new(0),
    });
    let work = Work::open(plan, &shared).await.context("prepare the workload")?;
    let skipped: Vec<String> =
        plan.faults.iter().filter_map(|fault| Some(format!("{}: {}", fault.name(), fault.unavailable(&cluster, disks.len())?))).collect();
    let faults: Vec<Fault> = plan.faults.iter().copied().filter(|fault| fault.unavailable(&cluster, disks.len()).is_none()).collect();
    let nemesis = Nemesis {
        cluster: &cluster,
        recorder: &recorder,
        draw: Draw::of(plan.seed, "nemesis", 0),
        group: work.group(&cluster).await,
        lasts: plan.fault_lasts,
        lost: Vec::new(),
        disks,
    };
    let stop = Arc::new(AtomicBool::new(false));
    let clients = work.clients(plan, &shared, &stop);
    let (struck, lost, disks) = strike_on(plan, nemesis, &faults).await?;
    stop.store(true, Relaxed);
    for client in clients {
        client.await.context("a client panicked")?;
    }
    cluster.links.heal();
    for node in (1..=plan.nodes).filter(|node| !lost.contains(node) && !cluster.is_running(*node)) {
        cluster.spawn(node)?;
    }
    let members: Vec<u64> = (1..=plan.nodes).filter(|node| !lost.contains(node)).collect();
    cluster.wait_ready(&members).await?;
    let mut verdict = work.end(&shared).await?;
    let records = recorder.records();
    verdict.add(work.judge(&records));
    verdict.add(check::replicas::check(&cluster, &members).await);
    let outcome = outcome(plan, &records, verdict, &struck, skipped);
    drop(cluster);
    drop(disks);
    crate::store::write(plan, &records, &outcome)?;
    Ok(outcome)
}

/// Fault after fault until the time is over; gives what was done, which nodes are lost, and the disks.
async fn strike_on(plan: &Plan, mut nemesis: Nemesis<'_>, faults: &[Fault]) -> anyhow::Result<(Vec<Struck>, Vec<u64>, Vec<Disk>)> {
    let end = tokio::time::Instant::now() + plan.time;
    let mut struck = Vec::new();
    tokio::time::sleep(CALM.min(plan.time)).await;
    let mut turn: Vec<Fault> = Vec::new();
    while !faults.is_empty() && tokio::time::Instant::now() + plan.fault_lasts < end {
        if turn.is_empty() {
            turn = faults.to_vec();
            nemesis.draw.shuffle(&mut turn);
        }
        let Some(fault) = turn.pop() else { break };
        // One node may be lost for good, not a majority.
        let loses = matches!(fault, Fault::Wipe | Fault::OldData | Fault::FlipLog | Fault::FlipSnapshot);
        if loses && nemesis.lost.len() as u64 * 2 + 3 > plan.nodes {
            if faults.iter().all(|other| matches!(other, Fault::Wipe | Fault::OldData | Fault::FlipLog | Fault::FlipSnapshot)) {
                break;
            }
            continue;
        }
        struck.push(nemesis.strike(fault).await.with_context(|| format!("the fault {}", fault.name()))?);
        tokio::time::sleep(plan.fault_pause).await;
    }
    tokio::time::sleep_until(end).await;
    Ok((struck, nemesis.lost, nemesis.disks))
}

/// What clients do, with what it needs.
enum Work {
    Hall(Arc<Hall>, u64),
    Shop(Arc<Shop>),
}

impl Work {
    async fn open(plan: &Plan, shared: &Arc<Shared>) -> anyhow::Result<Self> {
        Ok(match plan.workload {
            Workload::Seat => Self::Hall(Arc::new(Hall::open(shared, HOT_SEATS, plan.clients.min(8), plan.time).await?), 1),
            Workload::Idempotency => Self::Hall(Arc::new(Hall::open(shared, HOT_SEATS, plan.clients.min(8), plan.time).await?), 3),
            Workload::Sale => Self::Shop(Arc::new(Shop::open(shared, plan).await?)),
        })
    }

    /// The group of the (first) event, as far as it can be told from outside.
    async fn group(&self, cluster: &Cluster) -> u64 {
        let event = match self {
            Self::Hall(hall, _) => &hall.events[0],
            Self::Shop(shop) => &shop.event,
        };
        let position = crate::workload::setup::position_of(cluster, event).await;
        position.map_or(1, |position| u64::from(position.group))
    }

    fn clients(&self, plan: &Plan, shared: &Arc<Shared>, stop: &Arc<AtomicBool>) -> Vec<JoinHandle<()>> {
        let pause = Duration::from_secs_f64(plan.clients as f64 / plan.rate.max(0.1) * 1.5);
        (0..plan.clients)
            .map(|number| match self {
                Self::Hall(hall, copies) => {
                    let habits = Habits { seed: plan.seed, copies: *copies, pause, stop: stop.clone() };
                    tokio::spawn(hall.clone().client(shared.clone(), number, habits))
                }
                Self::Shop(shop) => {
                    let habits = Habits { seed: plan.seed, copies: 1, pause, stop: stop.clone() };
                    tokio::spawn(shop.clone().client(shared.clone(), number, habits))
                }
            })
            .collect()
    }

    /// Settles what is open, now that all is well, and looks a last time.
    async fn end(&self, shared: &Arc<Shared>) -> anyhow::Result<Verdict> {
        let mut verdict = Verdict::default();
        let left = shared.resolve(seat::value).await;
        if left > 0 {
            verdict.unknown.push(format!("{left} outcomes stayed open after everything was well again"));
        }
        match self {
            Self::Hall(hall, _) => {
                let mut buyer = crate::workload::buyer::Buyer::new(shared, Draw::new(0), 1);
                for event in 0..hall.events.len() {
                    if hall.look(&mut buyer, event).await.is_none_or(|reply| reply.status != 200) {
                        verdict.unknown.push("the seats could not be read in the end".into());
                    }
                }
            }
            Self::Shop(shop) => verdict.add(shop.balance(shared).await?),
        }
        Ok(verdict)
    }

    fn judge(&self, records: &[Record]) -> Verdict {
        match self {
            Self::Hall(..) => check::seats(records, HOLD_TTL_NS),
            Self::Shop(_) => check::wrong::check(&crate::history::operations(records)),
        }
    }
}

fn outcome(plan: &Plan, records: &[Record], verdict: Verdict, struck: &[Struck], skipped: Vec<String>) -> Outcome {
    let ended = || records.iter().filter(|record| record.process != NEMESIS && record.kind != Kind::Invoke);
    let (operations, ok) = (ended().count() as u64, ended().filter(|record| record.kind == Kind::Ok).count() as u64);
    let first = struck.first().map_or(u64::MAX, |struck| struck.from).min(plan.time.as_nanos() as u64);
    let calm = ended().filter(|record| record.time < first && record.kind != Kind::Info).count() as f64 / (first as f64 / 1e9);
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
               "without_service_s": back})
    });
    Outcome { valid: valid.into(), void, skipped, faults: faults.collect(), operations, ok, verdict }
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
