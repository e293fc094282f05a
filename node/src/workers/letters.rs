//! Mails links to set a password, one after the other: who asked has their answer already, and it says nothing of whether there
//! is an account.

use std::sync::Arc;

use tokio::sync::mpsc::Receiver;

use super::context;
use crate::service::Service;

/// Addresses that may wait.
pub const WAITING_MAX: usize = 1024;

/// See the module.
pub async fn run(service: Arc<Service>, mut asked: Receiver<String>) {
    while let Some(email) = asked.recv().await {
        if let Err(failure) = service.mail_reset_link(context(), &email).await {
            // Neither the address nor the link is for the log.
            tracing::warn!(?failure, "a link to set a password was not mailed");
        }
    }
}
