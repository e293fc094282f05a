//! "`GET /event/{id}/seat`: seats of an event", and "the current map of the venue over a socket that keeps seat occupancy live".

use boxoffice_tests::http::{Client, PATIENCE, Reply, new_key};
use boxoffice_tests::shop::{self, Terms};

use crate::shared::{buyer, cluster, coordinator};

#[tokio::test]
async fn a_hold_and_a_sale_show_on_every_node() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(5)).await;
    let somebody = buyer(1);
    let held = shop::hold(&somebody, &event, &[1]).await.expect(201);
    shop::buy(&somebody, &event, 3).await;
    assert_eq!(held["seats"][0]["index"], 1);
    for node in 1..=3 {
        let client = Client::at(&cluster().url(node));
        shop::eventually(&format!("node {node} shows the hold and the sale"), PATIENCE, async || {
            (shop::seat_states(&client, &event, 5).await == [0, 1, 0, 2, 0]).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn seats_can_be_asked_for_by_state() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(6).priced(900)).await;
    shop::buy(&buyer(1), &event, 4).await;
    let client = buyer(1);
    let page = client.get(&format!("/event/{event}/seat?state=sold&consistency=linearizable")).await.expect(200);
    let seats = page["list"]["data"].as_array().expect("a list");
    assert_eq!(seats.len(), 1);
    assert_eq!((&seats[0]["seat"], &seats[0]["state"]), (&"S1-1-5".into(), &"sold".into()));
    assert_eq!(seats[0]["price"]["amount"], 900);
}

#[tokio::test]
async fn the_layout_is_immutable_and_names_every_seat() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(60)).await;
    let client = buyer(2);
    let shown = client.get(&format!("/event/{event}")).await.expect(200);
    let layout = client.get(&format!("/layout/{}", shown["layout"].as_str().expect("a layout"))).await;
    assert!(layout.header("cache-control").is_some_and(|value| value.contains("immutable")), "{:?}", layout.headers);
    let rows = layout.expect(200)["sections"][0]["rows"].as_array().expect("rows").clone();
    let count: usize = rows.iter().map(|row| row["seats"].as_array().expect("seats").len()).sum();
    assert_eq!(count, 60);
}

#[tokio::test]
async fn the_stream_tells_of_a_hold_as_it_happens() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(5)).await;
    let client = buyer(3);
    let mut stream =
        client.request("GET", &format!("/event/{event}/seat/stream")).timeout(3 * PATIENCE).send().await.expect("the stream opens");
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut heard = String::new();
    let mut hear_until = async |word: &str| {
        while !heard.contains(word) {
            let chunk = tokio::time::timeout(PATIENCE, stream.chunk()).await.unwrap_or_else(|_| panic!("no {word} in {heard}"));
            let chunk = chunk.expect("the stream goes on").expect("the stream does not end");
            heard.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    hear_until("snapshot").await;
    let _ = shop::hold(&buyer(1), &event, &[2]).await.expect(201);
    hear_until("[2,1]").await;
}

#[tokio::test]
async fn the_seats_as_they_were_are_the_same_on_every_node() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(6)).await;
    let somebody = buyer(1);
    let revision = |reply: &Reply| reply.header("boxoffice-revision").expect("a write says where it is").to_owned();
    let held = shop::hold(&somebody, &event, &[1]).await;
    let first = revision(&held);
    let hold = shop::id(&held.expect(201));
    let release = somebody.request("DELETE", &format!("/event/{event}/hold/{hold}")).header("Idempotency-Key", new_key());
    let released = somebody.send(release).await.expect("an answer");
    let second = revision(&released);
    shop::buy(&somebody, &event, 3).await;
    let third = revision(&shop::hold(&somebody, &event, &[1, 2]).await);
    for (at, states) in [(&first, [0, 1, 0, 0, 0, 0]), (&second, [0; 6]), (&third, [0, 1, 1, 2, 0, 0])] {
        let mut shown = Vec::new();
        for node in 1..=3 {
            let map = Client::at(&cluster().url(node)).get(&format!("/event/{event}/seat?as_of={at}")).await;
            assert_eq!(map.header("boxoffice-revision"), Some(at.as_str()));
            shown.push(map.expect(200));
        }
        assert_eq!(shop::states_of(&shown[0], 6), states, "at {at}");
        let [held, sold] = [1, 2].map(|state| states.iter().filter(|seat| **seat == state).count());
        let count = &shown[0]["counts"][0];
        assert_eq!((&count["available"], &count["held"], &count["sold"]), (&(6 - held - sold).into(), &held.into(), &sold.into()));
        assert!(shown.iter().all(|map| map == &shown[0]), "{shown:#?}");
    }
    let _ = somebody.get(&format!("/event/{event}/seat?as_of=0:1")).await.problem(422, "validation_failed");
    let _ = somebody.get(&format!("/event/{event}/seat?as_of={first}&consistency=local")).await.problem(422, "validation_failed");
}
