//! Whole clusters in one thread under a seed: `simulate --seeds 1000`, `simulate --seed 7`, `simulate --planted`.

mod batch;
mod child;
mod planted;
mod shadow;

use std::process::ExitCode;
use std::time::Instant;

use batch::{Job, Report};
use boxoffice_tests::sim::options::Options;
use clap::Parser;

/// Runs whole clusters in one thread under a seed, with crashes, cuts, bad disks and wrong clocks, and checks what must hold.
#[derive(Parser)]
#[command(
    after_help = "Examples:\n  simulate --seeds 1000\n  simulate --seed 7\n  simulate --seed 7 --plant skip-fsync\n  simulate --planted"
)]
struct Cli {
    /// How many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// One seed only, and tell what happens.
    #[arg(long)]
    seed: Option<u64>,
    /// Simulated seconds with faults; some seeds take four times as many.
    #[arg(long, default_value_t = 12)]
    secs: u64,
    /// Seeds at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Run every seed twice and compare the hashes of all that happened. Otherwise every 20th is.
    #[arg(long)]
    twice: bool,
    /// Run a cluster with this bug.
    #[arg(long)]
    plant: Option<String>,
    /// Look for every planted bug (or for those named with --plant, separated by commas).
    #[arg(long)]
    planted: bool,
    /// Show what the nodes log, for one seed.
    #[arg(long)]
    log: Option<String>,
    #[arg(long, hide = true)]
    child: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match (cli.child, cli.seed) {
        (true, Some(seed)) => child(Options::draw(seed, cli.secs)),
        (_, Some(seed)) => one(&cli, seed),
        _ if cli.planted => planted(&cli),
        _ => many(&cli),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn child(options: Options) -> anyhow::Result<bool> {
    let outcome = child::simulate(options)?;
    println!("{}", batch::line_of(&outcome));
    Ok(true)
}

/// One seed, aloud. A planted bug is given through the environment, so that the process that tells is a child of this one.
fn one(cli: &Cli, seed: u64) -> anyhow::Result<bool> {
    if let Some(plant) = &cli.plant
        && std::env::var("BOXOFFICE_PLANTED").as_deref() != Ok(plant)
    {
        let mut again = std::process::Command::new(std::env::current_exe()?);
        again.args(std::env::args().skip(1)).env("BOXOFFICE_PLANTED", plant);
        return Ok(again.status()?.success());
    }
    if let Some(filter) = &cli.log {
        tracing_subscriber::fmt().with_env_filter(filter).without_time().with_writer(std::io::stderr).init();
    }
    let outcome = child::simulate(Options { verbose: true, ..Options::draw(seed, cli.secs) })?;
    for violation in &outcome.violations {
        println!("seed {seed} WRONG {} after {} ms: {}", violation.name, violation.at_ms, violation.detail);
    }
    println!(
        "seed {seed}: hash {:016x}, {} events, {} writes acknowledged, {} faults, {:.1} simulated seconds: {}",
        outcome.hash,
        outcome.events,
        outcome.acknowledged,
        outcome.faults,
        outcome.simulated_ms as f64 / 1000.0,
        if outcome.violations.is_empty() { "good" } else { "BROKEN" }
    );
    Ok(outcome.violations.is_empty())
}

fn planted(cli: &Cli) -> anyhow::Result<bool> {
    let named = cli.plant.as_deref().unwrap_or_default();
    let named: Vec<&str> = named.split(',').filter(|name| !name.is_empty()).collect();
    let bugs = if named.is_empty() { &planted::BUGS[..] } else { &named[..] };
    planted::find_all(bugs, cli.from, cli.secs, cli.jobs)
}

fn many(cli: &Cli) -> anyhow::Result<bool> {
    let since = Instant::now();
    let (mut total, mut broken, mut runs) = (Report::default(), 0_u64, 0_u64);
    let job = |seed| Job { seed, secs: cli.secs, plant: cli.plant.clone() };
    let twice_every = if cli.twice { 1 } else { 20 };
    batch::all(cli.from..cli.from + cli.seeds, cli.jobs, twice_every, job, |seed, report| {
        runs += 1;
        total.acknowledged += report.acknowledged;
        total.faults += report.faults;
        total.simulated_ms += report.simulated_ms;
        if let Some((name, detail, at_ms)) = report.violations.first() {
            broken += 1;
            let plant = cli.plant.as_deref().map(|plant| format!(" --plant {plant}")).unwrap_or_default();
            println!("seed {seed} WRONG {name} after {at_ms} ms: {detail}");
            println!("  replay: cargo run -p boxoffice-tests --bin simulate -- --seed {seed} --secs {}{plant}", cli.secs);
        }
        true
    })?;
    let (real, simulated) = (since.elapsed().as_secs_f64(), total.simulated_ms as f64 / 1000.0);
    println!(
        "{runs} seeds, {broken} broken; {:.2} simulated hours in {real:.0} s = {:.0} times real time; {} faults, {} writes acknowledged",
        simulated / 3600.0,
        simulated / real,
        total.faults,
        total.acknowledged
    );
    Ok(broken == 0)
}
