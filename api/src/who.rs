//! Who is calling, and whether they may: access tokens, keys of programs, the page's cookie. Nothing is allowed that the table of
//! routes does not allow.

use std::sync::Arc;
use std::time::Instant;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use boxoffice_ledger::command::Scopes;

use crate::backend::{Caller, Context, Freshness, Grant, Standing};
use crate::call;
use crate::edge::Edge;
use crate::error::{Code, HttpProblem};
use crate::program;
use crate::router::{Access, Route, Verb};
use crate::{json, scope};

/// Name of the cookie that carries the page's access token.
pub const SESSION_COOKIE: &str = "boxoffice_session";
/// Name of the cookie that carries the page's refresh token; sent to `/session` only.
pub const REFRESH_COOKIE: &str = "boxoffice_refresh";

/// Who is calling.
pub enum Who {
    /// Nobody said.
    Visitor,
    /// Somebody with an access token.
    Person(Grant),
    /// A program with a key.
    Program(Caller, Scopes),
}

impl Who {
    /// The account behind the call.
    pub fn caller(&self) -> Option<Caller> {
        match self {
            Self::Visitor => None,
            Self::Person(grant) => Some(grant.caller),
            Self::Program(caller, _) => Some(*caller),
        }
    }

    /// What the access token says.
    pub fn grant(&self) -> Option<Grant> {
        match self {
            Self::Person(grant) => Some(*grant),
            Self::Visitor | Self::Program(..) => None,
        }
    }
}

/// Finds out who is calling, and whether they may take this route.
///
/// # Errors
/// 401 for what is not good, 403 for what does not suffice.
pub async fn identify(edge: &Arc<Edge>, route: &Route, parts: &Parts, cx: Context) -> Result<Who, HttpProblem> {
    let who = match bearer(&parts.headers)? {
        Some(text) if program::is_key(text) => {
            let (caller, scopes) = edge.programs.holder(&*edge.backend, cx, text).await?.ok_or_else(call::unauthenticated)?;
            Who::Program(caller, scopes)
        }
        Some(token) => Who::Person(edge.grant_of(token).ok_or_else(call::unauthenticated)?),
        // A stale cookie is a visitor without an account, not an error.
        None => match cookie(&parts.headers, SESSION_COOKIE).and_then(|token| edge.grant_of(token)) {
            None => Who::Visitor,
            Some(_) if route.method != Verb::Get && !same_origin(&parts.headers) => return Err(cross_site()),
            Some(grant) => Who::Person(grant),
        },
    };
    if let Err(problem) = allow(route, &who) {
        note_denied(edge, route, &who, cx);
        return Err(problem);
    }
    Ok(who)
}

/// Lets the audit trail know that somebody asked for what they may not do. Nobody waits for it.
fn note_denied(edge: &Arc<Edge>, route: &Route, who: &Who, cx: Context) {
    let Some(caller) = who.caller() else { return };
    let Some(times) = edge.denials.note(caller.user, route, Instant::now()) else { return };
    let (edge, what) = (Arc::clone(edge), format!("{} {}", verb(route.method), route.path));
    tokio::spawn(async move { edge.backend.note_denied(cx, caller, what, times).await });
}

fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "GET",
        Verb::Post => "POST",
        Verb::Patch => "PATCH",
        Verb::Delete => "DELETE",
    }
}

/// Whether a change may still be made with this token: its account may have another password or role by now, and its session
/// may be over.
///
/// # Errors
/// 401 when it may not.
pub async fn check_standing(edge: &Edge, who: &Who, cx: Context) -> Result<(), HttpProblem> {
    let Who::Person(grant) = who else { return Ok(()) };
    let mut standing = edge.backend.standing(grant);
    if standing == Standing::Unsure {
        standing = edge.backend.confirmed_standing(Context { freshness: Freshness::Linearizable, ..cx }, grant).await?;
    }
    if standing == Standing::Good { Ok(()) } else { Err(call::unauthenticated()) }
}

fn allow(route: &Route, who: &Who) -> Result<(), HttpProblem> {
    let Access::Role(least) = route.access else { return Ok(()) };
    let caller = who.caller().ok_or_else(call::unauthenticated)?;
    if caller.role < least {
        return Err(HttpProblem::new(Code::Forbidden, format!("This needs the role {} or above.", json::role(least))));
    }
    let Who::Program(_, scopes) = who else { return Ok(()) };
    match scope::of(route) {
        Some(scope) if scopes.contains(scope) => Ok(()),
        Some(scope) => Err(HttpProblem::new(Code::Forbidden, format!("This needs a key with the scope {}.", scope::name(scope)))),
        None => Err(HttpProblem::new(Code::Forbidden, "This needs a person who is logged in, not a key.")),
    }
}

/// 403 for a cookie that another site's page sent along.
pub fn cross_site() -> HttpProblem {
    HttpProblem::new(Code::CrossSite, "This change does not come from one of our own pages.")
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, HttpProblem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let text = value.to_str().map_err(|_| call::unauthenticated())?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(call::unauthenticated()),
    }
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('=')).filter(|value| !value.is_empty())
}

/// Whether the browser says that a page of this very site sent the request.
pub fn same_origin(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host)),
        _ => false,
    }
}
