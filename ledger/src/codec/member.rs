//! Encoding of the registry of nodes: its commands and records.

use super::{CodecError, common, identity, wire};
use crate::ids::Request;
use crate::members::{Founder, Invitation, Member, MemberCommand, MemberState};
use crate::time::{Millis, Timestamp};
use wire::member_command::Command as Wire;

common::states!(state, read_state, MemberState: Invited, Joining, Active, Draining, Removed);

pub fn command(command: &MemberCommand) -> wire::MemberCommand {
    let command = match command {
        MemberCommand::Found(founders) => Wire::Found(wire::FoundMembers { founders: founders.iter().map(founder).collect() }),
        MemberCommand::Invite { request, peer, http, token, ttl } => Wire::Invite(wire::InviteMember {
            request: Some(common::request(*request)),
            peer: peer.clone(),
            http: http.clone(),
            token: token.0.to_vec(),
            ttl_ms: ttl.0,
        }),
        MemberCommand::Join { request, token } => {
            Wire::Join(wire::JoinMember { request: Some(common::request(*request)), token: token.0.to_vec() })
        }
        MemberCommand::Activate { node } => Wire::Activate(*node),
        MemberCommand::Drain { request, node } => Wire::Drain(change(*request, *node)),
        MemberCommand::Undrain { request, node } => Wire::Undrain(change(*request, *node)),
        MemberCommand::Remove { request, node } => Wire::Remove(change(*request, *node)),
    };
    wire::MemberCommand { command: Some(command) }
}

pub fn read_command(command: wire::MemberCommand) -> Result<MemberCommand, CodecError> {
    Ok(match command.command.ok_or_else(|| CodecError::broken("no command about nodes"))? {
        Wire::Found(found) => MemberCommand::Found(found.founders.into_iter().map(read_founder).collect()),
        Wire::Invite(invite) => MemberCommand::Invite {
            request: common::read_request(invite.request)?,
            peer: invite.peer,
            http: invite.http,
            token: identity::read_secret(&invite.token)?,
            ttl: Millis(invite.ttl_ms),
        },
        Wire::Join(join) => {
            MemberCommand::Join { request: common::read_request(join.request)?, token: identity::read_secret(&join.token)? }
        }
        Wire::Activate(node) => MemberCommand::Activate { node },
        Wire::Drain(asked) => MemberCommand::Drain { request: common::read_request(asked.request)?, node: asked.node },
        Wire::Undrain(asked) => MemberCommand::Undrain { request: common::read_request(asked.request)?, node: asked.node },
        Wire::Remove(asked) => MemberCommand::Remove { request: common::read_request(asked.request)?, node: asked.node },
    })
}

fn change(request: Request, node: u64) -> wire::ChangeMember {
    wire::ChangeMember { request: Some(common::request(request)), node }
}

fn founder(founder: &Founder) -> wire::Founder {
    wire::Founder { node: founder.node, peer: founder.peer.clone(), http: founder.http.clone() }
}

fn read_founder(founder: wire::Founder) -> Founder {
    Founder { node: founder.node, peer: founder.peer, http: founder.http }
}

pub fn member(member: &Member) -> wire::Member {
    wire::Member {
        node: member.node,
        peer: member.peer.clone(),
        http: member.http.clone(),
        state: state(member.state),
        since_us: member.since.0,
        invitation: member
            .invitation
            .as_ref()
            .map(|invitation| wire::Invitation { token: invitation.token.0.to_vec(), expires_at_us: invitation.expires_at.0 }),
        version: member.version,
    }
}

pub fn read_member(member: wire::Member) -> Result<Member, CodecError> {
    let read_invitation = |invitation: wire::Invitation| {
        let token = identity::read_secret(&invitation.token)?;
        Ok(Invitation { token, expires_at: Timestamp(invitation.expires_at_us) })
    };
    Ok(Member {
        node: member.node,
        peer: member.peer,
        http: member.http,
        state: read_state(member.state)?,
        since: Timestamp(member.since_us),
        invitation: member.invitation.map(read_invitation).transpose()?,
        version: member.version,
    })
}
