//! The charts of seats.io: rows and general-admission areas at the top or inside sections, categories by key.
//!
//! A section is placed by its `topLeft`, and its category holds for whatever inside it has none. A table whose seats are sold
//! one by one is read as a row. What a plan cannot express (booths, tables or areas sold as a whole) is a problem, never dropped.

use std::collections::BTreeMap;

use boxoffice_ledger::plan::{AREA_CAPACITY_MAX, Level, LevelIndex, Point, SeatKind};

use super::draft::{self, AreaDraft, Draft, RowDraft, SeatDraft, SectionDraft, assumed};
use super::json::At;
use super::problem::{Code, Problems};

/// The fields that are read.
pub(super) const FIELDS: &[&str] = &[
    "accessible",
    "bookAsAWhole",
    "booths",
    "capacity",
    "categories",
    "categoryAccessible",
    "categoryKey",
    "center",
    "color",
    "companionSeat",
    "focalPoint",
    "generalAdmissionAreas",
    "key",
    "label",
    "list",
    "name",
    "points",
    "restrictedView",
    "rows",
    "seats",
    "sectionLabel",
    "sections",
    "shapes",
    "smartType",
    "subChart",
    "tables",
    "topLeft",
    "variableOccupancy",
    "x",
    "y",
    "zones",
];

/// Where rows go that belong to no section.
const MAIN: &str = "Main";

/// A category as seats see it.
#[derive(Clone, Copy)]
struct Category {
    level: LevelIndex,
    accessible: bool,
}

type Categories = BTreeMap<String, Category>;

/// What a part inherits from the section around it.
#[derive(Clone, Copy, Default)]
struct Around {
    origin: (f64, f64),
    category: Option<Category>,
}

/// Reads a whole chart; what is wrong goes to `problems`.
pub(super) fn read(root: At<'_>, problems: &mut Problems, notices: &mut Problems) -> Draft {
    let mut draft = Draft { name: root.field("name").label(problems).unwrap_or_else(|| "Chart".to_owned()), ..Draft::default() };
    let categories = read_categories(&root, &mut draft.levels, problems, notices);
    let chart = root.field("subChart");
    if !chart.expect_object(problems) {
        return draft;
    }
    read_main(&chart, &categories, &mut draft, problems);
    let sections = chart.field("sections");
    for section in sections.items(problems) {
        if !section.expect_object(problems) {
            continue;
        }
        let around =
            Around { origin: read_point(&section.field("topLeft"), problems), category: category(&section, &categories, None, problems) };
        let inner = section.field("subChart");
        let mut read = SectionDraft { name: section.field("label").label(problems), pointer: section.pointer(), rows: Vec::new() };
        let mut rows = Vec::new();
        read_rows(&inner, around, &categories, &mut rows, problems);
        read.rows.extend(rows.into_iter().map(|(_, row)| row));
        read_areas(&inner, around, &categories, &mut draft.areas, problems);
        draft.sections.push(read);
    }
    draft.focal = focal(&root, &chart, problems, notices);
    draft
}

fn read_categories(root: &At<'_>, levels: &mut Vec<Level>, problems: &mut Problems, notices: &mut Problems) -> Categories {
    let mut categories = Categories::new();
    let outer = root.field("categories");
    let list = outer.field("list");
    for category in list.items(problems) {
        let Some(key) = category.field("key").key(problems) else {
            problems.add(Code::WrongType, || (category.pointer(), "A category has no key.".to_owned()));
            continue;
        };
        let name = category.field("label").label(problems).unwrap_or_else(|| format!("Category {key}"));
        let (color, given) = draft::color(category.field("color").text(problems), levels.len());
        if !given {
            assumed(notices, category.pointer(), format!("The category {name:?} has no color of the form #RRGGBB; one was chosen."));
        }
        let read = Category { level: LevelIndex(levels.len() as u16), accessible: category.field("accessible").flag(problems) };
        if categories.insert(key.clone(), read).is_some() {
            problems.add(Code::DuplicateCategory, || (category.pointer(), format!("The key {key:?} is defined twice.")));
        }
        levels.push(Level { name, color });
    }
    categories
}

/// What stands in no section: rows go to the section they name, or to a common one.
fn read_main(chart: &At<'_>, categories: &Categories, draft: &mut Draft, problems: &mut Problems) {
    let mut rows = Vec::new();
    read_rows(chart, Around::default(), categories, &mut rows, problems);
    for (label, row) in rows {
        let label = label.unwrap_or_else(|| MAIN.to_owned());
        match draft.sections.iter_mut().find(|section| section.name.as_ref() == Some(&label)) {
            Some(section) => section.rows.push(row),
            None => draft.sections.push(SectionDraft { name: Some(label), pointer: chart.pointer(), rows: vec![row] }),
        }
    }
    read_areas(chart, Around::default(), categories, &mut draft.areas, problems);
}

fn read_rows(chart: &At<'_>, around: Around, categories: &Categories, rows: &mut Vec<(Option<String>, RowDraft)>, problems: &mut Problems) {
    for list in ["rows", "tables"] {
        let list = chart.field(list);
        for row in list.items(problems) {
            if row.expect_object(problems) {
                refuse(&row.field("bookAsAWhole"), "A table that is sold as a whole", problems);
                rows.push((row.field("sectionLabel").label(problems), read_row(&row, around, categories, problems)));
            }
        }
    }
    let booths = chart.field("booths");
    if booths.has_items() {
        problems.add(Code::Unsupported, || (booths.pointer(), "A plan has no booths.".to_owned()));
    }
}

fn read_row(row: &At<'_>, around: Around, categories: &Categories, problems: &mut Problems) -> RowDraft {
    let mut read = RowDraft { name: row.field("label").label(problems), pointer: row.pointer(), seats: Vec::new() };
    let seats = row.field("seats");
    for seat in seats.items(problems) {
        seat.expect_object(problems);
        let (x, y) = read_xy(&seat, problems);
        let category = category(&seat, categories, around.category, problems);
        if category.is_none() && seat.field("categoryKey").is_null() {
            problems.add(Code::MissingCategory, || (seat.pointer(), "This seat has no category, nor has its section.".to_owned()));
        }
        read.seats.push(SeatDraft {
            name: seat.field("label").label(problems),
            id: None,
            level: category.map_or(LevelIndex(0), |category| category.level),
            at: draft::point(&seat, around.origin.0 + x, around.origin.1 + y, problems),
            kind: kind(&seat, category.is_some_and(|category| category.accessible), problems),
        });
    }
    read
}

fn kind(seat: &At<'_>, category_accessible: bool, problems: &mut Problems) -> SeatKind {
    let [accessible, by_category, companion, restricted] =
        ["accessible", "categoryAccessible", "companionSeat", "restrictedView"].map(|flag| seat.field(flag).flag(problems));
    if accessible || by_category || category_accessible {
        SeatKind::Accessible
    } else if companion {
        SeatKind::Companion
    } else if restricted {
        SeatKind::Restricted
    } else {
        SeatKind::Standard
    }
}

fn read_areas(chart: &At<'_>, around: Around, categories: &Categories, areas: &mut Vec<AreaDraft>, problems: &mut Problems) {
    let list = chart.field("generalAdmissionAreas");
    for area in list.items(problems) {
        if !area.expect_object(problems) {
            continue;
        }
        refuse(&area.field("bookAsAWhole"), "An area that is sold as a whole", problems);
        refuse(&area.field("variableOccupancy"), "An area of variable occupancy", problems);
        let category = category(&area, categories, around.category, problems);
        if category.is_none() && area.field("categoryKey").is_null() {
            problems.add(Code::MissingCategory, || (area.pointer(), "This area has no category.".to_owned()));
        }
        let capacity = area.field("capacity");
        let people = capacity.whole().filter(|people| (1..=u64::from(AREA_CAPACITY_MAX)).contains(people));
        if people.is_none() {
            problems
                .add(Code::BadCapacity, || (capacity.pointer(), format!("A capacity is a whole number from 1 to {AREA_CAPACITY_MAX}.")));
        }
        let (x, y) = middle(&area, problems);
        areas.push(AreaDraft {
            name: area.field("label").label(problems),
            pointer: area.pointer(),
            capacity: people.unwrap_or(1) as u32,
            level: category.map_or(LevelIndex(0), |category| category.level),
            at: draft::point(&area, around.origin.0 + x, around.origin.1 + y, problems),
        });
    }
}

/// The middle of an area: its centre, or the mean of its corners.
fn middle(area: &At<'_>, problems: &mut Problems) -> (f64, f64) {
    let (center, points) = (area.field("center"), area.field("points"));
    if !center.is_null() {
        return read_xy(&center, problems);
    }
    let corners: Vec<_> = points.items(problems).collect();
    if corners.is_empty() {
        return read_point(&area.field("topLeft"), problems);
    }
    let sum = corners.iter().map(|corner| read_xy(corner, problems)).fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x, sum.1 + y));
    (sum.0 / corners.len() as f64, sum.1 / corners.len() as f64)
}

/// The category of a part, or the one around it if it names none. An unknown one is a problem.
fn category(part: &At<'_>, categories: &Categories, around: Option<Category>, problems: &mut Problems) -> Option<Category> {
    let at = part.field("categoryKey");
    let Some(key) = at.key(problems) else { return around };
    let found = categories.get(&key).copied();
    if found.is_none() {
        problems.add(Code::UnknownCategory, || (at.pointer(), format!("There is no category with the key {key:?}.")));
    }
    found
}

fn refuse(flag: &At<'_>, what: &str, problems: &mut Problems) {
    if flag.flag(problems) {
        problems.add(Code::Unsupported, || (flag.pointer(), format!("{what} has no place in a plan.")));
    }
}

fn read_xy(at: &At<'_>, problems: &mut Problems) -> (f64, f64) {
    (at.field("x").coordinate(problems), at.field("y").coordinate(problems))
}

/// A point that may be absent: then it is the origin.
fn read_point(at: &At<'_>, problems: &mut Problems) -> (f64, f64) {
    if at.is_null() { (0.0, 0.0) } else { read_xy(at, problems) }
}

/// The chart's focal point; else its first zone's; else the middle of its stage.
fn focal(root: &At<'_>, chart: &At<'_>, problems: &mut Problems, notices: &mut Problems) -> Option<Point> {
    let own = chart.field("focalPoint");
    if !own.is_null() {
        let (x, y) = read_xy(&own, problems);
        return Some(draft::point(&own, x, y, problems));
    }
    let outer = root.field("zones");
    let zones = outer.field("list");
    for zone in zones.items(problems) {
        let point = zone.field("focalPoint");
        if !point.is_null() {
            assumed(notices, point.pointer(), "The chart has no focal point of its own; that of its first zone is taken.");
            let (x, y) = read_xy(&point, problems);
            return Some(draft::point(&point, x, y, problems));
        }
    }
    let shapes = chart.field("shapes");
    for shape in shapes.items(problems) {
        let center = shape.field("center");
        if shape.field("smartType").text(problems) == Some("stage") && !center.is_null() {
            assumed(notices, center.pointer(), "The chart has no focal point; the middle of its stage is taken.");
            let (x, y) = read_xy(&center, problems);
            return Some(draft::point(&center, x, y, problems));
        }
    }
    assumed(notices, "", "The chart has no focal point; the middle of its upper edge is taken.");
    None
}
