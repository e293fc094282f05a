//! The bytes of the log: frames and the records in them. Pure encoding and decoding, no I/O.
//!
//! ```text
//! segment  = frame*                 each frame starts at a multiple of 64 bytes; the first one is a checkpoint, the last one a seal
//! frame    = header body padding
//! header   = magic u32 | body length u32 | segment u64 | sequence u64 | kind u32 | body crc u32 | crc of these 32 bytes u32
//! body     = record*                the crc is seeded with segment and sequence
//! record   = kind u8 | group u32 | ...
//!   1 entries, 2 moved entries      term u64 | node u64 | first index u64 | count u32 | bytes u32 | (length u32 | crc u32 | payload)*
//!   3 vote                          term u64 | node u64 | committed u8
//!   4 truncate                      first index removed u64
//!   5 purge, 6 committed            term u64 | node u64 | index u64
//!   7 drop
//!   8 checkpoint of a group         bits u8 | vote (1), first live index u64 (2), purged (4), last (8), committed (16)
//!                                   those whose bit is set
//! ```
//! All integers little endian, all checksums crc32c. The crc of an entry is seeded with segment, group and index. Sequence numbers are
//! dense over all segments. Since every checksum depends on the segment number, the old bytes of a recycled segment never verify.

use super::types::{Entry, EntryId, Vote};

/// Frames start at multiples of this many bytes.
pub(super) const ALIGN: u64 = 64;
/// Bytes of a frame header.
pub(super) const HEADER: usize = 36;
/// Bytes before the payload of each entry in a record of entries.
pub(super) const ENTRY_HEADER: usize = 8;
/// Bytes of a record of entries before the first entry.
pub(super) const ENTRIES_HEADER: usize = 5 + 24 + 8;
/// Bytes of a vote record.
pub(super) const VOTE_RECORD: usize = 5 + 17;
/// Bytes of a truncate record.
pub(super) const TRUNCATE_RECORD: usize = 5 + 8;
/// Bytes of a purge or committed record.
pub(super) const ID_RECORD: usize = 5 + 24;
/// Bytes of a drop record.
pub(super) const DROP_RECORD: usize = 5;
/// Most bytes of the checkpoint of one group.
pub(super) const CHECKPOINT_RECORD: usize = 6 + 17 + 8 + 3 * 24;

const MAGIC: u32 = u32::from_le_bytes(*b"BXL1");

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// The state of all groups, first in each segment.
    Checkpoint = 1,
    /// Records as they came; empty ones mark that the log was opened or closed.
    Records = 2,
    /// The log goes on in the next segment, whose name is durable. Empty, last in its segment.
    Seal = 3,
}

/// A frame header whose checksum was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub segment: u64,
    pub sequence: u64,
    pub kind: FrameKind,
    pub body_bytes: u32,
    body_crc: u32,
}

impl Header {
    /// Reads a header; `None` when these bytes are not one.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER] = bytes.get(..HEADER)?.try_into().ok()?;
        let mut reader = Reader { bytes, at: 0 };
        if reader.u32()? != MAGIC || crc32c::crc32c(&bytes[..HEADER - 4]) != u32::from_le_bytes(bytes[HEADER - 4..].try_into().ok()?) {
            return None;
        }
        let body_bytes = reader.u32()?;
        let (segment, sequence) = (reader.u64()?, reader.u64()?);
        let kind = match reader.u32()? {
            1 => FrameKind::Checkpoint,
            2 => FrameKind::Records,
            3 => FrameKind::Seal,
            _ => return None,
        };
        Some(Self { segment, sequence, kind, body_bytes, body_crc: reader.u32()? })
    }

    /// Whether these are the bytes that were written as this frame's body.
    pub fn matches(&self, body: &[u8]) -> bool {
        body.len() == self.body_bytes as usize && body_crc(self.segment, self.sequence, body) == self.body_crc
    }

    /// Bytes from this frame's start to the next one's.
    pub fn frame_bytes(&self) -> u64 {
        frame_bytes(self.body_bytes as usize)
    }
}

/// Bytes that a frame with such a body takes, padding included.
pub(super) fn frame_bytes(body: usize) -> u64 {
    ((HEADER + body) as u64).next_multiple_of(ALIGN)
}

/// Bytes that these entries take as one record.
pub(super) fn entries_bytes(entries: &[Entry]) -> usize {
    ENTRIES_HEADER + entries.iter().map(|entry| ENTRY_HEADER + entry.payload.len()).sum::<usize>()
}

/// Whether these bytes could start a frame: a quick look before `Header::decode`.
pub(super) fn may_be_header(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC.to_le_bytes())
}

fn body_crc(segment: u64, sequence: u64, body: &[u8]) -> u32 {
    let mut seed = [0; 16];
    seed[..8].copy_from_slice(&segment.to_le_bytes());
    seed[8..].copy_from_slice(&sequence.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&seed), body)
}

/// Checksum that stands before the payload of an entry.
pub(super) fn entry_crc(segment: u64, group: u32, index: u64, payload: &[u8]) -> u32 {
    let mut seed = [0; 20];
    seed[..8].copy_from_slice(&segment.to_le_bytes());
    seed[8..12].copy_from_slice(&group.to_le_bytes());
    seed[12..].copy_from_slice(&index.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&seed), payload)
}

/// State of a group at the start of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct GroupCheckpoint {
    pub vote: Option<Vote>,
    /// Index of the first live entry, when there is one.
    pub first: Option<u64>,
    pub purged: Option<EntryId>,
    /// The last entry, or `purged`.
    pub last: Option<EntryId>,
    pub committed: Option<EntryId>,
}

/// Builds one frame in a buffer that is used again for the next one.
#[derive(Default)]
pub(super) struct FrameBuilder {
    buffer: Vec<u8>,
    segment: u64,
}

impl FrameBuilder {
    /// Starts an empty frame of this segment.
    pub fn start(&mut self, segment: u64) {
        self.segment = segment;
        self.buffer.clear();
        self.buffer.resize(HEADER, 0);
    }

    /// Adds entries of one group, of one leader and term, without holes.
    pub fn entries(&mut self, group: u32, entries: &[Entry], moved: bool) {
        let first = entries[0].id;
        let bytes: usize = entries.iter().map(|entry| ENTRY_HEADER + entry.payload.len()).sum();
        self.begin(if moved { 2 } else { 1 }, group);
        self.id(first);
        self.u32(u32::try_from(entries.len()).expect("a frame holds fewer entries"));
        self.u32(u32::try_from(bytes).expect("a frame is smaller than 4 GiB"));
        for (index, entry) in (first.index..).zip(entries) {
            debug_assert_eq!((entry.id.index, entry.id.term, entry.id.node), (index, first.term, first.node));
            self.u32(u32::try_from(entry.payload.len()).expect("the size of an entry was checked"));
            self.u32(entry_crc(self.segment, group, index, &entry.payload));
            self.buffer.extend_from_slice(&entry.payload);
        }
    }

    /// Adds a vote.
    pub fn vote(&mut self, group: u32, vote: Vote) {
        self.begin(3, group);
        self.vote_fields(vote);
    }

    /// Adds the removal of all entries from this index on.
    pub fn truncate(&mut self, group: u32, from: u64) {
        self.begin(4, group);
        self.u64(from);
    }

    /// Adds a purge mark.
    pub fn purge(&mut self, group: u32, upto: EntryId) {
        self.begin(5, group);
        self.id(upto);
    }

    /// Adds a committed index.
    pub fn committed(&mut self, group: u32, id: EntryId) {
        self.begin(6, group);
        self.id(id);
    }

    /// Adds that the group is no more.
    pub fn drop_group(&mut self, group: u32) {
        self.begin(7, group);
    }

    /// Adds the state of a group to a checkpoint.
    pub fn checkpoint(&mut self, group: u32, state: &GroupCheckpoint) {
        self.begin(8, group);
        let ids = [state.purged, state.last, state.committed];
        let bits = u8::from(state.vote.is_some()) | u8::from(state.first.is_some()) << 1;
        let bits = ids.iter().enumerate().fold(bits, |bits, (at, id)| bits | u8::from(id.is_some()) << (at + 2));
        self.buffer.push(bits);
        if let Some(vote) = state.vote {
            self.vote_fields(vote);
        }
        if let Some(first) = state.first {
            self.u64(first);
        }
        ids.into_iter().flatten().for_each(|id| self.id(id));
    }

    /// Completes the frame and returns all its bytes, padding included.
    pub fn finish(&mut self, sequence: u64, kind: FrameKind) -> &[u8] {
        let body = self.buffer.len() - HEADER;
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(&MAGIC.to_le_bytes());
        header.extend_from_slice(&u32::try_from(body).expect("a frame is smaller than 4 GiB").to_le_bytes());
        header.extend_from_slice(&self.segment.to_le_bytes());
        header.extend_from_slice(&sequence.to_le_bytes());
        header.extend_from_slice(&(kind as u32).to_le_bytes());
        header.extend_from_slice(&body_crc(self.segment, sequence, &self.buffer[HEADER..]).to_le_bytes());
        let crc = crc32c::crc32c(&header);
        header.extend_from_slice(&crc.to_le_bytes());
        self.buffer[..HEADER].copy_from_slice(&header);
        let padded = usize::try_from(frame_bytes(body)).expect("a frame fits into memory");
        self.buffer.resize(padded, 0);
        &self.buffer
    }

    fn begin(&mut self, kind: u8, group: u32) {
        self.buffer.push(kind);
        self.u32(group);
    }

    fn vote_fields(&mut self, vote: Vote) {
        self.u64(vote.term);
        self.u64(vote.node);
        self.buffer.push(u8::from(vote.committed));
    }

    fn id(&mut self, id: EntryId) {
        self.u64(id.term);
        self.u64(id.node);
        self.u64(id.index);
    }

    fn u32(&mut self, value: u32) {
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }
}

/// One record of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// Entries, new or moved. `start` is where in the body the first entry's header is.
    Entries { group: u32, moved: bool, first: EntryId, count: u32, start: usize },
    /// A vote.
    Vote { group: u32, vote: Vote },
    /// All entries from this index on are removed.
    Truncate { group: u32, from: u64 },
    /// All entries up to this one are gone.
    Purge { group: u32, upto: EntryId },
    /// The group is committed up to this entry.
    Committed { group: u32, id: EntryId },
    /// The group is no more.
    Drop { group: u32 },
    /// State of a group at the start of the segment.
    Checkpoint { group: u32, state: GroupCheckpoint },
}

/// All records of a body whose checksum was right; `None` when they make no sense.
pub(super) fn records(body: &[u8]) -> Option<Vec<Record>> {
    let mut reader = Reader { bytes: body, at: 0 };
    let mut found = Vec::new();
    while reader.at < body.len() {
        found.push(record(&mut reader)?);
    }
    Some(found)
}

/// Payload length of the entry whose header starts at `at` in the body, already checked by `records`.
pub(super) fn entry_length(body: &[u8], at: usize) -> Option<u32> {
    Reader { bytes: body, at }.u32()
}

fn record(reader: &mut Reader<'_>) -> Option<Record> {
    let (kind, group) = (reader.u8()?, reader.u32()?);
    Some(match kind {
        1 | 2 => {
            let first = reader.id()?;
            let (count, bytes) = (reader.u32()?, reader.u32()? as usize);
            let start = reader.at;
            for _ in 0..count {
                let length = reader.u32()? as usize;
                reader.skip(4 + length)?;
            }
            if count == 0 || reader.at - start != bytes {
                return None;
            }
            Record::Entries { group, moved: kind == 2, first, count, start }
        }
        3 => Record::Vote { group, vote: reader.vote()? },
        4 => Record::Truncate { group, from: reader.u64()? },
        5 => Record::Purge { group, upto: reader.id()? },
        6 => Record::Committed { group, id: reader.id()? },
        7 => Record::Drop { group },
        8 => {
            let bits = reader.u8()?;
            let mut state = GroupCheckpoint::default();
            if bits & 1 != 0 {
                state.vote = Some(reader.vote()?);
            }
            if bits & 2 != 0 {
                state.first = Some(reader.u64()?);
            }
            for (bit, id) in [(4, &mut state.purged), (8, &mut state.last), (16, &mut state.committed)] {
                if bits & bit != 0 {
                    *id = Some(reader.id()?);
                }
            }
            Record::Checkpoint { group, state }
        }
        _ => return None,
    })
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let end = self.at.checked_add(N)?;
        let found = self.bytes.get(self.at..end)?.try_into().ok()?;
        self.at = end;
        Some(found)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|end| *end <= self.bytes.len())?;
        Some(())
    }

    fn u8(&mut self) -> Option<u8> {
        Some(self.take::<1>()?[0])
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take()?))
    }

    fn id(&mut self) -> Option<EntryId> {
        Some(EntryId { term: self.u64()?, node: self.u64()?, index: self.u64()? })
    }

    fn vote(&mut self) -> Option<Vote> {
        Some(Vote { term: self.u64()?, node: self.u64()?, committed: self.u8()? != 0 })
    }
}

#[cfg(test)]
mod tests;
