//! Problems in the document: a schema for each code, from the table of problems, and answers by status.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::operation::header;
use super::schemas::{Schemas, answer};
use crate::error::Code;
use crate::json::{CartOut, HoldOut, MoneyOut, Named, PublicSeatState, Rfc3339};
use boxoffice_ledger::outcome::{HoldState, SaleState};
use boxoffice_ledger::promos::PromoReason;
use boxoffice_ledger::tickets::ScanReason;

/// The answers to these problems, by status. Equal ones are shared.
pub fn responses(schemas: &mut Schemas, shared: &mut BTreeMap<String, Value>, codes: &BTreeSet<Code>) -> Vec<(u16, Value)> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for &code in codes {
        by_status.entry(code.entry().status).or_default().push(code);
    }
    let mut found = Vec::new();
    for (status, codes) in by_status {
        let names: Vec<&str> = codes.iter().map(|code| code.entry().name).collect();
        let name = names.join(".");
        if !shared.contains_key(&name) {
            let response = response(schemas, status, &codes);
            shared.insert(name.clone(), response);
        }
        found.push((status, json!({"$ref": format!("#/components/responses/{name}")})));
    }
    found
}

fn response(schemas: &mut Schemas, status: u16, codes: &[Code]) -> Value {
    let lines: Vec<String> = codes.iter().map(|code| format!("* `{}`: {}.", code.entry().name, code.entry().title)).collect();
    let mut choices: Vec<Value> = codes.iter().map(|&code| schema(schemas, code)).collect();
    let schema = if choices.len() == 1 { choices.remove(0) } else { json!({"anyOf": choices}) };
    let mut headers = Map::new();
    let mut put = |name: &str, always| headers.insert(name.to_owned(), header(name, always));
    put("X-Request-Id", true);
    put("Boxoffice-Revision", false);
    match status {
        401 => drop(put("WWW-Authenticate", codes.iter().all(|&code| code != Code::BadSignature))),
        429 => {
            put("Retry-After", true);
            put("RateLimit", false);
            put("RateLimit-Policy", false);
        }
        503 | 504 => drop(put("Retry-After", codes.iter().all(|&code| code != Code::PaymentsUnavailable))),
        409 => drop(put("Retry-After", false)),
        _ => {}
    }
    json!({"description": lines.join("\n"), "headers": headers, "content": {"application/problem+json": {"schema": schema}}})
}

/// The schema of a problem, under a name of its own.
fn schema(schemas: &mut Schemas, code: Code) -> Value {
    schemas.put(&format!("problem.{}", code.entry().name), |schemas| whole(schemas, code))
}

fn whole(schemas: &mut Schemas, code: Code) -> Value {
    let entry = code.entry();
    let text = json!({"type": "string"});
    let mut members = json!({
        "type": {"const": format!("/problem/{}", entry.name)}, "title": {"const": entry.title}, "status": {"const": entry.status},
        "detail": text, "instance": text, "code": {"const": entry.name}, "request_id": text, "retryable": {"const": entry.retryable},
        "revision": {"type": "string", "description": "The state in which it was decided."},
    });
    let mut required = vec!["type", "title", "status", "detail", "instance", "code", "request_id", "retryable"];
    for (name, always, schema) in more(schemas, code) {
        members[name] = schema;
        required.extend(always.then_some(name));
    }
    json!({"type": "object", "title": entry.title, "description": entry.help, "properties": members, "required": required})
}

/// The members that only problems of this code have, as (name, whether always, schema).
fn more(schemas: &mut Schemas, code: Code) -> Vec<(&'static str, bool, Value)> {
    let text = || json!({"type": "string"});
    let count = || json!({"type": "integer", "minimum": 0});
    match code {
        Code::ValidationFailed => {
            vec![("errors", true, list::<ErrorSchema>(schemas)), ("errors_total", false, count()), ("fix", false, text())]
        }
        Code::SeatUnavailable => vec![
            ("conflicts", true, list::<ConflictSchema>(schemas)),
            ("areas", false, list::<AreaSchema>(schemas)),
            ("alternatives", true, list::<AlternativeSchema>(schemas)),
        ],
        Code::OrphanSeats => vec![("seats", true, list::<SeatSchema>(schemas))],
        Code::LimitReached => vec![("limit", true, count()), ("have", true, count())],
        Code::PriceChanged => vec![("total", true, answer::<MoneyOut>(schemas))],
        Code::SaleNotOn => {
            let opens_at = answer::<Rfc3339>(schemas);
            vec![("state", true, answer::<Named<SaleState>>(schemas)), ("opens_at", false, opens_at)]
        }
        Code::SaleMoveRefused => vec![("state", true, answer::<Named<SaleState>>(schemas))],
        Code::HoldExpired | Code::HoldEnded => vec![("state", true, answer::<Named<HoldState>>(schemas))],
        Code::VersionMismatch => vec![("current", false, count())],
        Code::FieldFrozen => vec![("pointer", true, text())],
        Code::AmountMismatch => vec![("expected", true, count())],
        Code::TooSoon => vec![("retry_at", true, answer::<Rfc3339>(schemas))],
        Code::PaymentDeclined => {
            let (hold, cart) = (answer::<HoldOut>(schemas), answer::<CartOut>(schemas));
            vec![("decline_code", true, text()), ("hold", false, hold), ("cart", false, cart)]
        }
        Code::CartRefused => vec![("cart", true, answer::<CartOut>(schemas))],
        Code::PromoRefused => {
            let reason = answer::<Named<PromoReason>>(schemas);
            vec![("reason", true, reason), ("errors", true, list::<ErrorSchema>(schemas))]
        }
        Code::TicketRefused => {
            let reason = answer::<Named<ScanReason>>(schemas);
            vec![("reason", true, reason), ("used_at", false, answer::<Rfc3339>(schemas)), ("used_gate", false, text())]
        }
        _ => Vec::new(),
    }
}

fn list<T: JsonSchema>(schemas: &mut Schemas) -> Value {
    json!({"type": "array", "items": answer::<T>(schemas)})
}

/// A field that is wrong.
#[derive(JsonSchema)]
#[schemars(rename = "FieldError")]
#[allow(dead_code)] // Only its schema is used: `HttpProblem::invalid` writes it.
struct ErrorSchema {
    /// JSON pointer into the body, or `?name` of the query.
    pointer: String,
    /// What is wrong, for programs.
    code: String,
    /// What would be right, for people.
    detail: String,
}

/// A seat as problems name it.
#[derive(JsonSchema)]
#[schemars(rename = "ProblemSeat")]
#[allow(dead_code)] // Only its schema is used: `json::seat_value` writes it.
struct SeatSchema {
    index: u32,
    seat: Option<String>,
    section: Option<String>,
    row: Option<String>,
    name: Option<String>,
}

/// A seat that is taken.
#[derive(JsonSchema)]
#[schemars(rename = "SeatConflict")]
#[allow(dead_code)] // Only its schema is used.
struct ConflictSchema {
    #[schemars(flatten)]
    seat: SeatSchema,
    #[schemars(with = "Named<PublicSeatState>")]
    state: String,
}

/// An area with too little room.
#[derive(JsonSchema)]
#[schemars(rename = "AreaConflict")]
#[allow(dead_code)] // Only its schema is used: `json::area_value` writes it.
struct AreaSchema {
    index: u16,
    area: Option<String>,
    available: u32,
}

/// Seats that are free instead.
#[derive(JsonSchema)]
#[schemars(rename = "Alternative")]
#[allow(dead_code)] // Only its schema is used.
struct AlternativeSchema {
    seats: Vec<SeatSchema>,
    total: Option<MoneyOut>,
}
