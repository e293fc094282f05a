//! Encoding of the accounts' commands, answers and records.

use alloc::vec::Vec;

use super::wire::account_answer::Outcome as WireOutcome;
use super::wire::account_command::Command as WireCommand;
use super::{CodecError, audit, cart, common, envelope, guest, identity, rejection, wire};
use crate::accounts::Account;
use crate::command::{AccountCommand, Role};
use crate::ids::{KeyId, UserId};
use crate::outcome::{AccountOutcome, Answer};
use crate::time::Timestamp;

common::states!(role, read_role, Role: Guest, Customer, Gate, Coordinator, Operator, Admin);

pub fn encode_command(command: &AccountCommand) -> Vec<u8> {
    let command = match command {
        AccountCommand::Register { request, user, email, name, password_hash, role: may } => WireCommand::Register(wire::Register {
            request: Some(common::request(*request)),
            user: Some(common::id(user.0)),
            email: email.clone(),
            name: name.clone(),
            password_hash: password_hash.clone(),
            role: role(*may),
        }),
        AccountCommand::SetRole { request, user, role: may, actor } => WireCommand::SetRole(wire::SetRole {
            request: Some(common::request(*request)),
            user: Some(common::id(user.0)),
            role: role(*may),
            actor: actor.map(|actor| common::id(actor.0)),
        }),
        AccountCommand::Deliver { records } => {
            WireCommand::Deliver(wire::Deliver { records: records.iter().map(common::delivery).collect() })
        }
        AccountCommand::Pulse => WireCommand::Pulse(wire::Empty {}),
        AccountCommand::Session { user, command } => WireCommand::Session(identity::session_command(*user, command)),
        AccountCommand::Password { user, command } => WireCommand::Password(identity::password_command(*user, command)),
        AccountCommand::Email { user, command } => WireCommand::Email(identity::email_command(*user, command)),
        AccountCommand::Guest { user, command } => WireCommand::Guest(guest::command(*user, command)),
        AccountCommand::Key { user, command } => WireCommand::Key(identity::key_command(*user, command)),
        AccountCommand::Cluster(command) => WireCommand::Cluster(identity::cluster_command(command)),
        AccountCommand::Audited(asked) => WireCommand::Audited(audit::audited(asked, encode_command(&asked.command))),
        AccountCommand::Denied { actor, address, what, times } => WireCommand::Denied(wire::DeniedCommand {
            actor: Some(common::id(actor.0)),
            address: address.clone(),
            what: what.clone(),
            times: *times,
        }),
        AccountCommand::Cart { user, cart: id, command } => WireCommand::Cart(cart::command(*user, *id, command)),
    };
    envelope::encode(&wire::AccountCommand { version: envelope::VERSION, command: Some(command) })
}

pub fn decode_command(bytes: &[u8]) -> Result<AccountCommand, CodecError> {
    let message: wire::AccountCommand = envelope::decode(bytes)?;
    match message.command.ok_or_else(|| CodecError::broken("no command"))? {
        WireCommand::Audited(asked) => audit::read_audited(asked, decode_plain).map(AccountCommand::Audited),
        plain => read_plain(plain),
    }
}

/// A command that is not an audited one.
fn decode_plain(bytes: &[u8]) -> Result<AccountCommand, CodecError> {
    let message: wire::AccountCommand = envelope::decode(bytes)?;
    read_plain(message.command.ok_or_else(|| CodecError::broken("no command"))?)
}

fn read_plain(command: WireCommand) -> Result<AccountCommand, CodecError> {
    Ok(match command {
        WireCommand::Register(register) => AccountCommand::Register {
            request: common::read_request(register.request)?,
            user: UserId(common::read_id(register.user)?),
            email: register.email,
            name: register.name,
            password_hash: register.password_hash,
            role: read_role(register.role)?,
        },
        WireCommand::SetRole(set) => AccountCommand::SetRole {
            request: common::read_request(set.request)?,
            user: UserId(common::read_id(set.user)?),
            role: read_role(set.role)?,
            actor: identity::read_optional_user(set.actor)?,
        },
        WireCommand::Deliver(deliver) => {
            AccountCommand::Deliver { records: deliver.records.into_iter().map(common::read_delivery).collect::<Result<_, _>>()? }
        }
        WireCommand::Pulse(_) => AccountCommand::Pulse,
        WireCommand::Session(command) => identity::read_session_command(command)?,
        WireCommand::Password(command) => identity::read_password_command(command)?,
        WireCommand::Email(command) => identity::read_email_command(command)?,
        WireCommand::Guest(command) => guest::read_command(command)?,
        WireCommand::Key(command) => identity::read_key_command(command)?,
        WireCommand::Cluster(command) => AccountCommand::Cluster(identity::read_cluster_command(command)?),
        WireCommand::Audited(_) => return Err(audit::nested()),
        WireCommand::Denied(denied) => AccountCommand::Denied {
            actor: UserId(common::read_id(denied.actor)?),
            address: denied.address,
            what: denied.what,
            times: denied.times,
        },
        WireCommand::Cart(command) => cart::read_command(command)?,
    })
}

pub fn encode_answer(answer: &Answer<AccountOutcome>) -> Vec<u8> {
    let outcome = match &answer.outcome {
        AccountOutcome::Done => WireOutcome::Done(wire::Empty {}),
        AccountOutcome::Registered { user } => WireOutcome::Registered(common::id(user.0)),
        AccountOutcome::SessionEnded => WireOutcome::SessionEnded(wire::Empty {}),
        AccountOutcome::VersionRaised { version } => WireOutcome::VersionRaised(wire::VersionRaised { version: *version }),
        AccountOutcome::KeyCreated { key } => WireOutcome::KeyCreated(common::id(key.0)),
        AccountOutcome::Cart(known) => WireOutcome::Cart(cart::cart(known)),
        AccountOutcome::Rejected(reason) => WireOutcome::Rejected(rejection::rejection(reason)),
    };
    envelope::encode(&wire::AccountAnswer { version: envelope::VERSION, replayed: answer.replayed, outcome: Some(outcome) })
}

pub fn decode_answer(bytes: &[u8]) -> Result<Answer<AccountOutcome>, CodecError> {
    let message: wire::AccountAnswer = envelope::decode(bytes)?;
    let outcome = match message.outcome.ok_or_else(|| CodecError::broken("no outcome"))? {
        WireOutcome::Done(_) => AccountOutcome::Done,
        WireOutcome::Registered(user) => AccountOutcome::Registered { user: UserId(common::read_id(Some(user))?) },
        WireOutcome::SessionEnded(_) => AccountOutcome::SessionEnded,
        WireOutcome::VersionRaised(raised) => AccountOutcome::VersionRaised { version: raised.version },
        WireOutcome::KeyCreated(key) => AccountOutcome::KeyCreated { key: KeyId(common::read_id(Some(key))?) },
        WireOutcome::Cart(known) => AccountOutcome::Cart(cart::read_cart(known)?.into()),
        WireOutcome::Rejected(reason) => AccountOutcome::Rejected(rejection::read_rejection(reason)?),
    };
    Ok(Answer { outcome, replayed: message.replayed })
}

pub fn account(account: &Account) -> wire::Account {
    wire::Account {
        id: Some(common::id(account.id.0)),
        email: account.email.as_ref().into(),
        name: account.name.clone(),
        password_hash: account.password_hash.clone(),
        role: role(account.role),
        opened_at_us: account.opened_at.0,
        version: account.version,
        sessions: account.sessions.iter().map(identity::session).collect(),
        keys: account.keys.iter().map(identity::key).collect(),
        resets: account.resets.iter().map(identity::reset).collect(),
        moved: account.moved,
        email_changes: account.email_changes,
        email_change: account.email_change.as_ref().map(identity::email_change),
        heir: account.heir.map(|heir| common::id(heir.0)),
        invited: account.invited,
    }
}

pub fn read_account(account: wire::Account) -> Result<Account, CodecError> {
    Ok(Account {
        id: UserId(common::read_id(account.id)?),
        email: account.email.into(),
        name: account.name,
        password_hash: account.password_hash,
        role: read_role(account.role)?,
        opened_at: Timestamp(account.opened_at_us),
        version: account.version,
        sessions: account.sessions.into_iter().map(identity::read_session).collect::<Result<_, _>>()?,
        keys: account.keys.into_iter().map(identity::read_key).collect::<Result<_, _>>()?,
        resets: account.resets.into_iter().map(identity::read_reset).collect::<Result<_, _>>()?,
        moved: account.moved,
        email_changes: account.email_changes,
        email_change: account.email_change.map(identity::read_email_change).transpose()?,
        heir: identity::read_optional_user(account.heir)?,
        invited: account.invited,
    })
}
