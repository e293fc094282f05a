//! Many seeds, a few at a time, each in a child process.

use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use boxoffice_tests::sim::run::Outcome;
use boxoffice_tests::sim::trace::Violation;

/// A run that takes longer than this, in real time, hangs.
const HANG: Duration = Duration::from_secs(300);

/// What a child is to run.
#[derive(Clone, Debug)]
pub struct Job {
    /// The seed.
    pub seed: u64,
    /// Simulated seconds with faults.
    pub secs: u64,
    /// A planted bug.
    pub plant: Option<String>,
}

/// How an outcome goes from child to parent: one line.
#[must_use]
pub fn line_of(outcome: &Outcome) -> String {
    let violations: Vec<Value> =
        outcome.violations.iter().map(|one| json!({"name": one.name, "detail": one.detail, "at_ms": one.at_ms})).collect();
    json!({
        "hash": format!("{:016x}", outcome.hash), "events": outcome.events, "acknowledged": outcome.acknowledged,
        "faults": outcome.faults, "simulated_ms": outcome.simulated_ms, "violations": violations,
    })
    .to_string()
}

/// What a run came to, as its parent knows it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Names everything that happened.
    pub hash: String,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Faults.
    pub faults: u64,
    /// Simulated milliseconds.
    pub simulated_ms: u64,
    /// What did not hold: name, what was seen, when.
    pub violations: Vec<(String, String, u64)>,
}

/// Runs a job.
///
/// # Errors
/// When the child says nothing.
pub fn run(job: &Job) -> anyhow::Result<Report> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--child", "--seed", &job.seed.to_string(), "--secs", &job.secs.to_string()]);
    command.env("BOXOFFICE_PLANTED", job.plant.as_deref().unwrap_or_default());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let since = Instant::now();
    while child.try_wait()?.is_none() {
        if since.elapsed() > HANG {
            child.kill()?;
            child.wait()?;
            return Ok(broken("hang", format!("no end after {HANG:?}")));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().last().map(serde_json::from_str::<Value>) {
        Some(Ok(line)) => read(&line).context("what the child says makes no sense"),
        _ => Ok(broken("crash", String::from_utf8_lossy(&output.stderr).chars().take(400).collect())),
    }
}

fn broken(name: &'static str, detail: String) -> Report {
    let violation = Violation { name, detail, at_ms: 0 };
    Report { violations: vec![(violation.name.to_owned(), violation.detail, violation.at_ms)], ..Report::default() }
}

fn read(line: &Value) -> Option<Report> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let violations = line["violations"].as_array()?.iter();
    Some(Report {
        hash: text(&line["hash"])?,
        acknowledged: line["acknowledged"].as_u64()?,
        faults: line["faults"].as_u64()?,
        simulated_ms: line["simulated_ms"].as_u64()?,
        violations: violations
            .map(|one| Some((text(&one["name"])?, text(&one["detail"])?, one["at_ms"].as_u64()?)))
            .collect::<Option<_>>()?,
    })
}

/// Runs so many seeds, `at_once` at a time; every `twice_every`-th one twice, comparing the hashes (0 = none). Gives each report to
/// `tell`, which says whether to go on.
///
/// # Errors
/// When a child cannot be run.
pub fn all(
    seeds: std::ops::Range<u64>,
    at_once: usize,
    twice_every: u64,
    job: impl Fn(u64) -> Job + Sync,
    tell: impl FnMut(u64, &Report) -> bool + Send,
) -> anyhow::Result<()> {
    let (next, tell) = (AtomicU64::new(seeds.start), Mutex::new(tell));
    let work = || -> anyhow::Result<()> {
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= seeds.end {
                return Ok(());
            }
            let job = job(seed);
            let mut report = run(&job)?;
            if twice_every > 0 && seed % twice_every == 0 {
                let again = run(&job)?;
                if again.hash != report.hash {
                    report.violations.push(("not_repeatable".to_owned(), format!("{} and {}", report.hash, again.hash), 0));
                }
            }
            let Ok(mut tell) = tell.lock() else { bail!("telling panicked") };
            if !tell(seed, &report) {
                next.store(seeds.end, Ordering::SeqCst);
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once.max(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a worker panicked")))
    })
}
