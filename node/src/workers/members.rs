//! Brings each group's members towards what the registry of nodes asks for, on the leader of the catalog: one group and one step at a time,
//! each step safe to break off and to repeat. See `boxoffice_raft::reshape` for the steps.

use std::collections::BTreeSet;
use std::sync::Arc;

use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_cluster_config::ids::{GroupId, NodeId};
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::CatalogCommand;
use boxoffice_ledger::members::{MemberCommand, MemberState, Members};
use boxoffice_raft::group::Group;
use boxoffice_raft::reshape::{Shape, Step};

use super::{PAUSE, context, leads_catalog};
use crate::members::wanted;
use crate::service::Service;

/// Steps in one group before the next one gets a turn.
const STEPS_MAX: usize = 8;

/// See the module.
pub async fn run(service: Arc<Service>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        if !leads_catalog(&service) {
            *service.settling.lock() = None;
            continue;
        }
        found(&service).await;
        let members = service.catalog.read().members().clone();
        let (arrived, note) = settle_all(&service, &members).await;
        *service.settling.lock() = note;
        for node in arrived {
            let command = CatalogCommand::Member(MemberCommand::Activate { node: node.0 });
            // If it fails, the node is found arrived again.
            if service.write::<CatalogLedger>(context(), CATALOG, &command).await.is_ok() {
                tracing::info!(%node, "the node has replicas of all groups and takes part");
            }
        }
    }
}

/// Notes who is there from the beginning, once.
async fn found(service: &Service) {
    if !service.catalog.read().members().is_empty() || service.founders.is_empty() {
        return;
    }
    let command = CatalogCommand::Member(MemberCommand::Found(service.founders.clone()));
    // If it fails, the registry is found empty again.
    let _ = service.write::<CatalogLedger>(context(), CATALOG, &command).await;
}

/// One round over all groups: which of the nodes that join have everything, and what is being waited for.
async fn settle_all(service: &Service, members: &Members) -> (BTreeSet<NodeId>, Option<String>) {
    let joining = members.all().filter(|member| member.state == MemberState::Joining);
    let joining: BTreeSet<NodeId> = joining.map(|member| NodeId(member.node)).collect();
    let (mut arrived, mut note) = (joining.clone(), None);
    for (id, group) in &service.groups {
        let Some(mut shape) = wanted(members, *id) else { return (BTreeSet::new(), None) };
        let status = group.status();
        let there: BTreeSet<NodeId> = status.voters.iter().chain(&status.learners).copied().collect();
        // A node that joins gets one group after the other: it should not take all the network at once.
        let later: BTreeSet<NodeId> = joining.difference(&arrived).copied().filter(|node| !there.contains(node)).collect();
        shape.members.retain(|node| !later.contains(node));
        let voters: BTreeSet<NodeId> = status.voters.iter().copied().collect();
        if joining.is_empty() && !status.is_joint && voters == shape.voters && there == shape.members {
            continue;
        }
        match settle(*id, group, &shape).await {
            Ok(behind) => {
                if let Some(node) = behind.intersection(&arrived).next() {
                    note = note.or(Some(format!("{node} gets {id}")));
                }
                arrived.retain(|node| !behind.contains(node) && shape.members.contains(node));
            }
            Err(why) => {
                note = note.or(Some(format!("{id}: {why}")));
                arrived.clear();
            }
        }
    }
    (arrived, note)
}

/// Goes on with one group until it is as it should be; its members that lack something then.
async fn settle(id: GroupId, group: &Group, shape: &Shape) -> Result<BTreeSet<NodeId>, String> {
    for _ in 0..STEPS_MAX {
        match group.reshape(shape).await {
            Ok(Step::Done { behind }) => return Ok(behind),
            Ok(Step::Stepped(what)) => tracing::info!(group = %id, what, "the members of the group change"),
            Ok(Step::Waiting(why)) => return Err(why),
            Err(error) => return Err(error.to_string()),
        }
    }
    Err("it takes many steps".to_owned())
}
