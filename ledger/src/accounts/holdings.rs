//! What one user has: tickets and orders, as event groups delivered them.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{AccountLedger, hash_order, hash_ticket};
use crate::command::OrderRecord;
use crate::digest::Accumulator;
use crate::ids::{OrderId, TicketId, UserId};
use crate::tickets::TicketRecord;

/// One user's records, each list ascending by id, which is the order of their creation.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    tickets: Vec<Arc<TicketRecord>>,
    orders: Vec<Arc<OrderRecord>>,
}

impl Holdings {
    /// Stores a ticket unless this or a newer epoch of it is here; answers whether it was stored.
    pub fn put_ticket(&mut self, ticket: &TicketRecord, digest: &mut Accumulator) -> bool {
        let place = self.tickets.binary_search_by(|known| known.id.cmp(&ticket.id));
        let old = place.ok().map(|place| &self.tickets[place]);
        if old.is_some_and(|old| old.epoch >= ticket.epoch) {
            return false;
        }
        if let Some(old) = old {
            digest.remove(hash_ticket(old));
        }
        digest.add(hash_ticket(ticket));
        let new = Arc::new(ticket.clone());
        match place {
            Ok(place) => self.tickets[place] = new,
            Err(place) => self.tickets.insert(place, new),
        }
        true
    }

    /// Stores an order unless this or a newer revision of it is here; answers whether it was stored.
    pub fn put_order(&mut self, order: &OrderRecord, digest: &mut Accumulator) -> bool {
        let place = self.orders.binary_search_by(|known| known.id.cmp(&order.id));
        let old = place.ok().map(|place| &self.orders[place]);
        if old.is_some_and(|old| old.revision >= order.revision) {
            return false;
        }
        if let Some(old) = old {
            digest.remove(hash_order(old));
        }
        digest.add(hash_order(order));
        let new = Arc::new(order.clone());
        match place {
            Ok(place) => self.orders[place] = new,
            Err(place) => self.orders.insert(place, new),
        }
        true
    }

    /// Whether this epoch of a ticket, or a newer one, is here.
    pub fn knows_ticket(&self, id: TicketId, epoch: u32) -> bool {
        self.ticket(id).is_some_and(|known| known.epoch >= epoch)
    }

    /// Whether this revision of an order, or a newer one, is here.
    pub fn knows_order(&self, id: OrderId, revision: u32) -> bool {
        self.order(id).is_some_and(|known| known.revision >= revision)
    }

    pub fn ticket(&self, id: TicketId) -> Option<&TicketRecord> {
        let place = self.tickets.binary_search_by(|known| known.id.cmp(&id)).ok()?;
        self.tickets.get(place).map(|ticket| &**ticket)
    }

    pub fn order(&self, id: OrderId) -> Option<&OrderRecord> {
        let place = self.orders.binary_search_by(|known| known.id.cmp(&id)).ok()?;
        self.orders.get(place).map(|order| &**order)
    }

    /// Tickets from the newest on, or from the one before `after`.
    pub fn tickets_before(&self, after: Option<TicketId>) -> impl Iterator<Item = &TicketRecord> {
        let end = after.map_or(self.tickets.len(), |id| self.tickets.partition_point(|known| known.id < id));
        self.tickets[..end].iter().rev().map(|ticket| &**ticket)
    }

    /// Orders from the newest on, or from the one before `after`.
    pub fn orders_before(&self, after: Option<OrderId>) -> impl Iterator<Item = &OrderRecord> {
        let end = after.map_or(self.orders.len(), |id| self.orders.partition_point(|known| known.id < id));
        self.orders[..end].iter().rev().map(|order| &**order)
    }

    pub fn tickets(&self) -> &[Arc<TicketRecord>] {
        &self.tickets
    }

    pub fn orders(&self) -> &[Arc<OrderRecord>] {
        &self.orders
    }

    /// Checks that everything is in order and of this user; adds it to the digest.
    pub fn check(&self, user: UserId, digest: &mut Accumulator) -> Result<(), String> {
        self.tickets.iter().for_each(|ticket| digest.add(hash_ticket(ticket)));
        self.orders.iter().for_each(|order| digest.add(hash_order(order)));
        let sorted =
            self.tickets.is_sorted_by(|left, right| left.id < right.id) && self.orders.is_sorted_by(|left, right| left.id < right.id);
        let own = self.tickets.iter().all(|ticket| ticket.user == user) && self.orders.iter().all(|order| order.user == user);
        if sorted && own { Ok(()) } else { Err(format!("the records of {user} are out of order or of someone else")) }
    }
}

impl AccountLedger {
    /// The tickets of everybody in this group, by owner and id.
    pub fn tickets(&self) -> impl Iterator<Item = &TicketRecord> {
        let owners = self.holdings.sorted().into_iter();
        owners.flat_map(|(_, holdings)| holdings.tickets().iter().map(|ticket| &**ticket))
    }

    /// The orders of everybody in this group, by buyer and id.
    pub fn orders(&self) -> impl Iterator<Item = &OrderRecord> {
        let buyers = self.holdings.sorted().into_iter();
        buyers.flat_map(|(_, holdings)| holdings.orders().iter().map(|order| &**order))
    }
}
