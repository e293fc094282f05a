//! Followers that missed everything, damaged files, purges that race with installs.

use std::path::{Path, PathBuf};

use tokio::time::Instant;

use super::cluster::{Cluster, DATA_DIR, SOON, Writers, eventually, insist, quick};
use crate::disk::Disk;
use crate::options::Tuning;

/// Snapshots all the time, and a log that forgets almost at once.
fn forgetful() -> Tuning {
    Tuning { snapshot_every_entries: 20, keep_entries: 5, lag_entries_max: 30, chunk_bytes: 4096, ..quick() }
}

fn files(cluster: &Cluster, node: u64) -> Vec<PathBuf> {
    let dir = Path::new(DATA_DIR).join("snapshots");
    let names = cluster.disks[&node].list(&dir).expect("the directory is there");
    names.into_iter().filter(|name| name.ends_with(".snap")).map(|name| dir.join(name)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_missed_everything_is_brought_back_by_snapshot_while_writes_go_on() {
    let mut cluster = Cluster::new(1, forgetful());
    cluster.leader(0).await;
    let writers = Writers::start(&cluster, 0, &[1, 2]);
    writers.progress(20).await;
    for round in 0..6 {
        let missing = cluster.group(3, 0).applied();
        if round % 2 == 0 {
            cluster.wires.isolate(3)
        } else {
            cluster.cut_power(3, round)
        }
        let purged = || (1..=2).all(|node| cluster.group(node, 0).status().purged_index > missing + 20);
        eventually("the others to forget what node 3 lacks", purged).await;
        let needed = cluster.group(1, 0).applied();
        if round % 2 == 0 {
            cluster.wires.heal()
        } else {
            cluster.start(3)
        }
        eventually("node 3 to catch up", || cluster.group(3, 0).applied() >= needed).await;
        writers.progress(20).await;
    }
    let written = writers.stop().await;
    cluster.converge(0).await;
    for node in 1..=3 {
        written.check(&cluster.state(node, 0));
        assert_eq!(cluster.group(node, 0).status().reopened, 0, "no core died on node {node}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_cuts_during_installs_leave_a_node_that_can_start() {
    let mut cluster = Cluster::new(1, forgetful());
    insist(&cluster.group(1, 0), "bulk 300000".to_owned()).await.expect("healthy");
    let writers = Writers::start(&cluster, 0, &[1, 2]);
    for seed in 1..=5 {
        let missing = cluster.group(3, 0).applied();
        cluster.cut_power(3, seed);
        let purged = || (1..=2).all(|node| cluster.group(node, 0).status().purged_index > missing + 10);
        eventually("the others to forget what node 3 lacks", purged).await;
        let operations = cluster.disks[&3].operations();
        cluster.start(3);
        // Somewhere between the first piece and the end of the install.
        let disk = cluster.disks[&3].clone();
        eventually("the install to begin", || disk.operations() > operations + 10 + seed * 15).await;
        cluster.cut_power(3, seed + 100);
        cluster.start(3);
        let needed = cluster.group(1, 0).applied();
        eventually("node 3 to catch up", || cluster.group(3, 0).applied() >= needed).await;
    }
    let written = writers.stop().await;
    cluster.converge(0).await;
    written.check(&cluster.state(3, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_snapshot_is_replaced_by_the_older_one_or_by_a_peers() {
    let mut cluster = Cluster::new(1, forgetful());
    let writers = Writers::start(&cluster, 0, &[1, 2]);
    eventually("two snapshots on node 3", || files(&cluster, 3).len() == 2).await;
    let mut written = writers.stop().await;
    cluster.converge(0).await;
    cluster.kill(3);
    let newest = files(&cluster, 3).pop().expect("there are two");
    assert!(cluster.disks[&3].flip(&newest, 60, 1));
    cluster.start(3);
    cluster.converge(0).await;
    written.check(&cluster.state(3, 0));
    let aside = newest.with_extension("snap.damaged");
    assert!(cluster.disks[&3].exists(&aside), "the damaged file was set aside");
    written.kept.insert(1);
    cluster.add(3, 0, 1).await.expect("it takes part");
    cluster.kill(3);
    for file in files(&cluster, 3) {
        assert!(cluster.disks[&3].flip(&file, 60, 1));
    }
    cluster.start(3);
    cluster.converge(0).await;
    written.check(&cluster.state(3, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_replays_from_snapshot_and_log() {
    let mut cluster = Cluster::new(3, forgetful());
    for number in 1..=120 {
        cluster.add(number % 3 + 1, 1, number).await.expect("healthy");
    }
    let index = cluster.converge(1).await;
    let digest = cluster.group(1, 1).digest_at(index).expect("the newest is remembered");
    for node in 1..=3 {
        cluster.kill(node);
    }
    for node in 1..=3 {
        cluster.start(node);
    }
    cluster.leader(1).await;
    eventually("all to be where they were", || (1..=3).all(|node| cluster.group(node, 1).applied() >= index)).await;
    cluster.converge(1).await;
    for node in 1..=3 {
        assert_eq!(cluster.group(node, 1).digest_at(index), Some(digest), "node {node}");
        assert_eq!(cluster.state(node, 1).sum, 120 * 121 / 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_on_demand_and_many_groups_taking_turns() {
    let cluster = Cluster::new(8, forgetful());
    // Written to until all have purged: a snapshot is due after so many entries, and a log is purged up to the one before the newest.
    let begun = Instant::now();
    let purged = || (1..=3).all(|node| (0..8).all(|group| cluster.group(node, group).status().purged_index > 0));
    let mut number = 0;
    while !purged() {
        assert!(begun.elapsed() < SOON, "waited too long for every group to take snapshots and purge");
        number += 1;
        let writes = (0..8).map(|group| cluster.add(1, group, number));
        for outcome in futures::future::join_all(writes).await {
            outcome.expect("healthy");
        }
    }
    let index = cluster.add(2, 7, number + 1).await.expect("healthy").position.index;
    let group = cluster.group(2, 7);
    group.wait_applied(index, Instant::now() + SOON).await.expect("healthy");
    assert!(group.snapshot_now().await.expect("something new was applied") >= index);
}
