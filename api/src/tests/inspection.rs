//! What operators see under the surface.

use boxoffice_ledger::command::Role;
use serde_json::json;

use super::harness::Edge;

#[tokio::test]
async fn operators_see_what_is_violated() {
    let edge = Edge::new();
    let seen = edge.as_role(Role::Operator, "GET", "/check/3", "").await;
    let finding = json!({
        "invariant": "tickets", "text": "no two tickets that are good are for one seat", "checked": 2, "violated": 1,
        "violations": ["seat 7 of evt_x has two tickets"],
    });
    assert_eq!((seen.status.as_u16(), &seen.json["clean"], &seen.json["findings"]), (200, &json!(false), &json!([finding])));
    assert_eq!(seen.json["digest"], "0000000000000000000000000000feed");
    for path in ["/check/9", "/check/x", "/log/9"] {
        assert_eq!(edge.as_role(Role::Operator, "GET", path, "").await.status, 404, "{path}");
    }
    assert_eq!(edge.as_role(Role::Coordinator, "GET", "/check/3", "").await.status, 403);
}

#[tokio::test]
async fn operators_read_the_log_page_by_page() {
    let edge = Edge::new();
    let all = edge.as_role(Role::Operator, "GET", "/log/3", "").await;
    let kinds: Vec<_> = all.json["data"].as_array().unwrap().iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!((kinds, &all.json["has_more"]), (vec![json!("membership"), json!("blank"), json!("batch")], &json!(false)));
    assert_eq!(all.json["data"][2]["commands"], json!([{"name": "hold", "about": [{"name": "quantity", "value": "2"}]}]));
    let one = edge.as_role(Role::Operator, "GET", "/log/3?from=2&limit=1", "").await;
    assert_eq!((&one.json["data"][0]["index"], &one.json["has_more"]), (&json!(2), &json!(true)));
    for (query, pointer) in [("from=x", "?from"), ("limit=0", "?limit"), ("limit=1001", "?limit")] {
        let refused = edge.as_role(Role::Operator, "GET", &format!("/log/3?{query}"), "").await;
        assert_eq!((refused.status.as_u16(), &refused.json["errors"][0]["pointer"]), (422, &json!(pointer)), "{query}");
    }
}
