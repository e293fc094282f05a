//! Sessions: opening, going on, ending, and whether a token still stands.

use boxoffice_api::backend::{Answer, Caller, Context, Failure, Freshness, Grant, Opened, Read, SessionView, Standing, Visitor, Written};
use boxoffice_ledger::accounts::{Account, SESSION_LIFE, Session};
use boxoffice_ledger::command::{AccountCommand, PasswordCommand, SessionCommand};
use boxoffice_ledger::ids::{Request, SessionId, UserId};
use boxoffice_ledger::outcome::{AccountOutcome, Rejection};

use crate::credentials::{Kind, Named};
use crate::mint;
use crate::passwords;
use crate::service::accounts::shown;
use crate::service::{Service, refused};

impl Service {
    /// Checks a password and opens a session. A missing account takes as long as a wrong password.
    pub(super) async fn open_session(&self, cx: Context, email: &str, password: String, visitor: Visitor) -> Answer<Opened> {
        let found = self.account_at(cx, email).await?;
        let account = self.with_password(found, password.clone()).await?;
        let session = SessionId::new(mint::now_ms(), account.id.slot(), mint::entropy());
        let refresh_token = self.credentials.draw(Kind::Refresh, Named { user: account.id, object: session.0 });
        let token = self.credentials.hash(&refresh_token);
        let Visitor { address, agent } = visitor;
        let command = SessionCommand::Open { session, version: account.version, token, address, agent };
        let applied = self.write_account(cx, account.id, &AccountCommand::Session { user: account.id, command }).await?;
        match applied.outcome {
            AccountOutcome::Done => {}
            // The password was changed in this very moment.
            AccountOutcome::Rejected(Rejection::VersionMismatch { .. }) => return Err(Failure::BadCredentials),
            AccountOutcome::Rejected(rejection) => return refused(rejection, applied.revision, applied.replayed),
            _ => return Err(Failure::Unknown),
        }
        self.strengthen(cx, &account, password).await;
        Ok(Opened { account: shown(&account), session, refresh_token })
    }

    /// Hashes a password again if it was hashed with less work than today's. Does not matter if it fails: the next log-in tries again.
    async fn strengthen(&self, cx: Context, account: &Account, password: String) {
        if passwords::is_weak(&account.password_hash)
            && let Ok(hash) = self.passwords.hash(password).await
        {
            let command = PasswordCommand::Rehash { version: account.version, hash };
            let written = self.write_account(cx, account.id, &AccountCommand::Password { user: account.id, command }).await;
            if written.is_err() {
                tracing::debug!(user = %account.id, "a weak password hash stays for now");
            }
        }
    }

    /// Exchanges a refresh token for the next one.
    pub(super) async fn go_on(&self, cx: Context, token: &str) -> Answer<Opened> {
        let named = self.credentials.read(Kind::Refresh, token).ok_or(Failure::LoggedOut)?;
        let (user, session) = (named.user, SessionId(named.object));
        let refresh_token = self.credentials.next(named, token);
        let (old, new) = (self.credentials.hash(token), self.credentials.hash(&refresh_token));
        let command = AccountCommand::Session { user, command: SessionCommand::Rotate { session, old, new } };
        let applied = self.write_account(cx, user, &command).await?;
        match applied.outcome {
            AccountOutcome::Done => {}
            AccountOutcome::SessionEnded => {
                tracing::warn!(%user, %session, "a refresh token came a second time: its session is over");
                return Err(Failure::LoggedOut);
            }
            AccountOutcome::Rejected(Rejection::NotFound { .. }) => return Err(Failure::LoggedOut),
            AccountOutcome::Rejected(rejection) => return refused(rejection, applied.revision, applied.replayed),
            _ => return Err(Failure::Unknown),
        }
        let fresh = Context { freshness: Freshness::AtLeast(applied.revision), ..cx };
        let account = self.read_account(fresh, user).await?.value;
        Ok(Opened { account, session, refresh_token })
    }

    /// The session that a refresh token of ours names.
    pub(super) fn named_session(&self, token: &str) -> Option<(UserId, SessionId)> {
        self.credentials.read(Kind::Refresh, token).map(|named| (named.user, SessionId(named.object)))
    }

    /// The sessions of an account, the newest first.
    pub(super) async fn list_sessions(&self, cx: Context, user: UserId) -> Answer<Read<Vec<SessionView>>> {
        let group = self.user_group(user);
        let (revision, age_ms) = self.fresh(cx, group).await?;
        let accounts = self.accounts(group)?.read();
        let at = accounts.at();
        let sessions = accounts.user(user).map(|account| account.sessions.as_slice()).unwrap_or_default();
        let value = sessions.iter().rev().filter(|session| !session.is_over(at)).map(view).collect();
        Ok(Read { value, revision, age_ms })
    }

    /// Ends one session.
    pub(super) async fn close_session(&self, cx: Context, user: UserId, session: SessionId) -> Answer<Written<()>> {
        let group = self.user_group(user);
        let accounts = self.accounts(group)?;
        let look = || accounts.read().user(user)?.sessions.iter().any(|known| known.id == session).then_some(());
        self.find(cx, group, look).await?.ok_or(Failure::NotFound("session"))?;
        let command = AccountCommand::Session { user, command: SessionCommand::End { session } };
        let applied = self.write_account(cx, user, &command).await?;
        match applied.outcome {
            AccountOutcome::Rejected(rejection) => refused(rejection, applied.revision, applied.replayed),
            _ => Ok(applied.written(())),
        }
    }

    /// Ends all sessions of the caller.
    pub(super) async fn close_sessions(&self, cx: Context, caller: Caller, request: Request) -> Answer<Written<()>> {
        let command = AccountCommand::Session { user: caller.user, command: SessionCommand::EndAll { request } };
        let applied = self.write_account(cx, caller.user, &command).await?;
        match applied.outcome {
            AccountOutcome::Rejected(rejection) => refused(rejection, applied.revision, applied.replayed),
            _ => Ok(applied.written(())),
        }
    }

    /// Whether a token may still write, by what this node has applied.
    pub(super) fn local_standing(&self, grant: &Grant) -> Standing {
        let Some(version) = grant.version else { return Standing::Good };
        let Some(replica) = self.users.get(&self.user_group(grant.caller.user)) else { return Standing::Unsure };
        let ledger = replica.read();
        let Some(account) = ledger.user(grant.caller.user) else { return Standing::Unsure };
        if account.version > version {
            return Standing::Over;
        }
        match grant.session {
            Some(session) if account.session(session, ledger.at()).is_none() => Standing::Unsure,
            _ => Standing::Good,
        }
    }

    /// The same by what a quorum knows: what is unknown then is over.
    pub(super) async fn quorum_standing(&self, cx: Context, grant: &Grant) -> Answer<Standing> {
        self.barrier(cx, self.user_group(grant.caller.user)).await?;
        Ok(if self.local_standing(grant) == Standing::Good { Standing::Good } else { Standing::Over })
    }
}

fn view(session: &Session) -> SessionView {
    SessionView {
        id: session.id,
        opened_at: session.opened_at,
        used_at: session.used_at,
        expires_at: session.used_at.plus(SESSION_LIFE),
        visitor: Visitor { address: session.address.clone(), agent: session.agent.clone() },
    }
}
