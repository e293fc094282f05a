//! Allocations: seats and places that are set aside for whoever has a code that opens them. What is freed of an allocation goes
//! back to it, not on sale.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::board::Board;
use super::codes::refused;
use super::lifecycle::not_found;
use super::pay::wrong;
use super::promos::{Allocation, hash_allocation, hash_member, kept_for};
use super::records::{Cell, Item};
use super::work::Work;
use crate::orders::Place;
use crate::outcome::{Rejection, SeatOutcome, SeatState};
use crate::plan::{AreaIndex, SeatIndex};
use crate::promos::{ALLOCATIONS_MAX, AllocationIndex, PromoReason};

/// Seats, or areas with how many of their places.
type Places = [(AreaIndex, u32)];

impl Work<'_> {
    /// Sets free seats and places aside; all or nothing. Seats that are the allocation's already stay as they are.
    pub(crate) fn set_aside(&mut self, name: &str, seats: &[SeatIndex], areas: &Places) -> Result<SeatOutcome, Rejection> {
        let known = self.sale.promos.allocation(name);
        if known.is_none() && self.sale.promos.allocations.len() >= ALLOCATIONS_MAX {
            return Err(wrong("the event has as many allocations as it can have"));
        }
        let is_own = |seat: SeatIndex| known.is_some() && self.sale.promos.members.get(&seat.0).copied() == known;
        let mut seats: Vec<SeatIndex> = seats.iter().copied().filter(|&seat| !is_own(seat)).collect();
        seats.sort_unstable();
        let taken = |seat: SeatIndex| self.sale.cells.get(seat.0 as usize) != Some(Cell::FREE);
        let state = |seat: SeatIndex| self.sale.seat_state(seat).unwrap_or(SeatState::Killed);
        let conflicts: Vec<_> = seats.iter().copied().filter(|&seat| taken(seat)).map(|seat| (seat, state(seat))).collect();
        let free = |area: AreaIndex| self.sale.areas.get(usize::from(area.0)).map_or(0, |cell| cell.available);
        let short: Vec<_> = areas.iter().filter(|(area, count)| free(*area) < *count).map(|&(area, _)| (area, free(area))).collect();
        if !conflicts.is_empty() || !short.is_empty() {
            return Err(Rejection::SeatsUnavailable { conflicts, areas: short, alternatives: Vec::new() });
        }
        let number = known.unwrap_or_else(|| self.new_allocation(name));
        for &seat in &seats {
            self.sale.promos.members.insert(seat.0, number);
            self.digest.add(hash_member(self.sale.id, seat, number));
        }
        self.set_seats(seats, kept_for(number));
        for &(area, count) in areas {
            self.move_places(area, SeatState::Available, SeatState::Blocked, count);
            self.change_kept(number, area, |kept| kept.saturating_add(count));
        }
        Ok(SeatOutcome::Done)
    }

    /// Puts seats and places of an allocation back on sale, all or nothing; those that somebody has once they are free.
    pub(crate) fn put_back(&mut self, name: &str, seats: &[SeatIndex], areas: &Places) -> Result<SeatOutcome, Rejection> {
        let number = self.sale.promos.allocation(name).ok_or_else(|| not_found("allocation"))?;
        if seats.iter().any(|seat| self.sale.promos.members.get(&seat.0) != Some(&number)) {
            return Err(wrong("a seat is not of this allocation"));
        }
        let short: Vec<_> =
            areas.iter().map(|&(area, count)| (area, self.kept(number, area), count)).filter(|(_, kept, count)| kept < count).collect();
        if !short.is_empty() {
            let areas = short.into_iter().map(|(area, kept, _)| (area, kept)).collect();
            return Err(Rejection::SeatsUnavailable { conflicts: Vec::new(), areas, alternatives: Vec::new() });
        }
        let mut freed = Vec::new();
        for &seat in seats {
            self.sale.promos.members.remove(&seat.0);
            self.digest.remove(hash_member(self.sale.id, seat, number));
            if self.sale.cells.get(seat.0 as usize) == Some(kept_for(number)) {
                freed.push(seat);
            }
        }
        freed.sort_unstable();
        self.set_seats(freed, Cell::FREE);
        for &(area, count) in areas {
            self.change_kept(number, area, |kept| kept.saturating_sub(count));
            self.move_places(area, SeatState::Blocked, SeatState::Available, count);
        }
        Ok(SeatOutcome::Done)
    }

    fn new_allocation(&mut self, name: &str) -> AllocationIndex {
        let allocations = Arc::make_mut(&mut self.sale.promos.allocations);
        let number = AllocationIndex(allocations.len() as u16);
        let new = Allocation { name: name.into(), areas: Vec::new() };
        self.digest.add(hash_allocation(self.sale.id, number, &new));
        allocations.push(new);
        number
    }

    /// Free places of an area that are kept for an allocation.
    pub(crate) fn kept(&self, number: AllocationIndex, area: AreaIndex) -> u32 {
        let areas = self.sale.promos.allocations.get(usize::from(number.0)).map(|known| &*known.areas).unwrap_or_default();
        areas.iter().find(|(known, _)| *known == area).map_or(0, |&(_, kept)| kept)
    }

    fn change_kept(&mut self, number: AllocationIndex, area: AreaIndex, change: impl FnOnce(u32) -> u32) {
        let event = self.sale.id;
        let kept = change(self.kept(number, area));
        let Some(allocation) = Arc::make_mut(&mut self.sale.promos.allocations).get_mut(usize::from(number.0)) else { return };
        self.digest.remove(hash_allocation(event, number, allocation));
        allocation.areas.retain(|(known, _)| *known != area);
        if kept > 0 {
            allocation.areas.push((area, kept));
            allocation.areas.sort_unstable();
        }
        self.digest.add(hash_allocation(event, number, allocation));
    }

    /// Checks that all that is chosen is of the allocation that a code opens.
    pub(crate) fn of_allocation(&self, number: AllocationIndex, seats: &[SeatIndex], areas: &Places) -> Result<(), Rejection> {
        let seats = seats.iter().all(|seat| self.sale.promos.members.get(&seat.0) == Some(&number));
        let areas = areas.iter().all(|&(area, _)| self.kept(number, area) > 0);
        if seats && areas { Ok(()) } else { Err(refused(PromoReason::NotForTheseSeats)) }
    }

    /// The board on which an allocation's free seats are free, and no others.
    pub(crate) fn board_of(&self, number: AllocationIndex) -> Board {
        Board::of(&self.sale.house, |seat| self.sale.cells.get(seat.0 as usize) == Some(kept_for(number)))
    }

    /// Takes places for a hold: of those on sale, or of those kept for an allocation.
    pub(crate) fn take_places(&mut self, area: AreaIndex, count: u32, of: Option<AllocationIndex>) {
        let Some(number) = of else { return self.move_places(area, SeatState::Available, SeatState::Held, count) };
        self.change_kept(number, area, |kept| kept.saturating_sub(count));
        self.move_places(area, SeatState::Blocked, SeatState::Held, count);
    }

    /// Frees places: they go on sale, or back to the allocation that they are of.
    pub(crate) fn free_places(&mut self, area: AreaIndex, from: SeatState, count: u32, of: Option<AllocationIndex>) {
        let Some(number) = of else { return self.move_places(area, from, SeatState::Available, count) };
        self.change_kept(number, area, |kept| kept.saturating_add(count));
        self.move_places(area, from, SeatState::Blocked, count);
    }

    /// Frees seats: they go on sale, or back to the allocations that they are of now.
    pub(crate) fn free_seats(&mut self, seats: Vec<SeatIndex>) {
        let (on_sale, kept): (Vec<_>, Vec<_>) = seats.into_iter().partition(|&seat| self.sale.promos.free_cell(seat) == Cell::FREE);
        self.set_seats(on_sale, Cell::FREE);
        self.move_seats(kept, SeatState::Blocked, |sale, seat| sale.promos.free_cell(seat));
    }

    /// Frees everything that a hold lists.
    pub(crate) fn free_items(&mut self, items: &[Item], from: SeatState, of: Option<AllocationIndex>) {
        let seats = items.iter().filter_map(|item| match item.place {
            Place::Seat(seat) => Some(seat),
            Place::Area(_) => None,
        });
        self.free_seats(seats.collect());
        for item in items {
            if let Place::Area(area) = item.place {
                self.free_places(area, from, item.count, of);
            }
        }
    }
}
