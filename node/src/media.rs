//! Images: files under the hash of their content, beside the ledger, which only names them.
//!
//! ```text
//! upload -> drawn anew (picture) -> durable here (store) -> kept by the others, a majority in all -> 201
//! asked for -> here? -> else from another node, checked by its hash, and kept -> drawn smaller once, and kept
//! ```
//! A file that is here is right: it is checked when it arrives and each time it is read from the disk; a damaged one is got anew.
//! A node that was away gets what events name with time (`workers/media.rs`), and what is asked for at once.

mod bucket;
mod cache;
mod picture;
mod store;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use boxoffice_api::backend::{Answer, Failure, MediaFile, Problem, StoredMedia};
use boxoffice_cluster_config::ids::NodeId;
use boxoffice_cluster_config::media::Media;
use boxoffice_ledger::ids::MediaHash;
use boxoffice_raft::blobs::{BlobHash, BlobPeers, Blobs, Piece, Unanswered};
use bytes::Bytes;
use futures::future::join_all;
use tokio::sync::{Mutex, Semaphore};

pub use bucket::open as open_bucket;
use cache::Cache;
use picture::{Fault, KEPT_BYTES_MAX, Picture};
use store::{Name, Store};

/// How long a peer may take for a piece.
const PIECE_PATIENCE: Duration = Duration::from_secs(2);
/// How long a peer may take to get and keep a new image.
const COPY_PATIENCE: Duration = Duration::from_secs(3);
/// Uploads and resizings that may wait for a processor; the next one is refused.
const WAITING_MAX: usize = 64;
/// Images that can be got or drawn at once: those with the same last bits of their hash take turns.
const TURNS: usize = 32;

/// An image as the store of a node that does not run has it; `None` when it is not there, or damaged.
///
/// # Errors
/// When the store cannot be opened.
pub async fn take_out(config: &Media, data_dir: &Path, hash: MediaHash) -> anyhow::Result<Option<Bytes>> {
    let store = Store::open(config, data_dir)?;
    Ok(store.read(Name { hash, width: None }).await.filter(|bytes| hash_of(bytes) == hash))
}

/// Puts an image that a backup has into the store that a node will use.
///
/// # Errors
/// When the store cannot be opened or written.
pub async fn put_back(config: &Media, data_dir: &Path, hash: MediaHash, bytes: Bytes) -> anyhow::Result<()> {
    let store = Store::open(config, data_dir)?;
    store.write(Name { hash, width: None }, bytes).await.map_err(|_| anyhow::anyhow!("image {hash} cannot be written"))
}

/// See the module.
pub struct Library {
    /// Where clients get images.
    base: Arc<str>,
    store: Store,
    /// The other nodes; `None` when all share one store.
    peers: Option<BlobPeers>,
    cache: Cache,
    /// Processors that draw.
    room: Arc<Semaphore>,
    /// Places to wait for one.
    waiting: Semaphore,
    turns: [Mutex<()>; TURNS],
}

impl Library {
    /// Opens what the configuration says. `cores` = how many the machine has: half of them may draw at once, two at most.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn open(config: &Media, data_dir: &Path, peers: BlobPeers, cores: usize) -> anyhow::Result<Arc<Self>> {
        let store = Store::open(config, data_dir)?;
        let peers = (!store.is_shared()).then_some(peers);
        Ok(Arc::new(Self { base: config.base().into(), ..Self::new(store, peers, (cores / 2).clamp(1, 2)) }))
    }

    fn new(store: Store, peers: Option<BlobPeers>, drawing: usize) -> Self {
        Self {
            base: "".into(),
            store,
            peers,
            cache: Cache::default(),
            room: Arc::new(Semaphore::new(drawing)),
            waiting: Semaphore::new(WAITING_MAX),
            turns: std::array::from_fn(|_| Mutex::const_new(())),
        }
    }

    /// Where clients get images: the beginning of their addresses, without a slash at its end; empty = at each node.
    pub fn base(&self) -> Arc<str> {
        Arc::clone(&self.base)
    }

    /// Keeps an upload: durable here and at enough others to make a majority. What fails after it was written here leaves a copy
    /// that harms nobody; the same upload again goes on from there.
    pub async fn add(&self, deadline: Instant, upload: Bytes) -> Answer<StoredMedia> {
        let drawn = self.draw(deadline, move || picture::redraw(&upload)).await?.map_err(refused)?;
        let Picture { bytes, media_type, width, height } = drawn;
        let stored = StoredMedia { hash: hash_of(&bytes), media_type, width, height, bytes: bytes.len() };
        let name = Name { hash: stored.hash, width: None };
        self.store.write(name, bytes.into()).await.map_err(|_| Failure::Overloaded(5_000))?;
        self.copy(stored.hash).await?;
        Ok(stored)
    }

    /// Makes the others keep a file that is here; an error when fewer than a majority do.
    async fn copy(&self, hash: MediaHash) -> Answer<()> {
        let Some(peers) = &self.peers else { return Ok(()) };
        let copies = join_all(peers.others().into_iter().map(|peer| peers.keep(peer, hash.0, COPY_PATIENCE))).await;
        let kept = 1 + copies.into_iter().filter(|kept| *kept).count();
        if kept < peers.quorum() { Err(Failure::NoQuorum(1_000)) } else { Ok(()) }
    }

    /// An image, as it is kept or not wider than this.
    pub async fn get(&self, deadline: Instant, hash: MediaHash, width: Option<u32>) -> Answer<MediaFile> {
        let bytes = async {
            match width {
                None => self.kept(hash).await,
                Some(width) => self.drawn_smaller(deadline, hash, width).await,
            }
        };
        let bytes = tokio::time::timeout_at(deadline.into(), bytes).await.map_err(|_| Failure::Overloaded(1_000))??;
        let found = bytes.and_then(|bytes| Some(MediaFile { media_type: picture::media_type(&bytes)?, bytes }));
        found.ok_or(Failure::NotFound("image"))
    }

    /// Whether an image is here, or was got from another node now.
    pub async fn ensure(&self, hash: MediaHash) -> Answer<bool> {
        Ok(self.store.has(Name { hash, width: None }).await || self.kept(hash).await?.is_some())
    }

    /// A file as it is kept; `None` when there is none.
    pub async fn kept(&self, hash: MediaHash) -> Answer<Option<Bytes>> {
        let name = Name { hash, width: None };
        if let Some(bytes) = self.cache.get(name) {
            return Ok(Some(bytes));
        }
        let mut found = self.sound(hash).await;
        if found.is_none() {
            let _turn = self.turn(hash).await;
            found = self.cache.get(name); // Somebody else may have got it meanwhile.
            if found.is_none() {
                found = self.fetch_from_anyone(hash).await?;
            }
        }
        if let Some(bytes) = &found {
            self.cache.put(name, bytes.clone());
        }
        Ok(found)
    }

    /// A file of this node that is what its name says.
    async fn sound(&self, hash: MediaHash) -> Option<Bytes> {
        let bytes = self.store.read(Name { hash, width: None }).await?;
        let sound = hash_of(&bytes) == hash;
        if !sound {
            tracing::error!(%hash, "an image is damaged on this disk; it is got from another node");
        }
        sound.then_some(bytes)
    }

    /// A file that is not wider: drawn once, and kept.
    async fn drawn_smaller(&self, deadline: Instant, hash: MediaHash, width: u32) -> Answer<Option<Bytes>> {
        let name = Name { hash, width: Some(width) };
        if let Some(bytes) = self.cache.get(name) {
            return Ok(Some(bytes));
        }
        let drawn = self.store.read(name).await.filter(|bytes| picture::media_type(bytes).is_some());
        let bytes = match drawn {
            Some(bytes) => bytes,
            None => {
                let Some(whole) = self.kept(hash).await? else { return Ok(None) };
                let _turn = self.turn(hash).await;
                if let Some(bytes) = self.cache.get(name) {
                    return Ok(Some(bytes)); // Somebody else has drawn it meanwhile.
                }
                let source = whole.clone();
                match self.draw(deadline, move || picture::smaller(&source, width)).await?.map_err(refused)? {
                    Some(picture) => {
                        let bytes = Bytes::from(picture.bytes);
                        // It can be drawn again: what cannot be kept is served all the same.
                        let _ = self.store.write(name, bytes.clone()).await;
                        bytes
                    }
                    None => whole,
                }
            }
        };
        self.cache.put(name, bytes.clone());
        Ok(Some(bytes))
    }

    /// Gets a file from the first of the others that has it, and keeps it. What so many say they lack that no majority can have it
    /// was never acknowledged; with fewer, nobody knows.
    async fn fetch_from_anyone(&self, hash: MediaHash) -> Answer<Option<Bytes>> {
        let Some(peers) = &self.peers else { return Ok(None) };
        let others = peers.others();
        let mut lacking = 1;
        for peer in &others {
            match self.fetch(peers, *peer, hash).await {
                Ok(Some(bytes)) => return Ok(Some(bytes)),
                Ok(None) => lacking += 1,
                Err(Unanswered) => {}
            }
        }
        let too_many = others.len() + 1 - peers.quorum();
        if lacking > too_many { Ok(None) } else { Err(Failure::NoQuorum(1_000)) }
    }

    /// Gets a file from a node piece by piece, checks it, and keeps it.
    async fn fetch(&self, peers: &BlobPeers, peer: NodeId, hash: MediaHash) -> Result<Option<Bytes>, Unanswered> {
        let mut whole = Vec::new();
        loop {
            let Some(piece) = peers.read(peer, hash.0, whole.len() as u64, PIECE_PATIENCE).await? else { return Ok(None) };
            whole.extend_from_slice(&piece.data);
            if whole.len() as u64 >= piece.total {
                break;
            }
            if piece.data.is_empty() || whole.len() > KEPT_BYTES_MAX {
                return Err(Unanswered);
            }
        }
        if hash_of(&whole) != hash {
            tracing::error!(%peer, %hash, "a node gave another image than was asked for");
            return Err(Unanswered);
        }
        let bytes = Bytes::from(whole);
        // What cannot be kept now can be shown all the same; whoever asks to keep it looks for itself.
        let _ = self.store.write(Name { hash, width: None }, bytes.clone()).await;
        Ok(Some(bytes))
    }

    async fn turn(&self, hash: MediaHash) -> tokio::sync::MutexGuard<'_, ()> {
        self.turns[usize::from(hash.0[31]) % TURNS].lock().await
    }

    /// Does work for a processor on a thread that answers nobody, when there is room.
    async fn draw<T: Send + 'static>(&self, deadline: Instant, work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
        let busy = || Failure::Overloaded(1_000);
        let _place = self.waiting.try_acquire().map_err(|_| busy())?;
        let room = tokio::time::timeout_at(deadline.into(), Arc::clone(&self.room).acquire_owned()).await;
        let permit = room.map_err(|_| busy())?.map_err(|_| busy())?;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit; // Until it is done, whoever still waits for it.
            work()
        });
        done.await.map_err(|error| {
            tracing::error!(%error, "drawing an image panicked");
            refused(Fault::Damaged)
        })
    }
}

#[async_trait]
impl Blobs for Library {
    async fn read(&self, hash: BlobHash, offset: u64, bytes_max: u32) -> Option<Piece> {
        self.store.piece(Name { hash: MediaHash(hash), width: None }, offset, bytes_max).await
    }

    async fn keep(&self, from: NodeId, hash: BlobHash) -> bool {
        let hash = MediaHash(hash);
        let _turn = self.turn(hash).await;
        if self.sound(hash).await.is_some() {
            return true;
        }
        let Some(peers) = &self.peers else { return false };
        matches!(self.fetch(peers, from, hash).await, Ok(Some(_))) && self.store.has(Name { hash, width: None }).await
    }
}

/// The name of a file.
pub fn hash_of(bytes: &[u8]) -> MediaHash {
    MediaHash(*blake3::hash(bytes).as_bytes())
}

/// The upload is at fault.
fn refused(fault: Fault) -> Failure {
    Failure::Invalid(vec![Problem { pointer: String::new(), code: fault.code(), detail: fault.to_string() }])
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn library() -> Library {
        Library::new(Store::in_memory(), None, 1)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    fn upload(shade: u8) -> Bytes {
        let mut bytes = std::io::Cursor::new(Vec::new());
        RgbImage::from_pixel(700, 350, Rgb([shade, 9, 200])).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner().into()
    }

    #[tokio::test]
    async fn what_is_added_is_there_at_its_widths() {
        let library = library();
        let stored = library.add(soon(), upload(1)).await.unwrap();
        assert_eq!((stored.width, stored.height, stored.media_type), (700, 350, "image/jpeg"));
        assert_eq!(library.add(soon(), upload(1)).await.unwrap(), stored, "the same again");
        let whole = library.get(soon(), stored.hash, None).await.unwrap();
        assert_eq!((whole.bytes.len(), hash_of(&whole.bytes)), (stored.bytes, stored.hash));
        let small = library.get(soon(), stored.hash, Some(320)).await.unwrap();
        assert_eq!(image::load_from_memory(&small.bytes).unwrap().width(), 320);
        assert!(library.store.has(Name { hash: stored.hash, width: Some(320) }).await, "it is drawn once");
        assert_eq!(library.get(soon(), stored.hash, Some(1280)).await.unwrap(), whole, "nothing is drawn larger");
        assert!(matches!(library.get(soon(), MediaHash([0; 32]), Some(320)).await, Err(Failure::NotFound(_))));
        assert_eq!((library.ensure(stored.hash).await.unwrap(), library.ensure(MediaHash([0; 32])).await.unwrap()), (true, false));
    }

    #[tokio::test]
    async fn a_damaged_file_is_not_served() {
        let library = library();
        let stored = library.add(soon(), upload(2)).await.unwrap();
        let name = Name { hash: stored.hash, width: None };
        library.store.write(name, upload(3)).await.unwrap();
        assert!(matches!(library.get(soon(), stored.hash, None).await, Err(Failure::NotFound(_))));
        assert!(!library.keep(NodeId(2), stored.hash.0).await);
        library.add(soon(), upload(2)).await.unwrap();
        assert!(library.get(soon(), stored.hash, None).await.is_ok() && library.keep(NodeId(2), stored.hash.0).await);
    }

    #[tokio::test]
    async fn what_is_no_image_is_the_callers_fault_and_too_many_wait_outside() {
        let library = library();
        let refused = library.add(soon(), Bytes::from_static(b"<html>")).await.unwrap_err();
        assert!(matches!(&refused, Failure::Invalid(problems) if problems[0].code == "not_an_image"), "{refused:?}");
        let _all = library.room.acquire().await.unwrap();
        let late = library.add(Instant::now(), upload(4)).await.unwrap_err();
        assert!(matches!(late, Failure::Overloaded(_)), "{late:?}");
        let _places = library.waiting.acquire_many(WAITING_MAX as u32).await.unwrap();
        assert!(matches!(library.add(soon(), upload(4)).await.unwrap_err(), Failure::Overloaded(_)));
    }
}
