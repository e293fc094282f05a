//! Every node tells Prometheus what it does: the numbers move with what happens, and only operators and trusted networks see them.

use std::collections::{BTreeMap, BTreeSet};

use boxoffice_tests::http::{Client, PATIENCE};
use boxoffice_tests::shop::{self, Terms};

use crate::shared::{buyer, cluster, coordinator};

/// A node's metrics by name and labels.
async fn scrape(node: u64) -> BTreeMap<String, f64> {
    let reply = Client::at(&cluster().url(node)).get("/metrics").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(reply.text.ends_with("# EOF\n"));
    let line = |line: &str| {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line}")))
    };
    reply.text.lines().filter(|line| !line.starts_with('#')).map(line).collect()
}

#[tokio::test]
async fn what_happens_can_be_seen_from_outside() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(4)).await;
    let before = [scrape(1).await, scrape(2).await, scrape(3).await];
    let buyer = buyer(2);
    let _ = shop::buy(&buyer, &event, 0).await;
    let _ = shop::hold(&buyer, &event, &[0]).await.problem(409, "seat_unavailable");
    for node in 1..=3 {
        let earlier = &before[node as usize - 1];
        // Other nodes apply a little later than the one that was asked.
        shop::eventually("the sale in the numbers", PATIENCE, async || {
            let now = scrape(node).await;
            let moved = |name: &str| now.get(name).copied().unwrap_or(0.0) - earlier.get(name).copied().unwrap_or(0.0);
            (moved("boxoffice_tickets_sold_total") >= 1.0 && moved("boxoffice_holds_total{state=\"converted\"}") >= 1.0).then_some(())
        })
        .await;
    }
    let now = scrape(2).await;
    let refused = "boxoffice_http_problems_total{code=\"seat_unavailable\"}";
    assert!(now[refused] > before[1].get(refused).copied().unwrap_or(0.0));
    for name in ["boxoffice_log_fsync_seconds_count", "boxoffice_apply_seconds_count", "boxoffice_process_cpu_seconds"] {
        assert!(now[name] > 0.0, "{name}");
    }
    let groups = now.keys().filter(|name| name.starts_with("boxoffice_group_has_leader{")).count();
    assert!(groups > 2, "{now:?}");
    // Each group has one leader, but for a moment while that moves.
    shop::eventually("one leader a group", PATIENCE, async || {
        let mut leaders = 0.0;
        for node in 1..=3 {
            let seen = scrape(node).await;
            leaders += seen.iter().filter(|(name, _)| name.starts_with("boxoffice_group_is_leader{")).map(|(_, is)| is).sum::<f64>();
        }
        (leaders == groups as f64).then_some(())
    })
    .await;
}

/// The names of metrics in a text: words that begin with the product's prefix.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words.filter(|word| word.starts_with("boxoffice_")).collect()
}

#[tokio::test]
async fn the_dashboard_shows_metrics_that_exist() {
    let client = Client::at(&cluster().url(1));
    // A family without any value is not described: a refusal makes the last of them.
    let _ = client.get("/event/evt_x").await.problem(404, "not_found");
    let text = client.get("/metrics").await.text;
    let mut known = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').expect("a name and a kind");
        known.extend(match kind {
            "counter" => vec![format!("{name}_total")],
            "histogram" => ["bucket", "count", "sum"].map(|part| format!("{name}_{part}")).to_vec(),
            _ => vec![name.to_owned()],
        });
    }
    let path = boxoffice_tests::binary::source_tree().join("dashboards/grafana.json");
    let dashboard: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).expect("it is there")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let shown: Vec<&str> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .filter_map(|target| target["expr"].as_str())
        .collect();
    let shown: BTreeSet<&str> = shown.into_iter().flat_map(metrics_in).collect();
    assert!(shown.len() > 25, "{shown:?}");
    let missing: Vec<&&str> = shown.iter().filter(|name| !known.contains(**name)).collect();
    assert!(missing.is_empty(), "the dashboard shows what no node measures: {missing:?}\n{known:?}");
}
