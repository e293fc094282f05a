//! What follows from the registry of nodes: who has a replica of each group and who votes there, and the address book that consensus
//! goes by.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use boxoffice_cluster_config::ids::{GroupId, NodeId};
use boxoffice_ledger::members::{Member, MemberState, Members};
use boxoffice_raft::book::Book;
use boxoffice_raft::reshape::Shape;

use crate::service::Service;

/// The most voters of a group: any two of them may fail.
const VOTERS_MAX: usize = 5;
/// How often the registry is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Who should be in a group: everybody who is there has a replica; of those that are active so many vote that one more could not make it
/// safer, another set in each group, so that votes and leaders spread. `None` while nobody is active.
#[must_use]
pub fn wanted(members: &Members, group: GroupId) -> Option<Shape> {
    let active: Vec<NodeId> = members.active().map(|member| NodeId(member.node)).collect();
    let members = members.present().map(|member| NodeId(member.node)).collect();
    (!active.is_empty()).then(|| Shape { voters: voters(&active, group), members })
}

/// Who should vote in a group when a node is gone.
#[must_use]
pub fn voters_without(members: &Members, group: GroupId, gone: u64) -> BTreeSet<NodeId> {
    let active: Vec<NodeId> = members.active().map(|member| NodeId(member.node)).filter(|node| node.0 != gone).collect();
    voters(&active, group)
}

/// With two nodes both vote: one alone would keep the only copy that counts.
fn voters(active: &[NodeId], group: GroupId) -> BTreeSet<NodeId> {
    let count = match active.len() {
        count @ 0..=2 => count,
        count => (count - 1 + count % 2).min(VOTERS_MAX),
    };
    (0..count).map(|place| active[(group.0 as usize + place) % active.len()]).collect()
}

/// The address book that the registry makes: a removed node is refused once it is in no group any more, so that it can hand over what it
/// leads. `None` while nobody is noted.
#[must_use]
pub fn book(members: &Members, in_groups: &BTreeSet<NodeId>) -> Option<Book> {
    let mut book = Book { revision: members.revision(), ..Book::default() };
    for member in members.all().filter(|member| member.state != MemberState::Invited) {
        let node = NodeId(member.node);
        if member.state == MemberState::Removed && !in_groups.contains(&node) {
            book.removed.insert(node);
        } else {
            book.members.insert(node, member.peer.clone());
        }
    }
    (!members.is_empty()).then_some(book)
}

/// Who is in any group, as far as this node's logs say.
fn in_groups(service: &Service) -> BTreeSet<NodeId> {
    let groups = service.raft.status().groups;
    groups.into_iter().flat_map(|group| group.voters.into_iter().chain(group.learners)).collect()
}

/// Keeps this node's address book as the registry says. Never ends.
pub async fn follow(service: Arc<Service>) {
    loop {
        let members = service.catalog.read().members().clone();
        let known = service.raft.book();
        let is_new = |member: &Member| member.state == MemberState::Removed && !known.removed.contains(&NodeId(member.node));
        let in_groups = if members.all().any(|member| is_new(member)) { in_groups(&service) } else { BTreeSet::new() };
        if let Some(book) = book(&members, &in_groups) {
            service.raft.set_book(book);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn nodes(count: u64) -> Vec<NodeId> {
        (1..=count).map(NodeId).collect()
    }

    #[test]
    fn so_many_vote_and_the_votes_spread() {
        for (count, expected) in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 5), (6, 5), (7, 5), (9, 5)] {
            let mut votes: BTreeMap<NodeId, u32> = BTreeMap::new();
            for group in 0..60 {
                let voters = voters(&nodes(count), GroupId(group));
                assert_eq!(voters.len(), expected, "of {count}");
                voters.into_iter().for_each(|node| *votes.entry(node).or_default() += 1);
            }
            let (least, most) = (votes.values().min().unwrap(), votes.values().max().unwrap());
            assert!(votes.len() as u64 == count && most - least <= expected as u32, "{votes:?}");
        }
        assert!(voters(&[], GroupId(3)).is_empty());
    }
}
