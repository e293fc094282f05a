//! The nodes of the cluster: kept in the catalog's registry; what follows from it, `workers/members` does.

use std::collections::BTreeSet;

use async_trait::async_trait;
use boxoffice_api::backend::{Answer, Caller, Context, Failure, Freshness, Invited, Joined, MemberView, NodeDesk, Read, Revision, Written};
use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_cluster_config::ids::{GroupId, NodeId};
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::{CatalogCommand, Role};
use boxoffice_ledger::ids::Request;
use boxoffice_ledger::members::{Member, MemberCommand, MemberState};
use boxoffice_ledger::outcome::{CatalogOutcome, Rejection};
use boxoffice_ledger::time::{Millis, Timestamp};
use boxoffice_raft::group::Group;
use boxoffice_raft::reshape::ReshapeError;
use boxoffice_raft::status::{NodeStatus, Role as GroupRole};

use super::events::{invalid, need};
use super::{Applied, Service, asked, refused};
use crate::credentials::{Kind, Named};
use crate::members::{book, voters_without};

#[async_trait]
impl NodeDesk for Service {
    async fn members(&self, cx: Context) -> Answer<Read<Vec<MemberView>>> {
        let (revision, age_ms) = self.fresh(cx, CATALOG).await?;
        let members = self.catalog.read().members().clone();
        let status = self.raft.status();
        let value = members.all().map(|member| self.member_view(&status, member)).collect();
        Ok(Read { value, revision, age_ms })
    }

    async fn invite_member(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        peer: String,
        http: String,
        ttl: Millis,
    ) -> Answer<Written<Invited>> {
        need(caller, Role::Admin)?;
        let token = self.credentials.of_request(Kind::Join, Named { user: caller.user, object: 0 }, request);
        let command = MemberCommand::Invite { request, peer, http, token: self.credentials.hash(&token), ttl };
        let (node, applied) = self.change_registry(cx, Some(caller), command).await?;
        let invitation = self.catalog.read().members().get(node).and_then(|member| member.invitation.clone());
        // A repeat may come after the node: then the invitation is over.
        let expires_at = invitation.map_or(Timestamp(0), |invitation| invitation.expires_at);
        Ok(applied.written(Invited { node, token, expires_at }))
    }

    async fn join_cluster(&self, cx: Context, request: Request, node: u64, token: &str) -> Answer<Written<Joined>> {
        self.credentials.read(Kind::Join, token).ok_or(Failure::LinkOver)?;
        let token = self.credentials.hash(token);
        self.fresh(Context { freshness: Freshness::Linearizable, ..cx }, CATALOG).await?;
        let is_theirs = |member: &Member| member.invitation.as_ref().is_some_and(|invitation| invitation.token == token);
        let invited = self.catalog.read().members().all().find(|member| is_theirs(member)).map(|member| member.node);
        if let Some(invited) = invited.filter(|invited| *invited != node) {
            return Err(invalid("/node", "invalid", &format!("this token is for node {invited}")));
        }
        let command = MemberCommand::Join { request, token };
        let (node, applied) = match self.change_registry(cx, None, command).await {
            Err(Failure::Rejected(Rejection::NotFound { .. }, _)) => return Err(Failure::LinkOver),
            answer => answer?,
        };
        let book = book(self.catalog.read().members(), &BTreeSet::new()).ok_or(Failure::Unknown)?;
        tracing::info!(node, "a node joins");
        Ok(applied.written(Joined {
            cluster: self.cluster.0.clone(),
            node,
            groups: (self.counts.events, self.counts.users),
            revision: book.revision,
            members: book.members.into_iter().map(|(member, address)| (member.0, address)).collect(),
            removed: book.removed.into_iter().map(|member| member.0).collect(),
        }))
    }

    async fn drain_member(&self, cx: Context, caller: Caller, request: Request, node: u64, drain: bool) -> Answer<Written<MemberView>> {
        need(caller, Role::Operator)?;
        let command = if drain { MemberCommand::Drain { request, node } } else { MemberCommand::Undrain { request, node } };
        self.moved_member(cx, caller, command).await
    }

    async fn remove_member(&self, cx: Context, caller: Caller, request: Request, node: u64) -> Answer<Written<MemberView>> {
        need(caller, Role::Admin)?;
        self.fresh(Context { freshness: Freshness::Linearizable, ..cx }, CATALOG).await?;
        let known = self.catalog.read().members().get(node).map(|member| member.state);
        // One that is removed already may be a repeat, which gets its first answer.
        if known.is_some_and(|state| !matches!(state, MemberState::Removed | MemberState::Invited)) {
            self.can_be_spared(node)?;
        }
        self.moved_member(cx, caller, MemberCommand::Remove { request, node }).await
    }

    async fn move_leader(&self, cx: Context, caller: Caller, group: u32, node: u64) -> Answer<()> {
        need(caller, Role::Operator)?;
        self.fresh(cx, CATALOG).await?;
        let handle = self.groups.get(&GroupId(group)).ok_or(Failure::NotFound("group"))?;
        if !self.catalog.read().members().present().any(|member| member.node == node) {
            return Err(Failure::NotFound("member"));
        }
        handle.hand_over(NodeId(node), true).await.map_err(|error| reshape_failure(handle, error))
    }

    async fn rebalance(&self, _: Context, caller: Caller) -> Answer<Vec<(u32, u64)>> {
        need(caller, Role::Operator)?;
        let mut moved = Vec::new();
        for (id, group) in &self.groups {
            let Some(to) = group.preferred_leader().filter(|to| group.leader() != Some(*to)) else { continue };
            group.hand_over(to, false).await.map_err(|error| reshape_failure(group, error))?;
            moved.push((id.0, to.0));
        }
        Ok(moved)
    }
}

impl Service {
    fn member_view(&self, status: &NodeStatus, member: &Member) -> MemberView {
        let node = NodeId(member.node);
        let count =
            |is_in: &dyn Fn(&boxoffice_raft::status::GroupStatus) -> bool| status.groups.iter().filter(|group| is_in(group)).count() as u32;
        let (votes, learns) = (count(&|group| group.voters.contains(&node)), count(&|group| group.learners.contains(&node)));
        let unsettled = match member.state {
            MemberState::Joining | MemberState::Draining => true,
            MemberState::Removed => votes + learns > 0,
            MemberState::Invited | MemberState::Active => false,
        };
        MemberView {
            node: member.node,
            peer: member.peer.clone(),
            http: member.http.clone(),
            state: member.state,
            since: member.since,
            expires_at: member.invitation.as_ref().map(|invitation| invitation.expires_at),
            reachable: node == self.node || status.reachable.contains(&node),
            leads: count(&|group| group.leader == Some(node) && group.role != GroupRole::Stopped),
            votes,
            learns,
            note: self.settling.lock().clone().filter(|_| unsettled),
        }
    }

    /// Changes the registry; the node that it was about, once this node has applied that.
    async fn change_registry(&self, cx: Context, caller: Option<Caller>, command: MemberCommand) -> Answer<(u64, Applied<CatalogOutcome>)> {
        let plain = CatalogCommand::Member(command);
        let command = match caller {
            Some(caller) => CatalogCommand::Audited(asked(cx, caller, plain)),
            None => plain,
        };
        let applied = self.write::<CatalogLedger>(cx, CATALOG, &command).await?;
        match &applied.outcome {
            CatalogOutcome::Stored { id, .. } => {
                self.fresh(Context { freshness: Freshness::AtLeast(applied.revision), ..cx }, CATALOG).await?;
                Ok((u64::try_from(*id).map_err(|_| Failure::Unknown)?, applied))
            }
            CatalogOutcome::Rejected(rejection) => refused(rejection.clone(), applied.revision, applied.replayed),
            CatalogOutcome::Done => Err(Failure::Unknown),
        }
    }

    async fn moved_member(&self, cx: Context, caller: Caller, command: MemberCommand) -> Answer<Written<MemberView>> {
        let (node, applied) = self.change_registry(cx, Some(caller), command).await?;
        let member = self.catalog.read().members().get(node).cloned().ok_or(Failure::Unknown)?;
        Ok(applied.written(self.member_view(&self.raft.status(), &member)))
    }

    /// Whether every group has a quorum without this node: of those that vote now, which has to agree, and of those that will.
    fn can_be_spared(&self, node: u64) -> Answer<()> {
        let members = self.catalog.read().members().clone();
        let status = self.raft.status();
        let is_there = |voter: &NodeId| *voter == self.node || status.reachable.contains(voter);
        for group in &status.groups {
            let now: BTreeSet<NodeId> = group.voters.iter().copied().collect();
            for voters in [now, voters_without(&members, group.group, node)] {
                let there = voters.iter().filter(|voter| is_there(voter)).count();
                if there * 2 > voters.len() {
                    continue;
                }
                let silent: Vec<String> = voters.iter().filter(|voter| !is_there(voter)).map(ToString::to_string).collect();
                let detail = format!("{} would have no quorum: no answer from {}", group.group, silent.join(", "));
                return Err(wrong_state(self.groups.get(&group.group), detail));
            }
        }
        Ok(())
    }
}

fn reshape_failure(group: &Group, error: ReshapeError) -> Failure {
    match error {
        ReshapeError::NoLeader => Failure::NoQuorum(1000),
        ReshapeError::Failed(detail) => wrong_state(Some(group), detail),
    }
}

fn wrong_state(group: Option<&Group>, detail: String) -> Failure {
    let revision = group.map_or(Revision { incarnation: 0, group: CATALOG.0, index: 0 }, |group| Revision {
        incarnation: group.incarnation(),
        group: group.id().0,
        index: group.applied(),
    });
    Failure::Rejected(Rejection::WrongState { detail }, revision)
}
