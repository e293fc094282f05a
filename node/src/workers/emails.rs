//! Finishes changes of e-mail that a crash or a lost leader interrupted. Runs on each user group's leader.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::ids::UserId;

use super::{PAUSE, context, leads};
use crate::service::Service;

/// See the module.
pub async fn run(service: Arc<Service>, group: GroupId) {
    let Some(replica) = service.users.get(&group).cloned() else { return };
    // A change that was just confirmed belongs to its request: only what is still there at the next look is taken over.
    let mut seen: BTreeMap<UserId, Instant> = BTreeMap::new();
    loop {
        tokio::time::sleep(PAUSE).await;
        let moving: Vec<UserId> = if leads(&service, group) { replica.read().moving().collect() } else { Vec::new() };
        seen.retain(|user, _| moving.contains(user));
        for user in moving {
            let since = *seen.entry(user).or_insert_with(Instant::now);
            if since.elapsed() >= PAUSE {
                // A taken address is an answer too: the change is given up.
                let _ = service.carry_on_email(context(), user).await;
            }
        }
    }
}
