//! Following what happens: the same changes at every node, through crashes; webhooks that miss nothing; nobody sees what is not theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use boxoffice_cluster_config::changes::Changes;
use boxoffice_cluster_config::file::RaftTuning;
use boxoffice_cluster_config::groups::GroupCounts;
use boxoffice_ledger::command::Role;
use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::http::{Client, PATIENCE};
use boxoffice_tests::receiver::Receiver;
use boxoffice_tests::shop::{self, Terms};
use serde_json::{Value, json};

use crate::shared::{buyer, cluster, coordinator, own_cluster, turn};

/// Every line that a node has, page by page.
async fn read_all(client: &Client, query: &str) -> Vec<String> {
    let mut path = format!("/changes?limit=50&{query}");
    let mut lines = Vec::new();
    loop {
        let page = client.get(&path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        if page.text.is_empty() {
            return lines;
        }
        lines.extend(page.text.lines().map(str::to_owned));
        let link = page.header("link").expect("a link to what follows").to_owned();
        path = link.trim_start_matches('<').split('>').next().expect("an address").to_owned();
    }
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// Follows a group at one node after another, for ever; keeps each line once.
async fn follow(client: Client, urls: Vec<String>, group: u32, heard: Arc<Mutex<Vec<String>>>) {
    let mut after = String::new();
    for url in urls.iter().cycle() {
        let path = format!("/changes?follow=true&group={group}{after}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        let Ok(mut response) = client.moved_to(url).request("GET", &path).send().await else { continue };
        assert!(response.status() != 410, "{path}: nothing may be gone");
        let mut rest = String::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            rest.push_str(&String::from_utf8_lossy(&chunk));
            while let Some((line, more)) = rest.split_once('\n') {
                if response.status() == 200 && !line.is_empty() {
                    after = format!("&after={}", parse(line)["id"].as_str().expect("an id"));
                    heard.lock().expect("no test has panicked").push(line.to_owned());
                }
                rest = more.to_owned();
            }
        }
    }
}

/// Buys seats, whatever happens to the nodes.
async fn buy(client: &Client, urls: &[String], event: &str, seats: std::ops::Range<u32>) {
    for seat in seats {
        let held = shop::insist(client, urls, &format!("/event/{event}/hold"), &json!({"seats": [seat]})).await.expect(201);
        let path = format!("/event/{event}/hold/{}/pay", shop::id(&held));
        let paid = shop::insist(client, urls, &path, &json!({"payment_method": shop::CARD_THAT_PAYS})).await;
        assert!(matches!(paid.status, 200 | 201), "{}", paid.text);
    }
}

#[tokio::test]
async fn a_killed_leader_leaves_no_gap_and_no_difference() {
    let (_turn, cluster) = own_cluster();
    let (staff, other) = (cluster.client(1, Role::Coordinator), cluster.client(1, Role::Coordinator));
    let event = shop::put_on_sale(&staff, &Terms::free(40)).await;
    let foreign = shop::put_on_sale(&other, &Terms::free(40)).await;
    let group = cluster.group_of_event(&event);
    let leader = cluster.leader(group).await.expect("a leader");
    let receiver = Receiver::start(503).await.expect("a receiver");
    let wanted = json!({"url": receiver.url(), "types": ["order.confirmed", "ticket.issued"]});
    let hook = shop::id(&staff.post("/webhook", &wanted).await.expect(201));
    let urls: Vec<String> = (0..3).map(|step| cluster.url((leader - 1 + step) % 3 + 1)).collect();
    let operator = cluster.client(1, Role::Operator);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let following = tokio::spawn(follow(operator.clone(), urls.clone(), group, Arc::clone(&heard)));
    let somebody = cluster.client(leader, Role::Customer);
    buy(&somebody, &urls, &event, 0..8).await;
    shop::eventually("the first tries fail", PATIENCE, async || (!receiver.heard().is_empty()).then_some(())).await;
    cluster.kill(leader);
    buy(&somebody, &urls[1..], &event, 8..16).await;
    buy(&somebody, &urls[1..], &foreign, 0..4).await;
    receiver.answer(204);
    cluster.spawn(leader).expect("the node starts again");
    cluster.wait_ready().expect("the node is ready");
    let all = shop::eventually("all nodes have the same", PATIENCE, async || {
        let mut nodes = Vec::new();
        for node in 1..=3 {
            nodes.push(read_all(&operator.moved_to(&cluster.url(node)), "").await);
        }
        let sold = nodes[0].iter().filter(|line| line.contains("\"order.confirmed\"")).count();
        (sold == 20 && nodes[0] == nodes[1] && nodes[0] == nodes[2]).then(|| nodes.remove(0))
    })
    .await;
    let of_group: Vec<&String> =
        all.iter().filter(|line| parse(line)["id"].as_str().expect("an id").starts_with(&format!("chg_{group}_"))).collect();
    shop::eventually("who followed has heard all of it", PATIENCE, async || {
        (heard.lock().expect("no test has panicked").len() >= of_group.len()).then_some(())
    })
    .await;
    following.abort();
    assert_eq!(heard.lock().expect("no test has panicked").iter().collect::<Vec<_>>(), of_group, "each once, in order");
    webhook_took_everything(&staff, &receiver, &hook, &event).await;
}

/// What a coordinator's webhook took is what they can read, in order and to the byte, and nothing else.
async fn webhook_took_everything(staff: &Client, receiver: &Receiver, hook: &str, event: &str) {
    let own = read_all(staff, "type=order.confirmed,ticket.issued").await;
    assert_eq!(own.len(), 32, "an order and a ticket for each of 16 seats");
    for line in &own {
        let line = parse(line);
        assert_eq!((&line["event"], line["data"].get("user")), (&json!(event), None), "{line}");
    }
    let taken =
        shop::eventually("the webhook took everything", PATIENCE, async || Some(receiver.taken()).filter(|taken| taken.len() >= own.len()))
            .await;
    assert_eq!(taken.iter().map(|message| &message.body).collect::<Vec<_>>(), own.iter().collect::<Vec<_>>());
    assert!(taken.iter().all(|message| message.id == message.json()["id"] && message.signature.starts_with("v1,")));
    let list = shop::eventually("the list says so", PATIENCE, async || {
        let list = staff.get(&format!("/webhook/{hook}/delivery?consistency=linearizable")).await.expect(200);
        let all: Vec<Value> = list["data"].as_array().expect("a list").clone();
        all.iter().all(|line| line["delivered"] == true).then_some(all)
    })
    .await;
    assert!(list.iter().any(|line| line["status"] == 204), "{list:?}");
}

#[tokio::test]
async fn what_is_gone_is_said_and_a_restart_changes_nothing() {
    let _turn = turn();
    let cluster = Cluster::start(Options {
        nodes: 1,
        groups: GroupCounts { events: 1, users: 1 },
        changes: Changes { keep_bytes: 16 * 1024 },
        raft: RaftTuning { segment_mib: 8, snapshot_entries: 40, keep_entries: 10, ..RaftTuning::default() },
        ..Options::default()
    })
    .expect("the cluster starts");
    let event = shop::put_on_sale(&cluster.client(1, Role::Coordinator), &Terms::free(1000)).await;
    let (operator, somebody) = (cluster.client(1, Role::Operator), cluster.client(1, Role::Customer));
    let group = cluster.group_of_event(&event);
    let first = shop::eventually("the first change is told", PATIENCE, async || {
        read_all(&operator, &format!("group={group}")).await.first().map(|line| parse(line)["id"].as_str().expect("an id").to_owned())
    })
    .await;
    let (mut seat, mut order) = (0, String::new());
    let gone = shop::eventually("the first change is gone", PATIENCE, async || {
        order = shop::id(&shop::buy(&somebody, &event, seat).await);
        seat += 1;
        Some(operator.get(&format!("/changes?after={first}&group={group}")).await).filter(|reply| reply.status != 200)
    })
    .await;
    let gone = gone.problem(410, "changes_gone");
    let oldest = gone["oldest"][0].as_str().expect("a place").to_owned();
    let before = shop::eventually("the last order is told", PATIENCE, async || {
        let lines = read_all(&operator, &format!("group={group}&after={oldest}")).await;
        lines.iter().any(|line| line.contains(&order)).then_some(lines)
    })
    .await;
    cluster.kill(1);
    cluster.spawn(1).expect("the node starts again");
    cluster.wait_ready().expect("the node is ready");
    let after = read_all(&operator, &format!("group={group}&after={oldest}")).await;
    assert_eq!(after, before, "the journal is the same after a crash");
    shop::buy(&somebody, &event, 999).await;
    shop::eventually("it goes on", PATIENCE, async || {
        let now = read_all(&operator, &format!("group={group}")).await;
        now.last().is_some_and(|line| *line != before[before.len() - 1]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn coordinators_see_their_own_events_only() {
    let (staff, other) = (coordinator(), coordinator());
    let (mine, theirs) = (shop::put_on_sale(&staff, &Terms::free(5)).await, shop::put_on_sale(&other, &Terms::free(5)).await);
    let somebody = buyer(2);
    shop::buy(&somebody, &mine, 1).await;
    shop::buy(&somebody, &theirs, 1).await;
    // Each group tells in its order; what groups tell of one event comes in any.
    let seen = shop::eventually("the sale is told", PATIENCE, async || {
        let lines: Vec<Value> = read_all(&staff, "").await.iter().map(|line| parse(line)).collect();
        let kinds: BTreeSet<&str> = lines.iter().filter_map(|line| line["type"].as_str()).collect();
        ["event.published", "ticket.issued"].iter().all(|kind| kinds.contains(kind)).then_some(lines)
    })
    .await;
    assert!(seen.iter().all(|line| line["event"] == mine.as_str() && line["data"].get("user").is_none()), "{seen:?}");
    let kinds: BTreeSet<&str> = seen.iter().filter_map(|line| line["type"].as_str()).collect();
    for kind in ["sale.moved", "seat.held", "seat.sold", "hold.active", "hold.converted", "order.confirmed"] {
        assert!(kinds.contains(kind), "{kind} is missing: {kinds:?}");
    }
    let operator = cluster().client(3, Role::Operator);
    let orders = shop::eventually("another node tells of the sale", PATIENCE, async || {
        Some(read_all(&operator, &format!("type=order.confirmed&event={theirs}")).await).filter(|orders| !orders.is_empty())
    })
    .await;
    assert!(orders.len() == 1 && parse(&orders[0])["data"]["user"].is_string(), "{orders:?}");
    let _ = staff.get(&format!("/changes?event={theirs}")).await.problem(404, "not_found");
    let _ = somebody.get("/changes").await.problem(403, "forbidden");
    let _ = operator.get("/changes?group=77").await.problem(404, "not_found");
}

#[tokio::test]
async fn server_sent_events_resume_where_they_were() {
    let staff = coordinator();
    let event = shop::put_on_sale(&staff, &Terms::free(5)).await;
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    let mut last = String::new();
    for seat in 0..2 {
        shop::buy(&buyer(1), &event, seat).await;
        let client = staff.moved_to(&cluster().url(u64::from(seat) + 1));
        let mut request = client.request("GET", &format!("/changes?event={event}")).header("Accept", "text/event-stream");
        if !last.is_empty() {
            request = request.header("Last-Event-ID", &last);
        }
        let mut stream = request.timeout(3 * PATIENCE).send().await.expect("the stream opens");
        let mut text = String::new();
        while !(text.contains("event: ticket.issued\n") && text.ends_with("\n\n")) {
            let chunk = tokio::time::timeout(PATIENCE, stream.chunk()).await.expect("it goes on").expect("it does not break");
            text.push_str(&String::from_utf8_lossy(&chunk.expect("it does not end")));
        }
        for line in text.lines() {
            if let Some(data) = line.strip_prefix("data: ") {
                *ids.entry(parse(data)["id"].as_str().expect("an id").to_owned()).or_default() += 1;
            } else if let Some(id) = line.strip_prefix("id: ") {
                last = id.to_owned();
            }
        }
    }
    assert!(ids.len() > 8 && ids.values().all(|count| *count == 1), "{ids:?}");
}

#[tokio::test]
async fn a_webhook_is_its_owners_and_can_be_tried_and_replayed() {
    let (staff, other) = (coordinator(), coordinator());
    let event = shop::put_on_sale(&staff, &Terms::free(5)).await;
    let receiver = Receiver::start(200).await.expect("a receiver");
    for (bad, pointer) in [("ftp://127.0.0.1/in", "/url"), ("https://user:word@shop.example/", "/url")] {
        let refused = staff.post("/webhook", &json!({"url": bad})).await.problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer);
    }
    let made = staff.post("/webhook", &json!({"url": receiver.url(), "types": ["order.confirmed"], "event": event})).await.expect(201);
    assert!(made["secret"].as_str().is_some_and(|text| text.starts_with("whsec_")), "{made}");
    let path = format!("/webhook/{}", shop::id(&made));
    let _ = other.get(&path).await.problem(404, "not_found");
    let _ = other.post(&format!("{path}/test"), &json!({})).await.problem(404, "not_found");
    assert!(!other.get("/webhook").await.expect(200).to_string().contains(receiver.url()));
    assert!(!staff.get("/webhook").await.expect(200).to_string().contains("whsec_"));
    // A receiver that is held up for seconds is one that did not answer.
    let delivered = async |way: &str, body: &Value| {
        shop::eventually("a delivery", PATIENCE, async || {
            Some(staff.post(&format!("{path}/{way}"), body).await.expect(200)).filter(|tried| tried["delivered"] == true)
        })
        .await
    };
    assert_eq!(delivered("test", &json!({})).await["status"], 200);
    assert_eq!(receiver.heard()[0].json()["type"], "webhook.test");
    let rotated = staff.post(&format!("{path}/rotate"), &json!({})).await.expect(200);
    assert!(rotated["secret"] != made["secret"] && rotated["old_secret_until"].is_string(), "{rotated}");
    shop::buy(&buyer(1), &event, 1).await;
    let told = shop::eventually("the sale is told", PATIENCE, async || {
        receiver.taken().into_iter().find(|message| message.json()["type"] != "webhook.test")
    })
    .await;
    assert_eq!((told.signature.split(' ').count(), &told.json()["type"]), (2, &json!("order.confirmed")));
    let times = || receiver.heard().iter().filter(|message| message.id == told.id).count();
    let before = times();
    let _ = delivered("replay", &json!({"change": told.id})).await;
    assert!(times() > before, "it is sent at once");
    let _ = staff.post(&format!("{path}/replay"), &json!({"change": "chg_0_1_0"})).await.problem(404, "not_found");
    let group = cluster().group_of_event(&event);
    let before = times();
    let _ = staff.post(&format!("{path}/replay"), &json!({"after": format!("chg_{group}_0_0")})).await.expect(200);
    shop::eventually("it is told once more", PATIENCE, async || (times() > before).then_some(())).await;
    let off = staff.patch(&path, &json!({"active": false})).await.expect(200);
    assert_eq!(off["active"], false);
    let gone = staff.delete(&path).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    let _ = staff.get(&format!("{path}?consistency=linearizable")).await.problem(404, "not_found");
}
