//! Between the ledger's types and the messages of `common.proto`. `foo` writes, `read_foo` reads and checks.

use alloc::format;
use alloc::vec::Vec;

use super::{CodecError, price, ticket as ticket_codec, wire};
use crate::command::{BlobChunk, Delivery, OrderRecord, RefundPolicy, RefundWho, SaleTerms};
use crate::ids::{EventId, OrderId, PlanHash, Request, RequestId, TicketId, UserId};
use crate::money::Currency;
use crate::outcome::{AttemptState, HoldState, OrderState, SaleState, SeatState};
use crate::plan::{AreaIndex, LevelIndex, SeatIndex};
use crate::tickets::TicketRecord;
use crate::time::{Millis, Timestamp};

/// Writes 128 bits.
pub fn id(value: u128) -> wire::Id {
    wire::Id { high: (value >> 64) as u64, low: value as u64 }
}

/// Reads 128 bits; absent is broken.
pub fn read_id(value: Option<wire::Id>) -> Result<u128, CodecError> {
    let value = value.ok_or_else(|| CodecError::broken("an id is missing"))?;
    Ok((u128::from(value.high) << 64) | u128::from(value.low))
}

/// Reads a number that is `u16` in the ledger.
pub fn read_u16(value: u32) -> Result<u16, CodecError> {
    u16::try_from(value).map_err(|_| CodecError::Broken(format!("{value} where at most 65535 fits")))
}

pub fn request(request: Request) -> wire::Request {
    wire::Request { id: Some(id(request.id.0)), fingerprint: request.fingerprint }
}

pub fn read_request(request: Option<wire::Request>) -> Result<Request, CodecError> {
    let request = request.ok_or_else(|| CodecError::broken("the request is missing"))?;
    Ok(Request { id: RequestId(read_id(request.id)?), fingerprint: request.fingerprint })
}

pub fn read_hash(bytes: &[u8]) -> Result<PlanHash, CodecError> {
    read_hash_bytes(bytes).map(PlanHash)
}

pub fn read_hash_bytes(bytes: &[u8]) -> Result<[u8; 32], CodecError> {
    bytes.try_into().map_err(|_| CodecError::Broken(format!("a hash of {} bytes", bytes.len())))
}

pub fn chunk(chunk: &BlobChunk) -> wire::BlobChunk {
    wire::BlobChunk { hash: chunk.hash.0.to_vec(), total: chunk.total, offset: chunk.offset, bytes: chunk.bytes.clone() }
}

pub fn read_chunk(chunk: wire::BlobChunk) -> Result<BlobChunk, CodecError> {
    Ok(BlobChunk { hash: read_hash(&chunk.hash)?, total: chunk.total, offset: chunk.offset, bytes: chunk.bytes })
}

pub fn currency(currency: Currency) -> u32 {
    currency.code().bytes().fold(0, |code, letter| (code << 8) | u32::from(letter))
}

pub fn read_currency(code: u32) -> Result<Currency, CodecError> {
    let [0, letters @ ..] = code.to_be_bytes() else {
        return Err(CodecError::broken("a currency of four letters"));
    };
    let text = core::str::from_utf8(&letters).ok().and_then(Currency::parse);
    text.ok_or_else(|| CodecError::Broken(format!("{code:#x} is no currency")))
}

pub fn terms(terms: &SaleTerms) -> wire::SaleTerms {
    wire::SaleTerms {
        currency: currency(terms.currency),
        prices: terms.prices.clone(),
        per_user_limit: terms.per_user_limit,
        lapses_max: terms.lapses_max,
        hold_ttl_ms: terms.hold_ttl.0,
        orphan_rule: terms.orphan_rule,
        opens_at_us: terms.opens_at.map(|at| at.0),
        refunds: (terms.refunds != RefundPolicy::default()).then(|| policy(&terms.refunds)),
        entry: ticket_codec::entry_terms(terms.entry),
        pricing: price::policies(&terms.pricing),
    }
}

fn policy(policy: &RefundPolicy) -> wire::RefundPolicy {
    wire::RefundPolicy {
        who: refund_who(policy.who),
        until_us: policy.until.map(|at| at.0),
        keep_bps: policy.keep_bps,
        keep_fixed: policy.keep_fixed,
    }
}

fn read_policy(policy: wire::RefundPolicy) -> Result<RefundPolicy, CodecError> {
    let until = policy.until_us.map(Timestamp);
    Ok(RefundPolicy { who: read_refund_who(policy.who)?, until, keep_bps: policy.keep_bps, keep_fixed: policy.keep_fixed })
}

pub fn read_terms(terms: Option<wire::SaleTerms>) -> Result<SaleTerms, CodecError> {
    let terms = terms.ok_or_else(|| CodecError::broken("the terms are missing"))?;
    Ok(SaleTerms {
        currency: read_currency(terms.currency)?,
        prices: terms.prices,
        per_user_limit: terms.per_user_limit,
        lapses_max: terms.lapses_max,
        hold_ttl: Millis(terms.hold_ttl_ms),
        orphan_rule: terms.orphan_rule,
        opens_at: terms.opens_at_us.map(Timestamp),
        refunds: terms.refunds.map(read_policy).transpose()?.unwrap_or_default(),
        entry: ticket_codec::read_entry_terms(terms.entry),
        pricing: price::read_policies(terms.pricing),
    })
}

pub fn areas(areas: &[(AreaIndex, u32)]) -> Vec<wire::AreaCount> {
    areas.iter().map(|&(area, count)| wire::AreaCount { area: area.0.into(), count }).collect()
}

pub fn read_areas(areas: &[wire::AreaCount]) -> Result<Vec<(AreaIndex, u32)>, CodecError> {
    areas.iter().map(|area| Ok((AreaIndex(read_u16(area.area)?), area.count))).collect()
}

pub fn seats(seats: &[SeatIndex]) -> Vec<u32> {
    seats.iter().map(|seat| seat.0).collect()
}

pub fn read_seats(seats: Vec<u32>) -> Vec<SeatIndex> {
    seats.into_iter().map(SeatIndex).collect()
}

macro_rules! states {
    ($write:ident, $read:ident, $type:ident: $($name:ident),*) => {
        pub fn $write(state: $type) -> i32 {
            match state {
                $($type::$name => wire::$type::$name as i32,)*
            }
        }

        /// A number without a name is of a newer build.
        pub fn $read(state: i32) -> Result<$type, CodecError> {
            match wire::$type::try_from(state) {
                $(Ok(wire::$type::$name) => Ok($type::$name),)*
                Err(_) => Err(CodecError::Unknown(alloc::format!("{} {state}", stringify!($type)))),
            }
        }
    };
}

pub(crate) use states;

states!(seat_state, read_seat_state, SeatState: Available, Held, Pinned, Sold, Blocked, Killed);
states!(sale_state, read_sale_state, SaleState: Published, OnSale, Paused, Closed, Cancelled);
states!(hold_state, read_hold_state, HoldState: Active, Paying, Converted, Released, Expired, Revoked);
states!(order_state, read_order_state, OrderState: AwaitingPayment, Confirmed, PartRefunded, Refunded, Failed, Cancelled);
states!(attempt_state, read_attempt_state, AttemptState:
    Created, Unknown, Authorized, Captured, Failed, RequiresAction, Cancelling, Voided, CaptureFailed);
states!(refund_who, read_refund_who, RefundWho: Staff, Buyer, Nobody);

pub fn ticket(ticket: &TicketRecord) -> wire::TicketRecord {
    wire::TicketRecord {
        id: Some(id(ticket.id.0)),
        epoch: ticket.epoch,
        user: Some(id(ticket.user.0)),
        event: Some(id(ticket.event.0)),
        order: Some(id(ticket.order.0)),
        seat: ticket.seat.map(|seat| seat.0),
        area: ticket.area.map(|area| area.0.into()),
        section: ticket.section.clone(),
        row: ticket.row.clone(),
        seat_name: ticket.seat_name.clone(),
        level: ticket.level.0.into(),
        price: ticket.price,
        currency: currency(ticket.currency),
        void: ticket.void,
        issued_at_us: ticket.issued_at.0,
        moved: ticket.moved,
        offer: ticket.offer.as_ref().map(ticket_codec::offer),
    }
}

pub fn read_ticket(ticket: wire::TicketRecord) -> Result<TicketRecord, CodecError> {
    Ok(TicketRecord {
        id: TicketId(read_id(ticket.id)?),
        epoch: ticket.epoch,
        user: UserId(read_id(ticket.user)?),
        event: EventId(read_id(ticket.event)?),
        order: OrderId(read_id(ticket.order)?),
        seat: ticket.seat.map(SeatIndex),
        area: ticket.area.map(read_u16).transpose()?.map(AreaIndex),
        section: ticket.section,
        row: ticket.row,
        seat_name: ticket.seat_name,
        level: LevelIndex(read_u16(ticket.level)?),
        price: ticket.price,
        currency: read_currency(ticket.currency)?,
        void: ticket.void,
        issued_at: Timestamp(ticket.issued_at_us),
        moved: ticket.moved,
        offer: ticket.offer.map(ticket_codec::read_offer),
    })
}

pub fn order(order: &OrderRecord) -> wire::OrderRecord {
    wire::OrderRecord {
        id: Some(id(order.id.0)),
        revision: order.revision,
        user: Some(id(order.user.0)),
        event: Some(id(order.event.0)),
        total: order.total,
        refunded: order.refunded,
        currency: currency(order.currency),
        receipt: order.receipt,
        tickets: order.tickets,
        confirmed_at_us: order.confirmed_at.0,
        state: order_state(order.state),
        discount: order.discount,
    }
}

pub fn read_order(order: wire::OrderRecord) -> Result<OrderRecord, CodecError> {
    Ok(OrderRecord {
        id: OrderId(read_id(order.id)?),
        revision: order.revision,
        user: UserId(read_id(order.user)?),
        event: EventId(read_id(order.event)?),
        total: order.total,
        discount: order.discount,
        refunded: order.refunded,
        currency: read_currency(order.currency)?,
        receipt: order.receipt,
        tickets: order.tickets,
        confirmed_at: Timestamp(order.confirmed_at_us),
        state: read_order_state(order.state)?,
    })
}

pub fn delivery(delivery: &Delivery) -> wire::Delivery {
    let record = match delivery {
        Delivery::Ticket(record) => wire::delivery::Record::Ticket(ticket(record)),
        Delivery::Order(record) => wire::delivery::Record::Order(order(record)),
    };
    wire::Delivery { record: Some(record) }
}

pub fn read_delivery(delivery: wire::Delivery) -> Result<Delivery, CodecError> {
    match delivery.record.ok_or_else(|| CodecError::broken("an empty delivery"))? {
        wire::delivery::Record::Ticket(record) => Ok(Delivery::Ticket(read_ticket(record)?)),
        wire::delivery::Record::Order(record) => Ok(Delivery::Order(read_order(record)?)),
    }
}
