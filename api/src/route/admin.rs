//! What operators and load balancers ask a node; the first admin, the signing key, the audit trail.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use boxoffice_ledger::command::Role;
use boxoffice_ledger::time::Millis;

use super::Outcome;
use crate::backend::{Freshness, Measure, Trail};
use crate::call::{self, Call};
use crate::edge::Edge;
use crate::error::{Code, HttpProblem};
use crate::json::{self, AccountOut, AuditOut, ClaimBody, ClaimOut, DigestOut, HealthOut, KeySetOut, NodeOut, ReadyOut, SigningKeyOut};
use crate::metrics::CONTENT_TYPE;
use crate::route::user::{new_account, request_of};

/// How much longer than its last token a signing key is good, in milliseconds: clocks differ.
const OVERLAP_MORE_MS: u64 = 60_000;

/// `GET /admin/claim`: whether the cluster has had its first admin.
pub async fn claimed(edge: Arc<Edge>, call: Call) -> Outcome {
    let claimed = edge.backend.claimed(call.context()).await?;
    Ok(json::answer(StatusCode::OK, &ClaimOut::new(claimed)))
}

/// `POST /admin/claim`: whoever has the link that the nodes print becomes the first admin.
pub async fn claim(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: ClaimBody = json::parse(&call.body)?;
    let account = new_account(body.email, body.name, body.password)?;
    let request = request_of(&edge, &call, account.email.as_bytes())?;
    let done = edge.backend.claim(call.context(), request, &body.token, account).await?;
    Ok(json::written(StatusCode::CREATED, &done, &AccountOut::new(&done.value, Some(done.revision))))
}

/// `POST /admin/key/rotate`
pub async fn rotate_key(edge: Arc<Edge>, call: Call) -> Outcome {
    let overlap = Millis(u64::try_from(edge.config.token_ttl.as_millis()).unwrap_or(u64::MAX).saturating_add(OVERLAP_MORE_MS));
    let done = edge.backend.rotate_signing_key(call.context(), call.user()?, call.write()?, overlap).await?;
    edge.follow_keys();
    Ok(json::written(StatusCode::OK, &done, &SigningKeyOut::new(done.value)))
}

/// `GET /.well-known/jwks.json`
pub async fn public_keys(edge: Arc<Edge>, _call: Call) -> Outcome {
    edge.follow_keys();
    Ok(json::answer(StatusCode::OK, &KeySetOut::new(edge.tokens.public_keys())))
}

/// `GET /admin/audit`
pub async fn audit(edge: Arc<Edge>, call: Call) -> Outcome {
    let (limit, cursor) = call.page()?;
    let number = |text: &str, place: &'static str| {
        call::number::<u64>(text).ok_or_else(|| HttpProblem::field(place, "invalid", "a number, as answers carry it"))
    };
    let group = call.asked("group").map(|text| number(text, "?group")).transpose()?;
    let group = group.map(u32::try_from).transpose().map_err(|_| HttpProblem::not_found("group"))?;
    let after = cursor.map(|text| number(text, "?cursor")).transpose()?;
    let trail = match call.asked("trail") {
        None | Some("done") => Trail::Done,
        Some("denied") => Trail::Denied,
        Some(_) => return Err(HttpProblem::field("?trail", "invalid", "done or denied")),
    };
    let found = edge.backend.audit(call.fresh(Freshness::Linearizable), group, trail, after, limit).await?;
    let page = AuditOut::new(&found.value);
    let mut response = json::read(&found, &page);
    super::linked(&call, &mut response, page.next_cursor());
    Ok(response)
}

/// `GET /digest/{group}`
pub async fn digest(edge: Arc<Edge>, call: Call) -> Outcome {
    let group: u32 = call::number(call.param("group")).ok_or_else(|| HttpProblem::not_found("group"))?;
    let index = match call.asked("index") {
        None => None,
        Some(text) => Some(call::number(text).ok_or_else(|| HttpProblem::field("?index", "invalid", "a log index"))?),
    };
    let (index, digest) = edge.backend.digest(group, index).await?;
    Ok(json::answer(StatusCode::OK, &DigestOut::new(group, index, digest)))
}

/// `GET /status`
pub async fn status(edge: Arc<Edge>, _call: Call) -> Outcome {
    let node = edge.backend.status().await;
    Ok(json::answer(StatusCode::OK, &NodeOut::new(&node, edge.limits.sockets_open())))
}

/// `GET /metrics`: for operators, and for whoever asks from a trusted network (`limits.trusted_networks`).
pub async fn metrics(edge: Arc<Edge>, call: Call) -> Outcome {
    if !edge.limits.trusts(call.address) {
        let caller = call.user()?;
        if caller.role < Role::Operator {
            return Err(HttpProblem::new(Code::Forbidden, "Metrics are for operators."));
        }
    }
    let mut measures = edge.backend.measures();
    measures.push(Measure::gauge("live_sockets", "Live sockets and streams that are open", edge.limits.sockets_open() as f64));
    let text = edge.metrics.text(measures).map_err(|_| HttpProblem::new(Code::Internal, "The metrics cannot be written."))?;
    let mut response = json::answer_bytes(StatusCode::OK, text.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    Ok(response)
}

/// `GET /healthz`
pub async fn healthz(_edge: Arc<Edge>, _call: Call) -> Outcome {
    Ok(json::answer(StatusCode::OK, &HealthOut::default()))
}

/// `GET /readyz`
pub async fn readyz(edge: Arc<Edge>, _call: Call) -> Outcome {
    match edge.backend.ready().await {
        Ok(()) => Ok(json::answer(StatusCode::OK, &ReadyOut::default())),
        Err(why) => Err(HttpProblem::new(Code::NotReady, why).after_ms(1_000)),
    }
}
