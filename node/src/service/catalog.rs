//! Venues with their plans, and performers.

use std::sync::Arc;

use boxoffice_api::backend::{
    Answer, Caller, Context, Failure, Freshness, Page, PerformerInput, Read, SeatMap, SectionCount, VenueInput, Written,
};
use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_cluster_config::limits::{PLAN_BYTES_MAX, PLAN_CHUNK_BYTES};
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::codec::plan::encode_plan;
use boxoffice_ledger::command::{BlobChunk, CatalogCommand, Performer, Role, Venue};
use boxoffice_ledger::ids::{EventId, PerformerId, PlanHash, Request, Slot, VenueId};
use boxoffice_ledger::outcome::CatalogOutcome;
use boxoffice_ledger::plan::Plan;

use super::events::{bad_cursor, invalid, need};
use super::{Applied, Service, asked, refused};
use crate::mint;

/// Venues and performers live in the catalog, whatever their slot: it is always this one.
const CATALOG_SLOT: Slot = Slot::new(0);

impl Service {
    /// Venues by id.
    pub async fn list_venues(&self, cx: Context, limit: usize, cursor: Option<&str>) -> Answer<Read<Page<Arc<Venue>>>> {
        let (revision, age_ms) = self.fresh(cx, CATALOG).await?;
        let after = cursor.map(|text| VenueId::parse(text).map_err(|_| bad_cursor())).transpose()?;
        let items: Vec<_> = self
            .catalog
            .read()
            .venues()
            .skip_while(|venue| after.is_some_and(|after| venue.id <= after))
            .take(limit + 1)
            .cloned()
            .map(Arc::new)
            .collect();
        Ok(Read { value: page_of(items, limit, |venue| venue.id.to_string()), revision, age_ms })
    }

    /// One venue.
    pub async fn read_venue(&self, cx: Context, id: VenueId) -> Answer<Read<Arc<Venue>>> {
        let found = self.find(cx, CATALOG, || self.catalog.read().venue(id).cloned().map(Arc::new)).await?;
        let (value, revision, age_ms) = found.ok_or(Failure::NotFound("venue"))?;
        Ok(Read { value, revision, age_ms })
    }

    /// Creates or changes a venue.
    pub async fn write_venue(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        target: Option<(VenueId, u64)>,
        input: VenueInput,
    ) -> Answer<Written<Arc<Venue>>> {
        need(caller, Role::Coordinator)?;
        let mut venue = match target {
            Some((id, version)) => Venue { version, ..Venue::clone(&self.read_venue(cx, id).await?.value) },
            None => Venue {
                id: VenueId::new(mint::now_ms(), CATALOG_SLOT, mint::entropy()),
                name: String::new(),
                city: String::new(),
                country: String::new(),
                time_zone: String::new(),
                plan: None,
                capacity: 0,
                version: 0,
            },
        };
        venue.name = input.name.unwrap_or(venue.name);
        venue.city = input.city.unwrap_or(venue.city);
        venue.country = input.country.unwrap_or(venue.country);
        venue.time_zone = input.time_zone.unwrap_or(venue.time_zone);
        if jiff::tz::TimeZone::get(&venue.time_zone).is_err() {
            return Err(invalid("/time_zone", "unknown_time_zone", "use an IANA name such as America/New_York"));
        }
        self.put_venue_entry(cx, caller, request, venue).await
    }

    async fn put_venue_entry(&self, cx: Context, caller: Caller, request: Request, venue: Venue) -> Answer<Written<Arc<Venue>>> {
        let command = CatalogCommand::Audited(asked(cx, caller, CatalogCommand::PutVenue { request, venue }));
        let applied = self.write::<CatalogLedger>(cx, CATALOG, &command).await?;
        let id = VenueId(self.stored(cx, &applied).await?);
        let venue = self.catalog.read().venue(id).cloned().map(Arc::new).ok_or(Failure::Unknown)?;
        Ok(applied.written(venue))
    }

    /// Gives a venue a plan: the pieces first, then the venue that names their hash.
    pub async fn write_plan(&self, cx: Context, caller: Caller, request: Request, id: VenueId, plan: Plan) -> Answer<Written<Arc<Venue>>> {
        need(caller, Role::Coordinator)?;
        let venue = Venue::clone(&self.read_venue(cx, id).await?.value);
        let capacity = plan.capacity();
        let bytes = encode_plan(&plan);
        if bytes.len() > PLAN_BYTES_MAX {
            return Err(invalid("", "plan_too_large", "the plan is larger than 16 MiB when encoded"));
        }
        let hash = PlanHash(*blake3::hash(&bytes).as_bytes());
        if self.catalog.read().plan(hash).is_none() {
            for chunk in chunks(hash, &bytes) {
                let applied = self.write::<CatalogLedger>(cx, CATALOG, &CatalogCommand::PlanChunk(chunk)).await?;
                if let CatalogOutcome::Rejected(rejection) = applied.outcome {
                    return refused(rejection, applied.revision, applied.replayed);
                }
            }
        }
        self.put_venue_entry(cx, caller, request, Venue { plan: Some(hash), capacity, ..venue }).await
    }

    /// Performers by id.
    pub async fn list_performers(&self, cx: Context, limit: usize, cursor: Option<&str>) -> Answer<Read<Page<Arc<Performer>>>> {
        let (revision, age_ms) = self.fresh(cx, CATALOG).await?;
        let after = cursor.map(|text| PerformerId::parse(text).map_err(|_| bad_cursor())).transpose()?;
        let items: Vec<_> = self
            .catalog
            .read()
            .performers()
            .skip_while(|one| after.is_some_and(|after| one.id <= after))
            .take(limit + 1)
            .cloned()
            .map(Arc::new)
            .collect();
        Ok(Read { value: page_of(items, limit, |performer| performer.id.to_string()), revision, age_ms })
    }

    /// One performer.
    pub async fn read_performer(&self, cx: Context, id: PerformerId) -> Answer<Read<Arc<Performer>>> {
        let found = self.find(cx, CATALOG, || self.catalog.read().performer(id).cloned().map(Arc::new)).await?;
        let (value, revision, age_ms) = found.ok_or(Failure::NotFound("performer"))?;
        Ok(Read { value, revision, age_ms })
    }

    /// Creates or changes a performer.
    pub async fn write_performer(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        target: Option<(PerformerId, u64)>,
        input: PerformerInput,
    ) -> Answer<Written<Arc<Performer>>> {
        need(caller, Role::Coordinator)?;
        let mut performer = match target {
            Some((id, version)) => Performer { version, ..Performer::clone(&self.read_performer(cx, id).await?.value) },
            None => Performer {
                id: PerformerId::new(mint::now_ms(), CATALOG_SLOT, mint::entropy()),
                name: String::new(),
                genre: String::new(),
                version: 0,
            },
        };
        performer.name = input.name.unwrap_or(performer.name);
        performer.genre = input.genre.unwrap_or(performer.genre);
        let command = CatalogCommand::Audited(asked(cx, caller, CatalogCommand::PutPerformer { request, performer }));
        let applied = self.write::<CatalogLedger>(cx, CATALOG, &command).await?;
        let id = PerformerId(self.stored(cx, &applied).await?);
        let performer = self.catalog.read().performer(id).cloned().map(Arc::new).ok_or(Failure::Unknown)?;
        Ok(applied.written(performer))
    }

    /// The id that a creation stored, once this node has applied it.
    async fn stored(&self, cx: Context, applied: &Applied<CatalogOutcome>) -> Answer<u128> {
        match &applied.outcome {
            CatalogOutcome::Stored { id, .. } => {
                self.fresh(Context { freshness: Freshness::AtLeast(applied.revision), ..cx }, CATALOG).await.ok();
                Ok(*id)
            }
            CatalogOutcome::Rejected(rejection) => refused(rejection.clone(), applied.revision, applied.replayed),
            CatalogOutcome::Done => Err(Failure::Unknown),
        }
    }

    /// A plan by its hash, from the catalog.
    pub async fn read_layout(&self, cx: Context, hash: PlanHash) -> Answer<Arc<Plan>> {
        let found = self.find(cx, CATALOG, || self.catalog.read().plan(hash).map(|index| Arc::clone(index.plan()))).await?;
        found.map(|(plan, ..)| plan).ok_or(Failure::NotFound("layout"))
    }

    /// The seats of an event as this node knows them.
    pub async fn read_seat_map(&self, cx: Context, id: EventId) -> Answer<Read<SeatMap>> {
        let group = self.event_group(id);
        let found = self.find(cx, group, || self.seat_map_here(id)).await?;
        let (value, revision, age_ms) = found.ok_or(Failure::NotFound("event"))?;
        Ok(Read { value, revision, age_ms })
    }

    fn seat_map_here(&self, id: EventId) -> Option<SeatMap> {
        self.counted_map(id).map(|(map, _)| map)
    }

    /// The map, and how many entries are in it.
    pub(super) fn counted_map(&self, id: EventId) -> Option<(SeatMap, u64)> {
        let replica = self.seats(id).ok()?;
        let ledger = replica.read();
        let steps = replica.steps();
        let sale = ledger.event(id)?;
        let plan = Arc::clone(sale.plan());
        let names = plan.sections.iter().map(|section| &section.name).chain(plan.areas.iter().map(|area| &area.name));
        let counts = sale.section_counts().iter().copied().chain(sale.area_counts());
        let counts = names
            .zip(counts)
            .map(|(name, count)| SectionCount {
                name: name.clone(),
                available: count.available,
                held: count.held,
                sold: count.sold,
                capacity: count.total(),
            })
            .collect();
        let terms = sale.terms();
        let map = SeatMap {
            event: id,
            layout: sale.plan_hash(),
            states: sale.packed_states().into(),
            counts,
            prices: sale.prices(),
            price_versions: sale.price_versions(),
            currency: terms.currency,
            state: sale.state(),
            plan,
        };
        Some((map, steps))
    }
}

/// Cuts an encoded plan into commands.
pub fn chunks(hash: PlanHash, bytes: &[u8]) -> impl Iterator<Item = BlobChunk> {
    let total = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    bytes.chunks(PLAN_CHUNK_BYTES).enumerate().map(move |(number, piece)| BlobChunk {
        hash,
        total,
        offset: u32::try_from(number * PLAN_CHUNK_BYTES).unwrap_or(u32::MAX),
        bytes: piece.to_vec(),
    })
}

/// A page of `limit` items out of `limit + 1` read; the cursor is the last item's.
pub fn page_of<T>(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let next = if more { items.last().map(cursor) } else { None };
    Page { items, next }
}
