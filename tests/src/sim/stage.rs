//! Before a run: a venue, its plan, and events on sale, all through the product.

use std::sync::Arc;
use std::time::Duration;

use boxoffice_api::backend::{Answer, Backend, Caller, Freshness, NewEvent, VenueInput};
use boxoffice_ledger::command::{EventStatus, RefundPolicy, Role, SaleTerms};
use boxoffice_ledger::ids::{EventId, Slot, UserId, VenueId};
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::plan::{Level, LevelIndex, Plan, Point, Row, Seat, SeatKind, Section};
use boxoffice_ledger::tickets::EntryTerms;
use boxoffice_ledger::time::{Millis, Timestamp};
use tokio::time::sleep;

use super::client::{context, fresh_request};
use super::clock::BEGIN_US;
use super::history::TTL_US;
use super::rng::Rng;
use super::world::World;

/// Who runs the events.
fn coordinator() -> Caller {
    Caller { user: UserId::new(BEGIN_US / 1000, Slot::new(1), 1), role: Role::Coordinator }
}

/// Asks one node after the other until it is done.
async fn insist<T, F>(world: &World, call: impl Fn(Arc<dyn Backend>) -> F) -> T
where
    T: Send + 'static,
    F: Future<Output = Answer<T>> + Send + 'static,
{
    loop {
        for node in world.up() {
            match world.ask(node, &call).await {
                Some(Ok(done)) => return done,
                Some(Err(failure)) => world.trace.say(|| format!("not yet: {failure:?}")),
                None => {}
            }
            sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Puts as many events on sale as a run has, others for each `purpose`.
pub async fn set(world: &World, purpose: &str) -> Vec<EventId> {
    let rng = Rng::new(world.options.seed, purpose);
    let request = fresh_request(&rng);
    let place = || VenueInput {
        name: Some("Hall".to_owned()),
        city: Some("Testville".to_owned()),
        country: Some("DE".to_owned()),
        time_zone: Some("Europe/Berlin".to_owned()),
    };
    let shared = rng.clone();
    let venue = insist(world, move |backend| {
        let (cx, place) = (context(&shared, Freshness::Local), place());
        async move { backend.put_venue(cx, coordinator(), request, None, place).await }
    })
    .await;
    let venue = venue.value.id;
    let (request, shared, plan) = (fresh_request(&rng), rng.clone(), plan(world.options.seats));
    insist(world, move |backend| {
        let (cx, plan) = (context(&shared, Freshness::Local), plan.clone());
        async move { backend.put_plan(cx, coordinator(), request, venue, plan).await }
    })
    .await;
    let mut events = Vec::new();
    for _ in 0..world.options.events {
        let (request, shared, price) = (fresh_request(&rng), rng.clone(), world.options.price);
        let created = insist(world, move |backend| {
            let (cx, event) = (context(&shared, Freshness::Local), event(venue, price));
            async move { backend.create_event(cx, coordinator(), request, event).await }
        })
        .await;
        events.push(created.value.view.event.id);
    }
    for event in events.clone() {
        let shared = rng.clone();
        insist(world, move |backend| {
            let cx = context(&shared, Freshness::Linearizable);
            async move { backend.seat_map(cx, event).await }
        })
        .await;
    }
    world.trace.say(|| format!("{} events are on sale", events.len()));
    events
}

fn plan(seats: u32) -> Plan {
    let seat = |number: u32| Seat {
        name: number.to_string(),
        level: LevelIndex(0),
        at: Point { x: number as i32 * 100, y: 0 },
        kind: SeatKind::Standard,
    };
    let row = Row { name: "A".to_owned(), seats: (1..=seats).map(seat).collect() };
    Plan {
        name: "Hall".to_owned(),
        levels: vec![Level { name: "All".to_owned(), color: 0x33_6699 }],
        sections: vec![Section { name: "Stalls".to_owned(), rows: vec![row] }],
        areas: Vec::new(),
        focal: Point::default(),
    }
}

fn event(venue: VenueId, price: u64) -> NewEvent {
    NewEvent {
        name: "An evening".to_owned(),
        description: String::new(),
        category: "test".to_owned(),
        venue,
        performers: Vec::new(),
        starts_at: Timestamp(BEGIN_US + 86_400_000_000 * 300),
        terms: SaleTerms {
            currency: Currency::parse("EUR").unwrap_or_else(|| unreachable!("it is one")),
            prices: vec![price],
            per_user_limit: 0,
            lapses_max: 0,
            hold_ttl: Millis(TTL_US / 1000),
            orphan_rule: false,
            opens_at: None,
            refunds: RefundPolicy::default(),
            entry: EntryTerms::default(),
            pricing: Vec::new(),
        },
        status: EventStatus::Published,
        images: Vec::new(),
    }
}
