//! A seating plan: what a venue's house looks like, immutable once it has a hash.
//!
//! Seats get dense indexes in plan order: section by section, row by row, seat by seat. Every other part of the system
//! names a seat by that index; labels are for people.

mod index;
mod validate;

pub use index::{PlanIndex, SeatPlace};
pub use validate::PlanProblem;

use alloc::string::String;
use alloc::vec::Vec;

/// The most seats of a plan.
pub const SEATS_MAX: u32 = 200_000;

/// The most sections of a plan, and the most areas.
pub const SECTIONS_MAX: usize = 4_000;

/// The most price levels of a plan.
pub const LEVELS_MAX: usize = 1_000;

/// The longest name of a plan or of anything in it, in bytes.
pub const NAME_BYTES_MAX: usize = 120;

/// The most people an area holds.
pub const AREA_CAPACITY_MAX: u32 = 10_000_000;

/// Dense index of a seat in its plan, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeatIndex(pub u32);

/// Dense index of a general-admission area in its plan, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AreaIndex(pub u16);

/// Dense index of a price level in its plan, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LevelIndex(pub u16);

/// Dense index of a section in its plan, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectionIndex(pub u16);

/// A place on the drawing, in hundredths of the plan's own unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Downwards.
    pub y: i32,
}

/// A whole house.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// For people.
    pub name: String,
    /// Price levels ("categories"); seats and areas point at them.
    pub levels: Vec<Level>,
    /// Numbered seating.
    pub sections: Vec<Section>,
    /// General admission.
    pub areas: Vec<Area>,
    /// What everyone wants to be close to: stage, pitch, finish line.
    pub focal: Point,
}

impl Plan {
    /// How many numbered seats it has.
    #[must_use]
    pub fn seat_count(&self) -> u32 {
        let rows = self.sections.iter().flat_map(|section| &section.rows);
        rows.fold(0, |seats: u32, row| seats.saturating_add(row.seats.len() as u32))
    }

    /// How many people it holds, on seats and in areas.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.areas.iter().fold(self.seat_count(), |people, area| people.saturating_add(area.capacity))
    }
}

/// A price level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// For people.
    pub name: String,
    /// RGB, 0xRRGGBB.
    pub color: u32,
}

/// A block of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Unique within the plan, sections and areas together.
    pub name: String,
    /// Front to back.
    pub rows: Vec<Row>,
}

/// A run of seats next to each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Unique within its section.
    pub name: String,
    /// Left to right. Neighbours in this list sit next to each other.
    pub seats: Vec<Seat>,
}

/// One numbered seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Unique within its row.
    pub name: String,
    /// Its price level.
    pub level: LevelIndex,
    /// Where it is drawn.
    pub at: Point,
    /// What is special about it.
    pub kind: SeatKind,
}

/// What is special about a seat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeatKind {
    /// Nothing.
    #[default]
    Standard,
    /// A wheelchair space. Best available leaves it alone unless it is asked for.
    Accessible,
    /// The seat beside an accessible one. Best available leaves it alone unless an accessible seat goes with it.
    Companion,
    /// The view is obstructed. Best available takes it last.
    Restricted,
}

/// A standing area or any other place without numbered seats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// Unique within the plan, sections and areas together.
    pub name: String,
    /// How many people it holds.
    pub capacity: u32,
    /// Its price level.
    pub level: LevelIndex,
    /// Where it is drawn.
    pub at: Point,
}

#[cfg(test)]
pub(crate) mod tests {
    //! A plan for tests.

    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    fn row(name: &str, seats: u32, level: u16) -> Row {
        let seat = |number: u32| Seat {
            name: number.to_string(),
            level: LevelIndex(level),
            at: Point { x: 100 * number as i32, y: -50 },
            kind: if number == 1 { SeatKind::Accessible } else { SeatKind::Standard },
        };
        Row { name: name.to_string(), seats: (1..=seats).map(seat).collect() }
    }

    /// Section Stalls with rows A (3 seats) and B (2), section Balcony with row A (2), area Floor for 500.
    pub(crate) fn small() -> Plan {
        let level = |name: &str, color| Level { name: name.to_string(), color };
        Plan {
            name: "Small house".to_string(),
            levels: vec![level("Best", 0x00ff_0000), level("Good", 0x0000_ff00)],
            sections: vec![
                Section { name: "Stalls".to_string(), rows: vec![row("A", 3, 0), row("B", 2, 1)] },
                Section { name: "Balcony".to_string(), rows: vec![row("A", 2, 1)] },
            ],
            areas: vec![Area { name: "Floor".to_string(), capacity: 500, level: LevelIndex(1), at: Point { x: 1, y: 2 } }],
            focal: Point { x: 200, y: -5000 },
        }
    }
}
