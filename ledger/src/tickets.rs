//! Tickets after their issue: the words of scans and transfers, the terms of a door, and the record that an owner's group keeps.
//! What they do is in `seats/scan.rs` and `seats/transfer.rs`.

use alloc::string::String;

use crate::ids::{EventId, OrderId, TicketId, UserId};
use crate::money::Currency;
use crate::plan::{AreaIndex, LevelIndex, SeatIndex};
use crate::time::{Millis, Timestamp};

/// Longest name of a gate, in bytes.
pub const GATE_BYTES_MAX: usize = 40;

/// Longest stretch before or after an event's start in which its doors may be open: 30 days.
pub const DOORS_MAX: Millis = Millis::from_mins(30 * 24 * 60);

/// How long an offered ticket waits for its new owner: 7 days.
pub const OFFER_TTL: Millis = Millis::from_mins(7 * 24 * 60);

/// How often one ticket admits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reentry {
    /// Once.
    #[default]
    None,
    /// Again after each scan on the way out.
    OutThenIn,
    /// So many times in all, with or without scans on the way out; at least 1.
    Times(u32),
}

/// The terms of an event's door, and of giving tickets on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryTerms {
    /// How often one ticket admits.
    pub reentry: Reentry,
    /// Doors open this long before the event's start; at most [`DOORS_MAX`].
    pub doors_before: Millis,
    /// Doors close this long after the event's start; at most [`DOORS_MAX`].
    pub doors_after: Millis,
    /// Whether tickets may be given to other accounts.
    pub transfer: bool,
    /// No transfer is begun or taken up from this moment on; `None` = until the ticket was used.
    pub transfer_until: Option<Timestamp>,
}

impl Default for EntryTerms {
    /// One entry from six hours before to twelve hours after the start; tickets may be given on.
    fn default() -> Self {
        Self {
            reentry: Reentry::None,
            doors_before: Millis::from_mins(6 * 60),
            doors_after: Millis::from_mins(12 * 60),
            transfer: true,
            transfer_until: None,
        }
    }
}

impl EntryTerms {
    /// What is wrong with them, if anything is.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        match () {
            () if self.reentry == Reentry::Times(0) => Some("a ticket admits at least once"),
            () if self.doors_before > DOORS_MAX || self.doors_after > DOORS_MAX => {
                Some("doors open and close at most 30 days from the start")
            }
            () => None,
        }
    }

    /// When the doors of an event that starts then are open: from the first moment up to the second.
    #[must_use]
    pub fn doors(&self, starts_at: Timestamp) -> (Timestamp, Timestamp) {
        let before = self.doors_before.0.saturating_mul(1000);
        (Timestamp(starts_at.0.saturating_sub(before)), starts_at.plus(self.doors_after))
    }
}

/// Which way a scanned person walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the house.
    In,
    /// Out of it.
    Out,
}

/// What a ticket's code says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The event that it is for.
    pub event: EventId,
    /// The ticket.
    pub ticket: TicketId,
    /// The ticket's epoch when the code was made.
    pub epoch: u32,
}

/// A scan at a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The gate's name, 1 to [`GATE_BYTES_MAX`] bytes.
    pub gate: String,
    /// A hash of the gate and the number that its device drew for this scan: a retry has the same.
    pub nonce: u64,
    /// Which way.
    pub direction: Direction,
    /// What the code says; `None` when its signature did not verify (offline scans only).
    pub claim: Option<Claim>,
    /// When the doors are open: from the first moment up to the second.
    pub doors: (Timestamp, Timestamp),
    /// When the device scanned it by its own clock, if it was offline then. Such a scan has happened already: it is recorded
    /// whatever it was, and what speaks against it is kept as a conflict.
    pub offline_at: Option<Timestamp>,
}

/// What is done with one ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketAction {
    /// Scan it.
    Scan(Scan),
    /// Offer it to whoever has this e-mail: the old code dies at once, and the ticket waits [`OFFER_TTL`] to be taken up.
    Offer {
        /// The ticket.
        ticket: TicketId,
        /// Its owner.
        user: UserId,
        /// Normalised e-mail of the new owner, at most 254 bytes.
        to: String,
    },
    /// Take an offer back.
    Withdraw {
        /// The ticket.
        ticket: TicketId,
        /// Its owner.
        user: UserId,
    },
    /// Give a guest's ticket to the account that has the guest's e-mail.
    HandOver {
        /// The ticket.
        ticket: TicketId,
        /// The guest.
        user: UserId,
        /// The account.
        to: UserId,
    },
    /// Take an offered ticket up.
    Claim {
        /// The ticket.
        ticket: TicketId,
        /// Its new owner.
        user: UserId,
        /// The e-mail of that account, as the edge read it.
        email: String,
    },
}

/// Why a scan is refused, in order of precedence: validity is judged before use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScanReason {
    /// Not one of ours, or altered.
    BadCode,
    /// A good code of another event.
    WrongEvent,
    /// No such ticket was issued.
    UnknownTicket,
    /// Refunded or cancelled.
    Void,
    /// The code is an old one: the ticket was given to someone else, or is offered.
    Transferred,
    /// The doors are not open.
    OutsideDoors,
    /// It admitted as often as it may, or its bearer is inside.
    AlreadyUsed,
    /// Its bearer went out, and nobody comes in again.
    NoReentry,
    /// Its bearer is not inside, so cannot go out.
    NotInside,
}

/// Where and when a ticket was scanned last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastScan {
    /// When.
    pub at: Timestamp,
    /// At which gate.
    pub gate: String,
}

/// A scan that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// The ticket, if its code was good.
    pub ticket: Option<TicketId>,
    /// Its owner, if there is such a ticket.
    pub user: Option<UserId>,
    /// How often it has admitted.
    pub entries: u32,
    /// When it was recorded to have happened.
    pub at: Timestamp,
    /// What spoke against an offline scan. Never set for a scan that admits at the gate.
    pub conflict: Option<ScanReason>,
}

/// What an action on a ticket did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketOutcome {
    /// Scanned: admitted, let out, or (offline) recorded.
    Scanned(Scanned),
    /// Offered, taken back or taken up.
    Moved {
        /// The ticket.
        ticket: TicketId,
        /// Its epoch now.
        epoch: u32,
        /// Whose it is now.
        user: UserId,
        /// Until when an offer waits.
        until: Option<Timestamp>,
    },
}

/// An offer to another account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketOffer {
    /// The e-mail it is for.
    pub to: String,
    /// When it lapses: then the ticket is its owner's again.
    pub until: Timestamp,
}

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketState {
    /// Good for entry.
    Issued,
    /// Offered to someone else; nobody can enter with it.
    Offered,
    /// Its bearer is inside.
    CheckedIn,
    /// Its bearer went out.
    CheckedOut,
    /// Refunded or cancelled. Final.
    Void,
    /// It is someone else's now.
    Transferred,
}

/// A ticket as its owner's group keeps it: enough to show it without asking another group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketRecord {
    /// Its id.
    pub id: TicketId,
    /// Raised by each change of owner or validity; a record with a lower one is stale.
    pub epoch: u32,
    /// Whose record this is: the owner, or with `moved` a former one.
    pub user: UserId,
    /// The event.
    pub event: EventId,
    /// The order.
    pub order: OrderId,
    /// The seat, or `None` for a place in an area.
    pub seat: Option<SeatIndex>,
    /// The area, for a place without a seat.
    pub area: Option<AreaIndex>,
    /// Section (or area), row and seat for people; row and seat are empty for an area.
    pub section: String,
    /// See `section`.
    pub row: String,
    /// See `section`.
    pub seat_name: String,
    /// The price level.
    pub level: LevelIndex,
    /// What was paid for it, in minor units.
    pub price: u64,
    /// Currency of `price`.
    pub currency: Currency,
    /// Whether it is void.
    pub void: bool,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Whether it is someone else's now.
    pub moved: bool,
    /// To whom it is offered.
    pub offer: Option<TicketOffer>,
}

impl TicketRecord {
    /// Where it stands at `now`, as far as its record says: scans are known to the event's group only.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> TicketState {
        match () {
            () if self.moved => TicketState::Transferred,
            () if self.void => TicketState::Void,
            () if self.offer.as_ref().is_some_and(|offer| offer.until > now) => TicketState::Offered,
            () => TicketState::Issued,
        }
    }
}
