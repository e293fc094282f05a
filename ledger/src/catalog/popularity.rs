//! How much events are asked for: by views that the nodes counted, and by sales.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{CatalogLedger, DEMAND, hash_record};
use crate::change::{Change, EventChange};
use crate::codec::catalog as codec;
use crate::command::EventViews;
use crate::demand::Demand;
use crate::digest::Accumulator;
use crate::ids::EventId;
use crate::outcome::CatalogOutcome;

impl CatalogLedger {
    /// How much an event is asked for; zero if nobody ever did.
    #[must_use]
    pub fn demand(&self, event: EventId) -> Demand {
        self.demand.get(&event).copied().unwrap_or_default()
    }

    /// Views of events that the catalog does not have are dropped.
    pub(super) fn count_views(&mut self, lines: &[EventViews], changes: &mut Vec<Change>) -> CatalogOutcome {
        for line in lines.iter().filter(|line| line.views > 0) {
            if self.events.contains(&line.event) {
                self.add_demand(line.event, line.views);
                changes.push(Change::CatalogEvent { event: line.event, what: EventChange::Figures });
            }
        }
        CatalogOutcome::Done
    }

    pub(super) fn add_demand(&mut self, event: EventId, units: u32) {
        if units == 0 {
            return;
        }
        let old = self.demand.get(&event).copied();
        let new = old.unwrap_or_default().plus(units, self.at);
        if let Some(old) = old {
            self.digest.remove(hash_demand(event, old));
        }
        self.digest.add(hash_demand(event, new));
        self.demand.insert(event, new);
    }

    pub(super) fn restore_demand(&mut self, (event, demand): (EventId, Demand)) {
        self.digest.add(hash_demand(event, demand));
        self.demand.insert(event, demand);
    }

    pub(super) fn check_demand(&self, digest: &mut Accumulator) -> Result<(), String> {
        for (event, demand) in self.demand.sorted() {
            digest.add(hash_demand(*event, *demand));
            if !self.events.contains(event) {
                return Err(format!("demand for event {event}, which is not here"));
            }
        }
        Ok(())
    }
}

fn hash_demand(event: EventId, demand: Demand) -> u128 {
    hash_record(DEMAND, &codec::demand(event, demand))
}
