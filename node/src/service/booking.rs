//! Holding, paying and what can be done with a hold. Every change of a seat is one committed entry of the event's group.

use boxoffice_api::backend::{Answer, Caller, Context, Failure, OrderView, Payment, Read, Written};
use boxoffice_ledger::command::{Actor, Choice, SeatCommand};
use boxoffice_ledger::ids::{AttemptId, EventId, HoldId, OrderId, Request};
use boxoffice_ledger::money::Money;
use boxoffice_ledger::outcome::{AttemptState, HoldInfo, SeatOutcome};
use boxoffice_ledger::seats::SeatLedger;

use super::events::invalid;
use super::{Applied, Service, refused};
use crate::mint;
use crate::payment::{Charge, Standing};

impl Service {
    /// Claims seats for the caller.
    pub async fn hold_seats(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        choice: Choice,
        expect_total: Option<u64>,
    ) -> Answer<Written<HoldInfo>> {
        let hold = HoldId::new(mint::now_ms(), event.slot(), mint::entropy());
        let command = SeatCommand::Hold { request, event, hold, user: caller.user, choice, expect_total };
        let applied = self.write::<SeatLedger>(cx, self.event_group(event), &command).await?;
        hold_of(applied)
    }

    /// A hold of the caller. Holds of others are not found.
    pub async fn read_hold(&self, cx: Context, caller: Caller, event: EventId, hold: HoldId) -> Answer<Read<HoldInfo>> {
        let seats = self.seats(event)?;
        let found = self.find(cx, self.event_group(event), || seats.read().hold(event, hold)).await?;
        match found {
            Some((info, revision, age_ms)) if info.user == caller.user => Ok(Read { value: info, revision, age_ms }),
            _ => Err(Failure::NotFound("hold")),
        }
    }

    /// Lengthens a hold of the caller.
    pub async fn extend(&self, cx: Context, caller: Caller, request: Request, event: EventId, hold: HoldId) -> Answer<Written<HoldInfo>> {
        belongs(event, hold)?;
        let command = SeatCommand::Extend { request, event, hold, actor: Actor::User(caller.user) };
        hold_of(self.write::<SeatLedger>(cx, self.event_group(event), &command).await?)
    }

    /// Gives a hold of the caller back.
    pub async fn release(&self, cx: Context, caller: Caller, request: Request, event: EventId, hold: HoldId) -> Answer<Written<HoldInfo>> {
        belongs(event, hold)?;
        let command = SeatCommand::Release { request, event, hold, actor: Actor::User(caller.user) };
        hold_of(self.write::<SeatLedger>(cx, self.event_group(event), &command).await?)
    }

    /// Pays a hold: pin, authorize, confirm. Each step is an entry, so that after a crash anywhere the payment worker goes on
    /// from where it stands; a retry with the same key joins the same attempt.
    pub async fn pay_hold(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        hold: HoldId,
        method: String,
    ) -> Answer<Written<Payment>> {
        belongs(event, hold)?;
        if !self.provider.takes_payments() {
            self.must_be_free(cx, caller, event, hold).await?;
        }
        let order = OrderId::for_tickets(mint::now_ms(), event.slot(), mint::entropy());
        let attempt = attempt_of(request, event);
        let begin = SeatCommand::PayBegin { request, event, hold, user: caller.user, order, attempt, method: method.clone() };
        let applied = self.write::<SeatLedger>(cx, self.event_group(event), &begin).await?;
        match applied.outcome {
            SeatOutcome::Confirmed(confirmation) => {
                Ok(Written { value: Payment::Confirmed(confirmation), revision: applied.revision, replayed: applied.replayed })
            }
            SeatOutcome::Paying(ref info) if applied.replayed => {
                let info = info.clone();
                self.rejoin_payment(cx, event, attempt, info, &applied).await
            }
            SeatOutcome::Paying(ref info) => {
                let order = info.order.unwrap_or(order);
                let info = info.clone();
                self.authorize(cx, event, order, attempt, &method, info, &applied).await
            }
            SeatOutcome::Rejected(rejection) => refused(rejection, applied.revision),
            _ => Err(Failure::Unknown),
        }
    }

    /// Refuses what costs something on a cluster that takes no payments, before seats are pinned for it.
    async fn must_be_free(&self, cx: Context, caller: Caller, event: EventId, hold: HoldId) -> Answer<()> {
        let held = self.read_hold(cx, caller, event, hold).await?.value;
        if held.total == 0 { Ok(()) } else { Err(Failure::NoProvider) }
    }

    /// Asks the provider and writes down what it said.
    #[expect(clippy::too_many_arguments, reason = "the steps of one payment, called from two places")]
    async fn authorize(
        &self,
        cx: Context,
        event: EventId,
        order: OrderId,
        attempt: AttemptId,
        method: &str,
        info: HoldInfo,
        begun: &Applied<SeatOutcome>,
    ) -> Answer<Written<Payment>> {
        let charge = Charge {
            attempt,
            order: order.to_string(),
            event: Some(event),
            total: Money { amount: info.total, currency: info.currency },
            method: method.to_owned(),
            reference: None,
        };
        let seen = tokio::time::timeout_at(cx.deadline.into(), self.provider.authorize(&charge)).await;
        match seen {
            Ok(Ok((standing, _))) if is_decided(&standing) => self.settle(cx, event, order, attempt, info, standing, begun.replayed).await,
            Ok(Ok(_) | Err(_)) | Err(_) => {
                // The money may be reserved. The attempt stays open; the payment worker asks until there is an answer.
                let unknown = SeatCommand::PayUnknown { event, order, attempt };
                let noted = self.write::<SeatLedger>(cx, self.event_group(event), &unknown).await;
                let revision = noted.map_or(begun.revision, |applied| applied.revision);
                Ok(Written { value: Payment::Pending(info), revision, replayed: begun.replayed })
            }
        }
    }

    /// Writes what the provider decided into the ledger: sold, or back to held.
    #[expect(clippy::too_many_arguments, reason = "one step of a payment")]
    async fn settle(
        &self,
        cx: Context,
        event: EventId,
        order: OrderId,
        attempt: AttemptId,
        info: HoldInfo,
        standing: Standing,
        replayed: bool,
    ) -> Answer<Written<Payment>> {
        let command = match standing {
            Standing::Authorized { amount } | Standing::Captured { amount, .. } => {
                SeatCommand::Confirm { event, order, attempt, authorized: amount }
            }
            Standing::Declined { ref code } => SeatCommand::PayFail { event, order, attempt, code: code.clone() },
            Standing::Cancelled => SeatCommand::PayFail { event, order, attempt, code: "canceled".into() },
            Standing::RequiresAction { .. } | Standing::Processing => SeatCommand::PayUnknown { event, order, attempt },
        };
        let applied = self.write::<SeatLedger>(cx, self.event_group(event), &command).await?;
        let revision = applied.revision;
        match (applied.outcome, standing) {
            (SeatOutcome::Confirmed(confirmation), _) => Ok(Written { value: Payment::Confirmed(confirmation), revision, replayed }),
            (SeatOutcome::Hold(hold), Standing::Declined { code }) => Err(Failure::Declined { code, hold: Box::new(hold) }),
            (SeatOutcome::Rejected(rejection), _) => refused(rejection, revision),
            _ => Ok(Written { value: Payment::Pending(info), revision, replayed }),
        }
    }

    /// A retry of a payment that had begun: says what became of the attempt, or goes on with it.
    async fn rejoin_payment(
        &self,
        cx: Context,
        event: EventId,
        attempt: AttemptId,
        info: HoldInfo,
        begun: &Applied<SeatOutcome>,
    ) -> Answer<Written<Payment>> {
        self.barrier(cx, self.event_group(event)).await?;
        let order = info.order.ok_or(Failure::NotFound("order"))?;
        let (found, confirmation) = {
            let ledger = self.seats(event)?.read();
            let order = ledger.order(event, order).ok_or(Failure::NotFound("order"))?.order;
            (order.attempts.iter().find(|known| known.id == attempt).cloned(), order.confirmation(info.currency))
        };
        let Some(found) = found else { return Err(Failure::Unknown) };
        match found.state {
            AttemptState::Authorized | AttemptState::Captured => Ok(begun.written(Payment::Confirmed(confirmation))),
            AttemptState::Failed => Err(Failure::Declined { code: found.code.to_string(), hold: Box::new(info) }),
            AttemptState::Created => self.authorize(cx, event, order, attempt, &found.method, info, begun).await,
            AttemptState::Unknown => Ok(begun.written(Payment::Pending(info))),
        }
    }

    /// An order of the caller, from the event's group (which owns it).
    pub async fn read_order(&self, cx: Context, caller: Caller, order: OrderId) -> Answer<Read<OrderView>> {
        let group = self.counts.of_event_slot(order.slot().number());
        let seats = self.events.get(&group).ok_or(Failure::NotFound("order"))?;
        let look = || seats.read().events().find_map(|sale| sale.order(order).map(|view| (sale.id(), sale.terms().currency, view)));
        let found = self.find(cx, group, look).await?;
        let Some(((event, currency, view), revision, age_ms)) = found.filter(|((.., view), ..)| view.order.user == caller.user) else {
            return Err(Failure::NotFound("order"));
        };
        let known = view.order;
        let value = OrderView {
            order,
            event,
            hold: known.hold,
            state: known.state,
            payment: known.attempts.last().map(|attempt| attempt.state),
            total: known.total,
            currency,
            receipt: known.is_confirmed().then_some(known.receipt),
            tickets: view.tickets,
        };
        Ok(Read { value, revision, age_ms })
    }
}

/// The attempt that a request opens: a pure function, so that a retry of the request finds its own attempt again.
fn attempt_of(request: Request, event: EventId) -> AttemptId {
    const SLOT_BITS: u128 = 0xfff << 68;
    AttemptId((request.id.0 & !SLOT_BITS) | (u128::from(event.slot().number()) << 68))
}

/// A hold carries its event's slot: another one is no hold of this event, and needs no entry to be refused.
fn belongs(event: EventId, hold: HoldId) -> Answer<()> {
    if hold.slot() == event.slot() { Ok(()) } else { Err(invalid("/hold", "wrong_event", "this is not a hold of this event")) }
}

/// Whether the provider will say nothing else any more.
fn is_decided(standing: &Standing) -> bool {
    !matches!(standing, Standing::RequiresAction { .. } | Standing::Processing)
}

fn hold_of(applied: Applied<SeatOutcome>) -> Answer<Written<HoldInfo>> {
    match applied.outcome {
        SeatOutcome::Hold(info) => Ok(Written { value: info, revision: applied.revision, replayed: applied.replayed }),
        SeatOutcome::Rejected(rejection) => refused(rejection, applied.revision),
        _ => Err(Failure::Unknown),
    }
}
