//! What becomes of a hold besides payment: lengthened, given back, run out, forgotten.

use super::work::Work;
use crate::command::Actor;
use crate::ids::{HoldId, UserId};
use crate::outcome::{HoldState, Rejection, SeatOutcome};
use crate::time::{Millis, Timestamp};

/// A hold may be lengthened once in this time.
pub(crate) const EXTEND_INTERVAL: Millis = Millis::from_mins(1);

/// How long an ended hold is remembered, so that a late request of its owner learns how it ended.
pub(crate) const ENDED_HOLD_KEPT: Millis = Millis::from_mins(24 * 60);

pub(crate) fn not_found(what: &str) -> Rejection {
    Rejection::NotFound { what: what.into() }
}

/// Whether the actor may act for this owner.
pub(crate) fn may_act(actor: Actor, owner: UserId) -> bool {
    match actor {
        Actor::User(user) => user == owner,
        Actor::Staff(_) | Actor::System => true,
    }
}

impl Work<'_> {
    /// One more TTL from now, within the hold's hard limit.
    pub(crate) fn extend(&mut self, id: HoldId, actor: Actor) -> Result<SeatOutcome, Rejection> {
        let ttl = self.sale.terms.hold_ttl;
        let hold = self.active_hold(id, actor)?;
        let (extended_at, expires_at, limit) = (hold.extended_at, hold.expires_at, hold.hard_limit(ttl));
        let until = self.at.plus(ttl).min(limit);
        if expires_at >= limit {
            return Err(Rejection::TooSoon { retry_at: None });
        }
        let next = extended_at.plus(EXTEND_INTERVAL);
        if extended_at.0 != 0 && self.at < next {
            return Err(Rejection::TooSoon { retry_at: Some(next) });
        }
        let at = self.at;
        self.change_hold(id, |hold| {
            hold.extended_at = at;
            hold.expires_at = until.max(hold.expires_at);
        });
        self.hold_outcome(id)
    }

    /// Gives the seats back.
    pub(crate) fn release(&mut self, id: HoldId, actor: Actor) -> Result<SeatOutcome, Rejection> {
        self.active_hold(id, actor)?;
        self.end_hold(id, HoldState::Released);
        self.hold_outcome(id)
    }

    /// Ends a hold that has run out.
    pub(crate) fn expire(&mut self, id: HoldId) {
        self.end_hold(id, HoldState::Expired);
    }

    /// Forgets a hold that ended long ago.
    pub(crate) fn forget(&mut self, id: HoldId) {
        if let Some(hold) = self.sale.holds.get(&id).filter(|hold| !hold.is_live()) {
            self.digest.remove(super::hashes::hold(self.sale.id, hold));
            let lapsed = hold.is_lapsed().then_some(hold.user);
            self.sale.holds.remove(&id);
            if let Some(user) = lapsed {
                self.count_user(user, |has| has.lapses.forget());
            }
        }
    }

    pub(crate) fn hold_outcome(&self, id: HoldId) -> Result<SeatOutcome, Rejection> {
        self.sale.hold(id).map(SeatOutcome::Hold).ok_or_else(|| not_found("hold"))
    }

    /// The hold if the actor may see it and it is ticking.
    pub(crate) fn active_hold(&self, id: HoldId, actor: Actor) -> Result<&super::records::Hold, Rejection> {
        let hold = self.sale.holds.get(&id).filter(|hold| may_act(actor, hold.user)).ok_or_else(|| not_found("hold"))?;
        match hold.state {
            HoldState::Active => Ok(hold),
            HoldState::Paying => Err(Rejection::AttemptLive),
            state => Err(Rejection::HoldEnded { state }),
        }
    }
}

/// The moment before which ended holds are forgotten; `None` in the first day of time.
pub(crate) fn forget_before(at: Timestamp) -> Option<Timestamp> {
    at.0.checked_sub(ENDED_HOLD_KEPT.0.saturating_mul(1000)).map(Timestamp)
}
