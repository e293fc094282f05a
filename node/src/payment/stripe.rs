//! The adapter to Stripe, and to the sandbox provider, which is another address with another key.
//!
//! Creations carry the attempt's id as idempotency key, refunds the refund's. Captures and cancellations carry none: they cannot happen
//! twice, and Stripe repeats a stored failure under the same key for a day, which would hide that they have become possible.
//! The provider forgets a key after 24 hours: an attempt whose reference was not learnt by then is created anew when it is looked at.

mod reading;
mod wire;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use boxoffice_ledger::ids::RefundId;
use serde_json::Value;

pub use reading::{is_reference, refund_standing, standing};
pub use wire::API_VERSION;
use wire::{Answer, Wire};

use super::webhook::{Inbox, Received, Refused};
use super::{Charge, NoAnswer, Origin, PaymentProvider, Payments, RefundStanding, Seen, Standing};

/// Intents on one page when an attempt is searched, and pages that are looked at.
const PAGE: &str = "100";
const PAGES_MAX: usize = 20;

/// What is asked for inside each answer: how much was given back stands there.
const EXPAND: (&str, &str) = ("expand[]", "latest_charge");

/// How a provider is reached.
pub struct Access {
    /// Its address, such as `https://api.stripe.com`.
    pub base_url: String,
    /// The secret key.
    pub key: String,
    /// What its messages may be signed with.
    pub webhook_secrets: Vec<String>,
    /// Where buyers come back to after the provider's page.
    pub return_url: String,
    /// This cluster's name: several clusters may share an account.
    pub cluster: String,
}

/// See the module.
pub struct StripeProvider {
    wire: Wire,
    return_url: String,
    cluster: String,
    inbox: Inbox,
}

impl StripeProvider {
    /// A client. Nothing is asked yet.
    ///
    /// # Errors
    /// When TLS cannot be set up, or the key is no header's value.
    pub fn new(access: Access) -> anyhow::Result<Self> {
        let wire = Wire::new(&access.base_url, &access.key)?;
        let inbox = Inbox::new(access.webhook_secrets, access.cluster.clone());
        Ok(Self { wire, return_url: access.return_url, cluster: access.cluster, inbox })
    }

    async fn create(&self, charge: &Charge) -> Result<Seen, NoAnswer> {
        let (attempt, amount) = (charge.attempt.to_string(), charge.total.amount.to_string());
        let currency = charge.total.currency.code().to_ascii_lowercase();
        let event = charge.event.map(|event| event.to_string());
        let mut form = vec![
            ("amount", amount.as_str()),
            ("currency", &currency),
            ("payment_method", &charge.method),
            ("confirm", "true"),
            ("capture_method", "manual"),
            ("return_url", &self.return_url),
            EXPAND,
        ];
        self.origin_pairs(&attempt, charge, event.as_deref(), &mut form);
        match self.wire.post("/v1/payment_intents", Some(&attempt), &form).await? {
            // The stored answer tells of the past. If the present cannot be had, the reference is worth noting all the same.
            Answer::Object { object, replayed: true } | Answer::Refused { object: Some(object), replayed: true, .. } => {
                let reference = reading::id(&object)?;
                self.fetch(reference).await.or_else(|NoAnswer| Ok((Standing::Processing, reference.to_owned())))
            }
            Answer::Object { object, .. } | Answer::Refused { object: Some(object), .. } => seen(&object),
            Answer::Refused { code, .. } => Ok((Standing::Declined { code }, String::new())),
            Answer::KeyReused => {
                tracing::error!(%attempt, "the provider knows this attempt with other parameters: was the configuration changed?");
                self.search(&attempt).await
            }
        }
    }

    fn origin_pairs<'a>(&'a self, attempt: &'a str, charge: &'a Charge, event: Option<&'a str>, form: &mut Vec<(&'a str, &'a str)>) {
        form.extend([("metadata[attempt]", attempt), ("metadata[order]", &charge.order), ("metadata[cluster]", &self.cluster)]);
        form.extend(event.map(|event| ("metadata[event]", event)));
    }

    async fn fetch(&self, reference: &str) -> Result<Seen, NoAnswer> {
        seen(&self.intent(reference).await?.ok_or(NoAnswer)?)
    }

    /// The intent of a reference; `None` when the provider has none.
    async fn intent(&self, reference: &str) -> Result<Option<Value>, NoAnswer> {
        if !is_reference(reference) {
            return Ok(None);
        }
        match self.wire.get(&format!("/v1/payment_intents/{reference}"), &[EXPAND]).await? {
            Answer::Object { object, .. } => Ok(Some(object)),
            Answer::Refused { .. } | Answer::KeyReused => Ok(None),
        }
    }

    /// Finds an attempt among the newest intents by what was noted on it.
    async fn search(&self, attempt: &str) -> Result<Seen, NoAnswer> {
        let mut last = String::new();
        for _ in 0..PAGES_MAX {
            let mut query = vec![("limit", PAGE)];
            query.extend((!last.is_empty()).then_some(("starting_after", last.as_str())));
            let Answer::Object { object, .. } = self.wire.get("/v1/payment_intents", &query).await? else { return Err(NoAnswer) };
            let intents = object["data"].as_array().ok_or(NoAnswer)?;
            if let Some(found) = intents.iter().find(|intent| intent["metadata"]["attempt"] == attempt) {
                return self.fetch(reading::id(found)?).await;
            }
            match intents.last() {
                Some(intent) if object["has_more"] == true => last = reading::id(intent)?.to_owned(),
                _ => break,
            }
        }
        Err(NoAnswer)
    }

    /// The provider's id of an attempt and, if it had to be looked for, where the attempt stands.
    async fn reference(&self, charge: &Charge) -> Result<(Option<Standing>, String), NoAnswer> {
        match &charge.reference {
            Some(reference) => Ok((None, reference.clone())),
            None => self.create(charge).await.map(|(standing, reference)| (Some(standing), reference)),
        }
    }

    /// Moves an intent, and says where it stands whether that worked or not.
    async fn step(&self, charge: &Charge, verb: &str, amount: Option<&str>) -> Result<Standing, NoAnswer> {
        let (standing, reference) = self.reference(charge).await?;
        if let Some(over @ (Standing::Declined { .. } | Standing::Cancelled)) = standing {
            return Ok(over);
        }
        if !is_reference(&reference) {
            return Err(NoAnswer);
        }
        let mut form = vec![EXPAND];
        form.extend(amount.map(|amount| ("amount_to_capture", amount)));
        match self.wire.post(&format!("/v1/payment_intents/{reference}/{verb}"), None, &form).await? {
            Answer::Object { object, .. } => standing_of(&object),
            Answer::Refused { .. } | Answer::KeyReused => self.fetch(&reference).await.map(|(standing, _)| standing),
        }
    }
}

#[async_trait]
impl PaymentProvider for StripeProvider {
    async fn authorize(&self, charge: &Charge) -> Result<Seen, NoAnswer> {
        self.look(charge).await
    }

    async fn look(&self, charge: &Charge) -> Result<Seen, NoAnswer> {
        match &charge.reference {
            Some(reference) => self.fetch(reference).await,
            None => self.create(charge).await,
        }
    }

    async fn cancel(&self, charge: &Charge) -> Result<Standing, NoAnswer> {
        self.step(charge, "cancel", None).await
    }

    async fn capture(&self, charge: &Charge, amount: u64) -> Result<Standing, NoAnswer> {
        let part = (amount != charge.total.amount).then(|| amount.to_string());
        self.step(charge, "capture", part.as_deref()).await
    }

    async fn refund(&self, charge: &Charge, refund: RefundId, amount: u64) -> Result<RefundStanding, NoAnswer> {
        let (_, reference) = self.reference(charge).await?;
        let (key, amount) = (refund.to_string(), amount.to_string());
        let (attempt, event) = (charge.attempt.to_string(), charge.event.map(|event| event.to_string()));
        let mut form = vec![("payment_intent", reference.as_str()), ("amount", &amount), ("metadata[refund]", &key)];
        self.origin_pairs(&attempt, charge, event.as_deref(), &mut form);
        match self.wire.post("/v1/refunds", Some(&key), &form).await? {
            Answer::Object { object, replayed: false } => Ok(refund_standing(&object)),
            Answer::Object { object, .. } => match self.wire.get(&format!("/v1/refunds/{}", reading::id(&object)?), &[]).await? {
                Answer::Object { object, .. } => Ok(refund_standing(&object)),
                Answer::Refused { .. } | Answer::KeyReused => Err(NoAnswer),
            },
            Answer::Refused { code, .. } => Ok(RefundStanding::Failed { code }),
            Answer::KeyReused => {
                tracing::error!(refund = %key, "the provider knows this refund with other parameters");
                Err(NoAnswer)
            }
        }
    }

    async fn origin(&self, reference: &str) -> Result<Option<Origin>, NoAnswer> {
        let intent = self.intent(reference).await?;
        let origin = intent.and_then(|intent| Origin::of_metadata(&intent["metadata"]));
        Ok(origin.filter(|origin| origin.cluster == self.cluster))
    }

    async fn list(&self, since_s: u64, after: Option<&str>) -> Result<Payments, NoAnswer> {
        let since = since_s.to_string();
        let mut query = vec![("limit", PAGE), ("created[gte]", since.as_str())];
        query.extend(after.map(|after| ("starting_after", after)));
        let Answer::Object { object, .. } = self.wire.get("/v1/payment_intents", &query).await? else { return Err(NoAnswer) };
        let intents = object["data"].as_array().ok_or(NoAnswer)?;
        let next = intents.last().filter(|_| object["has_more"] == true).map(|last| reading::id(last).map(str::to_owned)).transpose()?;
        let ours = intents.iter().filter_map(|intent| Some((Origin::of_metadata(&intent["metadata"])?, intent)));
        let ours = ours.filter(|(origin, _)| origin.cluster == self.cluster);
        let payments = ours.map(|(origin, intent)| reading::listed(origin, intent)).collect::<Result<_, _>>()?;
        Ok(Payments { payments, next })
    }

    fn receive(&self, body: &[u8], signature: &str, now_s: u64) -> Result<Received, Refused> {
        self.inbox.receive(body, signature, now_s)
    }

    fn remember(&self, message: &str) {
        self.inbox.remember(message);
    }
}

fn standing_of(intent: &Value) -> Result<Standing, NoAnswer> {
    standing(intent).ok_or(NoAnswer)
}

fn seen(intent: &Value) -> Result<Seen, NoAnswer> {
    Ok((standing_of(intent)?, reading::id(intent)?.to_owned()))
}
