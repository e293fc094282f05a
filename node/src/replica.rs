//! Where seats and consensus meet: a ledger machine as a raft state machine, readable by everybody on the node.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::change::Change;
use boxoffice_ledger::codec::CodecError;
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::time::Timestamp;
use boxoffice_raft::machine::{Frozen, Halt, Position, StateMachine};
use boxoffice_raft::planted::has;
use bytes::Bytes;
use parking_lot::{RwLock, RwLockReadGuard};

use crate::feed::Feed;

/// This node's copy of one group's ledger. Cheap to clone; readers see whole entries only.
pub struct Replica<M> {
    state: Arc<RwLock<M>>,
    steps: Arc<Steps>,
}

/// Entries since the start: those in the state, counted while it is locked, and those whose changes were told.
#[derive(Default)]
struct Steps {
    applied: AtomicU64,
    told: AtomicU64,
}

impl<M> Clone for Replica<M> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), steps: Arc::clone(&self.steps) }
    }
}

impl<M: Machine> Replica<M> {
    /// An empty ledger.
    pub fn new() -> Self {
        Self { state: Arc::new(RwLock::new(M::default())), steps: Arc::default() }
    }

    /// Looks at the ledger as applied so far. Keep it short: applying waits for it.
    pub fn read(&self) -> RwLockReadGuard<'_, M> {
        self.state.read()
    }

    /// How many entries are in the state. Exact while the caller holds what [`Replica::read`] gave.
    pub fn steps(&self) -> u64 {
        self.steps.applied.load(Ordering::Acquire)
    }

    /// Whether the changes of so many entries were told to the feed and its journal.
    pub fn has_told(&self, steps: u64) -> bool {
        self.steps.told.load(Ordering::Acquire) >= steps
    }

    /// The state machine that applies a group's log to this copy and tells `feed` what changed. When there was one before, whose group
    /// stopped and is opened again, the copy is emptied: what follows is a snapshot, or the log from its beginning.
    pub fn machine(&self, group: GroupId, feed: Arc<Feed>) -> Box<dyn StateMachine> {
        let (state, steps) = (Arc::clone(&self.state), Arc::clone(&self.steps));
        if self.steps() > 0 || state.read().digest() != M::default().digest() {
            *state.write() = M::default();
            feed.reset(group);
        }
        Box::new(Applier { group, state, steps, feed, changes: Vec::new(), is_restored: false })
    }
}

struct Applier<M> {
    group: GroupId,
    state: Arc<RwLock<M>>,
    steps: Arc<Steps>,
    feed: Arc<Feed>,
    changes: Vec<Change>,
    /// No entry has been applied since the state was restored.
    is_restored: bool,
}

impl<M: Machine> StateMachine for Applier<M> {
    fn apply(&mut self, position: Position, at_us: u64, commands: &[Bytes], mut replies: Option<&mut Vec<Bytes>>) -> Result<(), Halt> {
        let mut decoded = Vec::with_capacity(commands.len());
        for bytes in commands {
            match M::decode_command(bytes) {
                Err(CodecError::Unknown(what)) => {
                    return Err(Halt::new(format!("a command of a newer version ({what}): upgrade this node")));
                }
                other => decoded.push(other),
            }
        }
        if std::mem::take(&mut self.is_restored) {
            self.feed.journal().begins(self.group, position.index.saturating_sub(1));
        }
        self.changes.clear();
        {
            let mut ledger = self.state.write();
            for command in &decoded {
                if replies.is_none() && position.index.is_multiple_of(29) && has("follower-skips") {
                    continue;
                }
                let answer = match command {
                    Ok(command) => ledger.apply(Timestamp(at_us), command, &mut self.changes),
                    Err(error) => M::malformed(&error.to_string()),
                };
                if let Some(replies) = &mut replies {
                    replies.push(Bytes::from(M::encode_answer(&answer)));
                }
            }
            self.steps.applied.fetch_add(1, Ordering::Release);
        }
        if !self.changes.is_empty() {
            self.feed.publish(position.group, position.index, &self.changes);
            self.feed.journal().entry(position.group, position.index, Timestamp(at_us), &mut self.changes);
        }
        self.steps.told.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn deadline_us(&self) -> Option<u64> {
        self.state.read().next_deadline().map(|at| at.0)
    }

    fn pulse(&self) -> Bytes {
        Bytes::from(M::encode_command(&M::pulse()))
    }

    fn digest(&self) -> u128 {
        self.state.read().digest().0
    }

    fn freeze(&self) -> Box<dyn Frozen> {
        Box::new(FrozenLedger { ledger: self.state.read().clone(), group: self.group, feed: Arc::clone(&self.feed) })
    }

    fn restore(&mut self, frames: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<()> {
        let mut broken = None;
        let mut whole = frames.map_while(|frame| frame.map_err(|error| broken = Some(error)).ok());
        let built = M::read_snapshot(&mut whole);
        if let Some(error) = broken {
            return Err(error);
        }
        let built = built.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        self.feed.journal().restored(self.group, built.digest().0);
        self.is_restored = true;
        *self.state.write() = built;
        self.feed.reset(self.group);
        Ok(())
    }
}

struct FrozenLedger<M> {
    ledger: M,
    group: GroupId,
    feed: Arc<Feed>,
}

impl<M: Machine> Frozen for FrozenLedger<M> {
    fn write(&mut self, sink: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        // What came before this state is not replayed any more once the snapshot is there.
        self.feed.journal().mark(self.group, self.ledger.digest().0);
        let mut outcome = Ok(());
        let mut left_out = has("snapshot-leaves-out");
        self.ledger.write_snapshot(&mut |frame| {
            if outcome.is_ok() && !std::mem::take(&mut left_out) {
                outcome = sink(frame);
            }
        });
        outcome
    }
}

#[cfg(test)]
mod tests {
    use boxoffice_api::live::Hub;
    use boxoffice_ledger::catalog::CatalogLedger;

    use super::*;
    use crate::journal::Journal;

    #[test]
    fn a_group_that_is_opened_again_begins_with_an_empty_copy() {
        let (dir, group) = (tempfile::tempdir().unwrap(), GroupId(0));
        let journal = Journal::open(dir.path(), [group].into_iter(), 1 << 20).unwrap();
        let feed = Arc::new(Feed::new(Hub::new(), journal, [group].into_iter()));
        let replica = Replica::<CatalogLedger>::new();
        let empty = replica.read().digest();
        let replay = || {
            let mut machine = replica.machine(group, Arc::clone(&feed));
            let mut digests = vec![machine.digest()];
            for index in 1..=3 {
                let pulse = machine.pulse();
                machine.apply(Position { incarnation: 0, group, index }, index * 1_000_000, &[pulse], None).unwrap();
                digests.push(machine.digest());
            }
            digests
        };
        let first = replay();
        assert_ne!(first[3].to_le_bytes(), empty.0.to_le_bytes(), "time is part of the state");
        assert_eq!(replay(), first, "the same log gives the same states");
    }
}
