//! Carts as their users see them: made of holds, paid together, thrown away. Each step is an entry of the user's group first, so
//! that after a crash anywhere the payment worker of that group goes on from where the cart stands.

mod drive;
mod steps;

use std::time::Duration;

use async_trait::async_trait;
use boxoffice_api::backend::{Answer, Caller, Carts, Context, Failure, Freshness, HoldView, Read, Revision, Written};
use boxoffice_ledger::carts::{Cart, CartState};
use boxoffice_ledger::command::{AccountCommand, CartCommand, NewItem};
use boxoffice_ledger::ids::{AttemptId, CartId, EventId, HoldId, OrderId, Request, Slot};
use boxoffice_ledger::outcome::{AccountOutcome, AttemptState, HoldState, Rejection};
use boxoffice_raft::crash_point;

pub use drive::is_owned;

use super::booking::belongs;
use super::events::invalid;
use super::{Applied, Service, refused};
use crate::mint;

/// What is left of a request's time for its answer.
const ANSWER_TIME: Duration = Duration::from_millis(500);

#[async_trait]
impl Carts for Service {
    async fn open_cart(&self, cx: Context, caller: Caller, request: Request, items: Vec<(EventId, HoldId)>) -> Answer<Written<Cart>> {
        let fresh = Context { freshness: Freshness::Linearizable, ..cx };
        let holds = items.iter().map(|&(event, hold)| async move {
            belongs(event, hold)?;
            self.read_hold(fresh, caller, event, hold).await
        });
        let holds = futures::future::try_join_all(holds).await?;
        for read in &holds {
            if let Some(rejection) = cannot_be_paid(&read.value) {
                // A repeat gets its first answer, whatever became of its holds.
                return match self.first_cart(cx, caller, request).await? {
                    Some(first) => Ok(Written { value: first, revision: read.revision, replayed: true }),
                    None => refused(rejection, read.revision, true),
                };
            }
        }
        let currency = holds.first().ok_or_else(|| invalid("/items", "empty", "name at least one hold"))?.value.hold.currency;
        if let Some(place) = holds.iter().position(|read| read.value.hold.currency != currency) {
            let detail = "all holds of a cart are sold in one currency";
            return Err(invalid(&format!("/items/{place}"), "mixed_currency", detail));
        }
        let items = items.iter().zip(&holds).map(|(&(event, hold), read)| new_item(event, hold, &read.value)).collect();
        let cart = CartId::new(mint::now_ms(), caller.user.slot(), mint::entropy());
        let applied = self.write_cart(cx, caller, cart, CartCommand::Open { request, currency, items }).await?;
        crash_point!("cart.after_open");
        cart_in(applied)
    }

    async fn cart(&self, cx: Context, caller: Caller, cart: CartId) -> Answer<Read<Cart>> {
        let group = self.user_group(caller.user);
        let accounts = self.accounts(group)?;
        let own = || accounts.read().carts().get(cart).filter(|cart| cart.user == caller.user).cloned();
        let found = self.find(cx, group, own).await?;
        found.map(|(value, revision, age_ms)| Read { value, revision, age_ms }).ok_or(Failure::NotFound("cart"))
    }

    async fn carts(&self, cx: Context, caller: Caller) -> Answer<Read<Vec<Cart>>> {
        let group = self.user_group(caller.user);
        let (revision, age_ms) = self.fresh(cx, group).await?;
        let value = self.accounts(group)?.read().carts().of(caller.user).cloned().collect();
        Ok(Read { value, revision, age_ms })
    }

    async fn pay_cart(&self, cx: Context, caller: Caller, request: Request, cart: CartId, method: String) -> Answer<Written<Cart>> {
        self.must_be_open()?;
        if !self.provider.takes_payments() && Carts::cart(self, cx, caller, cart).await?.value.total() > 0 {
            return Err(Failure::NoProvider);
        }
        let attempt = attempt_of(request, caller.user.slot());
        let applied = self.write_cart(cx, caller, cart, CartCommand::Pay { request, attempt, method }).await?;
        crash_point!("cart.after_pay");
        let begun = self.now(cx, caller, cart_in(applied)?).await?;
        let driven = self.drive(begun, cx.deadline.checked_sub(ANSWER_TIME).unwrap_or(cx.deadline), answers_payer).await;
        let Written { value, revision, replayed } = driven;
        Ok(Written { value: paid_by(value, attempt)?, revision, replayed })
    }

    async fn release_cart(&self, cx: Context, caller: Caller, request: Request, cart: CartId) -> Answer<Written<Cart>> {
        let applied = self.write_cart(cx, caller, cart, CartCommand::Release { request }).await?;
        crash_point!("cart.after_release");
        let begun = self.now(cx, caller, cart_in(applied)?).await?;
        Ok(self.drive(begun, cx.deadline.checked_sub(ANSWER_TIME).unwrap_or(cx.deadline), |cart| !cart.is_busy()).await)
    }
}

impl Service {
    async fn write_cart(&self, cx: Context, caller: Caller, cart: CartId, command: CartCommand) -> Answer<Applied<AccountOutcome>> {
        self.write_account(cx, caller.user, &AccountCommand::Cart { user: caller.user, cart, command }).await
    }

    /// The cart as it is now: a first answer that is said again tells of the past.
    async fn now(&self, cx: Context, caller: Caller, said: Written<Cart>) -> Answer<Written<Cart>> {
        if !said.replayed {
            return Ok(said);
        }
        let fresh = Context { freshness: Freshness::Linearizable, ..cx };
        let read = Carts::cart(self, fresh, caller, said.value.id).await.map_err(|_| Failure::Unknown)?;
        Ok(Written { value: read.value, revision: read.revision, replayed: true })
    }

    /// The cart that a request made, if it came before.
    async fn first_cart(&self, cx: Context, caller: Caller, request: Request) -> Answer<Option<Cart>> {
        let group = self.user_group(caller.user);
        self.barrier(cx, group).await?;
        Ok(match self.accounts(group)?.read().first_answer(request).map(|answer| answer.outcome) {
            Some(AccountOutcome::Cart(cart)) => Some(*cart),
            _ => None,
        })
    }
}

fn cart_in(applied: Applied<AccountOutcome>) -> Answer<Written<Cart>> {
    let Applied { outcome, replayed, revision } = applied;
    match outcome {
        AccountOutcome::Cart(cart) => Ok(Written { value: *cart, revision, replayed }),
        AccountOutcome::Rejected(rejection) => refused(rejection, revision, replayed),
        _ => Err(Failure::Unknown),
    }
}

/// Why a hold cannot be paid now; its group has the last word when it is pinned.
fn cannot_be_paid(view: &HoldView) -> Option<Rejection> {
    match view.hold.state {
        HoldState::Active => None,
        HoldState::Paying => Some(Rejection::AttemptLive),
        state => Some(Rejection::HoldEnded { state }),
    }
}

fn new_item(event: EventId, hold: HoldId, view: &HoldView) -> NewItem {
    let new = || OrderId::for_tickets(mint::now_ms(), event.slot(), mint::entropy());
    NewItem { event, hold, order: view.hold.order.unwrap_or_else(new), total: view.hold.total }
}

/// Whether a payer can be told how it stands: paid, not paid, or waiting for the provider or the buyer.
fn answers_payer(cart: &Cart) -> bool {
    match cart.state {
        CartState::Pinning | CartState::Selling | CartState::Releasing => false,
        CartState::Paying => cart.last().is_some_and(|last| !matches!(last.state, AttemptState::Created | AttemptState::Cancelling)),
        CartState::Open | CartState::Capturing | CartState::Settling | CartState::Confirmed | CartState::Released => true,
    }
}

/// The cart, if this attempt paid it or still may.
fn paid_by(cart: Cart, attempt: AttemptId) -> Answer<Cart> {
    let Some(tried) = cart.attempts.iter().find(|known| known.id == attempt) else { return Err(Failure::Unknown) };
    let nothing_sold = cart.state == CartState::Capturing && !cart.is_paid();
    let code = match tried.state {
        AttemptState::Failed => tried.code.to_string(),
        AttemptState::CaptureFailed if !cart.is_paid() => tried.code.to_string(),
        AttemptState::Voided if !cart.is_paid() => EVENT_CANCELLED.into(),
        AttemptState::Authorized if nothing_sold => EVENT_CANCELLED.into(),
        _ => return Ok(cart),
    };
    let hold = cart.items.iter().any(|item| *item.code == *code);
    Err(Failure::CartFailed { code, hold, cart: cart.into() })
}

/// The code that the ledger gives a hold whose event was cancelled before it could be sold.
const EVENT_CANCELLED: &str = "event_cancelled";

/// The attempt that a request opens: a pure function, so that a retry of the request finds its own attempt again.
fn attempt_of(request: Request, slot: Slot) -> AttemptId {
    const SLOT_BITS: u128 = 0xfff << 68;
    AttemptId((request.id.0 & !SLOT_BITS) | (u128::from(slot.number()) << 68))
}

/// A cart after a step, and where that stands in the log.
type Moved = (Cart, Revision);
