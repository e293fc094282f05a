//! Three nodes become five and three again while a house is being sold: two join, one founder is drained and removed, another one is killed
//! and removed. Nothing acknowledged may be lost, and booking may not pause for long. Exit code 8 when something is wrong.

use std::process::ExitCode;

use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::growth::Growth;
use clap::Parser;

/// From three nodes to five and back, under load.
#[derive(Parser)]
struct Args {
    /// Booking attempts a second.
    #[arg(long, default_value_t = 300.0)]
    rate: f64,
    /// Clients.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Makes keys of one run differ from those of another.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let groups = boxoffice_cluster_config::groups::GroupCounts::default();
    let mut cluster = Cluster::start(Options { groups, ..Options::default() })?;
    let verdict = Growth { rate: args.rate, clients: args.clients, seed: args.seed }.run(&mut cluster)?;
    eprint!("{}", verdict.table());
    println!("{}", verdict.json());
    Ok(if verdict.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(8) })
}
