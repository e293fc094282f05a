//! Accounts, sessions, keys and the audit trail as JSON.

use boxoffice_ledger::audit::{AuditAction, AuditEntry};
use boxoffice_ledger::command::Scopes;
use boxoffice_ledger::ids::{KeyId, SessionId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Rfc3339, Text, role};
use crate::backend::{Account, AuditPage, KeyView, MadeKey, Opened, Revision, SessionView};
use crate::scope;

/// `POST /user`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct RegisterBody {
    pub email: String,
    pub name: String,
    pub password: String,
}

/// `POST /session`.
#[derive(Deserialize)]
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
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct RefreshBody {
    pub refresh_token: Option<String>,
}

/// `POST /user/{id}/role`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct RoleBody {
    pub role: String,
}

/// `POST /user/password`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct PasswordBody {
    pub old_password: String,
    pub password: String,
}

/// `POST /user/password/reset`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct ResetBody {
    pub email: String,
}

/// `POST /user/password/reset/confirm`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct ResetConfirmBody {
    pub token: String,
    pub password: String,
}

/// `POST /user/email`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct EmailBody {
    pub email: String,
    pub password: String,
}

/// `POST /user/email/confirm`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct EmailConfirmBody {
    pub token: String,
}

/// `POST /key`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct KeyBody {
    pub name: String,
    pub scopes: Vec<String>,
    pub expires_at: Option<String>,
}

/// `POST /admin/claim`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct ClaimBody {
    pub token: String,
    pub email: String,
    pub name: String,
    pub password: String,
}

/// An account.
#[derive(Serialize)]
pub struct AccountOut<'a> {
    object: &'static str,
    id: Text<UserId>,
    email: &'a str,
    name: &'a str,
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
#[derive(Serialize)]
pub struct SessionOut<'a> {
    object: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Text<SessionId>>,
    access_token: &'a str,
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
#[must_use]
pub fn session_value(session: &SessionView, current: Option<SessionId>) -> Value {
    json!({
        "object": "session", "id": session.id.to_string(), "created_at": Rfc3339(session.opened_at).to_string(),
        "last_used_at": Rfc3339(session.used_at).to_string(), "expires_at": Rfc3339(session.expires_at).to_string(),
        "address": session.visitor.address, "agent": session.visitor.agent, "current": current == Some(session.id),
    })
}

/// A key in the list of its owner.
#[must_use]
pub fn key_value(key: &KeyView) -> Value {
    let mut value = new_key_value(key.id, &key.new.name, key.new.scopes);
    value["created_at"] = Rfc3339(key.created_at).to_string().into();
    value["expires_at"] = key.new.expires_at.map(|at| Rfc3339(at).to_string()).into();
    value
}

/// A key that was just made, with its secret.
#[must_use]
pub fn made_key_value(made: &MadeKey) -> Value {
    let mut value = new_key_value(made.id, &made.new.name, made.new.scopes);
    value["key"] = made.text.as_str().into();
    value["expires_at"] = made.new.expires_at.map(|at| Rfc3339(at).to_string()).into();
    value
}

fn new_key_value(id: KeyId, name: &str, scopes: Scopes) -> Value {
    let scopes: Vec<&str> = scopes.iter().map(scope::name).collect();
    json!({"object": "key", "id": id.to_string(), "name": name, "scopes": scopes})
}

/// A page of an audit trail.
#[must_use]
pub fn audit_value(page: &AuditPage) -> Value {
    let next = if page.more { page.entries.last().map(|entry| entry.number.to_string()) } else { None };
    json!({
        "object": "list", "data": page.entries.iter().map(entry_value).collect::<Vec<_>>(), "has_more": page.more, "next_cursor": next,
        "group": page.group, "groups": page.groups, "first": page.first, "root": hex(&page.root),
    })
}

fn entry_value(entry: &AuditEntry) -> Value {
    json!({
        "object": "audit_entry", "number": entry.number, "at": Rfc3339(entry.at).to_string(),
        "actor": entry.actor.map(|actor| actor.to_string()), "action": action(entry.action), "target": entry.object,
        "detail": entry.detail, "hash": hex(&entry.hash),
    })
}

fn action(action: AuditAction) -> &'static str {
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
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
