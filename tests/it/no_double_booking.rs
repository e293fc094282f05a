//! "Consistency first for booking (no double booking)": two clients race for one seat through different nodes; one wins each
//! time, the other learns which seat is gone and its state. `BOXOFFICE_RACES` sets how many races (default 300).

use std::sync::Arc;

use boxoffice_ledger::command::Role;
use boxoffice_tests::shop::{self, Terms};

use crate::shared::{cluster, coordinator};

/// Races that go on at once.
const LANES: u32 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clients_race_for_one_seat_and_one_wins() {
    let races: u32 = std::env::var("BOXOFFICE_RACES").map_or(300, |races| races.parse().expect("BOXOFFICE_RACES is a number"));
    let event: Arc<str> = shop::put_on_sale(&coordinator(), &Terms::free(races)).await.into();
    let lanes: Vec<_> = (0..LANES).map(|lane| tokio::spawn(run_lane(lane, races, Arc::clone(&event)))).collect();
    let mut wins = [0_u32; 2];
    for lane in lanes {
        for (total, won) in wins.iter_mut().zip(lane.await.expect("a lane ends")) {
            *total += won;
        }
    }
    assert_eq!(wins[0] + wins[1], races);
    println!("{races} races: the first client won {}, the second {}", wins[0], wins[1]);
    let client = cluster().client(1, Role::Operator);
    let map = client.get(&format!("/event/{event}?consistency=linearizable")).await.expect(200);
    assert_eq!(map["sale"]["held"], races, "each seat is held once: {}", map["sale"]);
}

/// Every `LANES`-th seat: two buyers at two different nodes ask for it at the same time.
async fn run_lane(lane: u32, races: u32, event: Arc<str>) -> [u32; 2] {
    let cluster = cluster();
    let nodes = [u64::from(lane) % 3 + 1, u64::from(lane + 1 + lane / 3 % 2) % 3 + 1];
    assert_ne!(nodes[0], nodes[1]);
    let buyers = nodes.map(|node| cluster.client(node, Role::Customer));
    let mut wins = [0; 2];
    for seat in (lane..races).step_by(LANES as usize) {
        let seats = [seat];
        let (first, second) = tokio::join!(shop::hold(&buyers[0], &event, &seats), shop::hold(&buyers[1], &event, &seats));
        let (winner, won, loser) = if first.status == 201 { (0, first, second) } else { (1, second, first) };
        assert_eq!(won.status, 201, "nobody got seat {seat}: {} {}", won.text, loser.text);
        let refused = loser.problem(409, "seat_unavailable");
        assert_eq!(refused["conflicts"][0]["index"], seat, "{refused}");
        assert_eq!(refused["conflicts"][0]["state"], "held", "{refused}");
        wins[winner] += 1;
    }
    wins
}
