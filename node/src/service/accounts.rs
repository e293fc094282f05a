//! Accounts: opening one, logging in, roles.

use boxoffice_api::backend::{Account, Answer, Caller, Context, Failure, NewAccount, Read, Written};
use boxoffice_ledger::accounts::AccountLedger;
use boxoffice_ledger::command::{AccountCommand, Role};
use boxoffice_ledger::ids::{Request, UserId};
use boxoffice_ledger::outcome::AccountOutcome;

use super::events::need;
use super::{Service, refused};
use crate::mint;
use crate::passwords::Busy;

impl From<Busy> for Failure {
    fn from(_: Busy) -> Self {
        Self::Overloaded(1000)
    }
}

impl Service {
    /// Opens a customer's account.
    pub async fn open_account(&self, cx: Context, request: Request, new: NewAccount) -> Answer<Written<Account>> {
        let slot = mint::slot_of_email(&new.email);
        let user = UserId::new(mint::now_ms(), slot, mint::entropy());
        let password_hash = self.passwords.hash(new.password).await?;
        let (email, name) = (new.email, new.name);
        let role = Role::Customer;
        let command = AccountCommand::Register { request, user, email: email.clone(), name: name.clone(), password_hash, role };
        let applied = self.write::<AccountLedger>(cx, self.user_slot_group(slot), &command).await?;
        match &applied.outcome {
            AccountOutcome::Registered { user } => Ok(applied.written(Account { user: *user, email, name, role })),
            AccountOutcome::Rejected(rejection) => refused(rejection.clone(), applied.revision),
            AccountOutcome::Done => Err(Failure::Unknown),
        }
    }

    /// Checks an e-mail and a password. An account opened on another node a moment ago is found; a missing one takes as long
    /// as a wrong password.
    pub async fn check_credentials(&self, cx: Context, email: &str, password: String) -> Answer<Account> {
        let group = self.user_slot_group(mint::slot_of_email(email));
        let accounts = self.accounts(group)?;
        let found = self.find(cx, group, || accounts.read().user_by_email(email).cloned()).await?.map(|(user, ..)| user);
        let hash = found.as_ref().map(|user| user.password_hash.clone());
        let fits = self.passwords.verify(password, hash).await?;
        match found {
            Some(user) if fits => Ok(Account { user: user.id, email: user.email.to_string(), name: user.name.clone(), role: user.role }),
            _ => Err(Failure::BadCredentials),
        }
    }

    /// One account.
    pub async fn read_account(&self, cx: Context, user: UserId) -> Answer<Read<Account>> {
        let group = self.user_group(user);
        let accounts = self.accounts(group)?;
        let found = self.find(cx, group, || accounts.read().user(user).cloned()).await?;
        let (known, revision, age_ms) = found.ok_or(Failure::NotFound("user"))?;
        let value = Account { user, email: known.email.to_string(), name: known.name.clone(), role: known.role };
        Ok(Read { value, revision, age_ms })
    }

    /// Changes what an account may do.
    pub async fn change_role(&self, cx: Context, caller: Caller, request: Request, user: UserId, role: Role) -> Answer<Written<Account>> {
        need(caller, Role::Operator)?;
        let applied = self.write::<AccountLedger>(cx, self.user_group(user), &AccountCommand::SetRole { request, user, role }).await?;
        if let AccountOutcome::Rejected(rejection) = applied.outcome {
            return refused(rejection, applied.revision);
        }
        let account = self.read_account(cx, user).await?.value;
        Ok(applied.written(Account { role, ..account }))
    }
}
