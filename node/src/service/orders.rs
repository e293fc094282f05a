//! Orders as their buyers and staff see them, and giving them back.

use boxoffice_api::backend::{
    Answer, AttemptView, Caller, Context, DisputeView, Failure, OrderView, Progress, Read, RefundCounts, RefundView, RefundWish,
    SaleStatus, Written,
};
use boxoffice_ledger::command::{Actor, MoneyCommand, Role, SeatCommand};
use boxoffice_ledger::ids::{EventId, OrderId, RefundId, Request, TicketId};
use boxoffice_ledger::money::{Currency, Money};
use boxoffice_ledger::orders::{Attempt, Order, Refund};
use boxoffice_ledger::outcome::{AttemptState, SaleState, SeatOutcome};
use boxoffice_ledger::seats::SeatLedger;

use super::{Service, asked, refused};

/// An order with what is said of it in the same breath.
type Found = (EventId, Currency, boxoffice_ledger::seats::OrderView);

impl Service {
    /// An order of the caller or of an event of the caller, from the event's group (which owns it).
    pub async fn read_order(&self, cx: Context, caller: Caller, order: OrderId) -> Answer<Read<OrderView>> {
        let ((event, currency, view), read) = self.order_of(cx, caller, order).await?;
        let known = view.order;
        let mine = known.user == caller.user;
        let value = OrderView {
            order,
            event,
            hold: known.hold,
            state: known.state,
            payment: progress(&known),
            total: known.total,
            promo: known.promo.as_ref().map(|applied| (applied.code.to_string(), applied.discount)),
            currency,
            receipt: (known.receipt > 0).then_some(known.receipt),
            tickets: view.tickets,
            refunded: known.refunded,
            refunds: known.refunds.iter().map(|refund| refund_view(order, refund, currency)).collect(),
            disputes: if mine { Vec::new() } else { disputes(&known, currency) },
            attempts: if mine { Vec::new() } else { known.attempts.iter().map(attempt_view).collect() },
        };
        Ok(Read { value, revision: read.revision, age_ms: read.age_ms })
    }

    /// An order that the caller may see. The events of a group are asked one after another: an order does not name its own.
    async fn order_of(&self, cx: Context, caller: Caller, order: OrderId) -> Answer<(Found, Read<()>)> {
        let group = self.counts.of_event_slot(order.slot().number());
        let seats = self.events.get(&group).ok_or(Failure::NotFound("order"))?;
        let look = || seats.read().events().find_map(|sale| sale.order(order).map(|view| (sale.id(), sale.terms().currency, view)));
        let (found, revision, age_ms) = self.find(cx, group, look).await?.ok_or(Failure::NotFound("order"))?;
        if found.2.order.user != caller.user {
            self.staff_of(cx, caller, found.0).await?;
        }
        Ok((found, Read { value: (), revision, age_ms }))
    }

    /// Refuses callers who are not staff of an event as if what they ask for were not there.
    async fn staff_of(&self, cx: Context, caller: Caller, event: EventId) -> Answer<()> {
        if caller.role < Role::Coordinator {
            return Err(Failure::NotFound("order"));
        }
        self.own_event(cx, caller, event).await.map(drop).map_err(|failure| match failure {
            Failure::NotFound(_) | Failure::Forbidden(_) => Failure::NotFound("order"),
            other => other,
        })
    }

    /// Gives an order or tickets of it back. The ledger decides by the event's policy, and how much; the worker sends the money.
    pub async fn give_back(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        order: OrderId,
        wish: RefundWish,
    ) -> Answer<Written<RefundView>> {
        let ((event, currency, view), _) = self.order_of(cx, caller, order).await?;
        let needs_staff = wish.staff || wish.block || wish.amount.is_some();
        let actor = if view.order.user == caller.user && !needs_staff {
            Actor::User(caller.user)
        } else {
            self.staff_of(cx, caller, event).await?;
            Actor::Staff(caller.user)
        };
        let refund = refund_of(request, event);
        let command = SeatCommand::Money(MoneyCommand::Refund {
            request,
            event,
            order,
            refund,
            tickets: wish.tickets,
            amount: wish.amount,
            actor,
            reason: wish.reason,
            block: wish.block,
        });
        let command = if let Actor::Staff(_) = actor { SeatCommand::Audited(asked(cx, caller, command)) } else { command };
        let applied = self.write::<SeatLedger>(cx, self.event_group(event), &command).await?;
        boxoffice_raft::crash_point!("saga.after_refund_begin");
        match &applied.outcome {
            SeatOutcome::Voided { .. } => (),
            SeatOutcome::Rejected(rejection) => return refused(rejection.clone(), applied.revision, applied.replayed),
            _ => return Err(Failure::Unknown),
        }
        // What was written may not be applied here yet.
        self.barrier(cx, self.event_group(event)).await.map_err(|_| Failure::Unknown)?;
        let known = self.seats(event)?.read().order(event, order).and_then(|view| view.order.refund(refund).cloned());
        let view = refund_view(order, &known.ok_or(Failure::Unknown)?, currency);
        Ok(applied.written(view))
    }

    /// How the sale of an event of the caller stands.
    pub async fn read_sale(&self, cx: Context, caller: Caller, event: EventId) -> Answer<Read<SaleStatus>> {
        self.own_event(cx, caller, event).await?;
        let seats = self.seats(event)?;
        let look = || {
            let sale = self.sale_view(event)?;
            let progress = seats.read().event(event)?.refund_progress();
            let counts = RefundCounts { orders: progress.orders, done: progress.done, pending: progress.pending, failed: progress.failed };
            let refunds = (sale.state == SaleState::Cancelled).then_some(counts);
            Some(SaleStatus { sale, refunds })
        };
        let found = self.find(cx, self.event_group(event), look).await?;
        let (value, revision, age_ms) = found.ok_or(Failure::NotFound("event"))?;
        Ok(Read { value, revision, age_ms })
    }
}

/// How an order's payment stands; `None` before there was an attempt, and for free orders.
pub(super) fn progress(order: &Order) -> Option<Progress> {
    order.attempts.last().map(|last| Progress {
        state: last.state,
        next_action: last.action.as_deref().map(ToOwned::to_owned),
        code: matches!(last.state, AttemptState::Failed | AttemptState::CaptureFailed).then(|| last.code.to_string()),
    })
}

fn attempt_view(attempt: &Attempt) -> AttemptView {
    AttemptView {
        attempt: attempt.id,
        state: attempt.state,
        begun_at: attempt.begun_at,
        decided_at: Some(attempt.decided_at).filter(|at| at.0 != 0),
        code: Some(attempt.code.to_string()).filter(|code| !code.is_empty()),
    }
}

fn refund_view(order: OrderId, refund: &Refund, currency: Currency) -> RefundView {
    RefundView {
        refund: refund.id,
        order,
        amount: Money { amount: refund.amount, currency },
        tickets: refund.tickets.iter().map(|&ordinal| TicketId::of_order(order, ordinal)).collect(),
        reason: refund.reason.to_string(),
        state: refund.state,
        requested_at: refund.requested_at,
        code: (!refund.code.is_empty()).then(|| refund.code.to_string()),
    }
}

fn disputes(order: &Order, currency: Currency) -> Vec<DisputeView> {
    let view = |dispute: &boxoffice_ledger::orders::Dispute| DisputeView {
        id: dispute.id.to_string(),
        state: dispute.state,
        amount: Money { amount: dispute.amount, currency },
        opened_at: dispute.opened_at,
    };
    order.disputes.iter().map(view).collect()
}

/// The refund that a request opens: a pure function, so that a retry of the request finds its own refund again.
fn refund_of(request: Request, event: EventId) -> RefundId {
    const SLOT_BITS: u128 = 0xfff << 68;
    RefundId((request.id.0 & !SLOT_BITS) | (u128::from(event.slot().number()) << 68))
}
