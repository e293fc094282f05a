//! What happened, as one number: two runs with the same hash went the same way. And the judge: what must not happen, by name.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its name.
    pub name: &'static str,
    /// What was seen.
    pub detail: String,
    /// When, in simulated milliseconds since the start.
    pub at_ms: u64,
}

/// Collects. Clones share what they know.
#[derive(Clone)]
pub struct Trace(Arc<Mutex<Inner>>);

struct Inner {
    origin: Instant,
    hash: u64,
    events: u64,
    verbose: bool,
    violations: Vec<Violation>,
    last: Vec<String>,
}

/// Lines that are kept for a failure.
const KEPT: usize = 40;

impl Trace {
    /// Begins now.
    #[must_use]
    pub fn new(verbose: bool) -> Self {
        let inner =
            Inner { origin: Instant::now(), hash: 0xcbf2_9ce4_8422_2325, events: 0, verbose, violations: Vec::new(), last: Vec::new() };
        Self(Arc::new(Mutex::new(inner)))
    }

    /// Simulated microseconds since the start.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        u64::try_from(self.0.lock().origin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Something small happened.
    pub fn note(&self, numbers: &[u64]) {
        let now = self.now_us();
        let mut inner = self.0.lock();
        inner.events += 1;
        for number in std::iter::once(&now).chain(numbers) {
            inner.hash = (inner.hash ^ number).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
        }
    }

    /// Something worth a line happened.
    pub fn say(&self, line: impl FnOnce() -> String) {
        let now = self.now_us();
        let line = format!("{:9.3}  {}", now as f64 / 1e6, line());
        self.note(&line.bytes().map(u64::from).collect::<Vec<_>>());
        let mut inner = self.0.lock();
        if inner.verbose {
            println!("{line}");
        }
        if inner.last.len() == KEPT {
            inner.last.remove(0);
        }
        inner.last.push(line);
    }

    /// An invariant does not hold.
    pub fn wrong(&self, name: &'static str, detail: String) {
        self.say(|| format!("WRONG {name}: {detail}"));
        let at_ms = self.now_us() / 1000;
        self.0.lock().violations.push(Violation { name, detail, at_ms });
    }

    /// What did not hold, in the order it was seen.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.0.lock().violations.clone()
    }

    /// Whether something did not hold.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        !self.0.lock().violations.is_empty()
    }

    /// The hash so far, and of how many events.
    #[must_use]
    pub fn hash(&self) -> (u64, u64) {
        let inner = self.0.lock();
        (inner.hash, inner.events)
    }

    /// The last lines.
    #[must_use]
    pub fn last(&self) -> Vec<String> {
        self.0.lock().last.clone()
    }
}
