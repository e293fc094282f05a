//! Prices that move: what everybody sees, bodies that are refused with a pointer, and who may change how they move.

use boxoffice_ledger::command::Role;
use serde_json::json;

use super::fake::event_id;
use super::harness::Edge;

#[tokio::test]
async fn everybody_sees_how_prices_move_and_what_moved_them() {
    let edge = Edge::new();
    let path = format!("/event/{}/price", event_id());
    let reply = edge.send("GET", &path, &[], "").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let first = &reply.json["levels"][0];
    assert_eq!(first["price"], json!({"amount": 12_500, "currency": "EUR"}));
    assert_eq!((&first["policy"]["type"], &first["floor"]["amount"], &first["version"]), (&json!("demand"), &json!(10_000), &json!(1)));
    assert_eq!(first["history_from"]["price"], 12_000);
    let second = &reply.json["levels"][1];
    assert_eq!((&second["policy"], second.get("next_step_at")), (&json!({"type": "fixed"}), None));
    let reply = edge.send("GET", &format!("{path}/history?level=0&limit=1"), &[], "").await;
    let change = &reply.json["data"][0];
    assert_eq!((&change["from"], &change["to"], &change["cause"]), (&json!(12_000), &json!(12_500), &json!("demand")));
    assert_eq!(change["inputs"]["sold"], 12);
    assert_eq!(change["inputs"]["share_ppm"], 625_000);
    let cursor = reply.json["next_cursor"].as_str().unwrap().to_owned();
    assert!(reply.header("link").contains("level=0"));
    edge.send("GET", &format!("{path}/history?cursor={cursor}"), &[], "").await;
    let calls = edge.fake.inner.lock().calls.clone();
    assert!(calls.iter().any(|call| call == "price_history None Some((LevelIndex(0), 1)) 25"), "{calls:?}");
    for bad in ["?level=x", "?level=70000", "?cursor=price-1", "?cursor=seat-1"] {
        let reply = edge.get(&format!("{path}/history{bad}")).await;
        assert!([400, 422].contains(&reply.status.as_u16()), "{bad}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_coordinator_changes_a_policy_within_its_bounds() {
    let edge = Edge::new();
    let path = format!("/event/{}/price", event_id());
    let change = |body: serde_json::Value| {
        let (edge, path) = (&edge, &path);
        async move { edge.as_role(Role::Coordinator, "PATCH", path, &body.to_string()).await }
    };
    let tiers = json!({"type": "tiers", "tiers": [{"places": 10, "price": 11_000}, {"price": 14_000}]});
    let done = change(json!({"level": "Stalls", "policy": tiers, "reason": "Slow."})).await;
    assert_eq!((done.status.as_u16(), &done.json["levels"][0]["policy"]), (200, &tiers), "{}", done.text);
    let wide = json!({"type": "tiers", "tiers": [{"price": 15_001}]});
    let refused = change(json!({"level": 0, "policy": wide, "reason": "More."})).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "field_frozen"), "{}", refused.text);
    let pointer = |body: serde_json::Value| async {
        let reply = change(body).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
        reply.json["errors"][0]["pointer"].as_str().unwrap().to_owned()
    };
    let of = |policy: serde_json::Value| json!({"level": 0, "policy": policy, "reason": "x"});
    let curve = json!([{"at": "2031-03-01T10:00:00Z", "sold_bps": 0}]);
    assert_eq!(pointer(json!({"level": 7, "policy": {"type": "fixed"}, "reason": "x"})).await, "/level");
    assert_eq!(pointer(json!({"level": 0, "policy": {"type": "fixed"}, "reason": " "})).await, "/reason");
    assert_eq!(pointer(json!({"level": 0, "policy": {"type": "fixed"}})).await, "/reason");
    assert_eq!(pointer(of(json!({"type": "magic"}))).await, "/policy/type");
    assert_eq!(pointer(of(json!({"type": "fixed", "floor": 1}))).await, "/policy");
    assert_eq!(pointer(of(json!({"type": "fixed", "tiers": []}))).await, "/policy/tiers");
    assert_eq!(pointer(of(json!({"type": "tiers"}))).await, "/policy/tiers");
    assert_eq!(pointer(of(json!({"type": "tiers", "tiers": [{"price": 1}, {"price": 2}]}))).await, "/policy/tiers/0/places");
    assert_eq!(pointer(of(json!({"type": "demand", "floor": 1, "ceiling": 2}))).await, "/policy/curve");
    assert_eq!(pointer(of(json!({"type": "demand", "curve": curve, "ceiling": 2}))).await, "/policy/floor");
    assert_eq!(
        pointer(of(json!({"type": "demand", "curve": [{"at": "soon", "sold_bps": 0}], "floor": 1, "ceiling": 2}))).await,
        "/policy/curve/0/at"
    );
    assert_eq!(
        pointer(of(json!({"type": "demand", "curve": curve, "floor": 1, "ceiling": 2, "interval_s": 0}))).await,
        "/policy/interval_s"
    );
    assert_eq!(pointer(of(json!({"type": "demand", "curve": curve, "floor": 1, "ceiling": 2, "surge": true}))).await, "/policy/surge");
}

#[tokio::test]
async fn a_preview_says_what_a_policy_would_do() {
    let edge = Edge::new();
    let path = format!("/event/{}/price/preview", event_id());
    let at = |seconds: u32| format!("2031-03-01T10:{:02}:{:02}Z", seconds / 60, seconds % 60);
    let course = json!([{"at": at(0), "sold": 0}, {"at": at(10), "sold": 10}, {"at": at(20), "sold": 20}]);
    let tiers = json!({"type": "tiers", "tiers": [{"places": 10, "price": 11_000}, {"price": 14_000}]});
    let body = json!({"level": 0, "policy": tiers, "course": course});
    let reply = edge.as_role(Role::Coordinator, "POST", &path, &body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!((&reply.json["revenue"]["amount"], &reply.json["prices"][1]["price"]), (&json!(250_000), &json!(14_000)));
    // Without a policy: the level's own.
    let own = edge.as_role(Role::Coordinator, "POST", &path, &json!({"level": "Stalls", "course": course}).to_string()).await;
    assert_eq!((own.status.as_u16(), &own.json["policy"]["type"]), (200, &json!("demand")), "{}", own.text);
    for (bad, pointer) in [
        (json!({"level": 0, "course": []}), "/course"),
        (json!({"level": 0, "course": [{"at": at(1), "sold": 0}, {"at": at(1), "sold": 1}]}), "/course/1/at"),
        (json!({"level": 0, "course": [{"at": "x", "sold": 0}]}), "/course/0/at"),
        (json!({"level": 0, "course": [{"at": at(1), "sold": -1}]}), "/course/0/sold"),
    ] {
        let reply = edge.as_role(Role::Coordinator, "POST", &path, &bad.to_string()).await;
        assert_eq!((reply.status.as_u16(), reply.json["errors"][0]["pointer"].as_str()), (422, Some(pointer)), "{}", reply.text);
    }
    assert_eq!(edge.as_role(Role::Customer, "POST", &path, &body.to_string()).await.status, 403);
}

#[tokio::test]
async fn an_event_is_made_with_policies() {
    let edge = Edge::new();
    let create = |pricing: serde_json::Value| {
        let edge = &edge;
        let body = json!({
            "name": "N", "venue": super::fake::venue_id().to_string(), "starts_at": "2031-05-01T19:30:00Z", "currency": "EUR",
            "prices": [5_000, 3_000], "pricing": pricing,
        });
        async move { edge.as_role(Role::Coordinator, "POST", "/event", &body.to_string()).await }
    };
    let tiers = json!({"type": "tiers", "tiers": [{"places": 10, "price": 5_000}, {"price": 6_000}]});
    let made = create(json!([tiers])).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.json["moving_prices"], true);
    assert_eq!(create(json!([{"type": "fixed"}])).await.json.get("moving_prices"), None);
    for (bad, pointer) in [
        (json!([tiers, tiers]), "/pricing/1/tiers/0/price"),
        (json!([tiers, {"type": "fixed"}, {"type": "fixed"}]), "/pricing"),
        (json!([{"type": "demand"}]), "/pricing/0/floor"),
    ] {
        let reply = create(bad).await;
        assert_eq!((reply.status.as_u16(), reply.json["errors"][0]["pointer"].as_str()), (422, Some(pointer)), "{}", reply.text);
    }
}
