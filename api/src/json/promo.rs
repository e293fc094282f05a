//! Promo codes, allocations and guests as JSON.

use boxoffice_ledger::promos::{ALLOCATION_BYTES_MAX, Discount, PromoReason};
use boxoffice_ledger::seats::AllocationView;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::request::{PlacesBody, SeatRef, TotalBody};
use super::{MoneyOut, Rfc3339, SeatOut, money};
use crate::backend::PromoView;
use crate::layout::Offer;

/// `POST /event/{id}/promo`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct PromoBody {
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{3,40}$"))]
    pub code: String,
    #[schemars(range(min = 1, max = 10_000))]
    pub percent_bps: Option<u32>,
    pub amount: Option<TotalBody>,
    #[schemars(length(max = ALLOCATION_BYTES_MAX))]
    pub allocation: Option<String>,
    #[schemars(range(min = 1))]
    pub uses_max: Option<u32>,
    #[schemars(range(min = 1))]
    pub per_user_max: Option<u32>,
    pub budget: Option<TotalBody>,
    #[schemars(with = "Option<Rfc3339>")]
    pub from: Option<String>,
    #[schemars(with = "Option<Rfc3339>")]
    pub until: Option<String>,
}

/// `PATCH /event/{id}/promo/{code}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct PromoPatchBody {
    pub active: bool,
}

/// `POST /event/{id}/allocation`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct AllocationBody {
    #[schemars(length(min = 1, max = ALLOCATION_BYTES_MAX))]
    pub name: String,
    #[schemars(extend("enum" = ["add", "remove"]))]
    pub action: String,
    pub seats: Option<Vec<SeatRef>>,
    pub areas: Option<Vec<PlacesBody>>,
}

/// `POST /user/guest`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct GuestBody {
    #[schemars(email, length(max = 254))]
    pub email: String,
    #[schemars(length(max = 120))]
    pub name: Option<String>,
    /// Whether to give the refresh token in the answer instead of a cookie.
    #[serde(default)]
    pub refresh: bool,
}

/// `POST /user/guest/open`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct GuestLinkBody {
    pub token: String,
    /// Whether to give the refresh token in the answer instead of a cookie.
    #[serde(default)]
    pub refresh: bool,
}

/// `POST /user/guest/claim`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct GuestClaimBody {
    pub token: String,
    pub password: String,
}

/// `POST /user/guest/hand-over`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct HandOverBody {
    pub token: String,
}

/// A code as its coordinator sees it.
#[derive(Serialize, JsonSchema)]
pub struct PromoOut<'a> {
    #[schemars(extend("const" = "promo"))]
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

#[derive(Serialize, JsonSchema)]
struct Uses {
    held: u32,
    sold: u32,
}

#[derive(Serialize, JsonSchema)]
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
#[derive(Serialize, JsonSchema)]
pub struct AllocationOut<'a> {
    #[schemars(extend("const" = "allocation"))]
    object: &'static str,
    name: &'a str,
    seats: Vec<SeatOut<'a>>,
    seats_available: u32,
    areas: Vec<KeptOut<'a>>,
}

/// Places of an area that are kept for an allocation.
#[derive(Serialize, JsonSchema)]
struct KeptOut<'a> {
    index: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<&'a str>,
    available: u32,
}

impl<'a> AllocationOut<'a> {
    /// An allocation with the names of its places.
    #[must_use]
    pub fn new(allocation: &'a AllocationView, offer: &'a Offer) -> Self {
        let layout = &*offer.layout;
        let area = |index: u16| layout.plan().areas.get(usize::from(index)).map(|area| area.name.as_str());
        Self {
            object: "allocation",
            name: &allocation.name,
            seats: allocation.seats.iter().map(|&seat| SeatOut::named(seat, layout.place(seat))).collect(),
            seats_available: allocation.free,
            areas: allocation.areas.iter().map(|&(index, available)| KeptOut { index: index.0, area: area(index.0), available }).collect(),
        }
    }
}

/// What a hand-over did.
#[derive(Serialize, JsonSchema)]
pub struct HandOverOut {
    #[schemars(extend("const" = "guest_hand_over"))]
    object: &'static str,
    tickets: u32,
}

impl HandOverOut {
    /// So many tickets went.
    #[must_use]
    pub fn new(tickets: u32) -> Self {
        Self { object: "guest_hand_over", tickets }
    }
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
