//! Carts.

use serde_json::json;

use crate::error::Code::{
    AmountMismatch, CartRefused, HoldEnded, HoldExpired, LimitReached, NotFound, PaymentDeclined, PaymentInProgress, PaymentsUnavailable,
    Restoring, WrongState,
};
use crate::json::{CartBody, CartOut, ListOut, PayBody};
use crate::openapi::operation::{Operation, delete, get, post};
use crate::openapi::schemas::{answer, body};

/// Its routes.
pub fn operations() -> Vec<Operation> {
    let items = json!({"items": [
        {"event": "evt_01k8zq3v7e0000000000000000", "hold": "hld_01k8zq3v7e0000000000000001"},
        {"event": "evt_01k8zq3v7e0000000000000002", "hold": "hld_01k8zq3v7e0000000000000003"},
    ]});
    vec![
        post("/cart", "createCart", "Put holds into a cart")
            .says("Holds of the caller, each once and all in one currency. They stay holds: they run out as before until the cart is paid.")
            .takes(body::<CartBody>, items)
            .gives(201, "The cart.", answer::<CartOut>)
            .written()
            .located()
            .refused(&[NotFound, HoldExpired, HoldEnded, PaymentInProgress, LimitReached, WrongState]),
        get("/user/cart", "listCarts", "List the caller's carts")
            .gives(200, "All that are kept, newest first.", answer::<ListOut<CartOut>>)
            .read(),
        get("/cart/{id}", "getCart", "Look at a cart").gives(200, "The cart, and how its payment stands.", answer::<CartOut>).read(),
        delete("/cart/{id}", "releaseCart", "Throw a cart away")
            .says("Its holds stay the caller's until they run out.")
            .answers(204, "The cart is over.")
            .with("Boxoffice-Revision", true)
            .gives(202, "Its payment is being cancelled at the provider: look at the cart again.", answer::<CartOut>)
            .written()
            .refused(&[PaymentInProgress, WrongState]),
        post("/cart/{id}/pay", "payCart", "Pay a cart")
            .says("One payment for all holds. An event that is cancelled meanwhile is left out, and nothing is taken for it.")
            .takes(body::<PayBody>, json!({"payment_method": "pm_test_ok"}))
            .gives(200, "The cart, with its orders.", answer::<CartOut>)
            .written()
            .located()
            .gives(202, "The payment is under way: look at the cart again.", answer::<CartOut>)
            .written()
            .located()
            .refused(&[PaymentDeclined, CartRefused, PaymentInProgress, AmountMismatch, PaymentsUnavailable, Restoring, WrongState]),
    ]
}
