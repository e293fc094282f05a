//! The call: bounded in time, in what is read of the answer, and in how many there are at once; no redirect is followed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::address::{check_url, is_public};

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// How long a whole call may take.
const CALL_MAX: Duration = Duration::from_secs(5);
/// Calls of this node at once.
const AT_ONCE: usize = 32;
/// What is read of an answer, so that its connection can be used again; of a longer one the connection is closed.
const ANSWER_BYTES_MAX: usize = 4096;

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The HTTP status; 0 without an answer.
    pub status: u16,
    /// What was wrong; empty = it was taken.
    pub error: String,
}

impl Sent {
    /// Whether the message was taken.
    pub fn is_taken(&self) -> bool {
        self.error.is_empty()
    }
}

/// Who calls. See the module.
pub struct Courier {
    http: reqwest::Client,
    allow_private: bool,
    room: Semaphore,
}

impl Courier {
    /// A courier that calls private addresses only if that is allowed.
    ///
    /// # Errors
    /// When the HTTP library cannot start.
    pub fn new(allow_private: bool) -> reqwest::Result<Self> {
        let builder = || {
            let builder = boxoffice_api::client::http().connect_timeout(CONNECT_MAX).timeout(CALL_MAX).no_proxy();
            let builder = builder.redirect(reqwest::redirect::Policy::none()).user_agent("boxoffice");
            if allow_private { builder } else { builder.dns_resolver(Arc::new(PublicOnly)) }
        };
        let http = builder().build().or_else(|error| {
            // Without root certificates no https address can be called, but the node runs.
            tracing::warn!(%error, "webhooks at https addresses cannot be called on this machine");
            builder().tls_certs_only([]).build()
        })?;
        Ok(Self { http, allow_private, room: Semaphore::new(AT_ONCE) })
    }

    /// Whether private addresses may be called.
    pub fn allows_private(&self) -> bool {
        self.allow_private
    }

    /// Sends a message.
    pub async fn send(&self, url: &str, id: &str, at_s: u64, signature: &str, body: Vec<u8>) -> Sent {
        let lost = |error: &str| Sent { status: 0, error: error.into() };
        // The configuration may have changed since the address was taken.
        let Ok(url) = check_url(url, self.allow_private) else { return lost("the address may not be called") };
        let Ok(_room) = self.room.acquire().await else { return lost("the node is going away") };
        let request = self.http.post(url).header("content-type", "application/json").header("webhook-id", id);
        let request = request.header("webhook-timestamp", at_s).header("webhook-signature", signature).body(body);
        match request.send().await {
            Ok(mut answer) => {
                let status = answer.status();
                let mut read = 0;
                while let Ok(Some(piece)) = answer.chunk().await {
                    read += piece.len();
                    if read > ANSWER_BYTES_MAX {
                        break;
                    }
                }
                let error = if status.is_success() { String::new() } else { format!("it answered {}", status.as_u16()) };
                Sent { status: status.as_u16(), error }
            }
            Err(error) if error.is_timeout() => lost("no answer in time"),
            Err(error) if error.is_connect() => lost("no connection"),
            Err(_) => lost("the connection broke"),
        }
    }
}

/// Looks names up, and gives only public addresses: what is checked is what is called.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.filter(|found| is_public(found.ip())).collect();
            if found.is_empty() {
                return Err("the name has no public address".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_called() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let courier = Courier::new(false).unwrap();
        let resolved = PublicOnly.resolve("localhost".parse().unwrap()).await;
        assert!(resolved.is_err());
        for url in [format!("https://localhost:{port}/"), format!("https://127.0.0.1:{port}/"), format!("http://127.0.0.1:{port}/")] {
            let sent = courier.send(&url, "m", 1, "v1,x", Vec::new()).await;
            assert_eq!(sent, Sent { status: 0, error: "the address may not be called".into() }, "{url}");
        }
    }
}
