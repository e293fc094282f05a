//! Feeds this node's full-text index from this node's catalog. Runs on every node and needs no quorum.
//!
//! ```text
//!  start: what the index knows (prints) --compare with the catalog--> only the differences
//!  then:  changes of the catalog -> at once, ten commits a second at most;   sales figures -> every five seconds
//!  empty, of an older version, or too different: built anew beside the one that serves
//! ```
//! A change of figures counts only when it changes what searches look at, so a sale of thousands of seats is a few commits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::{Event, EventStatus};
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::outcome::SaleState;
use boxoffice_search::{Availability, EventDoc, LocalDay, Prints, SearchError};

use super::{PAUSE, wake};
use crate::feed::Unindexed;
use crate::service::Service;

/// Least time between two commits. The longer the last one took, the longer it is, so that a flood of changes is written in few
/// large pieces; never so long that an event would not be found within a second.
const COMMITS_APART: Duration = Duration::from_millis(100);
const COMMITS_APART_MAX: Duration = Duration::from_millis(300);
/// Least time between two commits of nothing but sales figures.
const FIGURES_APART: Duration = Duration::from_secs(5);
/// Most events in one commit.
const COMMIT_EVENTS_MAX: usize = 5_000;
/// From this many differences on, the index is built anew.
const DIFFERENCES_MAX: usize = 20_000;
/// Events that are looked at under one lock of the catalog.
const LOOK_EVENTS: usize = 1_000;
/// How long a restarted node waits until its catalog is where its index was.
const CATCH_UP: Duration = Duration::from_secs(30);

/// What the index was last told of each event that it holds.
type Told = BTreeMap<u128, Prints>;

struct Indexer {
    service: Arc<Service>,
    told: Told,
    /// Events of which only figures changed.
    owed: BTreeSet<EventId>,
    figures_at: Instant,
}

/// See the module.
pub async fn run(service: Arc<Service>) {
    let Some(group) = service.groups.get(&CATALOG).cloned() else { return };
    let bell = || wake(service.feed.bells(CATALOG).map(|bells| &bells.indexer));
    let started = Instant::now();
    while group.applied() == 0 || (service.search.index.position() > Some(group.applied()) && started.elapsed() < CATCH_UP) {
        bell().await;
    }
    let mut indexer = Indexer { service: Arc::clone(&service), told: Told::new(), owed: BTreeSet::new(), figures_at: started };
    let mut everything = true;
    loop {
        // Read before the catalog is looked at: the index may know more than it claims, never less.
        let (position, looked) = (group.applied(), Instant::now());
        let changed = service.feed.take_unindexed();
        everything |= changed.everything;
        let done = if everything { indexer.compare(position).await } else { indexer.follow(position, changed).await };
        match done {
            Ok(wrote) => {
                everything = false;
                service.search.caught_up(position, looked);
                if wrote {
                    let took = looked.elapsed();
                    tokio::time::sleep((2 * took).clamp(COMMITS_APART, COMMITS_APART_MAX)).await;
                }
            }
            Err(error) => {
                tracing::error!(%error, "the search index could not be written; what it lacks is looked for again");
                everything = true;
                tokio::time::sleep(PAUSE).await;
            }
        }
        bell().await;
    }
}

impl Indexer {
    /// Takes in what changed. Says whether anything was written.
    async fn follow(&mut self, position: u64, changed: Unindexed) -> Result<bool, SearchError> {
        let mut events = changed.events;
        if !changed.venues.is_empty() || !changed.performers.is_empty() {
            let touches = |event: &Event| {
                changed.venues.contains(&event.venue) || event.performers.iter().any(|performer| changed.performers.contains(performer))
            };
            events.extend(self.service.catalog.read().events().filter(|event| touches(event)).map(|event| event.id));
        }
        let (mut upserts, mut deletes) = (Vec::new(), Vec::new());
        for id in events {
            match (document(&self.service, id), self.told.get(&id.0)) {
                (None, None) => {}
                (None, Some(_)) => deletes.push(id.0),
                (Some(now), Some(then)) if now.prints().content == then.content => {
                    if now.prints() != *then {
                        self.owed.insert(id);
                    }
                }
                (Some(now), _) => upserts.push(now),
            }
        }
        let due = self.figures_at.elapsed() >= FIGURES_APART;
        if upserts.is_empty() && deletes.is_empty() && (self.owed.is_empty() || !due) {
            return Ok(false);
        }
        let figures: Vec<EventId> = self.owed.iter().copied().take(COMMIT_EVENTS_MAX).collect();
        upserts.extend(figures.iter().filter_map(|id| document(&self.service, *id)).filter(|event| self.told.contains_key(&event.id)));
        self.owed.retain(|id| figures.last().is_some_and(|last| id > last));
        self.figures_at = Instant::now();
        self.write(upserts, deletes, position).await?;
        Ok(true)
    }

    /// Makes the index what the catalog is, whatever it was.
    async fn compare(&mut self, position: u64) -> Result<bool, SearchError> {
        self.owed.clear();
        let index = self.service.search.index.clone();
        if index.is_due() || index.position() > Some(position) {
            return self.build(position).await;
        }
        let service = Arc::clone(&self.service);
        let compared = tokio::task::spawn_blocking(move || -> Result<_, SearchError> {
            let told: Told = index.prints()?.into_iter().collect();
            let mut gone: BTreeSet<u128> = told.keys().copied().collect();
            let mut upserts = Vec::new();
            for event in documents(&service) {
                gone.remove(&event.id);
                if told.get(&event.id) != Some(&event.prints()) {
                    upserts.push(event);
                }
                if upserts.len() > DIFFERENCES_MAX {
                    return Ok(None);
                }
            }
            Ok(Some((told, upserts, gone.into_iter().collect::<Vec<_>>())))
        });
        match joined(compared).await? {
            None => self.build(position).await,
            Some((told, upserts, deletes)) => {
                self.told = told;
                let wrote = !upserts.is_empty() || !deletes.is_empty();
                if wrote {
                    self.write(upserts, deletes, position).await?;
                }
                Ok(wrote)
            }
        }
    }

    /// Builds the index anew; the old one serves until it is complete.
    async fn build(&mut self, position: u64) -> Result<bool, SearchError> {
        let service = Arc::clone(&self.service);
        let built = tokio::task::spawn_blocking(move || -> Result<Told, SearchError> {
            let mut told = Told::new();
            let events = documents(&service).inspect(|event| {
                told.insert(event.id, event.prints());
            });
            service.search.index.replace(events, position)?;
            Ok(told)
        });
        self.told = joined(built).await?;
        Ok(true)
    }

    async fn write(&mut self, upserts: Vec<EventDoc>, deletes: Vec<u128>, position: u64) -> Result<(), SearchError> {
        let index = self.service.search.index.clone();
        let prints: Vec<(u128, Prints)> = upserts.iter().map(|event| (event.id, event.prints())).collect();
        let gone = deletes.clone();
        let written = tokio::task::spawn_blocking(move || {
            // Until the last piece is in, the index claims what it did.
            let before = index.position().unwrap_or(0);
            let (mut upserts, mut deletes) = (upserts, deletes);
            while upserts.len() > COMMIT_EVENTS_MAX {
                let rest = upserts.split_off(COMMIT_EVENTS_MAX);
                index.apply(std::mem::replace(&mut upserts, rest), std::mem::take(&mut deletes), before)?;
            }
            index.apply(upserts, deletes, position)
        });
        joined(written).await?;
        self.told.extend(prints);
        for id in gone {
            self.told.remove(&id);
        }
        Ok(())
    }
}

async fn joined<T>(task: tokio::task::JoinHandle<Result<T, SearchError>>) -> Result<T, SearchError> {
    task.await.unwrap_or_else(|error| Err(SearchError::Index(error.to_string())))
}

/// All events that searches find, as they are when they are reached. The catalog is locked for some at a time.
fn documents(service: &Service) -> impl Iterator<Item = EventDoc> + '_ {
    let mut last = None;
    std::iter::from_fn(move || {
        let ids: Vec<EventId> = {
            let catalog = service.catalog.read();
            match last {
                None => catalog.events().take(LOOK_EVENTS).map(|event| event.id).collect(),
                Some(last) => catalog.events_after(last).take(LOOK_EVENTS).map(|event| event.id).collect(),
            }
        };
        last = ids.last().copied();
        last.map(|_| ids.into_iter().filter_map(|id| document(service, id)).collect::<Vec<_>>())
    })
    .flatten()
}

/// An event as searches find it; none if they may not.
fn document(service: &Service, id: EventId) -> Option<EventDoc> {
    let on_sale = service.sale_view(id).is_some_and(|sale| sale.state == SaleState::OnSale);
    let catalog = service.catalog.read();
    let event = catalog.event(id).filter(|event| event.status == EventStatus::Published)?;
    Some(EventDoc { on_sale, ..describe(&catalog, event) })
}

fn describe(catalog: &CatalogLedger, event: &Event) -> EventDoc {
    let venue = catalog.venue(event.venue);
    let summary = catalog.summary(event.id);
    let text = |of: fn(&boxoffice_ledger::command::Venue) -> &String| venue.map(of).cloned().unwrap_or_default();
    EventDoc {
        id: event.id.0,
        name: event.name.clone(),
        description: event.description.clone(),
        performers: event.performers.iter().filter_map(|id| catalog.performer(*id)).map(|performer| performer.name.clone()).collect(),
        performer_ids: event.performers.iter().map(|id| id.0).collect(),
        venue: text(|venue| &venue.name),
        venue_id: event.venue.0,
        city: text(|venue| &venue.city),
        country: text(|venue| &venue.country),
        category: event.category.clone(),
        starts_at_us: event.starts_at.0,
        day: venue.map_or_else(LocalDay::default, |venue| local_day(event.starts_at.0, &venue.time_zone)),
        from_price: summary.and_then(|summary| summary.from_price),
        availability: summary
            .map_or(Availability::SoldOut, |summary| Availability::of(summary.available, venue.map_or(0, |venue| venue.capacity))),
        on_sale: false,
        popularity: summary.map_or(0, |summary| u64::from(summary.sold)),
    }
}

/// The day at a moment on the clock of a time zone; in UTC if this node does not know the zone.
pub fn local_day(at_us: u64, time_zone: &str) -> LocalDay {
    let zone = jiff::tz::TimeZone::get(time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let Some(at) = i64::try_from(at_us).ok().and_then(|at| jiff::Timestamp::from_microsecond(at).ok()) else {
        return LocalDay::default();
    };
    let at = at.to_zoned(zone);
    let small = |number: i8| u8::try_from(number).unwrap_or(0);
    LocalDay {
        year: u16::try_from(at.year()).unwrap_or(0),
        month: small(at.month()),
        day: small(at.day()),
        weekday: small(at.weekday().to_monday_one_offset()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_city() {
        // Midnight in Berlin on Sunday 2026-06-14 is still Saturday in New York.
        let at = 1_781_388_000_000_000;
        assert_eq!(local_day(at, "Europe/Berlin"), LocalDay { year: 2026, month: 6, day: 14, weekday: 7 });
        assert_eq!(local_day(at, "America/New_York"), LocalDay { year: 2026, month: 6, day: 13, weekday: 6 });
        assert_eq!(local_day(at, "Nowhere/Land"), LocalDay { year: 2026, month: 6, day: 13, weekday: 6 });
        assert_eq!(local_day(u64::MAX, "Europe/Berlin"), LocalDay::default());
    }
}
