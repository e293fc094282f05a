//! Frames: the form of a snapshot. A frame is one byte of kind and then records of that kind, each a protobuf message
//! after its length. The first record is a header, the last a footer with the digest and the count of records.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use prost::Message;

use super::{CodecError, common, envelope, wire};
use crate::machine::Digest;
use crate::time::Timestamp;

/// A frame is handed over once it has this many bytes.
const FRAME_BYTES: usize = 192 * 1024;

/// The largest frame that a reader accepts. Records are at most 64 KiB, but for answers and orders of unusual size.
const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;

const HEADER: u8 = 1;
/// Kind of a remembered request.
pub const REMEMBERED: u8 = 2;
/// Kind of a piece of a blob.
pub const BLOB: u8 = 3;
const FOOTER: u8 = 15;

/// What the header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which machine wrote it: "catalog", "accounts", "seats".
    pub machine: &'static str,
    /// The stamp of the last applied entry.
    pub at: Timestamp,
    /// The bound on remembered requests.
    pub request_limit: u64,
}

/// Writes records into frames.
pub struct FrameWriter<'a> {
    sink: &'a mut dyn FnMut(&[u8]),
    frame: Vec<u8>,
    records: u64,
}

impl<'a> FrameWriter<'a> {
    /// Begins a snapshot.
    pub fn new(sink: &'a mut dyn FnMut(&[u8]), header: &Header) -> Self {
        let mut writer = Self { sink, frame: Vec::new(), records: 0 };
        writer.record(
            HEADER,
            &wire::SnapshotHeader {
                version: envelope::VERSION,
                machine: String::from(header.machine),
                at_us: header.at.0,
                request_limit: header.request_limit,
            },
        );
        writer
    }

    /// Writes a record of this kind.
    pub fn record<M: Message>(&mut self, kind: u8, message: &M) {
        if self.frame.first().is_some_and(|&open| open != kind) || self.frame.len() >= FRAME_BYTES {
            self.flush();
        }
        if self.frame.is_empty() {
            self.frame.push(kind);
        }
        let length = message.encoded_len();
        prost::encoding::encode_varint(length as u64, &mut self.frame);
        message.encode_raw(&mut self.frame);
        self.records += 1;
    }

    /// Ends the snapshot.
    pub fn finish(mut self, digest: Digest) {
        let records = self.records;
        self.record(FOOTER, &wire::SnapshotFooter { digest: Some(common::id(digest.0)), records });
        self.flush();
    }

    fn flush(&mut self) {
        if !self.frame.is_empty() {
            (self.sink)(&self.frame);
            self.frame.clear();
        }
    }
}

/// Reads the records of frames.
pub struct FrameReader<'a> {
    frames: &'a mut dyn Iterator<Item = Vec<u8>>,
    frame: Vec<u8>,
    place: usize,
    records: u64,
    footer: Option<Digest>,
}

impl<'a> FrameReader<'a> {
    /// Begins to read a snapshot of this machine.
    ///
    /// # Errors
    /// When it does not begin with a header, is of another version or of another machine.
    pub fn new(frames: &'a mut dyn Iterator<Item = Vec<u8>>, machine: &'static str) -> Result<(Self, Header), CodecError> {
        let mut reader = Self { frames, frame: Vec::new(), place: 0, records: 0, footer: None };
        let (kind, bytes) = reader.next_raw()?.ok_or_else(|| CodecError::broken("an empty snapshot"))?;
        if kind != HEADER {
            return Err(CodecError::broken("a snapshot without a header"));
        }
        let header: wire::SnapshotHeader = envelope::decode(bytes)?;
        if header.machine != machine {
            return Err(CodecError::Broken(format!("a snapshot of {:?}, not of {machine:?}", header.machine)));
        }
        Ok((reader, Header { machine, at: Timestamp(header.at_us), request_limit: header.request_limit }))
    }

    /// The next record and its kind; `None` after the footer.
    ///
    /// # Errors
    /// When a frame is cut off or follows the footer, or the footer is missing or counts otherwise.
    pub fn next_record(&mut self) -> Result<Option<(u8, &[u8])>, CodecError> {
        let before = self.records;
        let ended = self.footer.is_some();
        // Two steps, because the borrow of a returned record would otherwise last through the footer's branch.
        match self.advance()? {
            None if ended => Ok(None),
            None => Err(CodecError::broken("a snapshot without an end")),
            Some(_) if ended => Err(CodecError::broken("records after the end of a snapshot")),
            Some((FOOTER, start)) => {
                let footer: wire::SnapshotFooter = envelope::exact(&self.frame[start..self.place])?;
                if footer.records != before {
                    return Err(CodecError::Broken(format!("{before} records where {} were written", footer.records)));
                }
                self.footer = Some(Digest(common::read_id(footer.digest)?));
                match self.advance()? {
                    None => Ok(None),
                    Some(_) => Err(CodecError::broken("records after the end of a snapshot")),
                }
            }
            Some((HEADER, _)) => Err(CodecError::broken("a second header")),
            Some((kind, start)) => Ok(Some((kind, &self.frame[start..self.place]))),
        }
    }

    /// Compares the digest of what was rebuilt with the one that was written.
    ///
    /// # Errors
    /// When they differ or the end was not reached.
    pub fn finish(self, digest: Digest) -> Result<(), CodecError> {
        if self.footer == Some(digest) { Ok(()) } else { Err(CodecError::broken("the digest of the snapshot is another")) }
    }

    fn next_raw(&mut self) -> Result<Option<(u8, &[u8])>, CodecError> {
        Ok(self.advance()?.map(|(kind, start)| (kind, &self.frame[start..self.place])))
    }

    /// Moves to the next record: its kind and where it begins in the frame; it ends at `place`.
    fn advance(&mut self) -> Result<Option<(u8, usize)>, CodecError> {
        while self.place >= self.frame.len() {
            let Some(frame) = self.frames.next() else { return Ok(None) };
            if frame.len() < 2 || frame.len() > FRAME_BYTES_MAX {
                return Err(CodecError::Broken(format!("a frame of {} bytes", frame.len())));
            }
            self.frame = frame;
            self.place = 1;
        }
        let mut rest = &self.frame[self.place..];
        let whole = rest.len();
        let length = prost::encoding::decode_varint(&mut rest).map_err(|_| CodecError::broken("a record's length is cut off"))?;
        let start = self.place + (whole - rest.len());
        if length > rest.len() as u64 {
            return Err(CodecError::broken("a record is cut off"));
        }
        self.place = start + length as usize;
        self.records += 1;
        Ok(Some((self.frame[0], start)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const KIND: u8 = 16;

    fn write(count: u32) -> Vec<Vec<u8>> {
        let mut frames = vec![];
        let mut sink = |frame: &[u8]| frames.push(frame.to_vec());
        let header = Header { machine: "test", at: Timestamp(7), request_limit: 9 };
        let mut writer = FrameWriter::new(&mut sink, &header);
        for number in 0..count {
            writer.record(KIND, &wire::BlobChunk { offset: number, bytes: vec![1; 1000], ..Default::default() });
        }
        writer.finish(Digest(5));
        frames
    }

    fn read(frames: Vec<Vec<u8>>, digest: u128) -> Result<u32, CodecError> {
        let mut frames = frames.into_iter();
        let (mut reader, header) = FrameReader::new(&mut frames, "test")?;
        assert_eq!((header.at, header.request_limit), (Timestamp(7), 9));
        let mut numbers = vec![];
        while let Some((kind, bytes)) = reader.next_record()? {
            assert_eq!(kind, KIND);
            numbers.push(envelope::exact::<wire::BlobChunk>(bytes)?.offset);
        }
        reader.finish(Digest(digest))?;
        assert!(numbers.iter().copied().eq(0..numbers.len() as u32));
        Ok(numbers.len() as u32)
    }

    #[test]
    fn what_is_written_is_read_in_frames_of_bounded_size() {
        let frames = write(1000);
        assert!(frames.len() > 5 && frames.iter().all(|frame| frame.len() < 256 * 1024));
        assert_eq!(read(frames, 5), Ok(1000));
        assert_eq!(read(write(0), 5), Ok(0));
    }

    #[test]
    fn anything_missing_doubled_or_cut_is_noticed() {
        let frames = write(1000);
        for lost in 0..frames.len() {
            let mut rest = frames.clone();
            rest.remove(lost);
            assert!(read(rest, 5).is_err(), "frame {lost} lost");
            let mut doubled = frames.clone();
            doubled.insert(lost, frames[lost].clone());
            assert!(read(doubled, 5).is_err(), "frame {lost} doubled");
            let mut cut = frames.clone();
            cut[lost].pop();
            assert!(read(cut, 5).is_err(), "frame {lost} cut");
        }
        assert!(read(frames, 6).is_err());
        let mut other = write(1).into_iter();
        assert!(FrameReader::new(&mut other, "another").is_err());
    }
}
