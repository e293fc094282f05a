//! Checkers: from a history to a verdict. Each looks at the history alone, so that a stored run can be judged again.

pub mod catalog;
pub mod ledger;
pub mod live;
pub mod looks;
pub mod members;
pub mod order;
pub mod realtime;
pub mod replicas;
pub mod search;
pub mod seats;
pub mod tickets;
pub mod wrong;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::history::{Op, Record};

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    /// Which promise is broken: a short name, the same for the same kind of thing.
    pub name: String,
    /// What happened, for people.
    pub detail: String,
    /// The least operations that show it, by the index of their invocation.
    pub ops: Vec<u64>,
}

impl Anomaly {
    /// One of this name.
    #[must_use]
    pub fn new(name: &str, detail: String, ops: Vec<u64>) -> Self {
        Self { name: name.into(), detail, ops }
    }
}

/// How a history came out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// What is wrong; nothing = nothing was found.
    pub anomalies: Vec<Anomaly>,
    /// What could not be judged; a run with such a thing is not good either.
    pub unknown: Vec<String>,
    /// What was looked at, by name.
    pub counts: std::collections::BTreeMap<String, u64>,
}

impl Verdict {
    /// Whether everything was judged and nothing is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.anomalies.is_empty() && self.unknown.is_empty()
    }

    /// `true`, `false`, or `unknown`, as Jepsen says it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (self.anomalies.is_empty(), self.unknown.is_empty()) {
            (false, _) => "false",
            (true, false) => "unknown",
            (true, true) => "true",
        }
    }

    /// Adds what another checker found.
    pub fn add(&mut self, other: Self) {
        self.anomalies.extend(other.anomalies);
        self.unknown.extend(other.unknown);
        for (name, count) in other.counts {
            *self.counts.entry(name).or_default() += count;
        }
    }

    fn count(&mut self, name: &str, count: usize) {
        *self.counts.entry(name.into()).or_default() += count as u64;
    }
}

/// Judges a history of seats: in the order of the log, by search, by the clock on the wall, and by answers that must not be.
#[must_use]
pub fn seats(records: &[Record], hold_ttl_ns: u64) -> Verdict {
    let ops = crate::history::operations(records);
    let rows = seats::rows(&ops, hold_ttl_ns);
    let mut verdict = Verdict::default();
    verdict.add(order::check(&rows));
    verdict.add(search::check(&rows));
    verdict.add(realtime::check(&ops));
    verdict.add(wrong::check(&ops));
    verdict
}

/// Operations in words, for the explanation of an anomaly.
#[must_use]
pub fn explain(ops: &[Op], anomaly: &Anomaly) -> String {
    let mut text = format!("{}: {}\n", anomaly.name, anomaly.detail);
    for op in ops.iter().filter(|op| anomaly.ops.contains(&op.index)) {
        let end = if op.to == u64::MAX { "?".to_owned() } else { format!("{:.4}", op.to as f64 / 1e9) };
        let position = op.position.map_or_else(String::new, |at| format!(" at {}:{}", at.group, at.index));
        let error = op.error.as_deref().unwrap_or("");
        let from = op.from as f64 / 1e9;
        text.push_str(&format!(
            "  [{from:.4} .. {end} s] process {} {} {} -> {:?} {} {error}{position}\n",
            op.process, op.f, op.asked, op.end, op.got
        ));
    }
    text
}
