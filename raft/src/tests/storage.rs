//! openraft's own suite for storage, alone and while other groups write to the same log.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use boxoffice_cluster_config::ids::{ClusterId, GroupId};
use openraft::testing::log::{StoreBuilder, Suite};
use openraft_rt::deterministic_rng::DeterministicRng;
use tokio::sync::{Notify, Semaphore};

use super::cluster::SOON;
use super::counter::Counter;
use crate::disk::{Disk, SimDisk};
use crate::log::{Entry, EntryId, Log, LogOptions, Vote};
use crate::log_store::LogStore;
use crate::progress::{Progress, SnapshotEvery};
use crate::runtime::Aligned;
use crate::sm::{Adapter, Surroundings};
use crate::snapshot::store::Store;
use crate::types::Config;

type Error = openraft::StorageError<Config>;

/// Every store is another group of one log.
struct Builder {
    disk: Arc<SimDisk>,
    log: Log,
    next: AtomicU32,
}

impl Builder {
    fn new() -> Self {
        let disk = Arc::new(SimDisk::new());
        disk.create_dir_all(Path::new("/log")).expect("an empty disk");
        let options = LogOptions { segment_bytes: 1 << 20, ..LogOptions::new("/log") };
        let log = Log::open(disk.clone(), options).expect("an empty disk");
        Self { disk, log, next: AtomicU32::new(1) }
    }
}

impl StoreBuilder<Config, LogStore, Adapter> for Builder {
    async fn build(&self) -> Result<((), LogStore, Adapter), Error> {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        // The suite moves a snapshot from one store to another: they are replicas of one group, in directories of their own.
        let group = GroupId(1);
        let dir = format!("/snapshots/{number}");
        self.disk.create_dir_all(Path::new(&dir)).expect("there is room");
        let cluster = ClusterId("suite".to_owned());
        let every = SnapshotEvery { entries: u64::MAX, bytes: u64::MAX };
        let progress = Arc::new(Progress::new(every, 16, Arc::new(Notify::new())));
        let snapshots = Store::open(self.disk.clone(), Path::new(&dir), &cluster, group).expect("an empty disk");
        let around = Surroundings {
            cluster,
            group,
            life: Arc::default(),
            progress: progress.clone(),
            snapshots: Arc::new(snapshots),
            log: self.log.clone(),
            building: Arc::new(Semaphore::new(1)),
            inline: false,
        };
        let machine = Adapter::new(Box::new(Counter(Arc::default())), around);
        Ok(((), LogStore::new(self.log.group(number), progress, 1 << 20), machine))
    }
}

async fn run(builder: Builder) {
    let suite = Suite::<Config, LogStore, Adapter, Builder, ()>::test_all(builder);
    DeterministicRng::<Aligned>::scope(7, suite).await.expect("the suite passes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openrafts_suite_passes() {
    run(Builder::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openrafts_suite_passes_while_other_groups_write() {
    let builder = Builder::new();
    let stop = Arc::new(AtomicBool::new(false));
    let noise: Vec<_> = (1000..1004)
        .map(|number| {
            let (group, stop) = (builder.log.group(number), stop.clone());
            std::thread::spawn(move || {
                let mut index = 0;
                while !stop.load(Ordering::SeqCst) {
                    let (done, written) = std::sync::mpsc::channel();
                    let id = |index| EntryId { term: 1, node: 1, index };
                    let entries = (index..index + 10).map(|index| Entry { id: id(index), payload: vec![1; 100].into() });
                    group.append(entries.collect(), Box::new(move |result| drop(done.send(result))));
                    index += 10;
                    group.save_vote(Vote { term: 1 + index, node: 1, committed: true }, Box::new(|_| {}));
                    group.save_committed(id(index - 5));
                    if index % 100 == 0 {
                        group.truncate_after(Some(index - 3));
                        index -= 2;
                        group.purge(id(index - 50));
                    }
                    written.recv_timeout(SOON).expect("an answer").expect("written");
                }
                index
            })
        })
        .collect();
    run(builder).await;
    stop.store(true, Ordering::SeqCst);
    for thread in noise {
        assert!(thread.join().expect("no panic") > 0);
    }
}
