//! What goes through the [`Backend`](super::Backend) trait about tickets after their issue: scans, gates, transfers.

use std::sync::Arc;

use boxoffice_ledger::command::Event;
use boxoffice_ledger::ids::{EventId, TicketId};
use boxoffice_ledger::seats::{Conflict, DeadCode, Gate};
use boxoffice_ledger::tickets::{Direction, LastScan, ScanReason, TicketRecord, TicketState};
use boxoffice_ledger::time::Timestamp;

/// Before or after an event's doors close for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// They have not closed yet.
    Upcoming,
    /// They have.
    Past,
}

/// Which of a user's tickets to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TicketFilter {
    /// Only of events that are to come, or are over.
    pub when: Option<When>,
    /// Only of this event.
    pub event: Option<EventId>,
}

/// How a ticket is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawing {
    /// Its code, for a screen.
    Svg,
    /// A page, for a printer.
    Pdf,
}

/// A ticket as the event's coordinator sees it.
#[derive(Clone, Debug)]
pub struct EventTicket {
    /// The ticket.
    pub ticket: TicketRecord,
    /// Where it stands.
    pub state: TicketState,
    /// Its last scan.
    pub scanned: Option<LastScan>,
}

/// An offer of a ticket to another account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The ticket.
    pub ticket: TicketId,
    /// The e-mail it is offered to.
    pub to: String,
    /// When it lapses.
    pub until: Timestamp,
}

/// A scan at a gate that is online.
#[derive(Clone, Debug)]
pub struct ScanInput {
    /// The code as read.
    pub code: String,
    /// The gate's name.
    pub gate: String,
    /// The number that the device drew for this scan.
    pub nonce: String,
    /// Which way.
    pub direction: Direction,
    /// The event that the gate admits to; `None` = whichever the code names.
    pub event: Option<EventId>,
}

/// A scan that was let through.
#[derive(Clone, Debug)]
pub struct ScanView {
    /// The ticket.
    pub ticket: TicketRecord,
    /// Its owner's initials, for the people at the gate; empty if this node does not know them.
    pub initials: String,
    /// Which way.
    pub direction: Direction,
    /// How often the ticket has admitted.
    pub entries: u32,
    /// When it was scanned.
    pub at: Timestamp,
}

/// A scan that happened while its gate was offline.
#[derive(Clone, Debug)]
pub struct OfflineScan {
    /// The code as read.
    pub code: String,
    /// The number that the device drew for this scan.
    pub nonce: String,
    /// When, by the device's clock.
    pub at: Timestamp,
    /// Which way.
    pub direction: Direction,
}

/// What became of an uploaded scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// The ticket, if the code was good.
    pub ticket: Option<TicketId>,
    /// What spoke against letting it through; recorded all the same.
    pub conflict: Option<ScanReason>,
}

/// A key that signs ticket codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketKey {
    /// Its number in the codes, eight hexadecimal digits.
    pub id: String,
    /// Its public half (Ed25519).
    pub public: [u8; 32],
}

/// Everything that a gate needs to go on without the network.
#[derive(Clone, Debug)]
pub struct GateView {
    /// The event.
    pub event: Arc<Event>,
    /// When its doors are open: from the first moment up to the second.
    pub doors: (Timestamp, Timestamp),
    /// Codes that admit no more though their signature is good, ascending by ticket.
    pub dead: Vec<DeadCode>,
}

/// What the gates of an event have seen.
#[derive(Clone, Debug)]
pub struct ScanReport {
    /// Tickets that are not void.
    pub issued: u32,
    /// Tickets that ever admitted.
    pub admitted: u32,
    /// Tickets whose bearer is inside.
    pub inside: u32,
    /// The gates.
    pub gates: Vec<Gate>,
    /// Scans that offline gates let through and should not have, in all.
    pub conflict_count: u32,
    /// A page of them by number, oldest first.
    pub conflicts: Vec<(u32, Conflict)>,
    /// The number where the next page begins, if there is one.
    pub next: Option<u32>,
}
