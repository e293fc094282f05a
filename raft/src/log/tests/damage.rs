//! Changed, cut and missing files: refused loudly or harmless, never a silent loss of what was acknowledged.

use std::collections::BTreeMap;

use super::super::{GroupState, Vote};
use super::*;

type Content = BTreeMap<u32, (GroupState, Vec<Entry>)>;

fn small() -> LogOptions {
    LogOptions { segment_bytes: 4 << 10, short_segment_bytes: 4 << 10, ..options() }
}

fn content(log: &Log) -> Content {
    log.groups().into_iter().map(|group| (group, (log.group(group).state(), read_all(&log.group(group))))).collect()
}

/// A log of three groups over three segments. The last frame holds one entry of group 1. Returns the content before and after it.
fn build() -> (Rig, Content, Content) {
    let mut rig = Rig::open(&SimDisk::new(), small()).unwrap();
    let mut round = 0;
    while segment_paths(&rig.disk).len() < 3 {
        let acks = Acks::default();
        for group in 1..=3 {
            let log = rig.group(group);
            log.append(entries(group, 1 + round / 3, round * 2 + 1..round * 2 + 3, 60), acks.done(()));
            log.save_vote(Vote { term: round, node: 1, committed: false }, acks.done(()));
        }
        rig.group(2).save_committed(id(1, 2));
        rig.group(3).purge(id(1, round));
        rig.settle();
        assert_eq!(acks.ok().len(), 6);
        round += 1;
    }
    rig.append(2, entries(2, 9, round * 2 + 1..round * 2 + 4, 40));
    let before = content(&rig.log);
    rig.append(1, entries(1, 9, round * 2 + 1..round * 2 + 2, 40));
    let after = content(&rig.log);
    (rig, before, after)
}

/// Opens a damaged copy. `None`: it was refused as damaged.
fn open_copy(disk: &SimDisk, what: &str) -> Option<Content> {
    match Rig::open(disk, small()) {
        Ok(rig) => Some(content(&rig.log)),
        Err(LogError::Damaged { segment, .. }) => {
            assert!(segment <= 4, "{what}");
            None
        }
        Err(error) => panic!("{what}: {error}"),
    }
}

#[test]
fn every_changed_byte_is_refused_or_harmless() {
    let (rig, before, after) = build();
    let last_frame = rig.writer.active.offset - 128..rig.writer.active.offset;
    rig.disk.kill();
    rig.disk.restart();
    let (mut refused, mut harmless, mut torn) = (0, 0, 0);
    for (number, path) in (1..).zip(segment_paths(&rig.disk)) {
        for offset in 0..rig.disk.content(&path).unwrap().len() as u64 {
            let copy = rig.disk.fork();
            assert!(copy.flip(&path, offset, 1 << (offset % 8)));
            let what = format!("segment {number} byte {offset}");
            match open_copy(&copy, &what) {
                None => refused += 1,
                Some(found) if found == after => harmless += 1,
                Some(found) => {
                    assert!(number == rig.writer.active.number && last_frame.contains(&offset), "{what}: silent loss");
                    assert_eq!(found, before, "{what}");
                    torn += 1;
                }
            }
        }
    }
    println!("{refused} refused, {harmless} harmless, {torn} taken for a torn tail");
    assert!(refused > 6000 && harmless > 100 && (60..=128).contains(&torn));
}

#[test]
fn after_a_clean_close_every_changed_byte_is_refused_or_harmless() {
    let (rig, _, after) = build();
    let rig = rig.reopen(small());
    let rig = rig.reopen(small());
    rig.disk.kill();
    rig.disk.restart();
    let path = segment_paths(&rig.disk).pop().unwrap();
    for offset in 0..rig.disk.content(&path).unwrap().len() as u64 {
        let copy = rig.disk.fork();
        assert!(copy.flip(&path, offset, 0x80 >> (offset % 8)));
        if let Some(found) = open_copy(&copy, &format!("byte {offset}")) {
            assert_eq!(found, after, "byte {offset}");
        }
    }
}

#[test]
fn the_refusal_says_where_and_what_to_do() {
    let (rig, ..) = build();
    let path = segment_paths(&rig.disk)[1].clone();
    rig.disk.kill();
    rig.disk.restart();
    let clean = rig.disk.fork();
    assert!(rig.disk.flip(&path, 1000, 1));
    let before: Vec<_> = segment_paths(&rig.disk).iter().map(|path| rig.disk.content(path)).collect();
    let Err(error) = Rig::open(&rig.disk, small()) else { panic!("a damaged log was opened") };
    let LogError::Damaged { segment, offset, groups, .. } = &error else { panic!("{error}") };
    assert!((*segment, groups.as_slice()) == (2, &[1, 2, 3]) && *offset <= 1000 && *offset > 500, "{error}");
    for part in ["segment 2", "[1, 2, 3]", "cluster rebuild"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    let after: Vec<_> = segment_paths(&rig.disk).iter().map(|path| rig.disk.content(path)).collect();
    assert!(before == after, "a refused log is left as it was");
    assert!(Rig::open(&clean, small()).is_ok());
}

#[test]
fn a_missing_segment_is_noticed() {
    let (rig, ..) = build();
    rig.disk.kill();
    rig.disk.restart();
    let paths = segment_paths(&rig.disk);
    for (at, expected) in [(1, Some(2)), (2, Some(3))] {
        let copy = rig.disk.fork();
        copy.remove(&paths[at]).unwrap();
        match Rig::open(&copy, small()) {
            Err(LogError::Damaged { segment, .. }) => assert_eq!(Some(segment), expected),
            Ok(_) => panic!("opened without segment {}", at + 1),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_file_cut_short_is_refused_unless_only_unused_bytes_are_gone() {
    let (rig, before, after) = build();
    let (active, end) = (rig.writer.active.number, rig.writer.active.offset);
    rig.disk.kill();
    rig.disk.restart();
    for (number, path) in (1..).zip(segment_paths(&rig.disk)) {
        for len in (0..4096).step_by(100) {
            let copy = rig.disk.fork();
            copy.open(&path).unwrap().set_len(len).unwrap();
            match open_copy(&copy, &format!("segment {number} cut to {len}")) {
                None => {}
                Some(found) if found == after => assert!(number != active || len >= end - 64, "segment {number} cut to {len}"),
                // Nothing is left after the cut that could tell it from a crash.
                Some(found) => assert!(number == active && (found == before || len < end - 128), "segment {number} cut to {len}"),
            }
        }
    }
}

#[test]
fn damage_under_a_running_log_is_seen_by_the_read() {
    let mut rig = Rig::new();
    for first in (1..100).step_by(3) {
        rig.append(1, entries(1, 1, first..first + 3, 100));
    }
    let path = segment_paths(&rig.disk)[0].clone();
    let at = rig.disk.content(&path).unwrap().windows(9).position(|bytes| bytes == b"index 17 ").unwrap();
    assert!(rig.disk.flip(&path, at as u64, 1));
    let group = rig.group(1);
    assert_eq!(group.read(1..17, usize::MAX).unwrap(), entries(1, 1, 1..17, 100));
    let error = group.read(10..30, usize::MAX).unwrap_err();
    assert!(matches!(error, LogError::Damaged { segment: 1, .. }), "{error}");
    assert!(error.to_string().contains("entry 17 of group 1"), "{error}");
    assert_eq!(group.read(18..30, usize::MAX).unwrap(), entries(1, 1, 18..30, 100));
}

#[test]
fn a_torn_tail_is_forgotten_and_the_log_goes_on() {
    let (rig, before, _) = build();
    let (path, end) = (rig.log.handle.shared.segments.path(rig.writer.active.number), rig.writer.active.offset);
    rig.disk.kill();
    rig.disk.restart();
    assert!(rig.disk.flip(&path, end - 100, 1));
    let disk = rig.disk.clone();
    drop(rig);
    let mut rig = Rig::open(&disk, small()).unwrap();
    assert_eq!(content(&rig.log), before);
    let next = rig.group(1).state().last.unwrap().index + 1;
    rig.append(1, entries(1, 20, next..next + 30, 100));
    let now = content(&rig.log);
    let rig = rig.reopen(small());
    assert_eq!(content(&rig.log), now);
}
