//! What the cluster as a whole has one of: its first admin, the key that signs. Kept by the group of slot 0.

use boxoffice_api::backend::{self, Answer, Caller, Context, Failure, NewAccount, Written};
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::accounts::{AccountLedger, KeyEpoch};
use boxoffice_ledger::command::{AccountCommand, ClusterCommand, Role};
use boxoffice_ledger::ids::{Request, Slot, UserId};
use boxoffice_ledger::outcome::{AccountOutcome, Rejection};
use boxoffice_ledger::time::Millis;

use crate::service::accounts::{follows, shown};
use crate::service::events::need;
use crate::service::{Service, asked, refused};

impl Service {
    /// The group that keeps what the cluster has one of.
    pub(super) fn home(&self) -> GroupId {
        self.user_slot_group(Slot::new(0))
    }

    /// Who became the first admin.
    pub async fn first_admin(&self, cx: Context) -> Answer<Option<UserId>> {
        self.barrier(cx, self.home()).await?;
        Ok(self.accounts(self.home())?.read().identity().claimed_by)
    }

    /// Makes the first admin: opens the account (or takes the one that has this e-mail and password), then claims the cluster
    /// for it, then gives it the role. Only one account can claim, so a crash between two steps leaves at most a step that the
    /// same person repeats.
    pub(super) async fn claim_cluster(
        &self,
        cx: Context,
        request: Request,
        token: &str,
        new: NewAccount,
    ) -> Answer<Written<backend::Account>> {
        if !self.credentials.is_first_admin(token) {
            return Err(Failure::LinkOver);
        }
        let first = self.first_admin(cx).await?;
        let known = self.account_at(cx, &new.email).await?;
        if first.is_some() && first != known.as_ref().map(|account| account.id) {
            return Err(Failure::LinkOver);
        }
        let account = match known {
            Some(account) => shown(&self.with_password(Some(account), new.password).await?),
            None => self.open_account(cx, request, new).await?.value,
        };
        let user = account.user;
        let caller = Caller { user, role: account.role };
        let claim = AccountCommand::Audited(asked(cx, caller, AccountCommand::Cluster(ClusterCommand::Claim { user })));
        let applied = self.write::<AccountLedger>(cx, self.home(), &claim).await?;
        match applied.outcome {
            AccountOutcome::Done => {}
            AccountOutcome::Rejected(Rejection::WrongState { .. }) => return Err(Failure::LinkOver),
            AccountOutcome::Rejected(rejection) => return refused(rejection, applied.revision, applied.replayed),
            _ => return Err(Failure::Unknown),
        }
        let command = AccountCommand::SetRole { request: follows(request), user, role: Role::Admin, actor: Some(user) };
        let applied = self.write_account(cx, user, &AccountCommand::Audited(asked(cx, caller, command))).await?;
        if let AccountOutcome::Rejected(rejection) = applied.outcome {
            return refused(rejection, applied.revision, applied.replayed);
        }
        Ok(applied.written(backend::Account { role: Role::Admin, ..account }))
    }

    /// Signing keys that are good, as this node knows them.
    pub(super) fn live_epochs(&self) -> Vec<KeyEpoch> {
        match self.users.get(&self.home()) {
            Some(replica) => replica.read().identity().live_epochs(self.clock()),
            None => vec![KeyEpoch::default()],
        }
    }

    /// Lets another key sign.
    pub(super) async fn rotate_key(&self, cx: Context, caller: Caller, request: Request, overlap: Millis) -> Answer<Written<u32>> {
        need(caller, Role::Admin)?;
        let command = AccountCommand::Cluster(ClusterCommand::RotateKey { request, actor: caller.user, overlap });
        let command = AccountCommand::Audited(asked(cx, caller, command));
        let applied = self.write::<AccountLedger>(cx, self.home(), &command).await?;
        match &applied.outcome {
            AccountOutcome::VersionRaised { version } => Ok(applied.written(*version)),
            AccountOutcome::Rejected(rejection) => refused(rejection.clone(), applied.revision, applied.replayed),
            _ => Err(Failure::Unknown),
        }
    }
}
