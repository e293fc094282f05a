//! Prices that move: a step of a level's price, a tier that is exhausted, another policy. Inputs are those of the state when the entry
//! is applied, at the entry's time: nobody can claim others, and they are noted with the change.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;

use super::lifecycle::not_found;
use super::pay::wrong;
use super::prices::{LevelPrice, Use, hash_change, hash_level};
use super::work::Work;
use crate::change::Change;
use crate::ids::HoldId;
use crate::outcome::{Rejection, SaleState, SeatOutcome};
use crate::plan::LevelIndex;
use crate::pricing::{Policy, PriceCause, PriceChange};

impl Work<'_> {
    /// The next step of a level's price, if it is due and still starts from the price that the proposer saw.
    pub(crate) fn reprice(&mut self, level: LevelIndex, version: u32, from: u64) -> Result<SeatOutcome, Rejection> {
        self.sale_is_on()?;
        let known = self.sale.prices.levels.get(usize::from(level.0)).ok_or_else(|| not_found("price level"))?;
        if (known.now.version, known.now.price) != (version, from) {
            return Err(wrong("the price is another by now"));
        }
        let due = known.next_step_at().ok_or_else(|| wrong("the price is fixed"))?;
        if self.at < due {
            return Err(Rejection::TooSoon { retry_at: Some(due) });
        }
        match &known.now.policy {
            Policy::Fixed => Err(wrong("the price is fixed")),
            Policy::Tiers(_) => {
                self.move_tier(level, true);
                Ok(SeatOutcome::Done)
            }
            Policy::Demand(demand) => {
                let inputs = self.sale.price_inputs(level);
                let step = demand.step(from, self.at, &inputs);
                let change = (step.price != from).then_some((step.price, PriceCause::Demand(inputs)));
                let at = self.at;
                self.change_price(level, change, |level| {
                    level.stepped_at = at;
                    level.sold_then = inputs.sold;
                    level.smooth = step.smooth;
                });
                Ok(SeatOutcome::Done)
            }
        }
    }

    /// The sale is open now, or from the moment that its terms say: prices take their first step an interval later.
    pub(crate) fn start_prices(&mut self) {
        let from = self.sale.terms.opens_at.map_or(self.at, |opens_at| opens_at.max(self.at));
        for level in 0..self.sale.prices.levels.len() as u16 {
            self.change_price(LevelIndex(level), None, |level| level.stepped_at = from);
        }
    }

    /// Moves on every level whose tier is exhausted.
    pub(crate) fn exhaust_tiers(&mut self) {
        for level in 0..self.sale.prices.levels.len() as u16 {
            self.move_tier(LevelIndex(level), false);
        }
    }

    /// Moves a level to the tier that fits what is taken: to a later one, or else back to an earlier one.
    fn move_tier(&mut self, number: LevelIndex, back: bool) {
        let place = usize::from(number.0);
        let Some(level) = self.sale.prices.levels.get(place) else { return };
        let Policy::Tiers(_) = &level.now.policy else { return };
        let taken = self.taken(number);
        let tier = level.now.policy.tier(taken);
        if tier == level.tier || (tier < level.tier) != back {
            return;
        }
        let price = level.now.policy.opening(level.now.price, taken);
        let cause = if back { PriceCause::TierReopened { tier, taken } } else { PriceCause::TierExhausted { tier, taken } };
        self.change_price(number, Some((price, cause)), |level| level.tier = tier);
    }

    /// A hold began to count for the prices of its levels, or ended.
    pub(crate) fn weigh_hold(&mut self, hold: HoldId, begins: bool) {
        if self.sale.prices.is_fixed() {
            return;
        }
        if let Some((user, items)) = self.sale.holds.get(&hold).map(|hold| (hold.user, hold.items.clone())) {
            self.sale.weigh_items(user, items.as_slice(), begins);
        }
    }

    /// Gives a level another policy. Once the sale was opened its bounds stay what they were.
    pub(crate) fn set_policy(&mut self, level: LevelIndex, policy: &Policy, reason: &str) -> Result<SeatOutcome, Rejection> {
        let place = usize::from(level.0);
        if place >= self.sale.terms.prices.len() {
            return Err(not_found("price level"));
        }
        let state = self.sale.head.state;
        if matches!(state, SaleState::Closed | SaleState::Cancelled) {
            return Err(Rejection::SaleMove { state });
        }
        let begun = state != SaleState::Published;
        let view = self.sale.price_view(level).ok_or_else(|| not_found("price level"))?;
        let (price, taken) = (policy.opening(view.price, view.taken), view.taken);
        let bounds = policy.bounds(price);
        if begun && (bounds.0 < view.bounds.0 || bounds.1 > view.bounds.1) {
            let detail = format!("from {} to {} was promised before the sale", view.bounds.0, view.bounds.1);
            return Err(Rejection::Frozen { pointer: "/policy".into(), detail });
        }
        self.open_prices();
        let tier = policy.tier(taken);
        let cause = PriceCause::Policy { policy: policy.clone(), taken, reason: reason.to_string() };
        let (at, sold) = (self.at, self.sale.price_inputs(level).sold);
        self.change_price(level, Some((price, cause)), |level| {
            level.tier = tier;
            level.stepped_at = at;
            level.sold_then = sold;
            if !begun {
                level.bounds = bounds;
            }
        });
        Ok(SeatOutcome::Done)
    }

    /// Begins to keep the prices of an event whose prices were all fixed.
    fn open_prices(&mut self) {
        if self.sale.prices.is_fixed() {
            let terms = self.sale.terms.clone();
            self.sale.prices.open(&terms);
            self.sale.derive_prices();
            self.sale.prices.add_hashes(self.sale.id, self.digest);
        }
    }

    /// Held or sold places of a level.
    fn taken(&self, level: LevelIndex) -> u32 {
        self.sale.prices.uses.get(usize::from(level.0)).map_or(0, Use::taken)
    }

    /// Changes the record of a level; with a new price and its cause, notes that and says so.
    fn change_price(&mut self, number: LevelIndex, new: Option<(u64, PriceCause)>, change: impl FnOnce(&mut LevelPrice)) {
        let (event, at) = (self.sale.id, self.at);
        let Some(level) = self.sale.prices.levels.get_mut(usize::from(number.0)) else { return };
        self.digest.remove(hash_level(event, number, level));
        change(level);
        if let Some((to, cause)) = new {
            let noted = PriceChange { version: level.now.version.saturating_add(1), at, from: level.now.price, to, cause };
            self.digest.add(hash_change(event, number, &noted));
            self.changes.push(Change::Price { event, level: number, change: Box::new(noted.clone()) });
            if let Some(forgotten) = level.note(noted) {
                self.digest.remove(hash_change(event, number, &forgotten));
            }
        }
        self.digest.add(hash_level(event, number, level));
    }
}
