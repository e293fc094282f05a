//! What can be done with the files of a node that does not run, and with configuration files.

use boxoffice_ledger::command::Role;
use boxoffice_tests::shop::{self, Terms};
use serde_json::Value;

use super::run::Caller;
use super::snapshot::{same, table};
use crate::shared::{cluster, own_cluster};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_nodes_files_say_the_same_as_the_cluster() {
    let (_turn, cluster) = own_cluster();
    let coordinator = cluster.client(1, Role::Coordinator);
    let event = shop::put_on_sale(&coordinator, &Terms::free(6)).await;
    let buyer = cluster.client(2, Role::Customer);
    let _ = shop::buy(&buyer, &event, 2).await;
    let held = shop::id(&shop::hold(&buyer, &event, &[3]).await.expect(201));
    let group = cluster.group_of_event(&event).to_string();
    let (config, data) = (cluster.config(3).display().to_string(), data_dir(&cluster.config(3)));
    let words = |more: &[&'static str]| -> Vec<String> {
        let place = ["--data-dir", &data, "--config", &config].map(str::to_owned);
        more.iter().map(|word| (*word).to_owned()).chain(place).collect()
    };
    let operator = Caller { token: cluster.someone(Role::Operator).token, ..Caller::default() };
    let run = |words: Vec<String>| operator.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let busy = run(words(&["check", "ledger"]));
    assert!(busy.code == 1 && busy.err.contains("is in use"), "{}", busy.err);

    cluster.stop(3).expect("it stops");
    let checked = run(words(&["check", "ledger", "-o", "json"]));
    let report: Value = serde_json::from_str(&checked.out).unwrap_or_else(|error| panic!("{error}: {}{}", checked.out, checked.err));
    assert_eq!((checked.code, &report["clean"], report["groups"].as_array().map(Vec::len)), (0, &Value::Bool(true), Some(5)), "{report:#}");

    let mut asked = words(&["log", "show", "-o", "jsonl"]);
    asked.extend(["--group".to_owned(), group.clone()]);
    let log = run(asked).out;
    assert!(log.contains("create_event") && log.contains(&held) && !log.contains("request"), "{log}");
    let last: Value = serde_json::from_str(log.lines().last().expect("entries")).expect("JSON");
    let index = last["index"].to_string();

    let mut asked = words(&["replay", "-o", "json"]);
    asked.extend(["--group", &group, "--until", &index, "--compare", &cluster.url(1)].map(str::to_owned));
    let compared = run(asked.clone());
    let result: Value = serde_json::from_str(&compared.out).unwrap_or_else(|error| panic!("{error}: {}{}", compared.out, compared.err));
    assert_eq!((compared.code, &result["compared"]["same"], &result["holds"]["sold"]), (0, &Value::Bool(true), &1.into()), "{result:#}");
    let mut other = words(&["replay", "-o", "json"]);
    other.extend(["--group", &group, "--until", "3"].map(str::to_owned));
    let earlier: Value = serde_json::from_str(&run(other).out).expect("JSON");
    assert_eq!(earlier["index"], 3);
    assert_ne!(earlier["digest"], result["digest"]);
    let at = last["at"].as_str().unwrap_or("2099-01-01T00:00:00Z").to_owned();
    let mut until = words(&["replay", "-o", "json"]);
    until.extend(["--group", &group, "--until", &at].map(str::to_owned));
    assert_eq!(serde_json::from_str::<Value>(&run(until).out).expect("JSON")["digest"], result["digest"]);
    // It was only looked at: the node goes on from there.
    cluster.spawn(3).expect("it starts");
    cluster.wait_ready().expect("it gets ready");
}

/// Where a node keeps its data.
fn data_dir(config: &std::path::Path) -> String {
    config.parent().expect("a folder").join("data").display().to_string()
}

#[test]
fn a_configuration_is_shown_with_its_defaults_and_checked() {
    let config = cluster().config(1).display().to_string();
    let anybody = Caller::default();
    let shown = anybody.ok(&["config", "show", "--config", &config]);
    let keys: Vec<&str> = shown.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(keys.contains(&"raft.heartbeat_ms") && keys.contains(&"secret_file") && keys.contains(&"members.3.peer"), "{shown}");
    let secret =
        std::fs::read_to_string(std::path::Path::new(&config).parent().expect("a folder").parent().expect("a folder").join("secret"));
    assert!(!shown.contains(secret.expect("it can be read").trim()), "only the name of the file is shown");
    let line = shown.lines().find(|line| line.starts_with("raft.segment_mib")).expect("a line");
    same("config-show-line", &table(line));
    let json = anybody.json(&["config", "show", "--config", &config]);
    assert_eq!((&json["values"]["raft"]["segment_mib"], &json["defaults"]["raft"]["segment_mib"]), (&8.into(), &64.into()));
    let checked = anybody.run(&["config", "check", "--config", &config]);
    assert!(checked.code == 0 && checked.err.contains("is right"), "{}", checked.err);
    assert!(anybody.refused(1, &["config", "check", "--config", "/nowhere.toml"]).contains("/nowhere.toml"));
}
