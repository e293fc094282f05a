//! `jepsen`: runs fault tests, and judges stored runs again.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use jepsen::nemesis::Fault;
use jepsen::run::{Outcome, Plan};
use jepsen::store;
use jepsen::suite::Suite;
use jepsen::workload::Workload;

/// A check found a violation.
const EXIT_VIOLATION: u8 = 8;
/// The run shows nothing, or not everything could be judged.
const EXIT_UNKNOWN: u8 = 9;

/// Fault tests of boxoffice from outside.
#[derive(Parser)]
#[command(
    name = "jepsen",
    version,
    after_help = "Exit codes:\n  0  good\n  1  could not be run\n  8  an anomaly was found\n  9  void, or not everything could be judged"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a cluster, let clients work and faults happen, and judge what they saw.
    #[command(after_help = "Examples:\n  jepsen run --workload seat --faults kill-leader,pause-leader --time 60 --seed 7\n  \
                            jepsen run --workload sale --faults kill,provider-faults --time 120 --nodes 5")]
    Run(RunArgs),
    /// Run every workload with every fault, a minute each, and a long run with everything mixed; goes on where it was broken off.
    #[command(after_help = "Example:\n  jepsen suite --dir store/suite")]
    Suite(SuiteArgs),
    /// Judge a stored run again from its history alone.
    #[command(after_help = "Example:\n  jepsen check store/seat-1790000000-0")]
    Check {
        /// The run's folder.
        store: PathBuf,
    },
}

#[derive(Args)]
struct RunArgs {
    /// What clients do.
    #[arg(long, value_enum)]
    workload: Workload,
    /// What is done to the cluster, in turn.
    #[arg(long, value_enum, value_delimiter = ',')]
    faults: Vec<Fault>,
    /// How long clients work, in seconds.
    #[arg(long, default_value_t = 60)]
    time: u64,
    /// Draws everything that is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many nodes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(3..=5))]
    nodes: u64,
    /// How many clients.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=1000))]
    clients: u64,
    /// Completed operations a second without faults that are planned for; by default what suits the workload.
    #[arg(long)]
    rate: Option<f64>,
    /// How long each fault lasts, in seconds.
    #[arg(long, default_value_t = 4.0)]
    fault_lasts: f64,
    /// Pause between two faults, in seconds.
    #[arg(long, default_value_t = 4.0)]
    fault_pause: f64,
    /// The program to test.
    #[arg(long, env = "BOXOFFICE_BIN")]
    binary: Option<PathBuf>,
    /// Where runs are kept, each in a folder of its own.
    #[arg(long, default_value = "store")]
    store: PathBuf,
    /// Further environment of the nodes, such as a planted bug: NAME=VALUE.
    #[arg(long, value_parser = name_and_value)]
    environment: Vec<(String, String)>,
}

#[derive(Args)]
struct SuiteArgs {
    /// Where it is kept.
    #[arg(long)]
    dir: PathBuf,
    /// How long a cell is, in seconds.
    #[arg(long, default_value_t = 60)]
    cell: u64,
    /// How long the run with everything mixed is, in seconds.
    #[arg(long, default_value_t = 1800)]
    long: u64,
    /// Draws everything that is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many nodes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(3..=5))]
    nodes: u64,
    /// The program to test.
    #[arg(long, env = "BOXOFFICE_BIN")]
    binary: Option<PathBuf>,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(args) => run(&args),
        Command::Suite(args) => suite(args),
        Command::Check { store } => judge(&store),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let plan = Plan {
        binary: binary(args.binary.clone())?,
        store: store::folder(&args.store, &args.workload.name())?,
        workload: args.workload,
        faults: args.faults.clone(),
        time: Duration::from_secs(args.time),
        seed: args.seed,
        nodes: args.nodes,
        clients: args.clients,
        rate: args.rate.unwrap_or(args.workload.rate()),
        fault_lasts: Duration::from_secs_f64(args.fault_lasts),
        fault_pause: Duration::from_secs_f64(args.fault_pause),
        environment: args.environment.clone(),
    };
    eprintln!("{} ({} s), kept in {}", store::again(&plan), args.time, plan.store.display());
    let outcome = runtime()?.block_on(jepsen::run::run(&plan))?;
    print(&outcome, &plan);
    Ok(exit_code(&outcome.valid))
}

fn suite(args: SuiteArgs) -> anyhow::Result<ExitCode> {
    let suite = Suite {
        binary: binary(args.binary)?,
        folder: args.dir,
        cell: Duration::from_secs(args.cell),
        long: Duration::from_secs(args.long),
        seed: args.seed,
        nodes: args.nodes,
    };
    let table = runtime()?.block_on(suite.run())?;
    print!("{table}");
    Ok(if table.contains("| false |") { ExitCode::from(EXIT_VIOLATION) } else { ExitCode::SUCCESS })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// The program to test: the one that was named, or the one beside this program.
fn binary(named: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let beside = || Some(std::env::current_exe().ok()?.parent()?.join("boxoffice"));
    let binary = named.or_else(|| beside().filter(|path| path.exists()));
    Ok(binary.context("there is no boxoffice beside this program: build it, or name it with --binary")?.canonicalize()?)
}

fn print(outcome: &Outcome, plan: &Plan) {
    for fault in &outcome.faults {
        let without = fault["without_service_s"].as_f64().map_or("-".to_owned(), |seconds| format!("{seconds:.2} s"));
        let name = fault["fault"].as_str().unwrap_or("");
        println!(
            "{name:<16} at {:>6.1} s, without a write for {without:>7}   {}",
            fault["from_s"].as_f64().unwrap_or(0.0),
            fault["note"].as_str().unwrap_or("")
        );
    }
    outcome.skipped.iter().for_each(|what| println!("SKIPPED  {what}"));
    outcome.void.iter().for_each(|what| println!("VOID     {what}"));
    outcome.verdict.counts.iter().for_each(|(name, count)| println!("{count:>8} {name}"));
    outcome.verdict.unknown.iter().for_each(|what| println!("UNKNOWN  {what}"));
    outcome.verdict.anomalies.iter().for_each(|anomaly| println!("ANOMALY  {}: {}", anomaly.name, anomaly.detail));
    println!(
        "{} operations, {} happened\nvalid: {}   {}",
        outcome.operations,
        outcome.ok,
        outcome.valid,
        plan.store.join("index.html").display()
    );
}

fn judge(folder: &std::path::Path) -> anyhow::Result<ExitCode> {
    let (verdict, text) = store::judge(folder)?;
    print!("{text}");
    Ok(exit_code(verdict.word()))
}

fn exit_code(word: &str) -> ExitCode {
    match word {
        "true" => ExitCode::SUCCESS,
        "false" => ExitCode::from(EXIT_VIOLATION),
        _ => ExitCode::from(EXIT_UNKNOWN),
    }
}
