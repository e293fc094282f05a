//! "Log in": accounts are opened and logged in at any node, and passwords are never shown.

use std::time::Duration;

use boxoffice_ledger::command::Role;
use boxoffice_tests::http::{Client, new_key};
use boxoffice_tests::shop;
use serde_json::json;

use crate::shared::cluster;

#[tokio::test]
async fn an_account_opened_at_one_node_logs_in_at_another() {
    let email = format!("ada-{}@example.com", new_key());
    let body = json!({"email": email, "name": "Ada", "password": "correct horse battery"});
    let opened = Client::at(&cluster().url(1)).post("/user", &body).await;
    assert!(!opened.text.contains("battery") && !opened.text.contains("argon2"), "{}", opened.text);
    let account = opened.expect(201);
    assert_eq!(account["role"], "customer");
    for node in 1..=3 {
        let client = Client::at(&cluster().url(node));
        let session = client.post("/session", &json!({"email": email, "password": "correct horse battery"})).await;
        assert!(matches!(session.status, 200 | 201), "{}", session.text);
        let token = session.body["access_token"].as_str().expect("a token").to_owned();
        let me = shop::eventually("the account", Duration::from_secs(5), async || {
            Some(client.with_token(&token).get("/user").await).filter(|reply| reply.status == 200)
        })
        .await;
        assert_eq!((&me.body["id"], &me.body["email"]), (&account["id"], &email.as_str().into()));
    }
    let client = Client::at(&cluster().url(2));
    let wrong = client.post("/session", &json!({"email": email, "password": "wrong horse battery"})).await;
    let nobody = client.post("/session", &json!({"email": "nobody@example.com", "password": "wrong horse battery"})).await;
    assert_eq!((wrong.status, &wrong.body["code"], &wrong.body["detail"]), (401, &nobody.body["code"], &nobody.body["detail"]));
    let again = Client::at(&cluster().url(3)).post("/user", &body).await;
    let _ = again.problem(409, "email_taken");
}

#[tokio::test]
async fn a_token_is_checked() {
    let good = cluster().someone(Role::Customer).token;
    let client = Client::at(&cluster().url(1));
    let mut forged = good.clone();
    let middle = forged.len() / 2;
    let letter = if forged.as_bytes()[middle] == b'A' { "B" } else { "A" };
    forged.replace_range(middle..=middle, letter);
    for token in [forged.as_str(), "", "nonsense", &good[..good.len() - 3]] {
        let reply = client.with_token(token).get("/user/ticket").await;
        assert_eq!(reply.status, 401, "{token}: {}", reply.text);
    }
    assert_eq!(client.with_token(&good).get("/user/ticket").await.status, 200);
}

#[tokio::test]
async fn the_token_command_speaks_for_a_role() {
    for (role, status) in [("coordinator", 422), ("operator", 422), ("customer", 403)] {
        let output = std::process::Command::new(boxoffice_tests::binary::boxoffice())
            .args(["token", "--role", role, "--config"])
            .arg(cluster().config(2))
            .output()
            .expect("the command runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let token = String::from_utf8(output.stdout).expect("text");
        // An empty event is invalid for those who may create one, and forbidden for those who may not.
        let reply = Client::at(&cluster().url(1)).with_token(token.trim()).post("/event", &json!({})).await;
        assert_eq!(reply.status, status, "{role}: {}", reply.text);
    }
}
