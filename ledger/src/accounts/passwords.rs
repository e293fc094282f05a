//! Passwords: set by their owner, or by whoever has the link that was mailed.

use alloc::vec::Vec;

use super::check;
use super::{Account, AccountLedger, Reset, no};
use crate::audit::AuditAction;
use crate::change::Change;
use crate::command::{PasswordCommand, SecretHash};
use crate::ids::{UserId, text};
use crate::outcome::{AccountOutcome, Answer, Rejection};
use crate::time::{Millis, Timestamp};

/// How long a link to set a password is good.
pub const RESET_LIFE: Millis = Millis::from_mins(30);

/// The most such links of one account; the oldest makes room.
pub const RESETS_MAX: usize = 3;

impl Reset {
    fn is_good(&self, token: SecretHash, at: Timestamp) -> bool {
        self.token == token && at < self.asked_at.plus(RESET_LIFE)
    }
}

impl AccountLedger {
    pub(super) fn password(&mut self, user: UserId, command: &PasswordCommand, changes: &mut Vec<Change>) -> Answer<AccountOutcome> {
        match command {
            PasswordCommand::Set { request, version, hash, keep } => self.once(*request, check::password_hash(hash), |ledger| {
                let set = ledger.change(user, changes, |account| {
                    account.at_version(*version)?;
                    account.sessions.retain(|session| Some(session.id) == *keep);
                    Ok(set(account, hash))
                })?;
                ledger.note(Some(user), AuditAction::PasswordChanged, text(user), "");
                Ok(set)
            }),
            PasswordCommand::Rehash { version, hash } => super::answer(check::password_hash(hash).and_then(|()| {
                self.change(user, changes, |account| {
                    account.at_version(*version)?;
                    account.password_hash.clone_from(hash);
                    Ok(AccountOutcome::Done)
                })
            })),
            PasswordCommand::AskReset { token } => {
                let new = Reset { token: *token, asked_at: self.at };
                super::answer(self.change(user, changes, |account| {
                    account.resets.retain(|reset| new.asked_at < reset.asked_at.plus(RESET_LIFE) && reset.token != new.token);
                    if account.resets.len() >= RESETS_MAX {
                        account.resets.remove(0);
                    }
                    account.resets.push(new);
                    Ok(AccountOutcome::Done)
                }))
            }
            PasswordCommand::Reset { request, token, hash } => self.once(*request, check::password_hash(hash), |ledger| {
                let at = ledger.at;
                let done = ledger.change(user, changes, |account| {
                    if !account.resets.iter().any(|reset| reset.is_good(*token, at)) {
                        return Err(no("link"));
                    }
                    account.sessions.clear();
                    Ok(set(account, hash))
                })?;
                ledger.note(None, AuditAction::PasswordReset, text(user), "");
                Ok(done)
            }),
        }
    }
}

impl Account {
    /// Refuses what was decided on another version.
    pub(super) fn at_version(&self, version: u32) -> Result<(), Rejection> {
        if self.version == version { Ok(()) } else { Err(Rejection::VersionMismatch { current: self.version.into() }) }
    }
}

fn set(account: &mut Account, hash: &str) -> AccountOutcome {
    account.password_hash = hash.into();
    account.resets.clear();
    account.version = account.version.saturating_add(1);
    AccountOutcome::VersionRaised { version: account.version }
}
