//! Entries of a group's log as somebody reads them who is not the group: decoded as far as this crate knows them.

use bytes::Bytes;
use openraft::EntryPayload;

use crate::codec;
use crate::group::Group;
use crate::log::{Entry, LogError};

/// Most bytes of entries that one call reads, unless one entry is larger.
pub const READ_BYTES_MAX: usize = 4 << 20;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place.
    pub index: u64,
    /// Term of the leader that made it.
    pub term: u64,
    /// Node number of that leader.
    pub node: u64,
    /// What it is.
    pub content: Content,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing: a new leader's first entry.
    Blank,
    /// Who takes part from here on.
    Membership {
        /// Sets of voters, two while one gives way to the other.
        voters: Vec<Vec<u64>>,
        /// Everybody, learners too.
        nodes: Vec<u64>,
    },
    /// Commands under one time.
    Batch {
        /// The time that the leader stamped, in microseconds since the Unix epoch. What is applied is never earlier than 1 µs after the
        /// batch before.
        at_us: u64,
        /// The commands; opaque here.
        commands: Vec<Bytes>,
    },
}

/// Why entries cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EntriesError {
    /// The log does not give them.
    #[error(transparent)]
    Log(#[from] LogError),
    /// They are not of a form that this build knows.
    #[error("entry {index} does not decode: {reason}")]
    Unknown {
        /// Which one.
        index: u64,
        /// Why.
        reason: String,
    },
}

impl Group {
    /// The first entry that this node's log still has.
    #[must_use]
    pub fn first_index(&self) -> u64 {
        self.core.group_log.state().purged.map_or(0, |purged| purged.index + 1)
    }

    /// Applied entries from `from` (or the first that is left) on, at most `count` and about [`READ_BYTES_MAX`] bytes. Reads the disk:
    /// not for threads that serve.
    ///
    /// # Errors
    /// As [`EntriesError`] says.
    pub fn entries(&self, from: u64, count: usize) -> Result<Vec<LogEntry>, EntriesError> {
        let end = from.max(self.first_index()).saturating_add(count as u64).min(self.applied() + 1);
        let from = from.max(self.first_index());
        if from >= end {
            return Ok(Vec::new());
        }
        self.core.group_log.read(from..end, READ_BYTES_MAX)?.into_iter().map(decode).collect()
    }
}

/// An entry as it is read.
///
/// # Errors
/// When this build does not know its form.
pub(crate) fn decode(entry: Entry) -> Result<LogEntry, EntriesError> {
    let (index, term, node) = (entry.id.index, entry.id.term, entry.id.node);
    let content = content(entry).map_err(|error| EntriesError::Unknown { index, reason: error.to_string() })?;
    Ok(LogEntry { index, term, node, content })
}

fn content(entry: Entry) -> Result<Content, codec::CodecError> {
    Ok(match codec::from_log(entry)?.payload {
        EntryPayload::Blank => Content::Blank,
        EntryPayload::Normal(batch) => {
            let (at_us, commands) = codec::decode_batch(&batch)?;
            Content::Batch { at_us, commands }
        }
        EntryPayload::Membership(membership) => Content::Membership {
            voters: membership.get_joint_config().iter().map(|set| set.iter().copied().collect()).collect(),
            nodes: membership.nodes().map(|(node, _)| *node).collect(),
        },
    })
}
