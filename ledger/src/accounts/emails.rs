//! Changing an e-mail. An account keeps its id and so its group, while the address decides in which group it is unique:
//!
//! ```text
//!  account's group          new address's group          old address's group
//!  Ask, Confirm ----------> Reserve (pointer to the account)
//!  Switch <----------------'
//!  Settle <----------------------------------------------- Release (the old pointer)
//! ```
//!
//! The account's group remembers the step, so a worker finishes what a crash interrupts. Every command may come again, or
//! late: `change` counts the account's changes, and a pointer gives way only to the change that reserved it or a later one.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::check;
use super::{AccountLedger, EmailChange, EmailStep, Pointer, no};
use crate::audit::AuditAction;
use crate::change::Change;
use crate::command::{EmailCommand, SecretHash};
use crate::ids::{UserId, text};
use crate::outcome::{AccountOutcome, Answer, Rejection};
use crate::time::Millis;

/// How long the link that confirms a new address is good.
pub const EMAIL_LINK_LIFE: Millis = Millis::from_mins(24 * 60);

impl AccountLedger {
    pub(super) fn email(&mut self, user: UserId, command: &EmailCommand, changes: &mut Vec<Change>) -> Answer<AccountOutcome> {
        super::answer(match command {
            EmailCommand::Ask { email, token } => check::email(email).and_then(|()| self.ask(user, email, *token, changes)),
            EmailCommand::Confirm { token } => self.confirm(user, *token, changes),
            EmailCommand::Reserve { email, change } => check::email(email).and_then(|()| self.reserve(user, email, *change)),
            EmailCommand::Switch { change } => self.switch(user, *change, changes),
            EmailCommand::Abandon { change } => self.end(user, *change, EmailStep::Reserving, changes),
            EmailCommand::Release { email, change } => {
                let stale = |pointer: &Pointer| pointer.user == user && pointer.change <= *change;
                if self.pointers.get(email.as_str()).is_some_and(stale) {
                    self.remove_pointer(email);
                }
                Ok(AccountOutcome::Done)
            }
            EmailCommand::Settle { change } => self.end(user, *change, EmailStep::Releasing, changes),
        })
    }

    fn ask(&mut self, user: UserId, email: &str, token: SecretHash, changes: &mut Vec<Change>) -> Result<AccountOutcome, Rejection> {
        let asked_at = self.at;
        self.change(user, changes, |account| {
            let step = account.email_change.as_ref().map(|change| change.step);
            if matches!(step, Some(EmailStep::Reserving | EmailStep::Releasing)) {
                return Err(Rejection::WrongState { detail: "a change of e-mail is under way".into() });
            }
            if *account.email == *email {
                return Err(check::malformed("/email", "another address than the present one"));
            }
            account.email_change = Some(EmailChange { token, asked_at, email: email.into(), step: EmailStep::Asked });
            Ok(AccountOutcome::Done)
        })
    }

    fn confirm(&mut self, user: UserId, token: SecretHash, changes: &mut Vec<Change>) -> Result<AccountOutcome, Rejection> {
        let at = self.at;
        let known = self.user(user).and_then(|account| account.email_change.as_ref()).filter(|change| change.token == token);
        match known {
            Some(change) if change.step != EmailStep::Asked => return Ok(AccountOutcome::Done),
            Some(change) if at < change.asked_at.plus(EMAIL_LINK_LIFE) => {}
            _ => return Err(no("link")),
        }
        self.change(user, changes, |account| {
            account.email_changes = account.email_changes.saturating_add(1);
            if let Some(change) = &mut account.email_change {
                change.step = EmailStep::Reserving;
            }
            Ok(AccountOutcome::Done)
        })
    }

    fn reserve(&mut self, user: UserId, email: &str, change: u32) -> Result<AccountOutcome, Rejection> {
        match self.pointers.get(email) {
            Some(pointer) if pointer.user != user => return Err(Rejection::EmailTaken),
            Some(pointer) if pointer.change >= change => return Ok(AccountOutcome::Done),
            None if self.emails.contains(email) => return Err(Rejection::EmailTaken),
            _ => {}
        }
        self.put_pointer(Arc::from(email), Pointer { user, change });
        Ok(AccountOutcome::Done)
    }

    fn switch(&mut self, user: UserId, change: u32, changes: &mut Vec<Change>) -> Result<AccountOutcome, Rejection> {
        let mut first = None;
        self.change(user, changes, |account| {
            let number = account.email_changes;
            let Some(known) = account.email_change.as_mut().filter(|known| known.step == EmailStep::Reserving && number == change) else {
                return Err(stale());
            };
            core::mem::swap(&mut account.email, &mut known.email);
            // Links to set the password lie in the old mailbox.
            account.resets.clear();
            known.step = if account.moved { EmailStep::Releasing } else { EmailStep::Done };
            if !account.moved {
                account.moved = true;
                first = Some(Arc::clone(&known.email));
            }
            Ok(AccountOutcome::Done)
        })?;
        // The first address has no pointer: it is freed with the switch.
        if let Some(old) = first {
            self.emails.remove(&*old);
        }
        self.note(Some(user), AuditAction::EmailChanged, text(user), "");
        Ok(AccountOutcome::Done)
    }

    /// Ends a change that stands at this step.
    fn end(&mut self, user: UserId, change: u32, step: EmailStep, changes: &mut Vec<Change>) -> Result<AccountOutcome, Rejection> {
        self.change(user, changes, |account| {
            let number = account.email_changes;
            let fits = |known: &EmailChange| known.step == step && number == change;
            match &mut account.email_change {
                Some(known) if fits(known) && step == EmailStep::Releasing => known.step = EmailStep::Done,
                Some(known) if fits(known) => account.email_change = None,
                _ => return Err(stale()),
            }
            Ok(AccountOutcome::Done)
        })
    }
}

fn stale() -> Rejection {
    Rejection::WrongState { detail: "the change of e-mail does not stand there any more".into() }
}
