//! Backups and restores in answers.

use boxoffice_ledger::ids::BackupId;
use boxoffice_ledger::upkeep::{BackupNote, Recovery};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Rfc3339, Text};
use crate::backend::{BackupRun, BackupStatus, BackupView};

/// A full backup.
#[derive(Serialize, JsonSchema)]
pub struct BackupOut {
    #[schemars(extend("const" = "backup"))]
    object: &'static str,
    id: Text<BackupId>,
    #[schemars(extend("enum" = ["asked", "running", "done", "failed"]))]
    state: &'static str,
    /// While it runs, on the node that makes it: groups whose state is there.
    groups_done: Option<u32>,
    groups: Option<u32>,
    /// Its size where it lies; while it runs, bytes of state that were read so far.
    bytes: Option<u64>,
    began_at: Option<Rfc3339>,
    ended_at: Option<Rfc3339>,
    /// The node that made it.
    node: Option<u64>,
    /// It holds everything up to this moment.
    until: Option<Rfc3339>,
    /// Why there is none.
    failure: Option<String>,
}

impl BackupOut {
    /// A backup.
    #[must_use]
    pub fn new(view: &BackupView) -> Self {
        match view {
            BackupView::Asked(backup) => Self::of(*backup, "asked"),
            BackupView::Running(run) => Self::running(run),
            BackupView::Ended(note) => Self::ended(note),
        }
    }

    /// One that was asked for.
    #[must_use]
    pub fn asked(backup: BackupId) -> Self {
        Self::of(backup, "asked")
    }

    fn of(backup: BackupId, state: &'static str) -> Self {
        let (began_at, ended_at, until) = (None, None, None);
        let (groups_done, groups, bytes, node, failure) = (None, None, None, None, None);
        Self { object: "backup", id: Text(backup), state, groups_done, groups, bytes, began_at, ended_at, node, until, failure }
    }

    fn running(run: &BackupRun) -> Self {
        let (groups_done, groups, bytes) = (Some(run.groups_done), Some(run.groups), Some(run.bytes));
        Self { groups_done, groups, bytes, ..Self::of(run.backup, "running") }
    }

    fn ended(note: &BackupNote) -> Self {
        let is_good = note.failure.is_empty();
        Self {
            began_at: Some(Rfc3339(note.began_at)),
            ended_at: Some(Rfc3339(note.ended_at)),
            node: Some(note.node),
            bytes: is_good.then_some(note.bytes),
            until: is_good.then_some(Rfc3339(note.until)),
            failure: (!is_good).then(|| note.failure.clone()),
            ..Self::of(note.backup, if is_good { "done" } else { "failed" })
        }
    }
}

/// How backups stand.
#[derive(Serialize, JsonSchema)]
pub struct BackupStatusOut {
    #[schemars(extend("const" = "backup_status"))]
    object: &'static str,
    /// Whether they are made on a schedule.
    enabled: bool,
    target: String,
    /// Whether that is where the node keeps its own data: lost together with it.
    on_own_disk: bool,
    encrypted: bool,
    every_hours: u32,
    ship_seconds: u32,
    keep: u32,
    /// Asked for, and not there yet.
    asked: Option<Text<BackupId>>,
    /// Being made on this node.
    running: Option<BackupOut>,
    /// The last good one.
    last: Option<BackupOut>,
    /// The last one, if it failed.
    failed: Option<BackupOut>,
    next_at: Option<Rfc3339>,
    /// On the node that makes them: everything up to this moment is there.
    shipped_until: Option<Rfc3339>,
    /// On the node that makes them: why nothing could be added lately.
    failure: Option<String>,
    recovery: Option<RecoveryOut>,
}

/// The restore that a cluster came from.
#[derive(Serialize, JsonSchema)]
struct RecoveryOut {
    backup: Text<BackupId>,
    /// The life of the cluster that it began; part of every revision.
    incarnation: u64,
    /// Nothing later is here.
    cut_at: Rfc3339,
    #[schemars(extend("enum" = ["reconciling", "open"]))]
    state: &'static str,
    /// Payments that the provider was asked about.
    asked: u64,
    /// Payments that were given back, because the cut does not have what they paid for.
    returned: u64,
}

impl BackupStatusOut {
    /// As the backend says.
    #[must_use]
    pub fn new(status: &BackupStatus) -> Self {
        Self {
            object: "backup_status",
            enabled: status.enabled,
            target: status.target.clone(),
            on_own_disk: status.is_own_disk,
            encrypted: status.is_encrypted,
            every_hours: status.every_hours,
            ship_seconds: status.ship_seconds,
            keep: status.keep,
            asked: status.asked.map(Text),
            running: status.running.as_ref().map(BackupOut::running),
            last: status.last.as_ref().map(BackupOut::ended),
            failed: status.failed.as_ref().map(BackupOut::ended),
            next_at: status.next_at.map(Rfc3339),
            shipped_until: status.shipped_until.map(Rfc3339),
            failure: status.failure.clone(),
            recovery: status.recovery.map(RecoveryOut::new),
        }
    }
}

impl RecoveryOut {
    fn new(recovery: Recovery) -> Self {
        let Recovery { backup, incarnation, cut_at, is_open, asked, returned } = recovery;
        let state = if is_open { "open" } else { "reconciling" };
        Self { backup: Text(backup), incarnation, cut_at: Rfc3339(cut_at), state, asked, returned }
    }
}
