//! What the cluster as a whole has one of, kept by the group of slot 0: who became the first admin, and which key signs.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::AccountLedger;
use crate::audit::AuditAction;
use crate::command::ClusterCommand;
use crate::ids::{UserId, text};
use crate::outcome::{AccountOutcome, Answer, Rejection};
use crate::time::{Millis, Timestamp};

/// The most signing keys that are good at once.
pub const KEY_EPOCHS_MAX: usize = 8;

/// The cluster's identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterIdentity {
    /// Who became the first admin.
    pub claimed_by: Option<UserId>,
    /// Keys by epoch, ascending; none = epoch 0 signs. The last one signs.
    pub epochs: Vec<KeyEpoch>,
}

/// A signing key, by the number it is derived from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyEpoch {
    /// Its number; the first key of a cluster has 0.
    pub number: u32,
    /// When it stops to be good; `None` = it signs.
    pub until: Option<Timestamp>,
}

impl ClusterIdentity {
    /// The keys that are good at this time, ascending; the last one signs.
    #[must_use]
    pub fn live_epochs(&self, at: Timestamp) -> Vec<KeyEpoch> {
        let live = self.epochs.iter().filter(|epoch| epoch.until.is_none_or(|until| at < until)).copied();
        if self.epochs.is_empty() { alloc::vec![KeyEpoch::default()] } else { live.collect() }
    }

    fn rotate(&mut self, at: Timestamp, overlap: Millis) -> Result<u32, Rejection> {
        let mut live = self.live_epochs(at);
        if live.len() >= KEY_EPOCHS_MAX {
            let retry_at = live.iter().filter_map(|epoch| epoch.until).min();
            return Err(Rejection::TooSoon { retry_at });
        }
        let next = live.last().map_or(0, |epoch| epoch.number).saturating_add(1);
        if let Some(last) = live.last_mut() {
            last.until = Some(at.plus(overlap));
        }
        live.push(KeyEpoch { number: next, until: None });
        self.epochs = live;
        Ok(next)
    }
}

impl AccountLedger {
    pub(super) fn cluster(&mut self, command: &ClusterCommand) -> Answer<AccountOutcome> {
        match command {
            ClusterCommand::Claim { user } => super::answer(self.claim(*user)),
            ClusterCommand::RotateKey { request, actor, overlap } => self.once(*request, Ok(()), |ledger| {
                let mut identity = ledger.identity.clone();
                let number = identity.rotate(ledger.at, *overlap)?;
                ledger.set_identity(identity);
                ledger.note(Some(*actor), AuditAction::KeyRotated, number.to_string(), "");
                Ok(AccountOutcome::VersionRaised { version: number })
            }),
        }
    }

    fn claim(&mut self, user: UserId) -> Result<AccountOutcome, Rejection> {
        match self.identity.claimed_by {
            Some(first) if first != user => Err(Rejection::WrongState { detail: "the cluster has an admin".into() }),
            Some(_) => Ok(AccountOutcome::Done),
            None => {
                self.set_identity(ClusterIdentity { claimed_by: Some(user), ..self.identity.clone() });
                self.note(Some(user), AuditAction::AdminClaimed, text(user), "");
                Ok(AccountOutcome::Done)
            }
        }
    }
}
