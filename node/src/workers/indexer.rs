//! Feeds this node's full-text index from this node's catalog. Runs on every node and needs no quorum. The index remembers the
//! catalog index it reflects; after a restart, or when it was deleted, it is filled again from the catalog as applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_ledger::command::{Event, EventStatus};
use boxoffice_ledger::ids::EventId;
use boxoffice_search::EventDoc;

use super::wake;
use crate::service::Service;

/// What the index was last told of an event: its version and its venue's and performers' versions.
type Fingerprint = Vec<u64>;

/// See the module.
pub async fn run(service: Arc<Service>) {
    let Some(group) = service.groups.get(&CATALOG).cloned() else { return };
    let mut told: BTreeMap<EventId, Fingerprint> = BTreeMap::new();
    let mut first = true;
    loop {
        // Read before the catalog is looked at: the index may know more than it claims, never less.
        let position = group.applied();
        if position > 0 && (first || service.search.position() != Some(position)) {
            let (upserts, deletes) = differences(&service, &mut told);
            if first || !upserts.is_empty() || !deletes.is_empty() {
                let index = service.search.clone();
                let written = tokio::task::spawn_blocking(move || index.apply(upserts, deletes, position)).await;
                match written {
                    Ok(Ok(())) => first = false,
                    Ok(Err(error)) => {
                        tracing::error!(%error, "the search index could not be written; it will be filled again");
                        told.clear();
                    }
                    Err(_) => told.clear(),
                }
            }
        }
        wake(service.feed.bells(CATALOG).map(|bells| &bells.indexer)).await;
    }
}

/// What the index must be told so that it reflects the catalog.
fn differences(service: &Service, told: &mut BTreeMap<EventId, Fingerprint>) -> (Vec<EventDoc>, Vec<u128>) {
    let catalog = service.catalog.read();
    let (mut upserts, mut deletes) = (Vec::new(), Vec::new());
    for event in catalog.events() {
        let mut print = vec![event.version];
        print.extend(catalog.venue(event.venue).map(|venue| venue.version));
        print.extend(event.performers.iter().filter_map(|id| catalog.performer(*id)).map(|performer| performer.version));
        if told.get(&event.id) == Some(&print) {
            continue;
        }
        told.insert(event.id, print);
        if event.status == EventStatus::Published {
            upserts.push(document(&catalog, event));
        } else {
            deletes.push(event.id.0);
        }
    }
    (upserts, deletes)
}

fn document(catalog: &boxoffice_ledger::catalog::CatalogLedger, event: &Event) -> EventDoc {
    let venue = catalog.venue(event.venue);
    let summary = catalog.summary(event.id);
    EventDoc {
        id: event.id.0,
        name: event.name.clone(),
        description: event.description.clone(),
        performers: event.performers.iter().filter_map(|id| catalog.performer(*id)).map(|performer| performer.name.clone()).collect(),
        venue: venue.as_ref().map(|venue| venue.name.clone()).unwrap_or_default(),
        city: venue.as_ref().map(|venue| venue.city.clone()).unwrap_or_default(),
        country: venue.as_ref().map(|venue| venue.country.clone()).unwrap_or_default(),
        category: event.category.clone(),
        starts_at_us: event.starts_at.0,
        from_price: summary.as_ref().and_then(|summary| summary.from_price),
        available: summary.as_ref().map_or(0, |summary| summary.available),
        popularity: summary.as_ref().map_or(0, |summary| u64::from(summary.sold)),
    }
}
