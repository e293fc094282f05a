//! What applying a command answers. A refusal is an outcome, not an error; refusals stand in order of precedence.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::carts::Cart;
use crate::ids::{HoldId, KeyId, OrderId, UserId};
use crate::money::Currency;
use crate::plan::{AreaIndex, SeatIndex};
use crate::promos::PromoReason;
use crate::tickets::{LastScan, ScanReason, TicketOutcome};
use crate::time::Timestamp;

/// State of one seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SeatState {
    /// Free.
    Available = 0,
    /// In an active hold.
    Held = 1,
    /// In a hold that is being paid: no TTL frees it.
    Pinned = 2,
    /// Sold.
    Sold = 3,
    /// Off sale for now.
    Blocked = 4,
    /// Off sale for good.
    Killed = 5,
}

impl SeatState {
    /// What the public sees of it, in two bits: 0 free, 1 held or being paid, 2 sold, 3 not for sale.
    #[must_use]
    pub fn two_bits(self) -> u8 {
        match self {
            Self::Available => 0,
            Self::Held | Self::Pinned => 1,
            Self::Sold => 2,
            Self::Blocked | Self::Killed => 3,
        }
    }
}

/// State of an event's sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SaleState {
    /// Known, not open.
    Published,
    /// Holds are taken.
    OnSale,
    /// No new holds.
    Paused,
    /// Over.
    Closed,
    /// Called off. Final.
    Cancelled,
}

/// State of a hold. It ends in exactly one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldState {
    /// Ticking.
    Active,
    /// A payment attempt is live.
    Paying,
    /// Became an order with tickets.
    Converted,
    /// Given back.
    Released,
    /// Ran out.
    Expired,
    /// Taken away by staff or a cancellation.
    Revoked,
}

/// State of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderState {
    /// A payment attempt is live or may be made.
    AwaitingPayment,
    /// Tickets are issued.
    Confirmed,
    /// Some tickets were refunded.
    PartRefunded,
    /// All tickets were refunded.
    Refunded,
    /// No attempt succeeded and the hold is over.
    Failed,
    /// It was confirmed, but the reserved money could not be taken: its tickets are void.
    Cancelled,
}

/// State of a payment attempt. Transitions only go up in rank (see `orders.rs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptState {
    /// Recorded; the provider may or may not know of it.
    Created,
    /// The provider's answer was lost.
    Unknown,
    /// The money is reserved and the order confirmed.
    Authorized,
    /// The money is ours.
    Captured,
    /// Refused for good.
    Failed,
    /// The buyer has to do something at the provider.
    RequiresAction,
    /// Given up: it is to be cancelled at the provider, and never confirmed.
    Cancelling,
    /// It was authorized, and the reservation was given back.
    Voided,
    /// It was authorized, but the money could not be taken.
    CaptureFailed,
}

/// State of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefundState {
    /// The provider is to be told, or has not said yet.
    Requested,
    /// The buyer has the money, or there was none to give.
    Done,
    /// Refused by the provider for good.
    Failed,
}

/// A hold as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldInfo {
    /// Its id.
    pub hold: HoldId,
    /// Whose it is.
    pub user: UserId,
    /// Where it stands.
    pub state: HoldState,
    /// The seats, ascending.
    pub seats: Vec<SeatIndex>,
    /// The places in areas, ascending.
    pub areas: Vec<(AreaIndex, u32)>,
    /// The locked total, in minor units: what is to be paid.
    pub total: u64,
    /// What its promo code took off, in minor units; not in the total.
    pub discount: u64,
    /// Its promo code.
    pub promo: Option<String>,
    /// Its currency.
    pub currency: Currency,
    /// When it runs out unless it is paid, extended or released.
    pub expires_at: Timestamp,
    /// Its order, once payment has begun.
    pub order: Option<OrderId>,
}

/// An order after its confirmation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// The order. Ticket `i` is `TicketId::of_order(order, i)`.
    pub order: OrderId,
    /// The hold it came from.
    pub hold: HoldId,
    /// Dense receipt number within the event, from 1.
    pub receipt: u64,
    /// How many tickets.
    pub tickets: u32,
    /// The total, in minor units.
    pub total: u64,
    /// Its currency.
    pub currency: Currency,
}

/// Why a command was refused. In order of precedence: the first that fits is the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The command can never be right: `pointer` names the field (JSON pointer), `detail` says what is wrong.
    Malformed {
        /// JSON pointer of the field.
        pointer: String,
        /// What is wrong and what would be right.
        detail: String,
    },
    /// The same request id came before with another fingerprint.
    RequestReused,
    /// The table of remembered requests is full of young ones.
    RequestsFull,
    /// Not here: an event, hold, order, ticket, venue, ... that does not exist or belongs to someone else.
    NotFound {
        /// What was looked for: "event", "hold", "order", "ticket", "venue", "performer", "plan", "user".
        what: String,
    },
    /// The object changed since the writer read it.
    VersionMismatch {
        /// Its version now.
        current: u64,
    },
    /// The field cannot be changed any more.
    Frozen {
        /// JSON pointer of the field.
        pointer: String,
        /// Why.
        detail: String,
    },
    /// The e-mail has an account already.
    EmailTaken,
    /// The sale is not open.
    SaleNotOn {
        /// Where it stands.
        state: SaleState,
        /// When it opens, if that is known.
        opens_at: Option<Timestamp>,
    },
    /// The move does not fit the state of the sale.
    SaleMove {
        /// Where it stands.
        state: SaleState,
    },
    /// The hold is over.
    HoldEnded {
        /// How it ended.
        state: HoldState,
    },
    /// A payment attempt of this order is under way.
    AttemptLive,
    /// The promo code cannot be used: nothing was held.
    PromoRefused {
        /// Why not.
        reason: PromoReason,
    },
    /// Seats of the request are taken: none was held.
    SeatsUnavailable {
        /// Every seat that is not free, with its state.
        conflicts: Vec<(SeatIndex, SeatState)>,
        /// Areas without enough places: the area and how many are free.
        areas: Vec<(AreaIndex, u32)>,
        /// Free seats of the same number that could be taken instead, best first.
        alternatives: Vec<Vec<SeatIndex>>,
    },
    /// Best available found nothing that fits.
    NothingFits,
    /// The choice would leave single seats behind.
    Orphans {
        /// The seats that would be left alone.
        seats: Vec<SeatIndex>,
    },
    /// More than one user may have.
    LimitReached {
        /// The limit.
        limit: u32,
        /// What the user has already.
        have: u32,
    },
    /// Dearer than the buyer expected.
    PriceChanged {
        /// The total now, in minor units.
        total: u64,
        /// Its currency.
        currency: Currency,
    },
    /// Too soon or too often.
    TooSoon {
        /// When it may be tried again; `None` = never for this object.
        retry_at: Option<Timestamp>,
    },
    /// The authorized amount is not the order's total.
    AmountMismatch {
        /// The order's total, in minor units.
        expected: u64,
    },
    /// The ticket does not admit.
    TicketRefused {
        /// Why not.
        reason: ScanReason,
        /// Its last scan, where that matters.
        used: Option<LastScan>,
    },
    /// The move does not fit the state of the order, attempt, ticket or seat.
    WrongState {
        /// What stands in the way.
        detail: String,
    },
}

/// Answers of an event group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeatOutcome {
    /// Done, nothing to say (chunks, creation, acks, pulses, Captured, PayUnknown).
    Done,
    /// The sale is now in this state.
    Sale(SaleState),
    /// The hold as it is now (Hold, Extend, Release, PayFail).
    Hold(HoldInfo),
    /// The hold is pinned: pay this total.
    Paying(HoldInfo),
    /// Sold.
    Confirmed(Confirmation),
    /// Tickets are void.
    Voided {
        /// The order.
        order: OrderId,
        /// What is to be given back, in minor units.
        refund: u64,
        /// Its currency.
        currency: Currency,
    },
    /// Seats were (un)blocked or killed; these holds were revoked for it.
    Blocked {
        /// Revoked holds.
        revoked: Vec<HoldId>,
    },
    /// A ticket was scanned or given on.
    Ticket(TicketOutcome),
    /// Nothing happened.
    Rejected(Rejection),
}

/// Answers of the catalog group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogOutcome {
    /// Done, nothing to say.
    Done,
    /// Stored under this version.
    Stored {
        /// The object's id (its 128 bits): a replay answers with the id that the first command drew.
        id: u128,
        /// The object's version now.
        version: u64,
    },
    /// Nothing happened.
    Rejected(Rejection),
}

/// Answers of a user group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountOutcome {
    /// Done, nothing to say.
    Done,
    /// The account exists now.
    Registered {
        /// Its id.
        user: UserId,
    },
    /// A refresh token came a second time: its session is over.
    SessionEnded,
    /// The account's version (or the signing key's epoch) is this now.
    VersionRaised {
        /// The number.
        version: u32,
    },
    /// The key exists now.
    KeyCreated {
        /// Its id: a replay answers with the one that the first command drew.
        key: KeyId,
    },
    /// The cart as it is now.
    Cart(Box<Cart>),
    /// Nothing happened.
    Rejected(Rejection),
}

/// A replayed outcome is the first one, marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<O> {
    /// What the command did, or had done the first time.
    pub outcome: O,
    /// Whether this is the first outcome of an earlier command with the same request id.
    pub replayed: bool,
}
