//! Nodes that come and go, at the edge.

use boxoffice_ledger::command::Role;
use serde_json::json;

use super::fake::nodes::TOKEN;
use super::harness::Edge;

#[tokio::test]
async fn nodes_are_listed_invited_and_join_once() {
    let edge = Edge::new();
    let list = edge.as_role(Role::Operator, "GET", "/cluster/member", "").await;
    assert_eq!((&list.json["object"], &list.json["data"][1]["state"]), (&json!("list"), &json!("invited")), "{}", list.text);
    assert_eq!(list.json["data"][0]["votes"], 13);
    let new = r#"{"peer":"box4:7580","http":"http://box4:7480"}"#;
    let invited = edge.as_role(Role::Admin, "POST", "/cluster/member", new).await;
    assert_eq!((invited.status.as_u16(), &invited.json["node"], &invited.json["token"]), (201, &json!(4), &json!(TOKEN)));
    assert!(edge.fake.inner.lock().calls.contains(&"invite_member box4:7580 http://box4:7480 86400000".to_owned()));
    let join = |token: &str| json!({"node": 4, "token": token}).to_string();
    let joined = edge.send("POST", "/cluster/join", &["idempotency-key: j1"], &join(TOKEN)).await;
    assert_eq!((joined.status.as_u16(), &joined.json["event_groups"], &joined.json["removed"]), (200, &json!(8), &json!([3])));
    let again = edge.send("POST", "/cluster/join", &["idempotency-key: j2"], &join("bon_other")).await;
    assert_eq!((again.status.as_u16(), again.code()), (410, "link_over"));
}

#[tokio::test]
async fn what_is_wrong_with_a_node_is_pointed_at() {
    let edge = Edge::new();
    for (bad, pointer) in [
        (r#"{"peer":"box4","http":"http://box4:7480"}"#, "/peer"),
        (r#"{"peer":":1","http":"http://box4:7480"}"#, "/peer"),
        (r#"{"peer":"box4:7580","http":"box4:7480"}"#, "/http"),
        (r#"{"peer":"box4:7580","http":"http://box 4"}"#, "/http"),
        (r#"{"peer":"box4:7580","http":"http://box4:7480","ttl_s":0}"#, "/ttl_s"),
    ] {
        let reply = edge.as_role(Role::Admin, "POST", "/cluster/member", bad).await;
        assert_eq!((reply.status.as_u16(), &reply.json["errors"][0]["pointer"]), (422, &json!(pointer)), "{bad}");
    }
    for (method, path, status) in [
        ("POST", "/cluster/member/1/drain", 200),
        ("POST", "/cluster/member/1/undrain", 200),
        ("POST", "/cluster/member/7/drain", 404),
        ("POST", "/cluster/member/one/drain", 404),
        ("DELETE", "/cluster/member/2", 204),
        ("DELETE", "/cluster/member/1", 409),
        ("DELETE", "/cluster/member/01", 404),
        ("POST", "/cluster/rebalance", 200),
    ] {
        let reply = edge.as_role(Role::Admin, method, path, "").await;
        assert_eq!(reply.status.as_u16(), status, "{method} {path}: {}", reply.text);
    }
    let moved = edge.as_role(Role::Operator, "POST", "/cluster/group/3/leader", r#"{"node":2}"#).await;
    assert_eq!((moved.status.as_u16(), &moved.json["group"], &moved.json["node"]), (200, &json!(3), &json!(2)));
}
