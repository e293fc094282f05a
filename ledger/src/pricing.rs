//! How the price of a level moves: policies, the arithmetic of a step, and what is noted of each change, so that anybody can work
//! it out again. Whole numbers only. What it does to a sale is in `seats/prices.rs` and `seats/reprice.rs`.
//!
//! ```text
//!  fixed    the price stays
//!  tiers    the first N places at one price, the next at another; places that are given back open their tier again, after a rest
//!  demand   p' = clamp(p + clamp(p * gain * clamp(s - s*(t), band), step), floor, ceiling)
//!           s   share of the places on sale that is sold, or held as far as that counts
//!           s*  share that should be sold by now: a curve, straight between its points
//! ```
//! A price never leaves its bounds, and never depends on who asks.

mod curve;
mod simulate;
mod trail;

pub use curve::CurvePoint;
pub use simulate::{SalePoint, Simulated, Simulation, simulate};
pub use trail::{PriceCause, PriceChange, Trail};

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::seats::PRICE_MAX;
use crate::time::{Millis, Timestamp};

/// Most tiers of a level.
pub const TIERS_MAX: usize = 20;

/// Most points of a curve.
pub const CURVE_POINTS_MAX: usize = 64;

/// Shortest and longest interval between two steps of a price.
pub const INTERVAL_RANGE: (Millis, Millis) = (Millis::from_secs(1), Millis::from_mins(7 * 24 * 60));

/// A tier that was exhausted opens again, when places were given back, no sooner than this after the last change of the price. So
/// holding and letting go cannot make a price flutter.
pub const TIER_REST: Millis = Millis::from_mins(1);

/// Most changes that are kept of a level; the oldest are forgotten, but for what they led to.
pub const CHANGES_MAX: usize = 2_000;

/// Seats that one account holds count as no more than these when a price follows demand.
pub const HELD_WEIGHT: u32 = 2;

/// Longest reason of a change of policy, in bytes.
pub const REASON_BYTES_MAX: usize = 255;

/// The whole, in parts per million.
pub const PPM: u64 = 1_000_000;

/// The whole, in basis points.
pub const BPS: u32 = 10_000;

/// How strongly a price may follow demand at most: tenfold, in basis points.
pub const GAIN_MAX: u32 = 100_000;

/// How the price of a level moves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// It stays where it is.
    #[default]
    Fixed,
    /// By how many places are taken.
    Tiers(Vec<Tier>),
    /// By how sales go.
    Demand(Demand),
}

/// Some places at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// How many, at least 1; 0 for the last tier, which is for all that are left.
    pub places: u32,
    /// The price, in minor units.
    pub price: u64,
}

/// The terms on which a price follows demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// What share should be sold by when; ascending.
    pub curve: Vec<CurvePoint>,
    /// Never cheaper, in minor units; at least 1.
    pub floor: u64,
    /// Never dearer, in minor units.
    pub ceiling: u64,
    /// Most that one step moves it, in minor units; at least 1.
    pub step_max: u64,
    /// Least time between two steps.
    pub interval: Millis,
    /// What share of the deviation becomes a share of the price, in basis points: at 10,000 a sale that is 5 % ahead of its curve gets
    /// 5 % dearer a step.
    pub gain_bps: u32,
    /// The largest deviation that counts, in basis points.
    pub band_bps: u32,
}

/// What a step of a price was worked out from, besides the moment and the price before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Places on sale: free, held or sold.
    pub capacity: u32,
    /// Sold.
    pub sold: u32,
    /// Sold at the step before: the difference is the velocity.
    pub sold_before: u32,
    /// When the step before was.
    pub since: Timestamp,
    /// Held or being paid now, each account as [`HELD_WEIGHT`] at most.
    pub held: u32,
    /// The held ones as they counted in the step before, in thousandths.
    pub smooth_before: u64,
}

/// What came out of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The new price, in minor units.
    pub price: u64,
    /// The held ones as they count in this step, in thousandths: three parts of before and one of now.
    pub smooth: u64,
    /// The share that is sold or counts as such, in parts per million.
    pub share: u64,
    /// The share that should be, in parts per million.
    pub target: u64,
}

impl Inputs {
    /// The held ones as they count in this step, in thousandths.
    #[must_use]
    pub fn smooth(&self) -> u64 {
        let before = u128::from(self.smooth_before);
        ((before * 3 + u128::from(self.held) * 1000) / 4).min(u128::from(u32::MAX) * 1000) as u64
    }

    /// The share that is sold or counts as such, in parts per million.
    #[must_use]
    pub fn share(&self) -> u64 {
        if self.capacity == 0 {
            return 0;
        }
        let taken = u128::from(self.sold) * 1000 + u128::from(self.smooth());
        (taken * 1000 / u128::from(self.capacity)).min(u128::from(PPM)) as u64
    }
}

impl Demand {
    /// The share that should be sold at a moment, in parts per million.
    #[must_use]
    pub fn target(&self, at: Timestamp) -> u64 {
        curve::at(&self.curve, at)
    }

    /// One step from a price. It rises only while tickets are sold: who holds and lets go moves nothing up.
    #[must_use]
    pub fn step(&self, price: u64, at: Timestamp, inputs: &Inputs) -> Step {
        let (share, target) = (inputs.share(), self.target(at));
        let band = i128::from(self.band_bps.min(BPS)) * i128::from(PPM) / i128::from(BPS);
        let mut deviation = (i128::from(share) - i128::from(target)).clamp(-band, band);
        if inputs.capacity == 0 || (deviation > 0 && inputs.sold <= inputs.sold_before) {
            deviation = 0;
        }
        let gain = i128::from(self.gain_bps.min(GAIN_MAX));
        let price = i128::from(price.min(PRICE_MAX));
        let most = i128::from(self.step_max.min(PRICE_MAX));
        let change = (price * deviation * gain / (i128::from(PPM) * i128::from(BPS))).clamp(-most, most);
        let floor = i128::from(self.floor.min(PRICE_MAX));
        let ceiling = i128::from(self.ceiling.min(PRICE_MAX)).max(floor);
        Step { price: (price + change).clamp(floor, ceiling) as u64, smooth: inputs.smooth(), share, target }
    }
}

/// The number of the tier when so many places are taken.
#[must_use]
pub fn tier_of(tiers: &[Tier], taken: u32) -> u16 {
    let mut upto = 0_u32;
    for (number, tier) in (0_u16..).zip(tiers) {
        upto = upto.saturating_add(tier.places);
        if tier.places == 0 || taken < upto {
            return number;
        }
    }
    tiers.len().saturating_sub(1) as u16
}

impl Policy {
    /// The lowest and the highest price that it can come to from this one, in minor units.
    #[must_use]
    pub fn bounds(&self, price: u64) -> (u64, u64) {
        match self {
            Self::Fixed => (price, price),
            Self::Tiers(tiers) => {
                let prices = || tiers.iter().map(|tier| tier.price);
                (prices().min().unwrap_or(price), prices().max().unwrap_or(price))
            }
            Self::Demand(demand) => (demand.floor, demand.ceiling),
        }
    }

    /// The price with which it begins, in minor units, when a level costs this and so many places are taken.
    #[must_use]
    pub fn opening(&self, price: u64, taken: u32) -> u64 {
        match self {
            Self::Fixed => price,
            Self::Tiers(tiers) => tiers.get(usize::from(tier_of(tiers, taken))).map_or(price, |tier| tier.price),
            Self::Demand(demand) => price.max(demand.floor).min(demand.ceiling.max(demand.floor)),
        }
    }

    /// The tier when so many places are taken; 0 without tiers.
    #[must_use]
    pub fn tier(&self, taken: u32) -> u16 {
        match self {
            Self::Tiers(tiers) => tier_of(tiers, taken),
            _ => 0,
        }
    }

    /// Its name: "fixed", "tiers" or "demand".
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Tiers(_) => "tiers",
            Self::Demand(_) => "demand",
        }
    }

    /// What is wrong with it: a JSON pointer below it, and words. With a price, also whether it can begin with that one.
    #[must_use]
    pub fn fault(&self, price: Option<u64>) -> Option<(String, String)> {
        match self {
            Self::Fixed => None,
            Self::Tiers(tiers) => tiers_fault(tiers, price),
            Self::Demand(demand) => demand_fault(demand, price),
        }
    }
}

/// What is wrong with the policies of an event whose levels cost this: a pointer below the list, and words. None at all is well.
#[must_use]
pub fn policies_fault(policies: &[Policy], prices: &[u64]) -> Option<(String, String)> {
    if policies.is_empty() {
        return None;
    }
    if policies.len() != prices.len() {
        return Some((String::new(), format!("{} policies for {} price levels", policies.len(), prices.len())));
    }
    let mut faults = policies.iter().zip(prices).enumerate().filter_map(|(level, (policy, &price))| {
        let (pointer, detail) = policy.fault(Some(price))?;
        Some((format!("/{level}{pointer}"), detail))
    });
    faults.next()
}

fn found(pointer: impl Into<String>, detail: impl Into<String>) -> Option<(String, String)> {
    Some((pointer.into(), detail.into()))
}

fn tiers_fault(tiers: &[Tier], price: Option<u64>) -> Option<(String, String)> {
    if tiers.is_empty() || tiers.len() > TIERS_MAX {
        return found("/tiers", format!("1 to {TIERS_MAX} tiers are possible"));
    }
    let last = tiers.len() - 1;
    for (number, tier) in tiers.iter().enumerate() {
        if tier.price > PRICE_MAX {
            return found(format!("/tiers/{number}/price"), format!("at most {PRICE_MAX} minor units"));
        }
        if (tier.places == 0) != (number == last) {
            return found(format!("/tiers/{number}/places"), "every tier but the last has a number of places; the last takes the rest");
        }
    }
    match price {
        Some(price) if tiers.first().is_some_and(|first| first.price != price) => {
            found("/tiers/0/price", "the first tier costs what the level does")
        }
        _ => None,
    }
}

fn demand_fault(demand: &Demand, price: Option<u64>) -> Option<(String, String)> {
    let (shortest, longest) = INTERVAL_RANGE;
    if demand.floor == 0 || demand.floor > PRICE_MAX {
        return found("/floor", format!("1 to {PRICE_MAX} minor units"));
    }
    if demand.ceiling < demand.floor || demand.ceiling > PRICE_MAX {
        return found("/ceiling", "not below the floor, and at most 1,000,000,000,000 minor units");
    }
    if demand.step_max == 0 || demand.step_max > PRICE_MAX {
        return found("/step_max", format!("1 to {PRICE_MAX} minor units"));
    }
    if demand.interval < shortest || demand.interval > longest {
        return found("/interval_s", "from a second to seven days");
    }
    if demand.gain_bps == 0 || demand.gain_bps > GAIN_MAX {
        return found("/gain_bps", format!("from 1 to {GAIN_MAX} basis points"));
    }
    if demand.band_bps == 0 || demand.band_bps > BPS {
        return found("/band_bps", format!("from 1 to {BPS} basis points"));
    }
    if let Some((pointer, detail)) = curve::fault(&demand.curve) {
        return found(format!("/curve{pointer}"), detail);
    }
    match price {
        Some(price) if price < demand.floor || price > demand.ceiling => {
            found("/floor", "the level's price lies between floor and ceiling")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
