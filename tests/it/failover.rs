//! "Fault tolerant", "availability first for searching and viewing": a killed or paused node stops booking for seconds at
//! most and loses nothing that was acknowledged; without a majority looking goes on and booking says so at once.

use std::time::{Duration, Instant};

use boxoffice_ledger::command::Role;
use boxoffice_tests::campaign::{Campaign, Fault, GAP_PATIENCE};
use boxoffice_tests::check;
use boxoffice_tests::http::PATIENCE;
use boxoffice_tests::process::Signal;
use boxoffice_tests::shop::{self, Terms};
use serde_json::json;

use crate::shared::own_cluster;

#[test]
fn killed_nodes_lose_and_double_nothing() {
    let (_turn, cluster) = own_cluster();
    let campaign = Campaign { fault: Fault::KillOne, rounds: 3, rate: 60.0, clients: 8, seed: 20, pause_max: GAP_PATIENCE };
    let verdict = campaign.run(&cluster, &mut []).expect("the campaign runs to its end");
    println!("{}", verdict.table());
    assert!(verdict.is_clean(), "{}", verdict.table());
}

#[tokio::test]
async fn without_a_majority_looking_goes_on_and_booking_says_no() {
    let (_turn, cluster) = own_cluster();
    let event = shop::put_on_sale(&cluster.client(1, Role::Coordinator), &Terms { name: "Last Light".into(), ..Terms::free(4) }).await;
    let somebody = cluster.client(1, Role::Customer);
    shop::buy(&somebody, &event, 0).await;
    shop::eventually("node 1 finds the event", PATIENCE, async || {
        let page = somebody.get("/event/search/light").await.expect(200);
        (!page["data"].as_array().expect("a list").is_empty()).then_some(())
    })
    .await;
    cluster.kill(2);
    cluster.kill(3);
    // Booking is refused in words; nothing hangs: each try has an answer, and what was sent to a dead leader is unknown.
    let since = Instant::now();
    let refused = shop::eventually("booking is refused as definite", PATIENCE, async || {
        let reply = shop::try_hold(&somebody, &event, &[1]).await.expect("an answer");
        assert!(matches!(reply.status, 503 | 504), "a booking accepted by a minority: {}", reply.text);
        (reply.status == 503).then_some(reply)
    })
    .await;
    assert!(refused.header("retry-after").is_some());
    let _ = refused.problem(503, "no_quorum");
    println!("noticed after {:?}", since.elapsed());
    // Once the loss is noticed, nobody waits for the answer: a write's deadline is 5 seconds, and a machine may stall.
    shop::is_quick("a refusal", Duration::from_secs(2), async || {
        for seat in 1..=3 {
            let _ = shop::try_hold(&somebody, &event, &[seat]).await.expect("an answer").problem(503, "no_quorum");
        }
    })
    .await;
    for path in [format!("/event/{event}"), "/event".into(), "/event/search/light".into(), format!("/event/{event}/seat")] {
        shop::is_quick(&path, Duration::from_secs(1), async || {
            let shown = somebody.try_get(&path).await.expect("an answer");
            assert_eq!(shown.status, 200, "{path}: {}", shown.text);
            assert!(shown.header("boxoffice-age-ms").is_some() || path.contains("search"), "{path} says how old it may be");
        })
        .await;
    }
    let age = somebody.get(&format!("/event/{event}/seat")).await.header("boxoffice-age-ms").and_then(|age| age.parse::<u64>().ok());
    assert!(age >= Some(2_000), "the map says how old it may be: {age:?}");
    let many = somebody.post("/event/availability", &json!({"events": [event]})).await.expect(200);
    assert_eq!((&many["data"][0]["event"], &many["data"][0]["availability"]), (&event.as_str().into(), &"available".into()));
    cluster.spawn(2).expect("the node starts again");
    let _ = shop::insist(&somebody, &[cluster.url(1)], &format!("/event/{event}/hold"), &json!({"seats": [2]})).await.expect(201);
}

#[tokio::test]
async fn a_paused_leader_comes_back_without_harm() {
    let (_turn, cluster) = own_cluster();
    let event = shop::put_on_sale(&cluster.client(1, Role::Coordinator), &Terms::free(40)).await;
    let leader = cluster.leader(cluster.group_of_event(&event)).await.expect("a leader");
    let other = leader % 3 + 1;
    let somebody = cluster.client(other, Role::Customer);
    cluster.signal(leader, Signal::Pause);
    let since = Instant::now();
    let mut seat = 0;
    shop::eventually("booking goes on without the paused leader", PATIENCE, async || {
        seat = (seat + 1) % 40;
        let held = shop::try_hold(&somebody, &event, &[seat]).await.ok()?;
        (held.status == 201).then_some(())
    })
    .await;
    println!("booking went on {:?} after the leader was paused", since.elapsed());
    cluster.signal(leader, Signal::Resume);
    // The old leader must not answer from the past: what it acknowledges now is in the same history.
    let returned = somebody.moved_to(&cluster.url(leader));
    shop::eventually("the old leader takes part again", PATIENCE, async || {
        let reply = returned.try_get(&format!("/event/{event}?consistency=linearizable")).await.ok()?;
        (reply.status == 200 && reply.body["sale"]["held"].as_u64() >= Some(1)).then_some(())
    })
    .await;
    let refused = shop::hold(&cluster.client(leader, Role::Customer), &event, &[seat]).await;
    let _ = refused.problem(409, "seat_unavailable");
    check::replicas_agree(&cluster).await.unwrap_or_else(|complaints| panic!("{complaints:#?}"));
}
