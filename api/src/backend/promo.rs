//! Promo codes and allocations as they go through the backend.

use async_trait::async_trait;
use boxoffice_ledger::ids::{EventId, Request};
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::plan::{AreaIndex, SeatIndex};
use boxoffice_ledger::promos::{PromoAction, PromoTerms};
use boxoffice_ledger::seats::{AllocationView, Tally};
use boxoffice_ledger::time::Timestamp;

use super::{Answer, Caller, Context, Page, Read, Written};

/// A code as the coordinator of its event sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromoView {
    /// The code.
    pub code: String,
    /// What it gives.
    pub terms: PromoTerms,
    /// Whether it can be used.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// How often it was used, and what it took off.
    pub tally: Tally,
    /// Currency of its amounts.
    pub currency: Currency,
}

/// Seats and places to be set aside, or put back on sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocationInput {
    /// The allocation's name.
    pub name: String,
    /// Whether they go back.
    pub put_back: bool,
    /// Which seats.
    pub seats: Vec<SeatIndex>,
    /// How many places of which areas.
    pub areas: Vec<(AreaIndex, u32)>,
}

/// Promo codes and allocations of an event of the caller. What buyers do with them goes through `Backend::hold`.
#[async_trait]
pub trait Promotions: Send + Sync + 'static {
    /// Makes or switches a code, and gives it as it is then.
    async fn put_promo(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        action: PromoAction,
    ) -> Answer<Written<PromoView>>;
    /// The codes, the oldest first.
    async fn promos(
        &self,
        cx: Context,
        caller: Caller,
        event: EventId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Answer<Read<Page<PromoView>>>;
    /// One code, in its normal form.
    async fn promo(&self, cx: Context, caller: Caller, event: EventId, code: &str) -> Answer<Read<PromoView>>;
    /// Sets seats and places aside or puts them back, and gives the allocation as it is then.
    async fn allocate(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        input: AllocationInput,
    ) -> Answer<Written<AllocationView>>;
    /// The allocations, the oldest first.
    async fn allocations(&self, cx: Context, caller: Caller, event: EventId) -> Answer<Read<Vec<AllocationView>>>;
}
