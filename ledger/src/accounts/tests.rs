//! Tests of the accounts.

mod audited;
mod carts;
mod guests;
mod identity;

use super::*;
use crate::codec::golden;
use crate::ids::{EventId, RequestId};
use crate::money::Currency;
use crate::outcome::OrderState;
use crate::plan::{AreaIndex, LevelIndex, SeatIndex};
use crate::tables::{self, Line};
use alloc::string::ToString;
use alloc::vec;
use proptest::prelude::*;

fn ticket(user: u64, id: u64, epoch: u64, void: bool) -> Delivery {
    let seated = id.is_multiple_of(2);
    Delivery::Ticket(TicketRecord {
        id: TicketId(id.into()),
        epoch: epoch as u32,
        user: UserId(user.into()),
        event: EventId(900),
        order: OrderId(5),
        seat: seated.then_some(SeatIndex(id as u32)),
        area: (!seated).then_some(AreaIndex(1)),
        section: "Stalls".to_string(),
        row: "A".to_string(),
        seat_name: id.to_string(),
        level: LevelIndex(1),
        price: 12_500,
        currency: Currency::parse("EUR").unwrap(),
        void,
        issued_at: Timestamp(3),
        moved: false,
        offer: None,
    })
}

fn order(user: u64, id: u64, revision: u64) -> Delivery {
    Delivery::Order(OrderRecord {
        discount: 0,
        id: OrderId(id.into()),
        revision: revision as u32,
        user: UserId(user.into()),
        event: EventId(900),
        total: 25_000,
        refunded: 0,
        currency: Currency::parse("USD").unwrap(),
        receipt: 1,
        tickets: 2,
        confirmed_at: Timestamp(3),
        state: OrderState::AwaitingPayment,
    })
}

fn command(line: &Line<'_>, step: u64) -> AccountCommand {
    let number = u128::from(line.number("r", 1000 + step));
    let request = Request { id: RequestId(number), fingerprint: line.number("fingerprint", 1) };
    let (user, id) = (line.number("user", 0), line.number("id", 0));
    let role = match line.text("role") {
        None | Some("customer") => Role::Customer,
        Some("coordinator") => Role::Coordinator,
        _ => Role::Operator,
    };
    match line.verb {
        "register" => AccountCommand::Register {
            request,
            user: UserId(user.into()),
            email: line.repeated("email", "nobody@example.org"),
            name: line.repeated("name", "Name"),
            password_hash: line.repeated("password", "$argon2id$hash"),
            role,
        },
        "role" => AccountCommand::SetRole { request, user: UserId(user.into()), role, actor: None },
        "ticket" => AccountCommand::Deliver { records: vec![ticket(user, id, line.number("epoch", 1), line.text("void").is_some())] },
        "order" => AccountCommand::Deliver { records: vec![order(user, id, line.number("revision", 1))] },
        "deliver" => AccountCommand::Deliver { records: (0..line.number("count", 0)).map(|id| ticket(user, 100 + id, 1, false)).collect() },
        "pulse" => AccountCommand::Pulse,
        other => panic!("no verb {other}"),
    }
}

fn words(answer: &Answer<AccountOutcome>) -> String {
    let again = if answer.replayed { "again " } else { "" };
    let outcome = match &answer.outcome {
        AccountOutcome::Done => "done".to_string(),
        AccountOutcome::Registered { user } => format!("registered {}", user.0),
        AccountOutcome::SessionEnded => "session ended".to_string(),
        AccountOutcome::VersionRaised { version } => format!("version {version}"),
        AccountOutcome::KeyCreated { key } => format!("key {}", key.0),
        AccountOutcome::Cart(cart) => format!("cart {}", cart.id.0),
        AccountOutcome::Rejected(rejection) => tables::refusal(rejection),
    };
    format!("{again}{outcome}")
}

fn view(ledger: &AccountLedger, line: &Line<'_>) -> Option<String> {
    let (user, id) = (UserId(line.number("user", 0).into()), u128::from(line.number("id", 0)));
    let (limit, after) = (line.number("limit", 100) as usize, line.text("after").map(|text| text.parse::<u128>().unwrap()));
    let list = |ids: Vec<u128>| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let none = || "none".to_string();
    Some(match line.verb {
        "by-email" => ledger.user_by_email(line.text("email")?).map_or("nobody".to_string(), |account| account.id.0.to_string()),
        "show-role" => format!("{:?}", ledger.user(user)?.role),
        "show-ticket" => ledger
            .ticket(user, TicketId(id))
            .map_or_else(none, |ticket| format!("epoch {}{}", ticket.epoch, if ticket.void { " void" } else { "" })),
        "show-order" => ledger.order(user, OrderId(id)).map_or_else(none, |order| format!("revision {}", order.revision)),
        "tickets" => list(ledger.tickets_of(user, after.map(TicketId), limit).iter().map(|ticket| ticket.id.0).collect()),
        "orders" => list(ledger.orders_of(user, after.map(OrderId), limit).iter().map(|order| order.id.0).collect()),
        _ => return None,
    })
}

fn run_line((ledger, step): &mut (AccountLedger, u64), line: &Line<'_>) -> String {
    if let Some(seen) = view(ledger, line) {
        return seen;
    }
    *step += 1;
    let mut changes = vec![];
    let answer = ledger.apply(Timestamp(*step), &command(line, *step), &mut changes);
    ledger.check_invariants().unwrap();
    format!("{}{}", words(&answer), tables::changes(&changes))
}

#[test]
fn the_table_of_moves_and_refusals() {
    let table = include_str!("../../tests/tables/accounts.txt");
    assert!(tables::run("accounts.txt", table, || (AccountLedger::default(), 0), run_line) > 50);
}

/// Lines that together use everything; also what the random commands are drawn from.
const LINES: [&str; 14] = [
    "register user=1 email=a@b =>",
    "register user=2 email=a@b =>",
    "register user=2 email=c@d role=coordinator =>",
    "register user=1 email=e@f =>",
    "role user=1 role=operator =>",
    "role user=2 role=customer =>",
    "ticket user=1 id=10 =>",
    "ticket user=1 id=10 epoch=2 void=1 =>",
    "ticket user=1 id=7 =>",
    "order user=1 id=5 =>",
    "order user=1 id=5 revision=2 =>",
    "ticket user=3 id=20 =>",
    "deliver user=2 count=4 =>",
    "pulse =>",
];

fn commands() -> Vec<AccountCommand> {
    let mut all = vec![];
    tables::run(
        "lines",
        &LINES.join("\n"),
        || 0,
        |step, line| {
            *step += 1;
            all.push(command(line, *step));
            String::new()
        },
    );
    all
}

fn frames(ledger: &AccountLedger) -> Vec<Vec<u8>> {
    let mut frames = vec![];
    ledger.write_snapshot(&mut |frame| frames.push(frame.to_vec()));
    frames
}

fn full() -> AccountLedger {
    let mut ledger = AccountLedger::default();
    for (step, command) in commands().iter().enumerate() {
        ledger.apply(Timestamp(step as u64), command, &mut vec![]);
    }
    ledger
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn random_commands_keep_the_invariants_and_replay_to_the_same_digest(
        steps in proptest::collection::vec((0_usize..14, 0_u64..40, 0_u64..4_000_000_000), 1..120), cut in 0_usize..120
    ) {
        let all = commands();
        let cut = cut % steps.len();
        let (mut ledger, mut other) = (AccountLedger::default(), AccountLedger::default());
        let mut restored = AccountLedger::default();
        let mut at = 0;
        for (number, (choice, key, wait)) in steps.into_iter().enumerate() {
            if number == cut {
                restored = AccountLedger::read_snapshot(&mut frames(&ledger.clone()).into_iter()).unwrap();
            }
            at += wait;
            let mut command = all[choice].clone();
            if let AccountCommand::Register { request, .. } | AccountCommand::SetRole { request, .. } = &mut command {
                *request = Request { id: RequestId(u128::from(key)), fingerprint: choice as u64 };
            }
            let bytes = AccountLedger::encode_command(&command);
            prop_assert_eq!(&AccountLedger::decode_command(&bytes), &Ok(command.clone()));
            let answer = ledger.apply(Timestamp(at), &command, &mut vec![]);
            prop_assert_eq!(AccountLedger::decode_answer(&AccountLedger::encode_answer(&answer)), Ok(answer.clone()));
            prop_assert_eq!(&other.apply(Timestamp(at), &command, &mut vec![]), &answer);
            if number >= cut {
                prop_assert_eq!(&restored.apply(Timestamp(at), &command, &mut vec![]), &answer);
            }
        }
        prop_assert_eq!(ledger.check_invariants(), Ok(()));
        prop_assert_eq!(ledger.digest(), other.digest());
        prop_assert_eq!(ledger.digest(), restored.digest());
        prop_assert_eq!(frames(&ledger), frames(&restored));
    }

    #[test]
    fn deliveries_in_any_order_and_repeated_end_the_same(picks in proptest::collection::vec(0_usize..40, 0..80)) {
        let records: Vec<Delivery> = (0..40)
            .map(|n| if n < 30 { ticket(n % 3, n % 7, n / 7, n % 2 == 0) } else { order(n % 3, n % 5, n) })
            .collect();
        let mut straight = AccountLedger::default();
        straight.apply(Timestamp(1), &AccountCommand::Deliver { records: records.clone() }, &mut vec![]);
        let mut mixed = AccountLedger::default();
        let shuffled = picks.into_iter().map(|pick| records[pick].clone()).chain(records.iter().rev().cloned()).collect();
        mixed.apply(Timestamp(1), &AccountCommand::Deliver { records: shuffled }, &mut vec![]);
        prop_assert_eq!(straight.digest(), mixed.digest());
    }
}

#[test]
fn a_clone_is_frozen() {
    let mut ledger = full();
    let frozen = ledger.clone();
    let before = frames(&frozen);
    let records = (0..50).map(|id| ticket(1, id, 9, true)).collect();
    ledger.apply(Timestamp(99), &AccountCommand::Deliver { records }, &mut vec![]);
    assert_eq!(frames(&frozen), before);
    assert_ne!(frames(&ledger), before);
    frozen.check_invariants().unwrap();
}

#[test]
fn damage_of_a_snapshot_is_noticed() {
    let good = frames(&full());
    let mut harmless = 0;
    for (number, frame) in good.iter().enumerate() {
        for place in 0..frame.len() {
            let mut bad = good.clone();
            bad[number][place] ^= 0x20;
            // A flag may read the same from another byte; nothing else may.
            if let Ok(read) = AccountLedger::read_snapshot(&mut bad.into_iter()) {
                assert_eq!(frames(&read), good, "frame {number}, byte {place}");
                harmless += 1;
            }
        }
    }
    assert_eq!(harmless, 1);
}

#[test]
fn the_first_answer_is_found_without_applying() {
    let ledger = full();
    let request = |id, fingerprint| Request { id: RequestId(id), fingerprint };
    assert_eq!(words(&ledger.first_answer(request(1001, 1)).unwrap()), "again registered 1");
    assert_eq!(words(&ledger.first_answer(request(1001, 2)).unwrap()), "RequestReused");
    assert_eq!(ledger.first_answer(request(5, 1)), None);
}

#[test]
fn commands_of_a_newer_build_are_unknown_and_garbage_is_broken() {
    let mut newer_role = AccountLedger::encode_command(&commands()[4]);
    *newer_role.last_mut().unwrap() = 9;
    for unknown in [&[8, 1, 0x7a, 0][..], &[8, 2], &newer_role] {
        assert!(matches!(AccountLedger::decode_command(unknown), Err(CodecError::Unknown(_))), "{unknown:?}");
    }
    for garbage in [&b""[..], b"garbage", &[8, 1], &[8, 1, 0x12, 0], &[8, 1, 0x12, 9]] {
        assert!(matches!(AccountLedger::decode_command(garbage), Err(CodecError::Broken(_))), "{garbage:?}");
    }
}

#[test]
fn the_encodings_are_the_same_for_ever() {
    for (number, command) in commands().iter().enumerate() {
        let bytes = golden::check(&format!("account-command-{number:02}"), &AccountLedger::encode_command(command));
        assert_eq!(AccountLedger::decode_command(&bytes).as_ref(), Ok(command));
    }
    let outcomes =
        [AccountOutcome::Done, AccountOutcome::Registered { user: UserId(1 << 100) }, AccountOutcome::Rejected(Rejection::EmailTaken)];
    for (number, outcome) in outcomes.into_iter().enumerate() {
        let answer = Answer { outcome, replayed: number == 1 };
        let bytes = golden::check(&format!("account-answer-{number:02}"), &AccountLedger::encode_answer(&answer));
        assert_eq!(AccountLedger::decode_answer(&bytes), Ok(answer));
    }
    let snapshot = golden::check("account-snapshot", &golden::join(&frames(&full())));
    let ledger = AccountLedger::read_snapshot(&mut golden::split(&snapshot).into_iter()).unwrap();
    assert_eq!(ledger.digest(), full().digest());
}
