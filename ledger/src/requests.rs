//! Remembered answers: a retry of a request gets the first answer, or is refused when it asks for something else.
//!
//! Answers lie in the order of their age in segments of a byte log; a map leads from a request to its place. So
//! remembering costs one small map entry and a copy of the answer's bytes, ageing drops whole segments, and a clone
//! shares all. Two ids with the same 64-bit hash cannot both be remembered: the second is refused as if it were reused.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::codec::frame::{FrameWriter, REMEMBERED};
use crate::codec::{CodecError, common, envelope, wire};
use crate::cow::{CowIndex, CowKey};
use crate::digest::{Accumulator, RecordHasher};
use crate::ids::{Request, RequestId};
use crate::outcome::{Answer, Rejection};
use crate::time::{Millis, Timestamp};

/// How long an answer is remembered at least.
pub const REMEMBERED_FOR: Millis = Millis::from_mins(24 * 60);

/// How many answers are remembered at most, unless set otherwise.
pub const LIMIT_DEFAULT: u64 = 8_000_000;

/// How many old answers one command forgets at most: more than it can add, so that the table cannot fill with old ones.
const FORGET_STEPS: usize = 32;

const SEGMENT: u64 = 256;

/// Room for the bytes of a segment's answers at first.
const SEGMENT_BYTES: usize = 128 * SEGMENT as usize;

const TAG: u32 = 1;

/// What is known of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    /// Nothing: go on.
    New,
    /// It came before, and this was the answer (its encoding).
    Replay(&'a [u8]),
    /// Its id came before with another fingerprint.
    Reused,
    /// It is new, and there is no room to remember it: refuse it.
    Full,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    id: RequestId,
    fingerprint: u64,
    at: Timestamp,
    /// Where its answer ends in the segment's bytes; it begins where the one before ends.
    end: u32,
}

#[derive(Clone, Debug)]
struct Segment {
    records: Vec<Record>,
    bytes: Vec<u8>,
}

impl Segment {
    fn new() -> Self {
        Self { records: Vec::with_capacity(SEGMENT as usize), bytes: Vec::with_capacity(SEGMENT_BYTES) }
    }

    fn get(&self, position: usize) -> Option<(&Record, &[u8])> {
        let record = self.records.get(position)?;
        let start = position.checked_sub(1).map_or(0, |before| self.records[before].end);
        Some((record, self.bytes.get(start as usize..record.end as usize)?))
    }
}

/// The remembered answers of one group.
#[derive(Clone, Debug)]
pub struct Requests {
    /// From the hash of a request's id to the low half of its position in the log.
    places: CowIndex,
    /// Positions `first..next`; segment `i` begins at position `(first / SEGMENT + i) * SEGMENT`.
    segments: VecDeque<Arc<Segment>>,
    first: u64,
    next: u64,
    limit: u64,
    digest: Accumulator,
}

impl Default for Requests {
    fn default() -> Self {
        Self::with_limit(LIMIT_DEFAULT)
    }
}

impl Requests {
    /// No answers, and room for this many. The limit must be the same on every replica: it decides refusals.
    #[must_use]
    pub fn with_limit(limit: u64) -> Self {
        Self { places: CowIndex::default(), segments: VecDeque::new(), first: 0, next: 0, limit, digest: Accumulator::default() }
    }

    /// How many answers are remembered.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.next - self.first
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.next == self.first
    }

    /// How many may be.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Changes how many may be; the same on every replica, before it applies anything.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// What is known of a request.
    #[must_use]
    pub fn check(&self, request: Request) -> Seen<'_> {
        match self.find(request.id.hash64()) {
            None if self.len() >= self.limit => Seen::Full,
            None => Seen::New,
            Some((record, answer)) if record.id == request.id && record.fingerprint == request.fingerprint => Seen::Replay(answer),
            _ => Seen::Reused,
        }
    }

    /// Whether to do what a request asks: `None` = it is new, do it; else the first answer, marked as replayed.
    ///
    /// # Errors
    /// `RequestReused` and `RequestsFull`; `WrongState` if the first answer is of a build that this one cannot read.
    pub fn admit<O>(
        &self,
        request: Request,
        decode: impl FnOnce(&[u8]) -> Result<Answer<O>, CodecError>,
    ) -> Result<Option<Answer<O>>, Rejection> {
        match self.check(request) {
            Seen::New => Ok(None),
            Seen::Reused => Err(Rejection::RequestReused),
            Seen::Full => Err(Rejection::RequestsFull),
            Seen::Replay(bytes) => match decode(bytes) {
                Ok(first) => Ok(Some(Answer { replayed: true, ..first })),
                Err(error) => Err(Rejection::WrongState { detail: format!("the first answer cannot be read: {error}") }),
            },
        }
    }

    /// Remembers the answer to a request that [`Requests::check`] called new; `write` appends it. `at` never goes backwards.
    pub fn remember(&mut self, request: Request, at: Timestamp, write: impl FnOnce(&mut Vec<u8>)) {
        let hash64 = request.id.hash64();
        if self.find(hash64).is_some() {
            return;
        }
        self.places.insert(hash64, self.next as u32);
        if self.next.is_multiple_of(SEGMENT) {
            self.segments.push_back(Arc::new(Segment::new()));
        }
        if let Some(last) = self.segments.back_mut() {
            let segment = Arc::make_mut(last);
            let start = segment.bytes.len();
            write(&mut segment.bytes);
            let record = Record { id: request.id, fingerprint: request.fingerprint, at, end: segment.bytes.len() as u32 };
            self.digest.add(hash(&record, &segment.bytes[start..]));
            segment.records.push(record);
            self.next += 1;
        }
    }

    /// Forgets answers that are older than [`REMEMBERED_FOR`] at this time, oldest first, a bounded number of them.
    pub fn prune(&mut self, at: Timestamp) {
        for _ in 0..FORGET_STEPS {
            let Some((record, answer)) = self.at_position(self.first) else { return };
            if record.at.plus(REMEMBERED_FOR) > at {
                return;
            }
            let (id, hash) = (record.id, hash(record, answer));
            self.digest.remove(hash);
            self.places.remove(id.hash64(), self.first as u32);
            self.first += 1;
            if self.first.is_multiple_of(SEGMENT) {
                self.segments.pop_front();
            }
        }
    }

    /// Its part of the state's digest.
    #[must_use]
    pub fn accumulator(&self) -> Accumulator {
        self.digest
    }

    /// The first thing that does not fit, in words; recomputes the digest.
    ///
    /// # Errors
    /// The description of what is broken.
    pub fn check_invariants(&self) -> Result<(), String> {
        let mut digest = Accumulator::default();
        let mut last = Timestamp::default();
        for position in self.first..self.next {
            let (record, answer) = self.at_position(position).ok_or_else(|| format!("no answer at position {position}"))?;
            if self.places.find(record.id.hash64(), |place| place == position as u32).is_none() {
                return Err(format!("request {:x} is not found at position {position}", record.id.0));
            }
            if record.at < last {
                return Err(format!("the answer at position {position} is older than the one before"));
            }
            last = record.at;
            digest.add(hash(record, answer));
        }
        if self.places.len() as u64 != self.len() {
            return Err(format!("{} request ids for {} answers", self.places.len(), self.len()));
        }
        if digest == self.digest { Ok(()) } else { Err(String::from("the digest of the remembered requests is another")) }
    }

    /// Writes all answers, oldest first.
    pub(crate) fn write_snapshot(&self, writer: &mut FrameWriter<'_>) {
        for (record, answer) in (self.first..self.next).filter_map(|position| self.at_position(position)) {
            let request = Request { id: record.id, fingerprint: record.fingerprint };
            let message = wire::Remembered { request: Some(common::request(request)), at_us: record.at.0, answer: answer.to_vec() };
            writer.record(REMEMBERED, &message);
        }
    }

    /// Takes in one record of [`Requests::write_snapshot`].
    ///
    /// # Errors
    /// When it does not decode, or is there already.
    pub(crate) fn read_record(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let message: wire::Remembered = envelope::exact(bytes)?;
        let request = common::read_request(message.request)?;
        if self.find(request.id.hash64()).is_some() {
            return Err(CodecError::broken("a remembered request twice"));
        }
        self.remember(request, Timestamp(message.at_us), |bytes| bytes.extend_from_slice(&message.answer));
        Ok(())
    }

    /// The answer to the request whose id has this hash: there is at most one.
    fn find(&self, hash: u64) -> Option<(&Record, &[u8])> {
        // Positions that are remembered lie within 2^32 of each other.
        let at = |place: u32| self.at_position(self.first + u64::from(place.wrapping_sub(self.first as u32)));
        let place = self.places.find(hash, |place| at(place).is_some_and(|(record, _)| record.id.hash64() == hash))?;
        at(place)
    }

    fn at_position(&self, position: u64) -> Option<(&Record, &[u8])> {
        if position < self.first {
            return None;
        }
        let segment = self.segments.get((position / SEGMENT - self.first / SEGMENT) as usize)?;
        segment.get((position % SEGMENT) as usize)
    }
}

fn hash(record: &Record, answer: &[u8]) -> u128 {
    RecordHasher::new(TAG).u128(record.id.0).u64(record.fingerprint).u64(record.at.0).bytes(answer).finish()
}

#[cfg(test)]
mod tests;
