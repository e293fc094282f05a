//! Encoding of refusals, which all answers can hold.

use super::wire::rejection::{Conflict, Field, Kind, LimitReached, PriceChanged, SaleNotOn, SeatsUnavailable, TicketRefused, TooSoon};
use super::{CodecError, common, promo, ticket, wire};
use crate::outcome::Rejection;
use crate::tickets::LastScan;
use crate::time::Timestamp;

pub fn rejection(rejection: &Rejection) -> wire::Rejection {
    let field = |pointer: &str, detail: &str| Field { pointer: pointer.into(), detail: detail.into() };
    let kind = match rejection {
        Rejection::Malformed { pointer, detail } => Kind::Malformed(field(pointer, detail)),
        Rejection::RequestReused => Kind::RequestReused(wire::Empty {}),
        Rejection::RequestsFull => Kind::RequestsFull(wire::Empty {}),
        Rejection::NotFound { what } => Kind::NotFound(what.clone()),
        Rejection::VersionMismatch { current } => Kind::VersionMismatch(*current),
        Rejection::Frozen { pointer, detail } => Kind::Frozen(field(pointer, detail)),
        Rejection::EmailTaken => Kind::EmailTaken(wire::Empty {}),
        Rejection::SaleNotOn { state, opens_at } => {
            Kind::SaleNotOn(SaleNotOn { state: common::sale_state(*state), opens_at_us: opens_at.map(|at| at.0) })
        }
        Rejection::SaleMove { state } => Kind::SaleMove(common::sale_state(*state)),
        Rejection::HoldEnded { state } => Kind::HoldEnded(common::hold_state(*state)),
        Rejection::AttemptLive => Kind::AttemptLive(wire::Empty {}),
        Rejection::SeatsUnavailable { conflicts, areas, alternatives } => Kind::SeatsUnavailable(SeatsUnavailable {
            conflicts: conflicts.iter().map(|&(seat, state)| Conflict { seat: seat.0, state: common::seat_state(state) }).collect(),
            areas: common::areas(areas),
            alternatives: alternatives.iter().map(|seats| wire::SeatList { seats: common::seats(seats) }).collect(),
        }),
        Rejection::NothingFits => Kind::NothingFits(wire::Empty {}),
        Rejection::Orphans { seats } => Kind::Orphans(wire::SeatList { seats: common::seats(seats) }),
        Rejection::LimitReached { limit, have } => Kind::LimitReached(LimitReached { limit: *limit, have: *have }),
        Rejection::PriceChanged { total, currency } => {
            Kind::PriceChanged(PriceChanged { total: *total, currency: common::currency(*currency) })
        }
        Rejection::TooSoon { retry_at } => Kind::TooSoon(TooSoon { retry_at_us: retry_at.map(|at| at.0) }),
        Rejection::AmountMismatch { expected } => Kind::AmountMismatch(*expected),
        Rejection::TicketRefused { reason, used } => Kind::TicketRefused(TicketRefused {
            reason: ticket::scan_reason(*reason),
            used_at_us: used.as_ref().map(|used| used.at.0),
            used_gate: used.as_ref().map(|used| used.gate.clone()).unwrap_or_default(),
        }),
        Rejection::WrongState { detail } => Kind::WrongState(detail.clone()),
        Rejection::PromoRefused { reason } => Kind::PromoRefused(promo::promo_reason(*reason)),
    };
    wire::Rejection { kind: Some(kind) }
}

pub fn read_rejection(rejection: wire::Rejection) -> Result<Rejection, CodecError> {
    let kind = rejection.kind.ok_or_else(|| CodecError::broken("an empty rejection"))?;
    Ok(match kind {
        Kind::Malformed(Field { pointer, detail }) => Rejection::Malformed { pointer, detail },
        Kind::RequestReused(_) => Rejection::RequestReused,
        Kind::RequestsFull(_) => Rejection::RequestsFull,
        Kind::NotFound(what) => Rejection::NotFound { what },
        Kind::VersionMismatch(current) => Rejection::VersionMismatch { current },
        Kind::Frozen(Field { pointer, detail }) => Rejection::Frozen { pointer, detail },
        Kind::EmailTaken(_) => Rejection::EmailTaken,
        Kind::SaleNotOn(SaleNotOn { state, opens_at_us }) => {
            Rejection::SaleNotOn { state: common::read_sale_state(state)?, opens_at: opens_at_us.map(Timestamp) }
        }
        Kind::SaleMove(state) => Rejection::SaleMove { state: common::read_sale_state(state)? },
        Kind::HoldEnded(state) => Rejection::HoldEnded { state: common::read_hold_state(state)? },
        Kind::AttemptLive(_) => Rejection::AttemptLive,
        Kind::SeatsUnavailable(refused) => Rejection::SeatsUnavailable {
            conflicts: refused
                .conflicts
                .into_iter()
                .map(|Conflict { seat, state }| Ok((crate::plan::SeatIndex(seat), common::read_seat_state(state)?)))
                .collect::<Result<_, CodecError>>()?,
            areas: common::read_areas(&refused.areas)?,
            alternatives: refused.alternatives.into_iter().map(|list| common::read_seats(list.seats)).collect(),
        },
        Kind::NothingFits(_) => Rejection::NothingFits,
        Kind::Orphans(list) => Rejection::Orphans { seats: common::read_seats(list.seats) },
        Kind::LimitReached(LimitReached { limit, have }) => Rejection::LimitReached { limit, have },
        Kind::PriceChanged(PriceChanged { total, currency }) => {
            Rejection::PriceChanged { total, currency: common::read_currency(currency)? }
        }
        Kind::TooSoon(TooSoon { retry_at_us }) => Rejection::TooSoon { retry_at: retry_at_us.map(Timestamp) },
        Kind::AmountMismatch(expected) => Rejection::AmountMismatch { expected },
        Kind::TicketRefused(TicketRefused { reason, used_at_us, used_gate: gate }) => Rejection::TicketRefused {
            reason: ticket::read_scan_reason(reason)?,
            used: used_at_us.map(|at| LastScan { at: Timestamp(at), gate }),
        },
        Kind::WrongState(detail) => Rejection::WrongState { detail },
        Kind::PromoRefused(reason) => Rejection::PromoRefused { reason: promo::read_promo_reason(reason)? },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use crate::outcome::{HoldState, SaleState, SeatState};
    use crate::plan::{AreaIndex, SeatIndex};
    use crate::promos::PromoReason;
    use crate::tickets::ScanReason;
    use alloc::string::ToString;
    use alloc::vec;
    use alloc::vec::Vec;
    use prost::Message;

    fn all() -> Vec<Rejection> {
        let (pointer, detail) = ("/seats/0".to_string(), "no such seat".to_string());
        vec![
            Rejection::Malformed { pointer: pointer.clone(), detail: detail.clone() },
            Rejection::RequestReused,
            Rejection::RequestsFull,
            Rejection::NotFound { what: "hold".to_string() },
            Rejection::VersionMismatch { current: 0 },
            Rejection::Frozen { pointer, detail: detail.clone() },
            Rejection::EmailTaken,
            Rejection::SaleNotOn { state: SaleState::Published, opens_at: Some(Timestamp(0)) },
            Rejection::SaleMove { state: SaleState::Cancelled },
            Rejection::HoldEnded { state: HoldState::Revoked },
            Rejection::AttemptLive,
            Rejection::SeatsUnavailable {
                conflicts: vec![(SeatIndex(0), SeatState::Available), (SeatIndex(7), SeatState::Killed)],
                areas: vec![(AreaIndex(0), 0), (AreaIndex(u16::MAX), u32::MAX)],
                alternatives: vec![vec![], vec![SeatIndex(1), SeatIndex(2)]],
            },
            Rejection::NothingFits,
            Rejection::Orphans { seats: vec![SeatIndex(3)] },
            Rejection::LimitReached { limit: 8, have: 0 },
            Rejection::PriceChanged { total: u64::MAX, currency: Currency::parse("EUR").unwrap() },
            Rejection::TooSoon { retry_at: None },
            Rejection::AmountMismatch { expected: 0 },
            Rejection::TicketRefused { reason: ScanReason::BadCode, used: None },
            Rejection::PromoRefused { reason: PromoReason::Unknown },
            Rejection::PromoRefused { reason: PromoReason::NotForTheseSeats },
            Rejection::TicketRefused {
                reason: ScanReason::AlreadyUsed,
                used: Some(LastScan { at: Timestamp(0), gate: "North".to_string() }),
            },
            Rejection::WrongState { detail },
        ]
    }

    #[test]
    fn every_refusal_survives_its_encoding() {
        for refusal in all() {
            let bytes = rejection(&refusal).encode_to_vec();
            assert_eq!(read_rejection(wire::Rejection::decode(&*bytes).unwrap()), Ok(refusal));
        }
    }

    #[test]
    fn states_of_a_newer_build_are_unknown() {
        let newer = wire::Rejection { kind: Some(Kind::HoldEnded(99)) };
        assert!(matches!(read_rejection(newer), Err(CodecError::Unknown(_))));
        let broken = wire::Rejection { kind: Some(Kind::PriceChanged(PriceChanged { total: 1, currency: 0x0065_7572 })) };
        assert!(matches!(read_rejection(broken), Err(CodecError::Broken(_))));
    }
}
