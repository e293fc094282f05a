//! What a well-formed command about a cart looks like, and what must hold of every cart.

use alloc::format;
use alloc::string::String;

use crate::accounts::check::malformed;
use crate::carts::{CART_ATTEMPTS_MAX, CART_ITEMS_MAX, Cart, CartState, ItemState};
use crate::command::{ItemNews, NewItem, PaymentNews};
use crate::ids::{AttemptId, CartId, UserId};
use crate::orders::Attempt;
use crate::outcome::{AttemptState, Rejection};
use crate::seats::PRICE_MAX;

/// Longest token of a method and longest reference, in bytes.
const NAME_BYTES_MAX: usize = 255;
const URL_BYTES_MAX: usize = 2048;
const CODE_BYTES_MAX: usize = 64;
/// The dearest hold: its most places at the highest price.
const TOTAL_MAX: u64 = PRICE_MAX * crate::seats::ITEMS_MAX as u64;

type Check = Result<(), Rejection>;

fn at_most(pointer: &str, text: &str, bytes_max: usize) -> Check {
    if text.len() <= bytes_max { Ok(()) } else { Err(malformed(pointer, &format!("at most {bytes_max} bytes"))) }
}

pub fn open(user: UserId, cart: CartId, items: &[NewItem]) -> Check {
    if cart.slot() != user.slot() {
        return Err(malformed("/cart", "a cart has its user's slot"));
    }
    if items.is_empty() || items.len() > CART_ITEMS_MAX {
        return Err(malformed("/items", &format!("{} holds: 1 to {CART_ITEMS_MAX} are possible", items.len())));
    }
    for (place, item) in items.iter().enumerate() {
        let at = |what: &str| format!("/items/{place}/{what}");
        if item.hold.slot() != item.event.slot() {
            return Err(malformed(&at("hold"), "this is not a hold of this event"));
        }
        if item.order.slot() != item.event.slot() || item.order.0 & 0xffff != 0 {
            return Err(malformed(&at("order"), "an order of the event, with room for its tickets"));
        }
        if item.total > TOTAL_MAX {
            return Err(malformed(&at("total"), &format!("at most {TOTAL_MAX} minor units")));
        }
        if items[..place].iter().any(|earlier| earlier.hold == item.hold || earlier.order == item.order) {
            return Err(malformed(&at("hold"), "the same hold twice"));
        }
    }
    Ok(())
}

pub fn pay(user: UserId, attempt: AttemptId, method: &str) -> Check {
    if attempt.slot() != user.slot() {
        return Err(malformed("/attempt", "an attempt has the slot of its cart's user"));
    }
    at_most("/method", method, NAME_BYTES_MAX)
}

pub fn items(news: &[(u32, ItemNews)]) -> Check {
    if news.len() > CART_ITEMS_MAX {
        return Err(malformed("/items", &format!("at most {CART_ITEMS_MAX}")));
    }
    news.iter().try_for_each(|(_, news)| match news {
        ItemNews::Refused { code } if code.is_empty() => Err(malformed("/code", "may not be empty")),
        ItemNews::Refused { code } => at_most("/code", code, CODE_BYTES_MAX),
        _ => Ok(()),
    })
}

pub fn payment(news: &PaymentNews) -> Check {
    match news {
        PaymentNews::Note { reference, action } => {
            at_most("/reference", reference, NAME_BYTES_MAX)?;
            action.as_deref().map_or(Ok(()), |url| at_most("/action", url, URL_BYTES_MAX))
        }
        PaymentNews::Authorized { reference, .. } => at_most("/reference", reference, NAME_BYTES_MAX),
        PaymentNews::Failed { code } | PaymentNews::CaptureFailed { code } => at_most("/code", code, CODE_BYTES_MAX),
        PaymentNews::Unknown | PaymentNews::GiveUp | PaymentNews::Captured | PaymentNews::Voided => Ok(()),
    }
}

/// What must hold of a cart.
pub fn cart(cart: &Cart) -> Result<(), String> {
    use AttemptState::{Authorized, CaptureFailed, Captured, Created, Failed, Voided};
    let must = |holds: bool, what: &str| if holds { Ok(()) } else { Err(String::from(what)) };
    must(cart.id.slot() == cart.user.slot(), "another slot than its user's")?;
    must((1..=CART_ITEMS_MAX).contains(&cart.items.len()), "too many holds or none")?;
    must(cart.attempts.len() <= CART_ATTEMPTS_MAX, "too many attempts")?;
    let mut earlier = cart.attempts.iter().rev().skip(1);
    must(earlier.all(|attempt| attempt.state == Failed), "an attempt before the last one has not failed")?;
    let last = cart.last().map(|last| last.state);
    let fits = match cart.state {
        CartState::Open => matches!(last, None | Some(Failed)),
        CartState::Pinning => last == Some(Created),
        CartState::Paying => cart.last().is_some_and(Attempt::is_live),
        CartState::Selling | CartState::Capturing => last == Some(Authorized),
        CartState::Settling | CartState::Confirmed => matches!(last, Some(Captured | CaptureFailed | Voided)),
        CartState::Releasing => last == Some(Failed),
        CartState::Released => matches!(last, None | Some(Failed | Voided | CaptureFailed)),
    };
    must(fits, "its attempt does not stand where the cart stands")?;
    must(cart.state != CartState::Confirmed || cart.stands(), "confirmed, and nothing sold stands")?;
    let sells = matches!(cart.state, CartState::Selling | CartState::Capturing | CartState::Settling | CartState::Confirmed);
    let sold = cart.items.iter().any(|item| item.is_sold());
    must(sells || !sold || last == Some(CaptureFailed), "sold without an authorization")?;
    let pinned = |state| matches!(state, ItemState::Pinned | ItemState::Sold | ItemState::Settled | ItemState::Dropped);
    let all_pinned = cart.items.iter().all(|item| pinned(item.state));
    must(!matches!(cart.state, CartState::Paying | CartState::Selling) || all_pinned, "the provider is asked before all holds are pinned")
}
