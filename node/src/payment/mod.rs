//! The port to a payment provider. Every call carries the attempt's id, which is the provider's idempotency key: asking twice
//! is asking once.

pub mod test_provider;

use async_trait::async_trait;
use boxoffice_ledger::ids::AttemptId;
use boxoffice_ledger::money::Money;

/// What a provider says of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The money is reserved for us.
    Authorized,
    /// Refused for good; the provider's code.
    Declined(String),
}

/// The provider did not answer, or not in time: the attempt's state is unknown, and only asking again can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payment provider did not answer")]
pub struct NoAnswer;

/// A payment provider.
#[async_trait]
pub trait PaymentProvider: Send + Sync + 'static {
    /// Reserves `total` on the payment method behind the token `method`.
    ///
    /// # Errors
    /// [`NoAnswer`]: it may or may not have happened.
    async fn authorize(&self, attempt: AttemptId, total: Money, method: &str) -> Result<Verdict, NoAnswer>;

    /// What became of an attempt. An attempt that the provider never saw is cancelled there, and reported as declined.
    ///
    /// # Errors
    /// [`NoAnswer`]: ask again later.
    async fn resolve(&self, attempt: AttemptId, method: &str) -> Result<Verdict, NoAnswer>;

    /// Takes the reserved money.
    ///
    /// # Errors
    /// [`NoAnswer`]: call again later with the same attempt.
    async fn capture(&self, attempt: AttemptId) -> Result<(), NoAnswer>;
}
