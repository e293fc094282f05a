//! An event's prices as they stand. An event all of whose levels are fixed, and were never anything else, keeps nothing here.
//!
//! ```text
//!  levels    policy, price, version, changes      records: in the digest and in snapshots
//!  uses      held and sold places of each level   } derived, and kept for events whose prices move
//!  holders   what an account holds of a level     }
//! ```

use alloc::vec::Vec;

use prost::Message;

use super::event::EventSale;
use super::records::Item;
use crate::codec::{price as codec, wire};
use crate::command::SaleTerms;
use crate::cow::{CowMap, CowQueue};
use crate::digest::{Accumulator, RecordHasher};
use crate::ids::{EventId, UserId};
use crate::orders::Place;
use crate::outcome::SeatState;
use crate::plan::LevelIndex;
use crate::pricing::{CHANGES_MAX, HELD_WEIGHT, Inputs, Policy, PriceChange, TIER_REST, Trail};
use crate::time::Timestamp;

const LEVEL: u32 = 140;
const CHANGE: u32 = 141;

/// The records of the module's picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct PriceBook {
    /// By level; none = all fixed at the prices of the terms.
    pub(crate) levels: Vec<LevelPrice>,
    /// By level; none if there are no levels.
    pub(crate) uses: Vec<Use>,
    /// Places of live holds by level and account; never zero.
    pub(crate) holders: CowMap<(u16, UserId), u32>,
}

/// The price of a level.
#[derive(Clone, Debug, Default)]
pub(crate) struct LevelPrice {
    /// Its version, its price, and how it moves.
    pub(crate) now: Trail,
    /// It never leaves these. Fixed once the sale was opened.
    pub(crate) bounds: (u64, u64),
    /// The tier, from 0.
    pub(crate) tier: u16,
    /// When it changed last; 0 = never.
    pub(crate) changed_at: Timestamp,
    /// When its last step was, whether or not that changed anything; before the first one, when the sale opened. 0 = not yet.
    pub(crate) stepped_at: Timestamp,
    /// What was sold at its last step.
    pub(crate) sold_then: u32,
    /// What is held, as it counted in its last step, in thousandths.
    pub(crate) smooth: u64,
    /// What it was before the first change that is kept.
    pub(crate) root: Trail,
    pub(crate) changes: CowQueue<PriceChange>,
}

/// How many places of a level are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Use {
    /// Held or being paid.
    pub(crate) held: u32,
    pub(crate) sold: u32,
    /// Held or being paid, each account as [`HELD_WEIGHT`] at most.
    pub(crate) weighted: u32,
}

/// The price of a level, as anybody may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceView {
    /// The level.
    pub level: LevelIndex,
    /// The price, in minor units.
    pub price: u64,
    /// Raised by each change, from 0.
    pub version: u32,
    /// It never leaves these, in minor units.
    pub bounds: (u64, u64),
    /// How it moves.
    pub policy: Policy,
    /// The tier, from 0.
    pub tier: u16,
    /// When it changed last.
    pub changed_at: Option<Timestamp>,
    /// Before when it does not take another step; `None` = it takes none by itself, or took none yet.
    pub next_step_at: Option<Timestamp>,
    /// Places held or sold.
    pub taken: u32,
    /// Places free.
    pub free: u32,
    /// What it was before the oldest change that is kept.
    pub root: Trail,
}

/// A step that a level could take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueStep {
    /// The level.
    pub level: LevelIndex,
    /// The version of its price.
    pub version: u32,
    /// Its price, in minor units.
    pub from: u64,
    /// Not before.
    pub at: Timestamp,
}

impl Use {
    /// Held or sold.
    pub(crate) fn taken(&self) -> u32 {
        self.held.saturating_add(self.sold)
    }

    fn of(&mut self, state: SeatState) -> Option<&mut u32> {
        match state {
            SeatState::Held | SeatState::Pinned => Some(&mut self.held),
            SeatState::Sold => Some(&mut self.sold),
            SeatState::Available | SeatState::Blocked | SeatState::Killed => None,
        }
    }
}

impl LevelPrice {
    /// A level that begins under a policy, with nothing taken.
    pub(crate) fn new(policy: &Policy, price: u64) -> Self {
        let now = Trail { version: 0, price: policy.opening(price, 0), policy: policy.clone() };
        Self { bounds: policy.bounds(price), root: now.clone(), now, ..Self::default() }
    }

    /// Not before when its price may take a step of its own.
    pub(crate) fn next_step_at(&self) -> Option<Timestamp> {
        match &self.now.policy {
            Policy::Fixed => None,
            Policy::Tiers(_) => Some(self.changed_at.plus(TIER_REST)),
            Policy::Demand(demand) => Some(self.stepped_at.plus(demand.interval)),
        }
    }

    /// Notes a change and follows it; answers the change that was forgotten for it.
    pub(crate) fn note(&mut self, change: PriceChange) -> Option<PriceChange> {
        self.now.follow(&change);
        self.changed_at = change.at;
        self.changes.push(change);
        if self.changes.len() <= CHANGES_MAX {
            return None;
        }
        let oldest = self.changes.pop()?;
        self.root.follow(&oldest);
        Some(oldest)
    }

    pub(crate) fn record(&self) -> wire::PriceLevel {
        wire::PriceLevel {
            policy: Some(codec::policy(&self.now.policy)),
            low: self.bounds.0,
            high: self.bounds.1,
            price: self.now.price,
            version: self.now.version,
            tier: self.tier.into(),
            changed_at_us: self.changed_at.0,
            stepped_at_us: self.stepped_at.0,
            sold_then: self.sold_then,
            smooth: self.smooth,
            root_version: self.root.version,
            root_price: self.root.price,
            root_policy: Some(codec::policy(&self.root.policy)),
        }
    }
}

impl PriceBook {
    /// At creation, by the terms.
    pub(crate) fn new(terms: &SaleTerms) -> Self {
        let mut book = Self::default();
        if terms.pricing.iter().any(|policy| *policy != Policy::Fixed) {
            book.open(terms);
        }
        book
    }

    /// Makes the records of all levels, by the terms.
    pub(crate) fn open(&mut self, terms: &SaleTerms) {
        let policies = terms.pricing.iter().chain(core::iter::repeat(&Policy::Fixed));
        self.levels = terms.prices.iter().zip(policies).map(|(&price, policy)| LevelPrice::new(policy, price)).collect();
    }

    /// Whether no price ever moves or moved.
    pub(crate) fn is_fixed(&self) -> bool {
        self.levels.is_empty()
    }

    /// Keeps the uses in step with places that moved.
    pub(crate) fn recount(&mut self, level: LevelIndex, from: SeatState, to: SeatState, count: u32) {
        let Some(uses) = self.uses.get_mut(usize::from(level.0)) else { return };
        if let Some(places) = uses.of(from) {
            *places = places.saturating_sub(count);
        }
        if let Some(places) = uses.of(to) {
            *places = places.saturating_add(count);
        }
    }

    /// Counts places of a level that an account holds in, or out again.
    pub(crate) fn weigh(&mut self, user: UserId, level: LevelIndex, count: u32, more: bool) {
        let Some(uses) = self.uses.get_mut(usize::from(level.0)) else { return };
        let key = (level.0, user);
        let held = self.holders.get_or_insert_with(key, || 0);
        let before = (*held).min(HELD_WEIGHT);
        *held = if more { held.saturating_add(count) } else { held.saturating_sub(count) };
        let after = (*held).min(HELD_WEIGHT);
        uses.weighted = uses.weighted.saturating_sub(before).saturating_add(after);
        if *held == 0 {
            self.holders.remove(&key);
        }
    }

    /// Adds every record to a digest.
    pub(crate) fn add_hashes(&self, event: EventId, digest: &mut Accumulator) {
        for (number, level) in (0_u16..).zip(&self.levels) {
            let number = LevelIndex(number);
            digest.add(hash_level(event, number, level));
            level.changes.iter().for_each(|change| digest.add(hash_change(event, number, change)));
        }
    }
}

pub(crate) fn hash_level(event: EventId, number: LevelIndex, level: &LevelPrice) -> u128 {
    RecordHasher::new(LEVEL).u128(event.0).u32(number.0.into()).bytes(&level.record().encode_to_vec()).finish()
}

pub(crate) fn hash_change(event: EventId, number: LevelIndex, change: &PriceChange) -> u128 {
    RecordHasher::new(CHANGE).u128(event.0).bytes(&codec::change(number, change).encode_to_vec()).finish()
}

impl EventSale {
    /// The price of each level now, in minor units.
    #[must_use]
    pub fn prices(&self) -> Vec<u64> {
        if self.prices.is_fixed() { self.terms.prices.clone() } else { self.prices.levels.iter().map(|level| level.now.price).collect() }
    }

    /// The versions of the prices by level; none if they never moved.
    #[must_use]
    pub fn price_versions(&self) -> Vec<u32> {
        self.prices.levels.iter().map(|level| level.now.version).collect()
    }

    /// Whether a price of it moves, or ever moved.
    #[must_use]
    pub fn has_moving_prices(&self) -> bool {
        !self.prices.is_fixed()
    }

    /// The price of a level with all that anybody may know of it.
    #[must_use]
    pub fn price_view(&self, level: LevelIndex) -> Option<PriceView> {
        let place = usize::from(level.0);
        let price = *self.terms.prices.get(place)?;
        let fixed = LevelPrice::new(&Policy::Fixed, price);
        let known = self.prices.levels.get(place).unwrap_or(&fixed);
        let uses = self.prices.uses.get(place).copied().unwrap_or_else(|| self.uses_of(level));
        Some(PriceView {
            level,
            price: known.now.price,
            version: known.now.version,
            bounds: known.bounds,
            policy: known.now.policy.clone(),
            tier: known.tier,
            changed_at: Some(known.changed_at).filter(|at| at.0 != 0),
            next_step_at: known.next_step_at().filter(|_| known.stepped_at.0 != 0 && matches!(known.now.policy, Policy::Demand(_))),
            taken: uses.taken(),
            free: self.free_by_level.get(place).copied().unwrap_or(0),
            root: known.root.clone(),
        })
    }

    /// The changes of a level's price after a version that are kept, the oldest first, at most `limit`.
    #[must_use]
    pub fn price_changes(&self, level: LevelIndex, after: u32, limit: usize) -> Vec<PriceChange> {
        let Some(known) = self.prices.levels.get(usize::from(level.0)) else { return Vec::new() };
        let first = known.changes.first_number();
        let skip = u64::from(after.saturating_sub(known.root.version));
        let numbers = first.saturating_add(skip)..known.changes.next_number();
        numbers.take(limit).filter_map(|number| known.changes.get(number)).cloned().collect()
    }

    /// The steps that prices of this sale could take. Tiers that have nothing to give back take none.
    pub fn due_steps(&self) -> impl Iterator<Item = DueStep> {
        (0_u16..).zip(&self.prices.levels).filter_map(|(number, level)| {
            let place = usize::from(number);
            let moves = match &level.now.policy {
                Policy::Fixed => false,
                Policy::Tiers(_) => level.now.policy.tier(self.prices.uses.get(place).map_or(0, Use::taken)) < level.tier,
                Policy::Demand(_) => true,
            };
            let at = level.next_step_at().filter(|_| moves)?;
            Some(DueStep { level: LevelIndex(number), version: level.now.version, from: level.now.price, at })
        })
    }

    /// What the next step of a level's price is worked out from.
    pub(crate) fn price_inputs(&self, level: LevelIndex) -> Inputs {
        let place = usize::from(level.0);
        let uses = self.prices.uses.get(place).copied().unwrap_or_default();
        let free = self.free_by_level.get(place).copied().unwrap_or(0);
        let before = self.prices.levels.get(place);
        Inputs {
            capacity: free.saturating_add(uses.taken()),
            sold: uses.sold,
            sold_before: before.map_or(0, |level| level.sold_then),
            since: before.map_or(Timestamp(0), |level| level.stepped_at),
            held: uses.weighted,
            smooth_before: before.map_or(0, |level| level.smooth),
        }
    }

    /// The level of a line of a hold.
    pub(crate) fn level_of(&self, place: Place) -> LevelIndex {
        match place {
            Place::Seat(seat) => self.house.level(seat),
            Place::Area(area) => self.house.area_level(area),
        }
    }

    /// Counts what a live hold lists for its account, if prices move.
    pub(crate) fn weigh_items(&mut self, user: UserId, items: &[Item], more: bool) {
        for item in items {
            let level = self.level_of(item.place);
            self.prices.weigh(user, level, item.count, more);
        }
    }

    /// Held and sold places of a level, by walking over all of them.
    fn uses_of(&self, level: LevelIndex) -> Use {
        let mut uses = Use::default();
        for (seat, cell) in (0_u32..).zip(self.cells.iter()) {
            if self.house.level(crate::plan::SeatIndex(seat)) == level
                && let Some(places) = uses.of(cell.state)
            {
                *places += 1;
            }
        }
        for (area, cell) in (0_u16..).zip(&self.areas) {
            if self.house.area_level(crate::plan::AreaIndex(area)) == level {
                uses.held = uses.held.saturating_add(cell.held).saturating_add(cell.pinned);
                uses.sold = uses.sold.saturating_add(cell.sold);
            }
        }
        uses
    }

    /// Works out what follows from seats and holds, if prices move.
    pub(crate) fn derive_prices(&mut self) {
        self.prices.uses = Vec::new();
        self.prices.holders = CowMap::new();
        if self.prices.is_fixed() {
            return;
        }
        let levels = self.prices.levels.len() as u16;
        self.prices.uses = (0..levels).map(|level| self.uses_of(LevelIndex(level))).collect();
        let live: Vec<(UserId, Vec<Item>)> = {
            let holds = self.holds.sorted().into_iter();
            holds.filter(|(_, hold)| hold.is_live()).map(|(_, hold)| (hold.user, hold.items.as_slice().to_vec())).collect()
        };
        for (user, items) in live {
            self.weigh_items(user, &items, true);
        }
    }
}
