//! Guests: people who buy with an e-mail and no password. What they bought is theirs by their session, and by the links that are
//! mailed to the address; with a link the account becomes a customer's, or its tickets go to the account that the address has.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::check;
use super::{Account, AccountLedger, RESETS_MAX, Reset, hash_account, no};
use crate::audit::AuditAction;
use crate::change::Change;
use crate::command::{GuestCommand, Role, SecretHash};
use crate::ids::{UserId, text};
use crate::outcome::{AccountOutcome, Answer, Rejection};
use crate::time::{Millis, Timestamp};

/// How long a link to a guest's tickets is good.
pub const GUEST_LINK_LIFE: Millis = Millis::from_mins(400 * 24 * 60);

/// After this long a guest who bought nothing is forgotten. No session lives longer without use, and no payment.
pub const GUEST_LIFE: Millis = Millis::from_mins(30 * 24 * 60);

/// How many guests one command forgets at most: more than it adds.
const FORGET_STEPS: usize = 4;

impl Account {
    /// Whether a link with this token leads to this guest's tickets.
    #[must_use]
    pub fn is_guest_link(&self, token: SecretHash, at: Timestamp) -> bool {
        let good = |reset: &Reset| reset.token == token && at < reset.asked_at.plus(GUEST_LINK_LIFE);
        self.role == Role::Guest && self.resets.iter().any(good)
    }
}

impl AccountLedger {
    pub(super) fn guest(&mut self, user: UserId, command: &GuestCommand, changes: &mut Vec<Change>) -> Answer<AccountOutcome> {
        match command {
            GuestCommand::Open { email, name } => {
                super::answer(check::guest(email, name).and_then(|()| self.open_guest(user, email, name, changes)))
            }
            GuestCommand::Ask { token } => super::answer(self.ask_guest(user, *token, changes)),
            GuestCommand::Invited { orders } => super::answer(self.change_guest(user, changes, |account| {
                account.invited = account.invited.max(*orders);
                Ok(AccountOutcome::Done)
            })),
            GuestCommand::Claim { request, token, hash } => {
                self.once(*request, check::password_hash(hash), |ledger| ledger.claim_guest(user, *token, hash, changes))
            }
            GuestCommand::HandOver { token, heir } => super::answer(self.hand_over(user, *token, *heir, changes)),
        }
    }

    fn open_guest(&mut self, user: UserId, email: &str, name: &str, changes: &mut Vec<Change>) -> Result<AccountOutcome, Rejection> {
        self.forget_guests();
        match self.user(user) {
            Some(known) if known.role == Role::Guest && *known.email == *email => return Ok(AccountOutcome::Registered { user }),
            Some(_) => return Err(Rejection::WrongState { detail: "an account with this id exists".into() }),
            None => self.store(Account::new(user, email.into(), name.into(), String::new(), Role::Guest, self.at)),
        }
        changes.push(Change::Account { user });
        Ok(AccountOutcome::Registered { user })
    }

    fn ask_guest(&mut self, user: UserId, token: SecretHash, changes: &mut Vec<Change>) -> Result<AccountOutcome, Rejection> {
        let asked_at = self.at;
        self.change_guest(user, changes, |account| {
            account.resets.retain(|reset| reset.token != token);
            if account.resets.len() >= RESETS_MAX {
                account.resets.remove(0);
            }
            account.resets.push(Reset { token, asked_at });
            Ok(AccountOutcome::Done)
        })
    }

    fn claim_guest(&mut self, user: UserId, token: SecretHash, hash: &str, changes: &mut Vec<Change>) -> Result<AccountOutcome, Rejection> {
        let at = self.at;
        let known = self.user(user).filter(|account| account.heir.is_none() && account.is_guest_link(token, at));
        let email: Arc<str> = Arc::clone(&known.ok_or_else(|| no("link"))?.email);
        if self.emails.contains(&*email) || self.pointers.contains(&*email) {
            return Err(Rejection::EmailTaken);
        }
        let done = self.change(user, changes, |account| {
            account.role = Role::Customer;
            account.sessions.clear();
            account.resets.clear();
            account.password_hash = hash.into();
            account.version = account.version.saturating_add(1);
            Ok(AccountOutcome::VersionRaised { version: account.version })
        })?;
        self.note(None, AuditAction::PasswordReset, text(user), "a guest's account was claimed");
        Ok(done)
    }

    fn hand_over(&mut self, user: UserId, token: SecretHash, heir: UserId, changes: &mut Vec<Change>) -> Result<AccountOutcome, Rejection> {
        let at = self.at;
        self.change_guest(user, changes, |account| {
            if !account.is_guest_link(token, at) || account.heir.is_some_and(|known| known != heir) || account.id == heir {
                return Err(no("link"));
            }
            if account.heir.is_none() {
                account.heir = Some(heir);
                account.sessions.clear();
                account.version = account.version.saturating_add(1);
            }
            Ok(AccountOutcome::Done)
        })
    }

    /// Whether an account is a guest's.
    pub(super) fn is_guest(&self, user: UserId) -> bool {
        self.user(user).is_some_and(|account| account.role == Role::Guest)
    }

    /// Changes an account while it is a guest's.
    fn change_guest(
        &mut self,
        user: UserId,
        changes: &mut Vec<Change>,
        act: impl FnOnce(&mut Account) -> Result<AccountOutcome, Rejection>,
    ) -> Result<AccountOutcome, Rejection> {
        if self.is_guest(user) { self.change(user, changes, act) } else { Err(no("user")) }
    }

    /// Forgets the oldest guests who bought nothing.
    fn forget_guests(&mut self) {
        let Some(before) = self.at.0.checked_sub(GUEST_LIFE.0.saturating_mul(1000)) else { return };
        let due: Vec<UserId> = self.guests.iter().take_while(|(at, _)| at.0 <= before).take(FORGET_STEPS).map(|&(_, user)| user).collect();
        for user in due {
            if let Some(old) = self.accounts.remove(&user) {
                self.digest.remove(hash_account(&old));
                self.guests.remove(&(old.opened_at, user));
            }
        }
    }

    /// Keeps the lists of guests in step with an account, or with what it has.
    pub(super) fn note_guest(&mut self, user: UserId) {
        let Some(account) = self.accounts.get(&user) else { return };
        let (key, guest, waits) = ((account.opened_at, user), account.role == Role::Guest, self.waits(account));
        if guest && !self.holdings.contains(&user) {
            self.guests.insert(key);
        } else {
            self.guests.remove(&key);
        }
        if waits {
            self.uninvited.insert(user);
        } else {
            self.uninvited.remove(&user);
        }
    }

    /// Whether a guest has orders that no letter told of.
    fn waits(&self, account: &Account) -> bool {
        account.role == Role::Guest && account.heir.is_none() && self.order_count(account.id) > account.invited
    }

    /// Checks the lists of guests against the accounts.
    pub(super) fn check_guests(&self) -> Result<(), String> {
        let accounts = self.accounts.sorted();
        let guests = accounts.iter().filter(|(_, account)| account.role == Role::Guest);
        let idle = guests.clone().filter(|(user, _)| !self.holdings.contains(*user)).map(|(user, account)| (account.opened_at, **user));
        let waiting = guests.clone().filter(|(_, account)| self.waits(account)).map(|(user, _)| **user);
        if !idle.collect::<alloc::collections::BTreeSet<_>>().eq(&self.guests) || !waiting.eq(self.uninvited.iter().copied()) {
            return Err(String::from("the lists of guests are others"));
        }
        let odd = |account: &Account| account.role != Role::Guest && (account.heir.is_some() || account.password_hash.is_empty());
        let keyed = |account: &Account| account.role == Role::Guest && (account.moved || !account.keys.is_empty());
        match accounts.iter().find(|(_, account)| odd(account) || keyed(account)) {
            Some((user, _)) => Err(alloc::format!("account {user} is half a guest's")),
            None => Ok(()),
        }
    }
}
