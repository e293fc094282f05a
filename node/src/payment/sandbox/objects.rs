//! Intents, refunds, disputes and events as Stripe's JSON.

use serde_json::{Value, json};

use super::books::Books;
use super::record::{Event, Intent, Refund, RefundStatus, Status};

/// The version of Stripe's API that the sandbox speaks.
pub const API_VERSION: &str = crate::payment::stripe::API_VERSION;

/// An intent. `site` is where the sandbox is reached.
pub fn intent(books: &Books, site: &str, intent: &Intent, expand_charge: bool) -> Value {
    let reserved = if intent.status == Status::RequiresCapture { intent.amount } else { 0 };
    let next_action = (intent.status == Status::RequiresAction).then(|| {
        let url = format!("{site}/sandbox/action/{}", intent.id);
        json!({"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": intent.return_url}})
    });
    let latest_charge = match intent.authorized {
        0 => Value::Null,
        _ if expand_charge => charge(books, intent),
        _ => charge_id(&intent.id).into(),
    };
    json!({
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": reserved,
        "amount_received": intent.captured,
        "cancellation_reason": intent.cancellation,
        "capture_method": if intent.manual { "manual" } else { "automatic" },
        "confirmation_method": "automatic",
        "created": intent.created_ms / 1000,
        "currency": intent.currency,
        "last_payment_error": refusal(intent),
        "latest_charge": latest_charge,
        "livemode": false,
        "metadata": intent.metadata,
        "next_action": next_action,
        "payment_method": intent.method,
        "status": intent.status.name(),
    })
}

fn charge(books: &Books, intent: &Intent) -> Value {
    let (done, pending) = books.refunded(&intent.id);
    json!({
        "id": charge_id(&intent.id),
        "object": "charge",
        "amount": intent.amount,
        "amount_captured": intent.captured,
        "amount_refunded": done + pending,
        "captured": intent.captured > 0,
        "currency": intent.currency,
        "disputed": intent.disputed,
        "payment_intent": intent.id,
        "refunded": intent.captured > 0 && done + pending == intent.captured,
    })
}

fn charge_id(intent: &str) -> String {
    format!("ch_{}", intent.trim_start_matches("pi_"))
}

fn refusal(intent: &Intent) -> Value {
    match &intent.refusal {
        Some((code, decline_code)) => {
            json!({"type": "card_error", "code": code, "decline_code": decline_code, "message": "Your card was declined."})
        }
        None => Value::Null,
    }
}

/// A refund.
pub fn refund(refund: &Refund) -> Value {
    let (status, reason) = match refund.status {
        RefundStatus::Pending => ("pending", Value::Null),
        RefundStatus::Succeeded => ("succeeded", Value::Null),
        RefundStatus::Failed => ("failed", "expired_or_canceled_card".into()),
    };
    json!({
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "charge": charge_id(&refund.intent),
        "created": refund.created_ms / 1000,
        "currency": refund.currency,
        "failure_reason": reason,
        "metadata": refund.metadata,
        "payment_intent": refund.intent,
        "status": status,
    })
}

/// The dispute of an intent; there is at most one.
pub fn dispute(intent: &Intent, now_ms: u64) -> Value {
    json!({
        "id": format!("dp_{}", intent.id.trim_start_matches("pi_")),
        "object": "dispute",
        "amount": intent.captured,
        "charge": charge_id(&intent.id),
        "created": now_ms / 1000,
        "currency": intent.currency,
        "metadata": {},
        "payment_intent": intent.id,
        "reason": "fraudulent",
        "status": "needs_response",
    })
}

/// An event.
pub fn event(event: &Event) -> Value {
    json!({
        "id": event.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": event.created_ms / 1000,
        "data": {"object": event.object},
        "livemode": false,
        "pending_webhooks": event.delivery.copies,
        "type": event.kind,
    })
}

/// A page of a list.
pub fn list(path: &str, data: Vec<Value>, has_more: bool) -> Value {
    json!({"object": "list", "url": path, "data": data, "has_more": has_more})
}
