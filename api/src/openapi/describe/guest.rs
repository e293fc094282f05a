//! Guests.

use serde_json::json;

use crate::error::Code::{EmailTaken, LinkOver, NotFound, WrongState};
use crate::json::{GuestBody, GuestClaimBody, GuestLinkBody, HandOverBody, HandOverOut, SessionOut};
use crate::openapi::operation::{Operation, post};
use crate::openapi::schemas::{answer, body};

/// Its routes.
pub fn operations() -> Vec<Operation> {
    vec![
        post("/user/guest", "openGuest", "Go on with an e-mail alone")
            .says("A guest can hold, pay, and see what they bought. The answer is the same whether or not the e-mail has an account.")
            .takes(body::<GuestBody>, json!({"email": "gus@example.com"}))
            .gives(201, "A session of the guest.", answer::<SessionOut>)
            .with("Set-Cookie", true),
        post("/user/guest/open", "openGuestLink", "Open a mailed link to a guest's tickets")
            .takes(body::<GuestLinkBody>, json!({"token": "from-the-link"}))
            .gives(201, "A session of the guest.", answer::<SessionOut>)
            .with("Set-Cookie", true)
            .refused(&[LinkOver]),
        post("/user/guest/claim", "claimGuest", "Make an account of a guest's")
            .says("Refused with `email_taken` when the e-mail has an account: then hand the tickets over to that one.")
            .takes(body::<GuestClaimBody>, json!({"token": "from-the-link", "password": "correct horse battery"}))
            .answers(204, "The account is open; its sessions as a guest have ended.")
            .with("Boxoffice-Revision", true)
            .refused(&[LinkOver, EmailTaken]),
        post("/user/guest/hand-over", "handOverGuest", "Take a guest's tickets into the caller's account")
            .says("The caller's e-mail must be the guest's. May be repeated.")
            .takes(body::<HandOverBody>, json!({"token": "from-the-link"}))
            .gives(200, "How many tickets went.", answer::<HandOverOut>)
            .refused(&[LinkOver, NotFound, WrongState]),
    ]
}
