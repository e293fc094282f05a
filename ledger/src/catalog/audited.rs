//! What staff asked for: done as any other command, and noted in the catalog's audit trail if it changed something.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::CatalogLedger;
use crate::audit::{Audit, AuditAction};
use crate::change::Change;
use crate::command::{Audited, CatalogCommand, EventStatus};
use crate::ids::{BackupId, EventId, PerformerId, VenueId, text};
use crate::members::MemberCommand;
use crate::outcome::{Answer, CatalogOutcome};
use crate::upkeep::UpkeepCommand;

impl CatalogLedger {
    /// Who made and changed what.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    pub(super) fn carry_out_audited(&mut self, asked: &Audited<CatalogCommand>, changes: &mut Vec<Change>) -> Answer<CatalogOutcome> {
        let answer = self.carry_out(&asked.command, changes);
        if let CatalogOutcome::Stored { id, version } = answer.outcome
            && !answer.replayed
            && let Some((action, object, what)) = deed(&asked.command, id)
        {
            let how = if version == 1 { "made" } else { "changed" };
            self.audit.push(self.at, Some(asked.actor), action, &object, &format!("{how}: {what}"), &asked.address);
        }
        answer
    }
}

/// What a command did, to what, and more for people. `id` is the object's: a new one's is not in the command.
fn deed(command: &CatalogCommand, id: u128) -> Option<(AuditAction, String, String)> {
    Some(match command {
        CatalogCommand::PutVenue { venue, .. } => (AuditAction::VenueChanged, text(VenueId(id)), venue.name.clone()),
        CatalogCommand::PutPerformer { performer, .. } => (AuditAction::PerformerChanged, text(PerformerId(id)), performer.name.clone()),
        CatalogCommand::PutEvent { event, .. } => {
            let status = match event.status {
                EventStatus::Draft => "draft",
                EventStatus::Published => "published",
                EventStatus::Cancelled => "cancelled",
            };
            (AuditAction::EventChanged, text(EventId(id)), format!("{status}, {}", event.name))
        }
        CatalogCommand::Member(command) => (AuditAction::MemberChanged, format!("n{id}"), member_deed(command)?),
        CatalogCommand::Upkeep(UpkeepCommand::Ask { .. }) => (AuditAction::BackupAsked, text(BackupId(id)), String::from("a full backup")),
        _ => return None,
    })
}

/// What was done about a node; nothing of what the cluster does by itself.
fn member_deed(command: &MemberCommand) -> Option<String> {
    Some(match command {
        MemberCommand::Invite { peer, .. } => format!("invited, {peer}"),
        MemberCommand::Drain { .. } => String::from("draining"),
        MemberCommand::Undrain { .. } => String::from("active"),
        MemberCommand::Remove { .. } => String::from("removed"),
        MemberCommand::Found(_) | MemberCommand::Join { .. } | MemberCommand::Activate { .. } => return None,
    })
}
