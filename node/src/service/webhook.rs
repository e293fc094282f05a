//! Messages of the payment provider. They only ring: whoever gets one asks the provider for the truth and writes that down, so a
//! message that is late, repeated or out of order changes nothing. Disputes are recorded from them.

use boxoffice_api::backend::{Answer, Context, Failure, Problem};
use boxoffice_ledger::carts::Cart;
use boxoffice_ledger::command::{MoneyCommand, SeatCommand};
use boxoffice_ledger::ids::{CartId, EventId, OrderId};
use boxoffice_ledger::orders::DisputeState;
use boxoffice_ledger::outcome::AttemptState;
use boxoffice_ledger::seats::SeatLedger;

use super::{Service, is_owned, reconcile::clip};
use crate::payment::Origin;
use crate::payment::webhook::{About, Received, Refused};

/// A fresh attempt belongs to the request that began it for this long, in milliseconds; then anybody takes over.
pub const EDGE_OWNS_MS: u64 = 10_000;

impl Service {
    /// Takes a message: its raw body and its signature.
    pub async fn take_message(&self, cx: Context, body: &[u8], signature: &str) -> Answer<()> {
        let received = self.provider.receive(body, signature, self.clock().as_millis() / 1000).map_err(|why| match why {
            Refused::Malformed => Failure::Invalid(vec![Problem { pointer: String::new(), code: "malformed", detail: why.to_string() }]),
            Refused::Forged => Failure::BadSignature("It is not signed with a secret of ours."),
            Refused::Stale => Failure::BadSignature("Its signature is older than five minutes."),
        })?;
        let Received::Fresh(message) = received else { return Ok(()) };
        let origin = match message.origin {
            Some(origin) => Some(origin),
            None => self.provider.origin(&message.reference).await.map_err(|_| Failure::Overloaded(5_000))?,
        };
        if let Some(origin) = origin {
            if let About::Dispute { id, amount, status, .. } = &message.about {
                self.note_dispute(cx, &origin, clip(id, 255), *amount, status).await?;
            }
            self.ring(&origin).await;
        }
        self.provider.remember(&message.id);
        Ok(())
    }

    async fn note_dispute(&self, cx: Context, origin: &Origin, dispute: String, amount: u64, status: &str) -> Answer<()> {
        let state = match status {
            "won" | "warning_closed" => DisputeState::Won,
            "lost" => DisputeState::Lost,
            _ => DisputeState::Open,
        };
        for (event, order) in self.orders_paid_by(origin) {
            tracing::warn!(%event, %order, dispute, status, amount, "a buyer disputes a payment");
            let command = SeatCommand::Money(MoneyCommand::Dispute { event, order, dispute: dispute.clone(), state, amount });
            self.write::<SeatLedger>(cx, self.event_group(event), &command).await?;
        }
        Ok(())
    }

    /// The cart that an attempt pays, as this node knows it.
    fn cart_of(&self, origin: &Origin) -> Option<Cart> {
        let cart = CartId::parse(&origin.order).ok()?;
        let accounts = self.accounts(self.user_slot_group(cart.slot())).ok()?;
        let known = accounts.read().carts().get(cart).cloned();
        known.filter(|cart| cart.attempts.iter().any(|attempt| attempt.id == origin.attempt))
    }

    /// The orders whose money an attempt took: one, or those of a cart.
    fn orders_paid_by(&self, origin: &Origin) -> Vec<(EventId, OrderId)> {
        let of_cart = || self.cart_of(origin).into_iter().flat_map(|cart| cart.items);
        let paid = || of_cart().filter(|item| item.is_sold() && item.total > 0).map(|item| (item.event, item.order)).collect();
        order_of(origin).map_or_else(paid, |one| vec![one])
    }

    /// Does a step for what a message is about, if this node knows of anything to do. What it does not, the group's worker does.
    async fn ring(&self, origin: &Origin) {
        if let Some(cart) = self.cart_of(origin).filter(|cart| cart.is_busy() && !is_owned(cart, self.clock())) {
            let _ = self.carry_on_cart(cart).await;
        }
        for (event, order) in self.orders_paid_by(origin) {
            self.ring_order(event, order, origin).await;
        }
    }

    async fn ring_order(&self, event: EventId, order: OrderId, origin: &Origin) {
        let Ok(seats) = self.seats(event) else { return };
        let (attempt, refunds) = {
            let ledger = seats.read();
            let refunds = ledger.open_refunds_of(event, order);
            (ledger.open_attempt(event, order, origin.attempt), refunds)
        };
        let now_ms = self.clock().as_millis();
        let owned = |begun_ms: u64| now_ms.saturating_sub(begun_ms) <= EDGE_OWNS_MS;
        if let Some(open) = attempt.filter(|open| open.attempt.state != AttemptState::Created || !owned(open.attempt.begun_at.as_millis()))
        {
            let _ = self.reconcile(&open).await;
        }
        for refund in refunds {
            let _ = self.send_refund(&refund).await;
        }
    }
}

fn order_of(origin: &Origin) -> Option<(EventId, OrderId)> {
    Some((origin.event?, OrderId::parse(&origin.order).ok()?))
}
