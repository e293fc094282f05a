//! `boxoffice bench mix`: a hundred look for each one who books.
//!
//! Three parts, each with a house of its own:
//! 1. bookings alone, closed loop: what the cluster sells when nobody looks;
//! 2. the mix, open loop: bookings at `--rate` and `--reads` times as many reads, with the percentiles of each kind, counted from the
//!    scheduled moment;
//! 3. bookings closed loop beside the same reads: the ratio to the first part says what looking costs those who book.
//!
//! Reads are half event pages and lists, three in ten seat maps, two in ten searches, over all nodes. The generator's address must be
//! in `trusted_networks`, and `user_per_minute` fit the bookings.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use boxoffice_ledger::command::Role;
use clap::Args;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::task::LocalSet;

use super::client::Client;
use super::connection::Connection;
use super::load::{self, Progress, Tally, Workload};
use super::setup::{self, Cluster};
use super::{EXIT_VIOLATION, Output};
use crate::mint;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which read comes when, over and over: half pages (one in ten a list), three in ten maps, two in ten searches.
const ORDER: [Kind; 10] =
    [Kind::Page, Kind::Map, Kind::Page, Kind::Search, Kind::Page, Kind::Map, Kind::List, Kind::Search, Kind::Page, Kind::Map];

/// Words that are searched for: some find the house, some nothing, some are mistyped.
const WORDS: [&str; 6] = ["bench", "bench%20hall", "testville", "benhc", "midnight%20radio", "ben"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Page,
    List,
    Map,
    Search,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::List => "list",
            Self::Map => "map",
            Self::Search => "search",
        }
    }

    fn path(self, event: &str, number: u64) -> String {
        match self {
            Self::Page => format!("/event/{event}"),
            Self::List => "/event?limit=24&expand=venue,performers".into(),
            Self::Map => format!("/event/{event}/seat"),
            Self::Search => format!("/event/search/{}", WORDS[(number / 10) as usize % WORDS.len()]),
        }
    }
}

/// Arguments.
#[derive(Args, Debug)]
pub struct MixArgs {
    /// A node's configuration: gives the cluster's name, secret and addresses.
    #[arg(long, env = "BOXOFFICE_CONFIG")]
    config: PathBuf,
    /// Nodes to call instead of the configuration's members.
    #[arg(long, value_delimiter = ',', env = "BOXOFFICE_ENDPOINT")]
    endpoint: Vec<String>,
    /// Bookings a second in the mix.
    #[arg(long, default_value_t = 20.0)]
    rate: f64,
    /// Reads for each booking of the mix.
    #[arg(long, default_value_t = 100.0)]
    reads: f64,
    /// How long each part takes.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Seats of each part's house: enough for all that a part can sell.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    seats: u32,
    /// Buyers at once.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Connections that read.
    #[arg(long, default_value_t = 64)]
    readers: usize,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// What came of the reads of a part.
struct Reads {
    /// Latency by kind, in microseconds since the scheduled moment.
    times: BTreeMap<Kind, Histogram<u64>>,
    /// Answers that were not 200, or none: what -> how often.
    failed: BTreeMap<String, u64>,
}

/// Reads that go on until they are told to stop.
struct Reading {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Reads>>,
}

/// What it came to.
struct Run {
    rate: f64,
    reads_per_second: f64,
    alone: Tally,
    mix: (Tally, Reads),
    beside: (Tally, Reads),
}

/// Measures and prints. Exit code 8 when an answer was wrong.
///
/// # Errors
/// When the cluster cannot be reached or prepared.
pub fn run(args: &MixArgs) -> anyhow::Result<ExitCode> {
    let cluster = Cluster::open(&args.config, &args.endpoint)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let part = |name: &str, rate: Option<f64>, reads: bool| -> anyhow::Result<(Tally, Option<Reads>)> {
        eprintln!("{name} ...");
        let (workload, event) = prepare(&cluster, &runtime, args, rate)?;
        let reading = reads.then(|| Reading::start(&cluster.endpoints, &event, args.rate * args.reads, args.readers.max(1)));
        let tally = load::run(&workload, &Arc::new(Progress::default()))?;
        Ok((tally, reading.map(Reading::stop).transpose()?))
    };
    let (alone, _) = part("bookings alone", None, false)?;
    let both = |(tally, reads): (Tally, Option<Reads>)| (tally, reads.unwrap_or_else(Reads::none));
    let mix = both(part("the mix", Some(args.rate), true)?);
    let beside = both(part("bookings beside reads", None, true)?);
    let run = Run { rate: args.rate, reads_per_second: args.rate * args.reads, alone, mix, beside };
    match args.output {
        Output::Table => println!("{}", run.table()),
        Output::Json => println!("{}", run.json()),
    }
    Ok(if run.wrong().is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_VIOLATION) })
}

/// A house for one part, and who buys there.
fn prepare(cluster: &Cluster, runtime: &tokio::runtime::Runtime, args: &MixArgs, rate: Option<f64>) -> anyhow::Result<(Workload, String)> {
    let run = mint::entropy() as u64;
    let mut staff = Client::new(cluster.endpoints[0].clone(), cluster.buyer(Role::Coordinator)?.token, run);
    let event = runtime.block_on(setup::put_on_sale(&mut staff, args.seats, 0))?;
    let workload = Workload {
        endpoints: cluster.endpoints.clone(),
        event: event.clone(),
        seats: args.seats,
        buyers: Arc::new((0..args.clients.max(1)).map(|_| cluster.buyer(Role::Customer)).collect::<anyhow::Result<_>>()?),
        payment_method: "any".into(),
        refused_percent: 0,
        rate,
        at_most: Some(Duration::from_secs(args.seconds)),
        threads: 1,
        run,
    };
    Ok((workload, event))
}

impl Reading {
    /// Starts so many reads a second over so many connections, on a thread of its own.
    fn start(endpoints: &[String], event: &str, rate: f64, connections: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, endpoints, event) = (Arc::clone(&stop), endpoints.to_vec(), event.to_owned());
        let thread = std::thread::spawn(move || read_all(&endpoints, &event, rate, connections, &stopped));
        Self { stop, thread }
    }

    fn stop(self) -> anyhow::Result<Reads> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the reading thread panicked"))?
    }
}

impl Reads {
    fn none() -> Self {
        Self { times: BTreeMap::new(), failed: BTreeMap::new() }
    }

    fn note(&mut self, kind: Kind, outcome: Result<Duration, String>) {
        match outcome {
            Ok(time) => {
                let times = self.times.entry(kind).or_insert_with(|| Histogram::new(3).expect("three digits are legal"));
                times.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
            }
            Err(what) => *self.failed.entry(format!("{}: {what}", kind.name())).or_default() += 1,
        }
    }

    fn count(&self) -> u64 {
        self.times.values().map(Histogram::len).sum()
    }
}

fn read_all(endpoints: &[String], event: &str, rate: f64, connections: usize, stop: &Arc<AtomicBool>) -> anyhow::Result<Reads> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let reads = Rc::new(RefCell::new(Reads::none()));
    let next = Rc::new(AtomicU64::new(0));
    let began = Instant::now();
    let tasks = LocalSet::new();
    for number in 0..connections {
        let address = endpoints[number % endpoints.len()].clone();
        let (event, reads, next, stop) = (event.to_owned(), Rc::clone(&reads), Rc::clone(&next), Arc::clone(stop));
        tasks.spawn_local(async move {
            let mut connection = Connection::new(address);
            loop {
                let arrival = next.fetch_add(1, Ordering::Relaxed);
                let due = began + Duration::from_secs_f64(arrival as f64 / rate);
                tokio::time::sleep_until(due.into()).await;
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let kind = ORDER[(arrival % ORDER.len() as u64) as usize];
                let request = format!("GET {} HTTP/1.1\r\nHost: boxoffice\r\n\r\n", kind.path(&event, arrival));
                let outcome = match connection.exchange(request.as_bytes(), PATIENCE).await {
                    Ok(reply) if reply.status == 200 => Ok(due.elapsed()),
                    Ok(reply) => Err(reply.status.to_string()),
                    Err(lost) => Err(format!("{lost:?}")),
                };
                reads.borrow_mut().note(kind, outcome);
            }
        });
    }
    runtime.block_on(tasks);
    drop(runtime);
    Ok(Rc::into_inner(reads).expect("every reader has ended").into_inner())
}

fn sold_per_second(tally: &Tally) -> f64 {
    tally.sales.len() as f64 / tally.took.as_secs_f64().max(1e-9)
}

fn percentiles(times: &Histogram<u64>) -> Value {
    let at = |quantile: f64| times.value_at_quantile(quantile);
    json!({"count": times.len(), "p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "max": times.max()})
}

impl Run {
    /// Bookings beside reads to bookings alone.
    fn ratio(&self) -> f64 {
        sold_per_second(&self.beside.0) / sold_per_second(&self.alone).max(1e-9)
    }

    /// Everything that was not answered as it should be.
    fn wrong(&self) -> Vec<String> {
        let bookings = [&self.alone, &self.mix.0, &self.beside.0].into_iter().flat_map(|tally| &tally.wrong);
        let reads = [&self.mix.1, &self.beside.1].into_iter().flat_map(|reads| &reads.failed);
        bookings.chain(reads).map(|(what, count)| format!("{what}: {count} times")).collect()
    }

    /// The kinds of the mix with their latencies.
    fn kinds(&self) -> Vec<(&'static str, &Histogram<u64>)> {
        let (tally, reads) = &self.mix;
        let bookings = [("hold", &tally.hold), ("pay", &tally.pay)];
        bookings.into_iter().chain(reads.times.iter().map(|(kind, times)| (kind.name(), times))).collect()
    }

    fn json(&self) -> Value {
        let kinds = self.kinds().into_iter().map(|(name, times)| (name.to_owned(), percentiles(times)));
        json!({
            "object": "bench_mix",
            "rate": self.rate,
            "reads_per_second": self.reads_per_second,
            "mix": {"sold": self.mix.0.sales.len(), "reads": self.mix.1.count(), "latency_us": kinds.collect::<serde_json::Map<_, _>>()},
            "sold_per_second_alone": sold_per_second(&self.alone),
            "sold_per_second_beside_reads": sold_per_second(&self.beside.0),
            "reads_beside": self.beside.1.count(),
            "ratio": self.ratio(),
            "wrong": self.wrong(),
        })
    }

    fn table(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "  {name:<34}{value}");
        };
        line("the mix", format!("{} bookings and {} reads a second, open loop", self.rate, self.reads_per_second));
        for (name, times) in self.kinds() {
            let at = |quantile: f64| times.value_at_quantile(quantile) as f64 / 1000.0;
            line(
                &format!("{name} p50 / p99 / p99.9"),
                format!("{:.2} / {:.2} / {:.2} ms ({} done)", at(0.5), at(0.99), at(0.999), times.len()),
            );
        }
        let (alone, beside) = (sold_per_second(&self.alone), sold_per_second(&self.beside.0));
        line("bookings alone, beside reads", format!("{alone:.0}/s, {beside:.0}/s: ratio {:.2}", self.ratio()));
        for wrong in self.wrong() {
            line("UNEXPECTED", wrong);
        }
        text
    }
}
