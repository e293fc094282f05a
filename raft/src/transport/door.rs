//! Lets peers in: the handshake, and who it shows them to be.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use boxoffice_cluster_config::ids::{ClusterId, NodeId};
use boxoffice_cluster_config::tls::peer_name;
use boxoffice_tls::peers::{Peers as TlsPeers, Shown};
use boxoffice_tls::stream::Stream;
use futures::StreamExt;
use parking_lot::RwLock;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::server::Connected;

use super::dial::Expected;
use crate::refusals::Refusals;

/// Handshakes under way at once; others wait.
const HANDSHAKES_MAX: usize = 256;
/// How long one may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(3);
/// Pause when a connection could not be accepted, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Mutual TLS, and the names of those who may come in.
#[derive(Clone)]
pub struct Security {
    pub tls: Arc<TlsPeers>,
    cluster: ClusterId,
    names: Arc<RwLock<BTreeMap<u64, String>>>,
}

impl Security {
    /// Lets nobody in yet, see [`Self::meet`].
    pub fn new(tls: Arc<TlsPeers>, cluster: &ClusterId) -> Self {
        Self { tls, cluster: cluster.clone(), names: Arc::default() }
    }

    /// These may come in from now on. Nodes that were removed are among them: they are told so.
    pub fn meet(&self, nodes: impl IntoIterator<Item = NodeId>) {
        *self.names.write() = nodes.into_iter().map(|node| (node.0, peer_name(&self.cluster, node))).collect();
    }

    /// Who has to be there when this node is called.
    pub fn expected(&self, node: NodeId, refusals: &Arc<Refusals>) -> Expected {
        Expected { tls: self.tls.clone(), name: peer_name(&self.cluster, node), refusals: refusals.clone() }
    }
}

/// Who may come in.
#[derive(Clone)]
pub struct Door {
    pub security: Option<Security>,
    pub refusals: Arc<Refusals>,
}

/// Who is at the other end of a connection.
#[derive(Clone)]
pub enum Caller {
    /// Without TLS, nobody can tell.
    Anyone,
    /// Who showed a certificate of these members.
    Members { nodes: Arc<BTreeSet<u64>>, shown: Shown, from: SocketAddr },
}

impl Caller {
    /// Whether they may speak for this node.
    pub fn may_be(&self, node: u64) -> bool {
        match self {
            Self::Anyone => true,
            Self::Members { nodes, .. } => nodes.contains(&node),
        }
    }
}

impl Door {
    /// Peers as they come in. Whoever is refused is counted and dropped.
    pub fn guests(self, listener: TcpListener) -> impl futures::Stream<Item = io::Result<Guest>> {
        let arrivals = futures::stream::unfold(listener, |listener| async {
            loop {
                match listener.accept().await {
                    Ok(arrived) => return Some((arrived, listener)),
                    Err(error) => {
                        tracing::debug!(%error, "a peer's connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        });
        let handshakes = arrivals.map(move |(stream, from)| self.clone().let_in(stream, from));
        handshakes.buffer_unordered(HANDSHAKES_MAX).filter_map(|guest| std::future::ready(guest.map(Ok)))
    }

    async fn let_in(self, stream: TcpStream, from: SocketAddr) -> Option<Guest> {
        stream.set_nodelay(true).ok()?;
        let Some(security) = &self.security else { return Some(Guest { stream: Stream::Plain(stream), caller: Caller::Anyone }) };
        let (stream, shown) = match tokio::time::timeout(HANDSHAKE_MAX, security.tls.accept(stream)).await {
            Ok(Ok(accepted)) => accepted,
            Ok(Err(error)) => {
                self.refusals.handshake(&from, &error);
                return None;
            }
            Err(_) => {
                self.refusals.handshake(&from, &"it took too long");
                return None;
            }
        };
        let is_shown = |(_, name): &(&u64, &String)| shown.certificate.has_name(name);
        let nodes: BTreeSet<u64> = security.names.read().iter().filter(is_shown).map(|(node, _)| *node).collect();
        if nodes.is_empty() {
            let names = shown.certificate.names.join(", ");
            self.refusals.identity(&from, &format!("its certificate is that of {names}: no member of this cluster"));
            return None;
        }
        Some(Guest { stream, caller: Caller::Members { nodes: Arc::new(nodes), shown, from } })
    }
}

/// The connection of somebody who was let in.
pub struct Guest {
    stream: Stream,
    caller: Caller,
}

impl Connected for Guest {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        self.caller.clone()
    }
}

impl AsyncRead for Guest {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
