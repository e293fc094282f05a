//! Sessions: a refresh token is good once, and its reuse ends the session it belongs to.

use alloc::vec::Vec;

use super::check::{self, malformed};
use super::{Account, AccountLedger, Session, no};
use crate::audit::AuditAction;
use crate::change::Change;
use crate::command::{SecretHash, SessionCommand};
use crate::ids::{SessionId, UserId, text};
use crate::outcome::{AccountOutcome, Answer, Rejection};
use crate::time::{Millis, Timestamp};

/// The most sessions of one account; the oldest makes room.
pub const SESSIONS_MAX: usize = 16;

/// A session whose token was not exchanged for this long is over.
pub const SESSION_LIFE: Millis = Millis::from_mins(30 * 24 * 60);

/// For this long after an exchange the old token gets the same answer again: the first one may have been lost.
pub const ROTATION_REPEAT: Millis = Millis::from_secs(60);

impl Session {
    /// Whether it is over at this time, by itself.
    #[must_use]
    pub fn is_over(&self, at: Timestamp) -> bool {
        at >= self.used_at.plus(SESSION_LIFE)
    }
}

impl Account {
    /// A session that goes on at this time.
    #[must_use]
    pub fn session(&self, id: SessionId, at: Timestamp) -> Option<&Session> {
        self.sessions.iter().find(|session| session.id == id && !session.is_over(at))
    }
}

impl AccountLedger {
    pub(super) fn session(&mut self, user: UserId, command: &SessionCommand, changes: &mut Vec<Change>) -> Answer<AccountOutcome> {
        match command {
            SessionCommand::Open { session, version, token, address, agent } => {
                super::answer(check::session(address, agent).and_then(|()| {
                    let at = self.at;
                    let new = Session {
                        id: *session,
                        token: *token,
                        previous: None,
                        opened_at: at,
                        used_at: at,
                        address: address.clone(),
                        agent: agent.clone(),
                    };
                    self.change(user, changes, |account| account.at_version(*version).and_then(|()| open(account, new, at)))
                }))
            }
            SessionCommand::Rotate { session, old, new } => super::answer(self.rotate(user, *session, *old, *new, changes)),
            SessionCommand::End { session } => super::answer(self.change(user, changes, |account| {
                account.sessions.retain(|known| known.id != *session);
                Ok(AccountOutcome::Done)
            })),
            SessionCommand::EndAll { request } => self.once(*request, Ok(()), |ledger| {
                let done = ledger.change(user, changes, |account| {
                    account.sessions.clear();
                    account.version = account.version.saturating_add(1);
                    Ok(AccountOutcome::VersionRaised { version: account.version })
                })?;
                ledger.note(Some(user), AuditAction::SessionsEnded, text(user), "");
                Ok(done)
            }),
        }
    }

    fn rotate(
        &mut self,
        user: UserId,
        id: SessionId,
        old: SecretHash,
        new: SecretHash,
        changes: &mut Vec<Change>,
    ) -> Result<AccountOutcome, Rejection> {
        if old == new {
            return Err(malformed("/new", "another token than the old one"));
        }
        let at = self.at;
        let known = self.user(user).and_then(|account| account.session(id, at)).ok_or_else(|| no("session"))?;
        if known.previous == Some(old) && known.token == new && at < known.used_at.plus(ROTATION_REPEAT) {
            return Ok(AccountOutcome::Done);
        }
        let genuine = known.token == old;
        let outcome = self.change(user, changes, |account| {
            if !genuine {
                account.sessions.retain(|session| session.id != id);
                return Ok(AccountOutcome::SessionEnded);
            }
            if let Some(session) = account.sessions.iter_mut().find(|session| session.id == id) {
                session.previous = Some(old);
                session.token = new;
                session.used_at = at;
            }
            Ok(AccountOutcome::Done)
        })?;
        if !genuine {
            self.note(None, AuditAction::TokenReused, text(user), &text(id));
        }
        Ok(outcome)
    }
}

fn open(account: &mut Account, new: Session, at: Timestamp) -> Result<AccountOutcome, Rejection> {
    if account.sessions.iter().any(|session| session.id == new.id) {
        return Ok(AccountOutcome::Done);
    }
    account.sessions.retain(|session| !session.is_over(at));
    if account.sessions.len() >= SESSIONS_MAX {
        let oldest = account.sessions.iter().enumerate().min_by_key(|(place, session)| (session.used_at, *place)).map(|(place, _)| place);
        oldest.map(|place| account.sessions.remove(place));
    }
    account.sessions.push(new);
    Ok(AccountOutcome::Done)
}
