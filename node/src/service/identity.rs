//! The identity half of the service as `api` calls it: one line a call. The work is in the files beside and below this one.

mod cluster;
mod emails;
mod keys;
mod passwords;
mod sessions;
mod trail;

pub(super) use passwords::done_by_link;

use async_trait::async_trait;
use boxoffice_api::backend::*;
use boxoffice_ledger::accounts::KeyEpoch;
use boxoffice_ledger::command::{Role, Scopes};
use boxoffice_ledger::ids::{KeyId, Request, SessionId, UserId};
use boxoffice_ledger::time::Millis;

use super::Service;

#[async_trait]
impl Identity for Service {
    async fn register(&self, cx: Context, request: Request, account: NewAccount) -> Answer<Written<Account>> {
        self.open_account(cx, request, account).await
    }

    async fn account(&self, cx: Context, user: UserId) -> Answer<Read<Account>> {
        self.read_account(cx, user).await
    }

    async fn set_role(&self, cx: Context, caller: Caller, request: Request, user: UserId, role: Role) -> Answer<Written<Account>> {
        self.change_role(cx, caller, request, user, role).await
    }

    async fn log_in(&self, cx: Context, email: &str, password: String, visitor: Visitor) -> Answer<Opened> {
        self.open_session(cx, email, password, visitor).await
    }

    async fn refresh(&self, cx: Context, token: &str) -> Answer<Opened> {
        self.go_on(cx, token).await
    }

    fn session_of(&self, token: &str) -> Option<(UserId, SessionId)> {
        self.named_session(token)
    }

    async fn sessions(&self, cx: Context, user: UserId) -> Answer<Read<Vec<SessionView>>> {
        self.list_sessions(cx, user).await
    }

    async fn end_session(&self, cx: Context, user: UserId, session: SessionId) -> Answer<Written<()>> {
        self.close_session(cx, user, session).await
    }

    async fn end_sessions(&self, cx: Context, caller: Caller, request: Request) -> Answer<Written<()>> {
        self.close_sessions(cx, caller, request).await
    }

    fn standing(&self, grant: &Grant) -> Standing {
        self.local_standing(grant)
    }

    async fn confirmed_standing(&self, cx: Context, grant: &Grant) -> Answer<Standing> {
        self.quorum_standing(cx, grant).await
    }

    async fn change_password(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        keep: Option<SessionId>,
        old: String,
        new: String,
    ) -> Answer<Written<Account>> {
        self.set_password(cx, caller, request, keep, old, new).await
    }

    fn ask_password_reset(&self, email: String) {
        // A full queue is a flood; who is in earnest asks again.
        if self.resets.try_send(email).is_err() {
            tracing::warn!("too many links to set a password are waiting to be mailed; one was dropped");
        }
    }

    async fn reset_password(&self, cx: Context, request: Request, token: &str, new: String) -> Answer<Written<()>> {
        self.set_password_by_link(cx, request, token, new).await
    }

    async fn ask_email_change(&self, cx: Context, caller: Caller, password: String, email: String) -> Answer<()> {
        self.mail_email_link(cx, caller, password, email).await
    }

    async fn change_email(&self, cx: Context, token: &str) -> Answer<Account> {
        self.confirm_email(cx, token).await
    }

    async fn create_key(&self, cx: Context, caller: Caller, request: Request, new: NewKey) -> Answer<Written<MadeKey>> {
        self.make_key(cx, caller, request, new).await
    }

    async fn keys(&self, cx: Context, user: UserId) -> Answer<Read<Vec<KeyView>>> {
        self.list_keys(cx, user).await
    }

    async fn revoke_key(&self, cx: Context, caller: Caller, key: KeyId) -> Answer<Written<()>> {
        self.end_key(cx, caller, key).await
    }

    async fn key_holder(&self, cx: Context, text: &str) -> Answer<Option<(Caller, Scopes)>> {
        self.holder_of_key(cx, text).await
    }

    fn signing_epochs(&self) -> Vec<KeyEpoch> {
        self.live_epochs()
    }

    async fn rotate_signing_key(&self, cx: Context, caller: Caller, request: Request, overlap: Millis) -> Answer<Written<u32>> {
        self.rotate_key(cx, caller, request, overlap).await
    }

    async fn claimed(&self, cx: Context) -> Answer<bool> {
        Ok(self.first_admin(cx).await?.is_some())
    }

    async fn claim(&self, cx: Context, request: Request, token: &str, account: NewAccount) -> Answer<Written<Account>> {
        self.claim_cluster(cx, request, token, account).await
    }

    async fn audit(&self, cx: Context, group: Option<u32>, trail: Trail, after: Option<u64>, limit: usize) -> Answer<Read<AuditPage>> {
        self.read_audit(cx, group, trail, after, limit).await
    }

    async fn note_denied(&self, cx: Context, caller: Caller, what: String, times: u32) {
        self.keep_denied(cx, caller, what, times).await;
    }
}
