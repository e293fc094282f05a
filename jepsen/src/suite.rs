//! All runs that are worth having, one after the other: a cell a workload and fault, and a long one with everything mixed. What is done
//! already is not done again, so that a suite that was broken off goes on where it was.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum as _;

use crate::namespaces;
use crate::nemesis::Fault;
use crate::net::Net;
use crate::run::{Outcome, Plan, run};
use crate::workload::Workload;

/// What the suite is made of.
#[derive(Clone, Debug)]
pub struct Suite {
    /// The program.
    pub binary: PathBuf,
    /// Where it is kept.
    pub folder: PathBuf,
    /// How long a cell is.
    pub cell: Duration,
    /// How long the run with everything mixed is.
    pub long: Duration,
    /// Draws everything.
    pub seed: u64,
    /// How many nodes.
    pub nodes: u64,
    /// Only the cells whose names have one of these in them; empty = all.
    pub only: Vec<String>,
}

/// What a cell that could not be run leaves behind: why.
const FAILED: &str = "failed.txt";

/// One run of it.
struct Cell {
    name: String,
    workload: Workload,
    faults: Vec<Fault>,
    time: Duration,
    net: Net,
}

impl Suite {
    fn cells(&self) -> Vec<Cell> {
        let all = || Fault::value_variants().iter().copied().filter(|fault| *fault != Fault::Bridge || self.nodes >= 5);
        let still = || all().filter(|fault| !fault.changes_members());
        let single = |workload: Workload| {
            still().map(move |fault| Cell {
                name: format!("{}-{}", workload.name(), fault.name()),
                workload,
                faults: vec![fault],
                time: self.cell,
                net: Net::Links,
            })
        };
        let lasting: Vec<Fault> = still().filter(|fault| !fault.loses_a_node() && !fault.begins_anew()).collect();
        let net = Net::Links;
        let mixed =
            |name: &str, workload: Workload, time: Duration| Cell { name: name.into(), workload, faults: lasting.clone(), time, net };
        let mut cells: Vec<Cell> = single(Workload::Seat).chain(single(Workload::Sale)).collect();
        for workload in [Workload::Idempotency, Workload::Ticket, Workload::Search, Workload::Live] {
            cells.push(mixed(&format!("{}-mixed", workload.name()), workload, self.cell * 2));
        }
        // Nodes that join have no links of the harness and no disks of their own, and after a while no founder is left.
        let moving = [Fault::Kill, Fault::KillLeader, Fault::Pause, Fault::PauseLeader];
        let faults = all().filter(|fault| fault.changes_members() || moving.contains(fault)).collect();
        let (workload, time) = (Workload::Membership, self.cell * 3);
        cells.push(Cell { name: "membership-mixed".into(), workload, faults, time, net });
        if namespaces::unavailable().is_none() {
            cells.push(Cell { net: Net::Namespaces, ..mixed("seat-namespaces", Workload::Seat, self.cell * 2) });
        }
        cells.push(mixed("seat-everything", Workload::Seat, self.long));
        cells
    }

    /// Runs what is not done yet; a cell that could not be run is told and left for the next time.
    ///
    /// # Errors
    /// When nothing can be written.
    pub async fn run(&self) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let is_meant = |cell: &Cell| self.only.is_empty() || self.only.iter().any(|part| cell.name.contains(part));
        for cell in self.cells().into_iter().filter(is_meant) {
            let folder = self.folder.join(&cell.name);
            if done(&folder).is_some() {
                continue;
            }
            match self.run_cell(&cell, &folder).await {
                Ok(outcome) => eprintln!("{}", row(&cell.name, &outcome)),
                Err(error) => std::fs::write(folder.join(FAILED), format!("{error:#}"))
                    .map(|()| eprintln!("| {} | could not be run: {error:#}", cell.name))?,
            }
            std::fs::write(self.folder.join("table.md"), self.table().0)?;
        }
        Ok(())
    }

    /// The tables of all that is done, in Markdown: one line a run, and one line a fault. And whether nothing is wrong.
    #[must_use]
    pub fn table(&self) -> (String, bool) {
        let head = "| run | operations | faults | without a write, p50 | max | looks: all, failed, over 1 s | valid |\n";
        let (mut text, mut is_good) = (format!("{head}|---|---|---|---|---|---|---|\n"), true);
        let mut by_fault: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for cell in self.cells() {
            let folder = self.folder.join(&cell.name);
            let failed = std::fs::read_to_string(folder.join(FAILED)).ok();
            let line = match (done(&folder), failed) {
                (Some(outcome), _) => {
                    is_good &= outcome.valid != "false";
                    for fault in &outcome.faults {
                        let name = fault["fault"].as_str().unwrap_or_default().to_owned();
                        by_fault.entry(name).or_default().extend(fault["without_service_s"].as_f64());
                    }
                    row(&cell.name, &outcome)
                }
                (None, Some(why)) => {
                    let why = why.lines().next().unwrap_or_default().to_owned();
                    format!("| {} | could not be run: {why} | | | | | |", cell.name)
                }
                (None, None) => continue,
            };
            let _ = writeln!(text, "{line}");
        }
        text.push_str("\n| fault | times | without a write, p50 | max |\n|---|---|---|---|\n");
        for (fault, mut seconds) in by_fault {
            seconds.sort_by(f64::total_cmp);
            let _ = writeln!(text, "| `{fault}` | {} | {} | {} |", seconds.len(), at(&seconds, 0.5), at(&seconds, 1.0));
        }
        (text, is_good)
    }

    async fn run_cell(&self, cell: &Cell, folder: &Path) -> anyhow::Result<Outcome> {
        // What is left of a run that was broken off.
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder)?;
        let plan = Plan {
            binary: self.binary.clone(),
            store: folder.canonicalize()?,
            workload: cell.workload,
            faults: cell.faults.clone(),
            time: cell.time,
            seed: self.seed,
            nodes: self.nodes,
            clients: 12,
            rate: cell.workload.rate(),
            fault_lasts: Duration::from_secs(4),
            fault_pause: Duration::from_secs(4),
            environment: Vec::new(),
            net: cell.net,
        };
        run(&plan).await.with_context(|| format!("again: {}", crate::store::again(&plan)))
    }
}

fn done(folder: &Path) -> Option<Outcome> {
    serde_json::from_str(&std::fs::read_to_string(folder.join("results.json")).ok()?).ok()
}

fn row(name: &str, outcome: &Outcome) -> String {
    let mut without: Vec<f64> = outcome.faults.iter().filter_map(|fault| fault["without_service_s"].as_f64()).collect();
    without.sort_by(f64::total_cmp);
    let valid = match (outcome.skipped.is_empty(), outcome.faults.is_empty()) {
        (false, true) => format!("skipped ({})", outcome.skipped.join("; ")),
        (false, false) => format!("{} (skipped {})", outcome.valid, outcome.skipped.join("; ")),
        (true, _) => outcome.valid.clone(),
    };
    let look = |name: &str| outcome.looks[name].as_u64().unwrap_or(0);
    let looks = match look("all") {
        0 => "-".to_owned(),
        all => format!("{all}, {}, {}", look("failed"), look("slow")),
    };
    let (half, most) = (at(&without, 0.5), at(&without, 1.0));
    format!("| {name} | {} | {} | {half} | {most} | {looks} | {valid} |", outcome.operations, outcome.faults.len())
}

/// The value that this share of sorted values does not exceed.
fn at(sorted: &[f64], share: f64) -> String {
    let place = ((sorted.len() as f64 * share).ceil() as usize).max(1) - 1;
    sorted.get(place).map_or("-".to_owned(), |seconds| format!("{seconds:.2} s"))
}
