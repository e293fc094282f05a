//! What fuzzers call: each function reads bytes that come from a disk or a peer, says whether they were accepted, and panics when
//! what was read is not what is written again. And real bytes to begin with.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;

use crate::book::Book;
use crate::codec;
use crate::disk::DiskFile;
use crate::log::fuzz::{frame, frame_seed, records};
use crate::proto::{self, reply, request};
use crate::snapshot::file;
use crate::types::{LogId, RaftVote};

pub use crate::log::fuzz::{frame as log_frame, records as log_records};

/// A file that is only in memory.
struct InMemory(Vec<u8>);

impl DiskFile for InMemory {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.0.get(offset..)).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A snapshot file: its frames, and what its head says.
#[must_use]
pub fn snapshot_file(bytes: &[u8]) -> bool {
    let Ok(head) = file::verify(Arc::new(InMemory(bytes.to_vec()))) else { return false };
    let again = proto::SnapshotHead::decode(head.encode_to_vec().as_slice()).expect("what is written can be read");
    assert_eq!(again, head);
    codec::stored_membership(head.membership, head.membership_at).is_ok()
}

/// The payload of an entry.
#[must_use]
pub fn log_entry(bytes: &[u8]) -> bool {
    let id = || LogId::from(proto::LogId { term: 3, node: 2, index: 7 });
    let _ = codec::time_of(bytes);
    let Ok(entry) = codec::entry_of(id(), Bytes::copy_from_slice(bytes)) else { return false };
    if let openraft::EntryPayload::Normal(batch) = &entry.payload {
        let Ok((at_us, commands)) = codec::decode_batch(batch) else { return false };
        let again = codec::encode_batch(at_us, commands.clone());
        assert_eq!(codec::decode_batch(&again), Ok((at_us, commands)));
        assert!(at_us == 0 || codec::time_of(&again.0) == Some(at_us));
    }
    codec::entry_of(id(), codec::payload_of(entry)).is_ok()
}

/// A frame of the peer protocol, and all that is taken out of it before anybody acts on it.
#[must_use]
pub fn peer_frame(bytes: &[u8]) -> bool {
    let Ok(frame) = proto::Frame::decode(Bytes::copy_from_slice(bytes)) else { return false };
    let again = proto::Frame::decode(Bytes::from(frame.encode_to_vec())).expect("what is written can be read");
    assert_eq!(again, frame);
    let asked = frame.request.is_none_or(|request| request.body.is_none_or(taken));
    let answered = frame.reply.is_none_or(|reply| reply.body.is_none_or(understood));
    asked && answered
}

fn taken(body: request::Body) -> bool {
    match body {
        request::Body::Append(append) => {
            let _ = (RaftVote::from(append.vote.unwrap_or_default()), append.previous.map(LogId::from));
            append.entries.into_iter().all(|entry| codec::from_peer(entry).is_ok())
        }
        request::Body::Vote(ask) | request::Body::PreVote(ask) => {
            let _ = (RaftVote::from(ask.vote.unwrap_or_default()), ask.last.map(LogId::from));
            true
        }
        request::Body::Install(install) => {
            let offer = install.offer.unwrap_or_default();
            codec::stored_membership(offer.membership, offer.membership_at).is_ok()
        }
        _ => true,
    }
}

fn understood(body: reply::Body) -> bool {
    match body {
        reply::Body::Pong(pong) => {
            let _ = pong.book.map(Book::from);
            true
        }
        reply::Body::Offer(offer) => codec::stored_membership(offer.membership, offer.membership_at).is_ok(),
        _ => true,
    }
}

/// Real bytes, by the function that reads them.
#[must_use]
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let commands = vec![Bytes::from_static(b"one"), Bytes::new(), Bytes::from_static(b"three")];
    let batch = codec::encode_batch(1_790_000_000_000_001, commands);
    let sets = [vec![1, 2, 3], vec![2, 3, 4]].map(|nodes| proto::NodeSet { nodes });
    let membership = proto::Membership { voters: sets.to_vec(), nodes: vec![1, 2, 3, 4] };
    let changed = [&[3][..], &membership.encode_to_vec()].concat();
    let (vote, last) = (proto::Vote { term: 3, node: 2, committed: true }, proto::LogId { term: 3, node: 2, index: 41 });
    let entry = |index, payload: &[u8]| proto::Entry { term: 3, node: 2, index, payload: Bytes::copy_from_slice(payload) };
    let entries = vec![entry(42, &batch.0), entry(43, &changed), entry(44, &[1])];
    let append = proto::Append { vote: Some(vote), previous: Some(last), entries, committed: Some(last) };
    let forwarded = proto::ForwardedCommand { command: Bytes::from_static(b"command"), deadline_ms: 5000, request_high: 7, request_low: 9 };
    let offer = proto::SnapshotOffer { last: Some(last), bytes: 4096, membership: Some(membership.clone()), membership_at: Some(last) };
    let calls = [
        request::Body::Append(append),
        request::Body::Vote(proto::AskVote { vote: Some(vote), last: Some(last), leadership_transfer: true }),
        request::Body::Install(proto::InstallSnapshot { vote: Some(vote), offer: Some(offer.clone()) }),
        request::Body::Forward(proto::Forward { commands: vec![forwarded] }),
        request::Body::ReadIndex(proto::ReadIndex { requests: vec![1, 2] }),
    ];
    let call = |body| proto::Frame {
        call: 5,
        request: Some(proto::Request { from: 1, to: 2, group: 3, body: Some(body), ..asked() }),
        reply: None,
    };
    let book = proto::PeerBook { members: vec![proto::PeerAddress { node: 1, address: "10.0.0.1:7400".into() }], ..Default::default() };
    let pong = reply::Body::Pong(proto::Pong { wall_us: 1, writable: true, book: Some(book) });
    let answer =
        |body| proto::Frame { call: 5, request: None, reply: Some(proto::Reply { from: 2, body: Some(body), ..Default::default() }) };
    let frames = calls.map(call).into_iter().chain([pong, reply::Body::Offer(offer)].map(answer));
    let mut all: Vec<(&'static str, Vec<u8>)> = frames.map(|frame| ("peer_frame", frame.encode_to_vec())).collect();
    all.extend([("log_entry", batch.0.to_vec()), ("log_entry", changed), ("log_entry", vec![1])]);
    let (whole, body) = frame_seed();
    assert!(frame(&whole) && records(&body));
    all.extend([("log_frame", whole), ("log_records", body), ("snapshot_file", snapshot_seed(membership, last))]);
    all
}

fn asked() -> proto::Request {
    proto::Request { cluster: Bytes::from_static(b"arena"), boot: 4, nonce: 99, life: 1, ..Default::default() }
}

fn snapshot_seed(membership: proto::Membership, last: proto::LogId) -> Vec<u8> {
    let disk = crate::disk::RealDisk;
    let dir = std::env::temp_dir().join(format!("boxoffice-fuzz-{}", std::process::id()));
    let written = write_snapshot(&disk, &dir, membership, last).expect("the folder of temporary files can be written");
    let _ = std::fs::remove_dir_all(&dir);
    written
}

fn write_snapshot(
    disk: &dyn crate::disk::Disk,
    dir: &std::path::Path,
    membership: proto::Membership,
    last: proto::LogId,
) -> io::Result<Vec<u8>> {
    disk.create_dir_all(dir)?;
    let path = dir.join("snapshot");
    let head = proto::SnapshotHead {
        cluster: "arena".into(),
        group: 3,
        last: Some(last),
        membership: Some(membership),
        membership_at: Some(last),
        at_us: 1_790_000_000_000_001,
        incarnation: 0,
        digest: Bytes::from_static(&[7; 16]),
    };
    let target = disk.create(&path)?;
    let mut writer = file::Writer::new(target.as_ref(), &head)?;
    writer.frame(b"the first frame")?;
    writer.frame(&[9; 300])?;
    writer.finish()?;
    std::fs::read(path)
}
