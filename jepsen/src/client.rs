//! One request and what its answer means for a history.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::history::Position;

/// How long one answer may take before it counts as lost.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// A caller without a connection to any node in particular.
#[derive(Clone, Debug)]
pub struct Http(reqwest::Client);

/// What came back.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A definite answer of the cluster.
    Definite(Reply),
    /// Nothing happened: ask again, perhaps elsewhere.
    Again(String),
    /// It may have happened, or may still.
    Unknown(String),
}

/// A definite answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body; null if there is none.
    pub body: Value,
    /// The commit position, or the entry as of which a read is.
    pub position: Option<Position>,
    /// Whether it is the answer to an earlier request with the same key.
    pub replayed: bool,
}

impl Reply {
    /// The code of a problem, or nothing.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// A request; a GET of nothing unless told otherwise.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// How.
    pub method: Method,
    /// Where, such as `http://127.0.0.1:7480`.
    pub base: &'a str,
    /// What.
    pub path: &'a str,
    /// Who.
    pub token: Option<&'a str>,
    /// Of a write.
    pub key: Option<&'a str>,
    /// With what.
    pub body: Option<&'a Value>,
    /// The version that is to be changed.
    pub if_match: Option<u64>,
    /// How long the answer may take; the usual time if it is not said.
    pub within: Option<Duration>,
}

/// The start of every HTTP client here. Nothing that is called speaks TLS, but the HTTP library asks for cryptography all the same.
pub fn builder() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::CryptoProvider::install_default(rustls::crypto::ring::default_provider());
    reqwest::Client::builder().no_proxy().tls_certs_only([])
}

impl Http {
    /// A caller.
    ///
    /// # Errors
    /// When the HTTP library cannot start.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self(builder().timeout(ANSWER_MAX).connect_timeout(Duration::from_secs(2)).build()?))
    }

    /// Sends a request once.
    pub async fn send(&self, request: &Request<'_>) -> Answer {
        let is_read = request.method == Method::GET;
        let mut sent = self.0.request(request.method.clone(), format!("{}{}", request.base, request.path));
        if let Some(token) = request.token {
            sent = sent.bearer_auth(token);
        }
        if let Some(key) = request.key {
            sent = sent.header("Idempotency-Key", key);
        }
        if let Some(body) = request.body {
            sent = sent.json(body);
        }
        if let Some(version) = request.if_match {
            sent = sent.header("If-Match", format!("\"{version}\""));
        }
        if let Some(within) = request.within {
            sent = sent.timeout(within);
        }
        let lost = |error: reqwest::Error| {
            let why = format!("{error}");
            if is_read || error.is_connect() { Answer::Again(why) } else { Answer::Unknown(why) }
        };
        match sent.send().await {
            Ok(answer) => read(answer).await.unwrap_or_else(lost),
            Err(error) => lost(error),
        }
    }
}

async fn read(answer: reqwest::Response) -> reqwest::Result<Answer> {
    let status = answer.status().as_u16();
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let position = header("boxoffice-revision").as_deref().and_then(Position::parse);
    let replayed = header("idempotent-replayed").as_deref() == Some("true");
    let bytes = answer.bytes().await?;
    let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let reply = Reply { status, body, position, replayed };
    let why = format!("{status} {}", reply.code());
    Ok(match (status, reply.code()) {
        (504, _) | (409, "idempotency_in_flight") => Answer::Unknown(why),
        (429 | 503, _) => Answer::Again(why),
        _ => Answer::Definite(reply),
    })
}
