//! How looking went while faults were at work: clients that look go to another node when one does not answer, so nobody should notice.

use serde_json::{Value, json};

use crate::history::{Kind, LOOKS, Record, operations};

/// A look that took longer was noticed, in nanoseconds.
const SLOW_NS: u64 = 1_000_000_000;

/// Looks of a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// How many ended.
    pub all: u64,
    /// How many got no answer at any node.
    pub failed: u64,
    /// How many took longer than a second.
    pub slow: u64,
    /// The longest, in nanoseconds.
    pub longest_ns: u64,
}

impl Looks {
    /// For the results.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({"all": self.all, "failed": self.failed, "slow": self.slow, "longest_s": self.longest_ns as f64 / 1e9})
    }
}

/// Searches, and looks at events, that began in this while; linearizable reads wait for a leader and are not among them.
#[must_use]
pub fn within(records: &[Record], from: u64, to: u64) -> Looks {
    let mut looks = Looks::default();
    let is_one = |f: &str| LOOKS.contains(&f) && ["search", "show"].contains(&f);
    for op in operations(records).iter().filter(|op| is_one(&op.f) && (from..to).contains(&op.from) && op.end != Kind::Info) {
        let took = op.to - op.from;
        looks.all += 1;
        looks.failed += u64::from(op.end == Kind::Fail);
        looks.slow += u64::from(took > SLOW_NS);
        looks.longest_ns = looks.longest_ns.max(took);
    }
    looks
}
