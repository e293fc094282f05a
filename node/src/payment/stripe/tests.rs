//! What answers mean. The adapter against a real sandbox is tested over sockets, in `tests/it`.

use serde_json::{Value, json};

use super::reading::{is_reference, refund_standing, standing};
use super::wire::{Answer, sort};
use crate::payment::{RefundStanding, Standing};

fn intent(status: &str, more: Value) -> Value {
    let mut value = json!({"id": "pi_1", "status": status});
    more.as_object().into_iter().flatten().for_each(|(name, inner)| value[name] = inner.clone());
    value
}

#[test]
fn every_status_has_a_meaning() {
    let action = json!({"next_action": {"redirect_to_url": {"url": "https://bank/1"}}});
    let declined = json!({"last_payment_error": {"code": "card_declined", "decline_code": "insufficient_funds"}});
    let captured = json!({"amount_received": 900, "latest_charge": {"amount_refunded": 300}});
    let table = [
        ("requires_action", action, Some(Standing::RequiresAction { url: "https://bank/1".into() })),
        ("processing", json!({}), Some(Standing::Processing)),
        ("requires_capture", json!({"amount_capturable": 900}), Some(Standing::Authorized { amount: 900 })),
        ("succeeded", captured, Some(Standing::Captured { amount: 900, refunded: 300 })),
        ("succeeded", json!({"amount_received": 900, "latest_charge": "ch_1"}), Some(Standing::Captured { amount: 900, refunded: 0 })),
        ("canceled", json!({}), Some(Standing::Cancelled)),
        ("requires_payment_method", declined, Some(Standing::Declined { code: "insufficient_funds".into() })),
        ("requires_payment_method", json!({}), Some(Standing::Declined { code: "requires_payment_method".into() })),
        ("of_tomorrow", json!({}), None),
    ];
    for (status, more, meaning) in table {
        assert_eq!(standing(&intent(status, more)), meaning, "{status}");
    }
    assert_eq!(standing(&json!({})), None);
}

#[test]
fn every_refund_status_has_a_meaning() {
    let failed = json!({"status": "failed", "failure_reason": "lost_or_stolen_card"});
    assert_eq!(refund_standing(&json!({"status": "succeeded"})), RefundStanding::Done);
    assert_eq!(refund_standing(&failed), RefundStanding::Failed { code: "lost_or_stolen_card".into() });
    assert_eq!(refund_standing(&json!({"status": "canceled"})), RefundStanding::Failed { code: "canceled".into() });
    assert_eq!(refund_standing(&json!({"status": "requires_action"})), RefundStanding::Pending);
    assert_eq!(refund_standing(&json!({})), RefundStanding::Pending);
}

#[test]
fn only_an_answer_about_the_matter_is_one() {
    let error = |kind: &str| json!({"error": {"type": kind, "code": "some_code"}});
    for (status, body) in [
        (500, error("api_error")),
        (503, Value::Null),
        (429, error("invalid_request_error")),
        (409, error("idempotency_error")),
        (401, error("invalid_request_error")),
        (403, error("invalid_request_error")),
        (200, Value::Null),
        (200, json!([1])),
        (302, json!({})),
        (400, Value::Null),
    ] {
        assert!(sort(status, false, body.clone()).is_err(), "{status} {body}");
    }
    assert!(matches!(sort(400, false, error("idempotency_error")), Ok(Answer::KeyReused)));
    assert!(matches!(sort(402, false, error("card_error")), Ok(Answer::Refused { code, object: None, .. }) if code == "some_code"));
    assert!(matches!(sort(404, false, error("invalid_request_error")), Ok(Answer::Refused { .. })));
    assert!(matches!(sort(200, true, json!({"id": "pi_1"})), Ok(Answer::Object { replayed: true, .. })));
}

#[test]
fn what_could_leave_its_place_in_a_path_is_no_reference() {
    assert!(is_reference("pi_3MtwBwLkdIwHu7ix28a3tqPa"));
    for bad in ["", "pi_1/capture", "../refunds", "pi_1?x", "pi 1", "pi_ü", &"a".repeat(256)] {
        assert!(!is_reference(bad), "{bad}");
    }
}
