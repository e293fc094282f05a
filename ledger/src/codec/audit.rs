//! Encoding of the audit trail.

use alloc::boxed::Box;
use alloc::vec::Vec;

use prost::Message;

use super::{CodecError, common, envelope, identity, wire};
use crate::audit::{AuditAction, AuditEntry};
use crate::command::Audited;
use crate::ids::UserId;
use crate::time::Timestamp;

common::states!(action, read_action, AuditAction: RoleChanged, PasswordChanged, PasswordReset, EmailChanged, SessionsEnded, TokenReused,
    KeyCreated, KeyRevoked, AdminClaimed, KeyRotated, SaleMoved, SeatsBlocked, OrderRefunded, EventChanged, VenueChanged, PerformerChanged,
    RequestDenied, PromoChanged, SeatsAllocated, PricePolicyChanged, MemberChanged, BackupAsked);

/// No trail is this long; a larger number is damage.
const FIRST_MAX: u64 = 1 << 62;

pub fn entry(entry: &AuditEntry) -> wire::AuditEntry {
    wire::AuditEntry {
        number: entry.number,
        at_us: entry.at.0,
        actor: entry.actor.map(|actor| common::id(actor.0)),
        action: action(entry.action),
        object: entry.object.clone(),
        detail: entry.detail.clone(),
        address: entry.address.clone(),
    }
}

/// Without its hash, which follows from the entry before.
pub fn read_entry(bytes: &[u8]) -> Result<AuditEntry, CodecError> {
    let entry: wire::AuditEntry = envelope::exact(bytes)?;
    Ok(AuditEntry {
        number: entry.number,
        at: Timestamp(entry.at_us),
        actor: identity::read_optional_user(entry.actor)?,
        action: read_action(entry.action)?,
        object: entry.object,
        detail: entry.detail,
        address: entry.address,
        hash: [0; 32],
    })
}

/// A privileged command; `bytes` is what was asked for, encoded.
pub fn audited<C>(audited: &Audited<C>, bytes: Vec<u8>) -> wire::AuditedCommand {
    wire::AuditedCommand { actor: Some(common::id(audited.actor.0)), address: audited.address.clone(), command: bytes }
}

/// A privileged command; `decode` must refuse audited ones, so that none holds another.
pub fn read_audited<C>(
    message: wire::AuditedCommand,
    decode: impl FnOnce(&[u8]) -> Result<C, CodecError>,
) -> Result<Audited<C>, CodecError> {
    let (actor, command) = (UserId(common::read_id(message.actor)?), Box::new(decode(&message.command)?));
    Ok(Audited { actor, address: message.address, command })
}

/// A command inside of which an audited one stands.
pub fn nested() -> CodecError {
    CodecError::broken("an audited command in an audited one")
}

pub fn root(first: u64, hash: &[u8; 32]) -> impl Message + use<> {
    wire::AuditRoot { first, hash: hash.to_vec() }
}

pub fn read_root(bytes: &[u8]) -> Result<(u64, [u8; 32]), CodecError> {
    let root: wire::AuditRoot = envelope::exact(bytes)?;
    let hash = identity::read_secret(&root.hash)?.0;
    if root.first > FIRST_MAX { Err(CodecError::broken("an audit trail of that length")) } else { Ok((root.first, hash)) }
}
