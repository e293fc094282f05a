//! A node whose clock is wrong answers like the others: what time it is, a quorum says.

use boxoffice_tests::cluster::{Cluster, Options, skip};
use boxoffice_tests::faketime;
use boxoffice_tests::http::{Client, PATIENCE};
use boxoffice_tests::people::{PASSWORD, as_person, log_in, register};
use boxoffice_tests::shop;
use serde_json::json;

#[tokio::test]
async fn a_clock_that_is_wrong_by_an_hour_ends_no_session_and_leaves_no_payment_lying() {
    if faketime::library().is_none() {
        return skip("faketime", "libfaketime is not installed");
    }
    // Longer than a session's token is good, and than a request owns its payment.
    let clocks = vec![String::new(), "+1h".into(), "-1h".into()];
    let cluster = Cluster::start(Options { clocks, ..Options::default() }).expect("the cluster starts");
    let at = |node: u64| Client::at(&cluster.url(node));
    let ada = register(&at(1), "ada").await;
    for from in 1..=3 {
        let session = log_in(&at(from), &ada.email, PASSWORD).await.expect(201);
        for to in 1..=3 {
            // A node that has just started may have heard one other clock only: which of two is wrong cannot be known.
            let knows = async || (as_person(&at(to), &session).get("/user").await.status == 200).then_some(());
            shop::eventually(&format!("node {to} to take a session of node {from}"), PATIENCE, knows).await;
            let made = as_person(&at(to), &session).post("/key", &json!({"name": format!("{from}-{to}"), "scopes": ["book"]})).await;
            assert_eq!(made.status, 201, "logged in at {from}, wrote at {to}: {}", made.text);
        }
    }
}
