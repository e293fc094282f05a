//! `boxoffice bench book`: sells a whole house on a running cluster and says how fast, at what cost, and whether the rows are
//! right. How it measures:
//!
//! - The event is free by default, so a sale is two durable commits: hold and pay (`--payment test` goes through the test
//!   provider instead). A share of the attempts goes to seats that are sold and must be refused.
//! - Buyers' tokens are made from the cluster's secret, so hashing passwords is not measured. Rate limits stay on: the
//!   generator's address must be in `trusted_networks`, and `user_per_minute` fit the load.
//! - Closed loop: each client starts when it is done. Open loop: attempts start on schedule, latency counts from then.
//! - CPU, fdatasync calls and log bytes are the nodes' own counters before and after; the generator's CPU is its own.
//! - At the end the seat map of every node is compared with what was acknowledged; with `--pricing demand`, every price is worked
//!   out again from what was noted with it.

pub mod backups;
pub mod client;
pub mod connection;
pub mod house;
pub mod import;
pub mod listings;
pub mod live;
pub mod load;
pub mod login;
pub mod mix;
mod prices;
pub mod read;
pub mod report;
pub mod scan;
pub mod search;
pub mod setup;
pub mod socket;
pub mod verify;
pub mod watch;

#[cfg(test)]
mod relevance;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use boxoffice_ledger::command::Role;
use clap::{Args, Subcommand, ValueEnum};

use client::Client;
use load::{Progress, Workload};
use report::{Cost, Run};
use setup::Cluster;

use crate::mint;

/// The exit code of a check that found a violation.
const EXIT_VIOLATION: u8 = 8;

/// Measures a running cluster.
#[derive(Args, Debug)]
pub struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Sell a house: hold one seat, pay for it.
    #[command(after_help = "Example:\n  boxoffice bench book --config node.toml --seats 50000 --clients 64,256")]
    Book(BookArgs),
    /// Read while many log in.
    #[command(after_help = "Example:\n  boxoffice bench login --config node.toml")]
    Login(login::LoginArgs),
    /// Read a page and a map, beside a bare handler that gives the same bytes.
    #[command(after_help = "Example:\n  boxoffice bench read --config node.toml")]
    Read(read::ReadArgs),
    /// Let a whole house in.
    #[command(after_help = "Example:\n  boxoffice bench scan --config node.toml")]
    Scan(scan::ScanArgs),
    /// Search in many events, beside the bare library.
    #[command(after_help = "Example:\n  boxoffice bench search --events 200000 --rate 500")]
    Search(search::SearchArgs),
    /// Bring many events in.
    #[command(after_help = "Example:\n  boxoffice bench import --config node.toml")]
    Import(import::ImportArgs),
    /// Let many watch a map while the house is sold.
    #[command(after_help = "Example:\n  boxoffice bench live --config node.toml")]
    Live(live::LiveArgs),
    /// Let a hundred look for each one who books.
    #[command(after_help = "Example:\n  boxoffice bench mix --config node.toml")]
    Mix(mix::MixArgs),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Loop {
    Closed,
    Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PaymentKind {
    Free,
    Test,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PricingKind {
    Fixed,
    Demand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

#[derive(Args, Debug)]
struct BookArgs {
    /// A node's configuration: gives the cluster's name, secret and addresses.
    #[arg(long, env = "BOXOFFICE_CONFIG")]
    config: PathBuf,
    /// Nodes to call instead of the configuration's members.
    #[arg(long, value_delimiter = ',', env = "BOXOFFICE_ENDPOINT")]
    endpoint: Vec<String>,
    /// Seats of the house; each run sells its own.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    seats: u32,
    /// Clients at once; a run each.
    #[arg(long, value_delimiter = ',', default_values_t = [64, 256])]
    clients: Vec<usize>,
    /// Closed or open loop.
    #[arg(long, value_enum, default_value_t = Loop::Closed)]
    mode: Loop,
    /// Attempts a second in the open loop.
    #[arg(long, default_value_t = 2000.0)]
    rate: f64,
    /// A free event, or one paid through the test provider.
    #[arg(long, value_enum, default_value_t = PaymentKind::Free)]
    payment: PaymentKind,
    /// How the price moves: not at all, or with demand (paid through the test provider).
    #[arg(long, value_enum, default_value_t = PricingKind::Fixed)]
    pricing: PricingKind,
    /// Write how the last house was sold to this file, for `boxoffice price simulate`.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Attempts in a hundred that go to a seat that is sold.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=95))]
    refused_percent: u64,
    /// Stop after this many seconds even if seats are left.
    #[arg(long)]
    seconds: Option<u64>,
    /// Have one backup made after the other meanwhile: what that costs shows beside a run without.
    #[arg(long)]
    backups: bool,
    /// Threads that generate load.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs the benchmark. Exit code 8 when the rows are not as acknowledged.
///
/// # Errors
/// When the cluster cannot be reached or prepared.
pub fn run(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    match &args.what {
        What::Book(args) => book(args),
        What::Login(args) => login::run(args).map(|()| ExitCode::SUCCESS),
        What::Read(args) => read::run(args).map(|()| ExitCode::SUCCESS),
        What::Scan(args) => scan::run(args).map(|()| ExitCode::SUCCESS),
        What::Search(args) => search::run(args).map(|()| ExitCode::SUCCESS),
        What::Import(args) => import::run(args).map(|()| ExitCode::SUCCESS),
        What::Live(args) => live::run(args).map(|clean| if clean { ExitCode::SUCCESS } else { ExitCode::from(EXIT_VIOLATION) }),
        What::Mix(args) => mix::run(args),
    }
}

fn book(args: &BookArgs) -> anyhow::Result<ExitCode> {
    let cluster = Cluster::open(&args.config, &args.endpoint)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut clean = true;
    for &clients in &args.clients {
        eprintln!("preparing a house of {} seats ...", args.seats);
        let run = run_once(&cluster, &runtime, args, clients.max(1))?;
        clean &= run.violations.is_empty() && run.tally.wrong.is_empty();
        match args.output {
            Output::Table => println!("{}", run.table()),
            Output::Json => println!("{}", run.json()),
        }
    }
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::from(EXIT_VIOLATION) })
}

fn run_once(cluster: &Cluster, runtime: &tokio::runtime::Runtime, args: &BookArgs, clients: usize) -> anyhow::Result<Run> {
    let (payment, price) = match (args.payment, args.pricing) {
        (PaymentKind::Free, PricingKind::Fixed) => ("free", 0),
        (PaymentKind::Test, _) | (_, PricingKind::Demand) => ("test", 1_000),
    };
    let moving = args.pricing == PricingKind::Demand;
    let run = mint::entropy() as u64;
    let client =
        |endpoint: &String, role: Role| -> anyhow::Result<Client> { Ok(Client::new(endpoint.clone(), cluster.buyer(role)?.token, run)) };
    let mut coordinator = client(&cluster.endpoints[0], Role::Coordinator)?;
    let mut nodes = cluster.endpoints.iter().map(|endpoint| client(endpoint, Role::Operator)).collect::<anyhow::Result<Vec<_>>>()?;
    let terms = if moving { prices::demand(price) } else { serde_json::Value::Null };
    let event = runtime.block_on(setup::put_on_sale_with(&mut coordinator, args.seats, price, terms))?;
    let workload = Workload {
        endpoints: cluster.endpoints.clone(),
        event: event.clone(),
        seats: args.seats,
        buyers: Arc::new((0..clients).map(|_| cluster.buyer(Role::Customer)).collect::<anyhow::Result<_>>()?),
        payment_method: "pm_test_ok".into(),
        refused_percent: args.refused_percent,
        rate: (args.mode == Loop::Open).then_some(args.rate),
        at_most: args.seconds.map(Duration::from_secs),
        threads: args.threads,
        run,
    };
    let before = runtime.block_on(Cost::read(&mut nodes))?;
    let own_before = report::own_cpu_us()?;
    let backups = args.backups.then(|| backups::Backups::start(cluster)).transpose()?;
    let tally = load::run(&workload, &Arc::new(Progress::default()))?;
    let own_cpu_us = report::own_cpu_us()?.saturating_sub(own_before);
    let cost = runtime.block_on(Cost::read(&mut nodes))?.since(before);
    let backups = backups.map(backups::Backups::end).transpose()?;
    let mut violations = runtime.block_on(verify::check(&mut nodes, &event, args.seats as usize, &tally))?;
    if moving {
        violations.extend(runtime.block_on(prices::check(&cluster.endpoints, &event))?);
    }
    if let Some(path) = &args.record {
        runtime.block_on(prices::record(&cluster.endpoints, coordinator.token(), &event, path))?;
    }
    Ok(Run { event, clients, rate: workload.rate, payment, tally, cost, own_cpu_us, backups, violations })
}
