//! What happens to payment intents: created, confirmed, accepted by the buyer, captured, cancelled.

use serde_json::Value;

use super::draft::{After, Draft};
use super::form::Form;
use super::methods::{self, Fate, Quirk};
use super::objects;
use super::record::{Intent, Status};
use super::trouble::Trouble;

/// How long the answer of `pm_test_slow` takes, in milliseconds.
const SLOW_MS: u64 = 30_000;

/// How long `processing` takes, in milliseconds.
const PROCESSING_MS: u64 = 2_000;

/// `POST /v1/payment_intents`. `key` is what faults are drawn by.
///
/// # Errors
/// What Stripe refuses too; a declined card leaves an intent behind.
pub fn create(draft: &mut Draft<'_>, form: &Form, key: &str) -> Result<Value, Trouble> {
    form.only(&["amount", "currency", "payment_method", "confirm", "capture_method", "return_url", "description"])?;
    form.need("amount")?;
    let amount = form.amount("amount")?.unwrap_or_default();
    let currency = form.need("currency")?.to_ascii_lowercase();
    if currency.len() != 3 || !currency.bytes().all(|letter| letter.is_ascii_lowercase()) {
        return Err(Trouble::invalid("invalid_currency", &format!("Invalid currency: {currency}.")).about("currency"));
    }
    let manual = match form.get("capture_method") {
        None | Some("automatic" | "automatic_async") => false,
        Some("manual") => true,
        Some(_) => return Err(Trouble::invalid("parameter_unknown", "Invalid capture_method.").about("capture_method")),
    };
    let method = form.get("payment_method").map(known_method).transpose()?;
    let mut quirks = draft.books.faults().quirks(key);
    quirks.extend(method.and_then(|method| method.quirk));
    let seq = draft.seq();
    let mut intent = Intent {
        id: Draft::id("pi"),
        seq,
        created_ms: draft.now_ms,
        amount,
        currency,
        manual,
        method: method.map(|method| method.token.to_owned()),
        metadata: form.metadata(),
        return_url: form.get("return_url").map(ToOwned::to_owned),
        status: if method.is_some() { Status::RequiresConfirmation } else { Status::RequiresPaymentMethod },
        authorized: 0,
        captured: 0,
        refusal: None,
        cancellation: None,
        disputed: false,
        quirks,
        settles_ms: None,
    };
    if !form.is_on("confirm") {
        return Ok(draft.put_intent(&intent, Status::RequiresConfirmation.event()));
    }
    let Some(method) = method else {
        return Err(Trouble::invalid("parameter_missing", "You cannot confirm this PaymentIntent without a payment method."));
    };
    draft.after = match method.quirk {
        Some(Quirk::SlowAnswer) => After::Slow(SLOW_MS),
        Some(Quirk::LostAnswer) => After::Lost,
        _ => After::Answer,
    };
    let fate = match method.fate {
        Fate::Pays if draft.books.faults().strikes("decline", key, 0) => Fate::Declined("generic_decline"),
        fate => fate,
    };
    settle_fate(draft, &mut intent, fate)
}

/// `POST /v1/payment_intents/{id}/confirm`.
///
/// # Errors
/// What Stripe refuses too.
pub fn confirm(draft: &mut Draft<'_>, id: &str, form: &Form) -> Result<Value, Trouble> {
    form.only(&["payment_method", "return_url"])?;
    let mut intent = known(draft, id)?;
    if !matches!(intent.status, Status::RequiresConfirmation | Status::RequiresPaymentMethod) {
        return Err(unexpected(draft, &intent, "confirm"));
    }
    if let Some(token) = form.get("payment_method") {
        intent.method = Some(token.to_owned());
        intent.quirks.extend(known_method(token)?.quirk);
    }
    if let Some(url) = form.get("return_url") {
        intent.return_url = Some(url.to_owned());
    }
    let Some(token) = intent.method.clone() else {
        return Err(Trouble::invalid("parameter_missing", "You cannot confirm this PaymentIntent without a payment method."));
    };
    intent.refusal = None;
    settle_fate(draft, &mut intent, known_method(&token)?.fate)
}

/// The buyer's word on our page.
///
/// # Errors
/// When nobody waits for it.
pub fn act(draft: &mut Draft<'_>, id: &str, accepts: bool) -> Result<Intent, Trouble> {
    let mut intent = known(draft, id)?;
    if intent.status != Status::RequiresAction {
        return Err(unexpected(draft, &intent, "complete"));
    }
    if accepts {
        authorize(draft, &mut intent);
    } else {
        refuse(&mut intent, "payment_intent_authentication_failure", "authentication_required");
        draft.put_intent(&intent, intent.status.event());
    }
    Ok(intent)
}

/// `POST /v1/payment_intents/{id}/capture`.
///
/// # Errors
/// What Stripe refuses too.
pub fn capture(draft: &mut Draft<'_>, id: &str, form: &Form) -> Result<Value, Trouble> {
    form.only(&["amount_to_capture"])?;
    let mut intent = known(draft, id)?;
    if intent.status != Status::RequiresCapture {
        return Err(unexpected(draft, &intent, "capture"));
    }
    let amount = form.amount("amount_to_capture")?.unwrap_or(intent.amount);
    if amount > intent.amount {
        return Err(Trouble::invalid("amount_too_large", "The amount exceeds what can be captured.").about("amount_to_capture"));
    }
    if intent.quirks.contains(&Quirk::CaptureFails) {
        intent.status = Status::Canceled;
        intent.cancellation = Some("automatic".into());
        let object = draft.put_intent(&intent, intent.status.event());
        let message = "The charge cannot be captured because it has expired.";
        return Err(Trouble::invalid("charge_expired_for_capture", message).with("payment_intent", object));
    }
    Ok(take(draft, &mut intent, amount))
}

/// `POST /v1/payment_intents/{id}/cancel`.
///
/// # Errors
/// What Stripe refuses too.
pub fn cancel(draft: &mut Draft<'_>, id: &str, form: &Form) -> Result<Value, Trouble> {
    form.only(&["cancellation_reason"])?;
    let mut intent = known(draft, id)?;
    if matches!(intent.status, Status::Processing | Status::Succeeded | Status::Canceled) {
        return Err(unexpected(draft, &intent, "cancel"));
    }
    intent.status = Status::Canceled;
    intent.cancellation = Some(form.get("cancellation_reason").unwrap_or("requested_by_customer").to_owned());
    Ok(draft.put_intent(&intent, intent.status.event()))
}

/// Decides an intent that was `processing`.
pub fn settle(draft: &mut Draft<'_>, id: &str) {
    if let Some(mut intent) = draft.books.intent(id).filter(|intent| intent.status == Status::Processing).cloned() {
        intent.settles_ms = None;
        authorize(draft, &mut intent);
    }
}

fn known(draft: &Draft<'_>, id: &str) -> Result<Intent, Trouble> {
    draft.books.intent(id).cloned().ok_or_else(|| Trouble::missing("payment_intent", id))
}

fn known_method(token: &str) -> Result<&'static methods::Method, Trouble> {
    methods::find(token).ok_or_else(|| Trouble::missing("PaymentMethod", token).about("payment_method").with_status(400))
}

fn unexpected(draft: &Draft<'_>, intent: &Intent, verb: &str) -> Trouble {
    let message = format!("You cannot {verb} this PaymentIntent because it has a status of {}.", intent.status.name());
    let object = objects::intent(draft.books, draft.site, intent, true);
    Trouble::invalid("payment_intent_unexpected_state", &message).with("payment_intent", object)
}

fn settle_fate(draft: &mut Draft<'_>, intent: &mut Intent, fate: Fate) -> Result<Value, Trouble> {
    match fate {
        Fate::Pays if intent.quirks.contains(&Quirk::Processing) => {
            intent.status = Status::Processing;
            intent.settles_ms = Some(draft.now_ms + PROCESSING_MS);
            Ok(draft.put_intent(intent, intent.status.event()))
        }
        Fate::Pays => Ok(authorize(draft, intent)),
        Fate::Action => {
            intent.status = Status::RequiresAction;
            Ok(draft.put_intent(intent, intent.status.event()))
        }
        Fate::Declined(decline_code) => {
            let code = if decline_code == "expired_card" { "expired_card" } else { "card_declined" };
            refuse(intent, code, decline_code);
            let object = draft.put_intent(intent, intent.status.event());
            Err(Trouble::declined(code, decline_code).with("payment_intent", object))
        }
    }
}

fn refuse(intent: &mut Intent, code: &str, decline_code: &str) {
    intent.status = Status::RequiresPaymentMethod;
    intent.refusal = Some((code.to_owned(), decline_code.to_owned()));
}

fn authorize(draft: &mut Draft<'_>, intent: &mut Intent) -> Value {
    intent.authorized = intent.amount;
    if intent.manual {
        intent.status = Status::RequiresCapture;
        return draft.put_intent(intent, intent.status.event());
    }
    take(draft, intent, intent.amount)
}

fn take(draft: &mut Draft<'_>, intent: &mut Intent, amount: u64) -> Value {
    intent.captured = amount;
    intent.status = Status::Succeeded;
    intent.disputed = intent.quirks.contains(&Quirk::Dispute);
    let object = draft.put_intent(intent, intent.status.event());
    if intent.disputed {
        let dispute = objects::dispute(intent, draft.now_ms);
        draft.tell("charge.dispute.created", &intent.quirks, dispute);
    }
    object
}
