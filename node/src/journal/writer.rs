//! The thread that writes the journals. It rests a little between rounds, so that apply seldom has to wake it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::codec::change::{JournalRow, is_public};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::Item;
use super::shelf::Shelf;

/// Items of one round.
const ROUND_MAX: usize = 1024;
/// The rest between rounds: entries gather, and one telling is for all of them.
const REST: Duration = Duration::from_millis(2);

/// Runs until the journal is dropped.
pub fn run(items: &Receiver<Item>, shelves: &BTreeMap<GroupId, Arc<Mutex<Shelf>>>, bell: &watch::Sender<u64>) {
    while let Ok(first) = items.recv() {
        let mut waited_for = matches!(first, Item::Mark { .. });
        take(first, shelves);
        for item in items.try_iter().take(ROUND_MAX) {
            waited_for |= matches!(item, Item::Mark { .. });
            take(item, shelves);
        }
        bell.send_modify(|round| *round += 1);
        if !waited_for {
            std::thread::sleep(REST);
        }
    }
}

fn take(item: Item, shelves: &BTreeMap<GroupId, Arc<Mutex<Shelf>>>) {
    match item {
        Item::Entry { group, index, at, changes, gap } => {
            let Some(shelf) = shelves.get(&group) else { return };
            let numbered = (0_u32..).zip(changes).filter(|(_, change)| is_public(change));
            let row = JournalRow { index, at, changes: numbered.collect(), digest: None };
            let mut shelf = shelf.lock();
            if gap {
                tracing::warn!(%group, index, "the change journal did not keep up: it begins anew");
                shelf.clear();
            }
            shelf.append(&row);
        }
        Item::Mark { group, digest, done } => {
            if let Some(Err(error)) = shelves.get(&group).map(|shelf| shelf.lock().mark(digest)) {
                tracing::error!(%group, %error, "the change journal cannot be made durable: after a restart it may begin anew");
            }
            let _ = done.send(());
        }
        Item::Begins { group, after } => {
            if let Some(shelf) = shelves.get(&group) {
                shelf.lock().begin(after);
            }
        }
        Item::Restored { group, digest } => {
            let Some(mut shelf) = shelves.get(&group).map(|shelf| shelf.lock()) else { return };
            if !shelf.covers(digest) {
                tracing::info!(%group, "the change journal begins anew after a snapshot");
                shelf.clear();
            }
        }
    }
}
