//! Kills nodes of a real cluster again and again while it sells, and checks that nothing acknowledged is lost, nothing is
//! sold twice, booking goes on in time and all replicas stay the same. Exit code 8 when something is wrong.

use std::process::ExitCode;

use boxoffice_tests::campaign::{Campaign, Fault, GAP_MAX};
use boxoffice_tests::cluster::{Cluster, Options};
use clap::Parser;

/// kill -9 under load.
#[derive(Parser)]
struct Args {
    /// How many kills.
    #[arg(long, default_value_t = 50)]
    rounds: u32,
    /// Kill all nodes at once instead of one.
    #[arg(long)]
    all_nodes: bool,
    /// Booking attempts a second.
    #[arg(long, default_value_t = 300.0)]
    rate: f64,
    /// Clients.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Draws the victims.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let fault = if args.all_nodes { Fault::KillAll } else { Fault::KillOne };
    let campaign = Campaign { fault, rounds: args.rounds, rate: args.rate, clients: args.clients, seed: args.seed, pause_max: GAP_MAX };
    let cluster = Cluster::start(Options { groups: boxoffice_cluster_config::groups::GroupCounts::default(), ..Options::default() })?;
    let verdict = campaign.run(&cluster, &mut [])?;
    eprint!("{}", verdict.table());
    println!("{}", verdict.json());
    Ok(if verdict.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(8) })
}
