//! "View their booked events/tickets": `GET /user/ticket`, `GET /user/ticket/{id}`. After a paid order's answer the list shows
//! the ticket or says that its delivery is pending; it is never an empty list that looks final, whoever was killed in between.

use boxoffice_ledger::command::Role;
use boxoffice_tests::cluster::Cluster;
use boxoffice_tests::http::{Client, PATIENCE};
use boxoffice_tests::shop::{self, Terms};

use crate::shared::{buyer, coordinator, own_cluster};

#[tokio::test]
async fn a_ticket_can_be_read_by_its_owner_only() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(2).priced(700)).await;
    let somebody = buyer(1);
    let order = shop::buy(&somebody, &event, 1).await;
    let ticket = order["tickets"][0].as_str().expect("a ticket's id").to_owned();
    let shown = somebody.get(&format!("/user/ticket/{ticket}")).await.expect(200);
    assert_eq!((&shown["id"], &shown["event"], &shown["price"]["amount"]), (&ticket.as_str().into(), &event.as_str().into(), &700.into()));
    assert_eq!(shown["order"], order["id"]);
    let _ = buyer(2).get(&format!("/user/ticket/{ticket}")).await.problem(404, "not_found");
    assert_eq!(shop::tickets(&buyer(2)).await, (Vec::new(), true));
}

#[tokio::test]
async fn tickets_are_listed_page_by_page() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(5)).await;
    let somebody = buyer(1);
    for seat in 0..5 {
        shop::buy(&somebody, &event, seat).await;
    }
    shop::eventually("five tickets on pages of two", PATIENCE, async || {
        let mut seen = std::collections::BTreeSet::new();
        let mut path = "/user/ticket?limit=2".to_owned();
        loop {
            let page = somebody.get(&path).await.expect(200);
            let data = page["data"].as_array().expect("a list").clone();
            seen.extend(data.iter().map(shop::id));
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/user/ticket?limit=2&cursor={cursor}"),
                None => break,
            }
        }
        (seen.len() == 5).then_some(())
    })
    .await;
}

/// What a node answers about somebody who has one paid ticket: nothing yet (503), the ticket, or "there may be more".
/// An empty list that looks final is the one wrong answer.
async fn must_not_deny_the_ticket(client: &Client, when: &str) -> bool {
    match client.try_get("/user/ticket").await {
        Ok(reply) if reply.status == 200 => {
            let shown = reply.body["data"].as_array().is_some_and(|data| !data.is_empty());
            assert!(shown || reply.body["complete"] == false, "{when}: an empty list that looks final: {}", reply.text);
            shown
        }
        Ok(reply) => {
            assert!(matches!(reply.status, 503 | 504), "{when}: {}", reply.text);
            false
        }
        Err(_) => false,
    }
}

/// Buys a ticket, kills the leader of the given group right after the answer, and watches every node until the ticket is
/// there.
async fn ticket_survives_a_kill(cluster: &Cluster, event: &str, group_of: impl Fn(&str) -> u32) {
    let somebody = cluster.someone(Role::Customer);
    let victim = cluster.leader(group_of(&somebody.user)).await.expect("a leader");
    let urls: Vec<String> = (1..=3).map(|node| cluster.url(node)).collect();
    let elsewhere = Client::at(&urls[victim as usize % 3]).with_token(&somebody.token);
    let held = shop::insist(&elsewhere, &urls, &format!("/event/{event}/hold"), &serde_json::json!({"best": {"quantity": 1}})).await;
    let hold = shop::id(&held.expect(201));
    let pay = serde_json::json!({"payment_method": shop::CARD_THAT_PAYS});
    let paid = shop::insist(&elsewhere, &urls, &format!("/event/{event}/hold/{hold}/pay"), &pay).await;
    assert!(matches!(paid.status, 200 | 201), "{}", paid.text);
    cluster.kill(victim);
    for node in (1..=3).filter(|&node| node != victim) {
        let client = elsewhere.moved_to(&cluster.url(node));
        shop::eventually("the ticket on the nodes that live", PATIENCE, async || {
            must_not_deny_the_ticket(&client, &format!("node {node}, node {victim} dead")).await.then_some(())
        })
        .await;
    }
    cluster.spawn(victim).expect("the node starts again");
    cluster.wait_ready().expect("the node is ready again");
    let client = elsewhere.moved_to(&cluster.url(victim));
    shop::eventually("the ticket on the restarted node", PATIENCE, async || {
        must_not_deny_the_ticket(&client, "restarted").await.then_some(())
    })
    .await;
    let (tickets, _) = shop::tickets(&client).await;
    assert_eq!(tickets.len(), 1, "exactly one: {tickets:?}");
}

#[tokio::test]
async fn the_ticket_is_there_though_the_leader_of_the_events_group_died() {
    let (_turn, cluster) = own_cluster();
    let event = shop::put_on_sale(&cluster.client(1, Role::Coordinator), &Terms::free(20)).await;
    for _ in 0..2 {
        ticket_survives_a_kill(&cluster, &event, |_| cluster.group_of_event(&event)).await;
    }
}

#[tokio::test]
async fn the_ticket_is_there_though_the_leader_of_the_users_group_died() {
    let (_turn, cluster) = own_cluster();
    let event = shop::put_on_sale(&cluster.client(1, Role::Coordinator), &Terms::free(20)).await;
    for _ in 0..2 {
        ticket_survives_a_kill(&cluster, &event, |user| cluster.group_of_user(user)).await;
    }
}
