//! The store of plans: blobs that arrive in pieces, in order, under the hash of their content.
//!
//! A blob is decoded and checked when its last piece arrives; the plan and its index are kept with it. Uploads that
//! never finish are bounded: the one begun first gives way.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::codec::frame::{BLOB, FrameWriter};
use crate::codec::plan::decode_plan;
use crate::codec::{CodecError, common, envelope, wire};
use crate::command::BlobChunk;
use crate::cow::CowMap;
use crate::digest::{Accumulator, RecordHasher};
use crate::ids::PlanHash;
use crate::outcome::Rejection;
use crate::plan::PlanIndex;

/// The most bytes of a blob.
pub const BLOB_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// The most bytes of a piece.
pub const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// The most uploads under way at a time.
pub const UPLOADS_MAX: usize = 8;

const TAG_COMPLETE: u32 = 2;
const TAG_UPLOAD: u32 = 3;

#[derive(Clone, Debug)]
struct Blob {
    bytes: Arc<[u8]>,
    index: Arc<PlanIndex>,
    record_hash: u128,
}

#[derive(Clone, Debug)]
struct Upload {
    hash: PlanHash,
    total: u32,
    length: u32,
    pieces: Vec<Arc<[u8]>>,
}

impl Upload {
    fn record_hash(&self) -> u128 {
        RecordHasher::new(TAG_UPLOAD).bytes(&self.hash.0).u32(self.total).u32(self.length).finish()
    }
}

/// The blobs of one group.
#[derive(Clone, Debug, Default)]
pub struct Blobs {
    complete: CowMap<PlanHash, Blob>,
    /// In the order in which they began.
    uploads: Vec<Upload>,
    digest: Accumulator,
}

impl Blobs {
    /// The bytes of a complete blob.
    #[must_use]
    pub fn get(&self, hash: PlanHash) -> Option<Arc<[u8]>> {
        self.complete.get(&hash).map(|blob| Arc::clone(&blob.bytes))
    }

    /// The plan of a complete blob, with its index.
    #[must_use]
    pub fn plan(&self, hash: PlanHash) -> Option<&Arc<PlanIndex>> {
        self.complete.get(&hash).map(|blob| &blob.index)
    }

    /// How many blobs are complete.
    #[must_use]
    pub fn len(&self) -> usize {
        self.complete.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.complete.is_empty()
    }

    /// Stores a piece; answers whether its blob is complete now. A piece that is there already changes nothing.
    ///
    /// # Errors
    /// `Malformed` for sizes that cannot be or a blob that is not a sound plan (it is dropped), `WrongState` for a piece
    /// that comes before the one it follows.
    pub fn put(&mut self, chunk: &BlobChunk) -> Result<bool, Rejection> {
        check_sizes(chunk)?;
        if let Some(blob) = self.complete.get(&chunk.hash) {
            let same = blob.bytes.len() == chunk.total as usize;
            return if same { Ok(true) } else { Err(malformed("/total", "the blob has another length")) };
        }
        let place = self.upload_of(chunk)?;
        let upload = &mut self.uploads[place];
        let end = chunk.offset + chunk.bytes.len() as u32;
        if end <= upload.length {
            return Ok(false);
        }
        self.digest.remove(upload.record_hash());
        upload.pieces.push(Arc::from(&chunk.bytes[(upload.length - chunk.offset) as usize..]));
        upload.length = end;
        if end < upload.total {
            self.digest.add(upload.record_hash());
            return Ok(false);
        }
        let upload = self.uploads.remove(place);
        self.complete_upload(&upload).map(|()| true)
    }

    /// The position of the upload that a piece belongs to, begun with this piece if need be.
    fn upload_of(&mut self, chunk: &BlobChunk) -> Result<usize, Rejection> {
        let place = self.uploads.iter().position(|upload| upload.hash == chunk.hash);
        let length = place.map_or(0, |place| self.uploads[place].length);
        if chunk.offset > length {
            return Err(Rejection::WrongState { detail: format!("{length} bytes of the blob are here: go on from there") });
        }
        if let Some(place) = place {
            let same = self.uploads[place].total == chunk.total;
            return if same { Ok(place) } else { Err(malformed("/total", "the upload began with another length")) };
        }
        if self.uploads.len() == UPLOADS_MAX {
            let oldest = self.uploads.remove(0);
            self.digest.remove(oldest.record_hash());
        }
        let upload = Upload { hash: chunk.hash, total: chunk.total, length: 0, pieces: Vec::new() };
        self.digest.add(upload.record_hash());
        self.uploads.push(upload);
        Ok(self.uploads.len() - 1)
    }

    fn complete_upload(&mut self, upload: &Upload) -> Result<(), Rejection> {
        let bytes: Vec<u8> = upload.pieces.concat();
        let plan = decode_plan(&bytes).map_err(|error| malformed("/bytes", &error.to_string()))?;
        plan.validate().map_err(|problems| {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            malformed("/bytes", &format!("not a sound plan: {} problems, the first: {first}", problems.len()))
        })?;
        let index = Arc::new(PlanIndex::new(Arc::new(plan)));
        let record_hash = complete_hash(upload.hash, &bytes);
        self.digest.add(record_hash);
        self.complete.insert(upload.hash, Blob { bytes: Arc::from(bytes), index, record_hash });
        Ok(())
    }

    /// Its part of the state's digest.
    #[must_use]
    pub fn accumulator(&self) -> Accumulator {
        self.digest
    }

    /// The first thing that does not fit, in words; recomputes the digest.
    ///
    /// # Errors
    /// The description of what is broken.
    pub fn check_invariants(&self) -> Result<(), String> {
        let mut digest = Accumulator::default();
        for (hash, blob) in self.complete.sorted() {
            if blob.record_hash != complete_hash(*hash, &blob.bytes) {
                return Err(format!("the bytes of {hash} changed"));
            }
            digest.add(blob.record_hash);
        }
        for upload in &self.uploads {
            let length: usize = upload.pieces.iter().map(|piece| piece.len()).sum();
            if length != upload.length as usize || upload.length >= upload.total || self.complete.contains(&upload.hash) {
                return Err(format!("the upload of {} has {length} bytes of {}", upload.hash, upload.total));
            }
            digest.add(upload.record_hash());
        }
        if self.uploads.len() > UPLOADS_MAX {
            return Err(format!("{} uploads under way", self.uploads.len()));
        }
        if digest == self.digest { Ok(()) } else { Err(String::from("the digest of the blobs is another")) }
    }

    /// Writes all blobs: complete ones by hash, then uploads in order of age.
    pub(crate) fn write_snapshot(&self, writer: &mut FrameWriter<'_>) {
        for (hash, blob) in self.complete.sorted() {
            write_pieces(writer, *hash, blob.bytes.len() as u32, blob.bytes.chunks(CHUNK_BYTES_MAX));
        }
        for upload in &self.uploads {
            write_pieces(writer, upload.hash, upload.total, upload.pieces.iter().map(|piece| &**piece));
        }
    }

    /// Takes in one record of [`Blobs::write_snapshot`].
    ///
    /// # Errors
    /// When it does not decode or does not follow the one before.
    pub(crate) fn read_record(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let chunk = common::read_chunk(envelope::exact::<wire::BlobChunk>(bytes)?)?;
        self.put(&chunk).map(|_| ()).map_err(|rejection| CodecError::Broken(format!("a piece of a blob: {rejection:?}")))
    }
}

fn write_pieces<'a>(writer: &mut FrameWriter<'_>, hash: PlanHash, total: u32, pieces: impl Iterator<Item = &'a [u8]>) {
    let mut offset = 0;
    for piece in pieces {
        writer.record(BLOB, &wire::BlobChunk { hash: hash.0.to_vec(), total, offset, bytes: piece.to_vec() });
        offset += piece.len() as u32;
    }
}

fn complete_hash(hash: PlanHash, bytes: &[u8]) -> u128 {
    RecordHasher::new(TAG_COMPLETE).bytes(&hash.0).bytes(bytes).finish()
}

fn check_sizes(chunk: &BlobChunk) -> Result<(), Rejection> {
    if chunk.total == 0 || chunk.total > BLOB_BYTES_MAX {
        return Err(malformed("/total", "1 byte to 16 MiB are possible"));
    }
    if chunk.bytes.is_empty() || chunk.bytes.len() > CHUNK_BYTES_MAX {
        return Err(malformed("/bytes", "a piece has 1 byte to 64 KiB"));
    }
    if u64::from(chunk.offset) + chunk.bytes.len() as u64 > u64::from(chunk.total) {
        return Err(malformed("/offset", "the piece ends after the blob"));
    }
    Ok(())
}

fn malformed(pointer: &str, detail: &str) -> Rejection {
    Rejection::Malformed { pointer: pointer.into(), detail: detail.into() }
}

#[cfg(test)]
mod tests;
