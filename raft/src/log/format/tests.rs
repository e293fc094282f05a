//! The encoding: what is written can be read, and the bytes of the first version stay as they are.

use bytes::Bytes;

use super::*;

fn id(term: u64, node: u64, index: u64) -> EntryId {
    EntryId { term, node, index }
}

fn vote() -> Vote {
    Vote { term: 6, node: 2, committed: true }
}

fn entries() -> Vec<Entry> {
    [b"ab".as_slice(), b"", b"c"]
        .into_iter()
        .zip(9..)
        .map(|(payload, index)| Entry { id: id(4, 1, index), payload: Bytes::from(payload) })
        .collect()
}

fn frame(segment: u64) -> Vec<u8> {
    let mut builder = FrameBuilder::default();
    builder.start(segment);
    builder.vote(1, vote());
    builder.entries(1, &entries(), false);
    builder.entries(2, &entries()[..1], true);
    builder.truncate(1, 8);
    builder.purge(1, id(4, 1, 7));
    builder.committed(1, id(4, 1, 11));
    builder.drop_group(3);
    builder.finish(77, FrameKind::Records).to_vec()
}

#[test]
fn records_come_back_as_they_were_written() {
    let frame = frame(5);
    let header = Header::decode(&frame).unwrap();
    let body = &frame[HEADER..HEADER + header.body_bytes as usize];
    assert_eq!((header.segment, header.sequence, header.kind, header.frame_bytes()), (5, 77, FrameKind::Records, frame.len() as u64));
    assert!(header.matches(body));
    let first = id(4, 1, 9);
    let expected = [
        Record::Vote { group: 1, vote: vote() },
        Record::Entries { group: 1, moved: false, first, count: 3, start: VOTE_RECORD + ENTRIES_HEADER },
        Record::Entries { group: 2, moved: true, first, count: 1, start: VOTE_RECORD + entries_bytes(&entries()) + ENTRIES_HEADER },
        Record::Truncate { group: 1, from: 8 },
        Record::Purge { group: 1, upto: id(4, 1, 7) },
        Record::Committed { group: 1, id: id(4, 1, 11) },
        Record::Drop { group: 3 },
    ];
    assert_eq!(records(body).unwrap(), expected);
    let sizes = VOTE_RECORD + entries_bytes(&entries()) + entries_bytes(&entries()[..1]) + TRUNCATE_RECORD + 2 * ID_RECORD + DROP_RECORD;
    assert_eq!(body.len(), sizes);
}

#[test]
fn checkpoints_come_back_as_they_were_written() {
    let (mut builder, mut expected) = (FrameBuilder::default(), Vec::new());
    builder.start(3);
    for bits in 0..32u32 {
        let bit = |at: u32| bits >> at & 1 == 1;
        let state = GroupCheckpoint {
            vote: bit(0).then(vote),
            first: bit(1).then_some(12),
            purged: bit(2).then(|| id(1, 2, 11)),
            last: bit(3).then(|| id(4, 5, 20)),
            committed: bit(4).then(|| id(3, 5, 19)),
        };
        builder.checkpoint(bits, &state);
        expected.push(Record::Checkpoint { group: bits, state });
    }
    let frame = builder.finish(1, FrameKind::Checkpoint);
    let header = Header::decode(frame).unwrap();
    let body = &frame[HEADER..HEADER + header.body_bytes as usize];
    assert_eq!(records(body).unwrap(), expected);
    let largest = 6 + 17 + 8 + 3 * 24;
    assert_eq!(CHECKPOINT_RECORD, largest);
}

#[test]
fn a_frame_of_another_segment_never_verifies() {
    let (five, six) = (frame(5), frame(6));
    let header = Header::decode(&five).unwrap();
    let body = HEADER..HEADER + header.body_bytes as usize;
    assert!(header.matches(&five[body.clone()]));
    assert!(!header.matches(&six[body.clone()]), "entries carry checksums of their segment");
    let empty = |segment| {
        let mut builder = FrameBuilder::default();
        builder.start(segment);
        builder.vote(1, vote());
        builder.finish(1, FrameKind::Records).to_vec()
    };
    let header = Header::decode(&empty(5)).unwrap();
    assert_ne!(header.body_crc, Header::decode(&empty(6)).unwrap().body_crc, "the same body has another checksum");
    assert_ne!(entry_crc(5, 1, 9, b"ab"), entry_crc(6, 1, 9, b"ab"));
    assert_ne!(entry_crc(5, 1, 9, b"ab"), entry_crc(5, 2, 9, b"ab"));
    assert_ne!(entry_crc(5, 1, 9, b"ab"), entry_crc(5, 1, 8, b"ab"));
}

#[test]
fn no_cut_or_changed_body_is_taken_for_records_beyond_its_end() {
    let frame = frame(5);
    let body = &frame[HEADER..HEADER + Header::decode(&frame).unwrap().body_bytes as usize];
    for end in 0..body.len() {
        assert!(records(&body[..end]).is_none_or(|found| found.len() < 7), "cut at {end}");
    }
    for at in 0..body.len() {
        for mask in [1, 0x80, 0xff] {
            let mut changed = body.to_vec();
            changed[at] ^= mask;
            drop(records(&changed));
        }
    }
}

#[test]
fn the_first_version_stays_readable() {
    let mut builder = FrameBuilder::default();
    builder.start(5);
    builder.vote(1, vote());
    builder.entries(1, &entries()[..1], false);
    let hex: String = builder.finish(77, FrameKind::Records).iter().map(|byte| format!("{byte:02x}")).collect();
    // Header, vote, entry, padding. The three checksums were computed by other means too.
    let golden = concat!(
        "42584c314500000005000000000000004d0000000000000002000000d97fd5b0384634f3",
        "03010000000600000000000000020000000000000001",
        "0101000000040000000000000001000000000000000900000000000000010000000a00000002000000b9cf96d16162",
        "0000000000000000000000000000000000000000000000",
    );
    assert_eq!(hex, golden);
}
