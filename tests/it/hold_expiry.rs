//! A hold that is neither paid nor released ends by itself and its seats are free again; one that is being paid does not.

use std::time::{Duration, Instant};

use boxoffice_tests::http::PATIENCE;
use boxoffice_tests::shop::{self, Terms};
use serde_json::json;

use crate::shared::{buyer, cluster, coordinator};

/// The shortest life a hold may have.
const SHORTEST_TTL_S: u64 = 120;

#[tokio::test]
async fn a_hold_says_when_it_ends() {
    let event = shop::put_on_sale(&coordinator(), &Terms { hold_ttl_s: SHORTEST_TTL_S, ..Terms::free(2) }).await;
    let somebody = buyer(1);
    let held = shop::hold(&somebody, &event, &[0]).await.expect(201);
    let expires = held["expires_at"].as_str().expect("a time").to_owned();
    let path = format!("/event/{event}/hold/{}", shop::id(&held));
    let again = somebody.moved_to(&cluster().url(3)).get(&path).await.expect(200);
    assert_eq!(again["expires_at"], expires.as_str(), "the same on another node");
    let too_short = Terms { hold_ttl_s: SHORTEST_TTL_S - 1, ..Terms::free(2) };
    let venue = shop::build_venue(&coordinator(), 2).await;
    let refused = coordinator().post("/event", &shop::event_body(&venue, &too_short)).await.problem(422, "validation_failed");
    assert!(refused["errors"][0]["pointer"].as_str().is_some_and(|pointer| pointer.starts_with("/hold_ttl")), "{refused}");
}

#[tokio::test]
async fn an_extension_moves_the_end_and_is_not_given_twice_in_a_minute() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(2)).await;
    let somebody = buyer(1);
    let held = shop::hold(&somebody, &event, &[0]).await.expect(201);
    let path = format!("/event/{event}/hold/{}/extend", shop::id(&held));
    let extended = somebody.post(&path, &json!({})).await.expect(200);
    assert!(extended["expires_at"].as_str() > held["expires_at"].as_str(), "{extended}");
    let refused = somebody.post(&path, &json!({})).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
}

/// The shortest hold lives for two minutes, so this runs beside all other tests, on a sale of its own.
#[tokio::test]
async fn an_abandoned_hold_frees_its_seats_by_itself() {
    let event = shop::put_on_sale(&coordinator(), &Terms { hold_ttl_s: SHORTEST_TTL_S, ..Terms::free(2) }).await;
    let somebody = buyer(1);
    let began = Instant::now();
    let held = shop::hold(&somebody, &event, &[0]).await.expect(201);
    let other = buyer(2);
    let life = Duration::from_secs(SHORTEST_TTL_S);
    // Long enough before the end for a machine that stalls. Nothing else happens on this event meanwhile: only time frees the seat.
    tokio::time::sleep(life.saturating_sub(Duration::from_secs(30))).await;
    let _ = shop::hold(&other, &event, &[0]).await.problem(409, "seat_unavailable");
    shop::eventually("the seat is free again", Duration::from_secs(30) + PATIENCE, async || {
        (shop::seat_states(&other, &event, 2).await == [0, 0]).then_some(())
    })
    .await;
    assert!(began.elapsed() >= life - Duration::from_secs(1), "after {:?}", began.elapsed());
    let late = shop::pay(&somebody, &event, &shop::id(&held)).await;
    let _ = late.problem(410, "hold_expired");
    shop::buy(&other, &event, 0).await;
}
