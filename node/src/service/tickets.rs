//! A user's tickets and orders: from the user's group, and, while the outbox is on its way, from the event groups.

use std::sync::Arc;

use boxoffice_api::backend::{
    Answer, Caller, Context, Drawing, EventView, Failure, Freshness, Page, Read, TicketFilter, TicketPage, TicketView, When,
};
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::command::{Delivery, OrderRecord};
use boxoffice_ledger::ids::{OrderId, TicketId, UserId};
use boxoffice_ledger::outcome::Rejection;
use boxoffice_ledger::tickets::{TicketRecord, TicketState};
use bytes::Bytes;

use super::Service;
use super::catalog::page_of;
use super::events::bad_cursor;
use crate::tickets::pass::Pass;
use crate::tickets::{Printed, pdf, svg};

/// Tickets of a user that are looked at together while a filter passes over them.
const TICKETS_AT_ONCE: usize = 200;

impl Service {
    /// The caller's tickets, newest first. Undelivered ones are asked of every event group BEFORE the user's group is read:
    /// a ticket that arrives in between is in the user's group already, so none can fall between the two reads.
    pub async fn list_tickets(
        &self,
        cx: Context,
        caller: Caller,
        filter: TicketFilter,
        limit: usize,
        cursor: Option<&str>,
    ) -> Answer<Read<TicketPage>> {
        let after = cursor.map(|text| TicketId::parse(text).map_err(|_| bad_cursor())).transpose()?;
        let (mut waiting, complete) = if after.is_none() { self.undelivered(cx, caller.user).await } else { (Vec::new(), true) };
        let group = self.user_group(caller.user);
        let (revision, age_ms) = self.fresh(cx, group).await?;
        waiting.retain(|ticket| self.fits(ticket, filter));
        let (delivered, waiting) = {
            let accounts = self.accounts(group)?.read();
            let delivered = self.delivered(&accounts, caller.user, after, filter, limit + 1);
            let waiting: Vec<TicketRecord> = waiting
                .into_iter()
                .filter(|ticket| accounts.ticket(caller.user, ticket.id).is_none_or(|known| known.epoch < ticket.epoch))
                .collect();
            (delivered, waiting)
        };
        let Page { items, next } = page_of(delivered, limit, |ticket| ticket.id.to_string());
        let newer: std::collections::BTreeSet<TicketId> = waiting.iter().map(|ticket| ticket.id).collect();
        let items = items.into_iter().filter(|ticket| !newer.contains(&ticket.id)).map(|ticket| self.ticket_view(ticket, false));
        let items = waiting.into_iter().map(|ticket| self.ticket_view(ticket, true)).chain(items).collect();
        Ok(Read { value: TicketPage { page: Page { items, next }, complete }, revision, age_ms })
    }

    /// The first tickets of a user's group that fit.
    fn delivered(
        &self,
        accounts: &boxoffice_ledger::accounts::AccountLedger,
        user: UserId,
        after: Option<TicketId>,
        filter: TicketFilter,
        most: usize,
    ) -> Vec<TicketRecord> {
        let mut found = Vec::new();
        let mut after = after;
        loop {
            let looked_at = accounts.tickets_of(user, after, TICKETS_AT_ONCE);
            after = looked_at.last().map(|ticket| ticket.id);
            found.extend(looked_at.into_iter().filter(|ticket| self.fits(ticket, filter)).take(most - found.len()).cloned());
            if after.is_none() || found.len() >= most {
                return found;
            }
        }
    }

    fn fits(&self, ticket: &TicketRecord, filter: TicketFilter) -> bool {
        if filter.event.is_some_and(|event| event != ticket.event) {
            return false;
        }
        let Some(when) = filter.when else { return true };
        let catalog = self.catalog.read();
        let Some(event) = catalog.event(ticket.event) else { return when == When::Upcoming };
        let over = event.terms.entry.doors(event.starts_at).1 <= self.clock();
        over == (when == When::Past)
    }

    /// One ticket of the caller, with its code while it is good for entry.
    pub async fn read_ticket(&self, cx: Context, caller: Caller, id: TicketId) -> Answer<Read<TicketView>> {
        let mut read = self.find_own_ticket(cx, caller, id).await?;
        let view = &mut read.value;
        if let (Some(event), true) = (&view.event, admits(view.state)) {
            view.code = Some(self.code_of(&view.ticket, event));
        }
        Ok(read)
    }

    /// Looked for at its event's group when the user's group does not have it yet.
    async fn find_own_ticket(&self, cx: Context, caller: Caller, id: TicketId) -> Answer<Read<TicketView>> {
        let group = self.user_group(caller.user);
        let accounts = self.accounts(group)?;
        let issuing = self.counts.of_event_slot(id.slot().number());
        let waiting = self.undelivered_in(cx, issuing, caller.user).await;
        let found = self.find(cx, group, || accounts.read().ticket(caller.user, id).cloned()).await?;
        match (found, newest_of(id, waiting)) {
            (Some((known, revision, age_ms)), waiting) => {
                let newer = waiting.ok().flatten().filter(|ticket| ticket.epoch > known.epoch);
                let pending = newer.is_some();
                Ok(Read { value: self.ticket_view(newer.unwrap_or(known), pending), revision, age_ms })
            }
            (None, waiting) => {
                let ticket = waiting?.ok_or(Failure::NotFound("ticket"))?;
                let (revision, age_ms) = self.fresh(Context { freshness: Freshness::Local, ..cx }, issuing).await?;
                Ok(Read { value: self.ticket_view(ticket, true), revision, age_ms })
            }
        }
    }

    /// One ticket of the caller as a drawing, while it is good for entry.
    pub async fn drawn_ticket(&self, cx: Context, caller: Caller, id: TicketId, drawing: Drawing) -> Answer<Read<Bytes>> {
        let Read { value: view, revision, age_ms } = self.read_ticket(cx, caller, id).await?;
        let (Some(event), Some(code)) = (view.event, view.code) else {
            let detail = match view.state {
                TicketState::Offered => "the ticket is offered to someone else: take the offer back to get a new code",
                TicketState::Transferred => "the ticket is someone else's now",
                _ => "the ticket is void",
            };
            return Err(Failure::Rejected(Rejection::WrongState { detail: detail.into() }, revision));
        };
        let plan = self.read_layout(cx, event.event.plan).await?;
        let drawn = tokio::task::spawn_blocking(move || {
            let printed = Printed { ticket: &view.ticket, event: &event.event, venue: &event.venue, plan: &plan, code: &code };
            match drawing {
                Drawing::Svg => svg::draw(&printed).map(String::into_bytes),
                Drawing::Pdf => pdf::draw(&printed),
            }
        });
        let drawn = drawn.await.ok().flatten().ok_or_else(|| {
            tracing::error!(ticket = %id, "a ticket could not be drawn");
            Failure::Overloaded(1000)
        })?;
        Ok(Read { value: drawn.into(), revision, age_ms })
    }

    /// The caller's orders, newest first.
    pub async fn list_orders(&self, cx: Context, caller: Caller, limit: usize, cursor: Option<&str>) -> Answer<Read<Page<OrderRecord>>> {
        let after = cursor.map(|text| OrderId::parse(text).map_err(|_| bad_cursor())).transpose()?;
        let group = self.user_group(caller.user);
        let (revision, age_ms) = self.fresh(cx, group).await?;
        let orders = self.accounts(group)?.read().orders_of(caller.user, after, limit + 1).into_iter().cloned().collect::<Vec<_>>();
        Ok(Read { value: page_of(orders, limit, |order| order.id.to_string()), revision, age_ms })
    }

    /// The user's tickets in the outboxes of all event groups, newest first, and whether every group could be asked.
    pub(super) async fn undelivered(&self, cx: Context, user: UserId) -> (Vec<TicketRecord>, bool) {
        let asked = futures::future::join_all(self.counts.event_groups().map(|group| self.undelivered_in(cx, group, user))).await;
        let complete = asked.iter().all(Result::is_ok);
        let mut tickets: Vec<TicketRecord> = asked.into_iter().flatten().flatten().collect();
        tickets.sort_by(|left, right| right.id.cmp(&left.id).then(right.epoch.cmp(&left.epoch)));
        tickets.dedup_by_key(|ticket| ticket.id);
        (tickets, complete)
    }

    async fn undelivered_in(&self, cx: Context, group: GroupId, user: UserId) -> Answer<Vec<TicketRecord>> {
        self.fresh(cx, group).await?;
        let ledger = self.events.get(&group).ok_or(Failure::NotFound("event"))?.read();
        let tickets = ledger.undelivered(user).into_iter().filter_map(|delivery| match delivery {
            Delivery::Ticket(ticket) => Some(ticket),
            Delivery::Order(_) => None,
        });
        Ok(tickets.collect())
    }

    /// A ticket with its event, and with where it stands by its event's group as far as this node knows.
    pub fn ticket_view(&self, ticket: TicketRecord, pending: bool) -> TicketView {
        let now = self.clock();
        let mut state = ticket.state(now);
        if admits(state)
            && let Ok(seats) = self.seats(ticket.event)
            && let ledger = seats.read()
            && let Some(sale) = ledger.event(ticket.event)
            && sale.ticket(ticket.id).is_some_and(|known| known.epoch == ticket.epoch)
        {
            state = sale.ticket_state(ticket.id, now).unwrap_or(state);
        }
        TicketView { event: self.event_view(ticket.event), ticket, pending, state, code: None }
    }

    fn code_of(&self, ticket: &TicketRecord, event: &EventView) -> String {
        let doors = event.event.terms.entry.doors(event.event.starts_at);
        self.keyring.sign(&Pass::of(ticket, doors))
    }

    /// An event's sale as applied here, to walk over without holding up anybody.
    pub fn frozen_sale(&self, event: boxoffice_ledger::ids::EventId) -> Answer<Arc<boxoffice_ledger::seats::EventSale>> {
        self.seats(event)?.read().frozen(event).ok_or(Failure::NotFound("event"))
    }
}

/// The newest form of a ticket among those that wait in an outbox. An outbox that could not be asked may have it, so that nobody may say
/// that there is none.
fn newest_of(id: TicketId, waiting: Answer<Vec<TicketRecord>>) -> Answer<Option<TicketRecord>> {
    Ok(waiting?.into_iter().filter(|ticket| ticket.id == id).max_by_key(|ticket| ticket.epoch))
}

/// Whether a ticket in this state has a code.
fn admits(state: TicketState) -> bool {
    matches!(state, TicketState::Issued | TicketState::CheckedIn | TicketState::CheckedOut)
}

#[cfg(test)]
mod tests {
    use boxoffice_ledger::ids::Slot;

    use super::*;

    #[test]
    fn who_could_not_be_asked_may_have_it() {
        let id = TicketId::of_order(OrderId::for_tickets(1, Slot::new(7), 0), 1);
        assert!(matches!(newest_of(id, Ok(Vec::new())), Ok(None)), "a quorum knows of none");
        assert!(matches!(newest_of(id, Err(Failure::NoQuorum(1_000))), Err(Failure::NoQuorum(_))), "nobody says that there is none");
    }
}
