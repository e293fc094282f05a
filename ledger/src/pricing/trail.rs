//! What is noted of each change of a price, and the check that each one follows from what was noted.

use alloc::format;
use alloc::string::String;

use super::{Inputs, Policy};
use crate::time::Timestamp;

/// Why a price changed, with all that it was worked out from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PriceCause {
    /// A step of a price that follows demand.
    Demand(Inputs),
    /// So many places are taken that the tiers before this one are exhausted.
    TierExhausted {
        /// Number of the tier now, from 0.
        tier: u16,
        /// Places held or sold.
        taken: u32,
    },
    /// So many places were given back that this tier is open again.
    TierReopened {
        /// Number of the tier now, from 0.
        tier: u16,
        /// Places held or sold.
        taken: u32,
    },
    /// A coordinator changed the policy. The price may be the same.
    Policy {
        /// The policy from now on.
        policy: Policy,
        /// Places held or sold.
        taken: u32,
        /// Why.
        reason: String,
    },
}

/// A change of the price of a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceChange {
    /// The price's version from now on: dense, from 1. A level begins with version 0.
    pub version: u32,
    /// The stamp of the entry that made it.
    pub at: Timestamp,
    /// The price before, in minor units.
    pub from: u64,
    /// The price from now on, in minor units.
    pub to: u64,
    /// Why.
    pub cause: PriceCause,
}

/// Where a level's price stands on its way through its changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// The version.
    pub version: u32,
    /// The price, in minor units.
    pub price: u64,
    /// The policy.
    pub policy: Policy,
}

impl Trail {
    /// Follows one change, without asking whether it is right.
    pub fn follow(&mut self, change: &PriceChange) {
        self.version = change.version;
        self.price = change.to;
        if let PriceCause::Policy { policy, .. } = &change.cause {
            self.policy.clone_from(policy);
        }
    }

    /// Follows one change after working it out again.
    ///
    /// # Errors
    /// What does not follow, in words.
    pub fn check(&mut self, change: &PriceChange) -> Result<(), String> {
        let version = change.version;
        if Some(version) != self.version.checked_add(1) {
            return Err(format!("version {version} comes after version {}", self.version));
        }
        if change.from != self.price {
            return Err(format!("version {version} is from {}, the price was {}", change.from, self.price));
        }
        let (to, bounds) = self.worked_out(change)?;
        if to != change.to {
            return Err(format!("version {version} is {}, its inputs make {to}", change.to));
        }
        if change.to < bounds.0 || change.to > bounds.1 {
            return Err(format!("version {version} is {}, its bounds are {} to {}", change.to, bounds.0, bounds.1));
        }
        self.follow(change);
        Ok(())
    }

    /// What the price should be after a change, and its bounds.
    fn worked_out(&self, change: &PriceChange) -> Result<(u64, (u64, u64)), String> {
        let policy = &self.policy;
        let to = match (&change.cause, policy) {
            (PriceCause::Demand(inputs), Policy::Demand(demand)) => {
                if change.at < inputs.since.plus(demand.interval) {
                    return Err(format!("version {} comes too soon after the step before", change.version));
                }
                if change.to.abs_diff(change.from) > demand.step_max {
                    return Err(format!("version {} is a larger step than {}", change.version, demand.step_max));
                }
                demand.step(change.from, change.at, inputs).price
            }
            (PriceCause::TierExhausted { tier, taken } | PriceCause::TierReopened { tier, taken }, Policy::Tiers(_)) => {
                if policy.tier(*taken) != *tier {
                    return Err(format!("version {} is tier {tier}, {taken} places are taken", change.version));
                }
                policy.opening(change.from, *taken)
            }
            (PriceCause::Policy { policy, taken, .. }, _) => {
                let to = policy.opening(change.from, *taken);
                return Ok((to, policy.bounds(to)));
            }
            _ => return Err(format!("version {} does not fit the policy \"{}\"", change.version, policy.name())),
        };
        Ok((to, policy.bounds(change.from)))
    }
}
