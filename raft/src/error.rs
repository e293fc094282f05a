//! What a caller of a group may get instead of an answer, and whether its command may still have been executed.

use std::io;

/// Why a command has no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// The group had no reachable leader until the deadline. Nothing happened.
    #[error("the group has no leader")]
    NoLeader,
    /// Too many commands are waiting already. Nothing happened.
    #[error("too many commands are waiting")]
    Overloaded,
    /// The leader's disk is full. Nothing happened; it heals by itself when there is room again.
    #[error("the disk of the group's leader is full")]
    DiskFull,
    /// The command is larger than a batch may be. Nothing happened.
    #[error("the command is too large")]
    TooLarge,
    /// The group has stopped on the node that would have to answer. Nothing happened.
    #[error("the group has halted")]
    Halted,
    /// The node is shutting down. Nothing happened.
    #[error("the node is shutting down")]
    ShuttingDown,
    /// The deadline passed, the connection broke, or the leader changed after the command was sent: it may or may not be executed.
    #[error("it is unknown whether the command was executed")]
    Unknown,
}

impl ProposeError {
    /// Whether it is certain that the command was not and will not be executed.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        !matches!(self, Self::Unknown)
    }
}

/// Why a linearizable read point could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No leader confirmed a read point.
    #[error("the group has no leader")]
    NoLeader,
    /// The deadline passed first.
    #[error("the read point was not reached before the deadline")]
    Deadline,
    /// The group has stopped on this node.
    #[error("the group has halted")]
    Halted,
    /// The node is shutting down.
    #[error("the node is shutting down")]
    ShuttingDown,
}

/// Why leadership was not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// Only the leader can hand over, and this node is not.
    #[error("this node does not lead the group")]
    NotLeader,
    /// The target lacks entries or does not answer: it could not take over at once.
    #[error("the target is not caught up")]
    TargetBehind,
    /// The target was asked but did not become leader in time; an election will settle it.
    #[error("the target did not take over in time")]
    Deadline,
    /// The group does not run here at the moment.
    #[error("the group does not run on this node")]
    NotRunning,
}

/// Why a snapshot was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The group does not run here at the moment.
    #[error("the group does not run on this node")]
    NotRunning,
    /// Nothing was applied since the newest snapshot, or it was not finished in time.
    #[error("no new snapshot was finished in time")]
    Deadline,
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The options contradict themselves.
    #[error("bad options: {0}")]
    Options(String),
    /// The data directory belongs to another cluster or node.
    #[error("the data directory belongs to {found}, not to {expected}")]
    ForeignData {
        /// Whose directory it is.
        found: String,
        /// Who wanted to use it.
        expected: String,
    },
    /// The identity of the data directory cannot be read. It must not be guessed.
    #[error("the identity of the data directory is damaged: {0}")]
    DamagedIdentity(String),
    /// The log cannot be opened.
    #[error("open the log")]
    Log(#[source] crate::log::LogError),
    /// A file could not be read or written.
    #[error("{action}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A group could not be opened.
    #[error("open group {group}: {reason}")]
    Group {
        /// Which one.
        group: u32,
        /// What was wrong.
        reason: String,
    },
}

impl StartError {
    pub(crate) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}
