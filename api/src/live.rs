//! Live seat maps: the node publishes changes as it applies them; sockets of this node see them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use boxoffice_ledger::change::Change;

use crate::backend::Backend;

/// Groups whose progress is tracked; a cluster has a few dozen.
const GROUPS_MAX: usize = 256;

/// Where the node's changes meet the sockets.
pub struct Hub {
    backend: OnceLock<Arc<dyn Backend>>,
    /// The last index published, by group.
    applied: Vec<AtomicU64>,
}

impl Hub {
    /// A hub without a backend yet, so that the node's machines can be given one before the backend exists.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { backend: OnceLock::new(), applied: (0..GROUPS_MAX).map(|_| AtomicU64::new(0)).collect() })
    }

    /// Gives the hub the backend that it takes whole maps from. The first one stays.
    pub fn bind(&self, backend: Arc<dyn Backend>) {
        let _ = self.backend.set(backend);
    }

    /// What one applied entry of a group did. Called on the apply path of every replica, in order of index.
    pub fn publish(&self, group: u32, index: u64, _changes: &[Change]) {
        if let Some(applied) = self.applied.get(group as usize) {
            applied.fetch_max(index, Ordering::Release);
        }
    }

    /// A group's state was replaced by a snapshot: what was published before says nothing about it.
    pub fn reset(&self, group: u32) {
        if let Some(applied) = self.applied.get(group as usize) {
            applied.store(0, Ordering::Release);
        }
    }
}
