//! Linearizable reads on leaders and followers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::cluster::{Cluster, SOON, quick};
use crate::error::ReadError;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_on_any_node_shows_what_was_acknowledged_before_it() {
    let cluster = Cluster::new(1, quick());
    cluster.add(1, 0, 1).await.expect("healthy");
    let (acknowledged, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let writer = tokio::spawn({
        let (group, acknowledged, stop) = (cluster.group(2, 0), acknowledged.clone(), stop.clone());
        async move {
            while !stop.load(Ordering::SeqCst) {
                // What an election made unknown is not acknowledged.
                if let Ok(committed) = group.propose(Bytes::from_static(b"+1"), Instant::now() + SOON).await {
                    acknowledged.fetch_max(committed.position.index, Ordering::SeqCst);
                }
            }
        }
    });
    for _ in 0..60 {
        for node in 1..=3 {
            let group = cluster.group(node, 0);
            let before = acknowledged.load(Ordering::SeqCst);
            let index = group.read_barrier(Instant::now() + SOON).await.expect("healthy");
            assert!(index >= before, "node {node} would show {index}, {before} was acknowledged before the read");
            assert!(group.applied() >= before);
        }
    }
    stop.store(true, Ordering::SeqCst);
    writer.await.unwrap();
    assert!(acknowledged.load(Ordering::SeqCst) > 0, "nothing was written meanwhile");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_reads_at_once_share_rounds() {
    let cluster = Cluster::new(1, quick());
    let written = cluster.add(1, 0, 1).await.expect("healthy").position.index;
    let follower = cluster.leader(0).await % 3 + 1;
    let group = cluster.group(follower, 0);
    let reads = (0..2000).map(|_| group.read_barrier(Instant::now() + SOON));
    let calls = cluster.wires.read_calls();
    for index in futures::future::join_all(reads).await {
        assert!(index.expect("healthy") >= written);
    }
    let calls = cluster.wires.read_calls() - calls;
    assert!(calls < 200, "2000 reads took {calls} calls");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_cut_off_gives_no_read_point() {
    let cluster = Cluster::new(1, quick());
    cluster.add(1, 0, 1).await.expect("healthy");
    let old = cluster.leader(0).await;
    cluster.wires.isolate(old);
    let read = cluster.group(old, 0).read_barrier(Instant::now() + Duration::from_millis(700)).await;
    assert!(matches!(read, Err(ReadError::NoLeader | ReadError::Deadline)), "{read:?}");
    let other = old % 3 + 1;
    let written = cluster.add(other, 0, 2).await.expect("the majority goes on").position.index;
    let read = cluster.group(old, 0).read_barrier(Instant::now() + Duration::from_millis(300)).await;
    assert!(read.is_err(), "the old leader must not answer: {read:?}");
    cluster.wires.heal();
    let read = cluster.group(old, 0).read_barrier(Instant::now() + SOON).await.expect("healed");
    assert!(read >= written);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_an_index_ends_at_the_deadline() {
    let cluster = Cluster::new(1, quick());
    let index = cluster.add(1, 0, 1).await.expect("healthy").position.index;
    let group = cluster.group(3, 0);
    assert_eq!(group.wait_applied(index, Instant::now() + SOON).await, Ok(()));
    assert_eq!(group.wait_applied(index + 1000, Instant::now() + Duration::from_millis(50)).await, Err(ReadError::Deadline));
}
