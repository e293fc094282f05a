//! What staff do is noted, once, with who and from where; what was refused or done before is not.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::{BEFORE_MONEY, EVENT, frames, life, lived_through, order_id, read, request};
use crate::audit::{self, AuditAction};
use crate::codec::{CodecError, golden};
use crate::command::{Actor, Audited, BlockAction, MoneyCommand, SaleAction, SeatCommand};
use crate::ids::{RefundId, Slot, UserId};
use crate::machine::Machine;
use crate::outcome::{Rejection, SeatOutcome};
use crate::plan::SeatIndex;
use crate::seats::SeatLedger;
use crate::time::Timestamp;

const STAFF: UserId = UserId::new(5, Slot::new(10), 8);

fn asked(command: SeatCommand) -> SeatCommand {
    SeatCommand::Audited(Audited { actor: STAFF, address: "192.0.2.7".to_string(), command: Box::new(command) })
}

fn moved(number: u128, action: SaleAction) -> SeatCommand {
    SeatCommand::SetSale { request: request(number), event: EVENT, action }
}

fn deeds() -> Vec<SeatCommand> {
    let (event, seats, reason) = (EVENT, vec![SeatIndex(4)], "broken".to_string());
    let refund = MoneyCommand::Refund {
        request: request(303),
        event,
        order: order_id(1),
        refund: RefundId::new(5, Slot::new(77), 303),
        tickets: vec![],
        amount: Some(1),
        actor: Actor::Staff(STAFF),
        reason: reason.clone(),
        block: false,
    };
    let block = SeatCommand::Block { request: request(302), event, seats, action: BlockAction::Block, reason };
    vec![asked(moved(301, SaleAction::Pause)), asked(block), asked(SeatCommand::Money(refund))]
}

#[test]
fn what_staff_did_is_noted_once() {
    let mut ledger = lived_through(BEFORE_MONEY);
    for (number, command) in (0_u64..).zip(deeds()) {
        let at = Timestamp((40 + number) * 1_000_000);
        let answer = ledger.apply(at, &command, &mut Vec::new());
        assert!(!answer.replayed && !matches!(answer.outcome, SeatOutcome::Rejected(_)), "{answer:?}");
        assert!(ledger.apply(at, &command, &mut Vec::new()).replayed);
    }
    let refused = ledger.apply(Timestamp(50_000_000), &asked(moved(304, SaleAction::Pause)), &mut Vec::new());
    assert!(matches!(refused.outcome, SeatOutcome::Rejected(_)), "{refused:?}");
    ledger.apply(Timestamp(51_000_000), &moved(305, SaleAction::Resume), &mut Vec::new());
    let noted = audit::page(ledger.audit(), None, 10);
    let seen: Vec<_> = noted.iter().map(|entry| (entry.action, &*entry.detail)).collect();
    let expected = [
        (AuditAction::SaleMoved, "pause"),
        (AuditAction::SeatsBlocked, "block 1 seats: broken"),
        (AuditAction::OrderRefunded, "1 EUR for the order: broken"),
    ];
    assert_eq!(seen, expected);
    assert!(noted.iter().all(|entry| entry.actor == Some(STAFF) && entry.address == "192.0.2.7"));
    assert_eq!(noted[2].object, order_id(1).to_string());
    assert_eq!(ledger.check_invariants(), Ok(()));
    let again = read(frames(&ledger)).unwrap();
    assert_eq!((again.digest(), again.audit().range()), (ledger.digest(), (0, 3)));
}

#[test]
fn an_audited_command_holds_no_other() {
    let nested = asked(asked(moved(1, SaleAction::Pause)));
    let answer = lived_through(BEFORE_MONEY).apply(Timestamp(99_000_000), &nested, &mut Vec::new());
    assert!(matches!(answer.outcome, SeatOutcome::Rejected(Rejection::Malformed { .. })), "{answer:?}");
    assert!(matches!(SeatLedger::decode_command(&SeatLedger::encode_command(&nested)), Err(CodecError::Broken(_))));
}

#[test]
fn golden_bytes_of_audited_commands_stay_as_they_are() {
    let mut ledger = lived_through(BEFORE_MONEY);
    for (number, command) in deeds().iter().enumerate() {
        let bytes = golden::check(&alloc::format!("seat-audited-command-{number:02}"), &SeatLedger::encode_command(command));
        assert_eq!(SeatLedger::decode_command(&bytes).as_ref(), Ok(command));
        ledger.apply(Timestamp(40_000_000), command, &mut Vec::new());
    }
    let snapshot = golden::check("seat-audited-snapshot", &golden::join(&frames(&ledger)));
    assert_eq!(read(golden::split(&snapshot)).unwrap().digest(), ledger.digest());
}

/// From the moment that its seats are pinned to the one that they are sold or free: what the time of a pin is measured by.
#[test]
fn an_attempt_knows_when_it_was_decided() {
    let ledger = lived_through(life().len());
    let attempts = |number| ledger.order(EVENT, order_id(number)).unwrap().order.attempts;
    let times = |attempts: Vec<crate::orders::Attempt>| attempts.iter().map(|one| (one.begun_at.0, one.decided_at.0)).collect::<Vec<_>>();
    assert_eq!(times(attempts(1)), [(5_000_000, 6_000_000)]);
    assert_eq!(times(attempts(2))[0], (9_000_000, 11_000_000));
}
