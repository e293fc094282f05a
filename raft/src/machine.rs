//! What a group replicates: a deterministic machine that turns committed commands into replies. Knows nothing of how they were agreed on.

use std::io;

use boxoffice_cluster_config::ids::GroupId;
use bytes::Bytes;

/// Makes the machine of a group in its initial state. Called once per group at start, and again when a group has to be reopened.
pub type Machines = std::sync::Arc<dyn Fn(GroupId) -> Box<dyn StateMachine> + Send + Sync>;

/// Where in a group's log something happened. Positions of different incarnations are not comparable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Which life of the group: a restore from backup starts a new one.
    pub incarnation: u64,
    /// The group.
    pub group: GroupId,
    /// Index of the log entry; dense, from 1 for commands.
    pub index: u64,
}

/// Why a machine cannot go on. The group stops on this node and stays stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Halt {
    /// What a person should know, as a sentence without a full stop.
    pub reason: String,
}

impl Halt {
    /// A halt with this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// A replicated state machine. Every method but `freeze`'s result runs on the group's apply task, one call at a time.
pub trait StateMachine: Send + 'static {
    /// Applies one committed batch. Where somebody waits for `replies`, one per command is added to them, in the same order;
    /// elsewhere (on followers, after a restart) there is no need to make any. `at_us` (microseconds since the Unix epoch) is the
    /// same on every replica and strictly increases from batch to batch.
    ///
    /// # Errors
    /// `Halt` when this node cannot apply the batch (a command it does not know, a broken invariant): the group stops loudly on this node.
    fn apply(&mut self, position: Position, at_us: u64, commands: &[Bytes], replies: Option<&mut Vec<Bytes>>) -> Result<(), Halt>;

    /// When something is due that needs an entry to happen, in microseconds since the Unix epoch. The leader proposes `pulse` by then.
    fn deadline_us(&self) -> Option<u64>;

    /// The command that only moves time on. Constant over the machine's life.
    fn pulse(&self) -> Bytes;

    /// Digest of the whole state as applied so far. Called after every entry, so it must be O(1).
    fn digest(&self) -> u128;

    /// A view of the state that later applies do not change, to be written as a snapshot on another thread. Must be quick.
    fn freeze(&self) -> Box<dyn Frozen>;

    /// Replaces the whole state by the frames of a snapshot, in the order they were written.
    ///
    /// # Errors
    /// What the iterator reports, or `InvalidData` when the frames make no sense; the machine is discarded then.
    fn restore(&mut self, frames: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<()>;
}

/// A frozen state on its way into a snapshot.
pub trait Frozen: Send {
    /// Writes the state as frames of about 256 KiB at most.
    ///
    /// # Errors
    /// What the sink reports; writing stops there.
    fn write(&mut self, sink: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()>;
}
