//! What readers and workers ask of the ledger. Nothing here changes it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::agenda::Agenda;
use super::{EventSale, OrderView, SeatLedger};
use crate::command::Delivery;
use crate::ids::{AttemptId, EventId, HoldId, OrderId, PlanHash, RefundId, TicketId, UserId};
use crate::orders::{OpenAttempt, OpenRefund};
use crate::outbox::Outbox;
use crate::outcome::{AttemptState, HoldInfo, RefundState, SaleState};
use crate::tickets::TicketRecord;
use crate::time::Timestamp;

impl SeatLedger {
    /// Stamp of the last applied entry.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// An event's sale.
    #[must_use]
    pub fn event(&self, event: EventId) -> Option<&EventSale> {
        self.events.get(&event).map(|sale| &**sale)
    }

    /// All sales, ascending by event.
    pub fn events(&self) -> impl Iterator<Item = &EventSale> {
        self.events.values().map(|sale| &**sale)
    }

    /// A hold as its owner sees it; for a day after its end too.
    #[must_use]
    pub fn hold(&self, event: EventId, hold: HoldId) -> Option<HoldInfo> {
        self.event(event)?.hold(hold)
    }

    /// An order.
    #[must_use]
    pub fn order(&self, event: EventId, order: OrderId) -> Option<OrderView> {
        self.event(event)?.order(order)
    }

    /// A ticket.
    #[must_use]
    pub fn ticket(&self, event: EventId, ticket: TicketId) -> Option<TicketRecord> {
        self.event(event)?.ticket(ticket)
    }

    /// An event's sale to keep while it moves on: readers that walk over all of it hold up no apply.
    #[must_use]
    pub fn frozen(&self, event: EventId) -> Option<Arc<EventSale>> {
        self.events.get(&event).cloned()
    }

    /// The event that a ticket is for, and the ticket.
    #[must_use]
    pub fn find_ticket(&self, ticket: TicketId) -> Option<(EventId, TicketRecord)> {
        self.events.values().find_map(|sale| Some((sale.id, sale.ticket(ticket)?)))
    }

    /// Tickets that wait for whoever has this e-mail, over all events.
    #[must_use]
    pub fn offers_to(&self, email: &str) -> Vec<TicketRecord> {
        let events = self.events.values();
        events.flat_map(|sale| sale.offers_to(email, self.at).into_iter().filter_map(|ticket| sale.ticket(ticket))).collect()
    }

    /// Payment attempts that are not over (neither failed nor captured): those that keep seats pinned, at most `pinned`, and then those
    /// whose money is still to be captured or given back, at most `owed`; each kind ascending by id. Costs time in proportion to what
    /// it gives.
    #[must_use]
    pub fn open_attempts(&self, pinned: usize, owed: usize) -> Vec<OpenAttempt> {
        match &self.agenda {
            Some(agenda) => self.attempts_of(agenda, pinned, owed),
            None => self.attempts_of(&Agenda::of(&self.events), pinned, owed),
        }
    }

    /// One payment attempt, if it is not over.
    #[must_use]
    pub fn open_attempt(&self, event: EventId, order: OrderId, attempt: AttemptId) -> Option<OpenAttempt> {
        let sale = self.event(event)?;
        let order = sale.orders.get(&order)?;
        let attempt = order.attempts.iter().find(|known| known.id == attempt && known.is_open() && order.cart.is_none())?.clone();
        let (total, currency) = (order.total, sale.terms.currency);
        let must_cancel = match attempt.state {
            AttemptState::Authorized => order.is_undone(),
            AttemptState::Cancelling => true,
            _ => sale.head.state == SaleState::Cancelled,
        };
        Some(OpenAttempt { event, order: order.id, user: order.user, total, currency, attempt, must_cancel })
    }

    /// Refunds that the provider has still to be asked for, and whose money was captured, ascending by id, at most `max`.
    #[must_use]
    pub fn open_refunds(&self, max: usize) -> Vec<OpenRefund> {
        match &self.agenda {
            Some(agenda) => self.refunds_of(agenda, max),
            None => self.refunds_of(&Agenda::of(&self.events), max),
        }
    }

    /// As [`SeatLedger::open_refunds`], of one order.
    #[must_use]
    pub fn open_refunds_of(&self, event: EventId, order: OrderId) -> Vec<OpenRefund> {
        let Some(known) = self.event(event).and_then(|sale| sale.orders.get(&order)) else { return Vec::new() };
        let open = known.refunds.iter().filter(|refund| refund.state == RefundState::Requested);
        open.filter_map(|refund| self.open_refund(event, order, refund.id)).collect()
    }

    /// The first cancelled event whose orders are not all refunded.
    #[must_use]
    pub fn refund_backlog(&self) -> Option<EventId> {
        let first = |agenda: &Agenda| agenda.backlog.first().map(|first| first.0);
        self.agenda.as_ref().map_or_else(|| first(&Agenda::of(&self.events)), first)
    }

    /// Whether a plan is here whole, so that events can be created on it.
    #[must_use]
    pub fn has_plan(&self, plan: PlanHash) -> bool {
        self.blobs.plan(plan).is_some()
    }

    /// The outbox.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Targets with undelivered records, ascending.
    #[must_use]
    pub fn outbox_targets(&self) -> Vec<u32> {
        self.outbox.targets().collect()
    }

    /// The first `max` undelivered records of a target, with their sequence numbers.
    #[must_use]
    pub fn outbox_records(&self, target: u32, max: usize) -> Vec<(u64, &Delivery)> {
        self.outbox.records(target).take(max).collect()
    }

    /// Records about a user that the user's group has not acknowledged.
    #[must_use]
    pub fn undelivered(&self, user: UserId) -> Vec<Delivery> {
        self.outbox.undelivered(user)
    }

    fn refunds_of(&self, agenda: &Agenda, max: usize) -> Vec<OpenRefund> {
        let open = agenda.refunds.iter().filter_map(|&(refund, event, order)| self.open_refund(event, order, refund));
        open.take(max).collect()
    }

    fn open_refund(&self, event: EventId, order: OrderId, refund: RefundId) -> Option<OpenRefund> {
        let sale = self.event(event)?;
        let known = sale.orders.get(&order)?;
        let paid = known.attempts.last().filter(|last| last.state == AttemptState::Captured)?;
        let amount = known.refund(refund)?.amount;
        Some(OpenRefund {
            event,
            order,
            attempt: paid.id,
            reference: paid.reference.clone(),
            method: paid.method.clone(),
            total: known.total,
            currency: sale.terms.currency,
            refund,
            amount,
        })
    }

    fn attempts_of(&self, agenda: &Agenda, pinned: usize, owed: usize) -> Vec<OpenAttempt> {
        let attempts = agenda.pinned.iter().take(pinned).chain(agenda.owed.iter().take(owed));
        attempts.filter_map(|&(attempt, event, order)| self.open_attempt(event, order, attempt)).collect()
    }
}
