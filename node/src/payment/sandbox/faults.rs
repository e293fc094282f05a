//! Faults by chance, for campaigns: each rate is drawn from the seed, the request's key and how often that key has come, so that the
//! same campaign meets the same faults however its requests are interleaved.

use serde::{Deserialize, Serialize};

use super::methods::Quirk;

/// Rates between 0 and 1. Everything is off by default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Where the draws begin.
    pub seed: u64,
    /// Done, but the connection is dropped without an answer.
    pub lost_answer: f64,
    /// Not done, and the connection is dropped without an answer.
    pub lost_request: f64,
    /// Not done; the answer is 503.
    pub down: f64,
    /// Done, but the answer comes after `slow_ms`.
    pub slow: f64,
    /// How long slow answers take, in milliseconds.
    pub slow_ms: u64,
    /// A method that would pay is declined.
    pub decline: f64,
    /// See [`Quirk::Processing`].
    pub processing: f64,
    /// See [`Quirk::CaptureFails`].
    pub capture_fails: f64,
    /// See [`Quirk::Dispute`].
    pub dispute: f64,
    /// See [`Quirk::RefundFails`].
    pub refund_fails: f64,
    /// See [`Quirk::RefundPending`].
    pub refund_pending: f64,
    /// See [`Quirk::DuplicateWebhook`].
    pub duplicate_webhook: f64,
    /// See [`Quirk::LateWebhook`].
    pub late_webhook: f64,
    /// See [`Quirk::OutOfOrderWebhook`].
    pub out_of_order_webhook: f64,
    /// See [`Quirk::LostWebhook`].
    pub lost_webhook: f64,
}

impl Faults {
    /// The rates by name.
    fn rates(&self) -> [(&'static str, f64); 14] {
        [
            ("lost_answer", self.lost_answer),
            ("lost_request", self.lost_request),
            ("down", self.down),
            ("slow", self.slow),
            ("decline", self.decline),
            ("processing", self.processing),
            ("capture_fails", self.capture_fails),
            ("dispute", self.dispute),
            ("refund_fails", self.refund_fails),
            ("refund_pending", self.refund_pending),
            ("duplicate_webhook", self.duplicate_webhook),
            ("late_webhook", self.late_webhook),
            ("out_of_order_webhook", self.out_of_order_webhook),
            ("lost_webhook", self.lost_webhook),
        ]
    }

    /// The first rate that is none.
    pub fn mistake(&self) -> Option<&'static str> {
        self.rates().into_iter().find(|(_, rate)| !(0.0..=1.0).contains(rate)).map(|(name, _)| name)
    }

    /// Whether the fault `name` strikes the request with this key, coming for the `nth` time.
    pub fn strikes(&self, name: &str, key: &str, nth: u32) -> bool {
        let Some((_, rate)) = self.rates().into_iter().find(|(known, rate)| *known == name && *rate > 0.0) else { return false };
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes()).update(&nth.to_le_bytes());
        hasher.update(name.as_bytes()).update(b"\0").update(key.as_bytes());
        let mut draw = [0; 4];
        hasher.finalize_xof().fill(&mut draw);
        f64::from(u32::from_le_bytes(draw)) < rate * 4_294_967_296.0
    }

    /// What goes wrong with a payment that is created under this key.
    pub fn quirks(&self, key: &str) -> Vec<Quirk> {
        let all = [
            ("processing", Quirk::Processing),
            ("capture_fails", Quirk::CaptureFails),
            ("dispute", Quirk::Dispute),
            ("refund_fails", Quirk::RefundFails),
            ("refund_pending", Quirk::RefundPending),
            ("duplicate_webhook", Quirk::DuplicateWebhook),
            ("late_webhook", Quirk::LateWebhook),
            ("out_of_order_webhook", Quirk::OutOfOrderWebhook),
            ("lost_webhook", Quirk::LostWebhook),
        ];
        all.into_iter().filter(|(name, _)| self.strikes(name, key, 0)).map(|(_, quirk)| quirk).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(seed: u64, rate: f64) -> Vec<usize> {
        let faults = Faults { seed, lost_answer: rate, ..Faults::default() };
        (0..10_000).filter(|number| faults.strikes("lost_answer", &format!("key {number}"), 0)).collect()
    }

    #[test]
    fn a_rate_is_met_and_a_seed_repeats() {
        let first = struck(7, 0.1);
        assert!((800..1200).contains(&first.len()), "{}", first.len());
        assert_eq!(first, struck(7, 0.1));
        assert_ne!(first, struck(8, 0.1));
        assert!(struck(7, 0.0).is_empty());
        assert_eq!(struck(7, 1.0).len(), 10_000);
    }

    #[test]
    fn a_request_that_comes_again_is_drawn_again() {
        let faults = Faults { lost_answer: 0.5, ..Faults::default() };
        let draws: Vec<bool> = (0..64).map(|nth| faults.strikes("lost_answer", "key", nth)).collect();
        assert!(draws.contains(&true) && draws.contains(&false));
    }

    #[test]
    fn what_is_no_rate_is_named() {
        assert_eq!(Faults { down: 1.5, ..Faults::default() }.mistake(), Some("down"));
        assert_eq!(Faults { slow: f64::NAN, ..Faults::default() }.mistake(), Some("slow"));
        assert_eq!(Faults::default().mistake(), None);
    }
}
