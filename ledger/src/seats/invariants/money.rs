//! 13, 14, 17, 18: an order's money, attempts, refunds and tickets fit its state, and no money is lost or made.

use alloc::collections::BTreeSet;
use alloc::format;

use super::Check;
use crate::orders::{ATTEMPTS_MAX, DISPUTES_MAX, Order, Refund};
use crate::outcome::{AttemptState, OrderState, RefundState};
use crate::seats::event::EventSale;
use crate::seats::records::Hold;

pub(super) fn check(sale: &EventSale, order: &Order) -> Check {
    check_attempts(order)?;
    must!(order.disputes.len() <= DISPUTES_MAX, "{} disputes", order.disputes.len());
    match order.state {
        OrderState::AwaitingPayment | OrderState::Failed => check_unpaid(sale, order),
        OrderState::Cancelled => check_cancelled(order),
        OrderState::Confirmed | OrderState::PartRefunded | OrderState::Refunded => check_confirmed(sale, order),
    }
}

fn last(order: &Order) -> Option<AttemptState> {
    order.attempts.last().map(|last| last.state)
}

/// One live attempt at most, and the earlier ones failed.
fn check_attempts(order: &Order) -> Check {
    must!(order.attempts.len() <= ATTEMPTS_MAX, "{} attempts", order.attempts.len());
    let mut earlier = order.attempts.iter().rev().skip(1);
    must!(earlier.all(|attempt| attempt.state == AttemptState::Failed), "two attempts are live");
    let ids: BTreeSet<_> = order.attempts.iter().map(|attempt| attempt.id).collect();
    must!(ids.len() == order.attempts.len(), "an attempt twice");
    let waits = |state| state == AttemptState::RequiresAction;
    must!(order.attempts.iter().all(|attempt| waits(attempt.state) == attempt.action.is_some()), "an action without its state");
    Ok(())
}

/// 17, 18: before its confirmation an order has no tickets and has taken no money.
fn check_unpaid(sale: &EventSale, order: &Order) -> Check {
    let live = order.attempts.last().is_some_and(|last| last.is_live());
    let none = order.tickets.is_empty() && order.receipt == 0 && order.refunded == 0 && order.refunds.is_empty();
    must!(none, "tickets or refunds before its confirmation");
    must!(live || matches!(last(order), None | Some(AttemptState::Failed)), "money before its confirmation");
    must!(order.state != OrderState::Failed || (!live && order.cart.is_none()), "an attempt or a cart outlives it");
    let held = sale.hold_of(order).is_some_and(Hold::is_live);
    must!(held == (order.state == OrderState::AwaitingPayment), "{:?}, but its hold is not", order.state);
    Ok(())
}

/// The reserved money could not be taken: nothing is left of the order.
fn check_cancelled(order: &Order) -> Check {
    must!(last(order) == Some(AttemptState::CaptureFailed), "cancelled although its money was not refused");
    must!(!order.admits() && order.receipt > 0 && order.refunded == 0, "a cancelled order has tickets or money");
    must!(order.refunds.iter().all(|refund| refund.state != RefundState::Requested), "a cancelled order has a refund under way");
    Ok(())
}

/// 13, 14: what was paid is the value of tickets that admit, what was given back, and what was kept.
fn check_confirmed(sale: &EventSale, order: &Order) -> Check {
    let paid = matches!(last(order), Some(AttemptState::Authorized | AttemptState::Captured | AttemptState::Voided));
    must!(if order.total == 0 { !paid } else { paid }, "tickets without payment");
    must!(order.receipt > 0 && !order.tickets.is_empty(), "confirmed without receipt or tickets");
    let value = |void: bool| order.tickets.iter().filter(|ticket| ticket.void == void).map(|ticket| i128::from(ticket.price)).sum::<i128>();
    must!(value(true) + value(false) == i128::from(order.total), "its tickets do not add up to its total");
    must!(order.refunded <= order.total, "{} of {} refunded", order.refunded, order.total);
    let mut voided = BTreeSet::new();
    let (mut given, mut kept) = (0, 0);
    for refund in &order.refunds {
        let cost = check_refund(order, refund, &mut voided).map_err(|what| format!("refund {}: {what}", refund.id))?;
        let moved = if refund.state == RefundState::Failed { 0 } else { i128::from(refund.amount) };
        given += moved;
        kept += cost - moved;
    }
    // Builds that kept no records of refunds gave back the whole price of what they made void.
    let older = order.tickets.iter().zip(0_u16..).filter(|(ticket, ordinal)| ticket.void && !voided.contains(ordinal));
    given += older.map(|(ticket, _)| i128::from(ticket.price)).sum::<i128>();
    must!(given == i128::from(order.refunded), "{} refunded, its refunds say {given}", order.refunded);
    must!(i128::from(order.total) - given == value(false) + kept, "{kept} kept does not add up");
    must!(order.state == order.state_by_refunds(), "{:?} does not fit its refunds", order.state);
    for (id, ticket) in order.tickets() {
        let moves = sale.book.holders.get(&id).map_or(0, |holder| holder.moves);
        must!(ticket.epoch == 1 + u32::from(ticket.void) + moves, "epoch {} of {id} does not fit {moves} moves", ticket.epoch);
    }
    let open = order.refunds.iter().any(|refund| refund.state == RefundState::Requested);
    must!(last(order) != Some(AttemptState::Voided) || (order.is_undone() && !open), "voided although it stands");
    Ok(())
}

/// A refund made its tickets void, alone; answers what they cost.
fn check_refund(order: &Order, refund: &Refund, voided: &mut BTreeSet<u16>) -> Result<i128, alloc::string::String> {
    must!(refund.tickets.is_sorted_by(|left, right| left < right), "its tickets are out of order");
    let mut cost = 0;
    for &ordinal in &refund.tickets {
        let ticket = order.tickets.get(usize::from(ordinal)).filter(|ticket| ticket.void);
        let Some(ticket) = ticket else { return Err(format!("ticket {ordinal} is not void")) };
        must!(voided.insert(ordinal), "ticket {ordinal} was refunded twice");
        cost += i128::from(ticket.price);
    }
    must!(refund.tickets.is_empty() || i128::from(refund.amount) <= cost, "more than its tickets cost");
    must!(refund.state == RefundState::Done || refund.amount > 0, "nothing is {:?}", refund.state);
    Ok(cost)
}
