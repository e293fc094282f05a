//! Bodies and answers about tickets after their issue: doors, scans, gates, transfers.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use boxoffice_ledger::ids::{EventId, TicketId, UserId};
use boxoffice_ledger::seats::{Conflict, DeadCode};
use boxoffice_ledger::tickets::{DOORS_MAX, Direction, EntryTerms, GATE_BYTES_MAX, LastScan, Reentry, ScanReason, TicketState};
use boxoffice_ledger::time::{Millis, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::request::LINE;
use super::{AreaOut, Named, Rfc3339, SeatOut, Text};
use crate::backend::{EventTicket, GateView, Revision, ScanReport, ScanView, TicketKey, Transfer, Uploaded};
use crate::check::Check;

/// Most scans of one upload.
pub const SCANS_MAX: usize = 500;
/// Longest number of a scan, in bytes.
pub const NONCE_BYTES_MAX: usize = 64;

/// The door's part of `POST /event`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryBody {
    /// `none`, `out_then_in` or `times`.
    #[schemars(extend("enum" = ["none", "out_then_in", "times", null]))]
    pub reentry: Option<String>,
    /// With `times`: how often a ticket admits in all.
    #[schemars(range(min = 1))]
    pub times: Option<u32>,
    /// Doors open so many seconds before the start.
    #[schemars(range(max = DOORS_MAX.0 / 1000))]
    pub doors_before_s: Option<u64>,
    /// Doors close so many seconds after the start.
    #[schemars(range(max = DOORS_MAX.0 / 1000))]
    pub doors_after_s: Option<u64>,
    /// Whether tickets may be given on.
    pub transfer: Option<bool>,
    /// No transfer from this moment on.
    #[schemars(extend("format" = "date-time"))]
    pub transfer_until: Option<String>,
}

impl EntryBody {
    /// The terms, with the usual ones where nothing is said.
    pub fn terms(&self, check: &mut Check) -> EntryTerms {
        let usual = EntryTerms::default();
        let times = self.times.unwrap_or(0);
        let reentry = match (self.reentry.as_deref(), self.times) {
            (None | Some("none"), None) => Reentry::None,
            (Some("out_then_in"), None) => Reentry::OutThenIn,
            (Some("times"), _) if times > 0 => Reentry::Times(times),
            (Some("times"), _) => {
                check.wrong("/entry/times", "out_of_range", "at least 1");
                Reentry::None
            }
            _ => {
                check.wrong("/entry/reentry", "invalid", "none, out_then_in, or times together with a number of times");
                Reentry::None
            }
        };
        let mut doors = |pointer, seconds: Option<u64>, usual: Millis| {
            check.range(pointer, seconds.unwrap_or(0), 0, DOORS_MAX.0 / 1000);
            seconds.map_or(usual, Millis::from_secs)
        };
        let doors_before = doors("/entry/doors_before_s", self.doors_before_s, usual.doors_before);
        let doors_after = doors("/entry/doors_after_s", self.doors_after_s, usual.doors_after);
        let transfer_until = self.transfer_until.as_deref().map(|text| check.moment("/entry/transfer_until", text));
        EntryTerms { reentry, doors_before, doors_after, transfer: self.transfer.unwrap_or(usual.transfer), transfer_until }
    }
}

/// An event's door.
#[derive(Serialize, JsonSchema)]
pub struct EntryOut {
    #[schemars(extend("enum" = ["none", "out_then_in", "times"]))]
    reentry: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u32>,
    doors_open_at: Rfc3339,
    doors_close_at: Rfc3339,
    transfer: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_until: Option<Rfc3339>,
}

impl EntryOut {
    /// The door of an event that starts then.
    #[must_use]
    pub fn new(terms: &EntryTerms, starts_at: Timestamp) -> Self {
        let (open, close) = terms.doors(starts_at);
        let (reentry, times) = match terms.reentry {
            Reentry::None => ("none", None),
            Reentry::OutThenIn => ("out_then_in", None),
            Reentry::Times(times) => ("times", Some(times)),
        };
        Self {
            reentry,
            times,
            doors_open_at: Rfc3339(open),
            doors_close_at: Rfc3339(close),
            transfer: terms.transfer,
            transfer_until: terms.transfer_until.map(Rfc3339),
        }
    }
}

/// `POST /user/ticket/{id}/transfer`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferBody {
    /// E-mail of the new owner.
    #[schemars(email, length(max = 254))]
    pub to: String,
}

/// `POST /scan`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanBody {
    /// The code as read.
    pub code: String,
    /// The gate's name.
    #[schemars(length(max = GATE_BYTES_MAX), pattern(LINE))]
    pub gate: String,
    /// Drawn by the device for this scan, and the same when it is retried.
    #[schemars(length(max = NONCE_BYTES_MAX), pattern(LINE))]
    pub nonce: String,
    /// `in` (the default) or `out`.
    #[schemars(with = "Option<Named<Direction>>")]
    pub direction: Option<String>,
    /// The event that the gate admits to.
    #[schemars(with = "Option<Text<EventId>>")]
    pub event: Option<String>,
}

/// `POST /event/{id}/scan/offline`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfflineBody {
    /// The gate's name.
    #[schemars(length(max = GATE_BYTES_MAX), pattern(LINE))]
    pub gate: String,
    /// Its scans, in order.
    #[schemars(length(min = 1, max = SCANS_MAX))]
    pub scans: Vec<OfflineScanBody>,
}

/// One scan of an offline gate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfflineScanBody {
    /// The code as read.
    pub code: String,
    /// Drawn by the device for this scan.
    #[schemars(length(max = NONCE_BYTES_MAX), pattern(LINE))]
    pub nonce: String,
    /// When, by the device's clock.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// `in` (the default) or `out`.
    #[schemars(with = "Option<Named<Direction>>")]
    pub direction: Option<String>,
}

/// The direction of this name.
#[must_use]
pub fn direction_of(name: Option<&str>) -> Option<Direction> {
    match name {
        None | Some("in") => Some(Direction::In),
        Some("out") => Some(Direction::Out),
        Some(_) => None,
    }
}

pub(super) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
    }
}

/// Name of a ticket's state.
#[must_use]
pub fn ticket_state(state: TicketState) -> &'static str {
    match state {
        TicketState::Issued => "issued",
        TicketState::Offered => "offered",
        TicketState::CheckedIn => "checked_in",
        TicketState::CheckedOut => "checked_out",
        TicketState::Void => "void",
        TicketState::Transferred => "transferred",
    }
}

/// The state of this name, among those that an event's list can be asked for.
#[must_use]
pub fn ticket_state_of(name: &str) -> Option<TicketState> {
    use TicketState::{CheckedIn, CheckedOut, Issued, Offered, Void};
    [Issued, Offered, CheckedIn, CheckedOut, Void].into_iter().find(|&state| ticket_state(state) == name)
}

/// Name of the reason why a scan is refused.
#[must_use]
pub fn scan_reason(reason: ScanReason) -> &'static str {
    match reason {
        ScanReason::BadCode => "bad_code",
        ScanReason::WrongEvent => "wrong_event",
        ScanReason::UnknownTicket => "unknown_ticket",
        ScanReason::Void => "void",
        ScanReason::Transferred => "transferred",
        ScanReason::OutsideDoors => "outside_doors",
        ScanReason::AlreadyUsed => "already_used",
        ScanReason::NoReentry => "no_reentry",
        ScanReason::NotInside => "not_inside",
    }
}

/// An offer of a ticket.
#[derive(Serialize, JsonSchema)]
pub struct TransferOut<'a> {
    #[schemars(extend("const" = "transfer"))]
    object: &'static str,
    ticket: Text<TicketId>,
    #[schemars(extend("const" = "pending"))]
    state: &'static str,
    to: &'a str,
    expires_at: Rfc3339,
    revision: Text<Revision>,
}

impl<'a> TransferOut<'a> {
    /// A new offer.
    #[must_use]
    pub fn new(transfer: &'a Transfer, revision: Revision) -> Self {
        let (ticket, expires_at) = (Text(transfer.ticket), Rfc3339(transfer.until));
        Self { object: "transfer", ticket, state: "pending", to: &transfer.to, expires_at, revision: Text(revision) }
    }
}

/// A scan that was let through.
#[derive(Serialize, JsonSchema)]
pub struct ScanOut<'a> {
    #[schemars(extend("const" = "scan"))]
    object: &'static str,
    #[schemars(extend("const" = "admitted"))]
    result: &'static str,
    #[schemars(with = "Named<Direction>")]
    direction: &'static str,
    ticket: Text<TicketId>,
    event: Text<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seat: Option<SeatOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<AreaOut<'a>>,
    owner_initials: &'a str,
    entries: u32,
    at: Rfc3339,
}

impl<'a> ScanOut<'a> {
    /// For the people at the gate.
    #[must_use]
    pub fn new(scan: &'a ScanView) -> Self {
        Self {
            object: "scan",
            result: "admitted",
            direction: direction(scan.direction),
            ticket: Text(scan.ticket.id),
            event: Text(scan.ticket.event),
            seat: SeatOut::of_ticket(&scan.ticket),
            area: AreaOut::of_ticket(&scan.ticket),
            owner_initials: &scan.initials,
            entries: scan.entries,
            at: Rfc3339(scan.at),
        }
    }
}

/// What became of an upload.
#[derive(Serialize, JsonSchema)]
pub struct UploadedOut {
    #[schemars(extend("const" = "scan_upload"))]
    object: &'static str,
    recorded: usize,
    conflicts: usize,
    scans: Vec<UploadedScanOut>,
}

#[derive(Serialize, JsonSchema)]
struct UploadedScanOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<Text<TicketId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Named<ScanReason>>")]
    conflict: Option<&'static str>,
}

impl UploadedOut {
    /// One line a scan, in the order of the upload.
    #[must_use]
    pub fn new(scans: &[Uploaded]) -> Self {
        Self {
            object: "scan_upload",
            recorded: scans.len(),
            conflicts: scans.iter().filter(|scan| scan.conflict.is_some()).count(),
            scans: scans
                .iter()
                .map(|scan| UploadedScanOut { ticket: scan.ticket.map(Text), conflict: scan.conflict.map(scan_reason) })
                .collect(),
        }
    }
}

/// The keys that ticket codes are checked with: a JWK set (RFC 8037).
#[derive(Serialize, JsonSchema)]
pub struct KeysOut {
    keys: Vec<JwkOut>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct JwkOut {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    kid: String,
    x: String,
}

impl KeysOut {
    /// The public halves.
    #[must_use]
    pub fn new(keys: &[TicketKey]) -> Self {
        Self { keys: key_list(keys) }
    }
}

fn key_list(keys: &[TicketKey]) -> Vec<JwkOut> {
    let key = |key: &TicketKey| JwkOut {
        kty: "OKP",
        crv: "Ed25519",
        alg: "EdDSA",
        usage: "sig",
        kid: key.id.clone(),
        x: BASE64_URL_SAFE_NO_PAD.encode(key.public),
    };
    keys.iter().map(key).collect()
}

/// `GET /event/{id}/gate`. The age is in a header, so that the same content has the same tag.
#[derive(Serialize, JsonSchema)]
pub struct GateOut<'a> {
    #[schemars(extend("const" = "gate"))]
    object: &'static str,
    event: Text<EventId>,
    name: &'a str,
    entry: EntryOut,
    keys: Vec<JwkOut>,
    /// `[ticket, good from epoch]`, or null for a void ticket; ascending by ticket.
    revoked: Vec<(Text<TicketId>, Option<u32>)>,
}

impl<'a> GateOut<'a> {
    /// What a gate needs.
    #[must_use]
    pub fn new(gate: &'a GateView, keys: &[TicketKey]) -> Self {
        Self {
            object: "gate",
            event: Text(gate.event.id),
            name: &gate.event.name,
            entry: EntryOut::new(&gate.event.terms.entry, gate.event.starts_at),
            keys: key_list(keys),
            revoked: gate.dead.iter().map(|dead: &DeadCode| (Text(dead.ticket), dead.good_from)).collect(),
        }
    }
}

/// `GET /event/{id}/scan`.
#[derive(Serialize, JsonSchema)]
pub struct ReportOut<'a> {
    #[schemars(extend("const" = "scan_report"))]
    object: &'static str,
    event: Text<EventId>,
    issued: u32,
    admitted: u32,
    inside: u32,
    gates: Vec<GateCountOut<'a>>,
    conflict_count: u32,
    conflicts: super::ListOut<ConflictOut<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct GateCountOut<'a> {
    gate: &'a str,
    #[serde(rename = "in")]
    ins: u32,
    out: u32,
    refused: u32,
}

#[derive(Serialize, JsonSchema)]
struct ConflictOut<'a> {
    number: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<Text<TicketId>>,
    #[schemars(with = "Named<ScanReason>")]
    reason: &'static str,
    #[schemars(with = "Named<Direction>")]
    direction: &'static str,
    gate: &'a str,
    at: Rfc3339,
    recorded_at: Rfc3339,
}

impl<'a> ReportOut<'a> {
    /// What the gates have seen.
    #[must_use]
    pub fn new(event: EventId, report: &'a ScanReport) -> Self {
        let gates = report.gates.iter();
        let gates = gates.map(|gate| GateCountOut { gate: &gate.name, ins: gate.ins, out: gate.outs, refused: gate.refused });
        let conflict = |(number, conflict): &(u32, Conflict)| ConflictOut {
            number: *number,
            ticket: conflict.ticket.map(Text),
            reason: scan_reason(conflict.reason),
            direction: direction(conflict.direction),
            gate: report.gates.get(usize::from(conflict.gate)).map_or("", |gate| &*gate.name),
            at: Rfc3339(conflict.at),
            recorded_at: Rfc3339(conflict.recorded_at),
        };
        Self {
            object: "scan_report",
            event: Text(event),
            issued: report.issued,
            admitted: report.admitted,
            inside: report.inside,
            gates: gates.collect(),
            conflict_count: report.conflict_count,
            conflicts: super::list(report.conflicts.iter().map(conflict).collect(), report.next.map(|next| next.to_string())),
        }
    }
}

/// A ticket in the list of its event's coordinator.
#[derive(Serialize, JsonSchema)]
pub struct EventTicketOut<'a> {
    #[schemars(extend("const" = "ticket"))]
    object: &'static str,
    id: Text<TicketId>,
    #[schemars(with = "Named<TicketState>")]
    state: &'static str,
    owner: Text<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seat: Option<SeatOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<AreaOut<'a>>,
    epoch: u32,
    issued_at: Rfc3339,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_scan: Option<LastScanOut<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct LastScanOut<'a> {
    at: Rfc3339,
    gate: &'a str,
}

impl<'a> EventTicketOut<'a> {
    /// A ticket with its last scan.
    #[must_use]
    pub fn new(view: &'a EventTicket) -> Self {
        let ticket = &view.ticket;
        Self {
            object: "ticket",
            id: Text(ticket.id),
            state: ticket_state(view.state),
            owner: Text(ticket.user),
            seat: SeatOut::of_ticket(ticket),
            area: AreaOut::of_ticket(ticket),
            epoch: ticket.epoch,
            issued_at: Rfc3339(ticket.issued_at),
            last_scan: view.scanned.as_ref().map(|scan: &LastScan| LastScanOut { at: Rfc3339(scan.at), gate: &scan.gate }),
        }
    }
}
