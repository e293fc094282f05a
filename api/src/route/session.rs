//! Sessions: log in, go on, log out. A session gives short access tokens; its refresh token is good once and lies in a cookie
//! that scripts cannot read and that is sent to `/session` only, or with the caller if they ask for it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use boxoffice_ledger::accounts::{ADDRESS_BYTES_MAX, AGENT_BYTES_MAX, SESSION_LIFE};
use boxoffice_ledger::ids::SessionId;

use super::Outcome;
use crate::backend::{Account, Caller, Freshness, Grant, Opened, Visitor};
use crate::call::{self, Call};
use crate::check::email;
use crate::edge::Edge;
use crate::error::{Code, HttpProblem, bad_credentials};
use crate::json::{self, LoginBody, RefreshBody, SessionEntryOut, SessionOut};
use crate::password;
use crate::who::{REFRESH_COOKIE, SESSION_COOKIE, cookie, cross_site, same_origin};

/// `POST /session`
pub async fn log_in(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: LoginBody = json::parse(&call.body)?;
    let address = email(&body.email).ok_or_else(bad_credentials)?;
    edge.limits.login_account(&address, call.address)?;
    if body.password.chars().count() > *password::CHARS.end() {
        return Err(bad_credentials());
    }
    let opened = edge.backend.log_in(call.context(), &address, body.password, visitor(&call)).await?;
    edge.limits.logged_in(&address, call.address);
    opened_answer(&edge, StatusCode::CREATED, &opened, body.refresh)
}

/// `POST /session/refresh`
pub async fn refresh(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: RefreshBody = json::parse(&call.body)?;
    let (token, given) = match &body.refresh_token {
        Some(token) => (token.as_str(), true),
        None => (cookie(&call.parts.headers, REFRESH_COOKIE).ok_or_else(call::unauthenticated)?, false),
    };
    if !given && !same_origin(&call.parts.headers) {
        return Err(cross_site());
    }
    let opened = edge.backend.refresh(call.context(), token).await?;
    opened_answer(&edge, StatusCode::OK, &opened, given)
}

/// `GET /session`
pub async fn list(edge: Arc<Edge>, call: Call) -> Outcome {
    let found = edge.backend.sessions(call.fresh(Freshness::Linearizable), call.user()?.user).await?;
    let current = call.grant.and_then(|grant| grant.session);
    let data = found.value.iter().map(|session| SessionEntryOut::new(session, current)).collect();
    Ok(json::read(&found, &json::list(data, None)))
}

/// `DELETE /session/{id}`
pub async fn end(edge: Arc<Edge>, call: Call) -> Outcome {
    let session: SessionId = call.id("id", "session")?;
    let done = edge.backend.end_session(call.context(), call.user()?.user, session).await?;
    Ok(json::done(&done))
}

/// `DELETE /session`: this one, or with `?all=true` all of the caller's. Without any there is nothing to do but to drop cookies.
pub async fn log_out(edge: Arc<Edge>, call: Call) -> Outcome {
    let mut response = json::no_content();
    drop_cookies(&edge, &mut response);
    match call.asked("all") {
        None => {}
        Some("true") => {
            let done = edge.backend.end_sessions(call.context(), call.user()?, call.write()?).await?;
            json::put_revision(response.headers_mut(), done.revision);
            return Ok(response);
        }
        Some(_) => return Err(HttpProblem::field("?all", "invalid", "true, or left out")),
    }
    let named = call.grant.and_then(|grant| Some((grant.caller.user, grant.session?)));
    let by_cookie = || {
        let token = cookie(&call.parts.headers, REFRESH_COOKIE)?;
        edge.backend.session_of(token)
    };
    let Some((user, session)) = named.or_else(by_cookie) else { return Ok(response) };
    if named.is_none() && !same_origin(&call.parts.headers) {
        return Err(cross_site());
    }
    match edge.backend.end_session(call.context(), user, session).await {
        Ok(done) => json::put_revision(response.headers_mut(), done.revision),
        Err(crate::backend::Failure::NotFound(_)) => {}
        Err(failure) => return Err(failure.into()),
    }
    Ok(response)
}

/// An access token for an account's session, as JSON and as a cookie.
pub fn access_answer(edge: &Edge, status: StatusCode, account: &Account, session: Option<SessionId>, refresh: Option<&Opened>) -> Outcome {
    let caller = Caller { user: account.user, role: account.role };
    let ttl = edge.config.token_ttl;
    edge.follow_keys();
    let token = edge.tokens.grant(&Grant { caller, version: Some(account.version), session }, ttl, edge.config.now_us());
    let token = token.map_err(|_| HttpProblem::new(Code::Internal, "The token could not be signed."))?;
    let mut out = SessionOut::new(&token, ttl.as_secs(), account, session);
    if let Some(opened) = refresh {
        out = out.with_refresh(opened);
    }
    let mut response = json::answer(status, &out);
    set_cookie(edge, &mut response, SESSION_COOKIE, "/", &token, ttl.as_secs());
    Ok(response)
}

/// A session that was opened, with its refresh token as a cookie, or `given` in the answer.
pub fn opened_answer(edge: &Edge, status: StatusCode, opened: &Opened, given: bool) -> Outcome {
    let mut response = access_answer(edge, status, &opened.account, Some(opened.session), given.then_some(opened))?;
    if !given {
        set_cookie(edge, &mut response, REFRESH_COOKIE, "/session", &opened.refresh_token, SESSION_LIFE.0 / 1000);
    }
    Ok(response)
}

fn drop_cookies(edge: &Edge, response: &mut Response<Body>) {
    set_cookie(edge, response, SESSION_COOKIE, "/", "", 0);
    set_cookie(edge, response, REFRESH_COOKIE, "/session", "", 0);
}

fn set_cookie(edge: &Edge, response: &mut Response<Body>, name: &str, path: &str, value: &str, max_age_s: u64) {
    let secure = if edge.config.secure_cookies { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path={path}; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Where a request comes from, for people.
pub fn visitor(call: &Call) -> Visitor {
    let mut address = call.address.to_canonical().to_string();
    address.truncate(ADDRESS_BYTES_MAX);
    Visitor { address, agent: agent(&call.parts.headers) }
}

fn agent(headers: &HeaderMap) -> String {
    let text = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.chars().filter(|letter| (' '..='~').contains(letter)).take(AGENT_BYTES_MAX).collect()
}
