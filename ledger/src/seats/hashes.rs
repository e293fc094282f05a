//! Hashes of the records of an event group, for its digest. Every field that a record's future depends on is in.

use super::event::Head;
use super::records::{AreaCell, Cell, Hold, UserCount};
use crate::command::{Delivery, SaleTerms};
use crate::digest::RecordHasher;
use crate::ids::{EventId, PlanHash, UserId};
use crate::orders::{Order, Place};
use crate::plan::{AreaIndex, SeatIndex};
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

pub(crate) fn clock(at: Timestamp) -> u128 {
    RecordHasher::new(CLOCK).u64(at.0).finish()
}

/// What never changes about an event; hashed once.
pub(crate) fn terms(event: EventId, plan: PlanHash, terms: &SaleTerms) -> u128 {
    let hasher = RecordHasher::new(TERMS).u128(event.0).bytes(&plan.0).bytes(terms.currency.code().as_bytes());
    let hasher = terms.prices.iter().fold(hasher.u64(terms.prices.len() as u64), |hasher, &price| hasher.u64(price));
    let hasher = hasher.u32(terms.per_user_limit).u64(terms.hold_ttl.0).u64(u64::from(terms.orphan_rule));
    let hasher = hasher.option(terms.opens_at.map(|at| at.0));
    let entry = terms.entry;
    if entry == EntryTerms::default() {
        return hasher.finish(); // As before there were others.
    }
    let reentry = match entry.reentry {
        Reentry::None => 0,
        Reentry::OutThenIn => 1,
        Reentry::Times(times) => u64::from(times) << 2 | 2,
    };
    let hasher = hasher.u64(reentry).u64(entry.doors_before.0).u64(entry.doors_after.0).u64(entry.transfer.into());
    hasher.option(entry.transfer_until.map(|at| at.0)).finish()
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

/// A user without anything counts as no record at all.
pub(crate) fn user(event: EventId, user: UserId, count: UserCount) -> u128 {
    if count == UserCount::default() {
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
    match hold.order {
        None => hasher.finish(),
        Some(order) => hasher.u128(order.0).finish(),
    }
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
    let hasher = order.attempts.iter().fold(hasher, |hasher, attempt| {
        hasher
            .u128(attempt.id.0)
            .u64(attempt.state as u64)
            .u64(attempt.begun_at.0)
            .bytes(attempt.method.as_bytes())
            .bytes(attempt.code.as_bytes())
    });
    let tickets = order.tickets.iter().fold(hasher.u64(order.tickets.len() as u64), |hasher, ticket| {
        let flags = u64::from(ticket.level.0) << 1 | u64::from(ticket.void);
        hasher.u64(place(ticket.place)).u64(flags).u64(ticket.price).u32(ticket.epoch)
    });
    tickets.finish()
}

pub(crate) fn delivery(record: &Delivery) -> u128 {
    match record {
        Delivery::Ticket(ticket) => ticket_record(ticket),
        Delivery::Order(order) => RecordHasher::new(ORDER_RECORD)
            .u128(order.id.0)
            .u128(order.user.0)
            .u128(order.event.0)
            .u64(u64::from(order.revision) << 32 | u64::from(order.tickets))
            .bytes(order.currency.code().as_bytes())
            .u64(order.total)
            .u64(order.refunded)
            .u64(order.receipt)
            .u64(order.confirmed_at.0)
            .finish(),
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
