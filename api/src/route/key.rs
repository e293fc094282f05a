//! Keys of programs: shown once, kept as hashes, good for the scopes they were made for. A revoked key stops to work on every
//! node within five seconds.

use std::sync::Arc;

use axum::http::StatusCode;
use boxoffice_ledger::accounts::KEY_NAME_BYTES_MAX;
use boxoffice_ledger::command::{Scope, Scopes};
use boxoffice_ledger::ids::KeyId;
use boxoffice_ledger::time::Timestamp;

use super::Outcome;
use crate::backend::{Freshness, NewKey};
use crate::call::Call;
use crate::check::Check;
use crate::edge::Edge;
use crate::json::{self, KeyBody, KeyOut};
use crate::scope;

/// `POST /key`
pub async fn create(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: KeyBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let name = check.line("/name", &body.name, KEY_NAME_BYTES_MAX);
    let mut scopes = Vec::new();
    for (place, text) in body.scopes.iter().enumerate() {
        match scope::by_name(text) {
            Some(scope) => scopes.push(scope),
            None => {
                let known = Scope::ALL.map(scope::name).join(", ");
                check.wrong(format!("/scopes/{place}"), "invalid", format!("one of {known}"));
            }
        }
    }
    if body.scopes.is_empty() {
        check.wrong("/scopes", "empty", "at least one scope");
    }
    let expires_at = body.expires_at.as_ref().map(|text| check.moment("/expires_at", text));
    if expires_at.is_some_and(|at| at != Timestamp(0) && at.0 <= edge.config.now_us()) {
        check.wrong("/expires_at", "out_of_range", "a moment to come");
    }
    check.done()?;
    let new = NewKey { name, scopes: scopes.into_iter().collect::<Scopes>(), expires_at };
    let done = edge.backend.create_key(call.context(), call.user()?, call.write()?, new).await?;
    let mut response = json::written(StatusCode::CREATED, &done, &KeyOut::made(&done.value));
    json::put_location(&mut response, "/key");
    Ok(response)
}

/// `GET /key`
pub async fn list(edge: Arc<Edge>, call: Call) -> Outcome {
    let found = edge.backend.keys(call.fresh(Freshness::Linearizable), call.user()?.user).await?;
    Ok(json::read(&found, &json::list(found.value.iter().map(KeyOut::listed).collect(), None)))
}

/// `DELETE /key/{id}`
pub async fn revoke(edge: Arc<Edge>, call: Call) -> Outcome {
    let key: KeyId = call.id("id", "key")?;
    let done = edge.backend.revoke_key(call.context(), call.user()?, key).await?;
    Ok(json::done(&done))
}
