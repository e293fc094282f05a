//! Three nodes over real gRPC with mutual TLS and real files.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;

use boxoffice_cluster_config::ids::{GroupId, NodeId};
use boxoffice_cluster_config::request_tag::RequestTag;
use boxoffice_tls::peers::Peers as TlsPeers;
use bytes::Bytes;
use prost::Message;
use tokio::time::Instant;

use super::cluster::{SOON, add_once, cluster_id, eventually, quick};
use super::counter::Counter;
use crate::env::Env;
use crate::machine::Machines;
use crate::node::RaftNode;
use crate::options::{Listen, RaftOptions, Tuning};
use crate::proto;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_talk_over_grpc() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let certificates = super::security::Certificates::of(&dir.path().join("certificates"), &cluster_id(), 1..=3);
    let listeners: BTreeMap<u64, TcpListener> =
        (1..=3).map(|node| (node, TcpListener::bind("127.0.0.1:0").expect("a free port"))).collect();
    let members: BTreeMap<NodeId, String> =
        listeners.iter().map(|(node, listener)| (NodeId(*node), listener.local_addr().expect("bound").to_string())).collect();
    let tuning = Tuning { snapshot_every_entries: 40, keep_entries: 10, chunk_bytes: 2000, ..quick() };
    let start = |node: u64, listen: Listen| {
        let options = RaftOptions {
            cluster: cluster_id(),
            node: NodeId(node),
            data_dir: dir.path().join(node.to_string()),
            members: members.clone(),
            listen,
            tls: Some(Arc::new(TlsPeers::open(certificates.files(node), &certificates.name(node)).expect("they are good"))),
            groups: vec![GroupId(0), GroupId(1)],
            tuning: tuning.clone(),
        };
        let machines: Machines = Arc::new(|_| Box::new(Counter(Arc::default())));
        RaftNode::start(options, Env::real(), machines).expect("the node starts")
    };
    let mut nodes: BTreeMap<u64, RaftNode> =
        listeners.into_iter().map(|(node, listener)| (node, start(node, Listen::Bound(listener)))).collect();
    let group = |nodes: &BTreeMap<u64, RaftNode>, node: u64| nodes[&node].group(GroupId(1)).expect("it is there");
    let add = |nodes: &BTreeMap<u64, RaftNode>, node: u64| {
        let group = group(nodes, node);
        async move { add_once(&group, 1).await.expect("taken") }
    };
    for number in 0..30 {
        add(&nodes, number % 3 + 1).await;
    }
    let address = nodes[&3].peer_address().expect("it listens");
    nodes.remove(&3).expect("it runs").shutdown().await;
    for number in 0..150 {
        add(&nodes, number % 2 + 1).await;
    }
    eventually("the others to forget what node 3 lacks", || (1..=2).all(|node| group(&nodes, node).status().purged_index > 40)).await;
    nodes.insert(3, start(3, Listen::Address(address)));
    let last = add(&nodes, 3).await;
    group(&nodes, 3).read_barrier(Instant::now() + SOON).await.expect("healthy");
    assert_eq!(&last.reply[..], b"181");
    assert!(group(&nodes, 3).applied() >= last.position.index);
    let digests: Vec<_> = (1..=3).map(|node| (node, group(&nodes, node))).collect();
    eventually("all to apply it", || digests.iter().all(|(_, group)| group.digest_at(last.position.index).is_some())).await;
    let first = digests[0].1.digest_at(last.position.index);
    assert!(digests.iter().all(|(_, group)| group.digest_at(last.position.index) == first));
    for (_, node) in nodes {
        node.shutdown().await;
    }
}

/// A forwarded command as nodes knew it that sent no tag of its request.
#[derive(Clone, PartialEq, Message)]
struct OldCommand {
    #[prost(bytes = "bytes", tag = "1")]
    command: Bytes,
    #[prost(uint32, tag = "2")]
    deadline_ms: u32,
}

#[test]
fn nodes_with_and_without_tags_of_requests_understand_each_other() {
    let old = OldCommand { command: Bytes::from_static(b"+1"), deadline_ms: 700 };
    let read = proto::ForwardedCommand::decode(old.encode_to_vec().as_slice()).expect("an old message");
    assert_eq!((&read.command[..], read.deadline_ms), (&b"+1"[..], 700));
    assert!(RequestTag::from_halves(read.request_high, read.request_low).is_none());
    let [request_high, request_low] = RequestTag::of(b"a1b2c3-7f").halves();
    let new = proto::ForwardedCommand { request_high, request_low, ..read };
    assert_eq!(OldCommand::decode(new.encode_to_vec().as_slice()), Ok(old));
    assert_eq!(new.encoded_len(), 4 + 3 + 18, "a tag costs 18 bytes");
    assert!(proto::ReadIndex::decode(&[][..]).is_ok_and(|read| read.requests.is_empty()));
}
