//! Views and sales, and events that are postponed: replay, snapshots, golden bytes.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{command, commands, frames, full};
use crate::catalog::CatalogLedger;
use crate::codec::golden;
use crate::command::CatalogCommand;
use crate::machine::Machine;
use crate::tables;
use crate::time::Timestamp;

const LINES: [&str; 7] = [
    "views id=1 count=3 =>",
    "views id=2 count=1000000 =>",
    "views id=77 =>",
    "summary id=1 available=6 sold=1 =>",
    "summary id=2 available=6 sold=4 =>",
    "summary id=1 available=7 sold=0 =>",
    "event id=1 v=2 performers=1 starts=9 before=5 status=published =>",
];

fn more() -> Vec<CatalogCommand> {
    let mut all = vec![];
    let collect = |step: &mut u64, line: &tables::Line<'_>| {
        *step += 1;
        all.push(command(line, 100 + *step));
        String::new()
    };
    tables::run("lines", &LINES.join("\n"), || 0, collect);
    all
}

fn lived() -> CatalogLedger {
    let mut ledger = full();
    for (step, command) in more().iter().enumerate() {
        ledger.apply(Timestamp(1_790_000_000_000_000 + step as u64), command, &mut vec![]);
    }
    ledger
}

#[test]
fn golden_bytes_of_views_and_postponed_events() {
    for (name, command) in [("views", &more()[0]), ("postponed", &more()[6])] {
        let bytes = golden::check(&alloc::format!("catalog-command-{name}"), &CatalogLedger::encode_command(command));
        assert_eq!(CatalogLedger::decode_command(&bytes).as_ref(), Ok(command));
    }
    let snapshot = golden::check("catalog-demand-snapshot", &golden::join(&frames(&lived())));
    let ledger = CatalogLedger::read_snapshot(&mut golden::split(&snapshot).into_iter()).unwrap();
    assert_eq!((ledger.digest(), ledger.check_invariants()), (lived().digest(), Ok(())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn demand_replays_and_restores_to_the_same_digest(
        steps in proptest::collection::vec((0_usize..21, 0_u64..400_000_000_000), 1..80), cut in 0_usize..80
    ) {
        let mut all = commands();
        all.extend(more());
        let cut = cut % steps.len();
        let (mut ledger, mut restored, mut at) = (CatalogLedger::default(), CatalogLedger::default(), 1_790_000_000_000_000);
        for (number, (choice, later)) in steps.into_iter().enumerate() {
            if number == cut {
                restored = CatalogLedger::read_snapshot(&mut frames(&ledger.clone()).into_iter()).unwrap();
            }
            at += later;
            let command = &all[choice];
            prop_assert_eq!(&CatalogLedger::decode_command(&CatalogLedger::encode_command(command)), &Ok(command.clone()));
            let answer = ledger.apply(Timestamp(at), command, &mut vec![]);
            if number >= cut {
                prop_assert_eq!(restored.apply(Timestamp(at), command, &mut vec![]), answer);
            }
        }
        prop_assert_eq!(ledger.check_invariants(), Ok(()));
        prop_assert_eq!((ledger.digest(), frames(&ledger)), (restored.digest(), frames(&restored)));
    }
}
