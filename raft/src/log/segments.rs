//! The files of the log: live segments by number, spares that are ready to become one, and segments that wait to be recycled.
//!
//! A name is synced before its file is used: a spare is a whole, synced file before it gets its name, and a segment is written to only
//! after `sync_names`. Segments are retired from the oldest on, one at a time, so that a crash never leaves a hole in the numbers.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::types::LogError;
use crate::disk::{Disk, DiskFile};

/// Zeros are written in pieces of this many bytes.
pub(super) const PIECE: usize = 1 << 20;
/// More spares than this are removed instead of kept.
const SPARES_MAX: usize = 2;

/// All files of a log.
pub(super) struct Segments {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    live: BTreeMap<u64, Segment>,
    spares: Vec<Spare>,
    spare_next: u64,
    retired: VecDeque<(u64, Segment)>,
}

/// An open segment.
#[derive(Clone)]
pub(super) struct Segment {
    pub file: Arc<dyn DiskFile>,
    /// Size of the file.
    pub bytes: u64,
}

struct Spare {
    path: PathBuf,
    segment: Segment,
}

impl Segments {
    /// No files yet.
    pub fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        Self { disk, dir: dir.to_owned(), inner: Mutex::default() }
    }

    /// Path of a segment.
    pub fn path(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{number:016x}.log"))
    }

    /// Finds what is in the directory, removes half-made files, and returns the segments by number.
    /// Nothing but the files' names is looked at.
    pub fn scan(&self, spare_bytes: u64) -> Result<BTreeMap<u64, Segment>, LogError> {
        let names = self.disk.list(&self.dir).map_err(|error| LogError::io("list", &self.dir, error))?;
        let mut inner = self.inner.lock();
        for name in names {
            let path = self.dir.join(&name);
            if name.ends_with(".tmp") {
                self.disk.remove(&path).map_err(|error| LogError::io("remove", &path, error))?;
            } else if let Some(number) = number(&name, "spare-") {
                let segment = self.open(&path)?;
                inner.spare_next = inner.spare_next.max(number + 1);
                if segment.bytes == spare_bytes && inner.spares.len() < SPARES_MAX {
                    inner.spares.push(Spare { path, segment });
                } else {
                    self.disk.remove(&path).map_err(|error| LogError::io("remove", &path, error))?;
                }
            } else if let Some(number) = number(&name, "") {
                let segment = self.open(&path)?;
                inner.live.insert(number, segment);
            }
        }
        Ok(inner.live.clone())
    }

    /// The live segments of a directory that is only looked at: nothing is removed.
    pub fn look(&self) -> Result<BTreeMap<u64, Segment>, LogError> {
        let names = self.disk.list(&self.dir).map_err(|error| LogError::io("list", &self.dir, error))?;
        let live: Result<BTreeMap<u64, Segment>, LogError> =
            names.iter().filter_map(|name| number(name, "")).map(|number| Ok((number, self.open(&self.path(number))?))).collect();
        let live = live?;
        self.inner.lock().live.clone_from(&live);
        Ok(live)
    }

    fn open(&self, path: &Path) -> Result<Segment, LogError> {
        let file: Arc<dyn DiskFile> = Arc::from(self.disk.open(path).map_err(|error| LogError::io("open", path, error))?);
        let bytes = file.size().map_err(|error| LogError::io("measure", path, error))?;
        Ok(Segment { file, bytes })
    }

    /// The segment of this number, if it is still live.
    pub fn get(&self, number: u64) -> Option<Segment> {
        self.inner.lock().live.get(&number).cloned()
    }

    /// Number of the oldest live segment.
    pub fn oldest(&self) -> Option<u64> {
        self.inner.lock().live.keys().next().copied()
    }

    /// Live segments, their bytes, and spares.
    pub fn totals(&self) -> (u64, u64, u64) {
        let inner = self.inner.lock();
        (inner.live.len() as u64, inner.live.values().map(|segment| segment.bytes).sum(), inner.spares.len() as u64)
    }

    /// Removes a segment in which nothing was ever durable, the name too.
    pub fn discard(&self, number: u64) -> Result<(), LogError> {
        let path = self.path(number);
        self.inner.lock().live.remove(&number);
        self.disk.remove(&path).map_err(|error| LogError::io("remove", &path, error))?;
        self.sync_names()
    }

    /// Makes a segment of this number live: a spare of at least `bytes_min`, else a short file of `short_bytes` (or `bytes_min`) made
    /// on the spot. Its name is durable only after `sync_names`.
    pub fn start(&self, number: u64, bytes_min: u64, short_bytes: u64) -> Result<Segment, LogError> {
        let path = self.path(number);
        while let Some(spare) = self.take_spare(bytes_min) {
            match self.disk.rename(&spare.path, &path) {
                Ok(()) => return Ok(self.add(number, spare.segment)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    tracing::warn!(spare = %spare.path.display(), "a spare segment is gone")
                }
                Err(error) => {
                    let source = LogError::io("rename", &spare.path, error);
                    self.inner.lock().spares.push(spare);
                    return Err(source);
                }
            }
        }
        let mut making = self.make(short_bytes.max(bytes_min.next_multiple_of(4096)))?;
        while !making.step()? {}
        let segment = making.finish(&path)?;
        Ok(self.add(number, segment))
    }

    fn take_spare(&self, bytes_min: u64) -> Option<Spare> {
        let mut inner = self.inner.lock();
        let at = inner.spares.iter().position(|spare| spare.segment.bytes >= bytes_min)?;
        Some(inner.spares.remove(at))
    }

    fn add(&self, number: u64, segment: Segment) -> Segment {
        self.inner.lock().live.insert(number, segment.clone());
        segment
    }

    /// Makes all names durable.
    pub fn sync_names(&self) -> Result<(), LogError> {
        self.disk.sync_dir(&self.dir).map_err(|error| LogError::io("sync", &self.dir, error))
    }

    /// Takes the oldest segment out of the log. Its file waits for `recycle`.
    pub fn retire(&self, number: u64) {
        let mut inner = self.inner.lock();
        assert_eq!(inner.live.keys().next(), Some(&number), "only the oldest segment is retired");
        if let Some(segment) = inner.live.remove(&number) {
            inner.retired.push_back((number, segment));
        }
    }

    /// Turns one retired segment into a spare, or removes it when it is of another size or there are enough. False when there is none.
    pub fn recycle(&self, spare_bytes: u64) -> Result<bool, LogError> {
        let (number, segment, keep, spare_path) = {
            let mut inner = self.inner.lock();
            let Some((number, segment)) = inner.retired.front().cloned() else { return Ok(false) };
            let keep = segment.bytes == spare_bytes && inner.spares.len() < SPARES_MAX;
            let spare_path = self.spare_path(&mut inner);
            (number, segment, keep, spare_path)
        };
        let path = self.path(number);
        let act = if keep { self.disk.rename(&path, &spare_path) } else { self.disk.remove(&path) };
        match act {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(LogError::io("recycle", &path, error)),
            _ => {}
        }
        self.sync_names()?;
        let mut inner = self.inner.lock();
        inner.retired.pop_front();
        if keep {
            inner.spares.push(Spare { path: spare_path, segment });
        }
        Ok(true)
    }

    fn spare_path(&self, inner: &mut Inner) -> PathBuf {
        inner.spare_next += 1;
        self.dir.join(format!("spare-{:016x}.log", inner.spare_next - 1))
    }

    /// Starts to make a file of zeros.
    pub fn make(&self, bytes: u64) -> Result<Making, LogError> {
        let path = self.spare_path(&mut self.inner.lock()).with_extension("tmp");
        let file = self.disk.create(&path).map_err(|error| LogError::io("create", &path, error))?;
        Ok(Making { disk: Arc::clone(&self.disk), path, file: Some(file), written: 0, bytes })
    }

    /// Completes a file of zeros as a spare.
    pub fn add_spare(&self, making: Making) -> Result<(), LogError> {
        let path = making.path.with_extension("log");
        let segment = making.finish(&path)?;
        self.sync_names()?;
        self.inner.lock().spares.push(Spare { path, segment });
        Ok(())
    }
}

/// A file that is being filled with zeros. Dropped before it is finished, it is removed.
pub(super) struct Making {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Option<Box<dyn DiskFile>>,
    written: u64,
    bytes: u64,
}

impl Making {
    /// Writes the next piece; true when all are written. Every eighth piece is synced, so that the kernel never has much to write at once.
    pub fn step(&mut self) -> Result<bool, LogError> {
        let Some(file) = &self.file else { return Ok(true) };
        let piece = (self.bytes - self.written).min(PIECE as u64);
        file.write_at(self.written, &vec![0; piece as usize]).map_err(|error| LogError::io("write zeros to", &self.path, error))?;
        self.written += piece;
        if self.written.is_multiple_of(8 * PIECE as u64) {
            file.sync_data().map_err(|error| LogError::io("sync", &self.path, error))?;
        }
        Ok(self.written == self.bytes)
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    fn finish(mut self, path: &Path) -> Result<Segment, LogError> {
        let file = self.file.as_ref().expect("a file is finished once");
        file.sync_all().map_err(|error| LogError::io("sync", &self.path, error))?;
        self.disk.rename(&self.path, path).map_err(|error| LogError::io("rename", &self.path, error))?;
        let file = self.file.take().expect("a file is finished once");
        Ok(Segment { file: Arc::from(file), bytes: self.bytes })
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        if self.file.is_some()
            && let Err(error) = self.disk.remove(&self.path)
        {
            tracing::debug!(%error, path = %self.path.display(), "cannot remove a half-made segment; the next start does");
        }
    }
}

fn number(name: &str, prefix: &str) -> Option<u64> {
    let digits = name.strip_prefix(prefix)?.strip_suffix(".log")?;
    (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}
