//! Plain JSON calls for preparing a run and checking it afterwards; not measured.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use super::connection::{Connection, Lost};

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Calls one node.
pub struct Client {
    address: String,
    connection: Connection,
    token: String,
    run: u64,
    calls: u64,
}

impl Client {
    /// The token that it calls with.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A client of the node at `host:port` that calls with this token. `run` keeps its keys apart from other runs'.
    #[must_use]
    pub fn new(address: String, token: String, run: u64) -> Self {
        Self { connection: Connection::new(address.clone()), address, token, run, calls: 0 }
    }

    /// Reads.
    ///
    /// # Errors
    /// When the answer is not a success.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        self.call("GET", path, None).await
    }

    /// Writes.
    ///
    /// # Errors
    /// When the answer is not a success.
    pub async fn post(&mut self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call("POST", path, Some(body)).await
    }

    /// Tries, with one key, until the answer is definite, for a while.
    async fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let body = body.map(ToString::to_string).unwrap_or_default();
        self.calls += 1;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Idempotency-Key: setup-{:x}-{}-{}\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            self.token,
            self.run,
            self.address,
            self.calls,
            body.len()
        );
        let since = Instant::now();
        loop {
            match self.connection.exchange(request.as_bytes(), PATIENCE).await {
                Ok(reply) if (200..300).contains(&reply.status) => {
                    return serde_json::from_slice(reply.body).with_context(|| format!("read the answer to {method} {path}"));
                }
                Ok(reply) if !matches!(reply.status, 429 | 503 | 504) => {
                    let text = String::from_utf8_lossy(reply.body);
                    bail!("{method} {path} at {} answered {}: {text}", self.address, reply.status);
                }
                Err(Lost::NotSent) if since.elapsed() > PATIENCE => bail!("cannot connect to {}", self.address),
                _ if since.elapsed() > PATIENCE => bail!("{method} {path} at {} has no definite answer", self.address),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}
