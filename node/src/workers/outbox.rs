//! Carries deliveries from an event group's outbox to the users' groups. At least once; the receiver keeps the newest epoch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use boxoffice_cluster_config::ids::GroupId;
use boxoffice_cluster_config::limits::COMMAND_BYTES_MAX;
use boxoffice_ledger::accounts::AccountLedger;
use boxoffice_ledger::command::{AccountCommand, Delivery, SeatCommand};
use boxoffice_ledger::ids::Slot;
use boxoffice_ledger::outcome::AccountOutcome;
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_raft::planted::has;
use tokio::time::Instant;

use super::{PAUSE, context, leads, wake};
use crate::service::Service;

/// Deliveries in one command. A ticket takes about 150 bytes, so a full command stays well below its limit.
const DELIVERIES_MAX: usize = COMMAND_BYTES_MAX / 512;

/// Least time from one round to the next. The first delivery after a rest goes at once; in a rush each round is an entry in every
/// user group, so more of them would cost as much as selling does.
const ROUNDS_APART: Duration = Duration::from_millis(150);

/// Targets looked at in one round.
const TARGETS_MAX: usize = 1024;

/// See the module.
pub async fn run(service: Arc<Service>, group: GroupId) {
    let note = |waits| {
        if let Some(bells) = service.feed.bells(group) {
            bells.note_outbox(waits);
        }
    };
    loop {
        note(false);
        wake(service.feed.bells(group).map(|bells| &bells.outbox)).await;
        while leads(&service, group) {
            let next = Instant::now() + ROUNDS_APART;
            let round = round(&service, group).await;
            note(round != Some(0));
            match round {
                Some(0) => break,
                Some(_) => tokio::time::sleep_until(next).await,
                None => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

/// One pass over the outbox: every user group gets one command, then one entry moves the cursors of what arrived. Gives the
/// number of records that arrived, or `None` when nothing did though something waits.
async fn round(service: &Service, group: GroupId) -> Option<usize> {
    let waiting = take(service, group);
    if waiting.is_empty() {
        return Some(0);
    }
    let deliveries = waiting.into_iter().map(|(target, load)| async move {
        let command = AccountCommand::Deliver { records: load.records };
        let written = service.write::<AccountLedger>(context(), target, &command).await;
        let arrived = written.is_ok_and(|applied| applied.outcome == AccountOutcome::Done) || has("outbox-forgets");
        arrived.then_some(load.cursors)
    });
    let arrived: BTreeMap<u32, u64> = futures::future::join_all(deliveries).await.into_iter().flatten().flatten().collect();
    if arrived.is_empty() {
        return None;
    }
    let count = arrived.len();
    let acks = SeatCommand::OutboxAck { acks: arrived.into_iter().collect() };
    service.write::<SeatLedger>(context(), group, &acks).await.ok()?;
    Some(count)
}

#[derive(Default)]
struct Load {
    records: Vec<Delivery>,
    cursors: BTreeMap<u32, u64>,
}

/// What waits, by receiving group.
fn take(service: &Service, group: GroupId) -> BTreeMap<GroupId, Load> {
    let mut loads: BTreeMap<GroupId, Load> = BTreeMap::new();
    let Some(replica) = service.events.get(&group) else { return loads };
    let ledger = replica.read();
    for target in ledger.outbox().targets().take(TARGETS_MAX) {
        let receiver = service.user_slot_group(Slot::new((target & 0xfff) as u16));
        let load = loads.entry(receiver).or_default();
        let room = DELIVERIES_MAX.saturating_sub(load.records.len());
        for (sequence, delivery) in ledger.outbox().records(target).take(room) {
            load.records.push(delivery.clone());
            load.cursors.insert(target, sequence);
        }
    }
    loads.retain(|_, load| !load.records.is_empty());
    loads
}
