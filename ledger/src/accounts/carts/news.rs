//! How a cart moves when its driver says what events' groups and the provider answered. News that comes late, again or out of
//! turn changes nothing; what would contradict a decision is refused.

use super::wrong;
use crate::carts::{Cart, CartItem, CartState, ItemState};
use crate::command::{ItemNews, PaymentNews};
use crate::ids::AttemptId;
use crate::orders::{Attempt, Move};
use crate::outcome::{AttemptState, Rejection};
use crate::time::Timestamp;

type Done = Result<(), Rejection>;

/// Takes news of holds.
pub fn items(cart: &mut Cart, attempt: AttemptId, news: &[(u32, ItemNews)], at: Timestamp) -> Done {
    if cart.last().is_none_or(|last| last.id != attempt) {
        return known(cart, attempt);
    }
    let state = cart.state;
    for (place, news) in news {
        if let Some(item) = cart.items.get_mut(*place as usize) {
            take(state, item, news);
        }
    }
    advance(cart, at);
    Ok(())
}

/// Whether an attempt that is not the last one is one of the cart's: then whatever is said of it was said before.
fn known(cart: &Cart, attempt: AttemptId) -> Done {
    let known = cart.attempts.iter().any(|known| known.id == attempt);
    if known { Ok(()) } else { Err(Rejection::NotFound { what: "attempt".into() }) }
}

fn take(cart: CartState, item: &mut CartItem, news: &ItemNews) {
    use CartState::{Pinning, Releasing, Selling, Settling};
    match (news, item.state, cart) {
        (ItemNews::Pinned { order, total }, ItemState::Waiting, Pinning | Releasing) => {
            item.state = ItemState::Pinned;
            item.order = *order;
            if *total != item.total {
                item.code = "price_changed".into();
            }
        }
        (ItemNews::Refused { code }, ItemState::Waiting, Pinning | Releasing) => {
            item.state = ItemState::Refused;
            item.code = code.as_str().into();
        }
        (ItemNews::Sold, ItemState::Pinned, Selling) => item.state = ItemState::Sold,
        (ItemNews::Dropped, ItemState::Pinned, Selling) => {
            item.state = ItemState::Dropped;
            item.code = "event_cancelled".into();
        }
        (ItemNews::Freed, ItemState::Pinned, Releasing) => item.state = ItemState::Freed,
        (ItemNews::Settled, ItemState::Sold, Settling) => item.state = ItemState::Settled,
        _ => {}
    }
}

/// Takes news of the attempt.
pub fn payment(cart: &mut Cart, attempt: AttemptId, news: &PaymentNews, at: Timestamp) -> Done {
    let total = cart.total();
    let Some(last) = cart.attempts.last_mut().filter(|last| last.id == attempt) else { return known(cart, attempt) };
    let to = match news {
        PaymentNews::Unknown | PaymentNews::Note { action: None, .. } => AttemptState::Unknown,
        PaymentNews::Note { .. } => AttemptState::RequiresAction,
        PaymentNews::Authorized { .. } => AttemptState::Authorized,
        PaymentNews::Failed { .. } => AttemptState::Failed,
        PaymentNews::GiveUp => AttemptState::Cancelling,
        PaymentNews::Captured => AttemptState::Captured,
        PaymentNews::Voided => AttemptState::Voided,
        PaymentNews::CaptureFailed { .. } => AttemptState::CaptureFailed,
    };
    let step = last.step(to);
    match news {
        PaymentNews::Unknown if step == Move::Moves && cart.state == CartState::Paying => last.state = AttemptState::Unknown,
        PaymentNews::Note { reference, action } if cart.state == CartState::Paying => note(last, to, reference, action.as_deref()),
        PaymentNews::Unknown | PaymentNews::Note { .. } => {}
        PaymentNews::Authorized { amount, .. } if *amount != total => return Err(Rejection::AmountMismatch { expected: total }),
        PaymentNews::Authorized { reference, .. } => match (step, cart.state) {
            (Move::Repeat, _) => {}
            (Move::Moves, CartState::Paying) => authorize(cart, reference),
            _ => return Err(wrong("the attempt was given up: the authorization must be given back at the provider")),
        },
        PaymentNews::Failed { code } => match (step, cart.state) {
            (Move::Repeat, _) => {}
            (Move::Moves, CartState::Paying) => fail(cart, code),
            _ => return Err(wrong("the attempt is not being paid: a failure cannot undo what it became")),
        },
        PaymentNews::GiveUp => match step {
            Move::Repeat => {}
            Move::Moves => give_up(cart, at),
            Move::Refused => return Err(wrong("the attempt was authorized")),
        },
        PaymentNews::Captured | PaymentNews::Voided | PaymentNews::CaptureFailed { .. } => taken(cart, to, step, news)?,
    }
    advance(cart, at);
    Ok(())
}

fn note(last: &mut Attempt, to: AttemptState, reference: &str, action: Option<&str>) {
    if !last.is_live() {
        return;
    }
    if last.step(to) == Move::Moves {
        last.state = to;
    }
    if last.state == AttemptState::RequiresAction && action.is_some() {
        last.action = action.map(Into::into);
    }
    if last.reference.is_empty() {
        last.reference = reference.into();
    }
}

/// The decision to sell.
fn authorize(cart: &mut Cart, reference: &str) {
    cart.state = CartState::Selling;
    if let Some(last) = cart.attempts.last_mut() {
        last.state = AttemptState::Authorized;
        last.action = None;
        if !reference.is_empty() {
            last.reference = reference.into();
        }
    }
}

/// The decision never to sell for this attempt, which is nowhere at the provider: holds are given back.
fn fail(cart: &mut Cart, code: &str) {
    cart.state = CartState::Releasing;
    if let Some(last) = cart.attempts.last_mut() {
        last.state = AttemptState::Failed;
        last.code = code.into();
        last.action = None;
    }
}

/// Decides that the attempt is not to be paid. The provider is asked only once all holds are pinned, so before that there is
/// nothing to cancel.
pub fn give_up(cart: &mut Cart, at: Timestamp) {
    if cart.state == CartState::Pinning {
        fail(cart, "given_up");
    } else if let Some(last) = cart.attempts.last_mut().filter(|last| last.step(AttemptState::Cancelling) == Move::Moves) {
        last.state = AttemptState::Cancelling;
        last.action = None;
    }
    advance(cart, at);
}

/// The provider said what became of the reserved money.
fn taken(cart: &mut Cart, to: AttemptState, step: Move, news: &PaymentNews) -> Done {
    let is_owed = cart.sold_total() > 0;
    match step {
        Move::Repeat => return Ok(()),
        Move::Moves if cart.state == CartState::Capturing && is_owed == (to != AttemptState::Voided) => {}
        _ => return Err(wrong("the attempt's money is not to be taken, or not to be given back")),
    }
    cart.state = CartState::Settling;
    if let Some(last) = cart.attempts.last_mut() {
        last.state = to;
        if let PaymentNews::CaptureFailed { code } = news {
            last.code = code.as_str().into();
        }
    }
    Ok(())
}

/// Moves on as far as what is known allows.
fn advance(cart: &mut Cart, at: Timestamp) {
    let all = |cart: &Cart, is_done: fn(&CartItem) -> bool| cart.items.iter().all(is_done);
    let refusal = cart.items.iter().map(|item| &item.code).find(|code| !code.is_empty()).cloned();
    if cart.state == CartState::Pinning {
        if let Some(code) = &refusal {
            fail(cart, code);
        } else if all(cart, |item| item.state == ItemState::Pinned) {
            cart.state = CartState::Paying;
            if cart.total() == 0 {
                authorize(cart, "");
            }
        }
    }
    if cart.state == CartState::Selling && all(cart, |item| matches!(item.state, ItemState::Sold | ItemState::Dropped)) {
        cart.state = CartState::Capturing;
        if cart.total() == 0 {
            let to = if all(cart, |item| item.state == ItemState::Dropped) { AttemptState::Voided } else { AttemptState::Captured };
            if let Some(last) = cart.attempts.last_mut() {
                last.state = to;
            }
            cart.state = CartState::Settling;
        }
    }
    // A free order has no payment of which its group could be told.
    let settled = |item: &CartItem| item.total == 0 || matches!(item.state, ItemState::Settled | ItemState::Dropped);
    if cart.state == CartState::Settling && all(cart, settled) {
        cart.state = if cart.stands() { CartState::Confirmed } else { CartState::Released };
    }
    if cart.state == CartState::Releasing && all(cart, |item| matches!(item.state, ItemState::Freed | ItemState::Refused)) {
        // A hold that could not be pinned cannot be paid later either.
        cart.ends |= refusal.is_some() || cart.expires_at <= at;
        cart.state = if cart.ends { CartState::Released } else { CartState::Open };
    }
}
