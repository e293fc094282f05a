//! Accounts and sessions. An access token is stateless: logging out clears the page's cookie, and a token that was copied
//! elsewhere stays valid until it expires (15 minutes by default).

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::UserId;

use super::Outcome;
use crate::auth::role_of;
use crate::backend::{Caller, Freshness, NewAccount};
use crate::call::Call;
use crate::check::{Check, email};
use crate::edge::Edge;
use crate::error::{Code, HttpProblem};
use crate::idempotency;
use crate::json::{self, AccountOut, LoginBody, RegisterBody, RoleBody, SessionOut};
use crate::layers::SESSION_COOKIE;

const NAME_BYTES_MAX: usize = 120;
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=128;

/// `POST /user`
pub async fn register(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: RegisterBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let address = email(&body.email);
    if address.is_none() {
        check.wrong("/email", "invalid", "an e-mail address of at most 254 bytes");
    }
    let name = check.line("/name", &body.name, NAME_BYTES_MAX);
    if !PASSWORD_CHARS.contains(&body.password.chars().count()) {
        check.wrong("/password", "out_of_range", "from 8 to 128 characters");
    }
    check.done()?;
    let email = address.unwrap_or_default();
    // Nobody is logged in yet: the e-mail stands for the caller, so that strangers' keys never meet.
    let key = idempotency::key_of(&call.parts.headers)?;
    let request = edge.requests.derive(email.as_bytes(), &call.parts.method, call.parts.uri.path(), key, &call.body);
    let account = NewAccount { email, name, password: body.password };
    let done = edge.backend.register(call.context(), request, account).await?;
    let mut response = json::written(StatusCode::CREATED, &done, &AccountOut::new(&done.value, Some(done.revision)));
    json::put_location(&mut response, "/user");
    Ok(response)
}

/// `GET /user`
pub async fn show(edge: Arc<Edge>, call: Call) -> Outcome {
    let found = edge.backend.account(call.fresh(Freshness::Linearizable), call.user()?.user).await?;
    Ok(json::read(&found, &AccountOut::new(&found.value, None)))
}

/// `POST /user/{id}/role`
pub async fn set_role(edge: Arc<Edge>, call: Call) -> Outcome {
    let user: UserId = call.id("id", "user")?;
    let body: RoleBody = json::parse(&call.body)?;
    let Some(role) = role_of(&body.role) else {
        let known = [Role::Customer, Role::Coordinator, Role::Operator].map(json::role).join(", ");
        return Err(HttpProblem::field("/role", "invalid", format!("one of {known}")));
    };
    let done = edge.backend.set_role(call.context(), call.user()?, call.write()?, user, role).await?;
    Ok(json::written(StatusCode::OK, &done, &AccountOut::new(&done.value, Some(done.revision))))
}

/// `POST /session`
pub async fn log_in(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: LoginBody = json::parse(&call.body)?;
    let wrong = || HttpProblem::new(Code::BadCredentials, "There is no account with this e-mail and password.");
    let address = email(&body.email).ok_or_else(wrong)?;
    edge.limits.login_account(&address)?;
    if body.password.chars().count() > *PASSWORD_CHARS.end() {
        return Err(wrong());
    }
    let account = edge.backend.log_in(call.context(), &address, body.password).await?;
    let caller = Caller { user: account.user, role: account.role };
    let ttl = edge.config.token_ttl;
    let token = edge.tokens.issue(caller, ttl, edge.config.now_us());
    let token = token.map_err(|_| HttpProblem::new(Code::Internal, "The token could not be signed."))?;
    let mut response = json::answer(StatusCode::CREATED, &SessionOut::new(&token, ttl.as_secs(), &account));
    set_cookie(&edge, &mut response, &token, ttl.as_secs());
    Ok(response)
}

/// `DELETE /session`
pub async fn log_out(edge: Arc<Edge>, _call: Call) -> Outcome {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    set_cookie(&edge, &mut response, "", 0);
    Ok(response)
}

fn set_cookie(edge: &Edge, response: &mut Response<Body>, token: &str, max_age_s: u64) {
    let secure = if edge.config.secure_cookies { "; Secure" } else { "" };
    let cookie = format!("{SESSION_COOKIE}={token}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
}
