//! What only a sandbox has: switching faults, playing dead, and its ledger for comparison with the shop's.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::books::Books;
use super::call::{Call, Reply};
use super::desk::Desk;
use super::faults::Faults;
use super::record::{Intent, Status};
use super::trouble::Trouble;

/// Longest time that the provider plays dead, in seconds.
const DOWN_S_MAX: u64 = 3600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Down {
    seconds: f64,
}

/// Answers a request to `/sandbox/{what}`.
pub async fn answer(desk: &Desk, call: &Call, what: &str) -> Reply {
    if !desk.is_authorized(call) {
        return Trouble::unauthorized().into();
    }
    match (call.method.as_str(), what) {
        ("POST", "faults") => match serde_json::from_slice::<Faults>(&call.body) {
            Ok(faults) => match faults.mistake() {
                None => {
                    desk.set_faults(faults.clone()).await;
                    Reply::json(200, &json!(faults))
                }
                Some(name) => Trouble::invalid("parameter_invalid", &format!("{name} must be between 0 and 1")).into(),
            },
            Err(error) => Trouble::invalid("parameter_invalid", &error.to_string()).into(),
        },
        ("GET", "faults") => Reply::json(200, &json!(desk.look(|books| books.faults().clone()).await)),
        ("POST", "down") => match serde_json::from_slice::<Down>(&call.body) {
            Ok(Down { seconds }) if (0.0..=DOWN_S_MAX as f64).contains(&seconds) => {
                desk.go_down(Duration::from_secs_f64(seconds));
                Reply::json(200, &json!({"seconds": seconds}))
            }
            _ => Trouble::invalid("parameter_invalid", "send {\"seconds\": 0 to 3600}").into(),
        },
        ("GET", "ledger") => {
            let body = desk.look(|books| books.all_intents().map(|intent| line(books, intent)).collect::<String>()).await;
            Reply { status: 200, kind: "application/x-ndjson", header: None, body: body.into() }
        }
        (method, _) => Trouble::unknown_path(method, &call.path).into(),
    }
}

/// An intent's line in the ledger. Amounts are in minor units.
fn line(books: &Books, intent: &Intent) -> String {
    let (refunded, pending) = books.refunded(&intent.id);
    let value = json!({
        "id": intent.id,
        "status": intent.status.name(),
        "currency": intent.currency,
        "amount": intent.amount,
        "authorized": intent.authorized,
        "reserved": if intent.status == Status::RequiresCapture { intent.amount } else { 0 },
        "captured": intent.captured,
        "refunded": refunded,
        "refund_pending": pending,
        "disputed": intent.disputed,
        "method": intent.method,
        "created_ms": intent.created_ms,
        "attempt": intent.metadata.get("attempt"),
        "order": intent.metadata.get("order"),
        "event": intent.metadata.get("event"),
        "cluster": intent.metadata.get("cluster"),
    });
    format!("{value}\n")
}
