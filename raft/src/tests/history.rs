//! A group that begins with a restored past, and what a node gives of its past.

use std::io;
use std::path::Path;
use std::sync::Arc;

use boxoffice_cluster_config::ids::{GroupId, NodeId};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::cluster::{cluster_id, eventually, quick};
use super::counter::{Counter, State};
use crate::env::Env;
use crate::history::{NewLife, Seed, StoppedNode, batch_of, first_index, seed};
use crate::machine::{Frozen, Machines, StateMachine};
use crate::node::RaftNode;
use crate::options::{Listen, RaftOptions, Tuning};

const GROUP: GroupId = GroupId(1);

fn start(dir: &Path, shown: &Arc<Mutex<State>>) -> RaftNode {
    let options = RaftOptions {
        cluster: cluster_id(),
        node: NodeId(1),
        data_dir: dir.to_owned(),
        members: [(NodeId(1), "n1:1".to_owned())].into(),
        listen: Listen::Nowhere,
        tls: None,
        groups: vec![GROUP],
        tuning: Tuning { snapshot_every_entries: 20, keep_entries: 5, ..quick() },
    };
    let shown = shown.clone();
    let machines: Machines = Arc::new(move |_| Box::new(Counter::shown_in(shown.clone())));
    RaftNode::start(options, Env::real(), machines).expect("the node starts")
}

async fn add(node: &RaftNode, number: u64) -> (u64, u64) {
    let group = node.group(GROUP).expect("it is there");
    let deadline = Instant::now() + std::time::Duration::from_secs(30);
    let position = group.propose(Bytes::from(format!("+{number}")), deadline).await.expect("committed").position;
    (position.incarnation, position.index)
}

/// A counter to which everything is added that a stopped node has.
fn replayed(dir: &Path) -> (Counter, u64) {
    let stopped = StoppedNode::open(dir, [GROUP].into_iter()).expect("it is stopped");
    assert_eq!((stopped.cluster.clone(), stopped.node), (cluster_id(), NodeId(1)));
    let history = &stopped.groups[&GROUP];
    let mut counter = Counter(Arc::default());
    let (mut next, mut at_us) = (1, 0);
    if let Some(base) = history.base() {
        counter.restore(&mut base.frames().expect("readable")).expect("frames of a counter");
        assert_eq!(counter.digest(), base.digest);
        (next, at_us) = (base.last.index + 1, base.at_us);
    }
    while next <= history.last() {
        for entry in history.entries(next..history.last() + 1, 64).expect("they are there") {
            next = entry.id.index + 1;
            if let Some((stamp, commands)) = batch_of(entry.payload).expect("one of ours") {
                at_us = stamp.max(at_us + 1);
                let position = crate::machine::Position { incarnation: 0, group: GROUP, index: entry.id.index };
                counter.apply(position, at_us, &commands, None).expect("numbers");
            }
        }
    }
    (counter, at_us)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_goes_on_from_a_restored_state_in_a_life_of_its_own() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let shown = Arc::default();
    let node = start(old.path(), &shown);
    let group = node.group(GROUP).expect("it is there");
    group.keep_entries_after(Some(3));
    for number in 1..=60 {
        assert_eq!(add(&node, number).await.0, 0);
    }
    eventually("a snapshot", || group.history().base().is_some_and(|base| base.last.index >= 40)).await;
    assert!(group.history().entries(4..9, usize::MAX).is_ok(), "what is not shipped is kept");
    group.keep_entries_after(None);
    let history = group.history();
    eventually("the purge", || history.entries(4..9, usize::MAX).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)).await;
    node.shutdown().await;
    drop(node);
    drop((group, history));

    let (counter, at_us) = replayed(old.path());
    let life = NewLife { cluster: cluster_id(), incarnation: 1_700_000_000, members: vec![NodeId(1)] };
    let mut frozen: Box<dyn Frozen> = counter.freeze();
    seed(new.path(), &life, Seed { group: GROUP, at_us, digest: counter.digest(), state: frozen.as_mut() }).expect("seeded");
    let view: Arc<Mutex<State>> = Arc::default();
    for number in 61..=62 {
        // Started twice: the first time without a log.
        let node = start(new.path(), &view);
        let (incarnation, index) = add(&node, number).await;
        assert_eq!(incarnation, life.incarnation);
        assert!(index > first_index(life.incarnation) && index < first_index(life.incarnation + 1), "{index}");
        node.shutdown().await;
    }
    let state = view.lock();
    assert_eq!((state.sum, state.count), ((1..=62).sum(), 62));
}
