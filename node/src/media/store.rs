//! Where files lie: a directory of this node, or a bucket that all nodes share. A file is written whole and durable, or not at all.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use boxoffice_cluster_config::media::Media;
use boxoffice_ledger::ids::MediaHash;
use boxoffice_raft::blobs::Piece;
use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::{Error, ObjectStore, ObjectStoreExt};

/// Images leave so many bytes of the disk to the log.
const FREE_BYTES_MIN: u64 = 512 * 1024 * 1024;

/// A file: an image as it is kept, or drawn smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// Which image.
    pub hash: MediaHash,
    /// `None` = as it is kept, which is what the hash is of.
    pub width: Option<u32>,
}

impl fmt::Display for Name {
    /// Two letters of the hash make a folder, so that none gets too full.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.hash.to_string();
        let digits = text.trim_start_matches("img_");
        write!(f, "{}/{digits}", &digits[..2])?;
        self.width.map_or(Ok(()), |width| write!(f, "-{width}"))
    }
}

/// A file could not be written; the process log says why.
#[derive(Debug)]
pub struct NotWritten;

/// See the module.
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    /// The directory; `None` for a bucket.
    dir: Option<PathBuf>,
}

impl Store {
    /// What the configuration says.
    ///
    /// # Errors
    /// When the directory cannot be made, the bucket's keys cannot be read, or this build knows no buckets.
    pub fn open(config: &Media, data_dir: &Path) -> anyhow::Result<Self> {
        if let Some(bucket) = &config.s3 {
            return Ok(Self { objects: super::bucket::open(bucket)?, dir: None });
        }
        let dir = config.dir.clone().unwrap_or_else(|| data_dir.join("media"));
        std::fs::create_dir_all(&dir).with_context(|| format!("create the directory of images {}", dir.display()))?;
        let files = LocalFileSystem::new_with_prefix(&dir).with_context(|| format!("open {}", dir.display()))?.with_fsync(true);
        Ok(Self { objects: Arc::new(files), dir: Some(dir) })
    }

    /// Whether all nodes see the same files, so that none needs a copy.
    pub fn is_shared(&self) -> bool {
        self.dir.is_none()
    }

    /// A file; `None` when it is not here or cannot be read.
    pub async fn read(&self, name: Name) -> Option<Bytes> {
        let found = self.objects.get(&path(name)).await;
        match found {
            Ok(found) => found.bytes().await.map_err(|error| complain(name, &error)).ok(),
            Err(error) => {
                complain(name, &error);
                None
            }
        }
    }

    /// Whether a file is here.
    pub async fn has(&self, name: Name) -> bool {
        self.objects.head(&path(name)).await.is_ok()
    }

    /// A piece of a file.
    pub async fn piece(&self, name: Name, offset: u64, bytes_max: u32) -> Option<Piece> {
        let total = self.objects.head(&path(name)).await.ok()?.size;
        let end = total.min(offset.saturating_add(bytes_max.into()));
        let data = if offset < end { self.objects.get_range(&path(name), offset..end).await.ok()? } else { Bytes::new() };
        Some(Piece { total, data })
    }

    /// Writes a file; it is durable when this returns.
    ///
    /// # Errors
    /// When the disk is too full or the storage refuses: then there is no file, or the one of before.
    pub async fn write(&self, name: Name, bytes: Bytes) -> Result<(), NotWritten> {
        if let Some(dir) = &self.dir
            && free_bytes(dir).is_some_and(|free| free < FREE_BYTES_MIN)
        {
            tracing::warn!(dir = %dir.display(), "no image is written: the disk is nearly full");
            return Err(NotWritten);
        }
        self.objects.put(&path(name), bytes.into()).await.map_err(|error| {
            tracing::error!(%name, %error, "an image could not be written");
            NotWritten
        })?;
        Ok(())
    }

    /// Files in memory, as if shared.
    #[cfg(test)]
    pub fn in_memory() -> Self {
        Self { objects: Arc::new(object_store::memory::InMemory::new()), dir: None }
    }
}

fn path(name: Name) -> object_store::path::Path {
    object_store::path::Path::from(name.to_string())
}

/// Says what is wrong, unless the file is just not there.
fn complain(name: Name, error: &Error) {
    if !matches!(error, Error::NotFound { .. }) {
        tracing::warn!(%name, %error, "an image could not be read");
    }
}

fn free_bytes(dir: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(dir).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_come_back_whole_and_in_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let config = Media { dir: Some(folder.path().join("images")), ..Media::default() };
        let store = Store::open(&config, folder.path()).unwrap();
        let name = Name { hash: MediaHash([0xab; 32]), width: Some(320) };
        assert!(store.read(name).await.is_none() && !store.has(name).await && store.piece(name, 0, 9).await.is_none());
        store.write(name, Bytes::from_static(b"0123456789")).await.unwrap();
        store.write(name, Bytes::from_static(b"0123456789")).await.unwrap();
        assert_eq!(store.read(name).await.as_deref(), Some(&b"0123456789"[..]));
        for (offset, piece) in [(0, "0123"), (8, "89"), (10, ""), (99, "")] {
            assert_eq!(store.piece(name, offset, 4).await, Some(Piece { total: 10, data: piece.into() }));
        }
        let there = folder.path().join("images/ab").join(format!("{}-320", "ab".repeat(32)));
        assert_eq!(std::fs::read(there).unwrap(), b"0123456789");
        let again = Store::open(&config, folder.path()).unwrap();
        assert!(again.has(name).await && !again.is_shared());
    }
}
