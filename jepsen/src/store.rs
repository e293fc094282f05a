//! What a run leaves behind: `store/<time>/` with the history (lines of JSON and EDN), the verdict, plots, a timeline and the nodes' logs.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueEnum as _;
use serde_json::{Value, json};

use crate::check::{self, Verdict};
use crate::history::{self, Kind, Record};
use crate::nemesis::Struck;
use crate::net::Net;
use crate::run::{Outcome, Plan};
use crate::workload::Workload;

/// Writes a run into its store.
///
/// # Errors
/// When a file cannot be written.
pub fn write(plan: &Plan, records: &[Record], outcome: &Outcome) -> anyhow::Result<()> {
    let file = |name: &str| plan.store.join(name);
    history::write(&file("history.jsonl"), records)?;
    let lines: String = records.iter().map(|record| history::edn(record) + "\n").collect();
    std::fs::write(file("history.edn"), lines)?;
    std::fs::write(file("test.json"), serde_json::to_string_pretty(&test(plan))?)?;
    std::fs::write(file("results.json"), serde_json::to_string_pretty(outcome)?)?;
    std::fs::write(file("results.txt"), explained(records, &outcome.verdict))?;
    std::fs::write(file("latency.svg"), crate::report::latency(records))?;
    std::fs::write(file("rate.svg"), crate::report::rate(records))?;
    std::fs::write(file("index.html"), crate::report::page(plan, records, outcome))?;
    Ok(())
}

/// What is needed to do the run again.
fn test(plan: &Plan) -> Value {
    let faults: Vec<String> = plan.faults.iter().map(|fault| fault.name()).collect();
    json!({
        "workload": plan.workload.name(), "faults": faults, "time_s": plan.time.as_secs(), "seed": plan.seed, "nodes": plan.nodes,
        "clients": plan.clients, "rate": plan.rate, "environment": plan.environment, "again": again(plan),
    })
}

/// The command that does the same again.
#[must_use]
pub fn again(plan: &Plan) -> String {
    let faults: Vec<String> = plan.faults.iter().map(|fault| fault.name()).collect();
    let net = if plan.net == Net::Namespaces { " --net namespaces" } else { "" };
    let faults = if faults.is_empty() { String::new() } else { format!(" --faults {}", faults.join(",")) };
    format!(
        "jepsen run --workload {}{faults}{net} --time {} --seed {} --nodes {}",
        plan.workload.name(),
        plan.time.as_secs(),
        plan.seed,
        plan.nodes
    )
}

fn explained(records: &[Record], verdict: &Verdict) -> String {
    let ops = history::operations(records);
    let mut text = format!("valid: {}\n", verdict.word());
    verdict.counts.iter().for_each(|(name, count)| text.push_str(&format!("{count} {name}\n")));
    verdict.unknown.iter().for_each(|what| text.push_str(&format!("not known: {what}\n")));
    verdict.anomalies.iter().for_each(|anomaly| text.push_str(&format!("\n{}", check::explain(&ops, anomaly))));
    text
}

/// Judges a stored run again from its history alone.
///
/// # Errors
/// When it cannot be read.
pub fn judge(store: &Path) -> anyhow::Result<(Verdict, String)> {
    let records = history::read(&store.join("history.jsonl"))?;
    let text = std::fs::read_to_string(store.join("test.json")).context("read test.json")?;
    let test: Value = serde_json::from_str(&text).context("read test.json")?;
    let named = Workload::value_variants().iter().find(|workload| test["workload"] == workload.name());
    let verdict = named.context("test.json names no workload of this program")?.judge(&records);
    let text = explained(&records, &verdict);
    Ok((verdict, text))
}

/// A folder of its own for a run, below this one.
///
/// # Errors
/// When it cannot be made.
pub fn folder(root: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    for number in 0..1000 {
        let folder = root.join(format!("{name}-{seconds}-{number}"));
        std::fs::create_dir_all(root)?;
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(folder.canonicalize()?),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("make {}", folder.display())),
        }
    }
    anyhow::bail!("no folder can be made below {}", root.display())
}

/// The longest time without a write that happened, in seconds, from the beginning of a fault to the first write that was asked for
/// after its end and happened.
#[must_use]
pub fn back_after(records: &[Record], struck: &Struck) -> Option<f64> {
    let is_write = |record: &&Record| record.kind == Kind::Ok && record.is_of_a_write();
    let end = records.iter().filter(is_write).map(|record| record.time).find(|time| *time > struck.to)?;
    let mut last = struck.from;
    let mut longest = 0;
    for time in records.iter().filter(is_write).map(|record| record.time).filter(|time| (struck.from..=end).contains(time)) {
        longest = longest.max(time - last);
        last = time;
    }
    Some(longest as f64 / 1e9)
}
