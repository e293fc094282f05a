//! Sales figures from an event group to the catalog, where lists are ranked: one bounded entry a second per group, not per event.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::CatalogCommand;
use boxoffice_ledger::ids::EventId;

use super::{context, leads};
use crate::service::Service;

const EVERY: Duration = Duration::from_secs(1);

/// Events in one entry; the others wait for the next second.
const EVENTS_MAX: usize = 500;

/// See the module.
pub async fn run(service: Arc<Service>, group: GroupId) {
    let mut owed: BTreeSet<EventId> = BTreeSet::new();
    let mut led = false;
    loop {
        tokio::time::sleep(EVERY).await;
        owed.extend(service.feed.take_sales(group));
        if !leads(&service, group) {
            owed.clear();
            led = false;
            continue;
        }
        let Some(replica) = service.events.get(&group) else { return };
        if !led {
            // What the last leader still owed is unknown: send everything once.
            owed.extend(replica.read().events().map(|sale| sale.id()));
            led = true;
        }
        let batch: Vec<EventId> = owed.iter().copied().take(EVENTS_MAX).collect();
        if batch.is_empty() {
            continue;
        }
        let lines = {
            let ledger = replica.read();
            batch.iter().filter_map(|id| ledger.event(*id).map(|sale| sale.summary())).collect()
        };
        if service.write::<CatalogLedger>(context(), CATALOG, &CatalogCommand::Summaries(lines)).await.is_ok() {
            for id in batch {
                owed.remove(&id);
            }
        }
    }
}
