//! What fuzzers call of the log: a frame as it stands in a segment, and the records of a body whose checksum was right.

use bytes::Bytes;

use super::format::{FrameBuilder, FrameKind, GroupCheckpoint, HEADER, Header, Record, entry_length, records as read_records};
use super::types::{Entry, EntryId, Vote};

/// A frame of segment 5: whether header and body are whole.
#[must_use]
pub fn frame(bytes: &[u8]) -> bool {
    let Some(header) = Header::decode(bytes) else { return false };
    assert!(header.frame_bytes() >= HEADER as u64);
    let body = bytes.get(HEADER..).and_then(|rest| rest.get(..header.body_bytes as usize));
    body.is_some_and(|body| header.matches(body) && records(body))
}

/// The records of a body, as somebody who knows the checksums may have written them.
#[must_use]
pub fn records(body: &[u8]) -> bool {
    let Some(found) = read_records(body) else { return false };
    for record in found {
        if let Record::Entries { count, start, .. } = record {
            let mut at = start;
            for _ in 0..count {
                let length = entry_length(body, at).expect("it was walked before");
                at += super::format::ENTRY_HEADER + length as usize;
            }
            assert!(at <= body.len());
        }
    }
    true
}

/// A real frame, and the body in it.
#[must_use]
pub fn frame_seed() -> (Vec<u8>, Vec<u8>) {
    let entries: Vec<Entry> =
        (7..10).map(|index| Entry { id: EntryId { term: 3, node: 2, index }, payload: Bytes::from(vec![1; index as usize]) }).collect();
    let id = EntryId { term: 3, node: 2, index: 6 };
    let mut builder = FrameBuilder::default();
    builder.start(5);
    builder.entries(1, &entries, false);
    builder.vote(2, Vote { term: 4, node: 1, committed: true });
    builder.truncate(1, 9);
    builder.purge(1, id);
    builder.committed(1, id);
    builder.checkpoint(3, &GroupCheckpoint { first: Some(1), purged: Some(id), last: Some(id), committed: Some(id), ..Default::default() });
    builder.drop_group(4);
    let whole = builder.finish(11, FrameKind::Records).to_vec();
    let length = Header::decode(&whole).expect("a whole frame").body_bytes as usize;
    // Without its padding, which nothing covers.
    let whole = whole[..HEADER + length].to_vec();
    let body = whole[HEADER..].to_vec();
    (whole, body)
}
