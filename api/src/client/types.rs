//! What the client reads. Fields that it does not know are ignored, as the contract asks.

use serde::Deserialize;

/// An amount.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Money {
    /// Minor units.
    pub amount: u64,
    /// ISO 4217.
    pub currency: String,
}

/// A page of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct List<T> {
    /// The items.
    pub data: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next_cursor: Option<String>,
    /// Whether everything could be asked for; `Some(false)` = there may be more.
    pub complete: Option<bool>,
}

/// An account.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // The names are the contract's.
pub struct User {
    pub id: String,
    pub email: String,
    pub name: String,
    pub role: String,
}

/// A session.
#[derive(Clone, Debug, Deserialize)]
pub struct Session {
    /// Send as `Authorization: Bearer`.
    pub access_token: String,
    /// Seconds.
    pub expires_in: u64,
    /// Whose.
    pub user: User,
}

/// An event; references are ids.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // The names are the contract's.
pub struct Event {
    pub id: String,
    pub name: String,
    pub category: String,
    pub status: String,
    pub starts_at: String,
    pub time_zone: String,
    pub venue: String,
    pub performers: Vec<String>,
    pub layout: String,
    pub version: u64,
    pub sale: Option<Sale>,
}

/// How an event's sale stands.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // The names are the contract's.
pub struct Sale {
    pub state: String,
    pub available: u32,
    pub held: u32,
    pub sold: u32,
    pub capacity: u32,
    pub from_price: Option<Money>,
}

/// The seats of an event.
#[derive(Clone, Debug, Deserialize)]
pub struct SeatMap {
    /// `lay_...`.
    pub layout: String,
    /// The sale's state.
    pub sale: String,
    /// How many numbered seats.
    pub seats: u32,
    /// Two bits a seat in layout order, in base 64: see [`SeatMap::unpack`].
    pub states: String,
    /// Sections, then areas.
    pub counts: Vec<SectionCount>,
}

impl SeatMap {
    /// One state a seat: 0 free, 1 held, 2 sold, 3 not for sale. `None` when the text is not base 64.
    #[must_use]
    pub fn unpack(&self) -> Option<Vec<u8>> {
        let packed = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &self.states).ok()?;
        (0..self.seats as usize).map(|seat| packed.get(seat / 4).map(|byte| byte >> (seat % 4 * 2) & 3)).collect()
    }
}

/// Counts of a section or area.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // The names are the contract's.
pub struct SectionCount {
    pub section: String,
    pub available: u32,
    pub held: u32,
    pub sold: u32,
    pub capacity: u32,
}

/// A seat by index and label.
#[derive(Clone, Debug, Deserialize)]
pub struct Seat {
    /// Index in the layout.
    pub index: u32,
    /// `SECTION-ROW-SEAT`.
    pub seat: Option<String>,
}

/// A hold.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // The names are the contract's.
pub struct Hold {
    pub id: String,
    pub user: String,
    pub state: String,
    pub seats: Vec<Seat>,
    pub total: Money,
    pub expires_at: String,
    pub order: Option<String>,
    /// Where it was written, `<group>:<index>`; not on reads.
    pub revision: Option<String>,
}

/// An order.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // The names are the contract's.
pub struct Order {
    pub id: String,
    pub event: String,
    pub state: String,
    pub total: Money,
    pub receipt: Option<u64>,
    pub tickets: Vec<String>,
}

/// What paying led to.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "object", rename_all = "snake_case")]
pub enum Paid {
    /// Sold: tickets are issued.
    Order(Order),
    /// The provider has not said yet; the hold is `paying`.
    Hold(Hold),
}

/// A ticket.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // The names are the contract's.
pub struct Ticket {
    pub id: String,
    pub state: String,
    /// Whether its delivery to the user's group is still under way.
    pub pending: bool,
    pub event: String,
    pub order: String,
    pub seat: Option<Seat>,
    pub price: Money,
    pub issued_at: String,
}

/// The digest of a replica at an index.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Digest {
    /// The group.
    pub group: u32,
    /// The log index.
    pub index: u64,
    /// 32 hexadecimal digits.
    pub digest: String,
}

/// How a node stands.
#[derive(Clone, Debug, Deserialize)]
pub struct Node {
    /// Its number.
    pub node: u64,
    /// The cluster's name.
    pub cluster: String,
    /// One line a group.
    pub groups: Vec<Group>,
    /// fdatasync calls of the log since start.
    pub log_fsyncs: u64,
    /// Bytes written to the log since start.
    pub log_bytes: u64,
    /// CPU time since start, in microseconds.
    pub cpu_us: u64,
    /// Memory of the process that lies in RAM, in bytes.
    pub memory_bytes: u64,
    /// The catalog index that search reflects.
    pub search_index: Option<u64>,
}

/// How a group stands on a node.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // The names are the contract's.
pub struct Group {
    pub group: u32,
    pub kind: String,
    pub role: String,
    pub leader: Option<u64>,
    pub term: u64,
    pub applied: u64,
    pub last: u64,
}

/// What was found in a node's copy of a group.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // The names are the contract's.
pub struct GroupCheck {
    pub node: u64,
    pub group: u32,
    pub kind: String,
    pub index: u64,
    pub digest: String,
    pub clean: bool,
    pub findings: Vec<Finding>,
}

/// Something that must hold, and whether it does.
#[derive(Clone, Debug, Deserialize)]
pub struct Finding {
    /// Its name.
    pub invariant: String,
    /// What must hold, for people.
    pub text: String,
    /// How many records were looked at.
    pub checked: u64,
    /// How often it does not hold.
    pub violated: u64,
    /// The first of these, in words.
    pub violations: Vec<String>,
}
