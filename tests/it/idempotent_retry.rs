//! "Secure transactions for purchases": a retry with the same Idempotency-Key after a timeout, a kill or a failover gives the
//! first outcome, on any node; with another body it is refused.

use boxoffice_ledger::command::Role;
use boxoffice_tests::http::{PATIENCE, new_key};
use boxoffice_tests::shop::{self, Terms};
use serde_json::json;

use crate::shared::{buyer, cluster, coordinator, own_cluster};

#[tokio::test]
async fn the_same_key_gives_the_first_outcome_on_any_node() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(3)).await;
    let somebody = buyer(1);
    let (key, path) = (new_key(), format!("/event/{event}/hold"));
    let first = somebody.post_with(&path, &key, &json!({"seats": [0]})).await.expect(201);
    for node in 1..=3 {
        let again = somebody.moved_to(&cluster().url(node)).post_with(&path, &key, &json!({"seats": [0]})).await;
        assert_eq!(again.header("idempotent-replayed"), Some("true"), "node {node}");
        let again = again.expect(201);
        assert_eq!((&again["id"], &again["expires_at"]), (&first["id"], &first["expires_at"]), "node {node}");
    }
    let other = somebody.post_with(&path, &key, &json!({"seats": [1]})).await;
    let _ = other.problem(422, "idempotency_key_reused");
    // Somebody else's equal key is another key.
    let stranger = buyer(2).post_with(&path, &key, &json!({"seats": [1]})).await;
    assert_eq!(stranger.status, 201, "{}", stranger.text);
}

#[tokio::test]
async fn refusals_and_empty_answers_say_that_they_are_replays() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(3)).await;
    let (somebody, stranger) = (buyer(1), buyer(2));
    let path = format!("/event/{event}/hold");
    let held = somebody.post(&path, &json!({"seats": [0]})).await.expect(201);
    let (key, body) = (new_key(), json!({"seats": [0]}));
    let first = stranger.post_with(&path, &key, &body).await;
    assert_eq!(first.header("idempotent-replayed"), None, "{}", first.text);
    let again = stranger.post_with(&path, &key, &body).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"), "{}", again.text);
    let _ = again.problem(409, "seat_unavailable");
    let (key, path) = (new_key(), format!("{path}/{}", shop::id(&held)));
    let release = || somebody.request("DELETE", &path).header("Idempotency-Key", &key);
    let first = somebody.send(release()).await.expect("an answer");
    let again = somebody.send(release()).await.expect("an answer");
    assert_eq!((first.status, again.status), (204, 204), "{} {}", first.text, again.text);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
}

#[tokio::test]
async fn holding_and_paying_need_a_key() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(1)).await;
    let somebody = buyer(1);
    let request = somebody.request("POST", &format!("/event/{event}/hold")).json(&json!({"seats": [0]}));
    let _ = somebody.send(request).await.expect("an answer").problem(400, "idempotency_key_required");
}

#[tokio::test]
async fn a_double_click_pays_once() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(1).priced(500)).await;
    let somebody = buyer(1);
    let held = shop::hold(&somebody, &event, &[0]).await.expect(201);
    let (key, path) = (new_key(), format!("/event/{event}/hold/{}/pay", shop::id(&held)));
    let body = json!({"payment_method": shop::CARD_THAT_PAYS});
    let elsewhere = somebody.moved_to(&cluster().url(2));
    let (one, two) = tokio::join!(somebody.try_post(&path, &key, &body), elsewhere.try_post(&path, &key, &body));
    let mut orders = std::collections::BTreeSet::new();
    for reply in [one, two] {
        let mut reply = reply.expect("an answer");
        // "Under way" and "unknown" say: ask again with the same key.
        if reply.is_undecided() || reply.status == 202 {
            reply = shop::post_until_done(&somebody, &path, &key, &body).await;
        }
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text);
        orders.insert(shop::id(&reply.body));
    }
    assert_eq!(orders.len(), 1, "{orders:?}");
}

#[tokio::test]
async fn the_first_outcome_survives_failover_and_restart() {
    let (_turn, cluster) = own_cluster();
    let event = shop::put_on_sale(&cluster.client(1, Role::Coordinator), &Terms::free(8)).await;
    let urls: Vec<String> = (1..=3).map(|node| cluster.url(node)).collect();
    let somebody = cluster.client(1, Role::Customer);
    let path = format!("/event/{event}/hold");
    let (key, body) = (new_key(), json!({"seats": [0]}));
    let first = somebody.post_with(&path, &key, &body).await.expect(201);

    // A request that is under way when the leader dies: its retries must agree with whatever it did.
    let leader = cluster.leader(cluster.group_of_event(&event)).await.expect("a leader");
    let lost_key = new_key();
    let lost = {
        let (client, path, lost_key) = (somebody.moved_to(&cluster.url(leader)), path.clone(), lost_key.clone());
        tokio::spawn(async move { client.try_post(&path, &lost_key, &json!({"seats": [1]})).await })
    };
    cluster.kill(leader);
    let answered = lost.await.expect("the task ends").ok();
    let alive: Vec<String> = urls.iter().filter(|url| **url != cluster.url(leader)).cloned().collect();
    let mut outcomes = Vec::new();
    for url in &alive {
        let client = somebody.moved_to(url);
        let reply = shop::eventually("a definite answer", PATIENCE, async || {
            client.try_post(&path, &lost_key, &json!({"seats": [1]})).await.ok().filter(|reply| !reply.is_retryable())
        })
        .await;
        outcomes.push(reply.expect(201)["id"].clone());
        let again = shop::eventually("the first outcome", PATIENCE, async || {
            client.try_post(&path, &key, &body).await.ok().filter(|reply| !reply.is_retryable())
        })
        .await;
        assert_eq!(again.expect(201)["id"], first["id"], "after failover, at {url}");
    }
    assert_eq!(outcomes[0], outcomes[1]);
    if let Some(reply) = answered.filter(|reply| reply.status == 201) {
        assert_eq!(reply.body["id"], outcomes[0], "what was acknowledged is what is kept");
    }

    for node in (1..=3).filter(|&node| node != leader) {
        cluster.kill(node);
    }
    for node in 1..=3 {
        cluster.spawn(node).expect("the node starts again");
    }
    cluster.wait_ready().expect("the cluster is ready again");
    let client = somebody.moved_to(&cluster.url(leader));
    let again = shop::eventually("the first outcome", PATIENCE, async || {
        client.try_post(&path, &key, &body).await.ok().filter(|reply| !reply.is_retryable())
    })
    .await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.expect(201)["id"], first["id"], "after a restart of all nodes");
    let reused = client.post_with(&path, &key, &json!({"seats": [2]})).await;
    let _ = reused.problem(422, "idempotency_key_reused");
}
