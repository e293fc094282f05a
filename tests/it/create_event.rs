//! "Admins or event coordinators can add events": `POST /event`; once it answered 201 the event can be read and held on
//! every node at once.

use boxoffice_tests::http::new_key;
use boxoffice_tests::shop::{self, Terms};
use serde_json::json;

use crate::shared::{buyer, cluster, coordinator};

#[tokio::test]
async fn a_created_event_can_be_read_and_held_at_once_on_every_node() {
    let owner = coordinator();
    let venue = shop::build_venue(&owner, 3).await;
    for node in 1..=3 {
        // Created at one node, used at all of them without waiting.
        let creator = owner.moved_to(&cluster().url(node));
        let reply = shop::post_until_done(&creator, "/event", &new_key(), &shop::event_body(&venue, &Terms::free(3))).await;
        assert!(reply.header("location").is_some_and(|place| place.starts_with("/event/evt_")), "{:?}", reply.headers);
        let event = shop::id(&reply.expect(201));
        for other in 1..=3 {
            let held = shop::hold(&buyer(other), &event, &[other as u32 - 1]).await;
            assert_eq!(held.status, 201, "created at node {node}, held at node {other}: {}", held.text);
            let shown = buyer(other).get(&format!("/event/{event}")).await;
            assert_eq!(shown.status, 200, "created at node {node}, read at node {other}: {}", shown.text);
        }
    }
}

#[tokio::test]
async fn only_coordinators_create_events() {
    let venue = shop::build_venue(&coordinator(), 2).await;
    let body = shop::event_body(&venue, &Terms::free(2));
    let _ = buyer(1).post("/event", &body).await.problem(403, "forbidden");
    let nobody = boxoffice_tests::http::Client::at(&cluster().url(1)).post("/event", &body).await;
    assert_eq!(nobody.status, 401, "{}", nobody.text);
}

#[tokio::test]
async fn wrong_fields_are_pointed_at() {
    let owner = coordinator();
    let venue = shop::build_venue(&owner, 2).await;
    for (field, value) in [
        ("name", json!("")),
        ("starts_at", json!("tomorrow")),
        ("currency", json!("EURO")),
        ("prices", json!([-1])),
        ("prices", json!([])),
        ("hold_ttl_s", json!(1)),
        ("venue", json!("ven_00000000000000000000000000")),
    ] {
        let mut body = shop::event_body(&venue, &Terms::free(2));
        body[field] = value.clone();
        let reply = owner.post("/event", &body).await;
        let problem = reply.problem(422, "validation_failed");
        let pointer = problem["errors"][0]["pointer"].as_str().unwrap_or_default();
        assert!(pointer.starts_with(&format!("/{field}")), "{field} = {value}: {problem}");
    }
}

#[tokio::test]
async fn an_event_not_on_sale_yet_is_not_held() {
    let terms = Terms { more: json!({"on_sale_at": "2030-01-01T10:00:00Z"}), ..Terms::free(2) };
    let event = shop::put_on_sale(&coordinator(), &terms).await;
    let refused = shop::hold(&buyer(1), &event, &[0]).await;
    assert_eq!((refused.status, refused.body["code"].as_str()), (409, Some("sale_not_on")), "{}", refused.text);
}
