//! What is whole in the log of a node that does not run, damaged or not: for a rescue from several such logs together. Nothing is
//! written, and nothing is refused: frames that do not verify are passed over.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::format::{self, ALIGN, Record};
use super::reader;
use super::recovery::{Place, Window, places};
use super::segments::Segment;
use super::shared::Shared;
use super::types::{Entry, EntryId, LogError, LogOptions};
use crate::disk::Disk;

/// The entries that can be read. Some may have been removed again by the node: of two at one place, the one of the later leader counts,
/// and entries after that of an earlier leader do not.
pub struct Salvage {
    shared: Shared,
    groups: BTreeMap<u32, BTreeMap<u64, Place>>,
    bad_frames: u64,
}

impl Salvage {
    /// Reads whatever verifies in `dir`.
    ///
    /// # Errors
    /// `InUse` while its node runs, `Io` when the files cannot be read at all.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, LogError> {
        let shared = Shared::new(disk, LogOptions::new(dir))?;
        let segments = shared.segments.look()?;
        let mut salvage = Self { shared, groups: BTreeMap::new(), bad_frames: 0 };
        for (number, segment) in &segments {
            salvage.take(*number, segment)?;
        }
        Ok(salvage)
    }

    fn take(&mut self, number: u64, segment: &Segment) -> Result<(), LogError> {
        let mut window = Window::new(number, segment);
        let mut at = 0;
        while at + format::HEADER as u64 <= segment.bytes {
            if let Some((header, body)) = window.frame(at)? {
                for record in format::records(body).unwrap_or_default() {
                    if let Record::Entries { group, first, count, start, .. } = record {
                        let found = places(body, start, count, number, at, first).unwrap_or_default();
                        self.keep(group, first.index, &found);
                    }
                }
                at += header.frame_bytes();
            } else {
                self.bad_frames += u64::from(window.header(at)?.is_some());
                at += ALIGN;
            }
        }
        Ok(())
    }

    fn keep(&mut self, group: u32, first: u64, found: &[Place]) {
        let known = self.groups.entry(group).or_default();
        for (index, place) in (first..).zip(found) {
            let is_older = |known: &Place| (place.term, place.node) < (known.term, known.node);
            if !known.get(&index).is_some_and(is_older) {
                known.insert(index, *place);
            }
        }
    }

    /// Frames whose beginning is whole and whose rest is not.
    #[must_use]
    pub fn bad_frames(&self) -> u64 {
        self.bad_frames
    }

    /// Term and node of the leader whose entry is at this place, if there is one.
    #[must_use]
    pub fn leader(&self, group: u32, index: u64) -> Option<(u64, u64)> {
        self.groups.get(&group)?.get(&index).map(|place| (place.term, place.node))
    }

    /// The last place of a group that has an entry, valid or removed; 0 without any.
    #[must_use]
    pub fn last(&self, group: u32) -> u64 {
        self.groups.get(&group).and_then(|known| known.keys().next_back().copied()).unwrap_or(0)
    }

    /// These entries, without gaps, as far as they fit into `bytes_max`, but the first one in any case.
    ///
    /// # Errors
    /// `Damaged` when the bytes changed since the log was opened, `Io`.
    pub fn read(&self, group: u32, range: std::ops::Range<u64>, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        let Some(known) = self.groups.get(&group) else { return Ok(Vec::new()) };
        let (mut bytes, mut next, mut wanted) = (0, range.start, Vec::new());
        for (&index, place) in known.range(range) {
            bytes += place.slot.length();
            if index != next || (bytes > bytes_max && !wanted.is_empty()) {
                break;
            }
            wanted.push((EntryId { term: place.term, node: place.node, index }, place.slot));
            next += 1;
        }
        reader::read_places(&self.shared, group, &wanted).map_err(|(_, _, error)| error)
    }
}
