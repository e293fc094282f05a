//! What each route does: read the request, call the backend, say what came of it.

pub mod admin;
pub mod backup;
pub mod cart;
pub mod change;
pub mod event;
pub mod guest;
pub mod hold;
pub mod hook;
pub mod import;
pub mod inspection;
pub mod key;
pub mod list;
pub mod media;
pub mod member;
pub mod performer;
pub mod price;
pub mod promo;
pub mod refund;
pub mod sale;
pub mod scan;
pub mod search;
pub mod seat;
pub mod session;
pub mod site;
pub mod ticket;
pub mod user;
pub mod venue;
pub mod webhook;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};

use crate::backend::Failure;
use crate::call::Call;
use crate::error::{HttpProblem, from_failure};

/// What a route gives.
pub type Outcome = Result<Response<Body>, HttpProblem>;

impl From<Failure> for HttpProblem {
    fn from(failure: Failure) -> Self {
        from_failure(failure, None)
    }
}

/// Lets anyone keep an answer for a moment.
pub const PUBLIC_FOR_A_MOMENT: HeaderValue = HeaderValue::from_static("public, max-age=1, stale-while-revalidate=5");

fn cacheable(response: &mut Response<Body>) {
    response.headers_mut().insert(header::CACHE_CONTROL, PUBLIC_FOR_A_MOMENT);
}

/// Names an answer's version; gives 304 instead if the caller has it.
fn tagged(call: &Call, mut response: Response<Body>, tag: &str) -> Response<Body> {
    if call.has_tag(tag.as_bytes()) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    if let Ok(value) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// Says where the next page is, as a Link header.
fn linked(call: &Call, response: &mut Response<Body>, next: Option<&str>) {
    let Some(next) = next else { return };
    let mut link = format!("<{}?", call.parts.uri.path());
    for pair in call.parts.uri.query().unwrap_or_default().split('&') {
        if !pair.is_empty() && !pair.starts_with("cursor=") {
            link.push_str(pair);
            link.push('&');
        }
    }
    link.push_str("cursor=");
    for byte in next.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            link.push(char::from(byte));
        } else {
            link.push_str(&format!("%{byte:02X}"));
        }
    }
    link.push_str(">; rel=\"next\"");
    if let Ok(value) = HeaderValue::try_from(link) {
        response.headers_mut().insert(header::LINK, value);
    }
}
