//! What was done and what came back: one record an invocation, one its completion, in the order in which they happened here.
//!
//! As in Jepsen: `ok` = it happened, `fail` = it did not happen, `info` = it may have happened, now or later. A completion names the
//! commit position that the cluster told, so that a history can be checked in the order of the log.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It was asked for.
    Invoke,
    /// It happened.
    Ok,
    /// It did not happen.
    Fail,
    /// It may have happened.
    Info,
}

/// Where in a group's log an effect stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The group.
    pub group: u32,
    /// The index of the entry.
    pub index: u64,
}

impl Position {
    /// Reads `group:index`, or the part of a list of positions that is the first.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (group, index) = text.split(',').next()?.trim().split_once(':')?;
        Some(Self { group: group.parse().ok()?, index: index.parse().ok()? })
    }
}

/// One line of a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Counts from 0.
    pub index: u64,
    /// Nanoseconds since the run began, on one clock.
    pub time: u64,
    /// Who. A process does one thing at a time; faults have the process of [`NEMESIS`].
    pub process: u64,
    /// What it says.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What was done: `hold`, `confirm`, ...
    pub f: String,
    /// With what, or with which result.
    pub value: Value,
    /// Where it was committed, or as of which entry a read is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The node that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The process of faults.
pub const NEMESIS: u64 = u64::MAX;

/// What only looks at something. The first is linearizable; the others are answered by any node from what it has.
pub const LOOKS: [&str; 9] = ["read", "search", "show", "frame", "final", "caught", "as_of", "owned", "members"];

impl Record {
    /// Whether it belongs to something that changes the cluster's state.
    #[must_use]
    pub fn is_of_a_write(&self) -> bool {
        self.process != NEMESIS && !LOOKS.contains(&self.f.as_str())
    }
}

/// An operation: an invocation and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// Index of the invocation.
    pub index: u64,
    /// Who.
    pub process: u64,
    /// What.
    pub f: String,
    /// With what.
    pub asked: Value,
    /// When it was asked, in nanoseconds.
    pub from: u64,
    /// When it completed; `u64::MAX` when it is not known whether it did.
    pub to: u64,
    /// How it ended; `Info` also when nothing came back.
    pub end: Kind,
    /// What came back.
    pub got: Value,
    /// Where it was committed.
    pub position: Option<Position>,
    /// Why it failed.
    pub error: Option<String>,
}

/// Pairs invocations with completions; faults are left out.
#[must_use]
pub fn operations(records: &[Record]) -> Vec<Op> {
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    let mut ops: Vec<Op> = Vec::new();
    for record in records.iter().filter(|record| record.process != NEMESIS) {
        if record.kind == Kind::Invoke {
            open.insert(record.process, ops.len());
            ops.push(Op {
                index: record.index,
                process: record.process,
                f: record.f.clone(),
                asked: record.value.clone(),
                from: record.time,
                to: u64::MAX,
                end: Kind::Info,
                got: Value::Null,
                position: None,
                error: None,
            });
            continue;
        }
        let Some(op) = open.remove(&record.process).map(|at| &mut ops[at]) else { continue };
        op.end = record.kind;
        op.got = record.value.clone();
        op.position = record.position;
        op.error = record.error.clone();
        if record.kind != Kind::Info {
            op.to = record.time;
        }
    }
    ops
}

/// Writes a history as lines of JSON.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, records: &[Record]) -> anyhow::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for record in records {
        serde_json::to_writer(&mut file, record)?;
        file.write_all(b"\n")?;
    }
    Ok(file.flush()?)
}

/// Reads a history that [`write`] wrote.
///
/// # Errors
/// When it cannot be read, with the line that is not understood.
pub fn read(path: &Path) -> anyhow::Result<Vec<Record>> {
    let file = std::io::BufReader::new(std::fs::File::open(path).with_context(|| format!("read {}", path.display()))?);
    let line = |(number, line): (usize, std::io::Result<String>)| {
        serde_json::from_str(&line?).with_context(|| format!("{}: line {}", path.display(), number + 1))
    };
    file.lines().enumerate().map(line).collect()
}

/// A record as Jepsen's EDN, for other people's checkers.
#[must_use]
pub fn edn(record: &Record) -> String {
    let process = if record.process == NEMESIS { ":nemesis".to_owned() } else { record.process.to_string() };
    let kind = format!("{:?}", record.kind).to_lowercase();
    let mut text = format!(
        "{{:index {}, :time {}, :process {process}, :type :{kind}, :f :{}, :value {}",
        record.index,
        record.time,
        record.f,
        edn_value(&record.value)
    );
    if let Some(Position { group, index }) = record.position {
        text.push_str(&format!(", :position [{group} {index}]"));
    }
    if let Some(node) = record.node {
        text.push_str(&format!(", :node \"n{node}\""));
    }
    if let Some(error) = &record.error {
        text.push_str(&format!(", :error {}", edn_value(&Value::from(error.as_str()))));
    }
    text + "}"
}

fn edn_value(value: &Value) -> String {
    match value {
        Value::Null => "nil".into(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(edn_value).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!(":{name} {}", edn_value(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(index: u64, process: u64, kind: Kind) -> Record {
        Record {
            index,
            time: index * 10,
            process,
            kind,
            f: "hold".into(),
            value: json!({"seats": [1]}),
            position: None,
            node: None,
            error: None,
        }
    }

    #[test]
    fn an_operation_without_an_answer_never_ends() {
        let records = [record(0, 1, Kind::Invoke), record(1, 2, Kind::Invoke), record(2, 1, Kind::Ok)];
        let ops = operations(&records);
        assert_eq!((ops[0].end, ops[0].to), (Kind::Ok, 20));
        assert_eq!((ops[1].end, ops[1].to), (Kind::Info, u64::MAX));
    }

    #[test]
    fn a_history_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        let mut last = record(1, 1, Kind::Ok);
        last.position = Position::parse("3:81263");
        let records = vec![record(0, 1, Kind::Invoke), last];
        write(&path, &records).unwrap();
        assert_eq!(read(&path).unwrap(), records);
        let text = edn(&records[1]);
        assert_eq!(text, "{:index 1, :time 10, :process 1, :type :ok, :f :hold, :value {:seats [1]}, :position [3 81263]}");
    }
}
