//! A simulated disk for tests: what was synced survives a crash, what was not is kept, lost or torn at random, under a seed.
//!
//! Each file is its durable bytes plus the ordered list of operations since the last sync; each directory likewise. On a power cut every
//! such operation is on its own kept, lost or (a write) torn at sectors of 512 bytes, so that later ones may survive earlier ones.
//! A failed sync drops the operations it should have written, as Linux does. Faults are injected by count, never by chance.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Disk, DiskFile};

/// What a disk writes at once or not at all, bytes.
const SECTOR: usize = 512;

/// A simulated disk. Clones are handles of the same disk, see [`SimDisk::fork`] for a copy.
#[derive(Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Default)]
struct State {
    files: BTreeMap<u64, File>,
    file_next: u64,
    names: BTreeMap<PathBuf, u64>,
    names_durable: BTreeMap<PathBuf, u64>,
    names_pending: Vec<NameOp>,
    dirs: BTreeSet<PathBuf>,
    locks: BTreeSet<PathBuf>,
    /// Grows with each crash; handles of an earlier one are dead.
    epoch: u64,
    down: bool,
    operations: u64,
    crash_at: Option<u64>,
    syncs: u64,
    fail_sync_at: Option<u64>,
    fail_writes: bool,
    capacity: Option<u64>,
}

#[derive(Clone, Default)]
struct File {
    live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<FileOp>,
}

#[derive(Clone)]
enum FileOp {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

#[derive(Clone)]
enum NameOp {
    Create { path: PathBuf, file: u64 },
    Rename { from: PathBuf, to: PathBuf, file: u64 },
    Remove { path: PathBuf, file: u64 },
}

impl SimDisk {
    /// An empty disk without faults and of unlimited size.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An independent copy of everything, pending operations and faults included.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self { state: Arc::new(Mutex::new(self.state.lock().clone())) }
    }

    /// Cuts the power: what was not synced is kept, lost or torn as `seed` says. All handles are dead, all calls fail until `restart`.
    pub fn crash(&self, seed: u64) {
        let mut random = Random(seed);
        let mut state = self.state.lock();
        for op in std::mem::take(&mut state.names_pending) {
            if random.below(2) == 0 {
                apply_name(&mut state.names_durable, &op);
            }
        }
        for file in state.files.values_mut() {
            for op in std::mem::take(&mut file.pending) {
                match random.below(3) {
                    0 => op.apply(&mut file.durable),
                    1 => {}
                    _ => op.tear(&mut file.durable, &mut random),
                }
            }
            file.live = file.durable.clone();
        }
        state.names = state.names_durable.clone();
        let named: BTreeSet<u64> = state.names.values().copied().collect();
        state.files.retain(|id, _| named.contains(id));
        state.stop();
    }

    /// Kills the process but not the machine: handles are dead, all calls fail until `restart`, unsynced bytes stay in the page cache.
    pub fn kill(&self) {
        self.state.lock().stop();
    }

    /// Lets the disk be used again after `crash` or `kill`; faults that were not met are forgotten.
    pub fn restart(&self) {
        let mut state = self.state.lock();
        state.down = false;
        state.crash_at = None;
        state.fail_sync_at = None;
        state.fail_writes = false;
    }

    /// The `n`-th changing operation from now on (counted from 1) fails, and all calls after it, until `crash` and `restart`.
    /// A write or name change that fails so may still reach the disk, a sync does not.
    pub fn crash_at(&self, n: u64) {
        let mut state = self.state.lock();
        state.crash_at = Some(state.operations + n);
    }

    /// Whether the operation given to `crash_at` was reached.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.state.lock().down
    }

    /// The `n`-th sync of a file from now on (counted from 1) fails with EIO and loses what it should have written.
    pub fn fail_sync_at(&self, n: u64) {
        let mut state = self.state.lock();
        state.fail_sync_at = Some(state.syncs + n);
    }

    /// Makes every write to a file fail with EIO, or stops that.
    pub fn fail_writes(&self, on: bool) {
        self.state.lock().fail_writes = on;
    }

    /// Sets the size of the disk in bytes of file content; `None` = unlimited. Only growing a file needs room.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state.lock().capacity = bytes;
    }

    /// Bytes of file content.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.state.lock().used()
    }

    /// Changing operations so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// Successful and failed syncs of files so far.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state.lock().syncs
    }

    /// Changes one byte of a file, durable and in the page cache, by exclusive or. False when there is no such byte.
    #[must_use]
    pub fn flip(&self, path: &Path, offset: u64, mask: u8) -> bool {
        let mut state = self.state.lock();
        let Some(file) = state.names.get(path).copied().and_then(|id| state.files.get_mut(&id)) else { return false };
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        for bytes in [&mut file.live, &mut file.durable] {
            match bytes.get_mut(at) {
                Some(byte) => *byte ^= mask,
                None => return false,
            }
        }
        true
    }

    /// What the file holds now, synced or not.
    #[must_use]
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state.lock();
        state.names.get(path).and_then(|id| state.files.get(id)).map(|file| file.live.clone())
    }

    fn change<T>(&self, act: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state.lock();
        state.alive(None)?;
        state.operations += 1;
        let result = act(&mut state);
        state.crash_if_due()?;
        result
    }
}

impl State {
    fn stop(&mut self) {
        self.epoch += 1;
        self.down = true;
        self.locks.clear();
    }

    fn alive(&self, epoch: Option<u64>) -> io::Result<()> {
        if self.down || epoch.is_some_and(|epoch| epoch != self.epoch) {
            return Err(io::Error::other("simulated crash"));
        }
        Ok(())
    }

    /// Whether the operation just counted is the one to crash at.
    fn due(&self) -> bool {
        self.crash_at == Some(self.operations)
    }

    fn crash_if_due(&mut self) -> io::Result<()> {
        if self.due() {
            self.down = true;
            return Err(io::Error::other("simulated crash"));
        }
        Ok(())
    }

    fn used(&self) -> u64 {
        self.names.values().filter_map(|file| self.files.get(file)).map(|file| file.live.len() as u64).sum()
    }

    fn lookup(&self, path: &Path) -> io::Result<u64> {
        self.names.get(path).copied().ok_or_else(|| io::Error::from(ErrorKind::NotFound))
    }

    fn rename_now(&mut self, op: NameOp) {
        apply_name(&mut self.names, &op);
        self.names_pending.push(op);
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let (file, epoch) = self.change(|state| {
            let file = state.file_next;
            state.file_next += 1;
            state.files.insert(file, File::default());
            state.rename_now(NameOp::Create { path: path.to_owned(), file });
            Ok((file, state.epoch))
        })?;
        Ok(Box::new(SimFile { disk: self.clone(), file, epoch }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let state = self.state.lock();
        state.alive(None)?;
        Ok(Box::new(SimFile { disk: self.clone(), file: state.lookup(path)?, epoch: state.epoch }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(|state| {
            let file = state.lookup(from)?;
            state.rename_now(NameOp::Rename { from: from.to_owned(), to: to.to_owned(), file });
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(|state| {
            let file = state.lookup(path)?;
            state.rename_now(NameOp::Remove { path: path.to_owned(), file });
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.change(|state| {
            if state.due() {
                return Ok(());
            }
            let (inside, outside): (Vec<_>, Vec<_>) =
                std::mem::take(&mut state.names_pending).into_iter().partition(|op| op.path().parent() == Some(dir));
            for op in &inside {
                apply_name(&mut state.names_durable, op);
            }
            state.names_pending = outside;
            Ok(())
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state.lock();
        state.alive(None)?;
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn exists(&self, path: &Path) -> bool {
        let state = self.state.lock();
        state.names.contains_key(path) || state.dirs.contains(path)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.change(|state| {
            state.dirs.extend(dir.ancestors().map(Path::to_owned));
            Ok(())
        })
    }

    fn free_bytes(&self, _dir: &Path) -> io::Result<u64> {
        let state = self.state.lock();
        state.alive(None)?;
        Ok(state.capacity.map_or(u64::MAX / 2, |capacity| capacity.saturating_sub(state.used())))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        let mut state = self.state.lock();
        state.alive(None)?;
        if !state.locks.insert(path.to_owned()) {
            return Err(io::Error::from(ErrorKind::WouldBlock));
        }
        Ok(Box::new(Lock { disk: self.clone(), path: path.to_owned(), epoch: state.epoch }))
    }
}

struct Lock {
    disk: SimDisk,
    path: PathBuf,
    epoch: u64,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut state = self.disk.state.lock();
        if state.epoch == self.epoch {
            state.locks.remove(&self.path);
        }
    }
}

struct SimFile {
    disk: SimDisk,
    file: u64,
    epoch: u64,
}

impl SimFile {
    fn change(&self, act: impl FnOnce(&mut State) -> io::Result<()>) -> io::Result<()> {
        self.disk.state.lock().alive(Some(self.epoch))?;
        self.disk.change(act)
    }

    fn sync(&self) -> io::Result<()> {
        self.change(|state| {
            if state.due() || crate::planted::has("skip-fsync") {
                return Ok(());
            }
            state.syncs += 1;
            let fails = state.fail_sync_at == Some(state.syncs);
            let file = state.files.entry(self.file).or_default();
            let pending = std::mem::take(&mut file.pending);
            if fails {
                return Err(io::Error::other("simulated EIO on sync"));
            }
            pending.iter().for_each(|op| op.apply(&mut file.durable));
            Ok(())
        })
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.state.lock();
        state.alive(Some(self.epoch))?;
        let live = state.files.get(&self.file).map_or(&[][..], |file| &file.live);
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(live.len());
        let count = buffer.len().min(live.len() - start);
        buffer[..count].copy_from_slice(&live[start..start + count]);
        Ok(count)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.change(|state| {
            if state.fail_writes {
                return Err(io::Error::other("simulated EIO on write"));
            }
            let offset = usize::try_from(offset).map_err(io::Error::other)?;
            let used = state.used();
            let room = state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(used));
            let file = state.files.entry(self.file).or_default();
            let end_max = file.live.len().saturating_add(usize::try_from(room).unwrap_or(usize::MAX));
            let fits = bytes.len().min(end_max.saturating_sub(offset));
            let op = FileOp::Write { offset, bytes: bytes[..fits].to_vec() };
            op.apply(&mut file.live);
            file.pending.push(op);
            if fits < bytes.len() { Err(io::Error::from(ErrorKind::StorageFull)) } else { Ok(()) }
        })
    }

    fn size(&self) -> io::Result<u64> {
        let state = self.disk.state.lock();
        state.alive(Some(self.epoch))?;
        Ok(state.files.get(&self.file).map_or(0, |file| file.live.len() as u64))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(|state| {
            let file = state.files.entry(self.file).or_default();
            let op = FileOp::SetLen(usize::try_from(len).map_err(io::Error::other)?);
            op.apply(&mut file.live);
            file.pending.push(op);
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }
}

impl FileOp {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                if bytes.is_empty() {
                    return;
                }
                if content.len() < offset + bytes.len() {
                    content.resize(offset + bytes.len(), 0);
                }
                content[*offset..offset + bytes.len()].copy_from_slice(bytes);
            }
            Self::SetLen(len) => content.resize(*len, 0),
        }
    }

    /// Applies a write sector by sector (of the file), each kept or lost at random; other operations whole or not at all.
    fn tear(&self, content: &mut Vec<u8>, random: &mut Random) {
        let Self::Write { offset, bytes } = self else {
            if random.below(2) == 0 {
                self.apply(content);
            }
            return;
        };
        let mut at = 0;
        while at < bytes.len() {
            let end = bytes.len().min(((offset + at) / SECTOR + 1) * SECTOR - offset);
            if random.below(2) == 0 {
                Self::Write { offset: offset + at, bytes: bytes[at..end].to_vec() }.apply(content);
            }
            at = end;
        }
    }
}

impl NameOp {
    fn path(&self) -> &Path {
        match self {
            Self::Create { path, .. } | Self::Remove { path, .. } => path,
            Self::Rename { to, .. } => to,
        }
    }
}

fn apply_name(names: &mut BTreeMap<PathBuf, u64>, op: &NameOp) {
    match op {
        NameOp::Create { path, file } => {
            names.insert(path.clone(), *file);
        }
        NameOp::Rename { from, to, file } => {
            if names.get(from) == Some(file) {
                names.remove(from);
            }
            names.insert(to.clone(), *file);
        }
        NameOp::Remove { path, file } => {
            if names.get(path) == Some(file) {
                names.remove(path);
            }
        }
    }
}

/// SplitMix64: small, seeded, good enough to choose faults.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[cfg(test)]
mod tests;
