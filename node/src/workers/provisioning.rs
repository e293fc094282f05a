//! Puts published events up for sale in their event groups. Runs on the catalog's leader; every step may be repeated. Many events
//! at once are set up side by side, so that their commands share entries of the log.

use std::sync::Arc;

use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::{CatalogCommand, Event, EventStatus, SaleAction, SeatCommand};
use boxoffice_ledger::ids::{EventId, Request, RequestId};
use boxoffice_ledger::outcome::{Rejection, SaleState, SeatOutcome};
use boxoffice_ledger::seats::SeatLedger;
use futures::{StreamExt, stream};

use super::{PAUSE, context, leads_catalog, wake};
use crate::service::{Service, is_imported};

/// Events that are set up side by side.
const AT_ONCE: usize = 128;
/// Events that are taken from the catalog at a time.
const ROUND: usize = 1_024;

/// See the module.
pub async fn run(service: Arc<Service>) {
    loop {
        wake(service.feed.bells(CATALOG).map(|bells| &bells.catalog)).await;
        // One that cannot be set up must not keep others from it: each pass goes through all of them.
        let mut last = None;
        while leads_catalog(&service) {
            let waiting = waiting(&service, last);
            let end = waiting.last().map(|event| event.id).filter(|id| is_imported(*id));
            if waiting.is_empty() && last.is_none() {
                break;
            }
            last = end;
            let failed = stream::iter(waiting).map(|event| provision_or_warn(&service, event)).buffer_unordered(AT_ONCE);
            if failed.fold(false, |some, failed| async move { some || failed }).await {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// The next published events that their groups do not have: first those that somebody waits for, then those that came by an import.
fn waiting(service: &Service, after: Option<EventId>) -> Vec<Event> {
    let catalog = service.catalog.read();
    let (imported, made): (Vec<EventId>, Vec<EventId>) = catalog.unprovisioned().partition(|id| is_imported(*id));
    let imported = imported.into_iter().filter(|id| after.is_none_or(|after| *id > after));
    let events = made.into_iter().chain(imported).filter_map(|id| catalog.event(id));
    events.filter(|event| event.status == EventStatus::Published).take(ROUND).cloned().collect()
}

/// Sets an event up; says whether that failed.
async fn provision_or_warn(service: &Service, event: Event) -> bool {
    let done = provision(service, &event).await;
    if let Err(why) = &done {
        tracing::warn!(event = %event.id, why, "an event is not on sale yet; trying again");
    }
    done.is_err()
}

async fn provision(service: &Service, event: &Event) -> Result<(), &'static str> {
    let group = service.event_group(event.id);
    let replica = service.events.get(&group).ok_or("no such group")?;
    service.barrier(context(), group).await.map_err(|_| "its group has no quorum")?;
    if !replica.read().has_plan(event.plan) {
        let bytes = service.catalog.read().plan_bytes(event.plan).ok_or("the catalog lacks its plan")?;
        for chunk in crate::service::chunks(event.plan, &bytes) {
            send(service, event, SeatCommand::PlanChunk(chunk)).await?;
        }
    }
    send(service, event, SeatCommand::CreateEvent { event: event.id, plan: event.plan, terms: event.terms.clone() }).await?;
    let on_sale = replica.read().event(event.id).is_some_and(|sale| sale.state() == SaleState::OnSale);
    if !on_sale {
        let request = Request { id: RequestId(event.id.0), fingerprint: 0 };
        send(service, event, SeatCommand::SetSale { request, event: event.id, action: SaleAction::Open }).await?;
    }
    let done = CatalogCommand::Provisioned { event: event.id };
    service.write::<CatalogLedger>(context(), CATALOG, &done).await.map(drop).map_err(|_| "the catalog has no quorum")
}

async fn send(service: &Service, event: &Event, command: SeatCommand) -> Result<(), &'static str> {
    let written = service.write::<SeatLedger>(context(), service.event_group(event.id), &command).await;
    match written.map_err(|_| "its group has no quorum")?.outcome {
        // Open already, or moved on by its coordinator since.
        SeatOutcome::Rejected(Rejection::SaleMove { .. }) => Ok(()),
        SeatOutcome::Rejected(_) => Err("its group refused it"),
        _ => Ok(()),
    }
}
