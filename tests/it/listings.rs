//! Listings brought in from files: imported once however often, found on every node by words, days, filters and counts, suggested by
//! their first letters; sales reach the index; a node whose index was taken away builds another.

use std::fs;
use std::path::Path;
use std::process::Command;

use boxoffice_ledger::command::Role;
use boxoffice_tests::binary;
use boxoffice_tests::cluster::Cluster;
use boxoffice_tests::http::{Client, PATIENCE};
use boxoffice_tests::shop::{self, Terms};
use serde_json::{Value, json};

use crate::shared::own_cluster;

#[tokio::test]
async fn listings_are_imported_once_and_found_everywhere() {
    let (_turn, cluster) = own_cluster();
    let file = cluster.config(1).with_file_name("conferences.json");
    fs::write(&file, conferences().to_string()).expect("the file can be written");
    let token = cluster.someone(Role::Coordinator).token;
    let first = import(&cluster, 1, &token, &file);
    assert_eq!((&first["read"], &first["created"], &first["existing"]), (&json!(5), &json!(2), &json!(0)), "{first}");
    assert_eq!(first["venues"], json!({"created": 2, "reused": 0}));
    let reasons: Vec<&str> =
        first["skipped"].as_array().expect("a list").iter().map(|skip| skip["code"].as_str().expect("a code")).collect();
    assert_eq!(reasons, ["duplicate", "no_place", "over"]);
    let again = import(&cluster, 2, &token, &file);
    assert_eq!((&again["created"], &again["existing"]), (&json!(0), &json!(2)), "nothing is made twice: {again}");
    assert_eq!(again["venues"], json!({"created": 0, "reused": 2}));

    for node in 1..=3 {
        finds_listings(&Client::at(&cluster.url(node))).await;
    }
    sales_reach_the_index(&cluster).await;
    what_is_hidden_is_not_found(&cluster).await;
    measured_on_a_cluster(&cluster);
    an_index_that_is_gone_is_built_anew(&cluster).await;
}

fn conferences() -> Value {
    let zurich = json!({
        "name": "Compiler Days", "startDate": "2031-06-14", "endDate": "2031-06-15", "city": "Zürich", "country": "Switzerland",
        "url": "https://example.org/compilers",
    });
    json!([
        zurich,
        zurich,
        {"name": "Data Night", "startDate": "2031-07-01", "city": "Kraków", "country": "Poland"},
        {"name": "Somewhere Online", "startDate": "2031-07-01", "online": true},
        {"name": "Long Ago", "startDate": "2020-07-01", "city": "Kraków", "country": "Poland"},
    ])
}

/// Runs the command against a node; gives its report.
fn import(cluster: &Cluster, node: u64, token: &str, file: &Path) -> Value {
    let output = Command::new(binary::boxoffice())
        .args(["event", "import", "--output", "json", "--endpoint", &cluster.url(node)])
        .arg(file)
        .env("BOXOFFICE_TOKEN", token)
        .output()
        .expect("the command runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("2 of 2 events"), "progress is told");
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// The names that a search finds, in order.
async fn names(client: &Client, query: &str) -> Vec<String> {
    let page = client.get(&format!("/event/search?{query}")).await.expect(200);
    page["data"].as_array().expect("a list").iter().map(|event| event["name"].as_str().expect("a name").to_owned()).collect()
}

/// The same as of a revision. A busy node may say that its index is not there yet; once it answers, it shows all of it.
async fn names_at(client: &Client, query: &str, revision: &str) -> Vec<String> {
    let query = format!("{query}&min_index={revision}");
    let ready = async || (client.get(&format!("/event/search?{query}")).await.status == 200).then_some(());
    shop::eventually("the index reflects the revision", PATIENCE, ready).await;
    names(client, &query).await
}

async fn until_found(client: &Client, query: &str, expected: &[&str]) {
    shop::eventually(&format!("{query} finds {expected:?}"), PATIENCE, async || (names(client, query).await == expected).then_some(()))
        .await;
}

async fn finds_listings(client: &Client) {
    until_found(client, "q=zurich+compiler&on_sale=true&available=true", &["Compiler Days"]).await;
    for (query, expected) in [
        ("q=Z%C3%BCrich", &["Compiler Days"][..]),
        ("q=compilre+days", &["Compiler Days"][..]),
        ("q=saturday+conference", &["Compiler Days"][..]),
        ("q=conference+in+july", &["Data Night"][..]),
        ("q=conference&city=krakow", &["Data Night"][..]),
        ("q=conference&min_price=5001", &[][..]),
        ("q=conference&to=2031-06-20", &["Compiler Days"][..]),
    ] {
        until_found(client, query, expected).await;
    }
    let page = client.get("/event/search?q=conference&facets=city,month,venue&limit=1").await;
    assert!(page.header("boxoffice-revision").is_some_and(|revision| revision.starts_with("0:")), "it says what it reflects");
    assert!(page.header("boxoffice-age-ms").is_some());
    let page = page.expect(200);
    assert_eq!((page["data"][0]["availability"].as_str(), page["has_more"].as_bool()), (Some("available"), Some(true)));
    let cities = json!({"facet": "city", "values": [{"value": "Kraków", "events": 1}, {"value": "Zürich", "events": 1}]});
    assert_eq!(page["facets"][0], cities);
    assert_eq!(page["facets"][1]["values"][0]["value"], "2031-06");
    assert_eq!(page["facets"][2]["values"].as_array().map(Vec::len), Some(2));
    let rest = client.get(&format!("/event/search?q=conference&limit=1&cursor={}", page["next_cursor"].as_str().expect("a cursor"))).await;
    assert_ne!(rest.expect(200)["data"][0]["id"], page["data"][0]["id"]);

    let suggested = client.get("/event/suggest?q=zur").await.expect(200);
    assert_eq!(suggested["data"][0], json!({"object": "suggestion", "kind": "city", "text": "Zürich", "events": 1}), "{suggested}");
}

async fn sales_reach_the_index(cluster: &Cluster) {
    let terms = Terms { name: "Vanishing Seats".into(), ..Terms::free(2) };
    let event = shop::put_on_sale(&cluster.client(1, Role::Coordinator), &terms).await;
    let other = Client::at(&cluster.url(3));
    until_found(&other, "q=vanishing&available=true", &["Vanishing Seats"]).await;
    let buyer = cluster.client(2, Role::Customer);
    for seat in 0..2 {
        shop::buy(&buyer, &event, seat).await;
    }
    until_found(&other, "q=vanishing&available=true", &[]).await;
    let page = other.get("/event/search?q=vanishing").await.expect(200);
    assert_eq!(page["data"][0]["availability"], "sold_out");
}

/// A search that asks for what was just written sees it, on any node; drafts and cancelled events are never seen.
async fn what_is_hidden_is_not_found(cluster: &Cluster) {
    let coordinator = cluster.client(1, Role::Coordinator);
    let venue = shop::build_venue(&coordinator, 2).await;
    let other = Client::at(&cluster.url(2));
    let create = async |name: &str, more: Value| {
        let terms = Terms { name: name.into(), more, ..Terms::free(2) };
        let made = coordinator.post("/event", &shop::event_body(&venue, &terms)).await;
        let revision = made.header("boxoffice-revision").expect("a write has a revision").to_owned();
        (shop::id(&made.expect(201)), revision)
    };
    let (shown, revision) = create("Plainly Seen", json!({})).await;
    assert_eq!(names_at(&other, "q=plainly", &revision).await, ["Plainly Seen"]);
    let (draft, revision) = create("Plainly Drafted", json!({"draft": true})).await;
    assert_eq!(names_at(&other, "q=plainly", &revision).await, ["Plainly Seen"]);
    let _ = coordinator.post(&format!("/event/{draft}/publish"), &json!({})).await.expect(200);
    until_found(&other, "q=drafted", &["Plainly Drafted"]).await;
    let _ = coordinator.post(&format!("/event/{shown}/cancel"), &json!({})).await.expect(200);
    until_found(&other, "q=plainly", &["Plainly Drafted"]).await;
}

/// The benchmarks, small, so that they keep working.
fn measured_on_a_cluster(cluster: &Cluster) {
    let run = |args: &[&str]| {
        let mut command = Command::new(binary::boxoffice());
        let output = command.arg("bench").args(args).arg("--config").arg(cluster.config(1)).output().expect("the command runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let text = run(&["search", "--events", "300", "--rate", "50", "--seconds", "0.3", "--publish", "3", "--output", "json"]);
    let figures: Value = serde_json::from_str(&text).expect("one JSON object");
    for name in ["mixed_p99_ms", "ratio", "freshness_p99_ms"] {
        assert!(figures[name].as_f64() > Some(0.0), "{name}: {text}");
    }
    println!("{text}");
    let text = run(&["import", "--events", "120", "--requests", "2"]);
    assert!(text.contains("120 events in") && text.contains("all on sale and found"), "{text}");
    println!("{text}");
}

async fn an_index_that_is_gone_is_built_anew(cluster: &Cluster) {
    let client = Client::at(&cluster.url(3));
    let before = names(&client, "q=compiler").await;
    for gone in [false, true] {
        cluster.stop(3).expect("the node stops when asked to");
        if gone {
            fs::remove_dir_all(cluster.config(3).with_file_name("data").join("search")).expect("the index was there");
        }
        cluster.spawn(3).expect("the node starts again");
        cluster.wait_ready().expect("the cluster is ready again");
        let expected: Vec<&str> = before.iter().map(String::as_str).collect();
        until_found(&client, "q=compiler", &expected).await;
        assert!(!cluster.log(3).contains("built anew"), "an index that is whole is kept");
    }
}
