//! Draws a stadium: up to three tiers of 48 blocks around a football pitch, with exactly as many seats as asked for.
//!
//! Every row is a ring of four straight sides and four quarter circles at its distance from the pitch; a block is a fixed part of
//! a side or corner. The outermost rows are thinned out until the number of seats is right. Drawn in metres.

use std::f64::consts::FRAC_PI_2;
use std::ops::RangeInclusive;

use super::json::At;
use super::problem::{Code, Problems};
use super::{ImportError, Imported};
use boxoffice_ledger::plan::{Level, LevelIndex, Plan, Point, Row, Seat, SeatKind, Section};

/// How many seats a bowl can have.
pub const CAPACITIES: RangeInclusive<u32> = 1_000..=150_000;

/// All lengths are centimetres, the hundredths of the drawing's unit.
const SEAT_WIDTH: f64 = 50.0;
const ROW_DEPTH: f64 = 80.0;
const TIER_GAP: f64 = 300.0;
const AISLE: f64 = 120.0;
/// Half the straight part of the long and of the short side.
const HALF_LONG: f64 = 5_000.0;
const HALF_SHORT: f64 = 3_200.0;
/// How far the first row is from the straight parts' lines.
const FIRST_ROW: f64 = 900.0;
/// Free space around the drawing.
const MARGIN: f64 = 500.0;

/// Sides and corners clockwise from the top left, with their blocks.
const SIDES: [(Side, usize); 8] = [
    (Side::Straight { along: (1.0, 0.0), half: HALF_LONG, away: HALF_SHORT }, 9),
    (Side::Corner { from: 0 }, 5),
    (Side::Straight { along: (0.0, 1.0), half: HALF_SHORT, away: HALF_LONG }, 5),
    (Side::Corner { from: 1 }, 5),
    (Side::Straight { along: (-1.0, 0.0), half: HALF_LONG, away: HALF_SHORT }, 9),
    (Side::Corner { from: 2 }, 5),
    (Side::Straight { along: (0.0, -1.0), half: HALF_SHORT, away: HALF_LONG }, 5),
    (Side::Corner { from: 3 }, 5),
];

/// Tiers from the pitch outwards: name, color of its long sides, color of its ends, wheelchair pairs in the last row of a block.
const TIERS: [(&str, u32, u32, usize); 3] =
    [("Lower tier", 0xC62828, 0xEF6C00, 4), ("Middle tier", 0x6A1B9A, 0x1565C0, 2), ("Upper tier", 0x00838F, 0x2E7D32, 0)];

#[derive(Clone, Copy)]
enum Side {
    /// A straight part: its direction, half its length, its distance from the centre.
    Straight { along: (f64, f64), half: f64, away: f64 },
    /// A quarter circle, clockwise, that begins `from` quarters after straight up.
    Corner { from: u8 },
}

/// A block of every row of a tier.
#[derive(Clone, Copy)]
struct Block {
    side: Side,
    /// Which part of its side, from 0, and of how many.
    part: usize,
    parts: usize,
}

/// The bowl cannot have that many seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a bowl has from {} to {} seats", CAPACITIES.start(), CAPACITIES.end())]
pub struct CapacityOutOfRange;

/// The fields of an order that are read.
pub(super) const FIELDS: &[&str] = &["bowl", "capacity", "name"];

/// Carries an order for a bowl out.
///
/// # Errors
/// When the capacity is missing or not in [`CAPACITIES`].
pub(super) fn read(root: &At<'_>, mut problems: Problems) -> Result<Imported, ImportError> {
    let order = root.field("bowl");
    let name = order.field("name").label(&mut problems).unwrap_or_else(|| "Bowl".to_owned());
    let capacity = order.field("capacity");
    let asked = capacity.whole().and_then(|capacity| u32::try_from(capacity).ok()).unwrap_or(0);
    match bowl(&name, asked) {
        Ok(plan) if problems.total() == 0 => Ok(Imported { plan, warnings: Problems::default() }),
        Ok(_) => Err(ImportError::Invalid(problems)),
        Err(error) => {
            problems.add(Code::BadCapacity, || (capacity.pointer(), error.to_string()));
            Err(ImportError::Invalid(problems))
        }
    }
}

/// Draws a bowl with exactly `capacity` seats. Sections are "101" to "148" in the lower tier, "201".. and "301".. above.
///
/// # Errors
/// `capacity` is not in [`CAPACITIES`].
pub fn bowl(name: &str, capacity: u32) -> Result<Plan, CapacityOutOfRange> {
    if !CAPACITIES.contains(&capacity) {
        return Err(CapacityOutOfRange);
    }
    let blocks: Vec<Block> = SIDES.into_iter().flat_map(|(side, parts)| (0..parts).map(move |part| Block { side, part, parts })).collect();
    let rings = rings(&blocks, capacity as usize);
    let outermost = rings.iter().flatten().map(|ring| ring.radius).fold(0.0, f64::max);
    let center = (HALF_LONG + outermost + MARGIN, HALF_SHORT + outermost + MARGIN);
    let mut plan = Plan { name: name.to_owned(), focal: at(center), ..Plan::default() };
    for (tier, rings) in rings.iter().enumerate().filter(|(_, rings)| !rings.is_empty()) {
        let (tier_name, side_color, end_color, pairs) = TIERS[tier];
        let side = LevelIndex(plan.levels.len() as u16);
        plan.levels.push(Level { name: format!("{tier_name}, long side"), color: side_color });
        plan.levels.push(Level { name: format!("{tier_name}, end"), color: end_color });
        for (number, block) in blocks.iter().enumerate() {
            let level = if block.is_long_side() { side } else { LevelIndex(side.0 + 1) };
            let rows = rings.iter().enumerate().filter(|(_, ring)| ring.seats[number] > 0);
            let mut rows: Vec<Row> =
                rows.map(|(row, ring)| draw_row((row + 1).to_string(), block, ring.radius, ring.seats[number], center, level)).collect();
            if let Some(last) = rows.last_mut() {
                reserve_wheelchairs(&mut last.seats, pairs);
            }
            if !rows.is_empty() {
                plan.sections.push(Section { name: ((tier + 1) * 100 + number + 1).to_string(), rows });
            }
        }
    }
    Ok(plan)
}

/// One row all around the pitch.
struct Ring {
    /// From the straight parts' lines.
    radius: f64,
    /// Of each block.
    seats: Vec<usize>,
}

/// The fewest rows that have room for everybody, thinned out from the outside to the exact number.
fn rings(blocks: &[Block], capacity: usize) -> [Vec<Ring>; 3] {
    let mut rows = 1;
    let mut rings = loop {
        let rings = full_rings(blocks, rows);
        if count(&rings) >= capacity {
            break rings;
        }
        rows += 1;
    };
    let mut surplus = count(&rings) - capacity;
    for ring in rings.iter_mut().rev().flat_map(|tier| tier.iter_mut().rev()) {
        while surplus > 0 && ring.seats.iter().any(|&seats| seats > 0) {
            for seats in ring.seats.iter_mut().filter(|seats| **seats > 0) {
                if surplus > 0 {
                    *seats -= 1;
                    surplus -= 1;
                }
            }
        }
    }
    rings
}

/// So many rows, two fifths of them in the lower tier and one fifth in the middle.
fn full_rings(blocks: &[Block], rows: usize) -> [Vec<Ring>; 3] {
    let (lower, middle) = ((rows * 2).div_ceil(5), rows / 5);
    let mut radius = FIRST_ROW;
    [lower, middle, rows - lower - middle].map(|rows| {
        let ring = |row: usize| {
            let radius = radius + row as f64 * ROW_DEPTH;
            Ring { radius, seats: blocks.iter().map(|block| block.seats(radius)).collect() }
        };
        let tier: Vec<Ring> = (0..rows).map(ring).collect();
        radius += rows as f64 * ROW_DEPTH + TIER_GAP;
        tier
    })
}

fn count(rings: &[Vec<Ring>; 3]) -> usize {
    rings.iter().flatten().flat_map(|ring| &ring.seats).sum()
}

impl Block {
    fn is_long_side(&self) -> bool {
        matches!(self.side, Side::Straight { half, .. } if half == HALF_LONG)
    }

    /// How long its part of a row is.
    fn length(&self, radius: f64) -> f64 {
        let side = match self.side {
            Side::Straight { half, .. } => 2.0 * half,
            Side::Corner { .. } => radius * FRAC_PI_2,
        };
        side / self.parts as f64
    }

    /// How many seats fit into its part of a row.
    fn seats(&self, radius: f64) -> usize {
        ((self.length(radius) - AISLE) / SEAT_WIDTH) as usize
    }

    /// Where a point of its part of a row is, seen from the centre of the pitch.
    fn place(&self, radius: f64, along_block: f64) -> (f64, f64) {
        let distance = self.part as f64 * self.length(radius) + along_block;
        match self.side {
            Side::Straight { along: (x, y), half, away } => {
                let (forward, outward) = (distance - half, away + radius);
                (x * forward + y * outward, y * forward - x * outward)
            }
            Side::Corner { from } => {
                let (sin, cos) = (f64::from(from) * FRAC_PI_2 + distance / radius).sin_cos();
                let x = if from < 2 { HALF_LONG } else { -HALF_LONG };
                let y = if from == 1 || from == 2 { HALF_SHORT } else { -HALF_SHORT };
                (x + radius * sin, y - radius * cos)
            }
        }
    }
}

fn draw_row(name: String, block: &Block, radius: f64, seats: usize, center: (f64, f64), level: LevelIndex) -> Row {
    let first = (block.length(radius) - seats as f64 * SEAT_WIDTH + SEAT_WIDTH) / 2.0;
    let seats = (0..seats).map(|seat| {
        let (x, y) = block.place(radius, first + seat as f64 * SEAT_WIDTH);
        Seat { name: (seat + 1).to_string(), level, at: at((center.0 + x, center.1 + y)), kind: SeatKind::Standard }
    });
    Row { name, seats: seats.collect() }
}

/// Wheelchair spaces, each with a companion's seat beside it, at the beginning of a row.
fn reserve_wheelchairs(seats: &mut [Seat], pairs: usize) {
    for pair in seats.chunks_exact_mut(2).take(pairs) {
        pair[0].kind = SeatKind::Accessible;
        pair[1].kind = SeatKind::Companion;
    }
}

fn at((x, y): (f64, f64)) -> Point {
    Point { x: x.round() as i32, y: y.round() as i32 }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn seats(plan: &Plan) -> impl Iterator<Item = &Seat> {
        plan.sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.seats)
    }

    #[test]
    fn every_capacity_is_met_exactly() {
        for capacity in [1_000, 1_001, 2_345, 18_000, 45_000, 53_500, 82_500, 94_000, 150_000] {
            let plan = bowl("Bowl", capacity).unwrap();
            assert_eq!((seats(&plan).count(), plan.validate()), (capacity as usize, Ok(())));
            assert!(plan.sections.iter().all(|section| section.rows.iter().all(|row| !row.seats.is_empty())));
            assert!(seats(&plan).all(|seat| usize::from(seat.level.0) < plan.levels.len()));
        }
        assert_eq!(bowl("Bowl", 999), Err(CapacityOutOfRange));
        assert_eq!(bowl("Bowl", 150_001), Err(CapacityOutOfRange));
    }

    #[test]
    fn a_world_cup_final_has_a_house() {
        let plan = bowl("MetLife Stadium", 82_500).unwrap();
        let names: Vec<&str> = plan.sections.iter().map(|section| section.name.as_str()).collect();
        assert_eq!((names.len(), names[0], names[47], names[48], names[143]), (144, "101", "148", "201", "348"));
        assert_eq!(plan.levels.len(), 6);
        let mut kinds = BTreeMap::new();
        for seat in seats(&plan) {
            *kinds.entry(format!("{:?}", seat.kind)).or_insert(0) += 1;
        }
        assert_eq!(kinds["Accessible"], 288);
        assert_eq!(kinds["Companion"], 288);
        assert_eq!(plan, bowl("MetLife Stadium", 82_500).unwrap());
    }

    #[test]
    fn seats_stand_beside_each_other_and_nowhere_on_each_other() {
        let plan = bowl("Bowl", 82_500).unwrap();
        let mut cells: BTreeMap<(i32, i32), Vec<Point>> = BTreeMap::new();
        for seat in seats(&plan) {
            assert!(seat.at.x > 0 && seat.at.y > 0);
            let (x, y) = (seat.at.x / 50, seat.at.y / 50);
            for cell in (x - 1..=x + 1).flat_map(|x| (y - 1..=y + 1).map(move |y| (x, y))) {
                for other in cells.get(&cell).into_iter().flatten() {
                    assert!((other.x - seat.at.x).pow(2) + (other.y - seat.at.y).pow(2) >= 45 * 45, "{other:?} {:?}", seat.at);
                }
            }
            cells.entry((x, y)).or_default().push(seat.at);
        }
        for row in plan.sections.iter().flat_map(|section| &section.rows) {
            for pair in row.seats.windows(2) {
                let (x, y) = (pair[1].at.x - pair[0].at.x, pair[1].at.y - pair[0].at.y);
                assert!((45 * 45..=55 * 55).contains(&(x * x + y * y)), "{pair:?}");
            }
        }
    }

    #[test]
    fn the_best_seats_are_at_the_long_side_of_the_lower_tier() {
        let plan = bowl("Bowl", 82_500).unwrap();
        let distance = |seat: &&Seat| {
            let (x, y) = (i64::from(seat.at.x - plan.focal.x), i64::from(seat.at.y - plan.focal.y));
            x * x + y * y
        };
        let best = seats(&plan).min_by_key(distance).unwrap();
        assert_eq!(plan.levels[usize::from(best.level.0)].name, "Lower tier, long side");
        let names: BTreeSet<&str> = plan.levels.iter().map(|level| level.name.as_str()).collect();
        assert_eq!(names.len(), 6);
    }
}
