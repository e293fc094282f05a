//! Calls to peers: puts every call into its envelope, checks who answers, and sorts out what a failure means.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use boxoffice_cluster_config::ids::{ClusterId, NodeId};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use crate::book::{AddressBook, Book};
use crate::env::{Lane, PeerError, PeerReply, PeerRequest, Peers};
use crate::identity::{Boot, Seen};
use crate::life::Life;
use crate::proto::{self, refused::Reason, reply, request};
use crate::refusals::Refusals;

/// Why a call gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The peer certainly did nothing.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The peer said no, and did nothing.
    #[error("refused ({0:?}): {1}")]
    Refused(Reason, String),
    /// The peer may or may not have done it.
    #[error("lost: {0}")]
    Lost(String),
}

/// What a ping told of a peer.
#[derive(Clone, Copy, Debug)]
pub struct Health {
    /// When it answered last.
    pub heard: Instant,
    /// Whether its disk has room.
    pub writable: bool,
}

/// This node among its peers.
pub struct PeerClient {
    transport: Arc<dyn Peers>,
    cluster: Bytes,
    node: u64,
    boot: Boot,
    book: Arc<AddressBook>,
    life: Arc<Life>,
    seen: Seen,
    health: Mutex<BTreeMap<u64, Health>>,
    expelled: OnceLock<String>,
    refusals: Arc<Refusals>,
}

impl PeerClient {
    pub fn new(
        transport: Arc<dyn Peers>,
        cluster: &ClusterId,
        node: NodeId,
        boot: Boot,
        book: Arc<AddressBook>,
        seen: Seen,
        refusals: Arc<Refusals>,
    ) -> Self {
        let cluster = Bytes::copy_from_slice(cluster.0.as_bytes());
        let (health, expelled) = (Mutex::new(BTreeMap::new()), OnceLock::new());
        Self { transport, cluster, node: node.0, boot, book, life: Arc::default(), seen, health, expelled, refusals }
    }

    /// With data of this life of the cluster.
    pub fn of_life(self, life: Arc<Life>) -> Self {
        Self { life, ..self }
    }

    /// What was refused at the door, and here.
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// Which start of this node this is.
    pub fn boot(&self) -> Boot {
        self.boot
    }

    /// The other members.
    pub fn others(&self) -> impl Iterator<Item = u64> + use<> {
        let others: Vec<u64> = self.book.now().members.keys().map(|member| member.0).filter(|member| *member != self.node).collect();
        others.into_iter()
    }

    /// Members that make a majority of all.
    pub fn quorum(&self) -> usize {
        self.book.now().members.len() / 2 + 1
    }

    /// Who the members are.
    pub fn book(&self) -> &AddressBook {
        &self.book
    }

    /// Takes up another address book, unless it is an old one.
    pub fn take_up(&self, book: Book) {
        if self.book.replace(book) {
            self.meet();
        }
    }

    /// Lets the transport know who the nodes are; takes no part any more if this one was removed.
    pub fn meet(&self) {
        let book = self.book.now();
        self.transport.meet(&book);
        self.health.lock().retain(|node, _| book.members.contains_key(&NodeId(*node)));
        if book.removed.contains(&NodeId(self.node)) {
            self.expel(format!("n{} was removed from the cluster", self.node));
        }
    }

    /// Calls a peer and gives up after `patience`.
    ///
    /// # Errors
    /// As `CallError` says.
    pub async fn call(&self, to: u64, group: u32, lane: Lane, body: request::Body, patience: Duration) -> Result<reply::Body, CallError> {
        if let Some(reason) = self.expelled.get() {
            return Err(CallError::NotSent(reason.clone()));
        }
        let request = proto::Request {
            cluster: self.cluster.clone(),
            from: self.node,
            to,
            boot: self.boot.number,
            nonce: self.boot.nonce,
            group,
            life: self.life.wire(),
            body: Some(body),
        };
        let reply = match timeout(patience, self.transport.call(lane, PeerRequest(request))).await {
            Ok(Ok(PeerReply(reply))) => reply,
            Ok(Err(PeerError::NotSent(detail))) => return Err(CallError::NotSent(detail)),
            Ok(Err(PeerError::Lost(detail))) => return Err(CallError::Lost(detail)),
            Err(_) => return Err(CallError::Lost("no answer in time".to_owned())),
        };
        if !self.life.meets(reply.life) {
            return Err(CallError::Refused(Reason::WrongCluster, format!("n{to} has data of another life of the cluster")));
        }
        let admitted = reply.from == to && self.seen.admits(to, Boot { number: reply.boot, nonce: reply.nonce });
        match reply.body {
            Some(reply::Body::Refused(refused)) => {
                if matches!(refused.reason(), Reason::StaleNode | Reason::Removed) {
                    self.expel(format!("n{to} refuses this node: {}", refused.detail));
                }
                Err(CallError::Refused(refused.reason(), refused.detail))
            }
            _ if !admitted => Err(CallError::Refused(Reason::StaleNode, format!("n{to} answers from an old data directory"))),
            Some(body) => Ok(body),
            None => Err(CallError::Lost("an answer of an unknown kind".to_owned())),
        }
    }

    /// Whether a call may be answered; if not, the answer to give.
    ///
    /// # Errors
    /// The refusal.
    pub fn admit(&self, request: &proto::Request) -> Result<(), proto::Refused> {
        if request.cluster != self.cluster {
            let cluster = String::from_utf8_lossy(&request.cluster).chars().take(64).collect::<String>();
            self.refusals.identity(&NodeId(request.from), &format!("it speaks for the cluster {cluster:?}"));
            return Err(refusal(Reason::WrongCluster, "this node belongs to another cluster"));
        }
        if !self.life.meets(request.life) {
            self.refusals.identity(&NodeId(request.from), &"its data is of another life of the cluster: a restore began a new one");
            return Err(refusal(Reason::WrongCluster, "this node's data is of another life of the cluster: a restore began a new one"));
        }
        let book = self.book.now();
        let from = NodeId(request.from);
        if request.to == self.node && book.removed.contains(&from) {
            return Err(refusal(Reason::Removed, &format!("{from} was removed from the cluster")));
        }
        if request.to != self.node || !book.members.contains_key(&from) {
            let detail = format!("n{} does not take this call from n{}", self.node, request.from);
            self.refusals.identity(&NodeId(request.from), &format!("it calls n{} here", request.to));
            return Err(refusal(Reason::WrongNode, &detail));
        }
        if let Some(reason) = self.expelled.get() {
            return Err(refusal(Reason::NotReady, reason));
        }
        let boot = Boot { number: request.boot, nonce: request.nonce };
        if !self.seen.admits(request.from, boot) {
            let detail = format!(
                "start {} of n{} is older than one seen before: its data directory is an old copy or was lost",
                boot.number, request.from
            );
            return Err(refusal(Reason::StaleNode, &detail));
        }
        Ok(())
    }

    /// Puts an answer into its envelope.
    pub fn reply(&self, body: reply::Body) -> PeerReply {
        PeerReply(proto::Reply {
            from: self.node,
            boot: self.boot.number,
            nonce: self.boot.nonce,
            life: self.life.wire(),
            body: Some(body),
        })
    }

    /// Notes that a peer answered a ping.
    pub fn heard(&self, node: u64, writable: bool) {
        self.health.lock().insert(node, Health { heard: Instant::now(), writable });
    }

    /// What is known of a peer that answered within `age_max`.
    pub fn health(&self, node: u64, age_max: Duration) -> Option<Health> {
        self.health.lock().get(&node).copied().filter(|health| health.heard.elapsed() <= age_max)
    }

    /// How many members answered within `age_max`, this node included.
    pub fn reachable(&self, age_max: Duration) -> usize {
        1 + self.others().filter(|node| self.health(*node, age_max).is_some()).count()
    }

    /// Whether a node can be counted on: it is this one, or answered within `age_max`.
    pub fn is_alive(&self, node: u64, age_max: Duration) -> bool {
        node == self.node || self.health(node, age_max).is_some()
    }

    /// Why the cluster does not take this node any more.
    pub fn expelled(&self) -> Option<&str> {
        self.expelled.get().map(String::as_str)
    }

    fn expel(&self, reason: String) {
        // Only the first reason is kept and told.
        if self.expelled.set(reason.clone()).is_ok() {
            tracing::error!(reason, "this node takes no part any more");
        }
    }
}

/// A refusal with its reason.
pub fn refusal(reason: Reason, detail: &str) -> proto::Refused {
    proto::Refused { reason: reason.into(), detail: detail.to_owned() }
}
