//! Keys of programs: they work at every node within their scopes, and a revoked one stops to work within seconds.

use boxoffice_ledger::command::Role;
use boxoffice_tests::http::{Client, PATIENCE, new_key};
use boxoffice_tests::people::{PASSWORD, as_person, log_in, register};
use boxoffice_tests::shop::{self, Terms};
use serde_json::json;

use crate::shared::cluster;

fn at(node: u64) -> Client {
    Client::at(&cluster().url(node))
}

#[tokio::test]
async fn a_key_books_at_every_node_and_does_nothing_else() {
    let event = shop::put_on_sale(&cluster().client(1, Role::Coordinator), &Terms::free(20)).await;
    let ada = register(&at(1), "ada").await;
    let person = as_person(&at(1), &log_in(&at(1), &ada.email, PASSWORD).await.expect(201));
    let (key, body) = (new_key(), json!({"name": "Shop", "scopes": ["book"]}));
    let made = person.post_with("/key", &key, &body).await.expect(201);
    let again = person.moved_to(&cluster().url(2)).post_with("/key", &key, &body).await.expect(201);
    assert_eq!((&made["key"], &made["id"]), (&again["key"], &again["id"]), "a repeat is answered alike");
    let text = made["key"].as_str().expect("a key");
    assert!(text.starts_with("bo_live_"), "{text}");
    for node in 1..=3 {
        let program = at(node).with_token(text);
        let held = shop::hold(&program, &event, &[node as u32]).await;
        assert_eq!(held.status, 201, "{}", held.text);
        let _ = program.get("/user/ticket").await.problem(403, "forbidden");
        let _ = program.get("/session").await.problem(403, "forbidden");
        let _ = program.post("/key", &body).await.problem(403, "forbidden");
        let _ = program.post("/event", &json!({})).await.problem(403, "forbidden");
    }
    let list = person.get("/key").await.expect(200);
    assert!(list["data"][0]["name"] == "Shop" && !list.to_string().contains("bo_live_"), "{list}");

    let id = made["id"].as_str().expect("an id");
    let eve = register(&at(1), "eve").await;
    let eve = as_person(&at(1), &log_in(&at(1), &eve.email, PASSWORD).await.expect(201));
    let foreign = eve.delete(&format!("/key/{id}")).await;
    let _ = foreign.problem(404, "not_found");
    let revoked = person.delete(&format!("/key/{id}")).await;
    assert_eq!(revoked.status, 204, "{}", revoked.text);
    for node in 1..=3 {
        let program = at(node).with_token(text);
        shop::eventually("the key to be refused", PATIENCE, async || (program.get("/user/ticket").await.status == 401).then_some(())).await;
    }
}

#[tokio::test]
async fn keys_that_are_not_ours_are_refused() {
    let ada = register(&at(1), "ada").await;
    let person = as_person(&at(1), &log_in(&at(1), &ada.email, PASSWORD).await.expect(201));
    let made = person.post("/key", &json!({"name": "Shop", "scopes": ["tickets"]})).await.expect(201);
    let text = made["key"].as_str().expect("a key");
    assert_eq!(at(2).with_token(text).get("/user/ticket").await.status, 200);
    let other = if text.ends_with('A') { "B" } else { "A" };
    for bad in
        [format!("{}{other}", &text[..text.len() - 1]), format!("{text}{other}"), text.replace("bo_live_", "bo_live_x"), "bo_live_".into()]
    {
        let reply = at(2).with_token(&bad).get("/user/ticket").await;
        assert_eq!((reply.status, reply.header("www-authenticate")), (401, Some("Bearer")), "{bad}");
    }
}
