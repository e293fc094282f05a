//! Whether a command about promo codes and allocations is well formed.

use alloc::format;

use super::{BLOCK_SEATS_MAX, EventSale, PRICE_MAX, check_areas, check_seats, malformed};
use crate::outcome::Rejection;
use crate::promos::{ALLOCATION_BYTES_MAX, BPS_MAX, Discount, PromoAction, PromoTerms, is_normal};

/// As `check` of the module above.
pub(super) fn check(action: &PromoAction, sale: Option<&EventSale>) -> Result<(), Rejection> {
    match action {
        PromoAction::Create { code, terms, currency } => {
            check_code("/code", code)?;
            if sale.zip(*currency).is_some_and(|(sale, currency)| sale.terms.currency != currency) {
                return Err(malformed("/currency", "the event is sold in another currency"));
            }
            check_terms(terms)
        }
        PromoAction::Switch { code, .. } => check_code("/code", code),
        PromoAction::Allocate { name, seats, areas, .. } => {
            check_name("/name", name)?;
            if (seats.is_empty() && areas.is_empty()) || seats.len() > BLOCK_SEATS_MAX {
                return Err(malformed("/seats", format!("{} seats: 1 to {BLOCK_SEATS_MAX} are possible", seats.len())));
            }
            check_seats(seats, sale)?;
            check_areas(areas, sale)
        }
    }
}

/// A code in its normal form.
pub(super) fn check_code(pointer: &str, code: &str) -> Result<(), Rejection> {
    if is_normal(code) { Ok(()) } else { Err(malformed(pointer, "3 to 40 letters, digits, - and _")) }
}

fn check_name(pointer: &str, name: &str) -> Result<(), Rejection> {
    let fits = !name.trim().is_empty() && name.len() <= ALLOCATION_BYTES_MAX;
    if fits { Ok(()) } else { Err(malformed(pointer, format!("1 to {ALLOCATION_BYTES_MAX} bytes"))) }
}

fn check_terms(terms: &PromoTerms) -> Result<(), Rejection> {
    match terms.discount {
        Discount::Percent(bps) if bps == 0 || bps > BPS_MAX => return Err(malformed("/percent_bps", "from 1 to 10,000 basis points")),
        Discount::Fixed(amount) if amount == 0 || amount > PRICE_MAX => {
            return Err(malformed("/amount", format!("from 1 to {PRICE_MAX} minor units")));
        }
        Discount::None if terms.allocation.is_none() => {
            return Err(malformed("", "a code takes something off, or opens an allocation, or both"));
        }
        Discount::None if terms.budget.is_some() => return Err(malformed("/budget", "the code takes nothing off")),
        _ => (),
    }
    terms.allocation.as_deref().map_or(Ok(()), |name| check_name("/allocation", name))?;
    let none = [("/uses_max", terms.uses_max), ("/per_user_max", terms.per_user_max)].into_iter().find(|(_, most)| *most == Some(0));
    if let Some((pointer, _)) = none {
        return Err(malformed(pointer, "at least 1"));
    }
    if terms.budget == Some(0) {
        return Err(malformed("/budget", "at least 1 minor unit"));
    }
    if terms.from.zip(terms.until).is_some_and(|(from, until)| from >= until) {
        return Err(malformed("/until", "later than from"));
    }
    Ok(())
}
