//! Tests of the log on the simulated disk, and of its threads on the real one.
//!
//! Every promise of `log/mod.rs` has a test here: `crash` cuts the power at every operation of a random workload, `damage` changes every
//! byte of a log (the only change that may go unseen is one in the very last frame, which is then taken for a torn tail; after a clean
//! close that frame is empty), `full` fills the disk, `reclaim` looks after old segments, `model` compares with a simple map.

mod basics;
mod crash;
mod damage;
mod full;
mod model;
mod real;
mod reclaim;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::keeper::{Keeper, Next};
use super::writer::{Step, Writer};
use super::{Entry, EntryId, GroupLog, Log, LogError, LogOptions};
use crate::disk::{Disk, RealDisk, SimDisk};

const DIR: &str = "/node/log";
const NODE: u64 = 7;

/// A log whose loops run only when a test says so.
struct Rig {
    disk: SimDisk,
    log: Log,
    writer: Writer,
    keeper: Keeper,
    fatal: Arc<Mutex<Vec<String>>>,
}

/// Small segments, so that tests see many of them.
fn options() -> LogOptions {
    LogOptions { segment_bytes: 16 << 10, short_segment_bytes: 16 << 10, free_bytes_min: 0, memory_bytes: 1 << 10, ..LogOptions::new(DIR) }
}

impl Rig {
    fn new() -> Self {
        Self::open(&SimDisk::new(), options()).unwrap()
    }

    fn open(disk: &SimDisk, options: LogOptions) -> Result<Self, LogError> {
        let fatal = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&fatal);
        let options = LogOptions { on_fatal: Arc::new(move |error| seen.lock().push(error.to_string())), ..options };
        let (log, writer, keeper) = Log::open_parts(Arc::new(disk.clone()), options)?;
        Ok(Self { disk: disk.clone(), log, writer, keeper, fatal })
    }

    /// Lets the writer work until it has nothing to do.
    fn settle(&mut self) -> Step {
        loop {
            match self.writer.step(false) {
                Step::Worked => {}
                step => return step,
            }
        }
    }

    /// Also writes what is held back, and lets the keeper finish.
    fn settle_all(&mut self) {
        while self.writer.step(true) == Step::Worked {}
        while matches!(self.keeper.step(), Next::After(_)) {}
    }

    /// Closes and opens it again.
    fn reopen(mut self, options: LogOptions) -> Self {
        self.log.handle.shared.shut_with(LogError::Closed, false);
        while self.writer.step(false) != Step::Stopped {}
        let disk = self.disk.clone();
        drop(self);
        Self::open(&disk, options).unwrap()
    }

    fn group(&self, group: u32) -> GroupLog {
        self.log.group(group)
    }

    /// Appends and waits for the acknowledgement.
    fn append(&mut self, group: u32, entries: Vec<Entry>) {
        let acks = Acks::default();
        self.group(group).append(entries, acks.done(()));
        self.settle();
        assert_eq!(acks.ok(), [()]);
    }
}

/// Collects callbacks in their order.
struct Acks<T> {
    seen: Arc<Mutex<Vec<Ack<T>>>>,
}

type Ack<T> = (T, Result<(), LogError>);

impl<T> Default for Acks<T> {
    fn default() -> Self {
        Self { seen: Arc::default() }
    }
}

impl<T: Clone + Send + 'static> Acks<T> {
    fn done(&self, what: T) -> super::Done {
        let seen = Arc::clone(&self.seen);
        Box::new(move |result| seen.lock().push((what, result)))
    }

    fn ok(&self) -> Vec<T> {
        self.seen.lock().iter().filter(|(_, result)| result.is_ok()).map(|(what, _)| what.clone()).collect()
    }

    fn errors(&self) -> Vec<LogError> {
        self.seen.lock().iter().filter_map(|(_, result)| result.clone().err()).collect()
    }
}

fn id(term: u64, index: u64) -> EntryId {
    EntryId { term, node: NODE, index }
}

/// An entry whose payload says what it is, so that a mix-up shows.
fn entry(group: u32, term: u64, index: u64, bytes: usize) -> Entry {
    let mut payload = format!("group {group} term {term} index {index} ").into_bytes();
    payload.resize(bytes, b'.');
    Entry { id: id(term, index), payload: Bytes::from(payload) }
}

fn entries(group: u32, term: u64, indexes: std::ops::Range<u64>, bytes: usize) -> Vec<Entry> {
    indexes.map(|index| entry(group, term, index, bytes)).collect()
}

/// Everything in the group, read in small portions.
fn read_all(group: &GroupLog) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    loop {
        let start = found.last().map_or(0, |last| last.id.index + 1);
        let part = group.read(start..u64::MAX, 500).unwrap();
        if part.is_empty() {
            return found;
        }
        found.extend(part);
    }
}

fn segment_paths(disk: &SimDisk) -> Vec<PathBuf> {
    let names = disk.list(Path::new(DIR)).unwrap();
    names.into_iter().filter(|name| name.ends_with(".log") && !name.starts_with("spare")).map(|name| Path::new(DIR).join(name)).collect()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
