//! Reads that pages are kept for, as they go through the backend: how far this node is, without looking at what it shows.

use async_trait::async_trait;
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::outcome::SaleState;

use super::{Answer, Context, Read, Revision, SeatMap};

/// How far this node's copies of what an event's page shows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The catalog.
    pub catalog: Revision,
    /// The event's group.
    pub sale: Revision,
    /// How long ago this node last heard that both are up to date, in milliseconds.
    pub age_ms: u64,
}

/// How an event stands, for lists that show many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventAvailability {
    /// The event.
    pub event: EventId,
    /// Its sale.
    pub state: SaleState,
    /// Seats and places free.
    pub available: u32,
    /// Seats and places in all.
    pub capacity: u32,
    /// The lowest price with something free, in minor units with its currency.
    pub from_price: Option<boxoffice_ledger::money::Money>,
}

/// See the module.
#[async_trait]
pub trait Reads: Send + Sync + 'static {
    /// How far this node is, at once. What is published to the live hub up to here is in what is read afterwards.
    fn reach(&self, event: EventId) -> Reach;
    /// The same, once this node is as fresh as the context asks.
    async fn reached(&self, cx: Context, event: EventId) -> Answer<Reach>;
    /// The seats of an event as they were at a revision of its group; waits a little for one that is yet to come.
    ///
    /// # Errors
    /// [`Failure::ChangesGone`](super::Failure) when this node does not remember so far back.
    async fn seat_map_as_of(&self, cx: Context, event: EventId, revision: Revision) -> Answer<Read<SeatMap>>;
    /// How these events stand, as this node knows them; what it does not know and what is not public is left out.
    async fn availability(&self, cx: Context, events: &[EventId]) -> Answer<Vec<EventAvailability>>;
}
