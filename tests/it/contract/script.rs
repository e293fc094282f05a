//! The part of the run that is written down: every operation is used once as it is meant, so that each has answered that all is
//! well; and the ids that come back are kept for the part that is drawn.

use std::collections::BTreeMap;

use boxoffice_ledger::command::Role;
use boxoffice_tests::cluster::Cluster;
use boxoffice_tests::http::Client;
use serde_json::Value;

use super::ask::{Ask, Talk};

/// Ids of one kind that are kept.
const POOL_MAX: usize = 12;

/// A cluster of one node, somebody of each role, and what is known of them.
pub struct Script<'t, 'r> {
    /// Where requests go.
    pub talk: &'t mut Talk<'r>,
    /// The cluster.
    pub cluster: &'t Cluster,
    /// Nobody.
    pub visitor: Client,
    /// A buyer without an account.
    pub buyer: Client,
    /// Who makes the events.
    pub coordinator: Client,
    /// Ids that came back, by prefix.
    pub pool: BTreeMap<String, Vec<String>>,
    /// The ETag of the last answer.
    pub tag: String,
}

impl<'t, 'r> Script<'t, 'r> {
    /// Before the first request.
    pub fn new(talk: &'t mut Talk<'r>, cluster: &'t Cluster) -> Self {
        Self {
            talk,
            visitor: Client::at(&cluster.url(1)),
            buyer: cluster.client(1, Role::Customer),
            coordinator: cluster.client(1, Role::Coordinator),
            cluster,
            pool: BTreeMap::new(),
            tag: String::new(),
        }
    }

    /// Uses an operation; parameters go where the document says. Null is no body.
    ///
    /// # Panics
    /// When the answer is not that all is well.
    pub async fn call(&mut self, who: &Client, id: &str, parameters: &[(&str, &str)], body: Value) -> Value {
        let operation = self.talk.rules.operation(id);
        let mut ask = Ask::new(operation);
        for (name, text) in parameters {
            let known = operation.parameters.iter().find(|parameter| parameter["name"] == *name);
            ask.put(known.unwrap_or_else(|| panic!("{id} has no parameter {name}")), text);
        }
        if !body.is_null() {
            ask.body = Some(body.to_string().into_bytes());
        }
        if id == "watchSeats" {
            let handshake = [
                ("Connection", "Upgrade"),
                ("Upgrade", "websocket"),
                ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                ("Sec-WebSocket-Protocol", "boxoffice.seat.v1"),
            ];
            ask.headers.extend(handshake.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        let answer = self.talk.tell(who, operation, &ask).await.expect("well-formed HTTP");
        let json = answer.json();
        assert!(answer.is_success(), "{id}: {} {json}", answer.status);
        self.keep(&json);
        self.tag = answer.headers.get("etag").cloned().unwrap_or_default();
        if let Some(parameter) = operation.header("If-None-Match") {
            ask.put(parameter, &self.tag);
            let again = self.talk.tell(who, operation, &ask).await.expect("well-formed HTTP");
            assert!(matches!(again.status, 200 | 304), "{id}: {}", again.status);
        }
        json
    }

    /// Keeps the ids of an answer.
    fn keep(&mut self, value: &Value) {
        match value {
            Value::String(text) if text.get(3..4) == Some("_") && matches!(text.len(), 30 | 68) => {
                let known = self.pool.entry(text[..4].to_owned()).or_default();
                if known.len() < POOL_MAX && !known.contains(text) {
                    known.push(text.clone());
                }
            }
            Value::Object(members) => members.values().for_each(|member| self.keep(member)),
            Value::Array(items) => items.iter().for_each(|item| self.keep(item)),
            _ => {}
        }
    }
}
