//! Keys of programs.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::check;
use super::{Account, AccountLedger, Key, no};
use crate::audit::AuditAction;
use crate::change::Change;
use crate::command::{KeyCommand, SecretHash};
use crate::ids::{UserId, text};
use crate::outcome::{AccountOutcome, Answer, Rejection};
use crate::time::Timestamp;

/// The most keys of one account.
pub const KEYS_MAX: usize = 20;

impl Key {
    /// Whether it is over at this time, by itself.
    #[must_use]
    pub fn is_over(&self, at: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| at >= end)
    }
}

impl Account {
    /// The key with this secret, if it is good at this time.
    #[must_use]
    pub fn key(&self, secret: SecretHash, at: Timestamp) -> Option<&Key> {
        self.keys.iter().find(|key| key.secret == secret && !key.is_over(at))
    }
}

impl AccountLedger {
    pub(super) fn key(&mut self, user: UserId, command: &KeyCommand, changes: &mut Vec<Change>) -> Answer<AccountOutcome> {
        match command {
            KeyCommand::Create { request, key, name, secret, scopes, expires_at } => {
                self.once(*request, check::key(name, *scopes), |ledger| {
                    let (id, at) = (*key, ledger.at);
                    let new = Key { id, name: name.clone(), secret: *secret, scopes: *scopes, created_at: at, expires_at: *expires_at };
                    let made = ledger.change(user, changes, |account| add(account, new, at))?;
                    ledger.note(Some(user), AuditAction::KeyCreated, text(id), name);
                    Ok(made)
                })
            }
            KeyCommand::Revoke { key, actor } => {
                let mut name: Option<String> = None;
                let done = self.change(user, changes, |account| {
                    let place = account.keys.iter().position(|known| known.id == *key).ok_or_else(|| no("key"))?;
                    name = Some(account.keys.remove(place).name);
                    Ok(AccountOutcome::Done)
                });
                if let Some(name) = name {
                    self.note(Some(*actor), AuditAction::KeyRevoked, text(*key), &name);
                }
                super::answer(done)
            }
        }
    }
}

fn add(account: &mut Account, new: Key, at: Timestamp) -> Result<AccountOutcome, Rejection> {
    account.keys.retain(|key| !key.is_over(at));
    if account.keys.iter().any(|key| key.id == new.id) {
        return Err(Rejection::WrongState { detail: "a key with this id exists".into() });
    }
    if account.keys.len() >= KEYS_MAX {
        return Err(Rejection::WrongState { detail: format!("an account has at most {KEYS_MAX} keys: revoke one first") });
    }
    let key = new.id;
    account.keys.push(new);
    Ok(AccountOutcome::KeyCreated { key })
}
