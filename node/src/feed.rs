//! Changes from apply to everyone on this node who cares: live maps, workers, the search indexer. Never blocks apply, holds no
//! history: a listener that wakes up looks at the ledger itself. The history is the [journal](crate::journal)'s.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use boxoffice_api::live::Hub;
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::change::Change;
use boxoffice_ledger::ids::{EventId, PerformerId, VenueId};
use boxoffice_ledger::outcome::SaleState;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::counts::Counts;
use crate::journal::Journal;
use crate::popular::Unranked;

/// See the module.
pub struct Feed {
    hub: Arc<Hub>,
    journal: Journal,
    bells: BTreeMap<GroupId, Bells>,
    touched: Mutex<Touched>,
    unindexed: Mutex<Unindexed>,
    /// What was applied since the start of the process, for the metrics.
    pub counts: Counts,
    unranked: Mutex<Unranked>,
}

/// What workers of one group wait for.
#[derive(Default)]
pub struct Bells {
    /// The outbox has something.
    pub outbox: Notify,
    /// A payment attempt, a refund or a cart moved.
    pub attempts: Notify,
    /// The catalog changed, or a sale did.
    pub catalog: Notify,
    /// For the node's own indexer, beside the leader's workers.
    pub indexer: Notify,
    /// Since when this node, leading, has had something in the outbox.
    outbox_since: Mutex<Option<Instant>>,
}

impl Bells {
    /// The outbox is empty, or is not, or is somebody else's business.
    pub fn note_outbox(&self, waits: bool) {
        let mut since = self.outbox_since.lock();
        *since = if waits { since.or_else(|| Some(Instant::now())) } else { None };
    }

    /// For how many seconds the outbox has not been empty.
    pub fn outbox_age_s(&self) -> Option<f64> {
        self.outbox_since.lock().map(|since| since.elapsed().as_secs_f64())
    }
}

/// What changed since somebody last took it. Bounded by the number of events.
#[derive(Default)]
struct Touched {
    sales: BTreeMap<GroupId, BTreeSet<EventId>>,
}

/// What the search index of this node was not told yet. Bounded by what there is.
#[derive(Debug, Default)]
pub struct Unindexed {
    /// Events that changed, or their sales figures.
    pub events: BTreeSet<EventId>,
    /// Venues that changed.
    pub venues: BTreeSet<VenueId>,
    /// Performers that changed.
    pub performers: BTreeSet<PerformerId>,
    /// The catalog was replaced: anything may have changed.
    pub everything: bool,
}

impl Feed {
    /// A feed for these groups.
    pub fn new(hub: Arc<Hub>, journal: Journal, groups: impl Iterator<Item = GroupId>) -> Self {
        let bells = groups.map(|group| (group, Bells::default())).collect();
        Self {
            hub,
            journal,
            bells,
            touched: Mutex::default(),
            counts: Counts::default(),
            unranked: Mutex::default(),
            unindexed: Mutex::default(),
        }
    }

    /// What happened, for those who follow.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The bells of a group; `None` for a group that this cluster does not have.
    pub fn bells(&self, group: GroupId) -> Option<&Bells> {
        self.bells.get(&group)
    }

    /// Events of a group whose sale moved since the last call.
    pub fn take_sales(&self, group: GroupId) -> BTreeSet<EventId> {
        self.touched.lock().sales.remove(&group).unwrap_or_default()
    }

    /// What changed in the catalog since the last call, for the orders in which events are listed.
    pub fn take_unranked(&self) -> Unranked {
        std::mem::take(&mut *self.unranked.lock())
    }

    /// How often events were looked at here since the last call.
    pub fn take_views(&self) -> Vec<(EventId, u32)> {
        self.hub.take_views()
    }

    fn note_for_lists(&self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::CatalogEvent { event, .. } => drop(self.unranked.lock().events.insert(*event)),
                Change::CatalogVenue { venue } => drop(self.unranked.lock().venues.insert(*venue)),
                _ => {}
            }
        }
    }

    /// What changed for the search index since the last call.
    pub fn take_unindexed(&self) -> Unindexed {
        std::mem::take(&mut *self.unindexed.lock())
    }

    fn note_for_index(&self, changes: &[Change]) {
        let mut unindexed = None;
        let mut last_sale = None;
        for change in changes {
            match change {
                Change::CatalogEvent { event, .. } => {
                    unindexed.get_or_insert_with(|| self.unindexed.lock()).events.insert(*event);
                }
                Change::CatalogVenue { venue } => {
                    unindexed.get_or_insert_with(|| self.unindexed.lock()).venues.insert(*venue);
                }
                Change::CatalogPerformer { performer } => {
                    unindexed.get_or_insert_with(|| self.unindexed.lock()).performers.insert(*performer);
                }
                // Whether it is on sale is not in the catalog.
                Change::Sale { event, .. } if last_sale.replace(*event) != Some(*event) => {
                    unindexed.get_or_insert_with(|| self.unindexed.lock()).events.insert(*event);
                }
                _ => {}
            }
        }
    }

    /// Called when a group's ledger was replaced by a snapshot: everybody looks again.
    pub fn reset(&self, group: GroupId) {
        self.hub.reset(group.0);
        self.unranked.lock().everything = true;
        self.unindexed.lock().everything = true;
        if let Some(bells) = self.bells.get(&group) {
            for bell in [&bells.outbox, &bells.attempts, &bells.catalog, &bells.indexer] {
                bell.notify_one();
            }
        }
    }

    /// Called by apply after each entry that changed anything.
    pub fn publish(&self, group: GroupId, index: u64, changes: &[Change]) {
        self.note_for_lists(changes);
        self.hub.publish(group.0, index, changes);
        self.note_for_index(changes);
        let Some(bells) = self.bells.get(&group) else { return };
        let (mut outbox, mut attempts, mut catalog) = (false, false, false);
        let mut last_sale = None;
        for change in changes {
            self.counts.note(change);
            match change {
                Change::Outbox { .. } => outbox = true,
                Change::Attempt { .. } | Change::Refund { .. } | Change::Cart { .. } => attempts = true,
                Change::CatalogEvent { .. } | Change::CatalogVenue { .. } | Change::CatalogPerformer { .. } => catalog = true,
                Change::Sale { state: SaleState::Cancelled, event, .. } => {
                    // Its payments are to be cancelled, its orders to be refunded.
                    attempts = true;
                    self.touched.lock().sales.entry(group).or_default().insert(*event);
                }
                Change::Seats { event, .. } | Change::Area { event, .. } | Change::Sale { event, .. } | Change::Price { event, .. }
                    if last_sale.replace(*event) != Some(*event) =>
                {
                    self.touched.lock().sales.entry(group).or_default().insert(*event);
                }
                _ => {}
            }
        }
        if outbox {
            bells.outbox.notify_one();
        }
        if attempts {
            bells.attempts.notify_one();
        }
        if catalog {
            bells.catalog.notify_one();
            bells.indexer.notify_one();
        }
    }
}
