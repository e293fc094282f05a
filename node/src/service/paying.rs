//! Paying a hold: pin, authorize, confirm. Each step is an entry, so that after a crash anywhere the payment worker goes on from
//! where it stands; a retry with the same key joins the same attempt.

use std::time::{Duration, Instant};

use boxoffice_api::backend::{Answer, Caller, Context, Failure, HoldView, Payment, Progress, Revision, Written};
use boxoffice_ledger::command::{MoneyCommand, SeatCommand};
use boxoffice_ledger::ids::{AttemptId, EventId, HoldId, OrderId, Request};
use boxoffice_ledger::money::Money;
use boxoffice_ledger::outcome::{AttemptState, HoldInfo, SeatOutcome};
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_raft::crash_point;

use super::booking::belongs;
use super::orders::progress;
use super::reconcile::{Subject, clip, confirms, decline_of};
use super::{Applied, Service, planted, refused};
use crate::mint;
use crate::payment::{Charge, Seen, Standing};

/// What is left of a request's time for writing down what the provider said.
const WRITE_TIME: Duration = Duration::from_secs(2);

/// A payment that this request drives.
struct Begun {
    cx: Context,
    subject: Subject,
    info: HoldInfo,
    revision: Revision,
    replayed: bool,
}

impl Begun {
    fn written(&self, value: Payment, revision: Revision) -> Written<Payment> {
        Written { value, revision, replayed: self.replayed }
    }

    fn pending(&self, state: AttemptState, next_action: Option<String>, revision: Revision) -> Written<Payment> {
        let payment = Some(Progress { state, next_action, code: None });
        self.written(Payment::Pending(HoldView { hold: self.info.clone(), payment }), revision)
    }
}

impl Service {
    /// Pays a hold.
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
        self.must_be_open()?;
        if !self.provider.takes_payments() {
            self.must_be_free(cx, caller, event, hold).await?;
        }
        let order = OrderId::for_tickets(mint::now_ms(), event.slot(), mint::entropy());
        let attempt = attempt_of(request, event);
        let begin = SeatCommand::PayBegin { request, event, hold, user: caller.user, order, attempt, method: method.clone() };
        let applied = self.write::<SeatLedger>(cx, self.event_group(event), &begin).await?;
        crash_point!("saga.after_pay_begin");
        let (revision, replayed) = (applied.revision, applied.replayed);
        match applied.outcome {
            SeatOutcome::Confirmed(confirmation) => Ok(Written { value: Payment::Confirmed(confirmation), revision, replayed }),
            SeatOutcome::Paying(info) => {
                let order = info.order.unwrap_or(order);
                let begun = Begun { cx, subject: Subject { event, order, attempt }, info, revision, replayed };
                if replayed { self.rejoin(begun).await } else { self.authorize(begun, method).await }
            }
            SeatOutcome::Rejected(rejection) => refused(rejection, revision, replayed),
            _ => Err(Failure::Unknown),
        }
    }

    /// Refuses what costs something on a cluster that takes no payments, before seats are pinned for it.
    async fn must_be_free(&self, cx: Context, caller: Caller, event: EventId, hold: HoldId) -> Answer<()> {
        let held = self.read_hold(cx, caller, event, hold).await?.value;
        if held.hold.total == 0 { Ok(()) } else { Err(Failure::NoProvider) }
    }

    /// Asks the provider and writes down what it said.
    async fn authorize(&self, begun: Begun, method: String) -> Answer<Written<Payment>> {
        let charge = Charge {
            attempt: planted::charged(begun.subject.attempt),
            order: begun.subject.order.to_string(),
            event: Some(begun.subject.event),
            total: Money { amount: begun.info.total, currency: begun.info.currency },
            method,
            reference: None,
        };
        let until = begun.cx.deadline.checked_sub(WRITE_TIME).unwrap_or(begun.cx.deadline);
        let seen = tokio::time::timeout_at(until.into(), self.provider.authorize(&charge)).await;
        crash_point!("saga.after_authorize");
        match seen {
            Ok(Ok(seen)) => self.settle(begun, seen).await,
            Ok(Err(_)) | Err(_) => {
                // The money may be reserved. The attempt stays open; the payment worker asks until there is an answer.
                let Subject { event, order, attempt } = begun.subject;
                let unanswered = planted::unanswered(SeatCommand::PayUnknown { event, order, attempt });
                let noted = self.say(begun.cx, unanswered, event).await;
                crash_point!("saga.after_unknown");
                let revision = noted.map_or(begun.revision, |applied| applied.revision);
                Ok(begun.pending(AttemptState::Unknown, None, revision))
            }
        }
    }

    /// Writes what the provider said into the ledger: sold, or back to held, or still to be waited for.
    async fn settle(&self, begun: Begun, (standing, reference): Seen) -> Answer<Written<Payment>> {
        let Subject { event, order, attempt } = begun.subject;
        let total = begun.info.total;
        let (state, action, command) = match &standing {
            Standing::Authorized { amount } | Standing::Captured { amount, .. } if confirms(&standing, total) => {
                (AttemptState::Authorized, None, SeatCommand::Confirm { event, order, attempt, authorized: *amount, reference })
            }
            Standing::Authorized { .. } | Standing::Captured { .. } => {
                (AttemptState::Cancelling, None, SeatCommand::Money(MoneyCommand::GiveUp { event, order, attempt }))
            }
            Standing::Declined { .. } | Standing::Cancelled => {
                let code = decline_of(&standing);
                (AttemptState::Failed, None, SeatCommand::PayFail { event, order, attempt, code })
            }
            Standing::RequiresAction { url } => {
                let action = Some(clip(url, 2048));
                let note = MoneyCommand::Note { event, order, attempt, reference, action: action.clone() };
                (AttemptState::RequiresAction, action, SeatCommand::Money(note))
            }
            Standing::Processing => {
                let note = MoneyCommand::Note { event, order, attempt, reference, action: None };
                (AttemptState::Unknown, None, SeatCommand::Money(note))
            }
        };
        let Ok(applied) = self.say(begun.cx, command, event).await else {
            // Unknown to the buyer, not to the ledger: the attempt is recorded, and the worker asks the provider again.
            return Ok(begun.pending(AttemptState::Unknown, None, begun.revision));
        };
        crash_point!("saga.after_settle");
        let revision = applied.revision;
        match applied.outcome {
            SeatOutcome::Confirmed(confirmation) => Ok(begun.written(Payment::Confirmed(confirmation), revision)),
            SeatOutcome::Hold(hold) => {
                Err(Failure::Declined { code: decline_of(&standing), hold: Box::new(hold) }.replayed(begun.replayed))
            }
            SeatOutcome::Rejected(rejection) => refused(rejection, revision, begun.replayed),
            _ => Ok(begun.pending(state, action, revision)),
        }
    }

    /// A write about a payment, which has its own time: what the provider said must not be lost because the buyer waits no more.
    async fn say(&self, cx: Context, command: SeatCommand, event: EventId) -> Answer<Applied<SeatOutcome>> {
        let cx = Context { deadline: Instant::now() + WRITE_TIME, ..cx };
        self.write::<SeatLedger>(cx, self.event_group(event), &command).await
    }

    /// A retry of a payment that had begun: says what became of the attempt, or goes on with it.
    async fn rejoin(&self, begun: Begun) -> Answer<Written<Payment>> {
        let Subject { event, order, attempt } = begun.subject;
        self.barrier(begun.cx, self.event_group(event)).await?;
        let order = self.seats(event)?.read().order(event, order).ok_or(Failure::NotFound("order"))?.order;
        let found = order.attempts.iter().find(|known| known.id == attempt).ok_or(Failure::Unknown)?;
        let revision = begun.revision;
        match found.state {
            AttemptState::Authorized | AttemptState::Captured | AttemptState::Voided => {
                Ok(begun.written(Payment::Confirmed(order.confirmation(begun.info.currency)), revision))
            }
            AttemptState::Failed | AttemptState::CaptureFailed => {
                let hold = self.seats(event)?.read().hold(event, order.hold).unwrap_or(begun.info);
                Err(Failure::Declined { code: found.code.to_string(), hold: Box::new(hold) })
            }
            AttemptState::Created => {
                let method = found.method.to_string();
                self.authorize(begun, method).await
            }
            AttemptState::Unknown | AttemptState::RequiresAction | AttemptState::Cancelling => {
                let action = progress(&order).and_then(|progress| progress.next_action);
                Ok(begun.pending(found.state, action, revision))
            }
        }
    }
}

/// The attempt that a request opens: a pure function, so that a retry of the request finds its own attempt again.
fn attempt_of(request: Request, event: EventId) -> AttemptId {
    const SLOT_BITS: u128 = 0xfff << 68;
    AttemptId((request.id.0 & !SLOT_BITS) | (u128::from(event.slot().number()) << 68))
}
