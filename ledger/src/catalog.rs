//! The catalog: venues, performers, events and plans, as every node knows them. It does not know seats' states: sales
//! figures come as summaries from the event groups.

mod audited;
mod check;
mod members;
mod popularity;
mod put;
mod upkeep;
mod webhooks;

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use prost::Message;

use crate::audit::Audit;
use crate::blobs::Blobs;
use crate::change::Change;
use crate::codec::frame::{BLOB, FrameReader, FrameWriter, Header, REMEMBERED};
use crate::codec::{CodecError, catalog as codec, envelope};
use crate::command::{CatalogCommand, Event, Performer, SaleSummary, Venue};
use crate::cow::{CowMap, CowSet};
use crate::demand::Demand;
use crate::digest::{Accumulator, RecordHasher};
use crate::ids::{EventId, PerformerId, PlanHash, Request, VenueId};
use crate::machine::{Digest, Machine};
use crate::members::Members;
use crate::outcome::{Answer, CatalogOutcome, Rejection};
use crate::plan::PlanIndex;
use crate::requests::Requests;
use crate::time::Timestamp;
use crate::upkeep::Upkeep;
use crate::webhooks::Webhooks;

pub use check::{
    DESCRIPTION_BYTES_MAX, IMAGES_MAX, NAME_BYTES_MAX, PERFORMERS_MAX, PRICE_MAX, SUMMARIES_MAX, TIME_ZONE_BYTES_MAX, VIEWED_MAX,
    WORD_BYTES_MAX,
};

const MACHINE: &str = "catalog";

/// Snapshot kinds, and tags of the digest.
const VENUE: u8 = 16;
const PERFORMER: u8 = 17;
const EVENT: u8 = 18;
const SUMMARY: u8 = 19;
const DEMAND: u8 = 30;
const AUDIT_ROOT: u8 = 40;
const AUDIT_ENTRY: u8 = 41;
const WEBHOOK: u8 = 50;
const WEBHOOK_CURSOR: u8 = 51;
const MEMBER: u8 = 54;
const UPKEEP: u8 = 60;
const CLOCK: u32 = 15;

/// The state of the catalog group.
#[derive(Clone, Debug, Default)]
pub struct CatalogLedger {
    at: Timestamp,
    venues: CowMap<VenueId, Arc<Venue>>,
    performers: CowMap<PerformerId, Arc<Performer>>,
    events: CowMap<EventId, Arc<Event>>,
    summaries: CowMap<EventId, SaleSummary>,
    /// Events that were looked at or sold.
    demand: CowMap<EventId, Demand>,
    blobs: Blobs,
    requests: Requests,
    /// Who made and changed what.
    audit: Audit,
    /// Whose programs are told of changes, and how far each was told.
    webhooks: Webhooks,
    /// Who the nodes of the cluster are.
    members: Members,
    /// Backups, and the restore that this state came from.
    upkeep: Upkeep,
    /// Of venues, performers, events and summaries; blobs, requests and audit keep their own.
    digest: Accumulator,
    // Derived from the maps above, for lists.
    venue_order: CowSet<VenueId>,
    performer_order: CowSet<PerformerId>,
    event_order: CowSet<EventId>,
    unprovisioned: CowSet<EventId>,
}

/// What readers ask.
impl CatalogLedger {
    /// A catalog that remembers at most this many requests; the same number on every replica.
    #[must_use]
    pub fn with_request_limit(limit: u64) -> Self {
        Self { requests: Requests::with_limit(limit), ..Self::default() }
    }

    /// The stamp of the last applied entry.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// An event.
    #[must_use]
    pub fn event(&self, id: EventId) -> Option<&Event> {
        self.events.get(&id).map(|event| &**event)
    }

    /// A venue.
    #[must_use]
    pub fn venue(&self, id: VenueId) -> Option<&Venue> {
        self.venues.get(&id).map(|venue| &**venue)
    }

    /// A performer.
    #[must_use]
    pub fn performer(&self, id: PerformerId) -> Option<&Performer> {
        self.performers.get(&id).map(|performer| &**performer)
    }

    /// All events, of every status, in id order (the order of their creation).
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.event_order.iter().filter_map(|id| self.event(id))
    }

    /// The events after this one, in id order.
    pub fn events_after(&self, id: EventId) -> impl Iterator<Item = &Event> {
        self.event_order.after(id).filter_map(|id| self.event(id))
    }

    /// All venues, in id order.
    pub fn venues(&self) -> impl DoubleEndedIterator<Item = &Venue> {
        self.venue_order.iter().filter_map(|id| self.venue(id))
    }

    /// All performers, in id order.
    pub fn performers(&self) -> impl DoubleEndedIterator<Item = &Performer> {
        self.performer_order.iter().filter_map(|id| self.performer(id))
    }

    /// The last sales figures of an event.
    #[must_use]
    pub fn summary(&self, event: EventId) -> Option<&SaleSummary> {
        self.summaries.get(&event)
    }

    /// Events that are not cancelled and that their event group does not have yet, ascending.
    pub fn unprovisioned(&self) -> impl Iterator<Item = EventId> + '_ {
        self.unprovisioned.iter()
    }

    /// A complete plan with its index.
    #[must_use]
    pub fn plan(&self, hash: PlanHash) -> Option<&Arc<PlanIndex>> {
        self.blobs.plan(hash)
    }

    /// The encoding of a complete plan.
    #[must_use]
    pub fn plan_bytes(&self, hash: PlanHash) -> Option<Arc<[u8]>> {
        self.blobs.get(hash)
    }

    /// How many requests are remembered.
    #[must_use]
    pub fn remembered_requests(&self) -> u64 {
        self.requests.len()
    }

    /// What a request was answered, if it is remembered: its first answer, or the refusal of another fingerprint.
    #[must_use]
    pub fn first_answer(&self, request: Request) -> Option<Answer<CatalogOutcome>> {
        match self.requests.admit(request, codec::decode_answer) {
            Err(Rejection::RequestsFull) => None,
            Err(rejection) => Some(rejected(rejection)),
            Ok(first) => first,
        }
    }
}

fn rejected(rejection: Rejection) -> Answer<CatalogOutcome> {
    Answer { outcome: CatalogOutcome::Rejected(rejection), replayed: false }
}

fn answer(outcome: Result<CatalogOutcome, Rejection>) -> Answer<CatalogOutcome> {
    outcome.map_or_else(rejected, |outcome| Answer { outcome, replayed: false })
}

impl CatalogLedger {
    /// Does what a request asks, once: a repeat gets the first answer.
    fn once(
        &mut self,
        request: Request,
        well_formed: Result<(), Rejection>,
        act: impl FnOnce(&mut Self) -> Result<CatalogOutcome, Rejection>,
    ) -> Answer<CatalogOutcome> {
        match well_formed.and_then(|()| self.requests.admit(request, codec::decode_answer)) {
            Err(rejection) => return rejected(rejection),
            Ok(Some(first)) => return first,
            Ok(None) => {}
        }
        let answer = answer(act(self));
        self.requests.remember(request, self.at, |bytes| bytes.extend_from_slice(&codec::encode_answer(&answer)));
        answer
    }

    fn carry_out(&mut self, command: &CatalogCommand, changes: &mut Vec<Change>) -> Answer<CatalogOutcome> {
        match command {
            CatalogCommand::PlanChunk(chunk) => answer(self.blobs.put(chunk).map(|_| CatalogOutcome::Done)),
            CatalogCommand::PutVenue { request, venue } => {
                self.once(*request, check::venue(venue), |ledger| ledger.put_venue(venue, changes))
            }
            CatalogCommand::PutPerformer { request, performer } => {
                self.once(*request, check::performer(performer), |ledger| ledger.put_performer(performer, changes))
            }
            CatalogCommand::PutEvent { request, event } => {
                self.once(*request, check::event(event), |ledger| ledger.put_event(event, changes))
            }
            CatalogCommand::Provisioned { event } => answer(self.set_provisioned(*event, changes)),
            CatalogCommand::Summaries(lines) => answer(check::summaries(lines).and_then(|()| self.set_summaries(lines, changes))),
            CatalogCommand::Views(lines) => answer(check::views(lines).map(|()| self.count_views(lines, changes))),
            CatalogCommand::Webhook(command) => self.carry_out_webhook(command),
            CatalogCommand::Member(command) => self.carry_out_member(command),
            CatalogCommand::Upkeep(command) => self.carry_out_upkeep(command),
            CatalogCommand::Pulse => answer(Ok(CatalogOutcome::Done)),
            CatalogCommand::Audited(_) => rejected(check::malformed("", "an audited command in an audited one")),
        }
    }

    fn check_records(&self) -> Result<Accumulator, String> {
        let mut digest = Accumulator::default();
        let mut unprovisioned = CowSet::new();
        self.venues.sorted().into_iter().for_each(|(_, venue)| digest.add(hash_venue(venue)));
        self.performers.sorted().into_iter().for_each(|(_, performer)| digest.add(hash_performer(performer)));
        for (id, event) in self.events.sorted() {
            digest.add(hash_event(event));
            let sound = event.id == *id && event.version > 0 && self.venues.contains(&event.venue);
            if !sound || self.blobs.plan(event.plan).is_none() {
                return Err(format!("event {id} lacks its venue, its plan or its version"));
            }
            if put::needs_provisioning(event) {
                unprovisioned.insert(*id);
            }
        }
        for (id, summary) in self.summaries.sorted() {
            digest.add(hash_summary(summary));
            if !self.events.contains(id) {
                return Err(format!("sales figures of event {id}, which is not here"));
            }
        }
        self.check_demand(&mut digest)?;
        let lists = self.event_order.len() == self.events.len()
            && self.venue_order.len() == self.venues.len()
            && self.performer_order.len() == self.performers.len()
            && self.unprovisioned.iter().eq(unprovisioned.iter());
        if lists { Ok(digest) } else { Err(String::from("a list is not that of the records")) }
    }

    fn read_record(&mut self, kind: u8, bytes: &[u8]) -> Result<(), CodecError> {
        match kind {
            REMEMBERED => self.requests.read_record(bytes)?,
            BLOB => self.blobs.read_record(bytes)?,
            AUDIT_ROOT => self.audit.read_root(bytes)?,
            AUDIT_ENTRY => self.audit.read_entry(bytes)?,
            WEBHOOK => self.webhooks.read_webhook(bytes)?,
            WEBHOOK_CURSOR => self.webhooks.read_cursor(bytes)?,
            MEMBER => self.members.read_record(bytes)?,
            UPKEEP => self.upkeep = Upkeep::read_record(bytes)?,
            VENUE => {
                let venue = codec::read_venue(envelope::exact(bytes)?)?;
                self.digest.add(hash_venue(&venue));
                self.venue_order.insert(venue.id);
                self.venues.insert(venue.id, Arc::new(venue));
            }
            PERFORMER => {
                let performer = codec::read_performer(envelope::exact(bytes)?)?;
                self.digest.add(hash_performer(&performer));
                self.performer_order.insert(performer.id);
                self.performers.insert(performer.id, Arc::new(performer));
            }
            EVENT => self.store_event(codec::read_event(envelope::exact(bytes)?)?),
            SUMMARY => {
                let summary = codec::read_summary(envelope::exact(bytes)?)?;
                self.digest.add(hash_summary(&summary));
                self.summaries.insert(summary.event, summary);
            }
            DEMAND => self.restore_demand(codec::read_demand(envelope::exact(bytes)?)?),
            _ => return Err(CodecError::Unknown(format!("record kind {kind} of the catalog"))),
        }
        Ok(())
    }
}

impl Machine for CatalogLedger {
    type Command = CatalogCommand;
    type Outcome = CatalogOutcome;

    fn apply(&mut self, at: Timestamp, command: &CatalogCommand, changes: &mut Vec<Change>) -> Answer<CatalogOutcome> {
        self.at = self.at.max(at);
        self.requests.prune(self.at);
        match command {
            CatalogCommand::Audited(asked) => self.carry_out_audited(asked, changes),
            plain => self.carry_out(plain, changes),
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        None
    }

    fn digest(&self) -> Digest {
        let mut digest = self.digest;
        digest.merge(self.blobs.accumulator());
        digest.merge(self.requests.accumulator());
        digest.merge(self.audit.accumulator());
        digest.merge(self.webhooks.accumulator());
        digest.merge(self.members.accumulator());
        self.upkeep.hash(UPKEEP).into_iter().for_each(|hash| digest.add(hash));
        digest.add(RecordHasher::new(CLOCK).u64(self.at.0).u64(self.requests.limit()).finish());
        digest.digest()
    }

    fn check_invariants(&self) -> Result<(), String> {
        self.requests.check_invariants()?;
        self.blobs.check_invariants()?;
        self.audit.check()?;
        self.webhooks.check()?;
        self.members.check()?;
        if self.check_records()? == self.digest { Ok(()) } else { Err(String::from("the digest of the catalog is another")) }
    }

    fn write_snapshot(&self, sink: &mut dyn FnMut(&[u8])) {
        let header = Header { machine: MACHINE, at: self.at, request_limit: self.requests.limit() };
        let mut writer = FrameWriter::new(sink, &header);
        self.blobs.write_snapshot(&mut writer);
        self.venues().for_each(|venue| writer.record(VENUE, &codec::venue(venue)));
        self.performers().for_each(|performer| writer.record(PERFORMER, &codec::performer(performer)));
        self.events().for_each(|event| writer.record(EVENT, &codec::event(event)));
        self.summaries.sorted().into_iter().for_each(|(_, summary)| writer.record(SUMMARY, &codec::summary(summary)));
        self.demand.sorted().into_iter().for_each(|(id, demand)| writer.record(DEMAND, &codec::demand(*id, *demand)));
        self.webhooks.write_snapshot(&mut writer, WEBHOOK, WEBHOOK_CURSOR);
        self.members.write_snapshot(&mut writer, MEMBER);
        self.upkeep.write_snapshot(&mut writer, UPKEEP);
        self.audit.write_snapshot(&mut writer, AUDIT_ROOT, AUDIT_ENTRY);
        self.requests.write_snapshot(&mut writer);
        writer.finish(self.digest());
    }

    fn read_snapshot(frames: &mut dyn Iterator<Item = Vec<u8>>) -> Result<Self, CodecError> {
        let (mut reader, header) = FrameReader::new(frames, MACHINE)?;
        let mut ledger = Self { at: header.at, ..Self::with_request_limit(header.request_limit) };
        while let Some((kind, bytes)) = reader.next_record()? {
            ledger.read_record(kind, bytes)?;
        }
        reader.finish(ledger.digest())?;
        Ok(ledger)
    }

    fn encode_command(command: &CatalogCommand) -> Vec<u8> {
        codec::encode_command(command)
    }

    fn decode_command(bytes: &[u8]) -> Result<CatalogCommand, CodecError> {
        codec::decode_command(bytes)
    }

    fn encode_answer(answer: &Answer<CatalogOutcome>) -> Vec<u8> {
        codec::encode_answer(answer)
    }

    fn decode_answer(bytes: &[u8]) -> Result<Answer<CatalogOutcome>, CodecError> {
        codec::decode_answer(bytes)
    }

    fn malformed(detail: &str) -> Answer<CatalogOutcome> {
        rejected(check::malformed("", detail))
    }

    fn pulse() -> CatalogCommand {
        CatalogCommand::Pulse
    }
}

/// Hashes a record by its snapshot form, so that the digest covers exactly what a snapshot holds.
fn hash_record<M: Message>(kind: u8, record: &M) -> u128 {
    RecordHasher::new(u32::from(kind)).bytes(&record.encode_to_vec()).finish()
}

fn hash_venue(venue: &Venue) -> u128 {
    hash_record(VENUE, &codec::venue(venue))
}

fn hash_performer(performer: &Performer) -> u128 {
    hash_record(PERFORMER, &codec::performer(performer))
}

fn hash_event(event: &Event) -> u128 {
    hash_record(EVENT, &codec::event(event))
}

fn hash_summary(summary: &SaleSummary) -> u128 {
    hash_record(SUMMARY, &codec::summary(summary))
}

#[cfg(test)]
mod tests;
