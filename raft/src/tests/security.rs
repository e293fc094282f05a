//! Who may speak at the port of the nodes, over real sockets: row 28 of the abuse list, below the level of processes.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_cluster_config::ids::{ClusterId, NodeId};
use boxoffice_cluster_config::tls::peer_name;
use boxoffice_tls::files::PeerFiles;
use boxoffice_tls::issue::{Existing, Folder, NODE_DAYS, Validity};
use boxoffice_tls::peers::Peers as TlsPeers;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::cluster::{SOON, cluster_id, eventually};
use crate::book::Book;
use crate::env::{Lane, PeerError, PeerReply, PeerRequest, PeerService, Peers};
use crate::proto::{self, reply, request};
use crate::refusals::Refusals;
use crate::transport::{Door, GrpcPeers, Security, serve};

/// A CA and the certificates of some nodes.
pub struct Certificates {
    folder: Folder,
    cluster: ClusterId,
}

impl Certificates {
    pub fn of(dir: &Path, cluster: &ClusterId, nodes: RangeInclusive<u64>) -> Self {
        let made = Self { folder: Folder::at(dir, &cluster.0), cluster: cluster.clone() };
        made.folder.make_ca(Validity::days(NODE_DAYS), Existing::Keep).expect("a CA");
        nodes.for_each(|node| made.make(node, &made.name(node)));
        made
    }

    pub fn name(&self, node: u64) -> String {
        peer_name(&self.cluster, NodeId(node))
    }

    pub fn files(&self, node: u64) -> PeerFiles {
        self.folder.node(node)
    }

    fn make(&self, node: u64, name: &str) {
        self.folder.make_node(node, &[name.to_owned()], Validity::days(NODE_DAYS), Existing::Replace).expect("a certificate");
    }

    fn open(&self, node: u64, name: &str) -> Arc<TlsPeers> {
        Arc::new(TlsPeers::open(self.files(node), name).expect("they fit"))
    }
}

/// Answers everything with a pong of node 1, and notes who was heard.
#[derive(Default)]
struct Parrot(Mutex<Vec<u64>>);

#[async_trait]
impl PeerService for Parrot {
    async fn answer(&self, request: PeerRequest) -> PeerReply {
        self.0.lock().push(request.from().0);
        let body = Some(reply::Body::Pong(proto::Pong { wall_us: 1, writable: true, book: None }));
        PeerReply(proto::Reply { from: 1, boot: 1, nonce: 1, life: 0, body })
    }
}

/// Node 1 of three, as its peers see it.
struct Node1 {
    address: String,
    tls: Arc<TlsPeers>,
    refusals: Arc<Refusals>,
    parrot: Arc<Parrot>,
}

impl Node1 {
    async fn start(certificates: &Certificates) -> Self {
        let tls = certificates.open(1, &certificates.name(1));
        let (refusals, parrot) = (Arc::new(Refusals::default()), Arc::new(Parrot::default()));
        let security = Security::new(tls.clone(), &cluster_id());
        security.meet((1..=3).map(NodeId));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let door = Door { security: Some(security), refusals: refusals.clone() };
        tokio::spawn(serve(listener, door, parrot.clone(), std::future::pending()));
        Self { address, tls, refusals, parrot }
    }

    /// The way here for somebody with this certificate, who expects node 1.
    fn caller(&self, tls: Arc<TlsPeers>) -> GrpcPeers {
        way(tls, 1, &self.address, &Arc::new(Refusals::default()))
    }
}

/// The way to a node for somebody with this certificate, who is no node themselves.
fn way(tls: Arc<TlsPeers>, to: u64, address: &str, refusals: &Arc<Refusals>) -> GrpcPeers {
    let door = Door { security: Some(Security::new(tls, &cluster_id())), refusals: refusals.clone() };
    let peers = GrpcPeers::new(NodeId(0), door, Handle::current());
    peers.meet(&Book { members: BTreeMap::from([(NodeId(to), address.to_owned())]), ..Book::default() });
    peers
}

/// Pings node 1 as this node.
async fn ping(peers: &GrpcPeers, from: u64) -> Result<PeerReply, PeerError> {
    ping_node(peers, from, 1).await
}

async fn ping_node(peers: &GrpcPeers, from: u64, to: u64) -> Result<PeerReply, PeerError> {
    let body = Some(request::Body::Ping(proto::Ping::default()));
    let request = proto::Request { cluster: cluster_id().0.into(), from, to, boot: 1, nonce: 9, group: 0, life: 0, body };
    timeout(SOON, peers.call(Lane::Data, PeerRequest(request))).await.expect("an answer or an error")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_speaks_for_itself_only() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let certificates = Certificates::of(dir.path(), &cluster_id(), 1..=3);
    let node = Node1::start(&certificates).await;
    let two = node.caller(certificates.open(2, &certificates.name(2)));
    ping(&two, 2).await.expect("it is who it says");
    assert_eq!(node.refusals.counts(), Default::default());
    assert!(ping(&two, 3).await.is_err(), "node 2 speaks for node 3");
    eventually("it to be counted", || node.refusals.counts().identities == 1).await;
    assert_eq!(*node.parrot.0.lock(), [2], "the call of an impostor is not looked at");
    // A member by number, but of another cluster; and a number that is no member's.
    for (number, name) in [(4, "node-2.elsewhere".to_owned()), (9, certificates.name(9))] {
        certificates.make(number, &name);
        let before = node.refusals.counts();
        assert!(ping(&node.caller(certificates.open(number, &name)), 2).await.is_err(), "{name}");
        eventually("it to be counted", || node.refusals.counts().identities > before.identities).await;
    }
    // Who expects another node than the one that is there does not even send.
    let refusals = Arc::new(Refusals::default());
    let tls = certificates.open(2, &certificates.name(2));
    let lost = way(tls, 3, &node.address, &refusals);
    assert!(matches!(ping_node(&lost, 2, 3).await, Err(PeerError::NotSent(_))));
    assert_eq!(refusals.counts().handshakes, 1);
    assert_eq!(*node.parrot.0.lock(), [2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_do_not_get_past_the_handshake() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let certificates = Certificates::of(&dir.path().join("ours"), &cluster_id(), 1..=2);
    let node = Node1::start(&certificates).await;
    // HTTP/2 in the clear, as gRPC begins; and nothing at all is cut off too, only later.
    let mut plain = TcpStream::connect(&node.address).await.expect("the port is open");
    plain.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.expect("sent");
    let mut answer = Vec::new();
    let _ = timeout(SOON, plain.read_to_end(&mut answer)).await.expect("it is closed");
    assert!(answer.len() < 20, "a TLS alert at most: {answer:?}");
    eventually("it to be counted", || node.refusals.counts().handshakes == 1).await;
    // A CA of one's own, with the right names. The stranger takes any server for node 1, and still is not let in.
    let own = Certificates::of(&dir.path().join("theirs"), &cluster_id(), 1..=2);
    let mut files = own.files(2);
    let both = std::fs::read_to_string(&files.ca).expect("a CA") + &std::fs::read_to_string(certificates.files(1).ca).expect("a CA");
    files.ca = dir.path().join("both.pem");
    std::fs::write(&files.ca, both).expect("written");
    let stranger = Arc::new(TlsPeers::open(files, &own.name(2)).expect("they fit"));
    assert!(ping(&node.caller(stranger), 2).await.is_err());
    eventually("it to be counted", || node.refusals.counts().handshakes >= 2).await;
    assert!(node.parrot.0.lock().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_and_cas_are_replaced_while_nodes_talk() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let certificates = Certificates::of(&dir.path().join("ours"), &cluster_id(), 1..=3);
    let node = Node1::start(&certificates).await;
    let (tls_2, tls_3) = (certificates.open(2, &certificates.name(2)), certificates.open(3, &certificates.name(3)));
    let (two, three) = (node.caller(tls_2.clone()), node.caller(tls_3));
    ping(&two, 2).await.expect("good");
    ping(&three, 3).await.expect("good");
    // Another CA takes the place of the first; nodes 1 and 2 get certificates of it, node 3 does not.
    let next = Certificates::of(&dir.path().join("next"), &cluster_id(), 1..=2);
    for number in 1..=2 {
        let names = [next.name(number), "next.example.net".to_owned()];
        next.folder.make_node(number, &names, Validity::days(NODE_DAYS), Existing::Replace).expect("a certificate");
    }
    let all: BTreeMap<u64, PeerFiles> = (1..=2).map(|number| (number, certificates.files(number))).collect();
    for (number, files) in &all {
        let new = next.files(*number);
        for (from, to) in [(&new.own.key, &files.own.key), (&new.own.certificate, &files.own.certificate), (&new.ca, &files.ca)] {
            std::fs::copy(from, to).expect("copied");
        }
    }
    let before = node.refusals.counts().identities;
    eventually("both to take them up", || [&node.tls, &tls_2].iter().all(|tls| tls.certificate().has_name("next.example.net"))).await;
    // Node 2 comes back with its new certificate by itself; the open stream of node 3 is ended.
    let mut answered = false;
    for _ in 0..200 {
        answered = ping(&two, 2).await.is_ok();
        if answered {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(answered, "node 2 is welcome");
    assert!(ping(&three, 3).await.is_err(), "node 3 is not trusted any more");
    assert!(node.refusals.counts().identities > before || node.refusals.counts().handshakes > 0);
}
