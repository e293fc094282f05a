//! Encoding of the audit trail.

use prost::Message;

use super::{CodecError, common, envelope, identity, wire};
use crate::audit::{AuditAction, AuditEntry};
use crate::time::Timestamp;

common::states!(action, read_action, AuditAction: RoleChanged, PasswordChanged, PasswordReset, EmailChanged, SessionsEnded, TokenReused,
    KeyCreated, KeyRevoked, AdminClaimed, KeyRotated, SaleMoved, SeatsBlocked);

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
        hash: [0; 32],
    })
}

pub fn root(first: u64, hash: &[u8; 32]) -> impl Message + use<> {
    wire::AuditRoot { first, hash: hash.to_vec() }
}

pub fn read_root(bytes: &[u8]) -> Result<(u64, [u8; 32]), CodecError> {
    let root: wire::AuditRoot = envelope::exact(bytes)?;
    let hash = identity::read_secret(&root.hash)?.0;
    if root.first > FIRST_MAX { Err(CodecError::broken("an audit trail of that length")) } else { Ok((root.first, hash)) }
}
