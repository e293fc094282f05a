//! One helper touches the edge; every test touches the helper.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::{Slot, UserId};
use serde_json::Value;

use super::fake::Fake;
use crate::backend::Caller;
use crate::config::ApiConfig;
use crate::edge::Api;
use crate::live::Hub;

/// The edge over a fake backend.
pub struct Edge {
    /// The backend.
    pub fake: Arc<Fake>,
    /// The edge.
    pub api: Api,
}

/// An answer.
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; null if it has none or it is not JSON.
    pub json: Value,
    /// Its body as text.
    pub text: String,
}

impl Reply {
    /// A header, or "".
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The problem's code, or "".
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }
}

/// The usual configuration, with limits that tests do not meet by accident.
pub fn config() -> ApiConfig {
    let mut config = ApiConfig::new("test", [42; 32]);
    let wide = crate::config::Rate { per_minute: 1_000_000, burst: 100_000 };
    config.limits = crate::config::RateLimits {
        address: wide,
        user: wide,
        login_address: wide,
        login_account: wide,
        login_strangers: wide,
        mail: wide,
        promo: wide,
        promo_address: wide,
    };
    config
}

impl Edge {
    /// With the usual configuration.
    pub fn new() -> Self {
        Self::with(config())
    }

    /// With this configuration.
    pub fn with(config: ApiConfig) -> Self {
        let fake = Fake::new();
        let hub = Hub::new();
        fake.hub.get_or_init(|| Arc::clone(&hub));
        let api = Api::new(fake.clone(), config, hub).unwrap();
        Self { fake, api }
    }

    /// A token of a user of this role; `number` tells users apart.
    pub fn token(&self, role: Role, number: u128) -> String {
        let caller = Caller { user: UserId::new(5, Slot::new(1), number), role };
        self.api.issue_token(caller, Duration::from_secs(600)).unwrap()
    }

    /// Sends a request. Headers are lines `name: value`; a body is sent as JSON.
    pub async fn send(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for line in headers {
            let (name, value) = line.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        if !body.is_empty() && !headers.iter().any(|line| line.starts_with("content-type")) {
            request = request.header("content-type", "application/json");
        }
        let response = self.api.answer(request.body(Body::from(body.to_owned())).unwrap(), Ipv4Addr::LOCALHOST.into()).await;
        let (parts, body) = response.into_parts();
        let endless = parts.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let bytes = if endless { bytes::Bytes::new() } else { axum::body::to_bytes(body, usize::MAX).await.unwrap() };
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Reply { status: parts.status, headers: parts.headers, json, text: String::from_utf8_lossy(&bytes).into() }
    }

    /// As a user of this role, with a fresh key.
    pub async fn as_role(&self, role: Role, method: &str, path: &str, body: &str) -> Reply {
        let token = format!("authorization: Bearer {}", self.token(role, 1));
        let key = format!("idempotency-key: {}", self.api.edge().ids.take(&HeaderMap::new()).to_str().unwrap());
        self.send(method, path, &[&token, &key], body).await
    }

    /// As a customer.
    pub async fn user(&self, method: &str, path: &str, body: &str) -> Reply {
        self.as_role(Role::Customer, method, path, body).await
    }

    /// As a coordinator.
    pub async fn staff(&self, method: &str, path: &str, body: &str) -> Reply {
        self.as_role(Role::Coordinator, method, path, body).await
    }

    /// Without an account.
    pub async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "").await
    }
}
