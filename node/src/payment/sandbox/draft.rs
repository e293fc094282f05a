//! The changes of one request, collected before they are written down all at once.

use serde_json::Value;

use super::books::Books;
use super::methods::Quirk;
use super::objects;
use super::record::{Delivery, Event, Intent, Record, Refund, Status};
use crate::mint;

/// How late a late event is sent, in milliseconds.
const LATE_MS: u64 = 20_000;

/// How much later than the next one the first event is sent when they are out of order, in milliseconds.
const OUT_OF_ORDER_MS: u64 = 3_000;

/// What happens to the answer of a request that was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It is sent.
    Answer,
    /// It is sent this many milliseconds later.
    Slow(u64),
    /// The connection is dropped instead.
    Lost,
}

/// See the module.
pub struct Draft<'a> {
    /// The books as they were before the request.
    pub books: &'a Books,
    /// Where the sandbox is reached, without a slash at the end.
    pub site: &'a str,
    /// Now, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// The changes so far.
    pub records: Vec<Record>,
    /// What happens to the answer.
    pub after: After,
    next: u64,
}

impl<'a> Draft<'a> {
    /// Nothing is changed yet.
    pub fn new(books: &'a Books, site: &'a str, now_ms: u64) -> Self {
        Self { books, site, now_ms, records: Vec::new(), after: After::Answer, next: books.next_seq() }
    }

    /// The next number in the order of everything.
    pub fn seq(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// A new id with this prefix.
    pub fn id(prefix: &str) -> String {
        format!("{prefix}_{:032x}", mint::entropy())
    }

    /// Writes an intent down and tells of it; gives its JSON.
    pub fn put_intent(&mut self, intent: &Intent, kind: &str) -> Value {
        let object = objects::intent(self.books, self.site, intent, true);
        self.records.push(Record::Intent(intent.clone()));
        self.tell(kind, &intent.quirks, object.clone());
        object
    }

    /// Writes a refund down and tells of it; gives its JSON.
    pub fn put_refund(&mut self, refund: &Refund, quirks: &[Quirk], kind: &str) -> Value {
        let object = objects::refund(refund);
        self.records.push(Record::Refund(refund.clone()));
        self.tell(kind, quirks, object.clone());
        object
    }

    /// Tells the webhooks of something.
    pub fn tell(&mut self, kind: &str, quirks: &[Quirk], object: Value) {
        let has = |quirk: Quirk| quirks.contains(&quirk);
        let copies = if has(Quirk::LostWebhook) { 0 } else { 1 + u32::from(has(Quirk::DuplicateWebhook)) };
        let is_first = kind == Status::RequiresCapture.event();
        let late = if has(Quirk::LateWebhook) { LATE_MS } else { 0 };
        let behind = if has(Quirk::OutOfOrderWebhook) && is_first { OUT_OF_ORDER_MS } else { 0 };
        let seq = self.seq();
        self.records.push(Record::Event(Event {
            id: Self::id("evt"),
            seq,
            created_ms: self.now_ms,
            kind: kind.to_owned(),
            object,
            delivery: Delivery { seq, copies, failures: 0, due_ms: self.now_ms + late + behind },
        }));
    }
}

impl Status {
    /// The event that tells of an intent that got here.
    pub fn event(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "payment_intent.payment_failed",
            Self::RequiresConfirmation => "payment_intent.created",
            Self::RequiresAction => "payment_intent.requires_action",
            Self::Processing => "payment_intent.processing",
            Self::RequiresCapture => "payment_intent.amount_capturable_updated",
            Self::Succeeded => "payment_intent.succeeded",
            Self::Canceled => "payment_intent.canceled",
        }
    }
}
