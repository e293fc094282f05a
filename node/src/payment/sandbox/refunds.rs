//! What happens to refunds.

use serde_json::Value;

use super::draft::Draft;
use super::form::Form;
use super::methods::Quirk;
use super::record::{Refund, RefundStatus, Status};
use super::trouble::Trouble;

/// How long `pending` takes, in milliseconds.
const PENDING_MS: u64 = 2_000;

/// `POST /v1/refunds`.
///
/// # Errors
/// What Stripe refuses too.
pub fn create(draft: &mut Draft<'_>, form: &Form) -> Result<Value, Trouble> {
    form.only(&["payment_intent", "amount", "reason"])?;
    let id = form.need("payment_intent")?;
    let intent = draft.books.intent(id).ok_or_else(|| Trouble::missing("payment_intent", id))?;
    if intent.status != Status::Succeeded {
        return Err(Trouble::invalid("payment_intent_unexpected_state", "This PaymentIntent does not have a successful charge to refund."));
    }
    let (done, pending) = draft.books.refunded(id);
    let left = intent.captured - (done + pending).min(intent.captured);
    let amount = form.amount("amount")?.unwrap_or(left);
    if left == 0 {
        return Err(Trouble::invalid("charge_already_refunded", "The charge has already been refunded."));
    }
    if amount > left {
        return Err(Trouble::invalid("amount_too_large", "The refund is greater than what is left of the charge.").about("amount"));
    }
    let has = |quirk: Quirk| intent.quirks.contains(&quirk);
    let (status, settles_ms, kind) = if has(Quirk::RefundFails) {
        (RefundStatus::Failed, None, "refund.failed")
    } else if has(Quirk::RefundPending) {
        (RefundStatus::Pending, Some(draft.now_ms + PENDING_MS), "refund.created")
    } else {
        (RefundStatus::Succeeded, None, "refund.created")
    };
    let seq = draft.seq();
    let refund = Refund {
        id: Draft::id("re"),
        seq,
        created_ms: draft.now_ms,
        intent: intent.id.clone(),
        amount,
        currency: intent.currency.clone(),
        metadata: form.metadata(),
        status,
        settles_ms,
    };
    Ok(draft.put_refund(&refund, &intent.quirks, kind))
}

/// Decides a refund that was `pending`.
pub fn settle(draft: &mut Draft<'_>, id: &str) {
    if let Some(mut refund) = draft.books.refund(id).filter(|refund| refund.status == RefundStatus::Pending).cloned() {
        refund.status = RefundStatus::Succeeded;
        refund.settles_ms = None;
        let quirks = draft.books.intent(&refund.intent).map(|intent| intent.quirks.clone()).unwrap_or_default();
        draft.put_refund(&refund, &quirks, "refund.updated");
    }
}
