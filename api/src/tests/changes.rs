//! Following changes in lines and events, and webhooks: what is read, what is refused, what is shown once.

use std::net::Ipv4Addr;

use axum::body::Body;
use axum::http::Request;
use boxoffice_ledger::command::Role;
use futures::StreamExt;
use serde_json::{Value, json};

use super::fake::changes::webhook_id;
use super::harness::{Edge, Reply};
use crate::backend::Failure;

async fn changes(edge: &Edge, role: Role, query: &str) -> Reply {
    edge.as_role(role, "GET", &format!("/changes{query}"), "").await
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_page_is_lines_with_ids_to_go_on_from() {
    let edge = Edge::new();
    let reply = changes(&edge, Role::Coordinator, "").await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "application/x-ndjson"), "{}", reply.text);
    let all = lines(&reply.text);
    let kinds: Vec<&str> = all.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["event.published", "seat.sold", "order.confirmed", "ticket.issued", "sale.moved"]);
    assert_eq!((&all[3]["id"], &all[3]["revision"]), (&json!("chg_3_7_3"), &json!("3:7")));
    assert!(all[2]["data"].get("user").is_none(), "coordinators are not told whose things are");
    assert!(lines(&changes(&edge, Role::Operator, "").await.text)[2]["data"]["user"].is_string());
    let first = changes(&edge, Role::Coordinator, "?limit=2").await;
    assert_eq!(first.header("link"), "</changes?limit=2&after=chg_0_5_0,chg_3_7_0>; rel=\"next\"");
    let rest = changes(&edge, Role::Coordinator, "?limit=2&after=chg_0_5_0,chg_3_7_0").await;
    assert_eq!(lines(&rest.text)[0]["id"], "chg_3_7_1");
    assert_eq!(changes(&edge, Role::Coordinator, "?after=now").await.text, "");
}

#[tokio::test]
async fn what_cannot_be_asked_is_pointed_at() {
    let edge = Edge::new();
    for (query, pointer) in [
        ("?after=chg_1", "?after"),
        ("?after=chg_1_2_3,chg_1_2_4", "?after"),
        ("?group=x", "?group"),
        ("?event=evt_1", "?event"),
        ("?type=order.confirmed,order.lost", "?type"),
        ("?limit=0", "?limit"),
        ("?limit=1001", "?limit"),
        ("?follow=yes", "?follow"),
        ("?since=1", "?since"),
    ] {
        let reply = changes(&edge, Role::Coordinator, query).await;
        assert_eq!((reply.status.as_u16(), &reply.json["errors"][0]["pointer"]), (422, &json!(pointer)), "{query}");
    }
    assert!(edge.fake.writes().is_empty());
    let place = boxoffice_ledger::change::ChangeId { group: 3, index: 81, number: 0 };
    edge.fake.fail(Some(Failure::ChangesGone(vec![place])));
    let gone = changes(&edge, Role::Operator, "?after=chg_3_1_0").await;
    assert_eq!((gone.status.as_u16(), gone.code(), &gone.json["oldest"]), (410, "changes_gone", &json!(["chg_3_81_0"])));
}

#[tokio::test]
async fn who_stays_gets_events_that_resume() {
    let edge = Edge::new();
    let token = edge.token(Role::Operator, 1);
    let ask = |headers: &[(&str, &str)], path: &str| {
        let mut request = Request::builder().uri(path).header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    };
    let first = ask(&[("accept", "text/event-stream"), ("last-event-id", "chg_0_5_0,chg_3_7_1")], "/changes?after=now");
    let response = edge.api.answer(first, Ipv4Addr::LOCALHOST.into()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body().into_data_stream();
    let text = String::from_utf8(body.next().await.unwrap().unwrap().to_vec()).unwrap();
    let events: Vec<&str> = text.split_terminator("\n\n").collect();
    assert_eq!(events.len(), 2, "{text}");
    assert!(events[0].starts_with("id: chg_0_0_0,chg_3_7_3\nevent: ticket.issued\ndata: {\"id\":\"chg_3_7_3\""), "{text}");
    let stays = edge.api.answer(ask(&[], "/changes?follow=true"), Ipv4Addr::LOCALHOST.into()).await;
    let mut body = stays.into_body().into_data_stream();
    let text = String::from_utf8(body.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert_eq!(lines(&text).len(), 5);
}

#[tokio::test]
async fn a_webhook_shows_its_secret_once() {
    let edge = Edge::new();
    let path = format!("/webhook/{}", webhook_id());
    let staff = async |method: &str, path: &str, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        edge.as_role(Role::Coordinator, method, path, &body).await
    };
    let made = staff("POST", "/webhook", json!({"url": "https://shop.example/in", "types": ["order.confirmed"]})).await;
    assert_eq!((made.status.as_u16(), &made.json["secret"]), (201, &json!("whsec_x")), "{}", made.text);
    assert_eq!((made.header("location"), &made.json["all_events"]), (path.as_str(), &json!(false)));
    for reply in [staff("GET", &path, Value::Null).await, staff("PATCH", &path, json!({"active": true})).await] {
        assert_eq!((reply.status.as_u16(), reply.json.get("secret")), (200, None), "{}", reply.text);
    }
    assert_eq!(staff("GET", "/webhook", Value::Null).await.json["data"][0].get("secret"), None);
    assert_eq!(staff("POST", &format!("{path}/rotate"), Value::Null).await.json["secret"], "whsec_y");
    let tried = staff("POST", &format!("{path}/test"), Value::Null).await;
    assert_eq!((&tried.json["delivered"], &tried.json["status"]), (&json!(false), &json!(500)));
    let sent = staff("GET", &format!("{path}/delivery"), Value::Null).await;
    let line = &sent.json["data"][0];
    assert_eq!((&line["attempts"], &line["delivered"], line.get("status")), (&json!(3), &json!(false), None));
    let one = staff("POST", &format!("{path}/replay"), json!({"change": "chg_3_7_1"})).await;
    assert_eq!((&one.json["message"], &one.json["delivered"]), (&json!("chg_3_7_1"), &json!(true)));
    let all = staff("POST", &format!("{path}/replay"), json!({"after": "chg_3_7_1"})).await;
    assert_eq!((&all.json["after"], all.json.get("delivered")), (&json!("chg_3_7_1"), None));
    assert_eq!(staff("DELETE", &path, Value::Null).await.status, 204);
}

#[tokio::test]
async fn wrong_webhooks_are_pointed_at() {
    let edge = Edge::new();
    let replay = format!("/webhook/{}/replay", webhook_id());
    for (path, body, pointer) in [
        ("/webhook", json!({"url": ""}), "/url"),
        ("/webhook", json!({"url": "x".repeat(501)}), "/url"),
        ("/webhook", json!({"url": "https://a.example", "types": ["order.lost"]}), "/types/0"),
        ("/webhook", json!({"url": "https://a.example", "event": "evt_1"}), "/event"),
        ("/webhook", json!({"url": "https://a.example", "secret": "mine"}), "/secret"),
        (replay.as_str(), json!({}), "/after"),
        (replay.as_str(), json!({"after": "chg_1_1_1", "change": "chg_1_1_1"}), "/after"),
        (replay.as_str(), json!({"change": "msg_1"}), "/change"),
    ] {
        let reply = edge.as_role(Role::Coordinator, "POST", path, &body.to_string()).await;
        assert_eq!((reply.status.as_u16(), &reply.json["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}");
    }
    assert!(edge.fake.writes().is_empty(), "{:?}", edge.fake.writes());
    let other = boxoffice_ledger::ids::WebhookId(7);
    assert_eq!(edge.as_role(Role::Coordinator, "GET", &format!("/webhook/{other}"), "").await.status, 404);
}
