//! One request to the provider and what kind of answer came. Logs neither the key nor what was sent.

use std::time::Duration;

use anyhow::Context;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::payment::{NoAnswer, http};

/// The version of the API that the adapter was written for.
pub const API_VERSION: &str = "2024-06-20";

/// Requests under way at once.
const AT_ONCE: usize = 192;

/// How long a request may wait for its turn.
const TURN_MAX: Duration = Duration::from_secs(5);

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;

/// An answer about the matter. Everything else (nothing came, a fault of the provider's, too many requests, a wrong key) is [`NoAnswer`].
#[derive(Debug)]
pub enum Answer {
    /// The object.
    Object {
        /// It.
        object: Value,
        /// Whether this is the first answer, stored under the same key.
        replayed: bool,
    },
    /// Refused for good.
    Refused {
        /// The decline code, else the error's.
        code: String,
        /// The object that it is about, if one exists.
        object: Option<Value>,
        /// Whether this is the first answer, stored under the same key.
        replayed: bool,
    },
    /// The idempotency key came before with other parameters.
    KeyReused,
}

/// See the module.
pub struct Wire {
    http: reqwest::Client,
    base_url: String,
    headers: HeaderMap,
    turns: Semaphore,
}

impl Wire {
    /// A client for the provider at this address.
    ///
    /// # Errors
    /// When TLS cannot be set up, or the key is no header's value.
    pub fn new(base_url: &str, key: &str) -> anyhow::Result<Self> {
        let mut secret = HeaderValue::try_from(format!("Bearer {key}")).context("use the payment provider's key")?;
        secret.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, secret),
            (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
            (HeaderName::from_static("stripe-version"), HeaderValue::from_static(API_VERSION)),
        ]);
        let base_url = base_url.trim_end_matches('/').to_owned();
        let http = http::client(std::slice::from_ref(&base_url)).context("make an HTTP client for the payment provider")?;
        Ok(Self { http, base_url, headers, turns: Semaphore::new(AT_ONCE) })
    }

    /// Reads.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer, NoAnswer> {
        let url = format!("{}{path}?{}", self.base_url, encode(query));
        self.send(path, self.http.get(url)).await
    }

    /// Writes.
    pub async fn post(&self, path: &str, key: Option<&str>, form: &[(&str, &str)]) -> Result<Answer, NoAnswer> {
        let request = self.http.post(format!("{}{path}", self.base_url)).body(encode(form));
        let request = match key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        self.send(path, request).await
    }

    async fn send(&self, path: &str, request: reqwest::RequestBuilder) -> Result<Answer, NoAnswer> {
        let turn = tokio::time::timeout(TURN_MAX, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            tracing::warn!(path, "too many requests to the payment provider are under way");
            return Err(NoAnswer);
        };
        let lost = |error: reqwest::Error| {
            tracing::warn!(path, error = %error.without_url(), "the payment provider did not answer");
            NoAnswer
        };
        let mut response = request.headers(self.headers.clone()).send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let replayed = response.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                tracing::warn!(path, status, "the payment provider's answer is too large");
                return Err(NoAnswer);
            }
            bytes.extend_from_slice(&chunk);
        }
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        sort(status, replayed, body).inspect_err(|NoAnswer| tracing::warn!(path, status, "the payment provider gave no answer of use"))
    }
}

/// What kind of answer it is.
pub fn sort(status: u16, replayed: bool, body: Value) -> Result<Answer, NoAnswer> {
    if status == 200 && body.is_object() {
        return Ok(Answer::Object { object: body, replayed });
    }
    let error = &body["error"];
    match (status, error["type"].as_str()) {
        (400, Some("idempotency_error")) => Ok(Answer::KeyReused),
        (400 | 404, Some("invalid_request_error")) | (400 | 402, Some("card_error")) => {
            let code = error["decline_code"].as_str().or(error["code"].as_str()).unwrap_or("invalid_request").to_owned();
            let object = Some(error["payment_intent"].clone()).filter(Value::is_object);
            Ok(Answer::Refused { code, object, replayed })
        }
        _ => Err(NoAnswer),
    }
}

fn encode(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
