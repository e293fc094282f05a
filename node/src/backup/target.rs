//! Where backups lie: a directory, or a bucket of an S3-compatible service. An object is there whole, or not at all.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use boxoffice_cluster_config::backup::Backup;
use boxoffice_ledger::ids::BackupId;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Place;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, WriteMultipart};
use tokio::sync::{mpsc, oneshot};

use super::seal::{Key, ObjectWriter, Sealed};
use crate::secret;

/// Pieces of an object that wait to be uploaded, and the size of an upload's parts.
const PIECES_WAITING: usize = 8;
const PART_BYTES: usize = 8 * 1024 * 1024;
const PARTS_AT_ONCE: usize = 2;

/// How far the thread that reads and compresses steps back behind all others.
const NICE: i32 = 15;

/// See the module.
pub struct Target {
    objects: Arc<dyn ObjectStore>,
    key: Option<Key>,
    says: String,
}

impl Target {
    /// What a node's configuration says.
    ///
    /// # Errors
    /// When the directory cannot be made, a file with a secret cannot be read, or this build knows no buckets.
    pub fn of_config(config: &Backup, data_dir: &Path) -> anyhow::Result<Self> {
        let key = config.key_file.as_deref().map(read_key).transpose()?;
        if let Some(bucket) = &config.s3 {
            let says = format!("bucket {} at {}", bucket.bucket, bucket.endpoint.as_deref().unwrap_or(&bucket.region));
            return Ok(Self { objects: crate::media::open_bucket(bucket)?, key, says });
        }
        let dir = config.dir.clone().unwrap_or_else(|| data_dir.join("backups"));
        std::fs::create_dir_all(&dir).with_context(|| format!("create the directory of backups {}", dir.display()))?;
        Self::at(&dir, key)
    }

    /// A directory that is there.
    ///
    /// # Errors
    /// When it is not there.
    pub fn at(dir: &Path, key: Option<Key>) -> anyhow::Result<Self> {
        let files = LocalFileSystem::new_with_prefix(dir).with_context(|| format!("open the directory of backups {}", dir.display()))?;
        let objects = Arc::new(files.with_fsync(true).with_automatic_cleanup(true));
        Ok(Self { objects, key, says: dir.display().to_string() })
    }

    /// Objects in memory.
    #[cfg(test)]
    pub fn in_memory(key: Option<Key>) -> Self {
        Self { objects: Arc::new(object_store::memory::InMemory::new()), key, says: "memory".into() }
    }

    /// For people.
    pub fn says(&self) -> &str {
        &self.says
    }

    /// What objects are encrypted with.
    pub fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    /// An object; `None` when it is not there.
    ///
    /// # Errors
    /// When that cannot be told.
    pub async fn get(&self, name: &str) -> anyhow::Result<Option<Bytes>> {
        match self.objects.get(&Place::from(name)).await {
            Ok(found) => Ok(Some(found.bytes().await.with_context(|| format!("read {name}"))?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("read {name}")),
        }
    }

    /// Writes an object, over one that is there.
    ///
    /// # Errors
    /// When the storage refuses: then there is none, or the one of before.
    pub async fn put(&self, name: &str, bytes: Bytes) -> anyhow::Result<()> {
        self.objects.put(&Place::from(name), bytes.into()).await.map(drop).with_context(|| format!("write {name}"))
    }

    /// Writes an object unless one is there; says whether it did.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn create(&self, name: &str, bytes: Bytes) -> anyhow::Result<bool> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.objects.put_opts(&Place::from(name), bytes.into(), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(error).with_context(|| format!("write {name}")),
        }
    }

    /// Writes a large object piece by piece. `fill` runs on a thread of its own, of low priority.
    ///
    /// # Errors
    /// When `fill` fails or the storage refuses: then there is no such object.
    pub async fn upload<F>(&self, name: &str, fill: F) -> anyhow::Result<Sealed>
    where
        F: FnOnce(&mut ObjectWriter<'_>) -> io::Result<()> + Send + 'static,
    {
        let (pieces, mut written) = mpsc::channel::<Bytes>(PIECES_WAITING);
        let (key, own_name) = (self.key.clone(), name.to_owned());
        let outcome = aside(move || {
            let mut sink = |piece: Bytes| pieces.blocking_send(piece).map_err(|_| io::Error::other("the upload was given up"));
            ObjectWriter::new(&own_name, key.as_ref(), &mut sink).and_then(|mut writer| {
                fill(&mut writer)?;
                writer.finish()
            })
        })?;
        let upload = self.objects.put_multipart(&Place::from(name)).await.with_context(|| format!("write {name}"))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let mut sent = Ok(());
        while let Some(piece) = written.recv().await {
            sent = upload.wait_for_capacity(PARTS_AT_ONCE).await;
            if sent.is_err() {
                break;
            }
            upload.put(piece);
        }
        drop(written);
        let sealed = outcome.await.context("the thread that makes the backup is gone")?;
        match (sent, sealed) {
            (Ok(()), Ok(sealed)) => {
                upload.finish().await.with_context(|| format!("write {name}"))?;
                Ok(sealed)
            }
            (sent, sealed) => {
                let _ = upload.abort().await;
                sent.with_context(|| format!("write {name}"))?;
                sealed.with_context(|| format!("write {name}"))
            }
        }
    }

    /// The backups that there are, whole or not, the oldest first.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn backups(&self) -> anyhow::Result<Vec<BackupId>> {
        let found = self.objects.list_with_delimiter(None).await.with_context(|| format!("list {}", self.says))?;
        let name = |place: Place| BackupId::parse(place.filename()?).ok();
        let mut found: Vec<BackupId> = found.common_prefixes.into_iter().filter_map(name).collect();
        found.sort();
        Ok(found)
    }

    /// Removes a backup: first what makes it one.
    ///
    /// # Errors
    /// When something of it cannot be removed.
    pub async fn remove(&self, backup: BackupId) -> anyhow::Result<()> {
        let manifest = Place::from(super::format::name::manifest(backup));
        match self.objects.delete(&manifest).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error).with_context(|| format!("remove {backup}")),
        }
        let prefix = Place::from(backup.to_string());
        let all: Vec<_> = self.objects.list(Some(&prefix)).try_collect().await.with_context(|| format!("list {backup}"))?;
        for object in all {
            self.objects.delete(&object.location).await.with_context(|| format!("remove {}", object.location))?;
        }
        Ok(())
    }

    /// Whether an object is there.
    ///
    /// # Errors
    /// When that cannot be told.
    pub async fn has(&self, name: &str) -> anyhow::Result<bool> {
        match self.objects.head(&Place::from(name)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error).with_context(|| format!("look for {name}")),
        }
    }
}

/// Does work on a thread of its own, of low priority; gives its result.
///
/// # Errors
/// When no thread can be started.
pub fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<oneshot::Receiver<T>> {
    let (done, outcome) = oneshot::channel();
    let work = move || {
        // On Linux this is about the calling thread alone; without it the work is done too.
        let _ = rustix::process::nice(NICE);
        let _ = done.send(work());
    };
    std::thread::Builder::new().name("backup".into()).spawn(work).context("start a thread for the backup")?;
    Ok(outcome)
}

/// Reads the key of backups.
///
/// # Errors
/// When the file is missing or holds something else.
pub fn read_key(path: &Path) -> anyhow::Result<Key> {
    secret::read(path).map(Key::new).context("read the key of the backups")
}

/// Keeps work at so many bytes a second, by letting its thread sleep.
pub struct Pace {
    bytes_per_second: u64,
    begun: Instant,
    bytes: u64,
}

impl Pace {
    /// From now on.
    pub fn new(mib_per_second: u32) -> Self {
        Self { bytes_per_second: u64::from(mib_per_second.max(1)) * 1024 * 1024, begun: Instant::now(), bytes: 0 }
    }

    /// So much was done; gives how long to wait before the next.
    pub fn done(&mut self, bytes: usize) -> Duration {
        self.bytes += bytes as u64;
        let due = Duration::from_secs_f64(self.bytes as f64 / self.bytes_per_second as f64);
        due.saturating_sub(self.begun.elapsed())
    }
}
