//! Encoding of the commands about money, and of refunds and disputes in snapshots.

use alloc::vec::Vec;

use super::super::wire::by::Kind as ByKind;
use super::super::wire::money_command::{self as on_wire, Kind, OfAttempt, OfRefund};
use super::super::{CodecError, common, wire};
use crate::command::{Actor, MoneyCommand};
use crate::ids::{AttemptId, CartId, EventId, HoldId, OrderId, RefundId, TicketId, UserId};
use crate::orders::{Dispute, DisputeState, Refund};
use crate::outcome::RefundState;
use crate::time::Timestamp;

common::states!(refund_state, read_refund_state, RefundState: Requested, Done, Failed);
common::states!(dispute_state, read_dispute_state, DisputeState: Open, Won, Lost);

fn id(value: u128) -> Option<wire::Id> {
    Some(common::id(value))
}

fn of_attempt(event: EventId, order: OrderId, attempt: AttemptId) -> OfAttempt {
    OfAttempt { event: id(event.0), order: id(order.0), attempt: id(attempt.0) }
}

fn of_refund(event: EventId, order: OrderId, refund: RefundId) -> OfRefund {
    OfRefund { event: id(event.0), order: id(order.0), refund: id(refund.0) }
}

/// Writes a command.
pub(super) fn command(command: &MoneyCommand) -> wire::MoneyCommand {
    let kind = match command {
        MoneyCommand::Note { event, order, attempt, reference, action } => {
            let attempt = Some(of_attempt(*event, *order, *attempt));
            Kind::Note(on_wire::Note { attempt, reference: reference.clone(), action: action.clone() })
        }
        MoneyCommand::GiveUp { event, order, attempt } => Kind::GiveUp(of_attempt(*event, *order, *attempt)),
        MoneyCommand::Voided { event, order, attempt } => Kind::Voided(of_attempt(*event, *order, *attempt)),
        MoneyCommand::CaptureFailed { event, order, attempt, code } => {
            let attempt = Some(of_attempt(*event, *order, *attempt));
            Kind::CaptureFailed(on_wire::CaptureFailed { attempt, code: code.clone() })
        }
        MoneyCommand::Refund { request, event, order, refund, tickets, amount, actor, reason, block } => Kind::Refund(on_wire::Refund {
            request: Some(common::request(*request)),
            refund: Some(of_refund(*event, *order, *refund)),
            tickets: tickets.iter().map(|ticket| common::id(ticket.0)).collect(),
            amount: *amount,
            by: Some(by(*actor)),
            reason: reason.clone(),
            block: *block,
        }),
        MoneyCommand::RefundDone { event, order, refund } => Kind::RefundDone(of_refund(*event, *order, *refund)),
        MoneyCommand::RefundFailed { event, order, refund, code } => {
            let refund = Some(of_refund(*event, *order, *refund));
            Kind::RefundFailed(on_wire::RefundFailed { refund, code: code.clone() })
        }
        MoneyCommand::RefundNext { event, limit } => Kind::RefundNext(on_wire::RefundNext { event: id(event.0), limit: *limit }),
        MoneyCommand::Dispute { event, order, dispute, state, amount } => Kind::Dispute(on_wire::Dispute {
            event: id(event.0),
            order: id(order.0),
            dispute: dispute.clone(),
            state: dispute_state(*state),
            amount: *amount,
        }),
        MoneyCommand::Pin { request, event, hold, user, order, cart } => Kind::Pin(on_wire::Pin {
            request: Some(common::request(*request)),
            event: id(event.0),
            hold: id(hold.0),
            user: id(user.0),
            order: id(order.0),
            cart: id(cart.0),
        }),
        MoneyCommand::CartConfirm { event, order, cart, attempt, reference } => {
            let attempt = Some(of_attempt(*event, *order, *attempt));
            Kind::CartConfirm(on_wire::CartConfirm { attempt, cart: id(cart.0), reference: reference.clone() })
        }
        MoneyCommand::CartRelease { event, order, cart } => {
            Kind::CartRelease(on_wire::CartRelease { event: id(event.0), order: id(order.0), cart: id(cart.0) })
        }
    };
    wire::MoneyCommand { kind: Some(kind) }
}

/// Reads a command.
pub(super) fn read_command(message: wire::MoneyCommand) -> Result<MoneyCommand, CodecError> {
    Ok(match message.kind.ok_or_else(|| CodecError::broken("a command about money of no kind"))? {
        Kind::Note(message) => {
            let (event, order, attempt) = read_attempt(message.attempt)?;
            MoneyCommand::Note { event, order, attempt, reference: message.reference, action: message.action }
        }
        Kind::GiveUp(message) => {
            let (event, order, attempt) = read_attempt(Some(message))?;
            MoneyCommand::GiveUp { event, order, attempt }
        }
        Kind::Voided(message) => {
            let (event, order, attempt) = read_attempt(Some(message))?;
            MoneyCommand::Voided { event, order, attempt }
        }
        Kind::CaptureFailed(message) => {
            let (event, order, attempt) = read_attempt(message.attempt)?;
            MoneyCommand::CaptureFailed { event, order, attempt, code: message.code }
        }
        Kind::Refund(message) => read_refund_command(message)?,
        Kind::RefundDone(message) => {
            let (event, order, refund) = read_of_refund(Some(message))?;
            MoneyCommand::RefundDone { event, order, refund }
        }
        Kind::RefundFailed(message) => {
            let (event, order, refund) = read_of_refund(message.refund)?;
            MoneyCommand::RefundFailed { event, order, refund, code: message.code }
        }
        Kind::RefundNext(message) => MoneyCommand::RefundNext { event: read_event(message.event)?, limit: message.limit },
        Kind::Dispute(message) => MoneyCommand::Dispute {
            event: read_event(message.event)?,
            order: read_order(message.order)?,
            dispute: message.dispute,
            state: read_dispute_state(message.state)?,
            amount: message.amount,
        },
        Kind::Pin(message) => MoneyCommand::Pin {
            request: common::read_request(message.request)?,
            event: read_event(message.event)?,
            hold: HoldId(common::read_id(message.hold)?),
            user: UserId(common::read_id(message.user)?),
            order: read_order(message.order)?,
            cart: CartId(common::read_id(message.cart)?),
        },
        Kind::CartConfirm(message) => {
            let (event, order, attempt) = read_attempt(message.attempt)?;
            MoneyCommand::CartConfirm { event, order, cart: CartId(common::read_id(message.cart)?), attempt, reference: message.reference }
        }
        Kind::CartRelease(message) => MoneyCommand::CartRelease {
            event: read_event(message.event)?,
            order: read_order(message.order)?,
            cart: CartId(common::read_id(message.cart)?),
        },
    })
}

fn read_refund_command(message: on_wire::Refund) -> Result<MoneyCommand, CodecError> {
    let (event, order, refund) = read_of_refund(message.refund)?;
    Ok(MoneyCommand::Refund {
        request: common::read_request(message.request)?,
        event,
        order,
        refund,
        tickets: message.tickets.into_iter().map(|ticket| common::read_id(Some(ticket)).map(TicketId)).collect::<Result<_, _>>()?,
        amount: message.amount,
        actor: read_by(message.by)?,
        reason: message.reason,
        block: message.block,
    })
}

fn read_event(value: Option<wire::Id>) -> Result<EventId, CodecError> {
    common::read_id(value).map(EventId)
}

fn read_order(value: Option<wire::Id>) -> Result<OrderId, CodecError> {
    common::read_id(value).map(OrderId)
}

fn read_attempt(message: Option<OfAttempt>) -> Result<(EventId, OrderId, AttemptId), CodecError> {
    let message = message.ok_or_else(|| CodecError::broken("the attempt is missing"))?;
    Ok((read_event(message.event)?, read_order(message.order)?, AttemptId(common::read_id(message.attempt)?)))
}

fn read_of_refund(message: Option<OfRefund>) -> Result<(EventId, OrderId, RefundId), CodecError> {
    let message = message.ok_or_else(|| CodecError::broken("the refund is missing"))?;
    Ok((read_event(message.event)?, read_order(message.order)?, RefundId(common::read_id(message.refund)?)))
}

fn by(actor: Actor) -> wire::By {
    let kind = match actor {
        Actor::User(user) => Some(ByKind::User(common::id(user.0))),
        Actor::Staff(user) => Some(ByKind::Staff(common::id(user.0))),
        Actor::System => None,
    };
    wire::By { kind }
}

fn read_by(by: Option<wire::By>) -> Result<Actor, CodecError> {
    let by = by.ok_or_else(|| CodecError::broken("who asked is missing"))?;
    Ok(match by.kind {
        Some(ByKind::User(user)) => Actor::User(UserId(common::read_id(Some(user))?)),
        Some(ByKind::Staff(user)) => Actor::Staff(UserId(common::read_id(Some(user))?)),
        None => Actor::System,
    })
}

/// Writes a refund of a snapshot.
pub(crate) fn refund(refund: &Refund) -> wire::RefundRecord {
    wire::RefundRecord {
        id: id(refund.id.0),
        amount: refund.amount,
        tickets: refund.tickets.iter().map(|&ordinal| ordinal.into()).collect(),
        reason: (*refund.reason).into(),
        state: refund_state(refund.state),
        requested_at_us: refund.requested_at.0,
        by: Some(by(refund.by)),
        code: (*refund.code).into(),
    }
}

/// Reads a refund of a snapshot.
pub(crate) fn read_refund(message: wire::RefundRecord) -> Result<Refund, CodecError> {
    Ok(Refund {
        id: RefundId(common::read_id(message.id)?),
        amount: message.amount,
        tickets: message.tickets.into_iter().map(common::read_u16).collect::<Result<Vec<_>, _>>()?,
        reason: message.reason.into(),
        state: read_refund_state(message.state)?,
        requested_at: Timestamp(message.requested_at_us),
        by: read_by(message.by)?,
        code: message.code.into(),
    })
}

/// Writes a dispute of a snapshot.
pub(crate) fn dispute(dispute: &Dispute) -> wire::DisputeRecord {
    wire::DisputeRecord {
        id: (*dispute.id).into(),
        state: dispute_state(dispute.state),
        amount: dispute.amount,
        opened_at_us: dispute.opened_at.0,
    }
}

/// Reads a dispute of a snapshot.
pub(crate) fn read_dispute(message: wire::DisputeRecord) -> Result<Dispute, CodecError> {
    let state = read_dispute_state(message.state)?;
    Ok(Dispute { id: message.id.into(), state, amount: message.amount, opened_at: Timestamp(message.opened_at_us) })
}
