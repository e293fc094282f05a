//! What fuzzers call: each function reads bytes that come from a gate, a mailed link, a payment provider or a backup's storage, says
//! whether they were accepted, and panics when what was read is not what is written again. And real bytes to begin with.

use boxoffice_cluster_config::file::TicketKeys;
use boxoffice_ledger::ids::{EventId, Slot, TicketId, UserId};
use boxoffice_ledger::time::Timestamp;

use crate::credentials::{Credentials, Kind, Named};
use crate::payment::signature;
use crate::payment::webhook::Inbox;
use crate::tickets::keys::Keyring;
use crate::tickets::pass::Pass;

pub use crate::backup::fuzz::{backup_frame, backup_object, plain_backup_object};

const SECRET: [u8; 32] = [7; 32];
const NOW_S: u64 = 1_790_000_000;

/// The code of a ticket.
#[must_use]
pub fn ticket_code(bytes: &[u8]) -> bool {
    let (Ok(text), Ok(keys)) = (std::str::from_utf8(bytes), Keyring::new(&SECRET, &TicketKeys::default())) else { return false };
    let Some(pass) = keys.verify(text) else { return false };
    assert_eq!(keys.sign(&pass), text, "a pass has one code");
    true
}

/// A mailed link, or the token of a session, or a key.
#[must_use]
pub fn credential(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let credentials = Credentials::new(&SECRET);
    [Kind::Refresh, Kind::Key, Kind::Reset, Kind::Email, Kind::Guest, Kind::Join]
        .into_iter()
        .any(|kind| credentials.read(kind, text).is_some())
}

/// A message of the payment provider: its signature in the first line, then its body.
#[must_use]
pub fn provider_message(bytes: &[u8]) -> bool {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return false };
    let Ok(header) = std::str::from_utf8(&bytes[..end]) else { return false };
    Inbox::new(vec!["whsec_1".into()], "arena".into()).receive(&bytes[end + 1..], header, NOW_S).is_ok()
}

/// The body of a message that the provider did sign.
#[must_use]
pub fn signed_message(body: &[u8]) -> bool {
    let header = signature::sign(b"whsec_1", NOW_S, body);
    Inbox::new(vec!["whsec_1".into()], "arena".into()).receive(body, &header, NOW_S).is_ok()
}

/// Real bytes, by the function that reads them.
///
/// # Errors
/// When the system has no random bytes.
pub fn seeds() -> anyhow::Result<Vec<(&'static str, Vec<u8>)>> {
    let slot = Slot::new(9);
    let pass = Pass {
        event: EventId::new(1_790_000_000_000, slot, 1),
        ticket: TicketId::new(1_790_000_000_000, slot, 2),
        epoch: 3,
        place: 4,
        not_before: Timestamp(NOW_S * 1_000_000),
        not_after: Timestamp((NOW_S + 3600) * 1_000_000),
    };
    let named = Named { user: UserId::new(1, slot, 5), object: 77 };
    let credentials = Credentials::new(&SECRET);
    let message = |kind: &str, object: &str| {
        format!(r#"{{"id":"evt_1","type":"{kind}","created":1790000000,"data":{{"object":{object}}}}}"#).into_bytes()
    };
    let refund = r#"{"object":"refund","amount":5,"status":"succeeded","payment_intent":"pi_1","metadata":{"refund":"x"}}"#;
    let refund = message("refund.updated", refund);
    let message = message("charge.succeeded", r#"{"object":"charge","payment_intent":"pi_1"}"#);
    let signed = [signature::sign(b"whsec_1", NOW_S, &message).as_bytes(), b"\n", &message[..]].concat();
    let mut all = vec![
        ("ticket_code", Keyring::new(&SECRET, &TicketKeys::default())?.sign(&pass).into_bytes()),
        ("credential", credentials.draw(Kind::Join, named).into_bytes()),
        ("credential", credentials.draw(Kind::Refresh, named).into_bytes()),
        ("provider_message", signed),
        ("signed_message", message),
        ("signed_message", refund),
    ];
    all.extend(crate::backup::fuzz::seeds()?);
    Ok(all)
}
