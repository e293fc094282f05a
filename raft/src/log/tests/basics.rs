//! What each call does, without faults.

use super::super::{GroupState, Vote};
use super::*;

#[test]
fn entries_are_readable_at_once_and_acknowledged_after_one_sync() {
    let mut rig = Rig::new();
    let (acks, syncs) = (Acks::default(), rig.disk.syncs());
    for group in 1..=3 {
        rig.group(group).append(entries(group, 1, 1..11, 50), acks.done(group));
        assert_eq!(read_all(&rig.group(group)), entries(group, 1, 1..11, 50));
    }
    assert_eq!(acks.ok(), Vec::<u32>::new());
    assert_eq!(rig.settle(), Step::Idle { held: false });
    assert_eq!(acks.ok(), [1, 2, 3]);
    assert_eq!(rig.disk.syncs() - syncs, 1, "all groups share a sync");
    assert_eq!(rig.log.groups(), [1, 2, 3]);
    let stats = rig.log.stats();
    assert_eq!((stats.entries, stats.entry_bytes, stats.queued), (30, 1500, 0));
}

#[test]
fn old_entries_come_from_the_disk_and_are_the_same() {
    let mut rig = Rig::new();
    let all: Vec<Entry> = (0..5).flat_map(|term| entries(1, term + 1, 1 + term * 40..1 + (term + 1) * 40, 150)).collect();
    for part in all.chunks(7) {
        rig.append(1, part.to_vec());
        rig.append(2, entries(2, 1, part[0].id.index..part[part.len() - 1].id.index + 1, 50));
    }
    assert!(segment_paths(&rig.disk).len() > 2, "the entries fill several segments");
    let group = rig.group(1);
    assert_eq!(read_all(&group), all);
    assert_eq!(group.read(5..9, usize::MAX).unwrap(), all[4..8]);
    assert_eq!(group.read(5..9, 0).unwrap(), all[4..5], "at least one");
    assert_eq!(group.read(5..90, 450).unwrap(), all[4..7], "no more than fit");
    assert_eq!(group.read(199..900, usize::MAX).unwrap(), all[198..]);
    assert_eq!(group.read(201..900, usize::MAX).unwrap(), []);
    assert_eq!(group.read(9..9, usize::MAX).unwrap(), []);
    let rig = rig.reopen(options());
    assert_eq!(read_all(&rig.group(1)), all);
    assert_eq!(rig.group(1).state().last, Some(id(5, 200)));
}

#[test]
fn a_vote_shows_when_it_is_durable_and_stays_in_order() {
    let mut rig = Rig::new();
    let acks = Acks::default();
    let group = rig.group(4);
    let vote = |term, committed| Vote { term, node: 2, committed };
    group.append(entries(4, 1, 1..2, 40), acks.done("entries"));
    group.save_vote(vote(2, false), acks.done("vote"));
    group.save_vote(vote(2, true), acks.done("committed vote"));
    assert_eq!(group.state().vote, None);
    rig.settle();
    assert_eq!(acks.ok(), ["entries", "vote", "committed vote"]);
    assert_eq!(group.state().vote, Some(vote(2, true)));
    let rig = rig.reopen(options());
    assert_eq!(rig.group(4).state(), GroupState { vote: Some(vote(2, true)), last: Some(id(1, 1)), ..GroupState::default() });
}

#[test]
fn truncate_then_append_overwrites() {
    let mut rig = Rig::new();
    rig.append(1, entries(1, 1, 1..21, 100));
    let group = rig.group(1);
    group.truncate_after(Some(12));
    assert_eq!(group.state().last, Some(id(1, 12)));
    group.append(entries(1, 2, 13..16, 100), Acks::default().done(()));
    let expected = [entries(1, 1, 1..13, 100), entries(1, 2, 13..16, 100)].concat();
    assert_eq!(read_all(&group), expected);
    rig.settle();
    assert_eq!(read_all(&group), expected);
    let mut rig = rig.reopen(options());
    assert_eq!(read_all(&rig.group(1)), expected);
    rig.group(1).truncate_after(None);
    assert_eq!(rig.group(1).state().last, None);
    rig.append(1, entries(1, 3, 5..6, 10));
    let rig = rig.reopen(options());
    assert_eq!(read_all(&rig.group(1)), entries(1, 3, 5..6, 10), "an empty group takes any first index");
}

#[test]
fn an_append_in_the_queue_is_not_mistaken_for_its_successor() {
    let mut rig = Rig::new();
    let group = rig.group(1);
    let acks = Acks::default();
    for round in 1..6 {
        group.append(entries(1, round, 1..5, 30 * round as usize), acks.done(round));
        group.truncate_after(Some(round % 3));
        group.append(entries(1, round + 10, round % 3 + 1..4, 20), acks.done(round + 10));
        group.truncate_after(Some(0));
    }
    group.append(entries(1, 99, 1..40, 90), acks.done(99));
    rig.settle();
    assert_eq!(acks.ok().len(), 11);
    assert_eq!(read_all(&group), entries(1, 99, 1..40, 90));
    let rig = rig.reopen(options());
    assert_eq!(read_all(&rig.group(1)), entries(1, 99, 1..40, 90));
}

#[test]
fn purge_moves_the_start_also_beyond_the_end() {
    let mut rig = Rig::new();
    rig.append(1, entries(1, 1, 1..31, 100));
    rig.append(2, entries(2, 1, 1..31, 100));
    let group = rig.group(1);
    group.purge(id(1, 10));
    group.purge(id(1, 4));
    assert_eq!(group.state().purged, Some(id(1, 10)));
    assert_eq!(read_all(&group), entries(1, 1, 11..31, 100));
    group.purge(id(5, 99));
    assert_eq!(group.state(), GroupState { purged: Some(id(5, 99)), last: Some(id(5, 99)), ..GroupState::default() });
    rig.append(1, entries(1, 6, 100..103, 100));
    let rig = rig.reopen(options());
    assert_eq!(read_all(&rig.group(1)), entries(1, 6, 100..103, 100));
    assert_eq!(read_all(&rig.group(2)), entries(2, 1, 1..31, 100), "another group keeps everything");
}

#[test]
fn purge_truncate_and_committed_cause_no_sync_of_their_own() {
    let mut rig = Rig::new();
    rig.append(1, entries(1, 1, 1..31, 100));
    let (syncs, frames) = (rig.disk.syncs(), rig.log.stats().frames);
    let group = rig.group(1);
    for index in 2..25 {
        group.save_committed(id(1, index));
        group.purge(id(1, index - 1));
        group.truncate_after(Some(54 - index));
        assert_eq!(rig.settle(), Step::Idle { held: true });
    }
    assert_eq!((rig.disk.syncs(), rig.log.stats().frames), (syncs, frames));
    assert_eq!(rig.writer.step(true), Step::Worked);
    assert_eq!(rig.log.stats().frames, frames + 1, "held back changes become one frame in time");
    let rig = rig.reopen(options());
    let expected = GroupState { purged: Some(id(1, 23)), last: Some(id(1, 30)), committed: Some(id(1, 24)), ..GroupState::default() };
    assert_eq!(rig.group(1).state(), expected);
}

#[test]
fn what_can_wait_does_not_hold_up_what_cannot() {
    let mut rig = Rig::new();
    let (group, acks) = (rig.group(1), Acks::default());
    group.purge(id(1, 1));
    // Just as much as one frame takes, so that the purge is taken from the queue alone.
    group.append(entries(1, 1, 2..10, 448), acks.done("entries"));
    group.save_vote(Vote { term: 2, node: 1, committed: false }, acks.done("vote"));
    assert_eq!(rig.settle(), Step::Idle { held: false });
    assert_eq!(acks.ok(), ["entries", "vote"]);
}

#[test]
fn committed_is_never_beyond_the_last_entry() {
    let mut rig = Rig::new();
    rig.group(1).save_committed(id(1, 8));
    assert_eq!(rig.group(1).state().committed, None);
    rig.append(1, entries(1, 1, 1..6, 10));
    assert_eq!(rig.group(1).state().committed, Some(id(1, 5)));
    let rig = rig.reopen(options());
    assert_eq!(rig.group(1).state().committed, Some(id(1, 5)));
}

#[test]
fn wrong_appends_are_refused_and_change_nothing() {
    let mut rig = Rig::new();
    rig.append(1, entries(1, 1, 1..6, 10));
    let (group, acks) = (rig.group(1), Acks::default());
    group.append(entries(1, 1, 7..8, 10), acks.done(()));
    group.append(entries(1, 1, 5..8, 10), acks.done(()));
    group.append(vec![entry(1, 1, 6, 10), entry(1, 1, 8, 10)], acks.done(()));
    group.append(vec![entry(1, 1, 6, 4097)], acks.done(()));
    let errors: Vec<String> = acks.errors().iter().map(ToString::to_string).collect();
    let expected = [
        "group 1 expects entry 6, got 7",
        "group 1 expects entry 6, got 5",
        "group 1 expects entry 7, got 8",
        "an entry of 4097 bytes is larger than the 4096 that the log takes",
    ];
    assert_eq!(errors, expected);
    assert_eq!(read_all(&group), entries(1, 1, 1..6, 10));
    rig.append(1, vec![entry(1, 1, 6, 4096)]);
}

#[test]
fn a_large_append_becomes_several_frames_and_one_acknowledgement() {
    let mut rig = Rig::new();
    let frames = rig.log.stats().frames;
    let mixed = [entries(1, 1, 1..100, 300), entries(1, 2, 100..150, 300)].concat();
    rig.append(1, mixed.clone());
    assert!(rig.log.stats().frames - frames > 10);
    assert_eq!(read_all(&rig.group(1)), mixed);
    let rig = rig.reopen(options());
    assert_eq!(read_all(&rig.group(1)), mixed);
}

#[test]
fn a_barrier_waits_for_what_is_held_back() {
    let mut rig = Rig::new();
    rig.append(1, entries(1, 1, 1..9, 10));
    let (group, acks) = (rig.group(1), Acks::default());
    group.truncate_after(Some(3));
    rig.settle();
    group.append(Vec::new(), acks.done(()));
    rig.settle();
    assert_eq!(acks.ok().len(), 1);
    rig.disk.crash(1);
    rig.disk.restart();
    let disk = rig.disk.clone();
    drop(rig);
    let rig = Rig::open(&disk, options()).unwrap();
    assert_eq!(read_all(&rig.group(1)), entries(1, 1, 1..4, 10));
}

#[test]
fn a_dropped_group_is_gone_and_may_come_back() {
    let mut rig = Rig::new();
    rig.append(1, entries(1, 1, 1..9, 10));
    rig.append(2, entries(2, 1, 1..9, 10));
    let acks = Acks::default();
    rig.group(1).save_vote(Vote { term: 3, node: 1, committed: true }, acks.done(()));
    rig.group(1).drop_group();
    rig.settle();
    assert_eq!(acks.ok().len(), 1);
    assert_eq!(rig.group(1).state(), GroupState::default(), "a vote from before the drop does not come back");
    assert_eq!(rig.log.groups(), [2]);
    rig.append(1, entries(1, 9, 70..72, 10));
    let rig = rig.reopen(options());
    assert_eq!(read_all(&rig.group(1)), entries(1, 9, 70..72, 10));
    assert_eq!(read_all(&rig.group(2)), entries(2, 1, 1..9, 10));
}

#[test]
fn callbacks_may_use_the_log() {
    let mut rig = Rig::new();
    let (group, acks) = (rig.group(1), Acks::default());
    let (again, done) = (group.clone(), acks.done("second"));
    group.append(
        entries(1, 1, 1..2, 10),
        Box::new(move |result| {
            result.unwrap();
            again.append(entries(1, 1, 2..3, 10), done);
        }),
    );
    rig.settle();
    assert_eq!(acks.ok(), ["second"]);
}

#[test]
fn a_closed_log_takes_nothing_but_writes_what_it_took() {
    let mut rig = Rig::new();
    let (group, acks) = (rig.group(1), Acks::default());
    group.append(entries(1, 1, 1..4, 10), acks.done("before"));
    rig.log.handle.shared.shut_with(LogError::Closed, false);
    group.append(entries(1, 1, 4..5, 10), acks.done("after"));
    group.save_vote(Vote::default(), acks.done("vote"));
    while rig.writer.step(false) != Step::Stopped {}
    assert_eq!(acks.ok(), ["before"]);
    assert!(matches!(acks.errors()[..], [LogError::Closed, LogError::Closed]));
    assert!(!rig.log.writable());
}

#[test]
fn one_directory_has_one_log() {
    let mut rig = Rig::new();
    rig.append(1, entries(1, 1, 1..4, 10));
    assert!(matches!(Rig::open(&rig.disk, options()), Err(LogError::InUse { .. })));
    let rig = rig.reopen(options());
    assert_eq!(read_all(&rig.group(1)).len(), 3);
}
