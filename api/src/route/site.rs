//! Pages for people.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use rust_embed::{EmbeddedFile, RustEmbed};

use super::{Outcome, tagged};
use crate::call::Call;
use crate::edge::Edge;
use crate::error::{HttpProblem, help_page};
use crate::{json, openapi};

/// What a page may load: its own files and sockets, and images from the one host that serves them.
#[must_use]
pub fn policy(media_base: &str) -> HeaderValue {
    let origin = media_base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let space = if origin.is_empty() { "" } else { " " };
    let text = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{space}{origin}; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    // An address that cannot stand in a header was refused with the configuration.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// The page, embedded as it is in the repository (a debug build reads it from disk at each request). Its tests lie there
/// too; they are of no served type.
#[derive(RustEmbed)]
#[folder = "page/"]
struct Files;

/// `GET /`
pub async fn page(edge: Arc<Edge>, call: Call) -> Outcome {
    file(&edge, "/", &call.parts.headers).ok_or_else(|| HttpProblem::not_found("page"))
}

/// `GET /docs`
pub async fn docs(edge: Arc<Edge>, call: Call) -> Outcome {
    file(&edge, "/docs.html", &call.parts.headers).ok_or_else(|| HttpProblem::not_found("page"))
}

/// `GET /openapi.json`
pub async fn openapi(_edge: Arc<Edge>, call: Call) -> Outcome {
    let text = openapi::text();
    let mut response = json::answer_bytes(StatusCode::OK, text.into());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(tagged(&call, response, &format!("\"{}\"", &blake3::hash(text.as_bytes()).to_hex()[..16])))
}

/// A file of the page, if there is one at this path.
pub fn file(edge: &Edge, path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let name = if path == "/" { "index.html" } else { path.strip_prefix('/')? };
    let kind = match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        _ => return None,
    };
    let EmbeddedFile { data, metadata, .. } = Files::get(name)?;
    let mut response = html(edge, Body::empty());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let hash: String = metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = HeaderValue::try_from(format!("\"{hash}\"")).ok()?;
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Body::from(data.into_owned());
    }
    response.headers_mut().insert(header::ETAG, tag);
    Some(response)
}

/// `GET /problem/{code}`
pub async fn problem(edge: Arc<Edge>, call: Call) -> Outcome {
    let page = help_page(call.param("code")).ok_or_else(|| HttpProblem::not_found("problem code"))?;
    Ok(html(&edge, page.into()))
}

fn html(edge: &Edge, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, edge.policy.clone());
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
