//! What a log entry can ask of a ledger machine. Commands carry every id, name and random choice they need.

mod accounts;
mod carts;
mod money;
mod places;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

pub use money::{MoneyCommand, RefundPolicy, RefundWho};
pub use places::{Performer, Venue};

use crate::ids::{AttemptId, EventId, HoldId, MediaHash, OrderId, PerformerId, PlanHash, Request, TicketId, UserId, VenueId};
use crate::money::Currency;
use crate::outcome::OrderState;
use crate::plan::{AreaIndex, LevelIndex, SeatIndex, SectionIndex};
use crate::pricing::Policy;
use crate::promos::PromoAction;
use crate::tickets::{EntryTerms, TicketAction, TicketRecord};
use crate::time::{Millis, Timestamp};
use crate::webhooks::WebhookCommand;

pub use accounts::*;
pub use carts::{CartCommand, ItemNews, NewItem, PaymentNews};

/// A piece of a content-addressed blob (an encoded plan). Repeats are harmless. A hash whose bytes are wrong is refused
/// by whoever encodes them: the machine checks sizes and order only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobChunk {
    /// Which blob.
    pub hash: PlanHash,
    /// Its whole length in bytes.
    pub total: u32,
    /// Where this piece begins. Pieces arrive in order; one that is already there is ignored.
    pub offset: u32,
    /// The piece.
    pub bytes: Vec<u8>,
}

/// The terms on which an event is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleTerms {
    /// Currency of every price.
    pub currency: Currency,
    /// Price of each level of the plan, in minor units, by level index.
    pub prices: Vec<u64>,
    /// Most tickets one user may hold or own at a time, over all levels. 0 = no limit.
    pub per_user_limit: u32,
    /// How many holds one user may let go or run out within a day before they must wait for the next one, longer each time
    /// ([`crate::seats::Lapses`]). 0 = no limit.
    pub lapses_max: u32,
    /// How long a hold lives: 2 to 30 minutes.
    pub hold_ttl: Millis,
    /// Whether a choice that leaves a single free seat between taken ones is refused.
    pub orphan_rule: bool,
    /// No hold before this moment; `None` = as soon as the sale is open.
    pub opens_at: Option<Timestamp>,
    /// Who may give tickets back, until when, and what is kept.
    pub refunds: RefundPolicy,
    /// Its door, and whether tickets may be given on.
    pub entry: EntryTerms,
    /// How the price of each level moves, by level index; none = all fixed.
    pub pricing: Vec<Policy>,
}

/// How a buyer chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// These seats and this many places in these areas.
    Chosen {
        /// Numbered seats, each once.
        seats: Vec<SeatIndex>,
        /// Places in general-admission areas, each area once.
        areas: Vec<(AreaIndex, u32)>,
    },
    /// The best free seats together.
    Best {
        /// How many.
        quantity: u32,
        /// Only in this section.
        section: Option<SectionIndex>,
        /// No seat dearer than this, in minor units.
        max_price: Option<u64>,
        /// Whether the party may be split when no block is left.
        split: bool,
        /// Whether to choose among accessible seats (and their companions).
        accessible: bool,
    },
}

/// Moves of an event's sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaleAction {
    /// Published -> OnSale.
    Open,
    /// OnSale -> Paused: no new hold; checkouts may finish.
    Pause,
    /// Paused -> OnSale.
    Resume,
    /// OnSale or Paused -> Closed.
    Close,
    /// Anything but Ended -> Cancelled. Final. Active holds are revoked.
    Cancel,
}

/// What happens to seats that are taken off or put back on sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockAction {
    /// Available (or Held: the hold is revoked) -> Blocked.
    Block,
    /// Blocked -> Available.
    Unblock,
    /// Available, Blocked or Held -> Killed: gone for good.
    Kill,
}

/// Who may be acting on a hold, an order or a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Its owner, or else the object is reported as not found.
    User(UserId),
    /// Staff (the edge checked the role).
    Staff(UserId),
    /// One of the system's own workers.
    System,
}

/// A privileged command with who asked for it. The ledger does what it would do without, and notes it in the audit trail of the
/// group if that changed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited<C> {
    /// Who asked.
    pub actor: UserId,
    /// The address that the request came from; empty = not known.
    pub address: String,
    /// What for. An audited command in here is refused.
    pub command: Box<C>,
}

/// Commands of an event group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeatCommand {
    /// Store a piece of a plan.
    PlanChunk(BlobChunk),
    /// Put an event up for sale (state Published), from the catalog's outbox. The same event again only updates nothing.
    CreateEvent {
        /// The event.
        event: EventId,
        /// Its plan; all chunks must be here.
        plan: PlanHash,
        /// Its terms.
        terms: SaleTerms,
    },
    /// Move the sale.
    SetSale {
        /// Idempotency.
        request: Request,
        /// The event.
        event: EventId,
        /// The move.
        action: SaleAction,
    },
    /// Claim seats.
    Hold {
        /// Idempotency.
        request: Request,
        /// The event.
        event: EventId,
        /// The new hold's id.
        hold: HoldId,
        /// Who holds.
        user: UserId,
        /// What.
        choice: Choice,
        /// The total the buyer saw, in minor units. Dearer now = refused with the new total; cheaper = given.
        expect_total: Option<u64>,
        /// A promo code in its normal form.
        promo: Option<String>,
    },
    /// Lengthen a hold's life by its TTL from now; once a minute, never past three TTLs.
    Extend {
        /// Idempotency.
        request: Request,
        /// The event.
        event: EventId,
        /// The hold.
        hold: HoldId,
        /// Who asks.
        actor: Actor,
    },
    /// Give the seats back.
    Release {
        /// Idempotency.
        request: Request,
        /// The event.
        event: EventId,
        /// The hold.
        hold: HoldId,
        /// Who asks.
        actor: Actor,
    },
    /// Pin a hold and open a payment attempt. A total of zero confirms at once, without an attempt.
    PayBegin {
        /// Idempotency.
        request: Request,
        /// The event.
        event: EventId,
        /// The hold.
        hold: HoldId,
        /// Who pays.
        user: UserId,
        /// The order's id if the hold has none yet.
        order: OrderId,
        /// The new attempt's id.
        attempt: AttemptId,
        /// The provider's token of the payment method; opaque, at most 255 bytes.
        method: String,
    },
    /// The provider authorized: sell the seats and issue the tickets, in this one entry.
    Confirm {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The attempt that was authorized.
        attempt: AttemptId,
        /// What was authorized, in minor units; must equal the order's total.
        authorized: u64,
        /// The provider's own id of the attempt, at most 255 bytes; empty = not known.
        reference: String,
    },
    /// The provider refused for good: back to Held (or Available when the hold is past its limits).
    PayFail {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The attempt that failed.
        attempt: AttemptId,
        /// The provider's code, at most 64 bytes.
        code: String,
    },
    /// The provider's answer was lost: the reconciler must ask.
    PayUnknown {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The attempt.
        attempt: AttemptId,
    },
    /// The provider captured the money of a confirmed order.
    Captured {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
        /// The attempt.
        attempt: AttemptId,
    },
    /// Payments, refunds, carts: what `money.rs` lists.
    Money(MoneyCommand),
    /// Refund tickets at their whole price, or as the policy says for their owner, with the request's id as the refund's.
    Void {
        /// Idempotency.
        request: Request,
        /// The event.
        event: EventId,
        /// Which tickets, all of one order.
        tickets: Vec<TicketId>,
        /// Who asks; a checked-in ticket needs staff.
        actor: Actor,
        /// Why, at most 255 bytes.
        reason: String,
        /// Whether the seats go to Blocked instead of back on sale.
        block: bool,
    },
    /// Take seats off or put them back on sale.
    Block {
        /// Idempotency.
        request: Request,
        /// The event.
        event: EventId,
        /// Which seats. All or nothing.
        seats: Vec<SeatIndex>,
        /// What to do.
        action: BlockAction,
        /// Why, at most 255 bytes.
        reason: String,
    },
    /// Scan a ticket, or give it on.
    Ticket {
        /// Idempotency.
        request: Request,
        /// The event.
        event: EventId,
        /// What is done.
        action: TicketAction,
    },
    /// Make or switch a promo code, or set seats and places aside for an allocation.
    Promo {
        /// Idempotency.
        request: Request,
        /// The event.
        event: EventId,
        /// What is done.
        action: PromoAction,
    },
    /// The next step of a price, from the system's own worker. What it is worked out from is taken from the state when this is
    /// applied, at the entry's time, and noted with the change.
    Reprice {
        /// The event.
        event: EventId,
        /// The price level.
        level: LevelIndex,
        /// The version of the price that the step starts from.
        version: u32,
        /// That price, in minor units.
        from: u64,
    },
    /// Let the price of a level move otherwise, within its bounds once the sale was opened.
    SetPolicy {
        /// Idempotency.
        request: Request,
        /// The event.
        event: EventId,
        /// The price level.
        level: LevelIndex,
        /// How it moves from now on.
        policy: Policy,
        /// Why, at most 255 bytes.
        reason: String,
    },
    /// Deliveries that their targets have stored: (target slot, sequence number of the last delivered record).
    /// Each target has its own cursor, so that a dead one blocks no other.
    OutboxAck {
        /// Ascending by target slot.
        acks: Vec<(u32, u64)>,
    },
    /// Nothing but time: expire what is due.
    Pulse,
    /// What staff asked for.
    Audited(Audited<SeatCommand>),
}

/// Where an event stands for the public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventStatus {
    /// Only its coordinator sees it.
    Draft,
    /// Listed and found.
    Published,
    /// Still shown by id, not listed.
    Cancelled,
}

/// What the catalog says of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// For people, at most 200 bytes.
    pub name: String,
    /// For people, at most 8,000 bytes.
    pub description: String,
    /// Such as "sport", "concert"; may be empty.
    pub category: String,
    /// Where.
    pub venue: VenueId,
    /// Who plays, at most 32.
    pub performers: Vec<PerformerId>,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it was to begin before it was postponed the last time; `None` = it never was.
    pub previous_start: Option<Timestamp>,
    /// The plan it is sold on, fixed at creation.
    pub plan: PlanHash,
    /// The terms of its sale.
    pub terms: SaleTerms,
    /// Who made it; only they (and admins) change it.
    pub owner: UserId,
    /// Where it stands.
    pub status: EventStatus,
    /// Whether its event group has it, so that it can be held.
    pub provisioned: bool,
    /// Raised by each change, from 1.
    pub version: u64,
    /// Pictures of it, at most 8, the main one first. The files are kept outside the ledger.
    pub images: Vec<MediaHash>,
}

/// A line of the sales summary that an event group sends to the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleSummary {
    /// The event.
    pub event: EventId,
    /// Seats and places still free.
    pub available: u32,
    /// The lowest price with something free, in minor units.
    pub from_price: Option<u64>,
    /// Seats and places sold.
    pub sold: u32,
}

/// How often an event was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventViews {
    /// The event.
    pub event: EventId,
    /// How often; at most 1,000,000.
    pub views: u32,
}

/// Commands of the catalog group.
#[allow(clippy::large_enum_variant)] // Few, and each is decoded once and applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogCommand {
    /// Store a piece of a plan.
    PlanChunk(BlobChunk),
    /// Create (`venue.version` 0) or change (the version that the writer saw) a venue.
    PutVenue {
        /// Idempotency.
        request: Request,
        /// The new content; `version` as said above.
        venue: Venue,
    },
    /// Create or change a performer, as for venues.
    PutPerformer {
        /// Idempotency.
        request: Request,
        /// The new content.
        performer: Performer,
    },
    /// Create or change an event, as for venues. Plan, terms and venue are fixed once it is provisioned.
    PutEvent {
        /// Idempotency.
        request: Request,
        /// The new content.
        event: Event,
    },
    /// The event group has the event now.
    Provisioned {
        /// The event.
        event: EventId,
    },
    /// Sales figures of some events.
    Summaries(Vec<SaleSummary>),
    /// How often events were looked at on some node since it last said so. A batch that is lost is not sent again.
    Views(Vec<EventViews>),
    /// What customers' own programs are told: where, and how far each was told.
    Webhook(WebhookCommand),
    /// Who the nodes of the cluster are.
    Member(crate::members::MemberCommand),
    /// Backups, and what follows from a restore.
    Upkeep(crate::upkeep::UpkeepCommand),
    /// Nothing but time.
    Pulse,
    /// What staff asked for.
    Audited(Audited<CatalogCommand>),
}

/// An order as its owner's group keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRecord {
    /// Its id.
    pub id: OrderId,
    /// Raised by each change.
    pub revision: u32,
    /// Its owner.
    pub user: UserId,
    /// The event.
    pub event: EventId,
    /// The total, in minor units.
    pub total: u64,
    /// What a promo code took off, in minor units; not in the total.
    pub discount: u64,
    /// What has been given back, in minor units.
    pub refunded: u64,
    /// Currency.
    pub currency: Currency,
    /// Dense receipt number within the event, from 1.
    pub receipt: u64,
    /// How many tickets.
    pub tickets: u32,
    /// When it was confirmed.
    pub confirmed_at: Timestamp,
    /// Where it stands. `AwaitingPayment` in a record of an older build: the amounts tell.
    pub state: OrderState,
}

/// What an event group tells a user's group. The receiver upserts by id and epoch (revision), so repeats are harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A ticket was issued or changed.
    Ticket(TicketRecord),
    /// An order was confirmed or changed.
    Order(OrderRecord),
}
