//! The seats of an event as they go through the backend.

use std::sync::Arc;

use boxoffice_ledger::ids::{EventId, PlanHash};
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::outcome::SaleState;
use boxoffice_ledger::plan::Plan;
use bytes::Bytes;

/// Counts of one section or area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionCount {
    /// Its name.
    pub name: String,
    /// Free.
    pub available: u32,
    /// Held or pinned.
    pub held: u32,
    /// Sold.
    pub sold: u32,
    /// All.
    pub capacity: u32,
}

/// The seats of an event at one revision.
#[derive(Clone, Debug)]
pub struct SeatMap {
    /// The event.
    pub event: EventId,
    /// Its layout.
    pub layout: PlanHash,
    /// The layout itself.
    pub plan: Arc<Plan>,
    /// Two bits a seat in layout order, lowest bits first: 0 free, 1 held, 2 sold, 3 not for sale.
    pub states: Bytes,
    /// Sections in plan order, then areas in plan order.
    pub counts: Vec<SectionCount>,
    /// Price of each level, in minor units.
    pub prices: Vec<u64>,
    /// The versions of those prices, where prices move; none = they are fixed.
    pub price_versions: Vec<u32>,
    /// Their currency.
    pub currency: Currency,
    /// The sale.
    pub state: SaleState,
}
