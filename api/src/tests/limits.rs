//! Rates and room, as a client meets them.

use boxoffice_ledger::command::Role;

use super::fake::event_id;
use super::harness::{Edge, config};
use crate::config::{ApiConfig, Network, Rate, RateLimits};

fn tight() -> ApiConfig {
    let usual = config();
    let narrow = Rate { per_minute: 1, burst: 2 };
    ApiConfig {
        limits: RateLimits { login_account: narrow, user: narrow, address: narrow, login_address: narrow, ..usual.limits },
        ..usual
    }
}

#[tokio::test]
async fn strangers_are_slowed_down_with_a_time_to_come_back() {
    let edge = Edge::with(tight());
    edge.get("/event").await;
    edge.get("/event").await;
    let reply = edge.get("/event").await;
    assert_eq!((reply.status.as_u16(), reply.code()), (429, "rate_limited"));
    assert!(reply.header("retry-after").parse::<u64>().unwrap() > 10);
    assert_eq!(reply.header("ratelimit-policy"), "\"address\";q=1;w=60");
    assert!(reply.header("ratelimit").starts_with("\"address\";r=0;t="));
    assert_eq!(edge.get("/healthz").await.status, 200, "probes are not limited");
}

#[tokio::test]
async fn a_trusted_network_has_no_address_limit_but_its_users_have_theirs() {
    let trusted = vec![Network::parse("127.0.0.0/8").unwrap()];
    let edge = Edge::with(ApiConfig { trusted_networks: trusted, ..tight() });
    for _ in 0..10 {
        assert_eq!(edge.get("/event").await.status, 200);
    }
    let token = format!("authorization: Bearer {}", edge.token(Role::Customer, 1));
    edge.send("GET", "/event", &[&token], "").await;
    edge.send("GET", "/event", &[&token], "").await;
    let reply = edge.send("GET", "/event", &[&token], "").await;
    assert_eq!((reply.status.as_u16(), reply.header("ratelimit-policy")), (429, "\"user\";q=1;w=60"));
    let other = format!("authorization: Bearer {}", edge.token(Role::Customer, 2));
    assert_eq!(edge.send("GET", "/event", &[&other], "").await.status, 200);
}

#[tokio::test]
async fn passwords_cannot_be_guessed_fast() {
    let trusted = vec![Network::parse("127.0.0.0/8").unwrap()];
    let edge = Edge::with(ApiConfig { trusted_networks: trusted, ..tight() });
    let body = r#"{"email":"Ada@example.org","password":"wrong one"}"#;
    for _ in 0..2 {
        let reply = edge.send("POST", "/session", &[], body).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (401, "bad_credentials"));
    }
    let right = body.replace("wrong one", "correct horse").replace("Ada", " aDA");
    assert_eq!(edge.send("POST", "/session", &[], &right).await.status, 429, "the account, not the spelling, is limited");
    let unknown = edge.send("POST", "/session", &[], r#"{"email":"not an e-mail","password":"x"}"#).await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (401, "bad_credentials"));
}

#[tokio::test]
async fn no_room_is_said_at_once() {
    let edge = Edge::with(ApiConfig { requests_max: 0, ..config() });
    let reply = edge.get("/event").await;
    assert_eq!((reply.status.as_u16(), reply.code(), reply.header("retry-after")), (503, "overloaded", "1"));
    assert_eq!(edge.get("/healthz").await.status, 200);
    let edge = Edge::with(ApiConfig { sockets_max: 0, ..config() });
    let reply = edge.get(&format!("/event/{}/seat/stream", event_id())).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (503, "overloaded"));
}
