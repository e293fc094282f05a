//! Holds, payments, orders and refunds.

use serde_json::json;

use crate::error::Code::{
    AmountMismatch, BadSignature, HoldEnded, HoldExpired, LimitReached, NothingFits, OrphanSeats, PaymentDeclined, PaymentInProgress,
    PaymentsUnavailable, PriceChanged, PromoRefused, Restoring, SaleNotOn, SeatUnavailable, TooOften, TooSoon, WrongState,
};
use crate::json::{CancelBody, HoldBody, HoldOut, ListOut, OrderOut, OrderRecordOut, PayBody, RefundBody, RefundOut, TicketRefundBody};
use crate::openapi::operation::{Operation, delete, get, post};
use crate::openapi::schemas::{SchemaOf, answer, body};

/// Its routes.
pub fn operations() -> Vec<Operation> {
    let mut all = holds();
    all.extend(orders());
    all
}

fn holds() -> Vec<Operation> {
    vec![
        post("/event/{id}/hold", "createHold", "Hold seats")
            .says("All or nothing. Name seats (by index or label) and places in areas, or ask for the best available.")
            .takes(body::<HoldBody>, json!({"best": {"quantity": 2, "max_price": 5000}}))
            .gives(201, "The hold.", answer::<HoldOut>)
            .written()
            .located()
            .refused(&[
                SeatUnavailable,
                NothingFits,
                OrphanSeats,
                LimitReached,
                PriceChanged,
                PromoRefused,
                SaleNotOn,
                Restoring,
                WrongState,
            ]),
        get("/event/{id}/hold/{hold}", "getHold", "Look at a hold")
            .gives(200, "The hold, and how its payment stands.", answer::<HoldOut>)
            .read()
            .refused(&[HoldExpired, HoldEnded]),
        delete("/event/{id}/hold/{hold}", "releaseHold", "Give a hold back")
            .answers(204, "The seats are free again.")
            .with("Boxoffice-Revision", true)
            .refused(&[HoldExpired, HoldEnded, PaymentInProgress, WrongState]),
        post("/event/{id}/hold/{hold}/extend", "extendHold", "Lengthen a hold")
            .says("To three times its first life at most.")
            .gives(200, "The hold.", answer::<HoldOut>)
            .written()
            .refused(&[HoldExpired, HoldEnded, PaymentInProgress, TooOften, TooSoon, SaleNotOn, WrongState]),
        post("/event/{id}/hold/{hold}/pay", "payHold", "Pay a hold")
            .says("A free hold needs no payment method. While the buyer has something to do, `next_action.url` says where.")
            .takes(body::<PayBody>, json!({"payment_method": "pm_test_ok"}))
            .gives(200, "The order, with its tickets.", answer::<OrderOut>)
            .written()
            .gives(202, "The payment is under way: look at the hold again.", answer::<HoldOut>)
            .written()
            .located()
            .refused(&[
                PaymentDeclined,
                HoldExpired,
                HoldEnded,
                PaymentInProgress,
                AmountMismatch,
                PaymentsUnavailable,
                Restoring,
                SaleNotOn,
                WrongState,
            ]),
    ]
}

fn orders() -> Vec<Operation> {
    let message: SchemaOf = |_| json!({"type": "object", "description": "An event of the provider's API."});
    vec![
        get("/order/{id}", "getOrder", "Look at an order")
            .says("For its buyer and the staff of its event.")
            .gives(200, "The order.", answer::<OrderOut>)
            .read(),
        get("/user/order", "listOrders", "List the caller's orders")
            .gives(200, "A page of orders, newest first.", answer::<ListOut<OrderRecordOut>>)
            .read()
            .paged(),
        post("/order/{id}/refund", "refundOrder", "Give an order back, or tickets of it")
            .says("Its buyer by the event's policy; the staff of its event freely. Without tickets and amount: all of it.")
            .takes(body::<RefundBody>, json!({"reason": "We are ill."}))
            .gives(201, "The refund.", answer::<RefundOut>)
            .written()
            .refused(&[WrongState, PaymentInProgress, PaymentsUnavailable]),
        post("/order/{id}/cancel", "cancelOrder", "Cancel an order as staff")
            .says("Refunds all that is left of it; with `block` its seats do not go back on sale.")
            .takes(body::<CancelBody>, json!({"reason": "Bought by a bot."}))
            .gives(201, "The refund.", answer::<RefundOut>)
            .written()
            .refused(&[WrongState, PaymentInProgress, PaymentsUnavailable]),
        post("/user/ticket/{id}/refund", "refundTicket", "Give one ticket back")
            .takes(body::<TicketRefundBody>, json!({"reason": "We are ill."}))
            .gives(201, "The refund.", answer::<RefundOut>)
            .written()
            .refused(&[WrongState, PaymentInProgress, PaymentsUnavailable]),
        post("/payment/webhook", "receivePaymentEvent", "Take a message of the payment provider")
            .says("For the provider. Messages only make somebody ask it: nothing that they say is believed.")
            .header(&[("Stripe-Signature", true, "The provider's signature over the raw body.")])
            .takes(message, json!({"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}}))
            .answers(204, "Taken.")
            .refused(&[BadSignature, PaymentsUnavailable]),
    ]
}
