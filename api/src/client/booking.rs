//! The buyer's and the operator's calls, typed.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::types::{Digest, Event, Hold, List, Node, Order, Paid, SeatMap, Session, Ticket, User};
use super::{Client, ClientError};

impl Client {
    /// Opens an account.
    ///
    /// # Errors
    /// `email_taken` among others; see [`ClientError`].
    pub async fn register(&self, email: &str, name: &str, password: &str, key: &str) -> Result<User, ClientError> {
        typed(self.post("/user", &json!({"email": email, "name": name, "password": password}), key).await?)
    }

    /// Logs in; use the token with [`Client::with_token`].
    ///
    /// # Errors
    /// `bad_credentials` among others; see [`ClientError`].
    pub async fn log_in(&self, email: &str, password: &str) -> Result<Session, ClientError> {
        typed(self.post("/session", &json!({"email": email, "password": password}), "log in").await?)
    }

    /// Events, most popular first; `query` such as `city=Berlin&limit=10`, or empty.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn events(&self, query: &str) -> Result<List<Event>, ClientError> {
        typed(self.get(&format!("/event?{query}")).await?)
    }

    /// Events found by words.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn search(&self, words: &str) -> Result<List<Event>, ClientError> {
        typed(self.get(&format!("/event/search/{}", percent(words))).await?)
    }

    /// One event.
    ///
    /// # Errors
    /// `not_found` among others; see [`ClientError`].
    pub async fn event(&self, event: &str) -> Result<Event, ClientError> {
        typed(self.get(&format!("/event/{event}")).await?)
    }

    /// The seats of an event.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn seats(&self, event: &str) -> Result<SeatMap, ClientError> {
        typed(self.get(&format!("/event/{event}/seat")).await?)
    }

    /// Holds these seats, by index.
    ///
    /// # Errors
    /// `seat_unavailable` among others; see [`ClientError`].
    pub async fn hold(&self, event: &str, seats: &[u32], key: &str) -> Result<Hold, ClientError> {
        typed(self.post(&format!("/event/{event}/hold"), &json!({"seats": seats}), key).await?)
    }

    /// Holds the best seats that are free.
    ///
    /// # Errors
    /// `nothing_fits` among others; see [`ClientError`].
    pub async fn hold_best(&self, event: &str, quantity: u32, key: &str) -> Result<Hold, ClientError> {
        typed(self.post(&format!("/event/{event}/hold"), &json!({"best": {"quantity": quantity}}), key).await?)
    }

    /// A hold.
    ///
    /// # Errors
    /// `not_found` among others; see [`ClientError`].
    pub async fn get_hold(&self, event: &str, hold: &str) -> Result<Hold, ClientError> {
        typed(self.get(&format!("/event/{event}/hold/{hold}")).await?)
    }

    /// Lengthens a hold.
    ///
    /// # Errors
    /// `too_soon` among others; see [`ClientError`].
    pub async fn extend(&self, event: &str, hold: &str, key: &str) -> Result<Hold, ClientError> {
        typed(self.post(&format!("/event/{event}/hold/{hold}/extend"), &json!({}), key).await?)
    }

    /// Gives a hold back.
    ///
    /// # Errors
    /// `hold_ended` among others; see [`ClientError`].
    pub async fn release(&self, event: &str, hold: &str, key: &str) -> Result<(), ClientError> {
        let path = format!("/event/{event}/hold/{hold}");
        self.call(reqwest::Method::DELETE, &path, None, Some(key)).await.map(drop)
    }

    /// Pays a hold with a token of the payment provider.
    ///
    /// # Errors
    /// `payment_declined` among others; see [`ClientError`].
    pub async fn pay(&self, event: &str, hold: &str, method: &str, key: &str) -> Result<Paid, ClientError> {
        typed(self.post(&format!("/event/{event}/hold/{hold}/pay"), &json!({"payment_method": method}), key).await?)
    }

    /// An order.
    ///
    /// # Errors
    /// `not_found` among others; see [`ClientError`].
    pub async fn order(&self, order: &str) -> Result<Order, ClientError> {
        typed(self.get(&format!("/order/{order}")).await?)
    }

    /// The caller's tickets; `query` such as `limit=100&cursor=...`, or empty.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn tickets(&self, query: &str) -> Result<List<Ticket>, ClientError> {
        typed(self.get(&format!("/user/ticket?{query}")).await?)
    }

    /// One ticket.
    ///
    /// # Errors
    /// `not_found` among others; see [`ClientError`].
    pub async fn ticket(&self, ticket: &str) -> Result<Ticket, ClientError> {
        typed(self.get(&format!("/user/ticket/{ticket}")).await?)
    }

    /// Changes an account's role (operators).
    ///
    /// # Errors
    /// `forbidden` among others; see [`ClientError`].
    pub async fn set_role(&self, user: &str, role: &str, key: &str) -> Result<User, ClientError> {
        typed(self.post(&format!("/user/{user}/role"), &json!({"role": role}), key).await?)
    }

    /// The digest of a node's replica of a group (operators). Meant for a client of that one endpoint.
    ///
    /// # Errors
    /// `not_found` when the index is not in the ring any more, among others; see [`ClientError`].
    pub async fn digest(&self, group: u32, index: Option<u64>) -> Result<Digest, ClientError> {
        let query = index.map(|index| format!("?index={index}")).unwrap_or_default();
        typed(self.get(&format!("/digest/{group}{query}")).await?)
    }

    /// How a node stands (operators). Meant for a client of that one endpoint.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn status(&self) -> Result<Node, ClientError> {
        typed(self.get("/status").await?)
    }
}

pub(super) fn typed<T: DeserializeOwned>(answer: Value) -> Result<T, ClientError> {
    serde_json::from_value(answer).map_err(|error| ClientError::Answer(error.to_string()))
}

/// A path segment, percent-encoded.
pub(super) fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
