//! Lets prices that move take their steps. Runs on each event group's leader: it only proposes that a step is due; what the step is
//! worked out from, and whether it is due, is decided where the entry is applied. So two proposals of one step make one step.

use std::sync::Arc;
use std::time::Duration;

use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::command::SeatCommand;
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::outcome::SaleState;
use boxoffice_ledger::seats::{DueStep, SeatLedger};
use boxoffice_ledger::time::Timestamp;

use super::{context, leads};
use crate::mint;
use crate::service::Service;

const EVERY: Duration = Duration::from_secs(1);

/// Steps in one round; the others wait for the next.
const STEPS_MAX: usize = 500;

/// See the module.
pub async fn run(service: Arc<Service>, group: GroupId) {
    let Some(replica) = service.events.get(&group).cloned() else { return };
    loop {
        tokio::time::sleep(EVERY).await;
        if !leads(&service, group) {
            continue;
        }
        let steps = due(&replica.read(), mint::now());
        for (event, step) in steps {
            let command = SeatCommand::Reprice { event, level: step.level, version: step.version, from: step.from };
            if let Err(failure) = service.write::<SeatLedger>(context(), group, &command).await {
                tracing::debug!(?failure, %event, "a price waits for its step");
                break;
            }
        }
    }
}

/// The steps of open sales that are due by this node's clock. A refusal of one that came too soon costs nothing but its entry.
fn due(ledger: &SeatLedger, now: Timestamp) -> Vec<(EventId, DueStep)> {
    let open = ledger.events().filter(|sale| {
        sale.has_moving_prices() && sale.state() == SaleState::OnSale && sale.terms().opens_at.is_none_or(|opens_at| opens_at <= now)
    });
    let steps = open.flat_map(|sale| sale.due_steps().map(|step| (sale.id(), step)).collect::<Vec<_>>());
    steps.filter(|(_, step)| step.at <= now).take(STEPS_MAX).collect()
}
