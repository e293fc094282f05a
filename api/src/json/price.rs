//! Prices that move as JSON: policies, prices, and changes with what they were worked out from.

use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::outcome::SaleState;
use boxoffice_ledger::plan::LevelIndex;
use boxoffice_ledger::pricing::{
    BPS, CURVE_POINTS_MAX, CurvePoint, Demand, GAIN_MAX, Policy, PriceCause, PriceChange, REASON_BYTES_MAX, Simulation, TIERS_MAX, Tier,
    Trail,
};
use boxoffice_ledger::seats::PRICE_MAX;
use boxoffice_ledger::time::Millis;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::request::AreaRef;
use super::{MoneyOut, Named, Rfc3339, Text, money, sale_state};
use crate::backend::{PricesView, Revision};
use crate::check::Check;

/// How strongly a price follows demand if its policy does not say, in basis points.
const GAIN: u32 = 5_000;
/// The largest deviation that counts if a policy does not say, in basis points.
const BAND: u32 = 2_000;
/// Time between two steps if a policy does not say, in seconds.
const INTERVAL_S: u64 = 300;
/// Most points of a course of sales.
pub const COURSE_MAX: usize = 1_000;

/// How the price of a level moves. `tiers` has its own field, `demand` has all others.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct PricePolicyBody {
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["fixed", "tiers", "demand"]))]
    pub kind: String,
    #[schemars(length(min = 1, max = TIERS_MAX))]
    pub tiers: Option<Vec<TierBody>>,
    #[schemars(length(min = 1, max = CURVE_POINTS_MAX))]
    pub curve: Option<Vec<CurvePointBody>>,
    #[schemars(range(min = 1, max = PRICE_MAX))]
    pub floor: Option<u64>,
    #[schemars(range(min = 1, max = PRICE_MAX))]
    pub ceiling: Option<u64>,
    /// Most that a step moves the price, in minor units; a twentieth of the ceiling if not given.
    #[schemars(range(min = 1, max = PRICE_MAX))]
    pub step_max: Option<u64>,
    /// Least time between two steps; five minutes if not given.
    #[schemars(range(min = 1, max = 604_800))]
    pub interval_s: Option<u64>,
    /// What share of the deviation becomes a share of the price; a half if not given.
    #[schemars(range(min = 1, max = GAIN_MAX))]
    pub gain_bps: Option<u32>,
    /// The largest deviation that counts; a fifth if not given.
    #[schemars(range(min = 1, max = BPS))]
    pub band_bps: Option<u32>,
}

/// So many places at one price; without a number, all that are left.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct TierBody {
    #[schemars(range(min = 1))]
    pub places: Option<u32>,
    #[schemars(range(max = PRICE_MAX))]
    pub price: u64,
}

/// What share of the places should be sold by when.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct CurvePointBody {
    #[schemars(with = "Rfc3339")]
    pub at: String,
    #[schemars(range(max = BPS))]
    pub sold_bps: u32,
}

/// `PATCH /event/{id}/price`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct PricePatchBody {
    pub level: AreaRef,
    pub policy: PricePolicyBody,
    #[schemars(length(min = 1, max = REASON_BYTES_MAX))]
    pub reason: String,
}

/// `POST /event/{id}/price/preview`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct PricePreviewBody {
    pub level: AreaRef,
    /// The level's own if not given.
    pub policy: Option<PricePolicyBody>,
    #[schemars(length(min = 1, max = COURSE_MAX))]
    pub course: Vec<CourseBody>,
}

/// How many are sold, and held, by when.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct CourseBody {
    #[schemars(with = "Rfc3339")]
    pub at: String,
    pub sold: u32,
    pub held: Option<u32>,
}

impl PricePolicyBody {
    /// The policy that it says, if it is one; `pointer` is where it stands. With a price, also whether it can begin at that one.
    pub fn policy(&self, check: &mut Check, pointer: &str, price: Option<u64>) -> Policy {
        let policy = match self.kind.as_str() {
            "fixed" => Policy::Fixed,
            "tiers" => Policy::Tiers(self.tiers.iter().flatten().map(|tier| self.tier(tier)).collect()),
            "demand" => Policy::Demand(self.demand(check, pointer)),
            _ => {
                check.wrong(format!("{pointer}/type"), "invalid", "fixed, tiers or demand");
                return Policy::Fixed;
            }
        };
        let (tiers, demand) = (self.tiers.is_some(), self.has_demand());
        if tiers && policy.name() != "tiers" {
            check.wrong(format!("{pointer}/tiers"), "conflict", "only of the type tiers");
        } else if demand && policy.name() != "demand" {
            check.wrong(pointer, "conflict", "only the type demand has a curve, bounds and steps");
        } else if let Some((below, detail)) = policy.fault(price) {
            check.wrong(format!("{pointer}{below}"), "invalid", detail);
        }
        policy
    }

    fn tier(&self, tier: &TierBody) -> Tier {
        Tier { places: tier.places.unwrap_or(0), price: tier.price }
    }

    fn has_demand(&self) -> bool {
        let amounts = self.floor.or(self.ceiling).or(self.step_max).or(self.interval_s);
        self.curve.is_some() || amounts.is_some() || self.gain_bps.is_some() || self.band_bps.is_some()
    }

    fn demand(&self, check: &mut Check, pointer: &str) -> Demand {
        let ceiling = self.ceiling.unwrap_or(0);
        let points = self.curve.iter().flatten().take(CURVE_POINTS_MAX + 1).enumerate();
        let curve = points.map(|(place, point)| CurvePoint {
            at: check.moment(&format!("{pointer}/curve/{place}/at"), &point.at),
            sold_bps: point.sold_bps,
        });
        Demand {
            curve: curve.collect(),
            floor: self.floor.unwrap_or(0),
            ceiling,
            step_max: self.step_max.unwrap_or((ceiling / 20).max(1)),
            interval: Millis::from_secs(self.interval_s.unwrap_or(INTERVAL_S)),
            gain_bps: self.gain_bps.unwrap_or(GAIN),
            band_bps: self.band_bps.unwrap_or(BAND),
        }
    }
}

/// How the price of a level moves.
#[derive(Default, Serialize, JsonSchema)]
pub struct PricePolicyOut {
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["fixed", "tiers", "demand"]))]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tiers: Option<Vec<TierOut>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    curve: Option<Vec<CurvePointOut>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    floor: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ceiling: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gain_bps: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    band_bps: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
struct TierOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    places: Option<u32>,
    price: u64,
}

#[derive(Serialize, JsonSchema)]
struct CurvePointOut {
    at: Rfc3339,
    sold_bps: u32,
}

impl PricePolicyOut {
    /// A policy. Amounts are in minor units.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        let out = Self { kind: policy.name(), ..Self::default() };
        match policy {
            Policy::Fixed => out,
            Policy::Tiers(tiers) => {
                let tier = |tier: &Tier| TierOut { places: Some(tier.places).filter(|places| *places > 0), price: tier.price };
                Self { tiers: Some(tiers.iter().map(tier).collect()), ..out }
            }
            Policy::Demand(demand) => {
                let point = |point: &CurvePoint| CurvePointOut { at: Rfc3339(point.at), sold_bps: point.sold_bps };
                Self {
                    curve: Some(demand.curve.iter().map(point).collect()),
                    floor: Some(demand.floor),
                    ceiling: Some(demand.ceiling),
                    step_max: Some(demand.step_max),
                    interval_s: Some(demand.interval.0 / 1000),
                    gain_bps: Some(demand.gain_bps),
                    band_bps: Some(demand.band_bps),
                    ..out
                }
            }
        }
    }
}

/// The prices of an event.
#[derive(Serialize, JsonSchema)]
pub struct PricesOut<'a> {
    #[schemars(extend("const" = "prices"))]
    object: &'static str,
    event: Text<EventId>,
    #[schemars(with = "Named<SaleState>")]
    sale: &'static str,
    levels: Vec<LevelPriceOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Text<Revision>>,
}

/// The price of a level.
#[derive(Serialize, JsonSchema)]
struct LevelPriceOut<'a> {
    level: u16,
    name: &'a str,
    price: MoneyOut,
    /// Raised by each change, from 0.
    version: u32,
    /// It is never lower.
    floor: MoneyOut,
    /// It is never higher.
    ceiling: MoneyOut,
    policy: PricePolicyOut,
    /// The tier, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<u16>,
    taken: u32,
    free: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<Rfc3339>,
    /// It takes no step before.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_step_at: Option<Rfc3339>,
    /// What it was before the oldest change in its history.
    history_from: TrailOut,
}

#[derive(Serialize, JsonSchema)]
struct TrailOut {
    version: u32,
    price: u64,
    policy: PricePolicyOut,
}

impl<'a> PricesOut<'a> {
    /// All prices of an event.
    #[must_use]
    pub fn new(view: &'a PricesView) -> Self {
        let trail = |trail: &Trail| TrailOut { version: trail.version, price: trail.price, policy: PricePolicyOut::new(&trail.policy) };
        let amount = |amount| money(amount, view.currency);
        let levels = view.levels.iter().map(|(name, level)| LevelPriceOut {
            level: level.level.0,
            name,
            price: amount(level.price),
            version: level.version,
            floor: amount(level.bounds.0),
            ceiling: amount(level.bounds.1),
            policy: PricePolicyOut::new(&level.policy),
            tier: matches!(level.policy, Policy::Tiers(_)).then_some(level.tier),
            taken: level.taken,
            free: level.free,
            changed_at: level.changed_at.map(Rfc3339),
            next_step_at: level.next_step_at.map(Rfc3339),
            history_from: trail(&level.root),
        });
        Self { object: "prices", event: Text(view.event), sale: sale_state(view.state), levels: levels.collect(), revision: None }
    }

    /// With the revision that wrote it.
    #[must_use]
    pub fn at(mut self, revision: Revision) -> Self {
        self.revision = Some(Text(revision));
        self
    }
}

/// Why a price changed.
#[must_use]
pub fn price_cause(cause: &PriceCause) -> &'static str {
    match cause {
        PriceCause::Demand(_) => "demand",
        PriceCause::TierExhausted { .. } => "tier_exhausted",
        PriceCause::TierReopened { .. } => "tier_reopened",
        PriceCause::Policy { .. } => "policy",
    }
}

/// A change of a price, with what it was worked out from. Amounts are in minor units.
#[derive(Serialize, JsonSchema)]
pub struct PriceChangeOut {
    level: u16,
    version: u32,
    at: Rfc3339,
    from: u64,
    to: u64,
    #[schemars(extend("enum" = ["demand", "tier_exhausted", "tier_reopened", "policy"]))]
    cause: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    inputs: Option<InputsOut>,
    /// The tier from now on, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<u16>,
    /// Places held or sold then.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken: Option<u32>,
    /// The policy from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PricePolicyOut>,
    /// Why its coordinator changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What a step was worked out from.
#[derive(Serialize, JsonSchema)]
struct InputsOut {
    /// Places free, held or sold.
    capacity: u32,
    sold: u32,
    /// Sold at the step before.
    sold_before: u32,
    /// When that was.
    since: Rfc3339,
    /// Held, each account as two at most.
    held: u32,
    /// Held ones as they counted in the step before, in thousandths.
    smooth_before: u64,
    /// The share that came of it, in parts per million.
    share_ppm: u64,
}

impl PriceChangeOut {
    /// A change of a level.
    #[must_use]
    pub fn new(level: LevelIndex, change: &PriceChange) -> Self {
        let mut out = Self {
            level: level.0,
            version: change.version,
            at: Rfc3339(change.at),
            from: change.from,
            to: change.to,
            cause: price_cause(&change.cause),
            inputs: None,
            tier: None,
            taken: None,
            policy: None,
            reason: None,
        };
        match &change.cause {
            PriceCause::Demand(inputs) => {
                out.inputs = Some(InputsOut {
                    capacity: inputs.capacity,
                    sold: inputs.sold,
                    sold_before: inputs.sold_before,
                    since: Rfc3339(inputs.since),
                    held: inputs.held,
                    smooth_before: inputs.smooth_before,
                    share_ppm: inputs.share(),
                });
            }
            PriceCause::TierExhausted { tier, taken } | PriceCause::TierReopened { tier, taken } => {
                (out.tier, out.taken) = (Some(*tier), Some(*taken));
            }
            PriceCause::Policy { policy, taken, reason } => {
                out.taken = Some(*taken);
                (out.policy, out.reason) = (Some(PricePolicyOut::new(policy)), Some(reason.clone()));
            }
        }
        out
    }
}

/// What a policy would do.
#[derive(Serialize, JsonSchema)]
pub struct PricePreviewOut {
    #[schemars(extend("const" = "price_preview"))]
    object: &'static str,
    level: u16,
    policy: PricePolicyOut,
    /// The price at the beginning, and each change of it.
    prices: Vec<SimulatedOut>,
    /// What all that was sold came to, each at the price of its moment.
    revenue: MoneyOut,
    sold: u64,
    /// Whether the course has more steps than are worked out.
    cut: bool,
}

#[derive(Serialize, JsonSchema)]
struct SimulatedOut {
    at: Rfc3339,
    sold: u32,
    price: u64,
}

impl PricePreviewOut {
    /// What came of it.
    #[must_use]
    pub fn new(level: LevelIndex, policy: &Policy, simulation: &Simulation, currency: Currency) -> Self {
        let prices = simulation.prices.iter().map(|one| SimulatedOut { at: Rfc3339(one.at), sold: one.sold, price: one.price });
        Self {
            object: "price_preview",
            level: level.0,
            policy: PricePolicyOut::new(policy),
            prices: prices.collect(),
            revenue: money(simulation.revenue, currency),
            sold: simulation.sold,
            cut: simulation.cut,
        }
    }
}
