//! Writing and reading one snapshot file.

use std::io::{self, ErrorKind};

use crc32c::{crc32c, crc32c_append};
use prost::Message;

use crate::disk::DiskFile;
use crate::proto::SnapshotHead;

/// Starts every file; the last byte is the version of the format.
const MAGIC: [u8; 8] = *b"bxosnap\x01";
/// Stands where a frame's length would be and says that the footer follows.
const FOOTER_MARK: u32 = u32::MAX;
/// Mark, checksum of the rest, number of frames, checksum of all frames.
const FOOTER_BYTES: usize = 4 + 4 + 8 + 4;
/// A longer frame is damage, not data.
const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How much is written or read at once.
const BUFFER_BYTES: usize = 1024 * 1024;

/// Writes frames in order; nothing is valid before `finish`.
pub struct Writer<'a> {
    file: &'a dyn DiskFile,
    buffer: Vec<u8>,
    offset: u64,
    frames: u64,
    checksum: u32,
}

impl<'a> Writer<'a> {
    pub fn new(file: &'a dyn DiskFile, head: &SnapshotHead) -> io::Result<Self> {
        let mut writer = Self { file, buffer: Vec::with_capacity(BUFFER_BYTES), offset: 0, frames: 0, checksum: 0 };
        writer.buffer.extend_from_slice(&MAGIC);
        writer.frame(&head.encode_to_vec())?;
        Ok(writer)
    }

    pub fn frame(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > FRAME_BYTES_MAX {
            return Err(io::Error::new(ErrorKind::InvalidInput, "a snapshot frame is too long"));
        }
        self.checksum = crc32c_append(self.checksum, bytes);
        self.frames += 1;
        self.buffer.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.buffer.extend_from_slice(&crc32c(bytes).to_le_bytes());
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER_BYTES {
            self.write_out()?;
        }
        Ok(())
    }

    /// Writes the footer, syncs, and returns the size of the file.
    pub fn finish(mut self) -> io::Result<u64> {
        let mut rest = [0; 12];
        rest[..8].copy_from_slice(&self.frames.to_le_bytes());
        rest[8..].copy_from_slice(&self.checksum.to_le_bytes());
        self.buffer.extend_from_slice(&FOOTER_MARK.to_le_bytes());
        self.buffer.extend_from_slice(&crc32c(&rest).to_le_bytes());
        self.buffer.extend_from_slice(&rest);
        self.write_out()?;
        if !crate::planted::has("snapshot-not-synced") {
            self.file.sync_all()?;
        }
        Ok(self.offset)
    }

    fn write_out(&mut self) -> io::Result<()> {
        self.file.write_at(self.offset, &self.buffer)?;
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// Reads the machine's frames in order and checks every byte. The iterator ends after the footer, or after the first error.
pub struct Reader {
    file: std::sync::Arc<dyn DiskFile>,
    head: SnapshotHead,
    buffer: Vec<u8>,
    at: usize,
    offset: u64,
    frames: u64,
    checksum: u32,
    ended: bool,
}

impl Reader {
    pub fn open(file: std::sync::Arc<dyn DiskFile>) -> io::Result<Self> {
        let head = SnapshotHead::default();
        let mut reader = Self { file, head, buffer: Vec::new(), at: 0, offset: 0, frames: 0, checksum: 0, ended: false };
        if reader.take_bytes(MAGIC.len())? != MAGIC {
            return Err(damaged("not a snapshot, or of another version"));
        }
        let head = reader.read_frame()?.ok_or_else(|| damaged("the head is missing"))?;
        reader.head = SnapshotHead::decode(head.as_slice()).map_err(|_| damaged("the head is malformed"))?;
        Ok(reader)
    }

    pub fn head(&self) -> &SnapshotHead {
        &self.head
    }

    fn read_frame(&mut self) -> io::Result<Option<Vec<u8>>> {
        let length = self.take_u32()?;
        let expected = self.take_u32()?;
        if length == FOOTER_MARK {
            let rest = self.take_bytes(FOOTER_BYTES - 8)?;
            let mut end = [0; 12];
            end[..8].copy_from_slice(&self.frames.to_le_bytes());
            end[8..].copy_from_slice(&self.checksum.to_le_bytes());
            if rest != end || crc32c(&rest) != expected {
                return Err(damaged("the footer does not match the frames"));
            }
            return Ok(None);
        }
        if length as usize > FRAME_BYTES_MAX {
            return Err(damaged("a frame is too long"));
        }
        let bytes = self.take_bytes(length as usize)?;
        if crc32c(&bytes) != expected {
            return Err(damaged("a frame's checksum does not match"));
        }
        self.checksum = crc32c_append(self.checksum, &bytes);
        self.frames += 1;
        Ok(Some(bytes))
    }

    fn take_u32(&mut self) -> io::Result<u32> {
        let bytes = self.take_bytes(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn take_bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut taken = Vec::with_capacity(count.min(BUFFER_BYTES));
        while taken.len() < count {
            if self.at == self.buffer.len() {
                self.fill()?;
            }
            let piece = (count - taken.len()).min(self.buffer.len() - self.at);
            taken.extend_from_slice(&self.buffer[self.at..self.at + piece]);
            self.at += piece;
        }
        Ok(taken)
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.resize(BUFFER_BYTES, 0);
        let read = self.file.read_at(self.offset, &mut self.buffer)?;
        self.buffer.truncate(read);
        self.at = 0;
        self.offset += read as u64;
        if read == 0 { Err(damaged("the file ends early")) } else { Ok(()) }
    }
}

impl Iterator for Reader {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.read_frame().transpose();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

/// Reads the whole file and reports the first damage.
pub fn verify(file: std::sync::Arc<dyn DiskFile>) -> io::Result<SnapshotHead> {
    let mut reader = Reader::open(file)?;
    for frame in reader.by_ref() {
        frame?;
    }
    Ok(reader.head)
}

fn damaged(detail: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, detail)
}
