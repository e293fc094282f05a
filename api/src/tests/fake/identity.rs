//! The identity half of the fake: one account, sessions and keys that are told apart by their texts.

use async_trait::async_trait;
use boxoffice_ledger::accounts::KeyEpoch;
use boxoffice_ledger::audit::{AuditAction, AuditEntry};
use boxoffice_ledger::command::{Role, Scope, Scopes};
use boxoffice_ledger::ids::{KeyId, Request, SessionId, Slot, UserId};
use boxoffice_ledger::time::{Millis, Timestamp};

use super::*;

/// The key that is good, for holding and paying.
pub const KEY: &str = "bo_live_good";

/// The session that is open.
pub const SESSION: SessionId = SessionId(0xabc);

impl Fake {
    fn opened(&self, email: &str, next: &str) -> Opened {
        Opened { account: self.account_of(UserId(1), email), session: SESSION, refresh_token: next.into() }
    }
}

#[async_trait]
impl Identity for Fake {
    async fn register(&self, _: Context, request: Request, account: NewAccount) -> Answer<Written<Account>> {
        self.enter(&format!("register {:032x}", request.id.0))?;
        self.written(self.account_of(UserId(1), &account.email))
    }

    async fn account(&self, cx: Context, user: UserId) -> Answer<Read<Account>> {
        self.enter("account")?;
        self.read(cx, self.account_of(user, "ada@example.org"))
    }

    async fn set_role(&self, _: Context, _: Caller, _: Request, user: UserId, role: Role) -> Answer<Written<Account>> {
        self.enter("set_role")?;
        self.written(Account { role, ..self.account_of(user, "ada@example.org") })
    }

    async fn log_in(&self, _: Context, email: &str, password: String, visitor: Visitor) -> Answer<Opened> {
        self.enter(&format!("log_in {} {}", visitor.address, visitor.agent))?;
        if password == "correct horse" { Ok(self.opened(email, "refresh-1")) } else { Err(Failure::BadCredentials) }
    }

    async fn refresh(&self, _: Context, token: &str) -> Answer<Opened> {
        self.enter(&format!("refresh {token}"))?;
        if token == "refresh-1" { Ok(self.opened("ada@example.org", "refresh-2")) } else { Err(Failure::LoggedOut) }
    }

    fn session_of(&self, token: &str) -> Option<(UserId, SessionId)> {
        token.starts_with("refresh-").then_some((UserId(1), SESSION))
    }

    async fn sessions(&self, cx: Context, _: UserId) -> Answer<Read<Vec<SessionView>>> {
        self.enter("sessions")?;
        let visitor = Visitor { address: "192.0.2.1".into(), agent: "Browser".into() };
        let (opened_at, used_at, expires_at) = (Timestamp(0), Timestamp(1_000_000), EXPIRES);
        self.read(cx, vec![SessionView { id: SESSION, opened_at, used_at, expires_at, visitor }])
    }

    async fn end_session(&self, _: Context, _: UserId, session: SessionId) -> Answer<Written<()>> {
        self.enter(&format!("end_session {session}"))?;
        if session == SESSION { self.written(()) } else { Err(Failure::NotFound("session")) }
    }

    async fn end_sessions(&self, _: Context, _: Caller, _: Request) -> Answer<Written<()>> {
        self.enter("end_sessions")?;
        self.written(())
    }

    fn standing(&self, _: &Grant) -> Standing {
        self.inner.lock().standing.unwrap_or(Standing::Good)
    }

    async fn confirmed_standing(&self, _: Context, _: &Grant) -> Answer<Standing> {
        self.enter("confirmed_standing")?;
        Ok(Standing::Good)
    }

    async fn change_password(
        &self,
        _: Context,
        caller: Caller,
        _: Request,
        _: Option<SessionId>,
        old: String,
        _: String,
    ) -> Answer<Written<Account>> {
        self.enter("change_password")?;
        if old != "correct horse" {
            return Err(Failure::BadCredentials);
        }
        self.written(self.account_of(caller.user, "ada@example.org"))
    }

    fn ask_password_reset(&self, email: String) {
        self.inner.lock().calls.push(format!("ask_password_reset {email}"));
    }

    async fn reset_password(&self, _: Context, request: Request, token: &str, _: String) -> Answer<Written<()>> {
        self.enter(&format!("reset_password {:032x}", request.id.0))?;
        if token == "link" { self.written(()) } else { Err(Failure::LinkOver) }
    }

    async fn ask_email_change(&self, _: Context, _: Caller, _: String, email: String) -> Answer<()> {
        self.enter(&format!("ask_email_change {email}"))
    }

    async fn change_email(&self, _: Context, token: &str) -> Answer<Account> {
        self.enter("change_email")?;
        if token == "link" { Ok(self.account_of(UserId(1), "new@example.org")) } else { Err(Failure::LinkOver) }
    }

    async fn create_key(&self, _: Context, _: Caller, _: Request, new: NewKey) -> Answer<Written<MadeKey>> {
        self.enter("create_key")?;
        self.written(MadeKey { id: KeyId(9), text: KEY.into(), new })
    }

    async fn keys(&self, cx: Context, _: UserId) -> Answer<Read<Vec<KeyView>>> {
        self.enter("keys")?;
        let new = NewKey { name: "Shop".into(), scopes: Scopes::from_iter([Scope::Book]), expires_at: None };
        self.read(cx, vec![KeyView { id: KeyId(9), created_at: Timestamp(0), new }])
    }

    async fn revoke_key(&self, _: Context, _: Caller, key: KeyId) -> Answer<Written<()>> {
        self.enter("revoke_key")?;
        if key == KeyId(9) { self.written(()) } else { Err(Failure::NotFound("key")) }
    }

    async fn key_holder(&self, _: Context, text: &str) -> Answer<Option<(Caller, Scopes)>> {
        self.enter("key_holder")?;
        let caller = Caller { user: UserId::new(5, Slot::new(1), 1), role: Role::Customer };
        Ok((text == KEY).then(|| (caller, Scopes::from_iter([Scope::Book]))))
    }

    fn signing_epochs(&self) -> Vec<KeyEpoch> {
        let epochs = self.inner.lock().epochs.clone();
        if epochs.is_empty() { vec![KeyEpoch::default()] } else { epochs }
    }

    async fn rotate_signing_key(&self, _: Context, _: Caller, _: Request, overlap: Millis) -> Answer<Written<u32>> {
        self.enter(&format!("rotate_signing_key {}", overlap.0))?;
        let until = Some(Timestamp(u64::MAX));
        self.inner.lock().epochs = vec![KeyEpoch { number: 0, until }, KeyEpoch { number: 1, until: None }];
        self.written(1)
    }

    async fn claimed(&self, _: Context) -> Answer<bool> {
        self.enter("claimed")?;
        Ok(false)
    }

    async fn claim(&self, _: Context, _: Request, token: &str, account: NewAccount) -> Answer<Written<Account>> {
        self.enter("claim")?;
        if token != "link" {
            return Err(Failure::LinkOver);
        }
        self.written(Account { role: Role::Admin, ..self.account_of(UserId(1), &account.email) })
    }

    async fn audit(&self, cx: Context, group: Option<u32>, trail: Trail, after: Option<u64>, limit: usize) -> Answer<Read<AuditPage>> {
        self.enter(&format!("audit {group:?} {trail:?} {after:?} {limit}"))?;
        let entry = AuditEntry {
            number: 7,
            at: Timestamp(1_000_000),
            actor: Some(UserId(1)),
            action: AuditAction::RoleChanged,
            object: UserId(2).to_string(),
            detail: "Customer -> Gate".into(),
            address: "192.0.2.7".into(),
            hash: [0xcd; 32],
        };
        let page =
            AuditPage { group: group.unwrap_or(9), groups: vec![9, 10], first: 7, root: [0xab; 32], entries: vec![entry], more: true };
        self.read(cx, page)
    }

    async fn note_denied(&self, _: Context, caller: Caller, what: String, times: u32) {
        self.denied.lock().push(format!("{:?} {what} {times}", caller.role));
    }
}
