//! A seat map that is watched: over server-sent events or a WebSocket, from the start or from where somebody was.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::seat::unpack;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);

/// What a client knows of a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// As of which revision; nothing is known at 0.
    pub rev: u64,
    /// The states of all seats.
    pub states: Vec<u64>,
}

/// What a message did to what a client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// It was taken up.
    Up,
    /// The node is behind what the client has seen elsewhere: the client goes elsewhere.
    Behind,
    /// It does not follow on what the client has: something is missing.
    Gap,
    /// The client is told to start over.
    Resync,
    /// The node goes away.
    Bye,
}

impl Known {
    /// Takes a message up.
    ///
    /// # Errors
    /// When it is not understood.
    pub fn take(&mut self, message: &Value) -> anyhow::Result<Took> {
        match message["type"].as_str() {
            Some("snapshot") => {
                let rev = message["rev"].as_u64().context("a snapshot has a revision")?;
                if rev < self.rev {
                    return Ok(Took::Behind);
                }
                let count = message["seats"].as_u64().context("a snapshot has seats")?;
                let states = unpack(message["state"].as_str().unwrap_or_default(), count).context("a snapshot has states")?;
                *self = Self { rev, states };
                Ok(Took::Up)
            }
            Some("delta") => {
                let (prev, rev) = (message["prev"].as_u64(), message["rev"].as_u64().context("a delta has a revision")?);
                if prev != Some(self.rev) || rev < self.rev {
                    return Ok(Took::Gap);
                }
                for change in message["set"].as_array().into_iter().flatten() {
                    let seat = change[0].as_u64().and_then(|seat| self.states.get_mut(seat as usize)).context("a delta is of seats")?;
                    *seat = change[1].as_u64().context("a seat has a state")?;
                }
                self.rev = rev;
                Ok(Took::Up)
            }
            Some("resync") => Ok(Took::Resync),
            Some("bye") => Ok(Took::Bye),
            other => bail!("a message of type {other:?}"),
        }
    }
}

/// An open connection.
pub enum Frames {
    /// Server-sent events, and what was read of the next one.
    Stream(Box<reqwest::Response>, String),
    /// A WebSocket.
    Socket(Box<WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>>),
}

impl Frames {
    /// Watches an event at this node, from a revision on or from the start.
    ///
    /// # Errors
    /// When the node does not let us.
    pub async fn open(base: &str, event: &str, since: u64, by_socket: bool) -> anyhow::Result<Self> {
        let opening = async {
            if !by_socket {
                let client = crate::client::builder().build()?;
                let mut asked = client.get(format!("{base}/event/{event}/seat/stream"));
                if since > 0 {
                    asked = asked.header("Last-Event-ID", since.to_string());
                }
                let answer = asked.send().await?;
                ensure!(answer.status() == 200, "{}", answer.status());
                return Ok(Self::Stream(Box::new(answer), String::new()));
            }
            let url = format!("{}/event/{event}/seat/live", base.replacen("http", "ws", 1));
            let (mut socket, _) = tokio_tungstenite::connect_async(url).await?;
            let wish = if since > 0 { json!({"type": "subscribe", "since": since}) } else { json!({"type": "subscribe"}) };
            socket.send(Message::text(wish.to_string())).await?;
            Ok(Self::Socket(Box::new(socket)))
        };
        tokio::time::timeout(CONNECT, opening).await.context("the connection takes too long")?
    }

    /// The next message.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn next(&mut self) -> anyhow::Result<Value> {
        match self {
            Self::Stream(answer, rest) => loop {
                // An event ends with an empty line; comments keep the connection alive.
                while let Some((event, after)) = rest.split_once("\n\n") {
                    let data = event.lines().find_map(|line| line.strip_prefix("data:")).map(|text| serde_json::from_str(text.trim()));
                    let kind = event.lines().find_map(|line| line.strip_prefix("event:")).map(|kind| kind.trim().to_owned());
                    *rest = after.to_owned();
                    if let Some(data) = data {
                        let mut data: Value = data?;
                        if data["type"].is_null() {
                            data["type"] = kind.into();
                        }
                        return Ok(data);
                    }
                }
                let chunk = answer.chunk().await?.context("the stream ended")?;
                rest.push_str(std::str::from_utf8(&chunk)?);
            },
            Self::Socket(socket) => loop {
                match socket.next().await.context("the socket ended")?? {
                    Message::Text(text) => return Ok(serde_json::from_str(&text)?),
                    Message::Close(frame) => bail!("closed: {frame:?}"),
                    _ => {}
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        Known { rev: 7, states: vec![0, 1, 2, 0] }
    }

    #[test]
    fn messages_are_taken_up_in_order_only() {
        let mut map = Known::default();
        // Four seats, two bits each, the lowest first.
        let snapshot = json!({"type": "snapshot", "rev": 7, "seats": 4, "state": "JA=="});
        assert_eq!((map.take(&snapshot).unwrap(), &map), (Took::Up, &known()));
        let delta = |prev: u64, rev: u64| json!({"type": "delta", "prev": prev, "rev": rev, "set": [[0, 2]]});
        assert_eq!(map.take(&delta(8, 9)).unwrap(), Took::Gap);
        assert_eq!(map, known());
        assert_eq!(map.take(&delta(7, 9)).unwrap(), Took::Up);
        assert_eq!(map, Known { rev: 9, states: vec![2, 1, 2, 0] });
        assert_eq!(map.take(&snapshot).unwrap(), Took::Behind);
        assert_eq!(map.take(&json!({"type": "resync"})).unwrap(), Took::Resync);
        assert!(map.take(&json!({"type": "delta", "prev": 9, "rev": 10, "set": [[4, 1]]})).is_err());
    }
}
