//! Tells customers' own programs what happens in a group, from its leader. At least once, the changes of an event in order; each
//! webhook has a cursor of its own, so a dead one holds up no other. A report moves the cursor once something arrived.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use boxoffice_api::backend::ChangeView;
use boxoffice_api::changes::{GAP_KIND, event as event_of, gap_message, kind, message};
use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::change::ChangeId;
use boxoffice_ledger::command::{CatalogCommand, Role};
use boxoffice_ledger::ids::WebhookId;
use boxoffice_ledger::time::Timestamp;
use boxoffice_ledger::webhooks::{DELIVERIES_MAX, Webhook, WebhookCommand, WebhookCursor, WebhookDelivery, WebhookReport};
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::{PAUSE, context, leads};
use crate::journal::Gone;
use crate::mail::letters;
use crate::mint;
use crate::service::{Service, scope_of};
use crate::webhooks::Sent;

/// The rest between rounds, so that changes gather.
const REST: Duration = Duration::from_millis(20);
/// Events of one webhook that are told of at once.
const AT_ONCE: usize = 8;
/// Entries without anything that a webhook wants after which its cursor is moved anyway, so that it stays within the journal.
const AHEAD_MAX: u64 = 1000;
/// The pause after the first failure, doubled by each further one, in milliseconds; and the longest.
const PAUSE_MS: u64 = 1_000;
const PAUSE_MS_MAX: u64 = 3_600_000;

/// How far was looked without finding anything: after which cursor, and up to where.
type Ahead = Arc<Mutex<BTreeMap<WebhookId, (ChangeId, ChangeId)>>>;

/// See the module.
pub async fn run(service: Arc<Service>, group: GroupId) {
    let mut news = service.feed.journal().news();
    let mut pumps: BTreeMap<WebhookId, JoinHandle<()>> = BTreeMap::new();
    let ahead = Ahead::default();
    loop {
        let _ = tokio::time::timeout(PAUSE, news.changed()).await;
        tokio::time::sleep(REST).await;
        news.borrow_and_update();
        pumps.retain(|_, pump| !pump.is_finished());
        if !leads(&service, group) {
            ahead.lock().clear();
            continue;
        }
        for (webhook, cursor) in due(&service, group) {
            let known = ahead.lock().get(&webhook.id).filter(|(after, _)| *after == cursor.after).map(|(_, place)| *place);
            let start = known.unwrap_or(cursor.after);
            if pumps.contains_key(&webhook.id) || start >= service.newest_change(group) {
                continue;
            }
            let pump = Pump { service: Arc::clone(&service), webhook: Arc::clone(&webhook), cursor, ahead: Arc::clone(&ahead) };
            pumps.insert(webhook.id, tokio::spawn(pump.run(start)));
        }
    }
}

/// The webhooks that may be called now, with how far each was told.
fn due(service: &Service, group: GroupId) -> Vec<(Arc<Webhook>, Arc<WebhookCursor>)> {
    let now = mint::now();
    let catalog = service.catalog.read();
    let hooks = catalog.webhooks();
    let cursor = |hook: &Arc<Webhook>| Some((Arc::clone(hook), Arc::clone(hooks.cursor(hook.id, group.0)?)));
    let due = hooks.all().filter(|hook| hook.active).filter_map(cursor).filter(|(_, cursor)| cursor.next_try <= now);
    due.filter(|(hook, _)| still_may(service, hook)).collect()
}

/// Whether the owner still has the role that the webhook was made with.
fn still_may(service: &Service, webhook: &Webhook) -> bool {
    let least = if webhook.all_events { Role::Operator } else { Role::Coordinator };
    let Ok(accounts) = service.accounts(service.user_group(webhook.owner)) else { return false };
    accounts.read().user(webhook.owner).is_none_or(|account| account.role >= least)
}

/// One stretch of a group's changes on its way to one webhook.
struct Pump {
    service: Arc<Service>,
    webhook: Arc<Webhook>,
    cursor: Arc<WebhookCursor>,
    ahead: Ahead,
}

/// What became of a message.
struct Told {
    id: ChangeId,
    delivery: WebhookDelivery,
}

impl Pump {
    async fn run(self, start: ChangeId) {
        let stretch = self.service.stretch(context(), start, &scope_of(&self.webhook), DELIVERIES_MAX).await;
        match stretch {
            Ok(Ok(stretch)) if stretch.items.is_empty() => {
                if stretch.next.index.saturating_sub(self.cursor.after.index) >= AHEAD_MAX {
                    self.report(stretch.next, Vec::new(), None).await;
                } else {
                    self.ahead.lock().insert(self.webhook.id, (self.cursor.after, stretch.next));
                }
            }
            Ok(Ok(stretch)) => {
                let told = self.tell(&stretch.items).await;
                self.settle(&stretch.items, told, stretch.next).await;
            }
            Ok(Err(gone)) => self.tell_gap(gone).await,
            // The catalog could not be asked whose an event is.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }

    /// Sends each event's changes in order, those of several events at once. After a failure no more of that event is sent.
    async fn tell(&self, items: &[ChangeView]) -> Vec<Told> {
        let mut by_event: BTreeMap<_, Vec<&ChangeView>> = BTreeMap::new();
        for item in items {
            by_event.entry(event_of(&item.change)).or_default().push(item);
        }
        let events = by_event.into_values().map(|items| async move {
            let mut told = Vec::new();
            for item in items {
                let name = item.id.to_string();
                let sent = self.service.call_webhook(&self.webhook, &name, message(item)).await;
                let taken = sent.is_taken();
                told.push(Told { id: item.id, delivery: self.delivery(name, kind(&item.change).unwrap_or_default(), sent) });
                if !taken {
                    break;
                }
            }
            told
        });
        // Collected first: a lazy iterator of borrowing futures does not cross threads.
        let events: Vec<_> = events.collect();
        futures::stream::iter(events).buffer_unordered(AT_ONCE).concat().await
    }

    /// Moves the cursor up to the first change that did not arrive.
    async fn settle(&self, items: &[ChangeView], told: Vec<Told>, next: ChangeId) {
        let arrived = |id: ChangeId| told.iter().any(|one| one.id == id && one.delivery.error.is_empty());
        let missing = items.iter().position(|item| !arrived(item.id));
        let to = match missing {
            None => next,
            Some(0) => self.cursor.after,
            Some(place) => items[place - 1].id,
        };
        let failures = if to == self.cursor.after { self.cursor.failures } else { 0 };
        let next_try = missing.map(|_| later(failures));
        self.report(to, told.into_iter().map(|one| one.delivery).collect(), next_try).await;
    }

    /// Says that some changes are not here any more, and goes on with the oldest that is.
    async fn tell_gap(&self, gone: Gone) {
        let after = self.cursor.after;
        let next = gone.oldest.unwrap_or_else(|| self.service.newest_change(GroupId(after.group)));
        let name = format!("gap_{}_{}_{}", after.group, after.index, after.number);
        let body = gap_message(&name, after, next, mint::now());
        let sent = self.service.call_webhook(&self.webhook, &name, body).await;
        let (to, next_try) = if sent.is_taken() { (next, None) } else { (after, Some(later(self.cursor.failures))) };
        self.report(to, vec![self.delivery(name, GAP_KIND, sent)], next_try).await;
    }

    fn delivery(&self, message: String, kind: &str, sent: Sent) -> WebhookDelivery {
        let before = self.cursor.recent.iter().find(|known| known.message == message && !known.error.is_empty());
        let attempts = before.map_or(0, |known| known.attempts).saturating_add(1);
        WebhookDelivery { message, kind: kind.to_owned(), at: mint::now(), attempts, status: sent.status, error: sent.error }
    }

    /// Writes down what was sent, and waits until this node sees it: else it would be sent once more.
    async fn report(&self, to: ChangeId, mut deliveries: Vec<WebhookDelivery>, next_try: Option<Timestamp>) {
        // What failed comes last, so that it is among those that are kept.
        deliveries.sort_by_key(|one| !one.error.is_empty());
        let report = WebhookReport { webhook: self.webhook.id, from: self.cursor.after, to, deliveries, next_try };
        let command = CatalogCommand::Webhook(WebhookCommand::Report(report));
        let written = self.service.write::<CatalogLedger>(context(), CATALOG, &command).await;
        let Some((applied, catalog)) = written.ok().zip(self.service.groups.get(&CATALOG)) else {
            return tokio::time::sleep(PAUSE).await;
        };
        let _ = catalog.wait_applied(applied.revision.index, context().deadline.into()).await;
        let now = self.service.catalog.read().webhooks().get(self.webhook.id).cloned();
        if let Some(webhook) = now.filter(|webhook| webhook.given_up_at.is_some() && self.webhook.given_up_at.is_none()) {
            self.give_notice(&webhook).await;
        }
    }

    async fn give_notice(&self, webhook: &Webhook) {
        tracing::warn!(webhook = %webhook.id, "nothing arrived for three days: the webhook is switched off");
        let Ok(accounts) = self.service.accounts(self.service.user_group(webhook.owner)) else { return };
        let Some(to) = accounts.read().user(webhook.owner).map(|account| account.email.to_string()) else { return };
        if let Err(error) = self.service.mailer.send(letters::webhook_given_up(to, &webhook.id.to_string())).await {
            tracing::error!(%error, "a letter could not be sent");
        }
    }
}

/// When to try again after so many failures before this one: between half and the whole of a pause that doubles.
fn later(failures: u32) -> Timestamp {
    let whole = PAUSE_MS.saturating_mul(1 << failures.min(16)).min(PAUSE_MS_MAX);
    let part = u64::try_from(mint::entropy() % u128::from(whole / 2 + 1)).unwrap_or(0);
    Timestamp(mint::now().0 + (whole / 2 + part) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        for (failures, most_ms) in [(0, 1_000), (1, 2_000), (5, 32_000), (12, 3_600_000), (u32::MAX, 3_600_000)] {
            let before = mint::now().0;
            let pause_ms = (later(failures).0 - before) / 1000;
            assert!(pause_ms >= most_ms / 2 && pause_ms <= most_ms + 5_000, "{failures}: {pause_ms}");
        }
    }
}
