//! Files go from node to node in pieces, and are kept by who is asked to.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use boxoffice_cluster_config::ids::NodeId;
use bytes::Bytes;
use parking_lot::Mutex;

use super::cluster::{Cluster, SOON, quick};
use crate::blobs::{BlobHash, BlobPeers, Blobs, PIECE_BYTES_MAX, Piece, Unanswered};

const HASH: BlobHash = [7; 32];

/// Files in memory.
struct Shelf {
    files: Mutex<BTreeMap<BlobHash, Bytes>>,
    peers: BlobPeers,
}

impl Shelf {
    async fn fetch(&self, from: NodeId, hash: BlobHash) -> Option<Bytes> {
        let mut whole = Vec::new();
        loop {
            let piece = self.peers.read(from, hash, whole.len() as u64, SOON).await.ok()??;
            assert!(piece.data.len() <= PIECE_BYTES_MAX as usize);
            whole.extend_from_slice(&piece.data);
            if whole.len() as u64 >= piece.total || piece.data.is_empty() {
                return Some(whole.into());
            }
        }
    }
}

#[async_trait]
impl Blobs for Shelf {
    async fn read(&self, hash: BlobHash, offset: u64, bytes_max: u32) -> Option<Piece> {
        let file = self.files.lock().get(&hash).cloned()?;
        let from = file.len().min(offset as usize);
        let to = file.len().min(from + bytes_max as usize);
        Some(Piece { total: file.len() as u64, data: file.slice(from..to) })
    }

    async fn keep(&self, from: NodeId, hash: BlobHash) -> bool {
        let Some(file) = self.fetch(from, hash).await else { return false };
        self.files.lock().insert(hash, file);
        true
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_kept_by_the_others_and_got_from_them() {
    let cluster = Cluster::new(1, quick());
    let shelves: Vec<Arc<Shelf>> = (1..=3)
        .map(|node| {
            let shelf = Arc::new(Shelf { files: Mutex::default(), peers: cluster.nodes[&node].blob_peers() });
            let weak: Weak<Shelf> = Arc::downgrade(&shelf);
            if node < 3 {
                cluster.nodes[&node].serve_blobs(weak);
            }
            shelf
        })
        .collect();
    let file = Bytes::from(vec![5; PIECE_BYTES_MAX as usize * 2 + 17]);
    shelves[0].files.lock().insert(HASH, file.clone());
    let peers = &shelves[0].peers;
    assert_eq!((peers.others(), peers.quorum()), (vec![NodeId(2), NodeId(3)], 2));
    assert!(peers.keep(NodeId(2), HASH, SOON).await);
    assert_eq!(shelves[1].files.lock().get(&HASH), Some(&file));
    assert!(!peers.keep(NodeId(3), HASH, SOON).await, "nobody keeps files there");
    assert!(!peers.keep(NodeId(2), [8; 32], SOON).await, "there is no such file");
    assert_eq!(shelves[2].fetch(NodeId(2), HASH).await, Some(file));
    assert_eq!(peers.read(NodeId(2), [8; 32], 0, SOON).await, Ok(None));
    assert_eq!(peers.read(NodeId(3), [8; 32], 0, SOON).await, Err(Unanswered));
    cluster.wires.isolate(2);
    assert_eq!(shelves[2].peers.read(NodeId(2), HASH, 0, Duration::from_secs(1)).await, Err(Unanswered));
}
