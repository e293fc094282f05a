//! The arithmetic of prices: tables of known steps, and what holds for any numbers.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

const START: u64 = 1_790_000_000_000_000;

fn seconds(after: u64) -> Timestamp {
    Timestamp(START + after * 1_000_000)
}

/// From nothing to everything in 1,000 seconds; as strong as the deviation.
fn demand() -> Demand {
    Demand {
        curve: vec![CurvePoint { at: seconds(0), sold_bps: 0 }, CurvePoint { at: seconds(1000), sold_bps: 10_000 }],
        floor: 4000,
        ceiling: 9000,
        step_max: 500,
        interval: Millis::from_secs(10),
        gain_bps: 10_000,
        band_bps: 2000,
    }
}

fn inputs(sold: u32, held: u32) -> Inputs {
    Inputs { capacity: 1000, sold, sold_before: 0, since: seconds(0), held, smooth_before: 0 }
}

#[test]
fn a_curve_is_straight_between_its_points() {
    let mut demand = demand();
    demand.curve.insert(1, CurvePoint { at: seconds(400), sold_bps: 5000 });
    let targets: Vec<u64> = [0, 100, 400, 700, 1000, 9000].map(|after| demand.target(seconds(after))).to_vec();
    assert_eq!(targets, [0, 125_000, 500_000, 750_000, 1_000_000, 1_000_000]);
    assert_eq!(demand.target(Timestamp(0)), 0);
    assert_eq!(Demand { curve: Vec::new(), ..demand }.target(seconds(5)), 0);
}

#[test]
fn known_steps() {
    let step = |price, after, inputs: &Inputs| demand().step(price, seconds(after), inputs).price;
    // On its curve; 5 % ahead; 50 % ahead: the band makes it 20 %, the step 500; behind; far behind.
    assert_eq!(step(5000, 100, &inputs(100, 0)), 5000);
    assert_eq!(step(5000, 100, &inputs(150, 0)), 5250);
    assert_eq!(step(5000, 100, &inputs(600, 0)), 5500);
    assert_eq!(step(5000, 100, &inputs(60, 0)), 4800);
    assert_eq!(step(5000, 900, &inputs(100, 0)), 4500);
    // The bounds.
    assert_eq!((step(8900, 100, &inputs(600, 0)), step(4100, 900, &inputs(0, 0))), (9000, 4000));
    // A quarter of what is held counts at once.
    assert_eq!(step(5000, 100, &inputs(100, 40)), 5050);
    // Ahead, but nothing was sold since the step before: no rise. Behind: a fall all the same.
    let idle = |sold| Inputs { sold_before: sold, ..inputs(sold, 0) };
    assert_eq!((step(5000, 100, &idle(300)), step(5000, 100, &idle(60))), (5000, 4800));
    // Nothing on sale.
    assert_eq!(step(5000, 100, &Inputs { capacity: 0, ..inputs(600, 9) }), 5000);
}

#[test]
fn what_is_held_counts_slowly() {
    let mut smooth_before = 0;
    let smooth: Vec<u64> = (0..5)
        .map(|round| {
            let inputs = Inputs { held: if round < 3 { 8 } else { 0 }, smooth_before, ..inputs(0, 0) };
            smooth_before = inputs.smooth();
            smooth_before
        })
        .collect();
    assert_eq!(smooth, [2000, 3500, 4625, 3468, 2601]);
}

#[test]
fn tiers_are_taken_in_order() {
    let tiers = [Tier { places: 10, price: 1 }, Tier { places: 5, price: 2 }, Tier { places: 0, price: 3 }];
    assert_eq!([0, 9, 10, 14, 15, u32::MAX].map(|taken| tier_of(&tiers, taken)), [0, 0, 1, 1, 2, 2]);
    assert_eq!((tier_of(&tiers[..2], 99), tier_of(&[], 5)), (1, 0));
    assert_eq!(tier_of(&[Tier { places: u32::MAX, price: 1 }, Tier { places: u32::MAX, price: 2 }], u32::MAX), 1);
}

#[test]
fn faults_say_where_they_are() {
    let pointer = |policy: Policy| policy.fault(Some(5000)).map(|(pointer, _)| pointer);
    let of = |change: fn(&mut Demand)| {
        let mut demand = demand();
        change(&mut demand);
        pointer(Policy::Demand(demand)).unwrap_or_default()
    };
    let tiers = |tiers: &[(u32, u64)]| {
        pointer(Policy::Tiers(tiers.iter().map(|&(places, price)| Tier { places, price }).collect())).unwrap_or_default()
    };
    assert_eq!((pointer(Policy::Fixed), pointer(Policy::Demand(demand()))), (None, None));
    assert_eq!(of(|demand| demand.floor = 0), "/floor");
    assert_eq!(of(|demand| demand.floor = 5001), "/floor");
    assert_eq!(of(|demand| demand.ceiling = 3999), "/ceiling");
    assert_eq!(of(|demand| demand.ceiling = u64::MAX), "/ceiling");
    assert_eq!(of(|demand| demand.step_max = 0), "/step_max");
    assert_eq!(of(|demand| demand.interval = Millis(999)), "/interval_s");
    assert_eq!(of(|demand| demand.interval = Millis(u64::MAX)), "/interval_s");
    assert_eq!(of(|demand| demand.gain_bps = 0), "/gain_bps");
    assert_eq!(of(|demand| demand.band_bps = 10_001), "/band_bps");
    assert_eq!(of(|demand| demand.curve.clear()), "/curve");
    assert_eq!(of(|demand| demand.curve[1].sold_bps = 10_001), "/curve/1/sold_bps");
    assert_eq!(of(|demand| demand.curve[0].sold_bps = 10_000), "");
    assert_eq!(of(|demand| demand.curve.reverse()), "/curve/1/at");
    assert_eq!(of(|demand| demand.curve.push(CurvePoint { at: seconds(2000), sold_bps: 1 })), "/curve/2/sold_bps");
    assert_eq!(tiers(&[]), "/tiers");
    assert_eq!(tiers(&[(0, 5000)]), "");
    assert_eq!(tiers(&[(5, 5000), (0, 6000)]), "");
    assert_eq!(tiers(&[(5, 4000), (0, 6000)]), "/tiers/0/price");
    assert_eq!(tiers(&[(5, 5000), (5, 6000)]), "/tiers/1/places");
    assert_eq!(tiers(&[(0, 5000), (0, 6000)]), "/tiers/0/places");
    assert_eq!(tiers(&[(5, 5000), (0, u64::MAX)]), "/tiers/1/price");
    let many = |policies: &[Policy]| policies_fault(policies, &[5000, 1]).map(|(pointer, _)| pointer);
    assert_eq!(many(&[]), None);
    assert_eq!(many(&[Policy::Fixed]), Some(String::new()));
    assert_eq!(many(&[Policy::Fixed, Policy::Demand(demand())]), Some(String::from("/1/floor")));
}

/// A level that was sold under one policy and then another.
fn changes() -> Vec<PriceChange> {
    let tiers = Policy::Tiers(vec![Tier { places: 10, price: 5300 }, Tier { places: 0, price: 5600 }]);
    let step = inputs(150, 0);
    let change = |version, after, from, to, cause| PriceChange { version, at: seconds(after), from, to, cause };
    vec![
        change(1, 100, 5000, 5250, PriceCause::Demand(step)),
        change(2, 110, 5250, 5300, PriceCause::Policy { policy: tiers, taken: 9, reason: String::new() }),
        change(3, 120, 5300, 5600, PriceCause::TierExhausted { tier: 1, taken: 12 }),
        change(4, 130, 5600, 5300, PriceCause::TierReopened { tier: 0, taken: 3 }),
    ]
}

fn walk(changes: &[PriceChange]) -> Result<Trail, String> {
    let mut trail = Trail { version: 0, price: 5000, policy: Policy::Demand(demand()) };
    changes.iter().try_for_each(|change| trail.check(change))?;
    Ok(trail)
}

#[test]
fn a_trail_explains_every_price() {
    assert_eq!(walk(&changes()).map(|trail| (trail.version, trail.price)), Ok((4, 5300)));
    type Hurt = fn(&mut PriceChange);
    let wrong: [(usize, Hurt); 8] = [
        (0, |change| change.to += 1),
        (0, |change| change.version = 7),
        (0, |change| change.from -= 1),
        (0, |change| change.at = seconds(9)),
        (0, |change| change.cause = PriceCause::TierReopened { tier: 0, taken: 0 }),
        (1, |change| change.to = 5250),
        (2, |change| change.cause = PriceCause::TierExhausted { tier: 1, taken: 9 }),
        (3, |change| change.cause = PriceCause::Demand(Inputs::default())),
    ];
    for (place, hurt) in wrong {
        let mut changes = changes();
        hurt(&mut changes[place]);
        assert!(walk(&changes).is_err(), "{place}");
    }
}

#[test]
fn a_simulation_takes_the_steps_of_a_sale() {
    let point = |after, sold| SalePoint { at: seconds(after), sold, held: 0 };
    let steady: Vec<SalePoint> = vec![point(0, 0), point(1000, 1000)];
    let policy = Policy::Demand(demand());
    let even = simulate(&policy, 5000, 1000, &steady, 1000);
    assert_eq!((even.prices.len(), even.revenue, even.sold, even.cut), (1, 5_000_000, 1000, false));
    let fast = simulate(&policy, 5000, 1000, &[point(0, 0), point(20, 200), point(1000, 200)], 1000);
    let prices: Vec<(u64, u64)> = fast.prices.iter().map(|one| ((one.at.0 - START) / 1_000_000, one.price)).collect();
    assert_eq!(prices[..3], [(0, 5000), (10, 5450), (20, 5950)]);
    assert!(prices.iter().all(|&(_, price)| (4000..=9000).contains(&price)) && prices.last().is_some_and(|last| last.1 == 4000));
    assert_eq!((fast.revenue, fast.sold), (100 * 5000 + 100 * 5450, 200));
    assert!(simulate(&policy, 5000, 1000, &steady, 3).cut);
    let tiers = Policy::Tiers(vec![Tier { places: 10, price: 50 }, Tier { places: 0, price: 80 }]);
    let tiered = simulate(&tiers, 50, 100, &[point(0, 0), point(1, 10), point(2, 15), point(3, 5)], 0);
    assert_eq!((tiered.revenue, tiered.prices.iter().map(|one| one.price).collect::<Vec<_>>()), (10 * 50 + 5 * 80, vec![50, 80, 50]));
    assert_eq!(simulate(&tiers, 50, 100, &[], 5), Simulation::default());
}

fn any_demand() -> impl Strategy<Value = Demand> {
    let curve =
        prop::collection::vec((any::<u64>(), any::<u32>()).prop_map(|(at, sold_bps)| CurvePoint { at: Timestamp(at), sold_bps }), 0..5);
    (curve, any::<(u64, u64, u64, u64)>(), any::<(u32, u32)>()).prop_map(|(curve, (floor, ceiling, step_max, interval), (gain, band))| {
        Demand { curve, floor, ceiling, step_max, interval: Millis(interval), gain_bps: gain, band_bps: band }
    })
}

fn any_inputs() -> impl Strategy<Value = Inputs> {
    any::<(u32, u32, u32, u64, u32, u64)>().prop_map(|(capacity, sold, sold_before, since, held, smooth_before)| Inputs {
        capacity,
        sold,
        sold_before,
        since: Timestamp(since),
        held,
        smooth_before,
    })
}

proptest! {
    #[test]
    fn no_numbers_make_a_step_panic(demand in any_demand(), inputs in any_inputs(), price in any::<u64>(), at in any::<u64>()) {
        let step = demand.step(price, Timestamp(at), &inputs);
        prop_assert!(step.share <= PPM && step.target <= PPM);
        let policy = Policy::Demand(demand);
        let _ = (policy.bounds(price), policy.opening(price, inputs.sold));
        let trail_policy = policy.clone();
        let mut trail = Trail { version: u32::MAX, price, policy };
        let point = |at, sold, held| SalePoint { at: Timestamp(at), sold, held };
        let ends = [point(0, inputs.sold, inputs.held), point(at, 0, 9)];
        prop_assert!(simulate(&trail_policy, price, inputs.capacity, &ends, 50).prices.len() <= 52);
        let change = PriceChange { version: 0, at: Timestamp(at), from: price, to: price, cause: PriceCause::Demand(inputs) };
        prop_assert!(trail.check(&change).is_err());
    }

    #[test]
    fn a_step_is_within_its_bounds_and_its_size(
        inputs in any_inputs(), price in 4000_u64..=9000, after in 0_u64..2000, step_max in 1_u64..2000, gain_bps in 1_u32..=GAIN_MAX,
    ) {
        let demand = Demand { step_max, gain_bps, ..demand() };
        let step = demand.step(price, seconds(after), &inputs);
        prop_assert!((4000..=9000).contains(&step.price));
        prop_assert!(step.price.abs_diff(price) <= step_max);
        // More sold is never cheaper, and the same inputs are the same price.
        let more = Inputs { sold: inputs.sold.saturating_add(1), ..inputs };
        prop_assert!(demand.step(price, seconds(after), &more).price >= step.price);
        prop_assert_eq!(demand.step(price, seconds(after), &inputs), step);
    }

    #[test]
    fn one_account_moves_a_share_by_its_weight_at_most(sold in 0_u32..900, held in 0_u32..90, smooth_before in 0_u64..90_000) {
        let quiet = Inputs { held, smooth_before, ..inputs(sold, 0) };
        let loud = Inputs { held: held + HELD_WEIGHT, ..quiet };
        prop_assert!(loud.share() - quiet.share() <= u64::from(HELD_WEIGHT) * PPM / 1000);
    }
}
