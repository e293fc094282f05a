//! The happy path of every route: status, headers and JSON as the contract says.

use axum::http::StatusCode;
use boxoffice_ledger::command::Role;
use boxoffice_ledger::outcome::SeatState;
use serde_json::json;

use super::fake::{event_id, performer_id, plan_hash, venue_id};
use super::harness::Edge;
use crate::backend::{Freshness, Revision};

fn hold_path() -> String {
    format!("/event/{}/hold", event_id())
}

#[tokio::test]
async fn events_are_listed_found_and_shown() {
    let edge = Edge::new();
    let list = edge.get("/event?limit=1&city=Berlin&from=2026-01-01").await;
    assert_eq!(list.status, StatusCode::OK);
    assert_eq!(list.header("boxoffice-revision"), "3:100");
    assert_eq!(list.header("boxoffice-age-ms"), "12");
    assert_eq!(list.header("cache-control"), "public, max-age=1, stale-while-revalidate=5");
    let next = list.json["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(list.header("link"), format!("</event?limit=1&city=Berlin&from=2026-01-01&cursor={next}>; rel=\"next\""));
    assert_eq!(edge.get(&format!("/event?cursor={next}")).await.status, StatusCode::OK);
    for path in [format!("/event?cursor={next}&sort=start"), "/event?cursor=bmV4dA".into()] {
        assert_eq!(edge.get(&path).await.json["errors"][0]["pointer"], "?cursor", "{path}");
    }
    assert_eq!(list.json["object"], "list");
    assert_eq!(list.json["has_more"], true);
    let event = &list.json["data"][0];
    assert_eq!(event["object"], "event");
    assert_eq!(event["venue"], venue_id().to_string());
    assert_eq!(event["performers"], json!([performer_id().to_string()]));
    assert_eq!(event["starts_at"], "2027-01-15T08:00:00Z");
    assert_eq!((&event["time_zone"], &event["starts_local"]), (&json!("Europe/Berlin"), &json!("2027-01-15T09:00:00+01:00")));
    assert_eq!(event["prices"][1], json!({"level": 1, "amount": 9900, "currency": "EUR"}));
    assert_eq!(event["sale"]["from_price"], json!({"amount": 9900, "currency": "EUR"}));
    assert_eq!(event["sale"]["state"], "on_sale");
    assert_eq!(event["hold_ttl_s"], 480);

    let whole = edge.get(&format!("/event/{}?expand=venue,performers", event_id())).await;
    assert_eq!(whole.json["venue"]["name"], "Hall");
    assert_eq!(whole.json["performers"][0]["name"], "Midnight Radio");
    let tag = whole.header("etag").to_owned();
    assert!(tag.starts_with("\"4-"), "{tag}");
    let same = edge.send("GET", &format!("/event/{}?expand=venue,performers", event_id()), &[&format!("if-none-match: {tag}")], "").await;
    assert_eq!((same.status, same.text.as_str()), (StatusCode::NOT_MODIFIED, ""));

    edge.get("/event/search/radio%20caf%C3%A9?city=Berlin").await;
    edge.get("/event/search?q=radio+caf%C3%A9&limit=7").await;
    assert_eq!(edge.fake.writes()[2..], ["search radio caf\u{e9} Some(\"Berlin\") 25", "search radio caf\u{e9} None 7"]);
}

#[tokio::test]
async fn drafts_are_for_their_makers() {
    let edge = Edge::new();
    edge.fake.inner.lock().draft = true;
    let path = format!("/event/{}", event_id());
    assert_eq!(edge.get(&path).await.status, StatusCode::NOT_FOUND);
    let own = edge.staff("GET", &path, "").await;
    assert_eq!(own.json["status"], "draft");
    assert_eq!(own.header("cache-control"), "private, no-store");
}

#[tokio::test]
async fn an_event_is_created_changed_and_moved() {
    let edge = Edge::new();
    let body = json!({
        "name": "Final", "venue": venue_id().to_string(), "performers": [performer_id().to_string()],
        "starts_at": "2026-07-19T15:00:00-04:00", "currency": "USD", "prices": {"Gold": 50_000, "Silver": 0}, "hold_ttl_s": 120,
    });
    let made = edge.staff("POST", "/event", &body.to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(made.header("location"), format!("/event/{}", event_id()));
    assert_eq!(made.header("boxoffice-revision"), "3:101");
    assert_eq!(made.json["revision"], "3:101");
    assert_eq!(made.json["starts_at"], "2026-07-19T19:00:00Z");
    assert_eq!(
        made.json["prices"],
        json!([{"level": 0, "amount": 50_000, "currency": "USD"}, {"level": 1, "amount": 0, "currency": "USD"}])
    );
    edge.fake.inner.lock().not_ready = true;
    assert_eq!(edge.staff("POST", "/event", &body.to_string()).await.status, StatusCode::ACCEPTED);

    let path = format!("/event/{}", event_id());
    let token = format!("authorization: Bearer {}", edge.token(Role::Coordinator, 1));
    let changed = edge.send("PATCH", &path, &[&token, "if-match: \"4-abcdef01\""], r#"{"name":"Finale"}"#).await;
    assert_eq!((changed.status, &changed.json["name"]), (StatusCode::OK, &json!("Finale")));
    assert_eq!(changed.header("etag"), "\"5\"");
    for (verb, action) in [("open", "Open"), ("pause", "Pause"), ("resume", "Resume"), ("close", "Close"), ("cancel", "Cancel")] {
        let moved = edge.staff("POST", &format!("{path}/{verb}"), "").await;
        assert_eq!((moved.status, &moved.json["state"]), (StatusCode::OK, &json!("paused")));
        assert_eq!(edge.fake.writes().last().unwrap(), &format!("move_sale {action}"));
    }
    assert_eq!(edge.staff("POST", &format!("{path}/publish"), "{}").await.json["object"], "event");
    let blocked = edge.staff("POST", &format!("{path}/block"), r#"{"seats":["A-1-1",7],"action":"kill","reason":"camera"}"#).await;
    assert_eq!((blocked.status, &blocked.json["seats"]), (StatusCode::OK, &json!(2)));
    assert_eq!(blocked.json["revoked_holds"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_seat_is_held_extended_paid_and_shown() {
    let edge = Edge::new();
    let held = edge.user("POST", &hold_path(), r#"{"seats":["A-1-2",2],"expect_total":{"amount":25000,"currency":"EUR"}}"#).await;
    assert_eq!(held.status, StatusCode::CREATED, "{}", held.text);
    let hold = held.json["id"].as_str().unwrap().to_owned();
    assert_eq!(held.header("location"), format!("{}/{hold}", hold_path()));
    assert_eq!(held.json["state"], "active");
    assert_eq!(held.json["seats"][0], json!({"index": 1, "seat": "A-1-2", "section": "A", "row": "1", "name": "2"}));
    assert_eq!(held.json["seats"][1]["seat"], "A-1-3");
    assert_eq!(held.json["total"], json!({"amount": 25_000, "currency": "EUR"}));
    assert_eq!(held.json["expires_at"], "2026-09-21T14:21:20Z");
    assert_eq!(held.json["event"], event_id().to_string());
    assert_eq!(held.json["revision"], held.header("boxoffice-revision"));

    let own = format!("{}/{hold}", hold_path());
    let shown = edge.user("GET", &own, "").await;
    assert_eq!((shown.status, &shown.json["id"]), (StatusCode::OK, &json!(hold)));
    assert_eq!(edge.fake.inner.lock().freshness, Some(Freshness::Linearizable));
    assert_eq!(edge.user("POST", &format!("{own}/extend"), "").await.status, StatusCode::OK);

    let slow = edge.user("POST", &format!("{own}/pay"), r#"{"payment_method":"slow"}"#).await;
    assert_eq!((slow.status, &slow.json["state"]), (StatusCode::ACCEPTED, &json!("paying")));
    let paid = edge.user("POST", &format!("{own}/pay"), r#"{"payment_method":"pm_card_visa"}"#).await;
    assert_eq!((paid.status, &paid.json["object"]), (StatusCode::OK, &json!("order")));
    assert_eq!((&paid.json["state"], &paid.json["receipt"]), (&json!("confirmed"), &json!(17)));
    let tickets = paid.json["tickets"].as_array().unwrap();
    assert_eq!(tickets.len(), 2);
    let free = edge.user("POST", &format!("{own}/pay"), "").await;
    assert_eq!(free.status, StatusCode::OK);
    assert_eq!(edge.fake.writes().last().unwrap(), "pay ");

    let released = edge.user("DELETE", &own, "").await;
    assert_eq!((released.status, released.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(released.header("boxoffice-revision"), "3:107");
}

#[tokio::test]
async fn best_seats_and_places_are_held() {
    let edge = Edge::new();
    let best = edge.user("POST", &hold_path(), r#"{"best":{"quantity":3,"section":"B","max_price":12500}}"#).await;
    assert_eq!((best.status, best.json["seats"].as_array().unwrap().len()), (StatusCode::CREATED, 3));
    let floor = edge.user("POST", &hold_path(), r#"{"areas":[{"area":"Floor","quantity":4}]}"#).await;
    assert_eq!(floor.json["areas"], json!([{"index": 0, "area": "Floor", "quantity": 4}]));
}

#[tokio::test]
async fn a_retry_gets_the_first_outcome_and_another_body_422() {
    let edge = Edge::new();
    let token = format!("authorization: Bearer {}", edge.token(Role::Customer, 1));
    let headers = [token.as_str(), "idempotency-key: k1"];
    let first = edge.send("POST", &hold_path(), &headers, r#"{"seats":[4]}"#).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (StatusCode::CREATED, ""));
    let again = edge.send("POST", &hold_path(), &headers, r#"{"seats":[4]}"#).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (StatusCode::CREATED, "true"));
    assert_eq!((&again.json["id"], &again.json["revision"]), (&first.json["id"], &first.json["revision"]));
    let other = edge.send("POST", &hold_path(), &headers, r#"{"seats":[5]}"#).await;
    assert_eq!((other.status, other.code()), (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"));
    let neighbour = format!("authorization: Bearer {}", edge.token(Role::Customer, 2));
    let theirs = edge.send("POST", &hold_path(), &[&neighbour, "idempotency-key: k1"], r#"{"seats":[5]}"#).await;
    assert_eq!(theirs.status, StatusCode::CREATED, "another user's equal key is another request");
}

#[tokio::test]
async fn the_map_is_compact_and_lists_seats_on_request() {
    let edge = Edge::new();
    edge.user("POST", &hold_path(), r#"{"seats":[1]}"#).await;
    let path = format!("/event/{}/seat", event_id());
    let map = edge.get(&path).await;
    assert_eq!((map.status, &map.json["object"]), (StatusCode::OK, &json!("seat_map")));
    assert_eq!(map.json["layout"], plan_hash().to_string());
    assert_eq!((&map.json["seats"], &map.json["states"]), (&json!(20), &json!("BAAAAAA=")));
    assert_eq!(map.json["counts"][0], json!({"section": "A", "available": 9, "held": 1, "sold": 0, "capacity": 10}));
    assert_eq!(map.json["counts"][2]["section"], "Floor");
    let silver = json!({"level": 1, "name": "Silver", "color": "#cccccc", "price": {"amount": 9900, "currency": "EUR"}});
    assert_eq!(map.json["prices"][1], silver);
    assert!(map.json.get("list").is_none());
    let tag = format!("if-none-match: W/{}", map.header("etag"));
    assert_eq!(edge.send("GET", &path, &[&tag], "").await.status, StatusCode::NOT_MODIFIED);

    let first = edge.get(&format!("{path}?section=A&state=available&max_price=9900&limit=3")).await;
    let list = &first.json["list"];
    let names: Vec<&str> = list["data"].as_array().unwrap().iter().map(|seat| seat["seat"].as_str().unwrap()).collect();
    assert_eq!(names, ["A-1-4", "A-1-5", "A-2-4"]);
    assert_eq!(list["data"][1]["kind"], "accessible");
    assert_eq!(list["data"][1]["price"], json!({"amount": 9900, "currency": "EUR"}));
    let next = list["next_cursor"].as_str().unwrap();
    let rest = edge.get(&format!("{path}?section=A&state=available&max_price=9900&limit=3&cursor={next}")).await;
    assert_eq!(rest.json["list"]["data"].as_array().unwrap().len(), 1);
    assert_eq!(rest.json["list"]["has_more"], false);
    let held = edge.get(&format!("{path}?state=held")).await;
    assert_eq!(held.json["list"]["data"][0]["index"], 1);

    let layout = edge.get(&format!("/layout/{}", plan_hash())).await;
    assert_eq!(layout.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(layout.json["sections"][1]["rows"][0]["seats"][4], json!(["5", 1, 250, 0, "accessible"]));
    assert_eq!((&layout.json["levels"][0]["color"], &layout.json["focal"]), (&json!("#ffcc00"), &json!([100, -100])));
}

#[tokio::test]
async fn orders_and_tickets_are_shown_to_their_owner() {
    let edge = Edge::new();
    let list = edge.user("GET", "/user/ticket", "").await;
    assert_eq!((list.status, &list.json["complete"]), (StatusCode::OK, &json!(false)));
    let ticket = &list.json["data"][0];
    assert_eq!((&ticket["object"], &ticket["pending"], &ticket["state"]), (&json!("ticket"), &json!(true), &json!("issued")));
    assert_eq!(ticket["seat"], json!({"index": 1, "seat": "A-1-2", "section": "A", "row": "1", "name": "2"}));
    assert_eq!(ticket["event_summary"]["city"], "Berlin");
    let id = ticket["id"].as_str().unwrap();
    let one = edge.user("GET", &format!("/user/ticket/{id}?expand=event"), "").await;
    assert_eq!((one.status, &one.json["event"]["object"]), (StatusCode::OK, &json!("event")));
    assert_eq!(one.json["price"], json!({"amount": 12_500, "currency": "EUR"}));
    assert_eq!(one.header("cache-control"), "private, no-store");
    let orders = edge.user("GET", "/user/order", "").await;
    let order = orders.json["data"][0]["id"].as_str().unwrap();
    assert_eq!(orders.json["data"][0]["ticket_count"], 2);
    let staff = edge.staff("GET", &format!("/order/{order}"), "").await;
    let attempt = &staff.json["attempts"][0];
    assert_eq!(
        (&attempt["object"], &attempt["state"], &attempt["pinned_ms"]),
        (&json!("payment_attempt"), &json!("captured"), &json!(750))
    );
    let order = edge.user("GET", &format!("/order/{order}"), "").await;
    assert_eq!((&order.json["payment"], order.json["tickets"].as_array().unwrap().len()), (&json!("captured"), 1));
    assert!(order.json.get("attempts").is_none(), "for staff only");
}

#[tokio::test]
async fn accounts_are_opened_and_sessions_begin_and_end() {
    let edge = Edge::new();
    let body = r#"{"email":" Ada@Example.org","name":"Ada","password":"correct horse"}"#;
    let made = edge.send("POST", "/user", &["idempotency-key: k"], body).await;
    assert_eq!((made.status, &made.json["email"]), (StatusCode::CREATED, &json!("ada@example.org")));
    let other = body.replace("Ada@", "Eve@");
    edge.send("POST", "/user", &["idempotency-key: k"], &other).await;
    let requests = edge.fake.writes();
    assert_ne!(requests[0], requests[1], "two strangers with the same key are two requests");

    let session = edge.send("POST", "/session", &[], r#"{"email":"ada@example.org","password":"correct horse"}"#).await;
    assert_eq!((session.status, &session.json["token_type"]), (StatusCode::CREATED, &json!("Bearer")));
    assert_eq!(session.json["expires_in"], 900);
    let cookie = session.header("set-cookie");
    assert!(cookie.starts_with("boxoffice_session=ey") && cookie.ends_with("; Path=/; Max-Age=900; HttpOnly; SameSite=Lax"), "{cookie}");
    let token = format!("authorization: Bearer {}", session.json["access_token"].as_str().unwrap());
    let me = edge.send("GET", "/user", &[&token], "").await;
    assert_eq!((me.status, &me.json["object"]), (StatusCode::OK, &json!("user")));
    let own = format!("cookie: theme=dark; {}", cookie.split(';').next().unwrap());
    assert_eq!(edge.send("GET", "/user", &[&own], "").await.status, StatusCode::OK);
    let end = edge.send("DELETE", "/session", &[], "").await;
    assert_eq!(end.status, StatusCode::NO_CONTENT);
    assert!(end.header("set-cookie").starts_with("boxoffice_session=; Path=/; Max-Age=0"));

    let path = format!("/user/{}/role", boxoffice_ledger::ids::UserId(1));
    let role = edge.as_role(Role::Admin, "POST", &path, r#"{"role":"coordinator"}"#).await;
    assert_eq!(role.json["role"], "coordinator");
}

#[tokio::test]
async fn venues_performers_and_plans() {
    let edge = Edge::new();
    assert_eq!(edge.get("/venue").await.json["data"][0]["time_zone"], "Europe/Berlin");
    let venue = edge.get(&format!("/venue/{}", venue_id())).await;
    assert_eq!((venue.header("etag"), &venue.json["layout"]), ("\"2\"", &json!(plan_hash().to_string())));
    let body = r#"{"name":"Arena","city":"Berlin","country":"DE","time_zone":"Europe/Berlin"}"#;
    let made = edge.staff("POST", "/venue", body).await;
    assert_eq!((made.status, made.header("location")), (StatusCode::CREATED, format!("/venue/{}", venue_id()).as_str()));
    let token = format!("authorization: Bearer {}", edge.token(Role::Coordinator, 1));
    let path = format!("/venue/{}", venue_id());
    let changed = edge.send("PATCH", &path, &[&token, "if-match: \"2\""], r#"{"name":"Dome"}"#).await;
    assert_eq!((changed.status, &changed.json["name"]), (StatusCode::OK, &json!("Dome")));

    let plan = edge.staff("POST", &format!("{path}/plan"), r#"{"bowl":{"name":"Bowl","capacity":2000}}"#).await;
    assert_eq!(plan.status, StatusCode::CREATED, "{}", plan.text);
    assert_eq!(edge.fake.writes().last().unwrap(), "put_plan 2000");
    assert!(plan.json["warnings"].is_array());

    assert_eq!(edge.get("/performer").await.json["data"][0]["genre"], "band");
    assert_eq!(edge.get(&format!("/performer/{}", performer_id())).await.header("etag"), "\"1\"");
    assert_eq!(edge.staff("POST", "/performer", r#"{"name":"X"}"#).await.status, StatusCode::CREATED);
    let path = format!("/performer/{}", performer_id());
    let changed = edge.send("PATCH", &path, &[&token, "if-match: \"1\""], r#"{"genre":"duo"}"#).await;
    assert_eq!(changed.status, StatusCode::OK);
}

#[tokio::test]
async fn operators_look_at_the_node() {
    let edge = Edge::new();
    let digest = edge.as_role(Role::Operator, "GET", "/digest/3?index=77", "").await;
    assert_eq!(digest.json, json!({"object": "digest", "group": 3, "index": 77, "digest": "0000000000000000000000000000feed"}));
    let status = edge.as_role(Role::Operator, "GET", "/status", "").await;
    assert_eq!((&status.json["groups"][0]["role"], &status.json["log_fsyncs"]), (&json!("leader"), &json!(5)));
    assert_eq!(edge.get("/metrics").await.code(), "unauthenticated");
    assert_eq!(edge.as_role(Role::Coordinator, "GET", "/metrics", "").await.code(), "forbidden");
    let metrics = edge.as_role(Role::Operator, "GET", "/metrics", "").await;
    assert!(metrics.text.contains("boxoffice_http_problems_total{code=\"forbidden\"} 1"), "{}", metrics.text);
    assert_eq!(edge.get("/healthz").await.json["status"], "up");
    assert_eq!(edge.get("/readyz").await.json["ready"], true);
    edge.fake.fail(Some(crate::backend::Failure::Overloaded(1)));
    let ready = edge.get("/readyz").await;
    assert_eq!((ready.status, ready.code()), (StatusCode::SERVICE_UNAVAILABLE, "not_ready"));
    assert_eq!(edge.get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_page_is_served_strictly() {
    let edge = Edge::new();
    let page = edge.get("/").await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let tag = format!("if-none-match: {}", page.header("etag"));
    assert_eq!(edge.send("GET", "/", &[&tag], "").await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(edge.get("/app.js").await.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(edge.get("/map/model.js").await.header("x-content-type-options"), "nosniff");
    for missing in ["/package.json", "/test/api.test.mjs", "/nothing.js", "/..%2fsrc%2flib.rs", "/../Cargo.toml"] {
        assert_eq!(edge.get(missing).await.status, StatusCode::NOT_FOUND, "{missing}");
    }
    let help = edge.get("/problem/seat_unavailable").await;
    assert!(help.text.contains("already taken") && help.header("content-type").starts_with("text/html"));
    assert_eq!(edge.get("/problem/nonsense").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn readers_choose_how_fresh() {
    let edge = Edge::new();
    let path = format!("/event/{}", event_id());
    let seen = || edge.fake.inner.lock().freshness;
    edge.get(&path).await;
    assert_eq!(seen(), Some(Freshness::Local));
    edge.get(&format!("{path}?consistency=linearizable")).await;
    assert_eq!(seen(), Some(Freshness::Linearizable));
    let revision = Revision { incarnation: 0, group: 3, index: 99 };
    edge.get(&format!("{path}?min_index=3:99")).await;
    assert_eq!(seen(), Some(Freshness::AtLeast(revision)));
    edge.send("GET", &path, &["boxoffice-min-revision: 3:99:1"], "").await;
    assert_eq!(seen(), Some(Freshness::AtLeast(Revision { incarnation: 1, ..revision })));
    edge.user("GET", "/user/ticket?consistency=local", "").await;
    assert_eq!(seen(), Some(Freshness::Local));
}

#[tokio::test]
async fn requests_are_named() {
    let edge = Edge::new();
    let given = edge.send("GET", "/nothing", &["x-request-id: abc-1"], "").await;
    assert_eq!((given.header("x-request-id"), &given.json["request_id"]), ("abc-1", &json!("abc-1")));
    let (one, two) = (edge.get("/event").await, edge.get("/event").await);
    assert!(!one.header("x-request-id").is_empty() && one.header("x-request-id") != two.header("x-request-id"));
    let odd = edge.send("GET", "/event", &["x-request-id: a b\"c"], "").await;
    assert_ne!(odd.header("x-request-id"), "a b\"c");
}

#[tokio::test]
async fn a_map_is_rendered_once_until_something_changes() {
    let edge = Edge::new();
    let path = format!("/event/{}/seat", event_id());
    let reads = || edge.fake.inner.lock().calls.iter().filter(|call| *call == "seat_map").count();
    edge.fake.move_seats(&[1], SeatState::Held);
    edge.get(&path).await;
    let first = edge.get(&path).await;
    let before = reads();
    for _ in 0..5 {
        let again = edge.get(&path).await;
        assert_eq!((&again.text, again.header("etag")), (&first.text, first.header("etag")));
        assert!(again.header("boxoffice-age-ms").parse::<u64>().unwrap() >= 12);
    }
    assert_eq!(reads(), before, "served from memory");
    edge.fake.move_seats(&[2], SeatState::Sold);
    let changed = edge.get(&path).await;
    assert_eq!((&changed.json["states"], changed.header("boxoffice-revision")), (&json!("JAAAAAA="), "3:102"));
    let linear = edge.get(&format!("{path}?consistency=linearizable")).await;
    assert_eq!((&linear.text, linear.header("cache-control")), (&changed.text, "private, no-store"));
    assert_eq!(reads(), before + 1, "nothing changed since: the same bytes serve whoever asks for more");
}
