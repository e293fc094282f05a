//! People with accounts: opening them, logging in, reading their mail. Beside `shop`, the one place of the tests that knows the
//! bodies of identity.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::http::{Client, Reply, new_key};

/// The password that everybody begins with.
pub const PASSWORD: &str = "correct horse battery";

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct Person {
    /// The address.
    pub email: String,
    /// The account's id.
    pub id: String,
}

/// An address that nobody has.
#[must_use]
pub fn new_email(name: &str) -> String {
    format!("{name}-{}@example.com", new_key())
}

/// Opens an account.
pub async fn register(client: &Client, name: &str) -> Person {
    let email = new_email(name);
    let account = client.post("/user", &json!({"email": email, "name": name, "password": PASSWORD})).await.expect(201);
    Person { id: crate::shop::id(&account), email }
}

/// Logs in, keeping the refresh token.
pub async fn log_in(client: &Client, email: &str, password: &str) -> Reply {
    client.post("/session", &json!({"email": email, "password": password, "refresh": true})).await
}

/// The client as the person who just logged in.
///
/// # Panics
/// When the answer has no access token.
#[must_use]
pub fn as_person(client: &Client, session: &Value) -> Client {
    client.with_token(session["access_token"].as_str().unwrap_or_else(|| panic!("no token in {session}")))
}

/// Exchanges a refresh token.
pub async fn refresh(client: &Client, session: &Value) -> Reply {
    client.post("/session/refresh", &json!({"refresh_token": session["refresh_token"]})).await
}

/// The token of the link in the newest letter to an address; `kind` is the word before it.
///
/// # Panics
/// When there is no letter with such a link.
pub async fn link(cluster: &Cluster, address: &str, kind: &str) -> String {
    let letter = cluster.letter_to(address).await.unwrap_or_else(|error| panic!("{error}"));
    token(&letter, kind).unwrap_or_else(|| panic!("no link to {kind} in {letter}"))
}

/// The token of the first link of this kind in a text.
#[must_use]
pub fn token(text: &str, kind: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("/#/{kind}/"))?;
    Some(rest.split_whitespace().next()?.to_owned())
}
