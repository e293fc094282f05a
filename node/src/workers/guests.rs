//! Mails guests the link to what they bought, once for each order. Runs on each user group's leader.

use std::sync::Arc;

use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::ids::UserId;

use super::{PAUSE, context, leads};
use crate::service::Service;

/// See the module.
pub async fn run(service: Arc<Service>, group: GroupId) {
    let Some(replica) = service.users.get(&group).cloned() else { return };
    loop {
        tokio::time::sleep(PAUSE).await;
        let waiting: Vec<(UserId, u32)> = if leads(&service, group) { replica.read().uninvited().collect() } else { Vec::new() };
        for (user, orders) in waiting {
            if let Err(failure) = service.mail_guest_link(context(), user, orders).await {
                tracing::warn!(?failure, %user, "a guest's link was not mailed yet");
                break;
            }
        }
    }
}
