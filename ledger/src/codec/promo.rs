//! Encoding of promo codes and allocations: commands, snapshot records, what a code did to a hold.

use alloc::sync::Arc;

use super::common::states;
use super::wire::promo_command::{self as on_wire, Action};
use super::wire::promo_terms::Discount as WireDiscount;
use super::{CodecError, common, wire};
use crate::ids::{EventId, Request};
use crate::promos::{AllocationIndex, Applied, Discount, PromoAction, PromoReason, PromoTerms};
use crate::time::Timestamp;

states!(promo_reason, read_promo_reason, PromoReason: Unknown, Expired, UsedUp, NotForTheseSeats);

pub(crate) fn command(request: Request, event: EventId, action: &PromoAction) -> wire::PromoCommand {
    let action = match action {
        PromoAction::Create { code, terms: given, currency } => {
            let currency = currency.map(common::currency);
            Action::Create(on_wire::Create { code: code.clone(), terms: Some(terms(given)), currency })
        }
        PromoAction::Switch { code, active } => Action::Switch(on_wire::Switch { code: code.clone(), active: *active }),
        PromoAction::Allocate { name, put_back, seats, areas } => Action::Allocate(on_wire::Allocate {
            name: name.clone(),
            put_back: *put_back,
            seats: common::seats(seats),
            areas: common::areas(areas),
        }),
    };
    wire::PromoCommand { request: Some(common::request(request)), event: Some(common::id(event.0)), action: Some(action) }
}

pub(crate) fn read_command(message: wire::PromoCommand) -> Result<(Request, EventId, PromoAction), CodecError> {
    let action = match message.action.ok_or_else(|| CodecError::unknown("an action on promo codes"))? {
        Action::Create(create) => PromoAction::Create {
            code: create.code,
            terms: read_terms(create.terms)?,
            currency: create.currency.map(common::read_currency).transpose()?,
        },
        Action::Switch(switch) => PromoAction::Switch { code: switch.code, active: switch.active },
        Action::Allocate(allocate) => PromoAction::Allocate {
            name: allocate.name,
            put_back: allocate.put_back,
            seats: common::read_seats(allocate.seats),
            areas: common::read_areas(&allocate.areas)?,
        },
    };
    Ok((common::read_request(message.request)?, EventId(common::read_id(message.event)?), action))
}

pub(crate) fn terms(terms: &PromoTerms) -> wire::PromoTerms {
    wire::PromoTerms {
        discount: match terms.discount {
            Discount::None => Some(WireDiscount::Nothing(wire::Empty {})),
            Discount::Percent(bps) => Some(WireDiscount::PercentBps(bps)),
            Discount::Fixed(amount) => Some(WireDiscount::Fixed(amount)),
        },
        allocation: terms.allocation.clone(),
        uses_max: terms.uses_max,
        per_user_max: terms.per_user_max,
        budget: terms.budget,
        from_us: terms.from.map(|at| at.0),
        until_us: terms.until.map(|at| at.0),
    }
}

pub(crate) fn read_terms(terms: Option<wire::PromoTerms>) -> Result<PromoTerms, CodecError> {
    let terms = terms.ok_or_else(|| CodecError::broken("a promo code without terms"))?;
    Ok(PromoTerms {
        discount: match terms.discount.ok_or_else(|| CodecError::unknown("a kind of discount"))? {
            WireDiscount::Nothing(_) => Discount::None,
            WireDiscount::PercentBps(bps) => Discount::Percent(bps),
            WireDiscount::Fixed(amount) => Discount::Fixed(amount),
        },
        allocation: terms.allocation,
        uses_max: terms.uses_max,
        per_user_max: terms.per_user_max,
        budget: terms.budget,
        from: terms.from_us.map(Timestamp),
        until: terms.until_us.map(Timestamp),
    })
}

pub(crate) fn applied(applied: &Arc<Applied>) -> wire::AppliedPromo {
    wire::AppliedPromo {
        code: (*applied.code).into(),
        discount: applied.discount,
        allocation: applied.allocation.map(|allocation| allocation.0.into()),
    }
}

pub(crate) fn read_applied(message: wire::AppliedPromo) -> Result<Arc<Applied>, CodecError> {
    let allocation = message.allocation.map(common::read_u16).transpose()?.map(AllocationIndex);
    Ok(Arc::new(Applied { code: message.code.into(), discount: message.discount, allocation }))
}
