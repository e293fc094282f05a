//! The journal: what is kept through restarts, what is dropped, what is said to be gone.

use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::outcome::SeatState;
use boxoffice_ledger::plan::SeatIndex;

use super::*;

const GROUP: GroupId = GroupId(1);
const KEEP: u64 = 64 * 1024;
const NOTHING: [u64; 0] = [];

fn open(dir: &Path) -> Journal {
    Journal::open(dir, [GROUP, GroupId(2)].into_iter(), KEEP).unwrap()
}

/// What an entry did: one thing that is nobody's business, and one that is.
fn changes(index: u64) -> Vec<Change> {
    let seats = vec![SeatIndex(index as u32); 8];
    vec![Change::Outbox { target: 1 }, Change::Seats { event: EventId(9), seats, from: SeatState::Pinned, state: SeatState::Sold }]
}

fn apply(journal: &Journal, indexes: impl IntoIterator<Item = u64>) {
    for index in indexes {
        journal.entry(GROUP, index, Timestamp(index * 10), &mut changes(index));
    }
    // Everything before a mark is written.
    journal.mark(GROUP, 0);
}

fn at(index: u64, number: u32) -> ChangeId {
    ChangeId { group: GROUP.0, index, number }
}

/// Reads everything after a place, in small pieces.
fn read(journal: &Journal, after: ChangeId) -> Result<Vec<u64>, Gone> {
    let (mut place, mut found) = (after, Vec::new());
    loop {
        let batch = journal.read(place, 0, 1000)?;
        for row in &batch.rows {
            assert_eq!((row.at, row.changes[0].0), (Timestamp(row.index * 10), 1));
            found.push(row.index);
            place = at(row.index, row.changes[0].0);
        }
        if batch.is_end {
            return Ok(found);
        }
    }
}

fn list(indexes: impl IntoIterator<Item = u64>) -> Vec<u64> {
    indexes.into_iter().collect()
}

#[test]
fn what_was_applied_is_read_from_any_place_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    assert_eq!((read(&journal, at(0, 0)), journal.oldest(GROUP), journal.newest(GROUP, 7)), (Ok(vec![]), Some(at(0, 0)), at(0, WHOLE)));
    apply(&journal, (2..=400).step_by(2));
    let all = list((2..=400).step_by(2));
    assert_eq!(read(&journal, at(0, 0)).unwrap(), all);
    assert_eq!(read(&journal, at(3, 0)).unwrap(), all[1..]);
    assert_eq!(read(&journal, at(4, 0)).unwrap(), all[1..], "the change after the place is still to come");
    assert_eq!(read(&journal, at(4, 1)).unwrap(), all[2..]);
    assert_eq!(read(&journal, at(400, WHOLE)).unwrap(), NOTHING);
    assert_eq!(journal.newest(GROUP, 7), at(400, WHOLE));
    let before = journal.read(at(0, 0), 0, usize::MAX).unwrap().rows;
    drop(journal);
    let journal = open(dir.path());
    // The group replays its log: what is here already is not written twice.
    apply(&journal, (300..=500).step_by(2));
    assert_eq!(read(&journal, at(0, 0)).unwrap(), list((2..=500).step_by(2)));
    assert_eq!(journal.read(at(0, 0), 0, usize::MAX).unwrap().rows[..200], before);
    assert_eq!(read(&journal, ChangeId { group: 2, ..at(0, 0) }).unwrap(), NOTHING, "another group has its own");
    assert!(journal.read(ChangeId { group: 9, ..at(0, 0) }, 0, 1).is_err());
}

#[test]
fn what_a_crash_left_of_a_row_is_cut_off_and_damage_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    apply(&journal, 1..=50);
    drop(journal);
    let path = dir.path().join("g1").join(format!("{:020}.seg", 0));
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let journal = open(dir.path());
    assert_eq!(read(&journal, at(0, 0)).unwrap(), list(1..=49));
    journal.restored(GROUP, 0);
    apply(&journal, 50..=51);
    assert_eq!(journal.oldest(GROUP), Some(at(49, WHOLE)), "the mark was of a row that is lost: it covers nothing");
    apply(&journal, 52..=2000);
    let first = journal.oldest(GROUP).unwrap();
    let mut names: Vec<_> = std::fs::read_dir(dir.path().join("g1")).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|name| name.extension().is_some_and(|kind| kind == "seg"));
    names.sort();
    let mut bytes = std::fs::read(&names[0]).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&names[0], bytes).unwrap();
    let gone = read(&journal, first).unwrap_err();
    let oldest = gone.oldest.unwrap();
    assert!(oldest > first, "{oldest} {first}");
    assert_eq!(read(&journal, oldest).unwrap(), list(oldest.index + 1..=2000));
}

#[test]
fn the_oldest_are_dropped_and_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    apply(&journal, 1..=5000);
    let bytes: u64 = std::fs::read_dir(dir.path().join("g1")).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < 2 * KEEP, "{bytes}");
    let oldest = journal.oldest(GROUP).unwrap();
    assert!(oldest.index > 1000 && oldest.number == WHOLE, "{oldest}");
    assert_eq!(read(&journal, oldest).unwrap(), list(oldest.index + 1..=5000));
    assert_eq!(read(&journal, at(0, 0)), Err(Gone { oldest: Some(oldest) }));
    assert_eq!(read(&journal, at(oldest.index, 1)), Err(Gone { oldest: Some(oldest) }));
    drop(journal);
    assert_eq!(read(&open(dir.path()), oldest).unwrap(), list(oldest.index + 1..=5000));
}

#[test]
fn a_snapshot_that_is_covered_goes_on_and_another_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    apply(&journal, 1..=10);
    journal.mark(GROUP, 77);
    apply(&journal, 11..=12);
    drop(journal);
    let journal = open(dir.path());
    journal.restored(GROUP, 77);
    apply(&journal, 11..=15);
    assert_eq!(read(&journal, at(0, 0)).unwrap(), list(1..=15));
    // A snapshot of another node that is ahead.
    journal.restored(GROUP, 99);
    journal.mark(GROUP, 1);
    assert_eq!(journal.oldest(GROUP), None);
    assert_eq!(journal.read(at(15, 1), 40, 100).unwrap_err(), Gone { oldest: None });
    assert!(journal.read(at(40, 0), 40, 100).is_ok_and(|batch| batch.is_end), "who had seen everything missed nothing");
    assert_eq!(journal.newest(GROUP, 40), at(40, WHOLE));
    journal.begins(GROUP, 40);
    journal.mark(GROUP, 1);
    assert!(journal.read(at(40, 0), 60, 100).is_err_and(|gone| gone.oldest == Some(at(40, WHOLE))));
    assert!(journal.read(at(40, WHOLE), 60, 100).is_ok_and(|batch| batch.is_end), "entries that changed nothing are no gap");
    apply(&journal, 41..=43);
    assert_eq!(read(&journal, at(15, 1)), Err(Gone { oldest: Some(at(40, WHOLE)) }));
    assert_eq!(read(&journal, at(41, 1)).unwrap(), [42, 43]);
    drop(journal);
    assert_eq!(read(&open(dir.path()), at(40, WHOLE)).unwrap(), [41, 42, 43]);
}

#[test]
fn only_what_is_public_costs_anything() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let mut private = vec![Change::Outbox { target: 1 }];
    journal.entry(GROUP, 1, Timestamp(1), &mut private);
    assert_eq!(private.len(), 1, "it is not even moved");
    let mut public = changes(2);
    journal.entry(GROUP, 2, Timestamp(20), &mut public);
    assert!(public.is_empty());
    journal.mark(GROUP, 0);
    assert_eq!(read(&journal, at(0, 0)).unwrap(), [2]);
}
