//! Strangers, wrong addresses, old copies and lost data.

use boxoffice_cluster_config::ids::{ClusterId, NodeId};

use super::cluster::{Cluster, DATA_DIR, cluster_id, eventually, quick};
use crate::disk::SimDisk;
use crate::env::PeerRequest;
use crate::error::StartError;
use crate::options::RaftOptions;
use crate::proto::{self, refused::Reason, reply, request};

fn ping(cluster: &str, from: u64, to: u64) -> proto::Request {
    let body = Some(request::Body::Ping(proto::Ping::default()));
    proto::Request { cluster: cluster.to_owned().into(), from, to, boot: 1, nonce: 9, group: 0, life: 0, body }
}

async fn answer(cluster: &Cluster, request: proto::Request) -> Option<Reason> {
    match cluster.nodes[&1].peer_service().answer(PeerRequest(request)).await.0.body {
        Some(reply::Body::Refused(refused)) => Some(refused.reason()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_strangers_and_for_others_are_refused() {
    let cluster = Cluster::new(1, quick());
    assert_eq!(answer(&cluster, ping("other", 2, 1)).await, Some(Reason::WrongCluster));
    assert_eq!(answer(&cluster, ping(&cluster_id().0, 2, 3)).await, Some(Reason::WrongNode));
    assert_eq!(answer(&cluster, ping(&cluster_id().0, 7, 1)).await, Some(Reason::WrongNode));
    eventually("node 1 to hear node 2", || !cluster.nodes[&1].status().reachable.is_empty()).await;
    assert_eq!(answer(&cluster, ping(&cluster_id().0, 2, 1)).await, Some(Reason::StaleNode), "another start than the running one");
    let (boot, nonce) = cluster.nodes[&2].boot();
    let unknown_group = proto::Request {
        group: 99,
        boot,
        nonce,
        body: Some(request::Body::ReadIndex(proto::ReadIndex::default())),
        ..ping(&cluster_id().0, 2, 1)
    };
    assert_eq!(answer(&cluster, unknown_group).await, Some(Reason::UnknownGroup));
    let good = proto::Request { boot, nonce, ..ping(&cluster_id().0, 2, 1) };
    assert_eq!(answer(&cluster, good).await, None);
}

#[test]
fn contradictory_options_and_foreign_data_are_refused() {
    let mut cluster = Cluster::new(1, quick());
    cluster.kill(1);
    let env = crate::env::Env {
        disk: std::sync::Arc::new(cluster.disks[&1].clone()),
        peers: Some(std::sync::Arc::new(cluster.wires.clone())),
        ..crate::env::Env::real()
    };
    let start = |change: fn(&mut RaftOptions)| {
        let mut options = cluster.options(1);
        change(&mut options);
        let machines =
            std::sync::Arc::new(|_| -> Box<dyn crate::machine::StateMachine> { Box::new(super::counter::Counter(Default::default())) });
        crate::node::RaftNode::start(options, env.clone(), machines).err()
    };
    assert!(matches!(start(|options| options.cluster = ClusterId("other".into())), Some(StartError::ForeignData { .. })));
    assert!(matches!(start(|options| options.node = NodeId(2)), Some(StartError::ForeignData { .. })));
    assert!(matches!(start(|options| options.node = NodeId(9)), Some(StartError::Options(_))));
    assert!(matches!(start(|options| options.groups.clear()), Some(StartError::Options(_))));
    assert!(matches!(start(|options| options.tuning.heartbeat_ms = 10_000), Some(StartError::Options(_))));
    assert!(start(|_| {}).is_none(), "none of this hurt the data");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_or_empty_data_directory_takes_no_part() {
    let mut cluster = Cluster::new(1, quick());
    cluster.add(3, 0, 1).await.expect("healthy");
    cluster.kill(3);
    let old = cluster.disks[&3].fork();
    cluster.start(3);
    cluster.add(3, 0, 2).await.expect("healthy");
    cluster.converge(0).await;
    for replacement in [old, SimDisk::new()] {
        cluster.kill(3);
        let good = cluster.disks.insert(3, replacement).expect("it had one");
        cluster.start(3);
        eventually("node 3 to be turned away", || cluster.nodes[&3].status().expelled.is_some()).await;
        // One of the others fails: what is left must not be a majority.
        cluster.kill(2);
        let group = cluster.group(1, 0);
        let alone = group.propose("+100".into(), tokio::time::Instant::now() + std::time::Duration::from_millis(1500)).await;
        assert!(alone.is_err(), "a node without memory made a majority: {alone:?}");
        cluster.start(2);
        cluster.kill(3);
        cluster.disks.insert(3, good);
        cluster.start(3);
        cluster.add(3, 0, 4).await.expect("with its own data it is welcome");
        assert!(cluster.nodes[&3].status().expelled.is_none());
    }
    cluster.converge(0).await;
    assert!(cluster.disks[&3].content(&std::path::Path::new(DATA_DIR).join("identity")).is_some());
}
