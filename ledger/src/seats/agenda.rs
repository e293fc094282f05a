//! What waits for time or for the payment provider, in order. Derived from the records: a frozen copy goes without and
//! works it out again if it is ever asked to apply.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::deadlines::{Deadlines, Due};
use super::event::EventSale;
use crate::ids::{AttemptId, EventId, HoldId, OrderId};
use crate::outcome::HoldState;
use crate::time::Timestamp;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    /// Deadlines of Active holds.
    pub(crate) deadlines: Deadlines,
    /// Deadlines that the running command did away with; settled at its end.
    pub(crate) cancelled: Vec<Due>,
    /// Ended holds by the time of their end: ascending in time.
    pub(crate) ended: VecDeque<(Timestamp, EventId, HoldId)>,
    /// Attempts that are not over, ascending.
    pub(crate) attempts: BTreeSet<(AttemptId, EventId, OrderId)>,
}

impl Agenda {
    /// Works it out from the records.
    pub(crate) fn of(events: &BTreeMap<EventId, Arc<EventSale>>) -> Self {
        let mut agenda = Self::default();
        let mut due = Vec::new();
        let mut ended = Vec::new();
        for (&event, sale) in events {
            for hold in sale.holds.sorted().into_iter().map(|(_, hold)| hold) {
                if hold.state == HoldState::Active {
                    due.push(Due { at: hold.expires_at, hold: hold.id, event });
                } else if !hold.is_live() {
                    ended.push((hold.ended_at, event, hold.id));
                }
            }
            for order in sale.orders.sorted().into_iter().map(|(_, order)| order) {
                for attempt in order.attempts.iter().filter(|attempt| attempt.is_open()) {
                    agenda.attempts.insert((attempt.id, event, order.id));
                }
            }
        }
        due.sort_unstable();
        due.into_iter().for_each(|due| agenda.deadlines.push(due));
        ended.sort_unstable();
        agenda.ended = ended.into();
        agenda
    }

    /// Notes whether an attempt is open.
    pub(crate) fn note_attempt(&mut self, event: EventId, order: OrderId, attempt: AttemptId, open: bool) {
        if open {
            self.attempts.insert((attempt, event, order));
        } else {
            self.attempts.remove(&(attempt, event, order));
        }
    }
}

/// Whether the hold is Active and has this very deadline.
pub(crate) fn is_live(events: &BTreeMap<EventId, Arc<EventSale>>, due: &Due) -> bool {
    let hold = events.get(&due.event).and_then(|sale| sale.holds.get(&due.hold));
    hold.is_some_and(|hold| hold.state == HoldState::Active && hold.expires_at == due.at)
}
