//! A small run of the campaign in `src/bin/purchases.rs`: buyers, faults, kills, and then both books are compared to the cent. It is
//! interrupted once between two rounds, and goes on with what is on the disk.

use std::sync::Arc;
use std::time::Duration;

use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::purchases::{BANK_TIME_S, Plan, State, run};

use crate::shared::turn;

#[tokio::test(flavor = "multi_thread")]
async fn the_books_agree_after_faults_and_kills_and_an_interruption() {
    let _turn = turn();
    let dir = tempfile::tempdir_in(boxoffice_tests::binary::scratch()).expect("a folder");
    let start = || {
        let options = Options { folder: Some(dir.path().join("cluster")), bank_time_s: Some(BANK_TIME_S), ..Options::default() };
        (Arc::new(Cluster::start(options).expect("the cluster starts")), State::open(dir.path()).expect("a state"))
    };
    let half = Plan {
        purchases: 100,
        round: 100,
        buyers: 12,
        fault: 0.1,
        kill_every: Some(Duration::from_secs(4)),
        seed: 7,
        settle: Duration::from_secs(300),
        abandon: false,
        // A node of an unoptimised build on a busy machine is away for long.
        pin_max: Duration::from_secs(180),
    };
    let (cluster, state) = start();
    assert!(!state.is_begun());
    let first = run(&cluster, &half, state).await.expect("the cluster is driven to the end");
    drop(cluster);
    let (cluster, state) = start();
    assert_eq!((state.rounds, state.is_begun()), (1, true));
    let report = run(&cluster, &Plan { purchases: 200, ..half }, state).await.expect("the cluster is driven to the end");
    println!("{report:#?}");
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
    assert!(first.money.confirmed > 0 && report.money.confirmed > first.money.confirmed, "{first:?} {report:?}");
    assert!(report.money.paid >= 200 && !report.pins.provider.is_empty() && !report.pins.bank.is_empty(), "{report:?}");
}
