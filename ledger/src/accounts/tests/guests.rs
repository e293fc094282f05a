//! Tests of guests: a table of cases, random commands, golden bytes.

use alloc::vec;

use proptest::prelude::*;

use super::identity::{Bench, hash, with_request};
use super::*;
use crate::command::GuestCommand;
use crate::ids::RequestId;

/// Commands of guests; `None` for others.
pub fn parse(line: &Line<'_>, step: u64) -> Option<AccountCommand> {
    let request = Request { id: RequestId(line.number("r", 1000 + step).into()), fingerprint: line.number("fingerprint", 1) };
    let user = UserId(line.number("user", 0).into());
    let token = hash(line.text("token").unwrap_or("t"));
    let command = match line.verb {
        "guest" => GuestCommand::Open { email: line.repeated("email", "g@b"), name: line.repeated("name", "Gus") },
        "guest-ask" => GuestCommand::Ask { token },
        "invited" => GuestCommand::Invited { orders: line.number("orders", 0) as u32 },
        "guest-claim" => GuestCommand::Claim { request, token, hash: line.repeated("hash", "$new") },
        "hand-over" => GuestCommand::HandOver { token, heir: UserId(line.number("heir", 0).into()) },
        _ => return None,
    };
    Some(AccountCommand::Guest { user, command })
}

#[test]
fn the_table_of_guests() {
    let table = include_str!("../../../tests/tables/guests.txt");
    assert!(tables::run("guests.txt", table, Bench::new, |bench, line| bench.run(line)) > 60);
}

/// Lines that together use everything. Golden files follow their order: add at the end.
const GUESTS: [&str; 18] = [
    "guest user=1 email=g@b =>",
    "guest user=2 email=g@b name=Other =>",
    "guest user=3 email=h@b =>",
    "register user=4 email=h@b =>",
    "open user=1 session=5 token=a =>",
    "open user=3 session=6 token=b =>",
    "order user=1 id=5 =>",
    "ticket user=1 id=10 =>",
    "order user=3 id=6 =>",
    "guest-ask user=1 token=x =>",
    "guest-ask user=3 token=y =>",
    "invited user=1 orders=1 =>",
    "guest-claim user=1 token=x =>",
    "guest-claim user=3 token=y =>",
    "hand-over user=3 token=y heir=4 =>",
    "set-role user=2 role=gate actor=4 =>",
    "ask-reset user=2 token=z =>",
    "key user=2 key=50 token=k =>",
];

fn commands_of_guests() -> Vec<AccountCommand> {
    let mut all = vec![];
    let mut keep = |step: &mut u64, line: &Line<'_>| {
        *step += 1;
        all.push(super::identity::parse(line, *step));
        String::new()
    };
    tables::run("guest lines", &GUESTS.join("\n"), || 0, |step, line| keep(step, line));
    all
}

fn full_of_guests() -> AccountLedger {
    let mut ledger = AccountLedger::default();
    for (step, command) in commands_of_guests().iter().enumerate() {
        ledger.apply(Timestamp(step as u64), command, &mut vec![]);
        ledger.check_invariants().unwrap();
    }
    ledger
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn random_guests_keep_the_invariants_and_replay_to_the_same_digest(
        steps in proptest::collection::vec((0_usize..18, 0_u64..60, 0_u64..600_000_000_000), 1..120), cut in 0_usize..120
    ) {
        let all = commands_of_guests();
        let cut = cut % steps.len();
        let (mut ledger, mut restored) = (AccountLedger::default(), AccountLedger::default());
        let mut at = 0;
        for (number, (choice, key, wait)) in steps.into_iter().enumerate() {
            if number == cut {
                restored = AccountLedger::read_snapshot(&mut frames(&ledger.clone()).into_iter()).unwrap();
            }
            at += wait;
            let mut command = all[choice].clone();
            with_request(&mut command, Request { id: RequestId(u128::from(key)), fingerprint: choice as u64 });
            prop_assert_eq!(&AccountLedger::decode_command(&AccountLedger::encode_command(&command)), &Ok(command.clone()));
            let answer = ledger.apply(Timestamp(at), &command, &mut vec![]);
            prop_assert_eq!(AccountLedger::decode_answer(&AccountLedger::encode_answer(&answer)), Ok(answer.clone()));
            if number >= cut {
                prop_assert_eq!(&restored.apply(Timestamp(at), &command, &mut vec![]), &answer);
            }
            prop_assert_eq!(ledger.check_invariants(), Ok(()));
        }
        prop_assert_eq!(ledger.digest(), restored.digest());
        prop_assert_eq!(frames(&ledger), frames(&restored));
    }
}

#[test]
fn the_encodings_of_guests_are_the_same_for_ever() {
    for (number, command) in commands_of_guests().iter().enumerate() {
        let bytes = golden::check(&format!("guest-command-{number:02}"), &AccountLedger::encode_command(command));
        assert_eq!(AccountLedger::decode_command(&bytes).as_ref(), Ok(command));
    }
    let snapshot = golden::check("guest-snapshot", &golden::join(&frames(&full_of_guests())));
    let ledger = AccountLedger::read_snapshot(&mut golden::split(&snapshot).into_iter()).unwrap();
    assert_eq!((ledger.digest(), ledger.check_invariants()), (full_of_guests().digest(), Ok(())));
}
