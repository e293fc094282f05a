//! Sessions: they go on at any node, a refresh token is good once, and what ends them ends them everywhere.

use boxoffice_ledger::command::Role;
use boxoffice_tests::http::{Client, PATIENCE, new_key};
use boxoffice_tests::people::{PASSWORD, as_person, link, log_in, new_email, refresh, register};
use boxoffice_tests::shop;
use serde_json::json;

use crate::shared::cluster;

fn at(node: u64) -> Client {
    Client::at(&cluster().url(node))
}

/// Whether somebody may write at a node: makes a key, which has no other effect.
async fn writes(person: &Client, node: u64) -> u16 {
    person.moved_to(&cluster().url(node)).post("/key", &json!({"name": "probe", "scopes": ["book"]})).await.status
}

/// Waits until a node has heard that somebody may not write any more.
async fn stops_writing(person: &Client, node: u64) {
    shop::eventually("the node to refuse", PATIENCE, async || (writes(person, node).await == 401).then_some(())).await;
}

#[tokio::test]
async fn a_refresh_token_is_good_once_at_any_node() {
    let ada = register(&at(1), "ada").await;
    let first = log_in(&at(1), &ada.email, PASSWORD).await.expect(201);
    let second = refresh(&at(2), &first).await.expect(200);
    // The answer was lost: the same token gets the same answer again, at another node too.
    let again = refresh(&at(3), &first).await.expect(200);
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    let third = refresh(&at(1), &second).await.expect(200);
    assert_eq!(as_person(&at(2), &third).get("/user").await.expect(200)["id"], ada.id);
    // A thief comes with the first one: nobody goes on, the thief least of all.
    let _ = refresh(&at(2), &first).await.problem(401, "unauthenticated");
    let _ = refresh(&at(3), &third).await.problem(401, "unauthenticated");
    stops_writing(&as_person(&at(1), &third), 2).await;
    for nonsense in [json!({"refresh_token": "x"}), json!({"refresh_token": third["access_token"]}), json!({})] {
        assert_eq!(refresh(&at(1), &nonsense).await.status, 401, "{nonsense}");
    }
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_or_all() {
    let ada = register(&at(1), "ada").await;
    let mut sessions = Vec::new();
    for node in 1..=3 {
        sessions.push(log_in(&at(node), &ada.email, PASSWORD).await.expect(201));
    }
    let people: Vec<Client> = sessions.iter().map(|session| as_person(&at(1), session)).collect();
    let list = people[0].get("/session").await.expect(200);
    let listed = list["data"].as_array().expect("a list");
    assert_eq!(listed.len(), 3, "{list}");
    assert_eq!(listed.iter().filter(|one| one["current"] == true).count(), 1);
    // One ends the other.
    let other = sessions[1]["id"].as_str().expect("an id");
    let ended = people[0].delete(&format!("/session/{other}")).await;
    assert_eq!(ended.status, 204, "{}", ended.text);
    stops_writing(&people[1], 3).await;
    assert_eq!(writes(&people[0], 3).await, 201);
    // Somebody else's session is not found.
    let eve = register(&at(1), "eve").await;
    let eve = as_person(&at(1), &log_in(&at(1), &eve.email, PASSWORD).await.expect(201));
    let foreign = eve.delete(&format!("/session/{}", sessions[2]["id"].as_str().expect("an id"))).await;
    let _ = foreign.problem(404, "not_found");
    // Logging out ends this one; ending all ends what is left, and stops writing with any token.
    let out = people[0].delete("/session").await;
    assert_eq!(out.status, 204);
    let _ = refresh(&at(2), &sessions[0]).await.problem(401, "unauthenticated");
    let all = people[2].delete("/session?all=true").await;
    assert_eq!(all.status, 204, "{}", all.text);
    for (person, session) in people.iter().zip(&sessions) {
        stops_writing(person, 2).await;
        let _ = refresh(&at(3), session).await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn another_password_ends_other_sessions() {
    let ada = register(&at(1), "ada").await;
    let mine = log_in(&at(1), &ada.email, PASSWORD).await.expect(201);
    let other = log_in(&at(2), &ada.email, PASSWORD).await.expect(201);
    let me = as_person(&at(1), &mine);
    let body = json!({"old_password": PASSWORD, "password": "a better one than that"});
    let _ = me
        .post("/user/password", &json!({"old_password": "wrong", "password": "a better one than that"}))
        .await
        .problem(401, "bad_credentials");
    let key = new_key();
    let changed = me.post_with("/user/password", &key, &body).await.expect(200);
    // The retry of a lost answer, with a token that still reads: the session goes on, so it gets its new token again.
    let session = refresh(&at(3), &mine).await.expect(200);
    let again = as_person(&at(2), &session).post_with("/user/password", &key, &body).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")), "{}", again.text);
    stops_writing(&me, 2).await;
    assert_eq!(writes(&as_person(&at(1), &changed), 2).await, 201);
    stops_writing(&as_person(&at(1), &other), 3).await;
    let _ = refresh(&at(3), &other).await.problem(401, "unauthenticated");
    let _ = log_in(&at(2), &ada.email, PASSWORD).await.problem(401, "bad_credentials");
    let _ = log_in(&at(3), &ada.email, "a better one than that").await.expect(201);
    let letter = cluster().letter_to(&ada.email).await.expect("a notice");
    assert!(letter.contains("was changed"), "{letter}");
}

#[tokio::test]
async fn a_mailed_link_sets_the_password_once() {
    let ada = register(&at(1), "ada").await;
    let session = log_in(&at(1), &ada.email, PASSWORD).await.expect(201);
    let known = at(2).post("/user/password/reset", &json!({"email": ada.email})).await;
    let unknown = at(2).post("/user/password/reset", &json!({"email": new_email("nobody")})).await;
    assert_eq!((known.status, &known.text), (202, &unknown.text), "nothing says whether there is an account");
    let token = link(cluster(), &ada.email, "reset").await;
    let body = json!({"token": token, "password": "a better one than that"});
    let key = new_key();
    for _ in 0..2 {
        let set = at(3).post_with("/user/password/reset/confirm", &key, &body).await;
        assert_eq!(set.status, 204, "{}", set.text);
    }
    let _ = at(1).post("/user/password/reset/confirm", &body).await.problem(410, "link_over");
    let forged = json!({"token": format!("{}A", &token[..token.len() - 1]), "password": "a better one than that"});
    let _ = at(1).post("/user/password/reset/confirm", &forged).await.problem(410, "link_over");
    let _ = refresh(&at(2), &session).await.problem(401, "unauthenticated");
    stops_writing(&as_person(&at(1), &session), 3).await;
    let _ = log_in(&at(2), &ada.email, "a better one than that").await.expect(201);
}

#[tokio::test]
async fn another_key_signs_and_the_old_tokens_go_on() {
    let ada = register(&at(1), "ada").await;
    let old = log_in(&at(1), &ada.email, PASSWORD).await.expect(201);
    let admin = cluster().client(2, Role::Admin);
    let _ = cluster().client(2, Role::Operator).post("/admin/key/rotate", &json!({})).await.problem(403, "forbidden");
    let rotated = admin.post("/admin/key/rotate", &json!({})).await.expect(200);
    let new = shop::eventually("another key to sign", PATIENCE, async || {
        Some(log_in(&at(2), &ada.email, PASSWORD).await.expect(201)).filter(|new| head(new) != head(&old))
    })
    .await;
    for node in 1..=3 {
        for session in [&old, &new] {
            let me = as_person(&at(node), session).get("/user").await;
            assert_eq!(me.status, 200, "{}", me.text);
        }
        shop::eventually("three keys at least", PATIENCE, async || {
            let keys = at(node).get("/.well-known/jwks.json").await.expect(200);
            (keys["keys"].as_array().expect("a list").len() >= 3).then_some(())
        })
        .await;
    }
    assert!(rotated["epoch"].as_u64() >= Some(1));
}

/// The part of an access token that names its key.
fn head(session: &serde_json::Value) -> &str {
    session["access_token"].as_str().and_then(|token| token.split('.').next()).expect("a token")
}

#[tokio::test]
async fn a_token_of_a_role_that_was_taken_away_does_not_write() {
    let carl = register(&at(1), "carl").await;
    let admin = cluster().client(1, Role::Admin);
    let role = format!("/user/{}/role", carl.id);
    assert_eq!(admin.post(&role, &json!({"role": "coordinator"})).await.expect(200)["role"], "coordinator");
    let session = log_in(&at(2), &carl.email, PASSWORD).await.expect(201);
    let coordinator = as_person(&at(2), &session);
    let performer = json!({"name": "The Testers", "genre": "rock"});
    assert_eq!(coordinator.post("/performer", &performer).await.status, 201);
    let _ = admin.post(&role, &json!({"role": "customer"})).await.expect(200);
    for node in 1..=3 {
        let moved = coordinator.moved_to(&cluster().url(node));
        shop::eventually("the node to hear of it", PATIENCE, async || {
            (moved.post("/performer", &performer).await.status == 401).then_some(())
        })
        .await;
    }
    // The session goes on, with the role that is left.
    let next = refresh(&at(3), &session).await.expect(200);
    assert_eq!(next["user"]["role"], "customer");
    let _ = as_person(&at(3), &next).post("/performer", &performer).await.problem(403, "forbidden");
}
