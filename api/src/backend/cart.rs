//! The carts of the product as seen from HTTP: holds of several events that one payment pays.

use async_trait::async_trait;
use boxoffice_ledger::carts::Cart;
use boxoffice_ledger::ids::{CartId, EventId, HoldId, Request};

use super::{Answer, Caller, Context, Read, Written};

/// Carts. All belong to the caller: those of others are not found.
#[async_trait]
pub trait Carts: Send + Sync + 'static {
    /// Puts holds of the caller into a new cart.
    async fn open_cart(&self, cx: Context, caller: Caller, request: Request, items: Vec<(EventId, HoldId)>) -> Answer<Written<Cart>>;
    /// A cart.
    async fn cart(&self, cx: Context, caller: Caller, cart: CartId) -> Answer<Read<Cart>>;
    /// The caller's carts, the newest first.
    async fn carts(&self, cx: Context, caller: Caller) -> Answer<Read<Vec<Cart>>>;
    /// Pays all holds of a cart, or none. The cart that comes back is paid, or waits for the provider or the buyer.
    async fn pay_cart(&self, cx: Context, caller: Caller, request: Request, cart: CartId, method: String) -> Answer<Written<Cart>>;
    /// Throws a cart away that is not paid; its holds stay the caller's.
    async fn release_cart(&self, cx: Context, caller: Caller, request: Request, cart: CartId) -> Answer<Written<Cart>>;
}
