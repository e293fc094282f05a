//! Changing the registry of nodes. Whether a change can be borne right now, such as taking a node out, the edge judged: the ledger knows
//! nobody's health.

use alloc::format;
use alloc::string::String;

use super::check::malformed;
use super::put::not_found;
use super::{CatalogLedger, answer};
use crate::command::SecretHash;
use crate::ids::Request;
use crate::members::{
    ADDRESS_BYTES_MAX, Founder, INVITATION_MAX, INVITATION_MIN, Invitation, MEMBERS_MAX, Member, MemberCommand, MemberState, Members,
    NUMBERS_MAX,
};
use crate::outcome::{Answer, CatalogOutcome, Rejection};
use crate::time::Millis;

type Outcome = Result<CatalogOutcome, Rejection>;

fn wrong(detail: String) -> Rejection {
    Rejection::WrongState { detail }
}

impl CatalogLedger {
    /// Who the nodes of the cluster are.
    #[must_use]
    pub fn members(&self) -> &Members {
        &self.members
    }

    pub(super) fn carry_out_member(&mut self, command: &MemberCommand) -> Answer<CatalogOutcome> {
        match command {
            MemberCommand::Found(founders) => answer(check_founders(founders).map(|()| self.found(founders))),
            MemberCommand::Invite { request, peer, http, token, ttl } => {
                self.once(*request, check_invitation(peer, http, *ttl), |ledger| ledger.invite(peer, http, *token, *ttl))
            }
            MemberCommand::Join { request, token } => self.once(*request, Ok(()), |ledger| ledger.join(*token)),
            MemberCommand::Activate { node } => {
                if self.members.get(*node).is_some_and(|member| member.state == MemberState::Joining) {
                    self.move_member(*node, MemberState::Active);
                }
                answer(Ok(CatalogOutcome::Done))
            }
            MemberCommand::Drain { request, node } => self.change_member(*request, *node, MemberState::Draining),
            MemberCommand::Undrain { request, node } => self.change_member(*request, *node, MemberState::Active),
            MemberCommand::Remove { request, node } => self.change_member(*request, *node, MemberState::Removed),
        }
    }

    fn found(&mut self, founders: &[Founder]) -> CatalogOutcome {
        if self.members.is_empty() {
            for Founder { node, peer, http } in founders {
                let (peer, http) = (peer.clone(), http.clone());
                let state = MemberState::Active;
                self.members.put(Member { node: *node, peer, http, state, since: self.at, invitation: None, version: 1 });
            }
        }
        CatalogOutcome::Done
    }

    fn invite(&mut self, peer: &str, http: &str, token: SecretHash, ttl: Millis) -> Outcome {
        if self.members.is_empty() {
            return Err(wrong(String::from("the nodes that are there are not noted yet")));
        }
        let there = || self.members.all().filter(|member| member.state != MemberState::Removed);
        if let Some(other) = there().find(|member| member.peer == peer || member.http == http) {
            return Err(wrong(format!("node {} is reached there", other.node)));
        }
        let count = there().count();
        if count >= MEMBERS_MAX || self.members.len() >= NUMBERS_MAX {
            return Err(wrong(format!("at most {MEMBERS_MAX} nodes, and {NUMBERS_MAX} with those that were removed")));
        }
        let invitation = Some(Invitation { token, expires_at: self.at.plus(ttl) });
        let (node, state, version) = (self.members.next(), MemberState::Invited, 1);
        self.members.put(Member { node, peer: peer.into(), http: http.into(), state, since: self.at, invitation, version });
        Ok(CatalogOutcome::Stored { id: node.into(), version })
    }

    fn join(&mut self, token: SecretHash) -> Outcome {
        let is_theirs = |invitation: &Invitation| invitation.token == token && invitation.expires_at > self.at;
        let invited = self.members.all().find(|member| member.invitation.as_ref().is_some_and(is_theirs));
        let node = invited.map(|member| member.node).ok_or_else(|| not_found("invitation"))?;
        Ok(self.move_member(node, MemberState::Joining))
    }

    /// Lets staff move a node to another state.
    fn change_member(&mut self, request: Request, node: u64, to: MemberState) -> Answer<CatalogOutcome> {
        self.once(request, Ok(()), |ledger| {
            let state = ledger.members.get(node).map(|member| member.state).ok_or_else(|| not_found("member"))?;
            let fits = match to {
                MemberState::Draining => state == MemberState::Active,
                MemberState::Active => state == MemberState::Draining,
                _ => state != MemberState::Removed,
            };
            if !fits {
                return Err(wrong(format!("node {node} is {}", name(state))));
            }
            if state == MemberState::Active && ledger.members.active().count() == 1 {
                return Err(wrong(format!("node {node} is the last one that decides")));
            }
            Ok(ledger.move_member(node, to))
        })
    }

    fn move_member(&mut self, node: u64, state: MemberState) -> CatalogOutcome {
        let Some(old) = self.members.get(node) else { return CatalogOutcome::Done };
        let version = old.version.saturating_add(1);
        let new = Member { state, since: self.at, invitation: None, version, ..(**old).clone() };
        self.members.put(new);
        CatalogOutcome::Stored { id: node.into(), version }
    }
}

/// A state in words.
pub(super) fn name(state: MemberState) -> &'static str {
    match state {
        MemberState::Invited => "invited",
        MemberState::Joining => "joining",
        MemberState::Active => "active",
        MemberState::Draining => "draining",
        MemberState::Removed => "removed",
    }
}

fn check_address(pointer: &str, address: &str) -> Result<(), Rejection> {
    let sound = (1..=ADDRESS_BYTES_MAX).contains(&address.len()) && address.bytes().all(|byte| byte.is_ascii_graphic());
    if sound { Ok(()) } else { Err(malformed(pointer, "an address of 1 to 255 printable characters, without spaces")) }
}

fn check_founders(founders: &[Founder]) -> Result<(), Rejection> {
    let ascend = founders.windows(2).all(|pair| pair[0].node < pair[1].node);
    if founders.is_empty() || founders.len() > MEMBERS_MAX || founders[0].node == 0 || !ascend {
        return Err(malformed("/founders", "1 to 64 nodes, ascending, from 1"));
    }
    if founders.last().is_some_and(|last| last.node > NUMBERS_MAX as u64) {
        return Err(malformed("/founders", "numbers up to 10000"));
    }
    founders.iter().try_for_each(|founder| check_address("/peer", &founder.peer).and_then(|()| check_address("/http", &founder.http)))
}

fn check_invitation(peer: &str, http: &str, ttl: Millis) -> Result<(), Rejection> {
    check_address("/peer", peer)?;
    check_address("/http", http)?;
    if ttl < INVITATION_MIN || ttl > INVITATION_MAX {
        return Err(malformed("/ttl", "one second to seven days"));
    }
    Ok(())
}
