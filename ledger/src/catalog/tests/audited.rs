//! Who made and changed events, venues and performers is noted, once.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::{commands, frames, full};
use crate::audit;
use crate::catalog::CatalogLedger;
use crate::codec::{CodecError, golden};
use crate::command::{Audited, CatalogCommand};
use crate::ids::UserId;
use crate::machine::Machine;
use crate::outcome::{CatalogOutcome, Rejection};
use crate::time::Timestamp;

pub(super) fn asked(command: CatalogCommand) -> CatalogCommand {
    CatalogCommand::Audited(Audited { actor: UserId(9), address: "192.0.2.7".to_string(), command: Box::new(command) })
}

/// All commands as staff ask for them, twice each; and how many of them stored something.
fn lived() -> (CatalogLedger, usize) {
    let (mut ledger, mut stored) = (CatalogLedger::default(), 0);
    for (step, command) in commands().into_iter().enumerate() {
        let command = asked(command);
        let answer = ledger.apply(Timestamp(step as u64), &command, &mut vec![]);
        stored += usize::from(matches!(answer.outcome, CatalogOutcome::Stored { .. }));
        ledger.apply(Timestamp(step as u64), &command, &mut vec![]);
    }
    (ledger, stored)
}

#[test]
fn what_staff_stored_is_noted_once() {
    let (ledger, stored) = lived();
    let noted = audit::page(ledger.audit(), None, 100);
    assert!(stored > 3 && noted.len() == stored, "{stored} {noted:?}");
    assert!(noted.iter().all(|entry| entry.actor == Some(UserId(9)) && entry.address == "192.0.2.7"));
    let words: Vec<String> = noted.iter().filter_map(|entry| entry.detail.split(':').next().map(ToString::to_string)).collect();
    assert!(words.contains(&"made".to_string()) && words.contains(&"changed".to_string()), "{words:?}");
    assert_eq!(ledger.check_invariants(), Ok(()));
    let back = CatalogLedger::read_snapshot(&mut frames(&ledger).into_iter()).unwrap();
    assert_eq!((back.digest(), frames(&back)), (ledger.digest(), frames(&ledger)));
    assert_eq!(full().audit().range(), (0, 0), "the system's own steps are not noted");
}

#[test]
fn an_audited_command_holds_no_other() {
    let nested = asked(asked(CatalogCommand::Pulse));
    let answer = CatalogLedger::default().apply(Timestamp(5), &nested, &mut vec![]);
    assert!(matches!(answer.outcome, CatalogOutcome::Rejected(Rejection::Malformed { .. })), "{answer:?}");
    assert!(matches!(CatalogLedger::decode_command(&CatalogLedger::encode_command(&nested)), Err(CodecError::Broken(_))));
}

#[test]
fn golden_bytes_of_audited_commands() {
    let bytes = golden::check("catalog-audited-command", &CatalogLedger::encode_command(&asked(commands()[4].clone())));
    assert_eq!(CatalogLedger::decode_command(&bytes), Ok(asked(commands()[4].clone())));
    let snapshot = golden::check("catalog-audited-snapshot", &golden::join(&frames(&lived().0)));
    let back = CatalogLedger::read_snapshot(&mut golden::split(&snapshot).into_iter()).unwrap();
    assert_eq!(back.digest(), lived().0.digest());
}
