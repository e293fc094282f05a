//! Small houses from one line of text, and a ledger that sells one.
//!
//! `S A=10 B=..acr | T/1 A=4 | Floor*50/1` is: section S with row A of ten seats and row B of five (`.` standard,
//! `a` accessible, `c` companion, `r` restricted), section T at price level 1, area Floor with 50 places at level 1.
//! Rows lie one behind the other, centred, a metre apart; the focal point is in front of the first.

use boxoffice_ledger::codec::plan::encode_plan;
use boxoffice_ledger::command::{Audited, BlobChunk, MoneyCommand, RefundPolicy, RefundWho, SaleAction, SaleTerms, SeatCommand};
use boxoffice_ledger::ids::{EventId, PlanHash, Request, RequestId, Slot, UserId};
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::outcome::SeatOutcome;
use boxoffice_ledger::plan::{Area, Level, LevelIndex, Plan, Point, Row, Seat, SeatKind, Section};
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::tickets::EntryTerms;
use boxoffice_ledger::time::{Millis, Timestamp};

pub const SLOT: Slot = Slot::new(7);

/// Where the clock of the tests begins.
pub const START: Timestamp = Timestamp(1_790_000_000_000_000);

pub fn event() -> EventId {
    EventId::new(1, SLOT, 1)
}

pub fn terms() -> SaleTerms {
    SaleTerms {
        currency: Currency::parse("EUR").unwrap(),
        prices: vec![5000, 3000],
        per_user_limit: 0,
        lapses_max: 0,
        hold_ttl: Millis::from_mins(8),
        orphan_rule: false,
        opens_at: None,
        refunds: RefundPolicy { who: RefundWho::Buyer, ..RefundPolicy::default() },
        entry: EntryTerms::default(),
        pricing: vec![],
    }
}

pub fn plan(text: &str) -> Plan {
    let levels = vec![Level { name: "One".into(), color: 0 }, Level { name: "Two".into(), color: 1 }];
    let mut plan = Plan { name: "House".into(), levels, focal: Point { x: 0, y: -100 }, ..Plan::default() };
    let mut depth = 0;
    for part in text.split('|').map(str::trim) {
        let mut words = part.split_whitespace();
        let head = words.next().unwrap();
        let (name, level) = head.split_once('/').map_or((head, 0), |(name, level)| (name, level.parse().unwrap()));
        let level = LevelIndex(level);
        if let Some((name, capacity)) = name.split_once('*') {
            let at = Point { x: 0, y: 100 * plan.areas.len() as i32 };
            plan.areas.push(Area { name: name.into(), capacity: capacity.parse().unwrap(), level, at });
            continue;
        }
        let rows = words.map(|row| {
            depth += 1;
            self::row(row, level, 100 * (depth - 1))
        });
        plan.sections.push(Section { name: name.into(), rows: rows.collect() });
    }
    plan
}

fn row(text: &str, level: LevelIndex, y: i32) -> Row {
    let (name, seats) = text.split_once('=').unwrap();
    let seats = seats.parse().map_or_else(|_| seats.to_string(), |count| ".".repeat(count));
    let width = seats.len() as i32;
    let seat = |(place, kind): (usize, char)| Seat {
        name: (place + 1).to_string(),
        level,
        at: Point { x: 50 * (2 * place as i32 + 1 - width), y },
        kind: match kind {
            '.' => SeatKind::Standard,
            'a' => SeatKind::Accessible,
            'c' => SeatKind::Companion,
            'r' => SeatKind::Restricted,
            other => panic!("no such kind of seat: {other}"),
        },
    };
    Row { name: name.into(), seats: seats.chars().enumerate().map(seat).collect() }
}

/// The commands that put an event on this plan up for sale.
pub fn provision(plan: &Plan, terms: &SaleTerms) -> Vec<SeatCommand> {
    let bytes = encode_plan(plan);
    let hash = PlanHash([1; 32]);
    let total = bytes.len() as u32;
    let chunks = bytes
        .chunks(32 * 1024)
        .enumerate()
        .map(|(number, bytes)| SeatCommand::PlanChunk(BlobChunk { hash, total, offset: number as u32 * 32 * 1024, bytes: bytes.to_vec() }));
    chunks.chain([SeatCommand::CreateEvent { event: event(), plan: hash, terms: terms.clone() }]).collect()
}

/// A ledger with an event on this plan, not open yet.
pub fn published(plan: &Plan, terms: &SaleTerms) -> SeatLedger {
    let mut ledger = SeatLedger::default();
    for command in provision(plan, terms) {
        let answer = ledger.apply(START, &command, &mut Vec::new());
        assert_eq!(answer.outcome, SeatOutcome::Done);
    }
    ledger
}

/// A ledger that sells an event on this plan.
pub fn on_sale(plan: &Plan, terms: &SaleTerms) -> SeatLedger {
    let mut ledger = published(plan, terms);
    let request = Request { id: RequestId(u128::MAX), fingerprint: 0 };
    ledger.apply(START, &SeatCommand::SetSale { request, event: event(), action: SaleAction::Open }, &mut Vec::new());
    ledger
}

/// The command as staff ask for it, if it is one of theirs; every other one only.
pub fn by_staff(command: SeatCommand) -> SeatCommand {
    let request = match &command {
        SeatCommand::SetSale { request, .. }
        | SeatCommand::Block { request, .. }
        | SeatCommand::Void { request, .. }
        | SeatCommand::Money(MoneyCommand::Refund { request, .. }) => request.id.0,
        _ => return command,
    };
    if request % 2 == 0 {
        return command;
    }
    SeatCommand::Audited(Audited { actor: UserId(request), address: "192.0.2.7".into(), command: Box::new(command) })
}
