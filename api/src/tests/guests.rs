//! Guests: a session for an e-mail, what it is good for, and what the mailed link does.

use boxoffice_ledger::command::Role;
use serde_json::json;

use super::fake::event_id;
use super::harness::Edge;

#[tokio::test]
async fn an_email_is_enough_to_book() {
    let edge = Edge::new();
    let opened = edge.send("POST", "/user/guest", &[], r#"{"email":" Gus@Example.org ","name":"Gus","refresh":true}"#).await;
    assert_eq!(opened.status, 201, "{}", opened.text);
    assert_eq!((&opened.json["user"]["role"], &opened.json["user"]["email"]), (&json!("guest"), &json!("gus@example.org")));
    assert_eq!(opened.json["refresh_token"], "refresh-1");
    let token = format!("authorization: Bearer {}", opened.json["access_token"].as_str().unwrap());
    let held = edge.send("POST", &format!("/event/{}/hold", event_id()), &[&token, "idempotency-key: k"], r#"{"seats":[1]}"#).await;
    assert_eq!(held.status, 201, "{}", held.text);
    for (method, path) in [
        ("POST", "/key"),
        ("GET", "/user/transfer"),
        ("POST", "/user/password"),
        ("POST", "/user/email"),
        ("POST", "/user/guest/hand-over"),
    ] {
        let reply = edge.send(method, path, &[&token, "idempotency-key: k"], "{}").await;
        assert_eq!((reply.status.as_u16(), reply.code()), (403, "forbidden"), "{path}");
    }
    let cookie = edge.send("POST", "/user/guest", &[], r#"{"email":"gus@example.org"}"#).await;
    assert!(cookie.json.get("refresh_token").is_none() && cookie.header("set-cookie").contains("HttpOnly"));
    let bad = edge.send("POST", "/user/guest", &[], r#"{"email":"nobody"}"#).await;
    assert_eq!(bad.json["errors"][0]["pointer"], "/email");
}

#[tokio::test]
async fn the_link_opens_claims_and_hands_over() {
    let edge = Edge::new();
    let opened = edge.send("POST", "/user/guest/open", &[], r#"{"token":"link"}"#).await;
    assert_eq!((opened.status.as_u16(), &opened.json["user"]["role"]), (201, &json!("guest")));
    let body = |token: &str| json!({"token": token, "password": "correct horse battery"}).to_string();
    let key = "idempotency-key: k";
    assert_eq!(edge.send("POST", "/user/guest/claim", &[key], &body("link")).await.status, 204);
    let taken = edge.send("POST", "/user/guest/claim", &[key], &body("taken")).await;
    assert_eq!((taken.status.as_u16(), taken.code()), (409, "email_taken"));
    let weak = edge.send("POST", "/user/guest/claim", &[key], r#"{"token":"link","password":"x"}"#).await;
    assert_eq!(weak.json["errors"][0]["pointer"], "/password");
    let gone = edge.user("POST", "/user/guest/hand-over", r#"{"token":"link"}"#).await;
    assert_eq!((gone.status.as_u16(), &gone.json["tickets"]), (200, &json!(2)));
    for path in ["/user/guest/open", "/user/guest/claim"] {
        let body = if path.ends_with("claim") { body("old") } else { r#"{"token":"old"}"#.into() };
        let reply = edge.send("POST", path, &[key], &body).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (410, "link_over"), "{path}");
    }
    assert_eq!(edge.user("POST", "/user/guest/hand-over", r#"{"token":"old"}"#).await.code(), "link_over");
}

#[tokio::test]
async fn nobody_is_made_a_guest() {
    let edge = Edge::new();
    let user = boxoffice_ledger::ids::UserId(5);
    let reply = edge.as_role(Role::Admin, "POST", &format!("/user/{user}/role"), r#"{"role":"guest"}"#).await;
    assert_eq!((reply.status.as_u16(), &reply.json["errors"][0]["pointer"]), (422, &json!("/role")));
}
