//! openraft's state machine over ours: applies batches in order, answers their proposers, builds and installs snapshots.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use boxoffice_cluster_config::ids::{ClusterId, GroupId};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use openraft::storage::{EntryResponder, RaftSnapshotBuilder, RaftStateMachine};
use openraft::{EntryPayload, OptionalSend};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::blocking::blocking;
use crate::codec::decode_batch;
use crate::life::Life;
use crate::log::Log;
use crate::machine::{Frozen, Position, StateMachine};
use crate::progress::Progress;
use crate::proto;
use crate::snapshot::store::{Snapshot, Store};
use crate::types::{Batch, Config, LogId, RaftEntry, Replies, SnapshotMeta, StoredMembership};

type RaftSnapshot = openraft::alias::SnapshotOf<Config, Snapshot>;

/// Entries applied before other tasks of the runtime get a turn.
const ENTRIES_PER_TURN: u32 = 32;

/// What every group's machine shares with the rest of the node.
#[derive(Clone)]
pub struct Surroundings {
    pub cluster: ClusterId,
    pub group: GroupId,
    /// Which life of the cluster the data belongs to; learnt from the first snapshot that is installed.
    pub life: Arc<Life>,
    pub progress: Arc<Progress>,
    pub snapshots: Arc<Store>,
    /// Whether the disk has room; snapshots wait until it has.
    pub log: Log,
    /// One permit: one snapshot is built at a time on a node.
    pub building: Arc<Semaphore>,
    /// File work in place, see `Env::inline_blocking`.
    pub inline: bool,
}

/// One group's machine as openraft sees it.
pub struct Adapter {
    around: Surroundings,
    /// Absent only while it is being restored on another thread, or after that failed. Never locked: the mutex makes it shareable by type.
    machine: Mutex<Option<Box<dyn StateMachine>>>,
    last: Option<LogId>,
    membership: StoredMembership,
    /// Time of the last applied batch.
    at_us: u64,
}

impl Adapter {
    /// A new machine; openraft restores the newest snapshot into it.
    pub fn new(machine: Box<dyn StateMachine>, around: Surroundings) -> Self {
        around.progress.machine_replaced(0, None, None);
        around.progress.set_pulse(machine.pulse());
        Self { around, machine: Mutex::new(Some(machine)), last: None, membership: StoredMembership::default(), at_us: 0 }
    }

    fn halt(&self, index: u64, reason: &str) -> io::Error {
        let group = self.around.group;
        tracing::error!(%group, index, reason, "the group has halted on this node");
        self.around.progress.halt(format!("at index {index}: {reason}"));
        io::Error::other(format!("group {group} halted at index {index}: {reason}"))
    }

    fn apply_batch(&mut self, index: u64, batch: &Batch, awaited: bool) -> io::Result<(Replies, u64)> {
        let (stamped_us, commands) = decode_batch(batch).map_err(|error| self.halt(index, &error.to_string()))?;
        // A leader that lost and regained its office may have stamped before it saw what others wrote.
        let at_us = stamped_us.max(self.at_us + 1);
        let position = Position { incarnation: self.around.life.incarnation(), group: self.around.group, index };
        let machine = self.machine.get_mut().as_mut().ok_or_else(lost)?;
        // A panic must not repeat itself on every reopening.
        let mut replies = Vec::with_capacity(if awaited { commands.len() } else { 0 });
        let begun = Instant::now();
        let applied = catch_unwind(AssertUnwindSafe(|| machine.apply(position, at_us, &commands, awaited.then_some(&mut replies))));
        match applied {
            Ok(Ok(())) if !awaited || replies.len() == commands.len() => {}
            Ok(Ok(())) => {
                let reason = format!("{} replies to {} commands", replies.len(), commands.len());
                return Err(self.halt(index, &reason));
            }
            Ok(Err(halt)) => return Err(self.halt(index, &halt.reason)),
            Err(panic) => return Err(self.halt(index, &format!("the machine panicked: {}", panic_text(panic.as_ref())))),
        }
        self.at_us = at_us;
        self.around.progress.applies.count(begun.elapsed());
        self.around.progress.note_time(at_us);
        Ok((Replies { at_us, replies }, commands.iter().map(|command| command.len() as u64).sum()))
    }

    /// Applies one entry; `awaited` says whether somebody here waits for what its commands are answered.
    fn apply_entry(&mut self, entry: RaftEntry, awaited: bool) -> io::Result<Replies> {
        let (id, payload) = (entry.log_id, entry.payload);
        let (replies, bytes) = match payload {
            EntryPayload::Blank => (Replies::default(), 0),
            EntryPayload::Normal(batch) => self.apply_batch(id.index, &batch, awaited)?,
            EntryPayload::Membership(membership) => {
                self.membership = StoredMembership::new(Some(id), membership);
                (Replies::default(), 0)
            }
        };
        self.last = Some(id);
        let machine = self.machine.get_mut().as_ref().ok_or_else(lost)?;
        self.around.progress.entry_applied(id.index, bytes, machine.digest(), machine.deadline_us());
        Ok(replies)
    }

    fn head(&mut self) -> Option<proto::SnapshotHead> {
        let digest = self.machine.get_mut().as_ref()?.digest();
        Some(proto::SnapshotHead {
            cluster: self.around.cluster.0.clone(),
            group: self.around.group.0,
            last: self.last.as_ref().map(Into::into),
            membership: Some(self.membership.membership().into()),
            membership_at: self.membership.log_id().as_ref().map(Into::into),
            at_us: self.at_us,
            incarnation: self.around.life.incarnation(),
            digest: Bytes::copy_from_slice(&digest.to_le_bytes()),
        })
    }

    fn builder(&mut self, permit: Option<OwnedSemaphorePermit>) -> Option<Builder> {
        let frozen = self.machine.get_mut().as_ref()?.freeze();
        Some(Builder { around: self.around.clone(), head: self.head()?, frozen: Mutex::new(Some(frozen)), _permit: permit })
    }

    /// Makes sure that the snapshot is in this group's store, whoever made it.
    async fn keep(&self, snapshot: Snapshot) -> io::Result<Snapshot> {
        let store = self.around.snapshots.clone();
        blocking(self.around.inline, move || {
            if let Some(kept) = store.find(snapshot.last) {
                return Ok(kept);
            }
            let mut arriving = store.arrive(&snapshot.offer())?;
            while !arriving.is_complete() {
                let chunk = snapshot.chunk(arriving.received(), 1 << 20)?;
                arriving.add(&chunk)?;
            }
            store.take_over(arriving)
        })
        .await
    }
}

fn lost() -> io::Error {
    io::Error::other("the machine was lost in a failed restore")
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

impl RaftStateMachine<Config> for Adapter {
    type SnapshotData = Snapshot;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        Ok((self.last, self.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> Result<(), io::Error>
    where
        S: Stream<Item = Result<EntryResponder<Config>, io::Error>> + Unpin + OptionalSend,
    {
        let mut turn = 0;
        while let Some(item) = entries.next().await {
            let (entry, responder) = item?;
            let replies = self.apply_entry(entry, responder.is_some())?;
            if let Some(responder) = responder {
                responder.send(replies);
            }
            turn += 1;
            if turn % ENTRIES_PER_TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    async fn try_create_snapshot_builder(&mut self, force: bool) -> Option<Builder> {
        if self.last.is_none() && !force {
            return None;
        }
        match self.around.building.clone().try_acquire_owned() {
            Ok(permit) if force || self.around.log.writable() => self.builder(Some(permit)),
            _ if force => self.builder(None),
            _ => None,
        }
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        self.builder(None).expect("openraft asks a running machine only")
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, snapshot: Snapshot) -> Result<(), io::Error> {
        let snapshot = self.keep(snapshot).await?;
        let mut machine = self.machine.get_mut().take().ok_or_else(lost)?;
        let source = snapshot.clone();
        let machine = blocking(self.around.inline, move || {
            let mut frames = source.read()?;
            machine.restore(&mut frames)?;
            if frames.next().is_some() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the machine did not take all frames of the snapshot"));
            }
            Ok(machine)
        })
        .await?;
        let digest = machine.digest();
        let expected = <[u8; 16]>::try_from(snapshot.head.digest.as_ref()).map(u128::from_le_bytes);
        if expected.ok() != Some(digest) {
            return Err(self.halt(snapshot.last.index, "the restored state has another digest than the one that was frozen"));
        }
        self.around.life.begin(snapshot.head.incarnation);
        self.at_us = snapshot.head.at_us;
        self.around.progress.note_time(self.at_us);
        self.last = meta.last_log_id;
        self.membership = meta.last_membership.clone();
        self.around.progress.machine_replaced(snapshot.last.index, Some(digest), machine.deadline_us());
        self.machine = Mutex::new(Some(machine));
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<RaftSnapshot>, io::Error> {
        let Some(snapshot) = self.around.snapshots.newest() else { return Ok(None) };
        Ok(Some(RaftSnapshot { meta: snapshot.meta()?, snapshot }))
    }
}

/// Writes one frozen state as a snapshot file.
pub struct Builder {
    around: Surroundings,
    head: proto::SnapshotHead,
    frozen: Mutex<Option<Box<dyn Frozen>>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl RaftSnapshotBuilder<Config> for Builder {
    type SnapshotData = Snapshot;

    async fn build_snapshot(&mut self) -> Result<RaftSnapshot, io::Error> {
        let head = self.head.clone();
        let mut frozen = self.frozen.get_mut().take().ok_or_else(|| io::Error::other("a builder builds once"))?;
        let store = self.around.snapshots.clone();
        let snapshot = blocking(self.around.inline, move || store.create(head, frozen.as_mut())).await?;
        self.around.progress.snapshot_taken(snapshot.last.index);
        tracing::info!(group = %self.around.group, index = snapshot.last.index, bytes = snapshot.bytes, "snapshot taken");
        Ok(RaftSnapshot { meta: snapshot.meta()?, snapshot })
    }
}
