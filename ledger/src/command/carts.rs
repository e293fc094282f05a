//! What happens to a cart. A user opens, pays and releases it; whoever drives it says what the events' groups and the provider
//! answered. News about an attempt carries no request: it is recognised by the attempt, and a repeat changes nothing.

use alloc::string::String;
use alloc::vec::Vec;

use crate::ids::{AttemptId, EventId, HoldId, OrderId, Request};
use crate::money::Currency;

/// A hold of a new cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewItem {
    /// The event.
    pub event: EventId,
    /// The hold.
    pub hold: HoldId,
    /// Its order's id if it has none yet.
    pub order: OrderId,
    /// The quote locked at the hold, in minor units.
    pub total: u64,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CartCommand {
    /// Makes it.
    Open {
        /// Idempotency.
        request: Request,
        /// The currency of all holds.
        currency: Currency,
        /// Which holds, 1 to 10, each once.
        items: Vec<NewItem>,
    },
    /// Begins to pay it: its holds are to be pinned.
    Pay {
        /// Idempotency.
        request: Request,
        /// The new attempt's id, the idempotency key at the provider.
        attempt: AttemptId,
        /// The provider's token of the payment method, at most 255 bytes.
        method: String,
    },
    /// Throws it away; the holds stay the buyer's until they run out. Refused once the money is reserved.
    Release {
        /// Idempotency.
        request: Request,
    },
    /// What the events' groups answered.
    Items {
        /// The attempt.
        attempt: AttemptId,
        /// Of some of the holds, by their place in the cart.
        news: Vec<(u32, ItemNews)>,
    },
    /// What the provider answered, or what was decided about it.
    Payment {
        /// The attempt.
        attempt: AttemptId,
        /// What.
        news: PaymentNews,
    },
}

/// What became of one hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemNews {
    /// Pinned.
    Pinned {
        /// Its order.
        order: OrderId,
        /// What it costs, in minor units.
        total: u64,
    },
    /// It cannot be pinned.
    Refused {
        /// Why, at most 64 bytes.
        code: String,
    },
    /// Its order is confirmed.
    Sold,
    /// Its order cannot be confirmed, because the event was cancelled; the hold is over.
    Dropped,
    /// It is pinned no more.
    Freed,
    /// Its order's group knows what became of the money.
    Settled,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentNews {
    /// The provider's answer was lost.
    Unknown,
    /// The provider waits for the buyer, or is still thinking.
    Note {
        /// The provider's own id of the attempt, at most 255 bytes; empty = not known.
        reference: String,
        /// Where the buyer has to go (3-D Secure), at most 2,048 bytes; `None` = nowhere.
        action: Option<String>,
    },
    /// The money is reserved: sell.
    Authorized {
        /// How much, in minor units.
        amount: u64,
        /// The provider's own id of the attempt, at most 255 bytes; empty = the one known before.
        reference: String,
    },
    /// Refused for good, or cancelled: nothing is reserved.
    Failed {
        /// The provider's code, at most 64 bytes.
        code: String,
    },
    /// Nobody waits for it any more: it must be cancelled at the provider, and nothing is sold for it from here on.
    GiveUp,
    /// The money for the confirmed orders is ours, the rest of the reservation given back.
    Captured,
    /// The whole reservation was given back, for no order with a price could be confirmed.
    Voided,
    /// The reserved money cannot be had any more.
    CaptureFailed {
        /// The provider's code, at most 64 bytes.
        code: String,
    },
}
