//! Random commands: invariants hold after each, a replay and a snapshot with its tail end in the same state, and nothing
//! that a command can hold makes the ledger panic.

use boxoffice_ledger::change::Change;
use boxoffice_ledger::command::{Actor, BlobChunk, BlockAction, Choice, MoneyCommand, RefundPolicy, SaleAction, SaleTerms, SeatCommand};
use boxoffice_ledger::ids::{AttemptId, CartId, EventId, HoldId, OrderId, PlanHash, RefundId, Request, RequestId, TicketId, UserId};
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::orders::DisputeState;
use boxoffice_ledger::outcome::{Answer, SeatOutcome};
use boxoffice_ledger::plan::{AreaIndex, SeatIndex, SectionIndex};
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::tickets::{Claim, Direction, EntryTerms, Reentry, Scan, TicketAction, TicketOutcome, TicketState};
use boxoffice_ledger::time::{Millis, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::house::{self, SLOT, event};
use crate::money::{cart_id, refund_id};
use crate::script::{attempt_id, hold_id, order_id, user_id};

const HOUSE: &str = "S A=7 B=.acr.ca C=4 | T/1 A=66 | Floor*9/1";
const SEATS: u32 = 7 + 7 + 4 + 66;

/// A command with small numbers, so that commands meet.
fn command() -> impl Strategy<Value = SeatCommand> {
    let small = (0_u64..8, 0_u64..5, 0_u64..6, 0_u32..SEATS, prop::collection::vec(0..SEATS, 1..6), 0_u8..3, any::<bool>());
    let request = (0_u128..200, 0_u64..12).prop_map(|(id, body)| Request { id: RequestId(id), fingerprint: body / 11 });
    (0_u8..42, small, request)
        .prop_map(|(kind, (hold, user, attempt, seat, seats, pick, flag), request)| {
            let (event, id, order) = (event(), hold_id(&format!("h{hold}")), order_id(&format!("o{hold}")));
            let attempt = attempt_id(&format!("p{attempt}"));
            let user = user_id(user);
            let actor = [Actor::User(user), Actor::Staff(user), Actor::System][usize::from(pick)];
            let hold_of =
                |choice| SeatCommand::Hold { request, event, hold: id, user, choice, expect_total: flag.then_some(9000), promo: None };
            match kind {
                0..=3 => hold_of(Choice::Chosen { seats: vec![SeatIndex(seat)], areas: vec![] }),
                4 => hold_of(Choice::Chosen { seats: seats.into_iter().map(SeatIndex).collect(), areas: vec![(AreaIndex(0), seat % 4)] }),
                5 => hold_of(Choice::Chosen { seats: vec![], areas: vec![(AreaIndex(0), seat % 5)] }),
                6..=8 => hold_of(Choice::Best {
                    quantity: seat % 9,
                    section: (pick == 1).then_some(SectionIndex(seat as u16 % 3)),
                    max_price: (pick == 2).then_some(3000),
                    split: flag,
                    accessible: seat > 60,
                }),
                9 => SeatCommand::Extend { request, event, hold: id, actor },
                10 => SeatCommand::Release { request, event, hold: id, actor },
                11..=14 => SeatCommand::PayBegin { request, event, hold: id, user, order, attempt, method: "tok".into() },
                15 | 16 => SeatCommand::Confirm {
                    event,
                    order,
                    attempt,
                    authorized: [5000, 3000, 6000][usize::from(pick)],
                    reference: String::new(),
                },
                17 => SeatCommand::PayFail { event, order, attempt, code: "no".into() },
                18 => SeatCommand::PayUnknown { event, order, attempt },
                19 => SeatCommand::Captured { event, order, attempt },
                20 => SeatCommand::Void {
                    request,
                    event,
                    tickets: (0..u16::from(pick) + 1).map(|ordinal| TicketId::of_order(order, ordinal)).collect(),
                    actor,
                    reason: String::new(),
                    block: flag,
                },
                21 => {
                    let action = [BlockAction::Block, BlockAction::Unblock, BlockAction::Kill][usize::from(pick)];
                    SeatCommand::Block { request, event, seats: seats.into_iter().map(SeatIndex).collect(), action, reason: String::new() }
                }
                22 => {
                    let moves = [
                        SaleAction::Open,
                        SaleAction::Pause,
                        SaleAction::Resume,
                        SaleAction::Resume,
                        SaleAction::Close,
                        SaleAction::Cancel,
                    ];
                    let action = if flag && seat > 70 { moves[4 + usize::from(pick % 2)] } else { moves[usize::from(pick)] };
                    SeatCommand::SetSale { request, event, action }
                }
                23 => SeatCommand::OutboxAck { acks: vec![(hold as u32 % 5, u64::from(seat))] },
                24..=35 => SeatCommand::Money(money(kind, request, hold, seat, pick, flag, (id, order, attempt, user, actor))),
                _ => SeatCommand::Ticket {
                    request,
                    event,
                    action: of_ticket(kind, TicketId::of_order(order, u16::from(pick)), user, seat, flag),
                },
            }
        })
        .prop_map(house::by_staff)
}

/// Something done with a ticket: scans more often than transfers.
fn of_ticket(kind: u8, ticket: TicketId, user: UserId, seat: u32, flag: bool) -> TicketAction {
    match kind {
        36..=38 => TicketAction::Scan(Scan {
            gate: ["North", "South"][usize::from(flag)].into(),
            nonce: u64::from(seat) % 4,
            direction: if kind == 38 { Direction::Out } else { Direction::In },
            claim: (seat != 1).then_some(Claim { event: event(), ticket, epoch: 1 + seat % 3 }),
            doors: (house::START, house::START.plus(Millis::from_secs(100_000))),
            offline_at: seat.is_multiple_of(5).then_some(house::START.plus(Millis::from_secs(u64::from(seat)))),
        }),
        39 | 40 => TicketAction::Offer { ticket, user, to: format!("{}@x", seat % 3) },
        _ if flag => TicketAction::Withdraw { ticket, user },
        _ => TicketAction::Claim { ticket, user, email: format!("{}@x", seat % 3) },
    }
}

/// A command about money with small numbers. What pays, captures and refunds comes often, so that refunds meet real money.
fn money(
    kind: u8,
    request: Request,
    small: u64,
    seat: u32,
    pick: u8,
    flag: bool,
    (hold, order, attempt, user, actor): (HoldId, OrderId, AttemptId, UserId, Actor),
) -> MoneyCommand {
    let event = event();
    let (refund, cart) = (refund_id(&format!("r{}", seat % 5)), cart_id(&format!("c{}", seat % 2)));
    match kind {
        24 => MoneyCommand::Note { event, order, attempt, reference: "ref".into(), action: flag.then(|| "url".into()) },
        25 if flag => MoneyCommand::GiveUp { event, order, attempt },
        25 => MoneyCommand::Voided { event, order, attempt },
        26 => MoneyCommand::CaptureFailed { event, order, attempt, code: "no".into() },
        27..=29 => MoneyCommand::Refund {
            request,
            event,
            order,
            refund,
            tickets: (0..u16::from(pick)).map(|ordinal| TicketId::of_order(order, ordinal)).collect(),
            amount: (flag && seat.is_multiple_of(3)).then_some(u64::from(seat) * 70),
            actor,
            reason: String::new(),
            block: flag,
        },
        30 => MoneyCommand::RefundDone { event, order, refund },
        31 => MoneyCommand::RefundFailed { event, order, refund, code: "no".into() },
        32 if flag => MoneyCommand::RefundNext { event, limit: seat % 4 },
        32 => {
            let state = [DisputeState::Open, DisputeState::Won, DisputeState::Lost][usize::from(pick)];
            MoneyCommand::Dispute { event, order, dispute: format!("d{small}"), state, amount: small }
        }
        33 => MoneyCommand::Pin { request, event, hold, user, order, cart },
        34 => MoneyCommand::CartConfirm { event, order, cart, attempt, reference: "ref".into() },
        _ => MoneyCommand::CartRelease { event, order, cart },
    }
}

fn terms() -> impl Strategy<Value = SaleTerms> {
    (0_u32..9, any::<bool>(), 0_u8..4, 0_u32..4).prop_map(|(limit, orphan_rule, free, times)| SaleTerms {
        refunds: RefundPolicy { keep_bps: limit * 500, keep_fixed: u64::from(limit), ..house::terms().refunds },
        per_user_limit: limit,
        lapses_max: [0, 0, 3][limit as usize % 3],
        orphan_rule,
        prices: if free == 0 { vec![0, 0] } else { vec![5000, 3000] },
        hold_ttl: Millis::from_mins(2),
        entry: EntryTerms {
            reentry: [Reentry::None, Reentry::OutThenIn, Reentry::Times(2), Reentry::Times(3)][times as usize],
            ..EntryTerms::default()
        },
        ..house::terms()
    })
}

/// Commands and how many seconds pass before each.
fn entries(count: usize) -> impl Strategy<Value = Vec<(u64, SeatCommand)>> {
    let pause = prop_oneof![6 => 0_u64..5, 2 => 5_u64..130, 1 => Just(40_000_u64)];
    prop::collection::vec((pause, command()), 1..count)
}

struct Run {
    ledger: SeatLedger,
    at: Timestamp,
}

impl Run {
    fn new(terms: &SaleTerms) -> Self {
        Self { ledger: house::on_sale(&house::plan(HOUSE), terms), at: house::START }
    }

    fn step(&mut self, (pause, command): &(u64, SeatCommand)) -> (Answer<SeatOutcome>, Vec<Change>) {
        self.at = self.at.plus(Millis::from_secs(*pause));
        self.at.0 += 1;
        let mut changes = Vec::new();
        let answer = self.ledger.apply(self.at, command, &mut changes);
        (answer, changes)
    }
}

fn through_snapshot(ledger: &SeatLedger) -> SeatLedger {
    let mut frames = Vec::new();
    ledger.write_snapshot(&mut |frame| frames.push(frame.to_vec()));
    assert!(frames.iter().all(|frame| frame.len() <= 256 * 1024), "a frame is too large");
    SeatLedger::read_snapshot(&mut frames.into_iter()).unwrap()
}

proptest! {
    // The same cases each time, so that a run elsewhere can be compared; docs/roadmap.md names a seed that is not solved yet.
    #![proptest_config(ProptestConfig { cases: 48, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_and_every_way_to_a_state_ends_in_it(terms in terms(), entries in entries(160), cut in 0.0..1.0_f64) {
        let cut = (entries.len() as f64 * cut) as usize;
        let mut live = Run::new(&terms);
        let (mut frozen, mut other, mut said) = (None, None, Vec::new());
        for (number, entry) in entries.iter().enumerate() {
            if number == cut {
                frozen = Some((live.ledger.clone(), live.ledger.digest()));
                other = Some(Run { ledger: through_snapshot(&live.ledger), at: live.at });
            }
            let answer = live.step(entry);
            if let Err(what) = live.ledger.check_invariants() {
                prop_assert!(false, "after {:?}: {}", entry, what);
            }
            if let Some(other) = &mut other {
                prop_assert_eq!(&other.step(entry), &answer, "restored from a snapshot at {}, entry {}", cut, number);
            }
            said.push(answer);
        }
        let mut again = Run::new(&terms);
        for (entry, answer) in entries.iter().zip(&said) {
            prop_assert_eq!(&again.step(entry), answer);
        }
        prop_assert_eq!(again.ledger.digest(), live.ledger.digest());
        if let (Some((frozen, digest)), Some(other)) = (frozen, other) {
            prop_assert_eq!(other.ledger.digest(), live.ledger.digest());
            prop_assert_eq!(frozen.digest(), digest);
            prop_assert!(frozen.check_invariants().is_ok(), "{:?}", frozen.check_invariants());
            let mut frozen = Run { ledger: frozen, at: house::START };
            for entry in &entries {
                frozen.at = frozen.ledger.at().max(frozen.at);
                frozen.step(entry);
            }
            prop_assert!(frozen.ledger.check_invariants().is_ok(), "a copy that goes its own way: {:?}", frozen.ledger.check_invariants());
        }
        prop_assert_eq!(through_snapshot(&live.ledger).digest(), live.ledger.digest());
    }

    /// 20: nobody comes in with an old epoch or a void ticket, and of two scans of one code only one is new.
    #[test]
    fn only_good_codes_come_in(terms in terms(), entries in entries(200)) {
        let mut run = Run::new(&terms);
        for entry in &entries {
            let before = run.ledger.clone();
            let (answer, _) = run.step(entry);
            let SeatCommand::Ticket { action: TicketAction::Scan(scan), .. } = &entry.1 else { continue };
            let Some(Claim { ticket, epoch, .. }) = scan.claim else { continue };
            let SeatOutcome::Ticket(TicketOutcome::Scanned(done)) = &answer.outcome else { continue };
            if answer.replayed || scan.offline_at.is_some() {
                continue;
            }
            prop_assert_eq!(done.conflict, None);
            let record = before.ticket(event(), ticket).unwrap();
            prop_assert!(!record.void && record.epoch == epoch, "{:?} let {:?} pass", record, scan);
            let state = run.ledger.event(event()).unwrap().ticket_state(ticket, run.at);
            let expected = if scan.direction == Direction::In { TicketState::CheckedIn } else { TicketState::CheckedOut };
            prop_assert_eq!(state, Some(expected), "after {:?}", scan);
        }
    }

    #[test]
    fn changes_carry_a_map_from_one_state_to_the_next(entries in entries(120)) {
        let mut run = Run::new(&house::terms());
        let mut map: Vec<_> = (0..SEATS).map(|_| boxoffice_ledger::outcome::SeatState::Available).collect();
        for entry in &entries {
            for change in run.step(entry).1 {
                if let Change::Seats { seats, state, .. } = change {
                    seats.into_iter().for_each(|seat| map[seat.0 as usize] = state);
                }
            }
            let sale = run.ledger.event(event()).unwrap();
            prop_assert!((0..SEATS).all(|seat| sale.seat_state(SeatIndex(seat)) == Some(map[seat as usize])));
        }
    }

    #[test]
    fn nothing_in_a_command_makes_it_panic(
        commands in prop::collection::vec(hostile(), 1..60),
        pauses in prop::collection::vec(any::<u64>(), 60),
    ) {
        let mut ledger = house::on_sale(&house::plan(HOUSE), &house::terms());
        for (command, pause) in commands.iter().zip(pauses) {
            let at = Timestamp(ledger.at().0.saturating_add(pause >> (pause % 64)));
            let bytes = SeatLedger::encode_command(command);
            prop_assert_eq!(&SeatLedger::decode_command(&bytes).unwrap(), command);
            let answer = ledger.apply(at, command, &mut Vec::new());
            prop_assert_eq!(SeatLedger::decode_answer(&SeatLedger::encode_answer(&answer)).unwrap(), answer);
            if let Err(what) = ledger.check_invariants() {
                prop_assert!(false, "after {:?}: {}", command, what);
            }
        }
        prop_assert_eq!(through_snapshot(&ledger).digest(), ledger.digest());
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        command in hostile(),
        cut in any::<prop::sample::Index>(),
    ) {
        let _ = SeatLedger::decode_command(&bytes);
        let _ = SeatLedger::decode_answer(&bytes);
        let _ = SeatLedger::read_snapshot(&mut vec![bytes].into_iter());
        let mut encoded = SeatLedger::encode_command(&command);
        encoded.truncate(cut.index(encoded.len()));
        if let Ok(shorter) = SeatLedger::decode_command(&encoded) {
            prop_assert_ne!(shorter, command);
        }
    }
}

/// Numbers from the edges of their types and of what the house has.
fn edge() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..4, Just(u64::MAX), Just(u64::from(u32::MAX)), Just(1 << 31), Just(u64::from(SEATS)), any::<u64>()]
}

fn id() -> impl Strategy<Value = u128> {
    let known = (0_u128..4).prop_flat_map(|number| {
        let ids = [event().0, HoldId::new(1, SLOT, number).0, OrderId::for_tickets(1, SLOT, number << 16).0, number];
        prop::sample::select(ids.to_vec())
    });
    prop_oneof![4 => known, 1 => any::<u128>(), 1 => Just(u128::MAX)]
}

fn hostile() -> impl Strategy<Value = SeatCommand> {
    let numbers = prop::collection::vec(edge(), 0..70);
    let text = prop_oneof![Just(String::new()), Just("\0\u{202e}\u{1F3AB}".repeat(90)), "[a-z]{0,300}"];
    (0_u8..22, (id(), id(), id(), id(), id()), (edge(), edge(), edge()), numbers, text, any::<bool>())
        .prop_map(|(kind, (event_id, hold, user, order, attempt), (a, b, c), numbers, text, flag)| {
            let event = if flag { event() } else { EventId(event_id) };
            let request = Request { id: RequestId(user), fingerprint: a };
            let (hold, user, order, attempt) = (HoldId(hold), UserId(user), OrderId(order), AttemptId(attempt));
            let seats: Vec<SeatIndex> = numbers.iter().map(|&number| SeatIndex(number as u32)).collect();
            let actor = if flag { Actor::User(user) } else { Actor::System };
            match kind {
                0 => {
                    let (hash, total, offset) = (PlanHash([a as u8; 32]), b as u32, c as u32);
                    SeatCommand::PlanChunk(BlobChunk { hash, total, offset, bytes: text.into_bytes() })
                }
                1 => SeatCommand::CreateEvent {
                    event: EventId(event_id),
                    plan: PlanHash([1; 32]),
                    terms: SaleTerms {
                        prices: numbers.into_iter().take(2).collect(),
                        per_user_limit: a as u32,
                        lapses_max: c as u32,
                        hold_ttl: Millis(b),
                        opens_at: flag.then_some(Timestamp(c)),
                        ..house::terms()
                    },
                },
                2 => SeatCommand::SetSale { request, event, action: SaleAction::Pause },
                3 | 4 => {
                    let areas = numbers.iter().take(3).map(|&number| (AreaIndex(number as u16), a as u32)).collect();
                    let choice = Choice::Chosen { seats: seats.into_iter().take(c as usize % 60).collect(), areas };
                    SeatCommand::Hold { request, event, hold, user, choice, expect_total: flag.then_some(b), promo: None }
                }
                5 => {
                    let section = flag.then_some(SectionIndex(b as u16));
                    let choice = Choice::Best { quantity: a as u32, section, max_price: Some(c), split: flag, accessible: !flag };
                    SeatCommand::Hold { request, event, hold, user, choice, expect_total: None, promo: None }
                }
                6 => SeatCommand::Extend { request, event, hold, actor },
                7 => SeatCommand::Release { request, event, hold, actor },
                8 => SeatCommand::PayBegin { request, event, hold, user, order, attempt, method: text },
                9 => SeatCommand::Confirm { event, order, attempt, authorized: a, reference: text },
                10 => SeatCommand::PayFail { event, order, attempt, code: text },
                11 => SeatCommand::Captured { event, order, attempt },
                12 => SeatCommand::Void {
                    request,
                    event,
                    tickets: numbers.iter().map(|&number| TicketId(order.0 | u128::from(number))).collect(),
                    actor,
                    reason: text,
                    block: flag,
                },
                13 => SeatCommand::Block { request, event, seats, action: BlockAction::Kill, reason: text },
                14 => SeatCommand::Money(MoneyCommand::Note { event, order, attempt, reference: text.clone(), action: Some(text) }),
                15 => {
                    let tickets = numbers.iter().map(|&number| TicketId(order.0 | u128::from(number))).collect();
                    let (refund, amount, reason, block) = (RefundId(user.0), flag.then_some(a), text, flag);
                    SeatCommand::Money(MoneyCommand::Refund { request, event, order, refund, tickets, amount, actor, reason, block })
                }
                16 => SeatCommand::Money(MoneyCommand::RefundNext { event, limit: a as u32 }),
                17 => SeatCommand::Money(MoneyCommand::Pin { request, event, hold, user, order, cart: CartId(user.0) }),
                18..=20 => {
                    let action = hostile_action(kind, event, user, TicketId(order.0), (a, b, c), text, flag);
                    SeatCommand::Ticket { request, event, action }
                }
                _ => SeatCommand::OutboxAck { acks: numbers.iter().map(|&number| (number as u32, a)).collect() },
            }
        })
        .prop_map(house::by_staff)
}

fn hostile_action(
    kind: u8,
    event: EventId,
    user: UserId,
    ticket: TicketId,
    (a, b, c): (u64, u64, u64),
    text: String,
    flag: bool,
) -> TicketAction {
    match (kind, flag) {
        (20, true) => TicketAction::Offer { ticket, user, to: text },
        (20, false) => TicketAction::Claim { ticket, user, email: text },
        (_, flag) => TicketAction::Scan(Scan {
            gate: text,
            nonce: a,
            direction: if flag { Direction::In } else { Direction::Out },
            claim: flag.then_some(Claim { event, ticket, epoch: c as u32 }),
            doors: (Timestamp(b), Timestamp(c)),
            offline_at: flag.then_some(Timestamp(b)),
        }),
    }
}
