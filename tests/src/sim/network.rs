//! The simulated network between nodes: late, lossy, repeating, reordering by chance of the delays, and cut.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use boxoffice_raft::env::{Lane, PeerError, PeerReply, PeerRequest, PeerService, Peers};
use parking_lot::Mutex;
use tokio::time::sleep;

use super::rng::Rng;
use super::trace::Trace;

/// All links. Clones are the same network.
#[derive(Clone)]
pub struct Net(Arc<Inner>);

struct Inner {
    rng: Rng,
    trace: Trace,
    state: Mutex<State>,
}

struct State {
    /// Who is there, in which of its lives.
    nodes: BTreeMap<u64, (u64, Arc<dyn PeerService>)>,
    /// The life of each node, there or not.
    lives: BTreeMap<u64, u64>,
    /// From, to: nothing gets through.
    cut: BTreeSet<(u64, u64)>,
    loss: u64,
    repeat: u64,
    delay_us: (u64, u64),
}

impl Net {
    /// A whole network.
    #[must_use]
    pub fn new(rng: Rng, trace: Trace, loss: u64, repeat: u64, delay_us: (u64, u64)) -> Self {
        let (nodes, lives, cut) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let state = Mutex::new(State { nodes, lives, cut, loss, repeat, delay_us });
        Self(Arc::new(Inner { rng, trace, state }))
    }

    /// A node begins its next life: what its earlier ones send is not sent any more, and what they are sent is lost.
    pub fn begin_life(&self, node: u64) -> u64 {
        let mut state = self.0.state.lock();
        state.nodes.remove(&node);
        let life = state.lives.entry(node).or_default();
        *life += 1;
        *life
    }

    /// What a node sends through, in this life.
    #[must_use]
    pub fn port(&self, node: u64, life: u64) -> Arc<dyn Peers> {
        Arc::new(Port { net: self.clone(), node, life })
    }

    /// A node can be reached from now on.
    pub fn plug(&self, node: u64, life: u64, service: Arc<dyn PeerService>) {
        self.0.state.lock().nodes.insert(node, (life, service));
    }

    /// Nothing gets from one to the other.
    pub fn cut(&self, from: u64, to: u64) {
        self.0.state.lock().cut.insert((from, to));
    }

    /// All links are whole; with `for_good`, nothing is lost or sent twice any more either.
    pub fn heal(&self, for_good: bool) {
        let mut state = self.0.state.lock();
        state.cut.clear();
        if for_good {
            (state.loss, state.repeat) = (0, 0);
        }
    }

    fn lives(&self, node: u64, life: u64) -> bool {
        self.0.state.lock().lives.get(&node) == Some(&life)
    }

    /// Whether a message on this way gets lost, decided as it leaves or arrives.
    fn loses(&self, from: u64, to: u64) -> bool {
        let (cut, loss) = {
            let state = self.0.state.lock();
            (state.cut.contains(&(from, to)), state.loss)
        };
        cut || self.0.rng.per_mille(loss)
    }

    async fn travel(&self) {
        let (low, high) = self.0.state.lock().delay_us;
        // Most are quick, few take all the time there is: so they overtake each other.
        let high = if self.0.rng.per_mille(100) { high } else { low + (high - low) / 10 };
        sleep(Duration::from_micros(self.0.rng.range(low, high))).await;
    }
}

struct Port {
    net: Net,
    node: u64,
    life: u64,
}

/// How a loss looks to the sender: mostly like silence, for which it has its own patience.
async fn lost(rng: &Rng, sent: bool) -> Result<PeerReply, PeerError> {
    if rng.per_mille(700) {
        std::future::pending::<()>().await;
    }
    if sent { Err(PeerError::Lost("the connection broke".to_owned())) } else { Err(PeerError::NotSent("no connection".to_owned())) }
}

#[async_trait]
impl Peers for Port {
    async fn call(&self, lane: Lane, request: PeerRequest) -> Result<PeerReply, PeerError> {
        let (net, rng) = (&self.net, &self.net.0.rng);
        let (from, to) = (request.from().0, request.to().0);
        if !net.lives(self.node, self.life) {
            std::future::pending::<()>().await;
        }
        net.travel().await;
        let service = net.0.state.lock().nodes.get(&to).cloned();
        let Some((life, service)) = service.filter(|_| !net.loses(from, to)) else { return lost(rng, false).await };
        net.0.trace.note(&[from, to, u64::from(request.group().0), lane as u64]);
        if rng.per_mille(net.0.state.lock().repeat) {
            let (service, request) = (Arc::clone(&service), request.clone());
            tokio::spawn(async move { service.answer(request).await });
        }
        // Whoever answers goes on when the caller has given up.
        let answering = tokio::spawn(async move { service.answer(request).await });
        let Ok(reply) = answering.await else { return lost(rng, true).await };
        if !net.lives(to, life) || net.loses(to, from) {
            return lost(rng, true).await;
        }
        net.travel().await;
        if !net.lives(self.node, self.life) {
            std::future::pending::<()>().await;
        }
        net.0.trace.note(&[to, from, 99]);
        Ok(reply)
    }
}
