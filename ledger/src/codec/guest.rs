//! Encoding of the commands of guests' accounts.

use super::wire::guest_command::{self as on_wire, Kind};
use super::{CodecError, common, identity, wire};
use crate::command::{AccountCommand, GuestCommand};
use crate::ids::UserId;

pub fn command(user: UserId, command: &GuestCommand) -> wire::GuestCommand {
    let kind = match command {
        GuestCommand::Open { email, name } => Kind::Open(on_wire::Open { email: email.clone(), name: name.clone() }),
        GuestCommand::Ask { token } => Kind::Ask(token.0.to_vec()),
        GuestCommand::Invited { orders } => Kind::Invited(*orders),
        GuestCommand::Claim { request, token, hash } => {
            Kind::Claim(on_wire::Claim { request: Some(common::request(*request)), token: token.0.to_vec(), hash: hash.clone() })
        }
        GuestCommand::HandOver { token, heir } => {
            Kind::HandOver(on_wire::HandOver { token: token.0.to_vec(), heir: Some(common::id(heir.0)) })
        }
    };
    wire::GuestCommand { user: Some(common::id(user.0)), kind: Some(kind) }
}

pub fn read_command(message: wire::GuestCommand) -> Result<AccountCommand, CodecError> {
    let user = UserId(common::read_id(message.user)?);
    let command = match message.kind.ok_or_else(|| CodecError::unknown("an action on a guest's account"))? {
        Kind::Open(open) => GuestCommand::Open { email: open.email, name: open.name },
        Kind::Ask(token) => GuestCommand::Ask { token: identity::read_secret(&token)? },
        Kind::Invited(orders) => GuestCommand::Invited { orders },
        Kind::Claim(claim) => GuestCommand::Claim {
            request: common::read_request(claim.request)?,
            token: identity::read_secret(&claim.token)?,
            hash: claim.hash,
        },
        Kind::HandOver(message) => {
            GuestCommand::HandOver { token: identity::read_secret(&message.token)?, heir: UserId(common::read_id(message.heir)?) }
        }
    };
    Ok(AccountCommand::Guest { user, command })
}
