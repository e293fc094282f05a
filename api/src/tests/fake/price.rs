//! The prices of the fake: the first level follows demand and has changed once, the other is fixed.

use async_trait::async_trait;
use boxoffice_ledger::outcome::{Rejection, SaleState};
use boxoffice_ledger::plan::LevelIndex;
use boxoffice_ledger::pricing::{CurvePoint, Demand, Inputs, Policy, PriceCause, PriceChange, Trail};
use boxoffice_ledger::seats::PriceView;
use boxoffice_ledger::time::{Millis, Timestamp};

use super::*;
use crate::backend::{PolicyChange, PriceHistory, PricePosition, PricesView, Pricing};

/// How the first level moves.
pub fn demand() -> Policy {
    Policy::Demand(Demand {
        curve: vec![CurvePoint { at: Timestamp(1_790_000_000_000_000), sold_bps: 5_000 }],
        floor: 10_000,
        ceiling: 15_000,
        step_max: 500,
        interval: Millis::from_secs(60),
        gain_bps: 5_000,
        band_bps: 2_000,
    })
}

/// What happened to the first level.
pub fn changed() -> PriceChange {
    let inputs = Inputs { capacity: 20, sold: 12, sold_before: 9, since: Timestamp(1_790_000_000_000_000), held: 2, smooth_before: 0 };
    PriceChange { version: 1, at: Timestamp(1_790_000_060_000_001), from: 12_000, to: 12_500, cause: PriceCause::Demand(inputs) }
}

impl Fake {
    fn the_prices(&self, event: EventId, policy: Policy) -> PricesView {
        let level = |level: u16, price, version, policy: Policy| PriceView {
            level: LevelIndex(level),
            price,
            version,
            bounds: policy.bounds(price),
            tier: 0,
            changed_at: (version > 0).then(|| changed().at),
            next_step_at: (version > 0).then(|| changed().at),
            taken: 12,
            free: 8,
            root: Trail { version: 0, price: 12_000, policy: policy.clone() },
            policy,
        };
        let levels = vec![("Stalls".into(), level(0, 12_500, 1, policy)), ("Floor".into(), level(1, 9_900, 0, Policy::Fixed))];
        PricesView { event, state: SaleState::OnSale, currency: euro(), levels }
    }
}

#[async_trait]
impl Pricing for Fake {
    async fn prices(&self, cx: Context, event: EventId) -> Answer<Read<PricesView>> {
        self.enter("prices")?;
        self.known(event)?;
        self.read(cx, self.the_prices(event, demand()))
    }

    async fn price_history(
        &self,
        cx: Context,
        event: EventId,
        level: Option<LevelIndex>,
        after: Option<PricePosition>,
        limit: usize,
    ) -> Answer<Read<PriceHistory>> {
        self.enter(&format!("price_history {level:?} {after:?} {limit}"))?;
        self.known(event)?;
        self.read(cx, PriceHistory { changes: vec![(LevelIndex(0), changed())], next: Some((LevelIndex(0), 1)) })
    }

    async fn set_price_policy(
        &self,
        _: Context,
        _: Caller,
        _: Request,
        event: EventId,
        change: PolicyChange,
    ) -> Answer<Written<PricesView>> {
        self.enter(&format!("set_price_policy {change:?}"))?;
        self.known(event)?;
        let (low, high) = change.policy.bounds(12_500);
        if low < 10_000 || high > 15_000 {
            let detail = "from 10000 to 15000 was promised before the sale".into();
            return Err(Failure::Rejected(Rejection::Frozen { pointer: "/policy".into(), detail }, self.revision()));
        }
        self.written(self.the_prices(event, change.policy))
    }
}
