//! A backend in memory: one venue, one event, seats that can be held and paid. It can be told to fail.

mod backend;
pub mod backup;
mod carts;
pub mod changes;
mod guest;
pub mod identity;
mod import;
mod inspection;
mod media;
pub mod nodes;
pub mod price;
mod promo;
mod reads;
mod search;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use boxoffice_ledger::change::Change;
use boxoffice_ledger::command::*;
use boxoffice_ledger::ids::*;
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::outcome::{AttemptState, HoldInfo, SaleState, SeatState};
use boxoffice_ledger::plan::*;
use boxoffice_ledger::tickets::{EntryTerms, TicketRecord, TicketState};
use boxoffice_ledger::time::{Millis, Timestamp};
use parking_lot::Mutex;

use crate::backend::*;
use crate::live::Hub;

/// The group that all of it lives in.
pub const GROUP: u32 = 3;
/// When the fake's holds run out.
pub const EXPIRES: Timestamp = Timestamp(1_790_000_480_000_000);

/// What reached the backend, and what it keeps.
#[derive(Default)]
pub struct Inner {
    /// Names of the calls, in order.
    pub calls: Vec<String>,
    /// What the next calls fail with.
    pub failure: Option<Failure>,
    /// The log index.
    pub index: u64,
    /// States of the seats.
    pub seats: Vec<SeatState>,
    /// Holds.
    pub holds: BTreeMap<HoldId, HoldInfo>,
    /// Carts.
    pub carts: BTreeMap<CartId, boxoffice_ledger::carts::Cart>,
    /// Outcomes by request.
    pub requests: BTreeMap<RequestId, (u64, HoldInfo, u64)>,
    /// The event's status.
    pub draft: bool,
    /// Signing keys that are good; none = the first.
    pub epochs: Vec<boxoffice_ledger::accounts::KeyEpoch>,
    /// What is said of every token's standing.
    pub standing: Option<Standing>,
    /// Freshness of the last read.
    pub freshness: Option<Freshness>,
    /// Whether the next created event can be held at once.
    pub not_ready: bool,
}

/// The backend.
pub struct Fake {
    /// All that changes.
    pub inner: Mutex<Inner>,
    /// Where changes go.
    pub hub: OnceLock<Arc<Hub>>,
    /// Denied requests that it was told of.
    pub denied: Mutex<Vec<String>>,
    applying: Mutex<()>,
    plan: Arc<Plan>,
}

/// The event.
pub fn event_id() -> EventId {
    EventId::new(1_790_000_000_000, Slot::new(9), 1)
}

/// The venue.
pub fn venue_id() -> VenueId {
    VenueId::new(1_790_000_000_000, Slot::new(0), 2)
}

/// The performer.
pub fn performer_id() -> PerformerId {
    PerformerId::new(1_790_000_000_000, Slot::new(0), 3)
}

/// The plan's hash.
pub fn plan_hash() -> PlanHash {
    PlanHash([0xab; 32])
}

/// The image.
pub fn image_id() -> MediaHash {
    MediaHash([0xcd; 32])
}

fn euro() -> Currency {
    Currency::parse("EUR").unwrap()
}

/// Two sections of two rows of five seats, and a floor for a hundred.
fn plan() -> Plan {
    let seat = |number: usize| Seat {
        name: number.to_string(),
        level: LevelIndex(u16::from(number > 3)),
        at: Point { x: number as i32 * 50, y: 0 },
        kind: if number == 5 { SeatKind::Accessible } else { SeatKind::Standard },
    };
    let row = |name: &str| Row { name: name.into(), seats: (1..=5).map(seat).collect() };
    let section = |name: &str| Section { name: name.into(), rows: vec![row("1"), row("2")] };
    Plan {
        name: "Hall".into(),
        levels: vec![Level { name: "Gold".into(), color: 0xffcc00 }, Level { name: "Silver".into(), color: 0xcccccc }],
        sections: vec![section("A"), section("B")],
        areas: vec![Area { name: "Floor".into(), capacity: 100, level: LevelIndex(1), at: Point::default() }],
        focal: Point { x: 100, y: -100 },
    }
}

impl Fake {
    /// An open event with every seat free.
    pub fn new() -> Arc<Self> {
        let inner = Inner { index: 100, seats: vec![SeatState::Available; 20], ..Inner::default() };
        let (denied, applying) = (Mutex::default(), Mutex::new(()));
        Arc::new(Self { inner: Mutex::new(inner), hub: OnceLock::new(), denied, applying, plan: Arc::new(plan()) })
    }

    /// Makes every call fail.
    pub fn fail(&self, failure: Option<Failure>) {
        self.inner.lock().failure = failure;
    }

    /// Calls so far that are not reads.
    pub fn writes(&self) -> Vec<String> {
        let reads = ["seat_map", "layout", "venue", "event", "status", "ready", "reached", "availability"];
        self.inner.lock().calls.iter().filter(|call| !reads.contains(&call.as_str())).cloned().collect()
    }

    /// Moves seats and publishes it, as an applied entry would.
    pub fn move_seats(&self, seats: &[u32], state: SeatState) -> u64 {
        let index = {
            let mut inner = self.inner.lock();
            inner.index += 1;
            seats.iter().for_each(|&seat| inner.seats[seat as usize] = state);
            inner.index
        };
        let seats = seats.iter().copied().map(SeatIndex).collect();
        self.publish(index, &[Change::Seats { event: event_id(), seats, from: SeatState::Available, state }]);
        index
    }

    /// As [`Fake::move_seats`], in order also when called from several tasks: one entry at a time, as apply does.
    pub fn apply_seats(&self, seats: &[u32], state: SeatState) -> u64 {
        let _turn = self.applying.lock();
        self.move_seats(seats, state)
    }

    /// Publishes an entry.
    pub fn publish(&self, index: u64, changes: &[Change]) {
        if let Some(hub) = self.hub.get() {
            hub.publish(GROUP, index, changes);
        }
    }

    fn enter(&self, call: &str) -> Answer<()> {
        let mut inner = self.inner.lock();
        inner.calls.push(call.into());
        match &inner.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }

    fn revision(&self) -> Revision {
        Revision { incarnation: 0, group: GROUP, index: self.inner.lock().index }
    }

    fn read<T>(&self, cx: Context, value: T) -> Answer<Read<T>> {
        self.inner.lock().freshness = Some(cx.freshness);
        Ok(Read { value, revision: self.revision(), age_ms: 12 })
    }

    fn written<T>(&self, value: T) -> Answer<Written<T>> {
        self.inner.lock().index += 1;
        Ok(Written { value, revision: self.revision(), replayed: false })
    }

    fn known(&self, event: EventId) -> Answer<()> {
        if event == event_id() { Ok(()) } else { Err(Failure::NotFound("event")) }
    }

    /// The venue.
    pub fn the_venue(&self) -> Arc<Venue> {
        Arc::new(Venue {
            id: venue_id(),
            name: "Hall".into(),
            city: "Berlin".into(),
            country: "DE".into(),
            time_zone: "Europe/Berlin".into(),
            plan: Some(plan_hash()),
            capacity: 120,
            version: 2,
        })
    }

    fn the_performer(&self) -> Arc<Performer> {
        Arc::new(Performer { id: performer_id(), name: "Midnight Radio".into(), genre: "band".into(), version: 1 })
    }

    fn view(&self, event: Option<NewEvent>) -> EventView {
        let draft = self.inner.lock().draft;
        let terms = SaleTerms {
            currency: euro(),
            prices: vec![12_500, 9_900],
            per_user_limit: 6,
            lapses_max: 0,
            hold_ttl: Millis::from_secs(480),
            orphan_rule: false,
            opens_at: None,
            refunds: RefundPolicy::default(),
            entry: EntryTerms::default(),
            pricing: vec![],
        };
        let event = event.unwrap_or_else(|| NewEvent {
            name: "Midnight Radio, Arena North".into(),
            description: "One night.".into(),
            category: "concert".into(),
            venue: venue_id(),
            performers: vec![performer_id()],
            starts_at: Timestamp(1_800_000_000_000_000),
            terms,
            status: if draft { EventStatus::Draft } else { EventStatus::Published },
            images: vec![image_id()],
        });
        let event = Event {
            id: event_id(),
            name: event.name,
            description: event.description,
            category: event.category,
            venue: event.venue,
            performers: event.performers,
            starts_at: event.starts_at,
            previous_start: None,
            plan: plan_hash(),
            terms: event.terms,
            owner: UserId(1),
            status: event.status,
            provisioned: true,
            version: 4,
            images: event.images,
        };
        let sale = SaleView {
            state: SaleState::OnSale,
            available: 118,
            held: 1,
            sold: 1,
            capacity: 120,
            from_price: Some(9_900),
            prices: Vec::new(),
        };
        EventView {
            event: Arc::new(event),
            venue: self.the_venue(),
            performers: vec![self.the_performer()],
            sale: Some(sale),
            media_base: "".into(),
        }
    }

    fn page(&self) -> Page<EventView> {
        Page { items: vec![self.view(None)], next: Some("next/1 2".into()) }
    }

    fn order_id(&self) -> OrderId {
        OrderId::for_tickets(1_790_000_000_000, Slot::new(9), 1 << 20)
    }

    fn tickets_of(&self, user: UserId) -> Vec<TicketView> {
        let record = TicketRecord {
            id: TicketId::of_order(self.order_id(), 0),
            epoch: 1,
            user,
            event: event_id(),
            order: self.order_id(),
            seat: Some(SeatIndex(1)),
            area: None,
            section: "A".into(),
            row: "1".into(),
            seat_name: "2".into(),
            level: LevelIndex(0),
            price: 12_500,
            currency: euro(),
            void: false,
            issued_at: EXPIRES,
            moved: false,
            offer: None,
        };
        vec![TicketView { ticket: record, event: Some(self.view(None)), pending: true, state: TicketState::Issued, code: None }]
    }

    fn the_hold(&self, caller: Caller, hold: HoldId) -> Answer<HoldInfo> {
        let found = self.inner.lock().holds.get(&hold).cloned();
        found.filter(|hold| hold.user == caller.user).ok_or(Failure::NotFound("hold"))
    }

    fn account_of(&self, user: UserId, email: &str) -> Account {
        Account { user, email: email.into(), name: "Ada".into(), role: Role::Customer, version: 3 }
    }
}

/// A payment's attempt that was captured.
fn captured() -> AttemptView {
    let (begun_at, decided_at) = (Timestamp(1_000_000), Some(Timestamp(1_750_000)));
    AttemptView { attempt: AttemptId(7), state: AttemptState::Captured, begun_at, decided_at, code: None }
}

/// How the one node stands.
fn node_view() -> NodeView {
    let group = GroupView { group: GROUP, kind: "events", role: "leader", leader: Some(1), term: 2, applied: 100, last: 100 };
    let (log_fsyncs, log_bytes, cpu_us, memory_bytes) = (5, 6, 7, 9);
    NodeView {
        node: 1,
        cluster: "test".into(),
        groups: vec![group],
        log_fsyncs,
        log_bytes,
        cpu_us,
        memory_bytes,
        search_index: Some(8),
        version: "0.0.0",
        writable: true,
        expelled: None,
    }
}
