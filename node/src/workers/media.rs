//! Gets images that events name and that this node lacks, because it was away when they came: what is on every node outlives any of
//! them. Runs on every node.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use boxoffice_ledger::ids::{EventId, MediaHash};

use crate::service::Service;

/// How often the whole catalog is looked through.
const EVERY: Duration = Duration::from_secs(60);
/// Events that are looked at while the catalog waits.
const EVENTS_AT_ONCE: usize = 500;

/// See the module.
pub async fn run(service: Arc<Service>) {
    let mut here: HashSet<MediaHash> = HashSet::new();
    loop {
        let mut last = Some(EventId(0));
        while let Some(after) = last {
            let images: Vec<MediaHash>;
            (images, last) = named_after(&service, after);
            for image in images {
                if !here.contains(&image) && service.media.ensure(image).await.is_ok_and(|here| here) {
                    here.insert(image);
                }
            }
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// The images of the next events, and the last of these, if there may be more.
fn named_after(service: &Service, after: EventId) -> (Vec<MediaHash>, Option<EventId>) {
    let catalog = service.catalog.read();
    let (mut images, mut last, mut seen) = (Vec::new(), None, 0);
    for event in catalog.events_after(after).take(EVENTS_AT_ONCE) {
        images.extend_from_slice(&event.images);
        (last, seen) = (Some(event.id), seen + 1);
    }
    (images, last.filter(|_| seen == EVENTS_AT_ONCE))
}
