//! Accounts: opening one, finding one by its address, checking its password, its role.

use boxoffice_api::backend::{self, Answer, Caller, Context, Failure, Freshness, NewAccount, Read, Written};
use boxoffice_ledger::accounts::{Account, AccountLedger, EmailChange, EmailStep};
use boxoffice_ledger::command::{AccountCommand, EmailCommand, Role};
use boxoffice_ledger::ids::{Request, UserId};
use boxoffice_ledger::outcome::{AccountOutcome, Rejection};

use super::events::need;
use super::{Applied, Service, asked, refused};
use crate::mint;
use crate::passwords::Busy;

impl From<Busy> for Failure {
    fn from(_: Busy) -> Self {
        Self::Overloaded(1000)
    }
}

/// An account as callers see it.
pub fn shown(account: &Account) -> backend::Account {
    let (email, name) = (account.email.to_string(), account.name.clone());
    backend::Account { user: account.id, email, name, role: account.role, version: account.version }
}

impl Service {
    /// Writes a command of an account's group.
    pub async fn write_account(&self, cx: Context, user: UserId, command: &AccountCommand) -> Answer<Applied<AccountOutcome>> {
        self.write::<AccountLedger>(cx, self.user_group(user), command).await
    }

    /// Opens a customer's account.
    pub async fn open_account(&self, cx: Context, request: Request, new: NewAccount) -> Answer<Written<backend::Account>> {
        let slot = mint::slot_of_email(&new.email);
        let user = UserId::new(mint::now_ms(), slot, mint::entropy());
        // Hashed whether or not the address is taken: the answer takes as long.
        let password_hash = self.passwords.hash(new.password).await?;
        let (email, name) = (new.email, new.name);
        let role = Role::Customer;
        let command = AccountCommand::Register { request, user, email: email.clone(), name: name.clone(), password_hash, role };
        let mut applied = self.write_account(cx, user, &command).await?;
        let taken = |applied: &Applied<AccountOutcome>| applied.outcome == AccountOutcome::Rejected(Rejection::EmailTaken);
        if taken(&applied) && self.free_if_stale(cx, &email).await? {
            // The refusal is remembered under the request's id: ask under another that follows from it.
            let request = follows(request);
            let command = with_request(command, request);
            applied = self.write_account(cx, user, &command).await?;
        }
        match &applied.outcome {
            AccountOutcome::Registered { user } => Ok(applied.written(backend::Account { user: *user, email, name, role, version: 0 })),
            AccountOutcome::Rejected(rejection) => refused(rejection.clone(), applied.revision, applied.replayed),
            _ => Err(Failure::Unknown),
        }
    }

    /// The account that has an address now, as a quorum knows it: an account of the address's own group, or one that came to
    /// the address later and is somewhere else.
    pub async fn account_at(&self, cx: Context, email: &str) -> Answer<Option<Account>> {
        let group = self.user_slot_group(mint::slot_of_email(email));
        self.barrier(cx, group).await?;
        let pointer = {
            let accounts = self.accounts(group)?.read();
            if let Some(account) = accounts.user_by_email(email) {
                return Ok(Some(account.clone()));
            }
            accounts.pointer(email)
        };
        let Some(pointer) = pointer else { return Ok(None) };
        let account = self.account_now(cx, pointer.user).await?;
        Ok(account.filter(|account| *account.email == *email))
    }

    /// An account as a quorum knows it.
    pub async fn account_now(&self, cx: Context, user: UserId) -> Answer<Option<Account>> {
        let group = self.user_group(user);
        self.barrier(cx, group).await?;
        Ok(self.accounts(group)?.read().user(user).cloned())
    }

    /// The caller's own account, if this is its password.
    pub async fn own_account(&self, cx: Context, caller: Caller, password: String) -> Answer<Account> {
        let account = self.account_now(cx, caller.user).await?;
        self.with_password(account, password).await
    }

    /// The account, if this is its password; without an account it takes as long to say no.
    pub async fn with_password(&self, account: Option<Account>, password: String) -> Answer<Account> {
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let fits = self.passwords.verify(password, hash).await?;
        account.filter(|_| fits).ok_or(Failure::BadCredentials)
    }

    /// One account.
    pub async fn read_account(&self, cx: Context, user: UserId) -> Answer<Read<backend::Account>> {
        let group = self.user_group(user);
        let accounts = self.accounts(group)?;
        let found = self.find(cx, group, || accounts.read().user(user).map(shown)).await?;
        let (value, revision, age_ms) = found.ok_or(Failure::NotFound("user"))?;
        Ok(Read { value, revision, age_ms })
    }

    /// Changes what an account may do.
    pub async fn change_role(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        user: UserId,
        role: Role,
    ) -> Answer<Written<backend::Account>> {
        need(caller, Role::Admin)?;
        let command = AccountCommand::SetRole { request, user, role, actor: Some(caller.user) };
        let applied = self.write_account(cx, user, &AccountCommand::Audited(asked(cx, caller, command))).await?;
        if let AccountOutcome::Rejected(rejection) = applied.outcome {
            return refused(rejection, applied.revision, applied.replayed);
        }
        let fresh = Context { freshness: Freshness::AtLeast(applied.revision), ..cx };
        let account = self.read_account(fresh, user).await?.value;
        Ok(applied.written(backend::Account { role, ..account }))
    }

    /// Frees an address whose pointer leads to an account that has another by now: what a command that came very late leaves
    /// behind. Answers whether the address is worth another try.
    pub async fn free_if_stale(&self, cx: Context, email: &str) -> Answer<bool> {
        let group = self.user_slot_group(mint::slot_of_email(email));
        self.barrier(cx, group).await?;
        let Some(pointer) = self.accounts(group)?.read().pointer(email) else { return Ok(false) };
        let account = self.account_now(cx, pointer.user).await?;
        // A change that is over names the address that it gave up.
        let changes = |change: &EmailChange| change.step != EmailStep::Done && *change.email == *email;
        let wanted = |account: &Account| *account.email == *email || account.email_change.as_ref().is_some_and(changes);
        if account.as_ref().is_some_and(wanted) {
            return Ok(false);
        }
        let command = EmailCommand::Release { email: email.into(), change: pointer.change };
        self.write::<AccountLedger>(cx, group, &AccountCommand::Email { user: pointer.user, command }).await?;
        Ok(true)
    }
}

/// A request that is part of another one: its id follows from the other's.
pub fn follows(request: Request) -> Request {
    let mut id = [0; 16];
    id.copy_from_slice(&blake3::hash(&request.id.0.to_le_bytes()).as_bytes()[..16]);
    Request { id: boxoffice_ledger::ids::RequestId(u128::from_le_bytes(id)), ..request }
}

fn with_request(command: AccountCommand, new: Request) -> AccountCommand {
    match command {
        AccountCommand::Register { user, email, name, password_hash, role, .. } => {
            AccountCommand::Register { request: new, user, email, name, password_hash, role }
        }
        other => other,
    }
}
