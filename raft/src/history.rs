//! What a node has of a group's past, for backups: its newest snapshot and the log after it. And how a group of a new cluster begins
//! with such a past.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use boxoffice_cluster_config::ids::{ClusterId, GroupId, NodeId};
use bytes::Bytes;

use crate::codec;
use crate::disk::{Disk, RealDisk};
use crate::error::StartError;
use crate::identity;
use crate::log::{Entry, EntryId, GroupLog, Log, LogOptions};
use crate::machine::Frozen;
use crate::proto;
use crate::rescue::Together;
use crate::snapshot::store::{Snapshot, Store};
use crate::types::Batch;

/// The past of one group. Cheap to clone.
#[derive(Clone)]
pub struct History {
    group: GroupId,
    past: Past,
}

#[derive(Clone)]
enum Past {
    /// As one node has it.
    Of { snapshots: Arc<Store>, log: GroupLog },
    /// What several nodes that do not run have together.
    Together(Arc<Together>),
}

/// A state that a past begins with. What it is made of stays readable as long as this lives.
pub struct Base {
    /// The last entry that is in it.
    pub last: EntryId,
    /// The stamp of the last batch that is in it.
    pub at_us: u64,
    /// The life of the cluster that it belongs to.
    pub incarnation: u64,
    /// The state's digest.
    pub digest: u128,
    snapshot: Snapshot,
}

impl Base {
    /// The machine's frames, in order; every byte is checked.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn frames(&self) -> io::Result<impl Iterator<Item = io::Result<Vec<u8>>> + use<>> {
        self.snapshot.read()
    }
}

impl History {
    /// As one node has it.
    pub(crate) fn of(group: GroupId, snapshots: Arc<Store>, log: GroupLog) -> Self {
        Self { group, past: Past::Of { snapshots, log } }
    }

    /// As several nodes have it together.
    pub(crate) fn together(group: GroupId, together: Together) -> Self {
        Self { group, past: Past::Together(Arc::new(together)) }
    }

    /// Whose past it is.
    #[must_use]
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// The newest snapshot; `None` = the past begins with nothing.
    #[must_use]
    pub fn base(&self) -> Option<Base> {
        let snapshot = match &self.past {
            Past::Of { snapshots, .. } => snapshots.newest()?,
            Past::Together(together) => together.snapshot()?.clone(),
        };
        let digest = <[u8; 16]>::try_from(snapshot.head.digest.as_ref()).map(u128::from_le_bytes).unwrap_or_default();
        Some(Base { last: snapshot.last, at_us: snapshot.head.at_us, incarnation: snapshot.head.incarnation, digest, snapshot })
    }

    /// The last entry of the log, committed or not; 0 before the first.
    #[must_use]
    pub fn last(&self) -> u64 {
        match &self.past {
            Past::Of { log, .. } => log.state().last.map_or(0, |last| last.index),
            Past::Together(together) => together.last(),
        }
    }

    /// The stamp of the last batch of the log or, if it has none, of the state; 0 before the first.
    ///
    /// # Errors
    /// What reading the log gives.
    pub fn last_stamp_us(&self) -> io::Result<u64> {
        let base = self.base();
        let (mut end, first) = (self.last() + 1, base.as_ref().map_or(0, |base| base.last.index) + 1);
        while end > first {
            let start = end.saturating_sub(64).max(first);
            let mut stamps = Vec::new();
            while stamps.len() < (end - start) as usize {
                let entries = self.entries(start + stamps.len() as u64..end, usize::MAX)?;
                stamps.extend(entries.iter().map(|entry| codec::time_of(&entry.payload)));
            }
            if let Some(at_us) = stamps.into_iter().rev().flatten().next() {
                return Ok(at_us);
            }
            end = start;
        }
        Ok(base.map_or(0, |base| base.at_us))
    }

    /// Some of these entries, beginning with the first, as many as fit into `bytes_max`, but at least one if the range is not empty.
    ///
    /// # Errors
    /// `NotFound` when the first one is not in the log any more (or not yet), and what reading the log gives.
    pub fn entries(&self, range: Range<u64>, bytes_max: usize) -> io::Result<Vec<Entry>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let start = range.start;
        let entries = match &self.past {
            Past::Of { log, .. } => log.read(range, bytes_max),
            Past::Together(together) => together.entries(range, bytes_max),
        };
        let entries = entries.map_err(io::Error::other)?;
        if entries.first().is_none_or(|first| first.id.index != start) {
            return Err(io::Error::new(ErrorKind::NotFound, format!("entry {start} of {} is not in the log any more", self.group)));
        }
        Ok(entries)
    }
}

/// The stamp and the commands of an entry; `None` for entries that carry none.
///
/// # Errors
/// `InvalidData` when it is none of ours.
pub fn batch_of(payload: Bytes) -> io::Result<Option<(u64, Vec<Bytes>)>> {
    let entry = codec::entry_of(crate::types::log_id(EntryId::default()), payload).map_err(io::Error::from)?;
    match entry.payload {
        openraft::EntryPayload::Normal(Batch(bytes)) => Ok(Some(codec::decode_batch(&Batch(bytes)).map_err(io::Error::from)?)),
        openraft::EntryPayload::Blank | openraft::EntryPayload::Membership(_) => Ok(None),
    }
}

/// The data of a node that does not run.
pub struct StoppedNode {
    /// The cluster that it belongs to.
    pub cluster: ClusterId,
    /// Which node.
    pub node: NodeId,
    /// The past of each group.
    pub groups: BTreeMap<GroupId, History>,
}

impl StoppedNode {
    /// Opens the data; while this lives, the node cannot be started.
    ///
    /// # Errors
    /// When it is in use, damaged, or not the data of a node.
    pub fn open(data_dir: &Path, groups: impl Iterator<Item = GroupId>) -> Result<Self, StartError> {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let (cluster, node) = identity::owner(disk.as_ref(), data_dir).map_err(StartError::io("read whose data it is"))?;
        let log = Log::open(disk.clone(), LogOptions::new(crate::node::log_dir(data_dir))).map_err(StartError::Log)?;
        let snapshot_dir = snapshot_dir(data_dir);
        let open = |group: GroupId| {
            let store = Store::open(disk.clone(), &snapshot_dir, &cluster, group).map_err(StartError::io("read the snapshots"))?;
            Ok((group, History::of(group, Arc::new(store), log.group(group.0))))
        };
        let groups = groups.map(open).collect::<Result<_, StartError>>()?;
        Ok(Self { cluster, node, groups })
    }
}

/// How the groups of a restored cluster begin.
#[derive(Clone, Debug)]
pub struct NewLife {
    /// The cluster's name.
    pub cluster: ClusterId,
    /// Which life this is; no other restore of the same cluster may have the same number.
    pub incarnation: u64,
    /// The voters of every group.
    pub members: Vec<NodeId>,
}

/// Entries of a life are numbered from here on, so that no place in one life is a place in another: a life would have to write more
/// than a million entries a second to reach the next.
#[must_use]
pub fn first_index(incarnation: u64) -> u64 {
    incarnation << 20
}

/// A state that a group begins with.
pub struct Seed<'a> {
    /// The group.
    pub group: GroupId,
    /// The stamp that it goes on from.
    pub at_us: u64,
    /// The state's digest.
    pub digest: u128,
    /// The state.
    pub state: &'a mut dyn Frozen,
}

/// Puts the state that a group begins with into a data directory that no node has used. It is durable when this returns.
///
/// # Errors
/// As the disk reports them.
pub fn seed(data_dir: &Path, life: &NewLife, seed: Seed<'_>) -> io::Result<()> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let dir = snapshot_dir(data_dir);
    disk.create_dir_all(&dir)?;
    let store = Store::open(disk, &dir, &life.cluster, seed.group)?;
    // The least term, so that whatever the first leader writes comes later.
    let last = Some(proto::LogId { term: 0, node: 0, index: first_index(life.incarnation) });
    let nodes: Vec<u64> = life.members.iter().map(|member| member.0).collect();
    let head = proto::SnapshotHead {
        cluster: life.cluster.0.clone(),
        group: seed.group.0,
        last,
        membership: Some(proto::Membership { voters: vec![proto::NodeSet { nodes: nodes.clone() }], nodes }),
        membership_at: last,
        at_us: seed.at_us,
        incarnation: life.incarnation,
        digest: Bytes::copy_from_slice(&seed.digest.to_le_bytes()),
    };
    store.create(head, seed.state).map(drop)
}

/// Where the snapshots of a data directory are.
pub(crate) fn snapshot_dir(data_dir: &Path) -> std::path::PathBuf {
    data_dir.join("snapshots")
}
