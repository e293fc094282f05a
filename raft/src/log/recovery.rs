//! Reads the whole log at the start: rebuilds what is known of each group and tells a torn tail from damage.
//!
//! The rule: frame n+1 is written only after frame n was synced, so a bad frame is a torn tail only if it is the very last one. Frames are
//! numbered densely over all segments; a frame that does not verify is the end of the log only when no frame with a higher number stands
//! after it, neither in this segment (searched to its end) nor at the start of the next. Otherwise bytes that were acknowledged are
//! missing, perhaps a vote among them, and the log is refused. What cannot be told apart: a torn last frame, and a last frame that was
//! synced and damaged later. Opening and closing the log write an empty frame, so that
//! this can only be a frame of a crashed process. A segment is sealed before the next one is used, so a missing newest file is seen too.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use super::durable::{Durable, DurableGroups};
use super::format::{self, ALIGN, FrameKind, GroupCheckpoint, HEADER, Header, Record};
use super::memory::Slot;
use super::segments::Segment;
use super::types::{EntryId, LogError, Vote};
use crate::planted::has;

/// Bytes read from a segment at once.
const WINDOW: usize = 4 << 20;

/// What the log holds.
pub(super) struct Recovered {
    pub groups: BTreeMap<u32, RecoveredGroup>,
    /// Where the last frame is.
    pub tail: Tail,
    /// Number of the last frame.
    pub sequence: u64,
    /// The segment after the tail when it has a name but no frame yet.
    pub unused: Option<Segment>,
}

/// The last segment that has frames.
pub(super) struct Tail {
    pub number: u64,
    pub segment: Segment,
    /// Where the next frame goes.
    pub end: u64,
    /// Where the last frame starts.
    pub last_frame: u64,
    pub frames: u64,
    /// The last frame is a seal: there is a next segment.
    pub sealed: bool,
}

/// A group while records are replayed.
#[derive(Default)]
pub(super) struct RecoveredGroup {
    pub vote: Option<Vote>,
    pub purged: Option<EntryId>,
    pub committed: Option<EntryId>,
    /// The committed index was beyond the last entry, whose successors were never acknowledged.
    pub cut: bool,
    /// Index of the first slot.
    pub first: u64,
    /// Live entries. `None`: in a segment that is gone, so it must be purged or moved by a later record.
    slots: VecDeque<Option<Place>>,
}

/// Where an entry is, and whose it is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub slot: Slot,
    pub term: u64,
    pub node: u64,
}

/// Reads all segments. `None`: nothing was ever durable here; `segments` then holds at most one file without any frame.
pub(super) fn recover(segments: &BTreeMap<u64, Segment>) -> Result<Option<Recovered>, LogError> {
    let mut replay = Replay { groups: BTreeMap::new(), sequence: None };
    let mut tail: Option<Tail> = None;
    let mut unused = None;
    for (number, segment) in segments {
        let previous = tail.as_ref().map(|tail| (tail.number, tail.end));
        if let Some((missing, _)) = previous.filter(|(before, _)| before + 1 != *number) {
            return Err(replay.damaged(missing + 1, 0, "the segment is missing"));
        }
        if let Some(empty) = unused.replace(*number) {
            return Err(replay.damaged(empty, 0, "no valid checkpoint, but a newer segment exists"));
        }
        if let Some(found) = replay.segment(*number, segment, previous)? {
            (tail, unused) = (Some(found), None);
        }
    }
    let Some(tail) = tail else { return Ok(None) };
    if tail.sealed && unused.is_none() {
        return Err(replay.damaged(tail.number + 1, 0, "the segment is missing"));
    }
    replay.complete(segments.keys().next().copied().unwrap_or(tail.number))?;
    let sequence = replay.sequence.expect("a segment with frames set it");
    let unused = unused.and_then(|number| segments.get(&number).cloned());
    Ok(Some(Recovered { groups: replay.groups, tail, sequence, unused }))
}

struct Replay {
    groups: BTreeMap<u32, RecoveredGroup>,
    /// Number of the last frame.
    sequence: Option<u64>,
}

impl Replay {
    fn damaged(&self, segment: u64, offset: u64, detail: &str) -> LogError {
        LogError::Damaged { segment, offset, groups: self.groups.keys().copied().collect(), detail: detail.to_owned() }
    }

    /// Replays one segment. `None`: it has no frame. `previous`: where the frames of the segment before ended.
    fn segment(&mut self, number: u64, segment: &Segment, previous: Option<(u64, u64)>) -> Result<Option<Tail>, LogError> {
        let mut window = Window::new(number, segment);
        let (mut at, mut last_frame, mut frames, mut sealed) = (0, 0, 0, false);
        while let Some((header, body)) = window.frame(at)? {
            let expected = self.sequence.map(|last| last + 1);
            if expected.is_some_and(|expected| expected != header.sequence) {
                let (segment, offset) = if frames == 0 { previous.unwrap_or((number, at)) } else { (number, at) };
                let detail = format!("frame {} is missing or bad, frame {} follows it", expected.unwrap_or(0), header.sequence);
                return Err(self.damaged(segment, offset, &detail));
            }
            if (header.kind == FrameKind::Checkpoint) != (frames == 0) {
                return Err(self.damaged(number, at, "a checkpoint must be the first frame of its segment, and only that"));
            }
            let Some(records) = format::records(body) else {
                return Err(self.damaged(number, at, "a valid frame with records that make no sense"));
            };
            let applied = match header.kind {
                FrameKind::Checkpoint => self.checkpoint(&records),
                FrameKind::Seal if records.is_empty() => Ok(()),
                FrameKind::Seal => Err("a seal with records".to_owned()),
                FrameKind::Records if sealed => Err("records after the seal of the segment".to_owned()),
                FrameKind::Records => records.iter().try_for_each(|record| self.record(record, number, at, body)),
            };
            applied.map_err(|detail| self.damaged(number, at, &detail))?;
            self.sequence = Some(header.sequence);
            sealed |= header.kind == FrameKind::Seal;
            last_frame = at;
            at += header.frame_bytes();
            frames += 1;
        }
        self.check_end(&mut window, at)?;
        Ok((frames > 0).then(|| Tail { number, segment: segment.clone(), end: at, last_frame, frames, sealed }))
    }

    /// The frames of a segment end at `end`: whatever stands there and after it must not be a later frame.
    fn check_end(&self, window: &mut Window<'_>, end: u64) -> Result<(), LogError> {
        if has("damage-is-the-end") {
            return Ok(());
        }
        let (number, next) = (window.number, self.sequence.map_or(0, |last| last + 1));
        if let Some(torn) = window.header(end)? {
            if self.sequence.is_some() && torn.sequence != next {
                let detail = format!("frame {next} is missing, a bad frame {} follows", torn.sequence);
                return Err(self.damaged(number, end, &detail));
            }
            tracing::warn!(
                segment = number,
                offset = end,
                "the last frame of the log is torn, as after a crash: it was never acknowledged"
            );
        }
        let mut at = end + ALIGN;
        while at + HEADER as u64 <= window.segment.bytes {
            if window.header(at)?.is_some_and(|header| header.sequence >= next) {
                return Err(self.damaged(number, end, &format!("a bad frame, but frame {next} or a later one stands at byte {at}")));
            }
            at += ALIGN;
        }
        Ok(())
    }

    /// The first checkpoint is where the replay starts; each later one must say what the replay found.
    fn checkpoint(&mut self, records: &[Record]) -> Result<(), String> {
        let mut states = BTreeMap::new();
        for record in records {
            let Record::Checkpoint { group, state } = record else { return Err("a checkpoint with other records".into()) };
            states.insert(*group, *state);
        }
        if self.sequence.is_none() {
            self.groups =
                states.iter().map(|(group, state)| Ok((*group, RecoveredGroup::from_checkpoint(state)?))).collect::<Result<_, String>>()?;
            return Ok(());
        }
        let agrees = states.len() == self.groups.len()
            && states.iter().all(|(group, state)| self.groups.get(group).is_some_and(|found| found.agrees(state)));
        if !agrees {
            return Err("the checkpoint and the records before it do not agree".into());
        }
        // The opening of the log may have cut the committed index just before this.
        for (found, state) in self.groups.values_mut().zip(states.values()) {
            found.committed = state.committed;
        }
        Ok(())
    }

    fn record(&mut self, record: &Record, segment: u64, frame: u64, body: &[u8]) -> Result<(), String> {
        let group = match *record {
            Record::Drop { group } => {
                self.groups.remove(&group);
                return Ok(());
            }
            Record::Checkpoint { .. } => return Err("a checkpoint among other records".into()),
            Record::Entries { group, .. } | Record::Vote { group, .. } | Record::Truncate { group, .. } => group,
            Record::Purge { group, .. } | Record::Committed { group, .. } => group,
        };
        let state = self.groups.entry(group).or_default();
        match *record {
            Record::Entries { moved, first, count, start, .. } => {
                let places = places(body, start, count, segment, frame, first).ok_or("entries that make no sense")?;
                let result = if moved { state.moved(first.index, &places) } else { state.append(first.index, &places) };
                return result.map_err(|detail| format!("group {group}: {detail}"));
            }
            Record::Vote { vote, .. } => state.vote = Some(vote),
            Record::Truncate { from, .. } => state.truncate(from),
            Record::Purge { upto, .. } => state.purge(upto),
            Record::Committed { id, .. } => state.committed = Some(id),
            Record::Drop { .. } | Record::Checkpoint { .. } => {}
        }
        Ok(())
    }

    /// Nothing that should be live may be missing, and nothing beyond the last entry counts as committed.
    fn complete(&mut self, oldest: u64) -> Result<(), LogError> {
        for state in self.groups.values_mut() {
            state.committed =
                state.committed.zip(state.last()).map(|(committed, last)| if committed.index > last.index { last } else { committed });
        }
        for (group, state) in &self.groups {
            if let Some(at) = state.slots.iter().position(Option::is_none) {
                return Err(self.damaged(oldest, 0, &format!("entry {} of group {group} is nowhere", state.first + at as u64)));
            }
        }
        Ok(())
    }
}

/// The places of a record's entries; `None` when they make no sense.
pub(super) fn places(body: &[u8], start: usize, count: u32, segment: u64, frame: u64, first: EntryId) -> Option<Vec<Place>> {
    let mut places = Vec::with_capacity(count as usize);
    let mut at = start;
    for _ in 0..count {
        let length = format::entry_length(body, at)? as usize;
        let slot = Slot::located(segment, frame + (HEADER + at) as u64, length);
        places.push(Place { slot, term: first.term, node: first.node });
        at += format::ENTRY_HEADER + length;
    }
    Some(places)
}

impl RecoveredGroup {
    fn from_checkpoint(state: &GroupCheckpoint) -> Result<Self, String> {
        let count = match (state.first, state.last) {
            (Some(first), Some(last)) => {
                last.index.checked_sub(first).and_then(|count| usize::try_from(count + 1).ok()).ok_or("a checkpoint that makes no sense")?
            }
            _ => 0,
        };
        let slots = std::iter::repeat_n(None, count).collect();
        Ok(Self { vote: state.vote, purged: state.purged, committed: state.committed, cut: false, first: state.first.unwrap_or(0), slots })
    }

    fn agrees(&self, state: &GroupCheckpoint) -> bool {
        let first = (!self.slots.is_empty()).then_some(self.first);
        let last = self.end().map(|end| end - 1).or(self.purged.map(|purged| purged.index));
        (self.vote, self.purged) == (state.vote, state.purged) && first == state.first && last == state.last.map(|last| last.index)
    }

    fn end(&self) -> Option<u64> {
        (!self.slots.is_empty()).then(|| self.first + self.slots.len() as u64)
    }

    /// The last entry, or the purge mark; `None` also while the last entry has no place.
    pub fn last(&self) -> Option<EntryId> {
        match (self.end(), self.slots.back()) {
            (Some(end), Some(place)) => place.map(|place| EntryId { term: place.term, node: place.node, index: end - 1 }),
            _ => self.purged,
        }
    }

    fn append(&mut self, first: u64, places: &[Place]) -> Result<(), String> {
        let expected = self.end().or(self.purged.map(|purged| purged.index + 1));
        if let Some(expected) = expected.filter(|expected| *expected != first) {
            return Err(format!("entry {expected} is missing, entry {first} follows"));
        }
        if self.slots.is_empty() {
            self.first = first;
        }
        self.slots.extend(places.iter().copied().map(Some));
        Ok(())
    }

    fn moved(&mut self, first: u64, places: &[Place]) -> Result<(), String> {
        for (index, place) in (first..).zip(places) {
            let slot = index.checked_sub(self.first).and_then(|at| self.slots.get_mut(usize::try_from(at).ok()?));
            *slot.ok_or_else(|| format!("entry {index} was moved but is not there"))? = Some(*place);
        }
        Ok(())
    }

    fn truncate(&mut self, from: u64) {
        let keep = usize::try_from(from.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.slots.truncate(keep);
        if self.committed.is_some_and(|committed| committed.index >= from) {
            self.committed = self.last();
        }
    }

    fn purge(&mut self, upto: EntryId) {
        if self.purged.is_some_and(|purged| purged.index >= upto.index) {
            return;
        }
        self.purged = Some(upto);
        if let Some(end) = self.end() {
            let first = upto.index.saturating_add(1).clamp(self.first, end);
            self.slots.drain(..usize::try_from(first - self.first).expect("slots are in memory"));
            self.first = first;
        }
    }

    /// The live entries in order, with their places.
    pub fn entries(&self) -> impl Iterator<Item = (EntryId, Slot)> {
        self.entries_from(self.first)
    }

    /// The live entries from an index on, found without a walk over those before.
    pub fn entries_from(&self, from: u64) -> impl Iterator<Item = (EntryId, Slot)> {
        let skipped = usize::try_from(from.saturating_sub(self.first)).unwrap_or(usize::MAX).min(self.slots.len());
        let places = (self.first + skipped as u64..).zip(self.slots.range(skipped..).flatten());
        places.map(|(index, place)| (EntryId { term: place.term, node: place.node, index }, place.slot))
    }

    /// As the writer follows it from now on.
    pub fn durable(&self) -> Durable {
        let mut durable = Durable::default();
        (durable.vote, durable.purged, durable.committed) = (self.vote, self.purged, self.committed);
        for (id, slot) in self.entries() {
            durable.append(slot.segment(), id, 1, slot.length() as u64);
        }
        durable
    }
}

/// All groups as the writer follows them.
pub(super) fn durable_groups(groups: &BTreeMap<u32, RecoveredGroup>) -> DurableGroups {
    groups.iter().map(|(group, state)| (*group, state.durable())).collect()
}

/// A buffered reader of one segment.
pub(super) struct Window<'a> {
    number: u64,
    segment: &'a Segment,
    buffer: Vec<u8>,
    start: u64,
}

impl<'a> Window<'a> {
    pub fn new(number: u64, segment: &'a Segment) -> Self {
        Self { number, segment, buffer: Vec::new(), start: 0 }
    }

    /// The bytes at this place, fewer at the end of the file.
    fn get(&mut self, at: u64, count: usize) -> Result<&[u8], LogError> {
        let inside = at.checked_sub(self.start).and_then(|from| usize::try_from(from).ok());
        if inside.is_none_or(|from| from + count > self.buffer.len()) {
            let left = usize::try_from(self.segment.bytes.saturating_sub(at)).unwrap_or(usize::MAX);
            self.buffer.resize(count.max(WINDOW).min(left), 0);
            let failed = |error| LogError::io("read", Path::new(&format!("{:016x}.log", self.number)), error);
            let read = self.segment.file.read_at(at, &mut self.buffer).map_err(failed)?;
            self.buffer.truncate(read);
            self.start = at;
        }
        let from = usize::try_from(at - self.start).expect("the place is inside the buffer");
        Ok(&self.buffer[from..(from + count).min(self.buffer.len())])
    }

    /// The header that starts here, if there is one of this segment. What follows it may be bad.
    pub fn header(&mut self, at: u64) -> Result<Option<Header>, LogError> {
        let number = self.number;
        let bytes = self.get(at, HEADER)?;
        Ok(if format::may_be_header(bytes) { Header::decode(bytes).filter(|header| header.segment == number) } else { None })
    }

    /// The frame that starts here, if there is a whole one of this segment.
    pub fn frame(&mut self, at: u64) -> Result<Option<(Header, &[u8])>, LogError> {
        let Some(header) = self.header(at)?.filter(|header| at + header.frame_bytes() <= self.segment.bytes) else { return Ok(None) };
        let body = self.get(at + HEADER as u64, header.body_bytes as usize)?;
        let is_whole = header.matches(body) || has("checksum-off") || has("torn-tail-is-good");
        Ok(is_whole.then_some((header, body)))
    }
}
