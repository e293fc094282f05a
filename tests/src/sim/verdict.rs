//! After a run, when everything is well again: the cluster works, replicas are equal, and every promise was kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::ids::{EventId, OrderId, Slot, TicketId, UserId};
use boxoffice_ledger::outcome::{HoldState, OrderState, SeatState};
use boxoffice_ledger::plan::SeatIndex;
use boxoffice_ledger::seats::SeatLedger;
use tokio::time::{Instant, sleep, timeout};

use super::client::{fresh_request, settle};
use super::history::{History, Op, Wish};
use super::provider::{Payment, State};
use super::rng::Rng;
use super::stage;
use super::world::World;

/// How long the cluster may take for what it has to do.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long a message may still be on its way after its sender gave up.
const LATE: Duration = Duration::from_secs(8);

/// Settles what is unknown, waits until nothing is left to be done, and judges.
pub async fn judge(world: &World, history: &History, events: &[EventId], away: &[u64]) {
    sleep(LATE).await;
    settle_all(world, history).await;
    work(world, history).await;
    if world.trace.is_broken() || !quiet(world, history, events, away).await {
        return;
    }
    let Some(node) = world.up().first().copied() else { return };
    for node in world.up() {
        for broken in world.look(node, |live| live.broken()).unwrap_or_default() {
            world.trace.wrong("ledger_invariant", format!("node {node}: {broken}"));
        }
    }
    for event in events {
        let group = world.event_group(*event);
        world.look(node, |live| live.seats(group, |ledger| seats(world, history, *event, ledger)));
        world.look(node, |live| live.seats(group, |ledger| money(world, *event, ledger)));
        tickets(world, node, *event);
    }
}

/// Asks for every write of which it is unknown what became of it, with its key.
async fn settle_all(world: &World, history: &History) {
    let rng = Rng::new(world.options.seed, "settle");
    let until = Instant::now() + PATIENCE;
    let mut rounds = 0_u64;
    loop {
        let open = history.take_open();
        if open.is_empty() {
            return;
        }
        if Instant::now() > until {
            return world.trace.wrong("stuck", format!("{} writes stay unknown, the first is {:?}", open.len(), open[0]));
        }
        for wish in open {
            settle(world, history, &rng, &wish, 4).await;
        }
        rounds += 1;
        sleep(Duration::from_millis(rounds.min(20) * 50)).await;
    }
}

/// New events come on sale, and are booked.
async fn work(world: &World, history: &History) {
    let Ok(events) = timeout(PATIENCE, stage::set(world, "encore")).await else {
        return world.trace.wrong("stuck", "no new event comes on sale though all is well".to_owned());
    };
    let rng = Rng::new(world.options.seed, "work");
    for event in events {
        let user = UserId::new(0, Slot::new(3), u128::from(rng.next()));
        let op = Op::Hold(event, vec![SeatIndex(0)]);
        let wish = Wish { user, request: fresh_request(&rng), op, invoked_us: world.trace.now_us() };
        if settle(world, history, &rng, &wish, 50).await.is_none() {
            world.trace.wrong("stuck", format!("nobody can book though all is well: {wish:?}"));
        }
    }
}

/// Waits until all replicas have applied the same and no work is left; false when it takes too long.
async fn quiet(world: &World, history: &History, events: &[EventId], away: &[u64]) -> bool {
    let until = Instant::now() + PATIENCE;
    loop {
        let Some(waits) = waiting(world, history, events, away) else { return true };
        if Instant::now() > until {
            world.trace.wrong("stuck", waits);
            return false;
        }
        if world.trace.is_broken() {
            return false;
        }
        sleep(Duration::from_millis(300)).await;
    }
}

/// What is being waited for.
fn waiting(world: &World, history: &History, events: &[EventId], away: &[u64]) -> Option<String> {
    let up = world.up();
    if up.len() + away.len() != world.options.nodes as usize {
        return Some(format!("only {up:?} are up"));
    }
    for group in world.groups() {
        let of = |node: &u64| world.look(*node, |live| live.raft().group(group).map(|group| group.status())).flatten();
        let all: Vec<_> = up.iter().filter_map(of).collect();
        let (applied, leaders) = (
            all.iter().map(|status| status.applied_index).collect::<BTreeSet<_>>(),
            all.iter().map(|status| status.leader).collect::<BTreeSet<_>>(),
        );
        if applied.len() != 1 || leaders.len() != 1 || leaders.first() == Some(&None) {
            return Some(format!("{group}: applied {applied:?}, leaders {leaders:?}"));
        }
        if applied.first().is_some_and(|applied| *applied < history.acknowledged(group.0)) {
            world
                .trace
                .wrong("lost_ack", format!("{group}: entry {} was acknowledged, the last is {applied:?}", history.acknowledged(group.0)));
        }
    }
    let node = *up.first()?;
    let groups: BTreeSet<GroupId> = events.iter().map(|event| world.event_group(*event)).collect();
    groups.into_iter().find_map(|group| {
        world.look(node, |live| {
            live.seats(group, |ledger| {
                let (attempts, refunds) = (ledger.open_attempts(10, 10), ledger.open_refunds(10));
                let outbox = ledger.outbox_targets();
                (!attempts.is_empty() || !refunds.is_empty() || !outbox.is_empty())
                    .then(|| format!("{group}: attempts {attempts:?}, refunds {refunds:?}, outbox {outbox:?}"))
            })
        })??
    })
}

/// Every acknowledged effect is there, no seat is sold twice, and none is held by nobody.
fn seats(world: &World, history: &History, event: EventId, ledger: &SeatLedger) {
    let Some(sale) = ledger.event(event) else {
        return world.trace.wrong("lost_ack", format!("{event:?} was on sale and is gone"));
    };
    let mut sold: BTreeMap<SeatIndex, OrderId> = BTreeMap::new();
    let mut explained: BTreeSet<SeatIndex> = BTreeSet::new();
    for held in history.holds().iter().filter(|held| held.event == event) {
        let info = ledger.hold(event, held.info.hold);
        let state = info.as_ref().map(|info| info.state);
        if !held.is_released || state != Some(HoldState::Released) {
            explained.extend(&held.info.seats);
        }
        if held.is_released && matches!(state, Some(HoldState::Active | HoldState::Paying | HoldState::Converted)) {
            world.trace.wrong("lost_ack", format!("{:?} was released, and is {state:?}", held.info));
        }
        let Some((confirmation, _)) = &held.bought else { continue };
        let order = ledger.order(event, confirmation.order).map(|view| view.order);
        if order.as_ref().is_none_or(|order| !matches!(order.state, OrderState::Confirmed)) {
            world.trace.wrong("lost_ack", format!("{confirmation:?} was acknowledged, and the order is {order:?}"));
        }
        for seat in &held.info.seats {
            if let Some(other) = sold.insert(*seat, confirmation.order) {
                world.trace.wrong("double_sale", format!("seat {} by {other:?} and {:?}", seat.0, confirmation.order));
            }
            if sale.seat_state(*seat) != Some(SeatState::Sold) {
                world.trace.wrong("lost_ack", format!("seat {} was sold, and is {:?}", seat.0, sale.seat_state(*seat)));
            }
        }
    }
    for seat in (0..world.options.seats).map(SeatIndex) {
        let taken = !matches!(sale.seat_state(seat), Some(SeatState::Available));
        if taken && !explained.contains(&seat) {
            let state = sale.seat_state(seat);
            world.trace.wrong("refused_but_done", format!("seat {} is {state:?}, and nobody was told of a hold", seat.0));
        }
    }
}

/// What the provider took is what was sold, order by order.
fn money(world: &World, event: EventId, ledger: &SeatLedger) {
    let mut books: BTreeMap<String, Vec<Payment>> = BTreeMap::new();
    for payment in world.provider.books().into_iter().filter(|payment| payment.charge.event == Some(event)) {
        books.entry(payment.charge.order.clone()).or_default().push(payment);
    }
    for (text, payments) in &books {
        let order = OrderId::parse(text).ok().and_then(|order| ledger.order(event, order)).map(|view| view.order);
        let owed = order.as_ref().filter(|order| order.state == OrderState::Confirmed).map_or(0, |order| order.total);
        let taken: u64 = payments
            .iter()
            .filter(|payment| payment.state == State::Captured)
            .map(|payment| payment.charge.total.amount - payment.refunded())
            .sum();
        let reserved = payments.iter().filter(|payment| payment.state == State::Authorized).count();
        let name = match (owed, taken) {
            _ if taken > owed && owed > 0 => "double_charge",
            _ if taken > owed => "paid_without_ticket",
            _ if taken < owed => "ticket_without_payment",
            _ if reserved > 0 => "money_left_reserved",
            _ => continue,
        };
        world.trace.wrong(name, format!("{text}: {order:?}, the provider has {payments:?}"));
    }
    for ticket in tickets_of(ledger, event) {
        let order = ledger.ticket(event, ticket).map(|record| (record.order, record.price));
        if let Some((order, price)) = order
            && price > 0
            && !books.contains_key(&order.to_string())
        {
            world.trace.wrong("ticket_without_payment", format!("{ticket:?} of {order:?}"));
        }
    }
}

fn tickets_of(ledger: &SeatLedger, event: EventId) -> Vec<TicketId> {
    ledger.event(event).map(|sale| sale.tickets_after(None, usize::MAX, |_| true)).unwrap_or_default()
}

/// Every ticket that was issued is in its owner's account, and no seat has two.
fn tickets(world: &World, node: u64, event: EventId) {
    let group = world.event_group(event);
    let issued = world.look(node, |live| {
        live.seats(group, |ledger| {
            let records = tickets_of(ledger, event).into_iter().filter_map(|ticket| ledger.ticket(event, ticket));
            records.filter(|record| !record.void).collect::<Vec<_>>()
        })
    });
    let mut seats = BTreeSet::new();
    for record in issued.flatten().unwrap_or_default() {
        if !seats.insert(record.seat) {
            world.trace.wrong("double_sale", format!("two tickets for seat {:?}", record.seat));
        }
        let users = GroupId(world.options.event_groups + 1 + u32::from(record.user.slot().number()) % world.options.user_groups);
        let there = world.look(node, |live| live.accounts(users, |accounts| accounts.ticket(record.user, record.id).is_some())).flatten();
        if there != Some(true) {
            world.trace.wrong("ticket_not_delivered", format!("{record:?}"));
        }
    }
}
