//! "Used by clients via HTTP to any node": every node takes every request, whoever leads.

use boxoffice_ledger::command::Role;
use boxoffice_tests::check;
use boxoffice_tests::http::PATIENCE;
use boxoffice_tests::shop::{self, Terms};
use serde_json::json;

use crate::shared::{cluster, coordinator};

#[tokio::test]
async fn every_node_takes_every_request() {
    let cluster = cluster();
    let event = shop::put_on_sale(&coordinator(), &Terms::free(9)).await;
    let leader = cluster.leader(cluster.group_of_event(&event)).await.expect("a leader");
    for node in 1..=3 {
        let somebody = cluster.client(node, Role::Customer);
        let seat = node as u32 - 1;
        let held = shop::hold(&somebody, &event, &[seat]).await.expect(201);
        let path = format!("/event/{event}/hold/{}", shop::id(&held));
        let read = somebody.get(&path).await.expect(200);
        assert_eq!(read["id"], held["id"], "node {node} reads what it wrote, leader is {leader}");
        let extended = somebody.post(&format!("{path}/extend"), &json!({})).await;
        assert_eq!(extended.status, 200, "{}", extended.text);
        let paid = shop::pay(&somebody, &event, &shop::id(&held)).await;
        assert!(matches!(paid.status, 200 | 201), "node {node}: {}", paid.text);
        let order = somebody.get(&format!("/order/{}", shop::id(&paid.body))).await.expect(200);
        assert_eq!(order["state"], "confirmed");
        assert_eq!(cluster.client(node, Role::Coordinator).get(&format!("/event/{event}")).await.status, 200);
    }
}

#[tokio::test]
async fn what_was_written_at_one_node_is_read_at_the_next() {
    let cluster = cluster();
    let event = shop::put_on_sale(&coordinator(), &Terms::free(30)).await;
    for seat in 0..30 {
        let nodes = [u64::from(seat % 3) + 1, u64::from((seat + 1) % 3) + 1];
        let held = shop::hold(&cluster.client(nodes[0], Role::Customer), &event, &[seat]).await;
        let revision = held.header("boxoffice-revision").expect("a revision").to_owned();
        let _ = held.expect(201);
        // With the revision of the write, the read is at least as new, wherever it is made.
        let reader = cluster.client(nodes[1], Role::Customer);
        let request = reader.request("GET", &format!("/event/{event}")).header("Boxoffice-Min-Revision", revision);
        let shown = reader.send(request).await.expect("an answer").expect(200);
        assert_eq!(shown["sale"]["held"], seat + 1, "read at node {} after a write at node {}", nodes[1], nodes[0]);
    }
}

#[tokio::test]
async fn all_replicas_are_the_same_at_the_same_index() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(10)).await;
    for seat in 0..10 {
        shop::buy(&cluster().client(u64::from(seat % 3) + 1, Role::Customer), &event, seat).await;
    }
    let agreements = check::replicas_agree(cluster()).await.unwrap_or_else(|complaints| panic!("{complaints:#?}"));
    assert_eq!(agreements.len(), cluster().groups().all().count());
    let _ = cluster().client(1, Role::Customer).get("/digest/1").await.problem(403, "forbidden");
}

/// The lines of a node's log that name a request.
fn lines_of(node: u64, request: &str) -> Vec<String> {
    cluster().log(node).lines().filter(|line| line.contains(request)).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_request_is_named_in_the_logs_of_all_nodes_that_it_crosses() {
    let cluster = cluster();
    let event = shop::put_on_sale(&coordinator(), &Terms::free(9)).await;
    // The leader may change between the look and the request: then it is tried again under another name.
    shop::eventually("one request in the logs of two nodes", PATIENCE, async || {
        let leader = cluster.leader(cluster.group_of_event(&event)).await.expect("a leader");
        let edge = leader % 3 + 1;
        let somebody = cluster.client(edge, Role::Customer);
        // Longer than what travels: its end does.
        let nonce = somebody.get("/event").await.header("x-request-id").expect("it is named").replace('-', "");
        let (write, read) = (format!("a-write-of-a-caller-{nonce}"), format!("a-read-of-a-caller-{nonce}"));
        let seats = json!({"seats": [0]});
        let _ = somebody
            .send(
                somebody
                    .request("POST", &format!("/event/{event}/hold"))
                    .header("Idempotency-Key", &write)
                    .header("X-Request-Id", &write)
                    .json(&seats),
            )
            .await;
        let path = format!("/event/{event}?consistency=linearizable");
        let answer = somebody.send(somebody.request("GET", &path).header("X-Request-Id", &read)).await.expect("an answer");
        assert_eq!(answer.header("x-request-id"), Some(read.as_str()));
        let [write_end, read_end] = [&write, &read].map(|id| id[id.len() - 16..].to_owned());
        let named = |node: u64, request: &str, what: &str| lines_of(node, request).iter().any(|line| line.contains(what));
        let told = named(edge, &write, "answered")
            && named(edge, &write_end, "forwarded to the leader")
            && named(leader, &write_end, "a command was forwarded here")
            && named(leader, &write_end, "committed")
            && named(edge, &read, "answered")
            && named(leader, &read_end, "a read asks how far the group is");
        told.then_some(())
    })
    .await;
}
