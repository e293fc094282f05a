//! The records that an event's sale consists of, beside orders: holds, seats' cells, areas' and users' counters.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::slice;

use crate::ids::{HoldId, OrderId, UserId};
use crate::money::Currency;
use crate::orders::Place;
use crate::outcome::{HoldInfo, HoldState, SeatState};
use crate::plan::{AreaIndex, SeatIndex};
use crate::promos::{AllocationIndex, Applied};
use crate::time::{Millis, Timestamp};

/// After this many TTLs from its creation a hold cannot be lengthened, nor survive a failed payment.
pub(crate) const TTLS_MAX: u64 = 3;

/// One line of a hold: a seat, or some places of an area, at the price locked for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where.
    pub place: Place,
    /// How many: 1 for a seat.
    pub count: u32,
    /// For each, in minor units.
    pub price: u64,
}

/// The lines of a hold, seats first, ascending. One line needs no memory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Items {
    One(Item),
    Many(Arc<[Item]>),
}

impl Items {
    pub(crate) fn new(mut items: Vec<Item>) -> Self {
        items.sort_unstable_by_key(|item| item.place);
        match items[..] {
            [item] => Self::One(item),
            _ => Self::Many(items.into()),
        }
    }

    pub(crate) fn as_slice(&self) -> &[Item] {
        match self {
            Self::One(item) => slice::from_ref(item),
            Self::Many(items) => items,
        }
    }

    pub(crate) fn seats(&self) -> impl Iterator<Item = SeatIndex> + '_ {
        self.as_slice().iter().filter_map(|item| match item.place {
            Place::Seat(seat) => Some(seat),
            Place::Area(_) => None,
        })
    }

    pub(crate) fn areas(&self) -> impl Iterator<Item = (AreaIndex, u32)> + '_ {
        self.as_slice().iter().filter_map(|item| match item.place {
            Place::Area(area) => Some((area, item.count)),
            Place::Seat(_) => None,
        })
    }

    /// Seats and places together.
    pub(crate) fn count(&self) -> u32 {
        self.as_slice().iter().fold(0, |sum, item| sum.saturating_add(item.count))
    }

    /// The price of all, in minor units.
    pub(crate) fn total(&self) -> u64 {
        self.as_slice().iter().fold(0, |sum, item| sum.saturating_add(item.price.saturating_mul(u64::from(item.count))))
    }
}

/// A hold. It is kept for a while after its end, so that its owner can be told how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub(crate) id: HoldId,
    pub(crate) user: UserId,
    pub(crate) state: HoldState,
    pub(crate) items: Items,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// When it was last lengthened; zero = never.
    pub(crate) extended_at: Timestamp,
    /// When it ended; zero = not yet.
    pub(crate) ended_at: Timestamp,
    pub(crate) order: Option<OrderId>,
    /// What its promo code did.
    pub(crate) promo: Option<Arc<Applied>>,
}

impl Hold {
    /// Whether its seats are its own.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.state, HoldState::Active | HoldState::Paying)
    }

    /// Whether it ended without a sale, by its owner's doing or by time.
    pub(crate) fn is_lapsed(&self) -> bool {
        matches!(self.state, HoldState::Released | HoldState::Expired)
    }

    /// What its promo code takes off, in minor units.
    pub(crate) fn discount(&self) -> u64 {
        self.promo.as_ref().map_or(0, |applied| applied.discount)
    }

    /// What is to be paid, in minor units.
    pub(crate) fn total(&self) -> u64 {
        self.items.total().saturating_sub(self.discount())
    }

    /// The allocation that its places are of.
    pub(crate) fn allocation(&self) -> Option<AllocationIndex> {
        self.promo.as_ref().and_then(|applied| applied.allocation)
    }

    /// The moment past which it cannot live without being paid.
    pub(crate) fn hard_limit(&self, ttl: Millis) -> Timestamp {
        self.created_at.plus(Millis(ttl.0.saturating_mul(TTLS_MAX)))
    }

    /// As its owner sees it.
    pub(crate) fn info(&self, currency: Currency) -> HoldInfo {
        HoldInfo {
            hold: self.id,
            user: self.user,
            state: self.state,
            seats: self.items.seats().collect(),
            areas: self.items.areas().collect(),
            total: self.total(),
            discount: self.discount(),
            promo: self.promo.as_ref().map(|applied| (*applied.code).into()),
            currency,
            expires_at: self.expires_at,
            order: self.order,
        }
    }
}

/// One seat: its state, and the hold (Held, Pinned) or the ticket (Sold) that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(super) owner: [u64; 2],
    pub(crate) state: SeatState,
}

impl Cell {
    pub(crate) const FREE: Self = Self { owner: [0; 2], state: SeatState::Available };

    pub(crate) const fn new(state: SeatState, owner: u128) -> Self {
        Self { owner: [(owner >> 64) as u64, owner as u64], state }
    }

    pub(crate) const fn owner(self) -> u128 {
        (self.owner[0] as u128) << 64 | self.owner[1] as u128
    }
}

/// Counters over the seats of a section, or the places of an area, or all of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Free.
    pub available: u32,
    /// Held or being paid.
    pub held: u32,
    /// Sold.
    pub sold: u32,
    /// Off sale, for now or for good.
    pub blocked: u32,
}

impl Counts {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.available.saturating_add(self.held).saturating_add(self.sold).saturating_add(self.blocked)
    }

    pub(crate) fn of(&mut self, state: SeatState) -> &mut u32 {
        match state {
            SeatState::Available => &mut self.available,
            SeatState::Held | SeatState::Pinned => &mut self.held,
            SeatState::Sold => &mut self.sold,
            SeatState::Blocked | SeatState::Killed => &mut self.blocked,
        }
    }

    pub(crate) fn shift(&mut self, from: SeatState, to: SeatState, count: u32) {
        let source = self.of(from);
        *source = source.saturating_sub(count);
        let target = self.of(to);
        *target = target.saturating_add(count);
    }
}

/// An area's places. Pinned ones are told from held ones here, and count as held in [`Counts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AreaCell {
    pub(crate) available: u32,
    pub(crate) held: u32,
    pub(crate) pinned: u32,
    pub(crate) sold: u32,
    pub(crate) blocked: u32,
}

impl AreaCell {
    pub(crate) fn of(&mut self, state: SeatState) -> &mut u32 {
        match state {
            SeatState::Available => &mut self.available,
            SeatState::Held => &mut self.held,
            SeatState::Pinned => &mut self.pinned,
            SeatState::Sold => &mut self.sold,
            SeatState::Blocked | SeatState::Killed => &mut self.blocked,
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts { available: self.available, held: self.held.saturating_add(self.pinned), sold: self.sold, blocked: self.blocked }
    }
}

/// What a user has of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserCount {
    /// In live holds.
    pub held: u32,
    /// In tickets that are not void.
    pub owned: u32,
    /// Holds that ended without a sale.
    pub lapses: Lapses,
}

/// A user's holds of an event that were let go or ran out, as long as they are remembered (a day). Who does it again and again keeps
/// seats from others without ever paying: after [`crate::command::SaleTerms::lapses_max`] of them the next hold has to wait ten
/// minutes from the last one's end, after one more twenty, and so on up to an hour. Derived from the holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lapses {
    /// How many.
    pub count: u32,
    /// The last one's end; zero = there is none.
    pub last: Timestamp,
}

/// What one lapse too many costs, and what they cost at most together.
const COOL_DOWN: Millis = Millis::from_mins(10);
const COOL_DOWNS_MAX: u64 = 6;

impl Lapses {
    /// One more.
    pub(crate) fn add(&mut self, ended_at: Timestamp) {
        self.count = self.count.saturating_add(1);
        self.last = self.last.max(ended_at);
    }

    /// The oldest is forgotten.
    pub(crate) fn forget(&mut self) {
        self.count = self.count.saturating_sub(1);
        if self.count == 0 {
            self.last = Timestamp(0);
        }
    }

    /// When the user may hold again, where `most` lapses are free; `None` = at once.
    pub(crate) fn waits_until(self, most: u32) -> Option<Timestamp> {
        let over = u64::from(self.count.checked_sub(most).filter(|_| most > 0)?) + 1;
        Some(self.last.plus(Millis(COOL_DOWN.0 * over.min(COOL_DOWNS_MAX))))
    }
}

impl UserCount {
    /// Both together: what the limit is about.
    #[must_use]
    pub fn total(self) -> u32 {
        self.held.saturating_add(self.owned)
    }
}
