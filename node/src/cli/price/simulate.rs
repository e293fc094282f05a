//! `boxoffice price simulate`: what another policy would have made of a sale that was recorded. The buyers are those of the record:
//! who would not have paid more is not known.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use boxoffice_api::client::read_policy;
use boxoffice_ledger::pricing::{Simulation, simulate};
use boxoffice_ledger::time::Timestamp;
use serde_json::json;

use super::{Output, Record, SimulateArgs};

/// Most steps of a simulation.
const STEPS_MAX: usize = 1_000_000;

pub fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let name = args.file.display();
    let text = std::fs::read_to_string(&args.file).with_context(|| format!("read {name}"))?;
    let record = Record::read(&text).with_context(|| format!("read {name}"))?;
    let policy = read_policy(&bytes(&args.policy)?).with_context(|| format!("read {}", args.policy.display()))?;
    let place = usize::from(args.level);
    let (Some(level), Some(course)) = (record.head.levels.get(place), record.courses.get(place)) else {
        bail!("the record has no price level {place}");
    };
    let price = args.price.unwrap_or(level.price);
    let simulation = simulate(&policy, price, level.capacity, course, STEPS_MAX);
    match args.output {
        Output::Json | Output::Jsonl => print_json(&level.name, policy.name(), &simulation),
        Output::Table => print_table(&level.name, policy.name(), &simulation),
    }
    Ok(ExitCode::SUCCESS)
}

fn bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path != Path::new("-") {
        return std::fs::read(path).with_context(|| format!("read {}", path.display()));
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).context("read the policy from standard input")?;
    Ok(bytes)
}

fn moment(at: Timestamp) -> String {
    let at = i64::try_from(at.0).ok().and_then(|at| jiff::Timestamp::from_microsecond(at).ok());
    at.map(|at| at.to_string()).unwrap_or_default()
}

fn print_json(level: &str, policy: &str, simulation: &Simulation) {
    let prices = simulation.prices.iter().map(|one| json!({"at": moment(one.at), "sold": one.sold, "price": one.price}));
    let (revenue, sold, cut) = (simulation.revenue, simulation.sold, simulation.cut);
    let prices: Vec<_> = prices.collect();
    println!("{}", json!({"level": level, "policy": policy, "prices": prices, "revenue": revenue, "sold": sold, "cut": cut}));
}

fn print_table(level: &str, policy: &str, simulation: &Simulation) {
    println!("{:<27} {:>8} {:>12}", "from", "sold", "price");
    for one in &simulation.prices {
        println!("{:<27} {:>8} {:>12}", moment(one.at), one.sold, one.price);
    }
    let average = simulation.revenue.checked_div(simulation.sold).unwrap_or(0);
    println!("{level}, {policy}: {} sold for {} in all, {average} on average", simulation.sold, simulation.revenue);
    if simulation.cut {
        eprintln!("the record is longer than {STEPS_MAX} steps: the rest was left out");
    }
}
