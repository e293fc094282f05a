//! Changes: what an applied entry did, in order. They feed live maps, caches, the search index and the change journal on
//! every replica. The outbox is not here: it is ledger state (see `outbox.rs`).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::ids::{AttemptId, CartId, EventId, HoldId, OrderId, PerformerId, RefundId, TicketId, UserId, VenueId};
use crate::outcome::{AttemptState, HoldState, OrderState, RefundState, SaleState, SeatState};
use crate::plan::{AreaIndex, LevelIndex, SeatIndex};
use crate::pricing::PriceChange;

/// One effect of one entry. Its number is (group, log index, ordinal in the entry).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Seats of an event moved to one state.
    Seats {
        /// The event.
        event: EventId,
        /// Which seats.
        seats: Vec<SeatIndex>,
        /// The state that all of them were in.
        from: SeatState,
        /// Their state now.
        state: SeatState,
    },
    /// An area's counters are now these.
    Area {
        /// The event.
        event: EventId,
        /// The area.
        area: AreaIndex,
        /// Free places.
        available: u32,
        /// Held and pinned places.
        held: u32,
        /// Sold places.
        sold: u32,
        /// Free, held and sold places before.
        before: [u32; 3],
    },
    /// A hold moved.
    Hold {
        /// The event.
        event: EventId,
        /// The hold.
        hold: HoldId,
        /// Whose.
        user: UserId,
        /// Its state now.
        state: HoldState,
    },
    /// An order moved.
    Order {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// Whose.
        user: UserId,
        /// Its state now.
        state: OrderState,
    },
    /// A payment attempt moved: the payment worker wakes up.
    Attempt {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The attempt.
        attempt: AttemptId,
        /// Its state now.
        state: AttemptState,
    },
    /// A refund was opened or moved: the payment worker wakes up.
    Refund {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The refund.
        refund: RefundId,
        /// Its state now.
        state: RefundState,
    },
    /// A ticket was issued, given on, scanned or voided.
    Ticket {
        /// The event.
        event: EventId,
        /// The ticket.
        ticket: TicketId,
        /// Whose it is now.
        user: UserId,
        /// What happened to it.
        what: TicketChange,
    },
    /// The price of a level changed, or how it moves.
    Price {
        /// The event.
        event: EventId,
        /// The level.
        level: LevelIndex,
        /// What changed, with what it was worked out from.
        change: Box<PriceChange>,
    },
    /// A sale was created or moved.
    Sale {
        /// The event.
        event: EventId,
        /// Its state before; a new sale begins in its first one.
        from: SaleState,
        /// Its state now.
        state: SaleState,
    },
    /// The outbox has something for this target: the outbox worker wakes up.
    Outbox {
        /// The receiving slot (a user's); the table of slots says which group that is.
        target: u32,
    },
    /// The catalog has a new or changed event.
    CatalogEvent {
        /// Which.
        event: EventId,
        /// What happened to it.
        what: EventChange,
    },
    /// The catalog has a new or changed venue.
    CatalogVenue {
        /// Which.
        venue: VenueId,
    },
    /// The catalog has a new or changed performer.
    CatalogPerformer {
        /// Which.
        performer: PerformerId,
    },
    /// An account was opened or changed, or its tickets were.
    Account {
        /// Whose.
        user: UserId,
    },
    /// A cart was made or moved: the payment worker of its group wakes up.
    Cart {
        /// Whose.
        user: UserId,
        /// The cart.
        cart: CartId,
    },
}

/// What happened to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TicketChange {
    /// It was issued.
    Issued,
    /// Its owner offers it to somebody.
    Offered,
    /// The offer was taken back.
    Withdrawn,
    /// It belongs to somebody else now.
    Transferred,
    /// It is void.
    Void,
    /// Its bearer went in.
    CheckedIn,
    /// Its bearer went out.
    CheckedOut,
}

/// What happened to an event in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventChange {
    /// It was made, as a draft.
    Created,
    /// It is public now.
    Published,
    /// Its description changed.
    Updated,
    /// It begins later than it was said to, and was public.
    Postponed,
    /// It was called off.
    Cancelled,
    /// Its event group has it now.
    Provisioned,
    /// Its sales figures changed.
    Figures,
}

/// Where in a group's changes something stands, and the name of the change there: `chg_<group>_<index>_<number>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeId {
    /// The group.
    pub group: u32,
    /// Index of the log entry.
    pub index: u64,
    /// Ordinal in the entry, from 0.
    pub number: u32,
}

impl ChangeId {
    /// Reads its text form; there is one for each id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("chg_")?.split('_');
        let (group, index, number) = (parts.next()?, parts.next()?, parts.next()?);
        let id = Self { group: group.parse().ok()?, index: index.parse().ok()?, number: number.parse().ok()? };
        (parts.next().is_none() && crate::ids::text(id) == text).then_some(id)
    }
}

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chg_{}_{}_{}", self.group, self.index, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_text_form() {
        let id = ChangeId { group: 3, index: 81_263, number: 7 };
        assert_eq!((crate::ids::text(id).as_str(), ChangeId::parse("chg_3_81263_7")), ("chg_3_81263_7", Some(id)));
        for bad in ["", "chg_", "chg_3_1", "chg_3_1_2_4", "chg_03_1_2", "chg_+3_1_2", "chg_3_-1_2", "chg_4294967296_1_1", "evt_3_1_2"] {
            assert_eq!(ChangeId::parse(bad), None, "{bad}");
        }
    }
}
