//! "A cluster that operators can run": nodes join with a token, are drained, die and are replaced, by the commands that operators use.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use boxoffice_ledger::command::Role;
use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::shop::{self, Terms};
use boxoffice_tests::{binary, check};
use serde_json::Value;

use crate::shared::turn;

/// Long enough on a busy machine.
const SOON: Duration = Duration::from_secs(120);

/// A node as another one lists it.
async fn listed(cluster: &Cluster, via: u64, node: u64) -> Value {
    let list = cluster.client(via, Role::Operator).get("/cluster/member").await.expect(200);
    list["data"].as_array().into_iter().flatten().find(|member| member["node"] == node).cloned().unwrap_or(Value::Null)
}

async fn is(cluster: &Cluster, via: u64, node: u64, state: &str) {
    let what = format!("node {node} to be {state}");
    shop::eventually(&what, SOON, async || (listed(cluster, via, node).await["state"] == state).then_some(())).await;
}

/// What a command complains of, and its exit code.
fn complaint(cluster: &Cluster, words: &[&str]) -> (i32, String) {
    let output = cluster.command(words);
    assert!(!output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stdout));
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn nodes_join_die_are_replaced_and_never_come_back_as_somebody_else() {
    let _turn = turn();
    let mut cluster = Cluster::start(Options { takes_payments: false, ..Options::default() }).expect("the cluster starts");
    let event = shop::put_on_sale(&cluster.client(1, Role::Coordinator), &Terms::free(20)).await;
    let _ = shop::buy(&cluster.client(1, Role::Customer), &event, 0).await;
    is(&cluster, 2, 3, "active").await;

    joins(&mut cluster, &event).await;
    a_dead_node_is_taken_out(&cluster, &event).await;
    an_old_number_does_not_come_back(&cluster).await;
    leaders_move(&cluster).await;
    nobody_goes_who_is_needed(&cluster, &event).await;
}

/// A fourth node, over mutual TLS, with a token that works once.
async fn joins(cluster: &mut Cluster, event: &str) {
    let node = cluster.add_node().expect("it joins");
    assert_eq!(node, 4);
    let config = cluster.config(4).display().to_string();
    let token = cluster.config(4).with_file_name("token").display().to_string();
    let join = ["cluster", "join", "--config", &config, "--token-file", &token];
    assert!(complaint(cluster, &join).1.contains("the data directory of a node already"));
    // Whoever else has the token, and an empty directory.
    let text = fs::read_to_string(&config).expect("the configuration").replace("n4/data", "n4/other");
    let other = cluster.config(4).with_file_name("other.toml").display().to_string();
    fs::write(&other, text).expect("written");
    let (code, text) = complaint(cluster, &["cluster", "join", "--config", &other, "--token-file", &token]);
    assert!(code == 4 && text.contains("link_over"), "{code}: {text}");
    assert!(!cluster.config(4).with_file_name("other").exists(), "nothing was written");

    is(cluster, 1, 4, "active").await;
    cluster.wait_ready().expect("all are ready");
    let _ = shop::buy(&cluster.client(4, Role::Customer), event, 1).await;
    shop::eventually("node 4 to vote somewhere", SOON, async || (listed(cluster, 4, 4).await["votes"].as_u64()? > 0).then_some(())).await;
    check::replicas_agree(cluster).await.expect("four equal replicas of each group");
    let status = cluster.json(&["cluster", "status", "-o", "json"]).expect("it prints");
    let nodes = status["nodes"].as_array().expect("nodes");
    assert!(nodes.len() == 4 && nodes.iter().all(|node| node["answers"] == true && node["writable"] == true), "{status}");
}

/// Removing works while it is dead; when it comes back it is told so, and nothing else happens.
async fn a_dead_node_is_taken_out(cluster: &Cluster, event: &str) {
    cluster.kill(3);
    let output = cluster.command(&["cluster", "remove", "3"]);
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("--yes"), "nobody can be asked here");
    let dry = cluster.command(&["cluster", "remove", "3", "--dry-run"]);
    assert!(dry.status.success() && listed(cluster, 1, 3).await["state"] == "active");
    let gone = cluster.json(&["cluster", "remove", "3", "--yes", "-o", "json"]).expect("it can be spared");
    assert_eq!(gone["state"], "removed");
    let left = listed(cluster, 2, 3).await;
    assert_eq!((&left["votes"], &left["learns"]), (&0.into(), &0.into()), "{left}");
    let _ = shop::buy(&cluster.client(2, Role::Customer), event, 2).await;
    check::replicas_of(cluster, [1, 2, 4]).await.expect("three equal replicas of each group");

    cluster.spawn(3).expect("it starts");
    shop::eventually("node 3 to be told", SOON, async || cluster.log(3).contains("was removed from the cluster").then_some(())).await;
    let told = async || {
        let status = cluster.client(3, Role::Operator).try_get("/status").await.ok()?;
        (status.status == 200 && status.body["expelled"].is_string()).then_some(())
    };
    shop::eventually("node 3 to say so", SOON, told).await;
    assert!(!cluster.is_ready(3));
    let refused = shop::try_hold(&cluster.client(3, Role::Customer), event, &[3]).await.expect("an answer");
    assert_eq!(refused.status, 503, "{}", refused.text);
    let _ = shop::buy(&cluster.client(1, Role::Customer), event, 3).await;
    cluster.kill(3);
}

/// A wiped directory, and one that has the address book of the old one.
async fn an_old_number_does_not_come_back(cluster: &Cluster) {
    cluster.kill(4);
    let (data, kept) = (cluster.data_dir(4), cluster.data_dir(4).with_file_name("kept"));
    fs::rename(&data, &kept).expect("moved");
    cluster.spawn(4).expect("the process starts");
    shop::eventually("node 4 to end", SOON, async || cluster.has_died(4).then_some(())).await;
    assert!(cluster.log(4).contains("was not prepared for joining"), "{}", cluster.log(4));
    fs::create_dir_all(&data).expect("made");
    fs::copy(kept.join("peers"), data.join("peers")).expect("copied");
    cluster.spawn(4).expect("the process starts");
    shop::eventually("node 4 to be turned away", SOON, async || cluster.log(4).contains("takes no part any more").then_some(())).await;
    cluster.kill(4);
    fs::remove_dir_all(&data).expect("removed");
    fs::rename(&kept, &data).expect("moved back");
    cluster.spawn(4).expect("the process starts");
    cluster.wait_ready().expect("with its own data it is welcome");
}

/// Draining, and leaders by hand.
async fn leaders_move(cluster: &Cluster) {
    let drained = cluster.json(&["cluster", "drain", "2", "--yes", "-o", "json"]).expect("it drains");
    assert_eq!(drained["state"], "draining");
    let now = listed(cluster, 1, 2).await;
    assert_eq!((&now["votes"], &now["leads"], &now["learns"]), (&0.into(), &0.into(), &5.into()), "{now}");
    let (_, why) = complaint(cluster, &["cluster", "transfer-leader", "--group", "1", "--to", "2"]);
    assert!(why.contains("does not vote"), "{why}");
    cluster.json(&["cluster", "drain", "2", "--undo", "--yes", "-o", "json"]).expect("it takes part again");
    shop::eventually("node 2 to vote everywhere", SOON, async || (listed(cluster, 1, 2).await["votes"] == 5).then_some(())).await;
    let leads = async || {
        let _ = cluster.command(&["cluster", "transfer-leader", "--group", "1", "--to", "2"]);
        (cluster.leader(1).await.ok()? == 2).then_some(())
    };
    shop::eventually("node 2 to lead group 1", SOON, leads).await;
    let spread = async || cluster.command(&["cluster", "rebalance"]).status.success().then_some(());
    shop::eventually("leaders to be spread", SOON, spread).await;
}

/// With one of three dead, no other can go; and a token ends.
async fn nobody_goes_who_is_needed(cluster: &Cluster, event: &str) {
    cluster.kill(4);
    let silent = async || (listed(cluster, 1, 4).await["reachable"] == false).then_some(());
    shop::eventually("node 4 to be missed", SOON, silent).await;
    let (code, why) = complaint(cluster, &["cluster", "remove", "2", "--yes"]);
    assert!(code == 4 && why.contains("no quorum") && why.contains("n4"), "{code}: {why}");
    assert_eq!(listed(cluster, 1, 2).await["state"], "active");
    let _ = shop::buy(&cluster.client(1, Role::Customer), event, 4).await;
    let admin = cluster.client(1, Role::Admin);
    let invited =
        admin.post("/cluster/member", &serde_json::json!({"peer": "box9:1", "http": "http://box9:2", "ttl_s": 1})).await.expect(201);
    let join = serde_json::json!({"node": invited["node"], "token": invited["token"]});
    let wrong = serde_json::json!({"node": 77, "token": invited["token"]});
    let anyone = cluster.anyone(1);
    let early = anyone.post("/cluster/join", &wrong).await;
    assert!(matches!(early.status, 410 | 422), "{}", early.text);
    let over = Instant::now() + Duration::from_secs(2);
    shop::eventually("the token to end", SOON, async || (Instant::now() > over).then_some(())).await;
    let _ = anyone.post("/cluster/join", &join).await.problem(410, "link_over");
}

/// What `init` writes can be started as it is, and is never overwritten.
#[test]
fn a_new_cluster_is_written_once() {
    let scratch = tempfile::tempdir_in(binary::scratch()).expect("a folder");
    let run = |words: &str| {
        let words = words.split_whitespace();
        Command::new(binary::boxoffice()).args(words).current_dir(scratch.path()).output().expect("the command runs")
    };
    let init = "cluster init --dir arena --cluster arena --node 127.0.0.1:1,http://127.0.0.1:2 --node 127.0.0.1:3,http://127.0.0.1:4 \
                --node 127.0.0.1:5,http://127.0.0.1:6";
    assert!(run(&format!("{init} --dry-run")).status.success() && !scratch.path().join("arena").exists());
    let made = run(&format!("{init} -o json"));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let lines: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    assert_eq!(lines.as_array().map(Vec::len), Some(3));
    for node in 1..=3 {
        let checked = run(&format!("config check --config arena/n{node}/node.toml"));
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
    let secrets: Vec<Vec<u8>> = (1..=3).map(|node| fs::read(scratch.path().join(format!("arena/n{node}/secret"))).expect("one")).collect();
    assert!(secrets.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(!scratch.path().join("arena/n1/ca.key").exists() && scratch.path().join("arena/certificates/ca.key").exists());
    let again = run(init);
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("nothing is overwritten"));
    let even = run("cluster init --dir two --cluster two --node 127.0.0.1:1,http://127.0.0.1:2 --node 127.0.0.1:3,http://127.0.0.1:4");
    assert!(!even.status.success() && !scratch.path().join("two").exists(), "two nodes found nothing");
}
