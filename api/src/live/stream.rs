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
use super::feed::Subscription;
use crate::call::{self, Call};
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::limits::Taken;
use crate::route::Outcome;

const COMMENT_EVERY: Duration = Duration::from_secs(20);
/// How long a reader waits, in milliseconds, before it goes to another node: each another time, so that they do not all come at once.
const RECONNECT_MS: std::ops::Range<u64> = 500..5000;

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
    let reader = Reader { subscription, drained: edge.hub.drained(), ended: false, _taken: taken };
    Ok(Sse::new(events(reader)).keep_alive(KeepAlive::new().interval(COMMENT_EVERY)).into_response())
}

struct Reader {
    subscription: Subscription,
    drained: Drained,
    /// Whether the last event was sent.
    ended: bool,
    _taken: Taken,
}

/// The last event of a node that goes away: when to come again, somewhere else.
fn bye() -> Event {
    let mut entropy = [0; 8];
    // Without entropy all come at once, which is no reason not to tell them.
    let _ = getrandom::fill(&mut entropy);
    let wait = RECONNECT_MS.start + u64::from_le_bytes(entropy) % (RECONNECT_MS.end - RECONNECT_MS.start);
    Event::default().event("bye").retry(Duration::from_millis(wait)).data("{\"type\":\"bye\",\"reason\":\"draining\"}")
}

fn events(reader: Reader) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(reader, |mut reader| async move {
        if reader.ended {
            return None;
        }
        Some(tokio::select! {
            frame = reader.subscription.next() => {
                (Ok(Event::default().event(frame.kind).id(frame.rev.to_string()).data(frame.text.as_str())), reader)
            }
            () = reader.drained.wait() => {
                reader.ended = true;
                (Ok(bye()), reader)
            }
        })
    })
}
