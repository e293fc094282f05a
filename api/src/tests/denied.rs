//! Who asks for what they may not do is told to the audit trail, once for many.

use boxoffice_ledger::command::Role;

use super::harness::Edge;

#[tokio::test]
async fn denied_requests_are_noted_once_and_open_ones_are_not() {
    let edge = Edge::new();
    for _ in 0..5 {
        assert_eq!(edge.user("POST", "/event", "{}").await.code(), "forbidden");
    }
    assert_eq!(edge.as_role(Role::Gate, "GET", "/status", "").await.status, 403);
    assert_eq!(edge.get("/status").await.status, 401, "nobody said who they are");
    assert_eq!(edge.user("GET", "/user", "").await.status, 200);
    while edge.fake.denied.lock().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(*edge.fake.denied.lock(), ["Customer POST /event 1", "Gate GET /status 1"]);
}
