//! Gates and transfers: the requests they make, and what each answer says.

use axum::http::StatusCode;
use serde_json::json;

use super::fake::event_id;
use super::harness::Edge;

async fn ticket(edge: &Edge) -> String {
    edge.user("GET", "/user/ticket", "").await.json["data"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_ticket_is_shown_with_its_code_and_drawn() {
    let edge = Edge::new();
    let id = ticket(&edge).await;
    assert_eq!(edge.user("GET", &format!("/user/ticket/{id}"), "").await.json["code"], "CODE");
    for (ending, kind) in [("svg", "image/svg+xml"), ("pdf", "application/pdf")] {
        let drawn = edge.user("GET", &format!("/user/ticket/{id}.{ending}"), "").await;
        assert_eq!((drawn.status, drawn.text.as_str(), drawn.header("content-type")), (StatusCode::OK, "drawn", kind));
        assert_eq!(drawn.header("cache-control"), "private, no-store");
        assert_eq!(drawn.header("content-disposition"), format!("inline; filename=\"{id}.{ending}\""));
        assert_eq!(drawn.header("content-security-policy"), "default-src 'none'; sandbox");
        assert_eq!(drawn.header("x-content-type-options"), "nosniff");
    }
    for bad in ["x.svg", "tkt_1.pdf", ".svg", "tkt_00000000000000000000000000.svg", "..%2f.pdf"] {
        assert_eq!(edge.user("GET", &format!("/user/ticket/{bad}"), "").await.status, StatusCode::NOT_FOUND, "{bad}");
    }
}

#[tokio::test]
async fn tickets_are_filtered_by_time_and_event() {
    let edge = Edge::new();
    edge.user("GET", &format!("/user/ticket?when=upcoming&event={}", event_id()), "").await;
    edge.user("GET", "/user/ticket?when=past", "").await;
    assert_eq!(edge.fake.writes(), ["tickets Some(Upcoming) true", "tickets Some(Past) false"]);
    for bad in ["when=soon", "event=x", "when=past&when=past"] {
        assert_eq!(edge.user("GET", &format!("/user/ticket?{bad}"), "").await.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
}

#[tokio::test]
async fn a_ticket_is_offered_taken_back_and_taken_up() {
    let edge = Edge::new();
    let path = format!("/user/ticket/{}/transfer", ticket(&edge).await);
    let made = edge.user("POST", &path, r#"{"to":" Bob@Example.org"}"#).await;
    assert_eq!((made.status, &made.json["to"]), (StatusCode::CREATED, &json!("bob@example.org")), "{}", made.text);
    assert_eq!((&made.json["state"], &made.json["expires_at"]), (&json!("pending"), &json!("2026-09-21T14:21:20Z")));
    for body in [r#"{"to":"nobody"}"#, r"{}", r#"{"to":"a@b","price":0}"#] {
        assert_eq!(edge.user("POST", &path, body).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    assert_eq!(edge.user("DELETE", &path, "").await.status, StatusCode::NO_CONTENT);
    let offers = edge.user("GET", "/user/transfer", "").await;
    let id = offers.json["data"][0]["id"].as_str().unwrap().to_owned();
    let taken = edge.user("POST", &format!("/user/transfer/{id}/accept"), "").await;
    assert_eq!((taken.status, &taken.json["object"]), (StatusCode::OK, &json!("ticket")));
    assert_eq!(edge.user("POST", "/user/transfer/x/accept", "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_scan_says_yes_or_why_not() {
    let edge = Edge::new();
    let scan = |code: &str| json!({"code": code, "gate": "North", "nonce": "n1", "event": event_id().to_string()}).to_string();
    let yes = edge.staff("POST", "/scan", &scan("GOOD")).await;
    assert_eq!((yes.status, &yes.json["result"], &yes.json["direction"]), (StatusCode::OK, &json!("admitted"), &json!("in")));
    assert_eq!((&yes.json["seat"]["seat"], &yes.json["owner_initials"]), (&json!("A-1-2"), &json!("AL")));
    let forged = edge.staff("POST", "/scan", &scan("FORGED")).await;
    assert_eq!((forged.status, forged.code()), (StatusCode::CONFLICT, "ticket_refused"));
    assert_eq!(forged.json["reason"], "bad_code");
    let used = edge.staff("POST", "/scan", &scan("USED")).await;
    assert_eq!((&used.json["reason"], &used.json["used_gate"]), (&json!("already_used"), &json!("South")));
    assert_eq!(used.json["used_at"], "2026-09-21T14:21:20Z");
    let out = json!({"code": "GOOD", "gate": "North", "nonce": "n2", "direction": "out"}).to_string();
    assert_eq!(edge.staff("POST", "/scan", &out).await.json["direction"], "out");
    let wrong =
        [("gate", json!("")), ("gate", json!("x".repeat(41))), ("nonce", json!("")), ("direction", json!("up")), ("event", json!("x"))];
    for (field, value) in wrong {
        let mut body = json!({"code": "GOOD", "gate": "North", "nonce": "n3"});
        body[field] = value;
        let reply = edge.staff("POST", "/scan", &body.to_string()).await;
        assert_eq!(
            (reply.status, reply.json["errors"][0]["pointer"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some(&*format!("/{field}")))
        );
    }
}

#[tokio::test]
async fn offline_scans_are_uploaded_and_reported() {
    let edge = Edge::new();
    let path = format!("/event/{}", event_id());
    let scan = |code: &str| json!({"code": code, "nonce": "n", "at": "2026-09-21T14:00:00Z"});
    let body = json!({"gate": "North", "scans": [scan("GOOD"), scan("FORGED")]});
    let done = edge.staff("POST", &format!("{path}/scan/offline"), &body.to_string()).await;
    assert_eq!((done.status, &done.json["recorded"], &done.json["conflicts"]), (StatusCode::OK, &json!(2), &json!(1)));
    assert_eq!(done.json["scans"][1]["conflict"], "bad_code");
    for bad in [json!({"gate": "North", "scans": []}), json!({"gate": "North", "scans": vec![scan("GOOD"); 501]})] {
        let reply = edge.staff("POST", &format!("{path}/scan/offline"), &bad.to_string()).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let report = edge.staff("GET", &format!("{path}/scan?limit=1&cursor=4"), "").await;
    assert_eq!((&report.json["inside"], &report.json["gates"][0]["refused"]), (&json!(2), &json!(2)));
    assert_eq!((&report.json["conflicts"]["data"][0]["number"], &report.json["conflicts"]["next_cursor"]), (&json!(4), &json!("5")));
    assert_eq!(edge.staff("GET", &format!("{path}/scan?cursor=x"), "").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let tickets = edge.staff("GET", &format!("{path}/ticket?state=checked_in"), "").await;
    assert_eq!((&tickets.json["data"][0]["state"], &tickets.json["data"][0]["last_scan"]["gate"]), (&json!("checked_in"), &json!("North")));
    assert_eq!(edge.staff("GET", &format!("{path}/ticket?state=lost"), "").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_gate_gets_what_it_needs_and_only_once() {
    let edge = Edge::new();
    let path = format!("/event/{}/gate", event_id());
    let gate = edge.staff("GET", &path, "").await;
    assert_eq!((gate.status, &gate.json["object"]), (StatusCode::OK, &json!("gate")));
    assert_eq!((&gate.json["keys"][0]["kid"], &gate.json["keys"][0]["crv"]), (&json!("01020304"), &json!("Ed25519")));
    assert_eq!((&gate.json["revoked"][0][1], &gate.json["revoked"][1][1]), (&json!(3), &json!(null)));
    assert_eq!(gate.json["entry"]["doors_open_at"], "2027-01-15T02:00:00Z");
    assert_eq!((gate.header("boxoffice-revision"), gate.header("boxoffice-age-ms")), ("3:100", "12"));
    let token = format!("authorization: Bearer {}", edge.token(boxoffice_ledger::command::Role::Coordinator, 1));
    let again = edge.send("GET", &path, &[&token, &format!("if-none-match: {}", gate.header("etag"))], "").await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    let keys = edge.get("/.well-known/ticket-keys.json").await;
    assert_eq!(keys.json["keys"], gate.json["keys"]);
}

#[tokio::test]
async fn an_events_door_has_terms() {
    let edge = Edge::new();
    let body = |entry: serde_json::Value| {
        json!({
            "name": "Final", "venue": super::fake::venue_id().to_string(), "starts_at": "2026-07-19T15:00:00Z", "currency": "USD",
            "prices": [1, 2], "entry": entry,
        })
        .to_string()
    };
    let entry = json!({"reentry": "times", "times": 2, "doors_before_s": 3600, "doors_after_s": 60, "transfer": false});
    let made = edge.staff("POST", "/event", &body(entry)).await;
    let expected = json!({
        "reentry": "times", "times": 2, "doors_open_at": "2026-07-19T14:00:00Z", "doors_close_at": "2026-07-19T15:01:00Z",
        "transfer": false,
    });
    assert_eq!((made.status, &made.json["entry"]), (StatusCode::CREATED, &expected), "{}", made.text);
    for bad in [
        json!({"reentry": "often"}),
        json!({"reentry": "times"}),
        json!({"reentry": "times", "times": 0}),
        json!({"times": 3}),
        json!({"doors_before_s": 9_999_999}),
        json!({"transfer_until": "soon"}),
        json!({"door": 1}),
    ] {
        assert_eq!(edge.staff("POST", "/event", &body(bad.clone())).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
}
