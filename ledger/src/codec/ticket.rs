//! Encoding of what is done with tickets after their issue, of an event's door, and of why a scan is refused.

use super::common::states;
use super::wire::entry_terms;
use super::wire::ticket_answer::{self, Outcome};
use super::wire::ticket_command::{self as on_wire, Action};
use super::{CodecError, common, wire};
use crate::ids::{EventId, Request, TicketId, UserId};
use crate::tickets::{Claim, Direction, EntryTerms, Reentry, Scan, ScanReason, Scanned, TicketAction, TicketOffer, TicketOutcome};
use crate::time::{Millis, Timestamp};

states!(direction, read_direction, Direction: In, Out);
states!(
    scan_reason, read_scan_reason, ScanReason:
    BadCode, WrongEvent, UnknownTicket, Void, Transferred, OutsideDoors, AlreadyUsed, NoReentry, NotInside
);

pub(crate) fn command(request: Request, event: EventId, action: &TicketAction) -> wire::TicketCommand {
    let action = match action {
        TicketAction::Scan(scan) => Action::Scan(on_wire::Scan {
            gate: scan.gate.clone(),
            nonce: scan.nonce,
            direction: direction(scan.direction),
            ticket: scan.claim.map(|claim| common::id(claim.ticket.0)),
            epoch: scan.claim.map_or(0, |claim| claim.epoch),
            code_event: scan.claim.map(|claim| common::id(claim.event.0)),
            doors_open_us: scan.doors.0.0,
            doors_close_us: scan.doors.1.0,
            offline_at_us: scan.offline_at.map(|at| at.0),
        }),
        TicketAction::Offer { ticket, user, to } => {
            Action::Offer(on_wire::Offer { ticket: id(ticket.0), user: id(user.0), to: to.clone() })
        }
        TicketAction::Withdraw { ticket, user } => Action::Withdraw(on_wire::Withdraw { ticket: id(ticket.0), user: id(user.0) }),
        TicketAction::HandOver { ticket, user, to } => {
            Action::HandOver(on_wire::HandOver { ticket: id(ticket.0), user: id(user.0), to: id(to.0) })
        }
        TicketAction::Claim { ticket, user, email } => {
            Action::Claim(on_wire::Claim { ticket: id(ticket.0), user: id(user.0), email: email.clone() })
        }
    };
    wire::TicketCommand { request: Some(common::request(request)), event: id(event.0), action: Some(action) }
}

pub(crate) fn read_command(message: wire::TicketCommand) -> Result<(Request, EventId, TicketAction), CodecError> {
    let action = match message.action.ok_or_else(|| CodecError::unknown("an action on a ticket"))? {
        Action::Scan(scan) => TicketAction::Scan(Scan {
            gate: scan.gate,
            nonce: scan.nonce,
            direction: read_direction(scan.direction)?,
            claim: scan.ticket.map(|ticket| read_claim(scan.code_event, ticket, scan.epoch)).transpose()?,
            doors: (Timestamp(scan.doors_open_us), Timestamp(scan.doors_close_us)),
            offline_at: scan.offline_at_us.map(Timestamp),
        }),
        Action::Offer(offer) => TicketAction::Offer { ticket: ticket_id(offer.ticket)?, user: user_id(offer.user)?, to: offer.to },
        Action::Withdraw(message) => TicketAction::Withdraw { ticket: ticket_id(message.ticket)?, user: user_id(message.user)? },
        Action::HandOver(message) => {
            TicketAction::HandOver { ticket: ticket_id(message.ticket)?, user: user_id(message.user)?, to: user_id(message.to)? }
        }
        Action::Claim(claim) => TicketAction::Claim { ticket: ticket_id(claim.ticket)?, user: user_id(claim.user)?, email: claim.email },
    };
    Ok((common::read_request(message.request)?, EventId(common::read_id(message.event)?), action))
}

fn read_claim(event: Option<wire::Id>, ticket: wire::Id, epoch: u32) -> Result<Claim, CodecError> {
    Ok(Claim { event: EventId(common::read_id(event)?), ticket: ticket_id(Some(ticket))?, epoch })
}

pub(crate) fn answer(outcome: &TicketOutcome) -> wire::TicketAnswer {
    let outcome = match outcome {
        TicketOutcome::Scanned(scanned) => Outcome::Scanned(ticket_answer::Scanned {
            ticket: scanned.ticket.map(|ticket| common::id(ticket.0)),
            user: scanned.user.map(|user| common::id(user.0)),
            entries: scanned.entries,
            at_us: scanned.at.0,
            conflict: scanned.conflict.map(scan_reason),
        }),
        TicketOutcome::Moved { ticket, epoch, user, until } => Outcome::Moved(ticket_answer::Moved {
            ticket: id(ticket.0),
            epoch: *epoch,
            user: id(user.0),
            until_us: until.map(|until| until.0),
        }),
    };
    wire::TicketAnswer { outcome: Some(outcome) }
}

pub(crate) fn read_answer(message: wire::TicketAnswer) -> Result<TicketOutcome, CodecError> {
    Ok(match message.outcome.ok_or_else(|| CodecError::unknown("an outcome of an action on a ticket"))? {
        Outcome::Scanned(scanned) => TicketOutcome::Scanned(Scanned {
            ticket: scanned.ticket.map(|ticket| ticket_id(Some(ticket))).transpose()?,
            user: scanned.user.map(|user| user_id(Some(user))).transpose()?,
            entries: scanned.entries,
            at: Timestamp(scanned.at_us),
            conflict: scanned.conflict.map(read_scan_reason).transpose()?,
        }),
        Outcome::Moved(moved) => TicketOutcome::Moved {
            ticket: ticket_id(moved.ticket)?,
            epoch: moved.epoch,
            user: user_id(moved.user)?,
            until: moved.until_us.map(Timestamp),
        },
    })
}

/// The usual terms are written as nothing, as they were before there were others.
pub(crate) fn entry_terms(terms: EntryTerms) -> Option<wire::EntryTerms> {
    let reentry = match terms.reentry {
        Reentry::None => None,
        Reentry::OutThenIn => Some(entry_terms::Reentry::OutThenIn(wire::Empty {})),
        Reentry::Times(times) => Some(entry_terms::Reentry::Times(times)),
    };
    (terms != EntryTerms::default()).then(|| wire::EntryTerms {
        reentry,
        doors_before_ms: terms.doors_before.0,
        doors_after_ms: terms.doors_after.0,
        transfer: terms.transfer,
        transfer_until_us: terms.transfer_until.map(|at| at.0),
    })
}

pub(crate) fn read_entry_terms(terms: Option<wire::EntryTerms>) -> EntryTerms {
    let Some(terms) = terms else { return EntryTerms::default() };
    EntryTerms {
        reentry: match terms.reentry {
            None => Reentry::None,
            Some(entry_terms::Reentry::OutThenIn(_)) => Reentry::OutThenIn,
            Some(entry_terms::Reentry::Times(times)) => Reentry::Times(times),
        },
        doors_before: Millis(terms.doors_before_ms),
        doors_after: Millis(terms.doors_after_ms),
        transfer: terms.transfer,
        transfer_until: terms.transfer_until_us.map(Timestamp),
    }
}

pub(crate) fn offer(offer: &TicketOffer) -> wire::TicketOffer {
    wire::TicketOffer { to: offer.to.clone(), until_us: offer.until.0 }
}

pub(crate) fn read_offer(offer: wire::TicketOffer) -> TicketOffer {
    TicketOffer { to: offer.to, until: Timestamp(offer.until_us) }
}

pub(crate) fn id(value: u128) -> Option<wire::Id> {
    Some(common::id(value))
}

pub(crate) fn ticket_id(value: Option<wire::Id>) -> Result<TicketId, CodecError> {
    common::read_id(value).map(TicketId)
}

pub(crate) fn user_id(value: Option<wire::Id>) -> Result<UserId, CodecError> {
    common::read_id(value).map(UserId)
}
