//! Encoding of the catalog's commands, answers and records.

use alloc::vec::Vec;

use super::wire::catalog_answer::Outcome as WireOutcome;
use super::wire::catalog_command::Command as WireCommand;
use super::{CodecError, audit, common, envelope, member, rejection, upkeep, webhook, wire};
use crate::command::{CatalogCommand, Event, EventStatus, EventViews, Performer, SaleSummary, Venue};
use crate::demand::Demand;
use crate::ids::{EventId, MediaHash, PerformerId, UserId, VenueId};
use crate::outcome::{Answer, CatalogOutcome};
use crate::time::Timestamp;

pub fn encode_command(command: &CatalogCommand) -> Vec<u8> {
    let command = match command {
        CatalogCommand::PlanChunk(chunk) => WireCommand::PlanChunk(common::chunk(chunk)),
        CatalogCommand::PutVenue { request, venue: content } => {
            WireCommand::PutVenue(wire::PutVenue { request: Some(common::request(*request)), venue: Some(venue(content)) })
        }
        CatalogCommand::PutPerformer { request, performer: content } => {
            WireCommand::PutPerformer(wire::PutPerformer { request: Some(common::request(*request)), performer: Some(performer(content)) })
        }
        CatalogCommand::PutEvent { request, event: content } => {
            WireCommand::PutEvent(wire::PutEvent { request: Some(common::request(*request)), event: Some(event(content)) })
        }
        CatalogCommand::Provisioned { event } => WireCommand::Provisioned(common::id(event.0)),
        CatalogCommand::Summaries(lines) => WireCommand::Summaries(wire::SaleSummaries { summaries: lines.iter().map(summary).collect() }),
        CatalogCommand::Views(lines) => WireCommand::Views(wire::EventViewsList { lines: lines.iter().map(views).collect() }),
        CatalogCommand::Webhook(command) => WireCommand::Webhook(webhook::command(command)),
        CatalogCommand::Member(command) => WireCommand::Member(member::command(command)),
        CatalogCommand::Upkeep(command) => WireCommand::Upkeep(upkeep::command(command)),
        CatalogCommand::Pulse => WireCommand::Pulse(wire::Empty {}),
        CatalogCommand::Audited(asked) => WireCommand::Audited(audit::audited(asked, encode_command(&asked.command))),
    };
    envelope::encode(&wire::CatalogCommand { version: envelope::VERSION, command: Some(command) })
}

pub fn decode_command(bytes: &[u8]) -> Result<CatalogCommand, CodecError> {
    let message: wire::CatalogCommand = envelope::decode(bytes)?;
    match message.command.ok_or_else(|| CodecError::broken("no command"))? {
        WireCommand::Audited(asked) => audit::read_audited(asked, decode_plain).map(CatalogCommand::Audited),
        plain => read_plain(plain),
    }
}

/// A command that is not an audited one.
fn decode_plain(bytes: &[u8]) -> Result<CatalogCommand, CodecError> {
    let message: wire::CatalogCommand = envelope::decode(bytes)?;
    read_plain(message.command.ok_or_else(|| CodecError::broken("no command"))?)
}

fn read_plain(command: WireCommand) -> Result<CatalogCommand, CodecError> {
    Ok(match command {
        WireCommand::PlanChunk(chunk) => CatalogCommand::PlanChunk(common::read_chunk(chunk)?),
        WireCommand::PutVenue(put) => {
            CatalogCommand::PutVenue { request: common::read_request(put.request)?, venue: read_venue(needed(put.venue)?)? }
        }
        WireCommand::PutPerformer(put) => {
            CatalogCommand::PutPerformer { request: common::read_request(put.request)?, performer: read_performer(needed(put.performer)?)? }
        }
        WireCommand::PutEvent(put) => {
            CatalogCommand::PutEvent { request: common::read_request(put.request)?, event: read_event(needed(put.event)?)? }
        }
        WireCommand::Provisioned(event) => CatalogCommand::Provisioned { event: EventId(common::read_id(Some(event))?) },
        WireCommand::Summaries(lines) => {
            CatalogCommand::Summaries(lines.summaries.into_iter().map(read_summary).collect::<Result<_, _>>()?)
        }
        WireCommand::Views(list) => CatalogCommand::Views(list.lines.into_iter().map(read_views).collect::<Result<_, _>>()?),
        WireCommand::Webhook(command) => CatalogCommand::Webhook(webhook::read_command(command)?),
        WireCommand::Member(command) => CatalogCommand::Member(member::read_command(command)?),
        WireCommand::Upkeep(command) => CatalogCommand::Upkeep(upkeep::read_command(command)?),
        WireCommand::Pulse(_) => CatalogCommand::Pulse,
        WireCommand::Audited(_) => return Err(audit::nested()),
    })
}

pub fn encode_answer(answer: &Answer<CatalogOutcome>) -> Vec<u8> {
    let outcome = match &answer.outcome {
        CatalogOutcome::Done => WireOutcome::Done(wire::Empty {}),
        CatalogOutcome::Stored { id, version } => WireOutcome::Stored(wire::CatalogStored { id: Some(common::id(*id)), version: *version }),
        CatalogOutcome::Rejected(reason) => WireOutcome::Rejected(rejection::rejection(reason)),
    };
    envelope::encode(&wire::CatalogAnswer { version: envelope::VERSION, replayed: answer.replayed, outcome: Some(outcome) })
}

pub fn decode_answer(bytes: &[u8]) -> Result<Answer<CatalogOutcome>, CodecError> {
    let message: wire::CatalogAnswer = envelope::decode(bytes)?;
    let outcome = match message.outcome.ok_or_else(|| CodecError::broken("no outcome"))? {
        WireOutcome::Done(_) => CatalogOutcome::Done,
        WireOutcome::Stored(stored) => CatalogOutcome::Stored { id: common::read_id(stored.id)?, version: stored.version },
        WireOutcome::Rejected(reason) => CatalogOutcome::Rejected(rejection::read_rejection(reason)?),
    };
    Ok(Answer { outcome, replayed: message.replayed })
}

pub fn venue(venue: &Venue) -> wire::Venue {
    wire::Venue {
        id: Some(common::id(venue.id.0)),
        name: venue.name.clone(),
        city: venue.city.clone(),
        country: venue.country.clone(),
        time_zone: venue.time_zone.clone(),
        plan: venue.plan.map(|hash| hash.0.to_vec()),
        capacity: venue.capacity,
        version: venue.version,
    }
}

pub fn read_venue(venue: wire::Venue) -> Result<Venue, CodecError> {
    Ok(Venue {
        id: VenueId(common::read_id(venue.id)?),
        name: venue.name,
        city: venue.city,
        country: venue.country,
        time_zone: venue.time_zone,
        plan: venue.plan.as_deref().map(common::read_hash).transpose()?,
        capacity: venue.capacity,
        version: venue.version,
    })
}

pub fn performer(performer: &Performer) -> wire::Performer {
    wire::Performer {
        id: Some(common::id(performer.id.0)),
        name: performer.name.clone(),
        genre: performer.genre.clone(),
        version: performer.version,
    }
}

pub fn read_performer(performer: wire::Performer) -> Result<Performer, CodecError> {
    let id = PerformerId(common::read_id(performer.id)?);
    Ok(Performer { id, name: performer.name, genre: performer.genre, version: performer.version })
}

common::states!(status, read_status, EventStatus: Draft, Published, Cancelled);

pub fn event(event: &Event) -> wire::Event {
    wire::Event {
        id: Some(common::id(event.id.0)),
        name: event.name.clone(),
        description: event.description.clone(),
        category: event.category.clone(),
        venue: Some(common::id(event.venue.0)),
        performers: event.performers.iter().map(|performer| common::id(performer.0)).collect(),
        starts_at_us: event.starts_at.0,
        plan: event.plan.0.to_vec(),
        terms: Some(common::terms(&event.terms)),
        owner: Some(common::id(event.owner.0)),
        status: status(event.status),
        provisioned: event.provisioned,
        version: event.version,
        previous_start_us: event.previous_start.map(|at| at.0),
        images: event.images.iter().map(|image| image.0.to_vec()).collect(),
    }
}

pub fn read_event(event: wire::Event) -> Result<Event, CodecError> {
    let performer = |id| common::read_id(Some(id)).map(PerformerId);
    Ok(Event {
        id: EventId(common::read_id(event.id)?),
        name: event.name,
        description: event.description,
        category: event.category,
        venue: VenueId(common::read_id(event.venue)?),
        performers: event.performers.into_iter().map(performer).collect::<Result<_, _>>()?,
        starts_at: Timestamp(event.starts_at_us),
        previous_start: event.previous_start_us.map(Timestamp),
        plan: common::read_hash(&event.plan)?,
        terms: common::read_terms(event.terms)?,
        owner: UserId(common::read_id(event.owner)?),
        status: read_status(event.status)?,
        provisioned: event.provisioned,
        version: event.version,
        images: event.images.iter().map(|image| common::read_hash_bytes(image).map(MediaHash)).collect::<Result<_, _>>()?,
    })
}

pub fn summary(summary: &SaleSummary) -> wire::SaleSummary {
    wire::SaleSummary {
        event: Some(common::id(summary.event.0)),
        available: summary.available,
        from_price: summary.from_price,
        sold: summary.sold,
    }
}

pub fn read_summary(summary: wire::SaleSummary) -> Result<SaleSummary, CodecError> {
    let event = EventId(common::read_id(summary.event)?);
    Ok(SaleSummary { event, available: summary.available, from_price: summary.from_price, sold: summary.sold })
}

fn views(views: &EventViews) -> wire::EventViews {
    wire::EventViews { event: Some(common::id(views.event.0)), views: views.views }
}

fn read_views(views: wire::EventViews) -> Result<EventViews, CodecError> {
    Ok(EventViews { event: EventId(common::read_id(views.event)?), views: views.views })
}

pub fn demand(event: EventId, demand: Demand) -> wire::EventDemand {
    wire::EventDemand { event: Some(common::id(event.0)), score: demand.0 }
}

pub fn read_demand(record: wire::EventDemand) -> Result<(EventId, Demand), CodecError> {
    Ok((EventId(common::read_id(record.event)?), Demand(record.score)))
}

fn needed<M>(message: Option<M>) -> Result<M, CodecError> {
    message.ok_or_else(|| CodecError::broken("the content is missing"))
}
