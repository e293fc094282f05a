//! Backups, for operators.

use std::sync::Arc;

use axum::http::StatusCode;
use boxoffice_ledger::ids::BackupId;

use super::Outcome;
use crate::backend::Freshness;
use crate::call::Call;
use crate::edge::Edge;
use crate::json::{self, BackupOut, BackupStatusOut};

/// `POST /backup`
pub async fn ask(edge: Arc<Edge>, call: Call) -> Outcome {
    let done = edge.backend.ask_backup(call.context(), call.user()?, call.write()?).await?;
    let mut response = json::written(StatusCode::ACCEPTED, &done, &BackupOut::asked(done.value));
    json::put_location(&mut response, &format!("/backup/{}", done.value));
    Ok(response)
}

/// `GET /backup`
pub async fn status(edge: Arc<Edge>, call: Call) -> Outcome {
    let found = edge.backend.backups(call.fresh(Freshness::Local)).await?;
    Ok(json::read(&found, &BackupStatusOut::new(&found.value)))
}

/// `GET /backup/{id}`
pub async fn show(edge: Arc<Edge>, call: Call) -> Outcome {
    let backup: BackupId = call.id("id", "backup")?;
    let found = edge.backend.backup(call.fresh(Freshness::Linearizable), backup).await?;
    Ok(json::read(&found, &BackupOut::new(&found.value)))
}
