//! Backups and restores, as they go through the backend.

use async_trait::async_trait;
use boxoffice_ledger::ids::{BackupId, Request};
use boxoffice_ledger::time::Timestamp;
use boxoffice_ledger::upkeep::{BackupNote, Recovery};

use super::{Answer, Caller, Context, Read, Written};

/// A backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackupView {
    /// It was asked for, and is not there yet.
    Asked(BackupId),
    /// It is being made.
    Running(BackupRun),
    /// It ended.
    Ended(BackupNote),
}

/// A backup that is being made on the node that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupRun {
    /// Its id.
    pub backup: BackupId,
    /// Groups whose state is there.
    pub groups_done: u32,
    /// Groups in all.
    pub groups: u32,
    /// Bytes of state that were read so far.
    pub bytes: u64,
}

/// How backups stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupStatus {
    /// Whether they are made on a schedule.
    pub enabled: bool,
    /// Where they go, for people.
    pub target: String,
    /// Whether that is where the node keeps its own data: lost together with it.
    pub is_own_disk: bool,
    /// Whether they are encrypted.
    pub is_encrypted: bool,
    /// Hours between two full ones.
    pub every_hours: u32,
    /// Seconds after which what happened since is added.
    pub ship_seconds: u32,
    /// How many are kept.
    pub keep: u32,
    /// One that was asked for and is not there yet.
    pub asked: Option<BackupId>,
    /// One that is being made on this node.
    pub running: Option<BackupRun>,
    /// The last good one.
    pub last: Option<BackupNote>,
    /// The last one, if it failed.
    pub failed: Option<BackupNote>,
    /// When the next full one is due.
    pub next_at: Option<Timestamp>,
    /// On the node that makes them: everything that was stamped up to here is there.
    pub shipped_until: Option<Timestamp>,
    /// On the node that makes them: why nothing could be added lately.
    pub failure: Option<String>,
    /// The restore that the cluster came from.
    pub recovery: Option<Recovery>,
}

/// Backups. For operators.
#[async_trait]
pub trait BackupDesk: Send + Sync + 'static {
    /// Asks for a full backup; while one is asked for, that one is meant.
    async fn ask_backup(&self, cx: Context, caller: Caller, request: Request) -> Answer<Written<BackupId>>;
    /// How backups stand.
    async fn backups(&self, cx: Context) -> Answer<Read<BackupStatus>>;
    /// How one of them stands, as far back as the cluster remembers: the last ones.
    async fn backup(&self, cx: Context, backup: BackupId) -> Answer<Read<BackupView>>;
}
