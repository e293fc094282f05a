//! The pretix seating-plan layout: zones hold rows, rows hold seats, positions add up, categories go by name.
//!
//! Shapes ("areas") are decoration there; the largest one is taken for the stage or pitch that everyone wants to be close to.

use std::collections::BTreeMap;

use boxoffice_ledger::plan::{Level, LevelIndex, Point, SeatKind};

use super::draft::{self, Draft, RowDraft, SeatDraft, SectionDraft, assumed};
use super::json::At;
use super::problem::{Code, Problems};

/// The fields that are read.
pub(super) const FIELDS: &[&str] = &[
    "areas",
    "categories",
    "category",
    "circle",
    "color",
    "ellipse",
    "height",
    "name",
    "position",
    "radius",
    "rectangle",
    "row_number",
    "rows",
    "seat_guid",
    "seat_number",
    "seats",
    "width",
    "x",
    "y",
    "zones",
];

/// Reads a whole layout; what is wrong goes to `problems`.
pub(super) fn read(root: At<'_>, problems: &mut Problems, notices: &mut Problems) -> Draft {
    let mut draft = Draft { name: root.field("name").label(problems).unwrap_or_else(|| "Seating plan".to_owned()), ..Draft::default() };
    let categories = read_categories(&root, &mut draft.levels, problems, notices);
    let mut largest: Option<(f64, Point)> = None;
    let zones = root.field("zones");
    for zone in zones.items(problems) {
        if !zone.expect_object(problems) {
            continue;
        }
        let origin = position(&zone, (0.0, 0.0), problems);
        let mut section = SectionDraft { name: zone.field("name").label(problems), pointer: zone.pointer(), rows: Vec::new() };
        let rows = zone.field("rows");
        for row in rows.items(problems) {
            if row.expect_object(problems) {
                section.rows.push(read_row(&row, origin, &categories, problems));
            }
        }
        draft.sections.push(section);
        let areas = zone.field("areas");
        for area in areas.items(problems) {
            let at = position(&area, origin, problems);
            let (size, (x, y)) = shape(&area, at);
            if size > largest.map_or(0.0, |(size, _)| size) {
                largest = Some((size, draft::point(&area, x, y, problems)));
            }
        }
    }
    draft.focal = largest.map(|(_, middle)| middle);
    match draft.focal {
        Some(_) => assumed(notices, "", "The layout has no focal point; the middle of its largest shape is taken."),
        None => assumed(notices, "", "The layout has no focal point; the middle of its upper edge is taken."),
    }
    draft
}

fn read_categories(
    root: &At<'_>,
    levels: &mut Vec<Level>,
    problems: &mut Problems,
    notices: &mut Problems,
) -> BTreeMap<String, LevelIndex> {
    let mut categories = BTreeMap::new();
    let list = root.field("categories");
    for category in list.items(problems) {
        let Some(name) = category.field("name").label(problems) else {
            problems.add(Code::MissingLabel, || (category.pointer(), "A category has no name.".to_owned()));
            continue;
        };
        let (color, given) = draft::color(category.field("color").text(problems), levels.len());
        if !given {
            assumed(notices, category.pointer(), format!("The category {name:?} has no color of the form #RRGGBB; one was chosen."));
        }
        let index = LevelIndex(levels.len() as u16);
        if categories.insert(name.clone(), index).is_some() {
            problems.add(Code::DuplicateCategory, || (category.pointer(), format!("{name:?} is defined twice.")));
        }
        levels.push(Level { name, color });
    }
    categories
}

fn read_row(row: &At<'_>, origin: (f64, f64), categories: &BTreeMap<String, LevelIndex>, problems: &mut Problems) -> RowDraft {
    let origin = position(row, origin, problems);
    let mut read = RowDraft { name: row.field("row_number").label(problems), pointer: row.pointer(), seats: Vec::new() };
    let seats = row.field("seats");
    for seat in seats.items(problems) {
        seat.expect_object(problems);
        let (x, y) = position(&seat, origin, problems);
        let category = seat.field("category");
        let level = match category.label(problems) {
            None => {
                problems.add(Code::MissingCategory, || (seat.pointer(), "This seat has no category.".to_owned()));
                LevelIndex(0)
            }
            Some(name) => categories.get(&name).copied().unwrap_or_else(|| {
                problems.add(Code::UnknownCategory, || (category.pointer(), format!("There is no category {name:?}.")));
                LevelIndex(0)
            }),
        };
        let (name, id) = (seat.field("seat_number").label(problems), seat.field("seat_guid").label(problems));
        let at = draft::point(&seat, x, y, problems);
        read.seats.push(SeatDraft { name, id, level, at, kind: SeatKind::Standard });
    }
    read
}

/// Where a part is: its position counts from its parent's. A part without one is at its parent's.
fn position(part: &At<'_>, origin: (f64, f64), problems: &mut Problems) -> (f64, f64) {
    let position = part.field("position");
    if position.is_null() || !position.expect_object(problems) {
        return origin;
    }
    (origin.0 + position.field("x").coordinate(problems), origin.1 + position.field("y").coordinate(problems))
}

/// How large a shape is and where its middle is. It is decoration: what is odd about it counts as nothing.
fn shape(area: &At<'_>, (x, y): (f64, f64)) -> (f64, (f64, f64)) {
    let (rectangle, circle, ellipse) = (area.field("rectangle"), area.field("circle"), area.field("ellipse"));
    let (radii, number) = (ellipse.field("radius"), |at: At<'_>| at.number().unwrap_or(0.0));
    let (width, height) = (number(rectangle.field("width")), number(rectangle.field("height")));
    let radius = number(circle.field("radius"));
    let round = radius * radius + number(radii.field("x")) * number(radii.field("y"));
    (width * height + round * std::f64::consts::PI, (x + width / 2.0, y + height / 2.0))
}
