//! Layouts as the edge needs them: seat index <-> label, and what an event sells on one. Kept per layout hash and per event.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, OnceLock};

use boxoffice_ledger::ids::{EventId, PlanHash};
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::plan::{AreaIndex, Plan, Row, Seat, SeatIndex, Section, SectionIndex};
use parking_lot::RwLock;
use serde_json::Value;

use crate::backend::{Answer, Backend, Context, Freshness};
use crate::json;

/// Events and layouts that are kept; at the bound the older half goes.
const KEPT_MAX: usize = 4096;

/// A plan with its indexes.
pub struct Layout {
    /// Its content address.
    pub hash: PlanHash,
    /// The plan.
    pub plan: Arc<Plan>,
    /// How many numbered seats.
    pub seats: u32,
    /// Rows in plan order: first seat, section, row.
    rows: Vec<(u32, u16, u32)>,
    /// Label -> seat, built when the first label is asked for; `None` marks a label that two seats share.
    labels: OnceLock<HashMap<String, Option<SeatIndex>>>,
}

/// A seat with everything it belongs to.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Its section's number.
    pub section_index: SectionIndex,
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
    pub fn new(hash: PlanHash, plan: Arc<Plan>) -> Self {
        let mut rows = Vec::new();
        let mut first = 0_u32;
        for (section_at, section) in plan.sections.iter().enumerate() {
            for (row_at, row) in section.rows.iter().enumerate() {
                rows.push((first, u16::try_from(section_at).unwrap_or(u16::MAX), u32::try_from(row_at).unwrap_or(u32::MAX)));
                first = first.saturating_add(u32::try_from(row.seats.len()).unwrap_or(u32::MAX));
            }
        }
        Self { hash, plan, seats: first, rows, labels: OnceLock::new() }
    }

    /// The seat at an index.
    #[must_use]
    pub fn place(&self, index: SeatIndex) -> Option<Place<'_>> {
        let at = self.rows.partition_point(|&(first, _, _)| first <= index.0).checked_sub(1)?;
        let (first, section_at, row_at) = self.rows[at];
        let section = self.plan.sections.get(usize::from(section_at))?;
        let row = section.rows.get(row_at as usize)?;
        let seat = row.seats.get((index.0 - first) as usize)?;
        Some(Place { section_index: SectionIndex(section_at), section, row, seat })
    }

    /// The seat with this label, `SECTION-ROW-SEAT`. A label that two seats share (names may contain dashes) names none.
    #[must_use]
    pub fn seat_by_label(&self, label: &str) -> Option<SeatIndex> {
        *self.labels.get_or_init(|| self.index_labels()).get(label)?
    }

    /// The section of this name.
    #[must_use]
    pub fn section_by_name(&self, name: &str) -> Option<SectionIndex> {
        let at = self.plan.sections.iter().position(|section| section.name == name)?;
        u16::try_from(at).ok().map(SectionIndex)
    }

    /// The area of this name.
    #[must_use]
    pub fn area_by_name(&self, name: &str) -> Option<AreaIndex> {
        let at = self.plan.areas.iter().position(|area| area.name == name)?;
        u16::try_from(at).ok().map(AreaIndex)
    }

    /// Every seat in order.
    pub fn places(&self) -> impl Iterator<Item = (SeatIndex, Place<'_>)> {
        let seats = self.plan.sections.iter().enumerate().flat_map(|(at, section)| {
            let section_index = SectionIndex(u16::try_from(at).unwrap_or(u16::MAX));
            section.rows.iter().flat_map(move |row| row.seats.iter().map(move |seat| Place { section_index, section, row, seat }))
        });
        (0..).map(SeatIndex).zip(seats)
    }

    fn index_labels(&self) -> HashMap<String, Option<SeatIndex>> {
        let mut labels = HashMap::with_capacity(self.seats as usize);
        for (index, place) in self.places() {
            match labels.entry(place.label()) {
                Entry::Vacant(free) => drop(free.insert(Some(index))),
                Entry::Occupied(mut taken) => drop(taken.insert(None)),
            }
        }
        labels
    }
}

impl Place<'_> {
    /// `SECTION-ROW-SEAT`.
    #[must_use]
    pub fn label(&self) -> String {
        [self.section.name.as_str(), &self.row.name, &self.seat.name].join("-")
    }
}

/// What an event sells: its layout and its prices. Fixed once the event is provisioned.
#[derive(Clone)]
pub struct Offer {
    /// The layout.
    pub layout: Arc<Layout>,
    /// Price of each level, in minor units.
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
#[derive(Default)]
pub struct Offers {
    events: Kept<EventId, Arc<Offer>>,
    layouts: Kept<PlanHash, Arc<Layout>>,
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
        let offer = Arc::new(Offer { layout, prices: map.prices.into(), currency: map.currency });
        self.events.put(event, Arc::clone(&offer));
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
        let layout = Arc::new(Layout::new(hash, Arc::clone(plan)));
        self.layouts.put(hash, Arc::clone(&layout));
        layout
    }
}

/// A bounded map in two generations: what was not asked for since the last turn goes first.
pub struct Kept<K, V> {
    inner: RwLock<(HashMap<K, V>, HashMap<K, V>)>,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { inner: RwLock::new((HashMap::new(), HashMap::new())) }
    }
}

impl<K: std::hash::Hash + Eq + Copy, V: Clone> Kept<K, V> {
    /// What is kept under a key.
    pub fn get(&self, key: &K) -> Option<V> {
        let old = {
            let inner = self.inner.read();
            if let Some(value) = inner.0.get(key) {
                return Some(value.clone());
            }
            inner.1.get(key)?.clone()
        };
        self.put(*key, old.clone());
        Some(old)
    }

    /// Keeps a value.
    pub fn put(&self, key: K, value: V) {
        let mut inner = self.inner.write();
        if inner.0.len() >= KEPT_MAX / 2 {
            inner.1 = std::mem::take(&mut inner.0);
        }
        inner.0.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rows<'a> = &'a [(&'a str, &'a [&'a str])];

    fn plan(sections: &[(&str, Rows)]) -> Arc<Plan> {
        let seat = |name: &&str| Seat { name: (*name).into(), level: Default::default(), at: Default::default(), kind: Default::default() };
        let rows =
            |rows: Rows| rows.iter().map(|(name, seats)| Row { name: (*name).into(), seats: seats.iter().map(seat).collect() }).collect();
        let sections = sections.iter().map(|(name, inner)| Section { name: (*name).into(), rows: rows(inner) }).collect();
        Arc::new(Plan { sections, ..Plan::default() })
    }

    #[test]
    fn labels_and_indexes_are_inverse() {
        let plan = plan(&[("A", &[("1", &["1", "2"]), ("2", &[]), ("3", &["9"])]), ("B", &[]), ("C", &[("1", &["x"])])]);
        let layout = Layout::new(PlanHash([0; 32]), plan);
        let labels: Vec<String> = (0..4).map(|index| layout.place(SeatIndex(index)).unwrap().label()).collect();
        assert_eq!(labels, ["A-1-1", "A-1-2", "A-3-9", "C-1-x"]);
        for (index, label) in labels.iter().enumerate() {
            assert_eq!(layout.seat_by_label(label), Some(SeatIndex(index as u32)));
        }
        assert_eq!(layout.seats, 4);
        assert!(layout.place(SeatIndex(4)).is_none() && layout.place(SeatIndex(u32::MAX)).is_none());
        assert_eq!(layout.seat_by_label("A-2-1"), None);
        assert_eq!(layout.places().count(), 4);
    }

    #[test]
    fn a_label_of_two_seats_names_none() {
        let layout = Layout::new(PlanHash([0; 32]), plan(&[("A", &[("1-2", &["3"])]), ("A-1", &[("2", &["3"])])]));
        assert_eq!(layout.seat_by_label("A-1-2-3"), None);
    }

    #[test]
    fn what_is_kept_is_bounded_and_recent() {
        let kept = Kept::default();
        for number in 0..3 * KEPT_MAX {
            kept.put(number, number);
            assert_eq!(kept.get(&0), Some(0));
        }
        let inner = kept.inner.read();
        assert!(inner.0.len() + inner.1.len() <= KEPT_MAX);
    }
}
