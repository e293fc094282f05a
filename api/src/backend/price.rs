//! Prices and their policies as they go through the backend.

use async_trait::async_trait;
use boxoffice_ledger::ids::{EventId, Request};
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::outcome::SaleState;
use boxoffice_ledger::plan::LevelIndex;
use boxoffice_ledger::pricing::{Policy, PriceChange};
use boxoffice_ledger::seats::PriceView;

use super::{Answer, Caller, Context, Read, Written};

/// The prices of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricesView {
    /// The event.
    pub event: EventId,
    /// Where its sale stands.
    pub state: SaleState,
    /// Currency of every price.
    pub currency: Currency,
    /// By level: its name and its price.
    pub levels: Vec<(String, PriceView)>,
}

/// Where a page of changes begins: after this version of this level.
pub type PricePosition = (LevelIndex, u32);

/// Some changes of prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceHistory {
    /// By level, and of each the oldest first.
    pub changes: Vec<(LevelIndex, PriceChange)>,
    /// Where the next page begins, if there is one.
    pub next: Option<PricePosition>,
}

/// Prices that move. Everybody may see all of it; how they move is for who the event belongs to.
#[async_trait]
pub trait Pricing: Send + Sync + 'static {
    /// The prices of an event.
    async fn prices(&self, cx: Context, event: EventId) -> Answer<Read<PricesView>>;
    /// Changes of its prices: of one level, or of all.
    async fn price_history(
        &self,
        cx: Context,
        event: EventId,
        level: Option<LevelIndex>,
        after: Option<PricePosition>,
        limit: usize,
    ) -> Answer<Read<PriceHistory>>;
    /// Lets the price of a level of an event of the caller move otherwise, and gives the prices as they are then.
    async fn set_price_policy(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        change: PolicyChange,
    ) -> Answer<Written<PricesView>>;
}

/// Another policy for a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyChange {
    /// The level.
    pub level: LevelIndex,
    /// How its price moves from now on.
    pub policy: Policy,
    /// Why.
    pub reason: String,
}
