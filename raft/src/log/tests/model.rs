//! Random calls against a simple map, with closing and opening in between.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{GroupState, Vote};
use super::*;

#[derive(Clone, Debug)]
enum Call {
    Append { group: u32, count: u64, bytes: usize, new_term: bool },
    Vote { group: u32, node: u64, committed: bool },
    Truncate { group: u32, back: u64 },
    Purge { group: u32, back: u64, beyond: bool },
    Committed { group: u32, back: u64 },
    Drop { group: u32 },
    Read { group: u32, skip: u64, bytes_max: usize },
    Step { flush: bool },
    Keep,
    Reopen,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    entries: BTreeMap<u64, Entry>,
    state: GroupState,
}

impl Model {
    fn settle(&mut self) {
        self.state.last = self.entries.values().next_back().map(|entry| entry.id).or(self.state.purged);
        if let Some(committed) = self.state.committed
            && self.state.last.is_none_or(|last| committed.index > last.index)
        {
            self.state.committed = self.state.last;
        }
    }
}

fn call() -> impl Strategy<Value = Call> {
    let group = 0..3u32;
    prop_oneof![
        6 => (group.clone(), 1..6u64, 0..900usize, proptest::bool::weighted(0.2))
            .prop_map(|(group, count, bytes, new_term)| Call::Append { group, count, bytes, new_term }),
        2 => (group.clone(), 0..9u64, any::<bool>()).prop_map(|(group, node, committed)| Call::Vote { group, node, committed }),
        2 => (group.clone(), 0..6u64).prop_map(|(group, back)| Call::Truncate { group, back }),
        2 => (group.clone(), 0..9u64, proptest::bool::weighted(0.1)).prop_map(|(group, back, beyond)| Call::Purge { group, back, beyond }),
        2 => (group.clone(), 0..4u64).prop_map(|(group, back)| Call::Committed { group, back }),
        1 => group.clone().prop_map(|group| Call::Drop { group }),
        3 => (group, 0..9u64, 0..3000usize).prop_map(|(group, skip, bytes_max)| Call::Read { group, skip, bytes_max }),
        5 => any::<bool>().prop_map(|flush| Call::Step { flush }),
        3 => Just(Call::Keep),
        1 => Just(Call::Reopen),
    ]
}

struct Run {
    rig: Option<Rig>,
    models: BTreeMap<u32, Model>,
    term: u64,
}

fn run_options() -> LogOptions {
    LogOptions { segment_bytes: 8 << 10, short_segment_bytes: 4 << 10, reclaim_bytes: 24 << 10, ..options() }
}

impl Run {
    fn rig(&mut self) -> &mut Rig {
        self.rig.as_mut().unwrap()
    }

    fn call(&mut self, call: Call) {
        match call {
            Call::Append { group, count, bytes, new_term } => {
                self.term += u64::from(new_term);
                let model = self.models.entry(group).or_default();
                let first = model.state.last.map_or(1, |last| last.index + 1);
                let new = entries(group, self.term, first..first + count, bytes);
                model.entries.extend(new.iter().map(|entry| (entry.id.index, entry.clone())));
                model.settle();
                self.rig().group(group).append(new, Box::new(|result| result.unwrap()));
            }
            Call::Vote { group, node, committed } => {
                self.term += 1;
                let vote = Vote { term: self.term, node, committed };
                self.models.entry(group).or_default().state.vote = Some(vote);
                self.rig().group(group).save_vote(vote, Box::new(|result| result.unwrap()));
                while self.rig().writer.step(false) == Step::Worked {}
            }
            Call::Truncate { group, back } => self.truncate(group, back),
            Call::Purge { group, back, beyond } => self.purge(group, back, beyond),
            Call::Committed { group, back } => {
                let model = self.models.entry(group).or_default();
                let Some(id) = model.entries.values().nth_back(back as usize).map(|entry| entry.id) else { return };
                model.state.committed = Some(id);
                self.rig().group(group).save_committed(id);
            }
            Call::Drop { group } => {
                self.models.insert(group, Model::default());
                self.rig().group(group).drop_group();
            }
            Call::Read { group, skip, bytes_max } => self.read(group, skip, bytes_max),
            Call::Step { flush } => drop(self.rig().writer.step(flush)),
            Call::Keep => drop(self.rig().keeper.step()),
            Call::Reopen => self.rig = self.rig.take().map(|rig| rig.reopen(run_options())),
        }
    }

    fn truncate(&mut self, group: u32, back: u64) {
        let model = self.models.entry(group).or_default();
        let floor = model.state.purged.map_or(0, |purged| purged.index);
        let after = model.state.last.map_or(0, |last| last.index.saturating_sub(back)).max(floor);
        model.entries.retain(|index, _| *index <= after);
        model.settle();
        self.rig().group(group).truncate_after(Some(after));
    }

    fn purge(&mut self, group: u32, back: u64, beyond: bool) {
        let model = self.models.entry(group).or_default();
        let upto = match model.entries.values().nth_back(back as usize) {
            Some(entry) if !beyond => entry.id,
            _ => id(self.term, model.state.last.map_or(1, |last| last.index + 1 + back)),
        };
        model.entries.retain(|index, _| *index > upto.index);
        model.state.purged = Some(upto);
        model.settle();
        self.rig().group(group).purge(upto);
    }

    fn read(&mut self, group: u32, skip: u64, bytes_max: usize) {
        let model = self.models.entry(group).or_default().clone();
        let first = model.entries.keys().next().map_or(1, |first| first + skip);
        let found = self.rig().group(group).read(first..u64::MAX, bytes_max).unwrap();
        let expected: Vec<Entry> = model.entries.range(first..).map(|(_, entry)| entry.clone()).take(found.len()).collect();
        assert_eq!(found, expected);
        assert_eq!(found.is_empty(), model.entries.range(first..).next().is_none(), "never empty while there is something");
        let bytes: usize = found.iter().map(|entry| entry.payload.len()).sum();
        assert!(found.len() <= 1 || bytes <= bytes_max);
    }

    fn check(&mut self) {
        for (group, model) in self.models.clone() {
            let log = self.rig().group(group);
            assert_eq!(log.state(), model.state, "group {group}");
            assert_eq!(read_all(&log), model.entries.values().cloned().collect::<Vec<_>>(), "group {group}");
        }
        assert!(self.rig().fatal.lock().is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_map(calls in proptest::collection::vec(call(), 1..120)) {
        let mut run = Run { rig: Some(Rig::open(&SimDisk::new(), run_options()).unwrap()), models: BTreeMap::new(), term: 1 };
        for call in calls {
            let reopened = matches!(call, Call::Reopen);
            run.call(call);
            if reopened {
                run.check();
            }
        }
        run.check();
        run.call(Call::Reopen);
        run.check();
    }
}
