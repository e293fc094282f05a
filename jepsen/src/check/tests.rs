//! Histories that must fail, and one that must not: a checker that finds nothing wrong with these is wrong itself.

use serde_json::{Value, json};

use super::seats;
use crate::history::{Kind, Position, Record};

const TTL_NS: u64 = 120_000_000_000;

#[derive(Default)]
struct Tale(Vec<Record>);

impl Tale {
    /// Process, operation, value and answer, from and to (in milliseconds), and the index of the entry.
    fn op(mut self, process: u64, f: &str, asked: Value, end: (Kind, Value), time: (u64, u64), index: u64) -> Self {
        let record = |kind, value, at: u64| Record {
            index: 0,
            time: at * 1_000_000,
            process,
            kind,
            f: f.into(),
            value,
            position: None,
            node: None,
            error: None,
        };
        self.0.push(record(Kind::Invoke, asked, time.0));
        let position = (index > 0).then_some(Position { group: 1, index });
        let error = (end.0 == Kind::Fail).then(|| if f == "hold" { "seat_unavailable".to_owned() } else { "hold_ended".to_owned() });
        self.0.push(Record { position, error, ..record(end.0, end.1, time.1) });
        self
    }

    fn held(self, process: u64, hold: &str, time: (u64, u64), index: u64) -> Self {
        self.op(process, "hold", json!({"seats": [0]}), (Kind::Ok, json!({"hold": hold})), time, index)
    }

    fn then(self, process: u64, f: &str, hold: &str, kind: Kind, time: (u64, u64), index: u64) -> Self {
        self.op(process, f, json!({"seats": [0], "hold": hold}), (kind, json!({})), time, index)
    }

    fn read(self, process: u64, state: u64, time: (u64, u64), index: u64) -> Self {
        self.op(process, "read", json!({}), (Kind::Ok, json!({"states": [state]})), time, index)
    }

    /// Names of the anomalies, each once.
    fn anomalies(mut self) -> Vec<String> {
        self.0.sort_by_key(|record| record.time);
        (0..).zip(&mut self.0).for_each(|(index, record)| record.index = index);
        let mut names: Vec<String> = seats(&self.0, TTL_NS).anomalies.into_iter().map(|anomaly| anomaly.name).collect();
        names.sort();
        names.dedup();
        names
    }
}

#[test]
fn a_good_history_is_good() {
    let tale = Tale::default()
        .held(1, "a", (0, 10), 1)
        .read(9, 1, (11, 12), 1)
        .op(2, "hold", json!({"seats": [0]}), (Kind::Fail, json!({"conflicts": [0]})), (5, 15), 2)
        .then(1, "confirm", "a", Kind::Ok, (20, 30), 3)
        .read(9, 2, (31, 32), 3)
        .then(3, "void", "a", Kind::Ok, (40, 50), 4)
        .held(2, "b", (45, 60), 5)
        .then(2, "release", "b", Kind::Ok, (61, 70), 6);
    assert_eq!(tale.anomalies(), Vec::<String>::new());
}

#[test]
fn a_double_sale_is_found_by_order_and_by_search() {
    let tale = Tale::default().held(1, "a", (0, 10), 1).then(1, "confirm", "a", Kind::Ok, (20, 30), 2).held(2, "b", (40, 50), 3).then(
        2,
        "confirm",
        "b",
        Kind::Ok,
        (60, 70),
        4,
    );
    assert_eq!(tale.anomalies(), ["double_sale", "not_linearizable"]);
}

#[test]
fn a_lost_confirm_is_found() {
    let tale = Tale::default().held(1, "a", (0, 10), 1).then(1, "confirm", "a", Kind::Ok, (20, 30), 2).read(9, 0, (40, 50), 2);
    assert_eq!(tale.anomalies(), ["not_linearizable"]);
}

#[test]
fn a_stale_read_is_found_by_search_and_by_its_position() {
    let tale = Tale::default().held(1, "a", (0, 10), 5).read(9, 0, (20, 30), 4);
    assert_eq!(tale.anomalies(), ["not_linearizable", "stale_read"]);
}

#[test]
fn a_resurrected_hold_is_found() {
    let tale = Tale::default().held(1, "a", (0, 10), 1).then(1, "release", "a", Kind::Ok, (20, 30), 2).then(
        2,
        "confirm",
        "a",
        Kind::Ok,
        (40, 50),
        3,
    );
    assert_eq!(tale.anomalies(), ["confirm_without_hold", "not_linearizable"]);
}

#[test]
fn an_effect_that_happens_twice_is_found() {
    // One hold was asked for, its answer was lost, it was asked for again under the same key, and took a second seat's turn.
    let tale = Tale::default()
        .op(1, "hold", json!({"seats": [0]}), (Kind::Ok, json!({"hold": "a"})), (0, 40), 1)
        .then(1, "release", "a", Kind::Ok, (50, 60), 2)
        .op(2, "hold", json!({"seats": [0]}), (Kind::Fail, json!({"conflicts": [0]})), (70, 80), 3);
    assert_eq!(tale.anomalies(), ["not_linearizable", "refused_though_free"]);
}

#[test]
fn a_hold_that_runs_out_in_time_is_good_and_too_early_is_not() {
    let after = |ms: u64| Tale::default().held(1, "a", (0, 10), 1).held(2, "b", (ms, ms + 10), 2).anomalies();
    assert_eq!(after(120_000), Vec::<String>::new());
    assert_eq!(after(60_000), ["double_sale", "not_linearizable"]);
}

#[test]
fn an_order_against_time_is_found() {
    let tale = Tale::default().held(1, "a", (0, 10), 7).then(1, "release", "a", Kind::Ok, (20, 30), 6);
    assert!(tale.anomalies().contains(&"order_against_time".to_owned()));
}

#[test]
fn what_may_have_happened_is_no_excuse_for_more_than_it_explains() {
    let tale = || Tale::default().held(1, "a", (0, 10), 1).then(1, "confirm", "a", Kind::Info, (20, 30), 0);
    assert_eq!(tale().read(9, 2, (40, 50), 2).anomalies(), Vec::<String>::new());
    assert_eq!(tale().read(9, 1, (40, 50), 1).anomalies(), Vec::<String>::new());
    assert_eq!(tale().read(9, 2, (40, 50), 2).read(9, 1, (60, 70), 2).anomalies(), ["not_linearizable"]);
}
