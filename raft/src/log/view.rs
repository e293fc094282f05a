//! The log of a node that does not run, for those who look into it. Nothing is written, cut or repaired: what a start would refuse as
//! damaged is refused here too, and a torn tail is left out as a start would leave it out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::reader;
use super::recovery::{self, RecoveredGroup};
use super::shared::Shared;
use super::types::{Entry, GroupState, LogError, LogOptions};
use crate::disk::Disk;

/// A log as it lies on the disk.
pub struct LogView {
    shared: Shared,
    groups: BTreeMap<u32, RecoveredGroup>,
}

impl LogView {
    /// Reads the log in `dir`, which must be there.
    ///
    /// # Errors
    /// `InUse` while its node runs, `Damaged` as at a start, `Io`.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, LogError> {
        let shared = Shared::new(disk, LogOptions::new(dir))?;
        let groups = recovery::recover(&shared.segments.look()?)?.map(|recovered| recovered.groups).unwrap_or_default();
        Ok(Self { shared, groups })
    }

    /// Groups that the log knows, ascending.
    pub fn groups(&self) -> impl Iterator<Item = u32> + '_ {
        self.groups.keys().copied()
    }

    /// What the log says of a group; nothing of one that it does not know.
    #[must_use]
    pub fn state(&self, group: u32) -> GroupState {
        let Some(known) = self.groups.get(&group) else { return GroupState::default() };
        GroupState { vote: known.vote, purged: known.purged, last: known.last(), committed: known.committed }
    }

    /// A group's entries from `from` (or the first that is left) on, in order: at most `count`, and about `bytes_max` bytes, but at
    /// least one if there is one.
    ///
    /// # Errors
    /// `Damaged` when the bytes are others than were written, `Io` when there are none.
    pub fn read(&self, group: u32, from: u64, count: usize, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        let Some(known) = self.groups.get(&group) else { return Ok(Vec::new()) };
        let mut bytes = 0;
        let fits = |place: &(_, super::memory::Slot)| {
            let first = bytes == 0;
            bytes += place.1.length();
            first || bytes <= bytes_max
        };
        let places: Vec<_> = known.entries_from(from).take(count).take_while(fits).collect();
        reader::read_places(&self.shared, group, &places).map_err(|(_, _, error)| error)
    }
}
