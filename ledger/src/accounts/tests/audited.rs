//! Where a privileged request came from stands in the trail; denied ones stand in a trail of their own.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec;

use super::{frames, full};
use crate::accounts::AccountLedger;
use crate::audit::{self, AuditAction};
use crate::codec::{CodecError, golden};
use crate::command::{AccountCommand, Audited, Role};
use crate::ids::{Request, RequestId, UserId};
use crate::machine::Machine;
use crate::outcome::{AccountOutcome, Rejection};
use crate::time::Timestamp;

fn asked(command: AccountCommand) -> AccountCommand {
    AccountCommand::Audited(Audited { actor: UserId(9), address: "2001:db8::7".to_string(), command: Box::new(command) })
}

fn denied(times: u32) -> AccountCommand {
    AccountCommand::Denied { actor: UserId(8), address: "192.0.2.7".to_string(), what: "POST /event".to_string(), times }
}

/// A third of commands as audited ones, and now and then a denied request: for random tests.
pub(super) fn wrapped(command: AccountCommand, key: u64) -> AccountCommand {
    match key {
        59 => denied(3),
        _ if key.is_multiple_of(3) => asked(command),
        _ => command,
    }
}

fn promoted() -> AccountCommand {
    let request = Request { id: RequestId(7000), fingerprint: 1 };
    AccountCommand::SetRole { request, user: UserId(1), role: Role::Gate, actor: Some(UserId(9)) }
}

#[test]
fn the_trail_says_from_where() {
    let mut ledger = full();
    assert_eq!(ledger.apply(Timestamp(500), &asked(promoted()), &mut vec![]).outcome, AccountOutcome::Done);
    let noted = audit::page(ledger.audit(), None, 100).into_iter().last().unwrap();
    assert_eq!((noted.action, noted.actor, &*noted.address), (AuditAction::RoleChanged, Some(UserId(9)), "2001:db8::7"));
    let back = AccountLedger::read_snapshot(&mut frames(&ledger).into_iter()).unwrap();
    assert_eq!((back.digest(), ledger.check_invariants()), (ledger.digest(), Ok(())));
}

#[test]
fn denied_requests_forget_nothing_that_was_done() {
    let mut ledger = full();
    ledger.apply(Timestamp(500), &asked(promoted()), &mut vec![]);
    let before = ledger.audit().range();
    for number in 0..audit::ENTRIES_MAX as u64 + 2 {
        ledger.apply(Timestamp(501 + number), &denied(2), &mut vec![]);
    }
    assert_eq!(ledger.audit().range(), before);
    assert_eq!(ledger.denied().range(), (2, audit::ENTRIES_MAX as u64 + 2));
    let last = ledger.denied().entry(100).unwrap();
    assert_eq!((last.action, &*last.object, &*last.detail), (AuditAction::RequestDenied, "POST /event", "2 times"));
    assert_eq!(ledger.check_invariants(), Ok(()));
    let back = AccountLedger::read_snapshot(&mut frames(&ledger).into_iter()).unwrap();
    assert_eq!((back.digest(), frames(&back)), (ledger.digest(), frames(&ledger)));
}

#[test]
fn an_audited_command_holds_no_other() {
    let nested = asked(asked(promoted()));
    let answer = full().apply(Timestamp(500), &nested, &mut vec![]);
    assert!(matches!(answer.outcome, AccountOutcome::Rejected(Rejection::Malformed { .. })), "{answer:?}");
    assert!(matches!(AccountLedger::decode_command(&AccountLedger::encode_command(&nested)), Err(CodecError::Broken(_))));
}

#[test]
fn golden_bytes_of_audited_and_denied_commands() {
    for (number, command) in [asked(promoted()), denied(3)].iter().enumerate() {
        let bytes = golden::check(&alloc::format!("account-audited-{number:02}"), &AccountLedger::encode_command(command));
        assert_eq!(AccountLedger::decode_command(&bytes).as_ref(), Ok(command));
    }
    let mut ledger = full();
    ledger.apply(Timestamp(500), &asked(promoted()), &mut vec![]);
    ledger.apply(Timestamp(501), &denied(3), &mut vec![]);
    let snapshot = golden::check("account-audited-snapshot", &golden::join(&frames(&ledger)));
    let back = AccountLedger::read_snapshot(&mut golden::split(&snapshot).into_iter()).unwrap();
    assert_eq!(back.digest(), ledger.digest());
}
