//! The registry of the cluster's nodes: who they are, where they are reached, who is about to join, and which numbers are never used again.
//!
//! State of the catalog group. What follows from it (who votes in which group, who may speak at the port of the nodes) is worked out and
//! done outside.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use prost::Message;

use crate::codec::frame::FrameWriter;
use crate::codec::{CodecError, member as codec};
use crate::command::SecretHash;
use crate::digest::{Accumulator, RecordHasher};
use crate::ids::Request;
use crate::time::{Millis, Timestamp};

/// The most nodes that are not removed.
pub const MEMBERS_MAX: usize = 64;
/// The most nodes that there ever were: a removed one leaves its number behind.
pub const NUMBERS_MAX: usize = 10_000;
/// The longest address, in bytes.
pub const ADDRESS_BYTES_MAX: usize = 255;
/// The shortest and the longest life of an invitation.
pub const INVITATION_MIN: Millis = Millis::from_secs(1);
/// See [`INVITATION_MIN`].
pub const INVITATION_MAX: Millis = Millis::from_mins(7 * 24 * 60);

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// It has a number and a token, and has not come yet.
    Invited,
    /// It has come and gets replicas.
    Joining,
    /// It takes part.
    Active,
    /// It keeps its replicas and decides nothing any more.
    Draining,
    /// It is no node of the cluster any more. Final.
    Removed,
}

/// What lets a node join, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Hash of the token.
    pub token: SecretHash,
    /// No good from then on.
    pub expires_at: Timestamp,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number, from 1; never used again.
    pub node: u64,
    /// Where other nodes reach it, `host:port`.
    pub peer: String,
    /// Where clients reach it, such as `http://host:port`.
    pub http: String,
    /// Where it stands.
    pub state: MemberState,
    /// Since when.
    pub since: Timestamp,
    /// While it is invited.
    pub invitation: Option<Invitation>,
    /// Raised by each change, from 1.
    pub version: u64,
}

/// A node that was there from the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Founder {
    /// Its number.
    pub node: u64,
    /// As of a [`Member`].
    pub peer: String,
    /// As of a [`Member`].
    pub http: String,
}

/// What can be asked of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberCommand {
    /// Who is there from the beginning, ascending. Does nothing when there is a registry already.
    Found(Vec<Founder>),
    /// Give the next number away, to a node that will be reached there.
    Invite {
        /// Idempotency.
        request: Request,
        /// As of a [`Member`].
        peer: String,
        /// As of a [`Member`].
        http: String,
        /// Hash of the token that it will come with.
        token: SecretHash,
        /// How long the token is good.
        ttl: Millis,
    },
    /// Who has the token has come. The token is used up.
    Join {
        /// Idempotency.
        request: Request,
        /// Its hash.
        token: SecretHash,
    },
    /// A node that joins has replicas of everything now. Does nothing when it does not join.
    Activate {
        /// Which.
        node: u64,
    },
    /// Let a node decide nothing any more.
    Drain {
        /// Idempotency.
        request: Request,
        /// Which.
        node: u64,
    },
    /// Let it take part again.
    Undrain {
        /// Idempotency.
        request: Request,
        /// Which.
        node: u64,
    },
    /// Take it out for good.
    Remove {
        /// Idempotency.
        request: Request,
        /// Which.
        node: u64,
    },
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Members {
    all: Arc<BTreeMap<u64, Arc<Member>>>,
    digest: Accumulator,
}

impl Members {
    /// One of them, removed ones too.
    #[must_use]
    pub fn get(&self, node: u64) -> Option<&Arc<Member>> {
        self.all.get(&node)
    }

    /// All, by number, removed ones too.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.all.values()
    }

    /// Those that have come and are not removed.
    pub fn present(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.all().filter(|member| !matches!(member.state, MemberState::Invited | MemberState::Removed))
    }

    /// Those that decide.
    pub fn active(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.all().filter(|member| member.state == MemberState::Active)
    }

    /// Grows with each change.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.all().fold(0, |sum, member| sum.saturating_add(member.version))
    }

    /// Whether nobody was ever noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The next number.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.all.keys().next_back().map_or(1, |last| last.saturating_add(1))
    }

    /// How many there ever were.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn put(&mut self, member: Member) {
        self.digest.add(hash(&member));
        if let Some(old) = Arc::make_mut(&mut self.all).insert(member.node, Arc::new(member)) {
            self.digest.remove(hash(&old));
        }
    }

    pub(crate) fn accumulator(&self) -> Accumulator {
        self.digest
    }

    /// Walks all of them.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut digest = Accumulator::default();
        for (node, member) in &*self.all {
            digest.add(hash(member));
            let is_invited = member.state == MemberState::Invited;
            if member.node != *node || *node == 0 || member.version == 0 || is_invited != member.invitation.is_some() {
                return Err(format!("node {node} lacks its number, its version or its invitation"));
            }
        }
        if !self.is_empty() && self.active().next().is_none() {
            return Err(String::from("no node is left that decides"));
        }
        if digest == self.digest { Ok(()) } else { Err(String::from("the digest of the registry is another")) }
    }

    pub(crate) fn write_snapshot(&self, writer: &mut FrameWriter<'_>, kind: u8) {
        self.all.values().for_each(|member| writer.record(kind, &codec::member(member)));
    }

    pub(crate) fn read_record(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        self.put(codec::read_member(crate::codec::envelope::exact(bytes)?)?);
        Ok(())
    }
}

const MEMBER_TAG: u32 = 54;

fn hash(member: &Member) -> u128 {
    RecordHasher::new(MEMBER_TAG).bytes(&codec::member(member).encode_to_vec()).finish()
}
