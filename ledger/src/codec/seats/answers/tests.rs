//! What the hand writes is what prost reads, and what prost would write.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::ids::TicketId;
use crate::money::Currency;
use crate::outcome::{HoldState, Rejection, SaleState, SeatState};
use crate::plan::{AreaIndex, SeatIndex};
use crate::tickets::{ScanReason, Scanned, TicketOutcome};

fn info(seats: u32, hold: u128, order: Option<u128>) -> HoldInfo {
    HoldInfo {
        hold: HoldId(hold),
        user: UserId(u128::MAX),
        state: HoldState::Revoked,
        seats: (0..seats).map(|seat| SeatIndex(seat * 3000)).collect(),
        areas: (0..seats / 10).map(|area| (AreaIndex(area as u16), seats)).collect(),
        total: u64::from(seats),
        discount: u64::from(seats % 2) * 300,
        promo: (seats % 2 == 1).then(|| "x".repeat(seats as usize)),
        currency: Currency::parse("EUR").unwrap(),
        expires_at: Timestamp(u64::MAX),
        order: order.map(OrderId),
    }
}

fn outcomes() -> Vec<SeatOutcome> {
    let currency = Currency::parse("JPY").unwrap();
    let confirmation =
        |order: u128, receipt| Confirmation { order: OrderId(order), hold: HoldId(1), receipt, tickets: 2, total: 0, currency };
    let taken = |count| Rejection::SeatsUnavailable {
        conflicts: (0..count).map(|seat| (SeatIndex(seat), SeatState::Sold)).collect(),
        areas: vec![],
        alternatives: vec![vec![SeatIndex(1)]],
    };
    let mut outcomes = vec![SeatOutcome::Done, SeatOutcome::Sale(SaleState::Published), SeatOutcome::Sale(SaleState::Cancelled)];
    for seats in [0, 1, 2, 9, 10, 50] {
        for id in [0, 1, 1 << 64, u128::MAX] {
            outcomes.push(SeatOutcome::Hold(info(seats, id, None)));
            outcomes.push(SeatOutcome::Paying(info(seats, u128::MAX, Some(id))));
        }
    }
    outcomes.extend([0, 1, u128::MAX].map(|id| SeatOutcome::Confirmed(confirmation(id, id as u64))));
    outcomes.extend([0, u64::MAX].map(|refund| SeatOutcome::Voided { order: OrderId(5 << 64), refund, currency }));
    outcomes.extend([0, 1, 100, 20_000].map(|count| SeatOutcome::Blocked { revoked: (0..count).map(HoldId).collect() }));
    let moved = |id| TicketOutcome::Moved { ticket: TicketId(id), epoch: 2, user: UserId(id), until: Some(Timestamp(0)) };
    outcomes.extend([0, 1, u128::MAX].map(|id| SeatOutcome::Ticket(moved(id))));
    let scanned = Scanned { ticket: None, user: None, entries: 0, at: Timestamp(0), conflict: Some(ScanReason::BadCode) };
    outcomes.push(SeatOutcome::Ticket(TicketOutcome::Scanned(scanned)));
    outcomes.extend([0, 3, 300].map(|count| SeatOutcome::Rejected(taken(count))));
    outcomes
}

#[test]
fn answers_survive_their_encoding_and_are_written_as_prost_writes_them() {
    for outcome in outcomes() {
        for replayed in [false, true] {
            let bytes = encode_answer(&outcome, replayed);
            assert_eq!(decode_answer(&bytes), Ok(Answer { outcome: outcome.clone(), replayed }));
            assert_eq!(wire::SeatAnswer::decode(&*bytes).unwrap().encode_to_vec(), bytes, "{outcome:?}");
        }
    }
}

#[test]
fn an_answer_is_appended() {
    let mut bytes = vec![7];
    write_answer(&SeatOutcome::Done, false, &mut bytes);
    assert_eq!(bytes, [7, 8, 1, 0x1a, 0]);
}

#[test]
fn what_is_no_answer_is_refused() {
    assert!(matches!(decode_answer(&[8, 1]), Err(CodecError::Broken(_))));
    assert!(matches!(decode_answer(&[8, 2, 0x1a, 0]), Err(CodecError::Unknown(_))));
    assert!(matches!(decode_answer(&[]), Err(CodecError::Broken(_))));
}
