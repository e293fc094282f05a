//! What fuzzers call of backups: objects, and what their frames hold.

use boxoffice_ledger::ids::{BackupId, Slot};
use bytes::Bytes;
use prost::Message;

use super::format::{BaseNote, End, Entries, Head, Logged, Manifest, Part, Round};
use super::seal::{Key, ObjectReader, object};

const SECRET: [u8; 32] = [7; 32];
/// The name that objects are bound to.
const PLACE: &str = "a backup/an object";

/// An encrypted object of a backup.
#[must_use]
pub fn backup_object(bytes: &[u8]) -> bool {
    frames(bytes, Some(&Key::new(SECRET))).is_some()
}

/// An object of a backup that is not encrypted, with what its frames hold.
#[must_use]
pub fn plain_backup_object(bytes: &[u8]) -> bool {
    frames(bytes, None).is_some_and(|frames| frames.iter().all(|frame| backup_frame(frame)))
}

fn frames(bytes: &[u8], key: Option<&Key>) -> Option<Vec<Vec<u8>>> {
    ObjectReader::open(PLACE, bytes, key).ok()?.collect::<Result<_, _>>().ok()
}

/// A frame of an object: a manifest, a head, a round or entries.
#[must_use]
pub fn backup_frame(bytes: &[u8]) -> bool {
    [same::<Manifest>(bytes), same::<Head>(bytes), same::<Round>(bytes), same::<Entries>(bytes)].contains(&true)
}

fn same<M: Message + Default + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> bool {
    let Ok(message) = M::decode(Bytes::copy_from_slice(bytes)) else { return false };
    assert_eq!(M::decode(message.encode_to_vec().as_slice()).as_ref(), Ok(&message));
    true
}

/// Real bytes, by the function that reads them.
///
/// # Errors
/// When the system has no random bytes.
pub fn seeds() -> anyhow::Result<Vec<(&'static str, Vec<u8>)>> {
    let base = BaseNote { group: 1, index: 7, at_us: 9, digest: vec![1; 16], hash: vec![2; 32], bytes: 5 };
    let backup = BackupId::new(1_790_000_000_000, Slot::new(9), 6).to_string();
    let manifest = Manifest { version: 1, backup, cluster: "arena".into(), bases: vec![base], ..Default::default() }.encode_to_vec();
    let head = Head { version: 1, round: 2, hash: vec![3; 32], ends: vec![End { group: 1, index: 8 }], ..Default::default() };
    let part = Part { group: 1, first: 7, last: 8, ..Default::default() };
    let round = Round { number: 2, parts: vec![part], ..Default::default() }.encode_to_vec();
    let entries = Entries { group: 1, entries: vec![Logged { index: 8, term: 3, payload: Bytes::from_static(&[1]) }] }.encode_to_vec();
    let sealed = object(PLACE, Some(&Key::new(SECRET)), [manifest.clone()])?.0;
    let plain = object(PLACE, None, [round.clone(), entries.clone()])?.0;
    let mut all = vec![("backup_object", sealed.to_vec()), ("plain_backup_object", plain.to_vec())];
    all.extend([manifest, head.encode_to_vec(), round, entries].map(|frame| ("backup_frame", frame)));
    Ok(all)
}
