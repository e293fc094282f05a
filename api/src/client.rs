//! A typed client of this API: for the command line and for tests. Not for load: the generator has a lighter one.
//!
//! A write carries one idempotency key through all its tries, so that trying again is safe: on another endpoint when one cannot be
//! reached or has no quorum, on the same terms when the outcome is unknown.

mod booking;
mod inspection;
mod nodes;
mod prices;
mod stream;
mod types;

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub use crate::json::{check_value, entry_value};
pub use nodes::{Member, Membership};
pub use prices::{LevelPrice, Prices, read_moment, read_policy};
pub use stream::Events;
pub use types::{
    Digest, Event, Finding, Group, GroupCheck, Hold, List, Money, Node, Order, Paid, Sale, Seat, SeatMap, SectionCount, Session, Ticket,
    User,
};

/// Tries of one call over all endpoints.
const TRIES: usize = 8;

/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// Longest wait for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// A client of one cluster.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    endpoints: Vec<String>,
    token: Option<String>,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The cluster said no. Nothing happened.
    #[error("{detail} ({code}, HTTP {status}, request {request_id})")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The stable code of the problem.
        code: String,
        /// What is wrong, in words.
        detail: String,
        /// For finding the request in logs.
        request_id: String,
        /// The whole problem object.
        problem: Value,
    },
    /// No endpoint could serve the call. Nothing happened.
    #[error("no endpoint could serve the call: {0}")]
    Unavailable(String),
    /// The call may or may not have happened.
    #[error("the outcome is unknown: it may have happened; retry with the same key")]
    Unknown,
    /// The answer is not what this client understands.
    #[error("the answer is not understood: {0}")]
    Answer(String),
}

/// What is needed to create an event.
#[derive(Clone, Debug)]
pub struct EventOrder {
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Such as "sport".
    pub category: String,
    /// Id of the venue.
    pub venue: String,
    /// Ids of the performers.
    pub performers: Vec<String>,
    /// When it begins, microseconds since the Unix epoch.
    pub starts_at_us: u64,
    /// ISO 4217.
    pub currency: String,
    /// One price a level of the plan, in minor units.
    pub prices: Vec<u64>,
    /// How prices move, by level, as the API reads it; none = all fixed.
    pub pricing: Vec<Value>,
    /// Most tickets of one account; 0 = no limit.
    pub per_user_limit: u32,
}

/// An event that was created.
#[derive(Clone, Debug)]
pub struct CreatedEvent {
    /// Its id.
    pub id: String,
    /// Whether it can be held already.
    pub on_sale: bool,
}

/// A venue with its plan.
#[derive(Clone, Debug)]
pub struct VenuePlan {
    /// How many people it holds.
    pub capacity: u64,
    /// How many price levels its plan has.
    pub levels: usize,
}

/// The start of every HTTP client here and in the tests: the HTTP library comes without cryptography and takes what the process has.
pub fn http() -> reqwest::ClientBuilder {
    boxoffice_tls::install();
    reqwest::Client::builder()
}

impl Client {
    /// A client for these base URLs, the first one preferred.
    ///
    /// # Errors
    /// When there is no endpoint, or no HTTP client can be made.
    pub fn new(endpoints: Vec<String>, token: Option<String>) -> Result<Self, ClientError> {
        if endpoints.is_empty() {
            return Err(ClientError::Unavailable("no endpoint was given".into()));
        }
        let http = http().timeout(ANSWER_MAX);
        // Root certificates are loaded only where one is needed.
        let http = if endpoints.iter().any(|url| url.starts_with("https://")) { http } else { http.tls_certs_only([]) };
        let http = http.build().map_err(|error| ClientError::Unavailable(error.to_string()))?;
        let endpoints = endpoints.into_iter().map(|url| url.trim_end_matches('/').to_owned()).collect();
        Ok(Self { http, endpoints, token })
    }

    /// The same client, speaking for the holder of this access token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Whether the first endpoint says that it is ready. One try.
    pub async fn is_ready(&self) -> bool {
        let answer = self.http.get(format!("{}/readyz", self.endpoints[0])).timeout(Duration::from_secs(2)).send().await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    /// Reads a path.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.call(Method::GET, path, None, None).await
    }

    /// Writes to a path under an idempotency key.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn post(&self, path: &str, body: &Value, key: &str) -> Result<Value, ClientError> {
        self.call(Method::POST, path, Some(body.to_string().into_bytes()), Some(key)).await
    }

    /// Creates a performer and gives its id.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn create_performer(&self, name: &str, genre: &str, key: &str) -> Result<String, ClientError> {
        id_of(&self.post("/performer", &json!({"name": name, "genre": genre}), key).await?)
    }

    /// Creates a venue and gives its id.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn create_venue(&self, name: &str, city: &str, country: &str, time_zone: &str, key: &str) -> Result<String, ClientError> {
        let body = json!({"name": name, "city": city, "country": country, "time_zone": time_zone});
        id_of(&self.post("/venue", &body, key).await?)
    }

    /// Uploads a seating plan in any format that the API reads; `fix` as in `?fix=`.
    ///
    /// # Errors
    /// See [`ClientError`]; a refused plan lists everything that is wrong with it.
    pub async fn upload_plan(&self, venue: &str, plan: Vec<u8>, fix: Option<&str>, key: &str) -> Result<VenuePlan, ClientError> {
        let path = match fix {
            Some(fix) => format!("/venue/{venue}/plan?fix={fix}"),
            None => format!("/venue/{venue}/plan"),
        };
        let answer = self.call(Method::POST, &path, Some(plan), Some(key)).await?;
        let layout = text_of(&answer, "layout")?;
        let levels = self.get(&format!("/layout/{layout}")).await?["levels"].as_array().map_or(0, Vec::len);
        let capacity = answer["capacity"].as_u64().unwrap_or(0);
        Ok(VenuePlan { capacity, levels })
    }

    /// Orders a stadium bowl of an exact capacity as a venue's plan.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn order_bowl(&self, venue: &str, name: &str, capacity: u32, key: &str) -> Result<VenuePlan, ClientError> {
        let order = json!({"bowl": {"name": name, "capacity": capacity}});
        self.upload_plan(venue, order.to_string().into_bytes(), None, key).await
    }

    /// Creates an event; it is published and on sale unless its prices or dates say otherwise.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn create_event(&self, event: &EventOrder, key: &str) -> Result<CreatedEvent, ClientError> {
        let starts_at = i64::try_from(event.starts_at_us).ok().and_then(|us| jiff::Timestamp::from_microsecond(us).ok());
        let body = json!({
            "name": event.name,
            "description": event.description,
            "category": event.category,
            "venue": event.venue,
            "performers": event.performers,
            "starts_at": starts_at.map(|at| at.to_string()),
            "currency": event.currency,
            "prices": event.prices,
            "pricing": event.pricing,
            "per_user_limit": event.per_user_limit,
        });
        let answer = self.post("/event", &body, key).await?;
        Ok(CreatedEvent { id: id_of(&answer)?, on_sale: answer["sale"]["state"] == "on_sale" })
    }

    async fn call(&self, method: Method, path: &str, body: Option<Vec<u8>>, key: Option<&str>) -> Result<Value, ClientError> {
        let mut last = ClientError::Unavailable("no endpoint answered".into());
        let mut unknown = false;
        for number in 0..TRIES {
            if number > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let endpoint = &self.endpoints[number % self.endpoints.len()];
            let mut request = self.http.request(method.clone(), format!("{endpoint}{path}"));
            if let Some(token) = &self.token {
                request = request.bearer_auth(token);
            }
            if let Some(key) = key {
                request = request.header("Idempotency-Key", key);
            }
            if let Some(body) = &body {
                request = request.header("Content-Type", "application/json").body(body.clone());
            }
            last = match request.send().await {
                Ok(answer) => match read(answer).await {
                    Err(error) if error.is_worth_another_try() => error,
                    settled => return settled,
                },
                Err(error) if error.is_connect() => ClientError::Unavailable(error.to_string()),
                Err(_) if method == Method::GET => ClientError::Unavailable("the answer was lost".into()),
                Err(_) => ClientError::Unknown,
            };
            unknown |= matches!(last, ClientError::Unknown);
        }
        // What an earlier try may have done stays unknown, whatever a later one could not even begin.
        Err(if unknown { ClientError::Unknown } else { last })
    }
}

impl ClientError {
    fn is_worth_another_try(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 429 | 503),
            Self::Unknown => true,
            Self::Unavailable(_) | Self::Answer(_) => false,
        }
    }
}

async fn read(answer: reqwest::Response) -> Result<Value, ClientError> {
    let status = answer.status();
    let lines = answer.headers().get("content-type").is_some_and(|media| media == "application/x-ndjson");
    let bytes = answer.bytes().await.map_err(|_| ClientError::Unknown)?;
    if status == StatusCode::GATEWAY_TIMEOUT {
        return Err(ClientError::Unknown);
    }
    let value: Value = if bytes.is_empty() && lines {
        Value::Array(Vec::new())
    } else if bytes.is_empty() {
        Value::Null
    } else if lines {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(serde_json::from_slice);
        lines.collect::<Result<Vec<Value>, _>>().map(Value::Array).map_err(|error| ClientError::Answer(error.to_string()))?
    } else {
        serde_json::from_slice(&bytes).map_err(|error| ClientError::Answer(format!("HTTP {status}: {error}")))?
    };
    if status.is_success() {
        return Ok(value);
    }
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let mut detail = text("detail");
    for error in value["errors"].as_array().into_iter().flatten().take(20) {
        detail.push_str(&format!("\n  {}: {}", error["pointer"].as_str().unwrap_or(""), error["detail"].as_str().unwrap_or("")));
    }
    Err(ClientError::Refused { status: status.as_u16(), code: text("code"), detail, request_id: text("request_id"), problem: value })
}

fn id_of(answer: &Value) -> Result<String, ClientError> {
    text_of(answer, "id")
}

fn text_of(answer: &Value, field: &str) -> Result<String, ClientError> {
    answer[field].as_str().map(str::to_owned).ok_or_else(|| ClientError::Answer(format!("there is no field {field}")))
}

/// A text as JSON, for the few lines of JSON that commands print themselves.
#[must_use]
pub fn json_text(text: &str) -> String {
    Value::from(text).to_string()
}
