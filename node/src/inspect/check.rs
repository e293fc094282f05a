//! What must hold of the ledgers, group by group and between groups. Each function looks at frozen machines and says what it found.
//!
//! `records` is the ledger's own check of everything in one group. The others work the promises that matter most out again, from the
//! records alone and by another way: one ticket a seat, money that adds up, and that what events' groups issued is what users are shown.

use std::collections::{BTreeMap, BTreeSet};

use boxoffice_api::backend::{Finding, GroupCheck};
use boxoffice_cluster_config::groups::{CATALOG, GroupCounts, GroupKind};
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::accounts::AccountLedger;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::{Delivery, OrderRecord};
use boxoffice_ledger::ids::{EventId, OrderId, TicketId, UserId};
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::orders::order_of;
use boxoffice_ledger::outcome::AttemptState;
use boxoffice_ledger::seats::{EventSale, SeatLedger};
use boxoffice_ledger::tickets::TicketRecord;
use boxoffice_ledger::time::Timestamp;

use super::machines::Machines;

/// Everything that the ledger says of itself, the digest recomputed too.
pub fn records<M: Machine>(machine: &M) -> Finding {
    let mut finding = Finding::new("records", "every record fits all others, and together they have the digest");
    finding.look(machine.check_invariants().err());
    finding
}

/// No two tickets that are good are for one seat, and a sold seat has one.
pub fn tickets(ledger: &SeatLedger) -> Finding {
    let mut finding = Finding::new("tickets", "no two tickets that are good are for one seat");
    for sale in ledger.events() {
        let mut taken = BTreeMap::new();
        for ticket in issued(sale).filter(|ticket| !ticket.void) {
            let other = ticket.seat.and_then(|seat| taken.insert(seat, ticket.id));
            finding.look(other.map(|other| format!("{} and {other} of {} are for one seat", ticket.id, sale.id())));
        }
    }
    finding
}

/// What was captured is what the tickets cost, and no more was given back.
pub fn money(ledger: &SeatLedger) -> Finding {
    let mut finding = Finding::new("money", "what was paid for an order is what its tickets cost, and no more was given back");
    for sale in ledger.events() {
        for order in orders(sale) {
            let Some(order) = sale.order(order).map(|view| view.order) else { continue };
            let cost: u128 = order.tickets().map(|(_, ticket)| u128::from(ticket.price)).sum();
            let captured = order.attempts.iter().filter(|attempt| attempt.state == AttemptState::Captured).count();
            let wrong = match () {
                () if order.is_confirmed() && cost != u128::from(order.total) => Some(format!("tickets cost {cost}, paid {}", order.total)),
                () if order.refunded > order.total => Some(format!("{} of {} given back", order.refunded, order.total)),
                () if captured > 1 => Some(format!("captured {captured} times")),
                () => None,
            };
            finding.look(wrong.map(|wrong| format!("{} of {}: {wrong}", order.id, sale.id())));
        }
    }
    finding
}

/// Every ticket and order of an events' group is shown to its owner, or waits in the outbox. The accounts must be no older.
pub fn delivered<'a>(ledger: &SeatLedger, accounts: impl Fn(UserId) -> Option<&'a AccountLedger>) -> Finding {
    let mut finding = Finding::new("delivery", "owners are shown every ticket and order, or it is on its way");
    let waiting = Waiting::of(ledger);
    for sale in ledger.events() {
        for ticket in issued(sale) {
            let Some(ledger) = accounts(ticket.user) else { continue };
            let shown = ledger.ticket(ticket.user, ticket.id).is_some_and(|shown| shown.epoch >= ticket.epoch);
            let waits = || waiting.tickets.contains(&(ticket.user, ticket.id, ticket.epoch));
            finding.look((!shown && !waits()).then(|| format!("{} of {} is not shown to {}", ticket.id, sale.id(), ticket.user)));
        }
        for order in orders(sale) {
            let Some(order) = sale.order(order).map(|view| view.order) else { continue };
            let Some(ledger) = accounts(order.user) else { continue };
            let shown = ledger.order(order.user, order.id).is_some_and(|shown| shown.revision >= order.revision);
            let waits = || waiting.orders.contains(&(order.user, order.id, order.revision));
            finding.look((!shown && !waits()).then(|| format!("{} of {} is not shown to {}", order.id, sale.id(), order.user)));
        }
    }
    finding
}

/// What is on its way.
#[derive(Default)]
struct Waiting {
    tickets: BTreeSet<(UserId, TicketId, u32)>,
    orders: BTreeSet<(UserId, OrderId, u32)>,
}

impl Waiting {
    fn of(ledger: &SeatLedger) -> Self {
        let mut waiting = Self::default();
        for target in ledger.outbox_targets() {
            for (_, record) in ledger.outbox_records(target, usize::MAX) {
                match record {
                    Delivery::Ticket(ticket) => drop(waiting.tickets.insert((ticket.user, ticket.id, ticket.epoch))),
                    Delivery::Order(order) => drop(waiting.orders.insert((order.user, order.id, order.revision))),
                }
            }
        }
        waiting
    }
}

/// Whatever users are shown was issued. The seat ledgers must be no older.
pub fn shown<'a>(ledger: &AccountLedger, seats: impl Fn(EventId) -> Option<&'a SeatLedger>) -> Finding {
    let mut finding = Finding::new("delivery", "what users are shown was issued to them");
    for ticket in ledger.tickets() {
        let Some(seats) = seats(ticket.event) else { continue };
        finding.look(not_issued(ticket, seats).map(|wrong| format!("{} of {}: {wrong}", ticket.id, ticket.user)));
    }
    for order in ledger.orders() {
        let Some(seats) = seats(order.event) else { continue };
        finding.look(not_sold(order, seats).map(|wrong| format!("{} of {}: {wrong}", order.id, order.user)));
    }
    finding
}

fn not_issued(shown: &TicketRecord, seats: &SeatLedger) -> Option<String> {
    let Some(issued) = seats.ticket(shown.event, shown.id) else { return Some("never issued".into()) };
    if shown.epoch > issued.epoch {
        return Some(format!("epoch {} is shown, {} was issued", shown.epoch, issued.epoch));
    }
    let same = shown.moved || (shown.user == issued.user && shown.void == issued.void && shown.seat == issued.seat);
    (shown.epoch == issued.epoch && !same).then(|| "another ticket than was issued".into())
}

fn not_sold(shown: &OrderRecord, seats: &SeatLedger) -> Option<String> {
    let Some(sold) = seats.order(shown.event, shown.id).map(|view| view.order) else { return Some("never sold".into()) };
    if shown.revision > sold.revision {
        return Some(format!("revision {} is shown, {} was sold", shown.revision, sold.revision));
    }
    let same = (shown.user, shown.total, shown.refunded, shown.receipt) == (sold.user, sold.total, sold.refunded, sold.receipt);
    (shown.revision == sold.revision && !same).then(|| "another order than was sold".into())
}

/// Every event that the catalog calls provisioned can be sold by its group. The seat ledgers must be no older.
pub fn provisioned<'a>(catalog: &CatalogLedger, seats: impl Fn(EventId) -> Option<&'a SeatLedger>) -> Finding {
    let mut finding = Finding::new("provisioned", "an event that the catalog calls provisioned is in its group");
    for event in catalog.events().filter(|event| event.provisioned) {
        let Some(seats) = seats(event.id) else { continue };
        finding.look(seats.event(event.id).is_none().then(|| format!("{} is not in its group", event.id)));
    }
    finding
}

fn issued(sale: &EventSale) -> impl Iterator<Item = TicketRecord> {
    sale.tickets_after(None, usize::MAX, |_| true).into_iter().filter_map(|ticket| sale.ticket(ticket))
}

/// Orders with tickets.
fn orders(sale: &EventSale) -> Vec<OrderId> {
    let mut orders: Vec<OrderId> = sale.tickets_after(None, usize::MAX, |_| true).into_iter().map(|ticket| order_of(ticket).0).collect();
    orders.dedup();
    orders
}

/// Whether groups can be held against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing was on its way from one group to another, or each group is at least as new as what others know of it.
    Whole,
    /// Each group stands where its node happened to be.
    Ragged,
}

/// Checks the machines of a whole cluster, as they lie on one node's disk or came out of a backup.
#[must_use]
pub fn all(machines: &Machines, counts: GroupCounts, node: u64, cut: Cut) -> Vec<GroupCheck> {
    let seats = |event: EventId| machines.events.get(&counts.of_event_slot(event.slot().number())).map(|stood| &stood.machine);
    let accounts = |user: UserId| machines.users.get(&counts.of_user_slot(user.slot().number())).map(|stood| &stood.machine);
    let one = |group: GroupId, index: u64, at: Timestamp, digest: u128, findings: Vec<Finding>| GroupCheck {
        node,
        group: group.0,
        kind: kind_name(counts.kind(group)),
        index,
        at,
        digest,
        findings,
    };
    let whole = |finding: &dyn Fn() -> Finding| (cut == Cut::Whole).then(finding);
    let stood = &machines.catalog;
    let mut findings = vec![records(&stood.machine)];
    findings.extend(whole(&|| provisioned(&stood.machine, seats)));
    let mut found = vec![one(CATALOG, stood.index, stood.machine.at(), stood.machine.digest().0, findings)];
    for (group, stood) in &machines.events {
        let mut findings = of_seats(&stood.machine);
        findings.extend(whole(&|| delivered(&stood.machine, accounts)));
        found.push(one(*group, stood.index, stood.machine.at(), stood.machine.digest().0, findings));
    }
    for (group, stood) in &machines.users {
        let mut findings = vec![records(&stood.machine)];
        findings.extend(whole(&|| shown(&stood.machine, seats)));
        found.push(one(*group, stood.index, stood.machine.at(), stood.machine.digest().0, findings));
    }
    found
}

/// What holds within an events' group.
pub fn of_seats(ledger: &SeatLedger) -> Vec<Finding> {
    vec![records(ledger), tickets(ledger), money(ledger)]
}

/// The name of a kind of group.
#[must_use]
pub fn kind_name(kind: Option<GroupKind>) -> &'static str {
    match kind {
        Some(GroupKind::Catalog) => "catalog",
        Some(GroupKind::Events) => "events",
        Some(GroupKind::Users) => "users",
        None => "unknown",
    }
}

#[cfg(test)]
mod tests;
