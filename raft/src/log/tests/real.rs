//! The log with its threads on the real disk.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::super::{GroupState, Vote};
use super::*;

fn options_in(dir: &Path) -> LogOptions {
    let short =
        LogOptions { segment_bytes: 1 << 20, short_segment_bytes: 128 << 10, memory_bytes: 16 << 10, ..LogOptions::new(dir.join("log")) };
    LogOptions { free_bytes_min: 0, reclaim_bytes: 4 << 20, ..short }
}

/// Waits for a condition that the threads bring about.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn many_threads_append_to_many_groups() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(Arc::new(RealDisk), options_in(dir.path())).unwrap();
    const APPENDS: u64 = 300;
    std::thread::scope(|scope| {
        for group in 0..4 {
            for half in 0..2 {
                // Two threads share a group: each appends where the other left off, as long as it is its turn.
                let (log, group_log) = (log.clone(), log.group(group));
                scope.spawn(move || {
                    let (acked, acks) = mpsc::channel();
                    for turn in (half..APPENDS).step_by(2) {
                        wait_until("the other thread's turn", || group_log.state().last.map_or(0, |last| last.index) == turn * 3);
                        let acked = acked.clone();
                        let new = entries(group, 1 + turn / 50, turn * 3 + 1..turn * 3 + 4, 200);
                        group_log.append(new, Box::new(move |result| acked.send(result.map(|()| turn)).unwrap()));
                        if turn % 20 == 0 {
                            let found = group_log.read(1..turn * 3 + 4, 1 << 20).unwrap();
                            assert_eq!(found[0], entry(group, 1, 1, 200));
                        }
                    }
                    drop(acked);
                    let acked: Vec<u64> = acks.iter().map(Result::unwrap).collect();
                    assert_eq!(acked, (half..APPENDS).step_by(2).collect::<Vec<_>>(), "in order, each once");
                    assert!(log.writable());
                });
            }
        }
    });
    let stats = log.stats();
    assert_eq!(stats.entries, 4 * APPENDS * 3);
    assert!(stats.fsyncs < 4 * APPENDS, "appends share syncs");
    log.close().unwrap();

    let log = Log::open(Arc::new(RealDisk), options_in(dir.path())).unwrap();
    for group in 0..4 {
        let found = read_all(&log.group(group));
        let expected: Vec<Entry> = (0..APPENDS).flat_map(|turn| entries(group, 1 + turn / 50, turn * 3 + 1..turn * 3 + 4, 200)).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn segments_are_prepared_recycled_and_reclaimed_in_the_background() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(Arc::new(RealDisk), options_in(dir.path())).unwrap();
    wait_until("a spare is prepared", || log.stats().spares == 1);
    let group = log.group(1);
    let (acked, acks) = mpsc::channel();
    for round in 0..200 {
        // A machine may hold up the background alone, which is not what this is about.
        wait_until("the background keeps up", || log.stats().spares > 0 && log.stats().segment_bytes <= 6 << 20);
        let acked = acked.clone();
        group.append(entries(1, 1, round * 50 + 1..round * 50 + 51, 1000), Box::new(move |result| acked.send(result).unwrap()));
        acks.recv().unwrap().unwrap();
        group.purge(id(1, round * 50 + 1));
    }
    wait_until("old segments are given back", || log.stats().segment_bytes <= 4 << 20);
    assert!(log.stats().zero_bytes <= 6 << 20, "segments are used again, not made anew: {:?}", log.stats());
    log.close().unwrap();
    let log = Log::open(Arc::new(RealDisk), options_in(dir.path())).unwrap();
    assert_eq!(read_all(&log.group(1)), entries(1, 1, 199 * 50 + 2..200 * 50 + 1, 1000));
}

#[test]
fn what_is_held_back_is_written_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions { held: Duration::from_millis(5), ..options_in(dir.path()) };
    let log = Log::open(Arc::new(RealDisk), options).unwrap();
    let frames = log.stats().frames;
    log.group(1).purge(id(3, 8));
    wait_until("the purge is written", || log.stats().frames == frames + 1);
}

#[test]
fn a_new_log_is_ready_at_once_and_closes_when_nobody_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let log = Log::open(Arc::new(RealDisk), LogOptions::new(dir.path().join("log"))).unwrap();
    let (acked, acks) = mpsc::channel();
    let vote = Vote { term: 1, node: 1, committed: false };
    log.group(1).save_vote(vote, Box::new(move |result| acked.send(result).unwrap()));
    acks.recv().unwrap().unwrap();
    println!("a new log acknowledged its first vote after {:?}", start.elapsed());
    let group = log.group(1);
    drop(log);
    assert_eq!(group.state(), GroupState { vote: Some(vote), ..GroupState::default() });
    drop(group);
    let open = || Log::open(Arc::new(RealDisk), options_in(dir.path()));
    let mut log = open();
    wait_until("the threads end and give the directory back", || {
        log = open();
        log.is_ok()
    });
    assert_eq!(log.unwrap().group(1).state().vote, Some(vote));
}

/// Runs the loops as tasks of the current thread, as a simulation does.
struct Tasks;

impl super::super::Spawn for Tasks {
    fn spawn(&self, _name: &'static str, work: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) -> std::io::Result<()> {
        tokio::spawn(work);
        Ok(())
    }
}

#[test]
fn the_loops_run_as_tasks_of_one_thread_too() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let disk = SimDisk::new();
        let log = Log::open_with(Arc::new(disk.clone()), options(), &Tasks).unwrap();
        for index in 1..200 {
            let (send, acked) = tokio::sync::oneshot::channel();
            log.group(1).append(entries(1, 1, index..index + 1, 300), Box::new(move |result| send.send(result).unwrap()));
            acked.await.unwrap().unwrap();
        }
        log.shutdown().await.unwrap();
        log.group(1).append(entries(1, 1, 200..201, 300), Box::new(|result| assert!(matches!(result, Err(LogError::Closed)))));
        let log = Log::open_with(Arc::new(disk), options(), &Tasks).unwrap();
        assert_eq!(read_all(&log.group(1)), entries(1, 1, 1..200, 300));
    });
}

const CHILD_DIR: &str = "BOXOFFICE_TEST_LOG_DIR";

/// Run by the test below in a process of its own, which dies at a crash point; does nothing otherwise.
#[test]
fn child_that_dies_at_a_crash_point() {
    let Some(dir) = std::env::var_os(CHILD_DIR).map(PathBuf::from) else { return };
    let small = LogOptions { segment_bytes: 16 << 10, short_segment_bytes: 16 << 10, ..options_in(&dir) };
    let log = Log::open(Arc::new(RealDisk), small).unwrap();
    let (acked, acks) = mpsc::channel();
    for index in 1..10_000_u64 {
        let acked = acked.clone();
        log.group(1).append(entries(1, 1, index..index + 1, 500), Box::new(move |result| acked.send(result).unwrap()));
        acks.recv().unwrap().unwrap();
        std::fs::write(dir.join("acked"), index.to_string()).unwrap();
    }
}

#[test]
fn a_process_that_dies_at_a_named_point_loses_nothing() {
    use std::os::unix::process::ExitStatusExt;
    for (point, hit) in
        [("log.before_write", 20), ("log.after_write", 21), ("log.after_sync", 22), ("log.new_segment", 2), ("log.sealed", 1)]
    {
        let dir = tempfile::tempdir().unwrap();
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "log::tests::real::child_that_dies_at_a_crash_point"])
            .env(CHILD_DIR, dir.path())
            .env("BOXOFFICE_CRASH", format!("{point}:{hit}"))
            .output()
            .unwrap();
        assert_eq!(child.status.signal(), Some(6), "{point}: {}", String::from_utf8_lossy(&child.stderr));
        let acked: u64 = std::fs::read_to_string(dir.path().join("acked")).unwrap().parse().unwrap();
        let log = Log::open(Arc::new(RealDisk), options_in(dir.path())).unwrap();
        let found = read_all(&log.group(1));
        assert!(found.len() as u64 >= acked && acked >= 10, "{point}: {} of {acked}", found.len());
        assert_eq!(found, entries(1, 1, 1..found.len() as u64 + 1, 500), "{point}");
    }
}
