//! Snapshot records of what became of an event's tickets: gates, holders, scans, conflicts.

use alloc::sync::Arc;

use super::super::tickets::{Conflict, Entry, Gate, Holder, TicketBook};
use crate::codec::frame::FrameWriter;
use crate::codec::ticket::{self, id, ticket_id, user_id};
use crate::codec::{CodecError, common, envelope, wire};
use crate::time::Timestamp;

/// The first kind of these records.
pub(super) const GATES: u8 = 40;
const HOLDERS: u8 = 41;
const ENTRIES: u8 = 42;
/// The last kind of these records.
pub(super) const CONFLICTS: u8 = 43;

pub(super) fn write(book: &TicketBook, writer: &mut FrameWriter<'_>) {
    for gate in &book.gates {
        let name = (*gate.name).into();
        writer.record(GATES, &wire::GateRecord { name, ins: gate.ins, outs: gate.outs, refused: gate.refused });
    }
    for (ticket, holder) in book.holders.sorted() {
        let offer = holder.offer.as_deref().map(ticket::offer);
        writer.record(HOLDERS, &wire::TicketHolder { ticket: id(ticket.0), user: id(holder.user.0), moves: holder.moves, offer });
    }
    for (ticket, entry) in book.entries.sorted() {
        let record = wire::TicketEntry {
            ticket: id(ticket.0),
            inside: entry.inside,
            entries: entry.entries,
            at_us: entry.at.0,
            gate: entry.gate.into(),
            nonce: entry.nonce,
        };
        writer.record(ENTRIES, &record);
    }
    for (_, conflict) in book.conflicts.sorted() {
        let record = wire::ScanConflict {
            ticket: conflict.ticket.map(|ticket| common::id(ticket.0)),
            epoch: conflict.epoch,
            direction: ticket::direction(conflict.direction),
            reason: ticket::scan_reason(conflict.reason),
            gate: conflict.gate.into(),
            at_us: conflict.at.0,
            recorded_at_us: conflict.recorded_at.0,
        };
        writer.record(CONFLICTS, &record);
    }
}

pub(super) fn read(book: &mut TicketBook, kind: u8, bytes: &[u8]) -> Result<(), CodecError> {
    let twice = match kind {
        GATES => {
            let gate: wire::GateRecord = envelope::exact(bytes)?;
            let twice = book.gate(&gate.name).is_some();
            book.gates.push(Gate { name: gate.name.into(), ins: gate.ins, outs: gate.outs, refused: gate.refused });
            twice
        }
        HOLDERS => {
            let holder: wire::TicketHolder = envelope::exact(bytes)?;
            let offer = holder.offer.map(|offer| Arc::new(ticket::read_offer(offer)));
            let record = Holder { user: user_id(holder.user)?, moves: holder.moves, offer };
            book.holders.insert(ticket_id(holder.ticket)?, record).is_some()
        }
        ENTRIES => {
            let entry: wire::TicketEntry = envelope::exact(bytes)?;
            let record = Entry {
                inside: entry.inside,
                entries: entry.entries,
                at: Timestamp(entry.at_us),
                gate: common::read_u16(entry.gate)?,
                nonce: entry.nonce,
            };
            book.entries.insert(ticket_id(entry.ticket)?, record).is_some()
        }
        CONFLICTS => {
            let conflict: wire::ScanConflict = envelope::exact(bytes)?;
            let record = Conflict {
                ticket: conflict.ticket.map(|ticket| ticket_id(Some(ticket))).transpose()?,
                epoch: conflict.epoch,
                direction: ticket::read_direction(conflict.direction)?,
                reason: ticket::read_scan_reason(conflict.reason)?,
                gate: common::read_u16(conflict.gate)?,
                at: Timestamp(conflict.at_us),
                recorded_at: Timestamp(conflict.recorded_at_us),
            };
            book.conflicts.insert(book.conflicts.len() as u32, record).is_some()
        }
        _ => return Err(CodecError::unknown("a kind of snapshot record")),
    };
    if twice { Err(CodecError::broken("a record of a ticket twice")) } else { Ok(()) }
}
