//! The history as it is made, shared by everybody who does something.

use std::sync::Mutex;
use std::time::Instant;

use serde_json::Value;

use crate::history::{Kind, NEMESIS, Position, Record};

/// Takes records in the order in which they happen.
pub struct Recorder {
    begun: Instant,
    records: Mutex<Vec<Record>>,
}

/// What a completion says besides its value.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// The commit position.
    pub position: Option<Position>,
    /// The node that answered.
    pub node: Option<u64>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self { begun: Instant::now(), records: Mutex::default() }
    }
}

impl Recorder {
    /// Nanoseconds since the run began.
    #[must_use]
    pub fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Notes something; gives its index.
    pub fn note(&self, process: u64, kind: Kind, f: &str, value: Value, details: Details) -> u64 {
        let mut records = self.records.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let index = records.len() as u64;
        let Details { position, node, error } = details;
        // Taken while nobody else can note anything: times are in the order of the records.
        let time = self.now();
        records.push(Record { index, time, process, kind, f: f.into(), value, position, node, error });
        index
    }

    /// Notes that a fault begins or ends.
    pub fn fault(&self, f: &str, value: Value) {
        self.note(NEMESIS, Kind::Info, f, value, Details::default());
    }

    /// How many operations have completed with `ok` so far.
    #[must_use]
    pub fn done(&self) -> u64 {
        let records = self.records.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        records.iter().filter(|record| record.kind == Kind::Ok && record.process != NEMESIS).count() as u64
    }

    /// Everything so far.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.records.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}
