//! The identity half of the product as seen from HTTP: accounts, sessions, passwords, keys of programs, the cluster's own keys.

use async_trait::async_trait;
use boxoffice_ledger::accounts::KeyEpoch;
use boxoffice_ledger::audit::AuditEntry;
use boxoffice_ledger::command::{Role, Scopes};
use boxoffice_ledger::ids::{KeyId, Request, SessionId, UserId};
use boxoffice_ledger::time::{Millis, Timestamp};

use super::{Account, Answer, Caller, Context, NewAccount, Read, Written};

/// What an access token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who.
    pub caller: Caller,
    /// The account's version when it was issued; `None` for tokens that the holder of the cluster's secret made.
    pub version: Option<u32>,
    /// The session it belongs to.
    pub session: Option<SessionId>,
}

/// Whether the account behind an access token still stands where the token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing here says otherwise.
    Good,
    /// This node does not know the session: it is too new for it, or over.
    Unsure,
    /// The password or the role changed since.
    Over,
}

/// Where somebody logs in from, for the list of sessions.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// The address, at most 64 bytes.
    pub address: String,
    /// The program, at most 160 bytes.
    pub agent: String,
}

/// A session that was opened or goes on.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Whose.
    pub account: Account,
    /// Its id.
    pub session: SessionId,
    /// The refresh token to use next; a secret.
    pub refresh_token: String,
}

/// A session as its owner sees it.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// When the person logged in.
    pub opened_at: Timestamp,
    /// When it last got an access token.
    pub used_at: Timestamp,
    /// When it ends if it is not used.
    pub expires_at: Timestamp,
    /// Where from.
    pub visitor: Visitor,
}

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// For people.
    pub name: String,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// A key that was made.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// Its id.
    pub id: KeyId,
    /// What the program presents; a secret, shown once.
    pub text: String,
    /// What was asked for.
    pub new: NewKey,
}

/// A key as its owner sees it.
#[derive(Clone, Debug)]
pub struct KeyView {
    /// Its id.
    pub id: KeyId,
    /// When it was made.
    pub created_at: Timestamp,
    /// What was asked for.
    pub new: NewKey,
}

/// Which trail of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trail {
    /// What was done.
    Done,
    /// What was asked for and denied.
    Denied,
}

/// Part of a group's audit trail.
#[derive(Clone, Debug)]
pub struct AuditPage {
    /// The group.
    pub group: u32,
    /// Groups that have a trail.
    pub groups: Vec<u32>,
    /// Number of the first entry that is kept.
    pub first: u64,
    /// Hash of the entry before that; zeros if none was forgotten.
    pub root: [u8; 32],
    /// Entries in the order of the log.
    pub entries: Vec<AuditEntry>,
    /// Whether there are more.
    pub more: bool,
}

/// Accounts and ways in. Every call ends by its context's deadline.
#[async_trait]
pub trait Identity: Send + Sync + 'static {
    /// Opens an account (role Customer).
    async fn register(&self, cx: Context, request: Request, account: NewAccount) -> Answer<Written<Account>>;
    /// An account.
    async fn account(&self, cx: Context, user: UserId) -> Answer<Read<Account>>;
    /// Changes an account's role (admins).
    async fn set_role(&self, cx: Context, caller: Caller, request: Request, user: UserId, role: Role) -> Answer<Written<Account>>;

    /// Checks credentials and opens a session; takes the same time whether or not the account exists.
    async fn log_in(&self, cx: Context, email: &str, password: String, visitor: Visitor) -> Answer<Opened>;
    /// Exchanges a refresh token for the next one; a token that was exchanged before ends its session.
    async fn refresh(&self, cx: Context, token: &str) -> Answer<Opened>;
    /// The session of a refresh token that is ours, whether or not it goes on.
    fn session_of(&self, token: &str) -> Option<(UserId, SessionId)>;
    /// The sessions of an account.
    async fn sessions(&self, cx: Context, user: UserId) -> Answer<Read<Vec<SessionView>>>;
    /// Ends a session of an account.
    async fn end_session(&self, cx: Context, user: UserId, session: SessionId) -> Answer<Written<()>>;
    /// Ends all sessions of the caller; access tokens stop writing.
    async fn end_sessions(&self, cx: Context, caller: Caller, request: Request) -> Answer<Written<()>>;
    /// Whether a token may still write, by what this node has applied. Cheap: asked for each write.
    fn standing(&self, grant: &Grant) -> Standing;
    /// The same by what a quorum knows, for [`Standing::Unsure`].
    async fn confirmed_standing(&self, cx: Context, grant: &Grant) -> Answer<Standing>;

    /// Sets another password, given the present one; all sessions but `keep` end.
    async fn change_password(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        keep: Option<SessionId>,
        old: String,
        new: String,
    ) -> Answer<Written<Account>>;
    /// Mails a link to set another password, if there is such an account. Returns at once, whether or not there is.
    fn ask_password_reset(&self, email: String);
    /// Sets another password, given the link's token.
    async fn reset_password(&self, cx: Context, request: Request, token: &str, new: String) -> Answer<Written<()>>;
    /// Mails a link to a new address, given the password.
    async fn ask_email_change(&self, cx: Context, caller: Caller, password: String, email: String) -> Answer<()>;
    /// Changes the address, given the link's token.
    async fn change_email(&self, cx: Context, token: &str) -> Answer<Account>;

    /// Makes a key for a program of the caller's.
    async fn create_key(&self, cx: Context, caller: Caller, request: Request, new: NewKey) -> Answer<Written<MadeKey>>;
    /// The keys of an account.
    async fn keys(&self, cx: Context, user: UserId) -> Answer<Read<Vec<KeyView>>>;
    /// Ends a key of the caller's.
    async fn revoke_key(&self, cx: Context, caller: Caller, key: KeyId) -> Answer<Written<()>>;
    /// Who a key speaks for and what for, as this node knows it; `None` if it is not good.
    async fn key_holder(&self, cx: Context, text: &str) -> Answer<Option<(Caller, Scopes)>>;

    /// Signing keys that are good, ascending; the last one signs. Cheap.
    fn signing_epochs(&self) -> Vec<KeyEpoch>;
    /// Lets another key sign; the present one is good for `overlap` longer. Gives the new epoch.
    async fn rotate_signing_key(&self, cx: Context, caller: Caller, request: Request, overlap: Millis) -> Answer<Written<u32>>;
    /// Whether the cluster has had its first admin.
    async fn claimed(&self, cx: Context) -> Answer<bool>;
    /// Makes the first admin, given the token that the nodes print.
    async fn claim(&self, cx: Context, request: Request, token: &str, account: NewAccount) -> Answer<Written<Account>>;
    /// An audit trail of a group (default: the one that has the cluster's own), entries after a number.
    async fn audit(&self, cx: Context, group: Option<u32>, trail: Trail, after: Option<u64>, limit: usize) -> Answer<Read<AuditPage>>;
    /// Notes that somebody asked for what they may not do, so often since the last note. Best effort: a lost note is logged.
    async fn note_denied(&self, cx: Context, caller: Caller, what: String, times: u32);
}
