//! Prepares a run: who calls (tokens made from the cluster's secret, so that password hashing is not in the measurement), and
//! the house and the event that are sold.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use boxoffice_api::auth::Tokens;
use boxoffice_api::backend::Caller;
use boxoffice_cluster_config::file::Config;
use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::UserId;
use serde_json::json;

use super::client::Client;
use super::house;
use super::load::Buyer;
use crate::{mint, secret};

/// How long the run's tokens live.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 3600);

/// A cluster as the load generator needs it: where it is, and the right to speak for anyone.
pub struct Cluster {
    /// `host:port` of each node.
    pub endpoints: Vec<String>,
    tokens: Tokens,
}

impl Cluster {
    /// From a node's configuration file. `endpoints` replaces the members' addresses when it is not empty.
    ///
    /// # Errors
    /// When the configuration or the secret cannot be read.
    pub fn open(config: &Path, endpoints: &[String]) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(config).with_context(|| format!("read {}", config.display()))?;
        let config = Config::parse(&text)?;
        let secret = secret::read(&config.secret_file)?;
        let members = config.members.iter().map(|member| member.http.clone());
        let urls: Vec<String> = if endpoints.is_empty() { members.collect() } else { endpoints.to_vec() };
        let endpoints = urls.iter().map(|url| host_and_port(url)).collect::<anyhow::Result<_>>()?;
        Ok(Self { endpoints, tokens: Tokens::new(&config.cluster.0, &secret)? })
    }

    /// A token of a new account id with this role. The account itself need not exist to book.
    ///
    /// # Errors
    /// When signing fails.
    pub fn buyer(&self, role: Role) -> anyhow::Result<Buyer> {
        let user = UserId::new(mint::now_ms(), mint::random_slot(), mint::entropy());
        self.token(user, role).map(|token| Buyer { user: user.to_string(), token })
    }

    /// A token of an account id.
    ///
    /// # Errors
    /// When signing fails.
    pub fn token(&self, user: UserId, role: Role) -> anyhow::Result<String> {
        Ok(self.tokens.issue(Caller { user, role }, TOKEN_LIFE, mint::now_ms() * 1000)?)
    }
}

/// Creates a venue of so many seats and an event there, on sale; gives the event's id.
///
/// # Errors
/// When a call fails.
pub async fn put_on_sale(client: &mut Client, seats: u32, price: u64) -> anyhow::Result<String> {
    put_on_sale_with(client, seats, price, serde_json::Value::Null).await
}

/// The same with further fields of the event.
///
/// # Errors
/// When a call fails.
pub async fn put_on_sale_with(client: &mut Client, seats: u32, price: u64, more: serde_json::Value) -> anyhow::Result<String> {
    make(client, seats, price, "2031-01-01T19:00:00Z", more).await
}

/// The same for an event that starts then (RFC 3339).
///
/// # Errors
/// When a call fails.
pub async fn put_on_sale_at(client: &mut Client, seats: u32, price: u64, starts_at: &str) -> anyhow::Result<String> {
    make(client, seats, price, starts_at, serde_json::Value::Null).await
}

async fn make(client: &mut Client, seats: u32, price: u64, starts_at: &str, more: serde_json::Value) -> anyhow::Result<String> {
    let venue = json!({"name": "Bench hall", "city": "Testville", "country": "DE", "time_zone": "Europe/Berlin"});
    let venue = client.post("/venue", &venue).await?;
    let venue = venue["id"].as_str().context("the venue has no id")?;
    client.post(&format!("/venue/{venue}/plan"), &house::plan(seats)).await?;
    let mut event = json!({
        "name": format!("Bench, {seats} seats"),
        "category": "bench",
        "venue": venue,
        "starts_at": starts_at,
        "currency": "EUR",
        "prices": [price],
        "per_user_limit": 0,
        "lapses_max": 0,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    let event = client.post("/event", &event).await?;
    Ok(event["id"].as_str().context("the event has no id")?.to_owned())
}

/// `host:port` of an address such as `http://host:port/`.
fn host_and_port(url: &str) -> anyhow::Result<String> {
    let address = url.strip_prefix("http://").with_context(|| format!("{url}: write http://host:port"))?;
    Ok(address.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_scheme() {
        assert_eq!(host_and_port("http://127.0.0.1:80/").unwrap(), "127.0.0.1:80");
        assert!(host_and_port("127.0.0.1:80").is_err());
    }
}
