//! Server-sent events, one after the other.

use serde_json::Value;

use super::{Client, ClientError, read};

/// A stream of events that a node sends until it or the client has enough.
pub struct Events {
    answer: reqwest::Response,
    received: Vec<u8>,
}

impl Client {
    /// Follows a path that sends events. One try, at the first endpoint that can be reached.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn follow(&self, path: &str) -> Result<Events, ClientError> {
        let mut last = ClientError::Unavailable("no endpoint answered".into());
        for endpoint in &self.endpoints {
            // A stream has no end, so no time limit either.
            let mut request = self.http.get(format!("{endpoint}{path}")).timeout(std::time::Duration::from_secs(u64::from(u32::MAX)));
            request = request.header("Accept", "text/event-stream");
            if let Some(token) = &self.token {
                request = request.bearer_auth(token);
            }
            match request.send().await {
                Ok(answer) if answer.status().is_success() => return Ok(Events { answer, received: Vec::new() }),
                Ok(answer) => match read(answer).await {
                    Err(error) => return Err(error),
                    Ok(_) => last = ClientError::Answer("neither events nor a problem".into()),
                },
                Err(error) => last = ClientError::Unavailable(error.to_string()),
            }
        }
        Err(last)
    }
}

impl Events {
    /// The data of the next event; `None` when the node ended the stream.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn next(&mut self) -> Result<Option<Value>, ClientError> {
        loop {
            while let Some(end) = self.received.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = self.received.drain(..end + 2).collect();
                let text = String::from_utf8_lossy(&event);
                let data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim_start).collect();
                if !data.is_empty() {
                    return serde_json::from_str(&data.join("\n")).map(Some).map_err(|error| ClientError::Answer(error.to_string()));
                }
            }
            match self.answer.chunk().await {
                Ok(Some(chunk)) => self.received.extend_from_slice(&chunk),
                Ok(None) => return Ok(None),
                Err(error) => return Err(ClientError::Unavailable(error.to_string())),
            }
        }
    }
}
