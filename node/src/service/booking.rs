//! Holding, and what can be done with a hold besides paying it. Every change of a seat is one committed entry of the event's group.

use boxoffice_api::backend::{Answer, Caller, Context, Failure, HoldView, Read, Written};
use boxoffice_ledger::command::{Actor, Choice, SeatCommand};
use boxoffice_ledger::ids::{EventId, HoldId, Request};
use boxoffice_ledger::outcome::{HoldInfo, SeatOutcome};
use boxoffice_ledger::seats::SeatLedger;

use super::events::invalid;
use super::orders::progress;
use super::{Applied, Service, planted, refused};
use crate::mint;

impl Service {
    /// Claims seats for the caller.
    #[expect(clippy::too_many_arguments, reason = "one call of the Backend trait")]
    pub async fn hold_seats(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        choice: Choice,
        expect_total: Option<u64>,
        promo: Option<String>,
    ) -> Answer<Written<HoldInfo>> {
        self.must_be_open()?;
        let hold = HoldId::new(mint::now_ms(), event.slot(), mint::entropy());
        let request = planted::request(request);
        let command = SeatCommand::Hold { request, event, hold, user: caller.user, choice, expect_total, promo };
        let applied = self.write::<SeatLedger>(cx, self.event_group(event), &command).await?;
        hold_of(applied)
    }

    /// A hold of the caller, and how its payment stands. Holds of others are not found.
    pub async fn read_hold(&self, cx: Context, caller: Caller, event: EventId, hold: HoldId) -> Answer<Read<HoldView>> {
        let seats = self.seats(event)?;
        let look = || {
            let ledger = seats.read();
            let hold = ledger.hold(event, hold)?;
            let payment = hold.order.and_then(|order| ledger.order(event, order)).and_then(|view| progress(&view.order));
            Some(HoldView { hold, payment })
        };
        match self.find(cx, self.event_group(event), look).await? {
            Some((view, revision, age_ms)) if view.hold.user == caller.user => Ok(Read { value: view, revision, age_ms }),
            _ => Err(Failure::NotFound("hold")),
        }
    }

    /// Lengthens a hold of the caller.
    pub async fn extend(&self, cx: Context, caller: Caller, request: Request, event: EventId, hold: HoldId) -> Answer<Written<HoldInfo>> {
        belongs(event, hold)?;
        let command = SeatCommand::Extend { request, event, hold, actor: Actor::User(caller.user) };
        hold_of(self.write::<SeatLedger>(cx, self.event_group(event), &command).await?)
    }

    /// Gives a hold of the caller back.
    pub async fn release(&self, cx: Context, caller: Caller, request: Request, event: EventId, hold: HoldId) -> Answer<Written<HoldInfo>> {
        belongs(event, hold)?;
        let command = SeatCommand::Release { request, event, hold, actor: Actor::User(caller.user) };
        if let Some(lie) = self.planted_release(event, hold)? {
            return Ok(lie);
        }
        hold_of(self.write::<SeatLedger>(cx, self.event_group(event), &command).await?)
    }
}

/// A hold carries its event's slot: another one is no hold of this event, and needs no entry to be refused.
pub(super) fn belongs(event: EventId, hold: HoldId) -> Answer<()> {
    if hold.slot() == event.slot() { Ok(()) } else { Err(invalid("/hold", "wrong_event", "this is not a hold of this event")) }
}

fn hold_of(applied: Applied<SeatOutcome>) -> Answer<Written<HoldInfo>> {
    match applied.outcome {
        SeatOutcome::Hold(info) => Ok(Written { value: info, revision: applied.revision, replayed: applied.replayed }),
        SeatOutcome::Rejected(rejection) => refused(rejection, applied.revision, applied.replayed),
        _ => Err(Failure::Unknown),
    }
}
