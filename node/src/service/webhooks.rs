//! Webhooks of customers: kept in the catalog, signed with secrets that follow from the cluster's, sent by `workers/webhooks`.

use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_api::backend::{
    Answer, Caller, Context, DeliveryView, Failure, Freshness, Read, Replay, Replayed, WebhookDesk, WebhookInput, WebhookPatch,
    WebhookView, Written,
};
use boxoffice_api::changes::{message, test_message};
use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::change::ChangeId;
use boxoffice_ledger::command::{CatalogCommand, Role};
use boxoffice_ledger::ids::{Request, Slot, WebhookId};
use boxoffice_ledger::outcome::CatalogOutcome;
use boxoffice_ledger::time::Timestamp;
use boxoffice_ledger::webhooks::{Webhook, WebhookCommand};

use super::changes::Scope;
use super::events::{invalid, need};
use super::{Applied, Service, refused};
use crate::journal::WHOLE;
use crate::mint;
use crate::webhooks::{Sent, check_url, sign};

#[async_trait]
impl WebhookDesk for Service {
    async fn create_webhook(&self, cx: Context, caller: Caller, request: Request, new: WebhookInput) -> Answer<Written<WebhookView>> {
        need(caller, Role::Coordinator)?;
        self.check_url(&new.url)?;
        if let Some(event) = new.event {
            self.own_event(cx, caller, event).await?;
        }
        let webhook = Webhook {
            id: WebhookId::new(mint::now_ms(), Slot::new(0), mint::entropy()),
            owner: caller.user,
            all_events: caller.role >= Role::Operator,
            url: new.url,
            types: new.types,
            event: new.event,
            active: true,
            secret_epoch: 1,
            old_secret_until: Timestamp(0),
            created_at: Timestamp(0),
            given_up_at: None,
            version: 0,
        };
        let after = self.followed().map(|group| self.newest_change(group)).collect();
        let applied = self.webhook_write(cx, WebhookCommand::Put { request, webhook, after }).await?;
        self.written_webhook(cx, &applied, true).await
    }

    async fn webhooks(&self, cx: Context, caller: Caller) -> Answer<Read<Vec<WebhookView>>> {
        need(caller, Role::Coordinator)?;
        let (revision, age_ms) = self.fresh(cx, CATALOG).await?;
        let catalog = self.catalog.read();
        let hooks = catalog.webhooks();
        let value = hooks.all().filter(|hook| may_use(hook, caller)).map(|hook| view(&catalog, hook)).collect();
        Ok(Read { value, revision, age_ms })
    }

    async fn webhook(&self, cx: Context, caller: Caller, id: WebhookId) -> Answer<Read<WebhookView>> {
        need(caller, Role::Coordinator)?;
        let look = || {
            let catalog = self.catalog.read();
            let hook = catalog.webhooks().get(id).filter(|hook| may_use(hook, caller))?;
            Some(view(&catalog, hook))
        };
        let (value, revision, age_ms) = self.find(cx, CATALOG, look).await?.ok_or(Failure::NotFound("webhook"))?;
        Ok(Read { value, revision, age_ms })
    }

    async fn change_webhook(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        id: WebhookId,
        patch: WebhookPatch,
    ) -> Answer<Written<WebhookView>> {
        if let Some(url) = &patch.url {
            self.check_url(url)?;
        }
        let mut webhook = Webhook::clone(&*self.own_webhook(cx, caller, id).await?);
        webhook.url = patch.url.unwrap_or(webhook.url);
        webhook.types = patch.types.unwrap_or(webhook.types);
        webhook.active = patch.active.unwrap_or(webhook.active);
        let applied = self.webhook_write(cx, WebhookCommand::Put { request, webhook, after: Vec::new() }).await?;
        self.written_webhook(cx, &applied, false).await
    }

    async fn rotate_webhook(&self, cx: Context, caller: Caller, request: Request, id: WebhookId) -> Answer<Written<WebhookView>> {
        self.own_webhook(cx, caller, id).await?;
        let applied = self.webhook_write(cx, WebhookCommand::Rotate { request, webhook: id }).await?;
        self.written_webhook(cx, &applied, true).await
    }

    async fn delete_webhook(&self, cx: Context, caller: Caller, request: Request, id: WebhookId) -> Answer<Written<()>> {
        self.own_webhook(cx, caller, id).await?;
        let applied = self.webhook_write(cx, WebhookCommand::Delete { request, webhook: id }).await?;
        Ok(applied.written(()))
    }

    async fn test_webhook(&self, cx: Context, caller: Caller, id: WebhookId) -> Answer<Replayed> {
        let webhook = self.own_webhook(cx, caller, id).await?;
        let name = format!("msg_{:032x}", mint::entropy());
        let body = test_message(&name, self.clock());
        let sent = self.call_by(cx, &webhook, &name, body).await;
        Ok(Replayed::Sent { message: name, status: sent.status, error: sent.error })
    }

    async fn replay_webhook(&self, cx: Context, caller: Caller, request: Request, id: WebhookId, replay: Replay) -> Answer<Replayed> {
        let webhook = self.own_webhook(cx, caller, id).await?;
        match replay {
            Replay::One(change) => self.send_again(cx, &webhook, change).await,
            Replay::After(after) => {
                self.first_after(cx, &webhook, after).await?;
                self.webhook_write(cx, WebhookCommand::Seek { request, webhook: id, after }).await?;
                Ok(Replayed::Scheduled { after })
            }
        }
    }

    async fn deliveries(&self, cx: Context, caller: Caller, id: WebhookId) -> Answer<Read<Vec<DeliveryView>>> {
        let found = self.webhook(cx, caller, id).await?;
        let catalog = self.catalog.read();
        let mut all = Vec::new();
        for cursor in catalog.webhooks().cursors(id) {
            let waits = |error: &str| (!error.is_empty() && cursor.failures > 0 && found.value.webhook.active).then_some(cursor.next_try);
            all.extend(cursor.recent.iter().map(|one| DeliveryView { next_try: waits(&one.error), delivery: one.clone() }));
        }
        all.sort_by_key(|one| std::cmp::Reverse(one.delivery.at));
        Ok(Read { value: all, revision: found.revision, age_ms: found.age_ms })
    }
}

impl Service {
    /// Calls a webhook with a message, signed with the secrets of this moment.
    pub async fn call_webhook(&self, webhook: &Webhook, id: &str, body: Vec<u8>) -> Sent {
        let now = self.clock();
        let at_s = now.as_millis() / 1000;
        let signature = sign(&self.secrets.current(webhook, now), id, at_s, &body);
        self.courier.send(&webhook.url, id, at_s, &signature, body).await
    }

    /// The same, for a caller who waits for what comes of it.
    async fn call_by(&self, cx: Context, webhook: &Webhook, id: &str, body: Vec<u8>) -> Sent {
        let sent = tokio::time::timeout_at(cx.deadline.into(), self.call_webhook(webhook, id, body)).await;
        sent.unwrap_or_else(|_| Sent { status: 0, error: "no answer in time".into() })
    }

    fn check_url(&self, url: &str) -> Answer<()> {
        check_url(url, self.courier.allows_private()).map(drop).map_err(|why| invalid("/url", "invalid", why))
    }

    /// A webhook of the caller, as a quorum knows it.
    async fn own_webhook(&self, cx: Context, caller: Caller, id: WebhookId) -> Answer<Arc<Webhook>> {
        let fresh = Context { freshness: Freshness::Linearizable, ..cx };
        Ok(self.webhook(fresh, caller, id).await?.value.webhook)
    }

    async fn webhook_write(&self, cx: Context, command: WebhookCommand) -> Answer<Applied<CatalogOutcome>> {
        let applied = self.write::<CatalogLedger>(cx, CATALOG, &CatalogCommand::Webhook(command)).await?;
        match applied.outcome {
            CatalogOutcome::Rejected(rejection) => refused(rejection, applied.revision, applied.replayed),
            _ => Ok(applied),
        }
    }

    /// What a webhook looks like after a write; `shows` its secret.
    async fn written_webhook(&self, cx: Context, applied: &Applied<CatalogOutcome>, shows: bool) -> Answer<Written<WebhookView>> {
        let CatalogOutcome::Stored { id, .. } = applied.outcome else { return Err(Failure::Unknown) };
        let fresh = Context { freshness: Freshness::AtLeast(applied.revision), ..cx };
        self.fresh(fresh, CATALOG).await.map_err(|_| Failure::Unknown)?;
        let catalog = self.catalog.read();
        let hook = catalog.webhooks().get(WebhookId(id)).ok_or(Failure::NotFound("webhook"))?;
        let secret = shows.then(|| self.secrets.text(hook.id, hook.secret_epoch));
        Ok(applied.written(WebhookView { secret, ..view(&catalog, hook) }))
    }

    /// The first change after a place that a webhook is told of.
    async fn first_after(&self, cx: Context, webhook: &Webhook, after: ChangeId) -> Answer<Option<boxoffice_api::backend::ChangeView>> {
        let group = GroupId(after.group);
        if !self.followed().any(|known| known == group) {
            return Err(Failure::NotFound("change"));
        }
        let stretch = self.stretch(cx, after, &scope_of(webhook), 1).await?;
        let stretch = stretch.map_err(|_| self.changes_gone(std::iter::once(group)))?;
        Ok(stretch.items.into_iter().next())
    }

    async fn send_again(&self, cx: Context, webhook: &Webhook, change: ChangeId) -> Answer<Replayed> {
        let before = match change {
            ChangeId { number: 0, index, group } => ChangeId { group, index: index.saturating_sub(1), number: WHOLE },
            ChangeId { number, .. } => ChangeId { number: number - 1, ..change },
        };
        let found = self.first_after(cx, webhook, before).await?.filter(|view| view.id == change).ok_or(Failure::NotFound("change"))?;
        let (name, body) = (change.to_string(), message(&found));
        let sent = self.call_by(cx, webhook, &name, body).await;
        Ok(Replayed::Sent { message: name, status: sent.status, error: sent.error })
    }
}

/// What a webhook is told of.
pub fn scope_of(webhook: &Webhook) -> Scope<'_> {
    Scope { owner: (!webhook.all_events).then_some(webhook.owner), event: webhook.event, types: &webhook.types }
}

fn may_use(webhook: &Webhook, caller: Caller) -> bool {
    webhook.owner == caller.user || caller.role >= Role::Operator
}

fn view(catalog: &CatalogLedger, webhook: &Arc<Webhook>) -> WebhookView {
    let failing = catalog.webhooks().cursors(webhook.id).filter(|cursor| cursor.failures > 0);
    WebhookView { webhook: Arc::clone(webhook), failing_since: failing.map(|cursor| cursor.failing_since).min(), secret: None }
}
