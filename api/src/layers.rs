//! What every request goes through, in one function instead of a stack of boxed layers: name, room, rates, who, role,
//! query, body, idempotency, the route, and the headers of the answer. A panic becomes a 500.

use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, header};
use bytes::Bytes;
use futures::FutureExt;

use crate::backend::Caller;
use crate::call::{self, Call};
use crate::edge::Edge;
use crate::error::{Code, HttpProblem};
use crate::idempotency;
use crate::route::site;
use crate::router::{Access, Class, Key, Route, Verb};

/// Name of the cookie that carries the page's access token.
pub const SESSION_COOKIE: &str = "boxoffice_session";
/// Longest path and query, in bytes.
const URI_BYTES_MAX: usize = 2048;

/// Where a connection comes from; the server puts it into each request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Answers a request on a route.
pub async fn run(edge: Arc<Edge>, route: &'static Route, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let id = edge.ids.take(&parts.headers);
    let uri = parts.uri.clone();
    let started = tracing::enabled!(tracing::Level::DEBUG).then(Instant::now);
    let outcome = AssertUnwindSafe(serve(&edge, route, parts, body)).catch_unwind().await;
    let mut response = match outcome {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => problem.response(uri.path(), id.to_str().unwrap_or_default()),
        Err(_) => {
            tracing::error!(request_id = ?id, path = uri.path(), "a route panicked");
            let problem = HttpProblem::new(Code::Internal, "Something broke on our side.");
            problem.response(uri.path(), id.to_str().unwrap_or_default())
        }
    };
    if let Some(started) = started {
        let (status, us) = (response.status().as_u16(), started.elapsed().as_micros());
        tracing::debug!(request_id = ?id, method = ?route.method, path = uri.path(), status, us, "answered");
    }
    finish(response.headers_mut(), id);
    response
}

/// Answers a request that no route takes: a file of the page, or a problem.
pub fn unrouted(edge: &Edge, request: &Request, code: Code) -> Response<Body> {
    let id = edge.ids.take(request.headers());
    let detail = if code == Code::NotFound { "There is nothing at this path." } else { "See the Allow header." };
    let problem = || HttpProblem::new(code, detail).response(request.uri().path(), id.to_str().unwrap_or_default());
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let file = if reads { site::file(request.uri().path(), request.headers()) } else { None };
    let mut response = file.unwrap_or_else(problem);
    finish(response.headers_mut(), id);
    response
}

/// Headers of every answer.
fn finish(headers: &mut HeaderMap, id: HeaderValue) {
    headers.insert("x-request-id", id);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
}

async fn serve(edge: &Arc<Edge>, route: &'static Route, mut parts: Parts, body: Body) -> Result<Response<Body>, HttpProblem> {
    let _room = if route.class == Class::Probe { None } else { Some(edge.limits.request()?) };
    if parts.uri.path_and_query().is_some_and(|target| target.as_str().len() > URI_BYTES_MAX) {
        return Err(HttpProblem::new(Code::UriTooLong, format!("At most {URI_BYTES_MAX} bytes.")));
    }
    let address = parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0);
    match route.class {
        Class::Normal => edge.limits.address(address)?,
        Class::Login => edge.limits.login_address(address)?,
        Class::Probe => {}
    }
    let caller = who(edge, route, &parts)?;
    if let Some(caller) = caller {
        edge.limits.user(caller.user)?;
    }
    let params = call::path_params(&mut parts, route.path)?;
    let query = call::query(&parts, route.query)?;
    let freshness = call::freshness(&parts.headers, &query)?;
    let key = match route.key {
        Key::None => None,
        Key::Optional => idempotency::key_of(&parts.headers)?,
        Key::Required => Some(idempotency::key_of(&parts.headers)?.ok_or_else(key_required)?),
    };
    let body = read_body(edge, route, &parts.headers, body).await?;
    let request = (route.key != Key::None).then(|| {
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        let scope = caller.map(|caller| caller.user.0.to_le_bytes());
        edge.requests.derive(scope.as_ref().map_or(&[], |scope| &scope[..]), &parts.method, target, key, &body)
    });
    let reads = route.method == Verb::Get;
    let deadline = call::deadline(if reads { edge.config.read_deadline } else { edge.config.write_deadline });
    let call = Call { parts, caller, body, request, deadline, freshness, params, query };
    (route.run)(Arc::clone(edge), call).await
}

fn key_required() -> HttpProblem {
    HttpProblem::new(Code::IdempotencyKeyRequired, "Send an Idempotency-Key, so that a retry cannot happen twice.")
}

/// Who is calling, and whether they may take this route. Nothing is allowed that the route does not allow.
fn who(edge: &Edge, route: &Route, parts: &Parts) -> Result<Option<Caller>, HttpProblem> {
    let now = edge.config.now_us();
    let caller = match bearer(&parts.headers)? {
        Some(token) => Some(edge.tokens.check(token, now).ok_or_else(call::unauthenticated)?),
        None => {
            // A stale cookie is a visitor without an account, not an error.
            let caller = cookie(&parts.headers).and_then(|token| edge.tokens.check(token, now));
            let changes = route.method != Verb::Get;
            if caller.is_some() && changes && !same_origin(&parts.headers) {
                return Err(HttpProblem::new(Code::CrossSite, "This change does not come from one of our own pages."));
            }
            caller
        }
    };
    match (route.access, caller) {
        (Access::Public, caller) => Ok(caller),
        (Access::Role(_), None) => Err(call::unauthenticated()),
        (Access::Role(least), Some(caller)) if caller.role >= least => Ok(Some(caller)),
        (Access::Role(least), Some(_)) => {
            Err(HttpProblem::new(Code::Forbidden, format!("This needs the role {} or above.", crate::json::role(least))))
        }
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, HttpProblem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let text = value.to_str().map_err(|_| call::unauthenticated())?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(call::unauthenticated()),
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let mut pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(SESSION_COOKIE)?.strip_prefix('='))
}

/// Whether the browser says that a page of this very site sent the request.
fn same_origin(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host)),
        _ => false,
    }
}

async fn read_body(edge: &Edge, route: &Route, headers: &HeaderMap, body: Body) -> Result<Bytes, HttpProblem> {
    let too_large = || HttpProblem::new(Code::PayloadTooLarge, format!("At most {} bytes.", route.body_max));
    if route.method == Verb::Get {
        return Ok(Bytes::new());
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    if length.is_some_and(|length| length > route.body_max as u64) {
        return Err(too_large());
    }
    let bytes = match tokio::time::timeout(edge.config.body_timeout, axum::body::to_bytes(body, route.body_max)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) if length.is_none() => return Err(too_large()),
        Ok(Err(_)) => return Err(HttpProblem::new(Code::MalformedRequest, "The body ended early.")),
        Err(_) => return Err(HttpProblem::new(Code::RequestTimeout, "The body did not arrive in time.")),
    };
    if !bytes.is_empty() {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let plain = headers.get(header::CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity");
        if !kind.eq_ignore_ascii_case("application/json") || !plain {
            return Err(HttpProblem::new(Code::UnsupportedMediaType, "Send Content-Type: application/json, not compressed."));
        }
    }
    Ok(bytes)
}
