//! Commands that staff asked for: done as any other, and noted in the group's audit trail if they changed something.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::SeatLedger;
use crate::audit::{Audit, AuditAction};
use crate::change::Change;
use crate::command::{Audited, BlockAction, MoneyCommand, SaleAction, SeatCommand};
use crate::ids::text;
use crate::orders::order_of;
use crate::outcome::{Answer, SeatOutcome};
use crate::promos::PromoAction;

impl SeatLedger {
    /// Who did what in this group.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Does what was asked for, and notes it.
    pub(super) fn answer_audited(&mut self, asked: &Audited<SeatCommand>, changes: &mut Vec<Change>) -> Answer<SeatOutcome> {
        let answer = self.answer(&asked.command, changes);
        if !answer.replayed && !matches!(answer.outcome, SeatOutcome::Rejected(_)) {
            let (action, object, detail) = deed(&asked.command, &answer.outcome);
            if let Some(action) = action {
                self.audit.push(self.at, Some(asked.actor), action, &object, &detail, &asked.address);
            }
        }
        answer
    }
}

/// What a command did, to what, and more for people; no action for what is not staff's to do.
fn deed(command: &SeatCommand, outcome: &SeatOutcome) -> (Option<AuditAction>, String, String) {
    match command {
        SeatCommand::SetSale { event, action, .. } => {
            let word = match action {
                SaleAction::Open => "open",
                SaleAction::Pause => "pause",
                SaleAction::Resume => "resume",
                SaleAction::Close => "close",
                SaleAction::Cancel => "cancel",
            };
            (Some(AuditAction::SaleMoved), text(*event), word.into())
        }
        SeatCommand::Block { event, seats, action, reason, .. } => {
            let word = match action {
                BlockAction::Block => "block",
                BlockAction::Unblock => "unblock",
                BlockAction::Kill => "kill",
            };
            (Some(AuditAction::SeatsBlocked), text(*event), format!("{word} {} seats: {reason}", seats.len()))
        }
        SeatCommand::Void { tickets, reason, .. } => {
            let order = tickets.first().map(|&ticket| text(order_of(ticket).0)).unwrap_or_default();
            (Some(AuditAction::OrderRefunded), order, refunded(outcome, tickets.len(), reason))
        }
        SeatCommand::Money(MoneyCommand::Refund { order, tickets, reason, .. }) => {
            (Some(AuditAction::OrderRefunded), text(*order), refunded(outcome, tickets.len(), reason))
        }
        SeatCommand::Promo { event, action, .. } => allocated(action).map_or_else(
            || (Some(AuditAction::PromoChanged), text(*event), promo(action)),
            |detail| (Some(AuditAction::SeatsAllocated), text(*event), detail),
        ),
        SeatCommand::SetPolicy { event, level, policy, reason, .. } => {
            (Some(AuditAction::PricePolicyChanged), text(*event), format!("level {}: {}: {reason}", level.0, policy.name()))
        }
        _ => (None, String::new(), String::new()),
    }
}

/// Which seats were set aside or put back.
fn allocated(action: &PromoAction) -> Option<String> {
    let PromoAction::Allocate { name, put_back, seats, areas } = action else { return None };
    let count = areas.iter().fold(seats.len() as u64, |sum, &(_, count)| sum.saturating_add(count.into()));
    Some(format!("{name}: {} {count} seats and places", if *put_back { "put back" } else { "set aside" }))
}

/// What became of a code. Whoever may read the trail may read codes.
fn promo(action: &PromoAction) -> String {
    match action {
        PromoAction::Create { code, .. } => format!("{code}: made"),
        PromoAction::Switch { code, active } => format!("{code}: switched {}", if *active { "on" } else { "off" }),
        PromoAction::Allocate { .. } => String::new(),
    }
}

/// How much was given back, of how many tickets, and why. Amounts are in minor units.
fn refunded(outcome: &SeatOutcome, tickets: usize, reason: &str) -> String {
    let what = if tickets == 0 { String::from("the order") } else { format!("{tickets} tickets") };
    match outcome {
        SeatOutcome::Voided { refund, currency, .. } => format!("{refund} {} for {what}: {reason}", currency.code()),
        _ => format!("{what}: {reason}"),
    }
}
