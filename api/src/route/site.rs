//! Pages for people.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};

use super::Outcome;
use crate::call::Call;
use crate::edge::Edge;
use crate::error::{HttpProblem, help_page};

/// What a page may load: its own files and sockets, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
                      manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// `GET /problem/{code}`
pub async fn problem(_edge: Arc<Edge>, call: Call) -> Outcome {
    let page = help_page(call.param("code")).ok_or_else(|| HttpProblem::not_found("problem code"))?;
    Ok(html(page.into()))
}

fn html(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
