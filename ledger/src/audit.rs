//! The audit trail of a group: who did what to whom, in the order of the log. Each entry's hash covers the one before, so that
//! none can be changed or taken out unseen. The oldest are forgotten at a bound; the hash of the last forgotten one is kept,
//! and the chain begins there.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use prost::Message;

use crate::codec::frame::FrameWriter;
use crate::codec::{CodecError, audit as codec};
use crate::cow::CowQueue;
use crate::digest::{Accumulator, RecordHasher};
use crate::ids::UserId;
use crate::time::Timestamp;

/// The most entries that a group keeps.
pub const ENTRIES_MAX: usize = 10_000;

/// The longest object and detail, in bytes; longer ones are cut.
pub const TEXT_BYTES_MAX: usize = 200;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditAction {
    /// An account got another role.
    RoleChanged,
    /// The owner set another password.
    PasswordChanged,
    /// Somebody with the mailed link did.
    PasswordReset,
    /// An account has another e-mail.
    EmailChanged,
    /// The owner ended all sessions.
    SessionsEnded,
    /// A refresh token came a second time: its session ended.
    TokenReused,
    /// A program's key was made.
    KeyCreated,
    /// One was ended.
    KeyRevoked,
    /// The first admin.
    AdminClaimed,
    /// Another key signs.
    KeyRotated,
    /// Staff moved a sale.
    SaleMoved,
    /// Staff took seats off sale, or put them back.
    SeatsBlocked,
    /// Staff gave an order or tickets back.
    OrderRefunded,
    /// An event was made or changed.
    EventChanged,
    /// A venue was made or changed, or got a plan.
    VenueChanged,
    /// A performer was made or changed.
    PerformerChanged,
    /// Somebody asked for what they may not do. In a trail of its own, so that a flood of them forgets nothing that was done.
    RequestDenied,
    /// A promo code was made, or switched off or on.
    PromoChanged,
    /// Staff set seats aside for an allocation, or put them back on sale.
    SeatsAllocated,
    /// A coordinator changed how the price of a level moves.
    PricePolicyChanged,
    /// A node was invited, has joined, is drained or taken back, or was removed.
    MemberChanged,
    /// Staff asked for a backup.
    BackupAsked,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Counts from 0, without gaps.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who; `None` = whoever held a mailed link or a token, or the system.
    pub actor: Option<UserId>,
    /// What.
    pub action: AuditAction,
    /// To what: an id.
    pub object: String,
    /// More, for people.
    pub detail: String,
    /// The address that the request came from; empty = not known.
    pub address: String,
    /// Hash of the entry before and of all the fields above.
    pub hash: [u8; 32],
}

/// The trail of one group.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// Hash of the entry before the first that is kept.
    root: [u8; 32],
    /// Hash of the last entry.
    head: [u8; 32],
    entries: CowQueue<AuditEntry>,
    digest: Accumulator,
}

impl Audit {
    /// Adds an entry.
    pub fn push(&mut self, at: Timestamp, actor: Option<UserId>, action: AuditAction, object: &str, detail: &str, address: &str) {
        let number = self.entries.next_number();
        let (object, detail, address) = (cut(object), cut(detail), cut(address));
        let mut entry = AuditEntry { number, at, actor, action, object, detail, address, hash: [0; 32] };
        entry.hash = chained(&self.head, &entry);
        self.store(entry);
        if self.entries.len() > ENTRIES_MAX
            && let Some(oldest) = self.entries.pop()
        {
            self.digest.remove(hash_entry(&oldest));
            self.root = oldest.hash;
        }
    }

    /// The hash before the first entry that is kept; zeros if none was forgotten.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        self.root
    }

    /// The number of the first entry that is kept, and the next one's.
    #[must_use]
    pub fn range(&self) -> (u64, u64) {
        (self.entries.first_number(), self.entries.next_number())
    }

    /// An entry that is kept.
    #[must_use]
    pub fn entry(&self, number: u64) -> Option<&AuditEntry> {
        self.entries.get(number)
    }

    /// Its part of the state's digest: nothing while nothing was ever noted.
    #[must_use]
    pub fn accumulator(&self) -> Accumulator {
        let mut digest = self.digest;
        if self.entries.next_number() > 0 {
            digest.add(RecordHasher::new(ROOT_TAG).u64(self.entries.first_number()).bytes(&self.root).finish());
        }
        digest
    }

    /// Walks the chain.
    ///
    /// # Errors
    /// The first entry that does not fit, in words.
    pub fn check(&self) -> Result<(), String> {
        let mut last = self.root;
        let mut digest = Accumulator::default();
        for (number, entry) in (self.entries.first_number()..).zip(self.entries.iter()) {
            if entry.number != number || entry.hash != chained(&last, entry) {
                return Err(format!("audit entry {number} breaks the chain"));
            }
            last = entry.hash;
            digest.add(hash_entry(entry));
        }
        if last == self.head && digest == self.digest { Ok(()) } else { Err(String::from("the audit trail ends elsewhere")) }
    }

    /// Writes the trail: where it begins (kind `root`), then its entries (kind `entry`). Nothing if nothing was ever noted.
    pub(crate) fn write_snapshot(&self, writer: &mut FrameWriter<'_>, root: u8, entry: u8) {
        if self.entries.next_number() == 0 {
            return;
        }
        writer.record(root, &codec::root(self.entries.first_number(), &self.root));
        self.entries.iter().for_each(|one| writer.record(entry, &codec::entry(one)));
    }

    /// Takes in where the trail begins.
    pub(crate) fn read_root(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        if self.entries.next_number() > 0 {
            return Err(CodecError::broken("the beginning of the audit trail twice"));
        }
        let (first, root) = codec::read_root(bytes)?;
        self.entries = CowQueue::starting_at(first);
        (self.root, self.head) = (root, root);
        Ok(())
    }

    /// Takes in an entry.
    pub(crate) fn read_entry(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let mut entry = codec::read_entry(bytes)?;
        entry.hash = chained(&self.head, &entry);
        if entry.number != self.entries.next_number() {
            return Err(CodecError::broken("an audit entry out of order"));
        }
        self.store(entry);
        Ok(())
    }

    fn store(&mut self, entry: AuditEntry) {
        self.digest.add(hash_entry(&entry));
        self.head = entry.hash;
        self.entries.push(entry);
    }
}

const ENTRY_TAG: u32 = 40;
const ROOT_TAG: u32 = 41;

/// The hash that an entry has after one with the hash `before`.
#[must_use]
pub fn chained(before: &[u8; 32], entry: &AuditEntry) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before);
    hasher.update(&codec::entry(entry).encode_to_vec());
    *hasher.finalize().as_bytes()
}

fn hash_entry(entry: &AuditEntry) -> u128 {
    RecordHasher::new(ENTRY_TAG).u64(entry.number).bytes(&entry.hash).finish()
}

fn cut(text: &str) -> String {
    let end = (0..=TEXT_BYTES_MAX.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    text[..end.unwrap_or(0)].into()
}

/// The entries that follow number `after`, at most `limit`.
#[must_use]
pub fn page(audit: &Audit, after: Option<u64>, limit: usize) -> Vec<&AuditEntry> {
    let (first, next) = audit.range();
    let from = after.map_or(first, |after| after.saturating_add(1).max(first));
    (from..next).take(limit).filter_map(|number| audit.entry(number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail(count: u64) -> Audit {
        let mut audit = Audit::default();
        for number in 0..count {
            audit.push(Timestamp(number), Some(UserId(7)), AuditAction::RoleChanged, "usr_1", "customer -> gate", "");
        }
        audit
    }

    #[test]
    fn an_entry_covers_all_before_it() {
        let (one, other) = (trail(3), {
            let mut audit = trail(1);
            audit.push(Timestamp(1), None, AuditAction::RoleChanged, "usr_1", "customer -> gate", "");
            audit.push(Timestamp(2), Some(UserId(7)), AuditAction::RoleChanged, "usr_1", "customer -> gate", "");
            audit
        });
        assert_ne!(one.entry(2).unwrap().hash, other.entry(2).unwrap().hash);
        assert_eq!(one.entry(0).unwrap().hash, other.entry(0).unwrap().hash);
        one.check().unwrap();
        other.check().unwrap();
    }

    #[test]
    fn the_oldest_are_forgotten_and_the_chain_goes_on() {
        let audit = trail(ENTRIES_MAX as u64 + 5);
        assert_eq!(audit.range(), (5, ENTRIES_MAX as u64 + 5));
        assert_ne!(audit.root(), [0; 32]);
        audit.check().unwrap();
        assert_eq!(page(&audit, None, 2).iter().map(|entry| entry.number).collect::<Vec<_>>(), [5, 6]);
        assert_eq!(page(&audit, Some(9), 2).iter().map(|entry| entry.number).collect::<Vec<_>>(), [10, 11]);
        assert!(page(&audit, Some(u64::MAX), 2).is_empty());
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let mut audit = Audit::default();
        audit.push(Timestamp(0), None, AuditAction::KeyCreated, &"\u{e4}".repeat(150), "", "");
        assert_eq!(audit.entry(0).unwrap().object.len(), TEXT_BYTES_MAX);
    }
}
