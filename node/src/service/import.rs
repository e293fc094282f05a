//! Many events at once: venues and performers first, then the events, each step as many commands side by side as one entry of the
//! log takes. Ids are made of names and keys, so a repeat finds what is there, on any node and for ever; what was changed since
//! stays as it is.

mod names;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use boxoffice_api::backend::{
    Answer, Caller, Context, Freshness, ImportItem, ImportOutcome, ImportPlace, ImportReport, ImportTally, Imports, Problem, Revision,
    Written,
};
use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::codec::plan::encode_plan;
use boxoffice_ledger::command::{CatalogCommand, Event, EventStatus, Performer, RefundPolicy, Role, SaleTerms, Venue};
use boxoffice_ledger::ids::{EventId, PerformerId, PlanHash, Request, RequestId, Slot, VenueId};
use boxoffice_ledger::outcome::{CatalogOutcome, Rejection};
use boxoffice_ledger::plan::{Area, Level, LevelIndex, Plan, Point};
use boxoffice_ledger::tickets::EntryTerms;
use boxoffice_ledger::time::Millis;
use futures::{StreamExt, TryStreamExt, stream};

use super::events::need;
use super::{Service, asked, chunks, refused};
pub use names::Names;

/// Commands that are on their way at once.
const AT_ONCE: usize = 256;
/// How long a hold of an imported event lives.
const HOLD_TTL: Millis = Millis::from_mins(8);

/// Holds that one user may let go within a day, as of events that are made one by one.
const LAPSES_MAX: u32 = 12;

/// What putting an object came to.
enum Put {
    Created,
    Existing,
    Refused(Rejection),
}

/// Who asks, and how far the catalog has come by what was written.
struct Import<'a> {
    service: &'a Service,
    cx: Context,
    caller: Caller,
    revision: Revision,
}

#[async_trait]
impl Imports for Service {
    async fn import_events(&self, cx: Context, caller: Caller, items: Vec<ImportItem>) -> Answer<Written<ImportReport>> {
        need(caller, Role::Coordinator)?;
        // What other nodes brought in is known here, or it would be made twice.
        let (revision, _) = self.barrier(cx, CATALOG).await?;
        let mut import = Import { service: self, cx, caller, revision };
        let mut report = ImportReport::default();
        let places = import.venues(&items, &mut report.venues).await?;
        let performers = import.performers(&items, &mut report.performers).await?;
        report.outcomes = import.events(items, &places, &performers).await?;
        Ok(Written { value: report, revision: import.revision, replayed: false })
    }
}

impl Import<'_> {
    /// The venue of each place, made where there is none.
    async fn venues(&mut self, items: &[ImportItem], tally: &mut ImportTally) -> Answer<BTreeMap<String, VenueId>> {
        let places: BTreeMap<String, &ImportPlace> = items.iter().map(|item| (names::of_place(&item.place), &item.place)).collect();
        let (found, missing) = {
            let mut names = self.service.names.lock();
            names.refresh(&self.service.catalog.read());
            split(places.into_iter().map(|(name, place)| (names.venue(&name), name, place)))
        };
        tally.reused = found.len();
        let plans: BTreeSet<u32> = missing.iter().map(|(_, place)| place.capacity).collect();
        for capacity in plans {
            self.plan(capacity).await?;
        }
        let venue = |(name, place): &(String, &ImportPlace)| {
            let id = VenueId::new(0, Slot::new(0), hash("venue", &[name.as_bytes()]));
            let command = |request| CatalogCommand::PutVenue {
                request,
                venue: Venue {
                    id,
                    name: place.name.clone(),
                    city: place.city.clone(),
                    country: place.country.clone(),
                    time_zone: place.time_zone.clone(),
                    plan: Some(hashed(&general_admission(place.capacity)).0),
                    capacity: place.capacity,
                    version: 0,
                },
            };
            (id.0, command(request(id.0)))
        };
        let puts = self.put_all(missing.iter().map(venue).collect()).await?;
        let mut places = found;
        for ((name, _), put) in missing.into_iter().zip(puts) {
            tally.created += usize::from(matches!(put, Put::Created));
            if let Put::Refused(rejection) = put {
                return refused(rejection, self.revision, false);
            }
            let id = VenueId::new(0, Slot::new(0), hash("venue", &[name.as_bytes()]));
            places.insert(name, id);
        }
        Ok(places)
    }

    /// The performer of each name, made where there is none.
    async fn performers(&mut self, items: &[ImportItem], tally: &mut ImportTally) -> Answer<BTreeMap<String, PerformerId>> {
        let all: BTreeMap<String, &(String, String)> =
            items.iter().flat_map(|item| &item.performers).map(|performer| (names::of_person(&performer.0), performer)).collect();
        let (found, missing) = {
            let names = self.service.names.lock();
            split(all.into_iter().map(|(name, performer)| (names.performer(&name), name, performer)))
        };
        tally.reused = found.len();
        let id = |name: &String| PerformerId::new(0, Slot::new(0), hash("performer", &[name.as_bytes()]));
        let performer = |(name, (shown, genre)): &(String, &(String, String))| {
            let performer = Performer { id: id(name), name: shown.clone(), genre: genre.clone(), version: 0 };
            (performer.id.0, CatalogCommand::PutPerformer { request: request(performer.id.0), performer })
        };
        let puts = self.put_all(missing.iter().map(performer).collect()).await?;
        let mut performers = found;
        for ((name, _), put) in missing.into_iter().zip(puts) {
            tally.created += usize::from(matches!(put, Put::Created));
            if let Put::Refused(rejection) = put {
                return refused(rejection, self.revision, false);
            }
            let id = id(&name);
            performers.insert(name, id);
        }
        Ok(performers)
    }

    async fn events(
        &mut self,
        items: Vec<ImportItem>,
        places: &BTreeMap<String, VenueId>,
        performers: &BTreeMap<String, PerformerId>,
    ) -> Answer<Vec<ImportOutcome>> {
        let owner = self.caller.user.0.to_le_bytes();
        let id = |item: &ImportItem| {
            let entropy = hash("event", &[&owner, item.key.as_bytes()]);
            EventId::new(0, Slot::new((entropy >> 112) as u16), entropy)
        };
        let ids: Vec<EventId> = items.iter().map(id).collect();
        let mut outcomes: Vec<Option<ImportOutcome>> = vec![None; ids.len()];
        let mut commands = Vec::new();
        {
            let catalog = self.service.catalog.read();
            for ((item, id), outcome) in items.into_iter().zip(&ids).zip(&mut outcomes) {
                if catalog.event(*id).is_some() {
                    *outcome = Some(ImportOutcome::Existing(*id));
                    continue;
                }
                let venue = places.get(&names::of_place(&item.place)).and_then(|venue| catalog.venue(*venue));
                let plan = venue.and_then(|venue| Some((venue, venue.plan?, catalog.plan(venue.plan?)?)));
                let Some((venue, plan, levels)) = plan.map(|(venue, hash, plan)| (venue, hash, plan.plan().levels.len())) else {
                    *outcome = Some(problem("/venue", "no_plan", "this venue is there and has no seating plan".into()));
                    continue;
                };
                let performers = item.performers.iter().filter_map(|(name, _)| performers.get(&names::of_person(name)).copied());
                let mut distinct: Vec<PerformerId> = Vec::new();
                performers.for_each(|performer| {
                    if !distinct.contains(&performer) {
                        distinct.push(performer);
                    }
                });
                let event = event(*id, item, venue.id, plan, vec![0; levels], distinct, self.caller);
                commands.push((id.0, CatalogCommand::PutEvent { request: request(id.0), event }));
            }
        }
        let mut puts = self.put_all(commands).await?.into_iter();
        let outcomes = ids.into_iter().zip(outcomes).map(|(id, outcome)| match outcome {
            Some(outcome) => outcome,
            None => match puts.next() {
                Some(Put::Created) => ImportOutcome::Created(id),
                Some(Put::Existing) => ImportOutcome::Existing(id),
                Some(Put::Refused(rejection)) => problem("", "refused", format!("{rejection:?}")),
                None => problem("", "refused", "it was not reached".into()),
            },
        });
        Ok(outcomes.collect())
    }

    /// Stores the plan of a house without numbered places, if it is not there.
    async fn plan(&mut self, capacity: u32) -> Answer<()> {
        let (hash, bytes) = hashed(&general_admission(capacity));
        if self.service.catalog.read().plan(hash).is_none() {
            for chunk in chunks(hash, &bytes) {
                let applied = self.service.write::<CatalogLedger>(self.cx, CATALOG, &CatalogCommand::PlanChunk(chunk)).await?;
                if let CatalogOutcome::Rejected(rejection) = applied.outcome {
                    return refused(rejection, applied.revision, applied.replayed);
                }
            }
        }
        Ok(())
    }

    /// Puts objects side by side, and waits until this node has them. Whatever fails, what was put stays: a repeat finds it.
    async fn put_all(&mut self, commands: Vec<(u128, CatalogCommand)>) -> Answer<Vec<Put>> {
        let (service, cx, caller) = (self.service, self.cx, self.caller);
        let put = |(_, command): (u128, CatalogCommand)| async move {
            let command = CatalogCommand::Audited(asked(cx, caller, command));
            service.write::<CatalogLedger>(cx, CATALOG, &command).await
        };
        let applied: Vec<_> = stream::iter(commands).map(put).buffered(AT_ONCE).try_collect().await?;
        let mut puts = Vec::with_capacity(applied.len());
        for applied in applied {
            if applied.revision.index > self.revision.index {
                self.revision = applied.revision;
            }
            puts.push(match applied.outcome {
                CatalogOutcome::Stored { .. } if applied.replayed => Put::Existing,
                CatalogOutcome::Stored { .. } | CatalogOutcome::Done => Put::Created,
                // It has a version: somebody made it since we looked.
                CatalogOutcome::Rejected(Rejection::VersionMismatch { .. }) => Put::Existing,
                CatalogOutcome::Rejected(Rejection::RequestsFull) => return refused(Rejection::RequestsFull, self.revision, false),
                CatalogOutcome::Rejected(rejection) => Put::Refused(rejection),
            });
        }
        service.fresh(Context { freshness: Freshness::AtLeast(self.revision), ..cx }, CATALOG).await?;
        Ok(puts)
    }
}

/// Those that are there, and those that are not.
fn split<I, T>(all: impl Iterator<Item = (Option<I>, String, T)>) -> (BTreeMap<String, I>, Vec<(String, T)>) {
    let (mut found, mut missing) = (BTreeMap::new(), Vec::new());
    for (known, name, value) in all {
        match known {
            Some(id) => drop(found.insert(name, id)),
            None => missing.push((name, value)),
        }
    }
    (found, missing)
}

fn problem(pointer: &str, code: &'static str, detail: String) -> ImportOutcome {
    ImportOutcome::Refused(vec![Problem { pointer: pointer.into(), code, detail }])
}

fn event(
    id: EventId,
    item: ImportItem,
    venue: VenueId,
    plan: PlanHash,
    mut prices: Vec<u64>,
    performers: Vec<PerformerId>,
    caller: Caller,
) -> Event {
    prices.fill(item.price);
    Event {
        id,
        name: item.name,
        description: item.description,
        category: item.category,
        venue,
        performers,
        starts_at: item.starts_at,
        plan,
        terms: SaleTerms {
            currency: item.currency,
            prices,
            per_user_limit: item.per_user_limit,
            hold_ttl: HOLD_TTL,
            orphan_rule: false,
            lapses_max: LAPSES_MAX,
            opens_at: None,
            refunds: RefundPolicy::default(),
            entry: EntryTerms::default(),
            pricing: Vec::new(),
        },
        owner: caller.user,
        status: EventStatus::Published,
        provisioned: false,
        version: 0,
        previous_start: None,
        images: Vec::new(),
    }
}

/// A house of one area.
fn general_admission(capacity: u32) -> Plan {
    Plan {
        name: "General admission".into(),
        levels: vec![Level { name: "Admission".into(), color: 0x15_65C0 }],
        sections: Vec::new(),
        areas: vec![Area { name: "Floor".into(), capacity, level: LevelIndex(0), at: Point::default() }],
        focal: Point::default(),
    }
}

fn hashed(plan: &Plan) -> (PlanHash, Vec<u8>) {
    let bytes = encode_plan(plan);
    (PlanHash(*blake3::hash(&bytes).as_bytes()), bytes)
}

/// Bits for an id out of what names a thing. Each part is preceded by its length, so that no two lists of parts look alike.
fn hash(kind: &str, parts: &[&[u8]]) -> u128 {
    let mut hasher = blake3::Hasher::new_derive_key("boxoffice 2026 id of an imported object");
    for part in [kind.as_bytes()].iter().chain(parts) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_le_bytes(id)
}

/// Whether an event came by an import: its id tells no time of making.
pub fn is_imported(id: EventId) -> bool {
    id.0 >> 80 == 0
}

/// The request that makes an object: always the same, so that two imports at once make it once.
fn request(id: u128) -> Request {
    Request { id: RequestId(hash("request", &[&id.to_le_bytes()])), fingerprint: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_names_alone() {
        assert_eq!(hash("a", &[b"bc"]), hash("a", &[b"bc"]));
        assert_ne!(hash("a", &[b"bc"]), hash("ab", &[b"c"]));
        assert_ne!(hash("a", &[b"b", b"c"]), hash("a", &[b"bc"]));
        assert_ne!(request(1).id, request(2).id);
    }

    #[test]
    fn houses_of_a_size_share_a_plan() {
        assert_eq!(hashed(&general_admission(450)).0, hashed(&general_admission(450)).0);
        assert_eq!(general_admission(450).capacity(), 450);
    }
}
