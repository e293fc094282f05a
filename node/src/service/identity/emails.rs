//! Changing an e-mail, whose address decides the group that it is unique in: reserve there, switch here, free the old one. The
//! account's group remembers the step, so that whoever comes next, this request or a worker, carries on from it.

use boxoffice_api::backend::{self, Answer, Caller, Context, Failure};
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::accounts::{AccountLedger, EmailStep};
use boxoffice_ledger::command::{AccountCommand, EmailCommand};
use boxoffice_ledger::ids::UserId;
use boxoffice_ledger::outcome::{AccountOutcome, Rejection};

use super::passwords::done_by_link;
use crate::credentials::{Kind, Named};
use crate::mail::letters;
use crate::mint;
use crate::service::accounts::shown;
use crate::service::{Applied, Service, refused};

/// Steps of one change at most, and some to spare: a change that does not end by then is left to the worker.
const STEPS_MAX: usize = 6;

impl Service {
    /// Mails a link to the new address, and a notice to the old one.
    pub(super) async fn mail_email_link(&self, cx: Context, caller: Caller, password: String, email: String) -> Answer<()> {
        let account = self.own_account(cx, caller, password).await?;
        let user = account.id;
        let token = self.credentials.draw(Kind::Email, Named { user, object: 0 });
        let command = EmailCommand::Ask { email: email.clone(), token: self.credentials.hash(&token) };
        let applied = self.write_account(cx, user, &AccountCommand::Email { user, command }).await?;
        if let AccountOutcome::Rejected(rejection) = applied.outcome {
            return refused(rejection, applied.revision, applied.replayed);
        }
        let notice = letters::email_changes(account.email.to_string(), &email);
        let letter = letters::confirm_email(email, &format!("{}/#/email/{token}", self.links));
        self.mailer.send(notice).await.map_err(|_| Failure::Overloaded(5000))?;
        self.mailer.send(letter).await.map_err(|_| Failure::Overloaded(5000))
    }

    /// Changes the address, given the link's token.
    pub(super) async fn confirm_email(&self, cx: Context, token: &str) -> Answer<backend::Account> {
        let user = self.credentials.read(Kind::Email, token).ok_or(Failure::LinkOver)?.user;
        let command = EmailCommand::Confirm { token: self.credentials.hash(token) };
        done_by_link(self.write_account(cx, user, &AccountCommand::Email { user, command }).await?)?;
        self.carry_on_email(cx, user).await
    }

    /// Takes a confirmed change of e-mail to its end, from wherever it stands. Gives the account as it is then.
    pub async fn carry_on_email(&self, cx: Context, user: UserId) -> Answer<backend::Account> {
        for _ in 0..STEPS_MAX {
            let account = self.account_now(cx, user).await?.ok_or(Failure::NotFound("user"))?;
            let change = account.email_changes;
            match account.email_change.as_ref().map(|change| (change.step, change.email.to_string())) {
                Some((EmailStep::Reserving, email)) => self.take_address(cx, user, email, change).await?,
                Some((EmailStep::Releasing, email)) => {
                    let group = self.user_slot_group(mint::slot_of_email(&email));
                    self.email_step(cx, group, user, EmailCommand::Release { email, change }).await?;
                    self.email_step(cx, self.user_group(user), user, EmailCommand::Settle { change }).await?;
                }
                _ => return Ok(shown(&account)),
            }
        }
        Err(Failure::Unknown)
    }

    /// Reserves the new address and switches to it; gives the change up if the address is taken.
    async fn take_address(&self, cx: Context, user: UserId, email: String, change: u32) -> Answer<()> {
        let (there, here) = (self.user_slot_group(mint::slot_of_email(&email)), self.user_group(user));
        let reserve = EmailCommand::Reserve { email: email.clone(), change };
        let mut reserved = self.email_step(cx, there, user, reserve.clone()).await?;
        if is_taken(&reserved) && self.free_if_stale(cx, &email).await? {
            reserved = self.email_step(cx, there, user, reserve).await?;
        }
        if is_taken(&reserved) {
            self.email_step(cx, here, user, EmailCommand::Abandon { change }).await?;
            return refused(Rejection::EmailTaken, reserved.revision, reserved.replayed);
        }
        self.email_step(cx, here, user, EmailCommand::Switch { change }).await.map(drop)
    }

    /// One step. That it was done before, or by somebody else, is no failure: the next look says where the change stands.
    async fn email_step(&self, cx: Context, group: GroupId, user: UserId, command: EmailCommand) -> Answer<Applied<AccountOutcome>> {
        self.write::<AccountLedger>(cx, group, &AccountCommand::Email { user, command }).await
    }
}

fn is_taken(applied: &Applied<AccountOutcome>) -> bool {
    applied.outcome == AccountOutcome::Rejected(Rejection::EmailTaken)
}
