//! Backups that were asked for and made, and the restore that this state came from.

use alloc::format;

use super::check::malformed;
use super::{CatalogLedger, answer, rejected};
use crate::members::Members;
use crate::outcome::{Answer, CatalogOutcome};
use crate::upkeep::{FAILURE_BYTES_MAX, Upkeep, UpkeepCommand};

impl CatalogLedger {
    /// What is known of backups, and of the restore that this state came from.
    #[must_use]
    pub fn upkeep(&self) -> &Upkeep {
        &self.upkeep
    }

    pub(super) fn carry_out_upkeep(&mut self, command: &UpkeepCommand) -> Answer<CatalogOutcome> {
        match command {
            UpkeepCommand::Ask { request, backup } => self.once(*request, Ok(()), |ledger| {
                let meant = ledger.upkeep.ask(*backup);
                Ok(CatalogOutcome::Stored { id: meant.0, version: 1 })
            }),
            UpkeepCommand::Note(note) if note.failure.len() > FAILURE_BYTES_MAX => {
                rejected(malformed("/failure", &format!("at most {FAILURE_BYTES_MAX} bytes")))
            }
            UpkeepCommand::Note(note) => {
                self.upkeep.note(note);
                answer(Ok(CatalogOutcome::Done))
            }
            UpkeepCommand::Restored(recovery) => {
                self.upkeep = Upkeep { recovery: Some(*recovery), ..Upkeep::default() };
                // The nodes of the life before are none of this one's: its founders are noted by its first leader.
                self.members = Members::default();
                answer(Ok(CatalogOutcome::Done))
            }
            UpkeepCommand::Reconciled { incarnation, asked, returned } => {
                self.upkeep.reconciled(*incarnation, *asked, *returned);
                answer(Ok(CatalogOutcome::Done))
            }
        }
    }
}
