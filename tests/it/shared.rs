//! The one cluster that tests share when they hurt no node, and the turn that those take which start clusters of their own.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use boxoffice_ledger::command::Role;
use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::http::Client;

/// Three nodes that nobody kills.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = Cluster::start(Options { log: "info,boxoffice::requests=debug", ..Options::default() }).expect("the cluster starts");
        cluster.remove_at_exit();
        cluster
    })
}

/// Somebody who may create events, at node 1 of the shared cluster.
pub fn coordinator() -> Client {
    cluster().client(1, Role::Coordinator)
}

/// A buyer at a node of the shared cluster.
pub fn buyer(node: u64) -> Client {
    cluster().client(node, Role::Customer)
}

/// Held by a test that runs a cluster of its own, so that a small machine runs one of them at a time. Each test has a thread
/// and a runtime to itself, so that waiting for it holds up nobody else.
pub struct Turn(#[expect(dead_code, reason = "held, not used")] MutexGuard<'static, ()>);

/// Waits for the turn.
pub fn turn() -> Turn {
    static TURN: Mutex<()> = Mutex::new(());
    Turn(TURN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A cluster of its own, for tests that hurt nodes.
pub fn own_cluster() -> (Turn, Cluster) {
    let turn = turn();
    (turn, Cluster::start(Options::default()).expect("the cluster starts"))
}
