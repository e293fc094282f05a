//! How the writer gets rid of old segments: when nothing in the oldest one is live it is retired; a few live entries that keep it
//! are moved.
//!
//! Only what is durable counts, so that recovery never looks for an entry whose purge was lost. A segment is retired only when a newer one
//! has a frame after its checkpoint: then damage to that checkpoint can be told from a torn tail.

use super::format::{self, ENTRIES_HEADER, ENTRY_HEADER, FrameKind};
use super::memory::Slot;
use super::reader::read_places;
use super::stats::add;
use super::types::{Entry, EntryId, LogError};
use super::writer::Writer;

/// Entries of one group to be moved: dense, of one leader.
struct Move {
    group: u32,
    entries: Vec<Entry>,
    places: Vec<(EntryId, Slot)>,
}

impl Writer {
    /// Retires what nobody needs and names the groups that keep too much alive.
    pub(super) fn reclaim(&mut self) {
        if self.active.frames < 2 {
            return;
        }
        let segments = &self.shared.segments;
        let mut retired = false;
        while let Some(oldest) = segments.oldest().filter(|oldest| *oldest != self.active.number) {
            if self.live_bytes(oldest) > 0 {
                break;
            }
            segments.retire(oldest);
            retired = true;
        }
        if retired {
            self.shared.keep.notify_one();
        }
        let (_, bytes, _) = segments.totals();
        let over = bytes > self.shared.options.reclaim_bytes;
        self.relocation = over;
        let oldest = segments.oldest().filter(|oldest| over && *oldest != self.active.number);
        let pins = |segment: u64| self.groups.iter().filter(move |(_, durable)| durable.extents().any(|extent| extent.segment == segment));
        *self.shared.pinning.lock() = oldest.into_iter().flat_map(pins).map(|(group, _)| *group).collect();
    }

    /// Live entries of a segment in bytes, their headers counted, so that it is 0 only when there are none.
    fn live_bytes(&self, segment: u64) -> u64 {
        let extents = self.groups.values().flat_map(|durable| durable.extents());
        extents
            .filter(|extent| extent.segment == segment)
            .map(|extent| extent.bytes + (extent.last - extent.first + 1) * ENTRY_HEADER as u64)
            .sum()
    }

    /// Moves one frame of live entries from the oldest segment to the head, if that is due and helps; true when it did.
    ///
    /// Due: the log is a quarter (and at least a segment) over the limit, so that groups had time to snapshot. Helps: the segment is
    /// at most half alive, or all that is alive is at most half of the limit. So moving costs at most as much as it frees.
    pub(super) fn relocate(&mut self) -> Result<bool, LogError> {
        if !std::mem::take(&mut self.relocation) {
            return Ok(false);
        }
        let options = &self.shared.options;
        let (_, bytes, _) = self.shared.segments.totals();
        let patience = (options.reclaim_bytes / 4).max(options.segment_bytes);
        let Some(oldest) = self.shared.segments.oldest().filter(|oldest| *oldest != self.active.number) else { return Ok(false) };
        let size = self.shared.segments.get(oldest).map_or(0, |segment| segment.bytes);
        let alive: u64 = self.groups.values().flat_map(|durable| durable.extents()).map(|extent| extent.bytes).sum();
        let helps = self.live_bytes(oldest) <= size / 2 || alive <= options.reclaim_bytes / 2;
        if bytes <= options.reclaim_bytes + patience || !helps {
            return Ok(false);
        }
        let moves = self.gather(oldest);
        if moves.is_empty() {
            return Ok(false);
        }
        self.write_moves(&moves)?;
        self.reclaim();
        Ok(true)
    }

    /// Reads live entries of the segment, about one frame of them.
    fn gather(&self, segment: u64) -> Vec<Move> {
        let (mut moves, mut bytes, bytes_max) = (Vec::new(), 0, self.frame_bytes());
        for (group, durable) in &self.groups {
            let cell = self.shared.cell(*group);
            for extent in durable.extents().filter(|extent| extent.segment == segment) {
                let mut places = cell.memory.lock().places_in(segment, extent.first, extent.last);
                let fits = places.iter().take_while(|(_, place)| {
                    bytes += place.length() + ENTRY_HEADER;
                    bytes <= bytes_max || (moves.is_empty() && bytes == place.length() + ENTRY_HEADER)
                });
                let count = fits.count();
                places.truncate(count);
                let entries = match read_places(&self.shared, *group, &places) {
                    Ok(entries) => entries,
                    Err((index, _, error)) => {
                        tracing::error!(%error, group, index, "cannot move an old entry, its segment stays");
                        continue;
                    }
                };
                let mut at = 0;
                for run in entries.chunk_by(|a, b| (a.id.term, a.id.node, a.id.index + 1) == (b.id.term, b.id.node, b.id.index)) {
                    moves.push(Move { group: *group, entries: run.to_vec(), places: places[at..at + run.len()].to_vec() });
                    at += run.len();
                }
                if bytes > bytes_max {
                    return moves;
                }
            }
        }
        moves
    }

    fn write_moves(&mut self, moves: &[Move]) -> Result<(), LogError> {
        let body = moves.iter().map(|one| format::entries_bytes(&one.entries)).sum();
        self.ensure_room(format::frame_bytes(body))?;
        let (segment, mut at) = (self.active.number, self.active.offset + format::HEADER as u64);
        self.builder.start(segment);
        for one in moves {
            self.builder.entries(one.group, &one.entries, true);
        }
        self.put(FrameKind::Records)?;
        for Move { group, entries, places } in moves {
            at += ENTRIES_HEADER as u64;
            let durable = self.groups.get_mut(group).expect("its entries were just moved");
            durable.moved(segment, entries[0].id.index, entries[entries.len() - 1].id.index);
            let cell = self.shared.cell(*group);
            let mut memory = cell.memory.lock();
            for (entry, (_, old)) in entries.iter().zip(places) {
                memory.replace(entry.id.index, *old, Slot::located(segment, at, entry.payload.len()));
                at += (ENTRY_HEADER + entry.payload.len()) as u64;
            }
            add(&self.shared.stats.moved_entries, entries.len() as u64);
        }
        Ok(())
    }
}
