//! No provider: a cluster without `[payment]` in its configuration sells what is free. Attempts that an earlier configuration left
//! open stay open, since nobody can say what became of them.

use async_trait::async_trait;
use boxoffice_ledger::ids::RefundId;

use super::webhook::{Received, Refused};
use super::{Charge, NoAnswer, Origin, PaymentProvider, Payments, RefundStanding, Seen, Standing};

/// See the module.
pub struct NoProvider;

#[async_trait]
impl PaymentProvider for NoProvider {
    fn takes_payments(&self) -> bool {
        false
    }

    async fn authorize(&self, _charge: &Charge) -> Result<Seen, NoAnswer> {
        Err(NoAnswer)
    }

    async fn look(&self, _charge: &Charge) -> Result<Seen, NoAnswer> {
        Err(NoAnswer)
    }

    async fn cancel(&self, _charge: &Charge) -> Result<Standing, NoAnswer> {
        Err(NoAnswer)
    }

    async fn capture(&self, _charge: &Charge, _amount: u64) -> Result<Standing, NoAnswer> {
        Err(NoAnswer)
    }

    async fn refund(&self, _charge: &Charge, _refund: RefundId, _amount: u64) -> Result<RefundStanding, NoAnswer> {
        Err(NoAnswer)
    }

    async fn origin(&self, _reference: &str) -> Result<Option<Origin>, NoAnswer> {
        Err(NoAnswer)
    }

    async fn list(&self, _since_s: u64, _after: Option<&str>) -> Result<Payments, NoAnswer> {
        Err(NoAnswer)
    }

    fn receive(&self, _body: &[u8], _signature: &str, _now_s: u64) -> Result<Received, Refused> {
        Err(Refused::Forged)
    }

    fn remember(&self, _message: &str) {}
}
