//! What waits for time or for the payment provider, in order. Derived from the records: a frozen copy goes without and
//! works it out again if it is ever asked to apply.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::deadlines::{Deadlines, Due};
use super::event::EventSale;
use crate::ids::{AttemptId, EventId, HoldId, OrderId, RefundId};
use crate::orders::{Attempt, Order};
use crate::outcome::{HoldState, RefundState, SaleState};
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
    /// Attempts that keep seats pinned, ascending; those of carts are their carts' business.
    pub(crate) pinned: BTreeSet<(AttemptId, EventId, OrderId)>,
    /// Attempts whose money is still to be captured, or given back.
    pub(crate) owed: BTreeSet<(AttemptId, EventId, OrderId)>,
    /// When attempts are given up.
    pub(crate) give_ups: BTreeSet<(Timestamp, EventId, OrderId)>,
    /// Refunds that the provider has still to be asked for.
    pub(crate) refunds: BTreeSet<(RefundId, EventId, OrderId)>,
    /// Orders of cancelled events that have tickets still.
    pub(crate) backlog: BTreeSet<(EventId, OrderId)>,
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
                if let Some(last) = order.attempts.last() {
                    agenda.note_attempt(event, order, last);
                }
                agenda.note_refunds(event, order);
                if sale.head.state == SaleState::Cancelled && order.admits() {
                    agenda.backlog.insert((event, order.id));
                }
            }
        }
        due.sort_unstable();
        due.into_iter().for_each(|due| agenda.deadlines.push(due));
        ended.sort_unstable();
        agenda.ended = ended.into();
        agenda
    }

    /// When time does something: ends a hold, or gives an attempt up.
    pub(crate) fn first(&self) -> Option<Timestamp> {
        let give_up = self.give_ups.first().map(|due| due.0);
        self.deadlines.first().into_iter().chain(give_up).min()
    }

    /// Notes how an order's last attempt stands.
    pub(crate) fn note_attempt(&mut self, event: EventId, order: &Order, last: &Attempt) {
        let key = (last.id, event, order.id);
        let is_ours = last.is_open() && order.cart.is_none();
        for (attempts, belongs) in [(&mut self.pinned, is_ours && last.is_live()), (&mut self.owed, is_ours && !last.is_live())] {
            if belongs {
                attempts.insert(key);
            } else {
                attempts.remove(&key);
            }
        }
        if last.deadline.0 == 0 {
            return;
        }
        match last.gives_up_at() {
            Some(at) => self.give_ups.insert((at, event, order.id)),
            None => self.give_ups.remove(&(last.deadline, event, order.id)),
        };
    }

    /// Notes how an order's refunds stand.
    pub(crate) fn note_refunds(&mut self, event: EventId, order: &Order) {
        for refund in &order.refunds {
            if refund.state == RefundState::Requested {
                self.refunds.insert((refund.id, event, order.id));
            } else {
                self.refunds.remove(&(refund.id, event, order.id));
            }
        }
    }
}

/// Whether the hold is Active and has this very deadline.
pub(crate) fn is_live(events: &BTreeMap<EventId, Arc<EventSale>>, due: &Due) -> bool {
    let hold = events.get(&due.event).and_then(|sale| sale.holds.get(&due.hold));
    hold.is_some_and(|hold| hold.state == HoldState::Active && hold.expires_at == due.at)
}
