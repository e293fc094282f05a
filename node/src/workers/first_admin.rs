//! Prints the link that makes the first admin, as long as there is none. Whoever reads this node's log runs the cluster anyway.

use std::sync::Arc;

use super::{PAUSE, context};
use crate::service::Service;

/// See the module.
pub async fn run(service: Arc<Service>) {
    loop {
        match service.first_admin(context()).await {
            Ok(Some(_)) => return,
            Ok(None) => {
                let (links, token) = (&service.links, service.credentials.first_admin());
                eprintln!(
                    "This cluster has no admin yet. To become the first one, open this link; it works once:\n  {links}/#/claim/{token}"
                );
                return;
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
