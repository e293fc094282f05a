//! A user's tickets and orders: from the user's group, and, while the outbox is on its way, from the event groups.

use boxoffice_api::backend::{Answer, Caller, Context, Failure, Freshness, Page, Read, TicketPage, TicketView};
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::command::{Delivery, OrderRecord, TicketRecord};
use boxoffice_ledger::ids::{OrderId, TicketId, UserId};

use super::Service;
use super::catalog::page_of;
use super::events::bad_cursor;

impl Service {
    /// The caller's tickets, newest first. Undelivered ones are asked of every event group BEFORE the user's group is read:
    /// a ticket that arrives in between is in the user's group already, so none can fall between the two reads.
    pub async fn list_tickets(&self, cx: Context, caller: Caller, limit: usize, cursor: Option<&str>) -> Answer<Read<TicketPage>> {
        let after = cursor.map(|text| TicketId::parse(text).map_err(|_| bad_cursor())).transpose()?;
        let (waiting, complete) = if after.is_none() { self.undelivered(cx, caller.user).await } else { (Vec::new(), true) };
        let group = self.user_group(caller.user);
        let (revision, age_ms) = self.fresh(cx, group).await?;
        let (delivered, waiting) = {
            let accounts = self.accounts(group)?.read();
            let delivered: Vec<TicketRecord> = accounts.tickets_of(caller.user, after, limit + 1).into_iter().cloned().collect();
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

    /// One ticket of the caller; looked for at its event's group when the user's group does not have it yet.
    pub async fn read_ticket(&self, cx: Context, caller: Caller, id: TicketId) -> Answer<Read<TicketView>> {
        let group = self.user_group(caller.user);
        let accounts = self.accounts(group)?;
        let issuing = self.counts.of_event_slot(id.slot().number());
        let waiting = self.undelivered_in(cx, issuing, caller.user).await;
        let found = self.find(cx, group, || accounts.read().ticket(caller.user, id).cloned()).await?;
        let waiting = waiting.into_iter().flatten().find(|ticket| ticket.id == id);
        match (found, waiting) {
            (Some((known, revision, age_ms)), waiting) => {
                let newer = waiting.filter(|ticket| ticket.epoch > known.epoch);
                let pending = newer.is_some();
                Ok(Read { value: self.ticket_view(newer.unwrap_or(known), pending), revision, age_ms })
            }
            (None, Some(ticket)) => {
                let (revision, age_ms) = self.fresh(Context { freshness: Freshness::Local, ..cx }, issuing).await?;
                Ok(Read { value: self.ticket_view(ticket, true), revision, age_ms })
            }
            (None, None) => Err(Failure::NotFound("ticket")),
        }
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
    async fn undelivered(&self, cx: Context, user: UserId) -> (Vec<TicketRecord>, bool) {
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

    fn ticket_view(&self, ticket: TicketRecord, pending: bool) -> TicketView {
        TicketView { event: self.event_view(ticket.event), ticket, pending }
    }
}
