//! One seed in a process of its own: no state of another run is left in it, and a panic or a hang is its own.

use std::sync::{Arc, Mutex, PoisonError};

use boxoffice::sim::Idle;
use boxoffice_tests::sim::options::Options;
use boxoffice_tests::sim::run::{Outcome, run};
use boxoffice_tests::sim::trace::Violation;

use super::shadow;

/// Stack of the thread that simulates, in bytes: unoptimised futures are large.
const STACK_BYTES: usize = 64 << 20;

/// What panicked. Tasks that panic end quietly otherwise.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Runs a seed.
///
/// # Errors
/// When it cannot be run at all.
pub fn simulate(options: Options) -> anyhow::Result<Outcome> {
    std::panic::set_hook(Box::new(|panic| {
        let text = format!("{panic}").replace('\n', " ");
        PANICS.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }));
    let dir = tempfile::tempdir()?;
    let idle = Arc::new(Idle::new(dir.path())?);
    let path = dir.path().to_owned();
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || in_thread(options, idle, &path))?;
    let mut outcome = thread.join().unwrap_or_else(|_| Ok(Outcome::default()))?;
    for detail in PANICS.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        outcome.violations.push(Violation { name: "panic", detail, at_ms: outcome.simulated_ms });
    }
    Ok(outcome)
}

fn in_thread(options: Options, idle: Arc<Idle>, path: &std::path::Path) -> anyhow::Result<Outcome> {
    shadow::begin(options.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let outcome = runtime.block_on(async {
        shadow::follow_runtime();
        run(options, idle, path).await
    });
    // Whatever still runs has nothing to say any more.
    runtime.shutdown_background();
    outcome
}
