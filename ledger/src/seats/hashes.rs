//! Hashes of the records of an event group, for its digest. Every field that a record's future depends on is in.

use prost::Message;

use super::event::Head;
use super::records::{AreaCell, Cell, Hold, UserCount};
use crate::codec::price;
use crate::command::{Actor, Delivery, RefundPolicy, SaleTerms};
use crate::digest::RecordHasher;
use crate::ids::{EventId, PlanHash, UserId};
use crate::orders::{Attempt, Order, Place};
use crate::outcome::OrderState;
use crate::plan::{AreaIndex, SeatIndex};
use crate::pricing::Policy;
use crate::promos::Applied;
use crate::tickets::{EntryTerms, Reentry, TicketRecord};
use crate::time::Timestamp;

const CLOCK: u32 = 100;
const HEAD: u32 = 101;
const TERMS: u32 = 102;
const CELL: u32 = 103;
const AREA: u32 = 104;
const USER: u32 = 105;
const HOLD: u32 = 106;
const ORDER: u32 = 107;
const TICKET: u32 = 108;
const ORDER_RECORD: u32 = 109;
const OUTBOX: u32 = 110;
const CURSOR: u32 = 111;

/// Before fields that older builds did not have, and that are left out while they are empty: digests in old snapshots stay right.
const MORE: u64 = 0x6d6f_7265;

/// Before the limit on lapsed holds, as for [`MORE`].
const LAPSES: u64 = 0x6c61_7073_6573;

/// Before the time of an attempt's decision, as for [`MORE`].
const DECIDED: u64 = 0x6465_6369;

/// Before the policies of prices, as for [`MORE`].
const PRICING: u64 = 0x7072_6963;

pub(crate) fn clock(at: Timestamp) -> u128 {
    RecordHasher::new(CLOCK).u64(at.0).finish()
}

/// What never changes about an event; hashed once.
pub(crate) fn terms(event: EventId, plan: PlanHash, terms: &SaleTerms) -> u128 {
    let hasher = RecordHasher::new(TERMS).u128(event.0).bytes(&plan.0).bytes(terms.currency.code().as_bytes());
    let hasher = terms.prices.iter().fold(hasher.u64(terms.prices.len() as u64), |hasher, &price| hasher.u64(price));
    let hasher =
        hasher.u32(terms.per_user_limit).u64(terms.hold_ttl.0).u64(u64::from(terms.orphan_rule)).option(terms.opens_at.map(|at| at.0));
    let hasher = if terms.lapses_max == 0 { hasher } else { hasher.u64(LAPSES).u32(terms.lapses_max) };
    pricing(entry_terms(policy(hasher, &terms.refunds), terms.entry), &terms.pricing).finish()
}

/// The refund policy; the usual one counts as none.
fn policy(hasher: RecordHasher, policy: &RefundPolicy) -> RecordHasher {
    if *policy == RefundPolicy::default() {
        return hasher;
    }
    let until = policy.until.map(|at| at.0);
    hasher.u64(MORE).u64(policy.who as u64).option(until).u32(policy.keep_bps).u64(policy.keep_fixed)
}

/// The policies of prices; none count as none.
fn pricing(hasher: RecordHasher, policies: &[Policy]) -> RecordHasher {
    if policies.is_empty() {
        return hasher;
    }
    let hasher = hasher.u64(PRICING).u64(policies.len() as u64);
    policies.iter().fold(hasher, |hasher, policy| hasher.bytes(&price::policy(policy).encode_to_vec()))
}

/// The terms of entry; the usual ones count as none.
fn entry_terms(hasher: RecordHasher, entry: EntryTerms) -> RecordHasher {
    if entry == EntryTerms::default() {
        return hasher;
    }
    let reentry = match entry.reentry {
        Reentry::None => 0,
        Reentry::OutThenIn => 1,
        Reentry::Times(times) => u64::from(times) << 2 | 2,
    };
    let hasher = hasher.u64(reentry).u64(entry.doors_before.0).u64(entry.doors_after.0).u64(entry.transfer.into());
    hasher.option(entry.transfer_until.map(|at| at.0))
}

pub(crate) fn head(head: &Head) -> u128 {
    RecordHasher::new(HEAD).u128(head.terms_hash).u64(head.state as u64).u64(head.receipts).finish()
}

/// A free seat counts as no record at all, so that a new event need not be walked.
pub(crate) fn cell(event: EventId, seat: SeatIndex, cell: Cell) -> u128 {
    if cell == Cell::FREE {
        return 0;
    }
    RecordHasher::new(CELL).u64(event.0 as u64).u64(u64::from(seat.0) << 8 | cell.state as u64).u128(cell.owner()).finish()
}

/// An untouched area counts as no record at all.
pub(crate) fn area(event: EventId, area: AreaIndex, cell: &AreaCell) -> u128 {
    if (cell.held, cell.pinned, cell.sold, cell.blocked) == (0, 0, 0, 0) {
        return 0;
    }
    RecordHasher::new(AREA)
        .u128(event.0)
        .u64(u64::from(area.0) << 32 | u64::from(cell.available))
        .u64(u64::from(cell.held) << 32 | u64::from(cell.pinned))
        .u64(u64::from(cell.sold) << 32 | u64::from(cell.blocked))
        .finish()
}

/// A user without anything counts as no record at all; lapses are in the holds.
pub(crate) fn user(event: EventId, user: UserId, count: UserCount) -> u128 {
    if count.total() == 0 {
        return 0;
    }
    RecordHasher::new(USER).u64(event.0 as u64).u128(user.0).u64(u64::from(count.held) << 32 | u64::from(count.owned)).finish()
}

pub(crate) fn hold(event: EventId, hold: &Hold) -> u128 {
    let hasher = RecordHasher::new(HOLD)
        .u64(event.0 as u64)
        .u128(hold.id.0)
        .u128(hold.user.0)
        .u64((hold.items.as_slice().len() as u64) << 8 | hold.state as u64)
        .u64(hold.created_at.0)
        .u64(hold.expires_at.0)
        .u64(hold.extended_at.0)
        .u64(hold.ended_at.0);
    let hasher = hold.items.as_slice().iter().fold(hasher, |hasher, item| hasher.u64(place(item.place)).u32(item.count).u64(item.price));
    let hasher = match hold.order {
        None => hasher,
        Some(order) => hasher.u128(order.0),
    };
    promo(hasher, hold.promo.as_deref()).finish()
}

/// What a promo code did; nothing counts as no field at all.
fn promo(hasher: RecordHasher, applied: Option<&Applied>) -> RecordHasher {
    let Some(applied) = applied else { return hasher };
    let allocation = applied.allocation.map(|allocation| u64::from(allocation.0));
    hasher.u64(MORE).bytes(applied.code.as_bytes()).u64(applied.discount).option(allocation)
}

pub(crate) fn order(event: EventId, order: &Order) -> u128 {
    let hasher = RecordHasher::new(ORDER)
        .u64(event.0 as u64)
        .u128(order.id.0)
        .u128(order.hold.0)
        .u128(order.user.0)
        .u64((order.attempts.len() as u64) << 8 | order.state as u64)
        .u64(order.total)
        .u64(order.refunded)
        .u64(order.receipt)
        .u32(order.revision)
        .u64(order.confirmed_at.0);
    let hasher = order.attempts.iter().fold(hasher, attempt);
    let tickets = order.tickets.iter().fold(hasher.u64(order.tickets.len() as u64), |hasher, ticket| {
        let flags = u64::from(ticket.level.0) << 1 | u64::from(ticket.void);
        hasher.u64(place(ticket.place)).u64(flags).u64(ticket.price).u32(ticket.epoch)
    });
    promo(money(tickets, order), order.promo.as_deref()).finish()
}

fn attempt(hasher: RecordHasher, attempt: &Attempt) -> RecordHasher {
    let hasher = hasher
        .u128(attempt.id.0)
        .u64(attempt.state as u64)
        .u64(attempt.begun_at.0)
        .bytes(attempt.method.as_bytes())
        .bytes(attempt.code.as_bytes());
    let named = !attempt.reference.is_empty() || attempt.deadline.0 != 0 || attempt.action.is_some();
    let action = attempt.action.as_deref().unwrap_or_default();
    let hasher = match named {
        true => hasher.u64(MORE).bytes(attempt.reference.as_bytes()).u64(attempt.deadline.0).bytes(action.as_bytes()),
        false => hasher,
    };
    if attempt.decided_at.0 == 0 { hasher } else { hasher.u64(DECIDED).u64(attempt.decided_at.0) }
}

/// Who pays an order, and what was given or taken back.
fn money(hasher: RecordHasher, order: &Order) -> RecordHasher {
    if order.cart.is_none() && order.refunds.is_empty() && order.disputes.is_empty() {
        return hasher;
    }
    let lengths = (order.refunds.len() as u64) << 32 | order.disputes.len() as u64;
    let hasher = hasher.u64(MORE).u128(order.cart.map_or(0, |cart| cart.0)).u64(lengths);
    let hasher = order.refunds.iter().fold(hasher, |hasher, refund| {
        let (kind, user) = match refund.by {
            Actor::User(user) => (0, user.0),
            Actor::Staff(user) => (1, user.0),
            Actor::System => (2, 0),
        };
        let hasher = hasher.u128(refund.id.0).u64(refund.amount).u64(refund.requested_at.0).u64(kind).u128(user);
        let hasher = hasher.u64((refund.tickets.len() as u64) << 8 | refund.state as u64);
        let hasher = refund.tickets.iter().fold(hasher, |hasher, &ticket| hasher.u64(ticket.into()));
        hasher.bytes(refund.reason.as_bytes()).bytes(refund.code.as_bytes())
    });
    order.disputes.iter().fold(hasher, |hasher, dispute| {
        hasher.bytes(dispute.id.as_bytes()).u64(dispute.state as u64).u64(dispute.amount).u64(dispute.opened_at.0)
    })
}

pub(crate) fn delivery(record: &Delivery) -> u128 {
    match record {
        Delivery::Ticket(ticket) => ticket_record(ticket),
        Delivery::Order(order) => {
            let hasher = RecordHasher::new(ORDER_RECORD)
                .u128(order.id.0)
                .u128(order.user.0)
                .u128(order.event.0)
                .u64(u64::from(order.revision) << 32 | u64::from(order.tickets))
                .bytes(order.currency.code().as_bytes())
                .u64(order.total)
                .u64(order.refunded)
                .u64(order.receipt)
                .u64(order.confirmed_at.0);
            let hasher = if order.state == OrderState::AwaitingPayment { hasher } else { hasher.u64(order.state as u64) };
            if order.discount == 0 { hasher.finish() } else { hasher.u64(MORE).u64(order.discount).finish() }
        }
    }
}

fn ticket_record(ticket: &TicketRecord) -> u128 {
    let hasher = RecordHasher::new(TICKET)
        .u128(ticket.id.0)
        .u128(ticket.user.0)
        .u128(ticket.event.0)
        .u128(ticket.order.0)
        .u64(u64::from(ticket.epoch) << 32 | u64::from(ticket.level.0) << 1 | u64::from(ticket.void))
        .u64(ticket.seat.map_or(u64::MAX, |seat| seat.0.into()))
        .u64(ticket.area.map_or(u64::MAX, |area| area.0.into()))
        .bytes(ticket.section.as_bytes())
        .bytes(ticket.row.as_bytes())
        .bytes(ticket.seat_name.as_bytes())
        .bytes(ticket.currency.code().as_bytes())
        .u64(ticket.price)
        .u64(ticket.issued_at.0);
    match (ticket.moved, &ticket.offer) {
        (false, None) => hasher.finish(),
        (moved, None) => hasher.u64(moved.into()).finish(),
        (moved, Some(offer)) => hasher.u64(moved.into()).bytes(offer.to.as_bytes()).u64(offer.until.0).finish(),
    }
}

pub(crate) fn outbox(target: u32, sequence: u64, record_hash: u128) -> u128 {
    RecordHasher::new(OUTBOX).u32(target).u64(sequence).u128(record_hash).finish()
}

/// How far a target has acknowledged.
pub(crate) fn cursor(target: u32, acknowledged: u64) -> u128 {
    if acknowledged == 0 { 0 } else { RecordHasher::new(CURSOR).u32(target).u64(acknowledged).finish() }
}

fn place(place: Place) -> u64 {
    match place {
        Place::Seat(seat) => u64::from(seat.0),
        Place::Area(area) => 1 << 32 | u64::from(area.0),
    }
}
