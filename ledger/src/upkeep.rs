//! What a cluster knows of its backups, and of the restore that it came from. State of the catalog group, so that every node can say
//! it, and so that sales stay closed on every node until what was paid after the cut is settled with the payment provider.

use alloc::string::String;

use prost::Message;

use crate::codec::frame::FrameWriter;
use crate::codec::{CodecError, envelope, upkeep as codec};
use crate::digest::RecordHasher;
use crate::ids::{BackupId, Request};
use crate::time::Timestamp;

/// The longest reason of a failure, in bytes.
pub const FAILURE_BYTES_MAX: usize = 200;

/// How a full backup ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupNote {
    /// Its id.
    pub backup: BackupId,
    /// When it was begun.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// The node that made it.
    pub node: u64,
    /// How large it is where it lies, in bytes.
    pub bytes: u64,
    /// It holds everything that was stamped up to here; what came later is shipped after it.
    pub until: Timestamp,
    /// Why there is none; empty = it is good.
    pub failure: String,
}

/// The restore that a cluster came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// From this backup.
    pub backup: BackupId,
    /// The life of the cluster that it began.
    pub incarnation: u64,
    /// Nothing that was stamped later is here.
    pub cut_at: Timestamp,
    /// Whether the payment provider was asked about everything: sales are open.
    pub is_open: bool,
    /// Payments that it was asked about.
    pub asked: u64,
    /// Payments that were given back, because the cut does not have what they paid for.
    pub returned: u64,
}

/// What can be said about backups and restores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpkeepCommand {
    /// Make a backup. While one that was asked for is not there yet, that one is meant.
    Ask {
        /// Idempotency.
        request: Request,
        /// Its id.
        backup: BackupId,
    },
    /// A full backup ended.
    Note(BackupNote),
    /// The state was restored: what is known of the backups and of the nodes of the life before counts no more.
    Restored(Recovery),
    /// The payment provider was asked about everything that the cut does not settle.
    Reconciled {
        /// The life for which.
        incarnation: u64,
        /// How many payments it was asked about.
        asked: u64,
        /// How many were given back.
        returned: u64,
    },
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// A backup that was asked for and is not there yet.
    pub asked: Option<BackupId>,
    /// The last good one.
    pub last: Option<BackupNote>,
    /// The last one, if it failed.
    pub failed: Option<BackupNote>,
    /// Where this life of the cluster came from.
    pub recovery: Option<Recovery>,
}

impl Upkeep {
    /// Whether something may be sold: not while payments are being settled after a restore.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.recovery.is_none_or(|recovery| recovery.is_open)
    }

    /// The backup that is to be made.
    pub(crate) fn ask(&mut self, backup: BackupId) -> BackupId {
        *self.asked.get_or_insert(backup)
    }

    pub(crate) fn note(&mut self, note: &BackupNote) {
        if self.asked == Some(note.backup) {
            self.asked = None;
        }
        if note.failure.is_empty() {
            (self.last, self.failed) = (Some(note.clone()), None);
        } else {
            self.failed = Some(note.clone());
        }
    }

    /// A word about another life changes nothing.
    pub(crate) fn reconciled(&mut self, incarnation: u64, asked: u64, returned: u64) {
        if let Some(recovery) = self.recovery.as_mut().filter(|recovery| recovery.incarnation == incarnation && !recovery.is_open) {
            *recovery = Recovery { is_open: true, asked, returned, ..*recovery };
        }
    }

    /// Its hash; `None` while there is nothing to say, so that states of before are hashed as before.
    pub(crate) fn hash(&self, tag: u8) -> Option<u128> {
        (*self != Self::default()).then(|| RecordHasher::new(u32::from(tag)).bytes(&codec::upkeep(self).encode_to_vec()).finish())
    }

    pub(crate) fn write_snapshot(&self, writer: &mut FrameWriter<'_>, kind: u8) {
        if *self != Self::default() {
            writer.record(kind, &codec::upkeep(self));
        }
    }

    pub(crate) fn read_record(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::read_upkeep(envelope::exact(bytes)?)
    }
}
