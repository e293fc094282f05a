//! All nodes are restarted one after the other while people buy: whoever tries again as they are told to never fails.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use boxoffice_ledger::command::Role;
use boxoffice_tests::check;
use boxoffice_tests::cluster::Cluster;
use boxoffice_tests::shop::{self, Terms};
use serde_json::json;

use crate::shared::own_cluster;

/// Seats on sale; more than can be bought meanwhile.
const SEATS: u32 = 4_000;

/// Pause between two purchases: a few a second.
const PAUSE: Duration = Duration::from_millis(100);

/// Buys one seat after the other until told to stop; every purchase must end well.
async fn buy_on(cluster: &Cluster, event: &str, enough: &AtomicBool, bought: &AtomicU64) {
    let urls: Vec<String> = (1..=cluster.size()).map(|node| cluster.url(node)).collect();
    let buyer = cluster.client(1, Role::Customer);
    for number in 0.. {
        if enough.load(Ordering::Relaxed) {
            return;
        }
        // Each begins at another node, the one that is away too.
        let mut urls = urls.clone();
        urls.rotate_left(number % cluster.size() as usize);
        let held = shop::insist(&buyer, &urls, &format!("/event/{event}/hold"), &json!({"best": {"quantity": 1}})).await;
        assert_eq!(held.status, 201, "{}", held.text);
        let hold = shop::id(&held.body);
        let paid = shop::insist(&buyer, &urls, &format!("/event/{event}/hold/{hold}/pay"), &json!({})).await;
        assert!(matches!(paid.status, 200 | 201), "{}", paid.text);
        bought.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(PAUSE).await;
    }
}

#[test]
fn a_rolling_restart_fails_nobody_who_tries_again() {
    let (_turn, cluster) = own_cluster();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let event = runtime.block_on(shop::put_on_sale(&cluster.client(1, Role::Coordinator), &Terms::free(SEATS)));
    let (enough, bought) = (AtomicBool::new(false), AtomicU64::new(0));
    let progress = |more: u64| {
        let wanted = bought.load(Ordering::Relaxed) + more;
        runtime.block_on(shop::eventually("purchases", boxoffice_tests::http::PATIENCE, async || {
            (bought.load(Ordering::Relaxed) >= wanted).then_some(())
        }));
    };
    std::thread::scope(|scope| {
        let buyers: Vec<_> = (0..2).map(|_| scope.spawn(|| own_runtime().block_on(buy_on(&cluster, &event, &enough, &bought)))).collect();
        progress(3);
        for node in 1..=cluster.size() {
            let since = Instant::now();
            cluster.stop(node).expect("it stops in order");
            println!("node {node} stopped in {:?}", since.elapsed());
            progress(2);
            cluster.spawn(node).expect("it starts");
            cluster.wait_ready().expect("it gets ready");
            progress(2);
        }
        enough.store(true, Ordering::Relaxed);
        buyers.into_iter().for_each(|buyer| buyer.join().expect("every purchase ends well"));
    });
    for node in 1..=cluster.size() {
        assert!(cluster.log(node).contains("stopped"), "node {node} was not stopped in order");
    }
    let sold = runtime.block_on(shop::seat_states(&cluster.client(1, Role::Customer), &event, SEATS));
    assert_eq!(sold.iter().filter(|state| **state == 2).count() as u64, bought.load(Ordering::Relaxed), "sold once each");
    runtime.block_on(check::replicas_agree(&cluster)).expect("replicas agree");
}

fn own_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime")
}
