//! The product's nouns on the command line: the same calls as over HTTP, with the same refusals as exit codes.

use boxoffice::bench::house;
use boxoffice_ledger::command::Role;
use boxoffice_tests::cluster::Cluster;
use boxoffice_tests::people::PASSWORD;
use boxoffice_tests::shop;

use super::run::Caller;
use super::snapshot::{json, same, table};
use crate::shared::cluster;

fn caller(cluster: &Cluster, role: Role) -> Caller {
    Caller { endpoint: cluster.url(1), token: cluster.someone(role).token, ..Caller::default() }
}

/// Somebody with an account, opened and logged in from the command line.
fn person(cluster: &Cluster, name: &str) -> (Caller, String) {
    let nobody = Caller { endpoint: cluster.url(2), ..Caller::default() };
    let scratch = tempfile::tempdir().expect("a folder");
    let file = scratch.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).expect("written");
    let (file, email) = (file.display().to_string(), boxoffice_tests::people::new_email(name));
    let made = nobody.json(&["user", "create", "--email", &email, "--name", name, "--password-file", &file]);
    let token = nobody.ok(&["user", "login", "--email", &email, "--password-file", &file]).trim().to_owned();
    (Caller { token, ..nobody }, shop::id(&made))
}

#[test]
fn an_event_is_made_and_sold_from_the_command_line() {
    let cluster = cluster();
    let (coordinator, buyer) = (caller(cluster, Role::Coordinator), person(cluster, "Berta").0);
    let made = coordinator.json(&["venue", "create", "--name", "Hall", "--city", "Ulm", "--country", "DE", "--time-zone", "Europe/Berlin"]);
    same("venue-create.json", &json(&made));
    let venue = shop::id(&made);
    assert_eq!(buyer.json(&["venue", "get", &venue])["name"], "Hall");
    let scratch = tempfile::tempdir().expect("a folder");
    let plan = scratch.path().join("plan.json");
    std::fs::write(&plan, house::plan(4).to_string()).expect("written");
    coordinator.ok(&["import", "plan", "--venue", &venue, &plan.display().to_string()]);
    let start = ["--starts-at", "2031-05-01T19:30:00Z", "--currency", "EUR", "--prices", "0"];
    let words = [&["event", "create", "--name", "Clasp", "--venue", &venue][..], &start, &["--category", "test"]].concat();
    let event = shop::id(&coordinator.json(&words));
    same("event-get", &table(&buyer.ok(&["event", "get", &event])));
    same("event-seats", &table(&buyer.ok(&["event", "seats", &event])));
    same("event-seats-list", &table(&buyer.ok(&["event", "seats", &event, "--state", "available"])));

    let held = buyer.json(&["hold", "create", &event, "--best", "2"]);
    same("hold-create.json", &json(&held));
    let hold = shop::id(&held);
    let other = caller(cluster, Role::Customer);
    let told = other.refused(4, &["hold", "create", &event, "--seat", "0", "--seat", "1"]);
    assert!(told.contains("seat_unavailable"), "{told}");
    assert_eq!(other.refused(3, &["hold", "get", &event, &hold]).lines().count(), 1, "what is somebody else's is not found");
    same("hold-get", &table(&buyer.ok(&["hold", "get", &event, &hold])));
    let paid = buyer.json(&["hold", "pay", &event, &hold, "--key", "one"]);
    assert_eq!(paid["object"], "order");
    assert_eq!(buyer.json(&["hold", "pay", &event, &hold, "--key", "one"])["id"], paid["id"], "the same attempt");
    let ticket = paid["tickets"][0].as_str().expect("a ticket").to_owned();
    same("ticket-list", &table(&buyer.ok(&["ticket", "list", "--event", &event])));
    assert_eq!(buyer.ok(&["ticket", "list", "--event", &event, "-o", "jsonl"]).lines().count(), 2);
    assert_eq!(buyer.json(&["ticket", "get", &ticket])["state"], "issued");
    assert_eq!(buyer.json(&["ticket", "transfer", &ticket, "--to", "ada@example.org"])["object"], "transfer");

    let second = shop::id(&other.json(&["hold", "create", &event, "--best", "1"]));
    assert_eq!(other.ok(&["hold", "release", &event, &second]), "");
    assert!(other.refused(4, &["hold", "pay", &event, &second]).contains("hold_"), "it is over");
    let watched = buyer.ok(&["event", "watch", &event, "--count", "1", "-o", "jsonl"]);
    assert!(watched.contains("\"type\":\"snapshot\""), "{watched}");

    assert!(coordinator.refused(1, &["event", "cancel", &event]).contains("--yes"));
    let done = coordinator.run(&["event", "cancel", "--dry-run", &event]);
    assert!(done.code == 0 && done.err.contains("would cancel"), "{}", done.err);
    assert_eq!(coordinator.json(&["event", "cancel", "--yes", &event])["state"], "cancelled");
}

#[test]
fn refusals_have_exit_codes() {
    let cluster = cluster();
    let (customer, nobody) = (caller(cluster, Role::Customer), Caller { endpoint: cluster.url(1), ..Caller::default() });
    let missing = "evt_00000000000000000000000000";
    for words in [&["event", "get", missing][..], &["venue", "get", "ven_x"], &["hold", "create", missing, "--best", "1"]] {
        let told = customer.refused(3, words);
        assert!(told.starts_with("error: "), "{told}");
    }
    let words = ["venue", "create", "--name", "X", "--city", "X", "--country", "DE", "--time-zone", "Europe/Berlin"];
    assert!(customer.refused(5, &words).contains("forbidden"));
    assert!(nobody.refused(5, &["ticket", "list"]).contains("unauthenticated"));
    assert!(customer.refused(5, &["check", "ledger"]).contains("forbidden"));
    let away = Caller { endpoint: "http://127.0.0.1:1".into(), ..customer.clone() };
    assert!(away.refused(6, &["event", "list"]).contains("no endpoint could serve the call"));
    assert!(customer.refused(1, &["event", "list", "--limit", "0"]).contains("validation_failed"));
}

#[test]
fn accounts_are_opened_and_used_from_the_command_line() {
    let cluster = cluster();
    let (clara, id) = person(cluster, "Clara");
    assert_eq!(clara.json(&["user", "get"])["id"], id.as_str());
    let admin = caller(cluster, Role::Admin);
    assert_eq!(admin.json(&["user", "role", &id, "gate"])["role"], "gate");
    assert!(clara.refused(5, &["user", "role", &id, "admin"]).contains("forbidden"));
}

#[test]
fn events_are_listed_and_found() {
    let cluster = cluster();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let terms = shop::Terms { name: "Zymurgy Zealots".into(), ..shop::Terms::free(3) };
    let event = runtime.block_on(shop::put_on_sale(&cluster.client(1, Role::Coordinator), &terms));
    let anybody = Caller { endpoint: cluster.url(1), ..Caller::default() };
    let found = runtime.block_on(shop::eventually("the event in the index", boxoffice_tests::http::PATIENCE, async || {
        let found = anybody.json(&["event", "search", "zymurgy"]);
        found["data"][0]["id"].as_str().map(str::to_owned)
    }));
    assert_eq!(found, event);
    same("event-search", &table(&anybody.ok(&["event", "search", "zymurgy"])));
    let listed = anybody.run(&["event", "list", "--limit", "1"]);
    assert_eq!((listed.code, listed.out.lines().count()), (0, 2), "{}", listed.out);
}
