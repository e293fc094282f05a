//! The machines of all groups, built from the files of a node that does not run.

use std::collections::BTreeMap;
use std::io;

use anyhow::{Context as _, bail};
use boxoffice_cluster_config::groups::{GroupCounts, GroupKind};
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::accounts::AccountLedger;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::codec::CodecError;
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::time::Timestamp;
use boxoffice_raft::data_dir::{DataDir, Until};

/// One group's machine, and the place in its log that it stands at.
#[derive(Clone, Debug, Default)]
pub struct Stood<M> {
    /// The machine.
    pub machine: M,
    /// The last entry that it applied.
    pub index: u64,
    /// Entries that were applied on top of a snapshot, or from the beginning.
    pub applied: u64,
}

/// The machines of a cluster.
#[derive(Default)]
pub struct Machines {
    /// The catalog.
    pub catalog: Stood<CatalogLedger>,
    /// Seat ledgers.
    pub events: BTreeMap<GroupId, Stood<SeatLedger>>,
    /// Accounts.
    pub users: BTreeMap<GroupId, Stood<AccountLedger>>,
}

impl Machines {
    /// Replays every group of a data directory to the last entry that is known to be committed; `told` hears of each group.
    ///
    /// # Errors
    /// When the files are damaged, or hold what this build does not know.
    pub fn replay(dir: &DataDir, counts: GroupCounts, mut told: impl FnMut(GroupId)) -> anyhow::Result<Self> {
        let mut all = Self::default();
        for group in counts.all() {
            told(group);
            match counts.kind(group) {
                Some(GroupKind::Catalog) => all.catalog = replay(dir, group, Until::Committed)?,
                Some(GroupKind::Events) => drop(all.events.insert(group, replay(dir, group, Until::Committed)?)),
                Some(GroupKind::Users) => drop(all.users.insert(group, replay(dir, group, Until::Committed)?)),
                None => {}
            }
        }
        Ok(all)
    }
}

/// How many groups of each kind the cluster of a data directory has: as said, else as usual if that many are there.
///
/// # Errors
/// When that cannot be told.
pub fn counts_of(dir: &DataDir, said: Option<GroupCounts>) -> anyhow::Result<GroupCounts> {
    let counts = said.unwrap_or_default();
    let there = dir.groups().len();
    let usual = counts.all().count();
    if there != usual {
        bail!("there are {there} groups, not {usual}: name a configuration file of the node with --config");
    }
    Ok(counts)
}

/// Replays one group.
///
/// # Errors
/// When the files are damaged, hold what this build does not know, or do not reach back so far.
pub fn replay<M: Machine>(dir: &DataDir, group: GroupId, until: Until) -> anyhow::Result<Stood<M>> {
    let mut replay = dir.replay(group, until)?;
    let mut stood = Stood { machine: M::default(), index: replay.begins().0, applied: 0 };
    if let Some(frames) = replay.frames()? {
        stood.machine = read(frames).with_context(|| format!("read the snapshot of group {group}"))?;
    }
    let mut changes = Vec::new();
    while let Some(step) = replay.step()? {
        for bytes in &step.commands {
            match M::decode_command(bytes) {
                Ok(command) => drop(stood.machine.apply(Timestamp(step.at_us), &command, &mut changes)),
                // Refused by every replica, and so without effect.
                Err(CodecError::Broken(_)) => {}
                Err(error) => return Err(error).with_context(|| format!("entry {} of group {group}", step.index)),
            }
            changes.clear();
        }
        stood.index = step.index;
        stood.applied += 1;
    }
    Ok(stood)
}

fn read<M: Machine>(frames: impl Iterator<Item = io::Result<Vec<u8>>>) -> anyhow::Result<M> {
    let mut broken = None;
    let mut whole = frames.map_while(|frame| frame.map_err(|error| broken = Some(error)).ok());
    let built = M::read_snapshot(&mut whole);
    if let Some(error) = broken {
        return Err(error.into());
    }
    Ok(built?)
}
