//! Guests: buying with an e-mail and no password, and what the mailed link is good for (`docs/decisions/0010`). Answers are the same
//! whether or not the e-mail has an account; only whoever has the link learns that.

use std::sync::Arc;

use axum::http::StatusCode;
use boxoffice_ledger::accounts::NAME_BYTES_MAX;

use super::{Outcome, session, user};
use crate::call::Call;
use crate::check::Check;
use crate::edge::Edge;
use crate::json::{self, GuestBody, GuestClaimBody, GuestLinkBody, HandOverBody, HandOverOut};
use crate::password;

/// `POST /user/guest`: a session that can book, for this e-mail.
pub async fn open(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: GuestBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let email = user::email_field(&mut check, &body.email);
    let name = check.optional_line("/name", body.name.as_deref().unwrap_or_default(), NAME_BYTES_MAX);
    check.done()?;
    let opened = edge.backend.open_guest(call.context(), &email, name, session::visitor(&call)).await?;
    session::opened_answer(&edge, StatusCode::CREATED, &opened, body.refresh)
}

/// `POST /user/guest/open`: a session of the guest that a mailed link leads to.
pub async fn open_link(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: GuestLinkBody = json::parse(&call.body)?;
    let opened = edge.backend.open_guest_link(call.context(), &body.token, session::visitor(&call)).await?;
    session::opened_answer(&edge, StatusCode::CREATED, &opened, body.refresh)
}

/// `POST /user/guest/claim`: an account of their own.
pub async fn claim(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: GuestClaimBody = json::parse(&call.body)?;
    let mut check = Check::default();
    password::check(&mut check, "/password", &body.password, "");
    check.done()?;
    let request = user::request_of(&edge, &call, body.token.as_bytes())?;
    let done = edge.backend.claim_guest(call.context(), request, &body.token, body.password).await?;
    Ok(json::done(&done))
}

/// `POST /user/guest/hand-over`: the tickets go to the account that the e-mail has.
pub async fn hand_over(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: HandOverBody = json::parse(&call.body)?;
    let tickets = edge.backend.hand_over_guest(call.context(), call.user()?, &body.token).await?;
    Ok(json::answer(StatusCode::OK, &HandOverOut::new(tickets)))
}
