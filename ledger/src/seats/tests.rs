//! Golden bytes of every command and answer and of a snapshot; what damaged snapshots and unknown bytes give.

mod price;
mod promo;

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::SeatLedger;
use crate::codec::plan::encode_plan;
use crate::codec::{CodecError, golden};
use crate::command::{Actor, BlobChunk, BlockAction, Choice, MoneyCommand, RefundPolicy, SaleAction, SaleTerms, SeatCommand};
use crate::ids::{AttemptId, CartId, EventId, HoldId, OrderId, PlanHash, RefundId, Request, RequestId, Slot, TicketId, UserId};
use crate::machine::Machine;
use crate::money::Currency;
use crate::orders::DisputeState;
use crate::outcome::{Answer, Confirmation, HoldInfo, HoldState, Rejection, SaleState, SeatOutcome};
use crate::plan::tests::small;
use crate::plan::{AreaIndex, SeatIndex, SectionIndex};
use crate::tickets::{Claim, Direction, EntryTerms, Reentry, Scan, TicketAction};
use crate::time::{Millis, Timestamp};

mod audited;

const SLOT: Slot = Slot::new(77);
const USER: UserId = UserId::new(5, Slot::new(9), 6);
const EVENT: EventId = EventId::new(1, SLOT, 2);
const PLAN: PlanHash = PlanHash([3; 32]);

fn hold_id(number: u128) -> HoldId {
    HoldId::new(2, SLOT, number)
}

fn order_id(number: u128) -> OrderId {
    OrderId::for_tickets(3, SLOT, number << 16)
}

fn attempt_id(number: u128) -> AttemptId {
    AttemptId::new(4, SLOT, number)
}

fn request(number: u128) -> Request {
    Request { id: RequestId(number << 64 | 7), fingerprint: 8 }
}

fn terms() -> SaleTerms {
    SaleTerms {
        currency: Currency::parse("EUR").unwrap(),
        prices: vec![2500, 0],
        per_user_limit: 6,
        lapses_max: 0,
        hold_ttl: Millis::from_mins(8),
        orphan_rule: true,
        opens_at: Some(Timestamp(5)),
        refunds: RefundPolicy::default(),
        entry: EntryTerms::default(),
        pricing: vec![],
    }
}

fn hold(number: u128, seats: &[u32], areas: &[(u16, u32)]) -> SeatCommand {
    let choice = Choice::Chosen {
        seats: seats.iter().copied().map(SeatIndex).collect(),
        areas: areas.iter().map(|&(area, count)| (AreaIndex(area), count)).collect(),
    };
    SeatCommand::Hold { request: request(number), event: EVENT, hold: hold_id(number), user: USER, choice, expect_total: None, promo: None }
}

fn pay(number: u128) -> SeatCommand {
    SeatCommand::PayBegin {
        request: request(100 + number),
        event: EVENT,
        hold: hold_id(number),
        user: USER,
        order: order_id(number),
        attempt: attempt_id(number),
        method: "tok_visa".to_string(),
    }
}

/// A life of an event that leaves a record of every kind in every interesting state.
fn life() -> Vec<SeatCommand> {
    let bytes = encode_plan(&small());
    let (event, code, reason) = (EVENT, "card_declined".to_string(), "goodwill".to_string());
    let order = order_id(1);
    vec![
        SeatCommand::PlanChunk(BlobChunk { hash: PLAN, total: bytes.len() as u32, offset: 0, bytes }),
        SeatCommand::CreateEvent { event, plan: PLAN, terms: terms() },
        SeatCommand::SetSale { request: request(90), event, action: SaleAction::Open },
        hold(1, &[0, 1], &[(0, 2)]),
        pay(1),
        SeatCommand::Confirm { event, order, attempt: attempt_id(1), authorized: 5000, reference: String::new() },
        SeatCommand::Captured { event, order, attempt: attempt_id(1) },
        hold(2, &[2], &[]),
        pay(2),
        SeatCommand::PayUnknown { event, order: order_id(2), attempt: attempt_id(2) },
        SeatCommand::PayFail { event, order: order_id(2), attempt: attempt_id(2), code },
        SeatCommand::Extend { request: request(91), event, hold: hold_id(2), actor: Actor::User(USER) },
        hold(3, &[], &[(0, 1)]),
        SeatCommand::Release { request: request(92), event, hold: hold_id(3), actor: Actor::Staff(USER) },
        SeatCommand::Void {
            request: request(93),
            event,
            tickets: vec![TicketId::of_order(order, 1), TicketId::of_order(order, 2)],
            actor: Actor::System,
            reason: reason.clone(),
            block: true,
        },
        SeatCommand::Block { request: request(94), event, seats: vec![SeatIndex(3)], action: BlockAction::Kill, reason },
        SeatCommand::Hold {
            request: request(95),
            event,
            hold: hold_id(4),
            user: USER,
            choice: Choice::Best { quantity: 1, section: Some(SectionIndex(1)), max_price: Some(9000), split: true, accessible: true },
            expect_total: Some(9000),
            promo: None,
        },
        SeatCommand::OutboxAck { acks: vec![(9, 2)] },
        hold(5, &[0], &[]),
        SeatCommand::Pulse,
    ]
    .into_iter()
    .chain(money().into_iter().map(SeatCommand::Money))
    .collect()
}

/// What happened about money since: commands of every kind, after those of [`life`].
fn money() -> Vec<MoneyCommand> {
    let (event, order, code, reason) = (EVENT, order_id(1), "gone".to_string(), "goodwill".to_string());
    let (cart, attempt) = (CartId::new(6, Slot::new(9), 1), attempt_id(1));
    let given = |number: u128, tickets, amount, actor| MoneyCommand::Refund {
        request: request(number),
        event,
        order,
        refund: RefundId::new(5, SLOT, number),
        tickets,
        amount,
        actor,
        reason: reason.clone(),
        block: false,
    };
    vec![
        given(201, vec![TicketId::of_order(order, 0)], Some(2000), Actor::Staff(USER)),
        given(202, vec![], Some(1), Actor::System),
        MoneyCommand::RefundDone { event, order, refund: RefundId::new(5, SLOT, 201) },
        MoneyCommand::RefundFailed { event, order, refund: RefundId::new(5, SLOT, 202), code: code.clone() },
        MoneyCommand::Dispute { event, order, dispute: "dp_1".to_string(), state: DisputeState::Open, amount: 2500 },
        MoneyCommand::Pin { request: request(203), event, hold: hold_id(2), user: USER, order: order_id(2), cart },
        MoneyCommand::CartConfirm { event, order: order_id(2), cart, attempt: attempt_id(9), reference: "pi_9".to_string() },
        MoneyCommand::CartRelease { event, order: order_id(2), cart },
        MoneyCommand::Note { event, order, attempt, reference: "pi_1".to_string(), action: Some("https://pay.example/1".to_string()) },
        MoneyCommand::GiveUp { event, order, attempt },
        MoneyCommand::Voided { event, order, attempt },
        MoneyCommand::CaptureFailed { event, order: order_id(2), attempt: attempt_id(9), code },
        MoneyCommand::RefundNext { event, limit: 7 },
    ]
}

/// Numbers of the commands of [`life`] that are refused.
const REFUSED: [u64; 5] = [19, 28, 30, 31, 33];

fn lived() -> SeatLedger {
    lived_through(usize::MAX)
}

/// How many commands of [`life`] are older than those about money.
const BEFORE_MONEY: usize = 20;

fn lived_through(count: usize) -> SeatLedger {
    let mut ledger = SeatLedger::default();
    ledger.set_request_limit(1000);
    for (number, command) in (1_u64..).zip(life()).take(count) {
        let answer = ledger.apply(Timestamp(number * 1_000_000), &command, &mut Vec::new());
        let refused = matches!(answer.outcome, SeatOutcome::Rejected(_));
        assert_eq!(refused, REFUSED.contains(&number), "{number} {command:?}: {answer:?}");
        assert_eq!(ledger.check_invariants(), Ok(()));
    }
    ledger
}

fn frames(ledger: &SeatLedger) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    ledger.write_snapshot(&mut |frame| frames.push(frame.to_vec()));
    frames
}

fn read(frames: Vec<Vec<u8>>) -> Result<SeatLedger, CodecError> {
    SeatLedger::read_snapshot(&mut frames.into_iter())
}

fn answers() -> Vec<Answer<SeatOutcome>> {
    let currency = Currency::parse("EUR").unwrap();
    let info = HoldInfo {
        hold: hold_id(1),
        user: USER,
        state: HoldState::Paying,
        seats: vec![SeatIndex(0), SeatIndex(300)],
        areas: vec![(AreaIndex(1), 2)],
        total: 5000,
        discount: 0,
        promo: None,
        currency,
        expires_at: Timestamp(1_790_000_000_000_000),
        order: Some(order_id(1)),
    };
    let first = HoldInfo { state: HoldState::Active, areas: vec![], order: None, ..info.clone() };
    let confirmation = Confirmation { order: order_id(1), hold: hold_id(1), receipt: 300, tickets: 2, total: 5000, currency };
    let outcomes = vec![
        SeatOutcome::Done,
        SeatOutcome::Sale(SaleState::OnSale),
        SeatOutcome::Hold(first),
        SeatOutcome::Paying(info),
        SeatOutcome::Confirmed(confirmation),
        SeatOutcome::Voided { order: order_id(1), refund: 2500, currency },
        SeatOutcome::Blocked { revoked: vec![hold_id(1), hold_id(2)] },
        SeatOutcome::Rejected(Rejection::NothingFits),
    ];
    outcomes.into_iter().enumerate().map(|(number, outcome)| Answer { outcome, replayed: number % 2 == 1 }).collect()
}

/// What becomes of the tickets of [`life`] that are not void.
fn ticket_life() -> Vec<SeatCommand> {
    let event = EVENT;
    let ticket = |ordinal| TicketId::of_order(order_id(1), ordinal);
    let other = UserId::new(5, Slot::new(10), 7);
    let entry = EntryTerms {
        reentry: Reentry::Times(3),
        doors_before: Millis::from_mins(90),
        doors_after: Millis(0),
        transfer: false,
        transfer_until: Some(Timestamp(7)),
    };
    let scan = |direction, named: Option<(TicketId, u32)>, offline_at| {
        let claim = named.map(|(ticket, epoch)| Claim { event, ticket, epoch });
        let doors = (Timestamp(0), Timestamp(1_790_000_000_000_000));
        TicketAction::Scan(Scan { gate: "North 3".to_string(), nonce: 9, direction, claim, doors, offline_at })
    };
    let email = || "b@example.com".to_string();
    let actions = vec![
        TicketAction::Offer { ticket: ticket(3), user: USER, to: email() },
        TicketAction::Withdraw { ticket: ticket(3), user: USER },
        TicketAction::Offer { ticket: ticket(3), user: USER, to: email() },
        TicketAction::Claim { ticket: ticket(3), user: other, email: email() },
        TicketAction::Offer { ticket: ticket(3), user: other, to: email() },
        scan(Direction::In, Some((ticket(0), 1)), None),
        scan(Direction::Out, Some((ticket(0), 1)), None),
        scan(Direction::In, None, Some(Timestamp(8))),
        scan(Direction::In, Some((ticket(1), 1)), Some(Timestamp(9))),
    ];
    let created = EventId::new(1, SLOT, 3);
    let terms = SaleTerms { entry, ..terms() };
    let create = SeatCommand::CreateEvent { event: created, plan: PLAN, terms };
    let numbered = (200..).zip(actions).map(|(number, action)| SeatCommand::Ticket { request: request(number), event, action });
    [create].into_iter().chain(numbered).collect()
}

#[test]
fn golden_bytes_of_tickets_stay_as_they_are() {
    let mut ledger = lived_through(BEFORE_MONEY);
    for (number, command) in (0_u64..).zip(ticket_life()) {
        let bytes = golden::check(&alloc::format!("seat-ticket-command-{number:02}"), &SeatLedger::encode_command(&command));
        assert_eq!(SeatLedger::decode_command(&bytes).as_ref(), Ok(&command));
        let answer = ledger.apply(Timestamp((30 + number) * 1_000_000), &command, &mut Vec::new());
        assert!(!matches!(answer.outcome, SeatOutcome::Rejected(_)), "{command:?}: {answer:?}");
        let bytes = golden::check(&alloc::format!("seat-ticket-answer-{number:02}"), &SeatLedger::encode_answer(&answer));
        assert_eq!(SeatLedger::decode_answer(&bytes).as_ref(), Ok(&answer));
        assert_eq!(ledger.check_invariants(), Ok(()));
    }
    let snapshot = golden::check("seat-ticket-snapshot-decided", &golden::join(&frames(&ledger)));
    let restored = read(golden::split(&snapshot)).unwrap();
    assert_eq!((restored.digest(), restored.check_invariants()), (ledger.digest(), Ok(())));
}

#[test]
fn golden_bytes_stay_as_they_are() {
    for (number, command) in life().iter().enumerate() {
        let bytes = golden::check(&alloc::format!("seat-command-{number:02}"), &SeatLedger::encode_command(command));
        assert_eq!(SeatLedger::decode_command(&bytes).as_ref(), Ok(command));
    }
    for (number, answer) in answers().iter().enumerate() {
        let bytes = golden::check(&alloc::format!("seat-answer-{number:02}"), &SeatLedger::encode_answer(answer));
        assert_eq!(SeatLedger::decode_answer(&bytes).as_ref(), Ok(answer));
    }
    let snapshot = golden::check("seat-snapshot-decided", &golden::join(&frames(&lived())));
    let ledger = read(golden::split(&snapshot)).unwrap();
    assert_eq!(ledger.digest(), lived().digest());
    assert_eq!(ledger.check_invariants(), Ok(()));
}

#[test]
fn a_snapshot_of_an_older_build_stays_readable_and_is_written_the_same() {
    for name in ["seat-snapshot", "seat-snapshot-money", "seat-ticket-snapshot"] {
        let ledger = read(golden::split(&golden::read(name))).unwrap();
        assert_eq!(ledger.check_invariants(), Ok(()));
        golden::check(name, &golden::join(&frames(&ledger)));
    }
}

/// Every frame cut at every place, and every byte flipped: an error each time, unless it means the same.
#[test]
fn a_damaged_snapshot_is_refused() {
    let whole = frames(&lived());
    for place in 0..whole.len() {
        for length in 0..whole[place].len() {
            let mut cut = whole.clone();
            cut[place].truncate(length);
            assert!(read(cut).is_err(), "frame {place} cut to {length}");
        }
        for byte in 0..whole[place].len() {
            let mut flipped = whole.clone();
            flipped[place][byte] ^= 0x11;
            if let Ok(ledger) = read(flipped) {
                // Two flips are harmless: one in the bound on requests, which is configuration and not in the digest, and
                // one that makes a `true` of 16 out of a `true` of 1.
                let same = frames(&ledger) == whole;
                assert!(same || ledger.requests.limit() != 1000, "frame {place}, byte {byte}");
            }
        }
    }
}

#[test]
fn unknown_bytes_stop_the_group_and_broken_ones_are_refused_alike_everywhere() {
    let newer_version = [8, 2, 0x82, 1, 0];
    let newer_kind = [8, 1, 0xfa, 1, 0];
    for bytes in [&newer_version[..], &newer_kind] {
        assert!(matches!(SeatLedger::decode_command(bytes), Err(CodecError::Unknown(_))), "{bytes:?}");
    }
    for bytes in [&[][..], &[8, 1], &[0xff; 9], &[8, 1, 0x2a, 9]] {
        assert!(matches!(SeatLedger::decode_command(bytes), Err(CodecError::Broken(_))), "{bytes:?}");
    }
    let refusal = Rejection::Malformed { pointer: String::new(), detail: "why".to_string() };
    assert_eq!(SeatLedger::malformed("why").outcome, SeatOutcome::Rejected(refusal));
}

#[test]
fn a_full_table_of_requests_refuses_new_ones_and_replays_known_ones() {
    let mut ledger = SeatLedger::default();
    ledger.set_request_limit(2);
    let mut commands = life().into_iter();
    for (number, command) in (10_u64..).zip(commands.by_ref().take(4)) {
        ledger.apply(Timestamp(number), &command, &mut Vec::new());
    }
    let full = ledger.apply(Timestamp(19), &pay(1), &mut Vec::new());
    assert_eq!(full.outcome, SeatOutcome::Rejected(Rejection::RequestsFull));
    let again = ledger.apply(Timestamp(20), &hold(1, &[0, 1], &[(0, 2)]), &mut Vec::new());
    assert!(again.replayed && matches!(again.outcome, SeatOutcome::Hold(_)), "{again:?}");
    assert_eq!(ledger.check_invariants(), Ok(()));
}

#[test]
fn an_event_needs_its_plan_fitting_prices_and_a_sound_ttl_and_is_created_once() {
    let mut ledger = SeatLedger::default();
    let mut create = |plan: bool, terms: SaleTerms| {
        if plan {
            ledger.apply(Timestamp(1), &life()[0], &mut Vec::new());
        }
        let mut changes = Vec::new();
        let outcome = ledger.apply(Timestamp(2), &SeatCommand::CreateEvent { event: EVENT, plan: PLAN, terms }, &mut changes).outcome;
        (outcome, changes.len())
    };
    let pointer = |outcome: SeatOutcome| match outcome {
        SeatOutcome::Rejected(Rejection::Malformed { pointer, .. }) => pointer,
        other => alloc::format!("{other:?}"),
    };
    let no_plan = SeatOutcome::Rejected(Rejection::NotFound { what: "plan".to_string() });
    assert_eq!(create(false, terms()), (no_plan, 0));
    assert_eq!(pointer(create(true, SaleTerms { prices: vec![1], ..terms() }).0), "/terms/prices");
    assert_eq!(pointer(create(true, SaleTerms { prices: vec![1, u64::MAX], ..terms() }).0), "/terms/prices/1");
    for ttl in [0, 119_999, 1_800_001, u64::MAX] {
        assert_eq!(pointer(create(true, SaleTerms { hold_ttl: Millis(ttl), ..terms() }).0), "/terms/hold_ttl");
    }
    assert_eq!(create(true, terms()), (SeatOutcome::Done, 1));
    assert_eq!(create(true, SaleTerms { per_user_limit: 99, ..terms() }), (SeatOutcome::Done, 0));
    assert_eq!(ledger.event(EVENT).unwrap().terms(), &terms());
}

#[test]
fn time_never_goes_backwards() {
    let mut ledger = lived();
    let at = ledger.at();
    ledger.apply(Timestamp(1), &hold(7, &[4], &[]), &mut Vec::new());
    assert_eq!(ledger.at(), at);
    assert_eq!(ledger.hold(EVENT, hold_id(7)).unwrap().expires_at, at.plus(Millis::from_mins(8)));
    assert_eq!(ledger.check_invariants(), Ok(()));
}

/// Zero means "never" in the records, and next to the last stamp of all there is no later deadline.
#[test]
fn holds_begin_and_end_at_either_end_of_time() {
    for at in [Timestamp(0), Timestamp(u64::MAX - 1), Timestamp(u64::MAX)] {
        let mut ledger = SeatLedger::default();
        let create = SeatCommand::CreateEvent { event: EVENT, plan: PLAN, terms: SaleTerms { opens_at: None, ..terms() } };
        let release = SeatCommand::Release { request: request(3), event: EVENT, hold: hold_id(1), actor: Actor::System };
        let sale = [life()[0].clone(), create, life()[2].clone(), hold(1, &[], &[(0, 1)]), hold(2, &[], &[(0, 2)]), release];
        for command in sale {
            let answer = ledger.apply(at, &command, &mut Vec::new());
            assert!(!matches!(answer.outcome, SeatOutcome::Rejected(_)), "{command:?} at {at}: {answer:?}");
            assert_eq!(ledger.check_invariants(), Ok(()), "after {command:?} at {at}");
        }
        assert_eq!(ledger.hold(EVENT, hold_id(2)).unwrap().state, HoldState::Active);
        assert!(ledger.next_deadline() > Some(ledger.at()));
        let copy = read(frames(&ledger)).unwrap();
        assert_eq!((copy.check_invariants(), copy.digest()), (Ok(()), ledger.digest()));
    }
}

#[test]
fn what_waits_is_told_the_same_by_a_frozen_copy() {
    let ledger = lived_through(BEFORE_MONEY);
    let frozen = ledger.clone();
    assert_eq!(frozen.next_deadline(), ledger.next_deadline());
    assert!(ledger.next_deadline().is_some());
    assert_eq!(frozen.open_attempts(10, 10), ledger.open_attempts(10, 10));
    assert_eq!(frozen.outbox_targets(), vec![9]);
    assert_eq!(frozen.undelivered(USER), ledger.undelivered(USER));
    // An order and four tickets were sold, two were acknowledged; two tickets were voided, which told the order anew.
    assert_eq!(frozen.undelivered(USER).len(), 5 - 2 + 3);
    assert!(frozen.undelivered(UserId::new(1, Slot::new(9), 1)).is_empty());
}

#[test]
fn damage_in_memory_is_noticed() {
    use crate::outcome::SeatState;
    use crate::seats::records::Cell;
    let wound = |hurt: fn(&mut super::EventSale)| {
        let mut ledger = lived_through(BEFORE_MONEY);
        let sale = ledger.events.get_mut(&EVENT).unwrap();
        hurt(alloc::sync::Arc::make_mut(sale));
        ledger.check_invariants().unwrap_err()
    };
    let found = [
        wound(|sale| assert!(sale.cells.set(0, Cell::FREE).is_some())),
        wound(|sale| assert!(sale.cells.set(5, Cell::new(SeatState::Held, 1)).is_some())),
        wound(|sale| sale.areas[0].available += 1),
        wound(|sale| sale.head.receipts += 1),
        wound(|sale| sale.totals.sold += 1),
        wound(|sale| assert!(sale.users.remove(&USER).is_some())),
        wound(|sale| assert!(sale.holds.remove(&hold_id(2)).is_some())),
        wound(|sale| sale.holds.get_mut(&hold_id(2)).unwrap().state = HoldState::Expired),
        wound(|sale| sale.holds.get_mut(&hold_id(2)).unwrap().expires_at = Timestamp(1)),
        wound(|sale| sale.orders.get_mut(&order_id(1)).unwrap().total += 1),
        wound(|sale| sale.orders.get_mut(&order_id(1)).unwrap().refunded += 1),
        wound(|sale| sale.orders.get_mut(&order_id(1)).unwrap().attempts.clear()),
        wound(|sale| sale.holds.get_mut(&hold_id(1)).unwrap().created_at = Timestamp(3)),
    ];
    assert!(found.iter().all(|what| !what.is_empty()), "{found:?}");
    let mut ledger = lived_through(BEFORE_MONEY);
    ledger.digest.add(1);
    assert_eq!(ledger.check_invariants(), Err("the digest of the records is another".to_string()));
}
