//! The changes and webhooks of the fake: five changes in two groups, and one webhook.

use async_trait::async_trait;
use boxoffice_ledger::change::{ChangeId, EventChange, TicketChange};
use boxoffice_ledger::outcome::OrderState;
use boxoffice_ledger::webhooks::{Webhook, WebhookDelivery};
use tokio::sync::watch;

use super::*;

/// The webhook.
pub fn webhook_id() -> WebhookId {
    WebhookId::new(1_790_000_000_000, Slot::new(0), 4)
}

/// All changes, group by group.
fn all() -> Vec<ChangeView> {
    let (event, user) = (event_id(), UserId::new(5, Slot::new(1), 7));
    let order = OrderId::for_tickets(1_790_000_000_000, Slot::new(9), 1 << 20);
    let changes = [
        (0, 5, 0, Change::CatalogEvent { event, what: EventChange::Published }),
        (GROUP, 7, 0, Change::Seats { event, seats: vec![SeatIndex(3)], from: SeatState::Pinned, state: SeatState::Sold }),
        (GROUP, 7, 1, Change::Order { event, order, user, state: OrderState::Confirmed }),
        (GROUP, 7, 3, Change::Ticket { event, ticket: TicketId::of_order(order, 0), user, what: TicketChange::Issued }),
        (GROUP, 9, 0, Change::Sale { event, from: SaleState::OnSale, state: SaleState::Paused }),
    ];
    let view = |(group, index, number, change)| ChangeView { id: ChangeId { group, index, number }, at: EXPIRES, change, with_user: false };
    changes.into_iter().map(view).collect()
}

impl Fake {
    fn the_webhook(&self, caller: Caller, url: &str, types: Vec<String>, secret: Option<&str>) -> WebhookView {
        let webhook = Webhook {
            id: webhook_id(),
            owner: caller.user,
            all_events: caller.role >= Role::Operator,
            url: url.into(),
            types,
            event: None,
            active: true,
            secret_epoch: 1,
            old_secret_until: Timestamp(0),
            created_at: EXPIRES,
            given_up_at: None,
            version: 1,
        };
        WebhookView { webhook: Arc::new(webhook), failing_since: None, secret: secret.map(Into::into) }
    }

    fn known_webhook(&self, id: WebhookId) -> Answer<()> {
        if id == webhook_id() { Ok(()) } else { Err(Failure::NotFound("webhook")) }
    }
}

#[async_trait]
impl ChangeFeed for Fake {
    async fn changes(&self, _: Context, caller: Caller, filter: &ChangeFilter, after: &After, limit: usize) -> Answer<ChangePage> {
        self.enter(&format!("changes {filter:?} {after:?} {limit}"))?;
        let start: Vec<ChangeId> = [0, GROUP].map(|group| ChangeId { group, index: 0, number: 0 }).to_vec();
        let seen = |id: ChangeId| match after {
            After::Oldest => false,
            After::Newest => true,
            After::Places(places) => places.iter().any(|place| place.group == id.group && *place >= id),
        };
        let mut items: Vec<ChangeView> = all().into_iter().filter(|item| !seen(item.id)).collect();
        items.iter_mut().for_each(|item| item.with_user = caller.role >= Role::Operator);
        let is_end = items.len() <= limit;
        items.truncate(limit);
        let last = |group: u32| items.iter().rev().map(|item| item.id).find(|id| id.group == group);
        let next = start.iter().map(|place| last(place.group).unwrap_or(*place)).collect();
        Ok(ChangePage { start, items, next, is_end })
    }

    fn change_news(&self) -> watch::Receiver<u64> {
        watch::channel(0).1
    }
}

#[async_trait]
impl WebhookDesk for Fake {
    async fn create_webhook(&self, _: Context, caller: Caller, _: Request, new: WebhookInput) -> Answer<Written<WebhookView>> {
        self.enter(&format!("create_webhook {new:?}"))?;
        self.written(self.the_webhook(caller, &new.url, new.types, Some("whsec_x")))
    }

    async fn webhooks(&self, cx: Context, caller: Caller) -> Answer<Read<Vec<WebhookView>>> {
        self.enter("webhooks")?;
        self.read(cx, vec![self.the_webhook(caller, "https://shop.example/in", vec![], None)])
    }

    async fn webhook(&self, cx: Context, caller: Caller, id: WebhookId) -> Answer<Read<WebhookView>> {
        self.enter("webhook")?;
        self.known_webhook(id)?;
        self.read(cx, self.the_webhook(caller, "https://shop.example/in", vec![], None))
    }

    async fn change_webhook(
        &self,
        _: Context,
        caller: Caller,
        _: Request,
        id: WebhookId,
        patch: WebhookPatch,
    ) -> Answer<Written<WebhookView>> {
        self.enter(&format!("change_webhook {patch:?}"))?;
        self.known_webhook(id)?;
        self.written(self.the_webhook(caller, "https://shop.example/in", vec![], None))
    }

    async fn rotate_webhook(&self, _: Context, caller: Caller, _: Request, id: WebhookId) -> Answer<Written<WebhookView>> {
        self.enter("rotate_webhook")?;
        self.known_webhook(id)?;
        self.written(self.the_webhook(caller, "https://shop.example/in", vec![], Some("whsec_y")))
    }

    async fn delete_webhook(&self, _: Context, _: Caller, _: Request, id: WebhookId) -> Answer<Written<()>> {
        self.enter("delete_webhook")?;
        self.known_webhook(id)?;
        self.written(())
    }

    async fn test_webhook(&self, _: Context, _: Caller, id: WebhookId) -> Answer<Replayed> {
        self.enter("test_webhook")?;
        self.known_webhook(id)?;
        Ok(Replayed::Sent { message: "msg_1".into(), status: 500, error: "it answered 500".into() })
    }

    async fn replay_webhook(&self, _: Context, _: Caller, _: Request, id: WebhookId, replay: Replay) -> Answer<Replayed> {
        self.enter(&format!("replay_webhook {replay:?}"))?;
        self.known_webhook(id)?;
        Ok(match replay {
            Replay::One(change) => Replayed::Sent { message: change.to_string(), status: 204, error: String::new() },
            Replay::After(after) => Replayed::Scheduled { after },
        })
    }

    async fn deliveries(&self, cx: Context, _: Caller, id: WebhookId) -> Answer<Read<Vec<DeliveryView>>> {
        self.enter("deliveries")?;
        self.known_webhook(id)?;
        let error = "no connection".to_owned();
        let delivery =
            WebhookDelivery { message: "chg_3_7_1".into(), kind: "order.confirmed".into(), at: EXPIRES, attempts: 3, status: 0, error };
        self.read(cx, vec![DeliveryView { delivery, next_try: Some(EXPIRES) }])
    }
}
