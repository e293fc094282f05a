//! The bench's event and commands.

use boxoffice_ledger::codec::plan::encode_plan;
use boxoffice_ledger::command::{BlobChunk, BlockAction, Choice, SaleAction, SaleTerms, SeatCommand};
use boxoffice_ledger::ids::{AttemptId, EventId, HoldId, OrderId, PlanHash, Request, RequestId, Slot, UserId};
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::outcome::SeatOutcome;
use boxoffice_ledger::plan::{Level, LevelIndex, Plan, Point, Row, Seat, SeatIndex, SeatKind, Section};
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::tickets::EntryTerms;
use boxoffice_ledger::time::{Millis, Timestamp};

pub const SEATS: u32 = 100_000;

const SLOT: Slot = Slot::new(9);
const MILLIS: u64 = 1_790_000_000_000;

/// Stamps as a leader gives them: a batch every 100 us.
pub struct Clock(u64);

impl Clock {
    pub fn tick(&mut self) -> Timestamp {
        self.0 += 100;
        Timestamp(self.0)
    }
}

fn event() -> EventId {
    EventId::new(MILLIS, SLOT, 1)
}

/// Numbers that look drawn, the same in every run.
fn drawn(number: u64) -> u128 {
    let mut value = number.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value ^= value >> 29;
    value = value.wrapping_mul(0x94d0_49bb_1331_11eb);
    u128::from(value ^ (value >> 32)) << 16
}

fn request(key: u64) -> Request {
    Request { id: RequestId(drawn(key) << 40 | u128::from(key)), fingerprint: key }
}

fn user(key: u64) -> UserId {
    UserId::new(MILLIS, Slot::new((drawn(key) >> 40) as u16), drawn(key))
}

fn hold_id(key: u64) -> HoldId {
    HoldId::new(MILLIS + key / 100, SLOT, drawn(key))
}

/// Fifty sections of fifty rows of forty seats, side by side in rings around the focal point.
fn plan() -> Plan {
    let seat = |section: i32, row: i32, place: i32| Seat {
        name: (place + 1).to_string(),
        level: LevelIndex(0),
        at: Point { x: (section - 25) * 2500 + place * 50, y: 1000 + row * 100 },
        kind: SeatKind::Standard,
    };
    let row = |section: i32, row: i32| Row { name: (row + 1).to_string(), seats: (0..40).map(|place| seat(section, row, place)).collect() };
    let section = |number: i32| Section { name: format!("S{number}"), rows: (0..50).map(|place| row(number, place)).collect() };
    Plan {
        name: "Bowl".into(),
        levels: vec![Level { name: "All".into(), color: 0 }],
        sections: (0..50).map(section).collect(),
        areas: Vec::new(),
        focal: Point { x: 0, y: 0 },
    }
}

/// A fresh ledger that sells the event, every seat at this price.
pub fn on_sale(price: u64) -> (SeatLedger, Clock) {
    let mut ledger = SeatLedger::default();
    let mut clock = Clock(MILLIS * 1000);
    let hash = PlanHash([9; 32]);
    let bytes = encode_plan(&plan());
    let mut apply = |command: SeatCommand| {
        let outcome = ledger.apply(clock.tick(), &command, &mut Vec::new()).outcome;
        assert!(matches!(outcome, SeatOutcome::Done | SeatOutcome::Sale(_)), "{outcome:?}");
    };
    for (number, piece) in bytes.chunks(32 * 1024).enumerate() {
        let offset = number as u32 * 32 * 1024;
        apply(SeatCommand::PlanChunk(BlobChunk { hash, total: bytes.len() as u32, offset, bytes: piece.to_vec() }));
    }
    let terms = SaleTerms {
        currency: Currency::parse("EUR").unwrap(),
        prices: vec![price],
        per_user_limit: 4,
        lapses_max: 0,
        hold_ttl: Millis::from_mins(8),
        orphan_rule: false,
        opens_at: None,
        refunds: boxoffice_ledger::command::RefundPolicy::default(),
        entry: EntryTerms::default(),
        pricing: vec![],
    };
    apply(SeatCommand::CreateEvent { event: event(), plan: hash, terms });
    apply(SeatCommand::SetSale { request: request(u64::MAX), event: event(), action: SaleAction::Open });
    (ledger, clock)
}

pub fn seats_in_random_order(seed: u64) -> Vec<SeatIndex> {
    let mut seats: Vec<SeatIndex> = (0..SEATS).map(SeatIndex).collect();
    seats.sort_by_key(|seat| drawn(u64::from(seat.0) ^ seed << 32));
    seats
}

pub fn hold(seat: SeatIndex, key: u64) -> SeatCommand {
    choose(Choice::Chosen { seats: vec![seat], areas: Vec::new() }, key)
}

pub fn best(quantity: u32, key: u64) -> SeatCommand {
    choose(Choice::Best { quantity, section: None, max_price: None, split: false, accessible: false }, key)
}

fn choose(choice: Choice, key: u64) -> SeatCommand {
    SeatCommand::Hold {
        request: request(key),
        event: event(),
        hold: hold_id(key),
        user: user(key % 100_000_000),
        choice,
        expect_total: None,
        promo: None,
    }
}

pub fn pay(key: u64) -> SeatCommand {
    SeatCommand::PayBegin {
        request: request(key + 500_000_000),
        event: event(),
        hold: hold_id(key),
        user: user(key),
        order: OrderId::for_tickets(MILLIS + key / 100, SLOT, drawn(key)),
        attempt: AttemptId::new(MILLIS, SLOT, drawn(key)),
        method: "tok_visa".into(),
    }
}

/// All but every hundredth seat, at random, are off sale.
pub fn nearly_full() -> (SeatLedger, Clock) {
    let (mut ledger, mut clock) = on_sale(1000);
    let taken: Vec<SeatIndex> = seats_in_random_order(3).into_iter().skip(SEATS as usize / 100).collect();
    for (number, seats) in taken.chunks(9000).enumerate() {
        let request = request(900_000_000 + number as u64);
        let block =
            SeatCommand::Block { request, event: event(), seats: seats.to_vec(), action: BlockAction::Block, reason: String::new() };
        ledger.apply(clock.tick(), &block, &mut Vec::new());
    }
    assert_eq!(ledger.events().next().unwrap().totals().available, SEATS / 100);
    (ledger, clock)
}
