//! What became of an event's tickets after their issue. A ticket that nobody scanned or gave on has no record here, so a sold
//! house costs nothing until its doors open.
//!
//! ```text
//!  order.tickets    place, price, epoch, void        every ticket
//!  holders          owner, moves, offer              those whose epoch a transfer raised
//!  entries          inside, how often, where, when   those that were scanned
//!  gates            name, counters                   every gate that ever scanned
//!  conflicts        what an offline gate let happen  never forgotten
//! ```

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::event::EventSale;
use crate::cow::CowMap;
use crate::digest::{Accumulator, RecordHasher};
use crate::ids::{EventId, TicketId, UserId};
use crate::orders::{Order, Ticket, order_of};
use crate::tickets::{Direction, LastScan, ScanReason, TicketOffer, TicketState};
use crate::time::Timestamp;

/// Most gates of an event.
pub(crate) const GATES_MAX: usize = 1000;

/// Most conflicts of an event: more means that the upload is no honest one.
pub(crate) const CONFLICTS_MAX: usize = 1_000_000;

const GATE: u32 = 120;
const HOLDER: u32 = 121;
const ENTRY: u32 = 122;
const CONFLICT: u32 = 123;

/// The records of the module's picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct TicketBook {
    pub(crate) gates: Vec<Gate>,
    pub(crate) holders: CowMap<TicketId, Holder>,
    pub(crate) entries: CowMap<TicketId, Entry>,
    pub(crate) conflicts: CowMap<u32, Conflict>,
}

/// A gate and what it counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Its name, unique within the event.
    pub name: Arc<str>,
    /// People let in.
    pub ins: u32,
    /// People let out.
    pub outs: u32,
    /// Scans refused while it was online.
    pub refused: u32,
}

/// Whose a ticket is after a transfer or an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) user: UserId,
    /// How often a transfer raised the ticket's epoch.
    pub(crate) moves: u32,
    pub(crate) offer: Option<Arc<TicketOffer>>,
}

/// A ticket that was scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) inside: bool,
    /// How often it admitted.
    pub(crate) entries: u32,
    /// The last scan: when, at which gate, under which number.
    pub(crate) at: Timestamp,
    pub(crate) gate: u16,
    pub(crate) nonce: u64,
}

/// A scan that an offline gate let happen though it should not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The ticket; `None` when its code was no good.
    pub ticket: Option<TicketId>,
    /// The epoch that its code named.
    pub epoch: u32,
    /// Which way.
    pub direction: Direction,
    /// What spoke against it.
    pub reason: ScanReason,
    /// The gate's number in [`EventSale::gates`].
    pub gate: u16,
    /// When the device scanned it, by its own clock.
    pub at: Timestamp,
    /// When it became known here.
    pub recorded_at: Timestamp,
}

impl TicketBook {
    /// A gate's number.
    pub(crate) fn gate(&self, name: &str) -> Option<u16> {
        self.gates.iter().position(|gate| &*gate.name == name).map(|place| place as u16)
    }

    /// Adds every record to a digest.
    pub(crate) fn add_hashes(&self, event: EventId, digest: &mut Accumulator) {
        (0_u16..).zip(&self.gates).for_each(|(number, gate)| digest.add(hash_gate(event, number, gate)));
        self.holders.sorted().into_iter().for_each(|(&ticket, holder)| digest.add(hash_holder(ticket, holder)));
        self.entries.sorted().into_iter().for_each(|(&ticket, entry)| digest.add(hash_entry(ticket, entry)));
        self.conflicts.sorted().into_iter().for_each(|(&number, conflict)| digest.add(hash_conflict(event, number, conflict)));
    }
}

pub(crate) fn hash_gate(event: EventId, number: u16, gate: &Gate) -> u128 {
    let hasher = RecordHasher::new(GATE).u128(event.0).u32(number.into()).bytes(gate.name.as_bytes());
    hasher.u32(gate.ins).u32(gate.outs).u32(gate.refused).finish()
}

pub(crate) fn hash_holder(ticket: TicketId, holder: &Holder) -> u128 {
    let hasher = RecordHasher::new(HOLDER).u128(ticket.0).u128(holder.user.0).u32(holder.moves);
    match &holder.offer {
        None => hasher.finish(),
        Some(offer) => hasher.bytes(offer.to.as_bytes()).u64(offer.until.0).finish(),
    }
}

pub(crate) fn hash_entry(ticket: TicketId, entry: &Entry) -> u128 {
    let place = u64::from(entry.gate) << 1 | u64::from(entry.inside);
    RecordHasher::new(ENTRY).u128(ticket.0).u64(place).u32(entry.entries).u64(entry.at.0).u64(entry.nonce).finish()
}

pub(crate) fn hash_conflict(event: EventId, number: u32, conflict: &Conflict) -> u128 {
    RecordHasher::new(CONFLICT)
        .u128(event.0)
        .u64(u64::from(number) << 32 | u64::from(conflict.epoch))
        .u128(conflict.ticket.map_or(0, |ticket| ticket.0))
        .u64(u64::from(conflict.gate) << 16 | (conflict.reason as u64) << 8 | conflict.direction as u64)
        .u64(conflict.at.0)
        .u64(conflict.recorded_at.0)
        .finish()
}

/// One line of the list of codes that admit no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadCode {
    /// The ticket.
    pub ticket: TicketId,
    /// The epoch from which on a code is good; `None` = the ticket is void.
    pub good_from: Option<u32>,
}

impl EventSale {
    /// Every gate that scanned a ticket of the event, in order of its first scan.
    #[must_use]
    pub fn gates(&self) -> &[Gate] {
        &self.book.gates
    }

    /// How many conflicts offline gates have reported.
    #[must_use]
    pub fn conflict_count(&self) -> u32 {
        self.book.conflicts.len() as u32
    }

    /// One conflict, by number from 0.
    #[must_use]
    pub fn conflict(&self, number: u32) -> Option<&Conflict> {
        self.book.conflicts.get(&number)
    }

    /// Tickets with someone inside, and tickets that ever admitted. Walks over all that were scanned.
    #[must_use]
    pub fn attendance(&self) -> (u32, u32) {
        let entries = self.book.entries.sorted();
        (entries.iter().filter(|(_, entry)| entry.inside).count() as u32, entries.len() as u32)
    }

    /// A ticket's last scan.
    #[must_use]
    pub fn last_scan(&self, ticket: TicketId) -> Option<LastScan> {
        let entry = self.book.entries.get(&ticket)?;
        let gate = self.book.gates.get(usize::from(entry.gate)).map(|gate| (*gate.name).into()).unwrap_or_default();
        Some(LastScan { at: entry.at, gate })
    }

    /// Where a ticket stands.
    #[must_use]
    pub fn ticket_state(&self, ticket: TicketId, now: Timestamp) -> Option<TicketState> {
        let (_, _, known) = self.issued(ticket)?;
        Some(match (known.void, self.book.entries.get(&ticket)) {
            (true, _) => TicketState::Void,
            (false, Some(entry)) if entry.inside => TicketState::CheckedIn,
            (false, Some(_)) => TicketState::CheckedOut,
            (false, None) if self.live_offer(ticket, now).is_some() => TicketState::Offered,
            (false, None) => TicketState::Issued,
        })
    }

    /// Codes that admit no more though their signature is good, ascending by ticket. Looks at these tickets only.
    #[must_use]
    pub fn dead_codes(&self) -> Vec<DeadCode> {
        let known = self.dead.iter().filter_map(|id| Some((id, self.issued(id)?.2)));
        known.map(|(ticket, known)| DeadCode { ticket, good_from: (!known.void).then_some(known.epoch) }).collect()
    }

    /// The first tickets after `after`, ascending by id, that `fits` takes, at most `max`. Walks over all orders.
    #[must_use]
    pub fn tickets_after(&self, after: Option<TicketId>, max: usize, mut fits: impl FnMut(TicketId) -> bool) -> Vec<TicketId> {
        let orders = self.orders.sorted();
        let from = after.map_or(0, |after| orders.partition_point(|(order, _)| **order < order_of(after).0));
        let tickets = orders[from..].iter().flat_map(|(_, order)| order.tickets()).map(|(id, _)| id);
        tickets.filter(|&id| after.is_none_or(|after| id > after) && fits(id)).take(max).collect()
    }

    /// Tickets that wait at `now` for whoever has this e-mail, ascending. Walks over all that were ever offered.
    #[must_use]
    pub fn offers_to(&self, email: &str, now: Timestamp) -> Vec<TicketId> {
        let holders = self.book.holders.sorted().into_iter();
        let offered = |ticket: TicketId| self.live_offer(ticket, now).is_some_and(|offer| offer.to == email);
        holders.map(|(&ticket, _)| ticket).filter(|&ticket| offered(ticket)).collect()
    }

    /// A ticket with its order and ordinal.
    pub(crate) fn issued(&self, ticket: TicketId) -> Option<(&Order, u16, &Ticket)> {
        let (order, ordinal) = order_of(ticket);
        let order = self.orders.get(&order)?;
        Some((order, ordinal, order.tickets.get(usize::from(ordinal))?))
    }

    /// Whose a ticket is.
    pub(crate) fn holder_of(&self, order: &Order, ticket: TicketId) -> UserId {
        self.book.holders.get(&ticket).map_or(order.user, |holder| holder.user)
    }

    /// The offer of a ticket, unless it has lapsed.
    pub(crate) fn live_offer(&self, ticket: TicketId, now: Timestamp) -> Option<&TicketOffer> {
        self.book.holders.get(&ticket)?.offer.as_deref().filter(|offer| offer.until > now)
    }
}
