//! Webhooks as JSON.

use boxoffice_ledger::change::ChangeId;
use boxoffice_ledger::ids::{EventId, WebhookId};
use boxoffice_ledger::webhooks::{TYPES_MAX, URL_BYTES_MAX};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Named, Rfc3339, Text};
use crate::backend::{DeliveryView, Replayed, WebhookView};
use crate::changes::Kind;

/// `POST /webhook`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct WebhookBody {
    #[schemars(url, length(min = 1, max = URL_BYTES_MAX))]
    pub url: String,
    #[schemars(with = "Option<Vec<Named<Kind>>>", length(max = TYPES_MAX))]
    pub types: Option<Vec<String>>,
    #[schemars(with = "Option<Text<EventId>>")]
    pub event: Option<String>,
}

/// `PATCH /webhook/{id}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct WebhookPatchBody {
    #[schemars(url, length(min = 1, max = URL_BYTES_MAX))]
    pub url: Option<String>,
    #[schemars(with = "Option<Vec<Named<Kind>>>", length(max = TYPES_MAX))]
    pub types: Option<Vec<String>>,
    pub active: Option<bool>,
}

/// `POST /webhook/{id}/replay`: one of the two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct ReplayBody {
    #[schemars(with = "Option<Text<ChangeId>>")]
    pub after: Option<String>,
    #[schemars(with = "Option<Text<ChangeId>>")]
    pub change: Option<String>,
}

/// A webhook as its owner sees it.
#[derive(Serialize, JsonSchema)]
pub struct WebhookOut<'a> {
    #[schemars(extend("const" = "webhook"))]
    object: &'static str,
    id: Text<WebhookId>,
    url: &'a str,
    types: &'a [String],
    event: Option<Text<EventId>>,
    all_events: bool,
    active: bool,
    created_at: Rfc3339,
    /// Since when nothing arrives.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Rfc3339>,
    /// When it was switched off, after failing for three days.
    #[serde(skip_serializing_if = "Option::is_none")]
    given_up_at: Option<Rfc3339>,
    /// Until when the secret before the current one signs too.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_secret_until: Option<Rfc3339>,
    /// What it is signed with: shown once, when it is made or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

impl<'a> WebhookOut<'a> {
    /// A webhook.
    #[must_use]
    pub fn new(view: &'a WebhookView) -> Self {
        let hook = &view.webhook;
        Self {
            object: "webhook",
            id: Text(hook.id),
            url: &hook.url,
            types: &hook.types,
            event: hook.event.map(Text),
            all_events: hook.all_events,
            active: hook.active,
            created_at: Rfc3339(hook.created_at),
            failing_since: view.failing_since.map(Rfc3339),
            given_up_at: hook.given_up_at.map(Rfc3339),
            old_secret_until: (hook.old_secret_until.0 > 0).then_some(Rfc3339(hook.old_secret_until)),
            secret: view.secret.as_deref(),
        }
    }
}

/// What was sent, or is being tried.
#[derive(Serialize, JsonSchema)]
pub struct DeliveryOut<'a> {
    #[schemars(extend("const" = "delivery"))]
    object: &'static str,
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    delivered: bool,
    attempts: u32,
    last_at: Rfc3339,
    /// The status of the last answer, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_at: Option<Rfc3339>,
}

impl<'a> DeliveryOut<'a> {
    /// A delivery.
    #[must_use]
    pub fn new(view: &'a DeliveryView) -> Self {
        let sent = &view.delivery;
        Self {
            object: "delivery",
            message: &sent.message,
            kind: &sent.kind,
            delivered: sent.error.is_empty(),
            attempts: sent.attempts,
            last_at: Rfc3339(sent.at),
            status: Some(sent.status).filter(|status| *status > 0),
            error: Some(sent.error.as_str()).filter(|error| !error.is_empty()),
            next_try_at: view.next_try.map(Rfc3339),
        }
    }
}

/// What came of a test or a replay.
#[derive(Serialize, JsonSchema)]
pub struct ReplayedOut<'a> {
    #[schemars(extend("const" = "replay"))]
    object: &'static str,
    /// Whether the message was taken; absent when messages will be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// After which place everything is sent once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Text<ChangeId>>,
}

impl<'a> ReplayedOut<'a> {
    /// What came of it.
    #[must_use]
    pub fn new(replayed: &'a Replayed) -> Self {
        let none = Self { object: "replay", delivered: None, message: None, status: None, error: None, after: None };
        match replayed {
            Replayed::Sent { message, status, error } => Self {
                delivered: Some(error.is_empty()),
                message: Some(message),
                status: Some(*status).filter(|status| *status > 0),
                error: Some(error.as_str()).filter(|error| !error.is_empty()),
                ..none
            },
            Replayed::Scheduled { after } => Self { after: Some(Text(*after)), ..none },
        }
    }
}
