//! Nodes that come and go while others write: learners by snapshot, voters that change, leaders and dead nodes that are taken out.

use std::collections::BTreeSet;

use boxoffice_cluster_config::ids::NodeId;
use openraft::EntryPayload;
use openraft::impls::EmptyNode;
use tokio::time::Instant;

use super::cluster::{Cluster, SOON, Writers, eventually, quick};
use crate::error::ProposeError;
use crate::options::Tuning;
use crate::reshape::{ReshapeError, Shape, Step};
use crate::types::Membership;

/// Snapshots all the time, and a log that forgets almost at once: whoever comes late needs a snapshot.
fn forgetful() -> Tuning {
    Tuning { snapshot_every_entries: 20, keep_entries: 5, lag_entries_max: 30, chunk_bytes: 4096, ..quick() }
}

fn ids(nodes: &[u64]) -> BTreeSet<NodeId> {
    nodes.iter().copied().map(NodeId).collect()
}

fn shape(voters: &[u64], members: &[u64]) -> Shape {
    Shape { voters: ids(voters), members: ids(members) }
}

/// Asks a node again and again until a group is as it should be; what was done on the way.
async fn reshape(cluster: &Cluster, via: u64, group: u32, shape: &Shape) -> Vec<String> {
    let (begun, mut done) = (Instant::now(), Vec::new());
    loop {
        match cluster.group(via, group).reshape(shape).await {
            Ok(Step::Done { .. }) => return done,
            Ok(Step::Stepped(what)) => done.push(what),
            Ok(Step::Waiting(_)) | Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
        assert!(begun.elapsed() < SOON, "waited too long for {shape:?}, after {done:?}");
    }
}

fn voters(cluster: &Cluster, node: u64, group: u32) -> (BTreeSet<NodeId>, BTreeSet<NodeId>) {
    let status = cluster.group(node, group).status();
    (status.voters.into_iter().collect(), status.learners.into_iter().collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_comes_by_snapshot_under_load_and_takes_the_place_of_another() {
    let mut cluster = Cluster::new(1, forgetful());
    cluster.leader(0).await;
    let writers = Writers::start(&cluster, 0, &[1, 2]);
    writers.progress(60).await;
    eventually("the log to forget its beginning", || cluster.group(1, 0).status().purged_index > 20).await;
    cluster.join(4);
    reshape(&cluster, 1, 0, &shape(&[1, 2, 3], &[1, 2, 3, 4])).await;
    writers.progress(20).await;
    eventually("node 4 to learn", || voters(&cluster, 4, 0) == (ids(&[1, 2, 3]), ids(&[4]))).await;
    reshape(&cluster, 4, 0, &shape(&[1, 2, 4], &[1, 2, 3, 4])).await;
    writers.progress(20).await;
    let done = reshape(&cluster, 1, 0, &shape(&[1, 2, 4], &[1, 2, 4])).await;
    assert_eq!(done, ["n3 has no replica any more"]);
    // Node 3 is not told by its groups; its peers refuse it, and it does not disturb them.
    cluster.meet(&[1, 2, 4], &[3]);
    eventually("node 3 to learn that it was removed", || cluster.nodes[&3].status().expelled.is_some()).await;
    let lost = cluster.group(3, 0).propose("+1".into(), Instant::now() + std::time::Duration::from_millis(300)).await;
    assert!(lost.as_ref().is_err_and(ProposeError::is_definite), "{lost:?}");
    let term = cluster.term(0);
    writers.progress(50).await;
    assert!((1..=2).all(|node| cluster.group(node, 0).status().term <= term.max(1)), "nobody was made to vote");
    cluster.kill(3);
    let written = writers.stop().await;
    cluster.converge(0).await;
    for node in [1, 2, 4] {
        written.check(&cluster.state(node, 0));
    }
    // It finds the others again after a restart, from its own address book.
    cluster.kill(4);
    cluster.kill(1);
    cluster.start(4);
    cluster.add(4, 0, 7).await.expect("nodes 2 and 4 are a majority");
    cluster.start(3);
    eventually("node 3 to be told again", || cluster.nodes[&3].status().expelled.is_some()).await;
    cluster.add(2, 0, 8).await.expect("nobody minds node 3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaders_and_dead_nodes_are_taken_out() {
    let mut cluster = Cluster::new(2, quick());
    for group in 0..2 {
        cluster.add(1, group, 1).await.expect("healthy");
    }
    cluster.join(4);
    // The leader of group 0 goes: it hands over first.
    let leader = cluster.leader(0).await;
    let rest: Vec<u64> = (1..=4).filter(|node| *node != leader).collect();
    let done = reshape(&cluster, rest[0], 0, &shape(&rest, &[1, 2, 3, 4])).await;
    assert!(done.iter().any(|what| what.contains(&format!("leads instead of n{leader}"))), "{done:?}");
    eventually("the old leader to follow", || voters(&cluster, leader, 0) == (ids(&rest), ids(&[leader]))).await;
    cluster.add(leader, 0, 2).await.expect("it still forwards");
    // It dies, and is taken out of both groups without being asked.
    cluster.kill(leader);
    for group in 0..2 {
        reshape(&cluster, rest[0], group, &shape(&rest, &rest)).await;
        cluster.add(4, group, 3).await.expect("healthy");
        cluster.converge(group).await;
    }
    // Two of three left: nobody is taken out of those, for the one that stays could decide nothing.
    let (stays, dead) = (rest[0], rest[1]);
    cluster.kill(dead);
    cluster.leader(0).await;
    let missing = shape(&[stays, dead, 9], &[stays, dead, 9]);
    let refused = cluster.group(stays, 0).reshape(&missing).await;
    assert!(!matches!(refused, Ok(Step::Done { .. })), "{refused:?}");
    let nobody = cluster.group(stays, 0).reshape(&shape(&[], &[stays])).await;
    assert!(matches!(nobody, Err(ReshapeError::Failed(_) | ReshapeError::NoLeader)), "{nobody:?}");
    let strange = cluster.group(stays, 0).reshape(&shape(&[dead], &[stays, dead])).await;
    assert!(!matches!(strange, Ok(Step::Done { .. })), "a dead node alone: {strange:?}");
    cluster.add(stays, 0, 4).await.expect("the others decide on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_was_broken_off_is_finished_by_the_next_leader() {
    let mut cluster = Cluster::new(1, quick());
    cluster.add(1, 0, 1).await.expect("healthy");
    cluster.join(4);
    reshape(&cluster, 1, 0, &shape(&[1, 2, 3], &[1, 2, 3, 4])).await;
    cluster.converge(0).await;
    let leader = cluster.leader(0).await;
    let kept: Vec<u64> = (1..=3).filter(|node| *node != leader).chain([4]).collect();
    let nodes = (1..=4).map(|node| (node, EmptyNode::new())).collect::<std::collections::BTreeMap<_, _>>();
    let joint = Membership::new(vec![BTreeSet::from([1, 2, 3]), kept.iter().copied().collect()], nodes).expect("sound");
    let raft = cluster.group(leader, 0).core.raft().expect("running");
    raft.append_membership(joint, EntryPayload::Blank, []).await.expect("both sets are there");
    cluster.kill(leader);
    cluster.leader(0).await;
    let done = reshape(&cluster, 4, 0, &shape(&kept, &kept)).await;
    assert_eq!(done.first().map(String::as_str), Some("finished a change that was broken off"), "{done:?}");
    cluster.add(4, 0, 2).await.expect("healthy");
    assert_eq!(voters(&cluster, 4, 0), (ids(&kept), ids(&[])));
    assert_eq!(cluster.group(4, 0).status().learners, []);
    cluster.converge(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_chooses_who_leads() {
    let cluster = Cluster::new(1, quick());
    for to in [2, 3, 1] {
        let begun = Instant::now();
        while cluster.leader(0).await != to {
            // From any node; once more when an election came in between.
            let _ = cluster.group(1, 0).hand_over(NodeId(to), true).await;
            assert!(begun.elapsed() < SOON, "node {to} does not lead");
        }
    }
    let stranger = cluster.group(2, 0).hand_over(NodeId(9), false).await;
    assert!(stranger.is_err(), "{stranger:?}");
}
