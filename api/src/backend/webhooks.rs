//! Webhooks as they go through the backend.

use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_ledger::change::ChangeId;
use boxoffice_ledger::ids::{EventId, Request, WebhookId};
use boxoffice_ledger::time::Timestamp;
use boxoffice_ledger::webhooks::{Webhook, WebhookDelivery};

use super::{Answer, Caller, Context, Read, Written};

/// What somebody wants to be told, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookInput {
    /// Where.
    pub url: String,
    /// Of which types; none = of all.
    pub types: Vec<String>,
    /// Of which event; `None` = of all.
    pub event: Option<EventId>,
}

/// A change of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookPatch {
    /// Where.
    pub url: Option<String>,
    /// Of which types.
    pub types: Option<Vec<String>>,
    /// Whether anything is sent. What was given up is tried again, from where it was.
    pub active: Option<bool>,
}

/// A webhook as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookView {
    /// The webhook.
    pub webhook: Arc<Webhook>,
    /// Since when it fails, if it does.
    pub failing_since: Option<Timestamp>,
    /// Its secret, in the answers that may show it.
    pub secret: Option<String>,
}

/// What was sent, or is being tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryView {
    /// What was sent.
    pub delivery: WebhookDelivery,
    /// When it is tried next, if it did not arrive and is not given up.
    pub next_try: Option<Timestamp>,
}

/// What is sent once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// This one change, now.
    One(ChangeId),
    /// Everything in its group after this place.
    After(ChangeId),
}

/// What came of a replay or a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It was sent: the message's id, the status (0 = no answer), and what was wrong (empty = it was taken).
    Sent {
        /// The message's id.
        message: String,
        /// The HTTP status.
        status: u16,
        /// What was wrong.
        error: String,
    },
    /// It will be sent.
    Scheduled {
        /// After this place.
        after: ChangeId,
    },
}

/// Webhooks of the caller; an operator's are all. Those of others are not found.
#[async_trait]
pub trait WebhookDesk: Send + Sync + 'static {
    /// Makes one. An operator's is told of all events.
    async fn create_webhook(&self, cx: Context, caller: Caller, request: Request, new: WebhookInput) -> Answer<Written<WebhookView>>;
    /// All of them, the oldest first.
    async fn webhooks(&self, cx: Context, caller: Caller) -> Answer<Read<Vec<WebhookView>>>;
    /// One of them.
    async fn webhook(&self, cx: Context, caller: Caller, id: WebhookId) -> Answer<Read<WebhookView>>;
    /// Changes one.
    async fn change_webhook(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        id: WebhookId,
        patch: WebhookPatch,
    ) -> Answer<Written<WebhookView>>;
    /// Signs with another secret from now on; the one before signs too for a day.
    async fn rotate_webhook(&self, cx: Context, caller: Caller, request: Request, id: WebhookId) -> Answer<Written<WebhookView>>;
    /// Removes one.
    async fn delete_webhook(&self, cx: Context, caller: Caller, request: Request, id: WebhookId) -> Answer<Written<()>>;
    /// Sends a message that says nothing, and tells what came of it.
    async fn test_webhook(&self, cx: Context, caller: Caller, id: WebhookId) -> Answer<Replayed>;
    /// Sends something once more.
    async fn replay_webhook(&self, cx: Context, caller: Caller, request: Request, id: WebhookId, replay: Replay) -> Answer<Replayed>;
    /// What was sent last, the newest first.
    async fn deliveries(&self, cx: Context, caller: Caller, id: WebhookId) -> Answer<Read<Vec<DeliveryView>>>;
}
