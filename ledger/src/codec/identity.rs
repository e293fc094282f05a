//! Encoding of identity: the commands of `identity.proto`, and what snapshots keep of sessions, keys and addresses.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use super::wire::cluster_command::Kind as ClusterKind;
use super::wire::email_command::Kind as EmailKind;
use super::wire::key_command::Kind as KeyKind;
use super::wire::password_command::Kind as PasswordKind;
use super::wire::session_command::Kind as SessionKind;
use super::{CodecError, common, wire};
use crate::accounts::{ClusterIdentity, EmailChange, EmailStep, Key, KeyEpoch, Pointer, Reset, Session};
use crate::command::{AccountCommand, ClusterCommand, EmailCommand, KeyCommand, PasswordCommand, Scopes, SecretHash, SessionCommand};
use crate::ids::{KeyId, SessionId, UserId};
use crate::time::{Millis, Timestamp};

common::states!(email_step, read_email_step, EmailStep: Asked, Reserving, Releasing, Done);

fn secret(hash: SecretHash) -> alloc::vec::Vec<u8> {
    hash.0.to_vec()
}

/// Reads a hash.
pub fn read_secret(bytes: &[u8]) -> Result<SecretHash, CodecError> {
    bytes.try_into().map(SecretHash).map_err(|_| CodecError::Broken(format!("a hash of {} bytes", bytes.len())))
}

/// Reads a user who may be absent.
pub fn read_optional_user(id: Option<wire::Id>) -> Result<Option<UserId>, CodecError> {
    id.map(|id| common::read_id(Some(id)).map(UserId)).transpose()
}

fn read_user(id: Option<wire::Id>) -> Result<UserId, CodecError> {
    common::read_id(id).map(UserId)
}

fn read_session_id(id: Option<wire::Id>) -> Result<SessionId, CodecError> {
    common::read_id(id).map(SessionId)
}

fn read_scopes(bits: u32) -> Result<Scopes, CodecError> {
    Scopes::from_bits(bits).ok_or_else(|| CodecError::Unknown(format!("scopes {bits:#x}")))
}

fn missing() -> CodecError {
    CodecError::broken("no kind")
}

pub fn session_command(user: UserId, command: &SessionCommand) -> wire::SessionCommand {
    let id = |session: &SessionId| Some(common::id(session.0));
    let kind = match command {
        SessionCommand::Open { session, version, token, address, agent } => SessionKind::Open(wire::session_command::Open {
            session: id(session),
            token: secret(*token),
            address: address.clone(),
            agent: agent.clone(),
            version: *version,
        }),
        SessionCommand::Rotate { session, old, new } => {
            SessionKind::Rotate(wire::session_command::Rotate { session: id(session), old: secret(*old), new: secret(*new) })
        }
        SessionCommand::End { session } => SessionKind::End(common::id(session.0)),
        SessionCommand::EndAll { request } => SessionKind::EndAll(common::request(*request)),
    };
    wire::SessionCommand { user: Some(common::id(user.0)), kind: Some(kind) }
}

pub fn read_session_command(command: wire::SessionCommand) -> Result<AccountCommand, CodecError> {
    let user = read_user(command.user)?;
    let command = match command.kind.ok_or_else(missing)? {
        SessionKind::Open(open) => SessionCommand::Open {
            session: read_session_id(open.session)?,
            version: open.version,
            token: read_secret(&open.token)?,
            address: open.address,
            agent: open.agent,
        },
        SessionKind::Rotate(rotate) => SessionCommand::Rotate {
            session: read_session_id(rotate.session)?,
            old: read_secret(&rotate.old)?,
            new: read_secret(&rotate.new)?,
        },
        SessionKind::End(session) => SessionCommand::End { session: read_session_id(Some(session))? },
        SessionKind::EndAll(request) => SessionCommand::EndAll { request: common::read_request(Some(request))? },
    };
    Ok(AccountCommand::Session { user, command })
}

pub fn password_command(user: UserId, command: &PasswordCommand) -> wire::PasswordCommand {
    let kind = match command {
        PasswordCommand::Set { request, version, hash, keep } => PasswordKind::Set(wire::password_command::Set {
            request: Some(common::request(*request)),
            version: *version,
            hash: hash.clone(),
            keep: keep.map(|session| common::id(session.0)),
        }),
        PasswordCommand::Rehash { version, hash } => {
            PasswordKind::Rehash(wire::password_command::Rehash { version: *version, hash: hash.clone() })
        }
        PasswordCommand::AskReset { token } => PasswordKind::AskReset(secret(*token)),
        PasswordCommand::Reset { request, token, hash } => PasswordKind::Reset(wire::password_command::Reset {
            request: Some(common::request(*request)),
            token: secret(*token),
            hash: hash.clone(),
        }),
    };
    wire::PasswordCommand { user: Some(common::id(user.0)), kind: Some(kind) }
}

pub fn read_password_command(command: wire::PasswordCommand) -> Result<AccountCommand, CodecError> {
    let user = read_user(command.user)?;
    let command = match command.kind.ok_or_else(missing)? {
        PasswordKind::Set(set) => PasswordCommand::Set {
            request: common::read_request(set.request)?,
            version: set.version,
            hash: set.hash,
            keep: set.keep.map(|session| read_session_id(Some(session))).transpose()?,
        },
        PasswordKind::Rehash(rehash) => PasswordCommand::Rehash { version: rehash.version, hash: rehash.hash },
        PasswordKind::AskReset(token) => PasswordCommand::AskReset { token: read_secret(&token)? },
        PasswordKind::Reset(reset) => {
            PasswordCommand::Reset { request: common::read_request(reset.request)?, token: read_secret(&reset.token)?, hash: reset.hash }
        }
    };
    Ok(AccountCommand::Password { user, command })
}

pub fn email_command(user: UserId, command: &EmailCommand) -> wire::EmailCommand {
    let address = |email: &String, change: &u32| wire::email_command::Address { email: email.clone(), change: *change };
    let kind = match command {
        EmailCommand::Ask { email, token } => EmailKind::Ask(wire::email_command::Ask { email: email.clone(), token: secret(*token) }),
        EmailCommand::Confirm { token } => EmailKind::Confirm(secret(*token)),
        EmailCommand::Reserve { email, change } => EmailKind::Reserve(address(email, change)),
        EmailCommand::Switch { change } => EmailKind::Switch(*change),
        EmailCommand::Abandon { change } => EmailKind::Abandon(*change),
        EmailCommand::Release { email, change } => EmailKind::Release(address(email, change)),
        EmailCommand::Settle { change } => EmailKind::Settle(*change),
    };
    wire::EmailCommand { user: Some(common::id(user.0)), kind: Some(kind) }
}

pub fn read_email_command(command: wire::EmailCommand) -> Result<AccountCommand, CodecError> {
    let user = read_user(command.user)?;
    let command = match command.kind.ok_or_else(missing)? {
        EmailKind::Ask(ask) => EmailCommand::Ask { email: ask.email, token: read_secret(&ask.token)? },
        EmailKind::Confirm(token) => EmailCommand::Confirm { token: read_secret(&token)? },
        EmailKind::Reserve(address) => EmailCommand::Reserve { email: address.email, change: address.change },
        EmailKind::Switch(change) => EmailCommand::Switch { change },
        EmailKind::Abandon(change) => EmailCommand::Abandon { change },
        EmailKind::Release(address) => EmailCommand::Release { email: address.email, change: address.change },
        EmailKind::Settle(change) => EmailCommand::Settle { change },
    };
    Ok(AccountCommand::Email { user, command })
}

pub fn key_command(user: UserId, command: &KeyCommand) -> wire::KeyCommand {
    let kind = match command {
        KeyCommand::Create { request, key, name, secret: hash, scopes, expires_at } => KeyKind::Create(wire::key_command::Create {
            request: Some(common::request(*request)),
            key: Some(common::id(key.0)),
            name: name.clone(),
            secret: secret(*hash),
            scopes: scopes.bits(),
            expires_at_us: expires_at.map(|at| at.0),
        }),
        KeyCommand::Revoke { key, actor } => {
            KeyKind::Revoke(wire::key_command::Revoke { key: Some(common::id(key.0)), actor: Some(common::id(actor.0)) })
        }
    };
    wire::KeyCommand { user: Some(common::id(user.0)), kind: Some(kind) }
}

pub fn read_key_command(command: wire::KeyCommand) -> Result<AccountCommand, CodecError> {
    let user = read_user(command.user)?;
    let command = match command.kind.ok_or_else(missing)? {
        KeyKind::Create(create) => KeyCommand::Create {
            request: common::read_request(create.request)?,
            key: KeyId(common::read_id(create.key)?),
            name: create.name,
            secret: read_secret(&create.secret)?,
            scopes: read_scopes(create.scopes)?,
            expires_at: create.expires_at_us.map(Timestamp),
        },
        KeyKind::Revoke(revoke) => KeyCommand::Revoke { key: KeyId(common::read_id(revoke.key)?), actor: read_user(revoke.actor)? },
    };
    Ok(AccountCommand::Key { user, command })
}

pub fn cluster_command(command: &ClusterCommand) -> wire::ClusterCommand {
    let kind = match command {
        ClusterCommand::Claim { user } => ClusterKind::Claim(common::id(user.0)),
        ClusterCommand::RotateKey { request, actor, overlap } => ClusterKind::RotateKey(wire::cluster_command::RotateKey {
            request: Some(common::request(*request)),
            actor: Some(common::id(actor.0)),
            overlap_ms: overlap.0,
        }),
    };
    wire::ClusterCommand { kind: Some(kind) }
}

pub fn read_cluster_command(command: wire::ClusterCommand) -> Result<ClusterCommand, CodecError> {
    Ok(match command.kind.ok_or_else(missing)? {
        ClusterKind::Claim(user) => ClusterCommand::Claim { user: read_user(Some(user))? },
        ClusterKind::RotateKey(rotate) => ClusterCommand::RotateKey {
            request: common::read_request(rotate.request)?,
            actor: read_user(rotate.actor)?,
            overlap: Millis(rotate.overlap_ms),
        },
    })
}

pub fn session(session: &Session) -> wire::AccountSession {
    wire::AccountSession {
        id: Some(common::id(session.id.0)),
        token: secret(session.token),
        previous: session.previous.map(secret),
        opened_at_us: session.opened_at.0,
        used_at_us: session.used_at.0,
        address: session.address.clone(),
        agent: session.agent.clone(),
    }
}

pub fn read_session(session: wire::AccountSession) -> Result<Session, CodecError> {
    Ok(Session {
        id: read_session_id(session.id)?,
        token: read_secret(&session.token)?,
        previous: session.previous.map(|hash| read_secret(&hash)).transpose()?,
        opened_at: Timestamp(session.opened_at_us),
        used_at: Timestamp(session.used_at_us),
        address: session.address,
        agent: session.agent,
    })
}

pub fn key(key: &Key) -> wire::AccountKey {
    wire::AccountKey {
        id: Some(common::id(key.id.0)),
        name: key.name.clone(),
        secret: secret(key.secret),
        scopes: key.scopes.bits(),
        created_at_us: key.created_at.0,
        expires_at_us: key.expires_at.map(|at| at.0),
    }
}

pub fn read_key(key: wire::AccountKey) -> Result<Key, CodecError> {
    Ok(Key {
        id: KeyId(common::read_id(key.id)?),
        name: key.name,
        secret: read_secret(&key.secret)?,
        scopes: read_scopes(key.scopes)?,
        created_at: Timestamp(key.created_at_us),
        expires_at: key.expires_at_us.map(Timestamp),
    })
}

pub fn reset(reset: &Reset) -> wire::AccountReset {
    wire::AccountReset { token: secret(reset.token), asked_at_us: reset.asked_at.0 }
}

pub fn read_reset(reset: wire::AccountReset) -> Result<Reset, CodecError> {
    Ok(Reset { token: read_secret(&reset.token)?, asked_at: Timestamp(reset.asked_at_us) })
}

pub fn email_change(change: &EmailChange) -> wire::AccountEmailChange {
    wire::AccountEmailChange {
        token: secret(change.token),
        asked_at_us: change.asked_at.0,
        email: change.email.as_ref().into(),
        step: email_step(change.step),
    }
}

pub fn read_email_change(change: wire::AccountEmailChange) -> Result<EmailChange, CodecError> {
    Ok(EmailChange {
        token: read_secret(&change.token)?,
        asked_at: Timestamp(change.asked_at_us),
        email: change.email.into(),
        step: read_email_step(change.step)?,
    })
}

pub fn pointer(email: &str, pointer: Pointer) -> wire::EmailPointer {
    wire::EmailPointer { email: email.into(), user: Some(common::id(pointer.user.0)), change: pointer.change }
}

pub fn read_pointer(pointer: wire::EmailPointer) -> Result<(Arc<str>, Pointer), CodecError> {
    Ok((pointer.email.into(), Pointer { user: read_user(pointer.user)?, change: pointer.change }))
}

pub fn cluster(identity: &ClusterIdentity) -> wire::ClusterIdentity {
    let epoch = |epoch: &KeyEpoch| wire::KeyEpoch { number: epoch.number, until_us: epoch.until.map(|at| at.0) };
    wire::ClusterIdentity {
        claimed_by: identity.claimed_by.map(|user| common::id(user.0)),
        epochs: identity.epochs.iter().map(epoch).collect(),
    }
}

pub fn read_cluster(identity: wire::ClusterIdentity) -> Result<ClusterIdentity, CodecError> {
    let epoch = |epoch: wire::KeyEpoch| KeyEpoch { number: epoch.number, until: epoch.until_us.map(Timestamp) };
    Ok(ClusterIdentity { claimed_by: read_optional_user(identity.claimed_by)?, epochs: identity.epochs.into_iter().map(epoch).collect() })
}
