//! The payment provider of a simulation: one for all nodes, never down, with its own books. It may not answer, before or after it did what
//! it was asked, and it declines some.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use boxoffice::payment::webhook::{Received, Refused};
use boxoffice::payment::{Charge, NoAnswer, Origin, PaymentProvider, Payments, RefundStanding, Seen, Standing};
use boxoffice_ledger::ids::{AttemptId, RefundId};
use parking_lot::Mutex;
use tokio::time::sleep;

use super::rng::Rng;

/// What became of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Reserved.
    Authorized,
    /// Taken.
    Captured,
    /// Refused.
    Declined,
    /// Given back before it was taken.
    Cancelled,
}

/// A payment in the provider's books.
#[derive(Clone, Debug)]
pub struct Payment {
    /// What it is for.
    pub charge: Charge,
    /// Where it stands.
    pub state: State,
    /// Given back after it was taken, by refund, in minor units.
    pub refunds: BTreeMap<RefundId, u64>,
}

impl Payment {
    /// Given back after it was taken, in minor units.
    #[must_use]
    pub fn refunded(&self) -> u64 {
        self.refunds.values().sum()
    }

    fn standing(&self) -> Standing {
        match self.state {
            State::Authorized => Standing::Authorized { amount: self.charge.total.amount },
            State::Captured => Standing::Captured { amount: self.charge.total.amount, refunded: self.refunded() },
            State::Declined => Standing::Declined { code: "card_declined".to_owned() },
            State::Cancelled => Standing::Cancelled,
        }
    }
}

/// See the module.
pub struct Provider {
    rng: Rng,
    unanswered: Mutex<u64>,
    declined: u64,
    books: Mutex<BTreeMap<AttemptId, Payment>>,
}

impl Provider {
    /// Of 1000 calls so many are not answered, of 1000 payments so many declined.
    #[must_use]
    pub fn new(rng: Rng, unanswered: u64, declined: u64) -> Self {
        Self { rng, unanswered: Mutex::new(unanswered), declined, books: Mutex::default() }
    }

    /// Answers every call from now on.
    pub fn heal(&self) {
        *self.unanswered.lock() = 0;
    }

    /// All payments.
    #[must_use]
    pub fn books(&self) -> Vec<Payment> {
        self.books.lock().values().cloned().collect()
    }

    async fn way(&self) -> Result<(), NoAnswer> {
        sleep(Duration::from_millis(self.rng.range(1, 40))).await;
        let unanswered = *self.unanswered.lock();
        if !self.rng.per_mille(unanswered) {
            return Ok(());
        }
        // Some take longer than anybody waits.
        sleep(Duration::from_secs(self.rng.below(8))).await;
        Err(NoAnswer)
    }

    async fn change<T>(&self, charge: &Charge, change: impl FnOnce(&mut Payment) -> T) -> Result<T, NoAnswer> {
        self.way().await?;
        let is_declined = self.rng.per_mille(self.declined);
        let done = {
            let mut books = self.books.lock();
            let payment = books.entry(charge.attempt).or_insert_with(|| Payment {
                charge: charge.clone(),
                state: if is_declined { State::Declined } else { State::Authorized },
                refunds: BTreeMap::new(),
            });
            change(payment)
        };
        self.way().await?;
        Ok(done)
    }
}

#[async_trait]
impl PaymentProvider for Provider {
    async fn authorize(&self, charge: &Charge) -> Result<Seen, NoAnswer> {
        let reference = format!("pay-{}", charge.attempt);
        self.change(charge, |payment| (payment.standing(), reference)).await
    }

    async fn look(&self, charge: &Charge) -> Result<Seen, NoAnswer> {
        self.authorize(charge).await
    }

    async fn cancel(&self, charge: &Charge) -> Result<Standing, NoAnswer> {
        let cancel = |payment: &mut Payment| {
            if payment.state == State::Authorized {
                payment.state = State::Cancelled;
            }
            payment.standing()
        };
        self.change(charge, cancel).await
    }

    async fn capture(&self, charge: &Charge, _amount: u64) -> Result<Standing, NoAnswer> {
        let capture = |payment: &mut Payment| {
            if payment.state == State::Authorized {
                payment.state = State::Captured;
            }
            payment.standing()
        };
        self.change(charge, capture).await
    }

    async fn refund(&self, charge: &Charge, refund: RefundId, amount: u64) -> Result<RefundStanding, NoAnswer> {
        let give = |payment: &mut Payment| {
            payment.refunds.entry(refund).or_insert(amount);
            RefundStanding::Done
        };
        self.change(charge, give).await
    }

    async fn origin(&self, _reference: &str) -> Result<Option<Origin>, NoAnswer> {
        Ok(None)
    }

    async fn list(&self, _since_s: u64, _after: Option<&str>) -> Result<Payments, NoAnswer> {
        Ok(Payments::default())
    }

    fn receive(&self, _body: &[u8], _signature: &str, _now_s: u64) -> Result<Received, Refused> {
        Err(Refused::Forged)
    }

    fn remember(&self, _message: &str) {}
}
