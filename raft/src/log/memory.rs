//! What is known of one group in memory: its state, where each entry lies on the disk, and the recent entries themselves.
//!
//! This is what readers see. It runs ahead of the disk: a change shows here when it is queued (a vote only when it is durable).

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;

use super::runs::Runs;
use super::types::{Entry, EntryId, GroupState, Vote};

/// One group as all its handles and the writer share it.
pub(super) struct Cell {
    pub group: u32,
    pub memory: Mutex<Memory>,
}

/// Where an entry lies on the disk, or that it is on its way there. Twelve bytes, since there is one for each live entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Number of the segment; 0 = not written yet, then the other two hold the serial number of the append.
    segment: u32,
    /// Where the entry's header is in the segment file, bytes.
    offset: u32,
    /// Bytes of the payload.
    length: u32,
}

impl Slot {
    /// A place on the disk. Segment numbers and offsets fit: recovery and rotation refuse others.
    pub fn located(segment: u64, offset: u64, length: usize) -> Self {
        let fit = "segments are numbered and sized below 2^32";
        let [offset, length] = [offset, length as u64].map(|value| u32::try_from(value).expect(fit));
        Self { segment: u32::try_from(segment).expect(fit), offset, length }
    }

    fn pending(serial: u64) -> Self {
        let [low, high] = [serial & u64::from(u32::MAX), serial >> 32].map(|half| u32::try_from(half).expect("half of a u64"));
        Self { segment: 0, offset: low, length: high }
    }

    fn is_pending(self) -> bool {
        self.segment == 0
    }

    /// Number of the segment, 0 while it is not written.
    pub fn segment(self) -> u64 {
        u64::from(self.segment)
    }

    /// Where the entry's header is in the segment file, bytes.
    pub fn offset(self) -> u64 {
        u64::from(self.offset)
    }

    /// Bytes of the payload.
    pub fn length(self) -> usize {
        self.length as usize
    }
}

/// What a truncation removed.
pub(super) struct Cut {
    /// The first index that is gone.
    pub from: u64,
    /// The committed index, when it was lowered to the entry that is the last one now.
    pub committed: Option<EntryId>,
}

/// What a read gets: entries from memory, or where to find them.
pub(super) enum Found {
    Entries(Vec<Entry>),
    Places(Vec<(EntryId, Slot)>),
}

/// The in-memory part of a group.
#[derive(Default)]
pub(super) struct Memory {
    vote: Option<Vote>,
    purged: Option<EntryId>,
    committed: Option<EntryId>,
    /// Index of the first slot; meaningless without slots.
    first: u64,
    slots: VecDeque<Slot>,
    runs: Runs,
    /// The last entries, at least all that are not written yet.
    recent: VecDeque<Entry>,
    recent_bytes: usize,
    /// Number of the last append, so that its place is not noted for a later entry of the same index.
    serial: u64,
    /// Grows when the group is dropped, so that a vote from before does not come back.
    life: u64,
}

impl Memory {
    /// A group as it was found on the disk: slots and runs from `first` on.
    pub fn recovered(state: &GroupState, first: u64, slots: VecDeque<Slot>, runs: Runs) -> Self {
        Self { vote: state.vote, purged: state.purged, committed: state.committed, first, slots, runs, ..Self::default() }
    }

    /// What the log says of the group.
    pub fn state(&self) -> GroupState {
        let last = self.last();
        let committed = match (self.committed, last) {
            (Some(committed), Some(last)) => Some(if committed.index > last.index { last } else { committed }),
            _ => None,
        };
        GroupState { vote: self.vote, purged: self.purged, last, committed }
    }

    /// The last entry, or the purge mark.
    pub fn last(&self) -> Option<EntryId> {
        self.end().map_or(self.purged, |end| Some(self.runs.id(end - 1)))
    }

    /// The last entry that is on the disk.
    #[cfg(feature = "sim")]
    pub fn written(&self) -> Option<u64> {
        let written = self.slots.iter().rposition(|slot| !slot.is_pending())?;
        Some(self.first + written as u64)
    }

    /// Whether there is anything to know.
    pub fn is_empty(&self) -> bool {
        self.vote.is_none() && self.purged.is_none() && self.committed.is_none() && self.slots.is_empty()
    }

    /// Which life of the group this is.
    pub fn life(&self) -> u64 {
        self.life
    }

    /// Index after the last entry; `None` without entries.
    fn end(&self) -> Option<u64> {
        (!self.slots.is_empty()).then(|| self.first + self.slots.len() as u64)
    }

    /// Index that the next entry must have; `None` = any.
    pub fn next(&self) -> Option<u64> {
        self.last().map(|last| last.index.saturating_add(1))
    }

    /// Adds entries of one leader that follow the last one; returns the serial number to give to `place`.
    pub fn append(&mut self, entries: &[Entry]) -> u64 {
        self.serial += 1;
        for entry in entries {
            if self.slots.is_empty() {
                self.first = entry.id.index;
                self.runs.clear();
            }
            assert_eq!(self.first + self.slots.len() as u64, entry.id.index, "entries are dense");
            self.slots.push_back(Slot::pending(self.serial));
            self.runs.push(entry.id);
            self.recent_bytes += entry.payload.len();
            self.recent.push_back(entry.clone());
        }
        self.serial
    }

    /// Notes where the entries of an append lie, unless they were removed or replaced since.
    pub fn place(&mut self, serial: u64, first: u64, places: impl Iterator<Item = Slot>) {
        let pending = Slot::pending(serial);
        for (index, place) in (first..).zip(places) {
            if let Some(slot) = self.slot_mut(index).filter(|slot| **slot == pending) {
                *slot = place;
            }
        }
    }

    /// Notes that an entry was moved, unless it was removed or replaced since.
    pub fn replace(&mut self, index: u64, old: Slot, new: Slot) {
        if let Some(slot) = self.slot_mut(index).filter(|slot| **slot == old) {
            *slot = new;
        }
    }

    fn slot_mut(&mut self, index: u64) -> Option<&mut Slot> {
        let at = usize::try_from(index.checked_sub(self.first)?).ok()?;
        self.slots.get_mut(at)
    }

    /// Forgets recent entries that are on the disk until the others fit into the limit.
    pub fn trim(&mut self, bytes_max: usize) {
        while self.recent_bytes > bytes_max {
            let at = self.slots.len() - self.recent.len();
            if self.recent.is_empty() || self.slots[at].is_pending() {
                break;
            }
            self.forget_first_recent();
        }
    }

    fn forget_first_recent(&mut self) {
        if let Some(entry) = self.recent.pop_front() {
            self.recent_bytes -= entry.payload.len();
        }
    }

    /// Shows a vote that became durable.
    pub fn set_vote(&mut self, life: u64, vote: Vote) {
        if life == self.life {
            self.vote = Some(vote);
        }
    }

    /// Remembers the committed index; false when that is nothing new.
    pub fn set_committed(&mut self, id: EntryId) -> bool {
        self.committed.replace(id) != Some(id)
    }

    /// Removes entries from `from` on; `None` when there are none.
    pub fn truncate(&mut self, from: u64) -> Option<Cut> {
        let from = from.max(self.first);
        let end = self.end().filter(|end| from < *end)?;
        let removed = usize::try_from(end - from).expect("slots are in memory");
        self.slots.truncate(self.slots.len() - removed);
        self.runs.truncate(from);
        for _ in 0..removed.min(self.recent.len()) {
            if let Some(entry) = self.recent.pop_back() {
                self.recent_bytes -= entry.payload.len();
            }
        }
        let beyond = self.committed.is_some_and(|committed| committed.index >= from);
        if beyond {
            self.committed = self.last();
        }
        Some(Cut { from, committed: self.committed.filter(|_| beyond) })
    }

    /// Removes entries up to `upto` and sets the mark; false when it is not beyond the mark.
    pub fn purge(&mut self, upto: EntryId) -> bool {
        if self.purged.is_some_and(|purged| purged.index >= upto.index) {
            return false;
        }
        self.purged = Some(upto);
        let Some(end) = self.end() else { return true };
        let removed = (upto.index.saturating_add(1)).min(end).saturating_sub(self.first);
        let removed = usize::try_from(removed).expect("slots are in memory");
        let recent_first = self.slots.len() - self.recent.len();
        for _ in recent_first..removed {
            self.forget_first_recent();
        }
        self.slots.drain(..removed);
        self.first += removed as u64;
        self.runs.purge(self.first);
        true
    }

    /// Forgets the group and starts its next life.
    pub fn clear(&mut self) {
        *self = Self { serial: self.serial, life: self.life + 1, ..Self::default() };
    }

    /// The first entries of the range, at least one if there is one, up to `bytes_max` of payload.
    pub fn find(&self, range: &Range<u64>, bytes_max: usize) -> Found {
        let start = range.start.max(self.first);
        let end = range.end.min(self.end().unwrap_or(0));
        if start >= end {
            return Found::Entries(Vec::new());
        }
        let recent_first = self.first + (self.slots.len() - self.recent.len()) as u64;
        let mut bytes = 0;
        let mut fits = |length: usize, is_first: bool| {
            bytes += length;
            is_first || bytes <= bytes_max
        };
        if start >= recent_first {
            let [skip, count] = [start - recent_first, end - start].map(|value| usize::try_from(value).expect("entries are in memory"));
            let wanted = self.recent.range(skip..skip + count).enumerate();
            return Found::Entries(
                wanted.take_while(|(at, entry)| fits(entry.payload.len(), *at == 0)).map(|(_, entry)| entry.clone()).collect(),
            );
        }
        let indexes = start..end.min(recent_first);
        let places = indexes.map(|index| (index, self.slots[(index - self.first) as usize]));
        let places = places.take_while(|(index, slot)| fits(slot.length(), *index == start));
        Found::Places(places.map(|(index, slot)| (self.runs.id(index), slot)).collect())
    }

    /// Whether the entry is still the one that was found at this place.
    pub fn is_at(&self, index: u64, place: Slot) -> bool {
        index.checked_sub(self.first).and_then(|at| self.slots.get(usize::try_from(at).ok()?)) == Some(&place)
    }

    /// Entries of the index range that lie in this segment.
    pub fn places_in(&self, segment: u64, first: u64, last: u64) -> Vec<(EntryId, Slot)> {
        let Some(end) = self.end() else { return Vec::new() };
        let indexes = first.max(self.first)..last.saturating_add(1).min(end);
        let places = indexes.map(|index| (index, self.slots[(index - self.first) as usize]));
        places.filter(|(_, slot)| slot.segment() == segment).map(|(index, slot)| (self.runs.id(index), slot)).collect()
    }
}

/// A shared empty group.
pub(super) fn cell(group: u32, memory: Memory) -> Arc<Cell> {
    Arc::new(Cell { group, memory: Mutex::new(memory) })
}
