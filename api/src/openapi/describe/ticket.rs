//! The caller's tickets.

use serde_json::json;

use crate::error::Code::{NotFound, TooOften, TooSoon, WrongState};
use crate::json::{KeysOut, ListOut, TicketOut, TransferBody, TransferOut};
use crate::openapi::operation::{Operation, delete, get, post};
use crate::openapi::schemas::{SchemaOf, answer, body};

/// Its routes.
pub fn operations() -> Vec<Operation> {
    let drawing: SchemaOf = |_| json!({"type": "string", "contentMediaType": "image/svg+xml"});
    let page: SchemaOf = |_| json!({"type": "string", "contentMediaType": "application/pdf"});
    vec![
        get("/user/ticket", "listTickets", "List the caller's tickets")
            .gives(200, "A page of tickets, newest first; `complete` says whether all groups could be asked.", answer::<ListOut<TicketOut>>)
            .read()
            .paged(),
        get("/user/ticket/{id}", "getTicket", "Look at a ticket")
            .says("With `.svg` or `.pdf` after the id: a drawing with its QR code, to show or to print.")
            .gives(200, "The ticket; its code, if it admits.", answer::<TicketOut>)
            .media("image/svg+xml", drawing)
            .media("application/pdf", page)
            .read()
            .with("Content-Disposition", false)
            .refused(&[WrongState]),
        post("/user/ticket/{id}/transfer", "offerTicket", "Offer a ticket to somebody")
            .says("The answer is the same whether or not the e-mail has an account. The code is dead until the offer is withdrawn.")
            .takes(body::<TransferBody>, json!({"to": "friend@example.com"}))
            .gives(201, "The offer.", answer::<TransferOut>)
            .written()
            .located()
            .refused(&[WrongState, TooOften, TooSoon]),
        delete("/user/ticket/{id}/transfer", "withdrawOffer", "Withdraw an offer")
            .answers(204, "The ticket admits again.")
            .with("Boxoffice-Revision", true)
            .refused(&[WrongState]),
        get("/user/transfer", "listOffers", "List what is offered to the caller")
            .gives(200, "Tickets that can be accepted.", answer::<ListOut<TicketOut>>)
            .read()
            .refused(&[NotFound]),
        post("/user/transfer/{id}/accept", "acceptOffer", "Accept an offered ticket")
            .gives(200, "The ticket, with a code of its own.", answer::<TicketOut>)
            .written()
            .refused(&[WrongState, TooOften, TooSoon]),
        get("/.well-known/ticket-keys.json", "getTicketKeys", "Get the keys that ticket codes are checked with").local().gives(
            200,
            "A JWK set.",
            answer::<KeysOut>,
        ),
    ]
}
