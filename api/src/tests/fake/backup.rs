//! The backups of the fake: one that was asked for, and a good one before it.

use async_trait::async_trait;
use boxoffice_ledger::ids::{BackupId, Request};
use boxoffice_ledger::time::Timestamp;
use boxoffice_ledger::upkeep::{BackupNote, Recovery};

use super::Fake;
use crate::backend::{Answer, BackupDesk, BackupRun, BackupStatus, BackupView, Caller, Context, Failure, Read, Written};

/// The one that was asked for.
pub fn backup_id() -> BackupId {
    BackupId(77)
}

fn note(failure: &str) -> BackupNote {
    let (began_at, ended_at, until) = (Timestamp(1_000_000), Timestamp(3_000_000), Timestamp(2_000_000));
    BackupNote { backup: BackupId(76), began_at, ended_at, node: 2, bytes: 12_345, until, failure: failure.into() }
}

#[async_trait]
impl BackupDesk for Fake {
    async fn ask_backup(&self, _: Context, _: Caller, _: Request) -> Answer<Written<BackupId>> {
        self.enter("ask_backup")?;
        Ok(Written { value: backup_id(), revision: self.revision(), replayed: false })
    }

    async fn backups(&self, cx: Context) -> Answer<Read<BackupStatus>> {
        self.enter("backups")?;
        let status = BackupStatus {
            enabled: true,
            target: "/backups".into(),
            is_own_disk: false,
            is_encrypted: true,
            every_hours: 24,
            ship_seconds: 60,
            keep: 7,
            asked: Some(backup_id()),
            running: Some(BackupRun { backup: backup_id(), groups_done: 1, groups: 13, bytes: 5 }),
            last: Some(note("")),
            failed: Some(note("the disk is full")),
            next_at: Some(Timestamp(9_000_000)),
            shipped_until: None,
            failure: None,
            recovery: Some(Recovery {
                backup: BackupId(70),
                incarnation: 1_790_000_000,
                cut_at: Timestamp(5_000_000),
                is_open: false,
                asked: 0,
                returned: 0,
            }),
        };
        self.read(cx, status)
    }

    async fn backup(&self, cx: Context, backup: BackupId) -> Answer<Read<BackupView>> {
        self.enter("backup")?;
        match backup {
            BackupId(77) => self.read(cx, BackupView::Asked(backup)),
            BackupId(76) => self.read(cx, BackupView::Ended(note(""))),
            _ => Err(Failure::NotFound("backup")),
        }
    }
}
