//! Accounts, sessions, keys and the audit trail as JSON.

use boxoffice_ledger::accounts::{KEY_NAME_BYTES_MAX, NAME_BYTES_MAX};
use boxoffice_ledger::audit::{AuditAction, AuditEntry};
use boxoffice_ledger::command::{Role, Scope};
use boxoffice_ledger::ids::{KeyId, SessionId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::request::LINE;
use super::{ListOut, Named, Rfc3339, Text, role};
use crate::backend::{Account, AuditPage, KeyView, MadeKey, NewKey, Opened, Revision, SessionView};
use crate::{password, scope};

/// `POST /user`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct RegisterBody {
    #[schemars(email, length(max = 254))]
    pub email: String,
    #[schemars(length(max = NAME_BYTES_MAX), pattern(LINE))]
    pub name: String,
    #[schemars(length(min = *password::CHARS.start(), max = *password::CHARS.end()))]
    pub password: String,
}

/// `POST /session`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct LoginBody {
    pub email: String,
    pub password: String,
    /// Whether to give the refresh token in the answer instead of a cookie.
    #[serde(default)]
    pub refresh: bool,
}

/// `POST /session/refresh`; without a token the cookie counts.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct RefreshBody {
    pub refresh_token: Option<String>,
}

/// `POST /user/{id}/role`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct RoleBody {
    #[schemars(extend("enum" = ["customer", "gate", "coordinator", "operator", "admin"]))]
    pub role: String,
}

/// `POST /user/password`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct PasswordBody {
    pub old_password: String,
    #[schemars(length(min = *password::CHARS.start(), max = *password::CHARS.end()))]
    pub password: String,
}

/// `POST /user/password/reset`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct ResetBody {
    #[schemars(email, length(max = 254))]
    pub email: String,
}

/// `POST /user/password/reset/confirm`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct ResetConfirmBody {
    pub token: String,
    #[schemars(length(min = *password::CHARS.start(), max = *password::CHARS.end()))]
    pub password: String,
}

/// `POST /user/email`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct EmailBody {
    #[schemars(email, length(max = 254))]
    pub email: String,
    pub password: String,
}

/// `POST /user/email/confirm`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct EmailConfirmBody {
    pub token: String,
}

/// `POST /key`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct KeyBody {
    #[schemars(length(max = KEY_NAME_BYTES_MAX), pattern(LINE))]
    pub name: String,
    #[schemars(with = "Vec<Named<Scope>>", length(min = 1))]
    pub scopes: Vec<String>,
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: Option<String>,
}

/// `POST /admin/claim`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct ClaimBody {
    pub token: String,
    #[schemars(email, length(max = 254))]
    pub email: String,
    #[schemars(length(max = NAME_BYTES_MAX), pattern(LINE))]
    pub name: String,
    #[schemars(length(min = *password::CHARS.start(), max = *password::CHARS.end()))]
    pub password: String,
}

/// An account.
#[derive(Serialize, JsonSchema)]
pub struct AccountOut<'a> {
    #[schemars(extend("const" = "user"))]
    object: &'static str,
    id: Text<UserId>,
    email: &'a str,
    name: &'a str,
    #[schemars(with = "Named<Role>")]
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Text<Revision>>,
}

impl<'a> AccountOut<'a> {
    /// An account.
    #[must_use]
    pub fn new(account: &'a Account, revision: Option<Revision>) -> Self {
        Self {
            object: "user",
            id: Text(account.user),
            email: &account.email,
            name: &account.name,
            role: role(account.role),
            revision: revision.map(Text),
        }
    }
}

/// A fresh access token.
#[derive(Serialize, JsonSchema)]
pub struct SessionOut<'a> {
    #[schemars(extend("const" = "session"))]
    object: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Text<SessionId>>,
    access_token: &'a str,
    #[schemars(extend("const" = "Bearer"))]
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    user: AccountOut<'a>,
}

impl<'a> SessionOut<'a> {
    /// A token that lives this many seconds.
    #[must_use]
    pub fn new(token: &'a str, expires_in: u64, account: &'a Account, session: Option<SessionId>) -> Self {
        let user = AccountOut::new(account, None);
        let id = session.map(Text);
        Self { object: "session", id, access_token: token, token_type: "Bearer", expires_in, refresh_token: None, user }
    }

    /// With the refresh token, for callers that keep it themselves.
    #[must_use]
    pub fn with_refresh(mut self, opened: &'a Opened) -> Self {
        self.refresh_token = Some(&opened.refresh_token);
        self
    }
}

/// A session in the list of its owner.
#[derive(Serialize, JsonSchema)]
pub struct SessionEntryOut<'a> {
    #[schemars(extend("const" = "session"))]
    object: &'static str,
    id: Text<SessionId>,
    created_at: Rfc3339,
    last_used_at: Rfc3339,
    expires_at: Rfc3339,
    address: &'a str,
    agent: &'a str,
    current: bool,
}

impl<'a> SessionEntryOut<'a> {
    /// A session; `current` is the one that asks.
    #[must_use]
    pub fn new(session: &'a SessionView, current: Option<SessionId>) -> Self {
        Self {
            object: "session",
            id: Text(session.id),
            created_at: Rfc3339(session.opened_at),
            last_used_at: Rfc3339(session.used_at),
            expires_at: Rfc3339(session.expires_at),
            address: &session.visitor.address,
            agent: &session.visitor.agent,
            current: current == Some(session.id),
        }
    }
}

/// A program's key.
#[derive(Serialize, JsonSchema)]
pub struct KeyOut<'a> {
    #[schemars(extend("const" = "key"))]
    object: &'static str,
    id: Text<KeyId>,
    name: &'a str,
    #[schemars(with = "Vec<Named<Scope>>")]
    scopes: Vec<&'static str>,
    /// Its secret: shown once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Rfc3339>,
    expires_at: Option<Rfc3339>,
}

impl<'a> KeyOut<'a> {
    /// A key in the list of its owner.
    #[must_use]
    pub fn listed(key: &'a KeyView) -> Self {
        Self { created_at: Some(Rfc3339(key.created_at)), ..Self::new(key.id, &key.new) }
    }

    /// A key that was just made, with its secret.
    #[must_use]
    pub fn made(made: &'a MadeKey) -> Self {
        Self { key: Some(&made.text), ..Self::new(made.id, &made.new) }
    }

    fn new(id: KeyId, new: &'a NewKey) -> Self {
        let scopes = new.scopes.iter().map(scope::name).collect();
        let expires_at = new.expires_at.map(Rfc3339);
        Self { object: "key", id: Text(id), name: &new.name, scopes, key: None, created_at: None, expires_at }
    }
}

/// A page of an audit trail.
#[derive(Serialize, JsonSchema)]
pub struct AuditOut<'a> {
    #[serde(flatten)]
    list: ListOut<AuditEntryOut<'a>>,
    group: u32,
    groups: &'a [u32],
    first: u64,
    root: String,
}

#[derive(Serialize, JsonSchema)]
struct AuditEntryOut<'a> {
    #[schemars(extend("const" = "audit_entry"))]
    object: &'static str,
    number: u64,
    at: Rfc3339,
    actor: Option<Text<UserId>>,
    #[schemars(with = "Named<AuditAction>")]
    action: &'static str,
    target: &'a str,
    /// Where the request came from, if that is known.
    address: Option<&'a str>,
    detail: &'a str,
    hash: String,
}

impl<'a> AuditOut<'a> {
    /// A page.
    #[must_use]
    pub fn new(page: &'a AuditPage) -> Self {
        let next = if page.more { page.entries.last().map(|entry| entry.number.to_string()) } else { None };
        let list = super::list(page.entries.iter().map(AuditEntryOut::new).collect(), next);
        Self { list, group: page.group, groups: &page.groups, first: page.first, root: hex(&page.root) }
    }

    /// Where it goes on.
    #[must_use]
    pub fn next_cursor(&self) -> Option<&str> {
        self.list.next_cursor()
    }
}

impl<'a> AuditEntryOut<'a> {
    fn new(entry: &'a AuditEntry) -> Self {
        Self {
            object: "audit_entry",
            number: entry.number,
            at: Rfc3339(entry.at),
            actor: entry.actor.map(Text),
            action: action(entry.action),
            target: &entry.object,
            address: Some(entry.address.as_str()).filter(|address| !address.is_empty()),
            detail: &entry.detail,
            hash: hex(&entry.hash),
        }
    }
}

/// Whether the cluster has had its first admin.
#[derive(Serialize, JsonSchema)]
pub struct ClaimOut {
    #[schemars(extend("const" = "claim"))]
    object: &'static str,
    claimed: bool,
}

impl ClaimOut {
    /// Whether it has.
    #[must_use]
    pub fn new(claimed: bool) -> Self {
        Self { object: "claim", claimed }
    }
}

/// A new signing key.
#[derive(Serialize, JsonSchema)]
pub struct SigningKeyOut {
    #[schemars(extend("const" = "signing_key"))]
    object: &'static str,
    epoch: u32,
}

impl SigningKeyOut {
    /// The key of this epoch.
    #[must_use]
    pub fn new(epoch: u32) -> Self {
        Self { object: "signing_key", epoch }
    }
}

/// A link to set a password is on its way, if there is an account.
#[derive(Serialize, JsonSchema)]
pub struct PasswordResetOut {
    #[schemars(extend("const" = "password_reset"))]
    object: &'static str,
    #[schemars(extend("const" = "if there is an account"))]
    mailed: &'static str,
}

impl Default for PasswordResetOut {
    fn default() -> Self {
        Self { object: "password_reset", mailed: "if there is an account" }
    }
}

/// A link to take up another e-mail is on its way to it.
#[derive(Serialize, JsonSchema)]
pub struct EmailChangeOut<'a> {
    #[schemars(extend("const" = "email_change"))]
    object: &'static str,
    email: &'a str,
}

impl<'a> EmailChangeOut<'a> {
    /// To this address.
    #[must_use]
    pub fn new(email: &'a str) -> Self {
        Self { object: "email_change", email }
    }
}

pub(super) fn action(action: AuditAction) -> &'static str {
    match action {
        AuditAction::RoleChanged => "role_changed",
        AuditAction::PasswordChanged => "password_changed",
        AuditAction::PasswordReset => "password_reset",
        AuditAction::EmailChanged => "email_changed",
        AuditAction::SessionsEnded => "sessions_ended",
        AuditAction::TokenReused => "token_reused",
        AuditAction::KeyCreated => "key_created",
        AuditAction::KeyRevoked => "key_revoked",
        AuditAction::AdminClaimed => "admin_claimed",
        AuditAction::KeyRotated => "signing_key_rotated",
        AuditAction::SaleMoved => "sale_moved",
        AuditAction::SeatsBlocked => "seats_blocked",
        AuditAction::OrderRefunded => "order_refunded",
        AuditAction::EventChanged => "event_changed",
        AuditAction::VenueChanged => "venue_changed",
        AuditAction::PerformerChanged => "performer_changed",
        AuditAction::RequestDenied => "request_denied",
        AuditAction::PromoChanged => "promo_changed",
        AuditAction::SeatsAllocated => "seats_allocated",
        AuditAction::PricePolicyChanged => "price_policy_changed",
        AuditAction::MemberChanged => "member_changed",
        AuditAction::BackupAsked => "backup_asked",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
