//! The test payment methods: tokens whose names say what happens to a payment. No card numbers anywhere.

use serde::{Deserialize, Serialize};

/// What becomes of a confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The money is reserved.
    Pays,
    /// Refused, with this decline code.
    Declined(&'static str),
    /// The buyer has to accept first.
    Action,
}

/// What goes wrong with a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    /// The answer to the creation comes after 30 s.
    SlowAnswer,
    /// The answer to the creation never comes.
    LostAnswer,
    /// It is `processing` for some seconds first.
    Processing,
    /// The capture fails for good.
    CaptureFails,
    /// The buyer's bank disputes it after the capture.
    Dispute,
    /// Refunds fail.
    RefundFails,
    /// Refunds are `pending` for some seconds first.
    RefundPending,
    /// Each event is delivered twice.
    DuplicateWebhook,
    /// Each event is delivered late.
    LateWebhook,
    /// The first event is delivered after the following ones.
    OutOfOrderWebhook,
    /// No event is delivered.
    LostWebhook,
}

/// A test payment method.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// What a client pays with.
    pub token: &'static str,
    /// What happens, for people.
    pub note: &'static str,
    /// What becomes of a confirmation.
    pub fate: Fate,
    /// What goes wrong besides.
    pub quirk: Option<Quirk>,
}

const fn pays(token: &'static str, note: &'static str, quirk: Option<Quirk>) -> Method {
    Method { token, note, fate: Fate::Pays, quirk }
}

const fn refused(token: &'static str, note: &'static str, code: &'static str) -> Method {
    Method { token, note, fate: Fate::Declined(code), quirk: None }
}

/// All of them; the `pm_card_` ones have the names that Stripe gives them.
pub const METHODS: [Method; 20] = [
    pays("pm_test_ok", "pays", None),
    pays("pm_card_visa", "pays", None),
    refused("pm_test_declined", "is declined", "generic_decline"),
    refused("pm_card_chargeDeclined", "is declined", "generic_decline"),
    refused("pm_test_insufficient_funds", "is declined for lack of funds", "insufficient_funds"),
    refused("pm_card_chargeDeclinedInsufficientFunds", "is declined for lack of funds", "insufficient_funds"),
    Method { token: "pm_test_3ds", note: "pays once the buyer accepts on the provider's page", fate: Fate::Action, quirk: None },
    Method { token: "pm_card_authenticationRequired", note: "the same", fate: Fate::Action, quirk: None },
    pays("pm_test_slow", "pays, but the answer takes 30 s", Some(Quirk::SlowAnswer)),
    pays("pm_test_lost_answer", "pays, but the answer is lost", Some(Quirk::LostAnswer)),
    pays("pm_test_processing", "pays after being undecided for 2 s", Some(Quirk::Processing)),
    pays("pm_test_capture_fails", "is reserved, but cannot be captured", Some(Quirk::CaptureFails)),
    pays("pm_test_dispute", "pays, and is disputed after the capture", Some(Quirk::Dispute)),
    pays("pm_test_refund_fails", "pays, and cannot be given back", Some(Quirk::RefundFails)),
    pays("pm_test_refund_pending", "pays; giving back takes 2 s", Some(Quirk::RefundPending)),
    pays("pm_test_duplicate_webhook", "pays, and every event is sent twice", Some(Quirk::DuplicateWebhook)),
    pays("pm_test_late_webhook", "pays, and every event is sent 20 s late", Some(Quirk::LateWebhook)),
    pays("pm_test_out_of_order_webhook", "pays, and the first event is sent after the second", Some(Quirk::OutOfOrderWebhook)),
    pays("pm_test_lost_webhook", "pays, and no event is sent", Some(Quirk::LostWebhook)),
    refused("pm_test_expired_card", "is declined: the card has expired", "expired_card"),
];

/// The method behind a token.
pub fn find(token: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.token == token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_distinct() {
        for (place, method) in METHODS.iter().enumerate() {
            assert!(METHODS[..place].iter().all(|other| other.token != method.token), "{}", method.token);
        }
    }
}
