//! Setting another password: with the old one, or with a mailed link.

use boxoffice_api::backend::{self, Answer, Caller, Context, Failure, Written};
use boxoffice_ledger::accounts::Account;
use boxoffice_ledger::command::{AccountCommand, PasswordCommand};
use boxoffice_ledger::ids::{Request, SessionId};
use boxoffice_ledger::outcome::{AccountOutcome, Rejection};

use crate::credentials::{Kind, Named};
use crate::mail::letters;
use crate::service::accounts::shown;
use crate::service::{Applied, Service, refused};

impl Service {
    /// Sets another password, given the old one.
    pub(super) async fn set_password(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        keep: Option<SessionId>,
        old: String,
        new: String,
    ) -> Answer<Written<backend::Account>> {
        let user = caller.user;
        let account = self.account_now(cx, user).await?.ok_or(Failure::BadCredentials)?;
        // A repeat comes when the old password is the old one no more.
        let first = self.accounts(self.user_group(user))?.read().first_answer(request);
        let account = if first.is_some() { account } else { self.with_password(Some(account), old).await? };
        let hash = self.passwords.hash(new).await?;
        let command = PasswordCommand::Set { request, version: account.version, hash, keep };
        let applied = self.write_account(cx, user, &AccountCommand::Password { user, command }).await?;
        let version = match &applied.outcome {
            AccountOutcome::VersionRaised { version } => *version,
            AccountOutcome::Rejected(rejection) => return refused(rejection.clone(), applied.revision, applied.replayed),
            _ => return Err(Failure::Unknown),
        };
        if !applied.replayed {
            self.notify_password_changed(&account).await;
        }
        Ok(applied.written(backend::Account { version, ..shown(&account) }))
    }

    /// Sets another password, given a mailed link's token.
    pub(super) async fn set_password_by_link(&self, cx: Context, request: Request, token: &str, new: String) -> Answer<Written<()>> {
        let user = self.credentials.read(Kind::Reset, token).ok_or(Failure::LinkOver)?.user;
        let hash = self.passwords.hash(new).await?;
        let command = PasswordCommand::Reset { request, token: self.credentials.hash(token), hash };
        let applied = self.write_account(cx, user, &AccountCommand::Password { user, command }).await?;
        done_by_link(applied)
    }

    /// Mails a link to set a password, if there is such an account. A worker's step: nobody waits for it.
    pub async fn mail_reset_link(&self, cx: Context, email: &str) -> Answer<()> {
        let Some(account) = self.account_at(cx, email).await? else { return Ok(()) };
        let user = account.id;
        let token = self.credentials.draw(Kind::Reset, Named { user, object: 0 });
        let command = PasswordCommand::AskReset { token: self.credentials.hash(&token) };
        let applied = self.write_account(cx, user, &AccountCommand::Password { user, command }).await?;
        if let AccountOutcome::Rejected(rejection) = applied.outcome {
            return refused(rejection, applied.revision, applied.replayed);
        }
        let letter = letters::reset(account.email.to_string(), &format!("{}/#/reset/{token}", self.links));
        self.mailer.send(letter).await.map_err(|_| Failure::Overloaded(5000))
    }

    async fn notify_password_changed(&self, account: &Account) {
        if let Err(error) = self.mailer.send(letters::password_changed(account.email.to_string())).await {
            tracing::warn!(%error, user = %account.id, "the notice of a changed password could not be mailed");
        }
    }
}

/// The outcome of something that a link stands for.
pub(in crate::service) fn done_by_link(applied: Applied<AccountOutcome>) -> Answer<Written<()>> {
    match &applied.outcome {
        AccountOutcome::Rejected(Rejection::NotFound { .. }) => Err(Failure::LinkOver),
        AccountOutcome::Rejected(rejection) => refused(rejection.clone(), applied.revision, applied.replayed),
        _ => Ok(applied.written(())),
    }
}
