//! Customers' own programs that are told of changes: where each is reached, what it wants to know, and how far it was told.
//!
//! State of the catalog group, so that it survives whoever sends: one cursor per webhook and group, moved by reports of the
//! group's leader. Secrets are not here: they follow from the cluster's secret, the webhook's id and the epoch that is kept.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use prost::Message;

use crate::change::ChangeId;
use crate::codec::frame::FrameWriter;
use crate::codec::{CodecError, webhook as codec};
use crate::digest::{Accumulator, RecordHasher};
use crate::ids::{EventId, Request, UserId, WebhookId};
use crate::time::{Millis, Timestamp};

/// The most webhooks of one account, and of all.
pub const OWNED_MAX: usize = 10;
/// See [`OWNED_MAX`].
pub const WEBHOOKS_MAX: usize = 200;
/// The longest address, in bytes.
pub const URL_BYTES_MAX: usize = 500;
/// The most types that a webhook can ask for.
pub const TYPES_MAX: usize = 32;
/// The longest name of a type, in bytes.
pub const TYPE_BYTES_MAX: usize = 40;
/// The most groups that there are cursors for.
pub const CURSORS_MAX: usize = 256;
/// The most deliveries of one report.
pub const DELIVERIES_MAX: usize = 64;
/// Deliveries that are kept for the owner to see, per webhook and group.
pub const RECENT_MAX: usize = 16;
/// The longest error and message id of a delivery, in bytes.
pub const TEXT_BYTES_MAX: usize = 120;
/// After failing for so long a webhook is given up.
pub const GIVE_UP_AFTER: Millis = Millis::from_mins(3 * 24 * 60);
/// How long the secret before the current one goes on signing.
pub const OLD_SECRET_FOR: Millis = Millis::from_mins(24 * 60);

/// A program that is told of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose it is.
    pub owner: UserId,
    /// Whether it is told of everybody's events, with whose things are, or of its owner's events only.
    pub all_events: bool,
    /// Where it is reached.
    pub url: String,
    /// What it wants to know; empty = everything.
    pub types: Vec<String>,
    /// Of which event; `None` = of all.
    pub event: Option<EventId>,
    /// Whether it is told anything.
    pub active: bool,
    /// Which of its secrets signs, from 1.
    pub secret_epoch: u32,
    /// Until when the secret before that signs too.
    pub old_secret_until: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was given up, after failing for [`GIVE_UP_AFTER`].
    pub given_up_at: Option<Timestamp>,
    /// Raised by each change, from 1.
    pub version: u64,
}

/// One try, or the tries so far, to tell a webhook something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// The message's id: that of a change, mostly.
    pub message: String,
    /// Its type.
    pub kind: String,
    /// When it was last tried.
    pub at: Timestamp,
    /// How often.
    pub attempts: u32,
    /// The HTTP status; 0 = no answer.
    pub status: u16,
    /// What was wrong; empty = it arrived.
    pub error: String,
}

/// How far a webhook was told what happens in one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookCursor {
    /// The webhook.
    pub webhook: WebhookId,
    /// The last change that it has, or that it does not want.
    pub after: ChangeId,
    /// How often the next one failed in a row.
    pub failures: u32,
    /// Since when it fails; 0 = it does not.
    pub failing_since: Timestamp,
    /// Not to be tried before; carried by the report, as nothing is drawn here.
    pub next_try: Timestamp,
    /// The last deliveries, the newest last.
    pub recent: Vec<WebhookDelivery>,
}

/// What a group's leader did for a webhook. Counts only if the cursor stands where the leader thought that it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookReport {
    /// The webhook.
    pub webhook: WebhookId,
    /// Where its cursor stood.
    pub from: ChangeId,
    /// Where it stands now.
    pub to: ChangeId,
    /// What was sent.
    pub deliveries: Vec<WebhookDelivery>,
    /// When to go on, if what follows failed.
    pub next_try: Option<Timestamp>,
}

/// What can be asked of webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookCommand {
    /// Create (`version` 0) or change (the version that the writer saw). Owner, secrets and times are the ledger's to say.
    Put {
        /// Idempotency.
        request: Request,
        /// The new content.
        webhook: Webhook,
        /// Where a new one begins, at most one place a group.
        after: Vec<ChangeId>,
    },
    /// Sign with another secret; the one before signs too for [`OLD_SECRET_FOR`].
    Rotate {
        /// Idempotency.
        request: Request,
        /// Which.
        webhook: WebhookId,
    },
    /// Remove it.
    Delete {
        /// Idempotency.
        request: Request,
        /// Which.
        webhook: WebhookId,
    },
    /// Go on after this place instead.
    Seek {
        /// Idempotency.
        request: Request,
        /// Which.
        webhook: WebhookId,
        /// From where.
        after: ChangeId,
    },
    /// What was sent.
    Report(WebhookReport),
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Webhooks {
    hooks: Arc<BTreeMap<WebhookId, Arc<Webhook>>>,
    cursors: Arc<BTreeMap<(WebhookId, u32), Arc<WebhookCursor>>>,
    digest: Accumulator,
}

impl Webhooks {
    /// One of them.
    #[must_use]
    pub fn get(&self, id: WebhookId) -> Option<&Arc<Webhook>> {
        self.hooks.get(&id)
    }

    /// All, in the order in which they were made.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Webhook>> {
        self.hooks.values()
    }

    /// How far one was told what happens in a group.
    #[must_use]
    pub fn cursor(&self, id: WebhookId, group: u32) -> Option<&Arc<WebhookCursor>> {
        self.cursors.get(&(id, group))
    }

    /// How far one was told, by group.
    pub fn cursors(&self, id: WebhookId) -> impl Iterator<Item = &Arc<WebhookCursor>> {
        self.cursors.range((id, 0)..=(id, u32::MAX)).map(|(_, cursor)| cursor)
    }

    pub(crate) fn len(&self) -> usize {
        self.hooks.len()
    }

    pub(crate) fn put(&mut self, hook: Webhook) {
        self.digest.add(hash_hook(&hook));
        if let Some(old) = Arc::make_mut(&mut self.hooks).insert(hook.id, Arc::new(hook)) {
            self.digest.remove(hash_hook(&old));
        }
    }

    pub(crate) fn put_cursor(&mut self, cursor: WebhookCursor) {
        self.digest.add(hash_cursor(&cursor));
        if let Some(old) = Arc::make_mut(&mut self.cursors).insert((cursor.webhook, cursor.after.group), Arc::new(cursor)) {
            self.digest.remove(hash_cursor(&old));
        }
    }

    pub(crate) fn remove(&mut self, id: WebhookId) {
        if let Some(old) = Arc::make_mut(&mut self.hooks).remove(&id) {
            self.digest.remove(hash_hook(&old));
        }
        let groups: Vec<u32> = self.cursors(id).map(|cursor| cursor.after.group).collect();
        for group in groups {
            if let Some(old) = Arc::make_mut(&mut self.cursors).remove(&(id, group)) {
                self.digest.remove(hash_cursor(&old));
            }
        }
    }

    pub(crate) fn accumulator(&self) -> Accumulator {
        self.digest
    }

    /// Walks all of them.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut digest = Accumulator::default();
        for (id, hook) in &*self.hooks {
            digest.add(hash_hook(hook));
            if hook.id != *id || hook.version == 0 || hook.secret_epoch == 0 {
                return Err(format!("webhook {id} lacks its id, its version or its secret"));
            }
        }
        for ((id, group), cursor) in &*self.cursors {
            digest.add(hash_cursor(cursor));
            let fits = cursor.webhook == *id && cursor.after.group == *group && cursor.recent.len() <= RECENT_MAX;
            if !fits || !self.hooks.contains_key(id) || (cursor.failures == 0) != (cursor.failing_since == Timestamp(0)) {
                return Err(format!("the cursor of webhook {id} in group {group} is not sound"));
            }
        }
        if digest == self.digest { Ok(()) } else { Err(String::from("the digest of the webhooks is another")) }
    }

    pub(crate) fn write_snapshot(&self, writer: &mut FrameWriter<'_>, hook: u8, cursor: u8) {
        self.hooks.values().for_each(|one| writer.record(hook, &codec::webhook(one)));
        self.cursors.values().for_each(|one| writer.record(cursor, &codec::cursor(one)));
    }

    pub(crate) fn read_webhook(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        self.put(codec::read_webhook(crate::codec::envelope::exact(bytes)?)?);
        Ok(())
    }

    pub(crate) fn read_cursor(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        self.put_cursor(codec::read_cursor(crate::codec::envelope::exact(bytes)?)?);
        Ok(())
    }
}

const HOOK_TAG: u32 = 50;
const CURSOR_TAG: u32 = 51;

fn hash_hook(hook: &Webhook) -> u128 {
    RecordHasher::new(HOOK_TAG).bytes(&codec::webhook(hook).encode_to_vec()).finish()
}

fn hash_cursor(cursor: &WebhookCursor) -> u128 {
    RecordHasher::new(CURSOR_TAG).bytes(&codec::cursor(cursor).encode_to_vec()).finish()
}
