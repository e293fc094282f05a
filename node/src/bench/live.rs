//! `boxoffice bench live`: many people watch one map at one node while a house is sold, and each must see what the ledger says.
//!
//! - Every reader is a WebSocket with a map of its own, kept up by the messages it gets, as the page does. At the end each map is
//!   compared with the node's linearizable seat map; one that differs, or a reader who was lost, is a violation.
//! - The sale is an open loop at seats / seconds over all nodes: free seats, held and confirmed.
//! - The delay of a delta is counted for each reader and delta that shows sold seats: from the acknowledgement of the oldest of these
//!   sales to the arrival of the delta, both at the generator. A message that is faster than the acknowledgement counts as 0.
//! - Memory is what the node's process has in RAM, before the sockets are opened and once all have their snapshot.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use boxoffice_ledger::command::Role;
use clap::Args;
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::watch as signal;
use tokio::task::LocalSet;

use super::client::Client;
use super::load::{self, Progress, Tally, Workload};
use super::setup::{self, Cluster};
use super::socket::Socket;
use super::watch::Watched;
use super::{Output, verify};
use crate::mint;

/// How long opening all sockets may take.
const OPEN_PATIENCE: Duration = Duration::from_secs(180);
/// How long a reader may take after the last sale until it shows what the ledger says.
const END_PATIENCE: Duration = Duration::from_secs(30);
/// Sockets of a thread that are being opened at once.
const OPENING_MAX: usize = 64;
/// Buyers at once.
const BUYERS: usize = 64;
/// Lost readers of which the reason is told.
const TOLD_MAX: usize = 5;

/// Arguments.
#[derive(Args, Debug)]
pub struct LiveArgs {
    /// A node's configuration: gives the cluster's name, secret and addresses.
    #[arg(long, env = "BOXOFFICE_CONFIG")]
    config: PathBuf,
    /// Nodes to sell at instead of the configuration's members; the readers are at the first.
    #[arg(long, value_delimiter = ',', env = "BOXOFFICE_ENDPOINT")]
    endpoint: Vec<String>,
    /// Readers at once.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    sockets: u32,
    /// Seats that are sold.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    seats: u32,
    /// How long selling them takes.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Threads that read.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// What all readers share.
struct Readers {
    address: String,
    path: String,
    began: Instant,
    /// Readers that have their snapshot.
    ready: AtomicUsize,
    /// Readers that were lost, and why the first of them.
    lost: AtomicUsize,
    reasons: Mutex<Vec<String>>,
    /// What the ledger says at the end, one byte a seat.
    end: signal::Receiver<Option<Arc<Vec<u8>>>>,
}

/// A delta as the readers of a thread saw it.
#[derive(Default)]
struct Seen {
    sold: Vec<u32>,
    /// When it came, in milliseconds since the readers began; one a reader.
    arrivals: Vec<u32>,
}

/// What the readers of a thread saw.
#[derive(Default)]
struct Part {
    deltas: BTreeMap<u64, Seen>,
    resyncs: u64,
    /// Readers whose map is not what the ledger says.
    differing: usize,
}

/// One finished run.
struct Run {
    sockets: u32,
    tally: Tally,
    parts: Vec<Part>,
    delays: Histogram<u64>,
    memory_per_socket: u64,
    lost: usize,
    violations: Vec<String>,
}

/// Measures and prints; whether every reader saw what the ledger says.
///
/// # Errors
/// When the cluster cannot be reached or prepared, or not all sockets can be opened.
pub fn run(args: &LiveArgs) -> anyhow::Result<bool> {
    crate::files::take_what_is_granted();
    let cluster = Cluster::open(&args.config, &args.endpoint)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let run = measure(&cluster, &runtime, args)?;
    match args.output {
        Output::Table => println!("{}", run.table()),
        Output::Json => println!("{}", run.json()),
    }
    Ok(run.violations.is_empty())
}

fn measure(cluster: &Cluster, runtime: &tokio::runtime::Runtime, args: &LiveArgs) -> anyhow::Result<Run> {
    let run = mint::entropy() as u64;
    let client =
        |endpoint: &String, role: Role| -> anyhow::Result<Client> { Ok(Client::new(endpoint.clone(), cluster.buyer(role)?.token, run)) };
    let mut staff = client(&cluster.endpoints[0], Role::Coordinator)?;
    let mut nodes = cluster.endpoints.iter().map(|endpoint| client(endpoint, Role::Operator)).collect::<anyhow::Result<Vec<_>>>()?;
    let event = runtime.block_on(setup::put_on_sale(&mut staff, args.seats, 0))?;
    let workload = Workload {
        endpoints: cluster.endpoints.clone(),
        event: event.clone(),
        seats: args.seats,
        buyers: Arc::new((0..BUYERS).map(|_| cluster.buyer(Role::Customer)).collect::<anyhow::Result<_>>()?),
        payment_method: "any".into(),
        refused_percent: 0,
        rate: Some(f64::from(args.seats) / args.seconds as f64),
        at_most: None,
        threads: 1,
        run,
    };
    let before = runtime.block_on(memory(&mut nodes[0]))?;
    let (ending, end) = signal::channel(None);
    let readers = Arc::new(Readers {
        address: cluster.endpoints[0].clone(),
        path: format!("/event/{event}/seat/live"),
        began: Instant::now(),
        ready: AtomicUsize::new(0),
        lost: AtomicUsize::new(0),
        reasons: Mutex::default(),
        end,
    });
    let threads = args.threads.clamp(1, args.sockets as usize);
    let shares = (0..threads).map(|number| (args.sockets as usize + number) / threads);
    let reading: Vec<_> = shares
        .map(|share| {
            let readers = Arc::clone(&readers);
            std::thread::spawn(move || read_all(&readers, share))
        })
        .collect();
    wait_ready(&readers, args.sockets as usize)?;
    let memory_per_socket = runtime.block_on(memory(&mut nodes[0]))?.saturating_sub(before) / u64::from(args.sockets);

    let progress = Arc::new(Progress::default());
    let sale_began = readers.began.elapsed().saturating_sub(progress.elapsed());
    let tally = load::run(&workload, &progress)?;
    let mut violations = runtime.block_on(verify::check(&mut nodes, &event, args.seats as usize, &tally))?;
    violations.extend(tally.wrong.iter().map(|(what, count)| format!("{what}: {count} times")));
    let map = runtime.block_on(nodes[0].get(&format!("/event/{event}/seat?consistency=linearizable")))?;
    ending.send_replace(Some(Arc::new(verify::states(&map, args.seats as usize)?)));
    let mut parts = Vec::new();
    for thread in reading {
        parts.push(thread.join().map_err(|_| anyhow::anyhow!("a reading thread panicked"))??);
    }
    let lost = readers.lost.load(Ordering::Relaxed);
    let differing: usize = parts.iter().map(|part| part.differing).sum();
    if differing > 0 {
        violations.push(format!("{differing} readers show another map than the ledger's"));
    }
    violations.extend(readers.reasons.lock().drain(..).map(|reason| format!("a reader was lost: {reason}")));
    let delays = delays(&parts, &tally, sale_began)?;
    Ok(Run { sockets: args.sockets, tally, parts, delays, memory_per_socket, lost, violations })
}

async fn memory(node: &mut Client) -> anyhow::Result<u64> {
    node.get("/status").await?["memory_bytes"].as_u64().context("/status has no memory_bytes")
}

fn wait_ready(readers: &Readers, sockets: usize) -> anyhow::Result<()> {
    while readers.ready.load(Ordering::Relaxed) < sockets {
        if readers.lost.load(Ordering::Relaxed) > 0 {
            bail!("a socket could not be opened: {}", readers.reasons.lock().first().cloned().unwrap_or_default());
        }
        if readers.began.elapsed() > OPEN_PATIENCE {
            bail!("only {} of {sockets} sockets were open in time", readers.ready.load(Ordering::Relaxed));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The readers of one thread.
fn read_all(readers: &Arc<Readers>, share: usize) -> anyhow::Result<Part> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let part = Rc::new(RefCell::new(Part::default()));
    let opening = Rc::new(tokio::sync::Semaphore::new(OPENING_MAX));
    let tasks = LocalSet::new();
    for _ in 0..share {
        let (readers, part, opening) = (Arc::clone(readers), Rc::clone(&part), Rc::clone(&opening));
        tasks.spawn_local(async move {
            if let Err(error) = watch(&readers, &part, &opening).await {
                readers.lost.fetch_add(1, Ordering::Relaxed);
                let mut reasons = readers.reasons.lock();
                if reasons.len() < TOLD_MAX {
                    reasons.push(error.to_string());
                }
            }
        });
    }
    runtime.block_on(tasks);
    drop(runtime);
    Ok(Rc::into_inner(part).context("a reader has not ended")?.into_inner())
}

/// One reader, from the handshake until its map is what the ledger says at the end, or for too long is not.
async fn watch(readers: &Readers, part: &RefCell<Part>, opening: &tokio::sync::Semaphore) -> anyhow::Result<()> {
    let mut end = readers.end.clone();
    let mut map = Watched::default();
    let mut socket = {
        let _place = opening.acquire().await?;
        let mut socket = Socket::open(&readers.address, &readers.path).await?;
        socket.send(r#"{"type":"subscribe"}"#).await?;
        while map.rev == 0 {
            take(&mut map, socket.next().await?, readers, part)?;
        }
        socket
    };
    readers.ready.fetch_add(1, Ordering::Relaxed);
    let states = loop {
        tokio::select! {
            text = socket.next() => take(&mut map, text?, readers, part)?,
            ended = end.wait_for(Option::is_some) => break ended.ok().and_then(|states| states.clone()).unwrap_or_default(),
        }
    };
    let until = tokio::time::Instant::now() + END_PATIENCE;
    while map.differences(&states) > 0 {
        match tokio::time::timeout_at(until, socket.next()).await {
            Ok(text) => take(&mut map, text?, readers, part)?,
            Err(_) => break,
        }
    }
    let mut part = part.borrow_mut();
    part.differing += usize::from(map.differences(&states) > 0);
    part.resyncs += map.resyncs;
    Ok(())
}

fn take(map: &mut Watched, text: Option<&[u8]>, readers: &Readers, part: &RefCell<Part>) -> anyhow::Result<()> {
    let text = text.context("the node closed the socket")?;
    let delta = map.take(text).map_err(|_| anyhow::anyhow!("a gap after revision {}: {}", map.rev, String::from_utf8_lossy(text)))?;
    if let Some(delta) = delta {
        let mut part = part.borrow_mut();
        let seen = part.deltas.entry(delta.rev).or_insert_with(|| Seen { sold: delta.sold, arrivals: Vec::new() });
        seen.arrivals.push(u32::try_from(readers.began.elapsed().as_millis()).unwrap_or(u32::MAX));
    }
    Ok(())
}

/// How long deltas took, in milliseconds. `sale_began` = since the readers began.
fn delays(parts: &[Part], tally: &Tally, sale_began: Duration) -> anyhow::Result<Histogram<u64>> {
    let acknowledged: HashMap<u32, Duration> = tally.sales.iter().map(|sale| (sale.seat, sale_began + sale.at)).collect();
    let mut delays = Histogram::new(3)?;
    for seen in parts.iter().flat_map(|part| part.deltas.values()) {
        let Some(oldest) = seen.sold.iter().filter_map(|seat| acknowledged.get(seat)).min() else { continue };
        for arrival in &seen.arrivals {
            let delay = Duration::from_millis(u64::from(*arrival)).saturating_sub(*oldest);
            delays.saturating_record(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
        }
    }
    Ok(delays)
}

impl Run {
    fn deltas(&self) -> usize {
        self.parts.iter().flat_map(|part| part.deltas.values()).map(|seen| seen.arrivals.len()).sum()
    }

    fn resyncs(&self) -> u64 {
        self.parts.iter().map(|part| part.resyncs).sum()
    }

    fn json(&self) -> Value {
        let at = |quantile: f64| self.delays.value_at_quantile(quantile);
        json!({
            "object": "bench_live",
            "sockets": self.sockets,
            "sold": self.tally.sales.len(),
            "seconds": self.tally.took.as_secs_f64(),
            "deltas_received": self.deltas(),
            "delay_ms": {"p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "max": self.delays.max()},
            "resyncs": self.resyncs(),
            "lost": self.lost,
            "memory_bytes_per_socket": self.memory_per_socket,
            "violations": self.violations,
        })
    }

    fn table(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "  {name:<34}{value}");
        };
        let at = |quantile: f64| self.delays.value_at_quantile(quantile);
        line("readers", format!("{}, lost {}, started over {} times", self.sockets, self.lost, self.resyncs()));
        line("sold", format!("{} seats in {:.1} s", self.tally.sales.len(), self.tally.took.as_secs_f64()));
        line("deltas received", self.deltas().to_string());
        line("delay p50 / p99 / p99.9 / max", format!("{} / {} / {} / {} ms", at(0.5), at(0.99), at(0.999), self.delays.max()));
        line("memory of the node per socket", format!("{} bytes", self.memory_per_socket));
        line("maps checked", if self.violations.is_empty() { "every reader shows what the ledger says".into() } else { "NO".into() });
        for violation in &self.violations {
            line("VIOLATION", violation.clone());
        }
        text
    }
}
