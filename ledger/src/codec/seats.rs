//! Encoding of the commands of an event group; its answers are in `answers`.

mod answers;
mod money;

pub(crate) use answers::{decode_answer, encode_answer, write_answer};
pub(crate) use money::{dispute, read_dispute, read_refund, read_refund_state, refund, refund_state};

use alloc::vec::Vec;

use super::wire::seat_command::{self as on_wire, Kind};
use super::{CodecError, audit, common, envelope, price, promo, ticket, wire};
use crate::command::{Actor, BlobChunk, BlockAction, Choice, SaleAction, SeatCommand};
use crate::ids::{AttemptId, EventId, HoldId, OrderId, PlanHash, Request, TicketId, UserId};
use crate::plan::SectionIndex;

/// Encodes a command.
pub(crate) fn encode_command(command: &SeatCommand) -> Vec<u8> {
    envelope::encode(&wire::SeatCommand { version: envelope::VERSION, kind: Some(kind(command)) })
}

/// Decodes a command.
pub(crate) fn decode_command(bytes: &[u8]) -> Result<SeatCommand, CodecError> {
    let message: wire::SeatCommand = envelope::decode(bytes)?;
    match message.kind {
        Some(Kind::Audited(asked)) => audit::read_audited(asked, decode_plain).map(SeatCommand::Audited),
        Some(kind) => read_kind(kind),
        None => Err(CodecError::broken("a command of no kind")),
    }
}

/// A command that is not an audited one.
fn decode_plain(bytes: &[u8]) -> Result<SeatCommand, CodecError> {
    let message: wire::SeatCommand = envelope::decode(bytes)?;
    message.kind.ok_or_else(|| CodecError::broken("a command of no kind")).and_then(read_kind)
}

fn kind(command: &SeatCommand) -> Kind {
    match command {
        SeatCommand::PlanChunk(chunk) => Kind::PlanChunk(common::chunk(chunk)),
        SeatCommand::CreateEvent { event, plan, terms } => {
            let terms = Some(common::terms(terms));
            Kind::CreateEvent(on_wire::CreateEvent { event: id(event.0), plan: plan.0.to_vec(), terms })
        }
        SeatCommand::SetSale { request, event, action } => {
            Kind::SetSale(on_wire::SetSale { request: Some(common::request(*request)), event: id(event.0), action: sale_action(*action) })
        }
        SeatCommand::Hold { .. }
        | SeatCommand::PayBegin { .. }
        | SeatCommand::Void { .. }
        | SeatCommand::Block { .. }
        | SeatCommand::SetPolicy { .. } => large_kind(command),
        SeatCommand::Extend { request, event, hold, actor } => Kind::Extend(hold_move(*request, *event, *hold, *actor)),
        SeatCommand::Release { request, event, hold, actor } => Kind::Release(hold_move(*request, *event, *hold, *actor)),
        SeatCommand::Confirm { event, order, attempt, authorized, reference } => {
            let attempt = Some(write_attempt(*event, *order, *attempt));
            Kind::Confirm(on_wire::Confirm { attempt, authorized: *authorized, reference: reference.clone() })
        }
        SeatCommand::Money(command) => Kind::Money(money::command(command)),
        SeatCommand::PayFail { event, order, attempt, code } => {
            let attempt = Some(write_attempt(*event, *order, *attempt));
            Kind::PayFail(on_wire::PayFail { attempt, code: code.clone() })
        }
        SeatCommand::PayUnknown { event, order, attempt } => Kind::PayUnknown(write_attempt(*event, *order, *attempt)),
        SeatCommand::Captured { event, order, attempt } => Kind::Captured(write_attempt(*event, *order, *attempt)),
        SeatCommand::OutboxAck { acks } => {
            let acks = acks.iter().map(|&(target, sequence)| on_wire::Ack { target, sequence }).collect();
            Kind::OutboxAck(on_wire::OutboxAck { acks })
        }
        SeatCommand::Ticket { request, event, action } => Kind::Ticket(ticket::command(*request, *event, action)),
        SeatCommand::Promo { request, event, action } => Kind::Promo(promo::command(*request, *event, action)),
        SeatCommand::Reprice { event, level, version, from } => Kind::Reprice(price::reprice(*event, *level, *version, *from)),
        SeatCommand::Pulse => Kind::Pulse(wire::Empty {}),
        SeatCommand::Audited(asked) => Kind::Audited(audit::audited(asked, encode_command(&asked.command))),
    }
}

/// The kinds with many fields.
fn large_kind(command: &SeatCommand) -> Kind {
    match command {
        SeatCommand::Hold { request, event, hold, user, choice, expect_total, promo } => Kind::Hold(on_wire::Hold {
            request: Some(common::request(*request)),
            event: id(event.0),
            hold: id(hold.0),
            user: id(user.0),
            expect_total: *expect_total,
            choice: Some(write_choice(choice)),
            promo: promo.clone(),
        }),
        SeatCommand::PayBegin { request, event, hold, user, order, attempt, method } => Kind::PayBegin(on_wire::PayBegin {
            request: Some(common::request(*request)),
            event: id(event.0),
            hold: id(hold.0),
            user: id(user.0),
            order: id(order.0),
            attempt: id(attempt.0),
            method: method.clone(),
        }),
        SeatCommand::Void { request, event, tickets, actor, reason, block } => Kind::Void(on_wire::Void {
            request: Some(common::request(*request)),
            event: id(event.0),
            tickets: tickets.iter().map(|ticket| common::id(ticket.0)).collect(),
            actor: Some(write_actor(*actor)),
            reason: reason.clone(),
            block: *block,
        }),
        SeatCommand::Block { request, event, seats, action, reason } => Kind::Block(on_wire::Block {
            request: Some(common::request(*request)),
            event: id(event.0),
            seats: common::seats(seats),
            action: block_action(*action),
            reason: reason.clone(),
        }),
        SeatCommand::SetPolicy { request, event, level, policy, reason } => Kind::SetPolicy(on_wire::SetPolicy {
            request: Some(common::request(*request)),
            event: id(event.0),
            level: level.0.into(),
            policy: Some(price::policy(policy)),
            reason: reason.clone(),
        }),
        _ => kind(command),
    }
}

fn read_kind(kind: Kind) -> Result<SeatCommand, CodecError> {
    Ok(match kind {
        Kind::PlanChunk(chunk) => SeatCommand::PlanChunk(read_blob(chunk)?),
        Kind::CreateEvent(command) => SeatCommand::CreateEvent {
            event: read_event(command.event)?,
            plan: read_plan(&command.plan)?,
            terms: common::read_terms(command.terms)?,
        },
        Kind::SetSale(command) => SeatCommand::SetSale {
            request: common::read_request(command.request)?,
            event: read_event(command.event)?,
            action: read_sale_action(command.action)?,
        },
        Kind::Hold(command) => read_hold_command(command)?,
        Kind::Extend(command) => {
            let (request, event, hold, actor) = read_hold_move(command)?;
            SeatCommand::Extend { request, event, hold, actor }
        }
        Kind::Release(command) => {
            let (request, event, hold, actor) = read_hold_move(command)?;
            SeatCommand::Release { request, event, hold, actor }
        }
        Kind::PayBegin(command) => read_pay_begin(command)?,
        Kind::Confirm(command) => {
            let (event, order, attempt) = read_attempt(command.attempt)?;
            SeatCommand::Confirm { event, order, attempt, authorized: command.authorized, reference: command.reference }
        }
        Kind::PayFail(command) => {
            let (event, order, attempt) = read_attempt(command.attempt)?;
            SeatCommand::PayFail { event, order, attempt, code: command.code }
        }
        Kind::PayUnknown(command) => {
            let (event, order, attempt) = read_attempt(Some(command))?;
            SeatCommand::PayUnknown { event, order, attempt }
        }
        Kind::Captured(command) => {
            let (event, order, attempt) = read_attempt(Some(command))?;
            SeatCommand::Captured { event, order, attempt }
        }
        Kind::Void(command) => read_void(command)?,
        Kind::Block(command) => read_block(command)?,
        Kind::OutboxAck(command) => {
            SeatCommand::OutboxAck { acks: command.acks.into_iter().map(|ack| (ack.target, ack.sequence)).collect() }
        }
        Kind::Money(command) => SeatCommand::Money(money::read_command(command)?),
        Kind::Ticket(command) => {
            let (request, event, action) = ticket::read_command(command)?;
            SeatCommand::Ticket { request, event, action }
        }
        Kind::Promo(command) => {
            let (request, event, action) = promo::read_command(command)?;
            SeatCommand::Promo { request, event, action }
        }
        Kind::Reprice(command) => price::read_reprice(command)?,
        Kind::SetPolicy(command) => price::read_set_policy(command)?,
        Kind::Pulse(_) => SeatCommand::Pulse,
        Kind::Audited(_) => return Err(audit::nested()),
    })
}

fn read_hold_command(command: on_wire::Hold) -> Result<SeatCommand, CodecError> {
    Ok(SeatCommand::Hold {
        request: common::read_request(command.request)?,
        event: read_event(command.event)?,
        hold: read_hold(command.hold)?,
        user: UserId(common::read_id(command.user)?),
        choice: read_choice(command.choice)?,
        expect_total: command.expect_total,
        promo: command.promo,
    })
}

fn read_pay_begin(command: on_wire::PayBegin) -> Result<SeatCommand, CodecError> {
    Ok(SeatCommand::PayBegin {
        request: common::read_request(command.request)?,
        event: read_event(command.event)?,
        hold: read_hold(command.hold)?,
        user: UserId(common::read_id(command.user)?),
        order: OrderId(common::read_id(command.order)?),
        attempt: AttemptId(common::read_id(command.attempt)?),
        method: command.method,
    })
}

fn read_void(command: on_wire::Void) -> Result<SeatCommand, CodecError> {
    Ok(SeatCommand::Void {
        request: common::read_request(command.request)?,
        event: read_event(command.event)?,
        tickets: command.tickets.into_iter().map(|ticket| common::read_id(Some(ticket)).map(TicketId)).collect::<Result<_, _>>()?,
        actor: read_actor(command.actor)?,
        reason: command.reason,
        block: command.block,
    })
}

fn read_block(command: on_wire::Block) -> Result<SeatCommand, CodecError> {
    Ok(SeatCommand::Block {
        request: common::read_request(command.request)?,
        event: read_event(command.event)?,
        seats: common::read_seats(command.seats),
        action: read_block_action(command.action)?,
        reason: command.reason,
    })
}

fn id(value: u128) -> Option<wire::Id> {
    Some(common::id(value))
}

fn read_event(value: Option<wire::Id>) -> Result<EventId, CodecError> {
    common::read_id(value).map(EventId)
}

fn read_hold(value: Option<wire::Id>) -> Result<HoldId, CodecError> {
    common::read_id(value).map(HoldId)
}

fn read_plan(bytes: &[u8]) -> Result<PlanHash, CodecError> {
    common::read_hash(bytes)
}

fn read_blob(chunk: wire::BlobChunk) -> Result<BlobChunk, CodecError> {
    common::read_chunk(chunk)
}

fn write_choice(choice: &Choice) -> on_wire::hold::Choice {
    match choice {
        Choice::Chosen { seats, areas } => {
            on_wire::hold::Choice::Chosen(on_wire::Chosen { seats: common::seats(seats), areas: common::areas(areas) })
        }
        Choice::Best { quantity, section, max_price, split, accessible } => on_wire::hold::Choice::Best(on_wire::Best {
            quantity: *quantity,
            section: section.map(|section| section.0.into()),
            max_price: *max_price,
            split: *split,
            accessible: *accessible,
        }),
    }
}

fn read_choice(choice: Option<on_wire::hold::Choice>) -> Result<Choice, CodecError> {
    match choice {
        Some(on_wire::hold::Choice::Chosen(chosen)) => {
            Ok(Choice::Chosen { seats: common::read_seats(chosen.seats), areas: common::read_areas(&chosen.areas)? })
        }
        Some(on_wire::hold::Choice::Best(best)) => Ok(Choice::Best {
            quantity: best.quantity,
            section: best.section.map(common::read_u16).transpose()?.map(SectionIndex),
            max_price: best.max_price,
            split: best.split,
            accessible: best.accessible,
        }),
        None => Err(CodecError::broken("a hold without a choice")),
    }
}

fn write_actor(actor: Actor) -> on_wire::Actor {
    let kind = match actor {
        Actor::User(user) => Some(on_wire::actor::Kind::User(common::id(user.0))),
        Actor::Staff(user) => Some(on_wire::actor::Kind::Staff(common::id(user.0))),
        Actor::System => None,
    };
    on_wire::Actor { kind }
}

fn read_actor(actor: Option<on_wire::Actor>) -> Result<Actor, CodecError> {
    let actor = actor.ok_or_else(|| CodecError::broken("the actor is missing"))?;
    Ok(match actor.kind {
        Some(on_wire::actor::Kind::User(user)) => Actor::User(UserId(common::read_id(Some(user))?)),
        Some(on_wire::actor::Kind::Staff(user)) => Actor::Staff(UserId(common::read_id(Some(user))?)),
        None => Actor::System,
    })
}

fn hold_move(request: Request, event: EventId, hold: HoldId, actor: Actor) -> on_wire::HoldMove {
    on_wire::HoldMove { request: Some(common::request(request)), event: id(event.0), hold: id(hold.0), actor: Some(write_actor(actor)) }
}

fn read_hold_move(message: on_wire::HoldMove) -> Result<(Request, EventId, HoldId, Actor), CodecError> {
    Ok((common::read_request(message.request)?, read_event(message.event)?, read_hold(message.hold)?, read_actor(message.actor)?))
}

fn write_attempt(event: EventId, order: OrderId, attempt: AttemptId) -> on_wire::Attempt {
    on_wire::Attempt { event: id(event.0), order: id(order.0), attempt: id(attempt.0) }
}

fn read_attempt(message: Option<on_wire::Attempt>) -> Result<(EventId, OrderId, AttemptId), CodecError> {
    let message = message.ok_or_else(|| CodecError::broken("the attempt is missing"))?;
    Ok((read_event(message.event)?, OrderId(common::read_id(message.order)?), AttemptId(common::read_id(message.attempt)?)))
}

fn sale_action(action: SaleAction) -> i32 {
    let action = match action {
        SaleAction::Open => on_wire::SaleAction::Open,
        SaleAction::Pause => on_wire::SaleAction::Pause,
        SaleAction::Resume => on_wire::SaleAction::Resume,
        SaleAction::Close => on_wire::SaleAction::Close,
        SaleAction::Cancel => on_wire::SaleAction::Cancel,
    };
    action as i32
}

fn read_sale_action(action: i32) -> Result<SaleAction, CodecError> {
    match on_wire::SaleAction::try_from(action) {
        Ok(on_wire::SaleAction::Open) => Ok(SaleAction::Open),
        Ok(on_wire::SaleAction::Pause) => Ok(SaleAction::Pause),
        Ok(on_wire::SaleAction::Resume) => Ok(SaleAction::Resume),
        Ok(on_wire::SaleAction::Close) => Ok(SaleAction::Close),
        Ok(on_wire::SaleAction::Cancel) => Ok(SaleAction::Cancel),
        Err(_) => Err(CodecError::unknown("a move of a sale")),
    }
}

fn block_action(action: BlockAction) -> i32 {
    let action = match action {
        BlockAction::Block => on_wire::BlockAction::Block,
        BlockAction::Unblock => on_wire::BlockAction::Unblock,
        BlockAction::Kill => on_wire::BlockAction::Kill,
    };
    action as i32
}

fn read_block_action(action: i32) -> Result<BlockAction, CodecError> {
    match on_wire::BlockAction::try_from(action) {
        Ok(on_wire::BlockAction::Block) => Ok(BlockAction::Block),
        Ok(on_wire::BlockAction::Unblock) => Ok(BlockAction::Unblock),
        Ok(on_wire::BlockAction::Kill) => Ok(BlockAction::Kill),
        Err(_) => Err(CodecError::unknown("a way to block seats")),
    }
}
