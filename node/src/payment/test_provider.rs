//! The built-in test provider: moves no money. What happens is decided by the payment method's token alone, so that an
//! attempt has the same fate however often, by whichever node and after whatever crash it is asked about.

use async_trait::async_trait;
use boxoffice_ledger::ids::RefundId;

use super::{Charge, NoAnswer, PaymentProvider, RefundStanding, Seen, Standing};

/// Payment methods of the test provider.
pub const METHODS: [(&str, &str); 4] = [
    ("pm_test_ok", "pays"),
    ("pm_test_declined", "is declined"),
    ("pm_test_insufficient_funds", "is declined for lack of funds"),
    ("pm_test_lost_answer", "pays, but the first answer is lost: the order is pending until the reconciler asks"),
];

/// See the module.
pub struct TestProvider;

fn fate(charge: &Charge) -> Standing {
    let declined = |code: &str| Standing::Declined { code: code.into() };
    match charge.method.as_str() {
        "pm_test_ok" | "pm_test_lost_answer" => Standing::Authorized { amount: charge.total.amount },
        "pm_test_declined" => declined("card_declined"),
        "pm_test_insufficient_funds" => declined("insufficient_funds"),
        _ => declined("unknown_payment_method"),
    }
}

#[async_trait]
impl PaymentProvider for TestProvider {
    async fn authorize(&self, charge: &Charge) -> Result<Seen, NoAnswer> {
        if charge.method == "pm_test_lost_answer" { Err(NoAnswer) } else { self.look(charge).await }
    }

    async fn look(&self, charge: &Charge) -> Result<Seen, NoAnswer> {
        Ok((fate(charge), charge.attempt.to_string()))
    }

    async fn cancel(&self, _charge: &Charge) -> Result<Standing, NoAnswer> {
        Ok(Standing::Cancelled)
    }

    async fn capture(&self, charge: &Charge) -> Result<Standing, NoAnswer> {
        Ok(Standing::Captured { amount: charge.total.amount, refunded: 0 })
    }

    async fn refund(&self, _charge: &Charge, _refund: RefundId, _amount: u64) -> Result<RefundStanding, NoAnswer> {
        Ok(RefundStanding::Done)
    }
}
