//! One step of a cart: tell the events' groups or the provider what the ledger decided, and write down what they said. Never a
//! guess: what was not answered stays as it is, and is asked again with the same keys.

use std::time::Instant;

use boxoffice_api::backend::{Context, Freshness};
use boxoffice_cluster_config::request_tag::RequestTag;
use boxoffice_ledger::carts::{Cart, CartItem, CartState, ItemState, pin_request, pinned_by};
use boxoffice_ledger::command::{AccountCommand, CartCommand, ItemNews, MoneyCommand, PaymentNews, SeatCommand};
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::money::Money;
use boxoffice_ledger::orders::Attempt;
use boxoffice_ledger::outcome::{AccountOutcome, AttemptState, HoldState, Rejection, SeatOutcome};
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_raft::crash_point;
use futures::future::join_all;

use super::super::reconcile::{CODE_BYTES_MAX, Ended, WRITE_TIME, clip, confirms, decline_of};
use super::super::{Applied, Service};
use super::Moved;
use crate::payment::{Charge, NoAnswer, Standing};

/// What a step came to.
pub(super) enum Went {
    /// The cart moved.
    Moved(Box<Moved>),
    /// The provider or the buyer takes their time, or somebody else moved it.
    Waits,
    /// The provider or a group did not answer.
    NoAnswer,
}

impl Service {
    /// One step for a cart.
    pub(super) async fn step_cart(&self, cart: &Cart) -> Went {
        let Some(attempt) = cart.last() else { return Went::Waits };
        match cart.state {
            CartState::Pinning | CartState::Selling | CartState::Settling | CartState::Releasing => self.step_items(cart, attempt).await,
            CartState::Paying => self.step_payment(cart, attempt, self.ask(cart, attempt).await).await,
            CartState::Capturing => self.step_payment(cart, attempt, self.take(cart, attempt).await).await,
            CartState::Open | CartState::Confirmed | CartState::Released => Went::Waits,
        }
    }

    /// Tells the groups of all items that have something to be told, side by side, and writes down what they said.
    async fn step_items(&self, cart: &Cart, attempt: &Attempt) -> Went {
        let told = cart.items.iter().enumerate().map(|(place, item)| self.step_item(cart, attempt, place, item));
        let told = join_all(told).await.into_iter().zip(0_u32..);
        let news: Vec<(u32, ItemNews)> = told.filter_map(|(news, place)| Some((place, news?))).collect();
        crash_point!("cart.after_items");
        if news.is_empty() {
            return Went::NoAnswer;
        }
        self.tell_cart(cart, CartCommand::Items { attempt: attempt.id, news }).await
    }

    /// What is to be told of an item; `None` when it is nothing, or there was no answer.
    async fn step_item(&self, cart: &Cart, attempt: &Attempt, place: usize, item: &CartItem) -> Option<ItemNews> {
        match (cart.state, item.state) {
            // Whether a hold was pinned must be known before it can be freed.
            (CartState::Pinning | CartState::Releasing, ItemState::Waiting) => self.pin(cart, attempt, place, item).await,
            (CartState::Selling, ItemState::Pinned) => self.sell(attempt, item).await,
            (CartState::Releasing, ItemState::Pinned) => self.free(attempt, item).await.then_some(ItemNews::Freed),
            (CartState::Settling, ItemState::Sold) if item.total > 0 => self.settle_item(attempt, item).await,
            _ => None,
        }
    }

    async fn pin(&self, cart: &Cart, attempt: &Attempt, place: usize, item: &CartItem) -> Option<ItemNews> {
        let command = MoneyCommand::Pin {
            request: pin_request(attempt.id, place, item.hold),
            event: item.event,
            hold: item.hold,
            user: cart.user,
            order: item.order,
            cart: pinned_by(attempt.id),
        };
        let answer = self.tell_event(item.event, &SeatCommand::Money(command)).await;
        crash_point!("cart.after_pin");
        match answer? {
            SeatOutcome::Paying(info) => Some(ItemNews::Pinned { order: info.order.unwrap_or(item.order), total: info.total }),
            SeatOutcome::Rejected(Rejection::RequestsFull) => None,
            SeatOutcome::Rejected(rejection) => Some(ItemNews::Refused { code: refusal(&rejection).into() }),
            _ => None,
        }
    }

    /// Sells an item, or ends its hold when its event was cancelled.
    async fn sell(&self, attempt: &Attempt, item: &CartItem) -> Option<ItemNews> {
        let (event, order, reference) = (item.event, item.order, attempt.reference.to_string());
        let command = MoneyCommand::CartConfirm { event, order, cart: pinned_by(attempt.id), attempt: attempt.id, reference };
        let answer = self.tell_event(event, &SeatCommand::Money(command)).await;
        crash_point!("cart.after_sale");
        match answer? {
            SeatOutcome::Confirmed(_) => Some(ItemNews::Sold),
            SeatOutcome::Rejected(rejection) => {
                tracing::warn!(%event, %order, ?rejection, "an order of a paid cart cannot be sold: its part is not taken");
                self.free(attempt, item).await.then_some(ItemNews::Dropped)
            }
            _ => None,
        }
    }

    /// Gives a hold back; whether it is certain that it is not pinned any more.
    async fn free(&self, attempt: &Attempt, item: &CartItem) -> bool {
        let (event, order) = (item.event, item.order);
        let command = MoneyCommand::CartRelease { event, order, cart: pinned_by(attempt.id) };
        let answer = self.tell_event(event, &SeatCommand::Money(command)).await;
        crash_point!("cart.after_free");
        match answer {
            Some(SeatOutcome::Hold(_) | SeatOutcome::Rejected(Rejection::NotFound { .. })) => true,
            Some(outcome) => {
                tracing::error!(%event, %order, ?outcome, "a hold of a cart cannot be given back");
                false
            }
            None => false,
        }
    }

    /// Tells an order's group what became of the money.
    async fn settle_item(&self, attempt: &Attempt, item: &CartItem) -> Option<ItemNews> {
        let (event, order, code) = (item.event, item.order, attempt.code.to_string());
        let command = match attempt.state {
            AttemptState::CaptureFailed => SeatCommand::Money(MoneyCommand::CaptureFailed { event, order, attempt: attempt.id, code }),
            _ => SeatCommand::Captured { event, order, attempt: attempt.id },
        };
        let answer = self.tell_event(event, &command).await;
        crash_point!("cart.after_settle");
        if let SeatOutcome::Rejected(rejection) = answer? {
            tracing::error!(%event, %order, ?rejection, "an order does not take what became of its cart's money");
        }
        Some(ItemNews::Settled)
    }

    /// Asks the provider for the money, or to cancel.
    async fn ask(&self, cart: &Cart, attempt: &Attempt) -> Result<Option<PaymentNews>, NoAnswer> {
        let charge = charge_of(cart, attempt);
        if attempt.state == AttemptState::Cancelling {
            let ended = self.end_at_provider(charge).await?;
            crash_point!("cart.after_cancel");
            return Ok(ended.map(|ended| PaymentNews::Failed {
                code: match ended {
                    Ended::Declined(code) => code,
                    Ended::Cancelled => "canceled".into(),
                    Ended::Refunded => "refunded".into(),
                },
            }));
        }
        let seen = self.provider.look(&charge).await;
        crash_point!("cart.after_authorize");
        let is_new = attempt.state == AttemptState::Created;
        let (standing, reference) = match seen {
            Ok(seen) => seen,
            Err(NoAnswer) if is_new => return Ok(Some(PaymentNews::Unknown)),
            Err(NoAnswer) => return Err(NoAnswer),
        };
        let is_named = attempt.reference.is_empty() && !reference.is_empty();
        Ok(match standing {
            Standing::Authorized { amount } | Standing::Captured { amount, .. } if confirms(&standing, cart.total()) => {
                Some(PaymentNews::Authorized { amount, reference })
            }
            Standing::Authorized { amount } | Standing::Captured { amount, .. } => {
                tracing::error!(cart = %cart.id, attempt = %attempt.id, amount, total = cart.total(), "the provider has another amount");
                Some(PaymentNews::GiveUp)
            }
            Standing::Declined { .. } | Standing::Cancelled => Some(PaymentNews::Failed { code: decline_of(&standing) }),
            Standing::RequiresAction { .. } if self.is_too_long_at_bank(attempt) => Some(PaymentNews::GiveUp),
            Standing::RequiresAction { url } => {
                let action = Some(clip(&url, 2048));
                let is_known = !is_named && attempt.action.as_deref() == action.as_deref();
                (!is_known).then_some(PaymentNews::Note { reference, action })
            }
            Standing::Processing => (is_named || is_new).then_some(PaymentNews::Note { reference, action: None }),
        })
    }

    /// Takes the money for what was sold; gives the whole reservation back when that is nothing.
    async fn take(&self, cart: &Cart, attempt: &Attempt) -> Result<Option<PaymentNews>, NoAnswer> {
        let (charge, amount) = (charge_of(cart, attempt), cart.sold_total());
        if amount == 0 {
            let ended = self.end_at_provider(charge).await?;
            crash_point!("cart.after_void");
            return Ok(ended.map(|_| PaymentNews::Voided));
        }
        let standing = self.provider.capture(&charge, amount).await?;
        crash_point!("cart.after_capture");
        Ok(match standing {
            Standing::Captured { amount: taken, .. } => {
                if taken != amount {
                    tracing::error!(cart = %cart.id, attempt = %attempt.id, taken, amount, "the provider captured another amount");
                }
                Some(PaymentNews::Captured)
            }
            Standing::Declined { .. } | Standing::Cancelled => {
                let code = clip(&decline_of(&standing), CODE_BYTES_MAX);
                tracing::warn!(cart = %cart.id, code, "the reserved money cannot be taken: the cart's orders are cancelled");
                Some(PaymentNews::CaptureFailed { code })
            }
            Standing::Authorized { .. } | Standing::Processing | Standing::RequiresAction { .. } => None,
        })
    }

    async fn step_payment(&self, cart: &Cart, attempt: &Attempt, news: Result<Option<PaymentNews>, NoAnswer>) -> Went {
        match news {
            Ok(Some(news)) => self.tell_cart(cart, CartCommand::Payment { attempt: attempt.id, news }).await,
            Ok(None) => Went::Waits,
            Err(NoAnswer) => Went::NoAnswer,
        }
    }

    /// Writes news of a cart into its group. What somebody else wrote before counts too: the cart goes on from where it stands.
    pub(super) async fn tell_cart(&self, cart: &Cart, command: CartCommand) -> Went {
        let command = AccountCommand::Cart { user: cart.user, cart: cart.id, command };
        let written = self.write_account(in_time(), cart.user, &command).await;
        crash_point!("cart.after_tell");
        match written {
            Ok(Applied { outcome: AccountOutcome::Cart(now), revision, .. }) if *now != *cart => Went::Moved(Box::new((*now, revision))),
            Ok(_) => Went::Waits,
            Err(_) => Went::NoAnswer,
        }
    }

    /// An event's group's answer; `None` when there was none.
    async fn tell_event(&self, event: EventId, command: &SeatCommand) -> Option<SeatOutcome> {
        self.write::<SeatLedger>(in_time(), self.event_group(event), command).await.ok().map(|applied| applied.outcome)
    }
}

/// A context for a write that must not be lost because a buyer waits no more.
fn in_time() -> Context {
    Context { deadline: Instant::now() + WRITE_TIME, freshness: Freshness::Local, from: None, request: RequestTag::NONE }
}

/// Why a hold cannot be pinned, as the cart keeps it.
fn refusal(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::HoldEnded { state: HoldState::Expired } => "hold_expired",
        Rejection::HoldEnded { .. } => "hold_ended",
        Rejection::AttemptLive => "payment_in_progress",
        Rejection::NotFound { .. } => "not_found",
        _ => "wrong_state",
    }
}

fn charge_of(cart: &Cart, attempt: &Attempt) -> Charge {
    Charge {
        attempt: attempt.id,
        order: cart.id.to_string(),
        event: None,
        total: Money { amount: cart.total(), currency: cart.currency },
        method: attempt.method.to_string(),
        reference: Some(attempt.reference.to_string()).filter(|reference| !reference.is_empty()),
    }
}
