//! Puts published events up for sale in their event groups. Runs on the catalog's leader; every step may be repeated.

use std::sync::Arc;

use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::{CatalogCommand, Event, EventStatus, SaleAction, SeatCommand};
use boxoffice_ledger::ids::{Request, RequestId};
use boxoffice_ledger::outcome::{Rejection, SaleState, SeatOutcome};
use boxoffice_ledger::seats::SeatLedger;

use super::{PAUSE, context, leads_catalog, wake};
use crate::service::Service;

/// See the module.
pub async fn run(service: Arc<Service>) {
    loop {
        wake(service.feed.bells(CATALOG).map(|bells| &bells.catalog)).await;
        while leads_catalog(&service) {
            let waiting: Vec<Event> = {
                let catalog = service.catalog.read();
                let events = catalog.unprovisioned().filter_map(|id| catalog.event(id));
                events.filter(|event| event.status == EventStatus::Published).cloned().collect()
            };
            if waiting.is_empty() {
                break;
            }
            for event in waiting {
                if let Err(why) = provision(&service, &event).await {
                    tracing::warn!(event = %event.id, why, "an event is not on sale yet; trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
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
