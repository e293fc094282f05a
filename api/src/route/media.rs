//! Images: uploading and serving them, and the posters of events that have none.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use boxoffice_ledger::command::EventStatus;
use boxoffice_ledger::ids::{EventId, MediaHash};

use super::{Outcome, cacheable, tagged};
use crate::backend::{Freshness, WIDTHS};
use crate::call::{self, Call};
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{self, MediaOut};
use crate::poster;

/// What an image may do when it is opened by itself: nothing.
const SEALED: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// `POST /media`
pub async fn upload(edge: Arc<Edge>, call: Call) -> Outcome {
    let caller = call.user()?;
    let stored = edge.backend.put_media(call.context(), caller, call.body.clone()).await?;
    let out = MediaOut::new(&stored, &edge.config.media_base);
    let mut response = json::answer_bytes(StatusCode::CREATED, serde_json::to_vec(&out).unwrap_or_default().into());
    json::put_location(&mut response, &format!("/media/{}", stored.hash));
    Ok(response)
}

/// `GET /media/{hash}`
pub async fn show(edge: Arc<Edge>, call: Call) -> Outcome {
    let hash: MediaHash = call.id("hash", "image")?;
    let width = match call.asked("width").map(call::number) {
        None => None,
        Some(Some(width)) if WIDTHS.contains(&width) => Some(width),
        Some(_) => return Err(HttpProblem::field("?width", "invalid", "320, 640 or 1280")),
    };
    let tag = width.map_or_else(|| format!("\"{hash}\""), |width| format!("\"{hash}-{width}\""));
    // What has this name never changes: who has it need not wait for it to be read.
    let response = if call.has_tag(tag.as_bytes()) {
        Response::new(Body::empty())
    } else {
        let file = edge.backend.media(call.context(), hash, width).await?;
        sealed(file.bytes.into(), file.media_type)
    };
    let mut response = tagged(&call, response, &tag);
    let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    Ok(response)
}

/// `GET /event/{id}/poster.svg`
pub async fn poster(edge: Arc<Edge>, call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let found = edge.backend.event(call.fresh(Freshness::Local), call.caller, event).await?;
    let view = &found.value;
    let drawing = poster::draw(&view.event, &view.venue);
    let tag = format!("\"{}\"", &blake3::hash(drawing.as_bytes()).to_hex()[..16]);
    let mut response = sealed(drawing.into(), "image/svg+xml");
    json::put_read(response.headers_mut(), found.revision, found.age_ms);
    if view.event.status != EventStatus::Draft {
        cacheable(&mut response);
    }
    Ok(tagged(&call, response, &tag))
}

/// An image that other sites may show, and that can do nothing by itself.
fn sealed(body: Body, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_SECURITY_POLICY, SEALED);
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    response
}
