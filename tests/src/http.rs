//! A small HTTP client for tests: JSON in, status, headers and JSON out, and whether a lost request may have happened.
//!
//! It does what the documentation tells a client to do: where the answer is to ask again, it asks again with the same key. So a
//! machine that stalls, or an election that nobody caused, fails no test. What begins with `try_`, and [`Client::send_once`], asks once.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use serde_json::Value;

/// How long anything may take that must happen by itself, on a busy machine with an unoptimised build.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long one answer may take. Nodes answer within seconds, but the machine may stall.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

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
        self.status == 429 || self.is_undecided()
    }

    /// Whether nothing was decided, or it is not known what: the same request with the same key may succeed at once.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        matches!(self.body["code"].as_str(), Some("no_quorum" | "overloaded" | "not_ready" | "outcome_unknown" | "request_timeout"))
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
        boxoffice_tls::install();
        let http = reqwest::Client::builder().timeout(ANSWER_MAX).no_proxy().tls_certs_only(root).build().expect("the client can be built");
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

    /// Sends a request once, whatever the answer is.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn send_once(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Reply> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        Ok(Reply { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text })
    }

    /// Sends a request to a node that is up, and the same one again while the answer is to ask again. Asks a second time when no
    /// answer came: the first connection may be one to a process that has been restarted since.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Reply> {
        let (since, mut is_lost) = (Instant::now(), false);
        loop {
            let Some(copy) = request.try_clone() else { return self.send_once(request).await };
            match self.send_once(copy).await {
                Ok(reply) if reply.is_undecided() && since.elapsed() < PATIENCE => eprintln!("asks again after: {}", reply.text),
                Err(error) if !is_lost => {
                    eprintln!("asks again after: {error:?}");
                    is_lost = true;
                }
                ended => return ended,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Reads once.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn try_get(&self, path: &str) -> reqwest::Result<Reply> {
        self.send_once(self.request("GET", path)).await
    }

    /// Writes once, with this Idempotency-Key.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn try_post(&self, path: &str, key: &str, body: &Value) -> reqwest::Result<Reply> {
        self.send_once(self.request("POST", path).header("Idempotency-Key", key).json(body)).await
    }

    /// Reads from a node that is up.
    ///
    /// # Panics
    /// When no answer came.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request("GET", path)).await.unwrap_or_else(|error| panic!("GET {}{path}: {error:?}", self.base))
    }

    /// Writes to a node that is up, with a new key.
    ///
    /// # Panics
    /// When no answer came.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_with(path, &new_key(), body).await
    }

    /// Writes to a node that is up, with this key.
    ///
    /// # Panics
    /// When no answer came.
    pub async fn post_with(&self, path: &str, key: &str, body: &Value) -> Reply {
        let request = self.request("POST", path).header("Idempotency-Key", key).json(body);
        self.send(request).await.unwrap_or_else(|error| panic!("POST {}{path}: {error:?}", self.base))
    }

    /// Writes to a node that may die before it answers: nothing then.
    pub async fn post_to_dying(&self, path: &str, key: &str, body: &Value) -> Option<Reply> {
        self.send(self.request("POST", path).header("Idempotency-Key", key).json(body)).await.ok()
    }

    /// Changes something at a node that is up, with a new key.
    ///
    /// # Panics
    /// When no answer came.
    pub async fn patch(&self, path: &str, body: &Value) -> Reply {
        let request = self.request("PATCH", path).header("Idempotency-Key", new_key()).json(body);
        self.send(request).await.unwrap_or_else(|error| panic!("PATCH {}{path}: {error:?}", self.base))
    }

    /// Deletes something at a node that is up, with a new key.
    ///
    /// # Panics
    /// When no answer came.
    pub async fn delete(&self, path: &str) -> Reply {
        let request = self.request("DELETE", path).header("Idempotency-Key", new_key());
        self.send(request).await.unwrap_or_else(|error| panic!("DELETE {}{path}: {error:?}", self.base))
    }
}

/// An Idempotency-Key that was not used before.
#[must_use]
pub fn new_key() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
