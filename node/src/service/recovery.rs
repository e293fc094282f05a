//! After a restore: the payment provider is asked about every payment that the state leaves open, and about those that were made after
//! the cut. What those paid for is not here, so their money goes back. Until all were answered nothing is sold.

use std::sync::atomic::{AtomicBool, Ordering};

use boxoffice_api::backend::{Answer, Failure};
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::carts::Cart;
use boxoffice_ledger::ids::{CartId, OrderId};
use boxoffice_ledger::orders::OpenAttempt;
use boxoffice_ledger::upkeep::Recovery;
use futures::{StreamExt, TryStreamExt, stream};

use super::reconcile::{Ended, Step};
use super::{Service, context_of_system};
use crate::payment::{Charge, Listed, NoAnswer, Origin, Standing};

/// Calls to the provider side by side.
const AT_ONCE: usize = 32;
/// Open payments of one group that are asked about at most; more than any group has at once.
const OPEN_MAX: usize = 1_000_000;
/// The provider's clock may be so far behind ours, in seconds.
const CLOCKS_S: u64 = 300;

/// Whether this node may sell: learnt once, for a life of a cluster that is open stays open.
#[derive(Default)]
pub(super) struct Selling(AtomicBool);

/// What asking came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Payments that were asked about.
    pub asked: u64,
    /// Those whose money went back.
    pub returned: u64,
}

impl Service {
    /// Refuses while payments are being settled after a restore.
    pub(super) fn must_be_open(&self) -> Answer<()> {
        if self.backups.selling.0.load(Ordering::Relaxed) {
            return Ok(());
        }
        let catalog = self.catalog.read();
        if !catalog.upkeep().is_open() {
            return Err(Failure::Restoring);
        }
        if catalog.at().0 == 0 {
            // A catalog without anything in it knows nothing of a restore, but of no event to sell either.
            return Ok(());
        }
        self.backups.selling.0.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Asks the provider about everything that the cut leaves open. Repeated after a failure, it does nothing twice.
    ///
    /// # Errors
    /// In words, what did not answer.
    pub async fn settle_after_restore(&self, recovery: &Recovery) -> Result<Settled, &'static str> {
        for group in self.groups.keys() {
            self.barrier(context_of_system(), *group).await.map_err(|_| "a group has no quorum")?;
        }
        let attempts = self.open_attempts();
        let carts = self.busy_carts();
        if !self.provider.takes_payments() {
            if !attempts.is_empty() || !carts.is_empty() {
                let open = attempts.len() + carts.len();
                tracing::error!(open, "payments are open and there is no provider to ask: they stay open, seats stay pinned");
            }
            return Ok(Settled::default());
        }
        let asked = (attempts.len() + carts.len()) as u64;
        self.ask_about(attempts, carts).await.map_err(|NoAnswer| "the payment provider does not answer about open payments")?;
        let later = self.payments_after(recovery).await.map_err(|NoAnswer| "the payment provider does not list its payments")?;
        let mut settled = Settled { asked: asked + later.len() as u64, returned: 0 };
        let unknown = later.into_iter().filter(|payment| !self.knows(&payment.origin));
        let ended: Vec<bool> = stream::iter(unknown.map(|payment| self.return_money(payment)))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
            .map_err(|NoAnswer| "the payment provider does not answer about payments after the cut")?;
        settled.returned = ended.into_iter().filter(|returned| *returned).count() as u64;
        Ok(settled)
    }

    fn open_attempts(&self) -> Vec<OpenAttempt> {
        self.events.values().flat_map(|replica| replica.read().open_attempts(OPEN_MAX, OPEN_MAX)).collect()
    }

    fn busy_carts(&self) -> Vec<Cart> {
        self.users.values().flat_map(|replica| replica.read().carts().busy(OPEN_MAX).cloned().collect::<Vec<_>>()).collect()
    }

    async fn ask_about(&self, attempts: Vec<OpenAttempt>, carts: Vec<Cart>) -> Result<(), NoAnswer> {
        let answered = |step: Step| if step == Step::NoAnswer { Err(NoAnswer) } else { Ok(()) };
        let attempts = stream::iter(attempts.into_iter().map(|open| async move { answered(self.reconcile(&open).await) }));
        attempts.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        let carts = stream::iter(carts.into_iter().map(|cart| async move { answered(self.carry_on_cart(cart).await) }));
        carts.buffer_unordered(AT_ONCE).try_collect::<()>().await
    }

    /// This cluster's payments that the provider created after the cut, or a little before.
    async fn payments_after(&self, recovery: &Recovery) -> Result<Vec<Listed>, NoAnswer> {
        let since_s = (recovery.cut_at.0 / 1_000_000).saturating_sub(CLOCKS_S);
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.provider.list(since_s, after.as_deref()).await?;
            found.extend(page.payments);
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// Whether the restored state has this payment; if so, the payment worker sees to it.
    fn knows(&self, origin: &Origin) -> bool {
        let of_order = || {
            let (event, order) = (origin.event?, OrderId::parse(&origin.order).ok()?);
            let view = self.seats(event).ok()?.read().order(event, order)?;
            Some(view.order.attempts.iter().any(|attempt| attempt.id == origin.attempt))
        };
        let of_cart = || {
            let cart = CartId::parse(&origin.order).ok()?;
            let group: GroupId = self.user_slot_group(cart.slot());
            let accounts = self.accounts(group).ok()?.read();
            Some(accounts.carts().get(cart)?.attempts.iter().any(|attempt| attempt.id == origin.attempt))
        };
        of_order().or_else(of_cart).unwrap_or(false)
    }

    /// Gives back what was reserved or taken for something that is not here; says whether there was anything.
    async fn return_money(&self, payment: Listed) -> Result<bool, NoAnswer> {
        let (attempt, order, amount) = (payment.origin.attempt, payment.origin.order.clone(), payment.total.amount);
        let had_money = match payment.standing {
            Standing::Cancelled | Standing::Declined { .. } => return Ok(false),
            Standing::Captured { amount, refunded } => refunded < amount,
            Standing::Authorized { .. } | Standing::Processing | Standing::RequiresAction { .. } => true,
        };
        let charge = Charge {
            attempt,
            order: payment.origin.order,
            event: payment.origin.event,
            total: payment.total,
            method: String::new(),
            reference: Some(payment.reference.clone()),
        };
        let Some(ended) = self.end_at_provider(charge).await? else { return Err(NoAnswer) };
        let how = match ended {
            Ended::Refunded => "refunded",
            Ended::Cancelled | Ended::Declined(_) => "voided",
        };
        if had_money {
            tracing::warn!(%attempt, order, reference = payment.reference, amount, how, "a payment after the cut was given back");
        }
        Ok(had_money)
    }
}
