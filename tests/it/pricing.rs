//! Prices that move: tiers, demand, what everybody sees of them, and that a hold keeps its quote.

use std::process::Command;
use std::time::Duration;

use boxoffice_ledger::command::Role;
use boxoffice_tests::http::{Client, Reply};
use boxoffice_tests::shop::{self, Terms};
use boxoffice_tests::{binary, check};
use serde_json::{Value, json};

use crate::shared::{buyer, cluster, coordinator, own_cluster};

async fn hold_for(buyer: &Client, event: &str, seats: &[u32], expect: u64) -> Reply {
    buyer.post(&format!("/event/{event}/hold"), &json!({"seats": seats, "expect_total": expect})).await
}

async fn price(client: &Client, event: &str) -> Value {
    client.get(&format!("/event/{event}/price?consistency=linearizable")).await.expect(200)["levels"][0].clone()
}

async fn change(staff: &Client, event: &str, policy: Value) -> Reply {
    let body = json!({"level": 0, "policy": policy, "reason": "a test"});
    staff.send(staff.request("PATCH", &format!("/event/{event}/price")).json(&body)).await.expect("an answer")
}

/// Runs a command of the binary; gives what it printed, and whether it was content.
fn run(args: &[&str]) -> (String, bool) {
    let output = Command::new(binary::boxoffice()).args(args).output().expect("the command runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    (text, output.status.success())
}

#[tokio::test]
async fn a_tier_is_exhausted_and_everybody_is_told() {
    let staff = coordinator();
    let tiers = json!([{"type": "tiers", "tiers": [{"places": 2, "price": 1000}, {"price": 1500}]}]);
    let event = shop::put_on_sale(&staff, &Terms { more: json!({"pricing": tiers}), ..Terms::free(6).priced(1000) }).await;
    let (ada, bob) = (buyer(2), buyer(3));
    let before = price(&bob, &event).await;
    assert_eq!(
        (&before["price"]["amount"], &before["floor"]["amount"], &before["ceiling"]["amount"]),
        (&json!(1000), &json!(1000), &json!(1500))
    );
    let mut stream = bob.request("GET", &format!("/event/{event}/seat/stream")).send().await.expect("the stream opens");
    let mut heard = String::new();
    let mut hear_until = async |word: &str| {
        while !heard.contains(word) {
            let chunk =
                tokio::time::timeout(Duration::from_secs(30), stream.chunk()).await.unwrap_or_else(|_| panic!("no {word} in {heard}"));
            heard.push_str(&String::from_utf8_lossy(&chunk.expect("the stream goes on").expect("the stream does not end")));
        }
    };
    hear_until("\"prices\":{\"0\":1000}").await;
    let held = hold_for(&ada, &event, &[0, 1], 2000).await.expect(201);
    hear_until("\"prices\":[{\"level\":0,\"amount\":1500,\"from\":1000,\"version\":1,\"cause\":\"tier_exhausted\"}]").await;
    // Who saw the old price is asked again; who saw a higher one pays what it is.
    let refused = hold_for(&bob, &event, &[2], 1000).await.problem(409, "price_changed");
    assert_eq!(refused["total"], json!({"amount": 1500, "currency": "EUR"}));
    let other = hold_for(&bob, &event, &[2], 9999).await.expect(201);
    assert_eq!(other["total"]["amount"], 1500);
    let order = shop::pay(&ada, &event, &shop::id(&held)).await.expect(200);
    assert_eq!(order["total"]["amount"], 2000, "a hold keeps its quote");
    let map = bob.get(&format!("/event/{event}/seat?consistency=linearizable")).await.expect(200);
    assert_eq!((&map["prices"][0]["price"]["amount"], &map["prices"][0]["version"]), (&json!(1500), &json!(1)));
    let page = bob.get(&format!("/event/{event}?consistency=linearizable")).await.expect(200);
    assert_eq!(
        (&page["prices"][0]["amount"], &page["moving_prices"], &page["sale"]["from_price"]["amount"]),
        (&json!(1500), &json!(true), &json!(1500))
    );
    let history = bob.get(&format!("/event/{event}/price/history?consistency=linearizable")).await.expect(200);
    let first = &history["data"][0];
    assert_eq!(
        (&first["cause"], &first["tier"], &first["taken"], &first["to"]),
        (&json!("tier_exhausted"), &json!(1), &json!(2), &json!(1500))
    );
    // The change feed tells it too.
    let told = shop::eventually("the change in the feed", Duration::from_secs(30), async || {
        let reply = staff.get(&format!("/changes?event={event}&type=price.changed")).await;
        reply.text.lines().next().and_then(|line| serde_json::from_str::<Value>(line).ok())
    })
    .await;
    assert_eq!(told["data"]["price"], *first);
}

#[tokio::test]
async fn a_price_follows_demand_and_every_step_can_be_worked_out_again() {
    let staff = coordinator();
    let demand = json!([{
        "type": "demand", "curve": [{"at": "2031-01-01T00:00:00Z", "sold_bps": 0}, {"at": "2031-04-01T00:00:00Z", "sold_bps": 9000}],
        "floor": 800, "ceiling": 2000, "step_max": 50, "interval_s": 1, "gain_bps": 10000,
    }]);
    let event = shop::put_on_sale(&staff, &Terms { more: json!({"pricing": demand}), ..Terms::free(10).priced(1000) }).await;
    let ada = buyer(1);
    let mut paid = 0;
    // A tenth sold long before anything should be: each step goes up, as long as somebody buys.
    for seat in 0..3 {
        let order = shop::buy(&ada, &event, seat).await;
        paid += order["total"]["amount"].as_u64().expect("a total");
        shop::eventually("the price to rise", Duration::from_secs(30), async || {
            let now = price(&ada, &event).await["version"].as_u64().expect("a version");
            (now > u64::from(seat)).then_some(())
        })
        .await;
    }
    assert!(paid >= 3000, "{paid}");
    // Holding moves nothing up: nobody buys any more.
    let now = price(&ada, &event).await;
    assert_eq!((&now["price"]["amount"], &now["version"]), (&json!(1150), &json!(3)));
    let _ = shop::hold(&buyer(2), &event, &[3, 4, 5, 6]).await.expect(201);
    let mut histories = Vec::new();
    for node in 1..=3 {
        let client = buyer(node);
        histories.push(client.get(&format!("/event/{event}/price/history?limit=2&consistency=linearizable")).await.expect(200));
        let (text, content) = run(&["price", "verify", "--endpoint", &cluster().url(node), "-o", "json", &event]);
        assert!(content && text.contains("\"changes\":3") && text.contains("\"violations\":[]"), "{text}");
    }
    assert!(histories.iter().all(|page| page["data"] == histories[0]["data"] && page["has_more"] == true), "{histories:?}");
    let endpoint = cluster().url(2);
    let (text, content) = run(&["price", "show", "--endpoint", &endpoint, &event]);
    assert!(content && text.contains("1150 EUR") && text.contains("demand"), "{text}");
    let (text, content) = run(&["price", "history", "--endpoint", &endpoint, &event]);
    assert!(content && text.contains("1 of 10 sold") && text.contains("1050"), "{text}");
    let (_, content) = run(&["price", "show", "--endpoint", &endpoint, "evt_00000000000000000000000000"]);
    assert!(!content);
}

#[tokio::test]
async fn a_policy_changes_within_what_was_promised() {
    let boss = cluster().someone(Role::Coordinator);
    let staff = Client::at(&cluster().url(2)).with_token(&boss.token);
    let curve = json!([{"at": "2031-01-01T00:00:00Z", "sold_bps": 5000}]);
    let demand =
        |floor: u64, ceiling: u64| json!({"type": "demand", "curve": curve, "floor": floor, "ceiling": ceiling, "interval_s": 600});
    let venue = shop::build_venue(&staff, 6).await;
    let terms = Terms { more: json!({"draft": true}), ..Terms::free(6).priced(1000) };
    // A draft's policy is part of what is drafted.
    let draft = staff.post("/event", &shop::event_body(&venue, &terms)).await.expect(201);
    let event = shop::id(&draft);
    let patch = async |body: Value| {
        let version = staff.get(&format!("/event/{event}?consistency=linearizable")).await.expect(200)["version"].to_string();
        let request = staff.request("PATCH", &format!("/event/{event}")).header("If-Match", format!("\"{version}\"")).json(&body);
        staff.send(request).await.expect("an answer")
    };
    let wrong = patch(json!({"pricing": [demand(1001, 1500)]})).await.problem(422, "validation_failed");
    assert_eq!(wrong["errors"][0]["pointer"], "/pricing/0/floor");
    let _ = patch(json!({"pricing": [demand(900, 1500)]})).await.expect(200);
    let _ = staff.post(&format!("/event/{event}/publish"), &json!({})).await.expect(200);
    let _ = patch(json!({"pricing": []})).await.problem(409, "field_frozen");
    let seen = price(&buyer(1), &event).await;
    assert_eq!(
        (&seen["policy"]["type"], &seen["floor"]["amount"], &seen["ceiling"]["amount"]),
        (&json!("demand"), &json!(900), &json!(1500))
    );
    // Now it is on sale: narrower is fine, wider is not.
    let refused = change(&staff, &event, demand(800, 1500)).await.problem(409, "field_frozen");
    assert_eq!(refused["pointer"], "/policy");
    let narrow = change(&staff, &event, demand(1200, 1400)).await.expect(200);
    assert_eq!((&narrow["levels"][0]["price"]["amount"], &narrow["levels"][0]["floor"]["amount"]), (&json!(1200), &json!(900)));
    let history = buyer(3).get(&format!("/event/{event}/price/history?consistency=linearizable")).await.expect(200);
    assert_eq!((&history["data"][0]["cause"], &history["data"][0]["reason"]), (&json!("policy"), &json!("a test")));
    assert_eq!(
        buyer(1).send(buyer(1).request("PATCH", &format!("/event/{event}/price")).json(&json!({}))).await.expect("an answer").status,
        403
    );
    let other = cluster().client(1, Role::Coordinator);
    let _ = change(&other, &event, demand(1200, 1400)).await.problem(404, "not_found");
    let course = json!([{"at": "2031-01-01T00:00:00Z", "sold": 0}, {"at": "2031-01-02T00:00:00Z", "sold": 6}]);
    let preview = staff.post(&format!("/event/{event}/price/preview"), &json!({"level": 0, "course": course})).await.expect(200);
    assert_eq!((&preview["sold"], &preview["policy"]["type"]), (&json!(6), &json!("demand")));
}

/// "One demo sale under `bench book` with `demand` pricing ends with every price explained by its recorded inputs, within bounds,
/// and the same digest when replayed on a fresh process."
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_at_moving_prices_is_explained_and_replays_to_the_same_digest() {
    let (_turn, cluster) = own_cluster();
    let config = |node: u64| cluster.config(node).display().to_string();
    let sale = ["bench", "book", "--seats", "90", "--clients", "8", "--mode", "open", "--rate", "30", "--pricing", "demand"];
    let (text, content) = run(&[&sale[..], &["-o", "json", "--config", &config(1)]].concat());
    let sold: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    // On a machine that stalls some holds run out: what was sold is as acknowledged all the same.
    assert!(content && sold["violations"] == json!([]) && sold["sold"].as_u64() > Some(0), "{sold}");
    let event = sold["event"].as_str().expect("the event that was sold").to_owned();
    // On every node, from what the history says alone.
    let mut histories = Vec::new();
    for node in 1..=3 {
        let (text, content) = run(&["price", "verify", "--endpoint", &cluster.url(node), "-o", "json", &event]);
        let verified: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(content && verified["violations"] == json!([]) && verified["changes"].as_u64() > Some(0), "{verified}");
        let path = format!("/event/{event}/price/history?limit=100&consistency=linearizable");
        let read = cluster.anyone(node).get(&path).await.expect(200);
        histories.push(read["data"].as_array().expect("a list").clone());
    }
    // Prices go on moving when all is sold: who is asked later may know one change more.
    let shortest = histories.iter().map(Vec::len).min().unwrap_or_default();
    assert!(histories.iter().all(|history| history[..shortest] == histories[0][..shortest]), "{histories:?}");
    let (floor, ceiling, step) = (500, 2000, 50);
    for change in &histories[0] {
        let (from, to) = (change["from"].as_u64().expect("a price"), change["to"].as_u64().expect("a price"));
        assert!((floor..=ceiling).contains(&to) && from.abs_diff(to) <= step, "{change}");
    }
    // What a process that never ran the cluster makes of a node's files is what the others have.
    let group = cluster.group_of_event(&event).to_string();
    check::replicas_agree(&cluster).await.unwrap_or_else(|complaints| panic!("{complaints:#?}"));
    cluster.stop(3).expect("it stops when asked to");
    let data = cluster.config(3).parent().expect("a folder").join("data").display().to_string();
    let files = ["--data-dir", &data, "--config", &config(3), "-o", "json"];
    let token = cluster.someone(Role::Operator).token;
    for node in [1, 2] {
        let (text, content) =
            run(&[&["replay", "--group", &group, "--compare", &cluster.url(node), "--token", &token], &files[..]].concat());
        let replayed: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(content && replayed["compared"]["same"] == true && replayed["holds"]["sold"] == sold["sold"], "{replayed}");
    }
    // With every price in its history worked out again by the invariants.
    let (text, content) = run(&[&["check", "ledger"], &files[..]].concat());
    assert!(content, "{text}");
}
