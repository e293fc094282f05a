//! Which group holds which slot: a table, static after the cluster's creation.

use serde::{Deserialize, Serialize};

use crate::ids::GroupId;

/// How many slots the key space has; the ledger's ids embed one of them.
pub const SLOT_COUNT: u16 = 4096;

/// The catalog's group: a replica on every node.
pub const CATALOG: GroupId = GroupId(0);

/// What a group holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupKind {
    /// Venues, performers, events, plans.
    Catalog,
    /// Seat ledgers.
    Events,
    /// Accounts and their tickets.
    Users,
}

/// How many groups of each kind a cluster has. Fixed at its creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupCounts {
    /// Seat-ledger groups, 1 to 64.
    pub events: u32,
    /// User groups, 1 to 64.
    pub users: u32,
}

impl Default for GroupCounts {
    fn default() -> Self {
        Self { events: 8, users: 4 }
    }
}

impl GroupCounts {
    /// Every group of the cluster, the catalog first.
    pub fn all(self) -> impl Iterator<Item = GroupId> {
        (0..=self.events + self.users).map(GroupId)
    }

    /// The seat-ledger groups.
    pub fn event_groups(self) -> impl Iterator<Item = GroupId> {
        (1..=self.events).map(GroupId)
    }

    /// The user groups.
    pub fn user_groups(self) -> impl Iterator<Item = GroupId> {
        (self.events + 1..=self.events + self.users).map(GroupId)
    }

    /// The group that holds the events of a slot.
    #[must_use]
    pub fn of_event_slot(self, slot: u16) -> GroupId {
        GroupId(1 + u32::from(slot) % self.events)
    }

    /// The group that holds the users of a slot.
    #[must_use]
    pub fn of_user_slot(self, slot: u16) -> GroupId {
        GroupId(1 + self.events + u32::from(slot) % self.users)
    }

    /// What a group holds; `None` for a group that this cluster does not have.
    #[must_use]
    pub fn kind(self, group: GroupId) -> Option<GroupKind> {
        match group.0 {
            0 => Some(GroupKind::Catalog),
            number if number <= self.events => Some(GroupKind::Events),
            number if number <= self.events + self.users => Some(GroupKind::Users),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_one_group_of_the_right_kind() {
        let counts = GroupCounts { events: 8, users: 4 };
        for slot in 0..SLOT_COUNT {
            assert_eq!(counts.kind(counts.of_event_slot(slot)), Some(GroupKind::Events));
            assert_eq!(counts.kind(counts.of_user_slot(slot)), Some(GroupKind::Users));
        }
        assert_eq!(counts.all().count(), 13);
        assert_eq!(counts.kind(GroupId(13)), None);
    }
}
