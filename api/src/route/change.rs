//! `GET /changes`: what happened, as lines of JSON or server-sent events, in pages or for as long as the caller stays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use boxoffice_cluster_config::request_tag::RequestTag;
use boxoffice_ledger::change::ChangeId;
use boxoffice_ledger::ids::EventId;
use bytes::Bytes;
use futures::stream;
use tokio::sync::watch;

use super::Outcome;
use crate::backend::{After, Caller, ChangeFilter, ChangePage, Context, Freshness};
use crate::call::{self, Call};
use crate::changes::{KINDS, kind, message};
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::limits::Taken;
use crate::live::Drained;

/// Changes in a page.
pub const LIMIT_MAX: usize = 1000;
const LIMIT_DEFAULT: usize = 100;
/// Places in `after`.
const PLACES_MAX: usize = 256;
/// How often something is sent while nothing happens, so that a dead connection is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a caller can stay; then their token is looked at again. They go on where they were.
const STAY_MAX: Duration = Duration::from_secs(15 * 60);
/// How long one look may take.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// The route.
pub async fn follow(edge: Arc<Edge>, call: Call) -> Outcome {
    let caller = call.user()?;
    let (filter, limit) = (filter(&call)?, limit(&call)?);
    let accepts = call.parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let form = if accepts.contains("text/event-stream") { Form::Events } else { Form::Lines };
    let after = after(&call)?;
    let stays = match call.asked("follow") {
        None | Some("false") => form == Form::Events,
        Some("true") => true,
        Some(_) => return Err(HttpProblem::field("?follow", "invalid", "true or false")),
    };
    let news = edge.backend.change_news();
    let page = edge.backend.changes(call.fresh(Freshness::Local), caller, &filter, &after, limit).await?;
    let mut response = if stays {
        let (taken, drained) = (edge.limits.socket()?, edge.hub.drained());
        let until = Instant::now() + STAY_MAX;
        let after = After::Places(page.next.clone());
        let reader = Reader { edge, caller, filter, limit, form, after, page: Some(page), news, until, drained, _taken: taken };
        Response::new(Body::from_stream(stream::unfold(reader, Reader::next)))
    } else {
        let mut response = Response::new(Body::from(form.write(&page)));
        if let Ok(link) = HeaderValue::try_from(next_link(&call, &page.next)) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(form.media()));
    Ok(response)
}

fn filter(call: &Call) -> Result<ChangeFilter, HttpProblem> {
    let wrong = |name: &str, detail: &'static str| HttpProblem::field(format!("?{name}"), "invalid", detail);
    let group = match call.asked("group") {
        None => None,
        Some(text) => Some(call::number::<u32>(text).ok_or_else(|| wrong("group", "a group's number"))?),
    };
    let event = match call.asked("event") {
        None => None,
        Some(text) => Some(text.parse::<EventId>().map_err(|_| wrong("event", "an event's id"))?),
    };
    let types: Vec<String> = call.asked("type").into_iter().flat_map(|names| names.split(',')).map(str::to_owned).collect();
    if types.iter().any(|name| !KINDS.contains(&name.as_str())) {
        return Err(wrong("type", "types of changes, separated by commas"));
    }
    Ok(ChangeFilter { group, event, types })
}

fn limit(call: &Call) -> Result<usize, HttpProblem> {
    match call.asked("limit").map(call::number::<usize>) {
        None => Ok(LIMIT_DEFAULT),
        Some(Some(limit @ 1..=LIMIT_MAX)) => Ok(limit),
        Some(_) => Err(HttpProblem::field("?limit", "out_of_range", format!("limit is a number from 1 to {LIMIT_MAX}"))),
    }
}

/// Where to begin: a browser that comes again says where it was, whatever its address says.
fn after(call: &Call) -> Result<After, HttpProblem> {
    let last = call.parts.headers.get("last-event-id").and_then(|value| value.to_str().ok());
    match last.or(call.asked("after")) {
        None => Ok(After::Oldest),
        Some("now") => Ok(After::Newest),
        Some(text) => {
            let places: Option<Vec<ChangeId>> = text.split(',').map(ChangeId::parse).collect();
            let places = places.filter(|places| {
                let groups: BTreeSet<u32> = places.iter().map(|place| place.group).collect();
                groups.len() == places.len() && places.len() <= PLACES_MAX
            });
            let wrong = || HttpProblem::field("?after", "invalid", "ids of changes, at most one a group, separated by commas; or: now");
            places.map(After::Places).ok_or_else(wrong)
        }
    }
}

fn joined<'a>(places: impl IntoIterator<Item = &'a ChangeId>) -> String {
    places.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn next_link(call: &Call, next: &[ChangeId]) -> String {
    let query = call.parts.uri.query().unwrap_or_default().split('&');
    let kept: String = query.filter(|pair| !pair.is_empty() && !pair.starts_with("after=")).map(|pair| format!("{pair}&")).collect();
    format!("<{}?{kept}after={}>; rel=\"next\"", call.parts.uri.path(), joined(next))
}

/// How changes are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Lines,
    Events,
}

impl Form {
    fn media(self) -> &'static str {
        match self {
            Self::Lines => "application/x-ndjson",
            Self::Events => "text/event-stream",
        }
    }

    /// What is sent while nothing happens.
    fn pause(self) -> &'static [u8] {
        match self {
            Self::Lines => b"\n",
            Self::Events => b":\n\n",
        }
    }

    fn write(self, page: &ChangePage) -> Bytes {
        let mut bytes = Vec::with_capacity(page.items.len() * 256);
        // The id of an event is where to go on after it, in all groups.
        let mut places: BTreeMap<u32, ChangeId> = page.start.iter().map(|place| (place.group, *place)).collect();
        for item in &page.items {
            if self == Self::Events {
                places.insert(item.id.group, item.id);
                let head = format!("id: {}\nevent: {}\ndata: ", joined(places.values()), kind(&item.change).unwrap_or_default());
                bytes.extend_from_slice(head.as_bytes());
            }
            bytes.extend_from_slice(&message(item));
            bytes.extend_from_slice(if self == Self::Events { b"\n\n" } else { b"\n" });
        }
        bytes.into()
    }
}

/// Somebody who stays.
struct Reader {
    edge: Arc<Edge>,
    caller: Caller,
    filter: ChangeFilter,
    limit: usize,
    form: Form,
    after: After,
    page: Option<ChangePage>,
    news: watch::Receiver<u64>,
    until: Instant,
    drained: Drained,
    _taken: Taken,
}

impl Reader {
    /// The next piece of the body; the end when the caller has to ask again.
    async fn next(mut self) -> Option<(Result<Bytes, std::io::Error>, Self)> {
        while Instant::now() < self.until {
            let page = match self.page.take() {
                Some(page) => page,
                None => self.look().await?,
            };
            self.after = After::Places(page.next.clone());
            if !page.items.is_empty() {
                return Some((Ok(self.form.write(&page)), self));
            }
            if !page.is_end {
                continue;
            }
            let more = tokio::select! {
                more = tokio::time::timeout(HEARTBEAT, self.news.changed()) => more,
                () = self.drained.wait() => return None,
            };
            match more {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some((Ok(Bytes::from_static(self.form.pause())), self)),
            }
        }
        None
    }

    /// `None` when it cannot go on here: asking again says why.
    async fn look(&self) -> Option<ChangePage> {
        let cx = Context { deadline: Instant::now() + LOOK_MAX, freshness: Freshness::Local, from: None, request: RequestTag::NONE };
        self.edge.backend.changes(cx, self.caller, &self.filter, &self.after, self.limit).await.ok()
    }
}
