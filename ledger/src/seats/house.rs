//! What the rules need to know of a plan, worked out once and shared by every event on it: where each seat's bit lies,
//! its level and kind, and how good it is.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::plan::{AreaIndex, LevelIndex, Plan, Point, SeatIndex, SeatKind, SectionIndex};

/// Added to a seat's cost when its view is obstructed, so that any other seat comes first.
const RESTRICTED_COST: u64 = 1 << 40;

/// A plan's index. Immutable; its size is about 25 bytes a seat.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct House {
    /// Every row, in plan order.
    pub(crate) rows: Vec<RowSpan>,
    /// For each section, its rows as a range of `rows`.
    pub(crate) sections: Vec<core::ops::Range<u32>>,
    /// Row and level of each seat, side by side: who asks for one asks for the other.
    seats: Vec<(u32, LevelIndex)>,
    /// Level of each area.
    area_level: Vec<LevelIndex>,
    /// Capacity of each area.
    area_capacity: Vec<u32>,
    /// Areas by distance from the focal point, nearest first.
    pub(crate) areas_by_cost: Vec<AreaIndex>,
    /// `cost_before[i]` is the cost of all seats before seat `i`.
    cost_before: Vec<u64>,
    /// Bits of seats that anyone may be offered: neither accessible nor companion.
    pub(crate) ordinary: Vec<u64>,
    /// Bits of accessible seats.
    pub(crate) accessible: Vec<u64>,
    /// Bits of companion seats.
    pub(crate) companion: Vec<u64>,
    /// Rows by their cheapest ordinary seat: `by_rank[rank]` is a row.
    pub(crate) by_rank: Vec<u32>,
    /// The inverse of `by_rank`.
    pub(crate) rank_of: Vec<u32>,
    /// Rows with an accessible seat, in plan order.
    pub(crate) accessible_rows: Vec<u32>,
    levels: usize,
}

/// Where a row's seats are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowSpan {
    /// The section.
    pub(crate) section: SectionIndex,
    /// Number of its first seat.
    pub(crate) first: u32,
    /// How many seats.
    pub(crate) len: u32,
    /// Where its bits begin; each row has words of its own.
    pub(crate) word: u32,
    /// How many words.
    pub(crate) words: u32,
    /// Cost of its cheapest ordinary seat; `u64::MAX` without one.
    pub(crate) cheapest: u64,
    /// The level of all its seats, when they agree.
    pub(crate) level: Option<LevelIndex>,
}

impl House {
    /// Works out the index.
    ///
    /// # Errors
    /// What is wrong with the plan: more places than can be counted, or a seat or an area of a level that is not there.
    pub(crate) fn new(plan: &Plan) -> Result<Self, String> {
        let seat_total: usize = plan.sections.iter().flat_map(|section| &section.rows).map(|row| row.seats.len()).sum();
        let mut house = Self::empty(plan, seat_total)?;
        for (number, section) in plan.sections.iter().enumerate() {
            let begin = house.rows.len() as u32;
            for row in &section.rows {
                house.add_row(plan, SectionIndex(number as u16), &row.seats)?;
            }
            house.sections.push(begin..house.rows.len() as u32);
        }
        house.rank_rows();
        Ok(house)
    }

    /// How many numbered seats.
    pub(crate) fn seat_count(&self) -> u32 {
        self.seats.len() as u32
    }

    /// How many areas.
    pub(crate) fn area_count(&self) -> u16 {
        self.area_level.len() as u16
    }

    /// How many sections.
    pub(crate) fn section_count(&self) -> u16 {
        self.sections.len() as u16
    }

    /// How many price levels.
    pub(crate) fn level_count(&self) -> usize {
        self.levels
    }

    /// Whether the seat is of this house.
    pub(crate) fn has_seat(&self, seat: SeatIndex) -> bool {
        (seat.0 as usize) < self.seats.len()
    }

    /// A seat's price level. The seat must be of this house.
    pub(crate) fn level(&self, seat: SeatIndex) -> LevelIndex {
        self.seats[seat.0 as usize].1
    }

    /// An area's price level. The area must be of this house.
    pub(crate) fn area_level(&self, area: AreaIndex) -> LevelIndex {
        self.area_level[usize::from(area.0)]
    }

    /// How many people an area holds. The area must be of this house.
    pub(crate) fn area_capacity(&self, area: AreaIndex) -> u32 {
        self.area_capacity[usize::from(area.0)]
    }

    /// A seat's section. The seat must be of this house.
    pub(crate) fn section(&self, seat: SeatIndex) -> SectionIndex {
        self.rows[self.row(seat)].section
    }

    /// The row's number, over all sections.
    pub(crate) fn row(&self, seat: SeatIndex) -> usize {
        self.seats[seat.0 as usize].0 as usize
    }

    /// Sum of the costs of `count` seats from `first` on: the lower, the better.
    pub(crate) fn cost(&self, first: u32, count: u32) -> u64 {
        self.cost_before[(first + count) as usize] - self.cost_before[first as usize]
    }

    fn empty(plan: &Plan, seat_total: usize) -> Result<Self, String> {
        let levels = plan.levels.len();
        if let Some(area) = plan.areas.iter().find(|area| usize::from(area.level.0) >= levels) {
            return Err(alloc::format!("area {:?} is of a price level that is not there", area.name));
        }
        let places = plan.areas.iter().fold(seat_total as u64, |sum, area| sum + u64::from(area.capacity));
        if u32::try_from(places).is_err() {
            return Err(String::from("more places than 32 bits can count"));
        }
        let mut areas_by_cost: Vec<AreaIndex> = (0..plan.areas.len()).map(|number| AreaIndex(number as u16)).collect();
        areas_by_cost.sort_by_key(|area| (distance(plan.areas[usize::from(area.0)].at, plan.focal), *area));
        let mut cost_before = Vec::with_capacity(seat_total + 1);
        cost_before.push(0);
        Ok(Self {
            rows: Vec::new(),
            sections: Vec::with_capacity(plan.sections.len()),
            seats: Vec::with_capacity(seat_total),
            area_level: plan.areas.iter().map(|area| area.level).collect(),
            area_capacity: plan.areas.iter().map(|area| area.capacity).collect(),
            areas_by_cost,
            cost_before,
            ordinary: Vec::new(),
            accessible: Vec::new(),
            companion: Vec::new(),
            by_rank: Vec::new(),
            rank_of: Vec::new(),
            accessible_rows: Vec::new(),
            levels,
        })
    }

    fn add_row(&mut self, plan: &Plan, section: SectionIndex, seats: &[crate::plan::Seat]) -> Result<(), String> {
        let number = self.rows.len() as u32;
        let first = self.seats.len() as u32;
        let word = self.ordinary.len();
        let words = seats.len().div_ceil(64);
        for mask in [&mut self.ordinary, &mut self.accessible, &mut self.companion] {
            mask.resize(word + words, 0);
        }
        let mut cheapest = u64::MAX;
        for (place, seat) in seats.iter().enumerate() {
            if usize::from(seat.level.0) >= self.levels {
                return Err(alloc::format!("seat {:?} is of a price level that is not there", seat.name));
            }
            let bit = 1_u64 << (place % 64);
            let at = word + place / 64;
            let mut cost = distance(seat.at, plan.focal);
            match seat.kind {
                SeatKind::Standard => self.ordinary[at] |= bit,
                SeatKind::Restricted => {
                    self.ordinary[at] |= bit;
                    cost += RESTRICTED_COST;
                }
                SeatKind::Accessible => self.accessible[at] |= bit,
                SeatKind::Companion => self.companion[at] |= bit,
            }
            if self.ordinary[at] & bit != 0 {
                cheapest = cheapest.min(cost);
            }
            self.seats.push((number, seat.level));
            let before = self.cost_before[self.cost_before.len() - 1];
            self.cost_before.push(before + cost);
        }
        if self.accessible[word..].iter().any(|&bits| bits != 0) {
            self.accessible_rows.push(number);
        }
        let level = seats.first().map(|seat| seat.level).filter(|&level| seats.iter().all(|seat| seat.level == level));
        let span = RowSpan { section, first, len: seats.len() as u32, word: word as u32, words: words as u32, cheapest, level };
        self.rows.push(span);
        Ok(())
    }

    fn rank_rows(&mut self) {
        self.by_rank = (0..self.rows.len() as u32).collect();
        let rows = &self.rows;
        self.by_rank.sort_by_key(|&row| (rows[row as usize].cheapest, row));
        self.rank_of = vec![0; self.rows.len()];
        for (rank, &row) in self.by_rank.iter().enumerate() {
            self.rank_of[row as usize] = rank as u32;
        }
    }
}

/// Whole units between two points, rounded down. Below 2^34 for any points.
fn distance(from: Point, to: Point) -> u64 {
    let x = u128::from(from.x.abs_diff(to.x));
    let y = u128::from(from.y.abs_diff(to.y));
    let square = x * x + y * y;
    u64::try_from(square).map_or_else(|_| square.isqrt() as u64, u64::isqrt)
}
