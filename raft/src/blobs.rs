//! Files that are kept beside the groups, under the hash of their content: how nodes get them from each other. What they are and
//! where they lie is the business of whoever answers here.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use async_trait::async_trait;
use boxoffice_cluster_config::ids::NodeId;
use bytes::Bytes;

use crate::env::Lane;
use crate::peers::{CallError, PeerClient, refusal};
use crate::proto::{self, refused::Reason, reply, request};

/// Most bytes of a piece.
pub const PIECE_BYTES_MAX: u32 = 1024 * 1024;

/// The 256-bit hash of a file's content.
pub type BlobHash = [u8; 32];

/// A piece of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The length of the whole file, in bytes.
    pub total: u64,
    /// This piece of it; empty past its end.
    pub data: Bytes,
}

/// A peer did not say whether it has a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unanswered;

/// What answers peers that ask for files.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// A piece of a file that is here, from an offset on; `None` when the file is not here. Nothing is checked: whoever asked
    /// does that.
    async fn read(&self, hash: BlobHash, offset: u64, bytes_max: u32) -> Option<Piece>;

    /// Keeps a file, got from this peer if it is not here; whether it is here and durable now.
    async fn keep(&self, from: NodeId, hash: BlobHash) -> bool;
}

/// Asks the other nodes for files, and to keep them.
#[derive(Clone)]
pub struct BlobPeers {
    pub(crate) peers: Arc<PeerClient>,
}

impl BlobPeers {
    /// The other nodes.
    #[must_use]
    pub fn others(&self) -> Vec<NodeId> {
        self.peers.others().map(NodeId).collect()
    }

    /// Nodes that make a quorum, this one included.
    #[must_use]
    pub fn quorum(&self) -> usize {
        self.peers.quorum()
    }

    /// A piece of a file that a peer has, of at most [`PIECE_BYTES_MAX`]; `None` when it says that it has not.
    ///
    /// # Errors
    /// When it does not say within `patience`.
    pub async fn read(&self, peer: NodeId, hash: BlobHash, offset: u64, patience: Duration) -> Result<Option<Piece>, Unanswered> {
        let ask = proto::ReadBlob { hash: Bytes::copy_from_slice(&hash), offset, bytes_max: PIECE_BYTES_MAX };
        match self.call(peer, request::Body::ReadBlob(ask), patience).await {
            Ok(reply::Body::BlobPiece(piece)) => Ok(Some(Piece { total: piece.total, data: piece.data })),
            Err(CallError::Refused(Reason::NotFound, _)) => Ok(None),
            _ => Err(Unanswered),
        }
    }

    /// Makes a peer get a file from this node and keep it; whether it has it now, as far as it says so within `patience`.
    pub async fn keep(&self, peer: NodeId, hash: BlobHash, patience: Duration) -> bool {
        let ask = proto::KeepBlob { hash: Bytes::copy_from_slice(&hash) };
        matches!(self.call(peer, request::Body::KeepBlob(ask), patience).await, Ok(reply::Body::BlobKept(_)))
    }

    async fn call(&self, peer: NodeId, body: request::Body, patience: Duration) -> Result<reply::Body, CallError> {
        let answer = self.peers.call(peer.0, 0, Lane::Snapshot, body, patience).await;
        if let Err(error) = &answer {
            tracing::debug!(%peer, %error, "a peer gives no file");
        }
        answer
    }
}

/// Who answers here, once somebody does.
#[derive(Default)]
pub struct BlobDesk {
    blobs: OnceLock<Weak<dyn Blobs>>,
}

impl BlobDesk {
    /// Lets somebody answer, as long as it lives. The first one stays.
    pub fn open(&self, blobs: Weak<dyn Blobs>) {
        let _ = self.blobs.set(blobs);
    }

    /// Answers a peer; `None` when this is a call of another kind.
    pub async fn answer(&self, from: u64, body: &request::Body) -> Option<Result<reply::Body, proto::Refused>> {
        match body {
            request::Body::ReadBlob(ask) => Some(self.read(ask).await),
            request::Body::KeepBlob(ask) => Some(self.keep(from, ask).await),
            _ => None,
        }
    }

    async fn read(&self, ask: &proto::ReadBlob) -> Result<reply::Body, proto::Refused> {
        let (blobs, hash) = self.asked(&ask.hash)?;
        match blobs.read(hash, ask.offset, ask.bytes_max.min(PIECE_BYTES_MAX)).await {
            Some(piece) => Ok(reply::Body::BlobPiece(proto::BlobPiece { total: piece.total, data: piece.data })),
            None => Err(refusal(Reason::NotFound, "the file is not here")),
        }
    }

    async fn keep(&self, from: u64, ask: &proto::KeepBlob) -> Result<reply::Body, proto::Refused> {
        let (blobs, hash) = self.asked(&ask.hash)?;
        match blobs.keep(NodeId(from), hash).await {
            true => Ok(reply::Body::BlobKept(proto::BlobKept {})),
            false => Err(refusal(Reason::NotReady, "the file could not be kept")),
        }
    }

    fn asked(&self, hash: &Bytes) -> Result<(Arc<dyn Blobs>, BlobHash), proto::Refused> {
        let blobs = self.blobs.get().and_then(Weak::upgrade).ok_or_else(|| refusal(Reason::NotReady, "nobody keeps files here yet"))?;
        let hash = hash.as_ref().try_into().map_err(|_| refusal(Reason::Other, "not a hash"))?;
        Ok((blobs, hash))
    }
}
