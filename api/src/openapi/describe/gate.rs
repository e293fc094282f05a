//! Gates.

use serde_json::json;

use crate::error::Code::{IdempotencyKeyReused, NotFound, TicketRefused, WrongState};
use crate::json::{EventTicketOut, GateOut, ListOut, OfflineBody, ReportOut, ScanBody, ScanOut, UploadedOut};
use crate::openapi::operation::{Operation, get, post};
use crate::openapi::schemas::{answer, body};

/// Its routes.
pub fn operations() -> Vec<Operation> {
    vec![
        post("/scan", "scanTicket", "Scan a ticket")
            .says("The nonce is drawn for each scan and sent again with each retry: the same scan gets the same yes.")
            .takes(body::<ScanBody>, json!({"code": "BX1...", "gate": "North 2", "nonce": "5f2c7c1e", "direction": "in"}))
            .gives(200, "Let them through.", answer::<ScanOut>)
            .written()
            .refused(&[NotFound, TicketRefused, WrongState]),
        get("/event/{id}/gate", "getGate", "Get what a gate needs to go on offline")
            .gives(200, "Keys, doors, and codes that are dead.", answer::<GateOut>)
            .read()
            .tagged(),
        post("/event/{id}/scan/offline", "uploadScans", "Upload what a gate scanned while it was offline")
            .takes(
                body::<OfflineBody>,
                json!({"gate": "North 2", "scans": [{"code": "BX1...", "nonce": "5f2c7c1e", "at": "2031-05-01T19:02:11Z"}]}),
            )
            .gives(200, "One line a scan, in their order; conflicts are recorded too.", answer::<UploadedOut>)
            .written()
            .refused(&[IdempotencyKeyReused, TicketRefused, WrongState]),
        get("/event/{id}/scan", "getScanReport", "See what the gates have seen")
            .gives(200, "Counts by gate, and conflicts page by page.", answer::<ReportOut>)
            .read()
            .paged(),
        get("/event/{id}/ticket", "listEventTickets", "List the tickets of an event")
            .gives(200, "A page of tickets with their last scan.", answer::<ListOut<EventTicketOut>>)
            .read()
            .paged(),
    ]
}
