//! The nodes of the cluster: who they are, who comes and goes, who leads.

use std::sync::Arc;

use axum::http::StatusCode;
use boxoffice_ledger::time::Millis;

use super::Outcome;
use crate::backend::Freshness;
use crate::call::{self, Call};
use crate::check::Check;
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{
    self, ADDRESS_BYTES_MAX, InvitationOut, InviteBody, JoinBody, LeaderBody, LeaderOut, MemberOut, MembershipOut, TTL_DEFAULT_S, TTL_MAX_S,
};
use crate::route::user::request_of;

/// `GET /cluster/member`
pub async fn list(edge: Arc<Edge>, call: Call) -> Outcome {
    let found = edge.backend.members(call.fresh(Freshness::Local)).await?;
    Ok(json::read(&found, &json::list(found.value.iter().map(MemberOut::new).collect(), None)))
}

/// `POST /cluster/member`
pub async fn invite(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: InviteBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let peer = check.line("/peer", &body.peer, ADDRESS_BYTES_MAX);
    let has_port = |address: &str| address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if !has_port(&peer) || !is_plain(&peer) {
        check.wrong("/peer", "invalid", "write host:port");
    }
    let http = check.line("/http", &body.http, ADDRESS_BYTES_MAX);
    if !(http.starts_with("http://") || http.starts_with("https://")) || !is_plain(&http) {
        check.wrong("/http", "invalid", "write http://host:port");
    }
    let ttl_s = body.ttl_s.unwrap_or(TTL_DEFAULT_S);
    if !(1..=TTL_MAX_S).contains(&ttl_s) {
        check.wrong("/ttl_s", "out_of_range", format!("1 to {TTL_MAX_S}"));
    }
    check.done()?;
    let ttl = Millis(ttl_s * 1000);
    let done = edge.backend.invite_member(call.context(), call.user()?, call.write()?, peer, http, ttl).await?;
    Ok(json::written(StatusCode::CREATED, &done, &InvitationOut::new(&done.value)))
}

/// Printable ASCII without spaces: what every part of the cluster can read.
fn is_plain(address: &str) -> bool {
    address.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `POST /cluster/join`: whoever has the token.
pub async fn join(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: JoinBody = json::parse(&call.body)?;
    let request = request_of(&edge, &call, body.token.as_bytes())?;
    let done = edge.backend.join_cluster(call.context(), request, body.node, &body.token).await?;
    Ok(json::written(StatusCode::OK, &done, &MembershipOut::new(&done.value)))
}

/// `POST /cluster/member/{id}/drain`
pub async fn drain(edge: Arc<Edge>, call: Call) -> Outcome {
    change(edge, call, true).await
}

/// `POST /cluster/member/{id}/undrain`
pub async fn undrain(edge: Arc<Edge>, call: Call) -> Outcome {
    change(edge, call, false).await
}

async fn change(edge: Arc<Edge>, call: Call, drain: bool) -> Outcome {
    let done = edge.backend.drain_member(call.context(), call.user()?, call.write()?, node(&call)?, drain).await?;
    Ok(json::written(StatusCode::OK, &done, &MemberOut::new(&done.value)))
}

/// `DELETE /cluster/member/{id}`
pub async fn remove(edge: Arc<Edge>, call: Call) -> Outcome {
    let done = edge.backend.remove_member(call.context(), call.user()?, call.write()?, node(&call)?).await?;
    Ok(json::done(&done))
}

/// `POST /cluster/group/{group}/leader`
pub async fn lead(edge: Arc<Edge>, call: Call) -> Outcome {
    let group: u32 = call::number(call.param("group")).ok_or_else(|| HttpProblem::not_found("group"))?;
    let body: LeaderBody = json::parse(&call.body)?;
    edge.backend.move_leader(call.context(), call.user()?, group, body.node).await?;
    Ok(json::answer(StatusCode::OK, &LeaderOut::new(group, body.node)))
}

/// `POST /cluster/rebalance`
pub async fn rebalance(edge: Arc<Edge>, call: Call) -> Outcome {
    let moved = edge.backend.rebalance(call.context(), call.user()?).await?;
    let moved = moved.into_iter().map(|(group, node)| LeaderOut::new(group, node)).collect();
    Ok(json::answer(StatusCode::OK, &json::list(moved, None)))
}

fn node(call: &Call) -> Result<u64, HttpProblem> {
    call::number(call.param("id")).ok_or_else(|| HttpProblem::not_found("member"))
}
