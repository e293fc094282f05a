//! Commands through leader and follower.

use super::cluster::{Cluster, quick, sum};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_executed_through_any_node() {
    let cluster = Cluster::new(2, quick());
    let mut total = 0;
    for round in 0..10 {
        for node in 1..=3 {
            total += 1;
            let committed = cluster.add(node, 1, 1).await.expect("a healthy cluster takes commands");
            assert_eq!(sum(&committed), total, "round {round} on node {node}");
            assert_eq!((committed.position.incarnation, committed.position.group.0), (4, 1));
        }
    }
    cluster.converge(1).await;
    cluster.converge(0).await;
}
