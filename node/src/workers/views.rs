//! Tells the catalog how often events were looked at on this node, so that the most wanted ones are listed first on every node: one
//! bounded entry every few seconds, and none while nobody looks. What cannot be delivered is lost; nothing depends on the number.

use std::sync::Arc;
use std::time::Duration;

use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::{CatalogCommand, EventViews};

use super::context;
use crate::service::Service;

const EVERY: Duration = Duration::from_secs(5);

/// Events in one entry: the most looked at.
const EVENTS_MAX: usize = 500;

/// Views of one event in one entry.
const VIEWS_MAX: u32 = 1_000_000;

/// See the module.
pub async fn run(service: Arc<Service>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let mut counted = service.feed.take_views();
        if counted.is_empty() {
            continue;
        }
        counted.sort_unstable_by_key(|(event, views)| (std::cmp::Reverse(*views), *event));
        let lines = counted.into_iter().take(EVENTS_MAX).map(|(event, views)| EventViews { event, views: views.min(VIEWS_MAX) });
        let command = CatalogCommand::Views(lines.collect());
        if service.write::<CatalogLedger>(context(), CATALOG, &command).await.is_err() {
            tracing::debug!("views were not counted: the catalog has no quorum");
        }
    }
}
