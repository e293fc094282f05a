//! `GET /event/{id}/seat/live`: a live map over a WebSocket, subprotocol `boxoffice.seat.v1`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use boxoffice_ledger::ids::EventId;
use serde::Deserialize;
use tokio::time::{Instant, timeout};

use crate::backend::Failure;
use crate::call::Call;
use crate::edge::Edge;
use crate::error::{Code, HttpProblem};
use crate::limits::Taken;
use crate::route::Outcome;

const PROTOCOL: &str = "boxoffice.seat.v1";
/// Largest message that a client may send, in bytes.
const MESSAGE_BYTES_MAX: usize = 4096;
/// How long a client may take to say what it wants, and to take a message.
const PATIENCE: Duration = Duration::from_secs(10);
const PING_EVERY: Duration = Duration::from_secs(20);
/// Silence after which a client is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// Subscriptions on one socket, a minute.
const SUBSCRIBE_MAX: u32 = 30;
const BYE: &str = "{\"type\":\"bye\",\"reason\":\"draining\",\"reconnect_ms\":[500,5000]}";

const BAD_MESSAGE: u16 = 1008;
const GOING_AWAY: u16 = 1012;
const BAD_TOKEN: u16 = 4401;
const NO_EVENT: u16 = 4404;
const SLOW: u16 = 4408;

/// What a client sends: at first, and again when it finds a gap.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscribe {
    #[serde(rename = "type")]
    kind: String,
    /// An access token. The map is public, so none is needed; one that is sent must be good.
    token: Option<String>,
    /// The last revision that the client has.
    since: Option<u64>,
    /// Only `["all"]`.
    sections: Option<Vec<String>>,
}

/// The route: answers the handshake; the conversation runs on.
pub async fn live(edge: Arc<Edge>, mut call: Call) -> Outcome {
    let event: EventId = call.id("id", "event")?;
    let taken = edge.limits.socket()?;
    let upgrade = WebSocketUpgrade::from_request_parts(&mut call.parts, &()).await;
    let upgrade = upgrade.map_err(|refused| HttpProblem::new(Code::MalformedRequest, format!("Not a WebSocket handshake: {refused}.")))?;
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    let upgrade = upgrade.read_buffer_size(4 * 1024).write_buffer_size(0);
    Ok(upgrade.on_upgrade(move |socket| Reader { edge, event, socket, _taken: taken }.run()))
}

struct Reader {
    edge: Arc<Edge>,
    event: EventId,
    socket: WebSocket,
    _taken: Taken,
}

/// Why a conversation ends.
enum End {
    /// The client went away.
    Gone,
    /// We close, with this code and reason.
    Close(u16, &'static str),
}

impl Reader {
    async fn run(mut self) {
        if let End::Close(code, reason) = self.talk().await {
            let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
            let _ = timeout(PATIENCE, self.socket.send(Message::Close(Some(frame)))).await;
        }
    }

    async fn talk(&mut self) -> End {
        let Err(end) = self.converse().await;
        end
    }

    async fn converse(&mut self) -> Result<std::convert::Infallible, End> {
        let since = match timeout(PATIENCE, self.asked()).await {
            Ok(asked) => asked?,
            Err(_) => return Err(End::Close(SLOW, "no subscribe message")),
        };
        let hub = Arc::clone(&self.edge.hub);
        let mut subscription = match hub.subscribe(self.event, since).await {
            Ok(subscription) => subscription,
            Err(Failure::NotFound(_) | Failure::Rejected(..)) => return Err(End::Close(NO_EVENT, "no such event")),
            Err(_) => return Err(End::Close(GOING_AWAY, "the map cannot be read here now")),
        };
        let mut drained = hub.drained();
        let mut ping = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let mut heard = Instant::now();
        let mut asked = (Instant::now(), 0);
        loop {
            tokio::select! {
                frame = subscription.next() => self.send(Message::Text(frame.text)).await?,
                message = self.socket.recv() => {
                    heard = Instant::now();
                    if let Some(since) = self.understand(message)? {
                        count(&mut asked)?;
                        subscription.restart(since).await;
                    }
                }
                _ = ping.tick() => {
                    if heard.elapsed() > SILENCE {
                        return Err(End::Gone);
                    }
                    self.send(Message::Ping(bytes::Bytes::new())).await?;
                }
                () = drained.wait() => {
                    self.send(Message::Text(Utf8Bytes::from_static(BYE))).await?;
                    return Err(End::Close(GOING_AWAY, "draining"));
                }
            }
        }
    }

    /// Waits for a subscribe message; gives its `since`.
    async fn asked(&mut self) -> Result<Option<u64>, End> {
        loop {
            let message = self.socket.recv().await;
            if let Some(since) = self.understand(message)? {
                return Ok(since);
            }
        }
    }

    /// What the client said: `Some` for a subscribe message, with its `since`.
    #[allow(clippy::option_option)] // The outer one says whether it was a subscribe message at all.
    fn understand(&self, message: Option<Result<Message, axum::Error>>) -> Result<Option<Option<u64>>, End> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(None),
            Some(Ok(Message::Binary(_))) => return Err(End::Close(BAD_MESSAGE, "text only")),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
        };
        let bad = || End::Close(BAD_MESSAGE, "expected {\"type\":\"subscribe\",\"since\":...}");
        let asked: Subscribe = serde_json::from_str(text.as_str()).map_err(|_| bad())?;
        let all = asked.sections.is_none_or(|sections| sections == ["all"]);
        if asked.kind != "subscribe" || !all {
            return Err(bad());
        }
        if asked.token.is_some_and(|token| self.edge.grant_of(&token).is_none()) {
            return Err(End::Close(BAD_TOKEN, "bad token"));
        }
        Ok(Some(asked.since.filter(|&since| since > 0)))
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Close(SLOW, "too slow")),
        }
    }
}

/// Counts subscriptions, so that a confused client cannot ask for snapshots without end.
fn count(asked: &mut (Instant, u32)) -> Result<(), End> {
    if asked.0.elapsed() > Duration::from_secs(60) {
        *asked = (Instant::now(), 0);
    }
    asked.1 += 1;
    if asked.1 > SUBSCRIBE_MAX { Err(End::Close(BAD_MESSAGE, "too many subscriptions")) } else { Ok(()) }
}
