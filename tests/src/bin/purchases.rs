//! Purchases against the sandbox provider with every fault, while nodes and the provider are killed; ends by comparing both books to
//! the cent. Exit code 8 when they differ or something does not settle.

use std::process::ExitCode;
use std::time::Duration;

use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::purchases::{Plan, run};
use clap::Parser;

/// Purchases under trouble.
#[derive(Parser)]
struct Args {
    /// How many purchases.
    #[arg(long, default_value_t = 20_000)]
    purchases: u64,
    /// Buyers at once.
    #[arg(long, default_value_t = 32)]
    buyers: u64,
    /// Rate of every fault of the provider.
    #[arg(long, default_value_t = 0.1)]
    fault: f64,
    /// Seconds between kills; 0 = none.
    #[arg(long, default_value_t = 10)]
    kill_every: u64,
    /// Draws everything that is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let kill_every = (args.kill_every > 0).then(|| Duration::from_secs(args.kill_every));
    let settle = Duration::from_secs(900);
    let plan =
        Plan { purchases: args.purchases, buyers: args.buyers, fault: args.fault, kill_every, seed: args.seed, settle, abandon: true };
    let cluster = Cluster::start(Options::default())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match runtime.block_on(run(&cluster, &plan)) {
        Ok(report) => {
            println!("{report:#?}");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("{error:#}");
            Ok(ExitCode::from(8))
        }
    }
}
