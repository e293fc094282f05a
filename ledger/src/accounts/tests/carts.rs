//! Tests of carts: a table of moves and refusals, random commands, golden bytes.

use alloc::string::ToString;
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::carts::{CARTS_MAX, Cart};
use crate::command::{CartCommand, ItemNews, NewItem, PaymentNews};
use crate::ids::{AttemptId, CartId, HoldId, RequestId, Slot};

fn slot() -> Slot {
    Slot::new(3)
}

fn user(number: u64) -> UserId {
    UserId::new(1, slot(), number.into())
}

fn event(number: u64) -> EventId {
    EventId::new(1, Slot::new(number as u16), 0)
}

fn order_id(hold: u64) -> OrderId {
    OrderId::for_tickets(1, Slot::new(hold as u16), u128::from(hold) << 16)
}

/// `holds=11,12 totals=100,200`: hold 11 is one of event 11.
fn new_items(line: &Line<'_>) -> Vec<NewItem> {
    let numbers = |key: &str| -> Vec<u64> {
        let list = line.text(key).unwrap_or("").split(',').filter(|text| !text.is_empty());
        list.map(|text| text.parse().unwrap()).collect()
    };
    let (holds, totals) = (numbers("holds"), numbers("totals"));
    let item = |(place, hold): (usize, &u64)| NewItem {
        event: event(*hold + line.number("off", 0)),
        hold: HoldId::new(1, Slot::new(*hold as u16), u128::from(*hold)),
        order: OrderId(order_id(*hold).0 + u128::from(line.number("odd", 0))),
        total: totals.get(place).copied().unwrap_or(100),
    };
    holds.iter().enumerate().map(item).collect()
}

fn item_news(line: &Line<'_>) -> Option<ItemNews> {
    Some(match line.verb {
        "pinned" => ItemNews::Pinned { order: order_id(line.number("order", 11)), total: line.number("total", 100) },
        "refused" => ItemNews::Refused { code: line.repeated("code", "hold_expired") },
        "sold" => ItemNews::Sold,
        "dropped" => ItemNews::Dropped,
        "freed" => ItemNews::Freed,
        "settled" => ItemNews::Settled,
        _ => return None,
    })
}

fn payment_news(line: &Line<'_>) -> Option<PaymentNews> {
    let reference = line.repeated("ref", "pi_1");
    Some(match line.verb {
        "unknown" => PaymentNews::Unknown,
        "note" => PaymentNews::Note { reference, action: line.text("url").map(|_| line.repeated("url", "")) },
        "authorized" => PaymentNews::Authorized { amount: line.number("amount", 200), reference },
        "failed" => PaymentNews::Failed { code: line.repeated("code", "card_declined") },
        "give-up" => PaymentNews::GiveUp,
        "captured" => PaymentNews::Captured,
        "voided" => PaymentNews::Voided,
        "capture-failed" => PaymentNews::CaptureFailed { code: line.repeated("code", "expired") },
        _ => return None,
    })
}

/// Places by default: both of two holds.
fn places(line: &Line<'_>) -> Vec<u32> {
    line.text("items").unwrap_or("0,1").split(',').map(|text| text.parse().unwrap()).collect()
}

fn parse(line: &Line<'_>, step: u64) -> AccountCommand {
    let request = Request { id: RequestId(line.number("r", 1000 + step).into()), fingerprint: line.number("fingerprint", 1) };
    let (owner, cart) =
        (user(line.number("user", 1)), CartId::new(1, Slot::new(line.number("slot", 3) as u16), line.number("cart", 5).into()));
    let attempt = AttemptId::new(1, Slot::new(line.number("attempt-slot", 3) as u16), line.number("attempt", 7).into());
    let command = match line.verb {
        "open" => {
            let currency = Currency::parse("EUR").unwrap();
            CartCommand::Open { request, currency, items: new_items(line) }
        }
        "pay" => CartCommand::Pay { request, attempt, method: line.repeated("method", "pm_1") },
        "release" => CartCommand::Release { request },
        "pulse" => return AccountCommand::Pulse,
        _ => match (item_news(line), payment_news(line)) {
            (Some(news), _) => CartCommand::Items { attempt, news: places(line).into_iter().map(|place| (place, news.clone())).collect() },
            (_, Some(news)) => CartCommand::Payment { attempt, news },
            _ => panic!("no verb {}", line.verb),
        },
    };
    AccountCommand::Cart { user: owner, cart, command }
}

/// `Paying Pinned,Pinned RequiresAction`, and the code of what went wrong.
fn describe(cart: &Cart) -> String {
    let items = cart.items.iter().map(|item| format!("{:?}", item.state)).collect::<Vec<_>>().join(",");
    let code = |code: &str| if code.is_empty() { String::new() } else { format!(" ({code})") };
    let attempt = cart.last().map_or_else(String::new, |last| format!(" {:?}{}", last.state, code(&last.code)));
    format!("{:?} {items}{attempt}", cart.state)
}

fn said(answer: &Answer<AccountOutcome>) -> String {
    match &answer.outcome {
        AccountOutcome::Cart(cart) => format!("{}{}", if answer.replayed { "again " } else { "" }, describe(cart)),
        _ => words(answer),
    }
}

struct Bench {
    ledger: AccountLedger,
    at: u64,
    step: u64,
}

impl Bench {
    fn new() -> Self {
        Self { ledger: AccountLedger::default(), at: 1, step: 0 }
    }

    fn run(&mut self, line: &Line<'_>) -> String {
        let id = CartId::new(1, slot(), line.number("cart", 5).into());
        match line.verb {
            "wait" => {
                self.at += line.number("s", 0) * 1_000_000;
                return String::new();
            }
            "show" => return self.ledger.carts().get(id).map_or("none".into(), describe),
            "due" => return self.ledger.next_deadline().map_or("never".into(), |at| format!("in {} s", (at.0 - self.at) / 1_000_000)),
            "carts" => {
                let all = self.ledger.carts().of(user(line.number("user", 1)));
                return all.map(|cart| (cart.id.0 as u64).to_string()).collect::<Vec<_>>().join(" ");
            }
            "busy" => return self.ledger.carts().busy(9).map(|cart| (cart.id.0 as u64).to_string()).collect::<Vec<_>>().join(" "),
            _ => {}
        }
        self.step += 1;
        self.at += 1;
        let answer = self.ledger.apply(Timestamp(self.at), &parse(line, self.step), &mut vec![]);
        self.ledger.check_invariants().unwrap();
        let copy = AccountLedger::read_snapshot(&mut frames(&self.ledger).into_iter()).unwrap();
        assert_eq!((copy.digest(), frames(&copy)), (self.ledger.digest(), frames(&self.ledger)));
        said(&answer)
    }
}

#[test]
fn the_table_of_carts() {
    let table = include_str!("../../../tests/tables/carts.txt");
    assert!(tables::run("carts.txt", table, Bench::new, |bench, line| bench.run(line)) > 100);
}

/// Lines that together use everything; also what the random commands are drawn from. Golden files follow their order: add at
/// the end.
const CARTS: [&str; 36] = [
    "open cart=5 holds=11,12 =>",
    "pay attempt=7 =>",
    "pinned =>",
    "unknown =>",
    "note url=https://bank/1 =>",
    "authorized =>",
    "sold =>",
    "captured =>",
    "settled =>",
    "open cart=6 holds=13,14 totals=100,0 =>",
    "pay cart=6 attempt=8 =>",
    "pinned cart=6 attempt=8 items=0 =>",
    "pinned cart=6 attempt=8 items=1 total=0 =>",
    "failed cart=6 attempt=8 =>",
    "freed cart=6 attempt=8 =>",
    "pay cart=6 attempt=9 =>",
    "refused cart=6 attempt=9 items=1 =>",
    "refused cart=6 attempt=9 items=0 =>",
    "open cart=7 holds=15 totals=50 =>",
    "pay cart=7 attempt=10 =>",
    "pinned cart=7 attempt=10 items=0 total=50 =>",
    "note cart=7 attempt=10 =>",
    "authorized cart=7 attempt=10 amount=50 =>",
    "dropped cart=7 attempt=10 items=0 =>",
    "voided cart=7 attempt=10 =>",
    "open cart=8 holds=16 totals=70 =>",
    "pay cart=8 attempt=11 =>",
    "pinned cart=8 attempt=11 items=0 total=70 =>",
    "authorized cart=8 attempt=11 amount=70 =>",
    "sold cart=8 attempt=11 items=0 =>",
    "capture-failed cart=8 attempt=11 =>",
    "open cart=9 holds=17 totals=70 =>",
    "pay cart=9 attempt=12 =>",
    "give-up cart=9 attempt=12 =>",
    "release cart=9 =>",
    "pulse =>",
];

fn commands_of_carts() -> Vec<AccountCommand> {
    let mut all = vec![];
    let mut keep = |step: &mut u64, line: &Line<'_>| {
        *step += 1;
        all.push(parse(line, *step));
        String::new()
    };
    tables::run("cart lines", &CARTS.join("\n"), || 0, |step, line| keep(step, line));
    all
}

fn full_of_carts() -> AccountLedger {
    let mut ledger = AccountLedger::default();
    for (step, command) in commands_of_carts().iter().enumerate() {
        ledger.apply(Timestamp(step as u64), command, &mut vec![]);
        ledger.check_invariants().unwrap();
    }
    ledger
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Half of the commands are the next ones of the story, so that carts get far; the others come from anywhere in it.
    #[test]
    fn random_commands_of_carts_keep_the_invariants_and_replay_to_the_same_digest(
        steps in proptest::collection::vec((any::<bool>(), 0_usize..36, 0_u64..60, 0_u64..300_000_000), 1..200), cut in 0_usize..200
    ) {
        let all = commands_of_carts();
        let cut = cut % steps.len();
        let (mut ledger, mut other) = (AccountLedger::default(), AccountLedger::default());
        let mut restored = AccountLedger::default();
        let (mut at, mut place) = (0, 0);
        for (number, (goes_on, choice, key, wait)) in steps.into_iter().enumerate() {
            if number == cut {
                restored = AccountLedger::read_snapshot(&mut frames(&ledger.clone()).into_iter()).unwrap();
            }
            place = if goes_on { (place + 1) % all.len() } else { choice };
            at += wait / if goes_on { 100 } else { 1 };
            let mut command = all[place].clone();
            if let AccountCommand::Cart { command: CartCommand::Open { request, .. } | CartCommand::Pay { request, .. }
                | CartCommand::Release { request }, .. } = &mut command {
                *request = Request { id: RequestId(u128::from(key)), fingerprint: place as u64 };
            }
            let bytes = AccountLedger::encode_command(&command);
            prop_assert_eq!(&AccountLedger::decode_command(&bytes), &Ok(command.clone()));
            let answer = ledger.apply(Timestamp(at), &command, &mut vec![]);
            prop_assert_eq!(AccountLedger::decode_answer(&AccountLedger::encode_answer(&answer)), Ok(answer.clone()));
            prop_assert_eq!(&other.apply(Timestamp(at), &command, &mut vec![]), &answer);
            if number >= cut {
                prop_assert_eq!(&restored.apply(Timestamp(at), &command, &mut vec![]), &answer);
            }
            prop_assert_eq!(ledger.check_invariants(), Ok(()));
        }
        prop_assert_eq!(ledger.digest(), other.digest());
        prop_assert_eq!(ledger.digest(), restored.digest());
        prop_assert_eq!(frames(&ledger), frames(&restored));
    }
}

#[test]
fn the_encodings_of_carts_are_the_same_for_ever() {
    for (number, command) in commands_of_carts().iter().enumerate() {
        let bytes = golden::check(&format!("cart-command-{number:02}"), &AccountLedger::encode_command(command));
        assert_eq!(AccountLedger::decode_command(&bytes).as_ref(), Ok(command));
    }
    let ledger = full_of_carts();
    for (number, cart) in ledger.carts().of(user(1)).enumerate() {
        let answer = Answer { outcome: AccountOutcome::Cart(cart.clone().into()), replayed: number == 1 };
        let bytes = golden::check(&format!("cart-answer-{number:02}"), &AccountLedger::encode_answer(&answer));
        assert_eq!(AccountLedger::decode_answer(&bytes), Ok(answer));
    }
    let snapshot = golden::check("cart-snapshot", &golden::join(&frames(&ledger)));
    let read = AccountLedger::read_snapshot(&mut golden::split(&snapshot).into_iter()).unwrap();
    assert_eq!(read.digest(), ledger.digest());
}

#[test]
fn carts_are_bounded_and_the_oldest_that_is_over_makes_room() {
    let mut bench = Bench::new();
    let mut run = |text: &str| {
        let mut answer = String::new();
        tables::run(
            "bound",
            text,
            || (),
            |(), line| {
                answer = bench.run(line);
                String::new()
            },
        );
        answer
    };
    for number in 1..=CARTS_MAX {
        assert_eq!(run(&format!("open cart={number} holds={number} =>")), "Open Waiting");
    }
    assert_eq!(run("open cart=90 holds=1 =>"), format!("LimitReached {{ limit: {CARTS_MAX}, have: {CARTS_MAX} }}"));
    assert_eq!(run("open cart=91 user=2 holds=1 =>"), "Open Waiting");
    run("release cart=4 =>");
    assert_eq!(run("open cart=92 holds=1 =>"), "Open Waiting");
    assert_eq!(run("show cart=4 =>"), "none");
    // Carts that nobody paid make room once their time is over.
    run("wait s=7200 =>");
    assert_eq!(run("open cart=93 holds=1 =>"), "Open Waiting");
    assert_eq!(run("show cart=1 =>"), "none");
}

#[test]
fn an_attempt_is_pinned_by_itself_with_requests_of_its_own() {
    use crate::carts::{pin_request, pinned_by};
    let (first, second) = (AttemptId::new(1, slot(), 7), AttemptId::new(1, slot(), 900));
    assert_ne!(pinned_by(first), pinned_by(second));
    assert_eq!(pinned_by(first).slot(), slot());
    assert_ne!(pin_request(first, 0, HoldId(1)), pin_request(first, 1, HoldId(1)));
    assert_ne!(pin_request(first, 0, HoldId(1)), pin_request(second, 0, HoldId(1)));
}
