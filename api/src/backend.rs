//! The product as seen from HTTP: one trait that `node` implements. Nothing here knows leaders, groups or forwarding.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use boxoffice_ledger::command::{
    BlockAction, Choice, Event, EventStatus, OrderRecord, Performer, Role, SaleAction, SaleTerms, TicketRecord, Venue,
};
use boxoffice_ledger::ids::{EventId, HoldId, OrderId, PerformerId, PlanHash, Request, TicketId, UserId, VenueId};
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::outcome::{AttemptState, Confirmation, HoldInfo, OrderState, Rejection, SaleState};
use boxoffice_ledger::plan::{Plan, SeatIndex};
use boxoffice_ledger::time::Timestamp;
use bytes::Bytes;

/// Who is calling, as the edge established it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub user: UserId,
    /// What it may do.
    pub role: Role,
}

/// A place in a group's history. Text form `<group>:<index>`, or `<group>:<index>:<incarnation>` after a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Which life of the cluster: raised by a restore.
    pub incarnation: u64,
    /// The group's number.
    pub group: u32,
    /// The log index.
    pub index: u64,
}

/// How fresh a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Whatever this node has applied.
    Local,
    /// At least this much of that group; waits a little for it.
    AtLeast(Revision),
    /// Not older than anything acknowledged before the read began; needs a quorum.
    Linearizable,
}

/// What every call carries.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// When the caller stops waiting.
    pub deadline: Instant,
    /// How fresh reads must be.
    pub freshness: Freshness,
}

/// The answer to a read.
#[derive(Clone, Debug)]
pub struct Read<T> {
    /// What was read.
    pub value: T,
    /// The index it reflects.
    pub revision: Revision,
    /// How long ago this node last heard that it was up to date, in milliseconds; 0 when linearizable.
    pub age_ms: u64,
}

/// The answer to a write.
#[derive(Clone, Debug)]
pub struct Written<T> {
    /// What was written.
    pub value: T,
    /// Where it stands in the log.
    pub revision: Revision,
    /// Whether this is the first outcome of an earlier request with the same key.
    pub replayed: bool,
}

/// Why a call failed. All but [`Failure::Unknown`] are definite: nothing happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The ledger said no, at this revision.
    Rejected(Rejection, Revision),
    /// The payment was refused by the provider; the hold stays until it expires.
    Declined {
        /// The provider's code.
        code: String,
        /// The hold as it is now.
        hold: Box<HoldInfo>,
    },
    /// Nothing of this name, or not the caller's.
    NotFound(&'static str),
    /// The caller may not do this.
    Forbidden(&'static str),
    /// E-mail or password are wrong (which one is not said).
    BadCredentials,
    /// A field is wrong: JSON pointer and what would be right.
    Invalid(Vec<Problem>),
    /// No quorum right now; try again after this many milliseconds.
    NoQuorum(u64),
    /// A queue is full or the disk is; try again after this many milliseconds.
    Overloaded(u64),
    /// The asked-for revision belongs to an earlier life of the cluster.
    Gone,
    /// It may or may not have happened: retry with the same key.
    Unknown,
}

/// One thing wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer of the field.
    pub pointer: String,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// What a call gives.
pub type Answer<T> = Result<T, Failure>;

/// How an event's sale stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleView {
    /// Open, paused, ...
    pub state: SaleState,
    /// Seats and places free.
    pub available: u32,
    /// Seats and places in holds (pinned ones included).
    pub held: u32,
    /// Seats and places sold.
    pub sold: u32,
    /// Seats and places in all.
    pub capacity: u32,
    /// The lowest price with something free, in minor units.
    pub from_price: Option<u64>,
}

/// An event with what belongs to it.
#[derive(Clone, Debug)]
pub struct EventView {
    /// The event.
    pub event: Arc<Event>,
    /// Its venue.
    pub venue: Arc<Venue>,
    /// Its performers, in the event's order.
    pub performers: Vec<Arc<Performer>>,
    /// Its sale; `None` until it is provisioned.
    pub sale: Option<SaleView>,
}

/// Which events to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only in this city (case and accents do not matter).
    pub city: Option<String>,
    /// Only in this category.
    pub category: Option<String>,
    /// Only at this venue.
    pub venue: Option<VenueId>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not after.
    pub to: Option<Timestamp>,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one; opaque.
    pub next: Option<String>,
}

/// Counts of one section or area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionCount {
    /// Its name.
    pub name: String,
    /// Free.
    pub available: u32,
    /// Held or pinned.
    pub held: u32,
    /// Sold.
    pub sold: u32,
    /// All.
    pub capacity: u32,
}

/// The seats of an event at one revision.
#[derive(Clone, Debug)]
pub struct SeatMap {
    /// The event.
    pub event: EventId,
    /// Its layout.
    pub layout: PlanHash,
    /// The layout itself.
    pub plan: Arc<Plan>,
    /// Two bits a seat in layout order, lowest bits first: 0 free, 1 held, 2 sold, 3 not for sale.
    pub states: Bytes,
    /// Sections in plan order, then areas in plan order.
    pub counts: Vec<SectionCount>,
    /// Price of each level, in minor units.
    pub prices: Vec<u64>,
    /// Their currency.
    pub currency: Currency,
    /// The sale.
    pub state: SaleState,
}

/// An order as its buyer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// Its id.
    pub order: OrderId,
    /// The event.
    pub event: EventId,
    /// The hold it came from.
    pub hold: HoldId,
    /// Where it stands.
    pub state: OrderState,
    /// Its last payment attempt's state; `None` for a free order.
    pub payment: Option<AttemptState>,
    /// The total, in minor units.
    pub total: u64,
    /// Its currency.
    pub currency: Currency,
    /// The receipt number, once confirmed.
    pub receipt: Option<u64>,
    /// The tickets, once confirmed.
    pub tickets: Vec<TicketId>,
}

/// A ticket with the event it is for.
#[derive(Clone, Debug)]
pub struct TicketView {
    /// The ticket.
    pub ticket: TicketRecord,
    /// Its event with venue, if this node's catalog has it.
    pub event: Option<EventView>,
    /// Whether the user's group has it yet; `true` = seen at the event's group, delivery under way.
    pub pending: bool,
}

/// A user's tickets.
#[derive(Clone, Debug)]
pub struct TicketPage {
    /// Newest first; pending ones lead the first page.
    pub page: Page<TicketView>,
    /// Whether every event group could be asked for undelivered tickets. `false` = there may be more: say so.
    pub complete: bool,
}

/// What paying led to.
#[derive(Clone, Debug)]
pub enum Payment {
    /// Paid: tickets are issued.
    Confirmed(Confirmation),
    /// The provider has not said yet; the hold is pinned.
    Pending(HoldInfo),
}

/// An account as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub user: UserId,
    /// Its e-mail.
    pub email: String,
    /// For people.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// A new account.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Normalised e-mail.
    pub email: String,
    /// For people.
    pub name: String,
    /// In clear; hashed by the backend off the async threads.
    pub password: String,
}

/// A new event. Ids that exist are checked by the backend.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Such as "sport".
    pub category: String,
    /// Where.
    pub venue: VenueId,
    /// Who plays.
    pub performers: Vec<PerformerId>,
    /// When it begins.
    pub starts_at: Timestamp,
    /// The terms.
    pub terms: SaleTerms,
    /// Draft, or Published and opened.
    pub status: EventStatus,
}

/// A change of an event; `None` leaves a field alone.
#[derive(Clone, Debug, Default)]
pub struct EventPatch {
    /// For people.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Such as "sport".
    pub category: Option<String>,
    /// When it begins.
    pub starts_at: Option<Timestamp>,
    /// Who plays.
    pub performers: Option<Vec<PerformerId>>,
}

/// A new venue or a change of one (`None` leaves a field alone; a new one needs name, city and time zone).
#[derive(Clone, Debug, Default)]
pub struct VenueInput {
    /// For people.
    pub name: Option<String>,
    /// City.
    pub city: Option<String>,
    /// ISO 3166 alpha-2.
    pub country: Option<String>,
    /// IANA time zone.
    pub time_zone: Option<String>,
}

/// A new performer or a change of one.
#[derive(Clone, Debug, Default)]
pub struct PerformerInput {
    /// For people.
    pub name: Option<String>,
    /// Such as "orchestra".
    pub genre: Option<String>,
}

/// How a created event came out.
#[derive(Clone, Debug)]
pub struct CreatedEvent {
    /// The event.
    pub view: EventView,
    /// Whether it can be held now; otherwise it will be soon (202).
    pub ready: bool,
}

/// The product. Every call ends by its context's deadline.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Published events, most popular first.
    async fn list_events(&self, cx: Context, filter: &EventFilter, limit: usize, cursor: Option<&str>) -> Answer<Read<Page<EventView>>>;
    /// Full-text search over published events.
    async fn search_events(
        &self,
        cx: Context,
        text: &str,
        filter: &EventFilter,
        limit: usize,
        cursor: Option<&str>,
    ) -> Answer<Read<Page<EventView>>>;
    /// One event. A draft is shown to its owner (and operators) only.
    async fn event(&self, cx: Context, caller: Option<Caller>, event: EventId) -> Answer<Read<EventView>>;
    /// Creates an event; returns when it can be held, or soon after with `ready: false`.
    async fn create_event(&self, cx: Context, caller: Caller, request: Request, event: NewEvent) -> Answer<Written<CreatedEvent>>;
    /// Changes an event that is at `version`.
    async fn update_event(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        version: u64,
        patch: EventPatch,
    ) -> Answer<Written<EventView>>;
    /// Publishes a draft and opens its sale (unless its terms open it later).
    async fn publish_event(&self, cx: Context, caller: Caller, request: Request, event: EventId) -> Answer<Written<EventView>>;
    /// Moves an event's sale.
    async fn move_sale(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        action: SaleAction,
    ) -> Answer<Written<SaleState>>;
    /// Blocks, unblocks or kills seats; gives the revoked holds.
    async fn block_seats(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        seats: Vec<SeatIndex>,
        action: BlockAction,
        reason: String,
    ) -> Answer<Written<Vec<HoldId>>>;

    /// The seats of an event.
    async fn seat_map(&self, cx: Context, event: EventId) -> Answer<Read<SeatMap>>;
    /// A layout by its hash.
    async fn layout(&self, cx: Context, hash: PlanHash) -> Answer<Arc<Plan>>;

    /// Holds seats.
    async fn hold(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        choice: Choice,
        expect_total: Option<u64>,
    ) -> Answer<Written<HoldInfo>>;
    /// A hold of the caller.
    async fn get_hold(&self, cx: Context, caller: Caller, event: EventId, hold: HoldId) -> Answer<Read<HoldInfo>>;
    /// Lengthens a hold.
    async fn extend_hold(&self, cx: Context, caller: Caller, request: Request, event: EventId, hold: HoldId) -> Answer<Written<HoldInfo>>;
    /// Gives a hold back.
    async fn release_hold(&self, cx: Context, caller: Caller, request: Request, event: EventId, hold: HoldId) -> Answer<Written<HoldInfo>>;
    /// Pays a hold with a provider token (ignored when the total is zero).
    async fn pay(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        hold: HoldId,
        method: String,
    ) -> Answer<Written<Payment>>;

    /// An order of the caller.
    async fn order(&self, cx: Context, caller: Caller, order: OrderId) -> Answer<Read<OrderView>>;
    /// The caller's orders, newest first.
    async fn orders(&self, cx: Context, caller: Caller, limit: usize, cursor: Option<&str>) -> Answer<Read<Page<OrderRecord>>>;
    /// The caller's tickets, newest first.
    async fn tickets(&self, cx: Context, caller: Caller, limit: usize, cursor: Option<&str>) -> Answer<Read<TicketPage>>;
    /// One ticket of the caller.
    async fn ticket(&self, cx: Context, caller: Caller, ticket: TicketId) -> Answer<Read<TicketView>>;

    /// Opens an account (role Customer).
    async fn register(&self, cx: Context, request: Request, account: NewAccount) -> Answer<Written<Account>>;
    /// Checks credentials; takes the same time whether or not the account exists.
    async fn log_in(&self, cx: Context, email: &str, password: String) -> Answer<Account>;
    /// An account.
    async fn account(&self, cx: Context, user: UserId) -> Answer<Read<Account>>;
    /// Changes an account's role (operators).
    async fn set_role(&self, cx: Context, caller: Caller, request: Request, user: UserId, role: Role) -> Answer<Written<Account>>;

    /// Venues, by id.
    async fn venues(&self, cx: Context, limit: usize, cursor: Option<&str>) -> Answer<Read<Page<Arc<Venue>>>>;
    /// One venue.
    async fn venue(&self, cx: Context, venue: VenueId) -> Answer<Read<Arc<Venue>>>;
    /// Creates a venue (`target` None) or changes one that is at the given version.
    async fn put_venue(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        target: Option<(VenueId, u64)>,
        input: VenueInput,
    ) -> Answer<Written<Arc<Venue>>>;
    /// Gives a venue a plan.
    async fn put_plan(&self, cx: Context, caller: Caller, request: Request, venue: VenueId, plan: Plan) -> Answer<Written<Arc<Venue>>>;
    /// Performers, by id.
    async fn performers(&self, cx: Context, limit: usize, cursor: Option<&str>) -> Answer<Read<Page<Arc<Performer>>>>;
    /// One performer.
    async fn performer(&self, cx: Context, performer: PerformerId) -> Answer<Read<Arc<Performer>>>;
    /// Creates or changes a performer, as for venues.
    async fn put_performer(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        target: Option<(PerformerId, u64)>,
        input: PerformerInput,
    ) -> Answer<Written<Arc<Performer>>>;

    /// The digest of this node's replica of a group at an index (`None`: the newest), if it is still in the ring.
    async fn digest(&self, group: u32, index: Option<u64>) -> Answer<(u64, u128)>;
    /// How this node stands, for operators.
    async fn status(&self) -> NodeView;
    /// Whether this node should get traffic: it has a leader for its groups and its search index has caught up.
    async fn ready(&self) -> Result<(), String>;
}

/// How a node stands.
#[derive(Clone, Debug)]
pub struct NodeView {
    /// Its number.
    pub node: u64,
    /// The cluster's name.
    pub cluster: String,
    /// One line a group.
    pub groups: Vec<GroupView>,
    /// fdatasync calls of the log since start.
    pub log_fsyncs: u64,
    /// Bytes written to the log since start (frames only).
    pub log_bytes: u64,
    /// CPU time of the process since start, user and system, in microseconds.
    pub cpu_us: u64,
    /// The catalog index that the search index reflects.
    pub search_index: Option<u64>,
}

/// How a group stands on a node.
#[derive(Clone, Debug)]
pub struct GroupView {
    /// Its number.
    pub group: u32,
    /// "catalog", "events", "users".
    pub kind: &'static str,
    /// "leader", "follower", "learner", "candidate", "stopped".
    pub role: &'static str,
    /// The leader's node number, if one is known.
    pub leader: Option<u64>,
    /// The term.
    pub term: u64,
    /// Index of the last applied entry.
    pub applied: u64,
    /// Index of the last entry in the log.
    pub last: u64,
}
