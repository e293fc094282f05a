//! The nodes of the cluster, for the command line.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Client, ClientError, List};

/// A node of the cluster.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // The names are the contract's.
pub struct Member {
    pub node: u64,
    pub peer: String,
    pub http: String,
    pub state: String,
    pub since: String,
    pub expires_at: Option<String>,
    pub reachable: bool,
    pub leads: u32,
    pub votes: u32,
    pub learns: u32,
    pub note: Option<String>,
}

/// What a node needs to know that joins.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // The names are the contract's.
pub struct Membership {
    pub cluster: String,
    pub node: u64,
    pub event_groups: u32,
    pub user_groups: u32,
    pub revision: u64,
    pub members: Vec<Address>,
    pub removed: Vec<u64>,
}

/// Where a node is reached by others.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // The names are the contract's.
pub struct Address {
    pub node: u64,
    pub peer: String,
}

impl Client {
    /// The nodes of the cluster, as the node that answers knows them.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn members(&self) -> Result<Vec<Member>, ClientError> {
        let list: List<Member> = understood(self.get("/cluster/member").await?)?;
        Ok(list.data)
    }

    /// Joins with the token of an invitation.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn join(&self, node: u64, token: &str, key: &str) -> Result<Membership, ClientError> {
        understood(self.post("/cluster/join", &json!({"node": node, "token": token}), key).await?)
    }

    /// Takes a node out for good.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn remove_member(&self, node: u64, key: &str) -> Result<(), ClientError> {
        self.call(Method::DELETE, &format!("/cluster/member/{node}"), None, Some(key)).await.map(drop)
    }
}

fn understood<T: for<'a> Deserialize<'a>>(value: Value) -> Result<T, ClientError> {
    serde_json::from_value(value).map_err(|error| ClientError::Answer(error.to_string()))
}
