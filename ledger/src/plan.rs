//! A seating plan: what a venue's house looks like, immutable once it has a hash.
//!
//! Seats get dense indexes in plan order: section by section, row by row, seat by seat. Every other part of the system
//! names a seat by that index; labels are for people.

use alloc::string::String;
use alloc::vec::Vec;

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
