//! From the operations of a run to what happened to each seat.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::history::{Kind, Op, Position};
use crate::seat::{Act, Shown};

/// One thing that happened to a seat.
#[derive(Clone, Debug)]
pub struct Touch {
    /// What.
    pub act: Act,
    /// When it was asked, in nanoseconds.
    pub from: u64,
    /// When it was known to have happened; `None` = it may have, or may still.
    pub to: Option<u64>,
    /// Where it was committed. A replayed answer names a later entry than that of the effect, so it has none.
    pub position: Option<Position>,
    /// Index of the operation's invocation.
    pub op: u64,
}

/// How much earlier than its time a hold may run out, as clients measure it: cluster time is told from several clocks.
const EARLY_NS: u64 = 1_000_000_000;

/// More seats than an event of a history has: the seats of the event with number n are counted from n times this.
pub const SEATS_MAX: u64 = 1000;

/// What happened to each seat, in the order of asking.
pub type Rows = BTreeMap<u64, Vec<Touch>>;

/// Sorts operations by seat. Holds live for `hold_ttl_ns` from when they were asked for, and not much less.
#[must_use]
pub fn rows(ops: &[Op], hold_ttl_ns: u64) -> Rows {
    let mut names = Names::default();
    let mut rows = Rows::new();
    for op in ops {
        let first = op.asked["event"].as_u64().unwrap_or(0) * SEATS_MAX;
        let mut add = |seat: u64, touch: Touch| rows.entry(first + seat).or_default().push(touch);
        let is_replay = op.got["replayed"].as_bool().unwrap_or(false);
        let touch = |act| Touch {
            act,
            from: op.from,
            to: (op.to != u64::MAX).then_some(op.to),
            position: op.position.filter(|_| !is_replay),
            op: op.index,
        };
        let hold = || op.asked["hold"].as_str().unwrap_or_default();
        match (op.f.as_str(), op.end) {
            ("hold", Kind::Ok | Kind::Info) => {
                let number = match op.got["hold"].as_str() {
                    Some(id) => names.of(id),
                    None => names.fresh(),
                };
                for seat in numbers(&op.asked["seats"]) {
                    add(seat, touch(Act::Hold(number)));
                    let from = op.from.saturating_add(hold_ttl_ns.saturating_sub(EARLY_NS));
                    add(seat, Touch { act: Act::Expire(number), from, to: None, position: None, op: op.index });
                }
            }
            ("hold", Kind::Fail) => numbers(&op.got["conflicts"]).for_each(|seat| add(seat, touch(Act::HoldRefused))),
            ("read", Kind::Ok) => {
                for (seat, state) in numbers(&op.got["states"]).enumerate() {
                    let shown = [Shown::Free, Shown::Held, Shown::Sold].get(state as usize);
                    shown.into_iter().for_each(|shown| add(seat as u64, touch(Act::Read(*shown))));
                }
            }
            (f @ ("confirm" | "release" | "void"), end) => {
                let number = names.of(hold());
                let ended = matches!(op.error.as_deref(), Some("hold_expired" | "hold_ended"));
                let act = match (f, end) {
                    ("confirm", Kind::Ok | Kind::Info) => Some(Act::Confirm(number)),
                    ("release", Kind::Ok | Kind::Info) => Some(Act::Release(number)),
                    ("void", Kind::Ok | Kind::Info) => Some(Act::Void(number)),
                    ("confirm", Kind::Fail) if ended => Some(Act::ConfirmRefused(number)),
                    ("release", Kind::Fail) if ended => Some(Act::ReleaseRefused(number)),
                    _ => None,
                };
                let Some(act) = act else { continue };
                numbers(&op.asked["seats"]).for_each(|seat| add(seat, touch(act)));
            }
            _ => {}
        }
    }
    rows
}

fn numbers(list: &Value) -> impl Iterator<Item = u64> + '_ {
    list.as_array().into_iter().flatten().filter_map(Value::as_u64)
}

/// Numbers for the ids of holds.
#[derive(Default)]
struct Names {
    known: BTreeMap<String, u32>,
    next: u32,
}

impl Names {
    fn of(&mut self, id: &str) -> u32 {
        if let Some(number) = self.known.get(id) {
            return *number;
        }
        let number = self.fresh();
        self.known.insert(id.to_owned(), number);
        number
    }

    fn fresh(&mut self) -> u32 {
        self.next += 1;
        self.next
    }
}
