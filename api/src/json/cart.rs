//! Bodies and answers about carts.

use boxoffice_ledger::carts::{CART_ITEMS_MAX, Cart, CartItem, CartState, ItemState};
use boxoffice_ledger::ids::{CartId, EventId, HoldId, OrderId};
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::orders::Attempt;
use boxoffice_ledger::outcome::AttemptState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::named::Names;
use super::{MoneyOut, Named, PaymentOut, Rfc3339, Text, money};
use crate::backend::{Progress, Revision};

/// `POST /cart`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CartBody {
    /// Which holds, each once.
    #[schemars(length(min = 1, max = CART_ITEMS_MAX))]
    pub items: Vec<CartItemBody>,
}

/// A hold of a new cart.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CartItemBody {
    /// The event.
    #[schemars(with = "Text<EventId>")]
    pub event: String,
    /// The hold.
    #[schemars(with = "Text<HoldId>")]
    pub hold: String,
}

/// A cart.
#[derive(Serialize, JsonSchema)]
pub struct CartOut<'a> {
    #[schemars(extend("const" = "cart"))]
    object: &'static str,
    id: Text<CartId>,
    #[schemars(with = "Named<PublicCartState>")]
    state: &'static str,
    items: Vec<CartItemOut<'a>>,
    total: MoneyOut,
    #[serde(flatten)]
    payment: Option<PaymentOut>,
    opened_at: Rfc3339,
    expires_at: Rfc3339,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Text<Revision>>,
}

#[derive(Serialize, JsonSchema)]
struct CartItemOut<'a> {
    event: Text<EventId>,
    hold: Text<HoldId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Text<OrderId>>,
    #[schemars(with = "Named<PublicItemState>")]
    state: &'static str,
    total: MoneyOut,
    #[serde(skip_serializing_if = "str::is_empty")]
    code: &'a str,
}

impl<'a> CartOut<'a> {
    /// A cart.
    #[must_use]
    pub fn new(cart: &'a Cart) -> Self {
        Self {
            object: "cart",
            id: Text(cart.id),
            state: cart_state(cart),
            items: cart.items.iter().map(|item| CartItemOut::new(item, cart.currency)).collect(),
            total: money(cart.total(), cart.currency),
            payment: cart.last().filter(|_| cart.total() > 0).map(progress),
            opened_at: Rfc3339(cart.opened_at),
            expires_at: Rfc3339(cart.expires_at),
            revision: None,
        }
    }

    /// With the revision that wrote it.
    #[must_use]
    pub fn at(mut self, revision: Revision) -> Self {
        self.revision = Some(Text(revision));
        self
    }
}

impl<'a> CartItemOut<'a> {
    fn new(item: &'a CartItem, currency: Currency) -> Self {
        let order = item.is_sold().then_some(Text(item.order));
        let (total, code) = (money(item.total, currency), &*item.code);
        Self { event: Text(item.event), hold: Text(item.hold), order, state: item_state(item.state), total, code }
    }
}

fn progress(last: &Attempt) -> PaymentOut {
    let code = matches!(last.state, AttemptState::Failed | AttemptState::CaptureFailed).then(|| last.code.to_string());
    PaymentOut::new(&Progress { state: last.state, next_action: last.action.as_deref().map(ToOwned::to_owned), code })
}

/// A cart as a member of a problem.
#[must_use]
pub fn cart_value(cart: &Cart) -> Value {
    serde_json::to_value(CartOut::new(cart)).unwrap_or(Value::Null)
}

/// The states of a cart that its user sees.
struct PublicCartState;

impl Names for PublicCartState {
    fn names() -> Vec<&'static str> {
        vec!["open", "paying", "confirmed", "releasing", "released"]
    }
}

/// The states of a cart's hold that its user sees.
struct PublicItemState;

impl Names for PublicItemState {
    fn names() -> Vec<&'static str> {
        vec!["waiting", "pinned", "refused", "sold", "dropped", "freed"]
    }
}

/// Name of a cart's state: what its user need not tell apart has one name.
fn cart_state(cart: &Cart) -> &'static str {
    match cart.state {
        CartState::Open => "open",
        CartState::Pinning | CartState::Paying | CartState::Selling => "paying",
        _ if cart.is_paid() => "confirmed",
        CartState::Capturing | CartState::Settling | CartState::Releasing => "releasing",
        CartState::Confirmed => "confirmed",
        CartState::Released => "released",
    }
}

/// Name of the state of a cart's hold.
fn item_state(state: ItemState) -> &'static str {
    match state {
        ItemState::Waiting => "waiting",
        ItemState::Pinned => "pinned",
        ItemState::Refused => "refused",
        ItemState::Sold | ItemState::Settled => "sold",
        ItemState::Dropped => "dropped",
        ItemState::Freed => "freed",
    }
}
