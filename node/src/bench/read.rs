//! `boxoffice bench read`: how fast one node gives an event's page and its seat map, beside a bare handler of the same HTTP stack
//! that gives the same bytes. Both are asked in turns by the same generator with as many connections, each as fast as it answers
//! (closed loop), and the medians over the rounds are compared: what else the machine does meanwhile hits both alike. The bare
//! handler runs in this process with as many threads as the node has for HTTP. The generator's address must be in
//! `trusted_networks`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use boxoffice_api::bare;
use boxoffice_cluster_config::file::Config;
use boxoffice_ledger::command::Role;
use bytes::Bytes;
use clap::Args;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use super::Output;
use super::client::Client;
use super::connection::Connection;
use super::setup::{self, Cluster};
use crate::mint;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Arguments.
#[derive(Args, Debug)]
pub struct ReadArgs {
    /// A node's configuration: gives the cluster's name, secret and addresses, and how many threads serve HTTP.
    #[arg(long, env = "BOXOFFICE_CONFIG")]
    config: PathBuf,
    /// The node to read at instead of the configuration's first member.
    #[arg(long, env = "BOXOFFICE_ENDPOINT")]
    endpoint: Option<String>,
    /// Seats of the house whose map is read.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    seats: u32,
    /// Connections at once.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    clients: u64,
    /// Rounds; each asks both.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// How long each is asked in a round, in milliseconds.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(10..=600_000))]
    millis: u64,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Measures and prints.
///
/// # Errors
/// When the node cannot be reached or answers what it should not.
pub fn run(args: &ReadArgs) -> anyhow::Result<()> {
    let endpoints: Vec<String> = args.endpoint.iter().cloned().collect();
    let cluster = Cluster::open(&args.config, &endpoints)?;
    let threads = Config::parse(&std::fs::read_to_string(&args.config)?)?.threads.on(crate::cli::cores()).http;
    let node = cluster.endpoints.first().context("the configuration has no member")?.clone();
    let generator = Builder::new_current_thread().enable_all().build()?;
    let mut staff = Client::new(node.clone(), cluster.buyer(Role::Coordinator)?.token, mint::entropy() as u64);
    let event = generator.block_on(setup::put_on_sale(&mut staff, args.seats, 1_000))?;
    // Some are taken, so that the map is not all zeros.
    for first in (0..args.seats).step_by(97).take(50) {
        generator.block_on(staff.post(&format!("/event/{event}/hold"), &json!({"seats": [first]})))?;
    }
    let bare_runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    for (name, path) in [("event", format!("/event/{event}")), ("seat map", format!("/event/{event}/seat"))] {
        let page = Page { name, path, node: node.clone(), clients: args.clients, length: Duration::from_millis(args.millis) };
        let compared = page.compare(&generator, &bare_runtime, args.rounds)?;
        match args.output {
            Output::Table => println!("{}", compared.table()),
            Output::Json => println!("{}", compared.json()),
        }
    }
    Ok(())
}

/// What is read.
struct Page {
    name: &'static str,
    path: String,
    node: String,
    clients: u64,
    length: Duration,
}

/// What came of it.
struct Compared {
    name: &'static str,
    bytes: usize,
    node: Side,
    bare: Side,
}

/// One of the two.
#[derive(Default)]
struct Side {
    rates: Vec<f64>,
    times: Option<Histogram<u64>>,
}

impl Page {
    fn compare(&self, generator: &Runtime, bare_runtime: &Runtime, rounds: u32) -> anyhow::Result<Compared> {
        let ours = request(&self.path, &self.node);
        let body = generator.block_on(fetch(&self.node, &ours))?;
        let (bytes, listener) = (body.len(), generator.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?.into_std()?);
        let address = listener.local_addr()?.to_string();
        let serving = bare_runtime.spawn(async move { bare::serve(tokio::net::TcpListener::from_std(listener)?, body).await });
        let theirs = request("/", &address);
        let (mut node, mut bare) = (Side::default(), Side::default());
        for round in 0..rounds {
            let mut turns = [(&self.node, &ours, &mut node), (&address, &theirs, &mut bare)];
            turns.rotate_left(round as usize % 2);
            for (address, request, side) in turns {
                generator.block_on(self.ask(address, request, bytes, side))?;
            }
        }
        serving.abort();
        Ok(Compared { name: self.name, bytes, node, bare })
    }

    /// Asks one of them for so long.
    async fn ask(&self, address: &str, request: &Arc<[u8]>, bytes: usize, side: &mut Side) -> anyhow::Result<()> {
        let local = LocalSet::new();
        let begun = Instant::now();
        let until = begun + self.length;
        let clients: Vec<_> =
            (0..self.clients).map(|_| local.spawn_local(read(address.to_owned(), Arc::clone(request), bytes, until))).collect();
        let mut times = Histogram::<u64>::new(3)?;
        local
            .run_until(async {
                for client in clients {
                    times.add(client.await.context("a client broke")??)?;
                }
                anyhow::Ok(())
            })
            .await?;
        side.rates.push(times.len() as f64 / begun.elapsed().as_secs_f64());
        match &mut side.times {
            Some(all) => all.add(times)?,
            none => *none = Some(times),
        }
        Ok(())
    }
}

fn request(path: &str, host: &str) -> Arc<[u8]> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes().into()
}

async fn fetch(address: &str, request: &[u8]) -> anyhow::Result<Bytes> {
    let mut connection = Connection::new(address.to_owned());
    match connection.exchange(request, PATIENCE).await {
        Ok(reply) if reply.status == 200 => Ok(Bytes::copy_from_slice(reply.body)),
        Ok(reply) => bail!("{address} answered {}", reply.status),
        Err(_) => bail!("no answer from {address}"),
    }
}

/// Reads again and again on one connection; latencies in microseconds.
async fn read(address: String, request: Arc<[u8]>, bytes: usize, until: Instant) -> anyhow::Result<Histogram<u64>> {
    let mut times = Histogram::new(3)?;
    let mut connection = Connection::new(address);
    loop {
        let since = Instant::now();
        if since >= until {
            return Ok(times);
        }
        match connection.exchange(&request, PATIENCE).await {
            Ok(reply) if reply.status == 200 && reply.body.len() == bytes => times.record(u64::try_from(since.elapsed().as_micros())?)?,
            Ok(reply) => bail!("answered {} with {} bytes: is this address in trusted_networks?", reply.status, reply.body.len()),
            Err(_) => bail!("no answer"),
        }
    }
}

impl Side {
    /// Answers a second: the median of the rounds.
    fn rate(&self) -> f64 {
        let mut rates = self.rates.clone();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or(0.0)
    }

    /// A quantile of the latencies, in milliseconds.
    fn at(&self, quantile: f64) -> f64 {
        self.times.as_ref().map_or(0.0, |times| times.value_at_quantile(quantile) as f64 / 1000.0)
    }
}

impl Compared {
    fn ratio(&self) -> f64 {
        self.node.rate() / self.bare.rate()
    }

    fn table(&self) -> String {
        let line = |side: &Side| format!("{:.0}/s, p50 {:.2} ms, p99 {:.2} ms", side.rate(), side.at(0.5), side.at(0.99));
        format!(
            "{} of {} bytes: ratio {:.2}\n  node  {}\n  bare  {}",
            self.name,
            self.bytes,
            self.ratio(),
            line(&self.node),
            line(&self.bare)
        )
    }

    fn json(&self) -> Value {
        let side = |side: &Side| {
            let done = side.times.as_ref().map_or(0, Histogram::len);
            json!({"per_second": side.rate(), "rounds": side.rates, "p50_ms": side.at(0.5), "p99_ms": side.at(0.99), "done": done})
        };
        json!({"page": self.name, "bytes": self.bytes, "ratio": self.ratio(), "node": side(&self.node), "bare": side(&self.bare)})
    }
}
