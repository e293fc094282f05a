//! `jepsen`: runs fault tests, and judges stored runs again.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use jepsen::failover::{By, Setting};
use jepsen::namespaces;
use jepsen::nemesis::Fault;
use jepsen::net::Net;
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
                            jepsen run --workload sale --faults kill,provider-faults --time 120 --nodes 5\n  \
                            jepsen run --workload ticket --faults kill,isolate-leader\n  \
                            jepsen run --workload search --faults kill,pause,lose-index\n  \
                            jepsen run --workload live --faults kill,rolling-restart\n  \
                            jepsen run --workload membership --faults grow-and-shrink,replace-killed,replace-wiped --time 120\n  \
                            jepsen run --workload seat --net namespaces --faults halves,one-way,client-cut,lossy-links")]
    Run(RunArgs),
    /// Run every workload with every fault, a minute each, and a long run with everything mixed; goes on where it was broken off.
    #[command(after_help = "Examples:\n  jepsen suite --dir store/suite\n  jepsen suite --dir store/suite --table > table.md")]
    Suite(SuiteArgs),
    /// Lose the leader under full load again and again, and tell how long nobody can book; goes on after the rounds that are done.
    #[command(after_help = "Examples:\n  jepsen failover --dir store/failover --kills 200\n  \
                            jepsen failover --dir store/failover --kills 100 --by partition --raft election_min_ms=450")]
    Failover(FailoverArgs),
    /// Full load and nothing else: no other leader may appear. Exit code 8 if one does.
    #[command(after_help = "Example:\n  jepsen quiet --dir store/quiet --time 1800 --raft heartbeat_ms=100 --raft election_min_ms=450")]
    Quiet(QuietArgs),
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
    /// The network between the nodes.
    #[arg(long, value_enum, default_value = "links")]
    net: Net,
    /// Where runs are kept, each in a folder of its own.
    #[arg(long, default_value = "store")]
    store: PathBuf,
    /// Further environment of the nodes, such as a planted bug: NAME=VALUE.
    #[arg(long, value_parser = name_and_value)]
    environment: Vec<(String, String)>,
}

#[derive(Args)]
struct LoadArgs {
    /// Where it is kept.
    #[arg(long)]
    dir: PathBuf,
    /// How many nodes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(3..=5))]
    nodes: u64,
    /// How many clients book as fast as they can.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=1000))]
    clients: u64,
    /// Draws what they do.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A line of the nodes' [raft], such as heartbeat_ms=100.
    #[arg(long, value_parser = name_and_value)]
    raft: Vec<(String, String)>,
    /// The program to test.
    #[arg(long, env = "BOXOFFICE_BIN")]
    binary: Option<PathBuf>,
}

#[derive(Args)]
struct FailoverArgs {
    #[command(flatten)]
    load: LoadArgs,
    /// How often the leader is lost.
    #[arg(long, default_value_t = 200)]
    kills: usize,
    /// How it is lost.
    #[arg(long, value_enum, default_value = "kill")]
    by: By,
    /// Pause between two times, in seconds.
    #[arg(long, default_value_t = 3.0)]
    pause: f64,
}

#[derive(Args)]
struct QuietArgs {
    #[command(flatten)]
    load: LoadArgs,
    /// How long, in seconds.
    #[arg(long, default_value_t = 1800)]
    time: u64,
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
    /// Only the cells whose names have one of these in them, such as ticket or sale-kill.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only print the tables of what is done, in Markdown.
    #[arg(long)]
    table: bool,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(args) => run(&args),
        Command::Suite(args) => suite(args),
        Command::Failover(args) => failover(args),
        Command::Quiet(args) => quiet(args),
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
        net: args.net,
    };
    if let Some(why) = namespaces::unavailable().filter(|_| args.net == Net::Namespaces) {
        println!("SKIPPED  {why}");
        return Ok(ExitCode::from(EXIT_UNKNOWN));
    }
    eprintln!("{} ({} s), kept in {}", store::again(&plan), args.time, plan.store.display());
    let outcome = runtime()?.block_on(jepsen::run::run(&plan))?;
    print(&outcome, &plan);
    Ok(exit_code(&outcome.valid))
}

fn suite(args: SuiteArgs) -> anyhow::Result<ExitCode> {
    let suite = Suite {
        // Nothing is run for a table.
        binary: if args.table { PathBuf::new() } else { binary(args.binary)? },
        folder: args.dir,
        cell: Duration::from_secs(args.cell),
        long: Duration::from_secs(args.long),
        seed: args.seed,
        nodes: args.nodes,
        only: args.only,
    };
    if !args.table {
        runtime()?.block_on(suite.run())?;
    }
    let (table, is_good) = suite.table();
    print!("{table}");
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(EXIT_VIOLATION) })
}

fn setting(args: LoadArgs) -> anyhow::Result<Setting> {
    let LoadArgs { dir: folder, nodes, clients, seed, raft, binary: named } = args;
    let raft = raft.into_iter().map(|(name, value)| format!("{name} = {value}")).collect();
    Ok(Setting { binary: binary(named)?, folder, nodes, clients, seed, raft })
}

fn failover(args: FailoverArgs) -> anyhow::Result<ExitCode> {
    let pause = Duration::from_secs_f64(args.pause);
    let summary = runtime()?.block_on(setting(args.load)?.failover(args.kills, args.by, pause))?;
    print!("{summary}");
    Ok(ExitCode::SUCCESS)
}

fn quiet(args: QuietArgs) -> anyhow::Result<ExitCode> {
    let changes = runtime()?.block_on(setting(args.load)?.quiet(Duration::from_secs(args.time)))?;
    println!("{changes} times another leader appeared");
    Ok(if changes == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_VIOLATION) })
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
    println!("looks {}", outcome.looks);
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
