//! How much an event is asked for: views and sales, each worth half as much after every half-life.
//!
//! Nothing is ever decayed: a unit is worth `2^(t / half-life)` when it comes, so that what came later weighs more, and the order of
//! two events changes only when one of them is looked at or sold. Integers all the way: the factor between two powers of two is
//! taken from a straight line (at most 6 % off), the sum is kept as mantissa and exponent.

use crate::time::Timestamp;

/// After this long, what came counts half: two days, in microseconds.
pub const HALF_LIFE_US: u64 = 2 * 24 * 3600 * 1_000_000;

/// Units that a sold place counts; a view counts one.
pub const SALE_UNITS: u32 = 20;

/// Bits of the mantissa; its highest one is set, but for zero.
const MANTISSA_BITS: u32 = 36;
/// Bits of the fraction of a half-life.
const FRACTION_BITS: u32 = 20;
/// So that the exponent of a single unit at time zero is not negative.
const BIAS: u64 = 64;

/// A sum of decaying units. Greater is more; the number itself means nothing to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Demand(pub u64);

impl Demand {
    /// With so many units more that come at this time.
    #[must_use]
    pub fn plus(self, units: u32, at: Timestamp) -> Self {
        if units == 0 {
            return self;
        }
        let fraction = (at.0 % HALF_LIFE_US) / (HALF_LIFE_US >> FRACTION_BITS).max(1);
        let weight = (1 << FRACTION_BITS) + fraction.min((1 << FRACTION_BITS) - 1);
        let added = Self::normal(u64::from(units) * weight, at.0 / HALF_LIFE_US + BIAS);
        if self.0 == 0 {
            return added;
        }
        let (great, small) = if self.exponent() >= added.exponent() { (self, added) } else { (added, self) };
        let apart = u32::try_from(great.exponent() - small.exponent()).unwrap_or(u32::MAX);
        Self::normal(great.mantissa() + small.mantissa().checked_shr(apart).unwrap_or(0), great.exponent())
    }

    /// `mantissa * 2^exponent`; the mantissa is not zero.
    fn normal(mantissa: u64, exponent: u64) -> Self {
        let bits = u64::BITS - mantissa.leading_zeros();
        let (mantissa, exponent) = if bits > MANTISSA_BITS {
            (mantissa >> (bits - MANTISSA_BITS), exponent + u64::from(bits - MANTISSA_BITS))
        } else {
            (mantissa << (MANTISSA_BITS - bits), exponent - u64::from(MANTISSA_BITS - bits))
        };
        Self(exponent.min((1 << (u64::BITS - MANTISSA_BITS)) - 1) << MANTISSA_BITS | mantissa)
    }

    fn mantissa(self) -> u64 {
        self.0 & ((1 << MANTISSA_BITS) - 1)
    }

    fn exponent(self) -> u64 {
        self.0 >> MANTISSA_BITS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000_000);

    #[test]
    fn units_add_up_and_old_ones_count_half() {
        let hundred = Demand::default().plus(100, NOW);
        let one_by_one = (0..100).fold(Demand::default(), |sum, _| sum.plus(1, NOW));
        assert_eq!(hundred, one_by_one);
        let later = Timestamp(NOW.0 + HALF_LIFE_US);
        assert_eq!(hundred, Demand::default().plus(50, later));
        assert!(Demand::default().plus(51, later) > hundred);
        assert!(Demand::default().plus(99, NOW) < hundred);
        assert_eq!(hundred.plus(0, later), hundred);
    }

    proptest! {
        #[test]
        fn more_is_never_less(units in 1_u32.., more in 1_u32.., at in any::<u64>(), later in any::<u64>()) {
            let (at, later) = (Timestamp(at), Timestamp(later));
            let one = Demand::default().plus(units, at);
            prop_assert!(one > Demand::default());
            prop_assert!(one.plus(more, later) >= one);
            prop_assert!(one.plus(more, later) >= Demand::default().plus(more, later));
        }
    }
}
