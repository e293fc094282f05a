//! Rate limits are on by default: one address and one account get so much and no more, and are told when to come back;
//! addresses of trusted networks have no per-address limit.

use std::time::Instant;

use boxoffice_cluster_config::file::Limits;
use boxoffice_ledger::command::Role;
use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::http::Client;
use boxoffice_tests::shop::{self, Terms};
use serde_json::json;

use crate::shared::turn;

fn start(limits: Limits) -> Cluster {
    Cluster::start(Options { nodes: 1, limits, ..Options::default() }).expect("the node starts")
}

/// How many of so many quick requests are let through; every refused one says when to come back.
async fn let_through(client: &Client, path: &str, count: u32) -> u32 {
    let mut passed = 0;
    for _ in 0..count {
        let reply = client.get(path).await;
        if reply.status == 429 {
            let seconds: u64 = reply.header("retry-after").and_then(|value| value.parse().ok()).expect("Retry-After in seconds");
            assert!((1..=120).contains(&seconds), "{seconds}");
            let _ = reply.problem(429, "rate_limited");
        } else {
            passed += 1;
        }
    }
    passed
}

#[tokio::test]
async fn an_address_gets_so_much_and_no_more() {
    let _turn = turn();
    let cluster = start(Limits { address_per_minute: 60, ..Limits::default() });
    let client = Client::at(&cluster.url(1));
    let passed = let_through(&client, "/event", 600).await;
    assert!((1..600).contains(&passed), "{passed} of 600");
    // Whether the node is alive may always be asked.
    assert_eq!(client.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn trusted_addresses_have_no_limit_but_accounts_do() {
    let _turn = turn();
    let cluster =
        start(Limits { address_per_minute: 60, user_per_minute: 60, trusted_networks: vec!["127.0.0.0/8".into()], ..Limits::default() });
    assert_eq!(let_through(&Client::at(&cluster.url(1)), "/event", 600).await, 600);
    let event = shop::put_on_sale(&cluster.client(1, Role::Coordinator), &Terms::free(500)).await;
    let somebody = cluster.client(1, Role::Customer);
    let mut refused = false;
    for seat in 0..400 {
        let reply = shop::hold(&somebody, &event, &[seat]).await;
        refused = reply.status == 429;
        if refused {
            break;
        }
        assert_eq!(reply.status, 201, "{}", reply.text);
    }
    assert!(refused, "400 writes at once by one account");
    // Another account is not held up by the first.
    assert_eq!(shop::hold(&cluster.client(1, Role::Customer), &event, &[499]).await.status, 201);
}

#[tokio::test]
async fn guessing_passwords_is_slow() {
    let _turn = turn();
    let cluster = start(Limits { log_ins_per_minute: 5, ..Limits::default() });
    let client = Client::at(&cluster.url(1));
    let (since, mut refused) = (Instant::now(), 0);
    for guess in 0..20 {
        let reply = client.post("/session", &json!({"email": "ada@example.com", "password": format!("guess number {guess}")})).await;
        assert!(matches!(reply.status, 401 | 429), "{}", reply.text);
        refused += u32::from(reply.status == 429);
    }
    // One more is let through every 12 seconds.
    let refilled = u32::try_from(since.elapsed().as_secs() / 12).expect("a short time");
    assert!(refused + refilled >= 10, "{refused} of 20 guesses were held up, {refilled} were let through for the time they took");
}
