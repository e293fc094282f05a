//! Speed of the durable log on a real disk: `cargo bench -p boxoffice-raft --bench log`.
//!
//! One load thread keeps W appends of one 200-byte entry outstanding, spread over G groups; a writer appends again when its last append
//! was acknowledged (closed loop). Everything acknowledged is durable.
//! The log is purged as it goes, so segments are recycled as in real life.
//! `BOXOFFICE_BENCH_DIR` says where (default: in the target directory; it must be a real disk), `BOXOFFICE_BENCH_SECONDS` how long each
//! of the runs of a cell takes (default 2), `BOXOFFICE_BENCH_RUNS` how many there are (default 3, the median is shown).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use boxoffice_raft::disk::RealDisk;
use boxoffice_raft::log::{Entry, EntryId, GroupLog, Log, LogOptions, LogStats};
use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

const ENTRY_BYTES: usize = 200;
/// Each group is purged when it has grown by this many entries.
const PURGE_EVERY: u64 = 20_000;

/// Writers whose append was acknowledged, to be given the next one.
#[derive(Default)]
struct Acked {
    writers: Mutex<Vec<usize>>,
    some: Condvar,
}

struct Run {
    entries_per_second: f64,
    latency_us: Vec<u64>,
    cpu_us_per_entry: f64,
    seconds: f64,
    stats: LogStats,
}

fn main() {
    let base = std::env::var_os("BOXOFFICE_BENCH_DIR").map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (seconds, runs) = (number("BOXOFFICE_BENCH_SECONDS", 2), number("BOXOFFICE_BENCH_RUNS", 3).max(1));
    let dir = base.join(format!("bench-log-{}", std::process::id()));

    println!("durable log, {ENTRY_BYTES}-byte entries, each append acknowledged after fdatasync; median of {runs} runs of {seconds} s");
    println!("directory {}", dir.display());
    println!(
        "{:>6} {:>8} {:>11} {:>9} {:>9} {:>9} {:>9} {:>10} {:>10} {:>9} {:>9} {:>9}",
        "groups",
        "writers",
        "entries/s",
        "fsync/s",
        "ent/fsync",
        "ack p50",
        "ack p99",
        "fsync p50",
        "fsync p99",
        "B/B log",
        "B/B all",
        "CPU us"
    );
    for groups in [1, 13] {
        for writers in [64, 512] {
            let mut results: Vec<Run> = (0..runs).map(|_| run(&dir, groups, writers, Duration::from_secs(seconds))).collect();
            results.sort_by(|a, b| a.entries_per_second.total_cmp(&b.entries_per_second));
            print(groups, writers, &results[results.len() / 2]);
        }
    }
    recovery(&dir);
    std::fs::remove_dir_all(&dir).expect("the directory of the bench can be removed");
    println!("B/B log: bytes written as frames per entry byte; B/B all: with the zeroing of new segments (once, then they are recycled).");
    println!("ack and fsync in microseconds; CPU us: of the whole process per entry, the load thread included.");
}

fn print(groups: u32, writers: usize, run: &Run) {
    let (stats, latency) = (&run.stats, &run.latency_us);
    let payload = stats.entry_bytes as f64;
    println!(
        "{groups:>6} {writers:>8} {:>11.0} {:>9.0} {:>9.1} {:>9} {:>9} {:>10} {:>10} {:>9.2} {:>9.2} {:>9.2}",
        run.entries_per_second,
        stats.fsyncs as f64 / run.seconds,
        stats.entries as f64 / stats.fsyncs as f64,
        latency[latency.len() / 2],
        latency[latency.len() * 99 / 100],
        stats.fsync.percentile_us(50),
        stats.fsync.percentile_us(99),
        stats.frame_bytes as f64 / payload,
        (stats.frame_bytes + stats.zero_bytes) as f64 / payload,
        run.cpu_us_per_entry,
    );
}

fn fresh(dir: &Path) -> Log {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("cannot empty {}: {error}", dir.display()),
        _ => {}
    }
    Log::open(Arc::new(RealDisk), LogOptions::new(dir)).expect("a new log can be opened")
}

fn run(dir: &Path, groups: u32, writers: usize, time: Duration) -> Run {
    let log = fresh(dir);
    while log.stats().spares == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let handles: Vec<GroupLog> = (0..groups).map(|group| log.group(group)).collect();
    let mut next = vec![1; handles.len()];
    let payload = Bytes::from((0..ENTRY_BYTES).map(|at| (at as u8).wrapping_mul(167)).collect::<Vec<u8>>());
    let acked = Arc::new(Acked { writers: Mutex::new((0..writers).collect()), some: Condvar::new() });
    let mut sent: Vec<Option<Instant>> = vec![None; writers];
    let mut latency_us = Vec::new();
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let mut ready = Vec::new();
    while start.elapsed() < time {
        {
            let mut writers = acked.writers.lock();
            while writers.is_empty() {
                acked.some.wait(&mut writers);
            }
            std::mem::swap(&mut *writers, &mut ready);
        }
        let now = Instant::now();
        for writer in ready.drain(..) {
            if let Some(before) = sent[writer].replace(now) {
                latency_us.push(now.duration_since(before).as_micros() as u64);
            }
            let group = writer % handles.len();
            append(&handles[group], &mut next[group], payload.clone(), writer, &acked);
        }
    }
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let stats = log.stats();
    log.close().expect("the log closes");
    latency_us.sort_unstable();
    Run {
        entries_per_second: latency_us.len() as f64 / seconds,
        cpu_us_per_entry: cpu * 1e6 / latency_us.len() as f64,
        latency_us,
        seconds,
        stats,
    }
}

fn append(log: &GroupLog, next: &mut u64, payload: Bytes, writer: usize, acked: &Arc<Acked>) {
    let id = EntryId { term: 1, node: 1, index: *next };
    *next += 1;
    let acked = Arc::clone(acked);
    let done = move |result: Result<(), _>| {
        result.expect("the append is durable");
        let mut writers = acked.writers.lock();
        writers.push(writer);
        if writers.len() == 1 {
            acked.some.notify_one();
        }
    };
    log.append(vec![Entry { id, payload }], Box::new(done));
    if id.index.is_multiple_of(PURGE_EVERY) {
        log.purge(EntryId { index: id.index - PURGE_EVERY / 2, ..id });
    }
}

/// How long it takes to open a new log and to read a large one.
fn recovery(dir: &Path) {
    const ENTRIES: u64 = 1_000_000;
    let start = Instant::now();
    let log = fresh(dir);
    println!("a new log is open after {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let payload = Bytes::from(vec![7; ENTRY_BYTES]);
    let (send, acks) = std::sync::mpsc::channel();
    for first in (1..=ENTRIES).step_by(1000) {
        let group = log.group((first / 1000 % 13) as u32);
        let from = group.state().last.map_or(1, |last| last.index + 1);
        let entries = (from..from + 1000).map(|index| Entry { id: EntryId { term: 1, node: 1, index }, payload: payload.clone() });
        let send = send.clone();
        group.append(entries.collect(), Box::new(move |result| send.send(result).expect("the bench waits")));
    }
    drop(send);
    acks.iter().for_each(|result| result.expect("the append is durable"));
    let bytes = log.stats().segment_bytes;
    log.close().expect("the log closes");
    let start = Instant::now();
    let log = Log::open(Arc::new(RealDisk), LogOptions::new(dir)).expect("the log can be opened again");
    let took = start.elapsed().as_secs_f64();
    println!("{ENTRIES} entries in {} MiB of segments are read and checked in {:.2} s", bytes >> 20, took);
    log.close().expect("the log closes");
}

/// CPU time of this process so far, from the kernel's count in hundredths of a second.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
