//! Old segments go when nobody needs them, a group that never purges does not keep them for ever, and old bytes never come back.

use super::*;

/// Fills the log with entries of group 1, purging all but the last ten, until `segments` more were started.
fn churn(rig: &mut Rig, segments: u64) {
    let start = rig.writer.active.number;
    while rig.writer.active.number < start + segments {
        let next = rig.group(1).state().last.map_or(1, |last| last.index + 1);
        rig.append(1, entries(1, 1, next..next + 5, 300));
        if next > 10 {
            rig.group(1).purge(id(1, next - 6));
        }
        rig.settle_all();
    }
}

#[test]
fn segments_without_live_entries_are_used_again() {
    let mut rig = Rig::new();
    churn(&mut rig, 20);
    let stats = rig.log.stats();
    assert!(stats.segments <= 2, "{stats:?}");
    assert!(stats.spares >= 1 && stats.spares <= 2, "{stats:?}");
    assert!(stats.zero_bytes <= 4 * (16 << 10), "old files are recycled, not zeroed: {stats:?}");
    assert!(rig.log.pinning_groups().is_empty());
    let before = read_all(&rig.group(1));
    let rig = rig.reopen(options());
    assert_eq!(read_all(&rig.group(1)), before);
}

#[test]
fn an_unsynced_purge_keeps_the_segment() {
    let mut rig = Rig::new();
    for next in (1..100).step_by(5) {
        rig.append(1, entries(1, 1, next..next + 5, 300));
    }
    let segments = segment_paths(&rig.disk);
    rig.group(1).purge(id(1, 100));
    assert_eq!(rig.settle(), Step::Idle { held: true });
    rig.keeper.step();
    assert_eq!(segment_paths(&rig.disk), segments);
    rig.settle_all();
    assert_eq!(segment_paths(&rig.disk).len(), 1);
}

#[test]
fn recycled_segments_never_bring_back_old_records() {
    let mut rig = Rig::new();
    churn(&mut rig, 12);
    let active = rig.log.handle.shared.segments.path(rig.writer.active.number);
    let old = rig.disk.content(&active).unwrap()[usize::try_from(rig.writer.active.offset).unwrap()..].to_vec();
    assert!(old.windows(8).any(|bytes| bytes == b"group 1 "), "the unused part is full of old records");
    let before = (rig.group(1).state(), read_all(&rig.group(1)));
    for seed in 0..20 {
        let disk = rig.disk.fork();
        disk.crash(seed);
        disk.restart();
        let again = Rig::open(&disk, options()).unwrap();
        assert_eq!((again.group(1).state(), read_all(&again.group(1))), before);
    }
}

#[test]
fn an_idle_group_is_named_and_then_moved() {
    let limit = LogOptions { reclaim_bytes: 64 << 10, ..options() };
    let mut rig = Rig::open(&SimDisk::new(), limit.clone()).unwrap();
    let idle = [entries(2, 1, 1..4, 200), entries(2, 3, 4..6, 100)].concat();
    rig.append(2, idle.clone());
    rig.append(3, entries(3, 1, 1..3, 100));
    rig.group(3).purge(id(1, 1));
    churn(&mut rig, 3);
    assert!(rig.log.pinning_groups().is_empty() && rig.log.stats().segment_bytes <= 64 << 10);
    churn(&mut rig, 1);
    assert_eq!(rig.log.pinning_groups(), [2, 3], "over the limit: these should snapshot");
    assert_eq!(rig.log.stats().moved_entries, 0, "and have some time to do so");
    churn(&mut rig, 2);
    let stats = rig.log.stats();
    assert_eq!(stats.moved_entries, 6);
    assert!(stats.segment_bytes <= 48 << 10 && rig.log.pinning_groups().is_empty(), "{stats:?}");
    churn(&mut rig, 40);
    let stats = rig.log.stats();
    assert!(stats.segment_bytes <= (64 + 16 + 32) << 10, "bounded for ever: {stats:?}");
    assert_eq!(read_all(&rig.group(2)), idle);
    assert_eq!(rig.group(2).state().last, Some(id(3, 5)));
    for seed in 0..20 {
        let disk = rig.disk.fork();
        disk.crash(seed);
        disk.restart();
        let mut again = Rig::open(&disk, limit.clone()).unwrap();
        assert_eq!(read_all(&again.group(2)), idle);
        assert_eq!(read_all(&again.group(3)), entries(3, 1, 2..3, 100));
        again.group(2).truncate_after(Some(4));
        again.append(2, entries(2, 9, 5..8, 50));
        let again = again.reopen(limit.clone());
        assert_eq!(read_all(&again.group(2)), [idle[..4].to_vec(), entries(2, 9, 5..8, 50)].concat());
    }
}

#[test]
fn a_group_that_snapshots_when_named_is_not_moved() {
    let limit = LogOptions { reclaim_bytes: 64 << 10, ..options() };
    let mut rig = Rig::open(&SimDisk::new(), limit).unwrap();
    rig.append(2, entries(2, 1, 1..6, 200));
    for _ in 0..30 {
        churn(&mut rig, 1);
        for group in rig.log.pinning_groups() {
            let last = rig.group(group).state().last.unwrap();
            rig.group(group).purge(last);
        }
    }
    assert_eq!(rig.log.stats().moved_entries, 0);
    assert!(rig.log.stats().segment_bytes <= 96 << 10);
}

#[test]
fn moving_survives_a_power_cut_at_every_operation() {
    let limit = LogOptions { reclaim_bytes: 32 << 10, ..options() };
    for at in 1..400 {
        let disk = SimDisk::new();
        let mut rig = Rig::open(&disk, limit.clone()).unwrap();
        rig.append(2, entries(2, 1, 1..6, 200));
        disk.crash_at(at);
        let mut next = 1;
        while !disk.is_down() && rig.log.stats().moved_entries < 10 {
            let group = rig.group(1);
            group.append(entries(1, 1, next..next + 5, 400), Acks::default().done(()));
            group.purge(id(1, next + 3));
            next += 5;
            rig.settle();
            rig.keeper.step();
        }
        let done = !disk.is_down();
        drop(rig);
        disk.crash(at);
        disk.restart();
        let rig = Rig::open(&disk, limit.clone()).unwrap_or_else(|error| panic!("cut at {at}: {error}"));
        assert_eq!(read_all(&rig.group(2)), entries(2, 1, 1..6, 200), "cut at {at}");
        if done {
            return println!("moved twice within {at} operations");
        }
    }
    panic!("the idle group was never moved twice");
}
