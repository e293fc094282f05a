//! An event's promo codes and allocations: their records, and how often each code was used. An event without any keeps nothing.
//!
//! ```text
//!  codes        terms, switched off or not         records: in the digest and in snapshots
//!  allocations  name, free places of areas
//!  members      which seat is of which allocation
//!  tallies      uses and discounts, by holds and orders   derived
//!  users        uses by account
//! ```
//! A seat of an allocation that is free is `Blocked` to everybody, with the allocation's number as its owner; so no count, no
//! board and no map takes it for one that is on sale.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::event::EventSale;
use super::records::{Cell, Hold};
use crate::codec::promo as codec;
use crate::cow::CowMap;
use crate::digest::{Accumulator, RecordHasher};
use crate::ids::{EventId, UserId};
use crate::orders::Order;
use crate::outcome::SeatState;
use crate::plan::{AreaIndex, SeatIndex};
use crate::promos::{AllocationIndex, Applied, PromoTerms};
use crate::time::Timestamp;

const PROMO: u32 = 130;
const ALLOCATION: u32 = 131;
const MEMBER: u32 = 132;

/// The records of the module's picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct PromoBook {
    /// In the order in which they were made: a code's place is its number.
    pub(crate) codes: Arc<Vec<Promo>>,
    /// By number.
    pub(crate) allocations: Arc<Vec<Allocation>>,
    /// Seats of allocations, whoever has them.
    pub(crate) members: CowMap<u32, AllocationIndex>,
    /// By number of the code.
    pub(crate) tallies: Vec<Tally>,
    /// By number of the code and account; never zero.
    pub(crate) users: CowMap<(u16, UserId), u32>,
}

/// A promo code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promo {
    /// The code, in its normal form.
    pub code: Arc<str>,
    /// What it gives.
    pub terms: PromoTerms,
    /// Whether it can be used.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// The allocation that the terms name.
    pub(crate) allocation: Option<AllocationIndex>,
}

/// How often a code was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Live holds with it.
    pub held: u32,
    /// Orders with it.
    pub used: u32,
    /// What it takes off those holds, in minor units.
    pub reserved: u64,
    /// What it took off those orders, in minor units.
    pub spent: u64,
}

/// Seats and places that are set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allocation {
    pub(crate) name: Arc<str>,
    /// Free places that are kept for it, ascending by area; none is zero. They count as blocked in the area.
    pub(crate) areas: Vec<(AreaIndex, u32)>,
}

/// An allocation as its coordinator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocationView {
    /// Its name, unique within the event.
    pub name: Arc<str>,
    /// Its seats, ascending.
    pub seats: Vec<SeatIndex>,
    /// How many of them can be held with a code.
    pub free: u32,
    /// Free places kept for it, ascending by area.
    pub areas: Vec<(AreaIndex, u32)>,
}

impl Tally {
    /// Uses over all.
    #[must_use]
    pub fn uses(&self) -> u32 {
        self.held.saturating_add(self.used)
    }

    /// What is taken off over all, in minor units.
    #[must_use]
    pub fn discount(&self) -> u64 {
        self.reserved.saturating_add(self.spent)
    }
}

/// The cell of a free seat of an allocation.
pub(crate) const fn kept_for(allocation: AllocationIndex) -> Cell {
    Cell::new(SeatState::Blocked, allocation.0 as u128 + 1)
}

impl PromoBook {
    /// A code's number.
    pub(crate) fn number(&self, code: &str) -> Option<usize> {
        self.codes.iter().position(|promo| &*promo.code == code)
    }

    /// An allocation's number.
    pub(crate) fn allocation(&self, name: &str) -> Option<AllocationIndex> {
        self.allocations.iter().position(|known| &*known.name == name).map(|place| AllocationIndex(place as u16))
    }

    /// What a seat is when nobody has it.
    pub(crate) fn free_cell(&self, seat: SeatIndex) -> Cell {
        if self.members.is_empty() {
            return Cell::FREE;
        }
        self.members.get(&seat.0).map_or(Cell::FREE, |&allocation| kept_for(allocation))
    }

    /// Adds every record to a digest.
    pub(crate) fn add_hashes(&self, event: EventId, digest: &mut Accumulator) {
        self.codes.iter().for_each(|promo| digest.add(hash_promo(event, promo)));
        (0_u16..).zip(&*self.allocations).for_each(|(number, kept)| digest.add(hash_allocation(event, AllocationIndex(number), kept)));
        self.members.sorted().into_iter().for_each(|(&seat, &allocation)| digest.add(hash_member(event, SeatIndex(seat), allocation)));
    }

    /// Counts a use in, or out again: of a hold, or of an order.
    pub(crate) fn count(&mut self, user: UserId, applied: &Applied, stage: Stage, more: bool) {
        let Some(number) = self.number(&applied.code) else { return };
        if let Some(tally) = self.tallies.get_mut(number) {
            let (uses, discount) = match stage {
                Stage::Held => (&mut tally.held, &mut tally.reserved),
                Stage::Used => (&mut tally.used, &mut tally.spent),
            };
            *uses = if more { uses.saturating_add(1) } else { uses.saturating_sub(1) };
            *discount = if more { discount.saturating_add(applied.discount) } else { discount.saturating_sub(applied.discount) };
        }
        let key = (number as u16, user);
        let uses = self.users.get_or_insert_with(key, || 0);
        *uses = if more { uses.saturating_add(1) } else { uses.saturating_sub(1) };
        if *uses == 0 {
            self.users.remove(&key);
        }
    }
}

/// What a use is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A live hold.
    Held,
    /// An order.
    Used,
}

/// Whether an order counts as a use of its code: it was sold, and its money was not refused afterwards.
pub(crate) fn is_use(order: &Order) -> bool {
    order.is_confirmed()
}

pub(crate) fn hash_promo(event: EventId, promo: &Promo) -> u128 {
    use prost::Message;
    let terms = codec::terms(&promo.terms).encode_to_vec();
    let hasher = RecordHasher::new(PROMO).u128(event.0).bytes(promo.code.as_bytes()).bytes(&terms);
    hasher.u64(promo.active.into()).u64(promo.created_at.0).finish()
}

pub(crate) fn hash_allocation(event: EventId, number: AllocationIndex, allocation: &Allocation) -> u128 {
    let hasher = RecordHasher::new(ALLOCATION).u128(event.0).u32(number.0.into()).bytes(allocation.name.as_bytes());
    allocation.areas.iter().fold(hasher, |hasher, (area, free)| hasher.u32(area.0.into()).u32(*free)).finish()
}

pub(crate) fn hash_member(event: EventId, seat: SeatIndex, allocation: AllocationIndex) -> u128 {
    RecordHasher::new(MEMBER).u128(event.0).u32(seat.0).u32(allocation.0.into()).finish()
}

impl EventSale {
    /// Every code, the oldest first, with its uses.
    pub fn promos(&self) -> impl Iterator<Item = (&Promo, Tally)> {
        let tallies = self.promos.tallies.iter().copied();
        self.promos.codes.iter().zip(tallies)
    }

    /// One code, by its normal form, with its uses.
    #[must_use]
    pub fn promo(&self, code: &str) -> Option<(&Promo, Tally)> {
        let number = self.promos.number(code)?;
        Some((self.promos.codes.get(number)?, self.promos.tallies.get(number).copied().unwrap_or_default()))
    }

    /// An allocation's name.
    #[must_use]
    pub fn allocation_name(&self, allocation: AllocationIndex) -> Option<String> {
        self.promos.allocations.get(usize::from(allocation.0)).map(|known| (*known.name).into())
    }

    /// Every allocation, the oldest first. Walks over all their seats.
    #[must_use]
    pub fn allocations(&self) -> Vec<AllocationView> {
        let new = |allocation: &Allocation| AllocationView {
            name: allocation.name.clone(),
            seats: Vec::new(),
            free: 0,
            areas: allocation.areas.clone(),
        };
        let mut views: Vec<AllocationView> = self.promos.allocations.iter().map(new).collect();
        for (&seat, &allocation) in self.promos.members.sorted() {
            let Some(view) = views.get_mut(usize::from(allocation.0)) else { continue };
            view.seats.push(SeatIndex(seat));
            view.free += u32::from(self.cells.get(seat as usize) == Some(kept_for(allocation)));
        }
        views
    }

    /// Works out how often each code was used, from holds and orders.
    pub(crate) fn derive_promos(&mut self) {
        let mut book = core::mem::take(&mut self.promos);
        book.tallies = alloc::vec![Tally::default(); book.codes.len()];
        book.users = CowMap::default();
        if !book.codes.is_empty() {
            for (_, hold) in self.holds.sorted() {
                if let Some(applied) = hold.promo.as_ref().filter(|_| Hold::is_live(hold)) {
                    book.count(hold.user, applied, Stage::Held, true);
                }
            }
            for (_, order) in self.orders.sorted() {
                if let Some(applied) = order.promo.as_ref().filter(|_| is_use(order)) {
                    book.count(order.user, applied, Stage::Used, true);
                }
            }
        }
        self.promos = book;
    }
}
