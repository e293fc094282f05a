//! Promo codes: made, switched, checked when somebody holds with one, counted by what becomes of the hold.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::lifecycle::not_found;
use super::pay::wrong;
use super::promos::{Promo, Stage, Tally, hash_promo};
use super::records::Hold;
use super::work::Work;
use crate::ids::{OrderId, UserId};
use crate::outcome::{Rejection, SeatOutcome};
use crate::promos::{AllocationIndex, Applied, CODES_MAX, PromoAction, PromoReason, PromoTerms};

/// A code that can be used: its number, and the allocation that it opens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usable {
    number: usize,
    pub(crate) allocation: Option<AllocationIndex>,
}

pub(crate) fn refused(reason: PromoReason) -> Rejection {
    Rejection::PromoRefused { reason }
}

impl Work<'_> {
    /// Does what is asked about codes and allocations.
    pub(crate) fn promo_action(&mut self, action: &PromoAction) -> Result<SeatOutcome, Rejection> {
        match action {
            PromoAction::Create { code, terms, .. } => self.create_promo(code, terms),
            PromoAction::Switch { code, active } => self.switch_promo(code, *active),
            PromoAction::Allocate { name, put_back: false, seats, areas } => self.set_aside(name, seats, areas),
            PromoAction::Allocate { name, put_back: true, seats, areas } => self.put_back(name, seats, areas),
        }
    }

    fn create_promo(&mut self, code: &str, terms: &PromoTerms) -> Result<SeatOutcome, Rejection> {
        let book = &mut self.sale.promos;
        if book.number(code).is_some() {
            return Err(wrong("the event has this code already"));
        }
        if book.codes.len() >= CODES_MAX {
            return Err(wrong("the event has as many codes as it can have"));
        }
        let named = terms.allocation.as_deref();
        let allocation = named.map(|name| book.allocation(name).ok_or_else(|| not_found("allocation"))).transpose()?;
        let promo = Promo { code: code.into(), terms: terms.clone(), active: true, created_at: self.at, allocation };
        self.digest.add(hash_promo(self.sale.id, &promo));
        Arc::make_mut(&mut book.codes).push(promo);
        book.tallies.push(Tally::default());
        Ok(SeatOutcome::Done)
    }

    fn switch_promo(&mut self, code: &str, active: bool) -> Result<SeatOutcome, Rejection> {
        let event = self.sale.id;
        let number = self.sale.promos.number(code).ok_or_else(|| not_found("code"))?;
        let codes: &mut Vec<Promo> = Arc::make_mut(&mut self.sale.promos.codes);
        if let Some(promo) = codes.get_mut(number) {
            self.digest.remove(hash_promo(event, promo));
            promo.active = active;
            self.digest.add(hash_promo(event, promo));
        }
        Ok(SeatOutcome::Done)
    }

    /// Looks a code up for somebody who wants to hold with it.
    pub(crate) fn usable(&self, code: &str, user: UserId) -> Result<Usable, Rejection> {
        let book = &self.sale.promos;
        let unknown = || refused(PromoReason::Unknown);
        let number = book.number(code).ok_or_else(unknown)?;
        let promo = book.codes.get(number).ok_or_else(unknown)?;
        let terms = &promo.terms;
        if !promo.active || terms.from.is_some_and(|from| self.at < from) {
            return Err(unknown());
        }
        if terms.until.is_some_and(|until| until <= self.at) {
            return Err(refused(PromoReason::Expired));
        }
        let uses = book.tallies.get(number).map_or(0, Tally::uses);
        let own = book.users.get(&(number as u16, user)).copied().unwrap_or(0);
        if terms.uses_max.is_some_and(|most| uses >= most) || terms.per_user_max.is_some_and(|most| own >= most) {
            return Err(refused(PromoReason::UsedUp));
        }
        Ok(Usable { number, allocation: promo.allocation })
    }

    /// What a usable code does to a hold of this price.
    pub(crate) fn applied(&self, usable: Usable, price: u64) -> Result<Arc<Applied>, Rejection> {
        let book = &self.sale.promos;
        let promo = book.codes.get(usable.number).ok_or_else(|| refused(PromoReason::Unknown))?;
        let discount = promo.terms.discount.of(price);
        let spent = book.tallies.get(usable.number).map_or(0, Tally::discount);
        if promo.terms.budget.is_some_and(|budget| spent.saturating_add(discount) > budget) {
            return Err(refused(PromoReason::UsedUp));
        }
        Ok(Arc::new(Applied { code: promo.code.clone(), discount, allocation: usable.allocation }))
    }

    /// A hold with a code began, or ended.
    pub(crate) fn count_hold(&mut self, user: UserId, promo: Option<&Arc<Applied>>, begins: bool) {
        if let Some(applied) = promo {
            self.sale.promos.count(user, applied, Stage::Held, begins);
        }
    }

    /// A hold became an order.
    pub(crate) fn count_sale(&mut self, hold: &Hold) {
        if let Some(applied) = &hold.promo {
            self.sale.promos.count(hold.user, applied, Stage::Held, false);
            self.sale.promos.count(hold.user, applied, Stage::Used, true);
        }
    }

    /// The money of an order could not be taken: its code was not used after all.
    pub(crate) fn uncount_sale(&mut self, order: OrderId) {
        let Some(order) = self.sale.orders.get(&order) else { return };
        if let Some(applied) = &order.promo {
            self.sale.promos.count(order.user, applied, Stage::Used, false);
        }
    }
}
