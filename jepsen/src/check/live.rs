//! Maps that are watched: every message follows on what the watcher has, nobody's map goes back, maps at one revision are the same for
//! everybody, and they are what the ledger says.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Anomaly, Verdict};
use crate::history::{Kind, Record};

/// Judges what watchers saw.
#[must_use]
pub fn check(records: &[Record]) -> Verdict {
    let (mut seen, mut asked) = (Seen::default(), BTreeMap::new());
    for record in records.iter().filter(|record| ["frame", "caught", "as_of"].contains(&record.f.as_str())) {
        if record.kind == Kind::Invoke {
            asked.insert(record.process, record.index);
        } else {
            seen.take(record, asked.get(&record.process).copied().unwrap_or(record.index));
        }
    }
    let Seen { mut verdict, frames, behind, resyncs, caught, compared, .. } = seen;
    verdict.anomalies.truncate(20);
    if caught == 0 || frames == 0 {
        verdict.unknown.push("nobody watched a map to the end".into());
    }
    let counts = [
        ("messages of maps", frames),
        ("maps that were followed to the end", caught),
        ("maps compared with the ledger of then", compared),
        ("times a node was behind a watcher", behind),
        ("times a watcher was told to start over", resyncs),
    ];
    counts.into_iter().for_each(|(name, count)| verdict.count(name, count));
    verdict
}

#[derive(Default)]
struct Seen<'a> {
    verdict: Verdict,
    /// The first map that anybody saw of an event at a revision, and where.
    maps: BTreeMap<(u64, u64), (&'a Value, u64)>,
    /// The revision of each watcher's map of an event.
    own: BTreeMap<(u64, u64), u64>,
    frames: usize,
    behind: usize,
    resyncs: usize,
    caught: usize,
    compared: usize,
}

impl<'a> Seen<'a> {
    fn take(&mut self, record: &'a Record, op: u64) {
        let number = |name: &str| record.value[name].as_u64().unwrap_or(0);
        let (event, rev, states) = (number("event"), number("rev"), &record.value["states"]);
        let at = format!("event {event} at {rev}, node {}", record.node.unwrap_or(0));
        match (record.f.as_str(), record.kind, record.error.as_deref()) {
            ("frame", Kind::Ok, _) => {
                self.frames += 1;
                let last = self.own.insert((record.process, event), rev).unwrap_or(0);
                if rev < last {
                    self.wrong("map_goes_back", format!("{at}: from {last}"), vec![op]);
                }
            }
            ("frame", _, Some("behind")) => self.behind += 1,
            ("frame", _, Some("resync")) => {
                self.resyncs += 1;
                self.own.remove(&(record.process, event));
            }
            ("frame", _, Some("gap")) => {
                self.own.remove(&(record.process, event));
                self.wrong("gap_in_a_map", format!("{at}: {}", record.value), vec![op]);
            }
            ("caught", Kind::Ok, _) => {
                self.caught += 1;
                if *states != record.value["ledger"] {
                    self.wrong("map_did_not_converge", format!("{at}: {states}, the ledger {}", record.value["ledger"]), vec![op]);
                }
            }
            ("as_of", Kind::Ok, _) => self.compared += 1,
            _ => {}
        }
        if record.kind == Kind::Ok && rev > 0 {
            let (known, other) = *self.maps.entry((event, rev)).or_insert((states, op));
            if known != states {
                let name = if record.f == "as_of" { "map_is_not_the_ledgers" } else { "maps_differ" };
                self.wrong(name, format!("{at}: {states}, elsewhere {known}"), vec![other, op]);
            }
        }
    }

    fn wrong(&mut self, name: &str, detail: String, ops: Vec<u64>) {
        self.verdict.anomalies.push(Anomaly::new(name, detail, ops));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Default)]
    struct Tale(Vec<Record>);

    impl Tale {
        fn note(mut self, process: u64, f: &str, end: (Kind, Value, Option<&str>)) -> Self {
            for (kind, value, error) in [(Kind::Invoke, json!({}), None), end] {
                let (index, error) = (self.0.len() as u64, error.map(str::to_owned));
                let (time, node, position) = (index, Some(1), None);
                self.0.push(Record { index, time, process, kind, f: f.into(), value, position, node, error });
            }
            self
        }

        fn frame(self, process: u64, rev: u64, states: Value) -> Self {
            self.note(process, "frame", (Kind::Ok, json!({"event": 0, "rev": rev, "states": states}), None))
        }

        fn was(self, rev: u64, states: Value) -> Self {
            self.note(9, "as_of", (Kind::Ok, json!({"event": 0, "rev": rev, "states": states}), None))
        }

        fn failed(self, why: &str) -> Self {
            self.note(1, "frame", (Kind::Fail, json!({"event": 0}), Some(why)))
        }

        fn caught(self, rev: u64, states: Value, ledger: Value) -> Vec<String> {
            let value = json!({"event": 0, "rev": rev, "states": states, "ledger": ledger});
            let records = self.note(8, "caught", (Kind::Ok, value, None)).0;
            check(&records).anomalies.into_iter().map(|anomaly| anomaly.name).collect()
        }
    }

    fn begun() -> Tale {
        Tale::default().frame(1, 5, json!([0, 0])).frame(2, 7, json!([1, 0]))
    }

    #[test]
    fn maps_that_follow_the_ledger_are_good() {
        let tale = begun().frame(1, 7, json!([1, 0])).failed("behind").was(5, json!([0, 0])).was(7, json!([1, 0]));
        assert_eq!(tale.caught(7, json!([1, 0]), json!([1, 0])), Vec::<String>::new());
    }

    #[test]
    fn what_goes_wrong_with_a_map_is_found() {
        let end = |tale: Tale| tale.caught(7, json!([1, 0]), json!([1, 0]));
        assert_eq!(end(begun().failed("gap")), ["gap_in_a_map"]);
        assert_eq!(end(begun().frame(1, 4, json!([0, 0]))), ["map_goes_back"]);
        assert_eq!(end(begun().frame(1, 7, json!([2, 0]))), ["maps_differ"]);
        assert_eq!(end(begun().was(5, json!([0, 1]))), ["map_is_not_the_ledgers"]);
        assert_eq!(begun().caught(7, json!([1, 0]), json!([1, 2])), ["map_did_not_converge"]);
    }

    #[test]
    fn who_is_told_to_start_over_may_begin_earlier() {
        let tale = begun().failed("resync").frame(1, 3, json!([0, 0]));
        assert_eq!(tale.caught(7, json!([1, 0]), json!([1, 0])), Vec::<String>::new());
    }

    #[test]
    fn maps_that_nobody_watched_are_not_judged() {
        assert_eq!(check(&[]).unknown.len(), 1);
    }
}
