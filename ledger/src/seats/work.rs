//! The few ways in which an event's records change. Each keeps the digest, the counters, the board and the agenda in step,
//! and says what it did as Changes; the commands are written in terms of these.

use alloc::vec::Vec;

use super::agenda::Agenda;
use super::deadlines::Due;
use super::event::EventSale;
use super::hashes;
use super::records::{Cell, Counts, Hold, Item, UserCount};
use crate::change::Change;
use crate::command::Delivery;
use crate::digest::Accumulator;
use crate::ids::{HoldId, OrderId, UserId};
use crate::orders::{Attempt, Order, Place};
use crate::outbox::{Outbox, target_of};
use crate::outcome::{HoldState, OrderState, SaleState, SeatState};
use crate::plan::{AreaIndex, SeatIndex};
use crate::time::Timestamp;

/// One event's records, opened for one command.
pub(crate) struct Work<'a> {
    /// The entry's time.
    pub(crate) at: Timestamp,
    pub(crate) sale: &'a mut EventSale,
    pub(crate) digest: &'a mut Accumulator,
    pub(crate) outbox: &'a mut Outbox,
    pub(crate) agenda: &'a mut Agenda,
    pub(crate) changes: &'a mut Vec<Change>,
}

impl Work<'_> {
    /// Moves the sale.
    pub(crate) fn set_sale(&mut self, state: SaleState) {
        self.digest.remove(self.sale.head_hash());
        let from = core::mem::replace(&mut self.sale.head.state, state);
        self.digest.add(self.sale.head_hash());
        self.changes.push(Change::Sale { event: self.sale.id, from, state });
    }

    /// The next receipt number.
    pub(crate) fn next_receipt(&mut self) -> u64 {
        self.digest.remove(self.sale.head_hash());
        self.sale.head.receipts += 1;
        self.digest.add(self.sale.head_hash());
        self.sale.head.receipts
    }

    /// Moves one seat, without a Change.
    pub(crate) fn set_seat(&mut self, seat: SeatIndex, cell: Cell) {
        let event = self.sale.id;
        let Some(old) = self.sale.cells.set(seat.0 as usize, cell) else { return };
        self.digest.remove(hashes::cell(event, seat, old));
        self.digest.add(hashes::cell(event, seat, cell));
        self.sale.recount_seat(seat, old.state, cell.state);
    }

    /// Moves seats and says so.
    pub(crate) fn set_seats(&mut self, seats: Vec<SeatIndex>, cell: Cell) {
        self.move_seats(seats, cell.state, |_, _| cell);
    }

    /// Moves seats to cells of one state and says so: a Change for each state that they were in.
    pub(crate) fn move_seats(&mut self, mut seats: Vec<SeatIndex>, to: SeatState, cell: impl Fn(&EventSale, SeatIndex) -> Cell) {
        while let Some(from) = seats.first().and_then(|&seat| self.sale.seat_state(seat)) {
            let others = if seats.iter().all(|&seat| self.sale.seat_state(seat) == Some(from)) {
                Vec::new()
            } else {
                let (same, others) = seats.into_iter().partition(|&seat| self.sale.seat_state(seat) == Some(from));
                seats = same;
                others
            };
            for &seat in &seats {
                let cell = cell(self.sale, seat);
                self.set_seat(seat, cell);
            }
            self.say_seats(core::mem::replace(&mut seats, others), from, to);
        }
    }

    /// Says that seats moved.
    pub(crate) fn say_seats(&mut self, seats: Vec<SeatIndex>, from: SeatState, state: SeatState) {
        if !seats.is_empty() {
            self.changes.push(Change::Seats { event: self.sale.id, seats, from, state });
        }
    }

    /// Moves places of an area and says so.
    pub(crate) fn move_places(&mut self, area: AreaIndex, from: SeatState, to: SeatState, count: u32) {
        let event = self.sale.id;
        let Some(cell) = self.sale.areas.get_mut(usize::from(area.0)) else { return };
        self.digest.remove(hashes::area(event, area, cell));
        let Counts { available, held, sold, .. } = cell.counts();
        let before = [available, held, sold];
        let source = cell.of(from);
        *source = source.saturating_sub(count);
        let target = cell.of(to);
        *target = target.saturating_add(count);
        self.digest.add(hashes::area(event, area, cell));
        let counts = cell.counts();
        self.sale.recount_area(area, from, to, count);
        let Counts { available, held, sold, .. } = counts;
        self.changes.push(Change::Area { event, area, available, held, sold, before });
    }

    /// Moves everything that a hold lists.
    pub(crate) fn move_items(&mut self, items: &[Item], from: SeatState, to: SeatState, owner: u128) {
        let mut seats = Vec::with_capacity(items.len());
        for item in items {
            if let Place::Seat(seat) = item.place {
                self.set_seat(seat, Cell::new(to, owner));
                seats.push(seat);
            }
        }
        self.say_seats(seats, from, to);
        for item in items {
            if let Place::Area(area) = item.place {
                self.move_places(area, from, to, item.count);
            }
        }
    }

    /// Changes what a user has.
    pub(crate) fn count_user(&mut self, user: UserId, change: impl FnOnce(&mut UserCount)) {
        let event = self.sale.id;
        let count = self.sale.users.get_or_insert_with(user, UserCount::default);
        self.digest.remove(hashes::user(event, user, *count));
        change(count);
        self.digest.add(hashes::user(event, user, *count));
        if *count == UserCount::default() {
            self.sale.users.remove(&user);
        }
    }

    /// Stores a new hold, unless its id is taken: then nothing happens and it answers `false`. Its seats are moved, and it is
    /// announced, by the caller.
    pub(crate) fn add_hold(&mut self, hold: Hold) -> bool {
        let (hash, due) = (hashes::hold(self.sale.id, &hold), Due { at: hold.expires_at, hold: hold.id, event: self.sale.id });
        let mut added = false;
        self.sale.holds.get_or_insert_with(hold.id, || {
            added = true;
            hold
        });
        if added {
            self.digest.add(hash);
            self.agenda.deadlines.push(due);
        }
        added
    }

    /// Says where a hold stands.
    pub(crate) fn say_hold(&mut self, hold: HoldId, user: UserId, state: HoldState) {
        self.changes.push(Change::Hold { event: self.sale.id, hold, user, state });
    }

    /// Changes a hold, keeps its deadline on the agenda while it is Active, and says so.
    pub(crate) fn change_hold(&mut self, id: HoldId, change: impl FnOnce(&mut Hold)) {
        let event = self.sale.id;
        let Some(hold) = self.sale.holds.get_mut(&id) else { return };
        let before = (hold.state, hold.expires_at);
        self.digest.remove(hashes::hold(event, hold));
        change(hold);
        self.digest.add(hashes::hold(event, hold));
        let due = |at| Due { at, hold: id, event };
        if before != (hold.state, hold.expires_at) {
            if before.0 == HoldState::Active {
                self.agenda.cancelled.push(due(before.1));
            }
            if hold.state == HoldState::Active {
                self.agenda.deadlines.push(due(hold.expires_at));
            }
        }
        if hold.ended_at.0 != 0 {
            self.agenda.ended.push_back((hold.ended_at, event, id));
        }
        let (user, state) = (hold.user, hold.state);
        self.say_hold(id, user, state);
    }

    /// Ends a live hold: everything it lists is free again, and an unpaid order of it has failed.
    pub(crate) fn end_hold(&mut self, id: HoldId, state: HoldState) {
        let Some(hold) = self.sale.holds.get(&id).filter(|hold| hold.is_live()) else { return };
        let (items, user, order) = (hold.items.clone(), hold.user, hold.order);
        let from = if hold.state == HoldState::Paying { SeatState::Pinned } else { SeatState::Held };
        let (promo, allocation) = (hold.promo.clone(), hold.allocation());
        self.free_items(items.as_slice(), from, allocation);
        self.count_hold(user, promo.as_ref(), false);
        self.weigh_hold(id, false);
        let count = items.count();
        let at = self.at;
        self.change_hold(id, |hold| {
            hold.state = state;
            hold.ended_at = at;
        });
        let lapsed = matches!(state, HoldState::Released | HoldState::Expired);
        self.count_user(user, |has| {
            has.held = has.held.saturating_sub(count);
            if lapsed {
                has.lapses.add(at);
            }
        });
        if let Some(order) = order {
            self.change_order(order, |order| order.state = OrderState::Failed);
        }
    }

    /// Stores a new order and says so.
    pub(crate) fn add_order(&mut self, order: Order) {
        self.digest.add(hashes::order(self.sale.id, &order));
        self.changes.push(Change::Order { event: self.sale.id, order: order.id, user: order.user, state: order.state });
        self.sale.orders.insert(order.id, order);
    }

    /// Changes an order and says so if it moved.
    pub(crate) fn change_order(&mut self, id: OrderId, change: impl FnOnce(&mut Order)) {
        let event = self.sale.id;
        let Some(order) = self.sale.orders.get_mut(&id) else { return };
        let before = (order.state, order.refunded);
        self.digest.remove(hashes::order(event, order));
        change(order);
        self.digest.add(hashes::order(event, order));
        if before != (order.state, order.refunded) {
            self.changes.push(Change::Order { event, order: id, user: order.user, state: order.state });
        }
    }

    /// Changes an order's last attempt and says so.
    pub(crate) fn change_attempt(&mut self, id: OrderId, change: impl FnOnce(&mut Attempt)) {
        let at = self.at;
        self.change_order(id, |order| {
            if let Some(last) = order.attempts.last_mut() {
                let was_live = last.is_live();
                change(last);
                if was_live && !last.is_live() {
                    last.decided_at = at;
                }
            }
        });
        let event = self.sale.id;
        let Some(order) = self.sale.orders.get(&id) else { return };
        let Some(last) = order.attempts.last() else { return };
        self.agenda.note_attempt(event, order, last);
        self.changes.push(Change::Attempt { event, order: id, attempt: last.id, state: last.state });
    }

    /// Puts records into the outbox of their user's slot.
    pub(crate) fn deliver(&mut self, user: UserId, records: impl IntoIterator<Item = Delivery>) {
        let target = target_of(user);
        for record in records {
            let hash = hashes::delivery(&record);
            let sequence = self.outbox.push(target, record);
            self.digest.add(hashes::outbox(target, sequence, hash));
        }
        self.changes.push(Change::Outbox { target });
    }
}
