//! The fault tests themselves: a good cluster passes, and a broken one is caught.

use std::path::PathBuf;
use std::time::Duration;

use ::jepsen::disk::Disk;
use ::jepsen::nemesis::Fault;
use ::jepsen::net::Net;
use ::jepsen::run::{Outcome, Plan, run};
use ::jepsen::workload::Workload;
use boxoffice_tests::{binary, cluster};

use crate::shared::turn;

fn plan(workload: Workload, faults: &[Fault], bug: Option<&str>) -> (tempfile::TempDir, Plan) {
    let folder = tempfile::Builder::new().prefix("jepsen-").tempdir_in(binary::scratch()).expect("a folder can be made");
    let environment = bug.map(|bug| ("BOXOFFICE_PLANTED".to_owned(), bug.to_owned()));
    let plan = Plan {
        binary: PathBuf::from(binary::boxoffice()),
        store: folder.path().join("store"),
        workload,
        faults: faults.to_vec(),
        time: Duration::from_secs(10),
        seed: 7,
        nodes: 3,
        clients: 12,
        // A machine that is busy makes fewer; what is checked does not depend on it.
        rate: 40.0,
        fault_lasts: Duration::from_secs(2),
        fault_pause: Duration::from_secs(2),
        environment: environment.into_iter().collect(),
        net: Net::Links,
    };
    (folder, plan)
}

async fn names(workload: Workload, faults: &[Fault], bug: &str) -> Vec<String> {
    let (_folder, plan) = plan(workload, faults, Some(bug));
    let outcome = run(&plan).await.expect("the run comes to its end");
    let mut names: Vec<String> = outcome.verdict.anomalies.iter().map(|anomaly| anomaly.name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

fn assert_good(outcome: &Outcome, plan: &Plan) {
    let verdict = &outcome.verdict;
    assert!(verdict.is_good() && outcome.ok > 20, "{outcome:#?}");
    assert_eq!(outcome.skipped, Vec::<String>::new());
    for name in ["history.jsonl", "history.edn", "results.json", "results.txt", "index.html", "latency.svg", "rate.svg", "n1/log"] {
        assert!(plan.store.join(name).exists(), "{name} is missing");
    }
    // The stored history comes to the same verdict.
    let (again, text) = ::jepsen::store::judge(&plan.store).expect("the stored run can be judged");
    assert!(again.is_good(), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_cluster_passes_kills_and_partitions() {
    let _turn = turn();
    let (_folder, plan) = plan(Workload::Seat, &[Fault::KillLeader, Fault::IsolateLeader], None);
    let outcome = run(&plan).await.expect("the run comes to its end");
    assert_good(&outcome, &plan);
    assert!(!outcome.faults.is_empty() && outcome.verdict.counts["operations on seats searched"] > 20, "{outcome:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickets_are_of_one_person_and_admit_once_while_the_leader_dies() {
    let _turn = turn();
    let (_folder, plan) = plan(Workload::Ticket, &[Fault::KillLeader, Fault::CrashPoint], None);
    let outcome = run(&plan).await.expect("the run comes to its end");
    assert_good(&outcome, &plan);
    assert!(outcome.verdict.counts["operations on tickets searched"] > 20, "{outcome:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maps_follow_the_ledger_from_node_to_node() {
    let _turn = turn();
    let (_folder, plan) = plan(Workload::Live, &[Fault::Kill, Fault::SlowLinks], None);
    let outcome = run(&plan).await.expect("the run comes to its end");
    assert_good(&outcome, &plan);
    assert!(outcome.verdict.counts["maps compared with the ledger of then"] > 0, "{outcome:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_is_acknowledged_and_never_happens_is_caught() {
    let _turn = turn();
    let names = names(Workload::Seat, &[], "ack-before-commit").await;
    assert!(names.contains(&"not_linearizable".to_owned()), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forgotten_keys_are_caught() {
    let _turn = turn();
    let names = names(Workload::Idempotency, &[], "forget-idempotency").await;
    assert!(names.contains(&"unexpected_answer".to_owned()), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stale_reads_that_are_called_linearizable_are_caught() {
    let _turn = turn();
    let names = names(Workload::Seat, &[Fault::IsolateLeader, Fault::SlowLinks], "stale-reads").await;
    assert!(names.contains(&"stale_read".to_owned()) || names.contains(&"not_linearizable".to_owned()), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_are_not_synced_are_caught() {
    if let Some(why) = Disk::unavailable() {
        return cluster::skip("root", why);
    }
    let _turn = turn();
    let (_folder, plan) = plan(Workload::Seat, &[Fault::PowerCutAll], Some("skip-fsync"));
    // Without what it had promised to keep, the cluster loses sales, or does not come back at all.
    if let Ok(outcome) = run(&plan).await {
        assert!(!outcome.verdict.is_good(), "{outcome:#?}");
    }
}
