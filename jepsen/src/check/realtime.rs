//! The order of the log against the clock on the wall: what was answered before something else was asked stands before it.

use super::{Anomaly, Verdict};
use crate::history::{Kind, LOOKS, Op, Position};

/// Checks all operations with a position, group by group.
#[must_use]
pub fn check(ops: &[Op]) -> Verdict {
    let mut verdict = Verdict::default();
    let is_dated = |op: &Op| op.f == "read" || !LOOKS.contains(&op.f.as_str());
    let placed = |op: &&Op| op.end == Kind::Ok && is_dated(op) && op.position.is_some() && op.got["replayed"].as_bool() != Some(true);
    let mut asked: Vec<&Op> = ops.iter().filter(placed).collect();
    asked.sort_by_key(|op| op.from);
    let mut answered = asked.clone();
    answered.sort_by_key(|op| op.to);
    verdict.count("positions checked against time", asked.len());
    let mut newest: std::collections::BTreeMap<u32, (&Op, u64)> = std::collections::BTreeMap::new();
    let mut seen = answered.into_iter().peekable();
    for op in asked {
        while let Some(before) = seen.next_if(|before| before.to < op.from) {
            let Some(Position { group, index }) = before.position else { continue };
            let known = newest.entry(group).or_insert((before, index));
            if known.1 < index {
                *known = (before, index);
            }
        }
        let Some(Position { group, index }) = op.position else { continue };
        let Some((before, least)) = newest.get(&group) else { continue };
        let is_read = op.f == "read";
        if index < *least || (index == *least && !is_read && before.f != "read") {
            let name = if is_read { "stale_read" } else { "order_against_time" };
            let detail = format!("{} at index {index} was asked after {} at index {least} was answered", op.f, before.f);
            verdict.anomalies.push(Anomaly::new(name, detail, vec![before.index, op.index]));
        }
    }
    verdict.anomalies.truncate(20);
    verdict
}
