//! Giving a ticket to another account: an offer to an e-mail, which whoever has that e-mail takes up.
//!
//! Each step raises the ticket's epoch, so the code that was good before is dead at once. While an offer waits nobody can
//! enter with the ticket; when it lapses or is taken back, the ticket is its owner's again, with a new code. The buyer's limit
//! goes on counting it: giving tickets on is no way around the limit.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::lifecycle::not_found;
use super::pay::wrong;
use super::tickets::{Holder, hash_holder};
use super::work::Work;
use crate::change::TicketChange;
use crate::command::{Actor, Delivery};
use crate::ids::{OrderId, TicketId, UserId};
use crate::orders::{Order, order_of};
use crate::outbox::user_of;
use crate::outcome::{Rejection, SaleState, SeatOutcome};
use crate::tickets::{OFFER_TTL, TicketAction, TicketOffer, TicketOutcome, TicketRecord};

impl Work<'_> {
    /// Does what is asked with a ticket.
    pub(crate) fn ticket_action(&mut self, action: &TicketAction) -> Result<SeatOutcome, Rejection> {
        match action {
            TicketAction::Scan(scan) => self.scan(scan),
            TicketAction::Offer { ticket, user, to } => self.offer(*ticket, *user, to),
            TicketAction::Withdraw { ticket, user } => self.withdraw(*ticket, *user),
            TicketAction::Claim { ticket, user, email } => self.claim(*ticket, *user, email),
            TicketAction::HandOver { ticket, user, to } => self.hand_over(*ticket, *user, *to),
        }
    }

    fn offer(&mut self, ticket: TicketId, user: UserId, to: &str) -> Result<SeatOutcome, Rejection> {
        self.own(ticket, user)?;
        self.may_transfer(ticket)?;
        if self.sale.live_offer(ticket, self.at).is_some() {
            return Err(wrong("the ticket is offered already: take that offer back first"));
        }
        let until = self.at.plus(OFFER_TTL);
        self.move_ticket(ticket, user, Some(TicketOffer { to: to.into(), until }))
    }

    fn withdraw(&mut self, ticket: TicketId, user: UserId) -> Result<SeatOutcome, Rejection> {
        self.own(ticket, user)?;
        if self.sale.live_offer(ticket, self.at).is_none() {
            return Err(wrong("the ticket is not offered to anybody"));
        }
        self.move_ticket(ticket, user, None)
    }

    fn claim(&mut self, ticket: TicketId, user: UserId, email: &str) -> Result<SeatOutcome, Rejection> {
        let offered = self.sale.live_offer(ticket, self.at).is_some_and(|offer| offer.to == email);
        if !offered {
            return Err(not_found("offer"));
        }
        self.may_transfer(ticket)?;
        self.move_ticket(ticket, user, None)
    }

    /// Gives a guest's ticket to the account that has the guest's e-mail: the same person, so the event's policy on transfers does
    /// not matter, nor whether the ticket was used. The edge checked who they are.
    fn hand_over(&mut self, ticket: TicketId, user: UserId, to: UserId) -> Result<SeatOutcome, Rejection> {
        self.own(ticket, user)?;
        if user == to {
            return Err(wrong("the ticket is theirs already"));
        }
        self.move_ticket(ticket, to, None)
    }

    /// Checks that a ticket is this user's.
    fn own(&self, ticket: TicketId, user: UserId) -> Result<(), Rejection> {
        let (order, _, issued) = self.sale.issued(ticket).ok_or_else(|| not_found("ticket"))?;
        if self.sale.holder_of(order, ticket) != user {
            return Err(not_found("ticket"));
        }
        if issued.void { Err(wrong("the ticket is void")) } else { Ok(()) }
    }

    fn may_transfer(&self, ticket: TicketId) -> Result<(), Rejection> {
        let terms = self.sale.terms.entry;
        if !terms.transfer {
            return Err(wrong("tickets of this event cannot be given to others"));
        }
        if terms.transfer_until.is_some_and(|until| self.at >= until) {
            return Err(wrong("it is too late to give tickets of this event to others"));
        }
        if self.sale.head.state == SaleState::Cancelled {
            return Err(wrong("the event is cancelled"));
        }
        if self.sale.book.entries.contains(&ticket) {
            return Err(wrong("the ticket was used"));
        }
        Ok(())
    }

    /// Gives a ticket its next epoch, its owner and its offer, and tells the owners' groups.
    fn move_ticket(&mut self, ticket: TicketId, user: UserId, offer: Option<TicketOffer>) -> Result<SeatOutcome, Rejection> {
        let (id, ordinal) = order_of(ticket);
        let before = self.sale.orders.get(&id).map(|order| self.sale.holder_of(order, ticket)).ok_or_else(|| not_found("ticket"))?;
        let until = offer.as_ref().map(|offer| offer.until);
        let what = match (before == user, until) {
            (false, _) => TicketChange::Transferred,
            (true, Some(_)) => TicketChange::Offered,
            (true, None) => TicketChange::Withdrawn,
        };
        self.change_order(id, |order| {
            let mut changed = order.tickets.to_vec();
            if let Some(ticket) = changed.get_mut(usize::from(ordinal)) {
                ticket.epoch = ticket.epoch.saturating_add(1);
            }
            order.tickets = changed.into();
        });
        self.sale.dead.insert(ticket);
        self.change_holder(ticket, before, |holder| {
            holder.user = user;
            holder.moves = holder.moves.saturating_add(1);
            holder.offer = offer.map(Arc::new);
        });
        let record = self.sale.ticket(ticket).ok_or_else(|| not_found("ticket"))?;
        let epoch = record.epoch;
        let mut records = Vec::with_capacity(2);
        if before != user {
            records.push(Delivery::Ticket(TicketRecord { user: before, moved: true, ..record.clone() }));
        }
        records.push(Delivery::Ticket(record));
        self.say_ticket(ticket, user, what);
        self.deliver_each(records);
        Ok(SeatOutcome::Ticket(TicketOutcome::Moved { ticket, epoch, user, until }))
    }

    fn change_holder(&mut self, ticket: TicketId, user: UserId, change: impl FnOnce(&mut Holder)) {
        if let Some(holder) = self.sale.book.holders.get(&ticket) {
            self.digest.remove(hash_holder(ticket, holder));
        }
        let holder = self.sale.book.holders.get_or_insert_with(ticket, || Holder { user, moves: 0, offer: None });
        change(holder);
        self.digest.add(hash_holder(ticket, holder));
    }

    /// Whether the actor may void these tickets of an order. A buyer may not once one was used or is somebody else's.
    pub(crate) fn may_void(&self, order: &Order, ordinals: &[u16], actor: Actor) -> Result<(), Rejection> {
        if !matches!(actor, Actor::User(_)) {
            return Ok(());
        }
        for &ordinal in ordinals {
            let ticket = TicketId::of_order(order.id, ordinal);
            if self.sale.book.entries.contains(&ticket) {
                return Err(wrong("a ticket was used"));
            }
            if self.sale.holder_of(order, ticket) != order.user || self.sale.live_offer(ticket, self.at).is_some() {
                return Err(wrong("a ticket was given to someone else or is offered"));
            }
        }
        Ok(())
    }

    /// Takes back whatever offers there are of tickets that have become void.
    pub(crate) fn drop_offers(&mut self, order: OrderId, ordinals: &[u16]) {
        for &ordinal in ordinals {
            let ticket = TicketId::of_order(order, ordinal);
            let offered = self.sale.book.holders.get(&ticket).filter(|holder| holder.offer.is_some());
            if let Some(user) = offered.map(|holder| holder.user) {
                self.change_holder(ticket, user, |holder| holder.offer = None);
            }
        }
    }

    /// Puts each record into the outbox of the slot of the user that it concerns.
    pub(crate) fn deliver_each(&mut self, records: Vec<Delivery>) {
        let mut rest = records.into_iter().peekable();
        while let Some(user) = rest.peek().map(user_of) {
            let mut same = Vec::new();
            while let Some(record) = rest.next_if(|record| user_of(record) == user) {
                same.push(record);
            }
            self.deliver(user, same);
        }
    }
}

/// Whether a text can be the e-mail of an offer; which addresses exist is not known here.
pub(crate) fn fits_email(text: &str) -> bool {
    text.len() <= crate::accounts::EMAIL_BYTES_MAX && text.rsplit_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
}
