//! Cuts the power of the disks of a real cluster again and again while it sells, and checks that everything acknowledged is
//! there afterwards. Needs root (a loop-mounted ext4 a node). Exit code 8 when something is wrong.

use std::process::ExitCode;

use boxoffice_tests::campaign::{Campaign, Fault, GAP_MAX};
use boxoffice_tests::power;
use clap::Parser;
use jepsen::disk::Disk;

/// Power cuts under load.
#[derive(Parser)]
struct Args {
    /// How many cuts.
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// Cut all nodes at once instead of one.
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
    let fault = if args.all_nodes { Fault::CutAll } else { Fault::CutOne };
    let campaign = Campaign { fault, rounds: args.rounds, rate: args.rate, clients: args.clients, seed: args.seed, pause_max: GAP_MAX };
    if let Some(why) = Disk::unavailable() {
        boxoffice_tests::cluster::skip("root", why);
        return Ok(ExitCode::SUCCESS);
    }
    let (cluster, mut disks) = power::cluster_on_disks()?;
    let verdict = campaign.run(&cluster, &mut disks)?;
    eprint!("{}", verdict.table());
    println!("{}", verdict.json());
    drop(cluster);
    Ok(if verdict.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(8) })
}
