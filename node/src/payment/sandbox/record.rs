//! What the sandbox provider remembers, as it stands in its journal: whole objects after each change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::faults::Faults;
use super::methods::Quirk;

/// One change of the provider's books. A journal line holds all changes of one request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// An intent as it is now.
    Intent(Intent),
    /// A refund as it is now.
    Refund(Refund),
    /// An event that happened.
    Event(Event),
    /// How far the delivery of an event is.
    Delivery(Delivery),
    /// The first answer under an idempotency key.
    Key(Key),
    /// The faults that are switched on.
    Faults(Faults),
}

/// Where an intent stands. The names are Stripe's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// No method, or the last one was declined.
    RequiresPaymentMethod,
    /// Created, not confirmed.
    RequiresConfirmation,
    /// The buyer has to accept or decline on our page.
    RequiresAction,
    /// Not decided yet.
    Processing,
    /// Reserved.
    RequiresCapture,
    /// Captured.
    Succeeded,
    /// Cancelled.
    Canceled,
}

impl Status {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

/// A payment intent. Amounts are in minor units.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Intent {
    /// `pi_...`.
    pub id: String,
    /// Its place in the order of creation.
    pub seq: u64,
    /// When it was created, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// What is to be paid.
    pub amount: u64,
    /// ISO 4217 in lower case.
    pub currency: String,
    /// Whether an authorization waits for a capture.
    pub manual: bool,
    /// The token of the payment method, if there is one.
    pub method: Option<String>,
    /// The caller's own words.
    pub metadata: BTreeMap<String, String>,
    /// Where the buyer goes after our page.
    pub return_url: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// What was ever reserved.
    pub authorized: u64,
    /// What was taken.
    pub captured: u64,
    /// Code and decline code of the last refusal.
    pub refusal: Option<(String, String)>,
    /// Why it was cancelled.
    pub cancellation: Option<String>,
    /// Whether the buyer's bank took the money back for now.
    pub disputed: bool,
    /// What goes wrong with it.
    pub quirks: Vec<Quirk>,
    /// When `processing` ends, in milliseconds since the Unix epoch.
    pub settles_ms: Option<u64>,
}

/// Where a refund stands. The names are Stripe's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// On its way.
    Pending,
    /// Given back.
    Succeeded,
    /// Did not happen.
    Failed,
}

/// Money given back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refund {
    /// `re_...`.
    pub id: String,
    /// Its place in the order of creation.
    pub seq: u64,
    /// When it was created, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// The intent it belongs to.
    pub intent: String,
    /// How much, in minor units.
    pub amount: u64,
    /// ISO 4217 in lower case.
    pub currency: String,
    /// The caller's own words.
    pub metadata: BTreeMap<String, String>,
    /// Where it stands.
    pub status: RefundStatus,
    /// When `pending` ends, in milliseconds since the Unix epoch.
    pub settles_ms: Option<u64>,
}

/// An event, as it is sent to webhooks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// `evt_...`.
    pub id: String,
    /// Its place in the order of events.
    pub seq: u64,
    /// When it happened, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// Such as `payment_intent.succeeded`.
    pub kind: String,
    /// The object after the event.
    pub object: Value,
    /// Its delivery.
    pub delivery: Delivery,
}

/// How far the delivery of an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The event.
    pub seq: u64,
    /// How many times it is still to be delivered; 0 = done.
    pub copies: u32,
    /// How many tries failed in a row.
    pub failures: u32,
    /// When it is tried next, in milliseconds since the Unix epoch.
    pub due_ms: u64,
}

/// The first answer under an idempotency key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Key {
    /// The key.
    pub key: String,
    /// Hash of path and parameters.
    pub fingerprint: String,
    /// When it came, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Status of the answer.
    pub status: u16,
    /// Body of the answer.
    pub body: String,
}
