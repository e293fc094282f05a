//! Encoding of carts and of their commands.

use super::wire::cart_command::item::News as ItemWire;
use super::wire::cart_command::payment::News as PaymentWire;
use super::wire::cart_command::{Authorized, Item, Items, Kind, NewItem as NewItemWire, Note, Open, Pay, Payment, Pinned};
use super::{CodecError, attempt, common, wire};
use crate::carts::{Cart, CartItem, CartState, ItemState};
use crate::command::{AccountCommand, CartCommand, ItemNews, NewItem, PaymentNews};
use crate::ids::{AttemptId, CartId, EventId, HoldId, OrderId, UserId};
use crate::time::Timestamp;

common::states!(cart_state, read_cart_state, CartState:
    Open, Pinning, Paying, Selling, Capturing, Settling, Releasing, Confirmed, Released);
common::states!(item_state, read_item_state, ItemState: Waiting, Pinned, Refused, Sold, Dropped, Freed, Settled);

fn id(value: u128) -> Option<wire::Id> {
    Some(common::id(value))
}

pub fn command(user: UserId, cart: CartId, command: &CartCommand) -> wire::CartCommand {
    let kind = match command {
        CartCommand::Open { request, currency, items } => Kind::Open(Open {
            request: Some(common::request(*request)),
            currency: common::currency(*currency),
            items: items.iter().map(new_item).collect(),
        }),
        CartCommand::Pay { request, attempt, method } => {
            Kind::Pay(Pay { request: Some(common::request(*request)), attempt: id(attempt.0), method: method.clone() })
        }
        CartCommand::Release { request } => Kind::Release(common::request(*request)),
        CartCommand::Items { attempt, news } => {
            let items = news.iter().map(|(index, news)| Item { index: *index, news: Some(item_news(news)) }).collect();
            Kind::Items(Items { attempt: id(attempt.0), items })
        }
        CartCommand::Payment { attempt, news } => Kind::Payment(Payment { attempt: id(attempt.0), news: Some(payment_news(news)) }),
    };
    wire::CartCommand { user: id(user.0), cart: id(cart.0), kind: Some(kind) }
}

pub fn read_command(message: wire::CartCommand) -> Result<AccountCommand, CodecError> {
    let command = match message.kind.ok_or_else(|| CodecError::broken("no kind"))? {
        Kind::Open(open) => CartCommand::Open {
            request: common::read_request(open.request)?,
            currency: common::read_currency(open.currency)?,
            items: open.items.into_iter().map(read_new_item).collect::<Result<_, _>>()?,
        },
        Kind::Pay(pay) => {
            CartCommand::Pay { request: common::read_request(pay.request)?, attempt: read_attempt_id(pay.attempt)?, method: pay.method }
        }
        Kind::Release(request) => CartCommand::Release { request: common::read_request(Some(request))? },
        Kind::Items(items) => CartCommand::Items {
            attempt: read_attempt_id(items.attempt)?,
            news: items.items.into_iter().map(|item| Ok((item.index, read_item_news(item.news)?))).collect::<Result<_, CodecError>>()?,
        },
        Kind::Payment(payment) => {
            CartCommand::Payment { attempt: read_attempt_id(payment.attempt)?, news: read_payment_news(payment.news)? }
        }
    };
    Ok(AccountCommand::Cart { user: UserId(common::read_id(message.user)?), cart: CartId(common::read_id(message.cart)?), command })
}

fn read_attempt_id(value: Option<wire::Id>) -> Result<AttemptId, CodecError> {
    common::read_id(value).map(AttemptId)
}

fn new_item(item: &NewItem) -> NewItemWire {
    NewItemWire { event: id(item.event.0), hold: id(item.hold.0), order: id(item.order.0), total: item.total }
}

fn read_new_item(item: NewItemWire) -> Result<NewItem, CodecError> {
    Ok(NewItem {
        event: EventId(common::read_id(item.event)?),
        hold: HoldId(common::read_id(item.hold)?),
        order: OrderId(common::read_id(item.order)?),
        total: item.total,
    })
}

fn item_news(news: &ItemNews) -> ItemWire {
    match news {
        ItemNews::Pinned { order, total } => ItemWire::Pinned(Pinned { order: id(order.0), total: *total }),
        ItemNews::Refused { code } => ItemWire::Refused(code.clone()),
        ItemNews::Sold => ItemWire::Sold(wire::Empty {}),
        ItemNews::Dropped => ItemWire::Dropped(wire::Empty {}),
        ItemNews::Freed => ItemWire::Freed(wire::Empty {}),
        ItemNews::Settled => ItemWire::Settled(wire::Empty {}),
    }
}

fn read_item_news(news: Option<ItemWire>) -> Result<ItemNews, CodecError> {
    Ok(match news.ok_or_else(|| CodecError::broken("no news"))? {
        ItemWire::Pinned(pinned) => ItemNews::Pinned { order: OrderId(common::read_id(pinned.order)?), total: pinned.total },
        ItemWire::Refused(code) => ItemNews::Refused { code },
        ItemWire::Sold(_) => ItemNews::Sold,
        ItemWire::Dropped(_) => ItemNews::Dropped,
        ItemWire::Freed(_) => ItemNews::Freed,
        ItemWire::Settled(_) => ItemNews::Settled,
    })
}

fn payment_news(news: &PaymentNews) -> PaymentWire {
    match news {
        PaymentNews::Unknown => PaymentWire::Unknown(wire::Empty {}),
        PaymentNews::Note { reference, action } => PaymentWire::Note(Note { reference: reference.clone(), action: action.clone() }),
        PaymentNews::Authorized { amount, reference } => {
            PaymentWire::Authorized(Authorized { amount: *amount, reference: reference.clone() })
        }
        PaymentNews::Failed { code } => PaymentWire::Failed(code.clone()),
        PaymentNews::GiveUp => PaymentWire::GiveUp(wire::Empty {}),
        PaymentNews::Captured => PaymentWire::Captured(wire::Empty {}),
        PaymentNews::Voided => PaymentWire::Voided(wire::Empty {}),
        PaymentNews::CaptureFailed { code } => PaymentWire::CaptureFailed(code.clone()),
    }
}

fn read_payment_news(news: Option<PaymentWire>) -> Result<PaymentNews, CodecError> {
    Ok(match news.ok_or_else(|| CodecError::broken("no news"))? {
        PaymentWire::Unknown(_) => PaymentNews::Unknown,
        PaymentWire::Note(Note { reference, action }) => PaymentNews::Note { reference, action },
        PaymentWire::Authorized(Authorized { amount, reference }) => PaymentNews::Authorized { amount, reference },
        PaymentWire::Failed(code) => PaymentNews::Failed { code },
        PaymentWire::GiveUp(_) => PaymentNews::GiveUp,
        PaymentWire::Captured(_) => PaymentNews::Captured,
        PaymentWire::Voided(_) => PaymentNews::Voided,
        PaymentWire::CaptureFailed(code) => PaymentNews::CaptureFailed { code },
    })
}

pub fn cart(cart: &Cart) -> wire::Cart {
    wire::Cart {
        id: id(cart.id.0),
        user: id(cart.user.0),
        state: cart_state(cart.state),
        currency: common::currency(cart.currency),
        items: cart.items.iter().map(item).collect(),
        attempts: cart.attempts.iter().map(attempt::attempt).collect(),
        opened_at_us: cart.opened_at.0,
        expires_at_us: cart.expires_at.0,
        ends: cart.ends,
    }
}

pub fn read_cart(cart: wire::Cart) -> Result<Cart, CodecError> {
    Ok(Cart {
        id: CartId(common::read_id(cart.id)?),
        user: UserId(common::read_id(cart.user)?),
        state: read_cart_state(cart.state)?,
        currency: common::read_currency(cart.currency)?,
        items: cart.items.into_iter().map(read_item).collect::<Result<_, _>>()?,
        attempts: cart.attempts.into_iter().map(attempt::read_attempt).collect::<Result<_, _>>()?,
        opened_at: Timestamp(cart.opened_at_us),
        expires_at: Timestamp(cart.expires_at_us),
        ends: cart.ends,
    })
}

fn item(item: &CartItem) -> wire::CartItem {
    wire::CartItem {
        event: id(item.event.0),
        hold: id(item.hold.0),
        order: id(item.order.0),
        total: item.total,
        state: item_state(item.state),
        code: (*item.code).into(),
    }
}

fn read_item(item: wire::CartItem) -> Result<CartItem, CodecError> {
    Ok(CartItem {
        event: EventId(common::read_id(item.event)?),
        hold: HoldId(common::read_id(item.hold)?),
        order: OrderId(common::read_id(item.order)?),
        total: item.total,
        state: read_item_state(item.state)?,
        code: item.code.into(),
    })
}
