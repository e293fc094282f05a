//! Changes: what an applied entry did, in order. They feed live maps, caches, the search index and the change journal on
//! every replica. The outbox is not here: it is ledger state (see `outbox.rs`).

use alloc::vec::Vec;

use crate::ids::{AttemptId, CartId, EventId, HoldId, OrderId, PerformerId, RefundId, TicketId, UserId, VenueId};
use crate::outcome::{AttemptState, HoldState, OrderState, RefundState, SaleState, SeatState};
use crate::plan::{AreaIndex, SeatIndex};

/// One effect of one entry. Its number is (group, log index, ordinal in the entry).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Seats of an event moved to one state.
    Seats {
        /// The event.
        event: EventId,
        /// Which seats.
        seats: Vec<SeatIndex>,
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
    /// A ticket was issued or voided.
    Ticket {
        /// The event.
        event: EventId,
        /// The ticket.
        ticket: TicketId,
        /// Whose.
        user: UserId,
        /// Whether it is void now.
        void: bool,
    },
    /// A sale was created or moved.
    Sale {
        /// The event.
        event: EventId,
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
