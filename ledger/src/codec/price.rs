//! Encoding of price policies, changes of prices, and the commands about them.

use alloc::vec::Vec;

use super::wire::price_change::Cause;
use super::wire::price_policy::Kind;
use super::wire::seat_command as on_wire;
use super::{CodecError, common, wire};
use crate::command::SeatCommand;
use crate::ids::EventId;
use crate::plan::LevelIndex;
use crate::pricing::{CurvePoint, Demand, Inputs, Policy, PriceCause, PriceChange, Tier};
use crate::time::{Millis, Timestamp};

pub(crate) fn policy(policy: &Policy) -> wire::PricePolicy {
    let kind = match policy {
        Policy::Fixed => None,
        Policy::Tiers(tiers) => {
            let tiers = tiers.iter().map(|tier| wire::PriceTier { places: tier.places, price: tier.price }).collect();
            Some(Kind::Tiers(wire::PriceTiers { tiers }))
        }
        Policy::Demand(demand) => Some(Kind::Demand(wire::PriceDemand {
            curve: demand.curve.iter().map(|point| wire::CurvePoint { at_us: point.at.0, sold_bps: point.sold_bps }).collect(),
            floor: demand.floor,
            ceiling: demand.ceiling,
            step_max: demand.step_max,
            interval_ms: demand.interval.0,
            gain_bps: demand.gain_bps,
            band_bps: demand.band_bps,
        })),
    };
    wire::PricePolicy { kind }
}

pub(crate) fn read_policy(policy: wire::PricePolicy) -> Policy {
    match policy.kind {
        None => Policy::Fixed,
        Some(Kind::Tiers(tiers)) => Policy::Tiers(tiers.tiers.iter().map(|tier| Tier { places: tier.places, price: tier.price }).collect()),
        Some(Kind::Demand(demand)) => Policy::Demand(Demand {
            curve: demand.curve.iter().map(|point| CurvePoint { at: Timestamp(point.at_us), sold_bps: point.sold_bps }).collect(),
            floor: demand.floor,
            ceiling: demand.ceiling,
            step_max: demand.step_max,
            interval: Millis(demand.interval_ms),
            gain_bps: demand.gain_bps,
            band_bps: demand.band_bps,
        }),
    }
}

pub(crate) fn policies(policies: &[Policy]) -> Vec<wire::PricePolicy> {
    policies.iter().map(policy).collect()
}

pub(crate) fn read_policies(policies: Vec<wire::PricePolicy>) -> Vec<Policy> {
    policies.into_iter().map(read_policy).collect()
}

pub(crate) fn change(level: LevelIndex, change: &PriceChange) -> wire::PriceChange {
    let moved = |tier: u16, taken| wire::TierMove { tier: tier.into(), taken };
    let cause = match &change.cause {
        PriceCause::Demand(inputs) => Cause::Demand(wire::PriceInputs {
            capacity: inputs.capacity,
            sold: inputs.sold,
            sold_before: inputs.sold_before,
            since_us: inputs.since.0,
            held: inputs.held,
            smooth_before: inputs.smooth_before,
        }),
        PriceCause::TierExhausted { tier, taken } => Cause::TierExhausted(moved(*tier, *taken)),
        PriceCause::TierReopened { tier, taken } => Cause::TierReopened(moved(*tier, *taken)),
        PriceCause::Policy { policy: new, taken, reason } => {
            Cause::Policy(wire::PolicyChange { policy: Some(policy(new)), taken: *taken, reason: reason.clone() })
        }
    };
    wire::PriceChange {
        level: level.0.into(),
        version: change.version,
        at_us: change.at.0,
        from: change.from,
        to: change.to,
        cause: Some(cause),
    }
}

pub(crate) fn read_change(message: wire::PriceChange) -> Result<(LevelIndex, PriceChange), CodecError> {
    let tier = |moved: &wire::TierMove| common::read_u16(moved.tier);
    let cause = match message.cause.ok_or_else(|| CodecError::unknown("a cause of a change of price"))? {
        Cause::Demand(inputs) => PriceCause::Demand(Inputs {
            capacity: inputs.capacity,
            sold: inputs.sold,
            sold_before: inputs.sold_before,
            since: Timestamp(inputs.since_us),
            held: inputs.held,
            smooth_before: inputs.smooth_before,
        }),
        Cause::TierExhausted(moved) => PriceCause::TierExhausted { tier: tier(&moved)?, taken: moved.taken },
        Cause::TierReopened(moved) => PriceCause::TierReopened { tier: tier(&moved)?, taken: moved.taken },
        Cause::Policy(new) => {
            PriceCause::Policy { policy: new.policy.map(read_policy).unwrap_or_default(), taken: new.taken, reason: new.reason }
        }
    };
    let level = LevelIndex(common::read_u16(message.level)?);
    let at = Timestamp(message.at_us);
    Ok((level, PriceChange { version: message.version, at, from: message.from, to: message.to, cause }))
}

pub(crate) fn reprice(event: EventId, level: LevelIndex, version: u32, from: u64) -> on_wire::Reprice {
    on_wire::Reprice { event: Some(common::id(event.0)), level: level.0.into(), version, from }
}

pub(crate) fn read_reprice(message: on_wire::Reprice) -> Result<SeatCommand, CodecError> {
    Ok(SeatCommand::Reprice {
        event: EventId(common::read_id(message.event)?),
        level: LevelIndex(common::read_u16(message.level)?),
        version: message.version,
        from: message.from,
    })
}

pub(crate) fn read_set_policy(message: on_wire::SetPolicy) -> Result<SeatCommand, CodecError> {
    Ok(SeatCommand::SetPolicy {
        request: common::read_request(message.request)?,
        event: EventId(common::read_id(message.event)?),
        level: LevelIndex(common::read_u16(message.level)?),
        policy: message.policy.map(read_policy).unwrap_or_default(),
        reason: message.reason,
    })
}
