//! A restore drill: sold, backed up, sold on, everything lost; then another cluster goes on from where the backup ends, or from just
//! before a mistake. What was paid after the cut goes back to the buyers before anything is sold again.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use boxoffice_cluster_config::backup::Backup;
use boxoffice_cluster_config::file::Config;
use boxoffice_ledger::command::Role;
use boxoffice_tests::binary;
use boxoffice_tests::check;
use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::http::{Client, PATIENCE};
use boxoffice_tests::shop::{self, Terms};
use serde_json::{Value, json};

use crate::shared::turn;

/// `boxoffice backup` with these arguments.
fn backup(arguments: &[&str]) -> Output {
    Command::new(binary::boxoffice()).arg("backup").args(arguments).env("NO_COLOR", "1").output().expect("the command runs")
}

/// What it prints as JSON.
#[track_caller]
fn json_of(arguments: &[&str]) -> Value {
    let output = backup(&[arguments, &["-o", "json"]].concat());
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// What it says when it cannot, and the code it ends with.
fn refusal_of(arguments: &[&str]) -> (Option<i32>, String) {
    let output = backup(arguments);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The moment now, once all that was acknowledged before is in the backup.
async fn shipped(cluster: &Cluster) -> String {
    let now = jiff_now();
    shop::eventually("what happened so far to be in the backup", PATIENCE, async || {
        for node in 1..=cluster.size() {
            let status = cluster.client(node, Role::Operator).get("/backup").await.expect(200);
            // Moments in RFC 3339 with the same zone sort as texts, but for the digits of their fractions.
            if status["shipped_until"].as_str().is_some_and(|until| until[..19] > now[..19]) {
                return Some(());
            }
        }
        None
    })
    .await;
    now
}

/// This machine's clock, as the API writes moments.
fn jiff_now() -> String {
    let output = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S.%6NZ"]).output().expect("there is a clock");
    String::from_utf8(output.stdout).expect("digits").trim().to_owned()
}

/// A cluster that is prepared and not started, whose payments go to the provider of another.
fn other(nodes: u64, first: &Cluster) -> Cluster {
    let cluster = Cluster::prepare(Options { nodes, ..Options::default() }).expect("configurations are written");
    for node in 1..=nodes {
        let text = std::fs::read_to_string(cluster.config(node)).expect("it is there");
        let config = Config { payment: first.provider().payment(), ..Config::parse(&text).expect("it is right") };
        std::fs::write(cluster.config(node), toml::to_string(&config).expect("it is TOML")).expect("it is written");
    }
    cluster
}

fn configs(cluster: &Cluster) -> String {
    (1..=cluster.size()).map(|node| cluster.config(node).display().to_string()).collect::<Vec<_>>().join(",")
}

/// Starts it; once it sells again, what it says of the restore.
async fn reopened(cluster: &Cluster) -> Value {
    (1..=cluster.size()).for_each(|node| cluster.spawn(node).expect("the node starts"));
    cluster.wait_ready().expect("the cluster is ready");
    let operator = cluster.client(1, Role::Operator);
    shop::eventually("sales to be open again", PATIENCE, async || {
        let recovery = operator.get("/backup").await.expect(200)["recovery"].clone();
        (recovery["state"] == "open").then_some(recovery)
    })
    .await
}

/// Changes one bit in the middle of a file.
fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).expect("it is written");
}

/// The largest round of a backup.
fn largest_round(dir: &Path) -> PathBuf {
    let files = std::fs::read_dir(dir).expect("it is there").map(|file| file.expect("a file").path());
    let rounds = files.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("round-")));
    rounds.max_by_key(|path| path.metadata().map_or(0, |data| data.len())).expect("there is a round")
}

#[tokio::test]
async fn a_cluster_that_was_lost_goes_on_from_its_backup_in_another_one() {
    let _turn = turn();
    let place = tempfile::tempdir().expect("a folder");
    let (dir, key) = (place.path().join("backups"), place.path().join("key"));
    std::fs::write(&key, "5a".repeat(32)).expect("it is written");
    let section = Backup { dir: Some(dir.clone()), key_file: Some(key.clone()), ship_seconds: 1, ..Backup::default() };
    let first = Cluster::start(Options { backup: section, ..Options::default() }).expect("the cluster starts");
    let coordinator = first.client(1, Role::Coordinator);
    let event = shop::put_on_sale(&coordinator, &Terms::free(8).priced(2_500)).await;
    let spared = shop::put_on_sale(&coordinator, &Terms::free(2)).await;
    let buyer = first.someone(Role::Customer);
    let at = |cluster: &Cluster| cluster.anyone(1).with_token(&cluster.token_of(&buyer.user, Role::Customer));
    shop::buy(&at(&first), &event, 0).await;

    let url = first.url(2);
    let token = first.someone(Role::Operator).token;
    let made = json_of(&["create", "--endpoint", &url, "--token", &token]);
    assert_eq!(made["state"], "done", "{made}");
    shop::buy(&at(&first), &event, 1).await;
    shop::buy(&at(&first), &spared, 0).await;
    let seen = first.client(1, Role::Customer).get(&format!("/event/{event}/seat?consistency=linearizable")).await;
    let revision = seen.header("boxoffice-revision").expect("a revision").to_owned();
    let cut = shipped(&first).await;
    shop::buy(&first.client(1, Role::Customer), &event, 5).await;
    let changes = coordinator.get("/changes?limit=100").await.expect(200);
    let last_change = changes["data"].as_array().and_then(|data| data.last()).expect("something happened")["id"].clone();
    let cancelled = coordinator.post(&format!("/event/{spared}/cancel"), &json!({"reason": "a slip"})).await;
    assert!(matches!(cancelled.status, 200 | 201), "{}", cancelled.text);
    shipped(&first).await;
    // All nodes die, and nothing of their data is left.
    (1..=3).for_each(|node| first.kill(node));
    for node in 1..=3 {
        std::fs::remove_dir_all(first.config(node).with_file_name("data")).expect("it was there");
    }

    let (dir, key) = (dir.display().to_string(), key.display().to_string());
    let from = ["--from", &dir, "--key-file", &key];
    let listed = json_of(&[&["list"], &from[..]].concat());
    let id = listed["data"].as_array().and_then(|data| data.last()).expect("a backup")["id"].as_str().expect("an id").to_owned();
    let verified = json_of(&[&["verify"], &from[..]].concat());
    assert_eq!(verified["groups"].as_array().map(Vec::len), Some(5), "{verified}");
    let without_key = refusal_of(&["verify", "--from", &dir]);
    assert!(without_key.1.contains("it is encrypted"), "{without_key:?}");

    // One bit is another: found, and not restored.
    let second = other(1, &first);
    let into = configs(&second);
    let round = largest_round(&Path::new(&dir).join(&id));
    flip(&round);
    let damaged = refusal_of(&[&["verify"], &from[..]].concat());
    assert!(damaged.0 == Some(8) && damaged.1.contains("damaged"), "{damaged:?}");
    let damaged = refusal_of(&[&["restore", "--into", &into], &from[..]].concat());
    assert!(damaged.0 == Some(1) && damaged.1.contains("damaged"), "{damaged:?}");
    assert!(!second.config(1).with_file_name("data").exists(), "nothing was written");
    flip(&round);

    // To just before the slip, into a cluster of one node.
    let wish = [&["restore", "--into", &into, "--until", &cut], &from[..]].concat();
    let dry = json_of(&[&wish[..], &["--dry-run"]].concat());
    let restored = json_of(&wish);
    assert_eq!((&dry["groups"], &dry["dry_run"], &restored["dry_run"]), (&restored["groups"], &true.into(), &false.into()));
    let again = refusal_of(&wish);
    assert!(again.1.contains("is not empty"), "{again:?}");
    let recovery = reopened(&second).await;
    assert_eq!(recovery["returned"], 1, "one payment was made after the cut: {recovery}");
    let group = second.group_of_event(&event);
    let begins = (restored["incarnation"].as_u64().expect("a number")) << 20;
    let operator = second.client(1, Role::Operator);
    let digest = operator.get(&format!("/digest/{group}?index={begins}")).await.expect(200)["digest"].clone();
    let at_cut = restored["groups"].as_array().expect("groups").iter().find(|line| line["group"] == group).expect("it is there").clone();
    assert_eq!(digest, at_cut["digest"], "the content is that of the cut");
    goes_on(&second, &at(&second), &event, &revision, &last_change).await;
    let sale = second.client(1, Role::Coordinator).get(&format!("/event/{spared}")).await.expect(200);
    assert_eq!((&sale["status"], &sale["sale"]["state"]), (&"published".into(), &"on_sale".into()), "{sale}");
    assert_eq!(shop::seat_states(&at(&second), &spared, 2).await, [2, 0]);
    let books = first.provider().ledger().await;
    let refunded: Vec<bool> = books.iter().map(|line| line["refunded"] == line["amount"] || line["status"] == "canceled").collect();
    assert_eq!(refunded, [false, false, true, false], "{books:?}");

    // The way out when a majority is lost: a backup of what one node has, and a larger cluster from that.
    second.stop(1).expect("it stops when asked to");
    let rescue = place.path().join("rescue").display().to_string();
    let made = json_of(&["create", "--offline", "--config", &second.config(1).display().to_string(), "--to", &rescue]);
    assert_eq!(made["state"], "done", "{made}");
    let third = other(3, &first);
    let restored = json_of(&["restore", "--from", &rescue, "--into", &configs(&third)]);
    assert!(restored["incarnation"].as_u64() > recovery["incarnation"].as_u64(), "{restored}");
    reopened(&third).await;
    assert_eq!(shop::seat_states(&at(&third), &event, 8).await[..3], [2, 2, 2]);
    shop::buy(&at(&third), &event, 3).await;
    check::replicas_agree(&third).await.unwrap_or_else(|complaints| panic!("{complaints:#?}"));
}

/// The restored cluster has what was sold up to the cut, sells on, and takes no place of the life before for one of its own.
async fn goes_on(cluster: &Cluster, buyer: &Client, event: &str, revision: &str, last_change: &Value) {
    assert_eq!(shop::seat_states(buyer, event, 8).await, [2, 2, 0, 0, 0, 0, 0, 0]);
    shop::buy(buyer, event, 2).await;
    assert_eq!(shop::tickets(buyer).await.0.len(), 4);
    let path = format!("/event/{event}/seat?min_index={revision}");
    buyer.get(&path).await.problem(410, "revision_gone");
    let after = last_change.as_str().expect("an id");
    cluster.client(1, Role::Coordinator).get(&format!("/changes?after={after}")).await.problem(410, "changes_gone");
    check::replicas_agree(cluster).await.unwrap_or_else(|complaints| panic!("{complaints:#?}"));
}
