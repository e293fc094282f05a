//! The edge as a whole: what all routes share, put together once at start.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Response};

use crate::auth::{KeyError, Tokens};
use crate::backend::{Backend, Caller, Grant};
use crate::config::ApiConfig;
use crate::cursor::Cursors;
use crate::denied::Denials;
use crate::dispatch;
use crate::idempotency::Requests;
use crate::layout::Offers;
use crate::limits::Limits;
use crate::live::Hub;
use crate::metrics::Metrics;
use crate::program::Programs;
use crate::route::site;
use crate::sheets::Sheets;
use crate::trouble::Trouble;

/// Longest request id that is taken over from a caller, in bytes.
const REQUEST_ID_BYTES_MAX: usize = 64;

/// What all routes share.
pub struct Edge {
    /// The product.
    pub backend: Arc<dyn Backend>,
    /// What it was told.
    pub config: ApiConfig,
    /// Who is calling.
    pub tokens: Tokens,
    /// Keys of programs.
    pub programs: Programs,
    /// What the page's files may load.
    pub policy: HeaderValue,
    /// Which write is which.
    pub requests: Requests,
    /// Who may ask how often.
    pub limits: Limits,
    /// Denied requests.
    pub denials: Denials,
    /// Layouts and prices by event.
    pub offers: Offers,
    /// Cursors of lists.
    pub cursors: Cursors,
    /// Pages as they were last rendered.
    pub sheets: Sheets,
    /// What is logged of failures.
    pub trouble: Trouble,
    /// Live maps.
    pub hub: Arc<Hub>,
    /// Names of requests.
    pub ids: RequestIds,
    /// What is counted.
    pub metrics: Metrics,
}

impl Edge {
    /// What an access token says; `None` if it is not good. A token that does not fit the keys as they were last looked at is
    /// checked once more with the keys as this node knows them now.
    #[must_use]
    pub fn grant_of(&self, token: &str) -> Option<Grant> {
        let now = self.config.now_us();
        self.tokens.check(token, now).or_else(|| {
            let changed = self.follow_keys();
            if changed { self.tokens.check(token, now) } else { None }
        })
    }

    /// Takes up the signing keys as this node knows them; whether they are others than before.
    pub fn follow_keys(&self) -> bool {
        self.tokens.follow(&self.backend.signing_epochs()).unwrap_or_else(|error| {
            tracing::error!(%error, "the signing keys cannot be derived");
            false
        })
    }
}

/// The edge, ready to be served.
#[derive(Clone)]
pub struct Api {
    edge: Arc<Edge>,
}

/// Why the edge cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No entropy.
    #[error("read the system's random source: {0}")]
    Random(getrandom::Error),
}

impl Api {
    /// Puts the edge together. `hub` is the one that the node's machines publish to; it is bound to `backend` here.
    ///
    /// # Errors
    /// When keys cannot be derived or the random source cannot be read.
    pub fn new(backend: Arc<dyn Backend>, config: ApiConfig, hub: Arc<Hub>) -> Result<Self, SetupError> {
        let mut process = [0_u8; 16];
        getrandom::fill(&mut process).map_err(SetupError::Random)?;
        hub.bind(Arc::clone(&backend));
        let edge = Arc::new(Edge {
            tokens: Tokens::new(&config.cluster_id, &config.secret)?,
            programs: Programs::new(&config.secret),
            policy: site::policy(&config.media_base),
            requests: Requests::new(&config.secret, process),
            limits: Limits::new(&config),
            denials: Denials::default(),
            offers: Offers::default(),
            cursors: Cursors::new(&config.secret),
            sheets: Sheets::default(),
            trouble: Trouble::default(),
            ids: RequestIds::new(process),
            metrics: Metrics::default(),
            backend,
            config,
            hub,
        });
        Ok(Self { edge })
    }

    /// Answers one request that came from this address.
    pub async fn answer(&self, request: Request, from: IpAddr) -> Response<Body> {
        dispatch::answer(&self.edge, request, from).await
    }

    /// What the routes share.
    #[must_use]
    pub fn edge(&self) -> &Arc<Edge> {
        &self.edge
    }

    /// An access token for this caller, such as the ones that a development cluster prints.
    ///
    /// # Errors
    /// When the cryptographic library refuses to sign.
    pub fn issue_token(&self, caller: Caller, ttl: Duration) -> Result<String, KeyError> {
        self.edge.tokens.issue(caller, ttl, self.edge.config.now_us())
    }
}

/// Names requests: taken over from the caller, or a prefix of this process and a counter.
pub struct RequestIds {
    prefix: String,
    next: AtomicU64,
}

impl RequestIds {
    fn new(process: [u8; 16]) -> Self {
        let prefix = process[..5].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { prefix, next: AtomicU64::new(1) }
    }

    /// The name of a request with these headers.
    pub fn take(&self, headers: &HeaderMap) -> HeaderValue {
        let usable = |value: &&HeaderValue| {
            (1..=REQUEST_ID_BYTES_MAX).contains(&value.len())
                && value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        };
        if let Some(given) = headers.get("x-request-id").filter(usable) {
            return given.clone();
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        HeaderValue::try_from(format!("{}-{number:x}", self.prefix)).unwrap_or(HeaderValue::from_static("none"))
    }
}
