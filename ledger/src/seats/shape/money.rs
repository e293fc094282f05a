//! Whether a command about money is well formed.

use alloc::format;

use super::{
    CODE_BYTES_MAX, METHOD_BYTES_MAX, REASON_BYTES_MAX, at_most, check_tickets, malformed, new_order, same_slot_hold, same_slot_order,
};
use crate::command::MoneyCommand;
use crate::ids::{OrderId, TicketId};
use crate::orders::order_of;
use crate::outcome::Rejection;

const URL_BYTES_MAX: usize = 2048;

/// Most orders that one entry refunds.
const REFUND_NEXT_MAX: u32 = 200;

/// As `check` of the module above.
pub(super) fn check(command: &MoneyCommand) -> Result<(), Rejection> {
    match command {
        MoneyCommand::Note { event, order, reference, action, .. } => {
            same_slot_order(*event, *order)?;
            at_most("/reference", reference, METHOD_BYTES_MAX)?;
            action.as_deref().map_or(Ok(()), |url| at_most("/action", url, URL_BYTES_MAX))
        }
        MoneyCommand::GiveUp { event, order, .. }
        | MoneyCommand::Voided { event, order, .. }
        | MoneyCommand::RefundDone { event, order, .. }
        | MoneyCommand::CartRelease { event, order, .. } => same_slot_order(*event, *order),
        MoneyCommand::CaptureFailed { event, order, code, .. } | MoneyCommand::RefundFailed { event, order, code, .. } => {
            same_slot_order(*event, *order)?;
            at_most("/code", code, CODE_BYTES_MAX)
        }
        MoneyCommand::Refund { event, order, tickets, amount, reason, .. } => {
            same_slot_order(*event, *order)?;
            at_most("/reason", reason, REASON_BYTES_MAX)?;
            check_refund(*order, tickets, *amount)
        }
        MoneyCommand::RefundNext { limit, .. } => match limit {
            1..=REFUND_NEXT_MAX => Ok(()),
            _ => Err(malformed("/limit", format!("{limit}: 1 to {REFUND_NEXT_MAX} are possible"))),
        },
        MoneyCommand::Dispute { event, order, dispute, .. } => {
            same_slot_order(*event, *order)?;
            at_most("/dispute", dispute, METHOD_BYTES_MAX)
        }
        MoneyCommand::Pin { event, hold, order, .. } => {
            same_slot_hold(*event, *hold)?;
            new_order(*event, *order)
        }
        MoneyCommand::CartConfirm { event, order, reference, .. } => {
            same_slot_order(*event, *order)?;
            at_most("/reference", reference, METHOD_BYTES_MAX)
        }
    }
}

fn check_refund(order: OrderId, tickets: &[TicketId], amount: Option<u64>) -> Result<(), Rejection> {
    if amount == Some(0) {
        return Err(malformed("/amount", "at least 1 minor unit"));
    }
    if tickets.is_empty() {
        return Ok(());
    }
    if let Some(place) = tickets.iter().position(|&ticket| order_of(ticket).0 != order) {
        return Err(malformed(format!("/tickets/{place}"), "the ticket is of another order"));
    }
    check_tickets(tickets)
}
