//! Backups and restores as the catalog knows them.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{audited, frames};
use crate::catalog::CatalogLedger;
use crate::codec::golden;
use crate::command::CatalogCommand;
use crate::ids::{BackupId, Request, RequestId};
use crate::machine::Machine;
use crate::members::{Founder, MemberCommand};
use crate::outcome::CatalogOutcome;
use crate::time::Timestamp;
use crate::upkeep::{BackupNote, Recovery, UpkeepCommand};

fn ask(request: u128, backup: u128) -> CatalogCommand {
    let request = Request { id: RequestId(request), fingerprint: 1 };
    CatalogCommand::Upkeep(UpkeepCommand::Ask { request, backup: BackupId(backup) })
}

fn note(backup: u128, failure: &str) -> CatalogCommand {
    CatalogCommand::Upkeep(UpkeepCommand::Note(BackupNote {
        backup: BackupId(backup),
        began_at: Timestamp(5),
        ended_at: Timestamp(9),
        node: 2,
        bytes: 77,
        until: Timestamp(6),
        failure: failure.to_string(),
    }))
}

fn restored() -> CatalogCommand {
    let recovery = Recovery { backup: BackupId(2), incarnation: 30, cut_at: Timestamp(6), is_open: false, asked: 0, returned: 0 };
    CatalogCommand::Upkeep(UpkeepCommand::Restored(recovery))
}

fn reconciled(incarnation: u64) -> CatalogCommand {
    CatalogCommand::Upkeep(UpkeepCommand::Reconciled { incarnation, asked: 4, returned: 1 })
}

/// Applies and checks that the state survives its snapshot.
fn apply(ledger: &mut CatalogLedger, command: &CatalogCommand) -> CatalogOutcome {
    let at = Timestamp(ledger.at().0 + 1);
    let answer = ledger.apply(at, command, &mut Vec::new());
    ledger.check_invariants().unwrap();
    let back = CatalogLedger::read_snapshot(&mut frames(ledger).into_iter()).unwrap();
    assert_eq!((back.digest(), back.upkeep()), (ledger.digest(), ledger.upkeep()));
    assert_eq!(CatalogLedger::decode_command(&CatalogLedger::encode_command(command)).as_ref(), Ok(command));
    answer.outcome
}

#[test]
fn a_backup_is_asked_for_until_it_is_there() {
    let mut ledger = CatalogLedger::default();
    let stored = |id| CatalogOutcome::Stored { id, version: 1 };
    assert_eq!(apply(&mut ledger, &ask(1, 10)), stored(10));
    assert_eq!(apply(&mut ledger, &ask(2, 11)), stored(10), "one at a time");
    assert_eq!(apply(&mut ledger, &note(9, "")), CatalogOutcome::Done);
    assert_eq!(ledger.upkeep().asked, Some(BackupId(10)), "that was another one");
    apply(&mut ledger, &note(10, "the disk is full"));
    assert_eq!(ledger.upkeep().asked, None);
    let known = |ledger: &CatalogLedger| {
        let id = |note: &Option<BackupNote>| note.as_ref().map(|note| note.backup.0);
        (id(&ledger.upkeep().last), id(&ledger.upkeep().failed))
    };
    assert_eq!(known(&ledger), (Some(9), Some(10)));
    assert_eq!(apply(&mut ledger, &ask(1, 12)), stored(10), "a repeat asks for nothing");
    assert_eq!(apply(&mut ledger, &ask(3, 12)), stored(12));
    apply(&mut ledger, &note(12, ""));
    assert_eq!(known(&ledger), (Some(12), None));
    let long = String::from_utf8(alloc::vec![b'x'; 201]).unwrap();
    assert!(matches!(apply(&mut ledger, &note(13, &long)), CatalogOutcome::Rejected(_)));
}

#[test]
fn who_asked_for_a_backup_is_noted() {
    let mut ledger = CatalogLedger::default();
    apply(&mut ledger, &audited::asked(ask(1, 10)));
    apply(&mut ledger, &audited::asked(ask(1, 10)));
    let (first, end) = ledger.audit().range();
    let noted: Vec<String> = (first..end).filter_map(|number| ledger.audit().entry(number)).map(|entry| entry.object.clone()).collect();
    assert_eq!(noted, [BackupId(10).to_string()]);
}

#[test]
fn after_a_restore_nothing_is_sold_until_payments_are_settled() {
    let mut ledger = CatalogLedger::default();
    apply(&mut ledger, &ask(1, 10));
    apply(&mut ledger, &note(9, ""));
    assert!(ledger.upkeep().is_open());
    apply(&mut ledger, &restored());
    assert_eq!((ledger.upkeep().is_open(), ledger.upkeep().asked, &ledger.upkeep().last), (false, None, &None));
    apply(&mut ledger, &reconciled(29));
    assert!(!ledger.upkeep().is_open(), "that was about another life");
    apply(&mut ledger, &reconciled(30));
    let recovery = ledger.upkeep().recovery.unwrap();
    assert_eq!((recovery.is_open, recovery.asked, recovery.returned), (true, 4, 1));
}

#[test]
fn a_restore_forgets_the_nodes_of_the_life_before() {
    let mut ledger = CatalogLedger::default();
    let founder = |node| Founder { node, peer: "box:7580".to_string(), http: "http://box:7480".to_string() };
    let found = |nodes: &[u64]| CatalogCommand::Member(MemberCommand::Found(nodes.iter().map(|node| founder(*node)).collect()));
    apply(&mut ledger, &found(&[1, 2, 3]));
    apply(&mut ledger, &restored());
    assert!(ledger.members().is_empty());
    apply(&mut ledger, &found(&[1]));
    assert_eq!(ledger.members().active().map(|member| member.node).collect::<Vec<_>>(), [1]);
}

#[test]
fn golden_bytes_of_upkeep() {
    let commands = [ask(1, 10), audited::asked(ask(2, 11)), note(10, ""), note(10, "the disk is full"), restored(), reconciled(30)];
    let encoded: Vec<Vec<u8>> = commands.iter().map(CatalogLedger::encode_command).collect();
    let golden = golden::check("catalog-upkeep-commands", &golden::join(&encoded));
    let read: Vec<CatalogCommand> = golden::split(&golden).iter().map(|bytes| CatalogLedger::decode_command(bytes).unwrap()).collect();
    assert_eq!(read, commands);
    let mut ledger = CatalogLedger::default();
    [restored(), note(9, ""), ask(1, 10), note(8, "no room")].iter().for_each(|command| drop(apply(&mut ledger, command)));
    let golden = golden::check("catalog-upkeep-snapshot", &golden::join(&frames(&ledger)));
    let back = CatalogLedger::read_snapshot(&mut golden::split(&golden).into_iter()).unwrap();
    assert_eq!((back.digest(), back.upkeep()), (ledger.digest(), ledger.upkeep()));
}
