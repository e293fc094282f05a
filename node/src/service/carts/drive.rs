//! Driving a cart from step to step: by the request that pays or releases it while somebody waits, else by the payment worker of
//! its group or whoever the provider rings. Several may drive one cart: every step is known by its attempt, and a repeat is harmless.

use std::time::Instant;

use boxoffice_api::backend::Written;
use boxoffice_ledger::carts::{Cart, CartState};
use boxoffice_ledger::command::{CartCommand, PaymentNews};
use boxoffice_ledger::outcome::AttemptState;
use boxoffice_ledger::time::Timestamp;

use super::super::reconcile::Step;
use super::super::{EDGE_OWNS_MS, Service};
use super::steps::Went;

/// More steps in a row than any cart takes from its payment to its end.
const STEPS_MAX: usize = 32;

/// Whether the request that began a cart's attempt still drives it.
pub fn is_owned(cart: &Cart, now: Timestamp) -> bool {
    let Some(last) = cart.last() else { return false };
    let drives = match cart.state {
        CartState::Pinning | CartState::Selling | CartState::Releasing => true,
        CartState::Paying => last.state == AttemptState::Created,
        _ => false,
    };
    drives && now.as_millis().saturating_sub(last.begun_at.as_millis()) <= EDGE_OWNS_MS
}

impl Service {
    /// Carries a cart on until `is_enough`, or nothing moves, or the time is over. Answers how it stands then.
    pub(super) async fn drive(&self, begun: Written<Cart>, until: Instant, is_enough: fn(&Cart) -> bool) -> Written<Cart> {
        let Written { value: mut cart, mut revision, replayed } = begun;
        for _ in 0..STEPS_MAX {
            if is_enough(&cart) {
                break;
            }
            match tokio::time::timeout_at(until.into(), self.step_cart(&cart)).await {
                Ok(Went::Moved(moved)) => (cart, revision) = *moved,
                Ok(Went::Waits | Went::NoAnswer) => break,
                Err(_) => {
                    self.leave_to_worker(&cart).await;
                    break;
                }
            }
        }
        Written { value: cart, revision, replayed }
    }

    /// The time of a request is over while the provider is asked: the worker need not wait for it any more.
    async fn leave_to_worker(&self, cart: &Cart) {
        let is_asked = |cart: &Cart| cart.state == CartState::Paying && cart.last().is_some_and(|last| last.state == AttemptState::Created);
        if let Some(last) = cart.last().filter(|_| is_asked(cart)) {
            let command = CartCommand::Payment { attempt: last.id, news: PaymentNews::Unknown };
            let told = self.tell_cart(cart, command);
            let _ = tokio::time::timeout(super::ANSWER_TIME, told).await;
        }
    }

    /// Carries a cart on that nobody drives, as far as it goes now.
    pub async fn carry_on_cart(&self, mut cart: Cart) -> Step {
        let mut step = Step::Waits;
        for _ in 0..STEPS_MAX {
            if !cart.is_busy() {
                break;
            }
            match self.step_cart(&cart).await {
                Went::Moved(moved) => (cart, step) = (moved.0, Step::Moved),
                Went::Waits => return if step == Step::Moved { step } else { Step::Waits },
                Went::NoAnswer => return Step::NoAnswer,
            }
        }
        step
    }
}
