//! The network between the nodes, without root: each node is told an address of ours for each other node, one a directed pair, and what
//! goes through is cut, delayed or slowed here. TCP, so nothing is reordered within a connection; a loss is a connection that is reset.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::draw::Draw;

/// What happens on the way from one node to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Nothing passes, and nobody is told: as a cable that was pulled.
    pub is_cut: bool,
    /// What passes is late by this, in milliseconds.
    pub delay_ms: u64,
    /// And by up to this more, drawn anew for each piece.
    pub jitter_ms: u64,
    /// Of a thousand pieces, so many end their connection.
    pub reset_permille: u64,
}

/// All directed links between the nodes.
#[derive(Clone)]
pub struct Links {
    states: Arc<BTreeMap<(u64, u64), watch::Sender<Link>>>,
    addresses: Arc<BTreeMap<(u64, u64), SocketAddr>>,
    /// Pieces that were held back, delayed or lost by a fault: shows that the fault was real.
    touched: Arc<AtomicU64>,
}

impl Links {
    /// Links from each node to each other one; `peers` are the real addresses.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn open(peers: &BTreeMap<u64, SocketAddr>, seed: u64) -> anyhow::Result<Self> {
        let (mut states, mut addresses) = (BTreeMap::new(), BTreeMap::new());
        let touched = Arc::new(AtomicU64::new(0));
        for from in peers.keys() {
            for (to, target) in peers.iter().filter(|(to, _)| *to != from) {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
                addresses.insert((*from, *to), listener.local_addr()?);
                let state = watch::Sender::new(Link::default());
                let draw = Arc::new(Mutex::new(Draw::of(seed, "link", from * 100 + to)));
                tokio::spawn(serve(listener, *target, Way { state: state.clone(), touched: touched.clone(), draw }));
                states.insert((*from, *to), state);
            }
        }
        Ok(Self { states: Arc::new(states), addresses: Arc::new(addresses), touched })
    }

    /// Where `from` reaches `to`.
    #[must_use]
    pub fn address(&self, from: u64, to: u64) -> Option<SocketAddr> {
        self.addresses.get(&(from, to)).copied()
    }

    /// Changes what happens on the way.
    pub fn set(&self, from: u64, to: u64, link: Link) {
        if let Some(state) = self.states.get(&(from, to)) {
            state.send_replace(link);
        }
    }

    /// Makes all links good again.
    pub fn heal(&self) {
        self.states.values().for_each(|state| {
            state.send_replace(Link::default());
        });
    }

    /// How many pieces faults have touched so far.
    #[must_use]
    pub fn touched(&self) -> u64 {
        self.touched.load(Relaxed)
    }
}

#[derive(Clone)]
struct Way {
    state: watch::Sender<Link>,
    touched: Arc<AtomicU64>,
    draw: Arc<Mutex<Draw>>,
}

impl Way {
    fn below(&self, end: u64) -> u64 {
        self.draw.lock().unwrap_or_else(std::sync::PoisonError::into_inner).below(end)
    }

    /// Waits as long as the link is cut.
    async fn pass(&self) {
        let mut state = self.state.subscribe();
        if state.borrow().is_cut {
            self.touched.fetch_add(1, Relaxed);
        }
        // The sender lives as long as `self`.
        let _ = state.wait_for(|link| !link.is_cut).await;
    }
}

async fn serve(listener: TcpListener, target: SocketAddr, way: Way) {
    while let Ok((near, _)) = listener.accept().await {
        let way = way.clone();
        tokio::spawn(async move {
            way.pass().await;
            let Ok(far) = TcpStream::connect(target).await else { return };
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
            // Both directions belong to calls of one node: a cut link loses its requests and the answers to them.
            tokio::join!(pump(near_read, far_write, &way), pump(far_read, near_write, &way));
        });
    }
}

/// Passes pieces on in order, each at its time.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: &Way) {
    let (pieces, mut late) = tokio::sync::mpsc::channel::<(Instant, Vec<u8>)>(1024);
    let read = async {
        let mut buffer = vec![0; 64 * 1024];
        let mut not_before = Instant::now();
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            way.pass().await;
            let link = *way.state.borrow();
            if link.delay_ms + link.jitter_ms + link.reset_permille > 0 {
                way.touched.fetch_add(1, Relaxed);
            }
            if way.below(1000) < link.reset_permille {
                break;
            }
            let delay = Duration::from_millis(link.delay_ms + way.below(link.jitter_ms + 1));
            not_before = not_before.max(Instant::now() + delay);
            if pieces.send((not_before, buffer[..count].to_vec())).await.is_err() {
                break;
            }
        }
        drop(pieces);
    };
    let write = async {
        while let Some((at, piece)) = late.recv().await {
            if at > Instant::now() {
                sleep_until(at).await;
            }
            way.pass().await;
            if to.write_all(&piece).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
    // Lets the other direction say what it still has.
    sleep(Duration::from_millis(1)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn a_cut_link_passes_nothing_until_it_is_healed() {
        let peers = BTreeMap::from([(1, echo().await), (2, echo().await)]);
        let links = Links::open(&peers, 1).await.unwrap();
        let mut stream = TcpStream::connect(links.address(1, 2).unwrap()).await.unwrap();
        let mut byte = [0; 1];
        stream.write_all(b"a").await.unwrap();
        stream.read_exact(&mut byte).await.unwrap();
        links.set(1, 2, Link { is_cut: true, ..Link::default() });
        stream.write_all(b"b").await.unwrap();
        while links.touched() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(tokio::time::timeout(Duration::from_millis(50), stream.read_exact(&mut byte)).await.is_err());
        links.heal();
        stream.read_exact(&mut byte).await.unwrap();
        assert_eq!(&byte, b"b");
    }
}
