//! One event's sale: its records, and what readers ask of them.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::board::Board;
use super::cells::Cells;
use super::hashes;
use super::house::House;
use super::prices::PriceBook;
use super::promos::PromoBook;
use super::records::{AreaCell, Counts, Hold, UserCount};
use super::tickets::TicketBook;
use crate::command::{Delivery, OrderRecord, SaleSummary, SaleTerms};
use crate::cow::{CowMap, CowSet};
use crate::ids::{EventId, HoldId, OrderId, PlanHash, TicketId, UserId};
use crate::orders::{Order, Place, Ticket, order_of};
use crate::outcome::{HoldInfo, SaleState, SeatState};
use crate::plan::{AreaIndex, LevelIndex, Plan, PlanIndex, SeatIndex};
use crate::tickets::TicketRecord;

/// Everything sold for one event. A clone shares all its chunks.
#[derive(Clone, Debug)]
pub struct EventSale {
    pub(crate) id: EventId,
    pub(crate) plan_hash: PlanHash,
    pub(crate) plan: Arc<PlanIndex>,
    pub(crate) house: Arc<House>,
    pub(crate) terms: Arc<SaleTerms>,
    pub(crate) head: Head,
    pub(crate) cells: Cells,
    pub(crate) areas: Vec<AreaCell>,
    pub(crate) holds: CowMap<HoldId, Hold>,
    pub(crate) orders: CowMap<OrderId, Order>,
    pub(crate) users: CowMap<UserId, UserCount>,
    pub(crate) book: TicketBook,
    pub(crate) promos: PromoBook,
    pub(crate) prices: PriceBook,
    // What follows is derived from the above, and not part of snapshots.
    pub(crate) board: Board,
    pub(crate) sections: Vec<Counts>,
    pub(crate) totals: Counts,
    /// Free seats and places of each level.
    pub(crate) free_by_level: Vec<u32>,
    /// Tickets whose first code is dead.
    pub(crate) dead: CowSet<TicketId>,
}

/// What changes about an event as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Hash of all that never changes.
    pub(crate) terms_hash: u128,
    pub(crate) state: SaleState,
    /// The last receipt number given, from 1.
    pub(crate) receipts: u64,
}

/// An order as readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// The order's record.
    pub order: Order,
    /// The ids of its tickets.
    pub tickets: Vec<TicketId>,
}

impl EventSale {
    /// A sale on which everything is free. The terms must fit the house.
    pub(crate) fn new(id: EventId, plan_hash: PlanHash, plan: Arc<PlanIndex>, house: Arc<House>, terms: SaleTerms) -> Self {
        let areas = (0..house.area_count()).map(|area| house.area_capacity(AreaIndex(area)));
        let mut sale = Self {
            id,
            plan_hash,
            cells: Cells::free(house.seat_count() as usize),
            areas: areas.map(|available| AreaCell { available, ..AreaCell::default() }).collect(),
            holds: CowMap::new(),
            orders: CowMap::new(),
            users: CowMap::new(),
            book: TicketBook::default(),
            promos: PromoBook::default(),
            prices: PriceBook::new(&terms),
            board: Board::taken(&house),
            sections: Vec::new(),
            totals: Counts::default(),
            free_by_level: Vec::new(),
            dead: CowSet::new(),
            head: Head { terms_hash: hashes::terms(id, plan_hash, &terms), state: SaleState::Published, receipts: 0 },
            terms: Arc::new(terms),
            plan,
            house,
        };
        sale.derive();
        sale.derive_prices();
        sale
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.id
    }

    /// The plan it is sold on.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        self.plan.plan()
    }

    /// The plan's content address.
    #[must_use]
    pub fn plan_hash(&self) -> PlanHash {
        self.plan_hash
    }

    /// The plan with its lookups: labels, rows and sections by seat.
    #[must_use]
    pub fn plan_index(&self) -> &Arc<PlanIndex> {
        &self.plan
    }

    /// The price of a seat now, in minor units; `None` for a number past the last seat.
    #[must_use]
    pub fn seat_price(&self, seat: SeatIndex) -> Option<u64> {
        self.house.has_seat(seat).then(|| self.price(self.house.level(seat)))
    }

    /// Its terms.
    #[must_use]
    pub fn terms(&self) -> &SaleTerms {
        &self.terms
    }

    /// Where the sale stands.
    #[must_use]
    pub fn state(&self) -> SaleState {
        self.head.state
    }

    /// The last receipt number given; receipts are dense from 1.
    #[must_use]
    pub fn receipts(&self) -> u64 {
        self.head.receipts
    }

    /// A seat's state, or `None` for a number past the last seat.
    #[must_use]
    pub fn seat_state(&self, seat: SeatIndex) -> Option<SeatState> {
        self.cells.state(seat.0 as usize)
    }

    /// All seats in plan order, 2 bits a seat, four to a byte from the lowest bits up:
    /// 0 free, 1 held or being paid, 2 sold, 3 not for sale.
    #[must_use]
    pub fn packed_states(&self) -> Vec<u8> {
        self.cells.packed()
    }

    /// Counters of each section, in plan order.
    #[must_use]
    pub fn section_counts(&self) -> &[Counts] {
        &self.sections
    }

    /// Counters of each area, in plan order.
    #[must_use]
    pub fn area_counts(&self) -> Vec<Counts> {
        self.areas.iter().map(AreaCell::counts).collect()
    }

    /// Counters over all seats and places.
    #[must_use]
    pub fn totals(&self) -> Counts {
        self.totals
    }

    /// The lowest price with something free, in minor units.
    #[must_use]
    pub fn from_price(&self) -> Option<u64> {
        let levels = (0_u16..).zip(&self.free_by_level).filter(|(_, free)| **free > 0);
        levels.map(|(level, _)| self.price(LevelIndex(level))).min()
    }

    /// What the catalog is told of it.
    #[must_use]
    pub fn summary(&self) -> SaleSummary {
        SaleSummary { event: self.id, available: self.totals.available, from_price: self.from_price(), sold: self.totals.sold }
    }

    /// A hold as its owner sees it. Ended holds are known for a day.
    #[must_use]
    pub fn hold(&self, hold: HoldId) -> Option<HoldInfo> {
        self.holds.get(&hold).map(|hold| hold.info(self.terms.currency))
    }

    /// The hold that an order pays for, until it is forgotten. From then on its id may be that of another hold.
    pub(crate) fn hold_of(&self, order: &Order) -> Option<&Hold> {
        self.holds.get(&order.hold).filter(|hold| hold.order == Some(order.id))
    }

    /// An order.
    #[must_use]
    pub fn order(&self, order: OrderId) -> Option<OrderView> {
        let order = self.orders.get(&order)?;
        Some(OrderView { order: order.clone(), tickets: order.tickets().map(|(id, _)| id).collect() })
    }

    /// A ticket's record, as its owner's group is told of it.
    #[must_use]
    pub fn ticket(&self, ticket: TicketId) -> Option<TicketRecord> {
        let (order, ordinal) = order_of(ticket);
        let order = self.orders.get(&order)?;
        Some(self.ticket_record(order, ordinal, order.tickets.get(usize::from(ordinal))?))
    }

    /// What a user has of this event.
    #[must_use]
    pub fn user_count(&self, user: UserId) -> UserCount {
        self.users.get(&user).copied().unwrap_or_default()
    }

    pub(crate) fn head_hash(&self) -> u128 {
        hashes::head(&self.head)
    }

    pub(crate) fn price(&self, level: LevelIndex) -> u64 {
        let place = usize::from(level.0);
        match self.prices.levels.get(place) {
            Some(level) => level.now.price,
            None => self.terms.prices.get(place).copied().unwrap_or(u64::MAX),
        }
    }

    /// Keeps the counters and the board in step with a seat that moved.
    pub(crate) fn recount_seat(&mut self, seat: SeatIndex, from: SeatState, to: SeatState) {
        if from == to {
            return;
        }
        self.totals.shift(from, to, 1);
        let house = &*self.house;
        self.sections[usize::from(house.section(seat).0)].shift(from, to, 1);
        self.prices.recount(house.level(seat), from, to, 1);
        let (was_free, is_free) = (from == SeatState::Available, to == SeatState::Available);
        if was_free != is_free {
            self.board.set(house, seat, is_free);
            let free = &mut self.free_by_level[usize::from(house.level(seat).0)];
            *free = if is_free { free.saturating_add(1) } else { free.saturating_sub(1) };
        }
    }

    /// Keeps the counters in step with places that moved.
    pub(crate) fn recount_area(&mut self, area: AreaIndex, from: SeatState, to: SeatState, count: u32) {
        self.totals.shift(from, to, count);
        let level = self.house.area_level(area);
        self.prices.recount(level, from, to, count);
        let free = &mut self.free_by_level[usize::from(level.0)];
        if from == SeatState::Available {
            *free = free.saturating_sub(count);
        }
        if to == SeatState::Available {
            *free = free.saturating_add(count);
        }
    }

    /// Works out everything derived from the records.
    pub(crate) fn derive(&mut self) {
        self.dead = CowSet::new();
        for (_, order) in self.orders.sorted() {
            order.tickets().filter(|(_, ticket)| ticket.epoch > 1).for_each(|(id, _)| _ = self.dead.insert(id));
        }
        let house = &*self.house;
        let cells = &self.cells;
        let state = |seat: SeatIndex| cells.state(seat.0 as usize).unwrap_or(SeatState::Killed);
        self.board = Board::of(house, |seat| state(seat) == SeatState::Available);
        self.sections = vec![Counts::default(); usize::from(house.section_count())];
        self.totals = Counts::default();
        self.free_by_level = vec![0; house.level_count()];
        for seat in (0..house.seat_count()).map(SeatIndex) {
            *self.sections[usize::from(house.section(seat).0)].of(state(seat)) += 1;
            self.free_by_level[usize::from(house.level(seat).0)] += u32::from(state(seat) == SeatState::Available);
        }
        for (number, cell) in self.areas.iter().enumerate() {
            let free = &mut self.free_by_level[usize::from(house.area_level(AreaIndex(number as u16)).0)];
            *free = free.saturating_add(cell.available);
        }
        let parts = self.sections.iter().copied().chain(self.areas.iter().map(AreaCell::counts));
        for part in parts {
            self.totals.available = self.totals.available.saturating_add(part.available);
            self.totals.held = self.totals.held.saturating_add(part.held);
            self.totals.sold = self.totals.sold.saturating_add(part.sold);
            self.totals.blocked = self.totals.blocked.saturating_add(part.blocked);
        }
    }

    /// What the buyer's group is told of an order.
    pub(crate) fn order_delivery(&self, order: &Order) -> Delivery {
        Delivery::Order(OrderRecord {
            id: order.id,
            revision: order.revision,
            user: order.user,
            event: self.id,
            total: order.total,
            discount: order.discount(),
            refunded: order.refunded,
            currency: self.terms.currency,
            receipt: order.receipt,
            tickets: order.tickets.len() as u32,
            confirmed_at: order.confirmed_at,
            state: order.state,
        })
    }

    pub(crate) fn ticket_record(&self, order: &Order, ordinal: u16, ticket: &Ticket) -> TicketRecord {
        let (seat, area) = match ticket.place {
            Place::Seat(seat) => (Some(seat), None),
            Place::Area(area) => (None, Some(area)),
        };
        let (section, row, seat_name) = self.labels(ticket.place);
        let id = TicketId::of_order(order.id, ordinal);
        let holder = self.book.holders.get(&id);
        TicketRecord {
            id,
            epoch: ticket.epoch,
            user: holder.map_or(order.user, |holder| holder.user),
            event: self.id,
            order: order.id,
            seat,
            area,
            section,
            row,
            seat_name,
            level: ticket.level,
            price: ticket.price,
            currency: self.terms.currency,
            void: ticket.void,
            issued_at: order.confirmed_at,
            moved: false,
            offer: holder.and_then(|holder| holder.offer.as_deref().cloned()),
        }
    }

    fn labels(&self, place: Place) -> (String, String, String) {
        match place {
            Place::Area(area) => {
                let name = self.plan().areas.get(usize::from(area.0)).map_or_else(String::new, |area| area.name.clone());
                (name, String::new(), String::new())
            }
            Place::Seat(seat) => {
                let parts = self.plan.parts(seat);
                parts.map(|(section, row, seat)| (section.name.clone(), row.name.clone(), seat.name.clone())).unwrap_or_default()
            }
        }
    }
}
