//! What must hold of the whole state after every command, worked out anew from the records. See DESIGN, section 14, for the
//! numbers.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec;

use super::SeatLedger;
use super::agenda::Agenda;
use super::event::EventSale;
use super::hashes;
use super::lifecycle::forget_before;
use super::records::{AreaCell, Cell, Hold, UserCount};
use crate::digest::Accumulator;
use crate::ids::UserId;
use crate::orders::{Attempt, Order, Place};
use crate::outcome::{HoldState, OrderState, SaleState, SeatState};
use crate::plan::{AreaIndex, SeatIndex};
use crate::tickets::Reentry;

type Check = Result<(), String>;

/// `Err` with the description unless the condition holds.
macro_rules! must {
    ($condition:expr, $($description:tt)+) => {
        if !$condition {
            return Err(format!($($description)+));
        }
    };
}

mod money;
mod price;
mod promo;

impl SeatLedger {
    pub(super) fn check(&self) -> Check {
        for sale in self.events.values() {
            check_event(sale, self).map_err(|what| format!("event {}: {what}", sale.id))?;
        }
        self.requests.check_invariants()?;
        self.blobs.check_invariants()?;
        self.check_outbox()?;
        self.check_agenda()?;
        self.audit.check()?;
        must!(self.recount_digest() == self.digest, "the digest of the records is another");
        Ok(())
    }

    /// The digest of all records, from the records alone.
    pub(super) fn recount_digest(&self) -> Accumulator {
        let mut digest = Accumulator::default();
        for sale in self.events.values() {
            let event = sale.id;
            digest.add(sale.head_hash());
            (0_u32..).zip(sale.cells.iter()).for_each(|(seat, cell)| digest.add(hashes::cell(event, SeatIndex(seat), cell)));
            (0_u16..).zip(&sale.areas).for_each(|(area, cell)| digest.add(hashes::area(event, AreaIndex(area), cell)));
            sale.users.sorted().into_iter().for_each(|(&user, &count)| digest.add(hashes::user(event, user, count)));
            sale.holds.sorted().into_iter().for_each(|(_, hold)| digest.add(hashes::hold(event, hold)));
            sale.orders.sorted().into_iter().for_each(|(_, order)| digest.add(hashes::order(event, order)));
            sale.book.add_hashes(event, &mut digest);
            sale.promos.add_hashes(event, &mut digest);
            sale.prices.add_hashes(event, &mut digest);
        }
        for (target, acknowledged, _) in self.outbox.cursors() {
            digest.add(hashes::cursor(target, acknowledged));
            for (sequence, record) in self.outbox.records(target) {
                digest.add(hashes::outbox(target, sequence, hashes::delivery(record)));
            }
        }
        digest
    }

    fn check_outbox(&self) -> Check {
        let mut waiting = 0;
        for (target, acknowledged, last) in self.outbox.cursors() {
            let mut expected = acknowledged;
            for (sequence, _) in self.outbox.records(target) {
                expected += 1;
                must!(sequence == expected, "target {target}: record {sequence} where {expected} should be");
            }
            must!(expected == last, "target {target}: the last record is {expected}, not {last}");
            waiting += last - acknowledged;
        }
        must!(waiting == self.outbox.waiting(), "{waiting} records wait in the outbox, not {}", self.outbox.waiting());
        Ok(())
    }

    /// Deadlines and open attempts on the agenda are those of the records (9: nothing Active past its time).
    fn check_agenda(&self) -> Check {
        let Some(agenda) = &self.agenda else { return Ok(()) };
        let fresh = Agenda::of(&self.events);
        must!(fresh.deadlines.first() == agenda.deadlines.first(), "the next deadline is another");
        must!(fresh.deadlines.first().is_none_or(|first| first > self.at), "a hold is Active past its time");
        must!((&fresh.pinned, &fresh.owed) == (&agenda.pinned, &agenda.owed), "the open attempts are others");
        must!(fresh.give_ups == agenda.give_ups, "the deadlines of attempts are others");
        must!(fresh.refunds == agenda.refunds, "the open refunds are others");
        must!(fresh.backlog == agenda.backlog, "the backlog of refunds is another");
        must!(agenda.cancelled.is_empty(), "deadlines were left unsettled");
        let known: BTreeSet<_> = agenda.ended.iter().copied().collect();
        must!(known == fresh.ended.iter().copied().collect(), "the ended holds are others");
        must!(agenda.ended.iter().map(|ended| ended.0).is_sorted(), "the ended holds are out of order");
        Ok(())
    }
}

fn check_event(sale: &EventSale, ledger: &SeatLedger) -> Check {
    must!(sale.terms.prices.len() == sale.house.level_count(), "prices do not fit the plan");
    must!(sale.cells.len() == sale.house.seat_count() as usize, "seats do not fit the plan");
    must!(sale.cells.is_true(), "what is shown of the seats is not what they are");
    must!(sale.head.terms_hash == hashes::terms(sale.id, sale.plan_hash, &sale.terms), "the terms changed");
    let (orders, mut dead) = (sale.orders.sorted(), sale.dead.iter());
    let worn = orders.iter().flat_map(|(_, order)| order.tickets()).filter(|(_, ticket)| ticket.epoch > 1).map(|(id, _)| id);
    must!(worn.eq(dead.by_ref()), "the list of dead codes is another");
    // What every seat, area and user should be, by the holds and tickets.
    let mut cells = vec![Cell::FREE; sale.cells.len()];
    let mut areas: alloc::vec::Vec<AreaCell> = vec![AreaCell::default(); sale.areas.len()];
    let mut users: BTreeMap<UserId, UserCount> = BTreeMap::new();
    for (&id, hold) in sale.holds.sorted() {
        must!(id == hold.id && id.slot() == sale.id.slot(), "hold {id} is out of place");
        check_hold(sale, hold, ledger).map_err(|what| format!("hold {id}: {what}"))?;
        if hold.is_live() {
            claim_hold(hold, &mut cells, &mut areas).map_err(|what| format!("hold {id}: {what}"))?;
            users.entry(hold.user).or_default().held += hold.items.count();
        }
        if hold.is_lapsed() {
            users.entry(hold.user).or_default().lapses.add(hold.ended_at);
        }
    }
    let mut receipts = BTreeSet::new();
    for (&id, order) in sale.orders.sorted() {
        must!(id == order.id && id.slot() == sale.id.slot(), "order {id} is out of place");
        promo::check_order(sale, order).map_err(|what| format!("order {id}: {what}"))?;
        money::check(sale, order).map_err(|what| format!("order {id}: {what}"))?;
        claim_tickets(order, &mut cells, &mut areas).map_err(|what| format!("order {id}: {what}"))?;
        let owned = order.tickets.iter().filter(|ticket| !ticket.void).count() as u32;
        if owned > 0 {
            users.entry(order.user).or_default().owned += owned;
        }
        must!(order.receipt == 0 || receipts.insert(order.receipt), "receipt {} was given twice", order.receipt);
    }
    // 29: receipts are dense.
    must!(receipts.len() as u64 == sale.head.receipts, "{} receipts, the last is {}", receipts.len(), sale.head.receipts);
    must!(receipts.last().is_none_or(|&last| last == sale.head.receipts), "the receipts have gaps");
    check_seats(sale, &cells)?;
    check_areas(sale, &areas)?;
    check_users(sale, &users)?;
    check_book(sale)?;
    promo::check(sale)?;
    price::check(sale, ledger.at)?;
    check_derived(sale)
}

/// 8, 9, 12, 13, 18: a hold's times, its end and its order fit its state.
fn check_hold(sale: &EventSale, hold: &Hold, ledger: &SeatLedger) -> Check {
    must!(hold.created_at <= ledger.at && hold.ended_at <= ledger.at, "it is of a later time");
    must!(hold.is_live() == (hold.ended_at.0 == 0), "{:?} with its end at {}", hold.state, hold.ended_at);
    must!(hold.expires_at <= hold.hard_limit(sale.terms.hold_ttl), "it lives past its hard limit");
    must!(hold.state != HoldState::Active || hold.expires_at > ledger.at, "it is Active past its time");
    must!(hold.state != HoldState::Expired || hold.ended_at >= hold.expires_at, "it expired before its time");
    let forgotten = forget_before(ledger.at).is_some_and(|before| hold.ended_at <= before);
    must!(hold.is_live() || !forgotten, "it should be forgotten");
    must!(hold.items.count() > 0, "it is empty");
    promo::check_hold(sale, hold)?;
    must!(hold.items.as_slice().is_sorted_by(|left, right| left.place < right.place), "its lines are out of order");
    must!(hold.state != HoldState::Active || sale.head.state != SaleState::Cancelled, "it is Active although the sale is cancelled");
    let order = hold.order.and_then(|order| sale.orders.get(&order));
    must!(hold.order.is_some() == order.is_some(), "its order is missing");
    let Some(order) = order else {
        must!(!matches!(hold.state, HoldState::Paying | HoldState::Converted), "{:?} without an order", hold.state);
        return Ok(());
    };
    must!(order.hold == hold.id && order.user == hold.user, "its order is of another hold");
    must!(order.total == hold.total() && order.promo == hold.promo, "its order's total is another than its quote");
    let live = order.attempts.last().is_some_and(Attempt::is_live);
    let fits = match hold.state {
        HoldState::Active => order.state == OrderState::AwaitingPayment && !live && order.cart.is_none(),
        HoldState::Paying => order.state == OrderState::AwaitingPayment && live != order.cart.is_some(),
        HoldState::Converted => order.is_confirmed() || order.state == OrderState::Cancelled,
        HoldState::Released | HoldState::Expired | HoldState::Revoked => order.state == OrderState::Failed,
    };
    must!(fits, "{:?}, but its order is {:?}", hold.state, order.state);
    Ok(())
}

/// 7, 11: a live hold has all that it lists, and nobody else has.
fn claim_hold(hold: &Hold, cells: &mut [Cell], areas: &mut [AreaCell]) -> Check {
    let state = if hold.state == HoldState::Active { SeatState::Held } else { SeatState::Pinned };
    for item in hold.items.as_slice() {
        match item.place {
            Place::Seat(seat) => claim_seat(cells, seat, Cell::new(state, hold.id.0))?,
            Place::Area(area) => claim_places(areas, area, state, item.count)?,
        }
    }
    Ok(())
}

/// 1, 2: a ticket that is not void has its seat, and nobody else has.
fn claim_tickets(order: &Order, cells: &mut [Cell], areas: &mut [AreaCell]) -> Check {
    for (id, ticket) in order.tickets().filter(|(_, ticket)| !ticket.void) {
        match ticket.place {
            Place::Seat(seat) => claim_seat(cells, seat, Cell::new(SeatState::Sold, id.0))?,
            Place::Area(area) => claim_places(areas, area, SeatState::Sold, 1)?,
        }
    }
    Ok(())
}

fn claim_seat(cells: &mut [Cell], seat: SeatIndex, cell: Cell) -> Check {
    let Some(place) = cells.get_mut(seat.0 as usize) else { return Err(format!("seat {} is not of the plan", seat.0)) };
    must!(*place == Cell::FREE, "seat {} has two owners", seat.0);
    *place = cell;
    Ok(())
}

fn claim_places(areas: &mut [AreaCell], area: AreaIndex, state: SeatState, count: u32) -> Check {
    let Some(cell) = areas.get_mut(usize::from(area.0)) else { return Err(format!("area {} is not of the plan", area.0)) };
    *cell.of(state) += count;
    Ok(())
}

fn check_seats(sale: &EventSale, expected: &[Cell]) -> Check {
    for (number, (cell, expected)) in sale.cells.iter().zip(expected).enumerate() {
        let off_sale = matches!(cell.state, SeatState::Blocked | SeatState::Killed) && promo::may_be_off_sale(sale, number as u32, cell);
        must!(cell == *expected || (off_sale && *expected == Cell::FREE), "seat {number} is {cell:?}, its owner says {expected:?}");
    }
    Ok(())
}

/// 5: the places of an area add up to its capacity.
fn check_areas(sale: &EventSale, expected: &[AreaCell]) -> Check {
    for (number, (cell, expected)) in sale.areas.iter().zip(expected).enumerate() {
        let taken = (cell.held, cell.pinned, cell.sold);
        must!(taken == (expected.held, expected.pinned, expected.sold), "area {number} is {cell:?}, its owners say {expected:?}");
        let sum = [cell.available, cell.held, cell.pinned, cell.sold, cell.blocked].into_iter().map(u64::from).sum::<u64>();
        let capacity = sale.house.area_capacity(AreaIndex(number as u16));
        must!(sum == u64::from(capacity), "area {number} has {sum} places of {capacity}");
    }
    Ok(())
}

/// 12: what users have is counted, and within the limit.
fn check_users(sale: &EventSale, expected: &BTreeMap<UserId, UserCount>) -> Check {
    must!(sale.users.len() == expected.len(), "{} users with tickets, not {}", expected.len(), sale.users.len());
    for (user, count) in expected {
        must!(sale.users.get(user) == Some(count), "user {user} has {count:?}, not {:?}", sale.users.get(user));
        let limit = sale.terms.per_user_limit;
        must!(limit == 0 || count.total() <= limit, "user {user} has {count:?} of at most {limit}");
    }
    Ok(())
}

/// 20: entries are within the policy; holders, scans and conflicts are of tickets and gates that exist.
fn check_book(sale: &EventSale) -> Check {
    let book = &sale.book;
    let names: BTreeSet<&str> = book.gates.iter().map(|gate| &*gate.name).collect();
    must!(names.len() == book.gates.len(), "a gate twice");
    let mut entered = 0_u64;
    for (id, entry) in book.entries.sorted() {
        must!(sale.issued(*id).is_some(), "{id} was scanned but never issued");
        must!(usize::from(entry.gate) < book.gates.len(), "{id} was scanned at no gate");
        must!(entry.entries > 0, "{id} was scanned but did not enter");
        let most = match sale.terms.entry.reentry {
            Reentry::None => 1,
            Reentry::Times(times) => times,
            Reentry::OutThenIn => u32::MAX,
        };
        must!(entry.entries <= most, "{id} entered {} times, {most} are possible", entry.entries);
        entered += u64::from(entry.entries);
    }
    let counted: u64 = book.gates.iter().map(|gate| u64::from(gate.ins)).sum();
    must!(entered == counted, "{entered} entries of tickets, {counted} of gates");
    for (id, holder) in book.holders.sorted() {
        let Some((_, _, ticket)) = sale.issued(*id) else { return Err(format!("{id} has a holder but was never issued")) };
        must!(holder.moves > 0, "{id} has a holder but never moved");
        must!(holder.offer.is_none() || !ticket.void, "{id} is void and offered");
    }
    for (place, (number, conflict)) in (0_u32..).zip(book.conflicts.sorted()) {
        must!(place == *number && usize::from(conflict.gate) < book.gates.len(), "conflict {number} is out of place");
    }
    Ok(())
}

/// 6, 22: counters and free bits are those of the seats.
fn check_derived(sale: &EventSale) -> Check {
    let mut fresh = sale.clone();
    fresh.derive();
    must!(fresh.totals == sale.totals, "totals are {:?}, not {:?}", fresh.totals, sale.totals);
    must!(fresh.sections == sale.sections, "a section's counters are wrong");
    must!(fresh.free_by_level == sale.free_by_level, "a level's counter is wrong");
    must!(fresh.board == sale.board, "the board shows other seats as free");
    Ok(())
}
