//! Promo codes, allocations and guests as JSON.

use boxoffice_ledger::promos::{Discount, PromoReason};
use boxoffice_ledger::seats::AllocationView;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::request::{PlacesBody, SeatRef, TotalBody};
use super::{MoneyOut, Rfc3339, area_value, money, seat_value};
use crate::backend::PromoView;
use crate::layout::Offer;

/// `POST /event/{id}/promo`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct PromoBody {
    pub code: String,
    pub percent_bps: Option<u32>,
    pub amount: Option<TotalBody>,
    pub allocation: Option<String>,
    pub uses_max: Option<u32>,
    pub per_user_max: Option<u32>,
    pub budget: Option<TotalBody>,
    pub from: Option<String>,
    pub until: Option<String>,
}

/// `PATCH /event/{id}/promo/{code}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct PromoPatchBody {
    pub active: bool,
}

/// `POST /event/{id}/allocation`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct AllocationBody {
    pub name: String,
    pub action: String,
    pub seats: Option<Vec<SeatRef>>,
    pub areas: Option<Vec<PlacesBody>>,
}

/// `POST /user/guest`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct GuestBody {
    pub email: String,
    pub name: Option<String>,
    /// Whether to give the refresh token in the answer instead of a cookie.
    #[serde(default)]
    pub refresh: bool,
}

/// `POST /user/guest/open`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct GuestLinkBody {
    pub token: String,
    /// Whether to give the refresh token in the answer instead of a cookie.
    #[serde(default)]
    pub refresh: bool,
}

/// `POST /user/guest/claim`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct GuestClaimBody {
    pub token: String,
    pub password: String,
}

/// `POST /user/guest/hand-over`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct HandOverBody {
    pub token: String,
}

/// A code as its coordinator sees it.
#[derive(Serialize)]
pub struct PromoOut<'a> {
    object: &'static str,
    code: &'a str,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent_bps: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<MoneyOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allocation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uses_max: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_user_max: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<MoneyOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Rfc3339>,
    created_at: Rfc3339,
    uses: Uses,
    discount: Discounts,
}

#[derive(Serialize)]
struct Uses {
    held: u32,
    sold: u32,
}

#[derive(Serialize)]
struct Discounts {
    reserved: MoneyOut,
    spent: MoneyOut,
}

impl<'a> PromoOut<'a> {
    /// A code.
    #[must_use]
    pub fn new(promo: &'a PromoView) -> Self {
        let (terms, currency) = (&promo.terms, promo.currency);
        let amount = |amount: u64| money(amount, currency);
        let (percent_bps, fixed) = match terms.discount {
            Discount::None => (None, None),
            Discount::Percent(bps) => (Some(bps), None),
            Discount::Fixed(fixed) => (None, Some(fixed)),
        };
        Self {
            object: "promo",
            code: &promo.code,
            active: promo.active,
            percent_bps,
            amount: fixed.map(amount),
            allocation: terms.allocation.as_deref(),
            uses_max: terms.uses_max,
            per_user_max: terms.per_user_max,
            budget: terms.budget.map(amount),
            from: terms.from.map(Rfc3339),
            until: terms.until.map(Rfc3339),
            created_at: Rfc3339(promo.created_at),
            uses: Uses { held: promo.tally.held, sold: promo.tally.used },
            discount: Discounts { reserved: amount(promo.tally.reserved), spent: amount(promo.tally.spent) },
        }
    }
}

/// An allocation as its coordinator sees it.
#[must_use]
pub fn allocation_value(allocation: &AllocationView, offer: &Offer) -> Value {
    let seats: Vec<Value> = allocation.seats.iter().map(|&seat| seat_value(seat, Some(offer))).collect();
    let areas: Vec<Value> = allocation.areas.iter().map(|&(area, free)| area_value(area, Some(offer), "available", free)).collect();
    serde_json::json!({
        "object": "allocation", "name": &*allocation.name, "seats": seats, "seats_available": allocation.free, "areas": areas,
    })
}

/// Name of a reason why a code cannot be used.
#[must_use]
pub fn promo_reason(reason: PromoReason) -> &'static str {
    match reason {
        PromoReason::Unknown => "unknown",
        PromoReason::Expired => "expired",
        PromoReason::UsedUp => "used_up",
        PromoReason::NotForTheseSeats => "not_for_these_seats",
    }
}
