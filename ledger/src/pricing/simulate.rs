//! What a policy would do over a given course of sales: for previews, and for trying another policy on a sale that was recorded.

use alloc::vec::Vec;

use super::{Inputs, Policy};
use crate::time::Timestamp;

/// A point of a course of sales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SalePoint {
    /// When.
    pub at: Timestamp,
    /// Places sold by then.
    pub sold: u32,
    /// Places held then, each account as [`super::HELD_WEIGHT`] at most.
    pub held: u32,
}

/// A price on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// From when.
    pub at: Timestamp,
    /// Places sold by then.
    pub sold: u32,
    /// The price from then on, in minor units.
    pub price: u64,
}

/// What came of a course.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// The price at the beginning, and each change of it.
    pub prices: Vec<Simulated>,
    /// What all places that were sold came to, each at the price of its moment, in minor units.
    pub revenue: u64,
    /// How many places were sold, those that were given back counted too.
    pub sold: u64,
    /// Whether it ended before its course, because that has too many steps.
    pub cut: bool,
}

/// Runs a level through a course: what is sold between two points is straight. A price that follows demand takes its steps as the
/// worker does, an interval apart; at most `steps_max` of them.
#[must_use]
pub fn simulate(policy: &Policy, price: u64, capacity: u32, course: &[SalePoint], steps_max: usize) -> Simulation {
    let Some(first) = course.first() else { return Simulation::default() };
    let price = policy.opening(price, first.sold.saturating_add(first.held));
    let mut run = Run {
        policy,
        capacity,
        price,
        smooth: 0,
        stepped: *first,
        last: *first,
        out: Simulation { prices: alloc::vec![Simulated { at: first.at, sold: first.sold, price }], ..Simulation::default() },
    };
    run.sell(SalePoint { sold: 0, ..*first }, *first);
    let mut steps = 0;
    for point in course.iter().skip(1) {
        if let Policy::Demand(demand) = policy {
            let from = run.last;
            loop {
                let due = run.stepped.at.plus(demand.interval);
                if due > point.at {
                    break;
                }
                if steps >= steps_max {
                    run.out.cut = true;
                    return run.out;
                }
                steps += 1;
                run.go(between(from, *point, due));
                run.step();
            }
        }
        run.go(*point);
        run.move_tier();
    }
    run.out
}

struct Run<'a> {
    policy: &'a Policy,
    capacity: u32,
    price: u64,
    smooth: u64,
    stepped: SalePoint,
    last: SalePoint,
    out: Simulation,
}

impl Run<'_> {
    fn go(&mut self, point: SalePoint) {
        self.sell(self.last, point);
        self.last = point;
    }

    fn sell(&mut self, from: SalePoint, to: SalePoint) {
        let more = u64::from(to.sold.saturating_sub(from.sold));
        self.out.sold = self.out.sold.saturating_add(more);
        self.out.revenue = self.out.revenue.saturating_add(more.saturating_mul(self.price));
    }

    fn step(&mut self) {
        let Policy::Demand(demand) = self.policy else { return };
        let now = self.last;
        let inputs = Inputs {
            capacity: self.capacity,
            sold: now.sold,
            sold_before: self.stepped.sold,
            since: self.stepped.at,
            held: now.held,
            smooth_before: self.smooth,
        };
        let step = demand.step(self.price, now.at, &inputs);
        (self.smooth, self.stepped) = (step.smooth, now);
        self.set(step.price);
    }

    fn move_tier(&mut self) {
        if let Policy::Tiers(_) = self.policy {
            let taken = self.last.sold.saturating_add(self.last.held);
            self.set(self.policy.opening(self.price, taken));
        }
    }

    fn set(&mut self, price: u64) {
        if price != self.price {
            self.price = price;
            self.out.prices.push(Simulated { at: self.last.at, sold: self.last.sold, price });
        }
    }
}

/// Where a straight course stands at a moment between two points.
fn between(from: SalePoint, to: SalePoint, at: Timestamp) -> SalePoint {
    let width = i128::from(to.at.0.saturating_sub(from.at.0)).max(1);
    let gone = i128::from(at.0.saturating_sub(from.at.0)).min(width);
    let line = |from: u32, to: u32| (i128::from(from) + (i128::from(to) - i128::from(from)) * gone / width) as u32;
    SalePoint { at, sold: line(from.sold, to.sold), held: line(from.held, to.held) }
}
