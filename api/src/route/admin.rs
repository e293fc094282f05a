//! What operators and load balancers ask a node.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Outcome;
use crate::call::Call;
use crate::edge::Edge;
use crate::error::{Code, HttpProblem};
use crate::json;

/// `GET /digest/{group}`
pub async fn digest(edge: Arc<Edge>, call: Call) -> Outcome {
    let group: u32 = call.param("group").parse().map_err(|_| HttpProblem::not_found("group"))?;
    let index = match call.asked("index") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| HttpProblem::field("?index", "invalid", "a log index"))?),
    };
    let (index, digest) = edge.backend.digest(group, index).await?;
    let body = json!({"object": "digest", "group": group, "index": index, "digest": format!("{digest:032x}")});
    Ok(json::answer(StatusCode::OK, &body))
}

/// `GET /status`
pub async fn status(edge: Arc<Edge>, _call: Call) -> Outcome {
    let node = edge.backend.status().await;
    let groups: Vec<Value> = node
        .groups
        .iter()
        .map(|group| {
            json!({
                "group": group.group, "kind": group.kind, "role": group.role, "leader": group.leader, "term": group.term,
                "applied": group.applied, "last": group.last,
            })
        })
        .collect();
    let body = json!({
        "object": "node", "node": node.node, "cluster": node.cluster, "groups": groups, "log_fsyncs": node.log_fsyncs,
        "log_bytes": node.log_bytes, "cpu_us": node.cpu_us, "search_index": node.search_index, "live_sockets": edge.limits.sockets_open(),
    });
    Ok(json::answer(StatusCode::OK, &body))
}

/// `GET /healthz`
pub async fn healthz(_edge: Arc<Edge>, _call: Call) -> Outcome {
    Ok(json::answer(StatusCode::OK, &json!({"object": "health", "status": "up"})))
}

/// `GET /readyz`
pub async fn readyz(edge: Arc<Edge>, _call: Call) -> Outcome {
    match edge.backend.ready().await {
        Ok(()) => Ok(json::answer(StatusCode::OK, &json!({"object": "readiness", "ready": true}))),
        Err(why) => Err(HttpProblem::new(Code::NotReady, why).after_ms(1_000)),
    }
}
