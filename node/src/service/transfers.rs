//! Giving tickets to other accounts. The event's group owns the ticket and decides; both owners' groups hear of it by outbox.

use boxoffice_api::backend::{Answer, Caller, Context, Failure, Freshness, Page, Read, TicketPage, TicketView, Transfer, Written};
use boxoffice_ledger::ids::{EventId, Request, TicketId};
use boxoffice_ledger::outcome::SeatOutcome;
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::tickets::{TicketAction, TicketOutcome};

use super::events::invalid;
use super::{Applied, Service, refused};
use crate::mail::letters;

impl Service {
    /// Offers a ticket of the caller to whoever has this e-mail. Whether anybody has it makes no difference here. A letter says so;
    /// what it links to is no right: the ticket waits for whoever logs in with the address.
    pub async fn offer(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        ticket: TicketId,
        to: String,
        letter: bool,
    ) -> Answer<Written<Transfer>> {
        if self.own_email(cx, caller).await? == to {
            return Err(invalid("/to", "own_address", "the ticket is yours already"));
        }
        let event = self.event_of_ticket(cx, ticket).await?;
        let action = TicketAction::Offer { ticket, user: caller.user, to: to.clone() };
        let applied = self.ticket_write(cx, event, request, action).await?;
        match applied.outcome {
            TicketOutcome::Moved { until: Some(until), .. } => {
                if letter && !applied.replayed {
                    self.tell_of_offer(&to).await;
                }
                Ok(applied.written(Transfer { ticket, to, until }))
            }
            _ => Err(Failure::Unknown),
        }
    }

    async fn tell_of_offer(&self, to: &str) {
        let letter = letters::ticket_offered(to.to_owned(), &format!("{}/#/tickets", self.links));
        if let Err(error) = self.mailer.send(letter).await {
            // The address is not for the log.
            tracing::warn!(%error, "the notice of an offered ticket could not be mailed");
        }
    }

    /// Takes an offer of the caller back.
    pub async fn withdraw(&self, cx: Context, caller: Caller, request: Request, ticket: TicketId) -> Answer<Written<()>> {
        let event = self.event_of_ticket(cx, ticket).await?;
        let action = TicketAction::Withdraw { ticket, user: caller.user };
        Ok(self.ticket_write(cx, event, request, action).await?.written(()))
    }

    /// Tickets that wait for the caller, from every event group that can be asked.
    pub async fn offered_tickets(&self, cx: Context, caller: Caller) -> Answer<Read<TicketPage>> {
        let email = self.own_email(cx, caller).await?;
        let (revision, age_ms) = self.fresh(cx, self.user_group(caller.user)).await?;
        let asked = futures::future::join_all(self.counts.event_groups().map(|group| {
            let email = &email;
            async move {
                self.fresh(cx, group).await?;
                let ledger = self.events.get(&group).ok_or(Failure::NotFound("event"))?.read();
                Ok::<_, Failure>(ledger.offers_to(email))
            }
        }))
        .await;
        let complete = asked.iter().all(Result::is_ok);
        let items = asked.into_iter().flatten().flatten().map(|ticket| self.ticket_view(ticket, false)).collect();
        Ok(Read { value: TicketPage { page: Page { items, next: None }, complete }, revision, age_ms })
    }

    /// Takes up a ticket that is offered to the caller's e-mail.
    pub async fn take_up(&self, cx: Context, caller: Caller, request: Request, ticket: TicketId) -> Answer<Written<TicketView>> {
        let email = self.own_email(cx, caller).await?;
        let event = match self.event_of_ticket(cx, ticket).await {
            Err(Failure::NotFound(_)) => return Err(Failure::NotFound("offer")),
            other => other?,
        };
        let action = TicketAction::Claim { ticket, user: caller.user, email };
        let applied = self.ticket_write(cx, event, request, action).await?;
        self.fresh(Context { freshness: Freshness::AtLeast(applied.revision), ..cx }, self.event_group(event)).await?;
        let record = self.seats(event)?.read().ticket(event, ticket).ok_or(Failure::NotFound("offer"))?;
        if record.user != caller.user {
            return Err(Failure::NotFound("offer")); // A retry, long after: the ticket has gone on since.
        }
        Ok(applied.written(self.ticket_view(record, true)))
    }

    async fn own_email(&self, cx: Context, caller: Caller) -> Answer<String> {
        let cx = Context { freshness: Freshness::Linearizable, ..cx };
        Ok(self.read_account(cx, caller.user).await?.value.email)
    }

    async fn event_of_ticket(&self, cx: Context, ticket: TicketId) -> Answer<EventId> {
        let group = self.counts.of_event_slot(ticket.slot().number());
        let seats = self.events.get(&group).ok_or(Failure::NotFound("ticket"))?;
        let found = self.find(cx, group, || seats.read().find_ticket(ticket)).await?;
        found.map(|((event, _), ..)| event).ok_or(Failure::NotFound("ticket"))
    }

    /// Puts an action on a ticket through its event's group.
    pub async fn ticket_write(
        &self,
        cx: Context,
        event: EventId,
        request: Request,
        action: TicketAction,
    ) -> Answer<Applied<TicketOutcome>> {
        let command = boxoffice_ledger::command::SeatCommand::Ticket { request, event, action };
        let applied = self.write::<SeatLedger>(cx, self.event_group(event), &command).await?;
        match applied.outcome {
            SeatOutcome::Ticket(outcome) => Ok(Applied { outcome, replayed: applied.replayed, revision: applied.revision }),
            SeatOutcome::Rejected(rejection) => refused(rejection, applied.revision, applied.replayed),
            _ => Err(Failure::Unknown),
        }
    }
}
