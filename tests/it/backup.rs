//! A restore drill: sold, backed up, sold on, everything lost; then another cluster goes on from where the backup ends, or from just
//! before a mistake. What was paid after the cut goes back to the buyers before anything is sold again.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ::jepsen::draw::Draw;
use ::jepsen::logs::flip_apart;
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
    shop::eventually("its own nodes, and no others, to be noted", PATIENCE, async || {
        let members = operator.get("/cluster/member").await.expect(200);
        let active = members["data"].as_array()?.iter().filter(|member| member["state"] == "active").count() as u64;
        (active == cluster.size()).then_some(())
    })
    .await;
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

/// What is remembered of a life that is lost.
struct Lost {
    /// Before the mistake.
    cut: String,
    revision: String,
    last_change: String,
}

/// The first cluster, with a priced event and one whose sale is stopped by mistake.
struct Drill {
    cluster: Cluster,
    coordinator: Client,
    event: String,
    spared: String,
    buyer: String,
    dir: String,
    key: String,
}

impl Drill {
    async fn start(place: &Path) -> Self {
        let (dir, key) = (place.join("backups"), place.join("key"));
        std::fs::write(&key, "5a".repeat(32)).expect("it is written");
        let backup = Backup { dir: Some(dir.clone()), key_file: Some(key.clone()), ship_seconds: 1, ..Backup::default() };
        let cluster = Cluster::start(Options { backup, ..Options::default() }).expect("the cluster starts");
        let coordinator = cluster.client(1, Role::Coordinator);
        let event = shop::put_on_sale(&coordinator, &Terms::free(8).priced(2_500)).await;
        let spared = shop::put_on_sale(&coordinator, &Terms::free(2)).await;
        let buyer = cluster.someone(Role::Customer).user;
        Self { cluster, coordinator, event, spared, buyer, dir: dir.display().to_string(), key: key.display().to_string() }
    }

    /// The buyer, at another cluster too.
    fn at(&self, cluster: &Cluster) -> Client {
        cluster.anyone(1).with_token(&cluster.token_of(&self.buyer, Role::Customer))
    }

    /// Sells, backs up, sells on, makes a mistake; then all nodes die, and nothing of their data is left.
    async fn lose(&self) -> Lost {
        let (first, buyer) = (&self.cluster, self.at(&self.cluster));
        shop::buy(&buyer, &self.event, 0).await;
        let made = json_of(&["create", "--endpoint", &first.url(2), "--token", &first.someone(Role::Operator).token]);
        assert_eq!(made["state"], "done", "{made}");
        shop::buy(&buyer, &self.event, 1).await;
        shop::buy(&buyer, &self.spared, 0).await;
        let seen = buyer.get(&format!("/event/{}/seat?consistency=linearizable", self.event)).await;
        let revision = seen.header("boxoffice-revision").expect("a revision").to_owned();
        let cut = shipped(first).await;
        shop::buy(&first.client(1, Role::Customer), &self.event, 5).await;
        let cancelled = self.coordinator.post(&format!("/event/{}/cancel", self.spared), &json!({"reason": "a slip"})).await;
        assert!(matches!(cancelled.status, 200 | 201), "{}", cancelled.text);
        let changes = self.coordinator.get("/changes?limit=100").await;
        let last: Value = serde_json::from_str(changes.text.lines().last().expect("something happened")).expect("a line of JSON");
        shipped(first).await;
        (1..=3).for_each(|node| first.kill(node));
        for node in 1..=3 {
            std::fs::remove_dir_all(first.config(node).with_file_name("data")).expect("it was there");
        }
        Lost { cut, revision, last_change: shop::id(&last) }
    }

    /// The command with where the backups are.
    fn with<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &["--from", &self.dir, "--key-file", &self.key]].concat()
    }

    /// A bit that was changed is found, and not restored.
    fn is_found_damaged(&self, into: &str, data: &Path) {
        let listed = json_of(&self.with(&["list"]));
        let newest = shop::id(listed["data"].as_array().and_then(|data| data.last()).expect("a backup"));
        let round = largest_round(&Path::new(&self.dir).join(newest));
        flip(&round);
        let verified = refusal_of(&self.with(&["verify"]));
        assert!(verified.0 == Some(8) && verified.1.contains("damaged"), "{verified:?}");
        let restored = refusal_of(&self.with(&["restore", "--into", into]));
        assert!(restored.0 == Some(1) && restored.1.contains("damaged"), "{restored:?}");
        assert!(!data.exists(), "nothing was written");
        flip(&round);
    }

    /// What was paid after the cut is with its buyer again; everything else is as it was.
    async fn is_settled(&self) {
        let books = self.cluster.provider().ledger().await;
        let is_back = |line: &Value| line["refunded"] == line["amount"] || line["status"] == "canceled";
        assert_eq!(books.iter().map(is_back).collect::<Vec<_>>(), [false, false, true, false], "{books:?}");
    }
}

#[tokio::test]
async fn a_cluster_that_was_lost_goes_on_from_its_backup_in_another_one() {
    let _turn = turn();
    let place = tempfile::tempdir().expect("a folder");
    let drill = Drill::start(place.path()).await;
    let lost = drill.lose().await;
    let verified = json_of(&drill.with(&["verify"]));
    assert_eq!(verified["groups"].as_array().map(Vec::len), Some(5), "{verified}");
    let without_key = refusal_of(&["verify", "--from", &drill.dir]);
    assert!(without_key.1.contains("it is encrypted"), "{without_key:?}");

    // To just before the mistake, into a cluster of one node.
    let second = other(1, &drill.cluster);
    let into = configs(&second);
    drill.is_found_damaged(&into, &second.config(1).with_file_name("data"));
    let wish = drill.with(&["restore", "--into", &into, "--until", &lost.cut]);
    let dry = json_of(&[&wish[..], &["--dry-run"]].concat());
    let restored = json_of(&wish);
    assert_eq!((&dry["groups"], &dry["dry_run"], &restored["dry_run"]), (&restored["groups"], &true.into(), &false.into()));
    let again = refusal_of(&wish);
    assert!(again.1.contains("is not empty"), "{again:?}");
    let recovery = reopened(&second).await;
    assert_eq!(recovery["returned"], 1, "one payment was made after the cut: {recovery}");
    has_the_content_of(&second, &restored, &drill.event).await;
    let buyer = drill.at(&second);
    assert_eq!(shop::seat_states(&buyer, &drill.spared, 2).await, [2, 0]);
    goes_on(&second, &buyer, &drill.event, &lost).await;
    drill.is_settled().await;

    // The way out when a majority is lost: a backup of what one node has, and a larger cluster from that.
    second.stop(1).expect("it stops when asked to");
    let rescue = place.path().join("rescue").display().to_string();
    let made = json_of(&["create", "--offline", "--config", &second.config(1).display().to_string(), "--to", &rescue]);
    assert_eq!(made["state"], "done", "{made}");
    let third = other(3, &drill.cluster);
    let restored = json_of(&["restore", "--from", &rescue, "--into", &configs(&third)]);
    assert!(restored["incarnation"].as_u64() > recovery["incarnation"].as_u64(), "{restored}");
    reopened(&third).await;
    assert_eq!(shop::seat_states(&drill.at(&third), &drill.event, 8).await[..3], [2, 2, 2]);
    shop::buy(&drill.at(&third), &drill.event, 3).await;
    check::replicas_agree(&third).await.unwrap_or_else(|complaints| panic!("{complaints:#?}"));
}

#[tokio::test]
async fn logs_that_are_damaged_on_all_nodes_have_every_booking_together() {
    let _turn = turn();
    let place = tempfile::tempdir().expect("a folder");
    let first = Cluster::start(Options::default()).expect("the cluster starts");
    let event = shop::put_on_sale(&first.client(1, Role::Coordinator), &Terms::free(12)).await;
    let buyer = first.client(2, Role::Customer);
    for seat in 0..12 {
        shop::buy(&buyer, &event, seat).await;
    }
    (1..=3).for_each(|node| first.kill(node));
    let logs: Vec<PathBuf> = (1..=3).map(|node| first.config(node).with_file_name("data").join("log")).collect();
    let damaged = flip_apart(&logs, 20, &mut Draw::new(1)).expect("the logs are there");
    for node in 1..=3 {
        assert!(damaged[node as usize - 1] > 2, "{damaged:?}");
        let refusal = refusal_of(&["create", "--offline", "--config", &first.config(node).display().to_string(), "--to", "nowhere"]);
        assert!(refusal.0 == Some(1) && refusal.1.contains("damaged"), "node {node} alone is refused: {refusal:?}");
    }
    let rescue = place.path().join("rescue").display().to_string();
    let made = json_of(&["create", "--offline", "--config", &configs(&first), "--to", &rescue]);
    assert_eq!((&made["state"], &made["nodes"]), (&"done".into(), &json!([1, 2, 3])), "{made}");
    let second = other(3, &first);
    let _ = json_of(&["restore", "--from", &rescue, "--into", &configs(&second)]);
    reopened(&second).await;
    assert_eq!(shop::seat_states(&second.anyone(1), &event, 12).await, [2; 12]);
    check::replicas_agree(&second).await.unwrap_or_else(|complaints| panic!("{complaints:#?}"));
}

/// The state that a group began with is the one that the restore stated.
async fn has_the_content_of(cluster: &Cluster, restored: &Value, event: &str) {
    let group = cluster.group_of_event(event);
    let first = restored["incarnation"].as_u64().expect("a number") << 20;
    let began = cluster.client(1, Role::Operator).get(&format!("/digest/{group}?index={first}")).await.expect(200);
    let stated = restored["groups"].as_array().expect("groups").iter().find(|line| line["group"] == group).expect("it is there");
    assert_eq!(began["digest"], stated["digest"]);
}

/// The restored cluster has what was sold up to the cut, sells on, and takes no place of the life before for one of its own.
async fn goes_on(cluster: &Cluster, buyer: &Client, event: &str, lost: &Lost) {
    assert_eq!(shop::seat_states(buyer, event, 8).await, [2, 2, 0, 0, 0, 0, 0, 0]);
    shop::buy(buyer, event, 2).await;
    assert_eq!(shop::tickets(buyer).await.0.len(), 4);
    let path = format!("/event/{event}/seat?min_index={}", lost.revision);
    let _ = buyer.get(&path).await.problem(410, "revision_gone");
    let _ = cluster.client(1, Role::Coordinator).get(&format!("/changes?after={}", lost.last_change)).await.problem(410, "changes_gone");
    check::replicas_agree(cluster).await.unwrap_or_else(|complaints| panic!("{complaints:#?}"));
}
