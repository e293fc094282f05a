//! Tests of the plan importers on the real charts, and on hostile input.

use std::collections::{BTreeMap, BTreeSet};

use boxoffice_ledger::plan::{Plan, Point, Seat, SeatKind};
use serde_json::{Value, json};

use super::demo::*;
use super::*;

fn read(value: &Value, fix: Fix) -> Result<Imported, ImportError> {
    read_plan(value.to_string().as_bytes(), fix)
}

fn refused(result: Result<Imported, ImportError>) -> Problems {
    match result {
        Err(ImportError::Invalid(problems)) => problems,
        other => panic!("should be refused with a list: {other:?}"),
    }
}

fn seats(plan: &Plan) -> impl Iterator<Item = &Seat> {
    plan.sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.seats)
}

fn listed(problems: &Problems) -> Vec<(&str, &str)> {
    problems.listed.iter().map(|problem| (problem.pointer.as_str(), problem.code.as_str())).collect()
}

/// What every accepted plan promises.
fn assert_sound(plan: &Plan) {
    assert_eq!(plan.validate(), Ok(()));
    let mut names = BTreeSet::new();
    assert!(
        plan.sections.iter().map(|section| &section.name).chain(plan.areas.iter().map(|area| &area.name)).all(|name| names.insert(name))
    );
    for section in &plan.sections {
        assert_eq!(section.rows.iter().map(|row| &row.name).collect::<BTreeSet<_>>().len(), section.rows.len());
        for row in &section.rows {
            assert_eq!(row.seats.iter().map(|seat| &seat.name).collect::<BTreeSet<_>>().len(), row.seats.len());
            assert!(!row.name.is_empty() && row.seats.iter().all(|seat| !seat.name.is_empty()));
        }
    }
    assert!(
        seats(plan)
            .map(|seat| seat.level)
            .chain(plan.areas.iter().map(|area| area.level))
            .all(|level| usize::from(level.0) < plan.levels.len())
    );
}

#[test]
fn the_stadium_with_double_seats_is_refused_with_the_list_and_the_fix() {
    let problems = refused(read_plan(PRETIX_STADIUM, Fix::None));
    assert_eq!(problems.counts, BTreeMap::from([(Code::DuplicateSeatId, 738 - 318), (Code::DuplicateRow, 60)]));
    assert_eq!((problems.listed.len(), problems.more()), (100, 380));
    assert_eq!(problems.fix(), Some(Fix::Renumber));
    let value: Value = serde_json::from_slice(PRETIX_STADIUM).unwrap();
    for problem in &problems.listed {
        assert!(value.pointer(&problem.pointer).is_some(), "{problem:?}");
    }
    let seat = problems.listed.iter().find(|problem| problem.code == Code::DuplicateSeatId).unwrap();
    assert_eq!(seat.pointer, "/zones/0/rows/6/seats/0");
    assert_eq!(seat.detail, "\"Groundfloor-A-1\" is already at /zones/0/rows/0/seats/0.");
}

#[test]
fn the_same_stadium_renumbered_is_accepted_and_the_changes_are_told() {
    let imported = read_plan(PRETIX_STADIUM, Fix::Renumber).unwrap();
    let plan = &imported.plan;
    assert_sound(plan);
    assert_eq!(seats(plan).count(), 738);
    let names: Vec<&str> = plan.sections.iter().map(|section| section.name.as_str()).collect();
    assert_eq!((names[0], names[1]), ("Ground floor 1", "Ground floor 2"));
    assert!(names.contains(&"First Floor 1"));
    let colors: Vec<(&str, u32)> = plan.levels.iter().map(|level| (level.name.as_str(), level.color)).collect();
    assert_eq!(colors[0], ("Category I", 0xF44336));
    let mut per_level = vec![0; plan.levels.len()];
    seats(plan).for_each(|seat| per_level[usize::from(seat.level.0)] += 1);
    assert_eq!(per_level, [369, 168, 0, 84, 117]);
    // The pitch: 611.67 + 846.88 / 2 across, 661.25 + 349.77 / 2 down.
    assert_eq!(plan.focal, Point { x: 103_511, y: 83_613 });
    // 1261.0567 of the row, 25 of the seat.
    let first = &plan.sections[0].rows[0];
    assert_eq!((first.name.as_str(), first.seats[0].at, first.seats[1].at.x), ("A", Point { x: 126_106, y: 47_885 }, 128_606));
    assert_eq!(imported.warnings.counts[&Code::Renumbered], 1 + plan.sections.len());
    assert!(imported.warnings.listed.iter().any(|notice| notice.detail.contains("738 seats had only 318 distinct")));
    assert_eq!(imported, read_plan(PRETIX_STADIUM, Fix::Renumber).unwrap());
}

#[test]
fn a_chart_without_sections() {
    let imported = read_plan(SEATSIO_CHART, Fix::None).unwrap();
    let plan = &imported.plan;
    assert_sound(plan);
    assert_eq!((plan.name.as_str(), plan.sections.len(), plan.sections[0].name.as_str()), ("Sample chart", 1, "Main"));
    assert_eq!(
        plan.sections[0].rows.iter().map(|row| (row.name.as_str(), row.seats.len())).collect::<Vec<_>>(),
        [("A", 8), ("B", 8), ("C", 8), ("D", 8)]
    );
    assert_eq!(
        plan.levels.iter().map(|level| (level.name.as_str(), level.color)).collect::<Vec<_>>(),
        [("Cat1", 0x87A9CD), ("Cat2", 0x5E42ED), ("Cat3", 0x5E42BB)]
    );
    assert_eq!(
        plan.areas.iter().map(|area| (area.name.as_str(), area.capacity, area.level.0)).collect::<Vec<_>>(),
        [("GA1", 100, 0), ("GA2", 100, 1)]
    );
    assert_eq!((plan.focal, plan.areas[0].at), (Point { x: 22_500, y: 3_323 }, Point { x: 5_322, y: 13_945 }));
    assert_eq!(seats(plan).filter(|seat| seat.kind == SeatKind::Accessible).count(), 1);
    assert_eq!(seats(plan).filter(|seat| seat.level.0 == 1).count(), 16);
}

#[test]
fn a_chart_whose_sections_hold_the_categories() {
    let plan = read_plan(SEATSIO_SECTIONS, Fix::None).unwrap().plan;
    assert_sound(&plan);
    let sections: Vec<_> =
        plan.sections.iter().map(|section| (section.name.as_str(), section.rows.len(), section.rows[0].seats[0].level.0)).collect();
    assert_eq!(sections, [("Section A", 6, 0), ("Section B", 7, 1)]);
    assert_eq!(seats(&plan).count(), 71);
    // 16.25 in the section, which lies at 189.94.
    assert_eq!(plan.sections[1].rows[0].seats[0].at, Point { x: 20_619, y: 4_525 });
}

#[test]
fn the_race_track() {
    let imported = read_plan(SEATSIO_ZONES, Fix::None).unwrap();
    let plan = &imported.plan;
    assert_sound(plan);
    assert_eq!((plan.name.as_str(), seats(plan).count()), ("Race Track", 8_897));
    assert_eq!(
        plan.sections.iter().map(|section| section.name.as_str()).collect::<Vec<_>>(),
        ["Goal Stand 4", "Goal Stand 3", "MT1", "MT3"]
    );
    assert_eq!(plan.focal, Point { x: 1_544_545, y: 1_818_182 });
    assert_eq!(listed(&imported.warnings), [("/zones/list/0/focalPoint", "assumed")]);
    assert_eq!(plan.sections[0].rows[0].seats[0].at, Point { x: 4_041_123, y: 2_299_406 });
    assert_eq!(seats(plan).filter(|seat| seat.level.0 == 1).count(), 2_418 + 3_614);
}

#[test]
fn the_chart_with_errors_is_refused_with_every_one_of_them() {
    let problems = refused(read_plan(SEATSIO_ERRORS, Fix::None));
    assert_eq!(
        listed(&problems),
        [
            ("/subChart/rows/0/seats/3", "missing_category"),
            ("/subChart/rows/0/seats/1", "duplicate_seat"),
            ("/subChart/rows/0/seats/2", "missing_label"),
        ]
    );
    assert_eq!(problems.fix(), None, "a category cannot be guessed");
    assert_eq!(listed(&refused(read_plan(SEATSIO_ERRORS, Fix::Renumber))), [("/subChart/rows/0/seats/3", "missing_category")]);
}

#[test]
fn the_chart_with_errors_needs_only_its_category_and_the_fix() {
    let mut value: Value = serde_json::from_slice(SEATSIO_ERRORS).unwrap();
    value["subChart"]["rows"][0]["seats"][3]["categoryKey"] = json!(9);
    assert_eq!(refused(read(&value, Fix::None)).fix(), Some(Fix::Renumber));
    let imported = read(&value, Fix::Renumber).unwrap();
    assert_sound(&imported.plan);
    let row: Vec<&str> = imported.plan.sections[0].rows[0].seats.iter().map(|seat| seat.name.as_str()).collect();
    assert_eq!(row, ["1", "1.2", "3", "4", "5", "6", "7", "8"]);
    let renumbered: Vec<_> = imported.warnings.listed.iter().filter(|notice| notice.code == Code::Renumbered).collect();
    assert_eq!(
        renumbered.iter().map(|notice| notice.pointer.as_str()).collect::<Vec<_>>(),
        ["/subChart/rows/0/seats/1", "/subChart/rows/0/seats/2"]
    );
}

/// A small chart: one section of one row of `seats`, one area.
fn chart(seats: Value) -> Value {
    let categories =
        json!([{"label": "A", "color": "#112233", "key": 1}, {"label": "B", "color": "#445566", "key": "b", "accessible": true}]);
    let rows = json!([{"label": "R", "seats": seats}]);
    json!({
        "name": "Small",
        "categories": {"list": categories},
        "subChart": {
            "focalPoint": {"x": 0, "y": 0},
            "sections": [{"label": "S", "categoryKey": 1, "topLeft": {"x": 10, "y": 20}, "subChart": {"rows": rows}}],
            "generalAdmissionAreas": [{"label": "G", "capacity": 5, "categoryKey": "b", "points": [{"x": 0, "y": 0}, {"x": 2, "y": 4}]}],
        }
    })
}

fn seat(label: &str) -> Value {
    json!({"label": label, "x": 1, "y": 2})
}

#[test]
fn kinds_of_seats() {
    let flagged = |label: &str, flag: &str| json!({"label": label, "x": 1, "y": 2, flag: true});
    let mut by_category = seat("5");
    by_category["categoryKey"] = json!("b");
    let row = json!([seat("1"), flagged("2", "accessible"), flagged("3", "companionSeat"), flagged("4", "restrictedView"), by_category]);
    let plan = read(&chart(row), Fix::None).unwrap().plan;
    let kinds: Vec<SeatKind> = seats(&plan).map(|seat| seat.kind).collect();
    assert_eq!(kinds, [SeatKind::Standard, SeatKind::Accessible, SeatKind::Companion, SeatKind::Restricted, SeatKind::Accessible]);
    assert_eq!((plan.sections[0].rows[0].seats[0].at, plan.areas[0].at), (Point { x: 1_100, y: 2_200 }, Point { x: 100, y: 200 }));
}

#[test]
fn every_oddity_has_its_pointer_and_code() {
    let base = chart(json!([seat("1"), seat("2")]));
    let cases = [
        ("/subChart/sections/0/subChart/rows/0/seats/0/x", json!(null), "bad_coordinate", ""),
        ("/subChart/sections/0/subChart/rows/0/seats/0/x", json!("1"), "bad_coordinate", ""),
        ("/subChart/sections/0/subChart/rows/0/seats/0/x", json!(1e300), "bad_coordinate", ""),
        ("/subChart/sections/0/subChart/rows/0/seats/0/label", json!({}), "wrong_type", ""),
        ("/subChart/sections/0/subChart/rows/0/seats/0/label", json!("x".repeat(101)), "bad_label", ""),
        ("/subChart/sections/0/subChart/rows/0/seats/0/label", json!("a\u{0}b"), "bad_label", ""),
        (
            "/subChart/sections/0/subChart/rows/0/seats/1/label",
            json!("1"),
            "duplicate_seat",
            "/subChart/sections/0/subChart/rows/0/seats/1",
        ),
        ("/subChart/sections/0/subChart/rows/0/seats/1", json!(5), "wrong_type", ""),
        ("/subChart/sections/0/subChart/rows/0/label", json!("?"), "missing_label", "/subChart/sections/0/subChart/rows/0"),
        ("/subChart/sections/0/subChart/rows", json!("none"), "wrong_type", ""),
        ("/subChart/sections/0/label", json!("G"), "duplicate_section", "/subChart/generalAdmissionAreas/0"),
        ("/subChart/sections/0/categoryKey", json!(7), "unknown_category", ""),
        ("/subChart/sections/0/categoryKey", json!(null), "missing_category", "/subChart/sections/0/subChart/rows/0/seats/0"),
        ("/subChart/sections/0/topLeft/x", json!(19_999_999.5), "bad_coordinate", "/subChart/sections/0/subChart/rows/0/seats/0"),
        ("/subChart/sections", json!(3), "wrong_type", ""),
        ("/subChart/generalAdmissionAreas/0/capacity", json!(0), "bad_capacity", ""),
        ("/subChart/generalAdmissionAreas/0/capacity", json!(-1), "bad_capacity", ""),
        ("/subChart/generalAdmissionAreas/0/capacity", json!(4_294_967_296_u64), "bad_capacity", ""),
        ("/categories/list/1/key", json!(1), "duplicate_category", "/categories/list/1"),
        ("/categories/list/1/key", json!(1.5), "wrong_type", ""),
        ("/name", json!(["x"]), "wrong_type", ""),
    ];
    assert!(read(&base, Fix::None).is_ok());
    for (pointer, odd, code, reported) in cases {
        let mut value = base.clone();
        *value.pointer_mut(pointer).unwrap() = odd.clone();
        let problems = refused(read(&value, Fix::None));
        let reported = if reported.is_empty() { pointer } else { reported };
        assert!(listed(&problems).contains(&(reported, code)), "{pointer} = {odd}: {:?}", problems.listed);
    }
}

#[test]
fn what_a_plan_cannot_express_is_refused() {
    let mut value = chart(json!([seat("1")]));
    value["subChart"]["booths"] = json!([{"label": "B1"}]);
    value["subChart"]["tables"] = json!([{"label": "T1", "bookAsAWhole": true, "seats": []}]);
    value["subChart"]["generalAdmissionAreas"][0]["variableOccupancy"] = json!(true);
    assert_eq!(refused(read(&value, Fix::None)).counts, BTreeMap::from([(Code::Unsupported, 3)]));
}

#[test]
fn seats_that_would_read_the_same_are_refused() {
    let mut value = chart(json!([seat("1-2")]));
    let rows = &mut value["subChart"]["sections"][0]["subChart"]["rows"];
    rows.as_array_mut().unwrap().push(json!({"label": "R-1", "seats": [seat("2")]}));
    assert_eq!(listed(&refused(read(&value, Fix::None))), [("", "duplicate_label")]);
}

#[test]
fn counts_are_bounded() {
    let many: Vec<Value> = (0..2_001).map(|number| seat(&number.to_string())).collect();
    assert_eq!(listed(&refused(read(&chart(json!(many)), Fix::None))), [("/subChart/sections/0/subChart/rows/0", "too_many")]);
    let same: Vec<Value> = (0..1_500).map(|_| seat("1")).collect();
    let problems = refused(read(&chart(json!(same)), Fix::None));
    assert_eq!((problems.listed.len(), problems.more()), (100, 1_399));
    assert_sound(&read(&chart(json!(same)), Fix::Renumber).unwrap().plan);
    assert_eq!(listed(&refused(read(&json!({"zones": []}), Fix::None))), [("", "empty_plan")]);
}

#[test]
fn uploads_that_are_no_plan() {
    assert_eq!(read_plan(&vec![b' '; UPLOAD_BYTES_MAX + 1], Fix::None), Err(ImportError::TooLarge));
    for text in ["", "{", "nonsense", "{\"subChart\":{\"x\":1e999}}", "{\"subChart\":{\"x\":NaN}}", "{\"zones\":[]} {}"] {
        assert!(matches!(read_plan(text.as_bytes(), Fix::None), Err(ImportError::Malformed(_))), "{text}");
    }
    for deep in ["[", "{\"zones\":[", "{\"subChart\":"] {
        assert!(matches!(read_plan(deep.repeat(1_000_000).as_bytes(), Fix::None), Err(ImportError::Malformed(_))));
    }
    for text in ["null", "[]", "7", "{}", "{\"zones\":{}}", "{\"subChart\":[]}"] {
        assert_eq!(read_plan(text.as_bytes(), Fix::None), Err(ImportError::UnknownFormat), "{text}");
    }
    assert!(matches!(read_plan(b"\xff\xfe{}", Fix::None), Err(ImportError::Malformed(_))));
}

/// Every value of the real charts replaced by every kind of value: an answer each time, never a panic.
#[test]
fn no_mutation_of_a_chart_panics() {
    fn pointers(value: &Value, here: String, all: &mut Vec<String>) {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
            Value::Array(items) => items.iter().take(1).enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
            _ => Vec::new(),
        };
        for (step, child) in children {
            let pointer = format!("{here}/{step}");
            all.push(pointer.clone());
            pointers(child, pointer, all);
        }
    }
    let fields = [pretix::FIELDS, seatsio::FIELDS].concat();
    for bytes in [SEATSIO_ERRORS, SEATSIO_SECTIONS] {
        let value = json::parse(bytes, &fields).unwrap();
        let mut all = Vec::new();
        pointers(&value, String::new(), &mut all);
        for pointer in all {
            for odd in [json!(null), json!(-1), json!(1e18), json!(""), json!("?"), json!([[]]), json!({"x": {}}), json!(true)] {
                let mut mutated = value.clone();
                *mutated.pointer_mut(&pointer).unwrap() = odd;
                for fix in [Fix::None, Fix::Renumber] {
                    if let Ok(imported) = read(&mutated, fix) {
                        assert_sound(&imported.plan);
                    }
                }
            }
        }
    }
}

#[test]
fn fixes_are_asked_for_by_name() {
    assert_eq!("renumber".parse(), Ok(Fix::Renumber));
    assert_eq!("none".parse(), Ok(Fix::None));
    assert_eq!("everything".parse::<Fix>(), Err(UnknownFix));
}

#[test]
fn a_bowl_can_be_ordered_by_its_capacity() {
    let imported = read_plan(br#"{"bowl":{"name":"Arena","capacity":5000}}"#, Fix::None).unwrap();
    assert_eq!(imported.plan, bowl::bowl("Arena", 5000).unwrap());
    for bad in [r#"{"bowl":{}}"#, r#"{"bowl":{"capacity":-1}}"#, r#"{"bowl":{"capacity":2147483648}}"#] {
        let Err(ImportError::Invalid(problems)) = read_plan(bad.as_bytes(), Fix::None) else { panic!("{bad}") };
        assert_eq!(problems.listed[0].code, Code::BadCapacity, "{bad}");
    }
}
