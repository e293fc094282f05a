//! What objects of a backup hold, as protobuf. Fields are only ever added; numbers are never reused.

use prost::Message;

/// The version that is written; a reader refuses later ones.
pub const VERSION: u32 = 1;

/// What there is of the cluster at the beginning of a backup.
#[derive(Clone, PartialEq, Message)]
pub struct Manifest {
    /// [`VERSION`].
    #[prost(uint32, tag = "1")]
    pub version: u32,
    /// The backup's id.
    #[prost(string, tag = "2")]
    pub backup: String,
    /// The cluster's name.
    #[prost(string, tag = "3")]
    pub cluster: String,
    /// Which life of the cluster it is of.
    #[prost(uint64, tag = "4")]
    pub incarnation: u64,
    /// Groups of each kind.
    #[prost(uint32, tag = "5")]
    pub event_groups: u32,
    /// See above.
    #[prost(uint32, tag = "6")]
    pub user_groups: u32,
    /// When it was begun, in microseconds since the Unix epoch.
    #[prost(uint64, tag = "7")]
    pub began_us: u64,
    /// The version of the program that made it.
    #[prost(string, tag = "8")]
    pub program: String,
    /// The groups, by number.
    #[prost(message, repeated, tag = "9")]
    pub bases: Vec<BaseNote>,
    /// Hash of the first round.
    #[prost(bytes = "vec", tag = "10")]
    pub first_round: Vec<u8>,
}

/// What the past of a group begins with.
#[derive(Clone, PartialEq, Message)]
pub struct BaseNote {
    /// The group.
    #[prost(uint32, tag = "1")]
    pub group: u32,
    /// The last entry that is in the state; 0 = the group begins with nothing, and there is no object.
    #[prost(uint64, tag = "2")]
    pub index: u64,
    /// The stamp of that entry.
    #[prost(uint64, tag = "3")]
    pub at_us: u64,
    /// Digest of the state, 16 bytes, little endian.
    #[prost(bytes = "vec", tag = "4")]
    pub digest: Vec<u8>,
    /// Hash of the object.
    #[prost(bytes = "vec", tag = "5")]
    pub hash: Vec<u8>,
    /// Its size.
    #[prost(uint64, tag = "6")]
    pub bytes: u64,
}

/// How far a backup goes. Written anew after each round.
#[derive(Clone, PartialEq, Message)]
pub struct Head {
    /// [`VERSION`].
    #[prost(uint32, tag = "1")]
    pub version: u32,
    /// The last round.
    #[prost(uint64, tag = "2")]
    pub round: u64,
    /// Its hash.
    #[prost(bytes = "vec", tag = "3")]
    pub hash: Vec<u8>,
    /// Everything that was stamped up to here is there, of every group.
    #[prost(uint64, tag = "4")]
    pub until_us: u64,
    /// Bytes of all objects but images.
    #[prost(uint64, tag = "5")]
    pub bytes: u64,
    /// The last entry of each group that is there.
    #[prost(message, repeated, tag = "6")]
    pub ends: Vec<End>,
}

/// Up to which entry a group is there.
#[derive(Clone, PartialEq, Message)]
pub struct End {
    /// The group.
    #[prost(uint32, tag = "1")]
    pub group: u32,
    /// The entry.
    #[prost(uint64, tag = "2")]
    pub index: u64,
}

/// The first frame of a round.
#[derive(Clone, PartialEq, Message)]
pub struct Round {
    /// Counts from 0.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// Hash of the round before; none for the first.
    #[prost(bytes = "vec", tag = "2")]
    pub previous: Vec<u8>,
    /// As in the head.
    #[prost(uint64, tag = "3")]
    pub until_us: u64,
    /// The groups that have entries in it.
    #[prost(message, repeated, tag = "4")]
    pub parts: Vec<Part>,
}

/// Entries of a group in a round.
#[derive(Clone, PartialEq, Message)]
pub struct Part {
    /// The group.
    #[prost(uint32, tag = "1")]
    pub group: u32,
    /// The first entry.
    #[prost(uint64, tag = "2")]
    pub first: u64,
    /// The last entry.
    #[prost(uint64, tag = "3")]
    pub last: u64,
    /// Digest of the state after it, 16 bytes, little endian; none if the node did not remember it.
    #[prost(bytes = "vec", tag = "4")]
    pub digest: Vec<u8>,
}

/// The further frames of a round.
#[derive(Clone, PartialEq, Message)]
pub struct Entries {
    /// The group.
    #[prost(uint32, tag = "1")]
    pub group: u32,
    /// In order.
    #[prost(message, repeated, tag = "2")]
    pub entries: Vec<Logged>,
}

/// An entry of a group's log.
#[derive(Clone, PartialEq, Message)]
pub struct Logged {
    /// Its place.
    #[prost(uint64, tag = "1")]
    pub index: u64,
    /// The term of the leader that made it.
    #[prost(uint64, tag = "2")]
    pub term: u64,
    /// As it lies in the log.
    #[prost(bytes = "bytes", tag = "3")]
    pub payload: bytes::Bytes,
}

/// Names of objects.
pub mod name {
    use boxoffice_ledger::ids::{BackupId, MediaHash};

    /// What there is.
    pub fn manifest(backup: BackupId) -> String {
        format!("{backup}/manifest")
    }

    /// How far it goes.
    pub fn head(backup: BackupId) -> String {
        format!("{backup}/head")
    }

    /// The state of a group.
    pub fn snapshot(backup: BackupId, group: u32) -> String {
        format!("{backup}/g{group}/snapshot")
    }

    /// A round.
    pub fn round(backup: BackupId, number: u64) -> String {
        format!("{backup}/round-{number:010}")
    }

    /// An image.
    pub fn image(hash: MediaHash) -> String {
        format!("media/{hash}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes_stay_readable() {
        let head = Head { version: VERSION, round: 3, hash: vec![7, 8], until_us: 300, bytes: 5, ends: vec![End { group: 2, index: 9 }] };
        let golden = [8, 1, 16, 3, 26, 2, 7, 8, 32, 172, 2, 40, 5, 50, 4, 8, 2, 16, 9];
        assert_eq!(head.encode_to_vec(), golden);
        assert_eq!(Head::decode(&golden[..]).unwrap(), head);
        let entries = Entries { group: 1, entries: vec![Logged { index: 5, term: 2, payload: "x".into() }] };
        let golden = [8, 1, 18, 7, 8, 5, 16, 2, 26, 1, b'x'];
        assert_eq!((entries.encode_to_vec(), Entries::decode(&golden[..]).unwrap()), (golden.to_vec(), entries));
    }
}
