//! The journal of one group: a chain of files, the oldest of which are dropped, and the marks of snapshots that they cover.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use boxoffice_ledger::change::ChangeId;
use boxoffice_ledger::codec::change::JournalRow;
use boxoffice_ledger::time::Timestamp;
use parking_lot::Mutex;

use super::Batch;
use super::segment::{Reader, Segment};

/// A change's number that stands for the end of its entry.
pub const WHOLE: u32 = u32::MAX;

/// Files of a journal that is full.
const SEGMENTS: u64 = 8;
/// Marks that are kept: those of the snapshots that a node may start from, and some more.
const MARKS: usize = 8;

/// Some of what was asked for is not here any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("gone")]
pub struct Gone {
    /// The place before the oldest change that is here; `None` when nothing is.
    pub oldest: Option<ChangeId>,
}

/// See the module.
pub struct Shelf {
    dir: PathBuf,
    keep_bytes: u64,
    segments: VecDeque<Segment>,
    /// Everything after this index is here. `None` after a restore: nothing is, and where it begins is not known before the next entry.
    from: Option<u64>,
    /// Digests of states, and the index of the last row before each.
    marks: VecDeque<(u128, u64)>,
}

impl Shelf {
    /// Opens the journal in a directory, or an empty one that begins with the group.
    pub fn open(dir: &Path, keep_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let mut names: Vec<(u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            if let (Ok(from), true) = (stem.parse(), path.extension().is_some_and(|kind| kind == "seg")) {
                names.push((from, path));
            }
        }
        names.sort();
        let mut segments = VecDeque::new();
        let last = names.pop();
        for (place, (from, path)) in names.iter().enumerate() {
            let next = names.get(place + 1).or(last.as_ref()).map_or(*from, |(next, _)| *next);
            segments.push_back(Segment::open(path.clone(), *from, next)?);
        }
        if let Some((from, path)) = last {
            segments.push_back(Segment::open_last(path, from)?);
        }
        let from = Some(segments.front().map_or(0, |segment| segment.from));
        let mut shelf = Self { dir: dir.into(), keep_bytes, segments, from, marks: VecDeque::new() };
        shelf.read_marks();
        Ok(shelf)
    }

    /// Everything after this index is here.
    pub fn from(&self) -> Option<u64> {
        self.from
    }

    /// Index of the last row, or where the journal begins.
    pub fn tip(&self) -> u64 {
        self.segments.back().map_or(self.from.unwrap_or(0), |segment| segment.last)
    }

    /// Appends rows; those that are here already (a group replays its log after a start) change nothing. After a failure the
    /// journal begins anew with the next row.
    pub fn append(&mut self, rows: &[JournalRow]) {
        let known = if self.from.is_some() { self.tip() } else { 0 };
        let rows = &rows[rows.partition_point(|row| row.index <= known)..];
        let Some(first) = rows.first() else { return };
        if let Err(error) = self.try_append(first.index, rows) {
            tracing::error!(%error, dir = %self.dir.display(), "the change journal cannot be written: it begins anew");
            self.clear();
        }
    }

    fn try_append(&mut self, first: u64, rows: &[JournalRow]) -> io::Result<()> {
        let from = *self.from.get_or_insert(first.saturating_sub(1));
        let full = self.segments.back().is_none_or(|segment| segment.bytes >= self.keep_bytes / SEGMENTS);
        if full {
            if let Some(done) = self.segments.back() {
                done.file.sync_data()?;
            }
            let from = self.segments.back().map_or(from, |segment| segment.last);
            self.segments.push_back(Segment::create(self.dir.join(format!("{from:020}.seg")), from)?);
            while self.segments.len() > 1 && self.segments.iter().map(|segment| segment.bytes).sum::<u64>() > self.keep_bytes {
                self.drop_oldest()?;
            }
        }
        match self.segments.back_mut() {
            Some(segment) => segment.append(rows),
            None => Ok(()),
        }
    }

    fn drop_oldest(&mut self) -> io::Result<()> {
        if let Some(oldest) = self.segments.pop_front() {
            self.from = Some(self.segments.front().map_or(oldest.last, |next| next.from));
            fs::remove_file(&oldest.path)?;
        }
        Ok(())
    }

    /// Throws everything away; where the journal begins is for the next row to say.
    pub fn clear(&mut self) {
        for segment in self.segments.drain(..) {
            if let Err(error) = fs::remove_file(&segment.path) {
                tracing::warn!(%error, path = %segment.path.display(), "a file of the change journal cannot be removed");
            }
        }
        self.from = None;
        self.marks.clear();
        let _ = fs::remove_file(self.dir.join("marks"));
    }

    /// Where a journal begins that was thrown away.
    pub fn begin(&mut self, after: u64) {
        self.from.get_or_insert(after);
    }

    /// Whether the state with this digest has all its changes here or before.
    pub fn covers(&self, digest: u128) -> bool {
        self.from.is_some() && self.marks.iter().any(|(known, _)| *known == digest)
    }

    /// Makes all rows durable, and notes that the state with this digest is covered by them.
    pub fn mark(&mut self, digest: u128) -> io::Result<()> {
        if self.from.is_none() {
            return Ok(());
        }
        if let Some(segment) = self.segments.back() {
            segment.file.sync_data()?;
        }
        self.marks.push_back((digest, self.tip()));
        while self.marks.len() > MARKS {
            self.marks.pop_front();
        }
        let mut file = Segment::create(self.dir.join("marks.new"), 0)?;
        for (digest, index) in &self.marks {
            file.append(&[JournalRow { index: *index, at: Timestamp(0), changes: Vec::new(), digest: Some(*digest) }])?;
        }
        file.file.sync_data()?;
        fs::rename(&file.path, self.dir.join("marks"))?;
        File::open(&self.dir)?.sync_all()
    }

    /// Marks that end after the last row are of a journal that lost its end: they cover nothing.
    fn read_marks(&mut self) {
        let Ok(file) = File::open(self.dir.join("marks")) else { return };
        let bytes = file.metadata().map_or(0, |known| known.len());
        let mut reader = Reader::new(Arc::new(file), 0, bytes);
        while let Ok(Some(found)) = reader.next() {
            if let Some(digest) = found.row.digest.filter(|_| found.row.index <= self.tip()) {
                self.marks.push_back((digest, found.row.index));
            }
        }
    }

    fn gone(&self, group: u32) -> Gone {
        Gone { oldest: self.from.map(|from| ChangeId { group, index: from, number: if from == 0 { 0 } else { WHOLE } }) }
    }

    /// Where to read on after a place; nothing if that is the end.
    fn find(&mut self, after: ChangeId, applied: u64) -> Result<Vec<Part>, Gone> {
        let here = match self.from {
            Some(0) => true,
            Some(from) => after.index > from || (after.index == from && after.number == WHOLE),
            // Nothing happened since the restore, so only who had seen everything missed nothing.
            None => after.index >= applied,
        };
        if !here {
            return Err(self.gone(after.group));
        }
        let wanted = self.segments.iter().filter(|segment| segment.last >= after.index && segment.bytes > 0);
        Ok(wanted
            .map(|segment| Part {
                from: segment.from,
                reader: Reader::new(
                    Arc::clone(&segment.file),
                    segment.hints.range(..after.index).next_back().map_or(0, |(_, offset)| *offset),
                    segment.bytes,
                ),
            })
            .collect())
    }
}

/// A file to be read, and from where.
struct Part {
    from: u64,
    reader: Reader,
}

/// Reads what comes after a place, up to about `bytes_max`. The shelf is locked only to look things up.
pub fn read(shelf: &Mutex<Shelf>, after: ChangeId, applied: u64, bytes_max: usize) -> Result<Batch, Gone> {
    let parts = shelf.lock().find(after, applied)?;
    let mut batch = Batch { rows: Vec::new(), is_end: true };
    let mut bytes = 0;
    for mut part in parts {
        let mut before = None;
        loop {
            let found = match part.reader.next() {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(%error, group = after.group, "the change journal cannot be read: what it held up to here is gone");
                    return Err(forget(shelf, after.group, part.from));
                }
            };
            let (index, mut row) = (found.row.index, found.row);
            if index == after.index {
                row.changes.retain(|(number, _)| *number > after.number);
            }
            if index >= after.index && !row.changes.is_empty() {
                batch.rows.push(row);
                bytes += (found.ends - found.begins) as usize;
            }
            if bytes >= bytes_max {
                let mut shelf = shelf.lock();
                if let (Some(before), Some(segment)) = (before, shelf.segments.iter_mut().find(|known| known.from == part.from)) {
                    segment.hint(before, found.begins);
                }
                batch.is_end = false;
                return Ok(batch);
            }
            before = Some(index);
        }
    }
    Ok(batch)
}

/// Drops a damaged file and those before it.
fn forget(shelf: &Mutex<Shelf>, group: u32, from: u64) -> Gone {
    let mut shelf = shelf.lock();
    while shelf.segments.front().is_some_and(|segment| segment.from <= from) {
        if shelf.segments.len() == 1 {
            shelf.clear();
        } else if let Err(error) = shelf.drop_oldest() {
            tracing::warn!(%error, "a damaged file of the change journal cannot be removed");
        }
    }
    shelf.gone(group)
}
