//! "Users can view events": `GET /event` lists popular events, `GET /event/{id}` shows one.

use boxoffice_ledger::command::Role;
use boxoffice_tests::http::{Client, PATIENCE};
use boxoffice_tests::shop::{self, Terms};
use serde_json::json;

use crate::shared::{buyer, cluster, coordinator};

#[tokio::test]
async fn an_event_is_shown_on_every_node_without_logging_in() {
    let event = shop::put_on_sale(&coordinator(), &Terms { name: "The Shown Event".into(), ..Terms::free(4).priced(1250) }).await;
    for node in 1..=3 {
        // Other nodes hear of the sale a moment later.
        let shown = shop::eventually("the event on sale", PATIENCE, async || {
            let reply = Client::at(&cluster().url(node)).get(&format!("/event/{event}?expand=venue")).await;
            assert!(reply.header("boxoffice-revision").is_some(), "an answer says which revision it shows");
            Some(reply.expect(200)).filter(|shown| shown["sale"]["state"] == "on_sale")
        })
        .await;
        assert_eq!(shown["id"], event.as_str());
        assert_eq!(shown["name"], "The Shown Event");
        assert_eq!(shown["venue"]["city"], "Testville");
        assert_eq!(shown["prices"][0], json!({"level": 0, "amount": 1250, "currency": "EUR"}));
        assert_eq!(shown["sale"]["capacity"], 4);
    }
}

#[tokio::test]
async fn the_list_shows_it_page_by_page() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(2)).await;
    shop::put_on_sale(&coordinator(), &Terms::free(2)).await;
    let mut path = "/event?limit=1&consistency=linearizable".to_owned();
    let mut pages = 0;
    let found = loop {
        let page = buyer(2).get(&path).await.expect(200);
        let data = page["data"].as_array().expect("a list");
        assert!(data.len() <= 1);
        pages += 1;
        if data.iter().any(|shown| shown["id"] == event.as_str()) {
            break true;
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/event?limit=1&consistency=linearizable&cursor={cursor}"),
            None => break false,
        }
    };
    assert!(found, "not in {pages} pages");
}

#[tokio::test]
async fn a_draft_is_shown_to_its_owner_only() {
    let owner = coordinator();
    let venue = shop::build_venue(&owner, 2).await;
    let terms = Terms { name: "The Secret Draft".into(), more: json!({"draft": true}), ..Terms::free(2) };
    let draft = owner.post("/event", &shop::event_body(&venue, &terms)).await.expect(201);
    let path = format!("/event/{}", shop::id(&draft));
    assert_eq!(owner.get(&path).await.expect(200)["status"], "draft");
    let _ = buyer(1).get(&path).await.problem(404, "not_found");
    let _ = cluster().client(2, Role::Coordinator).get(&path).await.problem(404, "not_found");
    let listed = buyer(1).get("/event?limit=100").await.expect(200);
    assert!(!listed.to_string().contains("The Secret Draft"));
    // Published, it is everybody's.
    let publish = owner.post(&format!("{path}/publish"), &json!({})).await;
    assert!(matches!(publish.status, 200 | 202), "{}", publish.text);
    assert_eq!(buyer(1).get(&format!("{path}?consistency=linearizable")).await.expect(200)["status"], "published");
}

#[tokio::test]
async fn an_unchanged_event_is_not_sent_again() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(2)).await;
    let client = buyer(1);
    let path = format!("/event/{event}");
    let first = client.get(&path).await;
    let tag = first.header("etag").expect("an ETag").to_owned();
    let again = client.send(client.request("GET", &path).header("If-None-Match", tag)).await.expect("an answer");
    assert_eq!(again.status, 304);
}
