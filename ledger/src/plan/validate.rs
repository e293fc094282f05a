//! What can be wrong with a plan: all of it at once, so that whoever draws one sees everything to be mended.

use alloc::collections::BTreeMap;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::index::label_of;
use super::{AREA_CAPACITY_MAX, LEVELS_MAX, LevelIndex, NAME_BYTES_MAX, Plan, Row, SEATS_MAX, SECTIONS_MAX, Section};

/// One thing that is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlanProblem {
    /// It has neither seats nor places.
    Empty,
    /// It has more seats, sections, areas or levels than it may.
    TooMany {
        /// Of what: "seats", "sections", "areas", "levels".
        what: &'static str,
        /// How many it has.
        count: usize,
        /// How many it may have.
        most: usize,
    },
    /// A name is longer than [`NAME_BYTES_MAX`] bytes.
    NameTooLong {
        /// What has it, and how the name begins.
        place: String,
    },
    /// A section, an area or a seat without a name.
    NameMissing {
        /// Which one, by its position.
        place: String,
    },
    /// Sections or areas of the same name.
    DuplicatePlace {
        /// The name.
        name: String,
    },
    /// Rows of the same name in one section.
    DuplicateRow {
        /// The section.
        section: String,
        /// The name.
        row: String,
    },
    /// Seats of the same name in one row.
    DuplicateSeat {
        /// The section.
        section: String,
        /// The row.
        row: String,
        /// The name.
        seat: String,
        /// How many seats have it.
        count: usize,
    },
    /// Seats of different rows whose label `SECTION-ROW-SEAT` reads the same.
    DuplicateLabel {
        /// The label.
        label: String,
    },
    /// A price level that the plan does not have.
    LevelOutOfRange {
        /// The row or area that points at it.
        place: String,
        /// The level.
        level: LevelIndex,
    },
    /// An area for nobody, or for more than [`AREA_CAPACITY_MAX`].
    AreaCapacity {
        /// The area.
        area: String,
        /// Its capacity.
        capacity: u32,
    },
}

impl fmt::Display for PlanProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the plan has neither seats nor places"),
            Self::TooMany { what, count, most } => write!(f, "{count} {what}, at most {most} are possible"),
            Self::NameTooLong { place } => write!(f, "the name of {place} is longer than {NAME_BYTES_MAX} bytes"),
            Self::NameMissing { place } => write!(f, "{place} has no name"),
            Self::DuplicatePlace { name } => write!(f, "more than one section or area is named {name:?}"),
            Self::DuplicateRow { section, row } => write!(f, "section {section:?} has more than one row {row:?}"),
            Self::DuplicateSeat { section, row, seat, count } => {
                write!(f, "section {section:?}, row {row:?} has {count} seats named {seat:?}")
            }
            Self::DuplicateLabel { label } => write!(f, "more than one seat reads {label:?}"),
            Self::LevelOutOfRange { place, level } => write!(f, "{place} points at price level {}, which is missing", level.0),
            Self::AreaCapacity { area, capacity } => {
                write!(f, "area {area:?} holds {capacity}; 1 to {AREA_CAPACITY_MAX} is possible")
            }
        }
    }
}

impl Plan {
    /// Checks the plan.
    ///
    /// # Errors
    /// Every problem there is, in the plan's order.
    pub fn validate(&self) -> Result<(), Vec<PlanProblem>> {
        let mut check = Check { plan: self, problems: Vec::new() };
        check.sizes();
        check.places();
        self.sections.iter().for_each(|section| check.section(section));
        if check.problems.is_empty() {
            check.labels();
        }
        if check.problems.is_empty() { Ok(()) } else { Err(check.problems) }
    }
}

struct Check<'a> {
    plan: &'a Plan,
    problems: Vec<PlanProblem>,
}

impl Check<'_> {
    fn sizes(&mut self) {
        let seats = self.plan.seat_count();
        if seats == 0 && self.plan.areas.is_empty() {
            self.problems.push(PlanProblem::Empty);
        }
        let counts = [
            ("seats", seats as usize, SEATS_MAX as usize),
            ("sections", self.plan.sections.len(), SECTIONS_MAX),
            ("areas", self.plan.areas.len(), SECTIONS_MAX),
            ("levels", self.plan.levels.len(), LEVELS_MAX),
        ];
        let over = counts.into_iter().filter(|(_, count, most)| count > most);
        self.problems.extend(over.map(|(what, count, most)| PlanProblem::TooMany { what, count, most }));
        self.name("plan", &self.plan.name, false);
        self.plan.levels.iter().for_each(|level| self.name("level", &level.name, false));
    }

    fn places(&mut self) {
        let names: Vec<&str> = self.plan.sections.iter().map(|section| section.name.as_str()).collect();
        let names = names.into_iter().chain(self.plan.areas.iter().map(|area| area.name.as_str()));
        let duplicates = repeated(names).into_iter().filter(|(name, _)| !name.is_empty());
        self.problems.extend(duplicates.map(|(name, _)| PlanProblem::DuplicatePlace { name: name.into() }));
        for area in &self.plan.areas {
            self.name("area", &area.name, true);
            self.level(area.level, || alloc::format!("area {:?}", area.name));
            if area.capacity == 0 || area.capacity > AREA_CAPACITY_MAX {
                self.problems.push(PlanProblem::AreaCapacity { area: area.name.clone(), capacity: area.capacity });
            }
        }
    }

    fn section(&mut self, section: &Section) {
        self.name("section", &section.name, true);
        for (row, _) in repeated(section.rows.iter().map(|row| row.name.as_str())) {
            self.problems.push(PlanProblem::DuplicateRow { section: section.name.clone(), row: row.into() });
        }
        section.rows.iter().for_each(|row| self.row(section, row));
    }

    fn row(&mut self, section: &Section, row: &Row) {
        self.name("row", &row.name, false);
        for (seat, count) in repeated(row.seats.iter().map(|seat| seat.name.as_str())) {
            let (section, row, seat) = (section.name.clone(), row.name.clone(), seat.into());
            self.problems.push(PlanProblem::DuplicateSeat { section, row, seat, count });
        }
        let mut levels = BTreeSet::new();
        for seat in &row.seats {
            self.name("seat", &seat.name, true);
            if levels.insert(seat.level) {
                self.level(seat.level, || alloc::format!("section {:?}, row {:?}", section.name, row.name));
            }
        }
    }

    /// Two different places can still read the same: section "A-1", row "2" and section "A", row "1-2".
    fn labels(&mut self) {
        let dashes = |name: &str| name.contains('-');
        let risky = self.plan.sections.iter().any(|section| {
            dashes(&section.name) || section.rows.iter().any(|row| dashes(&row.name) || row.seats.iter().any(|seat| dashes(&seat.name)))
        });
        if !risky {
            return;
        }
        let mut labels = Vec::with_capacity(self.plan.seat_count() as usize);
        for section in &self.plan.sections {
            let seats = section.rows.iter().flat_map(|row| row.seats.iter().map(move |seat| (row, seat)));
            labels.extend(seats.map(|(row, seat)| label_of(section, row, seat)));
        }
        let duplicates = repeated(labels.iter().map(String::as_str));
        self.problems.extend(duplicates.into_iter().map(|(label, _)| PlanProblem::DuplicateLabel { label: label.into() }));
    }

    fn name(&mut self, what: &str, name: &str, needed: bool) {
        if name.len() > NAME_BYTES_MAX {
            let start: String = name.chars().take(20).collect();
            self.problems.push(PlanProblem::NameTooLong { place: alloc::format!("{what} {start:?}...") });
        } else if needed && name.is_empty() {
            self.problems.push(PlanProblem::NameMissing { place: alloc::format!("a {what}") });
        }
    }

    fn level(&mut self, level: LevelIndex, place: impl FnOnce() -> String) {
        if usize::from(level.0) >= self.plan.levels.len() {
            self.problems.push(PlanProblem::LevelOutOfRange { place: place(), level });
        }
    }
}

/// The names that come more than once, and how often.
fn repeated<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(&'a str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    counts.into_iter().filter(|&(_, count)| count > 1).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::small;
    use super::*;
    use crate::plan::{Area, Point, Seat, SeatKind};
    use alloc::string::ToString;
    use alloc::vec;

    #[test]
    fn a_sound_plan_has_no_problems() {
        assert_eq!(small().validate(), Ok(()));
        assert_eq!((small().seat_count(), small().capacity()), (7, 507));
    }

    #[test]
    fn all_problems_are_listed_at_once() {
        let mut plan = small();
        plan.sections[0].rows[1].name = "A".to_string();
        plan.sections[0].rows[0].seats[1].name = "1".to_string();
        plan.sections[0].rows[0].seats[2].name = "1".to_string();
        plan.sections[1].name = "Floor".to_string();
        plan.sections[1].rows[0].seats[0].level = LevelIndex(9);
        plan.sections[1].rows[0].seats[1].name = String::new();
        plan.areas[0].capacity = 0;
        plan.levels[0].name = "x".repeat(121);
        let problems: Vec<String> = plan.validate().unwrap_err().iter().map(ToString::to_string).collect();
        let expected = [
            "the name of level \"xxxxxxxxxxxxxxxxxxxx\"... is longer than 120 bytes",
            "more than one section or area is named \"Floor\"",
            "area \"Floor\" holds 0; 1 to 10000000 is possible",
            "section \"Stalls\" has more than one row \"A\"",
            "section \"Stalls\", row \"A\" has 3 seats named \"1\"",
            "section \"Floor\", row \"A\" points at price level 9, which is missing",
            "a seat has no name",
        ];
        assert_eq!(problems, expected);
    }

    #[test]
    fn emptiness_size_and_ambiguous_labels_are_problems() {
        assert_eq!(Plan::default().validate(), Err(vec![PlanProblem::Empty]));
        let seat = |name: usize| Seat { name: name.to_string(), level: LevelIndex(0), at: Point::default(), kind: SeatKind::Standard };
        let mut plan = small();
        plan.sections[0].rows[0].seats = (0..200_001).map(seat).collect();
        plan.areas = vec![Area { capacity: 1, ..Area::default() }; 4_001];
        let problems = plan.validate().unwrap_err();
        assert_eq!(problems[0], PlanProblem::TooMany { what: "seats", count: 200_005, most: 200_000 });
        assert_eq!(problems[1], PlanProblem::TooMany { what: "areas", count: 4_001, most: 4_000 });

        let mut plan = small();
        plan.sections[0].name = "S".to_string();
        plan.sections[0].rows[0].name = "1-A".to_string();
        plan.sections[1].name = "S-1".to_string();
        let labels = ["S-1-A-1", "S-1-A-2"].map(|label| PlanProblem::DuplicateLabel { label: label.to_string() });
        assert_eq!(plan.validate(), Err(labels.to_vec()));
    }
}
