//! What operators ask of a running cluster: is everything as it must be, what happened, what is going on.

use boxoffice_ledger::command::Role;
use boxoffice_tests::shop::{self, Terms};

use super::run::Caller;
use super::snapshot::{json, same, table};
use crate::shared::{buyer, cluster, coordinator};

fn operator() -> Caller {
    let cluster = cluster();
    let urls: Vec<String> = (1..=cluster.size()).map(|node| cluster.url(node)).collect();
    Caller { endpoint: urls.join(","), token: cluster.someone(Role::Operator).token, ..Caller::default() }
}

#[tokio::test]
async fn a_cluster_that_sold_is_clean_and_says_what_it_did() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(4)).await;
    let buyer = buyer(2);
    let order = shop::buy(&buyer, &event, 1).await;
    let operator = operator();
    let report = operator.json(&["check", "ledger"]);
    assert_eq!(report["clean"], true, "{report:#}");
    assert_eq!((report["nodes"].as_array().map(Vec::len), report["groups"].as_array().map(Vec::len)), (Some(3), Some(5)));
    let checked = |invariant: &str| {
        let lines = report["findings"].as_array().expect("a list").iter().filter(|line| line["invariant"] == invariant);
        lines.map(|line| line["checked"].as_u64().expect("a number")).sum::<u64>()
    };
    assert_eq!((checked("replicas"), checked("records")), (10, 15));
    assert!(checked("tickets") >= 3 && checked("money") >= 3 && checked("delivery") >= 3 && checked("provisioned") >= 3, "{report:#}");
    same("check-ledger", &table(&operator.ok(&["check", "ledger"])));
    same("check-ledger.json", &json(&report));

    let group = cluster().group_of_event(&event).to_string();
    let log = operator.ok(&["log", "show", "--group", &group, "-o", "jsonl"]);
    let entries: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let named = |name: &str, id: &str| {
        let commands = entries.iter().flat_map(|entry| entry["commands"].as_array().into_iter().flatten());
        commands.filter(|command| command["name"] == name && command["about"].to_string().contains(id)).count()
    };
    assert_eq!((named("create_event", &event), named("hold", &event)), (1, 1), "{log}");
    assert!(named("pay_begin", order["id"].as_str().expect("an id")) == 1, "{log}");
    let indexes: Vec<u64> = entries.iter().map(|entry| entry["index"].as_u64().expect("an index")).collect();
    assert!(indexes.windows(2).all(|pair| pair[0] + 1 == pair[1]), "dense: {indexes:?}");
    let first = operator.ok(&["log", "show", "--group", &group, "--from", "0", "--to", "0"]);
    same("log-show", &table(&first));
    assert!(operator.refused(3, &["log", "show", "--group", "99", "-o", "jsonl"]).contains("not_found"));

    let mut top = operator.json(&["top"]);
    for name in ["commit_p99_ms", "write_p99_ms"] {
        // Nothing may have been written between two looks.
        assert!(top[name].is_number() || top[name].is_null());
        top[name] = serde_json::Value::Null;
    }
    same("top.json", &json(&top));
    assert_eq!((top["nodes"].as_array().map(Vec::len), top["groups"].as_array().map(Vec::len)), (Some(3), Some(5)));
    assert!(top["groups"].as_array().expect("a list").iter().all(|group| group["leader"].is_u64()), "{top:#}");
    assert!(operator.ok(&["top"]).starts_with('{'), "without a terminal it is JSON");
}

#[test]
fn the_doctor_looks_at_machine_nodes_and_cluster() {
    let config = cluster().config(1).display().to_string();
    let examined = operator().run(&["doctor", "--config", &config, "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&examined.out).unwrap_or_else(|error| panic!("{error}: {}", examined.err));
    let findings = report["findings"].as_array().expect("a list");
    let word = |found: &serde_json::Value, name: &str| found[name].as_str().unwrap_or_default().to_owned();
    let looked: Vec<String> = findings.iter().map(|found| format!("{}: {}\n", word(found, "place"), word(found, "check"))).collect();
    same("doctor", &looked.concat());
    // This cluster makes no backups; how fast the disk is, is the machine's.
    let failed = findings.iter().find(|found| found["check"] == "backup").expect("it was looked at");
    assert_eq!((examined.code, &failed["verdict"], &failed["advice"]), (8, &"fail".into(), &"see docs/backup.md".into()), "{report:#}");
    for check in ["configuration", "ready", "leaders", "version", "certificate"] {
        assert!(findings.iter().any(|found| found["check"] == check && found["verdict"] == "ok"), "{check}: {report:#}");
    }
    let table = operator().run(&["doctor"]);
    assert!(table.code == 8 && table.out.contains("fail  backup") && table.out.contains("the cluster"), "{}", table.out);
    let silent = Caller { endpoint: "http://127.0.0.1:1".into(), ..Caller::default() }.run(&["doctor"]);
    assert!(silent.code == 8 && silent.out.contains("reachable"), "{}", silent.out);
}
