//! Promo codes and allocations: what a code can give, why one is refused, and how a discount is shared among tickets.
//! What they do to holds and orders is in `seats/promo.rs` and `seats/allocation.rs`.
//!
//! A code is for one event. It takes something off a hold, or opens an allocation (seats and places that nobody can hold without
//! its code), or both. Whoever holds with it reserves one use and the discount; the sale counts them for good, and any other end
//! of the hold gives them back. A refund does not: a code is used by buying. A sale whose money could not be taken does.

use alloc::string::String;
use alloc::sync::Arc;

use crate::money::Currency;
use crate::plan::{AreaIndex, SeatIndex};
use crate::time::Timestamp;

/// Shortest and longest code, in bytes.
pub const CODE_BYTES: (usize, usize) = (3, 40);

/// Most codes of an event.
pub const CODES_MAX: usize = 1_000;

/// Most allocations of an event.
pub const ALLOCATIONS_MAX: usize = 100;

/// Longest name of an allocation, in bytes.
pub const ALLOCATION_BYTES_MAX: usize = 40;

/// The whole price in basis points (1/100 of a percent).
pub const BPS_MAX: u32 = 10_000;

/// What a code takes off a hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Discount {
    /// Nothing.
    #[default]
    None,
    /// So many basis points of the hold's price, rounded down once for the whole hold; from 1 to [`BPS_MAX`].
    Percent(u32),
    /// So many minor units, but never more than the hold's price; at least 1.
    Fixed(u64),
}

impl Discount {
    /// What is taken off a hold of this price, in minor units.
    #[must_use]
    pub fn of(self, price: u64) -> u64 {
        match self {
            Self::None => 0,
            Self::Percent(bps) => (u128::from(price) * u128::from(bps.min(BPS_MAX)) / u128::from(BPS_MAX)) as u64,
            Self::Fixed(amount) => amount.min(price),
        }
    }
}

/// What a code gives, and how often. Fixed when it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromoTerms {
    /// What it takes off.
    pub discount: Discount,
    /// The allocation that it opens: a hold with it is of that allocation's seats and places only.
    pub allocation: Option<String>,
    /// Most uses over all; `None` = no such limit. A use is a hold or an order.
    pub uses_max: Option<u32>,
    /// Most uses of one account.
    pub per_user_max: Option<u32>,
    /// Most that it takes off over all its uses together, in minor units.
    pub budget: Option<u64>,
    /// It is not known before this moment.
    pub from: Option<Timestamp>,
    /// It has expired from this moment on.
    pub until: Option<Timestamp>,
}

/// What is done about an event's codes and allocations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromoAction {
    /// Make a code. A code is never made twice, nor forgotten.
    Create {
        /// In its normal form (see [`normal`]).
        code: String,
        /// What it gives.
        terms: PromoTerms,
        /// The currency of its amounts, if it has any; must be the event's.
        currency: Option<Currency>,
    },
    /// Switch a code off or on. Holds that have it keep it.
    Switch {
        /// The code.
        code: String,
        /// Whether it can be used.
        active: bool,
    },
    /// Set seats and places aside for an allocation, or put them back on sale.
    Allocate {
        /// The allocation; it is made by its first seats.
        name: String,
        /// Whether they go back instead.
        put_back: bool,
        /// Which seats.
        seats: alloc::vec::Vec<SeatIndex>,
        /// How many places of which areas.
        areas: alloc::vec::Vec<(AreaIndex, u32)>,
    },
}

/// Why a code cannot be used. A code that is switched off, or whose time has not come, is as good as unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PromoReason {
    /// The event has no such code now.
    Unknown,
    /// Its time is over.
    Expired,
    /// Its uses, or this account's, or its budget are used up.
    UsedUp,
    /// It opens an allocation, and not all that is chosen is of it.
    NotForTheseSeats,
}

/// Number of an allocation within its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AllocationIndex(pub u16);

/// What a code did to a hold, and to the order that the hold became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The code.
    pub code: Arc<str>,
    /// What it took off, in minor units.
    pub discount: u64,
    /// The allocation that its seats and places are of.
    pub allocation: Option<AllocationIndex>,
}

/// A code in its normal form: without space around it, in capital letters. `None` when it cannot be a code: those are of ASCII
/// letters, digits, `-` and `_`, and of a bounded length.
#[must_use]
pub fn normal(text: &str) -> Option<String> {
    let code = text.trim().to_ascii_uppercase();
    is_normal(&code).then_some(code)
}

/// Whether a text is a code in its normal form.
#[must_use]
pub fn is_normal(code: &str) -> bool {
    let (least, most) = CODE_BYTES;
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    (least..=most).contains(&code.len()) && code.bytes().all(fits)
}

/// Shares a discount among tickets in proportion to their prices, in whole minor units: what is left after ticket `n` is what the
/// first `n` prices leave, so that shares differ by less than one unit from the exact ones and add up to the discount.
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    discount: u64,
    total: u64,
    priced: u64,
    given: u64,
}

impl Shares {
    /// Of a discount on tickets that cost `total` together.
    #[must_use]
    pub fn new(discount: u64, total: u64) -> Self {
        Self { discount: discount.min(total), total, priced: 0, given: 0 }
    }

    /// What is paid for the next ticket, whose price is this.
    pub fn paid(&mut self, price: u64) -> u64 {
        if self.discount == 0 {
            return price;
        }
        self.priced = self.priced.saturating_add(price).min(self.total);
        let upto = (u128::from(self.discount) * u128::from(self.priced) / u128::from(self.total)) as u64;
        let share = upto.saturating_sub(self.given);
        self.given = upto;
        price.saturating_sub(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    #[test]
    fn codes_have_one_form() {
        assert_eq!(normal(" Summer-10_x "), Some("SUMMER-10_X".to_string()));
        for bad in ["", "ab", "a b", "sch\u{f6}n", "abc!", "a\0bc", &"x".repeat(41)] {
            assert_eq!(normal(bad), None, "{bad:?}");
        }
        assert!(!is_normal("abc"));
    }

    #[test]
    fn a_discount_is_never_more_than_the_price() {
        assert_eq!([Discount::None.of(500), Discount::Percent(3333).of(1000), Discount::Percent(10_000).of(999)], [0, 333, 999]);
        assert_eq!(
            [Discount::Fixed(700).of(500), Discount::Fixed(700).of(900), Discount::Percent(u32::MAX).of(u64::MAX)],
            [500, 700, u64::MAX]
        );
    }

    #[test]
    fn shares_add_up_and_none_exceeds_its_price() {
        for (discount, prices) in
            [(100, &[3333_u64, 3333, 3334][..]), (1, &[1, 1, 1]), (2, &[0, 1, 0, 1]), (9999, &[5000, 3000, 3000, 1]), (0, &[7]), (7, &[7])]
        {
            let total: u64 = prices.iter().sum();
            let mut shares = Shares::new(discount, total);
            let paid: Vec<u64> = prices.iter().map(|&price| shares.paid(price)).collect();
            assert_eq!(paid.iter().sum::<u64>(), total - discount, "{paid:?}");
            assert!(paid.iter().zip(prices).all(|(paid, price)| paid <= price), "{paid:?}");
        }
        let most = crate::seats::PRICE_MAX;
        let mut shares = Shares::new(most * 50 - 1, most * 50);
        assert_eq!((0..50).map(|_| shares.paid(most)).sum::<u64>(), 1);
        assert_eq!(Shares::new(5, 0).paid(0), 0);
    }
}
