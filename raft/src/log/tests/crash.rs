//! Power cuts at every operation of random workloads: what was acknowledged is there, nothing is out of order, a vote never goes back.

use std::collections::BTreeMap;

use super::super::{GroupState, Vote};
use super::*;

/// What a group should look like.
#[derive(Clone, Debug, Default, PartialEq)]
struct Expected {
    entries: Vec<Entry>,
    purged: Option<EntryId>,
    vote: Option<Vote>,
    committed: Option<EntryId>,
}

impl Expected {
    fn last(&self) -> Option<EntryId> {
        self.entries.last().map(|entry| entry.id).or(self.purged)
    }

    fn state(&self) -> GroupState {
        let last = self.last();
        let committed = self.committed.and_then(|committed| last.map(|last| if committed.index > last.index { last } else { committed }));
        GroupState { vote: self.vote, purged: self.purged, last, committed }
    }

    fn found(group: &GroupLog) -> (GroupState, Vec<Entry>) {
        (group.state(), read_all(group))
    }
}

/// The states a group went through, one for each call, and how many of the calls are known to be durable.
#[derive(Default)]
struct History {
    states: Vec<Expected>,
    durable: usize,
}

/// Makes random calls and remembers what must be true after a crash.
struct Workload {
    random: Random,
    groups: BTreeMap<u32, History>,
    acks: Acks<(u32, usize)>,
    terms: u64,
}

impl Workload {
    fn new(seed: u64) -> Self {
        let groups = (1..=3).map(|group| (group, History { states: vec![Expected::default()], durable: 0 })).collect();
        Self { random: Random(seed), groups, acks: Acks::default(), terms: 1 }
    }

    /// One call on a random group, or some work of the loops.
    fn step(&mut self, rig: &mut Rig) {
        let group = 1 + self.random.below(3) as u32;
        let log = rig.group(group);
        let history = self.groups.get_mut(&group).unwrap();
        let mut now = history.states.last().unwrap().clone();
        let last = now.last();
        match self.random.below(20) {
            0..=6 => {
                self.terms += self.random.below(4) / 3;
                let first = last.map_or(1, |last| last.index + 1);
                let count = 1 + self.random.below(4);
                let bytes = 30 + self.random.below(700) as usize;
                let new = entries(group, self.terms, first..first + count, bytes);
                // A large append may survive in part when it was not acknowledged.
                for entry in &new[..new.len() - 1] {
                    now.entries.push(entry.clone());
                    history.states.push(now.clone());
                }
                now.entries.extend(new.last().cloned());
                log.append(new, self.acks.done((group, history.states.len())));
            }
            7 | 8 => {
                let vote = Vote {
                    term: now.vote.map_or(1, |vote| vote.term + 1),
                    node: self.random.below(3),
                    committed: self.random.below(2) == 0,
                };
                now.vote = Some(vote);
                log.save_vote(vote, self.acks.done((group, history.states.len())));
            }
            9 => {
                let after = last.map_or(0, |last| last.index).saturating_sub(self.random.below(5));
                let after = after.max(now.purged.map_or(0, |purged| purged.index));
                now.entries.retain(|entry| entry.id.index <= after);
                if now.committed.is_some_and(|committed| committed.index > after) {
                    now.committed = now.last();
                }
                log.truncate_after(Some(after));
            }
            10 | 11 => {
                let keep = self.random.below(8) as usize;
                let Some(upto) = now.entries.iter().rev().nth(keep).map(|entry| entry.id) else { return };
                now.entries.retain(|entry| entry.id.index > upto.index);
                now.purged = Some(upto);
                log.purge(upto);
            }
            12 => {
                let Some(id) = last else { return };
                now.committed = Some(id);
                log.save_committed(id);
            }
            13 if self.random.below(6) == 0 => {
                now = Expected::default();
                log.drop_group();
            }
            13..=18 => {
                rig.writer.step(self.random.below(4) == 0);
                return self.collect();
            }
            _ => {
                rig.keeper.step();
                return;
            }
        }
        history.states.push(now);
        self.collect();
    }

    fn collect(&mut self) {
        for (group, call) in self.acks.ok() {
            let durable = &mut self.groups.get_mut(&group).unwrap().durable;
            *durable = call.max(*durable);
        }
    }

    /// Each group must be as it was after some call that is not older than the last acknowledged one. Goes on from there.
    fn check(&mut self, rig: &Rig, what: &str) {
        self.collect();
        self.acks = Acks::default();
        for (group, history) in &mut self.groups {
            let (state, entries) = Expected::found(&rig.group(*group));
            let possible = &history.states[history.durable..];
            let Some(now) = possible.iter().rev().find(|expected| expected.state() == state && expected.entries == entries) else {
                let indexes: Vec<u64> = entries.iter().map(|entry| entry.id.index).collect();
                let wanted: Vec<GroupState> = possible.iter().map(Expected::state).collect();
                panic!("{what}: group {group} has {state:?} and entries {indexes:?}, possible were {wanted:#?}");
            };
            *history = History { states: vec![Expected { committed: state.committed, ..now.clone() }], durable: 0 };
        }
    }
}

fn crash_options() -> LogOptions {
    LogOptions { segment_bytes: 8 << 10, short_segment_bytes: 4 << 10, reclaim_bytes: 32 << 10, ..options() }
}

/// Runs until the disk fails or `steps` are done.
fn run(work: &mut Workload, rig: &mut Rig, steps: usize) {
    for _ in 0..steps {
        if rig.disk.is_down() {
            break;
        }
        work.step(rig);
    }
    while rig.writer.step(false) == Step::Worked {}
}

/// Opens the log, cutting the power again while that goes on, as often as `cuts` says.
fn reopen_under_fire(disk: &SimDisk, random: &mut Random, cuts: u64, what: &str) -> Rig {
    for cut in 0..cuts {
        disk.crash_at(1 + random.below(6));
        if let Ok(mut rig) = Rig::open(disk, crash_options()) {
            rig.keeper.step();
            drop(rig);
        }
        if random.below(2) == 0 {
            disk.kill();
        } else {
            disk.crash(random.below(1 << 60) + cut);
        }
        disk.restart();
    }
    Rig::open(disk, crash_options()).unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// Three lives of a log, each ended by a cut; false when the first was over before `first_cut`.
fn crash_and_check(seed: u64, first_cut: u64, kill: bool) -> bool {
    let what = format!("seed {seed}, cut at operation {first_cut}, kill {kill}");
    let disk = SimDisk::new();
    let mut rig = Rig::open(&disk, crash_options()).unwrap();
    let mut work = Workload::new(seed);
    let mut random = Random(seed ^ first_cut << 20);
    disk.crash_at(first_cut);
    let mut cut = None;
    for round in 0..3 {
        run(&mut work, &mut rig, 60);
        cut.get_or_insert(disk.is_down());
        assert!(disk.is_down() || rig.fatal.lock().is_empty(), "{what}");
        drop(rig);
        if kill {
            disk.kill()
        } else {
            disk.crash(random.below(1 << 60))
        }
        disk.restart();
        rig = reopen_under_fire(&disk, &mut random, first_cut % 3, &what);
        work.check(&rig, &format!("{what}, round {round}"));
        disk.crash_at(1 + random.below(200));
    }
    cut == Some(true)
}

#[test]
fn acknowledged_writes_survive_a_power_cut_at_every_operation() {
    let mut cuts = 0;
    for seed in 0..5 {
        for at in 1.. {
            if !crash_and_check(seed, at, false) || at > 200 {
                break;
            }
            cuts += 1;
        }
    }
    println!("{cuts} runs of three power cuts each");
    assert!(cuts > 250);
}

#[test]
fn acknowledged_writes_survive_random_power_cuts() {
    for seed in 100..250 {
        crash_and_check(seed, 1 + seed * 7 % 190, false);
    }
}

#[test]
fn a_killed_process_loses_nothing_that_was_acknowledged() {
    for seed in 500..560 {
        crash_and_check(seed, 1 + seed * 7 % 190, true);
    }
}
