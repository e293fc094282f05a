//! What the events' groups did since the start of the process, as this node applied it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use boxoffice_ledger::change::{Change, TicketChange};
use boxoffice_ledger::outcome::HoldState;

/// See the module.
#[derive(Default)]
pub struct Counts {
    active: AtomicU64,
    converted: AtomicU64,
    released: AtomicU64,
    expired: AtomicU64,
    revoked: AtomicU64,
    sold: AtomicU64,
    returned: AtomicU64,
}

impl Counts {
    /// Counts what a change says.
    pub fn note(&self, change: &Change) {
        let counter = match change {
            Change::Hold { state, .. } => match state {
                HoldState::Active => &self.active,
                HoldState::Converted => &self.converted,
                HoldState::Released => &self.released,
                HoldState::Expired => &self.expired,
                HoldState::Revoked => &self.revoked,
                HoldState::Paying => return,
            },
            Change::Ticket { what: TicketChange::Issued, .. } => &self.sold,
            Change::Ticket { what: TicketChange::Void, .. } => &self.returned,
            _ => return,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Holds by the state that they came to.
    pub fn holds(&self) -> Vec<(&'static str, u64)> {
        let all = [
            ("active", &self.active),
            ("converted", &self.converted),
            ("released", &self.released),
            ("expired", &self.expired),
            ("revoked", &self.revoked),
        ];
        all.into_iter().map(|(state, counter)| (state, counter.load(Relaxed))).collect()
    }

    /// Tickets issued.
    pub fn sold(&self) -> u64 {
        self.sold.load(Relaxed)
    }

    /// Tickets that became void.
    pub fn returned(&self) -> u64 {
        self.returned.load(Relaxed)
    }
}
