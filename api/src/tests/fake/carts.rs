//! The carts of the fake: made of its holds; the payment method says what becomes of them.

use async_trait::async_trait;
use boxoffice_ledger::carts::{Cart, CartItem, CartState, ItemState};
use boxoffice_ledger::orders::Attempt;
use boxoffice_ledger::outcome::AttemptState;

use super::*;

impl Fake {
    fn the_cart(&self, caller: Caller, cart: CartId) -> Answer<Cart> {
        let found = self.inner.lock().carts.get(&cart).cloned();
        found.filter(|cart| cart.user == caller.user).ok_or(Failure::NotFound("cart"))
    }

    fn keep(&self, cart: Cart) -> Answer<Written<Cart>> {
        self.inner.lock().carts.insert(cart.id, cart.clone());
        self.written(cart)
    }
}

#[async_trait]
impl Carts for Fake {
    async fn open_cart(&self, _: Context, caller: Caller, request: Request, items: Vec<(EventId, HoldId)>) -> Answer<Written<Cart>> {
        self.enter("open_cart")?;
        let item = |(event, hold): (EventId, HoldId)| {
            let total = self.the_hold(caller, hold)?.total;
            Ok(CartItem { event, hold, order: self.order_id(), total, state: ItemState::Waiting, code: "".into() })
        };
        self.keep(Cart {
            id: CartId::new(5, caller.user.slot(), request.id.0),
            user: caller.user,
            state: CartState::Open,
            currency: euro(),
            items: items.into_iter().map(item).collect::<Answer<_>>()?,
            attempts: Vec::new(),
            opened_at: Timestamp(1_790_000_000_000_000),
            expires_at: EXPIRES,
            ends: false,
        })
    }

    async fn cart(&self, cx: Context, caller: Caller, cart: CartId) -> Answer<Read<Cart>> {
        self.enter("cart")?;
        let cart = self.the_cart(caller, cart)?;
        self.read(cx, cart)
    }

    async fn carts(&self, cx: Context, caller: Caller) -> Answer<Read<Vec<Cart>>> {
        self.enter("carts")?;
        let own = self.inner.lock().carts.values().filter(|cart| cart.user == caller.user).cloned().collect();
        self.read(cx, own)
    }

    async fn pay_cart(&self, _: Context, caller: Caller, request: Request, cart: CartId, method: String) -> Answer<Written<Cart>> {
        self.enter(&format!("pay_cart {method}"))?;
        let mut cart = self.the_cart(caller, cart)?;
        let mut attempt = Attempt::new(AttemptId(request.id.0), AttemptState::Authorized, EXPIRES);
        let (state, to) = match method.as_str() {
            "slow" => {
                attempt.action = Some("https://bank.example/1".into());
                attempt.state = AttemptState::RequiresAction;
                (CartState::Paying, ItemState::Pinned)
            }
            "declined" | "expired" => {
                attempt.state = AttemptState::Failed;
                attempt.code = if method == "expired" { "hold_expired".into() } else { "card_declined".into() };
                (CartState::Open, ItemState::Freed)
            }
            _ => (CartState::Capturing, ItemState::Sold),
        };
        cart.state = state;
        cart.items.iter_mut().for_each(|item| item.state = to);
        let code = attempt.code.to_string();
        cart.attempts.push(attempt);
        if code.is_empty() {
            return self.keep(cart);
        }
        if method == "expired" {
            (cart.items[0].state, cart.items[0].code) = (ItemState::Refused, code.as_str().into());
        }
        Err(Failure::CartFailed { hold: method == "expired", code, cart: cart.into() })
    }

    async fn release_cart(&self, _: Context, caller: Caller, _: Request, cart: CartId) -> Answer<Written<Cart>> {
        self.enter("release_cart")?;
        let cart = self.the_cart(caller, cart)?;
        let state = if cart.state == CartState::Open { CartState::Released } else { cart.state };
        self.keep(Cart { state, ..cart })
    }
}
