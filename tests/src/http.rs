//! A small HTTP client for tests: JSON in, status, headers and JSON out, and whether a lost request may have happened.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or null if it is not JSON.
    pub body: Value,
    /// The body as text.
    pub text: String,
}

impl Reply {
    /// The body, if the status is this one.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    #[must_use]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// The body of a problem, if status and code are these.
    ///
    /// # Panics
    /// When they are others, or it is not a problem.
    #[track_caller]
    #[must_use]
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        self.body
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the answer is not definite, or says to try again later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.status, 429 | 503 | 504) || self.body["code"] == "idempotency_in_flight"
    }
}

/// A caller of one node.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    /// A caller without a name, at this base URL.
    ///
    /// # Panics
    /// When the HTTP library cannot start.
    #[must_use]
    pub fn at(base: &str) -> Self {
        Self::with_roots(base, None)
    }

    /// The same over TLS, trusting the CA in this file and no other.
    ///
    /// # Panics
    /// When the file holds no certificate, or the HTTP library cannot start.
    #[must_use]
    pub fn trusting(base: &str, ca: &Path) -> Self {
        let pem = std::fs::read(ca).expect("the CA's certificate");
        Self::with_roots(base, Some(reqwest::Certificate::from_pem(&pem).expect("a certificate")))
    }

    fn with_roots(base: &str, root: Option<reqwest::Certificate>) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(15))
            .no_proxy()
            .tls_certs_only(root)
            .build()
            .expect("the client can be built");
        Self { http, base: base.trim_end_matches('/').to_owned(), token: None }
    }

    /// The same caller at another node.
    #[must_use]
    pub fn moved_to(&self, base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), ..self.clone() }
    }

    /// As someone with this token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// A request that can be changed before it is sent.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Reply> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        Ok(Reply { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text })
    }

    /// Reads.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn try_get(&self, path: &str) -> reqwest::Result<Reply> {
        self.send(self.request("GET", path)).await
    }

    /// Writes with this Idempotency-Key.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn try_post(&self, path: &str, key: &str, body: &Value) -> reqwest::Result<Reply> {
        self.send(self.request("POST", path).header("Idempotency-Key", key).json(body)).await
    }

    /// Reads from a node that is up. Asks a second time when no answer came: the first connection may be one to a process that
    /// has been restarted since.
    ///
    /// # Panics
    /// When no answer came.
    pub async fn get(&self, path: &str) -> Reply {
        if let Ok(reply) = self.try_get(path).await {
            return reply;
        }
        self.try_get(path).await.unwrap_or_else(|error| panic!("GET {}{path}: {error:?}", self.base))
    }

    /// Writes to a node that is up, with a new key.
    ///
    /// # Panics
    /// When no answer came.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.try_post(path, &new_key(), body).await.unwrap_or_else(|error| panic!("POST {}{path}: {error:?}", self.base))
    }
}

/// An Idempotency-Key that was not used before.
#[must_use]
pub fn new_key() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
