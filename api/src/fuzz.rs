//! What fuzzers call: each function reads bytes that come with a request, says whether they were accepted, and panics when what was
//! read breaks a promise. And real bytes to begin with.

use axum::http::{HeaderName, HeaderValue, Request, Uri};
use boxoffice_ledger::change::ChangeId;
use boxoffice_ledger::ids::{EventId, HoldId, MediaHash, OrderId, PerformerId, TicketId, UserId, VenueId};
use serde::de::DeserializeOwned;

use crate::auth::Tokens;
use crate::backend::{Caller, Revision};
use crate::check::{self, Check};
use crate::config::Network;
use crate::cursor::Cursors;
use crate::json::{self, PricePolicyBody};
use crate::{call, idempotency, program, who};

const SECRET: [u8; 32] = [7; 32];
const NOW_US: u64 = 1_790_000_000_000_000;

type Reader = fn(&[u8]) -> bool;

fn read<T: DeserializeOwned>(body: &[u8]) -> bool {
    json::parse::<T>(body).is_ok()
}

fn policy(body: &[u8]) -> bool {
    let Ok(body) = json::parse::<PricePolicyBody>(body) else { return false };
    let mut check = Check::default();
    let _ = body.policy(&mut check, "/policy", Some(1000));
    check.done().is_ok()
}

/// One reader a kind of body; where it stands is its number.
const BODIES: [Reader; 37] = [
    read::<json::HoldBody>,
    read::<json::EventBody>,
    policy,
    read::<json::PricePatchBody>,
    read::<json::PricePreviewBody>,
    read::<json::PayBody>,
    read::<json::BlockBody>,
    read::<json::EventPatchBody>,
    read::<json::VenueBody>,
    read::<json::RefundBody>,
    read::<json::CartBody>,
    read::<json::PromoBody>,
    read::<json::PromoPatchBody>,
    read::<json::AllocationBody>,
    read::<json::GuestBody>,
    read::<json::GuestClaimBody>,
    read::<json::HandOverBody>,
    read::<json::WebhookBody>,
    read::<json::WebhookPatchBody>,
    read::<json::ReplayBody>,
    read::<json::ScanBody>,
    read::<json::OfflineBody>,
    read::<json::TransferBody>,
    read::<json::LoginBody>,
    read::<json::RegisterBody>,
    read::<json::ImportBody>,
    read::<json::AvailabilityBody>,
    read::<json::InviteBody>,
    read::<json::JoinBody>,
    read::<json::KeyBody>,
    read::<json::PerformerBody>,
    read::<json::PostponeBody>,
    read::<json::CancelBody>,
    read::<json::RoleBody>,
    read::<json::PasswordBody>,
    read::<json::EmailBody>,
    read::<json::ClaimBody>,
];

/// A body: its kind in the first byte.
#[must_use]
pub fn request_body(bytes: &[u8]) -> bool {
    let Some((kind, body)) = bytes.split_first() else { return false };
    BODIES[usize::from(*kind) % BODIES.len()](body)
}

/// A request's target in the first line, and its headers in the others.
#[must_use]
pub fn request_head(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let Some(uri) = lines.next().and_then(|line| Uri::try_from(line).ok()) else { return false };
    let mut request = Request::builder().uri(uri);
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(line[..colon].trim_ascii());
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            request = request.header(name, value);
        }
    }
    let Ok(request) = request.body(()) else { return false };
    let (parts, ()) = request.into_parts();
    let key = idempotency::key_of(&parts.headers);
    if let Ok(Some(key)) = key {
        assert!((1..=255).contains(&key.len()));
    }
    let _ = who::cookie(&parts.headers, "session");
    let Ok(query) = call::query(&parts, &["limit", "cursor", "q", "from", "to", "city"]) else { return false };
    key.is_ok() && call::freshness(&parts.headers, &query).is_ok()
}

/// Asserts that a text that is read is the one text of what was read.
fn same<T: ToString, E>(text: &str, read: impl Fn(&str) -> Result<T, E>) -> bool {
    let Ok(value) = read(text) else { return false };
    let again = read(&value.to_string()).map(|again| again.to_string());
    assert_eq!(again.ok(), Some(value.to_string()), "{text:?}");
    true
}

/// A text that names something: an id, a revision, a moment, an address.
#[must_use]
pub fn word(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let _ = (check::moment(text), check::moment_or_day(text), program::is_key(text), call::number::<u64>(text));
    let named = [
        same(text, EventId::parse),
        same(text, HoldId::parse),
        same(text, OrderId::parse),
        same(text, TicketId::parse),
        same(text, UserId::parse),
        same(text, VenueId::parse),
        same(text, PerformerId::parse),
        same(text, str::parse::<MediaHash>),
        same(text, |text| ChangeId::parse(text).ok_or(())),
        same(text, |text| Revision::parse(text).ok_or(())),
    ];
    let email = check::email(text);
    assert!(email.as_ref().is_none_or(|email| check::email(email).as_ref() == Some(email)), "{text:?}");
    named.contains(&true) || email.is_some() || Network::parse(text).is_some()
}

/// A text that only a holder of the secret can make: a cursor, or an access token.
#[must_use]
pub fn sealed(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    match text.strip_prefix("cursor ") {
        Some(cursor) => Cursors::new(&SECRET).open("events", cursor).is_some(),
        None => Tokens::new("arena", &SECRET).is_ok_and(|tokens| tokens.check(text, NOW_US).is_some()),
    }
}

/// Real bytes, by the function that reads them.
#[must_use]
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let bodies: [(u8, &str); 9] = [
        (0, r#"{"seats":[3,"A-1-2"],"expect_total":{"amount":5,"currency":"EUR"},"promo":"EARLY"}"#),
        (0, r#"{"areas":[{"area":"Floor","quantity":2}]}"#),
        (0, r#"{"best":{"quantity":2,"section":0,"max_price":5000,"split":true}}"#),
        (1, r#"{"name":"A","venue":"ven_1","starts_at":"2031-01-01T19:00:00Z","currency":"EUR","prices":{"Floor":1},"hold_ttl_s":480}"#),
        (2, r#"{"type":"tiers","tiers":[{"places":2,"price":1000},{"price":1500}]}"#),
        (2, r#"{"type":"demand","curve":[{"at":"2031-01-01T00:00:00Z","sold_bps":0}],"floor":800,"ceiling":2000,"step_max":50}"#),
        (3, r#"{"level":0,"policy":{"type":"fixed"},"reason":"enough"}"#),
        (5, r#"{"payment_method":"pm_test_ok"}"#),
        (23, r#"{"email":"ada@example.com","password":"correct horse battery"}"#),
    ];
    let mut all: Vec<(&'static str, Vec<u8>)> =
        bodies.iter().map(|(kind, body)| ("request_body", [&[*kind][..], body.as_bytes()].concat())).collect();
    let heads = [
        "/event?limit=5&consistency=linearizable\nIdempotency-Key: a-key\nX-Request-Id: 7",
        "/event/search/evening?q=a%20b&from=2031-01-01&min_index=3:81263\nCookie: session=abc; other=1",
        "/event/evt_00000000000000000000000000/seat?cursor=AAAA\nBoxoffice-Min-Revision: 3:81263,1:7\nIf-Match: \"3\"",
    ];
    all.extend(heads.map(|head| ("request_head", head.as_bytes().to_vec())));
    let event = EventId::new(1_790_000_000_000, boxoffice_ledger::ids::Slot::new(9), 1).to_string();
    let change = ChangeId { group: 3, index: 81_263, number: 7 }.to_string();
    for word in [event.as_str(), &change, "3:81263", "12:9:4", "ada@example.com", "10.0.0.0/8", "fe80::1/64"] {
        all.push(("word", word.as_bytes().to_vec()));
    }
    all.push(("sealed", format!("cursor {}", Cursors::new(&SECRET).seal("events", "5.0.evt_1")).into_bytes()));
    let caller = Caller { user: UserId::new(0, boxoffice_ledger::ids::Slot::new(3), 5), role: boxoffice_ledger::command::Role::Customer };
    let token = Tokens::new("arena", &SECRET).and_then(|tokens| tokens.issue(caller, std::time::Duration::from_secs(900), NOW_US));
    all.extend(token.map(|token| ("sealed", token.into_bytes())));
    all
}
