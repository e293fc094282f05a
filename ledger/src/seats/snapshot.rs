//! Snapshots of an event group. Written are the records; seats' states, counters and indexes are worked out from them on
//! reading, and the digest at the end tells whether the result is what was written.

mod book;
mod price;
mod promo;

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::SeatLedger;
use super::event::EventSale;
use super::records::{Cell, Hold, Item, Items};
use crate::codec::frame::{BLOB, FrameReader, FrameWriter, Header, REMEMBERED};
use crate::codec::{CodecError, attempt, common, envelope, promo as promo_codec, seats, wire};
use crate::ids::{CartId, EventId, HoldId, OrderId, UserId};
use crate::machine::Machine;
use crate::orders::{Order, Place, Ticket};
use crate::outcome::{HoldState, SeatState};
use crate::plan::{AreaIndex, LevelIndex, SeatIndex};
use crate::time::Timestamp;

const MACHINE: &str = "seats";
const EVENT: u8 = 16;
const OFF_SALE: u8 = 17;
const HOLD: u8 = 18;
const ORDER: u8 = 19;
const TARGET: u8 = 20;
const DELIVERY: u8 = 21;
const AUDIT_ROOT: u8 = 60;
const AUDIT_ENTRY: u8 = 61;

/// Seats of one record of seats off sale.
const OFF_SALE_CHUNK: usize = 8192;

impl SeatLedger {
    pub(super) fn write(&self, sink: &mut dyn FnMut(&[u8])) {
        let header = Header { machine: MACHINE, at: self.at, request_limit: self.requests.limit() };
        let mut writer = FrameWriter::new(sink, &header);
        self.requests.write_snapshot(&mut writer);
        self.blobs.write_snapshot(&mut writer);
        for sale in self.events.values() {
            write_event(sale, &mut writer);
        }
        for (target, acknowledged, _) in self.outbox.cursors() {
            writer.record(TARGET, &wire::OutboxTarget { target, acknowledged });
            for (_, record) in self.outbox.records(target) {
                writer.record(DELIVERY, &common::delivery(record));
            }
        }
        self.audit.write_snapshot(&mut writer, AUDIT_ROOT, AUDIT_ENTRY);
        writer.finish(self.digest());
    }

    pub(super) fn read(frames: &mut dyn Iterator<Item = Vec<u8>>) -> Result<Self, CodecError> {
        let (mut reader, header) = FrameReader::new(frames, MACHINE)?;
        let mut ledger = Self { at: header.at, ..Self::default() };
        ledger.requests.set_limit(header.request_limit);
        let mut open: Option<EventSale> = None;
        let mut target = None;
        while let Some((kind, bytes)) = reader.next_record()? {
            match kind {
                REMEMBERED => ledger.requests.read_record(bytes)?,
                BLOB => ledger.blobs.read_record(bytes)?,
                EVENT => {
                    ledger.close(open.take())?;
                    open = Some(read_event(&ledger, envelope::exact(bytes)?)?);
                }
                OFF_SALE => read_off_sale(part(&mut open)?, &envelope::exact(bytes)?)?,
                HOLD => read_hold(part(&mut open)?, envelope::exact(bytes)?)?,
                ORDER => read_order(part(&mut open)?, envelope::exact(bytes)?)?,
                price::LEVELS..=price::CHANGES => price::read(part(&mut open)?, kind, bytes)?,
                promo::ALLOCATIONS..=promo::CODES => promo::read(part(&mut open)?, kind, bytes)?,
                book::GATES..=book::CONFLICTS => book::read(&mut part(&mut open)?.book, kind, bytes)?,
                TARGET => {
                    let message: wire::OutboxTarget = envelope::exact(bytes)?;
                    ledger.outbox.restore(message.target, message.acknowledged);
                    target = Some(message.target);
                }
                DELIVERY => {
                    let target = target.ok_or_else(|| CodecError::broken("a delivery without a target"))?;
                    ledger.outbox.push(target, common::read_delivery(envelope::exact(bytes)?)?);
                }
                AUDIT_ROOT => ledger.audit.read_root(bytes)?,
                AUDIT_ENTRY => ledger.audit.read_entry(bytes)?,
                _ => return Err(CodecError::unknown("a kind of snapshot record")),
            }
        }
        ledger.close(open.take())?;
        ledger.digest = ledger.recount_digest();
        reader.finish(ledger.digest())?;
        Ok(ledger)
    }

    /// Puts a read event into place, with all that is derived from its records.
    fn close(&mut self, sale: Option<EventSale>) -> Result<(), CodecError> {
        let Some(mut sale) = sale else { return Ok(()) };
        promo::keep(&mut sale);
        price::check(&sale)?;
        sale.derive();
        sale.derive_promos();
        sale.derive_prices();
        if self.events.insert(sale.id, Arc::new(sale)).is_some() {
            return Err(CodecError::broken("an event twice"));
        }
        Ok(())
    }
}

fn part(open: &mut Option<EventSale>) -> Result<&mut EventSale, CodecError> {
    open.as_mut().ok_or_else(|| CodecError::broken("a record before its event"))
}

fn write_event(sale: &EventSale, writer: &mut FrameWriter<'_>) {
    let event = wire::SeatEvent {
        event: Some(common::id(sale.id.0)),
        plan: sale.plan_hash.0.to_vec(),
        terms: Some(common::terms(&sale.terms)),
        state: common::sale_state(sale.head.state),
        receipts: sale.head.receipts,
        area_blocked: sale.areas.iter().map(|area| area.blocked).collect(),
    };
    writer.record(EVENT, &event);
    let mut off = wire::SeatsOffSale::default();
    for (seat, cell) in (0_u32..).zip(sale.cells.iter()) {
        match cell.state {
            SeatState::Blocked if cell.owner() == 0 => off.blocked.push(seat),
            SeatState::Killed => off.killed.push(seat),
            _ => continue,
        }
        if off.blocked.len() + off.killed.len() == OFF_SALE_CHUNK {
            writer.record(OFF_SALE, &core::mem::take(&mut off));
        }
    }
    if !off.blocked.is_empty() || !off.killed.is_empty() {
        writer.record(OFF_SALE, &off);
    }
    promo::write(&sale.promos, writer);
    price::write(&sale.prices, writer);
    for (_, hold) in sale.holds.sorted() {
        writer.record(HOLD, &write_hold(hold));
    }
    for (_, order) in sale.orders.sorted() {
        writer.record(ORDER, &write_order(order));
    }
    book::write(&sale.book, writer);
}

fn read_event(ledger: &SeatLedger, message: wire::SeatEvent) -> Result<EventSale, CodecError> {
    let event = EventId(common::read_id(message.event)?);
    let plan = common::read_hash(&message.plan)?;
    let terms = common::read_terms(message.terms)?;
    let mut sale = ledger.new_sale(event, plan, &terms).map_err(|_| CodecError::broken("an event that does not fit its plan"))?;
    sale.head.state = common::read_sale_state(message.state)?;
    sale.head.receipts = message.receipts;
    sale.prices = super::prices::PriceBook::default();
    if message.area_blocked.len() != sale.areas.len() {
        return Err(CodecError::broken("another number of areas"));
    }
    for (area, count) in (0_u16..).zip(message.area_blocked) {
        take_places(&mut sale, AreaIndex(area), SeatState::Blocked, count)?;
    }
    Ok(sale)
}

fn read_off_sale(sale: &mut EventSale, message: &wire::SeatsOffSale) -> Result<(), CodecError> {
    for &seat in &message.blocked {
        take_seat(sale, SeatIndex(seat), Cell::new(SeatState::Blocked, 0))?;
    }
    for &seat in &message.killed {
        take_seat(sale, SeatIndex(seat), Cell::new(SeatState::Killed, 0))?;
    }
    Ok(())
}

fn take_seat(sale: &mut EventSale, seat: SeatIndex, cell: Cell) -> Result<(), CodecError> {
    match sale.cells.set(seat.0 as usize, cell) {
        Some(Cell::FREE) => Ok(()),
        Some(_) => Err(CodecError::broken("a seat in two states")),
        None => Err(CodecError::broken("a seat that the plan does not have")),
    }
}

fn take_places(sale: &mut EventSale, area: AreaIndex, state: SeatState, count: u32) -> Result<(), CodecError> {
    let cell = sale.areas.get_mut(usize::from(area.0)).ok_or_else(|| CodecError::broken("an area that the plan does not have"))?;
    cell.available = cell.available.checked_sub(count).ok_or_else(|| CodecError::broken("more places than an area has"))?;
    let taken = cell.of(state);
    *taken = taken.saturating_add(count);
    Ok(())
}

fn write_hold(hold: &Hold) -> wire::SeatHold {
    let item = |item: &Item| match item.place {
        Place::Seat(seat) => wire::HeldItem { index: seat.0, count: 0, price: item.price },
        Place::Area(area) => wire::HeldItem { index: area.0.into(), count: item.count, price: item.price },
    };
    wire::SeatHold {
        id: Some(common::id(hold.id.0)),
        user: Some(common::id(hold.user.0)),
        state: common::hold_state(hold.state),
        items: hold.items.as_slice().iter().map(item).collect(),
        created_at_us: hold.created_at.0,
        expires_at_us: hold.expires_at.0,
        extended_at_us: hold.extended_at.0,
        ended_at_us: hold.ended_at.0,
        order: hold.order.map(|order| common::id(order.0)),
        promo: hold.promo.as_ref().map(promo_codec::applied),
    }
}

fn read_hold(sale: &mut EventSale, message: wire::SeatHold) -> Result<(), CodecError> {
    let item = |item: &wire::HeldItem| match item.count {
        0 => Ok(Item { place: Place::Seat(SeatIndex(item.index)), count: 1, price: item.price }),
        count => common::read_u16(item.index).map(|area| Item { place: Place::Area(AreaIndex(area)), count, price: item.price }),
    };
    let hold = Hold {
        id: HoldId(common::read_id(message.id)?),
        user: UserId(common::read_id(message.user)?),
        state: common::read_hold_state(message.state)?,
        items: Items::new(message.items.iter().map(item).collect::<Result<_, _>>()?),
        created_at: Timestamp(message.created_at_us),
        expires_at: Timestamp(message.expires_at_us),
        extended_at: Timestamp(message.extended_at_us),
        ended_at: Timestamp(message.ended_at_us),
        order: message.order.map(|order| common::read_id(Some(order)).map(OrderId)).transpose()?,
        promo: message.promo.map(promo_codec::read_applied).transpose()?,
    };
    let state = match hold.state {
        HoldState::Active => Some(SeatState::Held),
        HoldState::Paying => Some(SeatState::Pinned),
        _ => None,
    };
    if let Some(state) = state {
        for item in hold.items.as_slice() {
            match item.place {
                Place::Seat(seat) => take_seat(sale, seat, Cell::new(state, hold.id.0))?,
                Place::Area(area) => take_places(sale, area, state, item.count)?,
            }
        }
        let count = sale.users.get_or_insert_with(hold.user, Default::default);
        count.held = count.held.saturating_add(hold.items.count());
    }
    if hold.is_lapsed() {
        sale.users.get_or_insert_with(hold.user, Default::default).lapses.add(hold.ended_at);
    }
    match sale.holds.insert(hold.id, hold) {
        None => Ok(()),
        Some(_) => Err(CodecError::broken("a hold twice")),
    }
}

fn write_order(order: &Order) -> wire::SeatOrder {
    let ticket = |ticket: &Ticket| {
        let (index, in_area) = match ticket.place {
            Place::Seat(seat) => (seat.0, false),
            Place::Area(area) => (area.0.into(), true),
        };
        let level = ticket.level.0.into();
        wire::IssuedTicket { index, in_area, level, price: ticket.price, epoch: ticket.epoch, void: ticket.void }
    };
    wire::SeatOrder {
        id: Some(common::id(order.id.0)),
        hold: Some(common::id(order.hold.0)),
        user: Some(common::id(order.user.0)),
        total: order.total,
        refunded: order.refunded,
        state: common::order_state(order.state),
        receipt: order.receipt,
        revision: order.revision,
        confirmed_at_us: order.confirmed_at.0,
        attempts: order.attempts.iter().map(attempt::attempt).collect(),
        tickets: order.tickets.iter().map(ticket).collect(),
        cart: order.cart.map(|cart| common::id(cart.0)),
        refunds: order.refunds.iter().map(seats::refund).collect(),
        disputes: order.disputes.iter().map(seats::dispute).collect(),
        promo: order.promo.as_ref().map(promo_codec::applied),
    }
}

fn read_order(sale: &mut EventSale, message: wire::SeatOrder) -> Result<(), CodecError> {
    let ticket = |ticket: wire::IssuedTicket| {
        let place = match ticket.in_area {
            true => Place::Area(AreaIndex(common::read_u16(ticket.index)?)),
            false => Place::Seat(SeatIndex(ticket.index)),
        };
        let level = LevelIndex(common::read_u16(ticket.level)?);
        Ok(Ticket { place, level, price: ticket.price, epoch: ticket.epoch, void: ticket.void })
    };
    let order = Order {
        id: OrderId(common::read_id(message.id)?),
        hold: HoldId(common::read_id(message.hold)?),
        user: UserId(common::read_id(message.user)?),
        total: message.total,
        promo: message.promo.map(promo_codec::read_applied).transpose()?,
        refunded: message.refunded,
        state: common::read_order_state(message.state)?,
        receipt: message.receipt,
        revision: message.revision,
        confirmed_at: Timestamp(message.confirmed_at_us),
        attempts: message.attempts.into_iter().map(attempt::read_attempt).collect::<Result<_, _>>()?,
        tickets: message.tickets.into_iter().map(ticket).collect::<Result<Vec<_>, CodecError>>()?.into(),
        cart: message.cart.map(|cart| common::read_id(Some(cart)).map(CartId)).transpose()?,
        refunds: message.refunds.into_iter().map(seats::read_refund).collect::<Result<_, _>>()?,
        disputes: message.disputes.into_iter().map(seats::read_dispute).collect::<Result<_, _>>()?,
    };
    for (id, ticket) in order.tickets().filter(|(_, ticket)| !ticket.void) {
        match ticket.place {
            Place::Seat(seat) => take_seat(sale, seat, Cell::new(SeatState::Sold, id.0))?,
            Place::Area(area) => take_places(sale, area, SeatState::Sold, 1)?,
        }
        let count = sale.users.get_or_insert_with(order.user, Default::default);
        count.owned = count.owned.saturating_add(1);
    }
    match sale.orders.insert(order.id, order) {
        None => Ok(()),
        Some(_) => Err(CodecError::broken("an order twice")),
    }
}
