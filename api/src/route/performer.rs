//! Performers.

use std::sync::Arc;

use axum::http::StatusCode;
use boxoffice_ledger::ids::PerformerId;

use super::{Outcome, cacheable, linked, tagged};
use crate::backend::{Freshness, PerformerInput};
use crate::call::Call;
use crate::check::Check;
use crate::edge::Edge;
use crate::json::{self, PerformerBody, PerformerOut};

/// Longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 200;
/// Longest genre, in bytes.
pub const GENRE_BYTES_MAX: usize = 120;

/// `GET /performer`
pub async fn list(edge: Arc<Edge>, call: Call) -> Outcome {
    let (limit, cursor) = call.page()?;
    let found = edge.backend.performers(call.fresh(Freshness::Local), limit, cursor).await?;
    let list = json::list(found.value.items.iter().map(|performer| PerformerOut::new(performer)).collect(), found.value.next.clone());
    let mut response = json::read(&found, &list);
    linked(&call, &mut response, list.next_cursor());
    cacheable(&mut response);
    Ok(response)
}

/// `GET /performer/{id}`
pub async fn show(edge: Arc<Edge>, call: Call) -> Outcome {
    let performer: PerformerId = call.id("id", "performer")?;
    let found = edge.backend.performer(call.fresh(Freshness::Local), performer).await?;
    let mut response = json::read(&found, &PerformerOut::new(&found.value));
    cacheable(&mut response);
    Ok(tagged(&call, response, &format!("\"{}\"", found.value.version)))
}

/// `POST /performer`
pub async fn create(edge: Arc<Edge>, call: Call) -> Outcome {
    put(edge, call, None).await
}

/// `PATCH /performer/{id}`
pub async fn change(edge: Arc<Edge>, call: Call) -> Outcome {
    let target = (call.id("id", "performer")?, call.if_match()?);
    put(edge, call, Some(target)).await
}

async fn put(edge: Arc<Edge>, call: Call, target: Option<(PerformerId, u64)>) -> Outcome {
    let (caller, request) = (call.user()?, call.write()?);
    let body: PerformerBody = json::parse(&call.body)?;
    let mut check = Check::default();
    if target.is_none() && body.name.is_none() {
        check.wrong("/name", "missing", "a new performer needs a name");
    }
    let input = PerformerInput {
        name: body.name.as_deref().map(|text| check.line("/name", text, NAME_BYTES_MAX)),
        genre: body.genre.as_deref().map(|text| check.optional_line("/genre", text, GENRE_BYTES_MAX)),
    };
    check.done()?;
    let done = edge.backend.put_performer(call.context(), caller, request, target, input).await?;
    let status = if target.is_none() { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = json::written(status, &done, &PerformerOut::new(&done.value).at(done.revision));
    if target.is_none() {
        json::put_location(&mut response, &format!("/performer/{}", done.value.id));
    }
    Ok(tagged(&call, response, &format!("\"{}\"", done.value.version)))
}
