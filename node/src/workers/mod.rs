//! Loops that run beside requests. Those of a group run on its leader only, and all of them may run twice: what they send is
//! received by natural key, so a repeat changes nothing.

mod backups;
mod emails;
mod first_admin;
mod guests;
mod indexer;
pub mod letters;
mod media;
mod members;
mod outbox;
mod payments;
mod pricing;
mod provisioning;
mod recovery;
mod summaries;
mod views;

pub use indexer::local_day;
mod webhooks;

use std::sync::Arc;
use std::time::{Duration, Instant};

use boxoffice_api::backend::{Context, Freshness};
use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_cluster_config::request_tag::RequestTag;
use tokio::task::JoinSet;

use crate::certificates;
use crate::service::Service;

/// How long a worker waits after a failure, and how often it looks without being woken.
const PAUSE: Duration = Duration::from_millis(500);

/// Starts every worker of this node.
pub fn start(service: &Arc<Service>, resets: tokio::sync::mpsc::Receiver<String>) {
    of_ledgers(service).detach_all();
    tokio::spawn(indexer::run(Arc::clone(service)));
    tokio::spawn(media::run(Arc::clone(service)));
    tokio::spawn(backups::run(Arc::clone(service)));
    tokio::spawn(first_admin::run(Arc::clone(service)));
    tokio::spawn(certificates::watch(Arc::clone(&service.certificates)));
    tokio::spawn(letters::run(Arc::clone(service), resets));
    for group in service.followed() {
        tokio::spawn(webhooks::run(Arc::clone(service), group));
    }
    for group in service.counts.user_groups() {
        tokio::spawn(emails::run(Arc::clone(service), group));
    }
}

/// Starts the workers that touch ledgers and the payment provider only: no files, no threads, no network of their own.
pub fn of_ledgers(service: &Arc<Service>) -> JoinSet<()> {
    let mut workers = JoinSet::new();
    workers.spawn(members::run(Arc::clone(service)));
    workers.spawn(crate::members::follow(Arc::clone(service)));
    workers.spawn(provisioning::run(Arc::clone(service)));
    workers.spawn(recovery::run(Arc::clone(service)));
    workers.spawn(views::run(Arc::clone(service)));
    for group in service.counts.user_groups() {
        workers.spawn(payments::run(Arc::clone(service), group));
        workers.spawn(guests::run(Arc::clone(service), group));
    }
    for group in service.counts.event_groups() {
        workers.spawn(outbox::run(Arc::clone(service), group));
        workers.spawn(payments::run(Arc::clone(service), group));
        workers.spawn(summaries::run(Arc::clone(service), group));
        workers.spawn(pricing::run(Arc::clone(service), group));
    }
    workers
}

/// A context for a worker's own writes.
fn context() -> Context {
    Context { deadline: Instant::now() + Duration::from_secs(5), freshness: Freshness::Local, from: None, request: RequestTag::NONE }
}

/// Whether this node leads a group.
fn leads(service: &Service, group: GroupId) -> bool {
    service.groups.get(&group).is_some_and(boxoffice_raft::group::Group::is_leader)
}

/// Whether this node leads the catalog.
fn leads_catalog(service: &Service) -> bool {
    leads(service, CATALOG)
}

/// Waits for the bell or for the pause to pass, whichever is first.
async fn wake(bell: Option<&tokio::sync::Notify>) {
    match bell {
        Some(bell) => {
            let _ = tokio::time::timeout(PAUSE, bell.notified()).await;
        }
        None => tokio::time::sleep(PAUSE).await,
    }
}
