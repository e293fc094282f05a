//! `GET /event/{id}/seat/stream`: the same messages as server-sent events. The id of an event is its revision, so that a
//! browser's `Last-Event-ID` resumes where it was.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use boxoffice_ledger::ids::EventId;
use futures::stream::{self, Stream};

use super::Drained;
use super::feed::{Next, Subscription};
use crate::call::{self, Call};
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::limits::Taken;
use crate::route::Outcome;

const COMMENT_EVERY: Duration = Duration::from_secs(20);

/// The route.
pub async fn stream(edge: Arc<Edge>, call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let last = call.parts.headers.get("last-event-id").and_then(|value| value.to_str().ok()).or(call.asked("since"));
    let since = match last.map(call::number::<u64>) {
        None => None,
        Some(Some(since)) => Some(since).filter(|&since| since > 0),
        Some(None) => return Err(HttpProblem::field("?since", "invalid", "a revision's index")),
    };
    let taken = edge.limits.socket()?;
    let subscription = edge.hub.subscribe(event, since).await?;
    let reader = Reader { subscription, drained: edge.hub.drained(), _taken: taken };
    Ok(Sse::new(events(reader)).keep_alive(KeepAlive::new().interval(COMMENT_EVERY)).into_response())
}

struct Reader {
    subscription: Subscription,
    drained: Drained,
    _taken: Taken,
}

fn events(reader: Reader) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(reader, |mut reader| async move {
        loop {
            let next = tokio::select! {
                next = reader.subscription.next() => next,
                () = reader.drained.wait() => return None,
            };
            match next {
                Next::Frame(frame) => {
                    if frame.kind == "resync" {
                        reader.subscription.restart(None).await;
                    }
                    let event = Event::default().event(frame.kind).id(frame.rev.to_string()).data(frame.text.as_str());
                    return Some((Ok(event), reader));
                }
                Next::Behind => reader.subscription.restart(None).await,
            }
        }
    })
}
