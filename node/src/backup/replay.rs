//! A cluster's state, built from a backup by the ledgers themselves: each group's state, and every entry of its log after that, up to a
//! stamp.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use anyhow::{Context, bail, ensure};
use boxoffice_cluster_config::groups::{CATALOG, GroupCounts};
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::accounts::AccountLedger;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::codec::CodecError;
use boxoffice_ledger::ids::MediaHash;
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::time::Timestamp;
use boxoffice_raft::history::batch_of;
use boxoffice_raft::machine::Frozen;

use super::format::{BaseNote, Logged, Part, Round, name};
use super::reading::Stored;
use super::seal::ObjectReader;
use super::target::Target;

/// One group's ledger on its way.
#[derive(Default)]
pub struct Group<M> {
    /// The state.
    pub machine: M,
    at: Progress,
}

/// How far a group is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The last entry that is in.
    pub index: u64,
    /// Its stamp, in microseconds since the Unix epoch.
    pub at_us: u64,
    /// Entries that were replayed.
    pub entries: u64,
    /// Commands in them.
    pub commands: u64,
    /// Whether an entry came that is beyond the cut.
    pub is_over: bool,
}

/// A group of any kind.
pub trait Replay {
    /// Begins with a state.
    ///
    /// # Errors
    /// When it is not sound, or not the one that the manifest names.
    fn begin(&mut self, base: &BaseNote, frames: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> anyhow::Result<()>;
    /// Applies the next entry, unless it was stamped after `until_us`.
    ///
    /// # Errors
    /// When it is not the next one, or this program does not know it.
    fn enter(&mut self, entry: Logged, until_us: u64) -> anyhow::Result<()>;
    /// How far it is.
    fn progress(&self) -> Progress;
    /// The state's digest.
    fn digest(&self) -> u128;
    /// The first broken invariant.
    ///
    /// # Errors
    /// That.
    fn check(&self) -> Result<(), String>;
    /// The state as it is now.
    fn freeze(&self) -> Box<dyn Frozen>;
}

impl<M: Machine> Replay for Group<M> {
    fn begin(&mut self, base: &BaseNote, frames: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> anyhow::Result<()> {
        let mut broken = None;
        let built = M::read_snapshot(&mut frames.map_while(|frame| frame.map_err(|error| broken = Some(error)).ok()));
        if let Some(error) = broken {
            return Err(error.into());
        }
        self.machine = built.map_err(|error| anyhow::anyhow!("the state does not decode: {error}"))?;
        ensure!(frames.next().is_none(), "the state has more frames than it needs");
        let digest = self.digest();
        ensure!(digest.to_le_bytes()[..] == base.digest, "the state has another digest than the one that was backed up");
        (self.at.index, self.at.at_us) = (base.index, base.at_us);
        Ok(())
    }

    fn enter(&mut self, entry: Logged, until_us: u64) -> anyhow::Result<()> {
        if self.at.is_over {
            return Ok(());
        }
        ensure!(entry.index == self.at.index + 1, "entry {} follows entry {}", entry.index, self.at.index);
        if let Some((stamped_us, commands)) = batch_of(entry.payload).with_context(|| format!("entry {}", entry.index))? {
            // As it was applied the first time.
            let at_us = stamped_us.max(self.at.at_us + 1);
            if at_us > until_us {
                self.at.is_over = true;
                return Ok(());
            }
            for command in &commands {
                match M::decode_command(command) {
                    Ok(command) => drop(self.machine.apply(Timestamp(at_us), &command, &mut Vec::new())),
                    Err(CodecError::Unknown(what)) => bail!("entry {} is of a newer version ({what}): use that one", entry.index),
                    // It was answered as malformed, and changed nothing.
                    Err(_) => {}
                }
            }
            self.at.at_us = at_us;
            self.at.commands += commands.len() as u64;
        }
        self.at.entries += 1;
        self.at.index = entry.index;
        Ok(())
    }

    fn progress(&self) -> Progress {
        self.at
    }

    fn digest(&self) -> u128 {
        self.machine.digest().0
    }

    fn check(&self) -> Result<(), String> {
        self.machine.check_invariants()
    }

    fn freeze(&self) -> Box<dyn Frozen> {
        Box::new(Still(self.machine.clone()))
    }
}

impl<M> Group<M> {
    /// Goes on by a command of the restore itself.
    pub fn carry_out(&mut self, command: &M::Command)
    where
        M: Machine,
    {
        self.at.at_us += 1;
        self.machine.apply(Timestamp(self.at.at_us), command, &mut Vec::new());
    }
}

/// A state on its way into a snapshot.
struct Still<M>(M);

impl<M: Machine> Frozen for Still<M> {
    fn write(&mut self, sink: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut outcome = Ok(());
        self.0.write_snapshot(&mut |frame| {
            if outcome.is_ok() {
                outcome = sink(frame);
            }
        });
        outcome
    }
}

/// All groups.
pub struct Replayed {
    /// The catalog.
    pub catalog: Group<CatalogLedger>,
    events: BTreeMap<GroupId, Group<SeatLedger>>,
    users: BTreeMap<GroupId, Group<AccountLedger>>,
}

impl Replayed {
    fn new(counts: GroupCounts) -> Self {
        Self {
            catalog: Group::default(),
            events: counts.event_groups().map(|group| (group, Group::default())).collect(),
            users: counts.user_groups().map(|group| (group, Group::default())).collect(),
        }
    }

    /// The state at `until_us`: everything that was stamped up to there, and nothing else. Tells `told` in words how far it is.
    ///
    /// # Errors
    /// When anything of the backup is damaged, missing or not known: there is no part of a restore.
    pub async fn build(target: &Target, stored: &Stored, until_us: u64, told: &mut dyn FnMut(String)) -> anyhow::Result<Self> {
        let mut all = Self::new(stored.counts());
        for base in &stored.manifest.bases {
            let group = GroupId(base.group);
            let of_group = || format!("group {group} of {}", stored.backup);
            let Some(bytes) = stored.base(target, base).await? else { continue };
            ensure!(base.at_us <= until_us, "{} begins after that moment: use an older backup", stored.backup);
            let place = name::snapshot(stored.backup, base.group);
            let mut frames = ObjectReader::open(&place, &bytes, target.key())?;
            all.group(group)?.begin(base, &mut frames).with_context(of_group)?;
            told(format!("group {group}: state at entry {}, {} bytes packed", base.index, bytes.len()));
        }
        let mut rounds = stored.rounds();
        while let Some((round, frames)) = rounds.next(target).await? {
            for entries in frames {
                let group = GroupId(entries.group);
                let replay = all.group(group)?;
                let entered = entries.entries.into_iter().try_for_each(|entry| replay.enter(entry, until_us));
                entered.with_context(|| format!("group {group}, round {} of {}", round.number, stored.backup))?;
            }
            all.compare(&round).with_context(|| format!("round {} of {}", round.number, stored.backup))?;
            if round.number.is_multiple_of(100) || round.number == stored.head.round {
                told(format!("round {} of {}", round.number, stored.head.round));
            }
        }
        Ok(all)
    }

    /// Holds the state against what the node that made the round had.
    fn compare(&mut self, round: &Round) -> anyhow::Result<()> {
        for Part { group, last, digest, .. } in &round.parts {
            let replay = self.group(GroupId(*group))?;
            let progress = replay.progress();
            if progress.is_over {
                continue;
            }
            ensure!(progress.index == *last, "group {group} ends at entry {} instead of {last}", progress.index);
            let same = digest.is_empty() || replay.digest().to_le_bytes()[..] == *digest;
            ensure!(same, "group {group} has another digest after entry {last} than it had in the cluster");
        }
        Ok(())
    }

    fn group(&mut self, group: GroupId) -> anyhow::Result<&mut dyn Replay> {
        if group == CATALOG {
            return Ok(&mut self.catalog);
        }
        if let Some(events) = self.events.get_mut(&group) {
            return Ok(events);
        }
        match self.users.get_mut(&group) {
            Some(users) => Ok(users),
            None => bail!("there is no group {group} in this cluster"),
        }
    }

    /// Every group, by number.
    pub fn groups(&self) -> BTreeMap<GroupId, &dyn Replay> {
        let events = self.events.iter().map(|(group, replay)| (*group, replay as &dyn Replay));
        let users = self.users.iter().map(|(group, replay)| (*group, replay as &dyn Replay));
        std::iter::once((CATALOG, &self.catalog as &dyn Replay)).chain(events).chain(users).collect()
    }

    /// Walks over the whole state.
    ///
    /// # Errors
    /// The first broken invariant.
    pub fn check(&self) -> anyhow::Result<()> {
        for (group, replay) in self.groups() {
            replay.check().map_err(|broken| anyhow::anyhow!("group {group}: {broken}"))?;
        }
        Ok(())
    }

    /// The images that events name.
    pub fn images(&self) -> BTreeSet<MediaHash> {
        self.catalog.machine.events().flat_map(|event| event.images.iter().copied()).collect()
    }
}
