//! What goes through the [`Backend`](super::Backend) trait: plain values, no JSON and no HTTP.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use boxoffice_cluster_config::request_tag::RequestTag;
use boxoffice_ledger::carts::Cart;
use boxoffice_ledger::command::{Event, EventStatus, Performer, Role, SaleTerms, Venue};
use boxoffice_ledger::ids::{EventId, HoldId, MediaHash, OrderId, PerformerId, TicketId, UserId, VenueId};
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::outcome::{Confirmation, HoldInfo, OrderState, Rejection, SaleState};
use boxoffice_ledger::pricing::Policy;
use boxoffice_ledger::tickets::{ScanReason, TicketRecord, TicketState};
use boxoffice_ledger::time::Timestamp;

use super::{AttemptView, DisputeView, HoldView, Progress, RefundView};

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

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.group, self.index)?;
        if self.incarnation == 0 { Ok(()) } else { write!(f, ":{}", self.incarnation) }
    }
}

impl Revision {
    /// Reads the text form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':').map(|part| part.parse::<u64>().ok().filter(|_| part.as_bytes()[0].is_ascii_digit()));
        let group = u32::try_from(parts.next()??).ok()?;
        let index = parts.next()??;
        let incarnation = parts.next().unwrap_or(Some(0))?;
        parts.next().is_none().then_some(Self { incarnation, group, index })
    }
}

/// How fresh a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Whatever this node has applied.
    Local,
    /// At least this much of that group; waits a little for it.
    AtLeast(Revision),
    /// The same of two groups: what shows both carries two revisions.
    AtLeastBoth(Revision, Revision),
    /// Not older than anything acknowledged before the read began; needs a quorum.
    Linearizable,
}

impl Freshness {
    /// The revisions that are asked for.
    pub fn at_least(self) -> impl Iterator<Item = Revision> {
        let (one, other) = match self {
            Self::AtLeast(revision) => (Some(revision), None),
            Self::AtLeastBoth(one, other) => (Some(one), Some(other)),
            Self::Local | Self::Linearizable => (None, None),
        };
        one.into_iter().chain(other)
    }
}

/// What every call carries.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// When the caller stops waiting.
    pub deadline: Instant,
    /// How fresh reads must be.
    pub freshness: Freshness,
    /// The address that the request came from; `None` for the system's own work.
    pub from: Option<IpAddr>,
    /// What the request is called in the logs of other nodes.
    pub request: RequestTag,
}

/// The answer to a read.
#[derive(Clone, Debug)]
pub struct Read<T> {
    /// What was read.
    pub value: T,
    /// The index it reflects; the value may be newer, never older.
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
    /// The same was answered before to a request with this key.
    Replayed(Box<Failure>),
    /// The payment was refused by the provider; the hold stays until it expires.
    Declined {
        /// The provider's code.
        code: String,
        /// The hold as it is now.
        hold: Box<HoldInfo>,
    },
    /// A cart was not paid: nothing is charged.
    CartFailed {
        /// Why: the provider's code, or what stands in the way of one of its holds.
        code: String,
        /// Whether it was a hold; otherwise the payment was refused.
        hold: bool,
        /// The cart as it is now.
        cart: Box<Cart>,
    },
    /// Nothing of this name, or not the caller's.
    NotFound(&'static str),
    /// The caller may not do this.
    Forbidden(&'static str),
    /// E-mail or password are wrong (which one is not said).
    BadCredentials,
    /// The session or the token is over: log in again.
    LoggedOut,
    /// A mailed link is not good (any more).
    LinkOver,
    /// The ticket does not admit; no entry was needed to know that.
    NotAdmitted(ScanReason),
    /// A field is wrong: JSON pointer and what would be right.
    Invalid(Vec<Problem>),
    /// The cluster takes no payments: only what is free can be had.
    NoProvider,
    /// The cluster was restored: nothing is sold until payments after the cut are settled with the provider.
    Restoring,
    /// No quorum right now; try again after this many milliseconds.
    NoQuorum(u64),
    /// A queue is full or the disk is; try again after this many milliseconds.
    Overloaded(u64),
    /// A message from outside is not signed as it should be, or not now.
    BadSignature(&'static str),
    /// The asked-for revision belongs to an earlier life of the cluster.
    Gone,
    /// Some of the changes that were asked for are not on this node any more; these are the places before the oldest that are.
    ChangesGone(Vec<boxoffice_ledger::change::ChangeId>),
    /// It may or may not have happened: retry with the same key.
    Unknown,
}

impl Failure {
    /// The same failure, marked as one that was answered before if it was.
    #[must_use]
    pub fn replayed(self, replayed: bool) -> Self {
        if replayed { Self::Replayed(Box::new(self)) } else { self }
    }

    /// The failure as it was answered the first time.
    #[must_use]
    pub fn first(self) -> Self {
        match self {
            Self::Replayed(failure) => failure.first(),
            failure => failure,
        }
    }
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
    /// The price of each level now, in minor units, where prices move; none = they are those of the event's terms.
    pub prices: Vec<u64>,
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
    /// Where images are served: the beginning of their addresses, without a slash at its end; empty = at this node.
    pub media_base: Arc<str>,
}

/// Which events to list, and in which order.
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
    /// Before.
    pub to: Option<Timestamp>,
    /// Only with this performer.
    pub performer: Option<PerformerId>,
    /// Only if the lowest price is at least this, in minor units.
    pub min_price: Option<u64>,
    /// Only if the lowest price is at most this, in minor units.
    pub max_price: Option<u64>,
    /// Only with something free.
    pub available: bool,
    /// Only if places can be held now.
    pub on_sale: bool,
    /// In which order.
    pub sort: Sort,
}

/// The order of a list of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// What is asked for most at present first.
    #[default]
    Popular,
    /// What begins first first.
    Start,
    /// By name, from a to z; case and accents do not matter.
    Name,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one; opaque.
    pub next: Option<String>,
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
    /// Its last payment attempt; `None` for a free order.
    pub payment: Option<Progress>,
    /// The total, in minor units: what is paid.
    pub total: u64,
    /// Its promo code and what that took off, in minor units.
    pub promo: Option<(String, u64)>,
    /// Its currency.
    pub currency: Currency,
    /// The receipt number, once confirmed.
    pub receipt: Option<u64>,
    /// The tickets, once confirmed.
    pub tickets: Vec<TicketId>,
    /// What was or is to be given back, in minor units.
    pub refunded: u64,
    /// Refunds, oldest first.
    pub refunds: Vec<RefundView>,
    /// Disputes, oldest first; staff see them.
    pub disputes: Vec<DisputeView>,
    /// Payment attempts, oldest first; staff see them.
    pub attempts: Vec<AttemptView>,
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
    /// Where it stands.
    pub state: TicketState,
    /// Its code, where one ticket is asked for and it is good for entry.
    pub code: Option<String>,
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
    /// The provider has not said yet, or the buyer has to do something; the hold is pinned.
    Pending(HoldView),
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
    /// Raised when its access tokens stop writing.
    pub version: u32,
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
    /// Pictures, the main one first.
    pub images: Vec<MediaHash>,
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
    /// How the price of each level moves; only before its group has the event.
    pub pricing: Option<Vec<Policy>>,
    /// Pictures, the main one first.
    pub images: Option<Vec<MediaHash>>,
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
    /// Memory of the process that lies in RAM, in bytes.
    pub memory_bytes: u64,
    /// The catalog index that the search index reflects.
    pub search_index: Option<u64>,
    /// The version of the program.
    pub version: &'static str,
    /// Whether its disk has room.
    pub writable: bool,
    /// Why the cluster does not take it any more, if so.
    pub expelled: Option<String>,
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
