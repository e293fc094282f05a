//! Reads of a group: recent entries from memory, older ones from the segments, each checked against its checksum.

use std::ops::Range;

use bytes::Bytes;

use super::format::{ENTRY_HEADER, entry_crc};
use super::memory::{Cell, Found, Slot};
use super::shared::Shared;
use super::types::{Entry, EntryId, LogError};

/// Entries closer together than this are read in one go, the bytes between them too.
const GAP_MAX: u64 = 4096;
/// Most bytes that are read in one go, unless one entry is larger.
const SPAN_MAX: u64 = 4 << 20;

/// See [`GroupLog::read`](super::GroupLog::read).
pub(super) fn read(shared: &Shared, cell: &Cell, range: &Range<u64>, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
    loop {
        let found = cell.memory.lock().find(range, bytes_max);
        let places = match found {
            Found::Entries(entries) => return Ok(entries),
            Found::Places(places) => places,
        };
        match read_places(shared, cell.group, &places) {
            Ok(entries) => return Ok(entries),
            Err((index, place, error)) => {
                // The segment may have been recycled or the entry moved after its place was looked up: then look again.
                if cell.memory.lock().is_at(index, place) {
                    return Err(error);
                }
            }
        }
    }
}

/// Reads entries at their places, in order. On failure says which one it was.
pub(super) fn read_places(shared: &Shared, group: u32, places: &[(EntryId, Slot)]) -> Result<Vec<Entry>, (u64, Slot, LogError)> {
    let mut entries = Vec::with_capacity(places.len());
    let mut rest = places;
    while let Some((first, place)) = rest.first() {
        let count = span(rest);
        let (now, later) = rest.split_at(count);
        let (start, end) = (place.offset(), end(now[count - 1].1));
        let bytes = read_span(shared, group, place.segment(), start, end).map_err(|error| (first.index, *place, error))?;
        for (id, place) in now {
            let at = usize::try_from(place.offset() - start).expect("a span fits into memory");
            let payload = check(&bytes, at, group, *id, *place).ok_or_else(|| (id.index, *place, damaged(group, *id, *place)))?;
            entries.push(Entry { id: *id, payload });
        }
        rest = later;
    }
    Ok(entries)
}

/// How many of these entries, at least one, are read in one go.
fn span(places: &[(EntryId, Slot)]) -> usize {
    let first = places[0].1;
    let joins = |pair: &[(EntryId, Slot)]| {
        let (before, next) = (pair[0].1, pair[1].1);
        let near = next.offset() >= end(before) && next.offset() - end(before) <= GAP_MAX;
        next.segment() == first.segment() && near && end(next) - first.offset() <= SPAN_MAX
    };
    1 + places.windows(2).take_while(|pair| joins(pair)).count()
}

fn end(place: Slot) -> u64 {
    place.offset() + (ENTRY_HEADER + place.length()) as u64
}

fn read_span(shared: &Shared, group: u32, segment: u64, start: u64, end: u64) -> Result<Bytes, LogError> {
    let lost = |detail: String| LogError::Damaged { segment, offset: start, groups: vec![group], detail };
    let found = shared.segments.get(segment).ok_or_else(|| lost("the segment is gone".into()))?;
    let mut buffer = vec![0; usize::try_from(end - start).expect("a span fits into memory")];
    let count = found.file.read_at(start, &mut buffer).map_err(|error| LogError::io("read", &shared.segments.path(segment), error))?;
    if count < buffer.len() {
        return Err(lost(format!("{} bytes expected, the file ends after {count}", buffer.len())));
    }
    Ok(Bytes::from(buffer))
}

fn check(bytes: &Bytes, at: usize, group: u32, id: EntryId, place: Slot) -> Option<Bytes> {
    let header: &[u8; ENTRY_HEADER] = bytes.get(at..at + ENTRY_HEADER)?.try_into().ok()?;
    let [length, crc] = [0, 4].map(|from| u32::from_le_bytes([header[from], header[from + 1], header[from + 2], header[from + 3]]));
    let payload = bytes.slice(at + ENTRY_HEADER..at + ENTRY_HEADER + place.length());
    let is_whole = crc == entry_crc(place.segment(), group, id.index, &payload) || crate::planted::has("checksum-off");
    let right = length as usize == place.length() && is_whole;
    right.then_some(payload)
}

fn damaged(group: u32, id: EntryId, place: Slot) -> LogError {
    let detail = format!("entry {} of group {group} does not match its checksum", id.index);
    LogError::Damaged { segment: place.segment(), offset: place.offset(), groups: vec![group], detail }
}
