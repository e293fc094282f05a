//! The JSON of the edge: shared parts. Request bodies are in `request`, answers in the other modules; the ledger's own
//! types are never serialised.

mod availability;
mod backup;
mod cart;
mod catalog;
mod identity;
mod import;
mod inspection;
mod linked;
mod local;
mod media;
mod member;
mod money;
mod named;
mod node;
mod price;
mod promo;
mod request;
mod sale;
mod search;
mod ticket;
mod webhook;

use std::fmt;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use boxoffice_ledger::command::{Event, EventStatus, Role};
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::outcome::{AttemptState, HoldState, OrderState, SaleState, SeatState};
use boxoffice_ledger::plan::{AreaIndex, SeatIndex};
use boxoffice_ledger::time::Timestamp;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::backend::{Reach, Read, Revision, Written};
use crate::layout::Offer;

pub use availability::{AvailabilityBody, AvailabilityOut};
pub use backup::{BackupOut, BackupStatusOut};
pub use cart::{CartBody, CartOut, cart_value};
pub use catalog::{
    BlockOut, EventOut, Expand, PerformerOut, SaleMovedOut, VenueOut, VenuePlanOut, WarningOut, layout_bytes, layout_schema,
};
pub use identity::{
    AccountOut, AuditOut, ClaimBody, ClaimOut, EmailBody, EmailChangeOut, EmailConfirmBody, KeyBody, KeyOut, LoginBody, PasswordBody,
    PasswordResetOut, RefreshBody, RegisterBody, ResetBody, ResetConfirmBody, RoleBody, SessionEntryOut, SessionOut, SigningKeyOut,
};
pub use import::{ImportBody, ImportEventBody, ImportOut, ImportVenueBody};
pub use inspection::{GroupCheckOut, LogOut};
#[cfg(feature = "client")]
pub use inspection::{check_value, entry_value};
pub use linked::linked_data;
pub use local::LocalTime;
pub use media::{ImageOut, MediaOut};
pub use member::{
    ADDRESS_BYTES_MAX, InvitationOut, InviteBody, JoinBody, LeaderBody, LeaderOut, MemberOut, MembershipOut, TTL_DEFAULT_S, TTL_MAX_S,
    member_state,
};
pub use money::{AttemptOut, DisputeOut, PaymentOut, PolicyOut, RefundOut, SaleStatusOut};
pub use named::{Named, PublicSeatState, PublicStatus, TextForm};
pub use node::{DigestOut, HealthOut, KeySetOut, NodeOut, ReadyOut};
pub use price::{COURSE_MAX, PriceChangeOut, PricePatchBody, PricePolicyBody, PricePreviewBody, PricePreviewOut, PricesOut, price_cause};
pub use promo::{
    AllocationBody, AllocationOut, GuestBody, GuestClaimBody, GuestLinkBody, HandOverBody, HandOverOut, PromoBody, PromoOut,
    PromoPatchBody, promo_reason,
};
pub use request::{
    AreaRef, BestBody, BlockBody, CancelBody, EventBody, EventPatchBody, HoldBody, PayBody, PerformerBody, PlacesBody, PolicyBody,
    PostponeBody, PricesBody, RefundBody, SeatRef, TicketRefundBody, TotalBody, VenueBody, parse,
};
pub use sale::{AreaOut, HoldOut, OrderOut, OrderRecordOut, SeatOut, TicketOut};
pub use search::{SearchOut, SuggestionOut, availability, facet_name, suggestion_kind};
pub use ticket::{
    EntryBody, EntryOut, EventTicketOut, GateOut, KeysOut, NONCE_BYTES_MAX, OfflineBody, ReportOut, SCANS_MAX, ScanBody, ScanOut,
    TransferBody, TransferOut, UploadedOut, direction_of, scan_reason, ticket_state, ticket_state_of,
};
pub use webhook::{DeliveryOut, ReplayBody, ReplayedOut, WebhookBody, WebhookOut, WebhookPatchBody};

/// Header of the revision that an answer reflects.
pub const REVISION: HeaderName = HeaderName::from_static("boxoffice-revision");
/// Header of the age of a read, in milliseconds.
pub const AGE_MS: HeaderName = HeaderName::from_static("boxoffice-age-ms");
/// Header that marks the first outcome of an earlier request with the same key.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Room for the headers of most answers, so that their table is made once.
pub const HEADERS_USUAL: usize = 12;

/// Anything in its text form.
pub struct Text<T>(pub T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A moment in RFC 3339, UTC.
#[derive(Clone, Copy)]
pub struct Rfc3339(pub Timestamp);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = i64::try_from(self.0.0).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_microsecond(micros) {
            Ok(at) => at.fmt(f),
            Err(_) => f.write_str("9999-12-31T23:59:59Z"),
        }
    }
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An amount with its currency.
#[derive(Serialize, JsonSchema)]
pub struct MoneyOut {
    /// Minor units.
    pub amount: u64,
    /// ISO 4217.
    pub currency: Text<Code>,
}

/// A currency's code.
pub struct Code(Currency);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code())
    }
}

/// A money object.
#[must_use]
pub fn money(amount: u64, currency: Currency) -> MoneyOut {
    MoneyOut { amount, currency: Text(Code(currency)) }
}

/// A money object as a value.
#[must_use]
pub fn money_value(amount: u64, currency: Currency) -> Value {
    json!({"amount": amount, "currency": currency.code()})
}

/// A page of a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ListOf{T}")]
pub struct ListOut<T> {
    #[schemars(extend("const" = "list"))]
    object: &'static str,
    data: Vec<T>,
    has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    complete: Option<bool>,
}

/// A list with where it goes on.
pub fn list<T>(data: Vec<T>, next: Option<String>) -> ListOut<T> {
    ListOut { object: "list", data, has_more: next.is_some(), next_cursor: next, complete: None }
}

impl<T> ListOut<T> {
    /// With whether everything that should be in it could be asked for.
    #[must_use]
    pub fn complete(mut self, complete: bool) -> Self {
        self.complete = Some(complete);
        self
    }

    /// Where it goes on.
    #[must_use]
    pub fn next_cursor(&self) -> Option<&str> {
        self.next_cursor.as_deref()
    }
}

/// An answer of JSON.
pub fn answer<T: Serialize>(status: StatusCode, value: &T) -> Response<Body> {
    let mut bytes = Vec::with_capacity(512);
    if let Err(error) = serde_json::to_writer(&mut bytes, value) {
        tracing::error!(%error, "an answer could not be serialised");
    }
    answer_bytes(status, bytes.into())
}

/// An answer of JSON that is written already.
pub fn answer_bytes(status: StatusCode, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().reserve(HEADERS_USUAL);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer to a read, with revision and age.
pub fn read<T, O: Serialize>(read: &Read<T>, value: &O) -> Response<Body> {
    let mut response = answer(StatusCode::OK, value);
    put_read(response.headers_mut(), read.revision, read.age_ms);
    response
}

/// An answer to a write, with revision and whether it is a replay.
pub fn written<T, O: Serialize>(status: StatusCode, written: &Written<T>, value: &O) -> Response<Body> {
    let mut response = answer(status, value);
    put_written(response.headers_mut(), written);
    response
}

/// An answer without a body.
pub fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// An answer to a write that has nothing to show, with revision and whether it is a replay.
pub fn done<T>(written: &Written<T>) -> Response<Body> {
    let mut response = no_content();
    put_written(response.headers_mut(), written);
    response
}

/// Headers of a write.
pub fn put_written<T>(headers: &mut HeaderMap, written: &Written<T>) {
    put_revision(headers, written.revision);
    if written.replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
}

/// Headers of a read.
pub fn put_read(headers: &mut HeaderMap, revision: Revision, age_ms: u64) {
    put_revision(headers, revision);
    headers.insert(AGE_MS, HeaderValue::from(age_ms));
}

/// Headers of a read of two groups.
pub fn put_reach(headers: &mut HeaderMap, reach: Reach) {
    if let Ok(value) = HeaderValue::try_from(format!("{},{}", reach.catalog, reach.sale)) {
        headers.insert(REVISION, value);
    }
    headers.insert(AGE_MS, HeaderValue::from(reach.age_ms));
}

/// The header of a revision.
pub fn put_revision(headers: &mut HeaderMap, revision: Revision) {
    if let Ok(value) = HeaderValue::try_from(revision.to_string()) {
        headers.insert(REVISION, value);
    }
}

/// The header of where a new object is.
pub fn put_location(response: &mut Response<Body>, location: &str) {
    if let Ok(value) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
}

/// A seat by index and label, as a value for problems.
#[must_use]
pub fn seat_value(seat: SeatIndex, offer: Option<&Offer>) -> Value {
    match offer.and_then(|offer| offer.layout.place(seat)) {
        Some(place) => json!({
            "index": seat.0, "seat": place.label(), "section": place.section.name, "row": place.row.name, "name": place.seat.name,
        }),
        None => json!({"index": seat.0}),
    }
}

/// An area by index and name with a count, as a value for problems.
#[must_use]
pub fn area_value(area: AreaIndex, offer: Option<&Offer>, count_name: &str, count: u32) -> Value {
    let mut value = json!({"index": area.0, count_name: count});
    if let Some(found) = offer.and_then(|offer| offer.layout.plan().areas.get(usize::from(area.0))) {
        value["area"] = found.name.as_str().into();
    }
    value
}

/// Name of a seat's state. Pinned seats count as held, killed ones as blocked.
#[must_use]
pub fn seat_state(state: SeatState) -> &'static str {
    STATE_NAMES[usize::from(state.two_bits())]
}

/// Names of the four states that the public sees, by their two bits.
pub const STATE_NAMES: [&str; 4] = ["available", "held", "sold", "blocked"];

/// Name of a sale's state.
#[must_use]
pub fn sale_state(state: SaleState) -> &'static str {
    match state {
        SaleState::Published => "published",
        SaleState::OnSale => "on_sale",
        SaleState::Paused => "paused",
        SaleState::Closed => "closed",
        SaleState::Cancelled => "cancelled",
    }
}

/// Name of a hold's state.
#[must_use]
pub fn hold_state(state: HoldState) -> &'static str {
    match state {
        HoldState::Active => "active",
        HoldState::Paying => "paying",
        HoldState::Converted => "converted",
        HoldState::Released => "released",
        HoldState::Expired => "expired",
        HoldState::Revoked => "revoked",
    }
}

/// Name of an order's state.
#[must_use]
pub fn order_state(state: OrderState) -> &'static str {
    match state {
        OrderState::AwaitingPayment => "awaiting_payment",
        OrderState::Confirmed => "confirmed",
        OrderState::PartRefunded => "part_refunded",
        OrderState::Refunded => "refunded",
        OrderState::Failed => "failed",
        OrderState::Cancelled => "cancelled",
    }
}

/// Name of a payment attempt's state.
#[must_use]
pub fn attempt_state(state: AttemptState) -> &'static str {
    match state {
        AttemptState::Created => "created",
        AttemptState::Unknown => "unknown",
        AttemptState::Authorized => "authorized",
        AttemptState::Captured => "captured",
        AttemptState::Failed => "failed",
        AttemptState::RequiresAction => "requires_action",
        AttemptState::Cancelling => "cancelling",
        AttemptState::Voided => "voided",
        AttemptState::CaptureFailed => "capture_failed",
    }
}

/// Name of an event's status as the public sees it.
#[must_use]
pub fn public_status(event: &Event) -> &'static str {
    match event.status {
        EventStatus::Published if event.previous_start.is_some() => POSTPONED,
        status => event_status(status),
    }
}

/// Name of the status of a published event that has another start than it once had.
pub const POSTPONED: &str = "postponed";

/// Name of an event's status.
#[must_use]
pub fn event_status(status: EventStatus) -> &'static str {
    match status {
        EventStatus::Draft => "draft",
        EventStatus::Published => "published",
        EventStatus::Cancelled => "cancelled",
    }
}

/// Name of a role.
#[must_use]
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Guest => "guest",
        Role::Customer => "customer",
        Role::Gate => "gate",
        Role::Coordinator => "coordinator",
        Role::Operator => "operator",
        Role::Admin => "admin",
    }
}
