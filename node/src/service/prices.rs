//! Prices that move: what everybody may see of them, and another policy from who the event belongs to. The event's group decides.

use async_trait::async_trait;
use boxoffice_api::backend::{
    Answer, Caller, Context, Failure, PolicyChange, PriceHistory, PricePosition, PricesView, Pricing, Read, Written,
};
use boxoffice_ledger::command::SeatCommand;
use boxoffice_ledger::ids::{EventId, Request};
use boxoffice_ledger::outcome::SeatOutcome;
use boxoffice_ledger::plan::LevelIndex;
use boxoffice_ledger::seats::{EventSale, SeatLedger};

use super::{Service, asked, refused};

#[async_trait]
impl Pricing for Service {
    async fn prices(&self, cx: Context, event: EventId) -> Answer<Read<PricesView>> {
        self.of_prices(cx, event, |sale| Some(view(sale)), "event").await
    }

    async fn price_history(
        &self,
        cx: Context,
        event: EventId,
        level: Option<LevelIndex>,
        after: Option<PricePosition>,
        limit: usize,
    ) -> Answer<Read<PriceHistory>> {
        self.of_prices(cx, event, |sale| history(sale, level, after, limit), "price level").await
    }

    async fn set_price_policy(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        change: PolicyChange,
    ) -> Answer<Written<PricesView>> {
        self.own_event(cx, caller, event).await?;
        let PolicyChange { level, policy, reason } = change;
        let command = SeatCommand::Audited(asked(cx, caller, SeatCommand::SetPolicy { request, event, level, policy, reason }));
        let applied = self.write::<SeatLedger>(cx, self.event_group(event), &command).await?;
        if let SeatOutcome::Rejected(rejection) = applied.outcome {
            return refused(rejection, applied.revision, applied.replayed);
        }
        let view = self.written_to(cx, event, &applied, |sale| Some(view(sale))).await?;
        Ok(applied.written(view))
    }
}

impl Service {
    /// Reads of a sale that anybody may make.
    async fn of_prices<T>(
        &self,
        cx: Context,
        event: EventId,
        look: impl Fn(&EventSale) -> Option<T>,
        what: &'static str,
    ) -> Answer<Read<T>> {
        let seats = self.seats(event)?;
        // Walking over the seats of a level must not hold up apply.
        let frozen = || {
            let sale = seats.read().frozen(event);
            sale.map(|sale| look(&sale))
        };
        let found = self.find(cx, self.event_group(event), frozen).await?;
        let (value, revision, age_ms) = found.ok_or(Failure::NotFound("event"))?;
        Ok(Read { value: value.ok_or(Failure::NotFound(what))?, revision, age_ms })
    }
}

fn view(sale: &EventSale) -> PricesView {
    let names = (0_u16..).zip(&sale.plan().levels);
    let levels = names.filter_map(|(level, named)| Some((named.name.clone(), sale.price_view(LevelIndex(level))?)));
    PricesView { event: sale.id(), state: sale.state(), currency: sale.terms().currency, levels: levels.collect() }
}

/// A page of changes, by level and version; `None` if the level that is asked for is not there.
fn history(sale: &EventSale, only: Option<LevelIndex>, after: Option<PricePosition>, limit: usize) -> Option<PriceHistory> {
    let count = u16::try_from(sale.plan().levels.len()).unwrap_or(u16::MAX);
    if only.is_some_and(|level| level.0 >= count) {
        return None;
    }
    let mut changes = Vec::new();
    for level in (0..count).map(LevelIndex).filter(|level| only.is_none_or(|only| only == *level)) {
        let version = match after {
            Some((at, _)) if level < at => continue,
            Some((at, version)) if level == at => version,
            _ => 0,
        };
        let room = limit + 1 - changes.len();
        changes.extend(sale.price_changes(level, version, room).into_iter().map(|change| (level, change)));
        if changes.len() > limit {
            break;
        }
    }
    let more = changes.len() > limit;
    changes.truncate(limit);
    let next = changes.last().filter(|_| more).map(|(level, change)| (*level, change.version));
    Some(PriceHistory { changes, next })
}
