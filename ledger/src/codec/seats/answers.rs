//! Encoding of the answers of an event group. Each remembered request keeps one, so writing them is done by hand, without
//! building messages first: several times faster, and byte for byte what prost would write (see the tests).

use alloc::vec::Vec;

use prost::Message;
use prost::encoding::encode_varint;

use super::super::wire::seat_answer::Outcome as WireOutcome;
use super::super::{CodecError, common, envelope, rejection, ticket, wire};
use crate::ids::{HoldId, OrderId, UserId};
use crate::outcome::{Answer, Confirmation, HoldInfo, SeatOutcome};
use crate::time::Timestamp;

/// Encodes an answer.
pub(crate) fn encode_answer(outcome: &SeatOutcome, replayed: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    write_answer(outcome, replayed, &mut bytes);
    bytes
}

/// Appends the encoding of an answer.
pub(crate) fn write_answer(outcome: &SeatOutcome, replayed: bool, bytes: &mut Vec<u8>) {
    let mut pen = Pen(bytes);
    pen.number(1, u64::from(envelope::VERSION));
    pen.number(2, u64::from(replayed));
    match outcome {
        SeatOutcome::Done => pen.message(3, |_| ()),
        SeatOutcome::Sale(state) => pen.present(4, common::sale_state(*state) as u64),
        SeatOutcome::Hold(info) => pen.message(5, |pen| write_info(info, pen)),
        SeatOutcome::Paying(info) => pen.message(6, |pen| write_info(info, pen)),
        SeatOutcome::Confirmed(confirmation) => pen.message(7, |pen| write_confirmation(confirmation, pen)),
        SeatOutcome::Voided { order, refund, currency } => pen.message(8, |pen| {
            pen.id(1, order.0);
            pen.number(2, *refund);
            pen.number(3, common::currency(*currency).into());
        }),
        SeatOutcome::Blocked { revoked } => pen.message(9, |pen| revoked.iter().for_each(|hold| pen.id(1, hold.0))),
        SeatOutcome::Rejected(why) => pen.message(10, |pen| rejection::rejection(why).encode_raw(pen.0)),
        SeatOutcome::Ticket(done) => pen.message(15, |pen| ticket::answer(done).encode_raw(pen.0)),
    }
}

fn write_info(info: &HoldInfo, pen: &mut Pen<'_>) {
    pen.id(1, info.hold.0);
    pen.id(2, info.user.0);
    pen.number(3, common::hold_state(info.state) as u64);
    if !info.seats.is_empty() {
        pen.message(4, |pen| info.seats.iter().for_each(|seat| encode_varint(seat.0.into(), pen.0)));
    }
    for (area, count) in &info.areas {
        pen.message(5, |pen| {
            pen.number(1, area.0.into());
            pen.number(2, (*count).into());
        });
    }
    pen.number(6, info.total);
    pen.number(7, common::currency(info.currency).into());
    pen.number(8, info.expires_at.0);
    if let Some(order) = info.order {
        pen.id(9, order.0);
    }
    pen.number(12, info.discount);
    if let Some(promo) = &info.promo {
        pen.message(13, |pen| pen.0.extend_from_slice(promo.as_bytes()));
    }
}

fn write_confirmation(confirmation: &Confirmation, pen: &mut Pen<'_>) {
    pen.id(1, confirmation.order.0);
    pen.id(2, confirmation.hold.0);
    pen.number(3, confirmation.receipt);
    pen.number(4, confirmation.tickets.into());
    pen.number(5, confirmation.total);
    pen.number(6, common::currency(confirmation.currency).into());
}

/// Writes protobuf fields with tags below 16, whose keys take one byte.
struct Pen<'a>(&'a mut Vec<u8>);

impl Pen<'_> {
    /// A varint field; zero is left out.
    fn number(&mut self, tag: u8, value: u64) {
        if value != 0 {
            self.present(tag, value);
        }
    }

    /// A varint field, even if it is zero.
    fn present(&mut self, tag: u8, value: u64) {
        self.0.push(tag << 3);
        encode_varint(value, self.0);
    }

    /// An id; halves that are zero are left out.
    fn id(&mut self, tag: u8, value: u128) {
        let halves = [(value >> 64) as u64, value as u64];
        if halves[0] != 0 && halves[1] != 0 {
            let mut field = [0_u8; 20];
            (field[0], field[1], field[2], field[11]) = (tag << 3 | 2, 18, 1 << 3 | 1, 2 << 3 | 1);
            field[3..11].copy_from_slice(&halves[0].to_le_bytes());
            field[12..20].copy_from_slice(&halves[1].to_le_bytes());
            self.0.extend_from_slice(&field);
            return;
        }
        self.message(tag, |pen| {
            for (number, half) in (1_u8..).zip(halves).filter(|(_, half)| *half != 0) {
                pen.0.push(number << 3 | 1);
                pen.0.extend_from_slice(&half.to_le_bytes());
            }
        });
    }

    /// A field with a length: written behind one byte for it, and moved if it needs more.
    fn message(&mut self, tag: u8, write: impl FnOnce(&mut Pen<'_>)) {
        self.0.push(tag << 3 | 2);
        let place = self.0.len();
        self.0.push(0);
        write(&mut Pen(self.0));
        let length = (self.0.len() - place - 1) as u64;
        if length < 128 {
            self.0[place] = length as u8;
            return;
        }
        let body = self.0.split_off(place + 1);
        self.0.pop();
        encode_varint(length, self.0);
        self.0.extend_from_slice(&body);
    }
}

/// Decodes an answer.
pub(crate) fn decode_answer(bytes: &[u8]) -> Result<Answer<SeatOutcome>, CodecError> {
    let message: wire::SeatAnswer = envelope::decode(bytes)?;
    let outcome = message.outcome.ok_or_else(|| CodecError::broken("an answer without an outcome"))?;
    Ok(Answer { outcome: read_outcome(outcome)?, replayed: message.replayed })
}

fn read_outcome(outcome: WireOutcome) -> Result<SeatOutcome, CodecError> {
    Ok(match outcome {
        WireOutcome::Done(_) => SeatOutcome::Done,
        WireOutcome::Sale(state) => SeatOutcome::Sale(common::read_sale_state(state)?),
        WireOutcome::Hold(info) => SeatOutcome::Hold(read_info(info)?),
        WireOutcome::Paying(info) => SeatOutcome::Paying(read_info(info)?),
        WireOutcome::Confirmed(message) => SeatOutcome::Confirmed(Confirmation {
            order: OrderId(common::read_id(message.order)?),
            hold: hold_id(message.hold)?,
            receipt: message.receipt,
            tickets: message.tickets,
            total: message.total,
            currency: common::read_currency(message.currency)?,
        }),
        WireOutcome::Voided(message) => SeatOutcome::Voided {
            order: OrderId(common::read_id(message.order)?),
            refund: message.refund,
            currency: common::read_currency(message.currency)?,
        },
        WireOutcome::Blocked(message) => {
            SeatOutcome::Blocked { revoked: message.revoked.into_iter().map(|hold| hold_id(Some(hold))).collect::<Result<_, _>>()? }
        }
        WireOutcome::Rejected(why) => SeatOutcome::Rejected(rejection::read_rejection(why)?),
        WireOutcome::Ticket(done) => SeatOutcome::Ticket(ticket::read_answer(done)?),
    })
}

fn read_info(message: wire::seat_answer::HoldInfo) -> Result<HoldInfo, CodecError> {
    Ok(HoldInfo {
        hold: hold_id(message.hold)?,
        user: UserId(common::read_id(message.user)?),
        state: common::read_hold_state(message.state)?,
        seats: common::read_seats(message.seats),
        areas: common::read_areas(&message.areas)?,
        total: message.total,
        discount: message.discount,
        promo: message.promo,
        currency: common::read_currency(message.currency)?,
        expires_at: Timestamp(message.expires_at_us),
        order: message.order.map(|order| common::read_id(Some(order)).map(OrderId)).transpose()?,
    })
}

fn hold_id(value: Option<wire::Id>) -> Result<HoldId, CodecError> {
    common::read_id(value).map(HoldId)
}

#[cfg(test)]
mod tests;
