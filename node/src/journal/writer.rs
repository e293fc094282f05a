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
/// The rest between rounds: entries gather, and one write and one telling is for all of them.
const REST: Duration = Duration::from_millis(10);

/// Rows of each group that are not written yet.
type Gathered = BTreeMap<GroupId, Vec<JournalRow>>;

/// Runs until the journal is dropped.
pub fn run(items: &Receiver<Item>, shelves: &BTreeMap<GroupId, Arc<Mutex<Shelf>>>, bell: &watch::Sender<u64>) {
    let mut gathered = Gathered::new();
    while let Ok(first) = items.recv() {
        let mut waited_for = false;
        for item in std::iter::once(first).chain(items.try_iter().take(ROUND_MAX)) {
            waited_for |= matches!(item, Item::Mark { .. } | Item::Flush { .. });
            take(item, shelves, &mut gathered);
        }
        for (group, rows) in &mut gathered {
            write(*group, rows, shelves);
        }
        bell.send_modify(|round| *round += 1);
        if !waited_for {
            std::thread::sleep(REST);
        }
    }
}

fn write(group: GroupId, rows: &mut Vec<JournalRow>, shelves: &BTreeMap<GroupId, Arc<Mutex<Shelf>>>) {
    if let Some(shelf) = shelves.get(&group) {
        shelf.lock().append(rows);
    }
    rows.clear();
}

fn take(item: Item, shelves: &BTreeMap<GroupId, Arc<Mutex<Shelf>>>, gathered: &mut Gathered) {
    let group = item.group();
    let rows = gathered.entry(group).or_default();
    // Whatever is not just one row more is about what was written before it.
    if !matches!(item, Item::Entry { gap: false, .. }) {
        write(group, rows, shelves);
    }
    let Some(shelf) = shelves.get(&group) else { return };
    match item {
        Item::Entry { index, at, changes, gap, .. } => {
            if gap {
                tracing::warn!(%group, index, "the change journal did not keep up: it begins anew");
                shelf.lock().clear();
            }
            let numbered = (0_u32..).zip(changes).filter(|(_, change)| is_public(change));
            rows.push(JournalRow { index, at, changes: numbered.collect(), digest: None });
        }
        Item::Mark { digest, done, .. } => {
            if let Err(error) = shelf.lock().mark(digest) {
                tracing::error!(%group, %error, "the change journal cannot be made durable: after a restart it may begin anew");
            }
            let _ = done.send(());
        }
        Item::Flush { done, .. } => drop(done.send(())),
        Item::Begins { after, .. } => shelf.lock().begin(after),
        Item::Restored { digest, .. } => {
            let mut shelf = shelf.lock();
            if !shelf.covers(digest) {
                tracing::info!(%group, "the change journal begins anew after a snapshot");
                shelf.clear();
            }
        }
    }
}
