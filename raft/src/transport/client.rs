//! The calling end: a link per peer and lane that connects when it is used, and again when it broke.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use boxoffice_cluster_config::ids::NodeId;
use parking_lot::{Mutex, RwLock};
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tonic::transport::Endpoint;

use super::dial::Dial;
use super::door::Door;
use super::{CALLS_MAX, MESSAGE_BYTES_MAX, WINDOW_BYTES};
use crate::book::Book;
use crate::env::{Lane, PeerError, PeerReply, PeerRequest, Peers};
use crate::proto::{self, peer_client::PeerClient as Stub};

const CONNECT_MAX: Duration = Duration::from_secs(1);
/// Pause after a failed attempt.
const RECONNECT: Duration = Duration::from_millis(100);
/// How long answers are still read from a stream whose certificates were renewed.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Calls peers over gRPC.
pub struct GrpcPeers {
    own: NodeId,
    door: Door,
    links: RwLock<BTreeMap<(NodeId, Lane), Arc<Link>>>,
    runtime: Handle,
}

/// One stream to one peer.
struct Link {
    dial: Dial,
    state: watch::Sender<State>,
    connecting: AtomicBool,
    next_call: AtomicU64,
    /// Rung when the link is not needed any more.
    over: Notify,
}

#[derive(Clone)]
enum State {
    Down(String),
    Connecting,
    Up(Arc<Session>),
}

/// An open stream: where frames go, and who waits for answers.
struct Session {
    frames: mpsc::Sender<proto::Frame>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<proto::Reply>>>,
}

impl GrpcPeers {
    /// Knows nobody yet, see `meet`. What is at the door says whom to expect.
    pub fn new(own: NodeId, door: Door, runtime: Handle) -> Self {
        Self { own, door, links: RwLock::default(), runtime }
    }

    fn dial(&self, node: NodeId, address: &str) -> Dial {
        let security = self.door.security.as_ref().map(|security| security.expected(node, &self.door.refusals));
        Dial { address: address.to_owned(), security }
    }
}

#[async_trait]
impl Peers for GrpcPeers {
    async fn call(&self, lane: Lane, request: PeerRequest) -> Result<PeerReply, PeerError> {
        let link = self.links.read().get(&(request.to(), lane)).cloned();
        let Some(link) = link else {
            return Err(PeerError::NotSent(format!("{} is not a peer", request.to())));
        };
        let session = link.session(&self.runtime).await?;
        let call = link.next_call.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        session.waiting.lock().insert(call, answer);
        let waiting = Waiting { session: session.clone(), call };
        let frame = proto::Frame { call, request: Some(request.0), reply: None };
        session.frames.try_send(frame).map_err(|_| PeerError::NotSent("the stream is full or closed".to_owned()))?;
        let reply = answered.await.map_err(|_| PeerError::Lost("the stream broke".to_owned()))?;
        drop(waiting);
        Ok(PeerReply(reply))
    }

    /// Keeps the links to nodes that are where they were; makes the others anew, or ends them.
    fn meet(&self, book: &Book) {
        if let Some(security) = &self.door.security {
            security.meet(book.members.keys().chain(&book.removed).copied());
        }
        let mut links = self.links.write();
        let mut old = std::mem::take(&mut *links);
        for (node, address) in book.members.iter().filter(|(node, _)| **node != self.own) {
            for lane in [Lane::Data, Lane::Heartbeat, Lane::Snapshot] {
                let kept = old.remove(&(*node, lane)).filter(|link| link.dial.address == *address);
                links.insert((*node, lane), kept.unwrap_or_else(|| Arc::new(Link::new(self.dial(*node, address)))));
            }
        }
        old.into_values().for_each(|link| link.over.notify_one());
    }
}

/// Forgets a call when its caller does.
struct Waiting {
    session: Arc<Session>,
    call: u64,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.session.waiting.lock().remove(&self.call);
    }
}

impl Link {
    fn new(dial: Dial) -> Self {
        Self {
            dial,
            state: watch::Sender::new(State::Down("not connected yet".to_owned())),
            connecting: AtomicBool::new(false),
            next_call: AtomicU64::new(1),
            over: Notify::new(),
        }
    }

    /// The open stream. Waits for an attempt that is under way, begins one if there is none.
    async fn session(self: &Arc<Self>, runtime: &Handle) -> Result<Arc<Session>, PeerError> {
        let mut changes = self.state.subscribe();
        if let State::Up(session) = &*changes.borrow_and_update() {
            return Ok(session.clone());
        }
        if !self.connecting.swap(true, Ordering::SeqCst) {
            self.state.send_replace(State::Connecting);
            let link = self.clone();
            runtime.spawn(async move { link.run().await });
        }
        loop {
            match &*changes.borrow_and_update() {
                State::Up(session) => return Ok(session.clone()),
                State::Down(reason) => return Err(PeerError::NotSent(reason.clone())),
                State::Connecting => {}
            }
            if changes.changed().await.is_err() {
                return Err(PeerError::NotSent("the node is stopping".to_owned()));
            }
        }
    }

    /// One life of the link: connects, reads answers until the stream breaks, pauses. When the certificates are renewed, the next
    /// life begins at once, and this one ends when what was asked is answered.
    async fn run(self: Arc<Self>) {
        let renewals = self.dial.security.as_ref().map(|security| security.tls.renewals());
        let renewed = async move {
            match renewals {
                Some(mut renewals) => renewals.next().await,
                None => std::future::pending().await,
            }
        };
        let reason = match self.open().await {
            Ok((session, mut answers)) => {
                self.state.send_replace(State::Up(session.clone()));
                let broken = tokio::select! {
                    reason = session.read(&mut answers) => Some(reason),
                    () = self.over.notified() => Some("it is no peer any more, or elsewhere".to_owned()),
                    () = renewed => None,
                };
                let Some(reason) = broken else {
                    self.connecting.store(false, Ordering::SeqCst);
                    self.state.send_replace(State::Down("the certificates were renewed".to_owned()));
                    let _ = tokio::time::timeout(LAST_ANSWERS, session.read(&mut answers)).await;
                    session.waiting.lock().clear();
                    return;
                };
                session.waiting.lock().clear();
                reason
            }
            Err(reason) => reason,
        };
        self.state.send_replace(State::Down(reason));
        tokio::time::sleep(RECONNECT).await;
        self.connecting.store(false, Ordering::SeqCst);
    }

    async fn open(&self) -> Result<(Arc<Session>, tonic::Streaming<proto::Frame>), String> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.dial.address)).map_err(|error| error.to_string())?;
        let endpoint = endpoint
            .connect_timeout(CONNECT_MAX)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .http2_keep_alive_interval(Duration::from_secs(2))
            .keep_alive_timeout(Duration::from_secs(3))
            .keep_alive_while_idle(true);
        let channel = endpoint.connect_with_connector(self.dial.clone()).await;
        let channel = channel.map_err(|error| format!("cannot connect to {}: {}", self.dial.address, whole(&error)))?;
        let mut stub = Stub::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX).max_encoding_message_size(MESSAGE_BYTES_MAX);
        let (frames, mut outgoing) = mpsc::channel(CALLS_MAX);
        let outgoing = futures::stream::poll_fn(move |context| outgoing.poll_recv(context));
        let opened = tokio::time::timeout(CONNECT_MAX, stub.exchange(outgoing)).await;
        let answers = opened.map_err(|_| "the peer does not answer".to_owned())?.map_err(|status| status.to_string())?;
        let session = Session { frames, waiting: Mutex::new(HashMap::new()) };
        Ok((Arc::new(session), answers.into_inner()))
    }
}

impl Session {
    /// Hands answers to those who wait, until the stream breaks; says why it did.
    async fn read(&self, answers: &mut tonic::Streaming<proto::Frame>) -> String {
        loop {
            match answers.message().await {
                Ok(Some(frame)) => {
                    let waiting = self.waiting.lock().remove(&frame.call);
                    if let (Some(waiting), Some(reply)) = (waiting, frame.reply) {
                        // The caller may have given up.
                        let _ = waiting.send(reply);
                    }
                }
                Ok(None) => return "the peer closed the stream".to_owned(),
                Err(status) => return status.to_string(),
            }
        }
    }
}

/// An error with what caused it.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
