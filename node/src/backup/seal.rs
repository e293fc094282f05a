//! An object of a backup: frames, compressed, and encrypted if there is a key. Written and read piece by piece.
//!
//! ```text
//! object  magic 8 | flags 1 (1 = encrypted) | salt 32 | chunk..
//! chunk   length 4, its highest bit set for the last one | a piece of the zstd stream, encrypted: with a tag of 16 bytes
//! stream  length 4 | frame | length 4 | frame ..
//! ```
//! All numbers are little endian. The key of an object follows from the backups' key and the salt, so that no two objects share one;
//! a chunk's nonce is its number and whether it is the last, so that none can be left out, moved or cut off; the object's name is
//! bound to each, so that none can stand for another.

use std::io::{self, BufReader, ErrorKind, Read, Write};

use bytes::Bytes;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Starts every object; the last byte is the version of the format.
const MAGIC: [u8; 8] = *b"bxoback\x01";
const ENCRYPTED: u8 = 1;
const SALT_BYTES: usize = 32;
const HEAD_BYTES: usize = MAGIC.len() + 1 + SALT_BYTES;
/// Bytes of the stream in a chunk.
const CHUNK_BYTES: usize = 256 * 1024;
const TAG_BYTES: usize = 16;
const LAST: u32 = 1 << 31;
/// A longer frame is damage, not data.
const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Fast, and good enough for what ledgers write.
const LEVEL: i32 = 1;

/// What backups are encrypted with.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// From the bytes of a key file.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn of_object(&self, salt: &[u8]) -> LessSafeKey {
        let mut hasher = blake3::Hasher::new_derive_key("boxoffice 2026-11 an object of a backup");
        hasher.update(&self.0).update(salt);
        let key = UnboundKey::new(&AES_256_GCM, hasher.finalize().as_bytes()).expect("32 bytes are a key of AES-256");
        LessSafeKey::new(key)
    }
}

fn nonce(number: u64, is_last: bool) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[0] = u8::from(is_last);
    bytes[4..].copy_from_slice(&number.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}

/// An object that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Its size.
    pub bytes: u64,
    /// BLAKE3 of its bytes.
    pub hash: [u8; 32],
}

/// Where the pieces of an object go.
pub type Sink<'a> = &'a mut dyn FnMut(Bytes) -> io::Result<()>;

/// Cuts a stream into chunks and encrypts them.
struct Sealer<'a> {
    sink: Sink<'a>,
    name: String,
    key: Option<LessSafeKey>,
    chunk: Vec<u8>,
    number: u64,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Sealer<'_> {
    fn put(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.hasher.update(&bytes);
        self.bytes += bytes.len() as u64;
        (self.sink)(bytes.into())
    }

    fn chunk(&mut self, is_last: bool) -> io::Result<()> {
        let mut body = std::mem::take(&mut self.chunk);
        if let Some(key) = &self.key {
            let sealed = key.seal_in_place_append_tag(nonce(self.number, is_last), Aad::from(self.name.as_bytes()), &mut body);
            sealed.map_err(|_| io::Error::other("a chunk could not be encrypted"))?;
        }
        self.number += 1;
        let length = body.len() as u32 | if is_last { LAST } else { 0 };
        self.put([&length.to_le_bytes()[..], &body].concat())
    }
}

impl Write for Sealer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.len() == CHUNK_BYTES {
            self.chunk(false)?;
        }
        let taken = bytes.len().min(CHUNK_BYTES - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the frames of one object.
pub struct ObjectWriter<'a> {
    stream: zstd::stream::write::Encoder<'static, Sealer<'a>>,
}

impl<'a> ObjectWriter<'a> {
    /// An object of this name.
    ///
    /// # Errors
    /// When there are no random bytes, or the sink refuses.
    pub fn new(name: &str, key: Option<&Key>, sink: Sink<'a>) -> io::Result<Self> {
        let mut salt = [0; SALT_BYTES];
        if key.is_some() {
            getrandom::fill(&mut salt).map_err(|_| io::Error::other("the operating system has no random bytes"))?;
        }
        let flags = if key.is_some() { ENCRYPTED } else { 0 };
        let key = key.map(|key| key.of_object(&salt));
        let mut sealer = Sealer { sink, name: name.to_owned(), key, chunk: Vec::new(), number: 0, hasher: blake3::Hasher::new(), bytes: 0 };
        sealer.put([&MAGIC[..], &[flags], &salt].concat())?;
        let mut stream = zstd::stream::write::Encoder::new(sealer, LEVEL)?;
        stream.include_checksum(true)?;
        Ok(Self { stream })
    }

    /// Adds a frame.
    ///
    /// # Errors
    /// When it is too long, or the sink refuses.
    pub fn frame(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > FRAME_BYTES_MAX {
            return Err(io::Error::new(ErrorKind::InvalidInput, "a frame of a backup is too long"));
        }
        self.stream.write_all(&(bytes.len() as u32).to_le_bytes())?;
        self.stream.write_all(bytes)
    }

    /// Writes the end.
    ///
    /// # Errors
    /// When the sink refuses.
    pub fn finish(self) -> io::Result<Sealed> {
        let mut sealer = self.stream.finish()?;
        sealer.chunk(true)?;
        Ok(Sealed { bytes: sealer.bytes, hash: *sealer.hasher.finalize().as_bytes() })
    }
}

/// An object in memory with these frames.
///
/// # Errors
/// As [`ObjectWriter`] says.
pub fn object(name: &str, key: Option<&Key>, frames: impl IntoIterator<Item = Vec<u8>>) -> io::Result<(Bytes, Sealed)> {
    let mut bytes = Vec::new();
    let mut sink = |piece: Bytes| {
        bytes.extend_from_slice(&piece);
        Ok(())
    };
    let mut writer = ObjectWriter::new(name, key, &mut sink)?;
    frames.into_iter().try_for_each(|frame| writer.frame(&frame))?;
    let sealed = writer.finish()?;
    Ok((bytes.into(), sealed))
}

/// Gives the stream of an object; an error at the first chunk that is not as it was written.
struct Unsealer<'a> {
    rest: &'a [u8],
    name: String,
    key: Option<LessSafeKey>,
    chunk: Vec<u8>,
    at: usize,
    number: u64,
    ended: bool,
}

impl Unsealer<'_> {
    fn next_chunk(&mut self) -> io::Result<()> {
        let (length, rest) = self.rest.split_first_chunk::<4>().ok_or_else(|| damaged(&self.name, "it ends early"))?;
        let length = u32::from_le_bytes(*length);
        let (size, is_last) = ((length & !LAST) as usize, length & LAST != 0);
        if size > CHUNK_BYTES + TAG_BYTES || size > rest.len() {
            return Err(damaged(&self.name, "a chunk is longer than it can be"));
        }
        let (body, rest) = rest.split_at(size);
        self.chunk.clear();
        self.chunk.extend_from_slice(body);
        if let Some(key) = &self.key {
            let opened = key.open_in_place(nonce(self.number, is_last), Aad::from(self.name.as_bytes()), &mut self.chunk);
            let length = opened.map_err(|_| damaged(&self.name, "it was changed, or encrypted with another key"))?.len();
            self.chunk.truncate(length);
        }
        if is_last && !rest.is_empty() {
            return Err(damaged(&self.name, "something follows its end"));
        }
        (self.rest, self.at, self.ended) = (rest, 0, is_last);
        self.number += 1;
        Ok(())
    }
}

impl Read for Unsealer<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() && !self.ended {
            self.next_chunk()?;
        }
        let taken = into.len().min(self.chunk.len() - self.at);
        into[..taken].copy_from_slice(&self.chunk[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

/// Reads the frames of one object.
pub struct ObjectReader<'a> {
    name: String,
    stream: BufReader<zstd::stream::read::Decoder<'static, BufReader<Unsealer<'a>>>>,
    ended: bool,
}

impl<'a> ObjectReader<'a> {
    /// The object of this name, which has these bytes.
    ///
    /// # Errors
    /// When it is none, or a key is lacking or of no use.
    pub fn open(name: &str, bytes: &'a [u8], key: Option<&Key>) -> io::Result<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES).ok_or_else(|| damaged(name, "it ends early"))?;
        if head[..MAGIC.len()] != MAGIC {
            return Err(damaged(name, "it is no object of a backup, or of a later version"));
        }
        let key = match (head[MAGIC.len()], key) {
            (0, None) if head[MAGIC.len() + 1..] == [0; SALT_BYTES] => None,
            (ENCRYPTED, Some(key)) => Some(key.of_object(&head[MAGIC.len() + 1..])),
            (ENCRYPTED, None) => return Err(unreadable(name, "it is encrypted: name the key file")),
            (0, Some(_)) => return Err(unreadable(name, "it is not encrypted, although there is a key: somebody else wrote it")),
            _ => return Err(damaged(name, "it is of a later version")),
        };
        let unsealer = Unsealer { rest, name: name.to_owned(), key, chunk: Vec::new(), at: 0, number: 0, ended: false };
        let stream = BufReader::new(zstd::stream::read::Decoder::new(unsealer)?);
        Ok(Self { name: name.to_owned(), stream, ended: false })
    }

    fn read_frame(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut length = Vec::with_capacity(4);
        self.stream.by_ref().take(4).read_to_end(&mut length)?;
        let length = match <[u8; 4]>::try_from(length.as_slice()) {
            Ok(length) => u32::from_le_bytes(length) as usize,
            Err(_) if length.is_empty() => return Ok(None),
            Err(_) => return Err(damaged(&self.name, "a frame is cut off")),
        };
        if length > FRAME_BYTES_MAX {
            return Err(damaged(&self.name, "a frame is too long"));
        }
        let mut frame = Vec::new();
        self.stream.by_ref().take(length as u64).read_to_end(&mut frame)?;
        if frame.len() < length { Err(damaged(&self.name, "a frame is cut off")) } else { Ok(Some(frame)) }
    }
}

impl Iterator for ObjectReader<'_> {
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

fn damaged(name: &str, what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("{name} is damaged: {what}"))
}

fn unreadable(name: &str, what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, format!("{name} cannot be read: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> Vec<Vec<u8>> {
        let noise = |seed: u8| {
            let mut bytes = vec![0; 400_000];
            blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut bytes);
            bytes
        };
        vec![b"first".to_vec(), Vec::new(), noise(1), noise(2)]
    }

    fn read(name: &str, bytes: &[u8], key: Option<&Key>) -> io::Result<Vec<Vec<u8>>> {
        ObjectReader::open(name, bytes, key)?.collect()
    }

    #[test]
    fn frames_come_back_with_and_without_a_key() {
        let key = Key::new([9; 32]);
        for key in [None, Some(&key)] {
            let (bytes, sealed) = object("a/b", key, frames()).unwrap();
            assert_eq!((sealed.bytes, sealed.hash), (bytes.len() as u64, *blake3::hash(&bytes).as_bytes()));
            assert_eq!(read("a/b", &bytes, key).unwrap(), frames());
            let (empty, _) = object("a/b", key, []).unwrap();
            assert_eq!(read("a/b", &empty, key).unwrap(), Vec::<Vec<u8>>::new());
        }
        let (plain, _) = object("a/b", None, frames()).unwrap();
        let (sealed, _) = object("a/b", Some(&key), frames()).unwrap();
        assert!(!sealed.windows(5).any(|window| window == b"first"));
        assert_ne!(sealed, object("a/b", Some(&key), frames()).unwrap().0, "no two objects share a key");
        for (bytes, key) in [(&plain, Some(&key)), (&sealed, None), (&sealed, Some(&Key::new([8; 32])))] {
            assert!(read("a/b", bytes, key).is_err());
        }
        assert!(read("a/c", &sealed, Some(&key)).is_err(), "an object does not stand for another");
    }

    #[test]
    fn what_is_encrypted_cannot_be_changed_cut_or_put_together_anew() {
        let key = Key::new([9; 32]);
        let (sealed, _) = object("a", Some(&key), frames()).unwrap();
        let good = |bytes: &[u8]| read("a", bytes, Some(&key)).is_ok_and(|found| found == frames());
        assert!(good(&sealed));
        for place in (0..sealed.len()).step_by(997).chain([0, 8, 9, HEAD_BYTES, sealed.len() - 1]) {
            let mut flipped = sealed.to_vec();
            flipped[place] ^= 4;
            assert!(!good(&flipped), "a flipped bit at {place} goes unseen");
        }
        for end in (0..sealed.len()).step_by(1_009) {
            assert!(!good(&sealed[..end]), "an object that ends at {end} goes unseen");
        }
        assert!(!good(&[&sealed[..], b"x"].concat()));
        let first = HEAD_BYTES + 4 + CHUNK_BYTES + TAG_BYTES;
        let swapped = [&sealed[..HEAD_BYTES], &sealed[first..], &sealed[HEAD_BYTES..first]].concat();
        assert!(!good(&swapped) && !good(&[&sealed[..HEAD_BYTES], &sealed[first..]].concat()));
    }

    #[test]
    fn what_is_not_encrypted_is_found_cut_off_or_damaged() {
        let (plain, _) = object("a", None, frames()).unwrap();
        for place in (0..plain.len()).step_by(997).chain([0, 8, 9, HEAD_BYTES, plain.len() - 1]) {
            let mut flipped = plain.to_vec();
            flipped[place] ^= 4;
            // A bit that means nothing may be another.
            let is_wrong = read("a", &flipped, None).is_ok_and(|found| found != frames());
            assert!(!is_wrong, "a flipped bit at {place} goes unseen");
        }
        for end in (0..plain.len()).step_by(1_009) {
            assert!(read("a", &plain[..end], None).is_err(), "an object that ends at {end} goes unseen");
        }
    }
}
