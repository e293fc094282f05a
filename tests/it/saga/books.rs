//! A small run of the campaign in `src/bin/purchases.rs`: buyers, faults, kills, and then both books are compared to the cent.

use std::time::Duration;

use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::purchases::{Plan, run};

use crate::shared::turn;

#[tokio::test(flavor = "multi_thread")]
async fn the_books_agree_after_faults_and_kills() {
    let _turn = turn();
    let cluster = Cluster::start(Options::default()).expect("the cluster starts");
    let plan = Plan {
        purchases: 60,
        buyers: 6,
        fault: 0.1,
        kill_every: Some(Duration::from_secs(6)),
        seed: 7,
        settle: Duration::from_secs(120),
        abandon: false,
    };
    let report = run(&cluster, &plan).await.unwrap_or_else(|error| panic!("{error:#}"));
    println!("{report:#?}");
    assert!(report.confirmed > 0 && report.captured == report.expected, "{report:?}");
}
