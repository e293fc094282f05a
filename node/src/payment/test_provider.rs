//! The built-in test provider: moves no money. What happens is decided by the payment method's token alone, so that an
//! attempt has the same fate however often, by whichever node and after whatever crash it is asked about.

use async_trait::async_trait;
use boxoffice_ledger::ids::AttemptId;
use boxoffice_ledger::money::Money;

use super::{NoAnswer, PaymentProvider, Verdict};

/// Payment methods of the test provider.
pub const METHODS: [(&str, &str); 4] = [
    ("pm_test_ok", "pays"),
    ("pm_test_declined", "is declined"),
    ("pm_test_insufficient_funds", "is declined for lack of funds"),
    ("pm_test_lost_answer", "pays, but the first answer is lost: the order is pending until the reconciler asks"),
];

/// See the module.
pub struct TestProvider;

fn fate(method: &str) -> Verdict {
    match method {
        "pm_test_ok" | "pm_test_lost_answer" => Verdict::Authorized,
        "pm_test_declined" => Verdict::Declined("card_declined".into()),
        "pm_test_insufficient_funds" => Verdict::Declined("insufficient_funds".into()),
        _ => Verdict::Declined("unknown_payment_method".into()),
    }
}

#[async_trait]
impl PaymentProvider for TestProvider {
    async fn authorize(&self, _attempt: AttemptId, _total: Money, method: &str) -> Result<Verdict, NoAnswer> {
        if method == "pm_test_lost_answer" { Err(NoAnswer) } else { Ok(fate(method)) }
    }

    async fn resolve(&self, _attempt: AttemptId, method: &str) -> Result<Verdict, NoAnswer> {
        Ok(fate(method))
    }

    async fn capture(&self, _attempt: AttemptId) -> Result<(), NoAnswer> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxoffice_ledger::money::Currency;

    #[tokio::test]
    async fn a_lost_answer_is_resolved_to_the_same_fate() {
        let euros = Money { amount: 100, currency: Currency::parse("EUR").unwrap() };
        assert_eq!(TestProvider.authorize(AttemptId(1), euros, "pm_test_lost_answer").await, Err(NoAnswer));
        assert_eq!(TestProvider.resolve(AttemptId(1), "pm_test_lost_answer").await, Ok(Verdict::Authorized));
    }

    #[tokio::test]
    async fn an_unknown_method_is_declined_not_paid() {
        let euros = Money { amount: 100, currency: Currency::parse("EUR").unwrap() };
        let verdict = TestProvider.authorize(AttemptId(1), euros, "4242424242424242").await;
        assert_eq!(verdict, Ok(Verdict::Declined("unknown_payment_method".into())));
    }
}
