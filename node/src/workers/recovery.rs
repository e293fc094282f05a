//! After a restore: has payments settled on the catalog's leader, then opens sales. Ends as soon as they are open.

use std::sync::Arc;
use std::time::Duration;

use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::CatalogCommand;
use boxoffice_ledger::upkeep::UpkeepCommand;

use super::{PAUSE, context, leads_catalog};
use crate::service::Service;

/// How long to wait after somebody did not answer.
const RETRY: Duration = Duration::from_secs(5);

/// See the module.
pub async fn run(service: Arc<Service>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        let recovery = {
            let catalog = service.catalog.read();
            // Nothing is known before something was applied.
            if catalog.at().0 == 0 {
                continue;
            }
            match catalog.upkeep().recovery.filter(|recovery| !recovery.is_open) {
                Some(recovery) => recovery,
                None => return,
            }
        };
        if !leads_catalog(&service) {
            continue;
        }
        tracing::warn!(backup = %recovery.backup, "this cluster was restored: sales are closed until payments are settled");
        match service.settle_after_restore(&recovery).await {
            Ok(settled) => {
                let command =
                    UpkeepCommand::Reconciled { incarnation: recovery.incarnation, asked: settled.asked, returned: settled.returned };
                if service.write::<CatalogLedger>(context(), CATALOG, &CatalogCommand::Upkeep(command)).await.is_ok() {
                    tracing::warn!(asked = settled.asked, returned = settled.returned, "payments are settled: sales are open");
                }
            }
            Err(why) => {
                tracing::error!(why, "payments cannot be settled yet: sales stay closed");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
