//! Holding seats: all or nothing, at a price that is fixed from then on.

use alloc::vec::Vec;

use super::best::{Wish, best};
use super::codes::Usable;
use super::promos::kept_for;
use super::records::{Cell, Hold, Item, Items, UserCount};
use super::rules::{alternatives, deserted, orphans};
use super::work::Work;
use crate::command::Choice;
use crate::ids::{HoldId, UserId};
use crate::orders::Place;
use crate::outcome::{HoldState, Rejection, SaleState, SeatOutcome, SeatState};
use crate::plan::{AreaIndex, LevelIndex, SeatIndex};
use crate::promos::AllocationIndex;
use crate::time::Timestamp;

/// Seats, ascending, and places of areas.
type Picked = (Vec<SeatIndex>, Vec<(AreaIndex, u32)>);

impl Work<'_> {
    /// Claims what is chosen. The choice is well formed.
    pub(crate) fn hold(
        &mut self,
        id: HoldId,
        user: UserId,
        choice: &Choice,
        expect_total: Option<u64>,
        promo: Option<&str>,
    ) -> Result<SeatOutcome, Rejection> {
        self.sale_is_on()?;
        let has = self.sale.user_count(user);
        self.may_hold_again(has)?;
        let usable: Option<Usable> = promo.map(|code| self.usable(code, user)).transpose()?;
        let allocation = usable.and_then(|usable| usable.allocation);
        let (seats, areas) = match choice {
            Choice::Chosen { seats, areas } => self.chosen(seats, areas, allocation)?,
            Choice::Best { .. } => self.best(choice, allocation)?,
        };
        let items = self.quote(&seats, &areas);
        let count = items.count();
        self.within_limit(has, count)?;
        let promo = usable.map(|usable| self.applied(usable, items.total())).transpose()?;
        let hold = Hold {
            id,
            user,
            state: HoldState::Active,
            items,
            created_at: self.at,
            expires_at: self.at.plus(self.sale.terms.hold_ttl),
            extended_at: Timestamp(0),
            ended_at: Timestamp(0),
            order: None,
            promo,
        };
        let total = hold.total();
        if expect_total.is_some_and(|expected| expected < total) {
            return Err(Rejection::PriceChanged { total, currency: self.sale.terms.currency });
        }
        let promo = hold.promo.clone();
        let info = hold.info(self.sale.terms.currency);
        if !self.add_hold(hold) {
            return Err(Rejection::WrongState { detail: "a hold with this id exists".into() });
        }
        self.set_seats(seats, Cell::new(SeatState::Held, id.0));
        for (area, count) in areas {
            self.take_places(area, count, allocation);
        }
        self.count_hold(user, promo.as_ref(), true);
        self.weigh_hold(id, true);
        self.count_user(user, |has| has.held = has.held.saturating_add(count));
        self.say_hold(id, user, HoldState::Active);
        self.exhaust_tiers();
        Ok(SeatOutcome::Hold(info))
    }

    pub(crate) fn sale_is_on(&self) -> Result<(), Rejection> {
        let opens_at = self.sale.terms.opens_at;
        let state = self.sale.head.state;
        if state == SaleState::OnSale && opens_at.is_none_or(|opens_at| opens_at <= self.at) {
            return Ok(());
        }
        Err(Rejection::SaleNotOn { state, opens_at })
    }

    /// The buyer's own choice, if every part of it is free and no rule is broken. Seats come back ascending.
    fn chosen(&self, seats: &[SeatIndex], areas: &[(AreaIndex, u32)], of: Option<AllocationIndex>) -> Result<Picked, Rejection> {
        let mut seats = seats.to_vec();
        seats.sort_unstable();
        of.map_or(Ok(()), |allocation| self.of_allocation(allocation, &seats, areas))?;
        let own = of.map(|allocation| self.board_of(allocation));
        let board = own.as_ref().unwrap_or(&self.sale.board);
        let free_cell = of.map_or(Cell::FREE, kept_for);
        let state = |seat: SeatIndex| self.sale.seat_state(seat).unwrap_or(SeatState::Killed);
        let free = |area: AreaIndex| self.free_places_of(area, of);
        let taken = |&seat: &SeatIndex| self.sale.cells.get(seat.0 as usize) != Some(free_cell);
        let short = |&(area, count): &(AreaIndex, u32)| free(area) < count;
        if seats.iter().any(taken) || areas.iter().any(short) {
            let conflicts: Vec<_> = seats.iter().copied().filter(|seat| taken(seat)).map(|seat| (seat, state(seat))).collect();
            let other = if conflicts.is_empty() { Vec::new() } else { alternatives(&self.sale.house, board, &seats) };
            return Err(Rejection::SeatsUnavailable {
                conflicts,
                areas: areas.iter().copied().filter(short).map(|(area, _)| (area, free(area))).collect(),
                alternatives: other,
            });
        }
        let mut alone = deserted(&self.sale.house, board, &seats);
        if self.sale.terms.orphan_rule {
            alone.extend(orphans(&self.sale.house, board, &seats));
            alone.sort_unstable();
        }
        if alone.is_empty() { Ok((seats, areas.to_vec())) } else { Err(Rejection::Orphans { seats: alone }) }
    }

    fn best(&mut self, choice: &Choice, of: Option<AllocationIndex>) -> Result<Picked, Rejection> {
        let Choice::Best { quantity, section, max_price, split, accessible } = *choice else { return Err(Rejection::NothingFits) };
        let levels: Option<Vec<bool>> = max_price.map(|most| self.affordable(most));
        let wish = Wish { quantity, section, levels: levels.as_deref(), split, accessible };
        if self.sale.house.seat_count() == 0 {
            let area = self.best_area(&wish, of).ok_or(Rejection::NothingFits)?;
            return Ok((Vec::new(), alloc::vec![(area, quantity)]));
        }
        let house = self.sale.house.clone();
        let seats = match of {
            Some(allocation) => best(&house, &mut self.board_of(allocation), &wish),
            None => best(&house, &mut self.sale.board, &wish),
        };
        Ok((seats.ok_or(Rejection::NothingFits)?, Vec::new()))
    }

    /// Which levels cost no more than this, by level.
    fn affordable(&self, most: u64) -> Vec<bool> {
        (0..self.sale.terms.prices.len() as u16).map(|level| self.sale.price(LevelIndex(level)) <= most).collect()
    }

    /// In a house without numbered seats: the area nearest to the focal point that has room for all.
    fn best_area(&self, wish: &Wish<'_>, of: Option<AllocationIndex>) -> Option<AreaIndex> {
        let house = &self.sale.house;
        let mut areas = house.areas_by_cost.iter().copied();
        areas.find(|&area| wish.allows(house.area_level(area)) && self.free_places_of(area, of) >= wish.quantity)
    }

    /// Free places of an area: on sale, or kept for an allocation.
    fn free_places_of(&self, area: AreaIndex, of: Option<AllocationIndex>) -> u32 {
        let on_sale = || self.sale.areas.get(usize::from(area.0)).map_or(0, |cell| cell.available);
        of.map_or_else(on_sale, |allocation| self.kept(allocation, area))
    }

    fn quote(&self, seats: &[SeatIndex], areas: &[(AreaIndex, u32)]) -> Items {
        let house = &self.sale.house;
        let seat = |&seat: &SeatIndex| Item { place: Place::Seat(seat), count: 1, price: self.sale.price(house.level(seat)) };
        let area =
            |&(area, count): &(AreaIndex, u32)| Item { place: Place::Area(area), count, price: self.sale.price(house.area_level(area)) };
        match (seats, areas) {
            ([one], []) => Items::One(seat(one)),
            _ => Items::new(seats.iter().map(seat).chain(areas.iter().map(area)).collect()),
        }
    }

    /// Refuses who let too many holds lapse, for a while.
    fn may_hold_again(&self, has: UserCount) -> Result<(), Rejection> {
        let until = has.lapses.waits_until(self.sale.terms.lapses_max);
        match until.filter(|until| *until > self.at) {
            Some(until) => Err(Rejection::TooSoon { retry_at: Some(until) }),
            None => Ok(()),
        }
    }

    fn within_limit(&self, has: UserCount, count: u32) -> Result<(), Rejection> {
        let limit = self.sale.terms.per_user_limit;
        if limit == 0 {
            return Ok(());
        }
        let have = has.total();
        if have.saturating_add(count) > limit { Err(Rejection::LimitReached { limit, have }) } else { Ok(()) }
    }
}
