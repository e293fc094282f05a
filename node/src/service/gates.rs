//! Gates: scans online and offline, what a gate takes along, and what the coordinator sees.

use std::collections::BTreeSet;
use std::sync::Arc;

use boxoffice_api::backend::{
    Answer, Caller, Context, EventTicket, Failure, GateView, OfflineScan, Page, Read, Revision, ScanInput, ScanReport, ScanView, TicketKey,
    Uploaded, Written,
};
use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_ledger::command::{Event, EventStatus, Role};
use boxoffice_ledger::ids::{EventId, Request, RequestId, TicketId, UserId};
use boxoffice_ledger::tickets::{Claim, Direction, Scan, ScanReason, Scanned, TicketAction, TicketOutcome, TicketState};
use boxoffice_ledger::time::Timestamp;

use super::Service;
use super::catalog::page_of;
use super::events::bad_cursor;

impl Service {
    /// Scans a ticket: signature and event here, all else in one entry of the event's group.
    pub async fn scan_ticket(&self, cx: Context, caller: Caller, input: ScanInput) -> Answer<Written<ScanView>> {
        let gates_event = match input.event {
            Some(event) => Some(self.door_event(cx, caller, event).await?),
            None => None,
        };
        let pass = self.keyring.verify(&input.code).ok_or(Failure::NotAdmitted(ScanReason::BadCode))?;
        let event = match gates_event {
            Some(event) if event.id == pass.event => event,
            Some(_) => return Err(Failure::NotAdmitted(ScanReason::WrongEvent)),
            // Without saying which event it admits to, a gate admits to those of its coordinator.
            None => match self.door_event(cx, caller, pass.event).await {
                Err(Failure::NotFound(_)) => return Err(Failure::NotAdmitted(ScanReason::WrongEvent)),
                other => other?,
            },
        };
        let claim = Claim { event: pass.event, ticket: pass.ticket, epoch: pass.epoch };
        let ScanInput { gate, nonce, direction, .. } = input;
        let made = Made { event: &event, gate: &gate, nonce: &nonce, direction, claim: Some(claim), offline_at: None };
        let applied = self.ticket_write(cx, event.id, made.request(), made.action()).await?;
        let TicketOutcome::Scanned(Scanned { user, entries, at, .. }) = applied.outcome else { return Err(Failure::Unknown) };
        // An issued ticket's place never changes, so this node's copy will do; it may be a moment behind.
        let found = self.find(cx, self.event_group(event.id), || self.seats(event.id).ok()?.read().ticket(event.id, pass.ticket)).await?;
        let (ticket, ..) = found.ok_or(Failure::Unknown)?;
        let initials = user.map(|user| self.initials(user)).unwrap_or_default();
        Ok(applied.written(ScanView { ticket, initials, direction, entries, at }))
    }

    /// Records what a gate scanned while it was offline. Scans of one ticket stay in their order; others go together.
    pub async fn record_scans(
        &self,
        cx: Context,
        caller: Caller,
        event: EventId,
        gate: String,
        scans: Vec<OfflineScan>,
    ) -> Answer<Written<Vec<Uploaded>>> {
        let event = self.door_event(cx, caller, event).await?;
        let claims: Vec<Option<Claim>> = scans.iter().map(|scan| self.claim(&scan.code)).collect();
        let mut uploaded = Vec::with_capacity(scans.len());
        let mut last: Option<(Revision, bool)> = None;
        while uploaded.len() < scans.len() {
            let from = uploaded.len();
            let mut seen = BTreeSet::new();
            let apart = claims[from..].iter().take_while(|claim| claim.is_none_or(|claim| seen.insert(claim.ticket))).count();
            let wave = (from..from + apart).map(|at| {
                let OfflineScan { nonce, at: scanned_at, direction, code } = &scans[at];
                let (offline_at, claim) = (Some(*scanned_at), claims[at]);
                let made = Made { event: &event, gate: &gate, nonce, direction: *direction, claim, offline_at };
                self.ticket_write(cx, event.id, made.request_of(code), made.action())
            });
            for done in futures::future::join_all(wave).await {
                let done = done?;
                let TicketOutcome::Scanned(scanned) = done.outcome else { return Err(Failure::Unknown) };
                let newer = last.is_none_or(|(revision, _)| revision.index < done.revision.index);
                let revision = if newer { done.revision } else { last.map_or(done.revision, |(revision, _)| revision) };
                last = Some((revision, last.is_none_or(|(_, replayed)| replayed) && done.replayed));
                uploaded.push(Uploaded { ticket: scanned.ticket, conflict: scanned.conflict });
            }
        }
        let (revision, replayed) = last.ok_or(Failure::Unknown)?;
        Ok(Written { value: uploaded, revision, replayed })
    }

    fn claim(&self, code: &str) -> Option<Claim> {
        let pass = self.keyring.verify(code)?;
        Some(Claim { event: pass.event, ticket: pass.ticket, epoch: pass.epoch })
    }

    /// What a gate needs to go on offline, as this node knows it.
    pub async fn gate_view(&self, cx: Context, caller: Caller, event: EventId) -> Answer<Read<GateView>> {
        let event = self.door_event(cx, caller, event).await?;
        let (revision, age_ms) = self.fresh(cx, self.event_group(event.id)).await?;
        let dead = self.frozen_sale(event.id)?.dead_codes();
        Ok(Read { value: GateView { doors: doors(&event), event: Arc::new(event), dead }, revision, age_ms })
    }

    /// What an event's gates have seen.
    pub async fn report(&self, cx: Context, caller: Caller, event: EventId, limit: usize, from: u32) -> Answer<Read<ScanReport>> {
        self.own_event(cx, caller, event).await?;
        let (revision, age_ms) = self.fresh(cx, self.event_group(event)).await?;
        let sale = self.frozen_sale(event)?;
        let (inside, admitted) = sale.attendance();
        let conflict_count = sale.conflict_count();
        let to = from.saturating_add(u32::try_from(limit).unwrap_or(u32::MAX));
        let value = ScanReport {
            issued: sale.totals().sold,
            admitted,
            inside,
            gates: sale.gates().to_vec(),
            conflict_count,
            conflicts: (from..to).map_while(|number| Some((number, *sale.conflict(number)?))).collect(),
            next: (to < conflict_count).then_some(to),
        };
        Ok(Read { value, revision, age_ms })
    }

    /// An event's tickets, from its group.
    pub async fn list_event_tickets(
        &self,
        cx: Context,
        caller: Caller,
        event: EventId,
        state: Option<TicketState>,
        limit: usize,
        cursor: Option<&str>,
    ) -> Answer<Read<Page<EventTicket>>> {
        let after = cursor.map(|text| TicketId::parse(text).map_err(|_| bad_cursor())).transpose()?;
        self.own_event(cx, caller, event).await?;
        let (revision, age_ms) = self.fresh(cx, self.event_group(event)).await?;
        let (sale, now) = (self.frozen_sale(event)?, self.clock());
        let stands = |ticket| sale.ticket_state(ticket, now);
        let found = sale.tickets_after(after, limit + 1, |ticket| state.is_none() || stands(ticket) == state);
        let view = |id| Some(EventTicket { ticket: sale.ticket(id)?, state: stands(id)?, scanned: sale.last_scan(id) });
        let items: Vec<EventTicket> = found.into_iter().filter_map(view).collect();
        Ok(Read { value: page_of(items, limit, |view| view.ticket.id.to_string()), revision, age_ms })
    }

    /// The keys that sign ticket codes.
    pub fn public_keys(&self) -> Vec<TicketKey> {
        self.keyring.public().map(|(id, public)| TicketKey { id, public }).collect()
    }

    /// The event, if the caller may stand at its door: people at the gates may at every one, coordinators at their own.
    async fn door_event(&self, cx: Context, caller: Caller, event: EventId) -> Answer<Event> {
        if caller.role != Role::Gate {
            return self.own_event(cx, caller, event).await;
        }
        let found = self.find(cx, CATALOG, || self.catalog.read().event(event).cloned()).await?;
        found.map(|(event, ..)| event).filter(|event| event.status != EventStatus::Draft).ok_or(Failure::NotFound("event"))
    }

    /// First letters of a user's names, as far as this node knows them.
    fn initials(&self, user: UserId) -> String {
        let Ok(accounts) = self.accounts(self.user_group(user)) else { return String::new() };
        let accounts = accounts.read();
        let name = accounts.user(user).map(|account| account.name.as_str()).unwrap_or_default();
        name.split_whitespace().filter_map(|word| word.chars().next()).take(3).flat_map(char::to_uppercase).collect()
    }
}

/// A scan as a gate made it.
struct Made<'a> {
    event: &'a Event,
    gate: &'a str,
    nonce: &'a str,
    direction: Direction,
    claim: Option<Claim>,
    offline_at: Option<Timestamp>,
}

impl Made<'_> {
    /// The same for every retry of this scan, at whatever node. Another code under the same number is another request with
    /// the same id, which the ledger refuses.
    fn request(&self) -> Request {
        self.request_of("")
    }

    /// As [`Made::request`]; `code` tells codes apart that say nothing.
    fn request_of(&self, code: &str) -> Request {
        let kind: &[u8] = if self.offline_at.is_some() { b"offline" } else { b"online" };
        let id = self.hash(&[kind, self.gate.as_bytes(), self.nonce.as_bytes()]);
        let claim = self.claim.map_or((0, 0), |claim| (claim.ticket.0, claim.epoch));
        let code = if self.claim.is_some() { "" } else { code };
        let direction = [self.direction as u8];
        let print = self.hash(&[&claim.0.to_le_bytes(), &claim.1.to_le_bytes(), &direction, code.as_bytes()]);
        Request { id: RequestId(id), fingerprint: print as u64 }
    }

    fn action(&self) -> TicketAction {
        TicketAction::Scan(Scan {
            gate: self.gate.to_owned(),
            nonce: self.hash(&[self.gate.as_bytes(), self.nonce.as_bytes()]) as u64,
            direction: self.direction,
            claim: self.claim,
            doors: doors(self.event),
            offline_at: self.offline_at,
        })
    }

    /// Each part is preceded by its length, so that no two lists of parts look alike.
    fn hash(&self, parts: &[&[u8]]) -> u128 {
        let mut hasher = blake3::Hasher::new_derive_key("boxoffice 2026 scan");
        hasher.update(&self.event.id.0.to_le_bytes());
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut id = [0_u8; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        u128::from_le_bytes(id)
    }
}

/// When the doors of an event are open.
fn doors(event: &Event) -> (Timestamp, Timestamp) {
    event.terms.entry.doors(event.starts_at)
}
