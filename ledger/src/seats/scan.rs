//! Scanning tickets at the gates. One scan is one command, so of two gates in the same second one is told yes.
//!
//! A scan that comes from a gate that was offline has happened already. It is recorded whatever it was; what speaks against it
//! becomes a conflict, and does not count as an entry.

use super::pay::wrong;
use super::tickets::{CONFLICTS_MAX, Conflict, Entry, GATES_MAX, Gate, hash_conflict, hash_entry, hash_gate};
use super::work::Work;
use crate::change::TicketChange;
use crate::ids::{TicketId, UserId};
use crate::outcome::{Rejection, SeatOutcome};
use crate::tickets::{Claim, Direction, LastScan, Reentry, Scan, ScanReason, Scanned, TicketOutcome};
use crate::time::Timestamp;

/// What a scan may do.
enum Verdict {
    /// The entry that it leads to.
    Pass(Entry),
    /// It was recorded before, when the gate was still online.
    Known(Entry),
}

impl Work<'_> {
    /// Scans a ticket.
    pub(crate) fn scan(&mut self, scan: &Scan) -> Result<SeatOutcome, Rejection> {
        let gate = self.gate(&scan.gate)?;
        let at = scan.offline_at.unwrap_or(self.at);
        let known = scan.claim.map(|claim| claim.ticket).filter(|&ticket| self.sale.issued(ticket).is_some());
        let user = known.and_then(|ticket| Some(self.sale.holder_of(self.sale.issued(ticket)?.0, ticket)));
        match self.judge(scan, gate, at) {
            Ok((ticket, Verdict::Pass(entry))) => {
                self.set_entry(ticket, entry);
                if let Some(user) = user {
                    let what = if entry.inside { TicketChange::CheckedIn } else { TicketChange::CheckedOut };
                    self.say_ticket(ticket, user, what);
                }
                self.count_gate(gate, |gate| match scan.direction {
                    Direction::In => gate.ins = gate.ins.saturating_add(1),
                    Direction::Out => gate.outs = gate.outs.saturating_add(1),
                });
                Ok(scanned(Some(ticket), user, entry, None))
            }
            Ok((ticket, Verdict::Known(entry))) => Ok(scanned(Some(ticket), user, entry, None)),
            Err(reason) if scan.offline_at.is_some() => {
                self.add_conflict(scan, gate, at, reason)?;
                let entry = known.and_then(|ticket| self.sale.book.entries.get(&ticket).copied());
                let entry = Entry { at, ..entry.unwrap_or(Entry { inside: false, entries: 0, at, gate, nonce: 0 }) };
                Ok(scanned(scan.claim.map(|claim| claim.ticket), user, entry, Some(reason)))
            }
            Err(reason) => {
                self.count_gate(gate, |gate| gate.refused = gate.refused.saturating_add(1));
                let used = matches!(reason, ScanReason::AlreadyUsed | ScanReason::NoReentry | ScanReason::NotInside);
                let used = known.filter(|_| used).and_then(|ticket| self.last_scan(ticket));
                Err(Rejection::TicketRefused { reason, used })
            }
        }
    }

    /// What a scan leads to, or the first reason against it: validity before doors, doors before use.
    fn judge(&self, scan: &Scan, gate: u16, at: Timestamp) -> Result<(TicketId, Verdict), ScanReason> {
        let Claim { event, ticket, epoch } = scan.claim.ok_or(ScanReason::BadCode)?;
        if event != self.sale.id {
            return Err(ScanReason::WrongEvent);
        }
        let (_, _, issued) = self.sale.issued(ticket).ok_or(ScanReason::UnknownTicket)?;
        let entry = self.sale.book.entries.get(&ticket);
        if let Some(entry) = entry
            && scan.offline_at.is_some()
            && (entry.gate, entry.nonce) == (gate, scan.nonce)
        {
            return Ok((ticket, Verdict::Known(*entry)));
        }
        if issued.void {
            return Err(ScanReason::Void);
        }
        if epoch > issued.epoch {
            return Err(ScanReason::UnknownTicket);
        }
        if epoch < issued.epoch || self.sale.live_offer(ticket, self.at).is_some() {
            return Err(ScanReason::Transferred);
        }
        let (open, close) = scan.doors;
        if scan.direction == Direction::In && (at < open || at >= close) {
            return Err(ScanReason::OutsideDoors);
        }
        let entries = after(entry, scan.direction, self.sale.terms.entry.reentry)?;
        let inside = scan.direction == Direction::In;
        Ok((ticket, Verdict::Pass(Entry { inside, entries, at, gate, nonce: scan.nonce })))
    }

    fn last_scan(&self, ticket: TicketId) -> Option<LastScan> {
        self.sale.last_scan(ticket)
    }

    /// The number of the gate with this name, which is a new one the first time.
    fn gate(&mut self, name: &str) -> Result<u16, Rejection> {
        if let Some(number) = self.sale.book.gate(name) {
            return Ok(number);
        }
        let number = self.sale.book.gates.len();
        if number >= GATES_MAX {
            return Err(wrong("the event has as many gates as it may have"));
        }
        let gate = Gate { name: name.into(), ins: 0, outs: 0, refused: 0 };
        self.digest.add(hash_gate(self.sale.id, number as u16, &gate));
        self.sale.book.gates.push(gate);
        Ok(number as u16)
    }

    fn count_gate(&mut self, number: u16, count: impl FnOnce(&mut Gate)) {
        let event = self.sale.id;
        let Some(gate) = self.sale.book.gates.get_mut(usize::from(number)) else { return };
        self.digest.remove(hash_gate(event, number, gate));
        count(gate);
        self.digest.add(hash_gate(event, number, gate));
    }

    fn set_entry(&mut self, ticket: TicketId, entry: Entry) {
        if let Some(old) = self.sale.book.entries.insert(ticket, entry) {
            self.digest.remove(hash_entry(ticket, &old));
        }
        self.digest.add(hash_entry(ticket, &entry));
    }

    fn add_conflict(&mut self, scan: &Scan, gate: u16, at: Timestamp, reason: ScanReason) -> Result<(), Rejection> {
        let number = self.sale.book.conflicts.len();
        if number >= CONFLICTS_MAX {
            return Err(wrong("the event has as many conflicts as can be kept"));
        }
        let (ticket, epoch) = scan.claim.map_or((None, 0), |claim| (Some(claim.ticket), claim.epoch));
        let conflict = Conflict { ticket, epoch, direction: scan.direction, reason, gate, at, recorded_at: self.at };
        self.digest.add(hash_conflict(self.sale.id, number as u32, &conflict));
        self.sale.book.conflicts.insert(number as u32, conflict);
        Ok(())
    }
}

/// How often a ticket has admitted after this scan.
fn after(entry: Option<&Entry>, direction: Direction, reentry: Reentry) -> Result<u32, ScanReason> {
    let (inside, entries) = entry.map_or((false, 0), |entry| (entry.inside, entry.entries));
    match (direction, reentry) {
        (Direction::Out, _) if inside => Ok(entries),
        (Direction::Out, _) => Err(ScanReason::NotInside),
        (Direction::In, Reentry::Times(most)) if entries < most => Ok(entries + 1),
        (Direction::In, Reentry::Times(_)) => Err(ScanReason::AlreadyUsed),
        (Direction::In, _) if inside => Err(ScanReason::AlreadyUsed),
        (Direction::In, Reentry::None) if entries > 0 => Err(ScanReason::NoReentry),
        (Direction::In, _) => Ok(entries.saturating_add(1)),
    }
}

fn scanned(ticket: Option<TicketId>, user: Option<UserId>, entry: Entry, conflict: Option<ScanReason>) -> SeatOutcome {
    SeatOutcome::Ticket(TicketOutcome::Scanned(Scanned { ticket, user, entries: entry.entries, at: entry.at, conflict }))
}
