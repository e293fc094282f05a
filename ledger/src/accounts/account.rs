//! What is kept of one account: who, what it may do, and every way in.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::command::{Role, Scopes, SecretHash};
use crate::ids::{KeyId, SessionId, UserId};
use crate::time::Timestamp;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id. Its slot is that of the first e-mail it had.
    pub id: UserId,
    /// Normalised, unique in the cluster but for guests.
    pub email: Arc<str>,
    /// For people.
    pub name: String,
    /// The password's hash in PHC form; empty for a guest.
    pub password_hash: String,
    /// What it may do.
    pub role: Role,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Raised by a change of password or role and by ending all sessions: access tokens of an older one do not write.
    pub version: u32,
    /// Its sessions, the oldest first; those past their time count as ended.
    pub sessions: Vec<Session>,
    /// Keys of its programs, the oldest first.
    pub keys: Vec<Key>,
    /// Links to set a password, or to a guest's tickets, that were mailed, the oldest first.
    pub resets: Vec<Reset>,
    /// Whether it has had another e-mail than the first: then a pointer in the address's group leads to it.
    pub moved: bool,
    /// How many changes of e-mail were confirmed.
    pub email_changes: u32,
    /// The last change of e-mail that was asked for.
    pub email_change: Option<EmailChange>,
    /// Of a guest: the account that its tickets go to; from then on it can do no more.
    pub heir: Option<UserId>,
    /// Of a guest: how many of its orders a letter told of.
    pub invited: u32,
}

/// One log-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Hash of the refresh token that is good now.
    pub token: SecretHash,
    /// Hash of the one before, whose holder may not have seen the answer.
    pub previous: Option<SecretHash>,
    /// When the person logged in.
    pub opened_at: Timestamp,
    /// When the token was last exchanged.
    pub used_at: Timestamp,
    /// Where the log-in came from, for people.
    pub address: String,
    /// With what, for people.
    pub agent: String,
}

/// A program's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: KeyId,
    /// For people.
    pub name: String,
    /// Hash of what the program presents.
    pub secret: SecretHash,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// A link to set a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    /// Hash of its token.
    pub token: SecretHash,
    /// When it was asked for.
    pub asked_at: Timestamp,
}

/// A change of e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailChange {
    /// Hash of the token in the link.
    pub token: SecretHash,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// The new address until the account has switched; from then on the old one.
    pub email: Arc<str>,
    /// Where it stands.
    pub step: EmailStep,
}

/// Where a change of e-mail stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailStep {
    /// The link was mailed.
    Asked,
    /// Confirmed: the new address is to be reserved.
    Reserving,
    /// Switched: the old address is to be freed.
    Releasing,
    /// Over.
    Done,
}
