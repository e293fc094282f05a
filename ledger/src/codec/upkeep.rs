//! Encoding of what a cluster knows of its backups and its restore.

use super::{CodecError, common, wire};
use crate::ids::BackupId;
use crate::time::Timestamp;
use crate::upkeep::{BackupNote, Recovery, Upkeep, UpkeepCommand};
use wire::upkeep_command::Command as Wire;

pub fn command(command: &UpkeepCommand) -> wire::UpkeepCommand {
    let command = match command {
        UpkeepCommand::Ask { request, backup } => {
            Wire::Ask(wire::AskBackup { request: Some(common::request(*request)), backup: Some(common::id(backup.0)) })
        }
        UpkeepCommand::Note(told) => Wire::Note(note(told)),
        UpkeepCommand::Restored(from) => Wire::Restored(recovery(from)),
        UpkeepCommand::Reconciled { incarnation, asked, returned } => {
            Wire::Reconciled(wire::Reconciled { incarnation: *incarnation, asked: *asked, returned: *returned })
        }
    };
    wire::UpkeepCommand { command: Some(command) }
}

pub fn read_command(command: wire::UpkeepCommand) -> Result<UpkeepCommand, CodecError> {
    Ok(match command.command.ok_or_else(|| CodecError::broken("no command about backups"))? {
        Wire::Ask(ask) => UpkeepCommand::Ask { request: common::read_request(ask.request)?, backup: read_backup(ask.backup)? },
        Wire::Note(told) => UpkeepCommand::Note(read_note(told)?),
        Wire::Restored(from) => UpkeepCommand::Restored(read_recovery(from)?),
        Wire::Reconciled(done) => UpkeepCommand::Reconciled { incarnation: done.incarnation, asked: done.asked, returned: done.returned },
    })
}

pub fn upkeep(upkeep: &Upkeep) -> wire::Upkeep {
    wire::Upkeep {
        asked: upkeep.asked.map(|backup| common::id(backup.0)),
        last: upkeep.last.as_ref().map(note),
        failed: upkeep.failed.as_ref().map(note),
        recovery: upkeep.recovery.as_ref().map(recovery),
    }
}

pub fn read_upkeep(upkeep: wire::Upkeep) -> Result<Upkeep, CodecError> {
    Ok(Upkeep {
        asked: upkeep.asked.map(|backup| read_backup(Some(backup))).transpose()?,
        last: upkeep.last.map(read_note).transpose()?,
        failed: upkeep.failed.map(read_note).transpose()?,
        recovery: upkeep.recovery.map(read_recovery).transpose()?,
    })
}

fn note(note: &BackupNote) -> wire::BackupNote {
    wire::BackupNote {
        backup: Some(common::id(note.backup.0)),
        began_us: note.began_at.0,
        ended_us: note.ended_at.0,
        node: note.node,
        bytes: note.bytes,
        until_us: note.until.0,
        failure: note.failure.clone(),
    }
}

fn read_note(note: wire::BackupNote) -> Result<BackupNote, CodecError> {
    Ok(BackupNote {
        backup: read_backup(note.backup)?,
        began_at: Timestamp(note.began_us),
        ended_at: Timestamp(note.ended_us),
        node: note.node,
        bytes: note.bytes,
        until: Timestamp(note.until_us),
        failure: note.failure,
    })
}

fn recovery(recovery: &Recovery) -> wire::Recovery {
    wire::Recovery {
        backup: Some(common::id(recovery.backup.0)),
        incarnation: recovery.incarnation,
        cut_us: recovery.cut_at.0,
        open: recovery.is_open,
        asked: recovery.asked,
        returned: recovery.returned,
    }
}

fn read_recovery(recovery: wire::Recovery) -> Result<Recovery, CodecError> {
    Ok(Recovery {
        backup: read_backup(recovery.backup)?,
        incarnation: recovery.incarnation,
        cut_at: Timestamp(recovery.cut_us),
        is_open: recovery.open,
        asked: recovery.asked,
        returned: recovery.returned,
    })
}

fn read_backup(id: Option<wire::Id>) -> Result<BackupId, CodecError> {
    common::read_id(id).map(BackupId)
}
