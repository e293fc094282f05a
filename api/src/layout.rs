//! Layouts as the edge needs them: seat index <-> label, and what an event sells on one. Kept per layout hash and per event.

use std::ops::Range;
use std::sync::Arc;

use boxoffice_ledger::ids::{EventId, PlanHash};
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::outcome::SaleState;
use boxoffice_ledger::plan::{AreaIndex, Plan, PlanIndex, Row, Seat, SeatIndex, Section, SectionIndex};
use serde_json::Value;

use crate::backend::{Answer, Backend, Context, Freshness};
use crate::json;
use crate::kept::Kept;

/// Events whose offer is kept; each is small and shares its layout.
const EVENTS_MAX: usize = 4096;
/// Layouts that are kept; a large one takes some megabytes.
const LAYOUTS_MAX: usize = 128;

/// A plan with its lookups.
pub struct Layout {
    /// Its content address.
    pub hash: PlanHash,
    index: PlanIndex,
}

/// A seat with everything it belongs to.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Its section.
    pub section: &'a Section,
    /// Its row.
    pub row: &'a Row,
    /// The seat.
    pub seat: &'a Seat,
}

impl Layout {
    /// Indexes a plan.
    #[must_use]
    pub fn new(hash: PlanHash, plan: &Arc<Plan>) -> Self {
        Self { hash, index: PlanIndex::new(Arc::clone(plan)) }
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        self.index.plan()
    }

    /// How many numbered seats.
    #[must_use]
    pub fn seat_count(&self) -> u32 {
        self.index.seat_count()
    }

    /// The seat at an index.
    #[must_use]
    pub fn place(&self, index: SeatIndex) -> Option<Place<'_>> {
        self.index.parts(index).map(|(section, row, seat)| Place { section, row, seat })
    }

    /// The seat with this label, `SECTION-ROW-SEAT`.
    #[must_use]
    pub fn seat_by_label(&self, label: &str) -> Option<SeatIndex> {
        self.index.find(label)
    }

    /// The section of a seat, by number.
    #[must_use]
    pub fn section_of(&self, seat: SeatIndex) -> Option<SectionIndex> {
        self.index.place(seat).map(|place| place.section)
    }

    /// The seats of a section.
    #[must_use]
    pub fn section_seats(&self, section: SectionIndex) -> Range<u32> {
        self.index.section_seats(section).unwrap_or(0..0)
    }

    /// The section of this name.
    #[must_use]
    pub fn section_by_name(&self, name: &str) -> Option<SectionIndex> {
        let at = self.plan().sections.iter().position(|section| section.name == name)?;
        u16::try_from(at).ok().map(SectionIndex)
    }

    /// The area of this name.
    #[must_use]
    pub fn area_by_name(&self, name: &str) -> Option<AreaIndex> {
        let at = self.plan().areas.iter().position(|area| area.name == name)?;
        u16::try_from(at).ok().map(AreaIndex)
    }
}

impl Place<'_> {
    /// `SECTION-ROW-SEAT`.
    #[must_use]
    pub fn label(&self) -> String {
        [self.section.name.as_str(), &self.row.name, &self.seat.name].join("-")
    }
}

/// What an event sells: its layout, and its prices if those never move. Fixed once the event is provisioned.
#[derive(Clone)]
pub struct Offer {
    /// The layout.
    pub layout: Arc<Layout>,
    /// Price of each level, in minor units; none where prices move.
    pub prices: Arc<[u64]>,
    /// Their currency.
    pub currency: Currency,
}

impl Offer {
    /// The price of a seat, in minor units.
    #[must_use]
    pub fn price(&self, seat: SeatIndex) -> Option<u64> {
        let level = self.layout.place(seat)?.seat.level;
        self.prices.get(usize::from(level.0)).copied()
    }

    /// What these seats cost together, as a money object.
    #[must_use]
    pub fn total(&self, seats: &[SeatIndex]) -> Option<Value> {
        let total = seats.iter().try_fold(0_u64, |sum, &seat| sum.checked_add(self.price(seat)?))?;
        Some(json::money_value(total, self.currency))
    }
}

/// Offers by event and layouts by hash.
pub struct Offers {
    events: Kept<EventId, Arc<Offer>>,
    layouts: Kept<PlanHash, Arc<Layout>>,
}

impl Default for Offers {
    fn default() -> Self {
        Self { events: Kept::new(EVENTS_MAX), layouts: Kept::new(LAYOUTS_MAX) }
    }
}

impl Offers {
    /// The offer of an event if it is known already.
    #[must_use]
    pub fn known(&self, event: EventId) -> Option<Arc<Offer>> {
        self.events.get(&event)
    }

    /// The offer of an event. Asks the backend once per event; then with the guarantee that an event someone was told of
    /// is found, on a node that has not applied it yet too.
    ///
    /// # Errors
    /// As [`Backend::seat_map`].
    pub async fn of_event(&self, backend: &dyn Backend, cx: Context, event: EventId) -> Answer<Arc<Offer>> {
        if let Some(offer) = self.events.get(&event) {
            return Ok(offer);
        }
        let map = backend.seat_map(Context { freshness: Freshness::Linearizable, ..cx }, event).await?.value;
        let layout = self.layout_of(map.layout, &map.plan);
        let prices = if map.price_versions.is_empty() { map.prices } else { Vec::new() };
        let offer = Arc::new(Offer { layout, prices: prices.into(), currency: map.currency });
        // Until the sale is opened, prices that are fixed may yet be made to move.
        if map.state != SaleState::Published {
            self.events.put(event, Arc::clone(&offer));
        }
        Ok(offer)
    }

    /// The layout of this hash; its plan is asked for once.
    ///
    /// # Errors
    /// As [`Backend::layout`].
    pub async fn layout(&self, backend: &dyn Backend, cx: Context, hash: PlanHash) -> Answer<Arc<Layout>> {
        if let Some(layout) = self.layouts.get(&hash) {
            return Ok(layout);
        }
        let plan = backend.layout(cx, hash).await?;
        Ok(self.layout_of(hash, &plan))
    }

    /// The layout of a plan that is at hand.
    pub fn layout_of(&self, hash: PlanHash, plan: &Arc<Plan>) -> Arc<Layout> {
        if let Some(layout) = self.layouts.get(&hash) {
            return layout;
        }
        let layout = Arc::new(Layout::new(hash, plan));
        self.layouts.put(hash, Arc::clone(&layout));
        layout
    }
}
