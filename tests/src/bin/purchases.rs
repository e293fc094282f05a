//! Purchases against the sandbox provider with every fault, while nodes and the provider are killed; ends by comparing both books to
//! the cent and by how long seats were pinned. Goes on where it was interrupted. Exit code 8 when something is wrong.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use boxoffice_tests::binary;
use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::purchases::{BANK_TIME_S, Plan, Report, State, run};
use clap::{Parser, ValueEnum};

/// Purchases under trouble.
#[derive(Parser)]
struct Args {
    /// How many purchases.
    #[arg(long, default_value_t = 20_000)]
    purchases: u64,
    /// How many of them are one round.
    #[arg(long, default_value_t = 4_000)]
    round: u64,
    /// Buyers at once.
    #[arg(long, default_value_t = 128)]
    buyers: u64,
    /// Rate of every fault of the provider.
    #[arg(long, default_value_t = 0.1)]
    fault: f64,
    /// Seconds between kills, about; 0 = none.
    #[arg(long, default_value_t = 10)]
    kill_every: u64,
    /// Draws everything that is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The longest time that a seat may be pinned, in seconds, besides the time that its buyer has at their bank (docs/payments.md).
    #[arg(long, default_value_t = 60)]
    pin_max: u64,
    /// Where the campaign keeps its state and its cluster's data.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Go on with the campaign in that folder.
    #[arg(long)]
    resume: bool,
    /// How the outcome is printed.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let dir = args.dir.unwrap_or_else(|| binary::scratch().join("purchases"));
    let state = State::open(&dir)?;
    ensure!(args.resume || !state.is_begun(), "{}: a campaign was begun here: add --resume, or remove the folder", dir.display());
    let plan = Plan {
        purchases: args.purchases,
        round: args.round.max(1),
        buyers: args.buyers,
        fault: args.fault,
        kill_every: (args.kill_every > 0).then(|| Duration::from_secs(args.kill_every)),
        seed: args.seed,
        settle: Duration::from_secs(900),
        abandon: true,
        pin_max: Duration::from_secs(args.pin_max),
    };
    let cluster =
        Arc::new(Cluster::start(Options { folder: Some(dir.join("cluster")), bank_time_s: Some(BANK_TIME_S), ..Options::default() })?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(run(&cluster, &plan, state))?;
    match args.output {
        Output::Json => println!("{}", report.json()),
        Output::Text => print(&report),
    }
    Ok(if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(8) })
}

fn print(report: &Report) {
    println!("{:#?}\n{:#}", report.money, report.pins.json());
    println!("{} rounds, {} kills, settled after {} ms", report.state.rounds, report.state.kills, report.settled_ms);
    for violation in &report.violations {
        println!("VIOLATION  {violation}");
    }
    println!("verdict    {}", if report.violations.is_empty() { "clean" } else { "NOT CLEAN" });
}
