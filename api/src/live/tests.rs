//! Readers of different speed, without sockets.

use serde_json::Value;

use super::feed::{Frame, Subscription};
use crate::tests::fake::event_id;
use crate::tests::harness::{Edge, config};
use boxoffice_ledger::outcome::SeatState;

async fn watching(edge: &Edge) -> Subscription {
    let mut subscription = edge.fake.hub.get().unwrap().subscribe(event_id(), None).await.unwrap();
    assert_eq!(subscription.next().await.kind, "snapshot");
    subscription
}

fn said(frame: &Frame) -> Value {
    serde_json::from_str(frame.text.as_str()).unwrap()
}

#[tokio::test]
async fn who_reads_slowly_gets_all_it_missed_in_one_message_that_others_share() {
    let edge = Edge::with(config());
    let (mut quick, mut slow, mut slower) = (watching(&edge).await, watching(&edge).await, watching(&edge).await);
    let mut rev = 0;
    for seat in 0..4 {
        rev = edge.fake.move_seats(&[seat], SeatState::Held);
        let frame = quick.next().await;
        assert_eq!((said(&frame)["rev"].as_u64(), said(&frame)["set"].to_string()), (Some(rev), format!("[[{seat},1]]")));
    }
    let (one, other) = (slow.next().await, slower.next().await);
    assert_eq!(said(&one)["prev"], 100);
    assert_eq!((one.rev, said(&one)["set"].to_string()), (rev, "[[0,1],[1,1],[2,1],[3,1]]".into()));
    assert_eq!(one.text.as_str().as_ptr(), other.text.as_str().as_ptr(), "encoded once");
    // And then all go on together.
    edge.fake.move_seats(&[0], SeatState::Sold);
    let (one, other) = (quick.next().await, slow.next().await);
    assert_eq!(one, other);
    assert_eq!(one.text.as_str().as_ptr(), other.text.as_str().as_ptr(), "encoded once");
}
