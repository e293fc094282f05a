//! What operators ask of one node. Meant for a client of that one endpoint.

use serde_json::Value;

use super::booking::typed;
use super::types::GroupCheck;
use super::{Client, ClientError, read};

impl Client {
    /// What is found in the node's copy of a group.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn check_group(&self, group: u32) -> Result<GroupCheck, ClientError> {
        typed(self.get(&format!("/check/{group}")).await?)
    }

    /// A page of a group's log, as the API gives it.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn log_page(&self, group: u32, from: u64, limit: usize) -> Result<Value, ClientError> {
        self.get(&format!("/log/{group}?from={from}&limit={limit}")).await
    }

    /// A node's metrics, as Prometheus reads them. One try, at the first endpoint.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn metrics(&self) -> Result<String, ClientError> {
        let mut request = self.http.get(format!("{}/metrics", self.endpoints[0]));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.map_err(|error| ClientError::Unavailable(error.to_string()))?;
        if !answer.status().is_success() {
            return Err(match read(answer).await {
                Err(error) => error,
                Ok(_) => ClientError::Answer("neither metrics nor a problem".into()),
            });
        }
        answer.text().await.map_err(|error| ClientError::Unavailable(error.to_string()))
    }
}
