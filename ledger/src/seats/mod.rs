//! The seat ledger: everything sold in one event group, as a deterministic state machine.
//!
//! ```text
//!  command --> shape (well formed?) --> requests (seen before?) --> work (the rules) --> answer, Changes, outbox
//!                                          time first: deadlines that are due end their holds
//!
//!  per event   cells      one per seat: state, and the hold or ticket that it belongs to        } records: in the digest
//!              areas, holds, orders (with attempts and tickets), users, book, promos, prices     } and in snapshots
//!              board, counters                                                                  } derived
//!  per group   plans, remembered requests, outbox, audit trail                                    records
//!              agenda: deadlines, ended holds, open attempts                                      derived
//! ```
//! Seats: `house` (a plan's index), `board` (free seats as bits), `best` and `rules` (which seats go together).
//! Commands: `hold`, `lifecycle`, `pay`, `refund`, `cart`, `undo`, `scan`, `transfer`, `codes`, `allocation`, `reprice`, `audited`;
//! `work` is the only place where records change, but for those of `codes` and `reprice`, which keep their own.

mod agenda;
mod allocation;
mod apply;
mod audited;
mod best;
mod board;
mod cart;
mod cells;
mod codes;
mod deadlines;
mod event;
mod hashes;
mod hold;
mod house;
mod invariants;
mod lifecycle;
mod pay;
mod prices;
mod progress;
mod promos;
mod records;
mod refund;
mod reprice;
mod rules;
mod scan;
mod shape;
mod snapshot;
mod tickets;
mod transfer;
mod undo;
mod view;
mod work;

pub use event::{EventSale, OrderView};
pub use prices::{DueStep, PriceView};
pub use progress::RefundProgress;
pub use promos::{AllocationView, Promo, Tally};
pub use records::{Counts, Hold, Item, Lapses, UserCount};
pub use shape::{BLOCK_SEATS_MAX, ITEMS_MAX, PRICE_MAX, TTL_RANGE};
pub use tickets::{Conflict, DeadCode, Gate};

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use crate::audit::Audit;
use crate::blobs::Blobs;
use crate::digest::Accumulator;
use crate::ids::EventId;
use crate::outbox::Outbox;
use crate::requests::Requests;
use crate::time::Timestamp;
use agenda::Agenda;

/// Everything sold in one event group.
#[derive(Debug, Default)]
pub struct SeatLedger {
    /// Stamp of the last applied entry.
    at: Timestamp,
    events: BTreeMap<EventId, Arc<EventSale>>,
    blobs: Blobs,
    requests: Requests,
    outbox: Outbox,
    /// What staff did.
    audit: Audit,
    /// Of all records but those of `blobs`, `requests` and `audit`, which keep their own.
    digest: Accumulator,
    /// `None` in a frozen copy that has not applied anything yet.
    agenda: Option<Agenda>,
}

impl Clone for SeatLedger {
    /// Shares every chunk and goes without the agenda, which it can work out again.
    fn clone(&self) -> Self {
        Self {
            at: self.at,
            events: self.events.clone(),
            blobs: self.blobs.clone(),
            requests: self.requests.clone(),
            outbox: self.outbox.clone(),
            audit: self.audit.clone(),
            digest: self.digest,
            agenda: None,
        }
    }
}

#[cfg(test)]
mod tests;
