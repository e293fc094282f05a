//! One step for an attempt or a refund that nobody drives: ask the provider, write down what it said. Never a guess: what is not
//! answered stays as it is. Any node may do a step at any time, also twice: the provider knows each call by its key, the ledger each
//! message by its attempt.
//!
//! An attempt is cancelled at the provider only after the ledger said so (`must_cancel`), and from then on the ledger refuses to
//! confirm it: the two can never end differently.

use std::time::{Duration, Instant};

use boxoffice_api::backend::{Context, Freshness};
use boxoffice_cluster_config::request_tag::RequestTag;
use boxoffice_ledger::command::{MoneyCommand, SeatCommand};
use boxoffice_ledger::ids::{AttemptId, EventId, OrderId, RefundId};
use boxoffice_ledger::money::Money;
use boxoffice_ledger::orders::{Attempt, OpenAttempt, OpenRefund};
use boxoffice_ledger::outcome::{AttemptState, SeatOutcome};
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_raft::crash_point;
use boxoffice_raft::planted::has;

use super::Service;
use crate::mint;
use crate::payment::{Charge, NoAnswer, RefundStanding, Standing};

/// Longest code of a provider that the ledger keeps, in bytes.
pub(super) const CODE_BYTES_MAX: usize = 64;

/// How long a write of a step may take.
pub(super) const WRITE_TIME: Duration = Duration::from_secs(5);

/// Which attempt of which order.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    pub(super) event: EventId,
    pub(super) order: OrderId,
    pub(super) attempt: AttemptId,
}

/// How an attempt ended at the provider for which nothing is sold.
pub(super) enum Ended {
    /// It was refused, with this code.
    Declined(String),
    /// It was cancelled.
    Cancelled,
    /// Its money was taken, and has gone back.
    Refunded,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The ledger moved: look at it again.
    Moved,
    /// The provider or the buyer takes their time.
    Waits,
    /// The provider or the group did not answer.
    NoAnswer,
}

impl Service {
    /// One step for an open attempt.
    pub async fn reconcile(&self, open: &OpenAttempt) -> Step {
        let charge = charge_of(open);
        let command = match (open.attempt.state, open.must_cancel) {
            (AttemptState::Authorized, false) => self.capture(open, &charge).await,
            (AttemptState::Authorized, true) => self.void(open, &charge).await,
            (_, true) => self.cancel(open, charge).await,
            (_, false) => self.look(open, &charge).await,
        };
        match command {
            Ok(Some(command)) => self.tell(open.event, &command).await,
            Ok(None) => Step::Waits,
            Err(NoAnswer) => Step::NoAnswer,
        }
    }

    /// One step for an open refund.
    pub async fn send_refund(&self, open: &OpenRefund) -> Step {
        let charge = Charge {
            attempt: open.attempt,
            order: open.order.to_string(),
            event: Some(open.event),
            total: Money { amount: open.total, currency: open.currency },
            method: open.method.to_string(),
            reference: Some(open.reference.to_string()).filter(|reference| !reference.is_empty()),
        };
        let (event, order, refund) = (open.event, open.order, open.refund);
        let sent = self.provider.refund(&charge, refund, open.amount).await;
        crash_point!("saga.after_refund_sent");
        let command = match sent {
            Ok(RefundStanding::Done) => MoneyCommand::RefundDone { event, order, refund },
            Ok(RefundStanding::Failed { code }) => {
                tracing::error!(%event, %order, %refund, code, "the provider refused a refund for good: staff must give the money back");
                MoneyCommand::RefundFailed { event, order, refund, code: clip(&code, CODE_BYTES_MAX) }
            }
            Ok(RefundStanding::Pending) => return Step::Waits,
            Err(NoAnswer) => return Step::NoAnswer,
        };
        self.tell(event, &SeatCommand::Money(command)).await
    }

    /// Refunds the next orders of a cancelled event.
    pub async fn refund_next(&self, event: EventId, limit: u32) -> Step {
        let step = self.tell(event, &SeatCommand::Money(MoneyCommand::RefundNext { event, limit })).await;
        crash_point!("saga.after_refund_next");
        step
    }

    async fn tell(&self, event: EventId, command: &SeatCommand) -> Step {
        let cx = Context { deadline: Instant::now() + WRITE_TIME, freshness: Freshness::Local, from: None, request: RequestTag::NONE };
        let written = self.write::<SeatLedger>(cx, self.event_group(event), command).await;
        crash_point!("saga.after_tell");
        match written {
            // Somebody else moved it meanwhile, or its sale was cancelled: the next look says how to go on.
            Ok(applied) if applied.replayed || matches!(applied.outcome, SeatOutcome::Rejected(_)) => Step::Waits,
            Ok(_) => Step::Moved,
            Err(_) => Step::NoAnswer,
        }
    }

    /// Takes the money of a confirmed order.
    async fn capture(&self, open: &OpenAttempt, charge: &Charge) -> Result<Option<SeatCommand>, NoAnswer> {
        let (event, order, attempt) = (open.event, open.order, open.attempt.id);
        let standing = match has("capture-forgotten") {
            true => Standing::Captured { amount: open.total, refunded: 0 },
            false => self.provider.capture(charge, open.total).await?,
        };
        crash_point!("saga.after_capture");
        Ok(match standing {
            Standing::Captured { amount, .. } => {
                if amount != open.total {
                    tracing::error!(%event, %order, %attempt, amount, total = open.total, "the provider captured another amount");
                }
                Some(SeatCommand::Captured { event, order, attempt })
            }
            Standing::Declined { .. } | Standing::Cancelled => {
                let code = decline_of(&standing);
                tracing::warn!(%event, %order, %attempt, code, "the reserved money cannot be taken: the order is cancelled");
                Some(SeatCommand::Money(MoneyCommand::CaptureFailed { event, order, attempt, code }))
            }
            Standing::Authorized { .. } | Standing::Processing | Standing::RequiresAction { .. } => None,
        })
    }

    /// Gives the reservation of an undone order back; a capture that won stays, and is refunded.
    async fn void(&self, open: &OpenAttempt, charge: &Charge) -> Result<Option<SeatCommand>, NoAnswer> {
        let (event, order, attempt) = (open.event, open.order, open.attempt.id);
        let standing = self.provider.cancel(charge).await?;
        crash_point!("saga.after_void");
        Ok(match standing {
            Standing::Cancelled | Standing::Declined { .. } => Some(SeatCommand::Money(MoneyCommand::Voided { event, order, attempt })),
            Standing::Captured { .. } => Some(SeatCommand::Captured { event, order, attempt }),
            Standing::Authorized { .. } | Standing::Processing | Standing::RequiresAction { .. } => None,
        })
    }

    /// Cancels an attempt that can never be confirmed.
    async fn cancel(&self, open: &OpenAttempt, charge: Charge) -> Result<Option<SeatCommand>, NoAnswer> {
        let ended = self.end_at_provider(charge).await?;
        crash_point!("saga.after_cancel");
        let Some(code) = ended else { return Ok(None) };
        let code = match code {
            Ended::Declined(code) => code,
            Ended::Cancelled if open.attempt.state == AttemptState::Cancelling => "timed_out".into(),
            Ended::Cancelled => "event_cancelled".into(),
            Ended::Refunded => "refunded".into(),
        };
        Ok(Some(SeatCommand::PayFail { event: open.event, order: open.order, attempt: open.attempt.id, code }))
    }

    /// Sees to it that the provider neither holds nor keeps money of an attempt for which nothing is sold. Money that was taken all the
    /// same goes back. `None`: not yet.
    pub(super) async fn end_at_provider(&self, mut charge: Charge) -> Result<Option<Ended>, NoAnswer> {
        let mut over = None;
        if charge.reference.is_none() {
            let (standing, reference) = self.provider.look(&charge).await?;
            charge.reference = Some(reference).filter(|reference| !reference.is_empty());
            over = Some(standing).filter(|standing| matches!(standing, Standing::Declined { .. } | Standing::Cancelled));
        }
        let standing = match over {
            Some(over) => over,
            None => self.provider.cancel(&charge).await?,
        };
        Ok(match standing {
            Standing::Declined { .. } => Some(Ended::Declined(decline_of(&standing))),
            Standing::Cancelled => Some(Ended::Cancelled),
            Standing::Captured { amount, refunded } => {
                let is_back = refunded >= amount || self.hand_back(&charge, amount - refunded).await?;
                is_back.then_some(Ended::Refunded)
            }
            Standing::Authorized { .. } | Standing::Processing | Standing::RequiresAction { .. } => None,
        })
    }

    /// Refunds money for which nothing was sold; whether the buyer has it.
    async fn hand_back(&self, charge: &Charge, amount: u64) -> Result<bool, NoAnswer> {
        match self.provider.refund(charge, RefundId(charge.attempt.0), amount).await? {
            RefundStanding::Done => Ok(true),
            RefundStanding::Pending => Ok(false),
            RefundStanding::Failed { code } => {
                tracing::error!(attempt = %charge.attempt, code, "money was taken for nothing, and the provider refuses to give it back");
                Ok(false)
            }
        }
    }

    /// Whether a buyer has had all the time at their bank that there is.
    pub(super) fn is_too_long_at_bank(&self, attempt: &Attempt) -> bool {
        mint::now_ms().saturating_sub(attempt.begun_at.as_millis()) >= self.bank_time_ms
    }

    /// Asks where a live attempt stands.
    async fn look(&self, open: &OpenAttempt, charge: &Charge) -> Result<Option<SeatCommand>, NoAnswer> {
        let (event, order, attempt) = (open.event, open.order, open.attempt.id);
        let (standing, reference) = self.provider.look(charge).await?;
        crash_point!("saga.after_look");
        let named = open.attempt.reference.is_empty() && !reference.is_empty();
        Ok(Some(match standing {
            Standing::Authorized { amount } | Standing::Captured { amount, .. } if confirms(&standing, open.total) => {
                SeatCommand::Confirm { event, order, attempt, authorized: amount, reference }
            }
            Standing::Authorized { amount } | Standing::Captured { amount, .. } => {
                tracing::error!(%event, %order, %attempt, amount, total = open.total, "the provider has another amount: cancelling");
                SeatCommand::Money(MoneyCommand::GiveUp { event, order, attempt })
            }
            Standing::Declined { .. } | Standing::Cancelled => SeatCommand::PayFail { event, order, attempt, code: decline_of(&standing) },
            Standing::RequiresAction { .. } if self.is_too_long_at_bank(&open.attempt) => {
                SeatCommand::Money(MoneyCommand::GiveUp { event, order, attempt })
            }
            Standing::RequiresAction { url } => {
                let action = Some(clip(&url, 2048));
                if !named && open.attempt.action.as_deref() == action.as_deref() {
                    return Ok(None);
                }
                SeatCommand::Money(MoneyCommand::Note { event, order, attempt, reference, action })
            }
            Standing::Processing if named => SeatCommand::Money(MoneyCommand::Note { event, order, attempt, reference, action: None }),
            Standing::Processing => return Ok(None),
        }))
    }
}

fn charge_of(open: &OpenAttempt) -> Charge {
    Charge {
        attempt: open.attempt.id,
        order: open.order.to_string(),
        event: Some(open.event),
        total: Money { amount: open.total, currency: open.currency },
        method: open.attempt.method.to_string(),
        reference: Some(open.attempt.reference.to_string()).filter(|reference| !reference.is_empty()),
    }
}

/// Whether exactly this much is reserved or taken, and nothing of it was given back.
pub(super) fn confirms(standing: &Standing, total: u64) -> bool {
    match standing {
        Standing::Authorized { amount } => *amount == total,
        Standing::Captured { amount, refunded } => *amount == total && *refunded == 0,
        _ => false,
    }
}

/// The code of a refusal.
pub(super) fn decline_of(standing: &Standing) -> String {
    match standing {
        Standing::Declined { code } => clip(code, CODE_BYTES_MAX),
        _ => "canceled".into(),
    }
}

/// The beginning of a text that fits.
pub fn clip(text: &str, bytes_max: usize) -> String {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
