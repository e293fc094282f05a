//! What several nodes that do not run have together, when the log of none of them is whole: the way out when bytes of all of them
//! changed, at different places.
//!
//! An entry that was acknowledged is in the logs of a majority, and no later leader wrote another one at its place. So of all entries at
//! one place the one of the latest leader is the right one, as long as one whole copy of what was acknowledged is among them. An entry of
//! an earlier leader than the one before it was never acknowledged: there the past ends (Ongaro, "Consensus: bridging theory and
//! practice", 3.6: logs are compared by term and index).

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use boxoffice_cluster_config::ids::{ClusterId, GroupId, NodeId};

use crate::disk::{Disk, ReadOnlyDisk};
use crate::history::{History, snapshot_dir};
use crate::identity;
use crate::log::{Entry, LogError, Salvage};
use crate::node::log_dir;
use crate::snapshot::store::{self, Snapshot};

/// Entries that one read gives at most.
const ENTRIES_MAX: usize = 4096;

/// Why there is no common past.
#[derive(Debug, thiserror::Error)]
pub enum RescueError {
    /// A file cannot be read.
    #[error("{action} in {}", .dir.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A log cannot be read at all, or is in use.
    #[error("read the log in {}", .dir.display())]
    Log {
        /// Where.
        dir: PathBuf,
        /// Why.
        #[source]
        source: LogError,
    },
    /// The directories belong to different clusters.
    #[error("{} belongs to the cluster {found}, not to {expected}", .dir.display())]
    OtherCluster {
        /// Which.
        dir: PathBuf,
        /// Whose it is.
        found: ClusterId,
        /// Whose the first one is.
        expected: ClusterId,
    },
    /// Two of the directories are of one node.
    #[error("{} is node {node}'s, as an earlier one is: name each node once", .dir.display())]
    Twice {
        /// Which.
        dir: PathBuf,
        /// Whose.
        node: NodeId,
    },
    /// An entry is whole in none of them.
    #[error("entry {index} of group {group} is whole in none of the directories, and later ones are there: use the last backup")]
    Lost {
        /// The group.
        group: u32,
        /// The entry.
        index: u64,
    },
}

/// The data of several nodes that do not run.
pub struct Rescue {
    /// The cluster that it belongs to.
    pub cluster: ClusterId,
    /// Each node, and how many frames of its log are damaged.
    pub nodes: Vec<(NodeId, u64)>,
    /// The past of each group.
    pub groups: BTreeMap<GroupId, History>,
}

impl Rescue {
    /// Reads the directories; nothing is written.
    ///
    /// # Errors
    /// As [`RescueError`] says.
    pub fn open(dirs: &[PathBuf], groups: impl Iterator<Item = GroupId>) -> Result<Self, RescueError> {
        Self::open_on(&(Arc::new(ReadOnlyDisk) as Arc<dyn Disk>), dirs, groups)
    }

    fn open_on(disk: &Arc<dyn Disk>, dirs: &[PathBuf], groups: impl Iterator<Item = GroupId>) -> Result<Self, RescueError> {
        let (mut cluster, mut nodes, mut logs) = (None, Vec::new(), Vec::new());
        for dir in dirs {
            let whose = identity::owner(disk.as_ref(), dir);
            let (found, node) = whose.map_err(|source| RescueError::Io { action: "read whose data it is", dir: dir.clone(), source })?;
            let expected = cluster.get_or_insert_with(|| found.clone()).clone();
            if found != expected {
                return Err(RescueError::OtherCluster { dir: dir.clone(), found, expected });
            }
            if nodes.iter().any(|(known, _)| *known == node) {
                return Err(RescueError::Twice { dir: dir.clone(), node });
            }
            let log = Salvage::open(disk.clone(), &log_dir(dir)).map_err(|source| RescueError::Log { dir: dir.clone(), source })?;
            nodes.push((node, log.bad_frames()));
            logs.push(log);
        }
        let (cluster, logs) = (cluster.unwrap_or_else(|| ClusterId(String::new())), Arc::new(logs));
        let past = |group| {
            let snapshot = newest(disk, dirs, &cluster, group)?;
            Ok((group, History::together(group, Together::of(group, snapshot, &logs)?)))
        };
        Ok(Self { nodes, groups: groups.map(past).collect::<Result<_, RescueError>>()?, cluster })
    }
}

/// The newest snapshot of a group that is whole anywhere.
fn newest(disk: &Arc<dyn Disk>, dirs: &[PathBuf], cluster: &ClusterId, group: GroupId) -> Result<Option<Snapshot>, RescueError> {
    let look = |dir: &PathBuf| {
        let found = store::look(disk, &snapshot_dir(Path::new(dir)), cluster, group);
        found.map_err(|source| RescueError::Io { action: "read the snapshots", dir: dir.clone(), source })
    };
    let found = dirs.iter().map(look).collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().flatten().max_by_key(|snapshot| snapshot.last.index))
}

/// One group's past, of several logs.
pub(crate) struct Together {
    group: u32,
    snapshot: Option<Snapshot>,
    logs: Arc<Vec<Salvage>>,
    /// The entry after the snapshot, and which log has it and each one after it.
    first: u64,
    from: Vec<usize>,
}

impl Together {
    fn of(group: GroupId, snapshot: Option<Snapshot>, logs: &Arc<Vec<Salvage>>) -> Result<Self, RescueError> {
        let group = group.0;
        let first = snapshot.as_ref().map_or(0, |snapshot| snapshot.last.index) + 1;
        let mut before = snapshot.as_ref().map(|snapshot| (snapshot.last.term, snapshot.last.node)).unwrap_or_default();
        let last = logs.iter().map(|log| log.last(group)).max().unwrap_or(0);
        let mut from = Vec::new();
        for index in first..=last {
            let leaders = logs.iter().enumerate().filter_map(|(at, log)| Some((log.leader(group, index)?, at)));
            let Some((leader, at)) = leaders.max() else { return Err(RescueError::Lost { group, index }) };
            if leader < before {
                break;
            }
            before = leader;
            from.push(at);
        }
        Ok(Self { group, snapshot, logs: logs.clone(), first, from })
    }

    pub(crate) fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    pub(crate) fn last(&self) -> u64 {
        self.first + self.from.len() as u64 - 1
    }

    /// As many as lie in one log.
    pub(crate) fn entries(&self, range: Range<u64>, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        let at = |index: u64| self.from.get(usize::try_from(index.checked_sub(self.first)?).ok()?);
        let Some(&log) = at(range.start) else { return Ok(Vec::new()) };
        let count = range.clone().take(ENTRIES_MAX).take_while(|index| at(*index) == Some(&log)).count() as u64;
        self.logs[log].read(self.group, range.start..range.start + count, bytes_max)
    }
}
