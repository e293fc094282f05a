//! All runs that are worth having, one after the other: a cell a workload and fault, and a long one with everything mixed. What is done
//! already is not done again, so that a suite that was broken off goes on where it was.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum as _;

use crate::nemesis::Fault;
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
}

/// One run of it.
struct Cell {
    name: String,
    workload: Workload,
    faults: Vec<Fault>,
    time: Duration,
}

/// After these a node is gone for good.
const LOSSES: [Fault; 4] = [Fault::FlipLog, Fault::FlipSnapshot, Fault::Wipe, Fault::OldData];

impl Suite {
    fn cells(&self) -> Vec<Cell> {
        let all = || Fault::value_variants().iter().copied().filter(|fault| *fault != Fault::Bridge || self.nodes >= 5);
        let single = |workload: Workload| {
            all().map(move |fault| Cell {
                name: format!("{}-{}", workload.name(), fault.name()),
                workload,
                faults: vec![fault],
                time: self.cell,
            })
        };
        let lasting: Vec<Fault> = all().filter(|fault| !LOSSES.contains(fault)).collect();
        let mixed = |name: &str, workload: Workload, time: Duration| Cell { name: name.into(), workload, faults: lasting.clone(), time };
        let mut cells: Vec<Cell> = single(Workload::Seat).chain(single(Workload::Sale)).collect();
        cells.push(mixed("idempotency-mixed", Workload::Idempotency, self.cell * 2));
        cells.push(mixed("seat-everything", Workload::Seat, self.long));
        cells
    }

    /// Runs what is not done yet, and gives the table of all that is; a cell that could not be run is told and left for the next time.
    ///
    /// # Errors
    /// When nothing can be written.
    pub async fn run(&self) -> anyhow::Result<String> {
        std::fs::create_dir_all(&self.folder)?;
        let mut rows = Vec::new();
        for cell in self.cells() {
            let folder = self.folder.join(&cell.name);
            let outcome = match done(&folder) {
                Some(outcome) => Ok(outcome),
                None => self.run_cell(&cell, &folder).await,
            };
            let row = match outcome {
                Ok(outcome) => row(&cell.name, &outcome),
                Err(error) => format!("| {} | could not be run: {error:#} | | | | |", cell.name).replace('\n', " "),
            };
            eprintln!("{row}");
            rows.push(row);
            std::fs::write(self.folder.join("table.md"), table(&rows))?;
        }
        Ok(table(&rows))
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
    let at = |share: f64| {
        without.get((without.len() as f64 * share) as usize).or(without.last()).map_or("-".to_owned(), |s| format!("{s:.2} s"))
    };
    let valid = match (outcome.skipped.is_empty(), outcome.faults.is_empty()) {
        (false, true) => format!("skipped ({})", outcome.skipped.join("; ")),
        (false, false) => format!("{} (skipped {})", outcome.valid, outcome.skipped.join("; ")),
        (true, _) => outcome.valid.clone(),
    };
    format!("| {name} | {} | {} | {} | {} | {valid} |", outcome.operations, outcome.faults.len(), at(0.5), at(1.0))
}

fn table(rows: &[String]) -> String {
    let mut text = String::from("| run | operations | faults | without a write, p50 | max | valid |\n|---|---|---|---|---|---|\n");
    rows.iter().for_each(|row| {
        let _ = writeln!(text, "{row}");
    });
    text
}
