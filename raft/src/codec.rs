//! The bytes of log entries: one byte for the kind, then a protobuf message. The kind also names the version: a new layout gets a new kind.

use bytes::{BufMut, Bytes, BytesMut};
use openraft::EntryPayload;
use openraft::impls::EmptyNode;
use prost::Message;

use crate::log;
use crate::proto;
use crate::types::{Batch, LogId, Membership, RaftEntry, StoredMembership, entry_id, log_id};

/// An entry without content, written by every new leader.
const BLANK: u8 = 1;
/// A batch of commands.
const BATCH: u8 = 2;
/// A change of the membership.
const MEMBERSHIP: u8 = 3;

/// Bytes that are no entry of ours.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("unknown entry kind {0}")]
    Kind(u8),
    #[error("empty entry")]
    Empty,
    #[error("malformed entry: {0}")]
    Body(#[from] prost::DecodeError),
    #[error("malformed membership: {0}")]
    Membership(String),
}

impl From<CodecError> for std::io::Error {
    fn from(error: CodecError) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, error)
    }
}

/// Encodes commands under one time, copying each once.
pub fn encode_batch(at_us: u64, commands: Vec<Bytes>) -> Batch {
    let body = proto::BatchBody { at_us, commands };
    let mut bytes = BytesMut::with_capacity(1 + body.encoded_len());
    bytes.put_u8(BATCH);
    body.encode(&mut bytes).expect("the buffer grows as needed");
    Batch(bytes.freeze())
}

/// The time and the commands of a batch; the commands share its memory.
pub fn decode_batch(batch: &Batch) -> Result<(u64, Vec<Bytes>), CodecError> {
    let body = batch.0.slice(1..);
    let body = proto::BatchBody::decode(body)?;
    Ok((body.at_us, body.commands))
}

/// The time of an encoded entry, when it has one. Reads only its head.
pub fn time_of(payload: &[u8]) -> Option<u64> {
    const AT_US_TAG: u8 = 1 << 3 | 1;
    match payload {
        [BATCH, AT_US_TAG, rest @ ..] => rest.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes)),
        _ => None,
    }
}

/// The bytes of an entry as they go to disk and to peers.
pub fn payload_of(entry: RaftEntry) -> Bytes {
    match entry.payload {
        EntryPayload::Blank => Bytes::from_static(&[BLANK]),
        EntryPayload::Normal(batch) => batch.0,
        EntryPayload::Membership(membership) => {
            let mut bytes = vec![MEMBERSHIP];
            proto::Membership::from(&membership).encode(&mut bytes).expect("a vector grows as needed");
            bytes.into()
        }
    }
}

/// The entry with these bytes.
pub fn entry_of(id: LogId, payload: Bytes) -> Result<RaftEntry, CodecError> {
    let payload = match payload.first().copied() {
        Some(BLANK) => EntryPayload::Blank,
        Some(BATCH) => EntryPayload::Normal(Batch(payload)),
        Some(MEMBERSHIP) => EntryPayload::Membership(proto::Membership::decode(payload.slice(1..))?.try_into()?),
        Some(kind) => return Err(CodecError::Kind(kind)),
        None => return Err(CodecError::Empty),
    };
    Ok(RaftEntry { log_id: id, payload })
}

/// As the log wants it.
pub fn to_log(entry: RaftEntry) -> log::Entry {
    log::Entry { id: entry_id(&entry.log_id), payload: payload_of(entry) }
}

/// As openraft wants it.
pub fn from_log(entry: log::Entry) -> Result<RaftEntry, CodecError> {
    entry_of(log_id(entry.id), entry.payload)
}

/// As a peer wants it.
pub fn to_peer(entry: RaftEntry) -> proto::Entry {
    let id = entry_id(&entry.log_id);
    proto::Entry { term: id.term, node: id.node, index: id.index, payload: payload_of(entry) }
}

/// As a peer sent it.
pub fn from_peer(entry: proto::Entry) -> Result<RaftEntry, CodecError> {
    let id = log::EntryId { term: entry.term, node: entry.node, index: entry.index };
    entry_of(log_id(id), entry.payload)
}

impl From<&Membership> for proto::Membership {
    fn from(membership: &Membership) -> Self {
        let sets = membership.get_joint_config().iter();
        Self {
            voters: sets.map(|set| proto::NodeSet { nodes: set.iter().copied().collect() }).collect(),
            nodes: membership.nodes().map(|(node, _)| *node).collect(),
        }
    }
}

impl TryFrom<proto::Membership> for Membership {
    type Error = CodecError;

    fn try_from(membership: proto::Membership) -> Result<Self, CodecError> {
        if membership.voters.is_empty() {
            return Ok(Self::default());
        }
        let voters = membership.voters.into_iter().map(|set| set.nodes.into_iter().collect()).collect();
        let nodes = membership.nodes.into_iter().map(|node| (node, EmptyNode::new()));
        Self::new(voters, nodes.collect::<std::collections::BTreeMap<_, _>>()).map_err(|error| CodecError::Membership(error.to_string()))
    }
}

/// A membership with the place that it was written at.
pub fn stored_membership(membership: Option<proto::Membership>, at: Option<proto::LogId>) -> Result<StoredMembership, CodecError> {
    Ok(StoredMembership::new(at.map(LogId::from), membership.unwrap_or_default().try_into()?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn id(index: u64) -> LogId {
        log_id(log::EntryId { term: 3, node: 2, index })
    }

    #[test]
    fn a_batch_survives_the_way_through_log_and_wire() {
        let commands = vec![Bytes::from_static(b"one"), Bytes::new(), Bytes::from_static(b"three")];
        let batch = encode_batch(1_700_000_000_000_001, commands.clone());
        assert_eq!(time_of(&batch.0), Some(1_700_000_000_000_001));
        let entry = RaftEntry { log_id: id(7), payload: EntryPayload::Normal(batch) };
        let wired = from_peer(to_peer(from_log(to_log(entry)).unwrap())).unwrap();
        assert_eq!(wired.log_id, id(7));
        let EntryPayload::Normal(batch) = wired.payload else { panic!("not a batch") };
        assert_eq!(decode_batch(&batch).unwrap(), (1_700_000_000_000_001, commands));
    }

    #[test]
    fn a_joint_membership_survives() {
        let voters = vec![BTreeSet::from([1, 2, 3]), BTreeSet::from([1, 2])];
        let nodes = [1u64, 2, 3, 4].map(|node| (node, EmptyNode::new()));
        let membership = Membership::new(voters, std::collections::BTreeMap::from(nodes)).unwrap();
        let entry = RaftEntry { log_id: id(9), payload: EntryPayload::Membership(membership.clone()) };
        let back = from_log(to_log(entry)).unwrap();
        let EntryPayload::Membership(found) = back.payload else { panic!("not a membership") };
        assert_eq!(found, membership);
    }

    #[test]
    fn golden_bytes_stay_readable() {
        let golden = [2, 9, 8, 7, 0, 0, 0, 0, 0, 0, 18, 2, b'h', b'i', 18, 0];
        let entry = entry_of(id(1), Bytes::copy_from_slice(&golden)).unwrap();
        let EntryPayload::Normal(batch) = entry.payload else { panic!("not a batch") };
        assert_eq!(decode_batch(&batch).unwrap(), (0x0708, vec![Bytes::from_static(b"hi"), Bytes::new()]));
        assert_eq!(&encode_batch(0x0708, vec![Bytes::from_static(b"hi"), Bytes::new()]).0[..], &golden);
        assert_eq!(time_of(&golden), Some(0x0708));
    }

    #[test]
    fn foreign_bytes_are_refused() {
        assert_eq!(entry_of(id(1), Bytes::new()).err(), Some(CodecError::Empty));
        assert_eq!(entry_of(id(1), Bytes::from_static(&[99, 1])).err(), Some(CodecError::Kind(99)));
        assert!(entry_of(id(1), Bytes::from_static(&[MEMBERSHIP, 0xff])).is_err());
        assert!(decode_batch(&Batch(Bytes::from_static(&[BATCH, 0xff]))).is_err());
    }
}
