//! Killed leaders, lost power, partitions, dead cores, halted machines, full disks.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::cluster::{Cluster, SOON, Writers, eventually, quick, sum};
use crate::error::{ProposeError, ReadError};
use crate::status::Role;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_leader_costs_no_acknowledged_command() {
    let mut cluster = Cluster::new(1, quick());
    for round in 0..3 {
        let leader = cluster.leader(0).await;
        let others: Vec<u64> = (1..=3).filter(|node| *node != leader).collect();
        let before = cluster.state(others[0], 0).numbers;
        let writers = Writers::start(&cluster, 0, &others);
        writers.progress(50).await;
        if round % 2 == 0 {
            cluster.kill(leader)
        } else {
            cluster.cut_power(leader, round)
        }
        writers.progress(50).await;
        cluster.start(leader);
        writers.progress(20).await;
        let mut written = writers.stop().await;
        cluster.converge(0).await;
        written.kept.extend(before);
        for node in 1..=3 {
            written.check(&cluster.state(node, 0));
        }
        for node in 1..=3 {
            cluster.kill(node);
            cluster.disks.insert(node, crate::disk::SimDisk::new());
        }
        cluster = Cluster::new(1, quick());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_nodes_without_power_at_once_come_back_with_everything() {
    let mut cluster = Cluster::new(2, quick());
    cluster.leader(0).await;
    for seed in 1..=3 {
        let before = cluster.state(1, 0).numbers;
        let writers = Writers::start(&cluster, 0, &[1, 2, 3]);
        writers.progress(60).await;
        for node in 1..=3 {
            cluster.cut_power(node, seed * 10 + node);
        }
        let mut written = writers.stop().await;
        for node in 1..=3 {
            cluster.start(node);
        }
        cluster.add(1, 0, seed).await.expect("the cluster is back");
        cluster.converge(0).await;
        written.kept.extend(before);
        written.kept.insert(seed);
        // What an earlier round left unknown may have been executed as well.
        written.unknown.extend(cluster.state(1, 0).numbers.iter().filter(|number| **number < 1_000_000));
        for node in 1..=3 {
            written.check(&cluster.state(node, 0));
        }
        for node in 1..=3 {
            cluster.disks.insert(node, crate::disk::SimDisk::new());
        }
        cluster = Cluster::new(2, quick());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_cut_off_takes_nothing_and_the_majority_goes_on() {
    let cluster = Cluster::new(1, quick());
    let old = cluster.leader(0).await;
    let other = old % 3 + 1;
    cluster.add(old, 0, 1).await.expect("healthy");
    cluster.wires.isolate(old);
    let committed = cluster.add(other, 0, 2).await.expect("the majority goes on");
    assert_eq!(sum(&committed), 3);
    let refused = cluster.group(old, 0).propose(Bytes::from_static(b"+100"), Instant::now() + Duration::from_millis(300)).await;
    assert!(refused.is_err(), "a minority acknowledged: {refused:?}");
    cluster.wires.heal();
    cluster.converge(0).await;
    let again = cluster.add(old, 0, 4).await.expect("healed");
    let expected = if refused == Err(ProposeError::Unknown) { vec![7, 107] } else { vec![7] };
    assert!(expected.contains(&sum(&again)), "{} after {refused:?}", sum(&again));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_without_a_leader_never_reads_as_overload() {
    let cluster = Cluster::new(1, quick());
    let lone = cluster.leader(0).await % 3 + 1;
    cluster.add(lone, 0, 1).await.expect("healthy");
    cluster.converge(0).await;
    cluster.wires.isolate(lone);
    let group = cluster.group(lone, 0);
    eventually("the leader to be missed", || group.is_out_of_touch()).await;
    // The queue looks at its commands every few milliseconds, so some of these end there and some with their caller.
    let now = Instant::now();
    let callers = (0..400).map(|turn| {
        let group = group.clone();
        tokio::spawn(async move { group.propose(Bytes::from_static(b"+1"), now + Duration::from_millis(20 + turn)).await })
    });
    for outcome in futures::future::join_all(callers).await {
        let outcome = outcome.expect("no panic");
        assert!(matches!(outcome, Err(ProposeError::NoLeader | ProposeError::Unknown)), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_whose_core_died_is_reopened_from_the_log() {
    let cluster = Cluster::new(2, quick());
    cluster.add(1, 1, 5).await.expect("healthy");
    cluster.converge(1).await;
    for node in 1..=3 {
        cluster.group(node, 1).core.raft().expect("running").shutdown().await.expect("its tasks end");
        eventually("the group to be reopened", || {
            let status = cluster.group(node, 1).status();
            status.reopened == 1 && status.role != Role::Stopped
        })
        .await;
    }
    let committed = cluster.add(2, 1, 6).await.expect("it works again");
    assert_eq!(sum(&committed), 11);
    cluster.converge(1).await;
    assert_eq!(cluster.group(1, 0).status().reopened, 0, "other groups do not notice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halt_stops_one_group_loudly_and_for_good() {
    for poison in ["halt", "panic"] {
        let cluster = Cluster::new(2, quick());
        cluster.leader(0).await;
        // The last one may never learn that the entry is committed: nobody is left to tell it.
        let halted = || (1..=3).filter(|node| cluster.group(*node, 0).status().halted.is_some()).collect::<Vec<_>>();
        let begun = Instant::now();
        while halted().len() < 2 {
            // Sent again, for an election may have lost it.
            let outcome = cluster.group(1, 0).propose(Bytes::from_static(poison.as_bytes()), Instant::now() + Duration::from_secs(5)).await;
            assert!(outcome.is_err(), "{outcome:?}");
            assert!(begun.elapsed() < SOON, "a majority does not halt");
        }
        let node = halted()[0];
        eventually("the group to stop", || cluster.group(node, 0).status().role == Role::Stopped).await;
        let refused = cluster.group(node, 0).propose(Bytes::from_static(b"+1"), Instant::now() + Duration::from_millis(500)).await;
        assert!(refused.as_ref().is_err_and(ProposeError::is_definite), "{refused:?}");
        let read = cluster.group(node, 0).wait_applied(1000, Instant::now() + SOON).await;
        assert_eq!(read, Err(ReadError::Halted));
        cluster.add(3, 1, 1).await.expect("other groups go on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_in_order_hands_its_groups_over() {
    let mut cluster = Cluster::new(3, quick());
    for group in 0..3 {
        cluster.add(1, group, 1).await.expect("healthy");
    }
    let leader = cluster.leader(0).await;
    eventually("peers to be heard", || cluster.nodes[&leader].status().reachable.len() == 2).await;
    let stopping = cluster.nodes.remove(&leader).expect("it runs");
    stopping.shutdown().await;
    cluster.wires.unplug(leader);
    let other = leader % 3 + 1;
    let begun = Instant::now();
    cluster.add(other, 0, 2).await.expect("somebody else leads");
    println!("another node led after {:?}", begun.elapsed());
    cluster.start(leader);
    let committed = cluster.add(leader, 0, 3).await.expect("it is back");
    assert_eq!(sum(&committed), 6);
    cluster.converge(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_stamps_before_the_clocks_of_a_quorum_were_heard() {
    let mut cluster = Cluster::new(1, quick());
    cluster.add(1, 0, 1).await.expect("healthy");
    (1..=3).for_each(|node| cluster.kill(node));
    cluster.wires.refuse(|request| matches!(request.body, Some(crate::proto::request::Body::Ping(_))));
    (1..=3).for_each(|node| cluster.start(node));
    let leader = cluster.leader(0).await;
    let early = cluster.group(leader, 0).propose(Bytes::from_static(b"+2"), Instant::now() + Duration::from_millis(300)).await;
    assert!(early.as_ref().is_err_and(ProposeError::is_definite), "stamped by one clock alone: {early:?}");
    cluster.wires.heal();
    let committed = cluster.add(leader, 0, 4).await.expect("the clocks agree");
    assert_eq!(sum(&committed), 5);
}
