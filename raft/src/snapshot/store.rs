//! The snapshots of one group: which there are, making a new one, taking one over from a peer, forgetting old ones.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use boxoffice_cluster_config::ids::{ClusterId, GroupId};
use parking_lot::Mutex;

use super::file::{Reader, Writer, verify};
use crate::codec::stored_membership;
use crate::disk::{Disk, DiskFile};
use crate::log::EntryId;
use crate::machine::Frozen;
use crate::proto::{SnapshotHead, SnapshotOffer};
use crate::types::SnapshotMeta;

/// How many files of a group are kept: the newest, and one to fall back to.
const KEPT: usize = 2;

/// A finished snapshot. The open file stays readable when the store has forgotten it.
#[derive(Clone)]
pub struct Snapshot {
    pub head: SnapshotHead,
    pub last: EntryId,
    pub bytes: u64,
    name: String,
    file: Arc<dyn DiskFile>,
}

impl Snapshot {
    /// As openraft describes it.
    pub fn meta(&self) -> io::Result<SnapshotMeta> {
        let last_membership = stored_membership(self.head.membership.clone(), self.head.membership_at)?;
        Ok(SnapshotMeta { last_log_id: self.head.last.map(Into::into), last_membership })
    }

    /// As a peer is told of it.
    pub fn offer(&self) -> SnapshotOffer {
        SnapshotOffer {
            last: self.head.last,
            bytes: self.bytes,
            membership: self.head.membership.clone(),
            membership_at: self.head.membership_at,
        }
    }

    /// Its frames.
    pub fn read(&self) -> io::Result<Reader> {
        Reader::open(self.file.clone())
    }

    /// A piece of the file as it is.
    pub fn chunk(&self, offset: u64, bytes_max: usize) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut chunk = vec![0; bytes_max.min(left)];
        let read = self.file.read_at(offset, &mut chunk)?;
        chunk.truncate(read);
        Ok(chunk)
    }
}

/// A snapshot that is being received.
pub struct Arriving {
    last: EntryId,
    bytes: u64,
    received: u64,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
}

impl Arriving {
    /// Where the next piece goes.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Whether it is the one that is offered.
    pub fn is_of(&self, offer: &SnapshotOffer) -> bool {
        offer.last.map(EntryId::from) == Some(self.last) && offer.bytes == self.bytes
    }

    /// Whether every byte is there.
    pub fn is_complete(&self) -> bool {
        self.received == self.bytes
    }

    /// Adds the next piece.
    pub fn add(&mut self, chunk: &[u8]) -> io::Result<()> {
        if chunk.is_empty() || self.received + chunk.len() as u64 > self.bytes {
            return Err(io::Error::new(ErrorKind::InvalidData, "a piece of a snapshot has the wrong length"));
        }
        self.file.write_at(self.received, chunk)?;
        self.received += chunk.len() as u64;
        Ok(())
    }
}

/// The whole snapshots of a group in a directory that is only looked at, the oldest first. Damaged ones are passed over.
///
/// # Errors
/// As the disk reports them.
pub fn look(disk: &Arc<dyn Disk>, dir: &Path, cluster: &ClusterId, group: GroupId) -> io::Result<Vec<Snapshot>> {
    if !disk.exists(dir) {
        return Ok(Vec::new());
    }
    let store = Store::empty(Arc::clone(disk), dir, cluster, group);
    let prefix = format!("{group}-");
    let names = disk.list(dir)?.into_iter().filter(|name| name.starts_with(&prefix) && name.ends_with(".snap"));
    let mut found: Vec<Snapshot> = names.filter_map(|name| store.load(name).ok()).collect();
    found.sort_by_key(|snapshot| snapshot.last);
    Ok(found)
}

/// The snapshots of one group.
pub struct Store {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    cluster: ClusterId,
    group: GroupId,
    /// Oldest first.
    kept: Mutex<Vec<Snapshot>>,
    /// Being read by peers; readable even when no longer kept.
    lent: Mutex<Vec<Snapshot>>,
}

/// Keeps a snapshot findable while a peer reads it.
pub struct Lent {
    store: Arc<Store>,
    last: EntryId,
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut lent = self.store.lent.lock();
        if let Some(place) = lent.iter().position(|snapshot| snapshot.last == self.last) {
            lent.swap_remove(place);
        }
    }
}

impl Store {
    /// Opens what is there. A damaged file is set aside under another name and said loudly.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, cluster: &ClusterId, group: GroupId) -> io::Result<Self> {
        let store = Self::empty(disk, dir, cluster, group);
        let prefix = format!("{group}-");
        let names = store.disk.list(dir)?.into_iter().filter(|name| name.starts_with(&prefix));
        let mut kept = Vec::new();
        for name in names {
            let path = dir.join(&name);
            if name.ends_with(".tmp") {
                store.disk.remove(&path)?;
            } else if name.ends_with(".snap") {
                match store.load(name.clone()) {
                    Ok(snapshot) => kept.push(snapshot),
                    Err(error) => {
                        tracing::error!(%group, file = name, %error, "a snapshot is damaged and set aside");
                        store.disk.rename(&path, &dir.join(format!("{name}.damaged")))?;
                    }
                }
            }
        }
        kept.sort_by_key(|snapshot| snapshot.last);
        *store.kept.lock() = kept;
        Ok(store)
    }

    fn empty(disk: Arc<dyn Disk>, dir: &Path, cluster: &ClusterId, group: GroupId) -> Self {
        let (kept, lent) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        Self { disk, dir: dir.to_owned(), cluster: cluster.clone(), group, kept, lent }
    }

    /// The newest one.
    pub fn newest(&self) -> Option<Snapshot> {
        self.kept.lock().last().cloned()
    }

    /// The one that ends with this entry.
    pub fn find(&self, last: EntryId) -> Option<Snapshot> {
        let kept = self.kept.lock().iter().find(|snapshot| snapshot.last == last).cloned();
        kept.or_else(|| self.lent.lock().iter().find(|snapshot| snapshot.last == last).cloned())
    }

    /// Keeps a snapshot findable as long as the guard lives.
    pub fn lend(self: &Arc<Self>, snapshot: &Snapshot) -> Lent {
        self.lent.lock().push(snapshot.clone());
        Lent { store: self.clone(), last: snapshot.last }
    }

    /// Up to where the log may be forgotten so that the older of the two files is still of use.
    pub fn purge_bound(&self) -> Option<u64> {
        let kept = self.kept.lock();
        if kept.len() < KEPT { None } else { kept.first().map(|snapshot| snapshot.last.index) }
    }

    /// Reads the newest one again from the disk. After that the log may be forgotten up to its end.
    pub fn verify_newest(&self) -> io::Result<Option<u64>> {
        let Some(newest) = self.newest() else { return Ok(None) };
        verify(newest.file.clone())?;
        Ok(Some(newest.last.index))
    }

    /// Writes a frozen state. It is durable when this returns.
    pub fn create(&self, head: SnapshotHead, frozen: &mut dyn Frozen) -> io::Result<Snapshot> {
        let last: EntryId = head.last.unwrap_or_default().into();
        if let Some(same) = self.find(last) {
            return Ok(same);
        }
        let path = self.temporary(last, "build");
        let file = self.disk.create(&path)?;
        let written = (|| {
            let mut writer = Writer::new(file.as_ref(), &head)?;
            frozen.write(&mut |frame| writer.frame(frame))?;
            writer.finish()
        })();
        if let Err(error) = written {
            // Half a file only takes room; the error that matters is the first one.
            let _ = self.disk.remove(&path);
            return Err(error);
        }
        crate::crash_point!("snapshot.before_rename");
        self.publish(&path, last)
    }

    /// Starts to receive the snapshot that a peer offers.
    pub fn arrive(&self, offer: &SnapshotOffer) -> io::Result<Arriving> {
        let last: EntryId = offer.last.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "an offer without a snapshot"))?.into();
        let path = self.temporary(last, "arrive");
        let file: Arc<dyn DiskFile> = self.disk.create(&path)?.into();
        Ok(Arriving { last, bytes: offer.bytes, received: 0, path, file })
    }

    /// Forgets a snapshot that did not arrive whole.
    pub fn discard(&self, arriving: Arriving) {
        if let Err(error) = self.disk.remove(&arriving.path) {
            tracing::warn!(group = %self.group, %error, "half a snapshot could not be removed");
        }
    }

    /// Checks a received snapshot and makes it one of ours. It is durable when this returns.
    pub fn take_over(&self, arriving: Arriving) -> io::Result<Snapshot> {
        let checked = verify(arriving.file.clone()).and_then(|head| self.check_head(&head, arriving.last));
        if let Err(error) = checked {
            let _ = self.disk.remove(&arriving.path);
            return Err(error);
        }
        if !crate::planted::has("snapshot-not-synced") {
            arriving.file.sync_all()?;
        }
        crate::crash_point!("snapshot.before_install_rename");
        self.publish(&arriving.path, arriving.last)
    }

    fn publish(&self, temporary: &Path, last: EntryId) -> io::Result<Snapshot> {
        let name = self.name(last);
        self.disk.rename(temporary, &self.dir.join(&name))?;
        if !crate::planted::has("snapshot-names-not-synced") {
            self.disk.sync_dir(&self.dir)?;
        }
        let snapshot = self.load_head(name)?;
        let mut kept = self.kept.lock();
        kept.retain(|other| other.last != last);
        kept.push(snapshot.clone());
        kept.sort_by_key(|snapshot| snapshot.last);
        while kept.len() > KEPT {
            let old = kept.remove(0);
            if let Err(error) = self.disk.remove(&self.dir.join(&old.name)) {
                tracing::warn!(group = %self.group, file = old.name, %error, "an old snapshot could not be removed");
            }
        }
        Ok(snapshot)
    }

    fn load(&self, name: String) -> io::Result<Snapshot> {
        let file: Arc<dyn DiskFile> = self.disk.open(&self.dir.join(&name))?.into();
        verify(file)?;
        self.load_head(name)
    }

    fn load_head(&self, name: String) -> io::Result<Snapshot> {
        let file: Arc<dyn DiskFile> = self.disk.open(&self.dir.join(&name))?.into();
        let bytes = file.size()?;
        let head = Reader::open(file.clone())?.head().clone();
        let last: EntryId = head.last.unwrap_or_default().into();
        self.check_head(&head, last)?;
        Ok(Snapshot { head, last, bytes, name, file })
    }

    fn check_head(&self, head: &SnapshotHead, last: EntryId) -> io::Result<()> {
        let of_this_group = head.cluster == self.cluster.0 && head.group == self.group.0;
        if !of_this_group || EntryId::from(head.last.unwrap_or_default()) != last {
            return Err(io::Error::new(ErrorKind::InvalidData, "the snapshot belongs to another group, cluster or index"));
        }
        Ok(())
    }

    fn name(&self, last: EntryId) -> String {
        format!("{}-{:020}-{}-{}.snap", self.group, last.index, last.term, last.node)
    }

    fn temporary(&self, last: EntryId, what: &str) -> PathBuf {
        self.dir.join(format!("{}-{:020}.{what}.tmp", self.group, last.index))
    }
}
