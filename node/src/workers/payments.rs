//! Finishes payments: captures what was authorized, and resolves attempts whose answer was lost or whose node died. It never
//! guesses: while the provider does not answer, the seats stay pinned.

use std::sync::Arc;

use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::command::SeatCommand;
use boxoffice_ledger::money::Money;
use boxoffice_ledger::orders::OpenAttempt;
use boxoffice_ledger::outcome::AttemptState;
use boxoffice_ledger::seats::SeatLedger;
use futures::StreamExt;

use super::{PAUSE, context, leads, wake};
use crate::mint;
use crate::payment::{Charge, Standing};
use crate::service::Service;

/// A fresh attempt belongs to the request that began it for this long, in milliseconds; then the worker takes over.
const EDGE_OWNS_MS: u64 = 10_000;

/// Attempts under way at the provider at once, for one group.
const AT_ONCE: usize = 64;

/// Open attempts looked at in one round.
const OPEN_MAX: usize = 4096;

/// See the module.
pub async fn run(service: Arc<Service>, group: GroupId) {
    loop {
        wake(service.feed.bells(group).map(|bells| &bells.attempts)).await;
        while leads(&service, group) {
            let due = due(&service, group);
            if due.is_empty() {
                break;
            }
            let results: Vec<bool> =
                futures::stream::iter(due).map(|attempt| finish(&service, group, attempt)).buffer_unordered(AT_ONCE).collect().await;
            if results.contains(&false) {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn due(service: &Service, group: GroupId) -> Vec<OpenAttempt> {
    let Some(replica) = service.events.get(&group) else { return Vec::new() };
    let now = mint::now_ms();
    let ready = |open: &OpenAttempt| {
        open.attempt.state != AttemptState::Created || now.saturating_sub(open.attempt.begun_at.as_millis()) > EDGE_OWNS_MS
    };
    replica.read().open_attempts(OPEN_MAX).into_iter().filter(ready).collect()
}

/// One step for one attempt; false when it has to be tried again later.
async fn finish(service: &Service, group: GroupId, open: OpenAttempt) -> bool {
    let (event, order, attempt) = (open.event, open.order, open.attempt.id);
    let charge = Charge {
        attempt,
        order: order.to_string(),
        event: Some(event),
        total: Money { amount: open.total, currency: open.currency },
        method: open.attempt.method.to_string(),
        reference: None,
    };
    let command = if open.attempt.state == AttemptState::Authorized {
        match service.provider.capture(&charge).await {
            Ok(Standing::Captured { .. }) => SeatCommand::Captured { event, order, attempt },
            _ => return false,
        }
    } else {
        match service.provider.look(&charge).await {
            Ok((Standing::Authorized { amount } | Standing::Captured { amount, .. }, _)) => {
                SeatCommand::Confirm { event, order, attempt, authorized: amount }
            }
            Ok((Standing::Declined { code }, _)) => SeatCommand::PayFail { event, order, attempt, code },
            Ok((Standing::Cancelled, _)) => SeatCommand::PayFail { event, order, attempt, code: "canceled".into() },
            Ok((Standing::RequiresAction { .. } | Standing::Processing, _)) | Err(_) => return false,
        }
    };
    service.write::<SeatLedger>(context(), group, &command).await.is_ok()
}
