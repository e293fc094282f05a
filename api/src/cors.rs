//! Pages of other sites: a browser lets them read our answers only if their origin is configured. They call with an access token;
//! our cookies are never theirs to use, so credentials are not allowed.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use crate::config::ApiConfig;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PATCH, DELETE");
const HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, idempotency-key, if-match, if-none-match, boxoffice-min-revision, x-request-id");
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "boxoffice-revision, boxoffice-age-ms, etag, idempotent-replayed, link, location, ratelimit, ratelimit-policy, \
     retry-after, x-request-id",
);

/// The origin of a request, if its pages may call.
pub fn allowed(config: &ApiConfig, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN).filter(|_| !config.allowed_origins.is_empty())?;
    config.allowed_origins.iter().any(|known| known.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

/// Lets the pages of an origin read an answer.
pub fn allow(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    let Some(origin) = origin else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

/// The answer to a browser that asks before it sends a request for a page of another site.
pub fn preflight(config: &ApiConfig, request: &Request) -> Option<Response<Body>> {
    if request.method() != Method::OPTIONS || !request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let origin = allowed(config, request.headers())?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    allow(headers, Some(origin));
    Some(response)
}
