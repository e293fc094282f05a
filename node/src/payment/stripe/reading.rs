//! What the provider's objects mean.

use boxoffice_ledger::ids::{AttemptId, EventId};
use boxoffice_ledger::money::{Currency, Money};
use serde_json::Value;

use crate::payment::{Listed, NoAnswer, Origin, RefundStanding, Standing};

/// Longest id that the provider gives.
const REFERENCE_MAX: usize = 255;

/// Whether a text can be the provider's id of something, and so part of a path.
#[must_use]
pub fn is_reference(text: &str) -> bool {
    (1..=REFERENCE_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// An object's id.
///
/// # Errors
/// When it has none: then it was not the provider who answered.
pub fn id(object: &Value) -> Result<&str, NoAnswer> {
    object["id"].as_str().filter(|id| is_reference(id)).ok_or(NoAnswer)
}

/// Where an intent stands; `None` for a state that did not exist when this was written.
#[must_use]
pub fn standing(intent: &Value) -> Option<Standing> {
    let number = |value: &Value| value.as_u64();
    Some(match intent["status"].as_str()? {
        "requires_action" => {
            let url = intent["next_action"]["redirect_to_url"]["url"].as_str().unwrap_or_default();
            Standing::RequiresAction { url: url.to_owned() }
        }
        "processing" | "requires_confirmation" => Standing::Processing,
        "requires_capture" => Standing::Authorized { amount: number(&intent["amount_capturable"])? },
        "succeeded" => {
            let refunded = number(&intent["latest_charge"]["amount_refunded"]).unwrap_or_default();
            Standing::Captured { amount: number(&intent["amount_received"])?, refunded }
        }
        "canceled" => Standing::Cancelled,
        "requires_payment_method" => {
            let error = &intent["last_payment_error"];
            let code = error["decline_code"].as_str().or(error["code"].as_str());
            Standing::Declined { code: code.unwrap_or("requires_payment_method").to_owned() }
        }
        _ => return None,
    })
}

/// An intent of ours, as it is listed. One in a state that is not known here is still under way.
///
/// # Errors
/// When it lacks what every intent has.
pub fn listed(origin: Origin, intent: &Value) -> Result<Listed, NoAnswer> {
    let currency = intent["currency"].as_str().and_then(|code| Currency::parse(&code.to_ascii_uppercase())).ok_or(NoAnswer)?;
    let total = Money { amount: intent["amount"].as_u64().ok_or(NoAnswer)?, currency };
    let standing = standing(intent).unwrap_or(Standing::Processing);
    Ok(Listed { origin, reference: id(intent)?.to_owned(), standing, total })
}

/// Where a refund stands.
#[must_use]
pub fn refund_standing(refund: &Value) -> RefundStanding {
    match refund["status"].as_str() {
        Some("succeeded") => RefundStanding::Done,
        Some(status @ ("failed" | "canceled")) => {
            RefundStanding::Failed { code: refund["failure_reason"].as_str().unwrap_or(status).to_owned() }
        }
        _ => RefundStanding::Pending,
    }
}

impl Origin {
    /// What we noted on an intent or a refund; `None` when we made neither.
    #[must_use]
    pub fn of_metadata(metadata: &Value) -> Option<Self> {
        let text = |name: &str| metadata[name].as_str();
        Some(Self {
            attempt: AttemptId::parse(text("attempt")?).ok()?,
            order: text("order")?.to_owned(),
            event: text("event").and_then(|event| EventId::parse(event).ok()),
            cluster: text("cluster")?.to_owned(),
        })
    }
}
