//! Answers that must never be, whatever goes wrong: panics and errors that nobody meant.

use std::collections::BTreeMap;

use super::{Anomaly, Verdict};
use crate::history::Op;

/// Collects answers that the client called unexpected.
#[must_use]
pub fn check(ops: &[Op]) -> Verdict {
    let mut found: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for op in ops {
        if let Some(what) = op.error.as_deref().and_then(|error| error.strip_prefix("unexpected ")) {
            found.entry(what).or_default().push(op.index);
        }
    }
    let mut verdict = Verdict::default();
    for (what, mut ops) in found {
        let detail = format!("{what}, {} times", ops.len());
        ops.truncate(3);
        verdict.anomalies.push(Anomaly::new("unexpected_answer", detail, ops));
    }
    verdict
}
