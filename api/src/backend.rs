//! The product as seen from HTTP: one trait that `node` implements. Nothing here knows leaders, groups or forwarding.

mod backup;
mod cart;
mod changes;
mod guest;
mod identity;
mod import;
mod inspection;
mod map;
mod measures;
mod media;
mod money;
mod nodes;
mod price;
mod promo;
mod reads;
mod search;
mod tickets;
mod types;
mod webhooks;

use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_ledger::command::{BlockAction, Choice, OrderRecord, Performer, SaleAction, Venue};
use boxoffice_ledger::ids::{EventId, HoldId, OrderId, PerformerId, PlanHash, Request, TicketId, VenueId};
use boxoffice_ledger::outcome::{HoldInfo, SaleState};
use boxoffice_ledger::plan::{Plan, SeatIndex};
use boxoffice_ledger::tickets::TicketState;
use boxoffice_ledger::time::Timestamp;
use bytes::Bytes;

pub use backup::*;
pub use cart::*;
pub use changes::*;
pub use guest::*;
pub use identity::*;
pub use import::*;
pub use inspection::*;
pub use map::*;
pub use measures::*;
pub use media::*;
pub use money::*;
pub use nodes::*;
pub use price::*;
pub use promo::*;
pub use reads::*;
pub use search::*;
pub use tickets::*;
pub use types::*;
pub use webhooks::*;

/// The product. Every call ends by its context's deadline.
#[allow(clippy::too_many_arguments)] // Each stands for a field of the request; a struct for each method would say it twice.
#[async_trait]
pub trait Backend:
    Identity
    + Carts
    + Guests
    + Promotions
    + Pricing
    + Reads
    + Search
    + Imports
    + MediaLibrary
    + ChangeFeed
    + WebhookDesk
    + NodeDesk
    + BackupDesk
    + Inspection
{
    /// Published events, in the order that the filter asks for.
    async fn list_events(&self, cx: Context, filter: &EventFilter, limit: usize, cursor: Option<&str>) -> Answer<Read<Page<EventView>>>;
    /// One event. A draft is shown to its owner (and operators) only.
    async fn event(&self, cx: Context, caller: Option<Caller>, event: EventId) -> Answer<Read<EventView>>;
    /// Creates an event; returns when it can be held, or soon after with `ready: false`.
    async fn create_event(&self, cx: Context, caller: Caller, request: Request, event: NewEvent) -> Answer<Written<CreatedEvent>>;
    /// Changes an event that is at `version`.
    async fn update_event(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        version: u64,
        patch: EventPatch,
    ) -> Answer<Written<EventView>>;
    /// Publishes a draft and opens its sale (unless its terms open it later).
    async fn publish_event(&self, cx: Context, caller: Caller, request: Request, event: EventId) -> Answer<Written<EventView>>;
    /// Gives a published event another start; it keeps the one before.
    async fn postpone_event(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        starts_at: Timestamp,
    ) -> Answer<Written<EventView>>;
    /// Moves an event's sale.
    async fn move_sale(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        action: SaleAction,
    ) -> Answer<Written<SaleState>>;
    /// Blocks, unblocks or kills seats; gives the revoked holds.
    async fn block_seats(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        seats: Vec<SeatIndex>,
        action: BlockAction,
        reason: String,
    ) -> Answer<Written<Vec<HoldId>>>;

    /// The seats of an event.
    async fn seat_map(&self, cx: Context, event: EventId) -> Answer<Read<SeatMap>>;
    /// A layout by its hash.
    async fn layout(&self, cx: Context, hash: PlanHash) -> Answer<Arc<Plan>>;

    /// Holds seats; with a promo code in its normal form, if there is one.
    async fn hold(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        choice: Choice,
        expect_total: Option<u64>,
        promo: Option<String>,
    ) -> Answer<Written<HoldInfo>>;
    /// A hold of the caller.
    async fn get_hold(&self, cx: Context, caller: Caller, event: EventId, hold: HoldId) -> Answer<Read<HoldView>>;
    /// Lengthens a hold.
    async fn extend_hold(&self, cx: Context, caller: Caller, request: Request, event: EventId, hold: HoldId) -> Answer<Written<HoldInfo>>;
    /// Gives a hold back.
    async fn release_hold(&self, cx: Context, caller: Caller, request: Request, event: EventId, hold: HoldId) -> Answer<Written<HoldInfo>>;
    /// Pays a hold with a provider token (ignored when the total is zero; empty when the caller gave none).
    async fn pay(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        hold: HoldId,
        method: String,
    ) -> Answer<Written<Payment>>;

    /// Gives an order or tickets of it back: its buyer by the event's policy, staff of the event freely.
    async fn refund(&self, cx: Context, caller: Caller, request: Request, order: OrderId, wish: RefundWish) -> Answer<Written<RefundView>>;
    /// How the sale of an event of the caller stands.
    async fn sale_status(&self, cx: Context, caller: Caller, event: EventId) -> Answer<Read<SaleStatus>>;
    /// A message of the payment provider: its raw body and its signature.
    async fn payment_event(&self, cx: Context, body: &[u8], signature: &str) -> Answer<()>;

    /// An order of the caller, or of an event of the caller.
    async fn order(&self, cx: Context, caller: Caller, order: OrderId) -> Answer<Read<OrderView>>;
    /// The caller's orders, newest first.
    async fn orders(&self, cx: Context, caller: Caller, limit: usize, cursor: Option<&str>) -> Answer<Read<Page<OrderRecord>>>;
    /// The caller's tickets, newest first.
    async fn tickets(
        &self,
        cx: Context,
        caller: Caller,
        filter: TicketFilter,
        limit: usize,
        cursor: Option<&str>,
    ) -> Answer<Read<TicketPage>>;
    /// One ticket of the caller, with its code while it is good for entry.
    async fn ticket(&self, cx: Context, caller: Caller, ticket: TicketId) -> Answer<Read<TicketView>>;
    /// One ticket of the caller, drawn. Refused unless it is good for entry.
    async fn draw_ticket(&self, cx: Context, caller: Caller, ticket: TicketId, drawing: Drawing) -> Answer<Read<Bytes>>;
    /// Offers a ticket of the caller to whoever has an e-mail; its code is dead at once. They are told by a letter, if one is due.
    async fn offer_ticket(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        ticket: TicketId,
        to: String,
        letter: bool,
    ) -> Answer<Written<Transfer>>;
    /// Takes an offer of the caller back.
    async fn withdraw_offer(&self, cx: Context, caller: Caller, request: Request, ticket: TicketId) -> Answer<Written<()>>;
    /// Tickets that wait for the caller to take them up.
    async fn offers(&self, cx: Context, caller: Caller) -> Answer<Read<TicketPage>>;
    /// Takes up a ticket that is offered to the caller.
    async fn accept_offer(&self, cx: Context, caller: Caller, request: Request, ticket: TicketId) -> Answer<Written<TicketView>>;

    /// Scans a ticket at a gate.
    async fn scan(&self, cx: Context, caller: Caller, scan: ScanInput) -> Answer<Written<ScanView>>;
    /// Records scans that a gate made while it was offline, in order. A repeat changes nothing.
    async fn upload_scans(
        &self,
        cx: Context,
        caller: Caller,
        event: EventId,
        gate: String,
        scans: Vec<OfflineScan>,
    ) -> Answer<Written<Vec<Uploaded>>>;
    /// What a gate needs to go on offline.
    async fn gate(&self, cx: Context, caller: Caller, event: EventId) -> Answer<Read<GateView>>;
    /// What an event's gates have seen, for its coordinator; conflicts from number `from` on, at most `limit`.
    async fn scan_report(&self, cx: Context, caller: Caller, event: EventId, limit: usize, from: u32) -> Answer<Read<ScanReport>>;
    /// An event's tickets, for its coordinator, ascending by id.
    async fn event_tickets(
        &self,
        cx: Context,
        caller: Caller,
        event: EventId,
        state: Option<TicketState>,
        limit: usize,
        cursor: Option<&str>,
    ) -> Answer<Read<Page<EventTicket>>>;
    /// The keys that sign ticket codes, the oldest first.
    fn ticket_keys(&self) -> Vec<TicketKey>;

    /// Venues, by id.
    async fn venues(&self, cx: Context, limit: usize, cursor: Option<&str>) -> Answer<Read<Page<Arc<Venue>>>>;
    /// One venue.
    async fn venue(&self, cx: Context, venue: VenueId) -> Answer<Read<Arc<Venue>>>;
    /// Creates a venue (`target` None) or changes one that is at the given version.
    async fn put_venue(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        target: Option<(VenueId, u64)>,
        input: VenueInput,
    ) -> Answer<Written<Arc<Venue>>>;
    /// Gives a venue a plan.
    async fn put_plan(&self, cx: Context, caller: Caller, request: Request, venue: VenueId, plan: Plan) -> Answer<Written<Arc<Venue>>>;
    /// Performers, by id.
    async fn performers(&self, cx: Context, limit: usize, cursor: Option<&str>) -> Answer<Read<Page<Arc<Performer>>>>;
    /// One performer.
    async fn performer(&self, cx: Context, performer: PerformerId) -> Answer<Read<Arc<Performer>>>;
    /// Creates or changes a performer, as for venues.
    async fn put_performer(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        target: Option<(PerformerId, u64)>,
        input: PerformerInput,
    ) -> Answer<Written<Arc<Performer>>>;

    /// The digest of this node's replica of a group at an index (`None`: the newest), if it is still in the ring.
    async fn digest(&self, group: u32, index: Option<u64>) -> Answer<(u64, u128)>;
    /// How this node stands, for operators.
    async fn status(&self) -> NodeView;
    /// What this node measures.
    fn measures(&self) -> Vec<Measure> {
        Vec::new()
    }
    /// Whether this node should get traffic: it has a leader for its groups and its search index has caught up.
    async fn ready(&self) -> Result<(), String>;
}
