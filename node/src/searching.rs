//! This node's search index with what it reflects: how far the catalog's changes are in it, and since when it lags behind.

use std::time::{Duration, Instant};

use boxoffice_search::Index;
use parking_lot::Mutex;
use tokio::sync::watch;

/// How long the index may be behind before this node should get no traffic. A flood of changes is in the index within seconds;
/// what takes longer is an index that cannot be written, or that is built anew.
pub const LAG_MAX: Duration = Duration::from_secs(30);

/// See the module.
pub struct Searching {
    /// The index.
    pub index: Index,
    /// The catalog index up to which every change is in it. What changes nothing for searches counts as in.
    reflects: watch::Sender<Option<u64>>,
    /// When it last reflected all that this node had applied.
    level: Mutex<Level>,
}

struct Level {
    /// Before the first time: when this process began.
    at: Instant,
    /// Whether it ever did since the process began.
    was_reached: bool,
}

impl Searching {
    /// Over an index as it was opened.
    pub fn new(index: Index) -> Self {
        let reflects = watch::Sender::new(index.position());
        Self { index, reflects, level: Mutex::new(Level { at: Instant::now(), was_reached: false }) }
    }

    /// The catalog index that searches reflect; none while there is nothing to search in.
    pub fn reflects(&self) -> Option<u64> {
        *self.reflects.borrow()
    }

    /// Said by the indexer: everything up to `position` is in the index, which the catalog was at when it looked.
    pub fn caught_up(&self, position: u64, looked: Instant) {
        *self.level.lock() = Level { at: looked, was_reached: true };
        self.reflects.send_replace(Some(position));
    }

    /// How long the index has been behind a catalog that has applied `applied`.
    pub fn lag(&self, applied: u64) -> Duration {
        if self.reflects().is_some_and(|reflects| reflects >= applied) { Duration::ZERO } else { self.level.lock().at.elapsed() }
    }

    /// Why searches here would mislead whoever is sent to this node, when its catalog has applied `applied`; `None` when they do not.
    /// After a start the index has to have caught up once; later it may be behind for [`LAG_MAX`]. What is shorter than that is
    /// said with each answer, and is no reason to send people away.
    pub fn misleads(&self, applied: u64) -> Option<String> {
        let lag = self.lag(applied);
        if !self.level.lock().was_reached {
            return Some("searches here have not caught up with the catalog since this node started".into());
        }
        (lag > LAG_MAX).then(|| format!("searches here are {} s behind the catalog", lag.as_secs()))
    }

    /// Waits until searches reflect this catalog index; false when the deadline comes first.
    pub async fn wait_for(&self, index: u64, deadline: Instant) -> bool {
        let mut reflects = self.reflects.subscribe();
        let there = reflects.wait_for(|reflects| reflects.is_some_and(|reflects| reflects >= index));
        matches!(tokio::time::timeout_at(deadline.into(), there).await, Ok(Ok(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_what_is_not_in_it_yet() {
        let dir = tempfile::tempdir().unwrap();
        let searching = Searching::new(Index::open(dir.path()).unwrap());
        assert_eq!(searching.reflects(), None);
        assert!(!searching.wait_for(1, Instant::now()).await);
        searching.caught_up(7, Instant::now());
        assert!(searching.wait_for(7, Instant::now() + Duration::from_secs(30)).await);
        assert_eq!(searching.lag(7), Duration::ZERO);
        let waiter = searching.wait_for(8, Instant::now() + Duration::from_secs(30));
        let (found, ()) = tokio::join!(waiter, async { searching.caught_up(9, Instant::now()) });
        assert!(found);
    }

    #[test]
    fn searches_mislead_until_they_caught_up_and_when_they_are_long_behind() {
        let dir = tempfile::tempdir().unwrap();
        let searching = Searching::new(Index::open(dir.path()).unwrap());
        assert!(searching.misleads(5).unwrap().contains("since this node started"));
        searching.caught_up(5, Instant::now());
        assert_eq!((searching.misleads(5), searching.misleads(6)), (None, None));
        let Some(long_ago) = Instant::now().checked_sub(LAG_MAX + Duration::from_secs(2)) else { return };
        searching.caught_up(5, long_ago);
        assert_eq!(searching.misleads(5), None);
        assert!(searching.misleads(6).unwrap().contains("behind the catalog"));
    }
}
