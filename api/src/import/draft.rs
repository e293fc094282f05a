//! A plan being read: as `boxoffice_ledger::plan::Plan`, but labels may be missing or double and every part knows where it came from.

use std::collections::btree_map::{BTreeMap, Entry};

use boxoffice_ledger::plan::{
    Area, LEVELS_MAX, Level, LevelIndex, Plan, PlanProblem, Point, Row, SEATS_MAX, SECTIONS_MAX, Seat, SeatKind, Section,
};

use super::json::{At, COORDINATE_MAX};
use super::problem::{Code, Problems};

/// Most rows in a section, and most seats in a row.
const ROW_MAX: usize = 2_000;

/// What a level is painted in when the upload does not say.
const PALETTE: [u32; 6] = [0x2E7D32, 0x1565C0, 0xC62828, 0x6A1B9A, 0xEF6C00, 0x00838F];

#[derive(Default)]
pub(super) struct Draft {
    pub name: String,
    pub levels: Vec<Level>,
    pub sections: Vec<SectionDraft>,
    pub areas: Vec<AreaDraft>,
    pub focal: Option<Point>,
}

pub(super) struct SectionDraft {
    pub name: Option<String>,
    pub pointer: String,
    pub rows: Vec<RowDraft>,
}

pub(super) struct RowDraft {
    pub name: Option<String>,
    pub pointer: String,
    pub seats: Vec<SeatDraft>,
}

/// A seat; its pointer is its row's and its position there.
pub(super) struct SeatDraft {
    pub name: Option<String>,
    /// An identifier that the format holds to be unique in the whole upload.
    pub id: Option<String>,
    pub level: LevelIndex,
    pub at: Point,
    pub kind: SeatKind,
}

pub(super) struct AreaDraft {
    pub name: Option<String>,
    pub pointer: String,
    pub capacity: u32,
    pub level: LevelIndex,
    pub at: Point,
}

impl RowDraft {
    pub fn seat_pointer(&self, position: usize) -> String {
        format!("{}/seats/{position}", self.pointer)
    }
}

/// Coordinates of a part, in hundredths of the drawing's unit. Sums of coordinates may leave the drawing: a problem.
pub(super) fn point(part: &At<'_>, x: f64, y: f64, problems: &mut Problems) -> Point {
    if x.abs() > COORDINATE_MAX || y.abs() > COORDINATE_MAX {
        problems.add(Code::BadCoordinate, || (part.pointer(), "This lies outside of what can be drawn.".to_owned()));
    }
    Point { x: (x * 100.0).round() as i32, y: (y * 100.0).round() as i32 }
}

/// Reads "#RRGGBB" or "#RGB". For anything else the palette answers by `position`.
pub(super) fn color(text: Option<&str>, position: usize) -> (u32, bool) {
    let fallback = (PALETTE[position % PALETTE.len()], false);
    let Some(digits) = text.and_then(|text| text.strip_prefix('#')) else { return fallback };
    match (digits.len(), u32::from_str_radix(digits, 16)) {
        (6, Ok(rgb)) if !digits.starts_with('+') => (rgb, true),
        (3, Ok(rgb)) if !digits.starts_with('+') => {
            let (red, green, blue) = (rgb >> 8, rgb >> 4 & 0xF, rgb & 0xF);
            (red * 0x11_0000 + green * 0x1100 + blue * 0x11, true)
        }
        _ => fallback,
    }
}

/// Says that something was left out or chosen by default.
pub(super) fn assumed(notices: &mut Problems, pointer: impl Into<String>, detail: impl Into<String>) {
    notices.add(Code::Assumed, || (pointer.into(), detail.into()));
}

/// Remembers where a label was first seen; a second one is a problem.
fn unique<'a>(seen: &mut BTreeMap<&'a str, String>, label: &'a str, pointer: String, code: Code, problems: &mut Problems) {
    match seen.entry(label) {
        Entry::Vacant(entry) => {
            entry.insert(pointer);
        }
        Entry::Occupied(entry) => problems.add(code, || (pointer, format!("{label:?} is already at {}.", entry.get()))),
    }
}

impl Draft {
    /// How many seats there are.
    pub fn seat_count(&self) -> usize {
        self.sections.iter().flat_map(|section| &section.rows).map(|row| row.seats.len()).sum()
    }

    /// Leaves out rows and sections without seats, and says so.
    pub fn drop_empty(&mut self, notices: &mut Problems) {
        for section in &mut self.sections {
            section.rows.retain(|row| {
                if row.seats.is_empty() {
                    assumed(notices, row.pointer.clone(), "A row without seats was left out.");
                }
                !row.seats.is_empty()
            });
        }
        self.sections.retain(|section| {
            if section.rows.is_empty() {
                assumed(notices, section.pointer.clone(), "A section without seats was left out.");
            }
            !section.rows.is_empty()
        });
        let mut used = vec![false; self.levels.len()];
        let seats = self.sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.seats);
        for level in seats.map(|seat| seat.level).chain(self.areas.iter().map(|area| area.level)) {
            if let Some(used) = used.get_mut(usize::from(level.0)) {
                *used = true;
            }
        }
        for (level, _) in self.levels.iter().zip(used).filter(|(_, used)| !used) {
            assumed(notices, "", format!("No seat or area has the category {:?}; it was kept.", level.name));
        }
    }

    /// Finds everything that keeps this from being a plan.
    pub fn check(&self, problems: &mut Problems) {
        self.check_counts(problems);
        let mut names = BTreeMap::new();
        let sections = self.sections.iter().map(|section| (&section.name, &section.pointer));
        for (name, pointer) in sections.chain(self.areas.iter().map(|area| (&area.name, &area.pointer))) {
            match name {
                Some(name) => unique(&mut names, name, pointer.clone(), Code::DuplicateSection, problems),
                None => missing(problems, || pointer.clone()),
            }
        }
        for section in &self.sections {
            section.check(problems);
        }
        let mut ids = BTreeMap::new();
        for row in self.sections.iter().flat_map(|section| &section.rows) {
            for (position, seat) in row.seats.iter().enumerate() {
                if let Some(id) = &seat.id {
                    unique(&mut ids, id, row.seat_pointer(position), Code::DuplicateSeatId, problems);
                }
            }
        }
    }

    fn check_counts(&self, problems: &mut Problems) {
        let mut at_most = |count: usize, limit: usize, what: &str, pointer: &str| {
            if count > limit {
                problems.add(Code::TooMany, || (pointer.to_owned(), format!("{count} {what}; a plan can have {limit}.")));
            }
        };
        at_most(self.levels.len(), LEVELS_MAX, "categories", "/categories");
        at_most(self.sections.len(), SECTIONS_MAX, "sections", "");
        at_most(self.areas.len(), SECTIONS_MAX, "areas", "");
        at_most(self.seat_count(), SEATS_MAX as usize, "seats", "");
        for section in &self.sections {
            at_most(section.rows.len(), ROW_MAX, "rows in a section", &section.pointer);
            for row in &section.rows {
                at_most(row.seats.len(), ROW_MAX, "seats in a row", &row.pointer);
            }
        }
        if self.sections.is_empty() && self.areas.is_empty() {
            problems.add(Code::EmptyPlan, || (String::new(), "There is neither a seat nor an area.".to_owned()));
        }
    }

    /// The plan. To be called when [`Draft::check`] found nothing; what the ledger would refuse for reasons of its own is a problem.
    pub fn into_plan(self, problems: &mut Problems) -> Plan {
        let focal = self.focal.unwrap_or_else(|| self.front_middle());
        let sections = self.sections.into_iter().map(|section| Section {
            name: section.name.unwrap_or_default(),
            rows: section.rows.into_iter().map(RowDraft::into_row).collect(),
        });
        let areas = self.areas.into_iter().map(|area| Area {
            name: area.name.unwrap_or_default(),
            capacity: area.capacity,
            level: area.level,
            at: area.at,
        });
        let plan = Plan { name: self.name, levels: self.levels, sections: sections.collect(), areas: areas.collect(), focal };
        for problem in plan.validate().err().into_iter().flatten() {
            let code = if matches!(problem, PlanProblem::DuplicateLabel { .. }) { Code::DuplicateLabel } else { Code::Unsupported };
            problems.add(code, || (String::new(), format!("In the finished plan {problem}.")));
        }
        plan
    }

    /// The middle of the upper edge of everything drawn: where a stage usually is.
    fn front_middle(&self) -> Point {
        let seats = self.sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.seats).map(|seat| seat.at);
        let points = seats.chain(self.areas.iter().map(|area| area.at));
        let start = (i32::MAX, i32::MIN, i32::MAX);
        let (left, right, top) = points.fold(start, |(left, right, top), at| (left.min(at.x), right.max(at.x), top.min(at.y)));
        if left > right {
            return Point::default();
        }
        Point { x: ((i64::from(left) + i64::from(right)) / 2) as i32, y: top }
    }
}

impl SectionDraft {
    fn check(&self, problems: &mut Problems) {
        let mut rows = BTreeMap::new();
        for row in &self.rows {
            match &row.name {
                Some(name) => unique(&mut rows, name, row.pointer.clone(), Code::DuplicateRow, problems),
                None => missing(problems, || row.pointer.clone()),
            }
            let mut seats = BTreeMap::new();
            for (position, seat) in row.seats.iter().enumerate() {
                match &seat.name {
                    Some(name) => unique(&mut seats, name, row.seat_pointer(position), Code::DuplicateSeat, problems),
                    None => missing(problems, || row.seat_pointer(position)),
                }
            }
        }
    }
}

impl RowDraft {
    fn into_row(self) -> Row {
        let seats = self.seats.into_iter().map(|seat| Seat {
            name: seat.name.unwrap_or_default(),
            level: seat.level,
            at: seat.at,
            kind: seat.kind,
        });
        Row { name: self.name.unwrap_or_default(), seats: seats.collect() }
    }
}

fn missing(problems: &mut Problems, pointer: impl FnOnce() -> String) {
    problems.add(Code::MissingLabel, || (pointer(), "This has no label.".to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors() {
        assert_eq!(color(Some("#87A9CD"), 0), (0x87A9CD, true));
        assert_eq!(color(Some("#fa0"), 0), (0xFFAA00, true));
        for odd in [None, Some(""), Some("red"), Some("#12345"), Some("#+12345"), Some("#gggggg")] {
            assert_eq!(color(odd, 7), (PALETTE[1], false), "{odd:?}");
        }
    }

    #[test]
    fn points_are_rounded_to_hundredths() {
        let (value, mut problems) = (serde_json::Value::Null, Problems::default());
        let mut at = |x, y| point(&At::root(&value), x, y, &mut problems);
        assert_eq!(at(151.94, -0.126), Point { x: 15_194, y: -13 });
        assert_eq!(at(20_000_000.0, -20_000_000.0), Point { x: 2_000_000_000, y: -2_000_000_000 });
        at(60_000_000.0, 0.0);
        assert_eq!(problems.counts, BTreeMap::from([(Code::BadCoordinate, 1)]));
    }
}
