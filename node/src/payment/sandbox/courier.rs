//! Sends events to the webhooks, signed, until each is accepted; and decides what was undecided once its time has come.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;

use super::desk::Desk;
use super::objects;
use super::record::{Delivery, Event};
use crate::mint;
use crate::payment::signature;

/// Events under way at once.
const AT_ONCE: usize = 16;

/// How long a webhook may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(3);

/// The pause after the first failure, doubled by each further one, in milliseconds; and the longest.
const PAUSE_MS: u64 = 250;
const PAUSE_MS_MAX: u64 = 60_000;

/// An event that nobody accepted for so long is given up, in milliseconds.
const GIVE_UP_MS: u64 = 3 * 24 * 3600 * 1000;

/// How often it is looked whether the provider still plays dead.
const DOWN_PAUSE: Duration = Duration::from_millis(100);

/// How long nothing is done when nothing is due.
const IDLE: Duration = Duration::from_secs(60);

/// Where events go.
pub struct Courier {
    /// The webhooks: each try goes to the next one, so that one that is down holds nothing up.
    pub urls: Vec<String>,
    /// What events are signed with.
    pub secret: String,
    /// The HTTP client.
    pub http: reqwest::Client,
}

impl Courier {
    /// Runs for ever.
    pub async fn run(self, desk: Arc<Desk>) {
        loop {
            let (events, next_ms) = desk.due(AT_ONCE).await;
            if desk.is_down() {
                tokio::time::sleep(DOWN_PAUSE).await;
                continue;
            }
            if events.is_empty() {
                let wait = next_ms.map_or(IDLE, |next| Duration::from_millis(next.saturating_sub(mint::now_ms()).max(5)));
                let _ = tokio::time::timeout(wait.min(IDLE), desk.bell.notified()).await;
                continue;
            }
            let sent = futures::stream::iter(events).map(|event| self.deliver(event)).buffer_unordered(AT_ONCE);
            desk.delivered(sent.collect().await);
        }
    }

    async fn deliver(&self, event: Event) -> Delivery {
        let before = event.delivery;
        let now_ms = mint::now_ms();
        if self.urls.is_empty() || now_ms.saturating_sub(event.created_ms) > GIVE_UP_MS {
            return Delivery { copies: 0, ..before };
        }
        // By its number, so that the first tries of many events are spread over the webhooks.
        let place = (event.seq + u64::from(before.failures)) as usize % self.urls.len();
        if self.send(&self.urls[place], &objects::event(&event)).await {
            return Delivery { copies: before.copies - 1, failures: 0, ..before };
        }
        let pause_ms = (PAUSE_MS << before.failures.min(16)).min(PAUSE_MS_MAX);
        Delivery { failures: before.failures + 1, due_ms: mint::now_ms() + pause_ms, ..before }
    }

    async fn send(&self, url: &str, event: &Value) -> bool {
        let body = event.to_string();
        let signed = signature::sign(self.secret.as_bytes(), mint::now_ms() / 1000, body.as_bytes());
        let request = self.http.post(url).timeout(ANSWER_MAX).header("content-type", "application/json");
        let answer = request.header(signature::HEADER, signed).body(body).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}
