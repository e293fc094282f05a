//! Promo codes and allocations of an event of the caller. The event's group decides; who owns the event is read from the catalog.

use async_trait::async_trait;
use boxoffice_api::backend::{AllocationInput, Answer, Caller, Context, Failure, Freshness, Page, PromoView, Promotions, Read, Written};
use boxoffice_ledger::command::SeatCommand;
use boxoffice_ledger::ids::{EventId, Request};
use boxoffice_ledger::outcome::SeatOutcome;
use boxoffice_ledger::promos::PromoAction;
use boxoffice_ledger::seats::{AllocationView, EventSale, Promo, SeatLedger, Tally};

use super::events::bad_cursor;
use super::{Applied, Service, asked, refused};

#[async_trait]
impl Promotions for Service {
    async fn put_promo(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        action: PromoAction,
    ) -> Answer<Written<PromoView>> {
        let (PromoAction::Create { code, .. } | PromoAction::Switch { code, .. }) = &action else { return Err(Failure::Unknown) };
        let code = code.clone();
        let applied = self.promo_write(cx, caller, request, event, action).await?;
        let view = self.written_to(cx, event, &applied, |sale| sale.promo(&code).map(|found| view(sale, found))).await?;
        Ok(applied.written(view))
    }

    async fn promos(
        &self,
        cx: Context,
        caller: Caller,
        event: EventId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Answer<Read<Page<PromoView>>> {
        let from: usize = cursor.map_or(Ok(0), |text| text.parse().map_err(|_| bad_cursor()))?;
        self.of_sale(cx, caller, event, "event", |sale| {
            let items: Vec<PromoView> = sale.promos().skip(from).take(limit).map(|found| view(sale, found)).collect();
            let next = from.saturating_add(limit);
            Some(Page { items, next: sale.promos().nth(next).map(|_| next.to_string()) })
        })
        .await
    }

    async fn promo(&self, cx: Context, caller: Caller, event: EventId, code: &str) -> Answer<Read<PromoView>> {
        self.of_sale(cx, caller, event, "code", |sale| sale.promo(code).map(|found| view(sale, found))).await
    }

    async fn allocate(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        input: AllocationInput,
    ) -> Answer<Written<AllocationView>> {
        let AllocationInput { name, put_back, seats, areas } = input;
        let action = PromoAction::Allocate { name: name.clone(), put_back, seats, areas };
        let applied = self.promo_write(cx, caller, request, event, action).await?;
        let find = |sale: &EventSale| sale.allocations().into_iter().find(|known| *known.name == *name);
        let found = self.written_to(cx, event, &applied, find).await?;
        Ok(applied.written(found))
    }

    async fn allocations(&self, cx: Context, caller: Caller, event: EventId) -> Answer<Read<Vec<AllocationView>>> {
        self.of_sale(cx, caller, event, "event", |sale| Some(sale.allocations())).await
    }
}

impl Service {
    async fn promo_write(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        action: PromoAction,
    ) -> Answer<Applied<SeatOutcome>> {
        self.own_event(cx, caller, event).await?;
        let command = SeatCommand::Audited(asked(cx, caller, SeatCommand::Promo { request, event, action }));
        let applied = self.write::<SeatLedger>(cx, self.event_group(event), &command).await?;
        match applied.outcome {
            SeatOutcome::Rejected(rejection) => refused(rejection, applied.revision, applied.replayed),
            _ => Ok(applied),
        }
    }

    /// What an event's sale looks like after a write.
    pub(super) async fn written_to<T>(
        &self,
        cx: Context,
        event: EventId,
        applied: &Applied<SeatOutcome>,
        look: impl Fn(&EventSale) -> Option<T>,
    ) -> Answer<T> {
        let fresh = Context { freshness: Freshness::AtLeast(applied.revision), ..cx };
        self.fresh(fresh, self.event_group(event)).await.map_err(|_| Failure::Unknown)?;
        // Walking over many codes or seats must not hold up apply.
        let sale = self.seats(event)?.read().frozen(event);
        sale.and_then(|sale| look(&sale)).ok_or(Failure::Unknown)
    }

    /// Reads of the sale of an event of the caller.
    async fn of_sale<T>(
        &self,
        cx: Context,
        caller: Caller,
        event: EventId,
        what: &'static str,
        look: impl Fn(&EventSale) -> Option<T>,
    ) -> Answer<Read<T>> {
        self.own_event(cx, caller, event).await?;
        let seats = self.seats(event)?;
        let frozen = || {
            let sale = seats.read().frozen(event)?;
            look(&sale)
        };
        let found = self.find(cx, self.event_group(event), frozen).await?;
        let (value, revision, age_ms) = found.ok_or(Failure::NotFound(what))?;
        Ok(Read { value, revision, age_ms })
    }
}

fn view(sale: &EventSale, (promo, tally): (&Promo, Tally)) -> PromoView {
    PromoView {
        code: promo.code.to_string(),
        terms: promo.terms.clone(),
        active: promo.active,
        created_at: promo.created_at,
        tally,
        currency: sale.terms().currency,
    }
}
