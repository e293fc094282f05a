//! The port to a payment provider. Every call carries the id of what it is about, which is the provider's idempotency key: asking
//! twice is asking once. No call is retried in here, and none guesses: what did not answer is unknown until it is asked again.

mod http;
pub mod none;
pub mod sandbox;
pub mod signature;
pub mod stripe;
pub mod webhook;

use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_cluster_config::file::Config;
use boxoffice_cluster_config::payment::ProviderKind;
use boxoffice_ledger::ids::{AttemptId, EventId, RefundId};
use boxoffice_ledger::money::Money;

use none::NoProvider;
use stripe::{Access, StripeProvider};
use webhook::{Received, Refused};

use crate::secret;

/// Where an attempt stands at the provider, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The buyer has to do something (3-D Secure).
    RequiresAction {
        /// Where, at the provider.
        url: String,
    },
    /// The provider itself does not know yet: ask again.
    Processing,
    /// The money is reserved.
    Authorized {
        /// How much, in minor units.
        amount: u64,
    },
    /// The money is ours.
    Captured {
        /// How much was captured, in minor units.
        amount: u64,
        /// How much of it was given back, in minor units.
        refunded: u64,
    },
    /// Refused for good.
    Declined {
        /// The provider's code.
        code: String,
    },
    /// Cancelled, by us or because the reservation ran out: nothing is reserved.
    Cancelled,
}

/// Where a refund stands at the provider, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundStanding {
    /// Under way: ask again by repeating the call.
    Pending,
    /// The buyer has the money.
    Done,
    /// It will not happen.
    Failed {
        /// The provider's code.
        code: String,
    },
}

/// An attempt as a provider needs to know it. All of it is in the ledger, so that any node can repeat any call and send the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The attempt: the idempotency key of its creation.
    pub attempt: AttemptId,
    /// What is paid, as text: an order's id or a cart's.
    pub order: String,
    /// The event, unless a cart pays several at once.
    pub event: Option<EventId>,
    /// How much.
    pub total: Money,
    /// The provider's token of the payment method.
    pub method: String,
    /// The provider's own id of the attempt, once an answer named it.
    pub reference: Option<String>,
}

/// Whose an attempt is, as it was noted at the provider when it was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The attempt.
    pub attempt: AttemptId,
    /// What is paid: an order's id or a cart's.
    pub order: String,
    /// The event, unless a cart pays several at once.
    pub event: Option<EventId>,
    /// The cluster that made it.
    pub cluster: String,
}

/// What an answer about an attempt says: where it stands, and the provider's own id of it.
/// The id is empty when the provider refused to create anything (the standing is then [`Standing::Declined`]).
pub type Seen = (Standing, String);

/// A payment of this cluster, as the provider lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Whose.
    pub origin: Origin,
    /// The provider's own id of it.
    pub reference: String,
    /// Where it stands; what was given back of it is not in.
    pub standing: Standing,
    /// How much it is about.
    pub total: Money,
}

/// Some of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payments {
    /// The newest first.
    pub payments: Vec<Listed>,
    /// Where to go on, if there are more.
    pub next: Option<String>,
}

/// The provider did not answer, not in time, or not about the matter: the state is unknown, and only asking again can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payment provider did not answer")]
pub struct NoAnswer;

/// A payment provider.
#[async_trait]
pub trait PaymentProvider: Send + Sync + 'static {
    /// Whether there is a provider at all: without one only free orders can be paid.
    fn takes_payments(&self) -> bool {
        true
    }

    /// Creates and confirms the attempt, to be captured later. A repeat changes nothing and says where the attempt stands now.
    ///
    /// # Errors
    /// [`NoAnswer`]: it may or may not have happened.
    async fn authorize(&self, charge: &Charge) -> Result<Seen, NoAnswer>;

    /// Where the attempt stands. Without a reference it repeats the creation with the same key, which creates the attempt if the
    /// provider never saw it: the caller goes on with it or cancels it.
    ///
    /// # Errors
    /// [`NoAnswer`]: ask again later.
    async fn look(&self, charge: &Charge) -> Result<Seen, NoAnswer>;

    /// Cancels the attempt unless it is captured, and says where it stands afterwards: a capture that won stays captured.
    ///
    /// # Errors
    /// [`NoAnswer`]: it may or may not have happened.
    async fn cancel(&self, charge: &Charge) -> Result<Standing, NoAnswer>;

    /// Takes `amount` minor units of the reserved money and gives the rest of the reservation back.
    /// [`Standing::Cancelled`] or [`Standing::Declined`] says that it cannot be had any more.
    ///
    /// # Errors
    /// [`NoAnswer`]: call again later.
    async fn capture(&self, charge: &Charge, amount: u64) -> Result<Standing, NoAnswer>;

    /// Gives `amount` minor units of a captured attempt back. A repeat gives nothing twice and says where the refund stands now.
    ///
    /// # Errors
    /// [`NoAnswer`]: it may or may not have happened.
    async fn refund(&self, charge: &Charge, refund: RefundId, amount: u64) -> Result<RefundStanding, NoAnswer>;

    /// Whose attempt a provider's id is; `None` when it is none of this cluster's. For messages that do not say so themselves.
    ///
    /// # Errors
    /// [`NoAnswer`]: ask again later.
    async fn origin(&self, reference: &str) -> Result<Option<Origin>, NoAnswer>;

    /// This cluster's attempts that the provider created at `since_s` seconds since the Unix epoch or later; the next ones after a page.
    ///
    /// # Errors
    /// [`NoAnswer`]: ask again later.
    async fn list(&self, since_s: u64, after: Option<&str>) -> Result<Payments, NoAnswer>;

    /// Checks and reads what the provider sent unasked: the raw body and the signature header, at `now_s` seconds since the Unix epoch.
    ///
    /// # Errors
    /// [`Refused`]: it is not the provider who sent it, or not now.
    fn receive(&self, body: &[u8], signature: &str, now_s: u64) -> Result<Received, Refused>;

    /// Notes that the message with this id was handled, so that a repeat is dropped. Until then the provider may send it again.
    fn remember(&self, message: &str);
}

/// The provider that a configuration names.
///
/// # Errors
/// When a file with a secret cannot be read, or TLS cannot be set up.
pub fn open(config: &Config) -> anyhow::Result<Arc<dyn PaymentProvider>> {
    let payment = &config.payment;
    let (Some(base_url), Some(key_file), Some(return_url)) = (&payment.base_url, &payment.key_file, &payment.return_url) else {
        return Ok(Arc::new(NoProvider)); // A checked configuration with a provider has all three.
    };
    if payment.provider == ProviderKind::None {
        return Ok(Arc::new(NoProvider));
    }
    let access = Access {
        base_url: base_url.clone(),
        key: secret::read_text(key_file)?,
        webhook_secrets: payment.webhook_secret_files.iter().map(|path| secret::read_text(path)).collect::<anyhow::Result<_>>()?,
        return_url: return_url.clone(),
        cluster: config.cluster.0.clone(),
    };
    Ok(Arc::new(StripeProvider::new(access)?))
}
