//! What every request goes through, in one function instead of a stack of boxed layers: name, room, rates, who, role,
//! standing, query, body, idempotency, the route, and the headers of the answer. A panic becomes a 500.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, header};
use boxoffice_cluster_config::request_tag::{LOG_TARGET, RequestTag};
use bytes::Bytes;
use futures::FutureExt;
use http_body_util::{BodyExt, Limited};
use hyper::body::Body as _;

use crate::backend::{Context, Freshness};
use crate::call::{self, Call};
use crate::cors;
use crate::dispatch::Params;
use crate::edge::Edge;
use crate::error::{Code, HttpProblem};
use crate::idempotency;
use crate::route::site;
use crate::router::{Access, Class, Key, Route, Takes, Verb};
use crate::who;

/// Longest path and query, in bytes.
const URI_BYTES_MAX: usize = 2048;
/// Most bytes that are read of a body that nobody wants.
const DRAINED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Answers a request on a route; `params` is `None` when those of its path are not well formed.
pub async fn run(edge: &Arc<Edge>, route: &'static Route, params: Option<Params>, request: Request, from: IpAddr) -> Response<Body> {
    let (parts, mut body) = request.into_parts();
    let asks_first = parts.headers.contains_key(header::EXPECT);
    let id = edge.ids.take(&parts.headers);
    let uri = parts.uri.clone();
    let origin = cors::allowed(&edge.config, &parts.headers);
    let started = Instant::now();
    let head = Head { parts, params, from, tag: RequestTag::of(id.as_bytes()) };
    let outcome = AssertUnwindSafe(serve(edge, route, head, &mut body)).catch_unwind().await;
    let mut response = match outcome {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => {
            edge.metrics.refused(problem.code);
            problem.response(uri.path(), id.to_str().unwrap_or_default())
        }
        Err(_) => {
            edge.metrics.refused(Code::Internal);
            tracing::error!(request_id = ?id, path = uri.path(), "a route panicked");
            let problem = HttpProblem::new(Code::Internal, "Something broke on our side.");
            problem.response(uri.path(), id.to_str().unwrap_or_default())
        }
    };
    let (status, took) = (response.status().as_u16(), started.elapsed());
    edge.metrics.answered(route.method == Verb::Get, status, took);
    let (path, us) = (uri.path(), took.as_micros());
    tracing::debug!(target: LOG_TARGET, request_id = ?id, method = ?route.method, path, status, us, "answered");
    if route.class != Class::Probe
        && let Some(left_out) = edge.trouble.tells(status, took, Instant::now())
    {
        tracing::info!(request_id = ?id, method = ?route.method, path, status, us, left_out, "a request failed or was slow");
    }
    finish(edge, response.headers_mut(), id);
    cors::allow(response.headers_mut(), origin);
    if !body.is_end_stream() && (asks_first || !drain(edge, body).await) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Reads what is left of the body of a request that was refused by its head, so that the connection can go on and the answer
/// is not lost in a reset; whether all of it was read. Bounded in bytes and in time.
async fn drain(edge: &Edge, body: Body) -> bool {
    if body.size_hint().lower() > DRAINED_BYTES_MAX as u64 {
        return false;
    }
    let mut rest = Limited::new(body, DRAINED_BYTES_MAX);
    let read = async { while matches!(rest.frame().await, Some(Ok(_))) {} };
    tokio::time::timeout(edge.config.body_timeout, read).await.is_ok() && rest.is_end_stream()
}

/// Answers a request that no route takes: a file of the page, a browser's question whether another origin may ask, or a problem.
pub fn unrouted(edge: &Edge, request: &Request, code: Code) -> Response<Body> {
    let id = edge.ids.take(request.headers());
    if let Some(mut response) = cors::preflight(&edge.config, request) {
        finish(edge, response.headers_mut(), id);
        return response;
    }
    let detail = if code == Code::NotFound { "There is nothing at this path." } else { "See the Allow header." };
    let problem = || HttpProblem::new(code, detail).response(request.uri().path(), id.to_str().unwrap_or_default());
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let file = if reads { site::file(edge, request.uri().path(), request.headers()) } else { None };
    let mut response = file.unwrap_or_else(problem);
    finish(edge, response.headers_mut(), id);
    response
}

/// Headers of every answer.
fn finish(edge: &Edge, headers: &mut HeaderMap, id: HeaderValue) {
    if edge.config.secure_cookies {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers.insert("x-request-id", id);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
}

/// What is known of a request before its body.
struct Head {
    parts: Parts,
    params: Option<Params>,
    from: IpAddr,
    tag: RequestTag,
}

async fn serve(edge: &Arc<Edge>, route: &'static Route, head: Head, body: &mut Body) -> Result<Response<Body>, HttpProblem> {
    let Head { parts, params, from: address, tag } = head;
    let _room = if route.class == Class::Probe { None } else { Some(edge.limits.request()?) };
    if parts.uri.path_and_query().is_some_and(|target| target.as_str().len() > URI_BYTES_MAX) {
        return Err(HttpProblem::new(Code::UriTooLong, format!("At most {URI_BYTES_MAX} bytes.")));
    }
    match route.class {
        Class::Normal => edge.limits.address(address)?,
        Class::Login => edge.limits.login_address(address)?,
        Class::Probe => {}
    }
    let reads = route.method == Verb::Get;
    let deadline = call::deadline(if reads { edge.config.read_deadline } else { edge.config.write_deadline });
    let cx = Context { deadline, freshness: Freshness::Local, from: Some(address), request: tag };
    let who = who::identify(edge, route, &parts, cx).await?;
    let caller = who.caller();
    if let Some(caller) = caller {
        edge.limits.user(caller.user)?;
    }
    // What is open to everybody does not depend on how a caller stands: who is logged out may log in.
    if !reads && route.access != Access::Public {
        who::check_standing(edge, &who, cx).await?;
    }
    let params = params.ok_or_else(|| HttpProblem::new(Code::MalformedRequest, "The path is not well formed."))?;
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
    let grant = who.grant();
    let call = Call { parts, caller, grant, address, tag, body, request, deadline, freshness, params, query };
    (route.run)(Arc::clone(edge), call).await
}

fn key_required() -> HttpProblem {
    HttpProblem::new(Code::IdempotencyKeyRequired, "Send an Idempotency-Key, so that a retry cannot happen twice.")
}

async fn read_body(edge: &Edge, route: &Route, headers: &HeaderMap, body: &mut Body) -> Result<Bytes, HttpProblem> {
    let too_large = || HttpProblem::new(Code::PayloadTooLarge, format!("At most {} bytes.", route.body_max));
    if route.method == Verb::Get {
        return Ok(Bytes::new());
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    if length.is_some_and(|length| length > route.body_max as u64) {
        return Err(too_large());
    }
    let bytes = match tokio::time::timeout(edge.config.body_timeout, Limited::new(body, route.body_max).collect()).await {
        Ok(Ok(read)) => read.to_bytes(),
        Ok(Err(_)) if length.is_none() => return Err(too_large()),
        Ok(Err(_)) => return Err(HttpProblem::new(Code::MalformedRequest, "The body ended early.")),
        Err(_) => return Err(HttpProblem::new(Code::RequestTimeout, "The body did not arrive in time.")),
    };
    if !bytes.is_empty() {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let plain = headers.get(header::CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity");
        let (right, detail) = match route.takes {
            Takes::Json => (kind.eq_ignore_ascii_case("application/json"), "Send Content-Type: application/json, not compressed."),
            // Only that an image is meant is taken from here.
            Takes::Image => (
                kind.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("image/")),
                "Send the image itself, with Content-Type: image/jpeg, image/png or image/webp.",
            ),
        };
        if !right || !plain {
            return Err(HttpProblem::new(Code::UnsupportedMediaType, detail));
        }
    }
    Ok(bytes)
}
