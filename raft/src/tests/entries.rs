//! Reading a group's entries, from a node that runs and from the directory of one that does not.

use std::path::Path;
use std::sync::Arc;

use super::cluster::{Cluster, DATA_DIR, cluster_id, eventually, quick};
use crate::data_dir::{DataDir, DataDirError, Step, Until};
use crate::entries::Content;
use crate::options::Tuning;

fn open(cluster: &Cluster, node: u64) -> Result<DataDir, DataDirError> {
    DataDir::open_on(Arc::new(cluster.disks[&node].clone()), Path::new(DATA_DIR))
}

fn steps(dir: &DataDir, until: Until) -> Vec<Step> {
    let mut replay = dir.replay(boxoffice_cluster_config::ids::GroupId(0), until).expect("it can be replayed");
    std::iter::from_fn(|| replay.step().expect("a whole log")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_nodes_directory_tells_what_its_group_did() {
    let mut cluster = Cluster::new(1, quick());
    for number in 1..=9 {
        cluster.add(1, 0, number).await.expect("healthy");
    }
    let applied = cluster.converge(0).await;
    let alive = cluster.group(2, 0).entries(0, 1000).expect("a whole log");
    assert_eq!((alive[0].index, alive.last().map(|last| last.index)), (0, Some(applied)));
    assert!(matches!(alive[0].content, Content::Membership { .. }), "{:?}", alive[0]);
    assert_eq!(cluster.group(2, 0).entries(3, 2).expect("a whole log"), alive[3..5]);
    assert!(matches!(open(&cluster, 2), Err(DataDirError::Log(crate::log::LogError::InUse { .. }))));

    let stopped = cluster.nodes.remove(&2).expect("it runs");
    cluster.wires.unplug(2);
    stopped.shutdown().await;
    drop(stopped);
    let dir = open(&cluster, 2).expect("it has stopped");
    assert_eq!((dir.cluster(), dir.node().0, dir.groups().len()), (&cluster_id(), 2, 1));
    let group = dir.groups()[0];
    assert_eq!(dir.range(group).0, 0);
    assert!(dir.range(group).1 >= applied, "what was applied is committed");
    assert_eq!(dir.entries(group, 0, alive.len()).expect("a whole log"), alive);

    let all = steps(&dir, Until::Committed);
    assert_eq!(all.iter().map(|step| step.index).collect::<Vec<_>>(), (0..=dir.range(group).1).collect::<Vec<_>>());
    let commands: Vec<_> = all.iter().flat_map(|step| &step.commands).collect();
    assert_eq!(commands.len(), 9);
    assert_eq!(steps(&dir, Until::Index(4)), all[..5]);
    let at = all.iter().find(|step| !step.commands.is_empty()).expect("a batch").at_us;
    let until = steps(&dir, Until::Time(at));
    assert_eq!(until.iter().map(|step| step.commands.len()).sum::<usize>(), 1);
    assert!(until.iter().all(|step| step.at_us <= at));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_begins_with_a_snapshot_and_says_what_is_gone() {
    let forgetful = Tuning { snapshot_every_entries: 10, keep_entries: 5, ..quick() };
    let mut cluster = Cluster::new(1, forgetful);
    for number in 1..=60 {
        cluster.add(1, 0, number).await.expect("healthy");
    }
    cluster.converge(0).await;
    eventually("the log to forget", || cluster.group(3, 0).status().purged_index > 0).await;
    let stopped = cluster.nodes.remove(&3).expect("it runs");
    cluster.wires.unplug(3);
    stopped.shutdown().await;
    drop(stopped);
    let dir = open(&cluster, 3).expect("it has stopped");
    let group = dir.groups()[0];
    let (first, committed) = dir.range(group);
    assert!(first > 1);
    let replay = dir.replay(group, Until::Index(committed)).expect("a snapshot is there");
    assert!(replay.begins().0 + 1 >= first && replay.begins().1 > 0);
    let frames = replay.frames().expect("a whole file").expect("a snapshot");
    let frames: Vec<_> = frames.map(|frame| frame.expect("a whole frame")).collect();
    assert!(!frames.is_empty());
    assert_eq!(steps(&dir, Until::Index(committed)).last().map_or(replay.begins().0, |step| step.index), committed);
    assert!(matches!(dir.replay(group, Until::Index(1)), Err(DataDirError::Gone { group: 0, .. })));
    assert!(matches!(DataDir::open(Path::new("/nowhere")), Err(DataDirError::NotOne(_))));
}
