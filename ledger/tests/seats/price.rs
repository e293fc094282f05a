//! Prices that move, in words. Policies: `fixed`, `tiers:5=5000,3=6000,rest=7000`,
//! `demand:0s=0,100s=10000/floor=100/ceiling=200/step=10/every=10/gain=10000/band=2000` (what is left out is as in [`demand`]).
//! Commands: `reprice 0 [version=N] [from=N]` (else what the price is), `policy 0 fixed [reason=because]`.

use boxoffice_ledger::plan::LevelIndex;
use boxoffice_ledger::pricing::{CurvePoint, Demand, Policy, PriceCause, PriceChange, Tier};
use boxoffice_ledger::seats::{EventSale, PriceView};
use boxoffice_ledger::time::Millis;

use crate::render;
use crate::script::moment;

/// Everything sold within 1,000 seconds, as strong as the deviation.
pub fn demand() -> Demand {
    Demand {
        curve: vec![CurvePoint { at: moment("0s"), sold_bps: 0 }, CurvePoint { at: moment("1000s"), sold_bps: 10_000 }],
        floor: 4000,
        ceiling: 6000,
        step_max: 500,
        interval: Millis::from_secs(10),
        gain_bps: 10_000,
        band_bps: 2000,
    }
}

pub fn policy(text: &str) -> Policy {
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    match kind {
        "fixed" => Policy::Fixed,
        "tiers" => {
            let tiers = rest.split(',').map(|tier| {
                let (places, price) = tier.split_once('=').unwrap();
                Tier { places: if places == "rest" { 0 } else { places.parse().unwrap() }, price: price.parse().unwrap() }
            });
            Policy::Tiers(tiers.collect())
        }
        "demand" => {
            let mut demand = demand();
            for part in rest.split('/').filter(|part| !part.is_empty()) {
                let (name, value) = part.split_once('=').unwrap();
                match name {
                    "floor" => demand.floor = value.parse().unwrap(),
                    "ceiling" => demand.ceiling = value.parse().unwrap(),
                    "step" => demand.step_max = value.parse().unwrap(),
                    "every" => demand.interval = Millis::from_secs(value.parse().unwrap()),
                    "gain" => demand.gain_bps = value.parse().unwrap(),
                    "band" => demand.band_bps = value.parse().unwrap(),
                    _ => demand.curve = part.split(',').map(point).collect(),
                }
            }
            Policy::Demand(demand)
        }
        other => panic!("no such policy: {other}"),
    }
}

fn point(text: &str) -> CurvePoint {
    let (at, sold) = text.split_once('=').unwrap();
    CurvePoint { at: moment(at), sold_bps: sold.parse().unwrap() }
}

pub fn level(text: &str) -> LevelIndex {
    LevelIndex(text.parse().unwrap())
}

/// A level's price, its bounds, and what is taken of it.
pub fn view(view: &PriceView) -> String {
    let tier = if view.policy.name() == "tiers" { format!(" tier={}", view.tier) } else { String::new() };
    let (low, high) = view.bounds;
    format!(
        "{} {} version={} bounds={low}-{high}{tier} taken={} free={}",
        view.policy.name(),
        view.price,
        view.version,
        view.taken,
        view.free
    )
}

/// The changes of a level's price that are kept.
pub fn history(sale: &EventSale, level: LevelIndex) -> String {
    sale.price_changes(level, 0, usize::MAX).iter().map(change).collect::<Vec<_>>().join("; ")
}

pub fn change(change: &PriceChange) -> String {
    let why = match &change.cause {
        PriceCause::Demand(inputs) => {
            let (sold, held) = (inputs.sold, inputs.held);
            format!("sold={sold}-{} held={held} smooth={} of={}", inputs.sold_before, inputs.smooth(), inputs.capacity)
        }
        PriceCause::TierExhausted { tier, taken } => format!("exhausted tier={tier} taken={taken}"),
        PriceCause::TierReopened { tier, taken } => format!("reopened tier={tier} taken={taken}"),
        PriceCause::Policy { policy, taken, reason } => format!("{} taken={taken} {reason}", policy.name()),
    };
    format!("{} {}: {}->{} {why}", change.version, render::time(change.at), change.from, change.to)
}
