//! Commands through leader and follower, refusals, deadlines.

use std::sync::Arc;
use std::time::Duration;

use boxoffice_cluster_config::request_tag::RequestTag;
use bytes::Bytes;
use tokio::time::Instant;

use super::cluster::{Cluster, SOON, eventually, quick, sum, undisturbed};
use crate::error::ProposeError;
use crate::options::Tuning;
use crate::proto::request;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_executed_through_any_node() {
    let cluster = Cluster::new(2, quick());
    let mut total = 0;
    for number in 1..=10 {
        for node in 1..=3 {
            total += number;
            let committed = cluster.add(node, 1, number).await.expect("a healthy cluster takes commands");
            assert_eq!(sum(&committed), total, "on node {node}");
            assert_eq!((committed.position.incarnation, committed.position.group.0), (0, 1));
        }
    }
    cluster.converge(1).await;
    cluster.converge(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_wait_together_share_an_entry_and_a_time() {
    let outcomes = undisturbed(1, async |cluster| {
        let follower = cluster.leader(0).await % 3 + 1;
        let group = cluster.group(follower, 0);
        let deadline = Instant::now() + SOON;
        futures::future::join_all((0..500).map(|number| group.propose(Bytes::from(format!("+{number}")), deadline))).await
    })
    .await;
    let committed: Vec<_> = outcomes.into_iter().map(|outcome| outcome.expect("taken")).collect();
    let mut entries: Vec<_> = committed.iter().map(|one| (one.position.index, one.at_us)).collect();
    entries.sort_unstable();
    entries.dedup();
    assert!(entries.len() < 100, "500 commands at once took {} entries", entries.len());
    assert!(entries.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1), "time strictly increases");
    let mut places: Vec<_> = committed.iter().map(|one| (one.position.index, one.ordinal)).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 500, "every command has its own place");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_and_a_large_command_are_refused_at_once() {
    let far = Instant::now() + Duration::from_secs(3600);
    // Who has lost the others for two seconds refuses everything for that; a machine that stalls for so long has another try.
    let refused = async || {
        let cluster = Cluster::new(1, Tuning { waiting_max: 4, ..quick() });
        let leader = cluster.leader(0).await;
        cluster.wires.isolate(leader);
        let group = cluster.group(leader, 0);
        let waiting = parking_lot::Mutex::new(Vec::new());
        // Nothing comes back from a leader without the others: once its flights are full, what is in the queue stays there.
        let fill = || group.core.queue.push(Bytes::from_static(b"+1"), far, RequestTag::NONE).map(|more| waiting.lock().push(more));
        eventually("its flights to fill", || {
            let _ = fill();
            !group.core.queue.has_free_flight()
        })
        .await;
        while fill().is_ok() {}
        let large = Bytes::from(vec![b'+'; cluster.tuning.batch_bytes_max + 1]);
        let refusals = async { (group.propose(Bytes::from_static(b"+1"), far).await, group.propose(large, far).await) };
        tokio::time::timeout(SOON, refusals).await.expect("refusals do not wait for the deadline")
    };
    let mut seen = refused().await;
    for _ in 0..20 {
        if seen.0 != Err(ProposeError::NoLeader) && seen.1 != Err(ProposeError::NoLeader) {
            break;
        }
        seen = refused().await;
    }
    assert_eq!(seen, (Err(ProposeError::Overloaded), Err(ProposeError::TooLarge)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_leader_the_deadline_gives_a_definite_refusal() {
    let mut cluster = Cluster::new(1, quick());
    let written = cluster.add(2, 0, 5).await.expect("a healthy cluster takes commands");
    let term = cluster.term(0);
    cluster.kill(1);
    cluster.kill(3);
    let group = cluster.group(2, 0);
    let refuses = || group.propose(Bytes::from_static(b"+7"), Instant::now() + Duration::from_millis(100));
    // Those sent before the leader's end was noticed are unknown; soon all are definite.
    let begun = Instant::now();
    let (mut unknown, mut definite) = (0, 0);
    while definite < 5 {
        match refuses().await {
            Err(error) if error.is_definite() => definite += 1,
            other => {
                assert_eq!(other, Err(ProposeError::Unknown));
                (unknown, definite) = (unknown + 1, 0);
            }
        }
        assert!(begun.elapsed() < SOON);
    }
    cluster.start(1);
    cluster.start(3);
    cluster.add(1, 0, 11).await.expect("the cluster is back");
    cluster.converge(0).await;
    let state = cluster.state(1, 0);
    assert!(state.count <= 2 + unknown, "a definite refusal was executed: {state:?}");
    // An election without a fault adds another blank entry, and may lose the command, so that it is written once more.
    assert!((2..=2 * term).contains(&written.position.index), "after the membership and the leader's blank entry: {written:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forward_whose_answer_is_lost_is_unknown_and_executed_once() {
    let (outcome, committed) = undisturbed(1, async |cluster| {
        let leader = cluster.leader(0).await;
        let follower = leader % 3 + 1;
        cluster.wires.deafen(follower, leader);
        let outcome = cluster.group(follower, 0).propose(Bytes::from_static(b"+7"), Instant::now() + SOON).await;
        cluster.wires.heal();
        (outcome, cluster.add(follower, 0, 1).await.expect("healed"))
    })
    .await;
    assert_eq!(outcome, Err(ProposeError::Unknown));
    assert_eq!(sum(&committed), 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forward_lost_before_it_was_sent_is_tried_again() {
    let (short, waited) = undisturbed(1, async |cluster| {
        let follower = cluster.leader(0).await % 3 + 1;
        cluster.wires.refuse(|request| matches!(request.body, Some(request::Body::Forward(_))));
        let group = cluster.group(follower, 0);
        let waiting = tokio::spawn({
            let group = group.clone();
            async move { group.propose(Bytes::from_static(b"+7"), Instant::now() + SOON).await }
        });
        let short = group.propose(Bytes::from_static(b"+100"), Instant::now() + Duration::from_millis(150)).await;
        cluster.wires.heal();
        (short, waiting.await.expect("no panic"))
    })
    .await;
    assert!(short.as_ref().is_err_and(ProposeError::is_definite), "{short:?}");
    let committed = waited.expect("tried again until it got through");
    assert_eq!(sum(&committed), 7, "the refused one was not executed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_of_the_machine_gets_a_pulse_without_traffic() {
    let (set, is_kept, now_us, index) = undisturbed(1, async |cluster| {
        let group = cluster.group(1, 0);
        let set = group.propose(Bytes::from_static(b"due 300"), Instant::now() + SOON).await;
        let is_set = cluster.state(cluster.leader(0).await, 0).due_us.is_some();
        // A machine that stalls may look when it is over.
        let is_kept = is_set || set.as_ref().is_ok_and(|set| group.now_us() >= set.at_us + 300_000);
        eventually("the pulse", || (1..=3).all(|node| cluster.state(node, 0).due_us.is_none())).await;
        (set, is_kept, group.now_us(), cluster.converge(0).await)
    })
    .await;
    let set = set.expect("taken");
    assert!(is_kept, "the deadline is kept until then");
    assert!(now_us >= set.at_us + 300_000, "not before its time");
    assert_eq!(index, set.position.index + 1, "one pulse is enough");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaders_are_spread_over_the_nodes() {
    let cluster = Cluster::new(6, Tuning { spread_after: Duration::from_millis(300), ..quick() });
    let cluster = Arc::new(cluster);
    let spread = || {
        (0..6).all(|group| (1..=3).filter(|node| cluster.group(*node, group).is_leader()).collect::<Vec<_>>() == [u64::from(group) % 3 + 1])
    };
    eventually("leaders to be where they belong", spread).await;
    // A machine that stalls may let a hand-over take too long; the next one is another chance.
    let begun = Instant::now();
    loop {
        let led = cluster.leader(1).await;
        match cluster.group(led, 1).transfer_leader(boxoffice_cluster_config::ids::NodeId(led % 3 + 1)).await {
            Ok(()) => break,
            Err(error) => assert!(begun.elapsed() < SOON, "a caught-up follower takes over: {error}"),
        }
    }
    eventually("the leader to come back", spread).await;
    cluster.add(3, 1, 1).await.expect("writes go on");
}
