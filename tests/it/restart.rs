//! All nodes killed at once, stopped in order, or without power: everything acknowledged is there afterwards.

use ::jepsen::disk::Disk;
use boxoffice_ledger::command::Role;
use boxoffice_tests::campaign::{Campaign, Fault, GAP_PATIENCE};
use boxoffice_tests::shop::{self, Terms};
use boxoffice_tests::{check, cluster, power};

use crate::shared::{own_cluster, turn};

#[test]
fn all_nodes_killed_at_once_come_back_with_everything() {
    let (_turn, cluster) = own_cluster();
    let campaign = Campaign { fault: Fault::KillAll, rounds: 2, rate: 60.0, clients: 8, seed: 21, pause_max: GAP_PATIENCE };
    let verdict = campaign.run(&cluster, &mut []).expect("the campaign runs to its end");
    println!("{}", verdict.table());
    assert!(verdict.is_clean(), "{}", verdict.table());
}

#[tokio::test]
async fn a_cluster_that_was_stopped_goes_on_where_it_was() {
    let (_turn, cluster) = own_cluster();
    let event = shop::put_on_sale(&cluster.client(1, Role::Coordinator), &Terms::free(4)).await;
    let somebody = cluster.client(2, Role::Customer);
    shop::buy(&somebody, &event, 3).await;
    for node in 1..=3 {
        cluster.stop(node).expect("the node stops when asked to");
    }
    // An index that is gone is built anew before a node says that it is ready.
    std::fs::remove_dir_all(cluster.config(2).parent().expect("a folder").join("data").join("search")).expect("the index was there");
    for node in 1..=3 {
        cluster.spawn(node).expect("the node starts again");
    }
    cluster.wait_ready().expect("the cluster is ready again");
    let found = cluster.anyone(2).get("/event/search/evening").await.expect(200);
    assert!(found["data"].as_array().is_some_and(|events| events.iter().any(|found| found["id"] == event.as_str())), "{found}");
    assert_eq!(shop::seat_states(&somebody, &event, 4).await, [0, 0, 0, 2]);
    assert_eq!(shop::tickets(&somebody).await.0.len(), 1);
    shop::buy(&somebody, &event, 0).await;
    check::replicas_agree(&cluster).await.unwrap_or_else(|complaints| panic!("{complaints:#?}"));
}

#[test]
fn everything_acknowledged_survives_a_power_cut() {
    if let Some(why) = Disk::unavailable() {
        return cluster::skip("root", why);
    }
    let _turn = turn();
    let (cluster, mut disks) = power::cluster_on_disks().expect("the cluster starts on disks of its own");
    for (fault, seed) in [(Fault::CutOne, 22), (Fault::CutAll, 23)] {
        let campaign = Campaign { fault, rounds: 1, rate: 60.0, clients: 8, seed, pause_max: GAP_PATIENCE };
        let verdict = campaign.run(&cluster, &mut disks).expect("the campaign runs to its end");
        println!("{}", verdict.table());
        assert!(verdict.is_clean(), "{}", verdict.table());
    }
    drop(cluster);
}
