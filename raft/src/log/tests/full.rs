//! A full disk: no append is refused, nothing is lost, and it heals by itself. A failing disk: the process is told to die.

use super::super::Vote;
use super::*;

fn full_options() -> LogOptions {
    LogOptions { free_bytes_min: 40 << 10, ..options() }
}

/// Appends without waiting, until the writer has nothing to do or no room.
fn queue(rig: &mut Rig, acks: &Acks<u64>, indexes: std::ops::Range<u64>) -> Step {
    for index in indexes {
        rig.group(1).append(entries(1, 1, index..index + 1, 500), acks.done(index));
    }
    let step = rig.settle();
    rig.keeper.step();
    step
}

#[test]
fn a_full_disk_stops_proposals_keeps_reads_and_heals() {
    let disk = SimDisk::new();
    let mut rig = Rig::open(&disk, full_options()).unwrap();
    let acks = Acks::default();
    queue(&mut rig, &acks, 1..11);
    rig.settle_all();
    assert_eq!(rig.log.stats().spares, 1);
    assert!(rig.log.writable());

    disk.set_capacity(Some(disk.used() + (40 << 10) - 1));
    rig.keeper.step();
    assert!(!rig.log.writable(), "less room than the minimum: no new proposals");
    assert_eq!(queue(&mut rig, &acks, 11..31), Step::Idle { held: false }, "what was accepted is still written");
    assert_eq!(acks.ok().len(), 30);

    disk.set_capacity(Some(disk.used()));
    let mut next = 31;
    while queue(&mut rig, &acks, next..next + 5) != Step::Blocked {
        next += 5;
        assert!(next < 200, "the writer should run out of room");
    }
    let acked = acks.ok().len() as u64;
    assert!(acked >= 40, "the spare segment took some more");
    assert_eq!(rig.settle(), Step::Blocked);
    assert!(acks.errors().is_empty() && rig.fatal.lock().is_empty(), "a full disk is not an error");
    assert_eq!(rig.group(1).read(1..6, usize::MAX).unwrap(), entries(1, 1, 1..6, 500));
    assert_eq!(rig.group(1).read(next..next + 1, usize::MAX).unwrap(), entries(1, 1, next..next + 1, 500), "queued ones are readable too");
    assert!(!rig.log.writable());

    disk.set_capacity(None);
    rig.settle_all();
    assert!(rig.log.writable(), "healed without help");
    assert_eq!(acks.ok(), (1..next + 5).collect::<Vec<_>>(), "all acknowledged, in order");
    let rig = rig.reopen(full_options());
    assert_eq!(read_all(&rig.group(1)), entries(1, 1, 1..next + 5, 500));
}

#[test]
fn a_crash_while_the_disk_is_full_loses_nothing_acknowledged() {
    for seed in 0..20 {
        let disk = SimDisk::new();
        let mut rig = Rig::open(&disk, full_options()).unwrap();
        let acks = Acks::default();
        queue(&mut rig, &acks, 1..4);
        disk.set_capacity(Some(disk.used() + seed * 700));
        while queue(&mut rig, &acks, acks.ok().len() as u64 + 1..acks.ok().len() as u64 + 3) != Step::Blocked {}
        let acked = acks.ok().len();
        drop(rig);
        disk.crash(seed);
        disk.restart();
        let mut rig = Rig::open(&disk, full_options()).unwrap();
        let found = read_all(&rig.group(1)).len();
        assert!(found >= acked, "seed {seed}: {found} of {acked}");
        disk.set_capacity(None);
        rig.settle_all();
        assert!(rig.log.writable());
        let next = found as u64 + 1;
        rig.append(1, entries(1, 2, next..next + 3, 500));
    }
}

#[test]
fn a_full_queue_is_reported_before_it_hurts() {
    let disk = SimDisk::new();
    let mut rig = Rig::open(&disk, LogOptions { queue_bytes: 5000, ..options() }).unwrap();
    let acks = Acks::default();
    for index in 1..=9 {
        rig.group(1).append(entries(1, 1, index..index + 1, 500), acks.done(index));
    }
    assert!(!rig.log.writable());
    rig.settle();
    assert!(rig.log.writable());
    assert_eq!(acks.ok().len(), 9);
}

#[test]
fn closing_on_a_full_disk_says_what_was_not_written() {
    let disk = SimDisk::new();
    let mut rig = Rig::open(&disk, options()).unwrap();
    let acks = Acks::default();
    disk.set_capacity(Some(disk.used()));
    while queue(&mut rig, &acks, acks.ok().len() as u64 + 1..acks.ok().len() as u64 + 3) != Step::Blocked {}
    rig.log.handle.shared.shut_with(LogError::Closed, false);
    assert_eq!(rig.writer.step(false), Step::Stopped);
    assert!(matches!(acks.errors()[..], [LogError::Failed { .. }, ..]));
    assert!(rig.fatal.lock().is_empty(), "nothing is unknown here, so nobody needs to die");
}

#[test]
fn a_failed_sync_is_fatal_and_nothing_is_acknowledged() {
    let mut rig = Rig::new();
    let acks = Acks::default();
    rig.disk.fail_sync_at(1);
    rig.group(1).append(entries(1, 1, 1..2, 10), acks.done("entry"));
    rig.group(2).save_vote(Vote { term: 1, node: 1, committed: false }, acks.done("vote"));
    assert_eq!(rig.settle(), Step::Stopped);
    assert_eq!(rig.fatal.lock().len(), 1);
    assert!(rig.fatal.lock()[0].contains("simulated EIO on sync"), "{:?}", rig.fatal.lock());
    assert!(matches!(acks.errors()[..], [LogError::Failed { .. }, LogError::Failed { .. }]));
    assert_eq!(rig.group(2).state().vote, None);
    rig.group(1).append(entries(1, 1, 2..3, 10), acks.done("later"));
    assert_eq!((acks.ok(), acks.errors().len()), (vec![], 3));
    assert!(!rig.log.writable());
    assert_eq!(rig.writer.step(true), Step::Stopped, "it is never tried again");
}

#[test]
fn a_failed_write_is_fatal() {
    let mut rig = Rig::new();
    let acks = Acks::default();
    rig.disk.fail_writes(true);
    rig.group(1).append(entries(1, 1, 1..2, 10), acks.done(()));
    assert_eq!(rig.settle(), Step::Stopped);
    assert_eq!((rig.fatal.lock().len(), acks.errors().len()), (1, 1));
}

#[test]
fn what_a_restart_finds_after_a_failed_sync_is_made_durable_first() {
    for seed in 0..20 {
        let mut rig = Rig::new();
        rig.append(1, entries(1, 1, 1..4, 300));
        rig.disk.fail_sync_at(1);
        rig.group(1).append(entries(1, 1, 4..9, 300), Acks::default().done(()));
        assert_eq!(rig.settle(), Step::Stopped);
        let disk = rig.disk.clone();
        drop(rig);
        disk.kill();
        disk.restart();
        let rig = Rig::open(&disk, options()).unwrap();
        assert_eq!(read_all(&rig.group(1)), entries(1, 1, 1..9, 300), "the page cache still has the frame, the disk does not");
        drop(rig);
        disk.crash(seed);
        disk.restart();
        let rig = Rig::open(&disk, options()).unwrap();
        assert_eq!(read_all(&rig.group(1)), entries(1, 1, 1..9, 300), "seed {seed}: what was shown stays");
    }
}
