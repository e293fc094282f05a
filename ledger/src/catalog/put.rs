//! Creating and changing what the catalog holds: existence, versions, what is frozen, which moves there are.

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{CatalogLedger, check, hash_event, hash_performer, hash_summary, hash_venue};
use crate::change::{Change, EventChange};
use crate::command::{Event, EventStatus, Performer, SaleSummary, Venue};
use crate::demand::SALE_UNITS;
use crate::ids::{EventId, PlanHash};
use crate::outcome::{CatalogOutcome, Rejection};
use crate::plan::PlanIndex;

type Outcome = Result<CatalogOutcome, Rejection>;

pub(super) fn not_found(what: &str) -> Rejection {
    Rejection::NotFound { what: what.into() }
}

/// The version that a write gets: 1 for a new object; one more for a change of the current version.
pub(super) fn next_version(what: &str, current: Option<u64>, seen: u64) -> Result<u64, Rejection> {
    match (current, seen) {
        (None, 0) => Ok(1),
        (None, _) => Err(not_found(what)),
        (Some(current), seen) if current == seen => Ok(current.saturating_add(1)),
        (Some(current), _) => Err(Rejection::VersionMismatch { current }),
    }
}

impl CatalogLedger {
    pub(super) fn put_venue(&mut self, venue: &Venue, changes: &mut Vec<Change>) -> Outcome {
        let old = self.venues.get(&venue.id).cloned();
        if venue.version != 0 && old.is_none() {
            return Err(not_found("venue"));
        }
        let capacity = match venue.plan {
            Some(plan) => self.complete_plan(plan)?.plan().capacity(),
            None => 0,
        };
        let version = next_version("venue", old.as_ref().map(|old| old.version), venue.version)?;
        let new = Venue { version, capacity, ..venue.clone() };
        if let Some(old) = old {
            self.digest.remove(hash_venue(&old));
        }
        self.digest.add(hash_venue(&new));
        self.venues.insert(new.id, Arc::new(new));
        self.venue_order.insert(venue.id);
        changes.push(Change::CatalogVenue { venue: venue.id });
        Ok(CatalogOutcome::Stored { id: venue.id.0, version })
    }

    pub(super) fn put_performer(&mut self, performer: &Performer, changes: &mut Vec<Change>) -> Outcome {
        let old = self.performers.get(&performer.id).cloned();
        let version = next_version("performer", old.as_ref().map(|old| old.version), performer.version)?;
        let new = Performer { version, ..performer.clone() };
        if let Some(old) = old {
            self.digest.remove(hash_performer(&old));
        }
        self.digest.add(hash_performer(&new));
        self.performers.insert(new.id, Arc::new(new));
        self.performer_order.insert(performer.id);
        changes.push(Change::CatalogPerformer { performer: performer.id });
        Ok(CatalogOutcome::Stored { id: performer.id.0, version })
    }

    pub(super) fn put_event(&mut self, event: &Event, changes: &mut Vec<Change>) -> Outcome {
        let old = self.events.get(&event.id).cloned();
        // Missing references come before a stale version in the order of refusals.
        self.check_references(event, old.is_some())?;
        let version = next_version("event", old.as_ref().map(|old| old.version), event.version)?;
        if let Some(old) = &old {
            check_change(old, event)?;
        }
        let provisioned = old.as_ref().is_some_and(|old| old.provisioned);
        self.store_event(Event { version, provisioned, ..event.clone() });
        changes.push(Change::CatalogEvent { event: event.id, what: moved(old.as_deref(), event) });
        Ok(CatalogOutcome::Stored { id: event.id.0, version })
    }

    fn check_references(&self, event: &Event, exists: bool) -> Result<(), Rejection> {
        if event.version != 0 && !exists {
            return Err(not_found("event"));
        }
        if !self.venues.contains(&event.venue) {
            return Err(not_found("venue"));
        }
        if !event.performers.iter().all(|performer| self.performers.contains(performer)) {
            return Err(not_found("performer"));
        }
        let levels = self.complete_plan(event.plan)?.plan().levels.len();
        if event.terms.prices.len() != levels {
            let detail = format!("the plan has {levels} price levels, and each needs a price");
            return Err(check::malformed("/terms/prices", &detail));
        }
        Ok(())
    }

    fn complete_plan(&self, hash: PlanHash) -> Result<&Arc<PlanIndex>, Rejection> {
        self.blobs.plan(hash).ok_or_else(|| not_found("plan"))
    }

    /// Puts an event in the place of the one with its id, in every list and in the digest.
    pub(super) fn store_event(&mut self, event: Event) {
        if let Some(old) = self.events.get(&event.id) {
            self.digest.remove(hash_event(old));
        }
        self.digest.add(hash_event(&event));
        self.event_order.insert(event.id);
        if needs_provisioning(&event) {
            self.unprovisioned.insert(event.id);
        } else {
            self.unprovisioned.remove(event.id);
        }
        self.events.insert(event.id, Arc::new(event));
    }

    pub(super) fn set_provisioned(&mut self, event: EventId, changes: &mut Vec<Change>) -> Outcome {
        let old = self.events.get(&event).ok_or_else(|| not_found("event"))?;
        if !old.provisioned {
            let new = Event { provisioned: true, ..Event::clone(old) };
            self.store_event(new);
            changes.push(Change::CatalogEvent { event, what: EventChange::Provisioned });
        }
        Ok(CatalogOutcome::Done)
    }

    /// Figures of events that the catalog does not have are dropped: it may have been restored to an earlier time.
    pub(super) fn set_summaries(&mut self, summaries: &[SaleSummary], changes: &mut Vec<Change>) -> Outcome {
        for summary in summaries {
            if !self.events.contains(&summary.event) {
                continue;
            }
            let old = self.summaries.insert(summary.event, summary.clone());
            let sold = summary.sold.saturating_sub(old.as_ref().map_or(0, |old| old.sold));
            self.add_demand(summary.event, sold.saturating_mul(SALE_UNITS));
            if old.as_ref() == Some(summary) {
                continue;
            }
            if let Some(old) = old {
                self.digest.remove(hash_summary(&old));
            }
            self.digest.add(hash_summary(summary));
            changes.push(Change::CatalogEvent { event: summary.event, what: EventChange::Figures });
        }
        Ok(CatalogOutcome::Done)
    }
}

/// Whether an event group still has to be told of it.
pub(super) fn needs_provisioning(event: &Event) -> bool {
    !event.provisioned && event.status != EventStatus::Cancelled
}

fn check_change(old: &Event, new: &Event) -> Result<(), Rejection> {
    let frozen = |pointer: &str, detail: &str| Rejection::Frozen { pointer: pointer.into(), detail: detail.into() };
    if old.owner != new.owner {
        return Err(frozen("/owner", "an event keeps its owner"));
    }
    if old.provisioned {
        let fixed = [("/plan", old.plan == new.plan), ("/terms", old.terms == new.terms), ("/venue", old.venue == new.venue)];
        if let Some((pointer, _)) = fixed.into_iter().find(|(_, same)| !same) {
            return Err(frozen(pointer, "the event is set up for sale"));
        }
    }
    if old.previous_start != new.previous_start {
        check_postponed(old, new)?;
    }
    if rank(new.status) < rank(old.status) {
        let detail = format!("the event is {}: no way back", word(old.status));
        return Err(Rejection::WrongState { detail });
    }
    Ok(())
}

fn check_postponed(old: &Event, new: &Event) -> Result<(), Rejection> {
    if old.status != EventStatus::Published {
        return Err(Rejection::WrongState { detail: format!("the event is {}: only a published one is postponed", word(old.status)) });
    }
    if new.previous_start != Some(old.starts_at) {
        return Err(check::malformed("/previous_start", "the start that the event has now"));
    }
    if new.starts_at == old.starts_at {
        return Err(check::malformed("/starts_at", "another start than it has now"));
    }
    Ok(())
}

/// What a write does to an event, for those who follow changes.
fn moved(old: Option<&Event>, new: &Event) -> EventChange {
    let before = old.map(|old| old.status);
    match new.status {
        EventStatus::Published if before != Some(EventStatus::Published) => EventChange::Published,
        EventStatus::Cancelled if before != Some(EventStatus::Cancelled) => EventChange::Cancelled,
        EventStatus::Published if old.is_some_and(|old| new.starts_at > old.starts_at || new.previous_start != old.previous_start) => {
            EventChange::Postponed
        }
        _ if old.is_none() => EventChange::Created,
        _ => EventChange::Updated,
    }
}

fn rank(status: EventStatus) -> u8 {
    match status {
        EventStatus::Draft => 0,
        EventStatus::Published => 1,
        EventStatus::Cancelled => 2,
    }
}

fn word(status: EventStatus) -> &'static str {
    match status {
        EventStatus::Draft => "a draft",
        EventStatus::Published => "published",
        EventStatus::Cancelled => "cancelled",
    }
}
