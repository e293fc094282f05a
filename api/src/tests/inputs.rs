//! Hostile and broken input gets 400, 404, 405, 413, 414, 415, 422 or 428 with a pointer, and nothing of it reaches the backend.

use boxoffice_ledger::command::Role;
use serde_json::json;

use super::fake::{event_id, performer_id, venue_id};
use super::harness::Edge;

/// Sends as a coordinator (who may do all that a customer may) and expects this status and pointer (or code).
async fn refused(edge: &Edge, method: &str, path: &str, body: &str, status: u16, says: &str) {
    let reply = edge.staff(method, path, body).await;
    let shown: String = format!("{method} {path} {body}").chars().take(160).collect();
    assert_eq!(reply.status.as_u16(), status, "{shown}\n{}", reply.text);
    let pointers: Vec<&str> = reply.json["errors"].as_array().into_iter().flatten().filter_map(|one| one["pointer"].as_str()).collect();
    assert!(reply.code() == says || pointers.contains(&says), "{shown}\n{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/problem+json", "{shown}");
}

#[tokio::test]
async fn bad_holds_are_refused_at_the_edge() {
    let edge = Edge::new();
    let path = format!("/event/{}/hold", event_id());
    let ids = |count: usize| json!({"seats": (0..count).collect::<Vec<_>>()}).to_string();
    let deep = format!("{{\"seats\":{}1{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let long = format!("{{\"seats\":[\"{}\"]}}", "x".repeat(50_000));
    let rows: &[(&str, u16, &str)] = &[
        ("", 422, "/seats"),
        ("{}", 422, "/seats"),
        (r#"{"seats":[]}"#, 422, "/seats"),
        (r#"{"seats":null}"#, 422, "/seats"),
        (r#"{"seats":[0,0]}"#, 422, "/seats/1"),
        (r#"{"seats":[0,"A-1-1"]}"#, 422, "/seats/1"),
        (r#"{"seats":[20]}"#, 422, "/seats/0"),
        (r#"{"seats":[-1]}"#, 422, "/seats/0"),
        (r#"{"seats":[4294967295]}"#, 422, "/seats/0"),
        (r#"{"seats":[1e3]}"#, 422, "/seats/0"),
        (r#"{"seats":["A-9-9"]}"#, 422, "/seats/0"),
        (r#"{"seats":["A-1-1\u0000"]}"#, 422, "/seats/0"),
        (r#"{"seats":["../../etc/passwd"]}"#, 422, "/seats/0"),
        ("{\"seats\":[\"\u{1f3ad}\u{202e}\"]}", 422, "/seats/0"),
        (r#"{"seats":[[0]]}"#, 422, "/seats/0"),
        (&ids(51), 422, "/seats"),
        (&ids(10_000), 422, "/seats"),
        (&long, 422, "/seats/0"),
        (&deep, 422, "/seats/0"),
        (r#"{"best":{"quantity":0}}"#, 422, "/best/quantity"),
        (r#"{"best":{"quantity":-1}}"#, 422, "/best/quantity"),
        (r#"{"best":{"quantity":2147483648}}"#, 422, "/best/quantity"),
        (r#"{"best":{"quantity":18446744073709551615}}"#, 422, "/best/quantity"),
        (r#"{"best":{"quantity":2,"section":"Z"}}"#, 422, "/best/section"),
        (r#"{"best":{"quantity":2},"seats":[1]}"#, 422, "/best"),
        (r#"{"areas":[{"area":"Floor","quantity":0}]}"#, 422, "/areas/0/quantity"),
        (r#"{"areas":[{"area":"Roof","quantity":1}]}"#, 422, "/areas/0/area"),
        (r#"{"areas":[{"area":0,"quantity":1},{"area":"Floor","quantity":1}]}"#, 422, "/areas/1/area"),
        (r#"{"areas":[{"area":"Floor","quantity":4294967295}]}"#, 422, "/areas"),
        (r#"{"seats":[1],"price":0}"#, 422, "/price"),
        (r#"{"seats":[1],"user_id":"usr_x"}"#, 422, "/user_id"),
        (r#"{"seats":[1],"expect_total":{"amount":5,"currency":"USD"}}"#, 422, "/expect_total/currency"),
        (r#"{"seats":[1],"expect_total":1.5}"#, 422, "/expect_total"),
        (r#"{"seats":[1],"seats":[2]}"#, 422, "/seats"),
        (r#"{"seats":[1]"#, 400, "malformed_request"),
        (r#"{"seats":[1]}}"#, 400, "malformed_request"),
        ("{\"seats\":[\"\u{0}\"]}", 400, "malformed_request"),
        ("seats=1", 400, "malformed_request"),
    ];
    for (body, status, says) in rows {
        refused(&edge, "POST", &path, body, *status, says).await;
    }
    refused(&edge, "POST", &path, &format!("[{}]", "1,".repeat(40_000)), 413, "payload_too_large").await;
    assert_eq!(edge.fake.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn bad_paths_and_queries_are_refused_at_the_edge() {
    let edge = Edge::new();
    let event = event_id();
    let long = "x".repeat(3_000);
    let rows: &[(&str, String, u16, &str)] = &[
        ("GET", "/event/1".into(), 404, "not_found"),
        ("GET", "/event/evt_00000000000000000000000000x".into(), 404, "not_found"),
        ("GET", "/event/..%2f..%2fstatus".into(), 404, "not_found"),
        ("GET", "/event/%00".into(), 400, "malformed_request"),
        ("GET", "/event/%ff%fe".into(), 400, "malformed_request"),
        ("GET", "//event".into(), 404, "not_found"),
        ("GET", format!("/event/{event};x=1"), 404, "not_found"),
        ("GET", format!("/event/{event}/nothing"), 404, "not_found"),
        ("GET", "/event?limit=0".into(), 422, "?limit"),
        ("GET", "/event?limit=-1".into(), 422, "?limit"),
        ("GET", "/event?limit=101".into(), 422, "?limit"),
        ("GET", "/event?limit=1000000000000000000000".into(), 422, "?limit"),
        ("GET", "/event?page=-1".into(), 422, "?page"),
        ("GET", "/event?limit=1&limit=2".into(), 422, "?limit"),
        ("GET", "/event?cursor=".into(), 422, "?cursor"),
        ("GET", "/event?city=a%00b".into(), 422, "?city"),
        ("GET", "/event?from=yesterday".into(), 422, "?from"),
        ("GET", "/event?venue=ven_x".into(), 422, "?venue"),
        ("GET", "/event?expand=secrets".into(), 422, "?expand"),
        ("GET", format!("/event?city={long}"), 414, "uri_too_long"),
        ("GET", "/event/search?q=".into(), 422, "?q"),
        ("GET", format!("/event/search/{}", "x".repeat(257)), 422, "?q"),
        ("GET", format!("/event/search/{long}"), 414, "uri_too_long"),
        ("GET", format!("/event/{event}?consistency=eventual"), 422, "?consistency"),
        ("GET", format!("/event/{event}?min_index=77"), 422, "?min_index"),
        ("GET", format!("/event/{event}?min_index=3:-1"), 422, "?min_index"),
        ("GET", format!("/event/{event}/seat?section=Z"), 422, "?section"),
        ("GET", format!("/event/{event}/seat?state=gone"), 422, "?state"),
        ("GET", format!("/event/{event}/seat?max_price=-5"), 422, "?max_price"),
        ("GET", format!("/event/{event}/seat?cursor=x"), 422, "?cursor"),
        ("GET", format!("/event/{event}/seat/stream?since=x"), 422, "?since"),
        ("GET", format!("/event/{event}/seat/live"), 400, "malformed_request"),
        ("GET", "/layout/lay_zz".into(), 404, "not_found"),
        ("GET", "/user/ticket/tkt_zz".into(), 404, "not_found"),
        ("DELETE", "/event".into(), 405, "method_not_allowed"),
        ("PUT", format!("/event/{event}"), 405, "method_not_allowed"),
        ("POST", "/nothing".into(), 404, "not_found"),
    ];
    for (method, path, status, says) in rows {
        refused(&edge, method, path, "", *status, says).await;
    }
    assert_eq!(edge.fake.writes(), Vec::<String>::new());
    assert_eq!(edge.staff("DELETE", "/event", "").await.header("allow"), "GET, HEAD, POST");
}

#[tokio::test]
async fn bad_events_are_refused_at_the_edge() {
    let edge = Edge::new();
    let good = json!({
        "name": "Final", "venue": venue_id().to_string(), "performers": [performer_id().to_string()], "currency": "EUR",
        "starts_at": "2026-07-19T15:00:00-04:00", "prices": [100, 0],
    });
    let rows = [
        ("name", json!(""), "/name"),
        ("name", json!("x".repeat(201)), "/name"),
        ("name", json!("a\u{0}b"), "/name"),
        ("name", json!("\u{202e}lanif"), "/name"),
        ("name", json!(null), "/name"),
        ("description", json!("x".repeat(8_001)), "/description"),
        ("venue", json!("../venue"), "/venue"),
        ("venue", json!(performer_id().to_string()), "/venue"),
        ("performers", json!(["x"]), "/performers/0"),
        ("performers", json!([performer_id().to_string(), performer_id().to_string()]), "/performers/1"),
        ("performers", json!(vec!["x"; 33]), "/performers"),
        ("starts_at", json!("2026-07-19 15:00"), "/starts_at"),
        ("starts_at", json!(1_790_000_000), "/starts_at"),
        ("currency", json!("eur"), "/currency"),
        ("currency", json!("EURO"), "/currency"),
        ("prices", json!([100]), "/prices"),
        ("prices", json!([100, -1]), "/prices"),
        ("prices", json!([100, 100_000_000_001_u64]), "/prices"),
        ("prices", json!({"Gold": 1}), "/prices"),
        ("prices", json!({"Gold": 1, "Silver": 1, "Tin/Zinc": 1}), "/prices/Tin~1Zinc"),
        ("hold_ttl_s", json!(119), "/hold_ttl_s"),
        ("hold_ttl_s", json!(1801), "/hold_ttl_s"),
        ("on_sale_at", json!("soon"), "/on_sale_at"),
        ("status", json!("published"), "/status"),
        ("capacity", json!(5), "/capacity"),
    ];
    for (field, value, pointer) in rows {
        let mut body = good.clone();
        body[field] = value;
        refused(&edge, "POST", "/event", &body.to_string(), 422, pointer).await;
    }
    let mut body = good.clone();
    body["venue"] = json!(boxoffice_ledger::ids::VenueId(9).to_string());
    refused(&edge, "POST", "/event", &body.to_string(), 422, "/venue").await;
    assert_eq!(edge.fake.writes(), Vec::<String>::new());
    assert_eq!(edge.staff("POST", "/event", &good.to_string()).await.status.as_u16(), 201);
}

#[tokio::test]
async fn bad_accounts_venues_and_blocks_are_refused_at_the_edge() {
    let edge = Edge::new();
    let event = event_id();
    let block = format!("/event/{event}/block");
    let pay = format!("/event/{event}/hold/{}/pay", boxoffice_ledger::ids::HoldId(5));
    let role = format!("/user/{}/role", boxoffice_ledger::ids::UserId(5));
    let method = format!("{{\"payment_method\":\"{}\"}}", "x".repeat(256));
    let rows: &[(&str, &str, &str)] = &[
        ("/user", r#"{"email":"a","name":"A","password":"long enough"}"#, "/email"),
        ("/user", r#"{"email":"a@b\u0000","name":"A","password":"long enough"}"#, "/email"),
        ("/user", r#"{"email":"a@b","name":"","password":"long enough"}"#, "/name"),
        ("/user", r#"{"email":"a@b","name":"A","password":"short"}"#, "/password"),
        ("/user", r#"{"email":"a@b","name":"A","password":"long enough","role":"operator"}"#, "/role"),
        ("/venue", r#"{"name":"X"}"#, "/city"),
        ("/venue", r#"{"name":"X","city":"Y","time_zone":"Mars/Base"}"#, "/time_zone"),
        ("/venue", r#"{"name":"X","city":"Y","time_zone":"../../etc/passwd"}"#, "/time_zone"),
        ("/venue", r#"{"name":"X","city":"Y","time_zone":"UTC","country":"Germany"}"#, "/country"),
        ("/performer", r#"{"genre":"X"}"#, "/name"),
        (&block, r#"{"seats":[],"action":"block","reason":"x"}"#, "/seats"),
        (&block, r#"{"seats":[1],"action":"burn","reason":"x"}"#, "/action"),
        (&block, r#"{"seats":[1],"action":"block","reason":""}"#, "/reason"),
        (&block, r#"{"seats":[1,1],"action":"block","reason":"x"}"#, "/seats/1"),
        (&block, r#"{"seats":[99],"action":"block","reason":"x"}"#, "/seats/0"),
        (&pay, r#"{"payment_method":7}"#, "/payment_method"),
        (&pay, r#"{"payment_method":"a\nb"}"#, "/payment_method"),
        (&pay, &method, "/payment_method"),
    ];
    for (path, body, pointer) in rows {
        refused(&edge, "POST", path, body, 422, pointer).await;
    }
    let reply = edge.as_role(Role::Admin, "POST", &role, r#"{"role":"god"}"#).await;
    assert_eq!(reply.json["errors"][0]["pointer"], "/role");
    assert_eq!(edge.fake.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn headers_are_checked() {
    let edge = Edge::new();
    let token = format!("authorization: Bearer {}", edge.token(Role::Coordinator, 1));
    let hold = format!("/event/{}/hold", event_id());
    let event = format!("/event/{}", event_id());
    let long = format!("idempotency-key: {}", "k".repeat(256));
    let seat = r#"{"seats":[1]}"#;
    let rows: &[(&str, &str, &[&str], u16, &str)] = &[
        ("POST", &hold, &[], 400, "idempotency_key_required"),
        ("POST", &hold, &["idempotency-key: "], 400, "idempotency_key_required"),
        ("POST", &hold, &[&long], 400, "idempotency_key_required"),
        ("POST", &hold, &["idempotency-key: a", "idempotency-key: b"], 400, "idempotency_key_required"),
        ("POST", &hold, &["idempotency-key: a", "content-type: text/plain"], 415, "unsupported_media_type"),
        ("POST", &hold, &["idempotency-key: a", "content-type: application/json", "content-encoding: gzip"], 415, "unsupported_media_type"),
        ("PATCH", &event, &[], 428, "precondition_required"),
        ("PATCH", &event, &["if-match: *"], 412, "version_mismatch"),
        ("PATCH", &event, &["if-match: \"x\""], 412, "version_mismatch"),
        ("PATCH", &event, &["if-match: \"3\""], 422, "validation_failed"),
        ("GET", &event, &["boxoffice-min-revision: nonsense"], 422, "validation_failed"),
    ];
    for (method, path, headers, status, code) in rows {
        let headers: Vec<&str> = [token.as_str()].into_iter().chain(headers.iter().copied()).collect();
        let reply = edge.send(method, path, &headers, if *method == "GET" { "" } else { seat }).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (*status, *code), "{method} {path} {headers:?} {}", reply.text);
    }
    let stale = edge.send("PATCH", &event, &[&token, "if-match: \"3\""], r#"{"name":"x"}"#).await;
    assert_eq!((stale.status.as_u16(), &stale.json["current"]), (412, &json!(4)));
}
