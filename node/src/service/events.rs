//! Events: listing, searching, creating, changing, opening and closing.

use std::sync::Arc;
use std::time::Instant;

use boxoffice_api::backend::{
    Answer, Caller, Context, CreatedEvent, EventPatch, EventView, Failure, Freshness, NewEvent, Problem, Read, SaleView, Written,
};
use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::{BlockAction, CatalogCommand, Event, EventStatus, Role, SaleAction, SeatCommand};
use boxoffice_ledger::ids::{EventId, HoldId, Request, RequestId};
use boxoffice_ledger::outcome::{CatalogOutcome, SaleState, SeatOutcome};
use boxoffice_ledger::plan::SeatIndex;
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::time::Timestamp;

use super::{Service, asked, refused};
use crate::mint;

impl Service {
    /// One event; a draft only for its owner and for operators.
    pub async fn read_event(&self, cx: Context, caller: Option<Caller>, id: EventId) -> Answer<Read<EventView>> {
        let found = self.find(cx, CATALOG, || self.event_view(id)).await?;
        match found {
            Some((view, revision, age_ms)) if may_see(&view.event, caller) => Ok(Read { value: view, revision, age_ms }),
            _ => Err(Failure::NotFound("event")),
        }
    }

    /// An event with its venue, performers and sale, as this node knows them.
    pub fn event_view(&self, id: EventId) -> Option<EventView> {
        let (event, venue, performers) = {
            let catalog = self.catalog.read();
            let event = catalog.event(id)?;
            let venue = Arc::new(catalog.venue(event.venue)?.clone());
            let performers = event.performers.iter().filter_map(|id| catalog.performer(*id).cloned()).map(Arc::new).collect();
            (Arc::new(event.clone()), venue, performers)
        };
        Some(EventView { sale: self.sale_view(id), event, venue, performers, media_base: self.media.base() })
    }

    /// The sale of an event, as this node knows it.
    pub fn sale_view(&self, id: EventId) -> Option<SaleView> {
        let ledger = self.seats(id).ok()?.read();
        let sale = ledger.event(id)?;
        let totals = sale.totals();
        Some(SaleView {
            state: sale.state(),
            available: totals.available,
            held: totals.held,
            sold: totals.sold,
            capacity: totals.total(),
            from_price: sale.from_price(),
            prices: if sale.has_moving_prices() { sale.prices() } else { Vec::new() },
        })
    }

    /// Creates an event and waits until it can be held.
    pub async fn new_event(&self, cx: Context, caller: Caller, request: Request, new: NewEvent) -> Answer<Written<CreatedEvent>> {
        need(caller, Role::Coordinator)?;
        let venue = self.find(cx, CATALOG, || self.catalog.read().venue(new.venue).cloned()).await?;
        let Some((venue, ..)) = venue else { return Err(invalid("/venue", "not_found", "there is no such venue")) };
        let Some(plan) = venue.plan else {
            return Err(invalid("/venue", "no_plan", "the venue has no seating plan yet: POST /venue/{id}/plan first"));
        };
        self.check_images(&new.images).await?;
        let published = new.status == EventStatus::Published;
        let event = Event {
            id: EventId::new(mint::now_ms(), mint::random_slot(), mint::entropy()),
            name: new.name,
            description: new.description,
            category: new.category,
            venue: new.venue,
            performers: new.performers,
            starts_at: new.starts_at,
            previous_start: None,
            plan,
            terms: new.terms,
            owner: caller.user,
            status: new.status,
            provisioned: false,
            version: 0,
            images: new.images,
        };
        let command = CatalogCommand::Audited(asked(cx, caller, CatalogCommand::PutEvent { request, event }));
        let applied = self.write::<CatalogLedger>(cx, CATALOG, &command).await?;
        let id = match &applied.outcome {
            CatalogOutcome::Stored { id, .. } => EventId(*id),
            CatalogOutcome::Rejected(rejection) => return refused(rejection.clone(), applied.revision, applied.replayed),
            CatalogOutcome::Done => return Err(Failure::Unknown),
        };
        self.fresh(Context { freshness: Freshness::AtLeast(applied.revision), ..cx }, CATALOG).await.ok();
        let ready = !published || self.wait_until_on_sale(cx, id).await;
        let view = self.event_view(id).ok_or(Failure::Unknown)?;
        Ok(applied.written(CreatedEvent { view, ready }))
    }

    /// Waits until this node knows that the event's group has the event; false when the deadline comes first.
    async fn wait_until_on_sale(&self, cx: Context, id: EventId) -> bool {
        let Some(group) = self.groups.get(&CATALOG) else { return false };
        loop {
            let applied = group.applied();
            if self.catalog.read().event(id).is_some_and(|event| event.provisioned) {
                return self.barrier(cx, self.event_group(id)).await.is_ok();
            }
            if Instant::now() >= cx.deadline || group.wait_applied(applied + 1, cx.deadline.into()).await.is_err() {
                return false;
            }
        }
    }

    /// Changes an event of the caller.
    pub async fn change_event(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        id: EventId,
        version: u64,
        patch: EventPatch,
    ) -> Answer<Written<EventView>> {
        let mut event = self.own_event(cx, caller, id).await?;
        event.version = version;
        event.name = patch.name.unwrap_or(event.name);
        event.description = patch.description.unwrap_or(event.description);
        event.category = patch.category.unwrap_or(event.category);
        event.starts_at = patch.starts_at.unwrap_or(event.starts_at);
        event.performers = patch.performers.unwrap_or(event.performers);
        if let Some(pricing) = patch.pricing {
            event.terms.pricing = pricing;
        }
        if let Some(images) = patch.images {
            self.check_images(&images).await?;
            event.images = images;
        }
        self.put_event(cx, caller, request, event).await
    }

    /// Makes a draft public, and waits until it can be held.
    pub async fn publish(&self, cx: Context, caller: Caller, request: Request, id: EventId) -> Answer<Written<EventView>> {
        let mut event = self.own_event(cx, caller, id).await?;
        event.status = EventStatus::Published;
        let mut written = self.put_event(cx, caller, request, event).await?;
        self.wait_until_on_sale(cx, id).await;
        written.value = self.event_view(id).unwrap_or(written.value);
        Ok(written)
    }

    /// Gives a published event of the caller another start. Tickets stay valid, doors move along, and who may give tickets back until
    /// when stays as it was promised.
    pub async fn postpone(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        id: EventId,
        starts_at: Timestamp,
    ) -> Answer<Written<EventView>> {
        let mut event = self.own_event(cx, caller, id).await?;
        event.previous_start = Some(event.starts_at);
        event.starts_at = starts_at;
        self.put_event(cx, caller, request, event).await
    }

    /// Moves the sale of an event of the caller. Cancelling also takes it off the lists.
    pub async fn sale_move(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        id: EventId,
        action: SaleAction,
    ) -> Answer<Written<SaleState>> {
        let mut event = self.own_event(cx, caller, id).await?;
        let command = SeatCommand::Audited(asked(cx, caller, SeatCommand::SetSale { request, event: id, action }));
        let applied = self.write::<SeatLedger>(cx, self.event_group(id), &command).await?;
        let state = match &applied.outcome {
            SeatOutcome::Sale(state) => *state,
            SeatOutcome::Rejected(rejection) => return refused(rejection.clone(), applied.revision, applied.replayed),
            _ => return Err(Failure::Unknown),
        };
        if action == SaleAction::Cancel && event.status != EventStatus::Cancelled {
            event.status = EventStatus::Cancelled;
            let request = Request { id: RequestId(request.id.0 ^ u128::MAX), fingerprint: request.fingerprint };
            self.put_event(cx, caller, request, event).await?;
        }
        Ok(applied.written(state))
    }

    /// Takes seats of an event of the caller off sale or puts them back.
    #[expect(clippy::too_many_arguments, reason = "one call of the Backend trait")]
    pub async fn block(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        seats: Vec<SeatIndex>,
        action: BlockAction,
        reason: String,
    ) -> Answer<Written<Vec<HoldId>>> {
        self.own_event(cx, caller, event).await?;
        let command = SeatCommand::Audited(asked(cx, caller, SeatCommand::Block { request, event, seats, action, reason }));
        let applied = self.write::<SeatLedger>(cx, self.event_group(event), &command).await?;
        match &applied.outcome {
            SeatOutcome::Blocked { revoked } => Ok(applied.written(revoked.clone())),
            SeatOutcome::Rejected(rejection) => refused(rejection.clone(), applied.revision, applied.replayed),
            _ => Err(Failure::Unknown),
        }
    }

    /// An event of the caller; an operator's are all.
    pub(super) async fn own_event(&self, cx: Context, caller: Caller, id: EventId) -> Answer<Event> {
        need(caller, Role::Coordinator)?;
        let found = self.find(cx, CATALOG, || self.catalog.read().event(id).cloned()).await?;
        let (event, ..) = found.ok_or(Failure::NotFound("event"))?;
        if event.owner != caller.user && caller.role < Role::Operator {
            return Err(Failure::NotFound("event"));
        }
        Ok(event)
    }

    async fn put_event(&self, cx: Context, caller: Caller, request: Request, event: Event) -> Answer<Written<EventView>> {
        let id = event.id;
        let command = CatalogCommand::Audited(asked(cx, caller, CatalogCommand::PutEvent { request, event }));
        let applied = self.write::<CatalogLedger>(cx, CATALOG, &command).await?;
        if let CatalogOutcome::Rejected(rejection) = applied.outcome {
            return refused(rejection, applied.revision, applied.replayed);
        }
        self.fresh(Context { freshness: Freshness::AtLeast(applied.revision), ..cx }, CATALOG).await.ok();
        let view = self.event_view(id).ok_or(Failure::Unknown)?;
        Ok(applied.written(view))
    }
}

/// Whether the caller may know of the event.
fn may_see(event: &Event, caller: Option<Caller>) -> bool {
    event.status != EventStatus::Draft || caller.is_some_and(|caller| caller.user == event.owner || caller.role >= Role::Operator)
}

/// Refuses a caller below `role`.
pub fn need(caller: Caller, role: Role) -> Answer<()> {
    if caller.role >= role {
        return Ok(());
    }
    Err(Failure::Forbidden(match role {
        Role::Admin => "this needs the role admin",
        Role::Operator => "this needs the role operator",
        _ => "this needs the role coordinator",
    }))
}

/// One field is wrong.
pub fn invalid(pointer: &str, code: &'static str, detail: &str) -> Failure {
    Failure::Invalid(vec![Problem { pointer: pointer.to_owned(), code, detail: detail.to_owned() }])
}

/// The cursor is not one of ours.
pub fn bad_cursor() -> Failure {
    invalid("/cursor", "bad_cursor", "use the next_cursor of the page before, unchanged")
}
