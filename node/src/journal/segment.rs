//! One file of a journal: frames of rows, appended. A frame is its length (4 bytes), eight bytes of a hash, and the row.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use boxoffice_ledger::codec::change::{JournalRow, decode_row, encode_row};

/// Bytes before a row.
const HEAD: usize = 12;
/// The largest row; an entry does less.
const ROW_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes read at once.
const STRIDE: usize = 64 * 1024;
/// Bytes between hints, at least.
const APART: u64 = 16 * 1024;

/// See the module.
pub struct Segment {
    /// All rows in it are of later entries than this, and all of those that belong here are in it.
    pub from: u64,
    /// Index of its last row; `from` while it has none.
    pub last: u64,
    /// Where it is.
    pub path: PathBuf,
    /// Its bytes that are whole rows.
    pub bytes: u64,
    /// The open file.
    pub file: Arc<File>,
    /// Rows of entries after this index begin at this offset.
    pub hints: BTreeMap<u64, u64>,
}

/// A row of a file.
pub struct Found {
    /// The row.
    pub row: JournalRow,
    /// Where its frame begins.
    pub begins: u64,
    /// Where the next one does.
    pub ends: u64,
}

impl Segment {
    /// A new file for what comes after this index.
    pub fn create(path: PathBuf, from: u64) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        Ok(Self { from, last: from, path, bytes: 0, file: Arc::new(file), hints: BTreeMap::new() })
    }

    /// A file that is there and that another one follows; what it holds is checked when it is read.
    pub fn open(path: PathBuf, from: u64, next: u64) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(&path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { from, last: next, path, bytes, file: Arc::new(file), hints: BTreeMap::new() })
    }

    /// The last file: walks it, and cuts off what a crash left of a row.
    pub fn open_last(path: PathBuf, from: u64) -> io::Result<Self> {
        let mut segment = Self::open(path, from, from)?;
        let (mut reader, whole) = (Reader::new(Arc::clone(&segment.file), 0, segment.bytes), segment.bytes);
        segment.bytes = 0;
        while let Some(found) = reader.next().ok().flatten().filter(|found| found.row.index > segment.last) {
            segment.hint(segment.last, found.begins);
            (segment.last, segment.bytes) = (found.row.index, found.ends);
        }
        if segment.bytes < whole {
            segment.file.set_len(segment.bytes)?;
        }
        Ok(segment)
    }

    /// Appends rows with one write. If that fails, what was written of them is not part of the file.
    pub fn append(&mut self, rows: &[JournalRow]) -> io::Result<()> {
        let mut frames = Vec::new();
        let mut begins = Vec::with_capacity(rows.len());
        for row in rows {
            let body = encode_row(row);
            begins.push(self.bytes + frames.len() as u64);
            frames.extend_from_slice(&(body.len() as u32).to_le_bytes());
            frames.extend_from_slice(&check(&body));
            frames.extend_from_slice(&body);
        }
        self.file.write_all_at(&frames, self.bytes)?;
        for (row, begins) in rows.iter().zip(begins) {
            self.hint(self.last, begins);
            self.last = row.index;
        }
        self.bytes += frames.len() as u64;
        Ok(())
    }

    /// Notes where rows of later entries than this one begin.
    pub fn hint(&mut self, index: u64, offset: u64) {
        let near = self.hints.range(..=index).next_back().is_some_and(|(_, known)| offset < known + APART);
        if !near {
            self.hints.insert(index, offset);
        }
    }
}

/// Walks the rows of a file.
pub struct Reader {
    file: Arc<File>,
    /// Offset of the next byte of the file that is not in `buffer`, and where its rows end.
    next: u64,
    end: u64,
    buffer: Vec<u8>,
    at: usize,
}

impl Reader {
    /// From an offset where a row begins, up to `end`.
    pub fn new(file: Arc<File>, offset: u64, end: u64) -> Self {
        Self { file, next: offset, end, buffer: Vec::new(), at: 0 }
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read, or does not hold a row there.
    pub fn next(&mut self) -> io::Result<Option<Found>> {
        let begins = self.next - (self.buffer.len() - self.at) as u64;
        if begins >= self.end {
            return Ok(None);
        }
        self.need(HEAD)?;
        let head = &self.buffer[self.at..self.at + HEAD];
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if length > ROW_BYTES_MAX {
            return Err(damaged());
        }
        self.need(HEAD + length)?;
        let (head, body) = self.buffer[self.at..self.at + HEAD + length].split_at(HEAD);
        if check(body) != head[4..] {
            return Err(damaged());
        }
        let row = decode_row(body).map_err(|_| damaged())?;
        self.at += HEAD + length;
        Ok(Some(Found { row, begins, ends: begins + (HEAD + length) as u64 }))
    }

    /// Sees to it that so many bytes are in the buffer.
    fn need(&mut self, bytes: usize) -> io::Result<()> {
        let have = self.buffer.len() - self.at;
        if have >= bytes {
            return Ok(());
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        let left = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
        let more = (bytes - have).max(STRIDE).min(left);
        if have + more < bytes {
            return Err(damaged());
        }
        self.buffer.resize(have + more, 0);
        self.file.read_exact_at(&mut self.buffer[have..], self.next)?;
        self.next += more as u64;
        Ok(())
    }
}

fn check(body: &[u8]) -> [u8; 8] {
    let mut check = [0; 8];
    check.copy_from_slice(&blake3::hash(body).as_bytes()[..8]);
    check
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the journal is damaged")
}
